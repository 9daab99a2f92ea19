/** Virtual time whose events run until a promise settles; every await in between is drained. */
import type { Clock, HlcClock, Logger, TimerHandle, Timers } from '../../../src/env/env.js';

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

export class Sim implements Timers {
  nowMs = 1_000;
  #order = 0;
  #heap: Due[] = [];

  clock(skewUs = 0): Clock {
    return {
      wallUs: () => 1_700_000_000_000_000 + Math.round(this.nowMs * 1000) + skewUs,
      monotonicMs: () => this.nowMs,
    };
  }

  after(ms: number, fn: () => void): TimerHandle {
    const due: Due = { atMs: this.nowMs + Math.max(0, ms), order: this.#order++, fn, cancelled: false };
    this.#push(due);
    return { cancel: () => void (due.cancelled = true) };
  }
  every(ms: number, fn: () => void): TimerHandle {
    let stopped = false;
    let handle = this.after(ms, tick);
    const sim = this;
    function tick(): void {
      if (stopped) return;
      fn();
      handle = sim.after(ms, tick);
    }
    return {
      cancel: () => {
        stopped = true;
        handle.cancel();
      },
    };
  }
  endOfTurn(fn: () => void): void {
    this.after(0, fn);
  }
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Runs events until `promise` settles. @throws if it does not within `limitMs` of virtual time. */
  async run<T>(promise: Promise<T>, limitMs = 300_000): Promise<T> {
    let over = false;
    promise.then(
      () => (over = true),
      () => (over = true),
    );
    const end = this.nowMs + limitMs;
    await drain();
    while (!over) {
      const next = this.#pop();
      if (next === undefined) throw new Error('nothing left to happen, and the promise is not settled');
      if (next.atMs > end) throw new Error(`not settled after ${limitMs} ms of virtual time`);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.fn();
      await drain();
    }
    return promise;
  }

  advance(ms: number): Promise<void> {
    return this.run(this.sleep(ms), ms + 1);
  }

  #push(due: Due): void {
    const heap = this.#heap;
    heap.push(due);
    for (let i = heap.length - 1; i > 0;) {
      const up = (i - 1) >> 1;
      if (!before(heap[i]!, heap[up]!)) break;
      [heap[i], heap[up]] = [heap[up]!, heap[i]!];
      i = up;
    }
  }
  #pop(): Due | undefined {
    for (;;) {
      const heap = this.#heap;
      const top = heap[0];
      if (top === undefined) return undefined;
      const last = heap.pop()!;
      if (heap.length > 0) {
        heap[0] = last;
        for (let i = 0; ;) {
          const left = 2 * i + 1;
          if (left >= heap.length) break;
          const small = left + 1 < heap.length && before(heap[left + 1]!, heap[left]!) ? left + 1 : left;
          if (!before(heap[small]!, heap[i]!)) break;
          [heap[i], heap[small]] = [heap[small]!, heap[i]!];
          i = small;
        }
      }
      if (!top.cancelled) return top;
    }
  }
}

function before(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** All microtasks run before the next macrotask. */
function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class TestHlc implements HlcClock {
  readonly maxOffsetUs = 250_000;
  readonly #clock: Clock;
  #last = 0;
  constructor(clock: Clock) {
    this.#clock = clock;
  }
  now(): number {
    this.#last = Math.max(this.#clock.wallUs(), this.#last + 1);
    return this.#last;
  }
  update(remote: number): void {
    if (remote > this.#last) this.#last = remote;
  }
}

export const SILENT: Logger = { log: () => undefined, child: () => SILENT };
