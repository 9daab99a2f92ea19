/**
 * What each message asks of the session and how it is answered once that is done. Ordering, errors
 * and the connection's life are the connection's; here is one message at a time.
 */
import { sqlError } from '../base/errors.js';
import type { SqlSession } from '../sql/session-api.js';
import { writeParameterDescription, writeReadyForQuery, writeRowDescription } from './backend-messages.js';
import { decodeBind, decodeEmpty, decodeExecute, decodeParse, decodeQuery, decodeTarget } from './codec.js';
import type { PgWireMetrics } from './limits.js';
import type { Output } from './output.js';
import { Backend, Frontend } from './protocol.js';
import { checkFormats, type ColumnEncoder, type RowEncoders } from './row-encoder.js';
import type { WireSink } from './sink.js';
import type { WireWriter } from './wire-writer.js';

const NO_FORMATS: readonly number[] = [];

interface PortalState {
  readonly formats: readonly number[];
  /** undefined: not looked up yet; null: returns no rows. */
  encoders: readonly ColumnEncoder[] | null | undefined;
}

export class Dispatcher {
  readonly #session: SqlSession;
  readonly #sink: WireSink;
  readonly #output: Output;
  readonly #writer: WireWriter;
  readonly #encoders: RowEncoders;
  readonly #metrics: PgWireMetrics;
  readonly #portals = new Map<string, PortalState>();
  #pendingPortal = '';
  #pendingFormats: readonly number[] = NO_FORMATS;
  /** The current message's call has reached the session, which then undoes it itself on error. */
  inSession = false;

  constructor(session: SqlSession, sink: WireSink, output: Output, encoders: RowEncoders, metrics: PgWireMetrics) {
    this.#session = session;
    this.#sink = sink;
    this.#output = output;
    this.#writer = output.writer;
    this.#encoders = encoders;
    this.#metrics = metrics;
  }

  /**
   * Begins a message; `undefined` when the session is done with it already. `followingType` is the
   * next message's, -1 if unknown.
   */
  begin(type: number, body: Buffer, followingType: number): void | Promise<void> {
    this.inSession = false;
    const session = this.#session;
    this.#writer.encoding = session.clientEncoding;
    switch (type) {
      case Frontend.bind:
        return this.#bind(body);
      case Frontend.execute:
        return this.#execute(body, followingType);
      case Frontend.sync:
        decodeEmpty(body);
        this.inSession = true;
        return session.sync();
      case Frontend.query: {
        const text = decodeQuery(body, this.#writer.encoding);
        this.#metrics.simpleQueries++;
        this.#sink.openSimple();
        this.inSession = true;
        return session.simpleQuery(text, this.#sink);
      }
      case Frontend.parse: {
        const message = decodeParse(body, this.#writer.encoding);
        this.inSession = true;
        return session.parse(message.name, message.text, message.parameterOids);
      }
      case Frontend.describe:
        return this.#describe(body);
      case Frontend.close: {
        const message = decodeTarget(body, 'CLOSE', this.#writer.encoding);
        this.inSession = true;
        if (message.target === 'statement') return session.closeStatement(message.name);
        this.#portals.delete(message.name);
        return session.closePortal(message.name);
      }
      case Frontend.flush:
        decodeEmpty(body);
        this.#output.markDue();
        return undefined;
      case Frontend.functionCall:
        throw sqlError('0A000', 'the function call protocol is not supported', {
          hint: 'Call the function in a SELECT.',
        });
      default:
        // Copy messages after a COPY that failed: the client did not know yet.
        return undefined;
    }
  }

  /** Answers a message whose work is done. */
  finish(type: number): void {
    switch (type) {
      case Frontend.bind:
        return this.#bound();
      case Frontend.parse:
        return this.#writer.empty(Backend.parseComplete);
      case Frontend.close:
        return this.#writer.empty(Backend.closeComplete);
      default:
        return undefined;
    }
  }

  ready(): void {
    const status = this.#session.transactionStatus;
    // Portals end with their transaction.
    if (status === 'I' && this.#portals.size > 0) this.#portals.clear();
    writeReadyForQuery(this.#writer, status);
    this.#output.markDue();
  }

  #bind(body: Buffer): void | Promise<void> {
    const message = decodeBind(body, this.#writer.encoding);
    this.#pendingPortal = message.portal;
    this.#pendingFormats = message.resultFormats;
    this.inSession = true;
    return this.#session.bind(message.portal, message.statement, message.parameters);
  }

  #bound(): void {
    const formats = this.#pendingFormats;
    if (formats.length > 1) {
      const columns = this.#session.describePortal(this.#pendingPortal);
      this.inSession = false;
      checkFormats(columns ?? [], formats);
    }
    this.#portals.set(this.#pendingPortal, { formats, encoders: undefined });
    this.#writer.empty(Backend.bindComplete);
  }

  #execute(body: Buffer, followingType: number): Promise<void> {
    const message = decodeExecute(body, this.#writer.encoding);
    this.#metrics.executes++;
    const portal = this.#portals.get(message.portal) ?? {
      formats: NO_FORMATS,
      encoders: undefined,
    };
    if (portal.encoders === undefined) {
      this.inSession = true;
      const columns = this.#session.describePortal(message.portal);
      this.inSession = false;
      portal.encoders = columns === null ? null : this.#encoders.for(columns, portal.formats);
    }
    this.#sink.openPortal(portal.encoders);
    this.inSession = true;
    const syncFollows = followingType === -1 ? undefined : followingType === Frontend.sync;
    return this.#session.execute(message.portal, message.maxRows, this.#sink, syncFollows);
  }

  #describe(body: Buffer): void {
    const message = decodeTarget(body, 'DESCRIBE', this.#writer.encoding);
    this.inSession = true;
    if (message.target === 'portal') {
      const columns = this.#session.describePortal(message.name);
      const formats = this.#portals.get(message.name)?.formats ?? NO_FORMATS;
      if (columns === null) this.#writer.empty(Backend.noData);
      else writeRowDescription(this.#writer, columns, formats);
      return;
    }
    const info = this.#session.describeStatement(message.name);
    writeParameterDescription(this.#writer, info.parameterOids);
    if (info.columns === null) this.#writer.empty(Backend.noData);
    else writeRowDescription(this.#writer, info.columns, NO_FORMATS);
  }
}

/** Messages after which the client waits for ReadyForQuery, error or not. */
export function answersReady(type: number): boolean {
  return type === Frontend.query || type === Frontend.sync || type === Frontend.functionCall;
}
