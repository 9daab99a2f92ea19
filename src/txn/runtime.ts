/** What the transactions of one node share. Built by the coordinator, used by its parts. */
import type { NodeId } from '../base/ids.js';
import type { Clock, HlcClock, Logger, Rng, Timers } from '../env/env.js';
import type { CleanupQueue } from './cleanup-queue.js';
import type { HeartbeatLoop } from './heartbeats.js';
import type { RangeRouter } from './router.js';

export interface TxnCounters {
  begun: number;
  committed: number;
  readOnly: number;
  onePhase: number;
  parallel: number;
  explicit: number;
  rolledBack: number;
  restarts: number;
  refreshes: number;
  refreshFailures: number;
  ambiguous: number;
  spills: number;
}

export function newCounters(): TxnCounters {
  return {
    begun: 0,
    committed: 0,
    readOnly: 0,
    onePhase: 0,
    parallel: 0,
    explicit: 0,
    rolledBack: 0,
    restarts: 0,
    refreshes: 0,
    refreshFailures: 0,
    ambiguous: 0,
    spills: 0,
  };
}

export interface TxnRuntime {
  readonly nodeId: NodeId;
  readonly hlc: HlcClock;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly router: RangeRouter;
  readonly heartbeats: HeartbeatLoop;
  readonly cleanup: CleanupQueue;
  readonly counters: TxnCounters;
  /** Writes that one transaction may spill as intents: the leaseholders keep each in memory. */
  readonly spilledMax: number;
  /** Bytes that a transaction buffers before it writes them as intents. */
  readonly spillBytes: number;
}
