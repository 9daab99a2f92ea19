/**
 * Says when the disk is what everybody waits for: a commit waits for two to three syncs of the log one after the
 * other, so a disk whose syncs take long makes every lock be held long, and looks like a hang from outside.
 *
 * One log line for each SUMMARY_MS at most, with what was slow since the last one.
 */
import type { Clock, Logger } from '../env/env.js';

const SLOW_MS = 200;
const SUMMARY_MS = 5_000;

export class SlowSyncs {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #toldMs = -SUMMARY_MS;
  #slow = 0;
  #slowestMs = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** To be called when a write of the log has become durable. @param beganMs monotonic milliseconds. */
  ended(beganMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const ms = nowMs - beganMs;
    if (ms < SLOW_MS) return;
    this.#slow++;
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    if (nowMs - this.#toldMs < SUMMARY_MS) return;
    this.#logger.log('info', 'the disk is slow to sync the log', {
      writes: this.#slow,
      msMax: Math.round(this.#slowestMs),
    });
    this.#toldMs = nowMs;
    this.#slow = 0;
    this.#slowestMs = 0;
  }
}
