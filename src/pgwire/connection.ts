/**
 * One client connection: start-up, then messages strictly in order against its SqlSession.
 *
 * The loop takes the next message only when the one before is finished. It runs synchronously as
 * far as the session does: a prepared point read costs two promise turns (execute, sync). Output
 * gathers in the writer and leaves once per turn; a reply that must not wait for a later, slower
 * message leaves at the end of the turn at the latest.
 *
 * Invariants: at most one call into the session is under way (`#busy`), apart from cancel; after an
 * error in the extended protocol everything up to Sync is dropped; the session is closed exactly
 * once, after its last call has settled, however the connection ends. A rejected promise is always
 * handled here. AssertionError goes to `onFatal`; any other stranger becomes XX000 and is logged, as is an XX000 with
 * a cause, which is a defect while planning.
 *
 * Bounds: input is paused above `inputBytesMax` while a message is being worked on; no message is
 * taken while the client has not read `outputBytesMax`; a turn takes at most TURN_MESSAGES messages.
 */
import { AssertionError } from '../base/assert.js';
import { engineLimit, QuoralError } from '../base/errors.js';
import type { ErrorSource } from './error-source.js';
import type { ByteStream, Logger, TimerHandle, Timers } from '../env/env.js';
import type { SqlServer, SqlSession } from '../sql/session-api.js';
import {
  writeAuthenticationOk,
  writeBackendKeyData,
  writeErrorResponse,
  writeNegotiateProtocolVersion,
  writeNotificationResponse,
  writeParameterStatus,
} from './backend-messages.js';
import { FrontendParser, type StartupMessage } from './codec.js';
import { CopySource } from './copy-source.js';
import { answersReady, Dispatcher } from './dispatch.js';
import type { PgWireLimits, PgWireMetrics } from './limits.js';
import { Output } from './output.js';
import {
  adminShutdown,
  connectionLost,
  Frontend,
  PROTOCOL_MINOR,
  shuttingDown,
  unsupportedProtocol,
} from './protocol.js';
import type { RowEncoders } from './row-encoder.js';
import { WireSink } from './sink.js';
import { sessionOptions, type StartupPacket } from './startup.js';

/** After so many messages the loop lets the rest of the process run. */
const TURN_MESSAGES = 128;
/** How long a client may take to read the last message before its socket is destroyed. */
const LINGER_MS = 5_000;

export interface ConnectionDependencies {
  readonly sql: SqlServer;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly encoders: RowEncoders;
  readonly limits: PgWireLimits;
  readonly metrics: PgWireMetrics;
  readonly source?: (error: QuoralError) => ErrorSource;
  /** Null when one more client may come in; otherwise why not. */
  admit(): QuoralError | null;
  onFatal(error: Error): void;
  /** The stream is closed and the session released. */
  onReleased(connection: Connection): void;
}

export class Connection {
  readonly #stream: ByteStream;
  readonly #deps: ConnectionDependencies;
  readonly #parser: FrontendParser;
  readonly #output: Output;
  #phase: 'startup' | 'ready' | 'ended' = 'startup';
  #session: SqlSession | null = null;
  #dispatcher: Dispatcher | null = null;
  #admitted = false;
  #released = false;
  #sessionGone = false;
  #streamClosed = false;
  #draining = false;
  /** A call into the SQL layer is under way, for a message of type #currentType. */
  #busy = false;
  #currentType = 0;
  #skipToSync = false;
  #copy: CopySource | null = null;
  #negotiations = 0;
  #startupTimer: TimerHandle | null;
  #lingerTimer: TimerHandle | null = null;
  #paused = false;
  #turnMessages = 0;
  #turnScheduled = false;
  /** The last bytes received look like a Terminate: what came before it is still carried out. */
  #terminateInSight = false;

  constructor(stream: ByteStream, deps: ConnectionDependencies) {
    this.#stream = stream;
    this.#deps = deps;
    this.#parser = new FrontendParser(deps.limits.messageBytesMax);
    this.#output = new Output(stream, deps.timers, deps.limits, deps.metrics, (error) =>
      this.#guard(() => {
        throw error;
      }),
    );
    this.#startupTimer = deps.timers.after(deps.limits.authenticationTimeoutMs, () => this.#startupTimedOut());
    stream.onData((chunk) => this.#guard(() => this.#onData(chunk)));
    stream.onDrain(() => this.#guard(() => this.#onDrain()));
    stream.onClose(() => this.#guard(() => this.#onStreamClosed()));
  }

  /** True once it counts against the connection limit. */
  get admitted(): boolean {
    return this.#admitted;
  }

  /** The server stops: idle connections end now, others when their statement and transaction are done. */
  drain(): void {
    this.#draining = true;
    if (this.#busy || this.#phase === 'ended' || this.#inTransaction()) return;
    this.#terminate(this.#phase === 'startup' ? shuttingDown() : adminShutdown());
  }

  /** New while the server stops: a cancel request is still welcome, a session is not. */
  expectDrain(): void {
    this.#draining = true;
  }

  /** Ends a connection before its start-up. */
  refuse(error: QuoralError): void {
    this.#deps.metrics.connectionsRefused++;
    this.#terminate(error);
  }

  /** The grace is over: what runs is cancelled, the client told. */
  abort(): void {
    this.#terminate(adminShutdown());
  }

  // ---- input ----

  #onData(chunk: Buffer): void {
    this.#deps.metrics.bytesReceived += chunk.length;
    if (this.#phase === 'ended') return;
    this.#terminateInSight = endsInTerminate(chunk);
    this.#parser.push(chunk);
    if (this.#copy !== null && this.#copy.waiting) {
      this.#copy.onInput();
    } else if (!this.#busy && !this.#turnScheduled && !this.#output.blocked) {
      this.#turnMessages = 0;
      this.#run();
    }
    const waiting = this.#busy || this.#turnScheduled || this.#output.blocked;
    if (waiting && !this.#paused && this.#parser.bufferedBytes > this.#deps.limits.inputBytesMax) {
      // A COPY that waits for the rest of one large message needs its bytes.
      if (this.#copy !== null && this.#copy.waiting) return;
      this.#paused = true;
      this.#stream.pause();
    }
  }

  #resumeInput(): void {
    if (!this.#paused || this.#streamClosed) return;
    this.#paused = false;
    this.#stream.resume();
  }

  #run(): void {
    try {
      while (!this.#busy && this.#phase !== 'ended') {
        if (this.#phase === 'startup') {
          const message = this.#parser.nextStartup();
          if (message === null) break;
          this.#startup(message);
          continue;
        }
        if (this.#output.blocked) return;
        if (this.#turnMessages === TURN_MESSAGES) {
          this.#scheduleTurn();
          break;
        }
        if (!this.#parser.next()) break;
        this.#turnMessages++;
        this.#message(this.#parser.type, this.#parser.body);
        this.#output.flushIfLarge();
      }
    } catch (error) {
      this.#terminate(this.#known(error));
    }
    this.#endOfRun();
  }

  #endOfRun(): void {
    if (this.#busy) {
      this.#output.scheduleIfDue();
      return;
    }
    this.#output.flushIfDue();
    if (this.#turnScheduled || this.#output.blocked) return;
    if (this.#phase === 'ended' || this.#streamClosed) this.#release();
    else this.#resumeInput();
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.#deps.timers.endOfTurn(() =>
      this.#guard(() => {
        this.#turnScheduled = false;
        this.#turnMessages = 0;
        if (!this.#busy) this.#run();
      }),
    );
  }

  // ---- start-up ----

  #startup(message: StartupMessage): void {
    switch (message.kind) {
      case 'ssl':
      case 'gssenc':
        if (++this.#negotiations > 2) throw unsupportedProtocol(1234, message.kind === 'ssl' ? 5679 : 5680);
        this.#output.writer.byte(0x4e); // N
        this.#output.markDue();
        return;
      case 'cancel':
        this.#deps.metrics.cancelRequests++;
        this.#deps.sql.cancel(message.processId, message.secretKey);
        this.#end();
        return;
      case 'noise': // Closed without an answer, which its sender could not read.
        this.#deps.metrics.errors++;
        this.#end();
        return;
      case 'startup':
        this.#open(message);
        return;
    }
  }

  #open(message: StartupPacket): void {
    const options = sessionOptions(message, this.#stream.remote);
    if (message.minor > PROTOCOL_MINOR || message.protocolOptions.length > 0) {
      writeNegotiateProtocolVersion(this.#output.writer, PROTOCOL_MINOR, message.protocolOptions);
    }
    const refusal = this.#draining ? shuttingDown() : this.#deps.admit();
    if (refusal !== null) {
      this.#deps.metrics.connectionsRefused++;
      throw refusal;
    }
    this.#admitted = true;
    this.#busy = true;
    this.#deps.sql.openSession(options).then(
      (session) => this.#guard(() => this.#opened(session)),
      (error: unknown) => this.#guard(() => this.#notOpened(error)),
    );
  }

  #opened(session: SqlSession): void {
    this.#busy = false;
    this.#session = session;
    session.onPush(() => this.#guard(() => this.#pushed()));
    const sink = new WireSink(session, this.#output, this.#deps.encoders, () => this.#beginCopyIn());
    this.#dispatcher = new Dispatcher(session, sink, this.#output, this.#deps.encoders, this.#deps.metrics);
    this.#startupTimer?.cancel();
    this.#startupTimer = null;
    if (this.#phase !== 'ended' && !this.#streamClosed) {
      const writer = this.#output.writer;
      writeAuthenticationOk(writer);
      for (const [name, value] of session.startupParameters()) writeParameterStatus(writer, name, value);
      writeBackendKeyData(writer, session.processId, session.secretKey);
      this.#phase = 'ready';
      this.#ready();
    }
    this.#run();
  }

  #notOpened(error: unknown): void {
    this.#busy = false;
    this.#terminate(this.#known(error));
    this.#endOfRun();
  }

  #startupTimedOut(): void {
    this.#startupTimer = null;
    if (this.#phase !== 'startup') return;
    this.#deps.logger.log('warn', 'client did not finish its start-up in time', {
      remote: this.#stream.remote,
    });
    this.#terminate(new QuoralError('57014', 'canceling authentication due to timeout', { severity: 'FATAL' }));
    this.#endOfRun();
  }

  // ---- messages ----

  #message(type: number, body: Buffer): void {
    if (this.#skipToSync && type !== Frontend.sync && type !== Frontend.terminate) return;
    if (type === Frontend.terminate) {
      this.#end();
      return;
    }
    if (type === Frontend.sync) this.#skipToSync = false;
    this.#currentType = type;
    let pending: void | Promise<void>;
    try {
      pending = (this.#dispatcher as Dispatcher).begin(type, body, this.#parser.followingType);
      if (pending === undefined) this.#finish(type);
    } catch (error) {
      this.#failed(type, error);
      return;
    }
    if (pending === undefined) return;
    this.#busy = true;
    pending.then(this.#onResolved, this.#onRejected);
  }

  readonly #onResolved = (): void => {
    this.#busy = false;
    this.#copy = null;
    try {
      if (this.#phase === 'ready') this.#finish(this.#currentType);
    } catch (error) {
      this.#guard(() => this.#failed(this.#currentType, error));
    }
    this.#guard(() => this.#run());
  };

  readonly #onRejected = (error: unknown): void => {
    this.#busy = false;
    this.#guard(() => this.#failed(this.#currentType, error));
    this.#guard(() => this.#run());
  };

  #finish(type: number): void {
    if (type === Frontend.sync || type === Frontend.query) this.#ready();
    else (this.#dispatcher as Dispatcher).finish(type);
  }

  #ready(): void {
    let ended: unknown = null;
    try {
      this.#writeNotifications();
    } catch (error) {
      ended = error;
    }
    // What was asked for took place, whatever has ended the session since: the client must hear of that first.
    (this.#dispatcher as Dispatcher).ready();
    if (ended !== null) this.#terminate(this.#known(ended));
    else if (this.#draining && !this.#inTransaction()) this.#terminate(adminShutdown());
  }

  /** The session has something for the client: it goes at once if the client is idle, else with the next ReadyForQuery. */
  #pushed(): void {
    if (this.#phase !== 'ready' || this.#busy || this.#turnScheduled || this.#output.blocked) return;
    this.#writeNotifications();
    this.#output.flush();
  }

  #writeNotifications(): void {
    for (const one of (this.#session as SqlSession).takeNotifications())
      writeNotificationResponse(this.#output.writer, one);
  }

  /** In a block that can still commit: a server that drains lets it, as long as its grace lasts. */
  #inTransaction(): boolean {
    return this.#phase === 'ready' && this.#session?.transactionStatus === 'T';
  }

  // ---- errors ----

  #failed(type: number, cause: unknown): void {
    this.#copy = null;
    this.#output.writer.abandon();
    const error = this.#known(cause);
    if (this.#phase !== 'ready') return;
    if (error.severity === 'FATAL') {
      this.#terminate(error);
      return;
    }
    this.#deps.metrics.errors++;
    writeErrorResponse(this.#output.writer, error, error.severity, this.#deps.source?.(error));
    this.#output.markDue();
    const dispatcher = this.#dispatcher as Dispatcher;
    if (dispatcher.inSession) {
      this.#afterError(type);
      return;
    }
    // The session does not know: its transaction must fail as if the statement had.
    this.#busy = true;
    dispatcher.inSession = true;
    this.#failSession(type).then(
      () => this.#guard(() => this.#sessionFailed(type)),
      (failure: unknown) => this.#guard(() => this.#sessionNotFailed(failure)),
    );
  }

  async #failSession(type: number): Promise<void> {
    const session = this.#session as SqlSession;
    await session.fail();
    if (answersReady(type)) await session.sync();
  }

  #sessionFailed(type: number): void {
    this.#busy = false;
    if (this.#phase === 'ready') this.#afterError(type);
    this.#run();
  }

  #sessionNotFailed(failure: unknown): void {
    this.#busy = false;
    this.#terminate(this.#known(failure));
    this.#endOfRun();
  }

  #afterError(type: number): void {
    if (answersReady(type)) this.#ready();
    else this.#skipToSync = true;
  }

  /** Every error as the client may see it; a stranger is a defect of ours, and logged. */
  #known(error: unknown): QuoralError {
    if (error instanceof QuoralError) {
      if (error.sqlstate === 'XX000' && error.cause !== undefined) this.#logDefect(error.cause);
      return error;
    }
    if (error instanceof AssertionError) {
      this.#deps.onFatal(error);
      return new QuoralError('XX000', `internal error: ${error.message}`, {
        severity: 'FATAL',
        cause: error,
      });
    }
    const limit = engineLimit(error);
    if (limit !== null) return limit;
    this.#logDefect(error);
    const message = error instanceof Error ? error.message : String(error);
    return new QuoralError('XX000', `internal error: ${message}`, { cause: error });
  }

  #logDefect(error: unknown): void {
    this.#deps.logger.log('error', 'unexpected error on a client connection', { remote: this.#stream.remote, error });
  }

  /** Nothing that goes wrong here may become an unhandled rejection or leave the socket hanging. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#output.writer.clear();
      this.#terminate(this.#known(error));
      if (!this.#busy) this.#release();
    }
  }

  // ---- the end ----

  /** Tells the client why, then ends. */
  #terminate(error: QuoralError): void {
    if (this.#phase === 'ended') return;
    this.#output.writer.abandon();
    this.#deps.metrics.errors++;
    writeErrorResponse(this.#output.writer, error, 'FATAL', this.#deps.source?.(error));
    this.#end();
  }

  #end(): void {
    if (this.#phase === 'ended') return;
    this.#output.flush();
    this.#output.close();
    this.#phase = 'ended';
    this.#startupTimer?.cancel();
    this.#startupTimer = null;
    this.#parser.clear();
    this.#copy?.fail(connectionLost());
    if (this.#busy) this.#session?.cancel();
    if (!this.#streamClosed) {
      // A paused stream would not notice that the peer has closed.
      this.#resumeInput();
      this.#stream.end();
      this.#lingerTimer = this.#deps.timers.after(LINGER_MS, () => this.#stream.destroy());
    }
    if (!this.#busy) this.#release();
  }

  #onStreamClosed(): void {
    this.#streamClosed = true;
    this.#lingerTimer?.cancel();
    this.#startupTimer?.cancel();
    this.#output.close();
    if (this.#phase === 'ended') {
      if (!this.#busy) this.#release();
      this.#reportGone();
      return;
    }
    if (this.#copy?.waiting === true) this.#copy.fail(connectionLost());
    if (!this.#terminateInSight) {
      // Vanished: nobody waits for the answer, and its locks must go.
      this.#phase = 'ended';
      this.#parser.clear();
      this.#copy?.fail(connectionLost());
      if (this.#busy) this.#session?.cancel();
    }
    if (!this.#busy && !this.#turnScheduled) this.#run();
  }

  /** Closes the session once, then reports the connection as gone. */
  #release(): void {
    if (this.#released || this.#busy) return;
    if (this.#phase !== 'ended' && !this.#streamClosed) return;
    this.#released = true;
    this.#phase = 'ended';
    if (this.#session === null) {
      this.#sessionClosed();
      return;
    }
    this.#session.close().then(
      () => this.#sessionClosed(),
      (error: unknown) => {
        this.#known(error);
        this.#sessionClosed();
      },
    );
  }

  #sessionClosed(): void {
    this.#sessionGone = true;
    this.#reportGone();
  }

  /** The stream counts too: what was last sent must be out before the listener closes. */
  #reportGone(): void {
    if (this.#sessionGone && this.#streamClosed) this.#deps.onReleased(this);
  }

  #onDrain(): void {
    if (!this.#output.blocked) return;
    this.#output.unblock();
    this.#turnMessages = 0;
    if (!this.#busy && !this.#turnScheduled) this.#run();
    this.#pushed();
  }

  #beginCopyIn(): AsyncIterable<Buffer> {
    this.#deps.metrics.copiesIn++;
    const half = this.#deps.limits.inputBytesMax / 2;
    this.#copy = new CopySource(this.#parser, (dry) => {
      if (dry && this.#streamClosed) this.#copy?.fail(connectionLost());
      if (dry || this.#parser.bufferedBytes < half) this.#resumeInput();
    });
    if (this.#phase === 'ended') this.#copy.fail(connectionLost());
    return this.#copy;
  }
}

function endsInTerminate(chunk: Buffer): boolean {
  const at = chunk.length - 5;
  return at >= 0 && chunk[at] === Frontend.terminate && chunk.readInt32BE(at + 1) === 4;
}
