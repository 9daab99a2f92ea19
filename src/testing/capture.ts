/**
 * One moment of a whole cluster in memory, from which any number of clusters can be started: what every
 * node's process would leave behind if all died in the same instant with everything written safe on disk.
 *
 * Why it is consistent: all nodes are captured in one turn of the event loop, at its beginning, when
 * no log write is half done (they settle in microtasks). Raft answers for the rest, as after any
 * such stop: what was acknowledged is in the logs of a majority; a transaction in flight is
 * committed or aborted by its record, by whoever meets its intents.
 *
 * Why the start does not wait. A node that comes back after a crash waits until its clock has passed
 * the bound it had persisted and until the support it had asked for has run out, because before, it may
 * have handed out timestamps, or its peers may rely on promises, that it does not know of. Nothing
 * of a captured moment is unknown: no process of it lives on in the new cluster's world (its own network,
 * its own disks). So the files are written as a clean stop would leave them, dated by the latest clock
 * of all nodes:
 *   clock     the exact time: every timestamp handed out or accepted by then is below it.
 *   liveness  support that was asked for ends now, and support that was given is withdrawn under the next
 *             epoch; the leader that relied on it does not exist any more.
 * New leases start above that time, as the timestamp caches do, so no write lands below a read of
 * the captured past.
 */
import { assert } from '../base/assert.js';
import { seal, unseal } from '../base/checksum.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import { LivenessState } from '../encoding/proto/cluster.js';
import { formatBound } from '../hlc/hlc.js';
import type { MemoryDisk } from '../env/memory-disk.js';
import type { MemoryEngine, MemoryImage } from '../storage/memory-engine.js';

export interface NodeCapture {
  /** null: the node has never run. */
  readonly image: MemoryImage | null;
  readonly disk: MemoryDisk;
  readonly running: boolean;
}

export interface ClusterCapture {
  readonly nodes: readonly NodeCapture[];
  /** Whatever a transaction of the captured nodes began at is at or below it. */
  readonly takenAt: Timestamp;
}

/** What of a node is captured; `now` is its clock's time, null if it does not run. */
export interface CaptureSource {
  readonly dataDir: string;
  readonly engine: MemoryEngine | null;
  readonly disk: MemoryDisk;
  readonly now: (() => Timestamp) | null;
}

/** To be called at the beginning of a turn of the event loop; does not await. */
export function captureCluster(sources: readonly CaptureSource[]): ClusterCapture {
  let takenAt = 0;
  for (const { now } of sources) if (now !== null) takenAt = Math.max(takenAt, now());
  const nodes = sources.map(({ dataDir, engine, disk, now }) => {
    const copy = disk.clone();
    if (now !== null) settle(copy, dataDir, takenAt);
    return { image: engine?.image() ?? null, disk: copy, running: now !== null };
  });
  assert(takenAt > 0, 'a node runs');
  return { nodes, takenAt };
}

function settle(disk: MemoryDisk, dataDir: string, takenAt: Timestamp): void {
  disk.put(`${dataDir}/clock`, formatBound(takenAt));
  const path = `${dataDir}/liveness`;
  const bytes = disk.get(path);
  if (bytes === null) return;
  const state = LivenessState.decode(unseal(bytes, path));
  const given = state.given.map(({ nodeId, epoch, granted }) => ({
    nodeId,
    epoch: granted ? epoch + 1 : epoch,
    granted: false,
  }));
  const settled = LivenessState.encode({ ...state, bound: takenAt, stoppedAt: takenAt, given }).finish();
  disk.put(path, seal(settled));
}

export function nodeIds(count: number): NodeId[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
