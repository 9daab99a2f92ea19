/**
 * Real time. The wall clock is the system clock with microseconds added from the monotonic clock.
 *
 * `Date.now()` has millisecond steps, so the microseconds come from `performance.now()` on top of
 * an anchor. Each reading is held inside the millisecond that `Date.now()` reports and the anchor
 * moves with it: a slewed or stepped system clock is followed at once, and the error is below 1 ms.
 * The result may therefore step backwards with the system clock; only src/hlc is monotonic.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../env.js';

export class NodeClock implements Clock {
  #anchorUs = Date.now() * 1000 - performance.now() * 1000;

  wallUs(): number {
    const low = Date.now() * 1000;
    const high = low + 999;
    const reading = Math.floor(this.#anchorUs + performance.now() * 1000);
    if (reading < low) {
      this.#anchorUs += low - reading;
      return low;
    }
    if (reading > high) {
      this.#anchorUs -= reading - high;
      return high;
    }
    return reading;
  }

  monotonicMs(): number {
    return performance.now();
  }
}
