/** A wire server with a scripted SQL layer, and clients whose streams the test holds in its hand. */
import type { ByteStream, Listener, Logger, TimerHandle, Timers } from '../../src/env/env.js';
import { BackendParser, ClientWriter, type BackendMessage } from '../../src/pgwire/client-codec.js';
import type { PgWireLimits } from '../../src/pgwire/limits.js';
import { PgWireServer } from '../../src/pgwire/server.js';
import { ScriptedServer, typeByOid } from './scripted-session.js';

export class TestStream implements ByteStream {
  readonly remote = 'test:1';
  /** Everything the server wrote and the test has not taken. */
  readonly written: Buffer[] = [];
  writes = 0;
  paused = false;
  ended = false;
  closed = false;
  /** While true nothing leaves: written bytes stay buffered. */
  stuck = false;
  #buffered = 0;
  #backlog: Buffer[] = [];
  #onData: (data: Buffer) => void = () => undefined;
  #onDrain: () => void = () => undefined;
  #onClose: (error: Error | null) => void = () => undefined;

  get bufferedBytes(): number {
    return this.#buffered;
  }

  write(data: Uint8Array): boolean {
    if (this.closed || this.ended) return true;
    this.writes++;
    this.written.push(Buffer.from(data));
    if (this.stuck) this.#buffered += data.length;
    return !this.stuck;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    setImmediate(() => {
      while (!this.paused && this.#backlog.length > 0) this.#onData(this.#backlog.shift() as Buffer);
    });
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    setImmediate(() => this.vanish());
  }

  destroy(): void {
    setImmediate(() => this.vanish());
  }

  onData(fn: (data: Buffer) => void): void {
    this.#onData = fn;
  }

  onDrain(fn: () => void): void {
    this.#onDrain = fn;
  }

  onClose(fn: (error: Error | null) => void): void {
    this.#onClose = fn;
  }

  /** The client sends. */
  feed(bytes: Buffer): void {
    if (this.closed) return;
    if (this.paused) this.#backlog.push(bytes);
    else this.#onData(bytes);
  }

  /** The client reads everything. */
  unstick(): void {
    this.stuck = false;
    this.#buffered = 0;
    this.#onDrain();
  }

  /** The connection is gone. */
  vanish(): void {
    if (this.closed) return;
    this.closed = true;
    this.#onClose(null);
  }
}

/** Timers that go off when the test says so. */
export class ManualTimers implements Timers {
  readonly pending = new Set<{ readonly ms: number; readonly fn: () => void }>();

  after(ms: number, fn: () => void): TimerHandle {
    const timer = { ms, fn };
    this.pending.add(timer);
    return { cancel: () => void this.pending.delete(timer) };
  }

  /** Runs what was set for exactly `ms`. */
  fire(ms: number): void {
    for (const timer of [...this.pending]) {
      if (timer.ms === ms && this.pending.delete(timer)) timer.fn();
    }
  }

  every(): TimerHandle {
    throw new Error('not used here');
  }

  endOfTurn(fn: () => void): void {
    setImmediate(fn);
  }

  sleep(): Promise<void> {
    throw new Error('not used here');
  }
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
}

export class Harness {
  readonly sql = new ScriptedServer();
  readonly logs: LogLine[] = [];
  readonly fatal: Error[] = [];
  readonly timers = new ManualTimers();
  readonly server: PgWireServer;

  constructor(limits: Partial<PgWireLimits> = {}) {
    const logger: Logger = {
      log: (level, message) => void this.logs.push({ level, message }),
      child: () => logger,
    };
    const listener: Listener = { port: 1, close: async () => undefined };
    this.server = new PgWireServer(
      { address: '127.0.0.1:0', limits },
      {
        sql: this.sql,
        transport: { listenBytes: async () => listener },
        timers: this.timers,
        logger,
        typeByOid,
        onFatal: (error) => void this.fatal.push(error),
      },
    );
  }

  connect(): TestClient {
    const stream = new TestStream();
    this.server.accept(stream);
    return new TestClient(stream);
  }

  /** A client past its start-up. */
  async ready(): Promise<TestClient> {
    const client = this.connect();
    client.send((w) => w.startup({ user: 'u', database: 'd' }));
    await settle();
    client.messages();
    return client;
  }
}

export class TestClient {
  readonly stream: TestStream;
  readonly writer = new ClientWriter();
  readonly #parser = new BackendParser();

  constructor(stream: TestStream) {
    this.stream = stream;
  }

  send(build: (writer: ClientWriter) => unknown): void {
    build(this.writer);
    this.stream.feed(this.writer.take());
  }

  /** What the server has sent since the last call. */
  messages(): BackendMessage[] {
    for (const bytes of this.stream.written.splice(0)) this.#parser.push(bytes);
    const found: BackendMessage[] = [];
    while (this.#parser.next()) found.push(this.#parser.decode());
    return found;
  }

  /** Raw answers to SSLRequest and GSSENCRequest. */
  bytes(): Buffer {
    return Buffer.concat(this.stream.written.splice(0));
  }

  /** Kinds only, with SQLSTATEs of errors and the state in ReadyForQuery. */
  kinds(): string[] {
    return this.messages().map(kindOf);
  }
}

export function kindOf(message: BackendMessage): string {
  if (message.kind === 'error') return `error ${message.fields['S']} ${message.fields['C']}`;
  if (message.kind === 'readyForQuery') return `ready ${message.status}`;
  if (message.kind === 'commandComplete') return message.tag;
  return message.kind;
}

/** Lets promises and end-of-turn work run until nothing is left to do. */
export async function settle(turns = 8): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
