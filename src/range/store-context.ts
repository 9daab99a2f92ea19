/** What a replica may ask of its store. */
import type { NodeId, Timestamp } from '../base/ids.js';
import type { Env, HlcClock } from '../env/env.js';
import type { Liveness } from '../raft/types.js';
import type { Engine, WriteBatch } from '../storage/engine.js';
import type { SplitTrigger } from './kv-api.js';
import type { Replica } from './replica.js';

export interface StoreContext {
  readonly nodeId: NodeId;
  readonly options: { readonly uncommittedBytesMax?: number };
  readonly env: Env;
  readonly hlc: HlcClock;
  readonly engine: Engine;
  readonly liveness: Liveness;
  /** The replica has something to do: its effects are collected at the end of this turn. */
  schedule(replica: Replica): void;
  coordinatorAlive(node: NodeId, since: Timestamp): boolean;
  /** Adds to the applying batch what the right side of a split starts with. */
  stageSplit(left: Replica, trigger: SplitTrigger, batch: WriteBatch): void;
  /** The split is written: the right side's replica comes to life. */
  finishSplit(left: Replica, trigger: SplitTrigger): void;
  leaseBegan(replica: Replica): void;
  leaseEnded(replica: Replica): void;
}
