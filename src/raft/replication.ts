/**
 * Log replication: the leader's appends and their answers, the commit rule, snapshots for peers
 * behind the truncated log, and the follower's side.
 *
 * Appends go out once per Ready (`flushAppends`), so that everything proposed in one turn of the
 * event loop travels in one message. The commit index travels with the next append; when there is
 * none, with a heartbeat at the next tick.
 */
import { assert } from '../base/assert.js';
import type { NodeId } from '../base/ids.js';
import { mark } from '../base/probes.js';
import { confMembers } from './conf-change.js';
import type { RaftCore } from './core.js';
import { isPeerFortified } from './leases.js';
import { entryBytes } from './log-view.js';
import type { Progress } from './progress.js';
import { quorumValue } from './quorum.js';
import type { Entry, EntryType, RaftMessage, SnapshotMeta } from './types.js';

/** Leader: appends to its own log. The caller has checked every limit. */
export function appendOwn(core: RaftCore, type: EntryType, data: Uint8Array): Entry {
  const entry: Entry = { term: core.term, index: core.log.lastIndex + 1, type, data };
  core.log.append([entry]);
  if (core.uncommittedSizes.length === 0) core.uncommittedFrom = entry.index;
  const bytes = entryBytes(entry);
  core.uncommittedSizes.push(bytes);
  core.uncommittedBytes += bytes;
  core.appendDirty = true;
  return entry;
}

function forgetCommitted(core: RaftCore): void {
  const count = core.log.committed - core.uncommittedFrom + 1;
  if (core.uncommittedSizes.length === 0 || count <= 0) return;
  for (let i = 0; i < count; i++) core.uncommittedBytes -= core.uncommittedSizes[i]!;
  core.uncommittedSizes.splice(0, count);
  core.uncommittedFrom += count;
}

/** Commits what a quorum holds, if it is of this term (figure 8). */
export function maybeCommit(core: RaftCore): boolean {
  const index = quorumValue(core.conf, (id) => core.progress.get(id)?.match ?? 0);
  if (index <= core.log.committed || core.log.term(index) !== core.term) return false;
  core.log.commitTo(index);
  forgetCommitted(core);
  return true;
}

/** Leader: its own entries up to the stable index are durable. */
export function ackOwn(core: RaftCore): void {
  const own = core.progress.get(core.id);
  if (own === undefined) return;
  if (own.maybeUpdate(core.log.stableIndex)) maybeCommit(core);
}

export function flushAppends(core: RaftCore): void {
  if (!core.appendDirty) return;
  core.appendDirty = false;
  if (core.role !== 'leader') return;
  for (const [id, progress] of core.progress) {
    if (id === core.id) continue;
    let more = true;
    while (more) more = sendAppend(core, id, progress, false);
  }
}

/**
 * Sends the next append, or starts a snapshot. With `evenEmpty` it goes out even without entries and
 * even with a full window, to find out where the peer stands.
 * @returns true if entries were sent, so that more may follow.
 */
export function sendAppend(core: RaftCore, to: NodeId, progress: Progress, evenEmpty: boolean): boolean {
  const { log } = core;
  const blocked = progress.paused;
  if (blocked && !(evenEmpty && progress.state === 'replicate')) return false;
  const idle = blocked || progress.next > log.lastIndex;
  if (progress.wantsSnapshot) {
    sendSnapshot(core, to, progress);
    return false;
  }
  if (idle && !evenEmpty) return false;
  const previous = progress.next - 1;
  const previousTerm = log.term(previous);
  const entries =
    previousTerm === null
      ? null
      : idle
        ? []
        : log.slice(progress.next, log.lastIndex + 1, core.options.maxEntriesBytesPerMessage);
  if (previousTerm === null || entries === null) {
    sendSnapshot(core, to, progress);
    return false;
  }
  core.sendNow('app', to, {
    index: previous,
    logTerm: previousTerm,
    commit: log.committed,
    entries,
  });
  const last = previous + entries.length;
  progress.sentCommit = Math.min(log.committed, last);
  if (progress.state === 'probe') {
    progress.probeSent = true;
    return false;
  }
  if (entries.length === 0) return false;
  progress.next = last + 1;
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  progress.inflights.add(last, bytes);
  return true;
}

function sendSnapshot(core: RaftCore, to: NodeId, progress: Progress): void {
  // A peer that is down would only hold the snapshot's resources.
  if (!progress.recentActive || core.log.restoring || core.log.stateless) return;
  const snapshot = core.options.storage.snapshotMeta();
  assert(snapshot.index > 0, 'a snapshot of nothing');
  core.debug(() => `snapshot at ${snapshot.index} to ${to}: it needs ${progress.next}`);
  mark('snapshot-overtakes-log');
  progress.becomeSnapshot(snapshot.index);
  core.sendNow('snap', to, { snapshot });
}

export function handleAppendResponse(core: RaftCore, message: RaftMessage): void {
  const progress = core.progress.get(message.from);
  if (core.role !== 'leader' || progress === undefined) return;
  progress.recentActive = true;
  progress.ackedCommit = message.commit;
  if (message.reject) {
    handleAppendRejection(core, message, progress);
    return;
  }
  progress.wantsSnapshot = false;
  const news = progress.maybeUpdate(message.index);
  if (!news && !(progress.state === 'probe' && progress.match === message.index)) return;
  switch (progress.state) {
    case 'probe':
      progress.becomeReplicate();
      break;
    case 'snapshot':
      // Connected to this log again, whether by the snapshot or otherwise.
      if (progress.match + 1 >= core.log.firstIndex()) progress.becomeReplicate();
      break;
    case 'replicate':
      progress.inflights.freeTo(message.index);
      break;
  }
  if (progress.match >= core.log.committed) progress.afterSnapshot = false;
  maybeCommit(core);
  core.appendDirty = true;
}

function handleAppendRejection(core: RaftCore, message: RaftMessage, progress: Progress): void {
  const hint =
    message.logTerm > 0 ? core.log.findConflictByTerm(message.rejectHint, message.logTerm).index : message.rejectHint;
  if (!progress.maybeDecrease(message.index, hint)) return;
  if (progress.state === 'replicate') progress.becomeProbe();
  core.appendDirty = true;
}

export function sendHeartbeat(core: RaftCore, to: NodeId, progress: Progress): void {
  // Never more than the follower holds: it may have entries of another leader beyond that.
  const commit = Math.min(progress.match, core.log.committed);
  progress.sentCommit = Math.max(progress.sentCommit, commit);
  core.sendNow('heartbeat', to, {
    commit,
    context: core.pendingReads.at(-1)?.sequence ?? 0,
  });
}

/** The peer needs no heartbeat: it has and knows everything, and its store watches over ours. */
export function isPeerQuiet(core: RaftCore, id: NodeId, progress: Progress): boolean {
  return (
    progress.state === 'replicate' &&
    progress.match === core.log.lastIndex &&
    progress.ackedCommit >= core.log.committed &&
    (isPeerFortified(core, id, progress) || isLearner(core, id))
  );
}

export function isLearner(core: RaftCore, id: NodeId): boolean {
  return core.conf.learners.includes(id);
}

/** Leader, at every tick: heartbeats where due, and the commit index where no append carried it. */
export function tickHeartbeats(core: RaftCore, due: boolean): void {
  for (const [id, progress] of core.progress) {
    if (id === core.id) continue;
    const news = progress.sentCommit < Math.min(progress.match, core.log.committed);
    if (news || (due && (core.pendingReads.length > 0 || !isPeerQuiet(core, id, progress)))) {
      sendHeartbeat(core, id, progress);
    }
  }
}

/**
 * The peer has the log that it acknowledged, but no state: a range that was split off while it was away, or
 * a snapshot that was interrupted. No append helps, however much of the log matches. What it knows to be
 * committed may be more than this leader knows, and more than what it has applied: its snapshot must not be older
 * than the peer's log, and the peer acknowledges nothing before it came. An answer that comes late costs a
 * snapshot that the peer does not take.
 */
export function handleSnapshotWanted(core: RaftCore, message: RaftMessage): void {
  const progress = core.progress.get(message.from);
  if (core.role !== 'leader' || progress === undefined) return;
  progress.recentActive = true;
  if (message.rejectHint > 0 && message.commit > core.log.committed) {
    if (core.log.matchTerm(message.commit, message.rejectHint)) {
      mark('commit-learnt-from-stateless');
      core.log.commitTo(message.commit);
      forgetCommitted(core);
    }
  }
  if (progress.state === 'snapshot') return;
  progress.becomeProbe();
  progress.wantsSnapshot = true;
  core.appendDirty = true;
}

/** @returns true if the sender is a known peer of this leader. */
export function handleHeartbeatResponse(core: RaftCore, message: RaftMessage): boolean {
  const progress = core.progress.get(message.from);
  if (core.role !== 'leader' || progress === undefined) return false;
  progress.recentActive = true;
  progress.probeSent = false;
  progress.ackedCommit = message.commit;
  if (progress.state === 'probe') {
    sendAppend(core, message.from, progress, true);
  } else if (progress.match < core.log.lastIndex) {
    // Appends may have been lost: an empty one makes the follower say where it stands.
    if (!sendAppend(core, message.from, progress, false)) {
      sendAppend(core, message.from, progress, true);
    }
    core.appendDirty = true;
  }
  return true;
}

export function reportUnreachable(core: RaftCore, peer: NodeId): void {
  const progress = core.progress.get(peer);
  // What was in flight is probably lost: probe from what is known.
  if (core.role === 'leader' && progress?.state === 'replicate') progress.becomeProbe();
}

/** The snapshot that is on its way to the peer is the one of this term and index. */
export function isSending(core: RaftCore, peer: NodeId, term: number, index: number): boolean {
  const progress = core.progress.get(peer);
  if (core.role !== 'leader' || core.term !== term || progress === undefined) return false;
  return progress.state === 'snapshot' && progress.pendingSnapshot === index;
}

export function reportSnapshot(core: RaftCore, peer: NodeId, sent: { term: number; index: number }, ok: boolean): void {
  const progress = core.progress.get(peer);
  // Of another stream, which has ended late.
  if (progress === undefined || !isSending(core, peer, sent.term, sent.index)) return;
  if (!ok) {
    progress.pendingSnapshot = 0;
    progress.afterSnapshot = false;
  }
  progress.becomeProbe();
  // Its answer or a heartbeat's opens the way: an immediate retry would fail as well.
  progress.probeSent = true;
}

// Follower.

/** Instead of acknowledging anything: this log is whole, but there is nothing to apply it to. */
export function askForSnapshot(core: RaftCore, leader: NodeId): void {
  mark('snapshot-asked-for');
  core.sendAfterSync('snap-wanted', leader, core.commitFact() ?? {});
}

export function handleAppend(core: RaftCore, message: RaftMessage): void {
  const { log } = core;
  if (log.stateless) {
    askForSnapshot(core, message.from);
    return;
  }
  // A replica without a configuration must start from a snapshot: changes replayed onto an empty
  // configuration would end in another one than everybody else's.
  if (message.index === 0 && core.members.length === 0) return;
  if (message.index < log.committed) {
    core.sendAfterSync('app-resp', message.from, {
      index: log.committed,
      commit: log.committed,
    });
    return;
  }
  const last = log.maybeAppend(message.index, message.logTerm, message.entries, message.commit);
  if (last !== null) {
    core.sendAfterSync('app-resp', message.from, { index: last, commit: log.committed });
    return;
  }
  mark('append-refused');
  const hint = log.findConflictByTerm(Math.min(message.index, log.lastIndex), message.logTerm);
  core.sendAfterSync('app-resp', message.from, {
    index: message.index,
    commit: log.committed,
    reject: true,
    rejectHint: hint.index,
    logTerm: hint.term,
  });
}

export function handleHeartbeat(core: RaftCore, message: RaftMessage): void {
  core.log.commitTo(message.commit);
  if (core.log.stateless) askForSnapshot(core, message.from);
  core.sendAfterSync('heartbeat-resp', message.from, {
    commit: core.log.committed,
    context: message.context,
  });
}

export function handleSnapshot(core: RaftCore, message: RaftMessage): void {
  const snapshot = message.snapshot;
  assert(snapshot !== null, 'a snapshot message without metadata');
  restore(core, snapshot);
  core.sendAfterSync('app-resp', message.from, {
    index: core.log.committed,
    commit: core.log.committed,
  });
}

function restore(core: RaftCore, snapshot: SnapshotMeta): void {
  const { log } = core;
  if (log.stateless) {
    if (snapshot.index <= log.committed || log.matchTerm(snapshot.index, snapshot.term)) {
      log.regainState(snapshot.index);
      core.setConf(snapshot.conf);
      return;
    }
  }
  if (snapshot.index <= log.committed) return;
  if (!confMembers(snapshot.conf).includes(core.id)) return;
  if (log.matchTerm(snapshot.index, snapshot.term)) {
    mark('snapshot-obsolete');
    // The log already holds what the snapshot would bring.
    log.commitTo(snapshot.index);
    return;
  }
  log.restore(snapshot);
  core.setConf(snapshot.conf);
  core.debug(() => `restored the snapshot at ${snapshot.index}`);
}
