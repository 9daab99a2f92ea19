/**
 * Keeps clients connected while the node behind them is replaced: the wire server of a cluster's
 * member talks to this SqlServer, whose sessions pass every call on to a session of the node that is
 * there at the moment. `reset()` puts a new node in its place; a plain start, stop or kill does not.
 *
 * What a session keeps over a replacement: its settings (SET), its prepared statements (planned again, for
 * the catalog as it is then, when next used), the channels that it listens on, its place in the client's protocol.
 * What it loses, because it belonged to the data that are gone: its transaction, portals, cursors,
 * and locks.
 *
 * Invariants
 * - No call reaches a session of a node that was replaced, and no success of one that was under way in
 *   it is reported: the client gets 40001, also when the old node had already carried it out.
 * - A client that had a transaction open learns of its end with the next statement (40001), and its
 *   session is in a failed transaction until it rolls back: it cannot go on in a new one unawares.
 *   COMMIT fails as well; ROLLBACK succeeds.
 * - While the nodes are exchanged (`suspend` to `resume`) calls wait.
 *
 * Limit: pg_backend_pid() tells the present node's id; cancel requests go by the one that the client
 * was given when it connected.
 */
import { assert } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type {
  Notification,
  ParameterValue,
  PreparedInfo,
  ResultColumn,
  ResultSink,
  SessionOptions,
  SqlServer,
  SqlSession,
  TransactionStatus,
} from '../sql/session-api.js';
import { NO_SINK } from '../sql/session/no-sink.js';
import { Prepared } from '../sql/session/portal.js';
import { Session } from '../sql/session/session.js';
import type { TextEncoding } from '../sql/types/encodings.js';
import type { FormatContext } from '../sql/types/type-info.js';

const ROLLBACK = /^\s*(?:rollback|abort)\s*(?:work|transaction)?\s*;?\s*$/i;

/** What a client gets whose statement or transaction was overtaken by a reset. */
export function resetError(): QuoralError {
  return new QuoralError('40001', 'the cluster was reset to an earlier state', {
    retry: 'transaction',
    fields: {
      detail: 'What this statement or its transaction had done is gone, whether or not it had been carried out.',
      hint: 'Run the transaction again. A test that resets the cluster should wait for its own work first.',
    },
  });
}

/** Sessions of all members by the process id that their clients know. */
export class SessionRegistry {
  readonly #byProcess = new Map<number, Set<FrontSession>>();

  add(session: FrontSession): void {
    const set = this.#byProcess.get(session.processId);
    if (set === undefined) this.#byProcess.set(session.processId, new Set([session]));
    else set.add(session);
  }

  delete(session: FrontSession): void {
    const set = this.#byProcess.get(session.processId);
    set?.delete(session);
    if (set?.size === 0) this.#byProcess.delete(session.processId);
  }

  get size(): number {
    return this.#byProcess.size;
  }

  cancel(processId: number, secretKey: number): void {
    for (const session of this.#byProcess.get(processId) ?? []) {
      if (session.secretKey === secretKey) session.cancel();
    }
  }
}

export class SqlFront implements SqlServer {
  readonly #registry: SessionRegistry;
  readonly #sessions = new Set<FrontSession>();
  #inner: SqlServer | null = null;
  #gate: Promise<void>;
  #open: () => void = () => undefined;
  #shut = false;

  constructor(registry: SessionRegistry) {
    this.#registry = registry;
    this.#gate = this.#close();
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Resolves when there is a node to talk to; null while there is one. */
  get waiting(): Promise<void> | null {
    return this.#shut ? this.#gate : null;
  }

  #close(): Promise<void> {
    this.#shut = true;
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
    return this.#gate;
  }

  /** From now on calls wait, and those under way will fail. */
  suspend(): void {
    if (this.#shut) return;
    void this.#close();
    for (const session of this.#sessions) session.suspended();
  }

  /** A node is there; the sessions of the one before it have ended. */
  async resume(inner: SqlServer): Promise<void> {
    assert(this.#shut, 'a node is replaced only while its clients wait');
    this.#inner = inner;
    await Promise.all([...this.#sessions].map((session) => session.renew(inner)));
    this.#shut = false;
    this.#open();
  }

  /** There will be no node: whoever waits is refused. */
  detach(): void {
    this.#inner = null;
    this.#shut = false;
    this.#open();
  }

  async openSession(options: SessionOptions): Promise<FrontSession> {
    for (;;) {
      if (this.#shut) await this.#gate;
      const inner = this.#inner;
      if (inner === null) throw new QuoralError('57P03', 'the node is not running', { severity: 'FATAL' });
      let opened: SqlSession;
      try {
        opened = await inner.openSession(options);
      } catch (error) {
        if (inner === this.#inner && !this.#shut) throw error;
        continue;
      }
      if (inner === this.#inner && !this.#shut) {
        const session = new FrontSession(this, options, opened);
        this.#sessions.add(session);
        this.#registry.add(session);
        return session;
      }
      await opened.close();
    }
  }

  cancel(processId: number, secretKey: number): void {
    this.#registry.cancel(processId, secretKey);
  }

  closed(session: FrontSession): void {
    this.#sessions.delete(session);
    this.#registry.delete(session);
  }
}

export class FrontSession implements SqlSession {
  readonly processId: number;
  readonly secretKey: number;
  readonly #front: SqlFront;
  readonly #options: SessionOptions;
  #inner: Session;
  /** To be told with the next call. */
  #refusal: QuoralError | null = null;
  /** Calls of the extended protocol since the last Sync. */
  #inSequence = false;
  #underWay = 0;
  #closed = false;
  /** As it was when the node went. */
  #wasInBlock = false;
  #wasInSequence = false;
  #prepared: readonly (readonly [string, Prepared])[] = [];
  #channels: readonly string[] = [];
  #onPush: () => void = () => undefined;

  constructor(front: SqlFront, options: SessionOptions, inner: SqlSession) {
    assert(inner instanceof Session, 'a session of this SQL layer');
    this.#front = front;
    this.#options = options;
    this.#inner = inner;
    this.processId = inner.processId;
    this.secretKey = inner.secretKey;
  }

  get transactionStatus(): TransactionStatus {
    return this.#inner.transactionStatus;
  }
  get format(): FormatContext {
    return this.#inner.format;
  }
  get clientEncoding(): TextEncoding | null {
    return this.#inner.clientEncoding;
  }
  startupParameters(): readonly (readonly [string, string])[] {
    return this.#inner.startupParameters();
  }

  // ---- replacement ----

  suspended(): void {
    this.#wasInBlock = this.#inner.transactionStatus !== 'I';
    this.#wasInSequence = this.#inSequence;
    this.#prepared = [...this.#inner.prepared];
    this.#channels = this.#inner.notifications.channels;
  }

  async renew(server: SqlServer): Promise<void> {
    if (this.#closed) return;
    const old = this.#inner;
    const fresh = await server.openSession(this.#options);
    assert(fresh instanceof Session, 'a session of this SQL layer');
    if (this.#isClosed()) {
      await fresh.close();
      return;
    }
    fresh.settings.rollbackTo({ session: old.settings.mark().session, local: new Map() });
    fresh.settings.endTransaction(true);
    for (const [name, prepared] of this.#prepared) fresh.prepared.set(name, unplanned(prepared));
    this.#prepared = [];
    for (const channel of this.#channels) fresh.notifications.listen(channel);
    await fresh.transaction.end(true);
    fresh.onPush(this.#onPush);
    this.#inner = fresh;
    if (this.#wasInBlock) {
      await fresh.simpleQuery('begin', NO_SINK);
      await fresh.fail();
    }
    // A call under way carries the news itself.
    if (this.#underWay === 0 && (this.#wasInBlock || this.#wasInSequence)) this.#refusal = resetError();
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  // ---- calls ----

  async #call(work: (inner: Session) => Promise<void> | void): Promise<void> {
    if (this.#front.waiting !== null) await this.#front.waiting;
    this.#refuse();
    const inner = this.#inner;
    this.#underWay++;
    try {
      await work(inner);
    } catch (error) {
      if (!(await this.#replaced(inner))) throw error;
      throw resetError();
    } finally {
      this.#underWay--;
    }
    if (this.#front.waiting === null && inner === this.#inner) return;
    if (await this.#replaced(inner)) throw resetError();
  }

  /** Waits for the exchange under way, if there is one. */
  async #replaced(inner: Session): Promise<boolean> {
    if (this.#front.waiting !== null) await this.#front.waiting;
    return inner !== this.#inner;
  }

  #refuse(): void {
    const error = this.#refusal;
    if (error === null) return;
    this.#refusal = null;
    throw error;
  }

  simpleQuery(text: string, sink: ResultSink): Promise<void> {
    this.#inSequence = false;
    if (this.#refusal !== null && ROLLBACK.test(text)) this.#refusal = null;
    return this.#call((inner) => inner.simpleQuery(text, sink));
  }

  parse(name: string, text: string, parameterOids: readonly number[]): Promise<void> {
    this.#inSequence = true;
    if (this.#refusal !== null && ROLLBACK.test(text)) this.#refusal = null;
    return this.#call((inner) => inner.parse(name, text, parameterOids));
  }

  describeStatement(name: string): PreparedInfo {
    this.#inSequence = true;
    return this.#inner.describeStatement(name);
  }

  bind(portal: string, statement: string, parameters: readonly ParameterValue[]): void | Promise<void> {
    this.#inSequence = true;
    if (this.#front.waiting === null && this.#refusal === null) {
      return this.#inner.bind(portal, statement, parameters);
    }
    return this.#call((inner) => inner.bind(portal, statement, parameters));
  }

  describePortal(portal: string): readonly ResultColumn[] | null {
    return this.#inner.describePortal(portal);
  }

  execute(portal: string, maxRows: number, sink: ResultSink, syncFollows?: boolean): Promise<void> {
    this.#inSequence = true;
    return this.#call((inner) => inner.execute(portal, maxRows, sink, syncFollows));
  }

  closeStatement(name: string): void {
    this.#inner.closeStatement(name);
  }

  closePortal(name: string): void | Promise<void> {
    if (this.#front.waiting === null && this.#refusal === null) return this.#inner.closePortal(name);
    return this.#call((inner) => inner.closePortal(name));
  }

  sync(): Promise<void> {
    return this.#call((inner) => inner.sync()).finally(() => {
      this.#inSequence = false;
    });
  }

  fail(): Promise<void> {
    return this.#call((inner) => inner.fail());
  }

  onPush(fn: () => void): void {
    this.#onPush = fn;
    this.#inner.onPush(fn);
  }

  takeNotifications(): readonly Notification[] {
    return this.#front.waiting === null ? this.#inner.takeNotifications() : [];
  }

  cancel(): void {
    this.#inner.cancel();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#front.closed(this);
    await this.#inner.close();
  }
}

/** The statement as it was parsed, to be planned by the node it will run on. */
function unplanned(prepared: Prepared): Prepared {
  const copy = new Prepared(prepared.text, prepared.statement, prepared.declaredOids, prepared.shared);
  copy.parameterOids = prepared.parameterOids;
  copy.columns = prepared.columns;
  copy.described = prepared.described;
  return copy;
}
