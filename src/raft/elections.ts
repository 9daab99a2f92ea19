/**
 * Roles and elections: pre-vote (a campaign that could not win does not raise the term), votes,
 * check-quorum (a leader that hears from no quorum, and whose lease has ended, steps down), and the
 * end of a leadership.
 *
 * A vote request leaves only when the new term and the own vote are durable: otherwise a crash in
 * between could lead to two leaderships of one node in the same term.
 */
import { assert } from '../base/assert.js';
import type { NodeId } from '../base/ids.js';
import { crashPoint, mark } from '../base/probes.js';
import { confVoters, isVoter } from './conf-change.js';
import { makeMessage, TRANSFER_CONTEXT, type RaftCore } from './core.js';
import { broadcastDeFortify, broadcastFortify, inLease, isFortified, noticeWithdrawal } from './leases.js';
import { voteResult } from './quorum.js';
import { appendOwn, handleAppendResponse } from './replication.js';
import type { RaftMessage } from './types.js';

const NO_DATA = new Uint8Array(0);

function reset(core: RaftCore, term: number): void {
  if (term !== core.term) {
    assert(term > core.term, 'terms never go back');
    core.term = term;
    core.vote = 0;
    core.lead = 0;
    core.leadEpoch = 0;
  }
  core.leader = 0;
  core.electionElapsed = 0;
  core.heartbeatElapsed = 0;
  core.electionTimeout = core.randomTimeout();
  core.votes.clear();
  core.transferee = 0;
  core.transferElapsed = 0;
  core.leaseVoid = false;
  core.leadSupportMax = 0;
  core.fortifySent = false;
  core.pendingConfIndex = 0;
  core.uncommittedBytes = 0;
  core.uncommittedSizes = [];
  core.pendingReads = [];
  core.appendDirty = false;
  core.resetProgress();
}

export function becomeFollower(core: RaftCore, term: number, leader: NodeId): void {
  const ended = core.role === 'leader' && core.fortifySent ? core.term : 0;
  reset(core, term);
  core.role = 'follower';
  core.leader = leader;
  if (ended !== 0) core.deFortifyTerm = ended;
  if (leader !== 0) core.deFortifyTerm = 0;
  else if (ended !== 0) broadcastDeFortify(core);
  core.debug(() => `follower at term ${term} of leader ${leader}`);
}

/** Why a campaign is impossible now, or null. */
function campaignObstacle(core: RaftCore, transfer: boolean): string | null {
  if (core.role === 'leader') return 'already the leader';
  if (!isVoter(core.conf, core.id)) return 'not a voter';
  if (core.log.restoring) return 'a snapshot is being installed';
  if (hasUnappliedConfChange(core)) return 'a configuration change is not applied yet';
  if (!transfer && isFortified(core)) return 'bound by fortification';
  return null;
}

/**
 * A candidate's configuration may be one change behind the truth, never two: then quorums need not
 * overlap. The commit index is persisted lazily and may lag, but a leader proposes a change only
 * when the one before it is committed; so of several changes in the log all but the last are.
 */
function hasUnappliedConfChange(core: RaftCore): boolean {
  const { log } = core;
  let next = log.applied + 1;
  let before = 0;
  let last = 0;
  while (next <= log.lastIndex) {
    const entries = log.slice(next, log.lastIndex + 1, 1 << 20);
    assert(entries !== null && entries.length > 0, 'an unapplied entry was truncated');
    for (const entry of entries) {
      if (entry.type !== 'conf-change') continue;
      before = last;
      last = entry.index;
    }
    next += entries.length;
  }
  if (before > 0) log.commitTo(before);
  return before > 0 || (last > 0 && last <= log.committed);
}

/**
 * Starts an election unless something stands against it.
 * transfer: the leader asked for it; no pre-vote, and voters ignore leases.
 */
export function campaign(core: RaftCore, transfer: boolean): boolean {
  noticeWithdrawal(core);
  const obstacle = campaignObstacle(core, transfer);
  if (obstacle !== null) {
    core.debug(() => `no campaign: ${obstacle}`);
    return false;
  }
  if (transfer) becomeCandidate(core, true);
  else becomePreCandidate(core);
  return true;
}

function becomePreCandidate(core: RaftCore): void {
  core.role = 'pre-candidate';
  core.leader = 0;
  core.electionElapsed = 0;
  core.electionTimeout = core.randomTimeout();
  core.votes.clear();
  core.votes.set(core.id, true);
  if (voteResult(core.conf, core.votes) === 'won') {
    becomeCandidate(core, false);
    return;
  }
  for (const id of confVoters(core.conf)) {
    if (id === core.id) continue;
    core.messagesNow.push(
      makeMessage('pre-vote', core.id, id, core.term + 1, {
        index: core.log.lastIndex,
        logTerm: core.log.lastTerm(),
        ...core.commitFact(),
      }),
    );
  }
}

function becomeCandidate(core: RaftCore, transfer: boolean): void {
  reset(core, core.term + 1);
  core.role = 'candidate';
  crashPoint('before-vote-for-self', core.id);
  core.vote = core.id;
  core.selfAfterSync.push(makeMessage('vote-resp', core.id, core.id, core.term));
  for (const id of confVoters(core.conf)) {
    if (id === core.id) continue;
    core.sendAfterSync('vote', id, {
      index: core.log.lastIndex,
      logTerm: core.log.lastTerm(),
      context: transfer ? TRANSFER_CONTEXT : 0,
      ...core.commitFact(),
    });
  }
  core.debug(() => `candidate at term ${core.term}`);
}

function becomeLeader(core: RaftCore): void {
  reset(core, core.term);
  core.role = 'leader';
  core.leader = core.id;
  core.deFortifyTerm = 0;
  const own = core.progress.get(core.id);
  assert(own !== undefined, 'a leader is a member');
  own.recentActive = true;
  // Whatever is in the log already may hold a configuration change, and the next one may only be
  // made by a leader that has committed in its own term: else two could be under way at a time.
  core.pendingConfIndex = appendOwn(core, 'normal', NO_DATA).index;
  broadcastFortify(core);
  core.debug(() => `leader at term ${core.term}`);
}

export function handleVote(core: RaftCore, message: RaftMessage): void {
  const pre = message.type === 'pre-vote';
  const free =
    core.vote === message.from || (core.vote === 0 && core.leader === 0) || (pre && message.term > core.term);
  const granted = free && core.log.isUpToDate(message.index, message.logTerm);
  const response = pre ? 'pre-vote-resp' : 'vote-resp';
  // A granted pre-vote answers at the term that was asked for, a refusal at our own.
  const term = granted ? message.term : core.term;
  if (granted && !pre) {
    crashPoint('before-vote', core.id);
    core.vote = message.from;
    core.electionElapsed = 0;
  }
  const fields = granted ? { reject: false } : { reject: true, ...core.commitFact() };
  core.messagesAfterSync.push(makeMessage(response, core.id, message.from, term, fields));
}

/**
 * Votes and their refusals tell what is committed, at whatever term they arrive: if this log holds that
 * entry, it holds everything before it as well. Without this a range could be stuck for good: a
 * replica that does not know that the joint configuration has been left needs votes of those who
 * left, and they, with more in their logs, refuse.
 */
export function learnCommit(core: RaftCore, message: RaftMessage): void {
  if (core.role === 'leader' || message.commit <= core.log.committed) return;
  if (message.rejectHint > 0 && core.log.matchTerm(message.commit, message.rejectHint)) {
    mark('commit-learnt-from-vote');
    core.log.commitTo(message.commit);
  }
}

export function handleVoteResponse(core: RaftCore, message: RaftMessage): void {
  const expected = core.role === 'pre-candidate' ? 'pre-vote-resp' : 'vote-resp';
  if (core.role !== 'pre-candidate' && core.role !== 'candidate') return;
  if (message.type !== expected) return;
  if (!core.votes.has(message.from)) core.votes.set(message.from, !message.reject);
  switch (voteResult(core.conf, core.votes)) {
    case 'won':
      if (core.role === 'pre-candidate') becomeCandidate(core, false);
      else becomeLeader(core);
      break;
    case 'lost':
      mark(core.role === 'pre-candidate' ? 'election-lost-by-pre-vote' : 'election-lost');
      becomeFollower(core, core.term, 0);
      break;
    case 'pending':
      break;
  }
}

/** Whether votes and pre-votes of others are to be dropped unseen. */
export function ignoresVotes(core: RaftCore, message: RaftMessage): boolean {
  if (message.context === TRANSFER_CONTEXT && isFortified(core)) mark('lease-taken-while-old-unexpired');
  if (message.context === TRANSFER_CONTEXT) return false;
  noticeWithdrawal(core);
  // The leader that this replica follows asks only when it is leader no more.
  if (core.role === 'follower' && core.leader === message.from) return false;
  if (isFortified(core)) mark('vote-refused-by-promise');
  return inLease(core);
}

// Transfer of leadership.

export function startTransfer(core: RaftCore, to: NodeId): boolean {
  const progress = core.progress.get(to);
  if (core.role !== 'leader' || to === core.id || progress === undefined) return false;
  if (!core.conf.voters.includes(to) || progress.wantsSnapshot || progress.state === 'snapshot') return false;
  if (core.transferee !== 0) return core.transferee === to;
  // Whoever was sent timeout-now in this term might still act on it: first end the term.
  if (core.leaseVoid) return false;
  mark('transfer-leadership');
  core.transferee = to;
  core.transferElapsed = 0;
  if (progress.match === core.log.lastIndex) sendTimeoutNow(core);
  else if (progress.state === 'probe') {
    progress.probeSent = false;
    core.appendDirty = true;
  }
  return true;
}

/**
 * A leader that the joint configuration will leave without a vote has no lease (supportedUntil) and does
 * not leave that configuration: it hands over to an incoming voter, the one that has most of the log.
 * So does a leader without state, which can serve nobody and send no snapshot: it was elected because others
 * need its log.
 */
export function makeWay(core: RaftCore): void {
  if (core.role !== 'leader' || core.transferee !== 0) return;
  if (core.conf.voters.includes(core.id) && !core.log.stateless) return;
  let heir = 0;
  let match = -1;
  for (const id of core.conf.voters) {
    const progress = core.progress.get(id)!;
    if (id === core.id || !progress.recentActive || progress.wantsSnapshot || progress.match <= match) continue;
    heir = id;
    match = progress.match;
  }
  if (heir !== 0) startTransfer(core, heir);
}

/** Whoever leadership was to go to has no state; if it was not told yet, nothing has happened. */
export function giveUpStatelessHeir(core: RaftCore, message: RaftMessage): void {
  if (core.role !== 'leader' || core.transferee !== message.from || core.leaseVoid) return;
  core.transferee = 0;
  core.transferElapsed = 0;
}

function sendTimeoutNow(core: RaftCore): void {
  core.leaseVoid = true;
  crashPoint('before-timeout-now', core.id);
  core.sendNow('timeout-now', core.transferee);
}

/** The target may have caught up by this answer. */
export function handleAppendResponseAndTransfer(core: RaftCore, message: RaftMessage): void {
  handleAppendResponse(core, message);
  if (core.role !== 'leader' || core.transferee !== message.from || core.leaseVoid) return;
  if (core.progress.get(message.from)!.match === core.log.lastIndex) sendTimeoutNow(core);
}

/**
 * The target did not take over in time. If it was never told, everything is as before. If it was,
 * it may still win an election that ignores leases, so this term must not serve again: a new term,
 * whose votes exclude that, is the way back.
 */
export function abandonTransfer(core: RaftCore): void {
  mark('transfer-abandoned');
  const told = core.leaseVoid;
  core.debug(() => `transfer to ${core.transferee} abandoned`);
  core.transferee = 0;
  core.transferElapsed = 0;
  if (!told) return;
  if (hasUnappliedConfChange(core) || !isVoter(core.conf, core.id)) {
    becomeFollower(core, core.term, 0);
    return;
  }
  const ended = core.fortifySent ? core.term : 0;
  becomeCandidate(core, false);
  core.deFortifyTerm = ended;
}
