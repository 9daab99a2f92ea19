/**
 * Writes small durable files on a thread of its own. What a node promises to others (its support, its clock's bound) is such
 * a file, and counts when it is on disk: through `node:fs/promises` one write is eight steps, each of which waits for its
 * turn of the event loop and of the thread pool. In a busy process that took seconds, and the node's leases ended
 * meanwhile, while a write and its fsync take a few milliseconds. Here it is one message and one answer.
 *
 * Invariant: an answer comes after the file and its name are durable; writes are carried out in the order of the calls.
 * If the thread ends, everything that waits is rejected, with its outcome unknown, and the next write starts another.
 */
import { Worker } from 'node:worker_threads';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  readonly id: number;
  readonly error: { readonly message: string; readonly code: string | undefined } | null;
}

export class FileWriter {
  #worker: Worker | null = null;
  #nextId = 1;
  readonly #waiting = new Map<number, Waiter>();

  /** @throws what the file system says, with its `code` (ENOSPC, EACCES …) */
  write(path: string, temporary: string, data: Uint8Array): Promise<void> {
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      // The process stays while something is being written, and not because of an idle thread.
      worker.ref();
      worker.postMessage({ id, path, temporary, data });
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./file-writer-worker.mjs', import.meta.url), { execArgv: [] });
    worker.on('message', (answer: Answer) => this.#answered(worker, answer));
    worker.on('error', (error) => this.#ended(worker, error));
    worker.on('exit', () => this.#ended(worker, new Error('the thread that writes files ended unexpectedly')));
    worker.unref();
    return worker;
  }

  #answered(worker: Worker, { id, error }: Answer): void {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) worker.unref();
    if (error === null) waiter?.resolve();
    else waiter?.reject(Object.assign(new Error(error.message), error.code === undefined ? {} : { code: error.code }));
  }

  #ended(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const waiter of waiting) waiter.reject(error);
  }
}
