/**
 * Virtual time that runs by itself: whatever is due next runs in a turn of its own, with everything that it
 * awaits drained before. How fast the machine is decides nothing: a leader does not lose its support because a
 * test's worker stood still. One seed gives one order.
 */
import type { Clock, TimerHandle, Timers } from '../../../src/env/env.js';
import { runTurns } from '../../../src/env/node/turns.js';
import type { SimRandom } from '../../../src/env/sim/random.js';

/** What a turn of the event loop takes at most, milliseconds. */
const TURN_MS_MAX = 0.04;
const EPOCH_US = 1_700_000_000_000_000;

interface Due {
  readonly atMs: number;
  readonly fn: () => void;
  cancelled: boolean;
}

export class PacedTime implements Timers, Clock {
  readonly #random: SimRandom;
  /** By time, the next at the end; ties in the order of asking. */
  readonly #due: Due[] = [];
  #nowMs = 0;
  #stopped = false;

  constructor(random: SimRandom) {
    this.#random = random;
  }

  /** Time runs until stop(). What a timer throws rejects. */
  run(): Promise<void> {
    return runTurns(() => this.#step());
  }
  stop(): void {
    this.#stopped = true;
  }

  wallUs(): number {
    return EPOCH_US + Math.floor(this.#nowMs * 1000);
  }
  monotonicMs(): number {
    return this.#nowMs;
  }

  after(ms: number, fn: () => void): TimerHandle {
    const due: Due = { atMs: this.#nowMs + Math.max(0, ms), fn, cancelled: false };
    let low = 0;
    let high = this.#due.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#due[middle]!.atMs > due.atMs) low = middle + 1;
      else high = middle;
    }
    this.#due.splice(low, 0, due);
    return { cancel: () => void (due.cancelled = true) };
  }

  every(ms: number, fn: () => void): TimerHandle {
    let cancelled = false;
    const tick = (): void => {
      fn();
      if (!cancelled) handle = this.after(ms, tick);
    };
    let handle = this.after(ms, tick);
    return {
      cancel: () => {
        cancelled = true;
        handle.cancel();
      },
    };
  }

  endOfTurn(fn: () => void): void {
    this.after(this.#random.between(0, TURN_MS_MAX), fn);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** The process stands still: what comes due meanwhile runs late. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  #step(): boolean {
    if (this.#stopped) return false;
    const due = this.#due.pop();
    if (due === undefined || due.cancelled) return true;
    this.#nowMs = Math.max(this.#nowMs, due.atMs);
    due.fn();
    return true;
  }
}
