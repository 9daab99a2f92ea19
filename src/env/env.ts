/**
 * Everything nondeterministic reaches the code through these interfaces (DESIGN 2). `env/node`
 * implements them on the real machine; `env/sim` (a later issue) from one seed in virtual time.
 */
import type { Timestamp } from '../base/ids.js';

export interface Clock {
  /** Physical wall clock, microseconds since the Unix epoch. May jump. */
  wallUs(): number;
  /** Monotonic milliseconds (fractional), for measuring durations only. */
  monotonicMs(): number;
}

export interface TimerHandle {
  cancel(): void;
}

export interface Timers {
  /** Runs `fn` once after `ms` milliseconds. Timers never keep the process alive by themselves. */
  after(ms: number, fn: () => void): TimerHandle;
  /** Runs `fn` every `ms` milliseconds, never overlapping. */
  every(ms: number, fn: () => void): TimerHandle;
  /** Runs `fn` when this turn of the event loop has handled its input (setImmediate). */
  endOfTurn(fn: () => void): void;
  /** Resolves after `ms` milliseconds. */
  sleep(ms: number): Promise<void>;
}

export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, n). */
  int(n: number): number;
  /** `n` random bytes. */
  bytes(n: number): Buffer;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export interface Logger {
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
  child(fields: Record<string, unknown>): Logger;
}

/** Small files outside the engine (node identity, clock bound, sockets' lock file). */
export interface Disk {
  readFile(path: string): Promise<Buffer | null>;
  /** Replaces the file atomically and durably (write, fsync, rename, fsync of the folder). */
  writeFileSync(path: string, data: Uint8Array): Promise<void>;
  mkdirp(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(path: string): Promise<string[]>;
  /** Takes an exclusive advisory lock on a file; null if another process holds it. */
  lock(path: string): Promise<DiskLock | null>;
}
export interface DiskLock {
  release(): Promise<void>;
}

/** A bidirectional byte stream (a TCP connection). Callbacks never run inside a call to it. */
export interface ByteStream {
  readonly remote: string;
  /** Queues bytes; false when the peer is slow and the caller should wait for `onDrain`. */
  write(data: Uint8Array): boolean;
  /** Bytes queued and not yet taken by the operating system. */
  readonly bufferedBytes: number;
  pause(): void;
  resume(): void;
  /** Flushes what is queued, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
  onData(fn: (data: Buffer) => void): void;
  onDrain(fn: () => void): void;
  onClose(fn: (error: Error | null) => void): void;
}

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** One ordered, framed, bidirectional stream to a peer node (a gRPC stream in production). */
export interface FrameStream {
  readonly remote: string;
  send(frame: Uint8Array): void;
  /** Bytes accepted by send() and not yet handed to the network. */
  readonly bufferedBytes: number;
  close(): void;
  onFrame(fn: (frame: Buffer) => void): void;
  onClose(fn: (error: Error | null) => void): void;
}

export interface Transport {
  /** Framed streams between nodes. `connect` resolves when the stream is established. */
  listenFrames(address: string, onStream: (stream: FrameStream) => void): Promise<Listener>;
  connectFrames(address: string, timeoutMs: number): Promise<FrameStream>;
  /** Byte streams for clients (pgwire). `address` is host:port, port 0 picks one. */
  listenBytes(address: string, onStream: (stream: ByteStream) => void): Promise<Listener>;
  connectBytes(address: string, timeoutMs: number): Promise<ByteStream>;
  listenHttp(address: string, handler: HttpHandler): Promise<Listener>;
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
}
export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
}
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

export interface Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly disk: Disk;
  readonly transport: Transport;
  readonly logger: Logger;
}

/** The hybrid logical clock as lower layers need it; implemented by src/hlc. */
export interface HlcClock {
  /** Strictly greater than every timestamp it returned or was told of before. */
  now(): Timestamp;
  /** Takes note of a remote timestamp. @throws QuoralError if it is too far ahead. */
  update(remote: Timestamp): void;
  readonly maxOffsetUs: number;
}
