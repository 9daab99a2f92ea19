/**
 * Tells the ranges that transactions holding locks are alive: one timer for all of a node's
 * transactions, one heartbeat per transaction and second to the range of its record, beginning when
 * it has held locks for a second (most are over by then and never send one).
 *
 * Invariant: at most one heartbeat per transaction is under way. An answer 'aborted' is passed on at once;
 * a lost heartbeat is simply followed by the next (the ranges wait several beats before they give up
 * on a transaction).
 */
import { AssertionError } from '../base/assert.js';
import { mark } from '../base/probes.js';
import type { Clock, HlcClock, Logger, TimerHandle, Timers } from '../env/env.js';
import { KvError } from '../range/kv-errors.js';
import type { Attempt } from './attempt.js';
import { PRESENT, type RangeRouter } from './router.js';

const TICK_MS = 250;
export const HEARTBEAT_MS = 1_000;

interface Beating {
  readonly attempt: Attempt;
  readonly onAborted: (reason: string) => void;
  sinceMs: number;
  underWay: boolean;
}

export interface HeartbeatDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly hlc: HlcClock;
  readonly logger: Logger;
  readonly router: RangeRouter;
}

export class HeartbeatLoop {
  readonly #deps: HeartbeatDependencies;
  readonly #beating = new Map<Attempt, Beating>();
  #timer: TimerHandle | null = null;
  sent = 0;

  constructor(deps: HeartbeatDependencies) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#beating.size;
  }

  add(attempt: Attempt, onAborted: (reason: string) => void): void {
    this.#beating.set(attempt, { attempt, onAborted, sinceMs: this.#deps.clock.monotonicMs(), underWay: false });
    this.#timer ??= this.#deps.timers.every(TICK_MS, () => this.#tick());
  }

  remove(attempt: Attempt): void {
    this.#beating.delete(attempt);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#beating.clear();
  }

  #tick(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const beating of this.#beating.values()) {
      if (beating.underWay || nowMs - beating.sinceMs < HEARTBEAT_MS) continue;
      beating.sinceMs = nowMs;
      void this.#beat(beating);
    }
  }

  async #beat(beating: Beating): Promise<void> {
    const { attempt } = beating;
    beating.underWay = true;
    attempt.recordPossible = true;
    this.sent++;
    try {
      const header = { ...PRESENT, txn: attempt.meta() };
      const answer = await this.#deps.router.send(header, [{ kind: 'heartbeat-txn', now: this.#deps.hlc.now() }], {
        deadlineMs: 3 * HEARTBEAT_MS,
      });
      const response = answer.responses[0]!;
      if (response.kind === 'heartbeat-txn' && response.status === 'aborted' && this.#beating.has(attempt)) {
        mark('heartbeat-finds-aborted');
        beating.onAborted('its record was found aborted');
      }
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      if (error instanceof KvError && error.detail.kind === 'aborted' && this.#beating.has(attempt)) {
        beating.onAborted(error.detail.reason);
      } else {
        this.#deps.logger.log('debug', 'a transaction heartbeat was lost', { error: String(error) });
      }
    } finally {
      beating.underWay = false;
    }
  }
}
