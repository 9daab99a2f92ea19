/**
 * Leases by store liveness (DESIGN 5): a leader is fortified by the voters whose stores support its
 * store, and serves without a round trip until that support ends.
 *
 * Why it is safe. A follower that fortified leader L of term t under epoch e (persisted before the
 * answer leaves) neither campaigns nor votes for others while its store supports L under e, and its
 * store withdraws only when its clock has passed the expiration that it promised. `leadSupportUntil`
 * is the least expiration over a quorum; every election quorum shares a voter with it, and that
 * voter's clock, which travels with its vote, is past the expiration. So the new leader's clock
 * exceeds the end of the old lease. Exceptions, all of them initiated by L after it stopped serving:
 * de-fortify (L has stepped down) and votes with the transfer context (L has sent timeout-now, which
 * voids the lease for the whole term: see RaftCore.leaseVoid). A message from a leader of a higher
 * term proves that such a quorum existed.
 *
 * Obligations of Liveness: epochs are per pair of stores; `supported` stays false once withdrawn, and
 * support is given again only under a higher epoch; a store raises its epoch towards a supporter
 * only after that supporter withdrew or after its own restart; clocks travel with every message.
 * If a liveness module broke that, two leaders could serve at overlapping times.
 *
 * Over a change of configuration the maximum is forgotten: adjacent configurations overlap in a
 * voter, those further apart need not.
 */
import type { NodeId, Timestamp } from '../base/ids.js';
import { crashPoint } from '../base/probes.js';
import { confVoters, isVoter } from './conf-change.js';
import { makeMessage, type RaftCore } from './core.js';
import type { Progress } from './progress.js';
import { quorumValue } from './quorum.js';
import type { Entry, RaftMessage } from './types.js';

/** A short delay after support was withdrawn: the leader is gone, only split votes are to be avoided. */
const WITHDRAWN_TICKS_MAX = 4;

/**
 * This follower is bound to its leader. Its own configuration says nothing here: it may lag behind
 * (a new replica has none at first), and the leader counts on the promise all the same.
 */
export function isFortified(core: RaftCore): boolean {
  if (core.lead === 0 || core.role !== 'follower') return false;
  const support = core.options.liveness.supportFor(core.lead);
  return support.supported && support.epoch === core.leadEpoch;
}

/** Votes of others are to be ignored: there is a leader, as far as this replica may know. */
export function inLease(core: RaftCore): boolean {
  if (core.role === 'leader' || isFortified(core)) return true;
  // A fortified leader needs no heartbeats, so their absence or presence says nothing.
  if (core.lead !== 0) return false;
  return core.leader !== 0 && core.electionElapsed < core.options.electionTicks;
}

/** Follower: notices that the support it gave to its leader has ended. True if it was so. */
export function noticeWithdrawal(core: RaftCore): boolean {
  if (core.role !== 'follower' || core.lead === 0 || isFortified(core)) return false;
  core.debug(() => `support for leader ${core.lead} withdrawn at term ${core.term}`);
  release(core);
  return true;
}

/** The voter's fortification holds under the support that it now gives. */
export function isPeerFortified(core: RaftCore, id: NodeId, progress: Progress): boolean {
  return progress.leadEpoch !== 0 && progress.leadEpoch === core.options.liveness.supportFrom(id).epoch;
}

/** Until when a quorum has promised to elect nobody else; 0 if it has not. Leader only. */
export function supportedUntil(core: RaftCore): Timestamp {
  if (!core.conf.voters.includes(core.id)) return 0;
  const current = quorumValue(core.conf, (id) => {
    const support = core.options.liveness.supportFrom(id);
    if (id === core.id) return support.expiration;
    const progress = core.progress.get(id);
    return progress !== undefined && progress.leadEpoch !== 0 && progress.leadEpoch === support.epoch
      ? support.expiration
      : 0;
  });
  // A promise once made holds until its end, even if its maker has since moved on.
  if (current > core.leadSupportMax) core.leadSupportMax = current;
  return core.leadSupportMax;
}

/** Until when this leader may serve; 0 if it may not. */
export function leaseUntil(core: RaftCore): Timestamp {
  if (core.role !== 'leader' || core.transferee !== 0 || core.leaseVoid) return 0;
  return supportedUntil(core);
}

/** Asks every voter that supports this store and has not fortified yet under that epoch. */
export function broadcastFortify(core: RaftCore): void {
  if (core.leaseVoid) return;
  const now = core.options.now();
  for (const id of confVoters(core.conf)) {
    if (id === core.id) continue;
    const progress = core.progress.get(id)!;
    const support = core.options.liveness.supportFrom(id);
    if (support.expiration <= now || progress.leadEpoch === support.epoch) continue;
    core.fortifySent = true;
    core.sendNow('fortify', id);
  }
}

/** Tells voters that the leadership of deFortifyTerm is over, until a successor is known. */
export function broadcastDeFortify(core: RaftCore): void {
  if (core.deFortifyTerm === 0) return;
  for (const id of confVoters(core.conf)) {
    if (id === core.id) continue;
    core.messagesNow.push(makeMessage('de-fortify', core.id, id, core.deFortifyTerm));
  }
}

export function handleFortify(core: RaftCore, message: RaftMessage): void {
  const support = core.options.liveness.supportFor(message.from);
  if (!support.supported || core.role !== 'follower') {
    core.sendAfterSync('fortify-resp', message.from, { reject: true });
    return;
  }
  crashPoint('before-fortify', core.id);
  core.lead = message.from;
  core.leadEpoch = support.epoch;
  core.sendAfterSync('fortify-resp', message.from, { leadEpoch: support.epoch });
}

export function handleFortifyResponse(core: RaftCore, message: RaftMessage): void {
  const progress = core.progress.get(message.from);
  if (core.role !== 'leader' || progress === undefined) return;
  progress.recentActive = true;
  if (!message.reject) progress.leadEpoch = Math.max(progress.leadEpoch, message.leadEpoch);
}

/**
 * Follower: a change proposed by the very leader it fortified took that leader out of the voters. Such
 * a leader has given up its lease before (supportedUntil), and may be gone without a word.
 */
export function releaseFromRemovedLeader(core: RaftCore, entry: Entry): void {
  if (core.lead === 0 || entry.term !== core.term || isVoter(core.conf, core.lead)) return;
  release(core);
}

function release(core: RaftCore): void {
  core.lead = 0;
  core.leadEpoch = 0;
  core.leader = 0;
  core.electionElapsed = 0;
  core.electionTimeout = 1 + Math.floor(core.options.random() * WITHDRAWN_TICKS_MAX);
}

/** The leader that this replica fortified has stepped down: an election need not wait. */
export function handleDeFortify(core: RaftCore, message: RaftMessage): void {
  if (core.role !== 'follower' || message.term !== core.term) return;
  if (core.lead !== message.from && core.leader !== message.from) return;
  release(core);
}
