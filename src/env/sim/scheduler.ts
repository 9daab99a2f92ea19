/**
 * Virtual time: a queue of events, each of which belongs to a process of the simulated world. An
 * event runs in a turn of its own; everything it awaits without waiting for time is drained first.
 *
 * Invariants
 * - Events run in order of their time, ties in the order they were scheduled; after a leap also late.
 * - An event of a process that has died never runs; one of a paused process runs after it resumes.
 * - Nothing but the seed and the events decides what happens: real time is never looked at, except
 *   for the watchdog that ends a run whose virtual time does not move on.
 */
import { assert } from '../../base/assert.js';
import type { TimerHandle } from '../env.js';
import type { SimTrace } from './trace.js';

interface Due {
  readonly atUs: number;
  readonly order: number;
  readonly owner: SimProcess | null;
  readonly fn: () => void;
  cancelled: boolean;
}

/** Events in one virtual microsecond; more is a loop that makes no progress. */
const EVENTS_AT_ONCE_MAX = 2_000_000;

/** Why a run ended although nothing failed: what it waits for does not come. */
export class SimStalled extends Error {
  readonly reason: 'nothing-left' | 'limit' | 'no-progress';

  constructor(reason: SimStalled['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Something that can die or stand still: a node's process, or a client's. */
export class SimProcess {
  readonly name: string;
  readonly #scheduler: SimScheduler;
  #alive = true;
  #paused = false;
  #held: Due[] = [];

  constructor(scheduler: SimScheduler, name: string) {
    this.#scheduler = scheduler;
    this.name = name;
  }

  get alive(): boolean {
    return this.#alive;
  }
  get paused(): boolean {
    return this.#paused;
  }

  /** Nothing of this process runs any more. */
  die(): void {
    this.#alive = false;
    this.#held = [];
  }
  pause(): void {
    this.#paused = true;
  }
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const held = this.#held;
    this.#held = [];
    for (const due of held) if (!due.cancelled) this.#scheduler.at(this.#scheduler.nowUs, this, due.fn);
  }
  hold(due: Due): void {
    this.#held.push(due);
  }
}

/** Calls `step` once a turn of the real event loop, until it returns false (env/node/turns.ts). */
export type RunTurns = (step: () => boolean) => Promise<void>;

export class SimScheduler {
  nowUs = 0;
  readonly #trace: SimTrace;
  readonly #runTurns: RunTurns;
  readonly #heap: Due[] = [];
  #order = 0;
  #runAtOnce = 0;
  #failure: { readonly error: unknown } | null = null;
  /** Until when the current run may last. */
  #endUs = 0;

  constructor(trace: SimTrace, runTurns: RunTurns) {
    this.#trace = trace;
    this.#runTurns = runTurns;
  }

  at(atUs: number, owner: SimProcess | null, fn: () => void): TimerHandle {
    const due: Due = {
      atUs: Math.max(this.nowUs, Math.round(atUs)),
      order: this.#order++,
      owner,
      fn,
      cancelled: false,
    };
    this.#push(due);
    return { cancel: () => void (due.cancelled = true) };
  }

  after(us: number, owner: SimProcess | null, fn: () => void): TimerHandle {
    return this.at(this.nowUs + Math.max(0, us), owner, fn);
  }

  sleep(us: number): Promise<void> {
    return new Promise((resolve) => void this.after(us, null, resolve));
  }

  /**
   * The whole world sleeps for this long, as a machine does whose virtual machine is suspended: clocks
   * go on, nothing runs, and what has come due meanwhile runs afterwards, in its order. It does not count
   * against a run's limit.
   */
  leap(us: number): void {
    assert(us >= 0, 'virtual time runs forward');
    this.nowUs += Math.round(us);
    this.#endUs += Math.round(us);
  }

  /** Ends the run with this error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /**
   * Runs events until `promise` settles, and gives what it settles with.
   * @throws what it rejects with; SimStalled if nothing is left to happen or `limitUs` of virtual time pass.
   */
  async run<T>(promise: Promise<T>, limitUs: number): Promise<T> {
    let over = false;
    promise.then(
      () => (over = true),
      () => (over = true),
    );
    this.#endUs = this.nowUs + limitUs;
    let started = false;
    await this.#runTurns(() => {
      // The first turn only lets the promise's own microtasks run.
      if (!started) {
        started = true;
        return true;
      }
      if (over) return false;
      if (this.#failure !== null) throw this.#failure.error;
      this.#step();
      return true;
    });
    return promise;
  }

  #step(): void {
    const due = this.#pop();
    if (due === undefined) {
      throw new SimStalled('nothing-left', 'nothing is left to happen, and what is waited for has not come');
    }
    if (due.cancelled) return;
    const { owner } = due;
    if (owner !== null) {
      if (!owner.alive) return;
      if (owner.paused) {
        owner.hold(due);
        return;
      }
    }
    if (due.atUs > this.#endUs) {
      throw new SimStalled('limit', 'what is waited for did not come within the virtual time allowed');
    }
    if (due.atUs > this.nowUs) {
      this.nowUs = due.atUs;
      this.#runAtOnce = 0;
    } else if (++this.#runAtOnce > EVENTS_AT_ONCE_MAX) {
      throw new SimStalled('no-progress', 'virtual time stands still: events cause each other without end');
    }
    this.#trace.event(due.atUs, 'run', owner?.name ?? '', due.order);
    due.fn();
  }

  #push(due: Due): void {
    const heap = this.#heap;
    heap.push(due);
    let i = heap.length - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (!before(due, heap[up]!)) break;
      heap[i] = heap[up]!;
      i = up;
    }
    heap[i] = due;
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const top = heap[0];
    if (top === undefined) return undefined;
    const last = heap.pop()!;
    const { length } = heap;
    if (length === 0) return top;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      if (left >= length) break;
      const small = left + 1 < length && before(heap[left + 1]!, heap[left]!) ? left + 1 : left;
      if (!before(heap[small]!, last)) break;
      heap[i] = heap[small]!;
      i = small;
    }
    heap[i] = last;
    return top;
  }
}

function before(a: Due, b: Due): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
