/**
 * A machine's clock and a process's timers in virtual time. The clock runs at a rate of its own
 * (drift) from an offset of its own, and can be made to jump; the monotonic clock drifts but never
 * jumps. Both belong to the machine, so they outlive its processes.
 */
import type { Clock, TimerHandle, Timers } from '../env.js';
import type { SimRandom } from './random.js';
import type { SimProcess, SimScheduler } from './scheduler.js';

/** 2025-01-01, so that dates look like dates. */
const EPOCH_US = 1_735_689_600_000_000;

export class SimClock implements Clock {
  readonly #scheduler: SimScheduler;
  #baseTrueUs = 0;
  #baseLocalUs = 0;
  #rate = 1;
  #offsetUs = 0;

  constructor(scheduler: SimScheduler) {
    this.#scheduler = scheduler;
  }

  wallUs(): number {
    return EPOCH_US + Math.floor(this.#localUs()) + this.#offsetUs;
  }
  monotonicMs(): number {
    return this.#localUs() / 1000;
  }

  /** How far the wall clock is from true time now, microseconds. */
  errorUs(): number {
    return Math.round(this.#localUs() + this.#offsetUs - this.#scheduler.nowUs);
  }

  /** From now on the clock gains this much per second of true time, in parts per million. */
  drift(ppm: number): void {
    this.#baseLocalUs = this.#localUs();
    this.#baseTrueUs = this.#scheduler.nowUs;
    this.#rate = 1 + ppm / 1e6;
  }
  jump(byUs: number): void {
    this.#offsetUs += Math.round(byUs);
  }
  /** NTP has done its work. */
  correct(): void {
    this.#offsetUs -= this.errorUs();
  }
  /** True microseconds in which this clock counts `us`. */
  trueUs(us: number): number {
    return us / this.#rate;
  }

  #localUs(): number {
    return this.#baseLocalUs + (this.#scheduler.nowUs - this.#baseTrueUs) * this.#rate;
  }
}

/** What a turn of the event loop takes at most, microseconds. */
const TURN_US_MAX = 40;

export class SimTimers implements Timers {
  readonly #scheduler: SimScheduler;
  readonly #process: SimProcess;
  readonly #clock: SimClock;
  readonly #random: SimRandom;

  constructor(scheduler: SimScheduler, process: SimProcess, clock: SimClock, random: SimRandom) {
    this.#scheduler = scheduler;
    this.#process = process;
    this.#clock = clock;
    this.#random = random;
  }

  after(ms: number, fn: () => void): TimerHandle {
    return this.#scheduler.after(this.#clock.trueUs(ms * 1000), this.#process, fn);
  }

  every(ms: number, fn: () => void): TimerHandle {
    let stopped = false;
    const tick = (): void => {
      if (stopped) return;
      fn();
      if (!stopped) handle = this.after(ms, tick);
    };
    let handle = this.after(ms, tick);
    return {
      cancel: () => {
        stopped = true;
        handle.cancel();
      },
    };
  }

  endOfTurn(fn: () => void): void {
    this.#scheduler.after(this.#random.int(TURN_US_MAX), this.#process, fn);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }
}
