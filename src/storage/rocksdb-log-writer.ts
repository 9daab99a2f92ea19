/**
 * Group commit: hands log batches to the log-writer thread, one message at a time. While one is
 * being synced, further batches gather and go together as the next, so a slow disk makes groups
 * larger instead of queues longer. A sync of the data database takes its turn between groups.
 *
 * Invariant: promises resolve in the order of the calls, each after its own batch is durable.
 *
 * A failed write or sync is final, because nobody can tell what of it reached the disk: all
 * waiting promises reject with 58030, `onFatal` is told, and nothing is written any more.
 */
import { Worker } from 'node:worker_threads';
import { QuoralError } from '../base/errors.js';
import { storageError } from './rocksdb-binding.js';
import type { LogBuffer } from './rocksdb-batch.js';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: QuoralError) => void;
}

type Answer = { readonly ok: true } | { readonly ok: false; readonly code: unknown; readonly message: string };

/** A group is closed when it reaches this size; what comes later waits for the next. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

export interface LogWriterMetrics {
  groups: number;
  batches: number;
  bytes: number;
  syncs: number;
}

export class LogWriter {
  readonly #worker: Worker;
  readonly #directory: string;
  readonly #onFatal: (error: QuoralError) => void;
  /** What the thread is working on; empty when it is idle. */
  #inFlight: Waiter[] = [];
  #buffers: LogBuffer[] = [];
  #bufferWaiters: Waiter[] = [];
  #syncWaiters: Waiter[] = [];
  #failure: QuoralError | null = null;
  #stopping = false;
  #idle: (() => void) | null = null;
  readonly metrics: LogWriterMetrics = { groups: 0, batches: 0, bytes: 0, syncs: 0 };

  constructor(
    options: {
      readonly logHandle: bigint;
      readonly dataHandle: bigint;
      readonly directory: string;
    },
    onFatal: (error: QuoralError) => void,
  ) {
    this.#directory = options.directory;
    this.#onFatal = onFatal;
    this.#worker = new Worker(new URL('./log-writer-worker.mjs', import.meta.url), {
      workerData: { logHandle: options.logHandle, dataHandle: options.dataHandle },
      // Nothing of the parent's loaders or flags concerns this thread.
      execArgv: [],
    });
    this.#worker.on('message', (answer: Answer) => this.#answered(answer));
    this.#worker.on('error', (error) => this.#fail(storageError(error, this.#directory)));
    this.#worker.on('exit', () => {
      if (!this.#stopping) {
        this.#fail(new QuoralError('58030', `the log writer of ${this.#directory} ended unexpectedly`));
      }
    });
    // Keeps the process alive only while something is in flight.
    this.#worker.unref();
  }

  write(buffer: LogBuffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#buffers.push(buffer);
      this.#bufferWaiters.push({ resolve, reject });
      this.#dispatch();
    });
  }

  syncData(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#syncWaiters.push({ resolve, reject });
      this.#dispatch();
    });
  }

  /** Finishes what was begun, then ends the thread. */
  async close(): Promise<void> {
    if (this.#inFlight.length > 0 && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    this.#stopping = true;
    await this.#worker.terminate();
  }

  #dispatch(): void {
    if (this.#inFlight.length > 0) return;
    if (this.#buffers.length > 0) this.#sendGroup();
    else if (this.#syncWaiters.length > 0) this.#sendSync();
  }

  #sendGroup(): void {
    let total = 0;
    let taken = 0;
    let ranges = false;
    while (taken < this.#buffers.length && (taken === 0 || total < GROUP_BYTES_MAX)) {
      const buffer = this.#buffers[taken]!;
      total += buffer.length;
      ranges ||= buffer.hasRanges;
      taken++;
    }
    const group = new Uint8Array(total);
    let at = 0;
    for (const buffer of this.#buffers.splice(0, taken)) {
      buffer.copyTo(group, at);
      at += buffer.length;
    }
    this.#inFlight = this.#bufferWaiters.splice(0, taken);
    this.metrics.groups++;
    this.metrics.batches += taken;
    this.metrics.bytes += total;
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'log', bytes: group.buffer, ranges }, [group.buffer]);
  }

  #sendSync(): void {
    this.#inFlight = this.#syncWaiters;
    this.#syncWaiters = [];
    this.metrics.syncs++;
    this.#worker.ref();
    this.#worker.postMessage({ kind: 'sync' });
  }

  #answered(answer: Answer): void {
    if (!answer.ok) {
      const cause = Object.assign(new Error(answer.message), { code: answer.code });
      this.#fail(
        new QuoralError('58030', `a synced write in ${this.#directory} failed: ${answer.message}`, {
          cause,
        }),
      );
      return;
    }
    const done = this.#inFlight;
    this.#inFlight = [];
    // The next group goes out before the callbacks of this one run.
    if (this.#syncWaiters.length > 0 && this.metrics.groups % 2 === 0) this.#sendSync();
    else this.#dispatch();
    if (this.#inFlight.length === 0) {
      this.#worker.unref();
      this.#idle?.();
    }
    for (const waiter of done) waiter.resolve();
  }

  #fail(error: QuoralError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#onFatal(error);
    const waiters = [...this.#inFlight, ...this.#bufferWaiters, ...this.#syncWaiters];
    this.#inFlight = [];
    this.#bufferWaiters = [];
    this.#syncWaiters = [];
    this.#buffers = [];
    this.#worker.unref();
    this.#idle?.();
    for (const waiter of waiters) waiter.reject(error);
  }
}
