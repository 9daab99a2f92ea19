/**
 * Read index: a read is linearisable at the leader's commit index once a quorum confirms that it
 * is still the leader. Under a lease no confirmation is needed. A new leader answers only after it
 * has committed an entry of its own term, because before that its commit index may lag.
 * Bounded: beyond PENDING_READS_MAX the request is dropped and the caller asks again.
 */
import type { NodeId } from '../base/ids.js';
import type { RaftCore } from './core.js';
import { leaseUntil } from './leases.js';
import { voteResult } from './quorum.js';
import { sendHeartbeat } from './replication.js';
import type { RaftMessage } from './types.js';

const PENDING_READS_MAX = 1024;

/** @returns false if the request cannot be served now; the caller may ask again. */
export function requestRead(core: RaftCore, context: number): boolean {
  if (core.role === 'leader') return startRead(core, core.id, context);
  if (core.leader === 0) return false;
  core.sendNow('read-index', core.leader, { context });
  return true;
}

/** Leader. */
export function startRead(core: RaftCore, from: NodeId, context: number): boolean {
  if (core.role !== 'leader' || core.log.term(core.log.committed) !== core.term) return false;
  const index = core.log.committed;
  const alone = voteResult(core.conf, new Map([[core.id, true]])) === 'won';
  if (alone || leaseUntil(core) > core.options.now()) {
    answer(core, from, index, context);
    return true;
  }
  if (core.pendingReads.length >= PENDING_READS_MAX) return false;
  core.readSequence++;
  const acks = new Map<NodeId, boolean>([[core.id, true]]);
  core.pendingReads.push({ sequence: core.readSequence, index, context, from, acks });
  for (const [id, progress] of core.progress) {
    if (id !== core.id) sendHeartbeat(core, id, progress);
  }
  return true;
}

/** A heartbeat that carried a sequence confirms every read up to it. */
export function acknowledgeReads(core: RaftCore, message: RaftMessage): void {
  if (message.context === 0 || core.pendingReads.length === 0) return;
  let done = 0;
  for (const [at, read] of core.pendingReads.entries()) {
    if (read.sequence > message.context) break;
    read.acks.set(message.from, true);
    if (voteResult(core.conf, read.acks) === 'won') done = at + 1;
  }
  // A quorum for a later read confirms the earlier ones too.
  for (const read of core.pendingReads.splice(0, done)) {
    answer(core, read.from, read.index, read.context);
  }
}

function answer(core: RaftCore, from: NodeId, index: number, context: number): void {
  if (from === core.id) core.readStates.push({ index, context });
  else core.sendNow('read-index-resp', from, { index, context });
}
