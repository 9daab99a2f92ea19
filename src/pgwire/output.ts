/**
 * The way to the client: messages gather in the writer and leave with `flush`. When the client is
 * behind by more than the bound, `blocked` holds until it has taken everything.
 */
import type { ByteStream, Timers } from '../env/env.js';
import type { PgWireLimits, PgWireMetrics } from './limits.js';
import { WireWriter } from './wire-writer.js';

const FLUSH_BYTES = 64 * 1024;

export class Output {
  readonly writer = new WireWriter();
  readonly #stream: ByteStream;
  readonly #timers: Timers;
  readonly #metrics: PgWireMetrics;
  readonly #bytesMax: number;
  readonly #onError: (error: unknown) => void;
  /** What is in the writer may not wait for a later message. */
  #due = false;
  #scheduled = false;
  #blocked = false;
  #closed = false;
  #drained: Promise<void> | null = null;
  #resolveDrained: (() => void) | null = null;

  /** `onError` gets what goes wrong at the end of the turn, outside any call. */
  constructor(
    stream: ByteStream,
    timers: Timers,
    limits: PgWireLimits,
    metrics: PgWireMetrics,
    onError: (error: unknown) => void,
  ) {
    this.#stream = stream;
    this.#timers = timers;
    this.#metrics = metrics;
    this.#bytesMax = limits.outputBytesMax;
    this.#onError = onError;
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  markDue(): void {
    this.#due = true;
  }

  flushIfDue(): void {
    if (this.#due) this.flush();
  }

  flushIfLarge(): void {
    if (this.writer.length > FLUSH_BYTES) this.flush();
  }

  flush(): void {
    this.#due = false;
    if (this.writer.length === 0) return;
    if (this.#closed) {
      this.writer.clear();
      return;
    }
    const bytes = this.writer.take();
    this.#metrics.bytesSent += bytes.length;
    if (!this.#stream.write(bytes) && this.#stream.bufferedBytes > this.#bytesMax) this.#blocked = true;
  }

  /** If something is due, it leaves at the end of this turn even though work goes on. */
  scheduleIfDue(): void {
    if (!this.#due || this.#scheduled) return;
    this.#scheduled = true;
    this.#timers.endOfTurn(() => {
      this.#scheduled = false;
      try {
        this.flushIfDue();
      } catch (error) {
        this.#onError(error);
      }
    });
  }

  /** Resolves when the client has taken what it was sent; null when it keeps up. */
  slow(): Promise<void> | null {
    if (!this.#blocked) return null;
    this.#drained ??= new Promise((resolve) => {
      this.#resolveDrained = resolve;
    });
    return this.#drained;
  }

  unblock(): void {
    this.#blocked = false;
    const resolve = this.#resolveDrained;
    this.#resolveDrained = null;
    this.#drained = null;
    resolve?.();
  }

  /** Nothing goes out any more; what is written from now on is dropped. */
  close(): void {
    this.#closed = true;
    this.unblock();
  }
}
