/**
 * What requests wait for at this store, so that a wait that lasts can be explained: one log line when it has
 * lasted SLOW_MS (what for, and for whom), one when it is over. Costs an entry in a set for each wait.
 *
 * Limits: at most LINES_MAX lines in one look, with a count of the others; looks come from the store's tick, so a
 * line may be late by LOOK_MS.
 */
import type { Clock, Logger } from '../env/env.js';

const SLOW_MS = 3_000;
const LOOK_MS = 500;
const LINES_MAX = 10;

export interface SlowWait {
  readonly what: string;
  readonly sinceMs: number;
  readonly describe: () => Record<string, unknown>;
  told: boolean;
}

export class SlowWaits {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waits = new Set<SlowWait>();
  #lookedMs = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @param describe is called only if the wait turns out to be slow, then and there. */
  begin(what: string, describe: () => Record<string, unknown>): SlowWait {
    const wait = { what, sinceMs: this.#clock.monotonicMs(), describe, told: false };
    this.#waits.add(wait);
    return wait;
  }

  end(wait: SlowWait): void {
    this.#waits.delete(wait);
    if (!wait.told) return;
    const ms = Math.round(this.#clock.monotonicMs() - wait.sinceMs);
    this.#logger.log('info', 'a long wait is over', { for: wait.what, ms, ...wait.describe() });
  }

  /** Cheap while nothing waits. */
  look(nowMs: number): void {
    if (this.#waits.size === 0 || nowMs - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs;
    let told = 0;
    for (const wait of this.#waits) {
      // In the order in which they began.
      if (nowMs - wait.sinceMs < SLOW_MS) break;
      if (wait.told) continue;
      if (told++ >= LINES_MAX) continue;
      wait.told = true;
      const ms = Math.round(nowMs - wait.sinceMs);
      this.#logger.log('info', 'a request waits', { for: wait.what, ms, ...wait.describe() });
    }
    if (told > LINES_MAX) this.#logger.log('info', 'more requests wait', { count: told - LINES_MAX });
  }
}
