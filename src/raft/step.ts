/**
 * Dispatch of messages and ticks. Messages of a higher term are judged first: only a leader's message
 * proves that a quorum elected somebody. A fortified follower ignores everything else of a higher
 * term, because leaving its term would break its promise to the leader.
 */
import { unreachable } from '../base/assert.js';
import { mark } from '../base/probes.js';
import type { RaftCore } from './core.js';
import {
  abandonTransfer,
  giveUpStatelessHeir,
  becomeFollower,
  campaign,
  handleAppendResponseAndTransfer,
  handleVote,
  handleVoteResponse,
  ignoresVotes,
  learnCommit,
  makeWay,
} from './elections.js';
import {
  broadcastDeFortify,
  broadcastFortify,
  handleDeFortify,
  handleFortify,
  handleFortifyResponse,
  isFortified,
  noticeWithdrawal,
  supportedUntil,
} from './leases.js';
import { isVoter } from './conf-change.js';
import { maybeAutoLeave } from './membership.js';
import { acknowledgeReads, startRead } from './reads.js';
import {
  askForSnapshot,
  handleAppend,
  handleHeartbeat,
  handleHeartbeatResponse,
  handleSnapshot,
  handleSnapshotWanted,
  tickHeartbeats,
} from './replication.js';
import { quorumValue } from './quorum.js';
import type { RaftMessage } from './types.js';

export function stepMessage(core: RaftCore, message: RaftMessage): void {
  if (isVoteMessage(message)) learnCommit(core, message);
  if (message.term > core.term) {
    if (!acceptHigherTerm(core, message)) return;
  } else if (message.term < core.term) {
    answerLowerTerm(core, message);
    return;
  } else if (isVoteRequest(message) && ignoresVotes(core, message)) {
    return;
  }
  if (isFromLeader(message)) followLeader(core, message);
  dispatch(core, message);
}

function isVoteRequest(message: RaftMessage): boolean {
  return message.type === 'vote' || message.type === 'pre-vote';
}

function isVoteMessage(message: RaftMessage): boolean {
  return isVoteRequest(message) || message.type === 'vote-resp' || message.type === 'pre-vote-resp';
}

/** Only the leader of message.term sends these. */
function isFromLeader(message: RaftMessage): boolean {
  switch (message.type) {
    case 'app':
    case 'heartbeat':
    case 'snap':
    case 'fortify':
    case 'timeout-now':
    case 'read-index-resp':
      return true;
    default:
      return false;
  }
}

/** Moves to the higher term where that is right. False if the message is to be dropped. */
function acceptHigherTerm(core: RaftCore, message: RaftMessage): boolean {
  if (isFromLeader(message)) {
    becomeFollower(core, message.term, message.from);
    return true;
  }
  if (isVoteRequest(message)) {
    if (ignoresVotes(core, message)) return false;
    if (message.type === 'vote') becomeFollower(core, message.term, 0);
    return true;
  }
  if (message.type === 'pre-vote-resp' && !message.reject) return true;
  if (message.type !== 'de-fortify' && isFortified(core)) return false;
  becomeFollower(core, message.term, 0);
  return true;
}

/** The sender is behind. Saying so lets a stale leader or candidate catch up with the term. */
function answerLowerTerm(core: RaftCore, message: RaftMessage): void {
  switch (message.type) {
    case 'app':
    case 'heartbeat':
    case 'snap':
    case 'fortify':
      core.sendAfterSync('app-resp', message.from, { commit: core.log.committed });
      break;
    case 'pre-vote':
      core.sendAfterSync('pre-vote-resp', message.from, { reject: true });
      break;
    default:
      break;
  }
}

function followLeader(core: RaftCore, message: RaftMessage): void {
  if (core.role !== 'follower') becomeFollower(core, core.term, message.from);
  core.electionElapsed = 0;
  if (core.leader === 0) core.electionTimeout = core.randomTimeout();
  core.leader = message.from;
  core.deFortifyTerm = 0;
}

function dispatch(core: RaftCore, message: RaftMessage): void {
  switch (message.type) {
    case 'app':
      return handleAppend(core, message);
    case 'app-resp':
      return handleAppendResponseAndTransfer(core, message);
    case 'heartbeat':
      return handleHeartbeat(core, message);
    case 'heartbeat-resp':
      if (handleHeartbeatResponse(core, message)) acknowledgeReads(core, message);
      return;
    case 'vote':
    case 'pre-vote':
      return handleVote(core, message);
    case 'vote-resp':
    case 'pre-vote-resp':
      return handleVoteResponse(core, message);
    case 'snap':
      return handleSnapshot(core, message);
    case 'snap-wanted':
      handleSnapshotWanted(core, message);
      return giveUpStatelessHeir(core, message);
    case 'timeout-now':
      campaign(core, true);
      return;
    case 'read-index':
      startRead(core, message.from, message.context);
      return;
    case 'read-index-resp':
      core.readStates.push({ index: message.index, context: message.context });
      return;
    case 'fortify':
      return handleFortify(core, message);
    case 'fortify-resp':
      return handleFortifyResponse(core, message);
    case 'de-fortify':
      return handleDeFortify(core, message);
    case 'propose':
      // Proposals are routed to the leader above Raft; a forwarded one could be applied twice.
      return;
    default:
      unreachable(message.type);
  }
}

export function tickCore(core: RaftCore): void {
  if (core.role === 'leader') tickLeader(core);
  else tickFollower(core);
}

function tickFollower(core: RaftCore): void {
  core.heartbeatElapsed++;
  const heartbeatDue = core.heartbeatElapsed >= core.options.heartbeatTicks;
  if (heartbeatDue) {
    core.heartbeatElapsed = 0;
    broadcastDeFortify(core);
  }
  noticeWithdrawal(core);
  core.electionElapsed++;
  if (isFortified(core)) {
    if (core.electionElapsed >= core.options.electionTicks) {
      core.electionElapsed = 0;
      if (core.log.stateless) askForSnapshot(core, core.lead);
      // After a restart it may not know the latest commit index, and a quiet leader not know that.
      if (core.log.committed < core.log.lastIndex) {
        core.sendAfterSync('heartbeat-resp', core.lead, { commit: core.log.committed });
      }
    }
    return;
  }
  // Whoever has a state is the better leader.
  const patience = core.log.stateless ? 2 * core.electionTimeout : core.electionTimeout;
  if (core.electionElapsed < patience || !isVoter(core.conf, core.id)) return;
  if (campaign(core, false)) return;
  // It cannot lead now, but has no leader either: it must not keep others from being elected.
  core.electionElapsed = 0;
  core.leader = 0;
}

function tickLeader(core: RaftCore): void {
  if (core.transferee !== 0) {
    core.transferElapsed++;
    if (core.transferElapsed >= core.options.electionTicks) {
      abandonTransfer(core);
      if (!isLeader(core)) return;
    }
  }
  checkQuorum(core);
  if (!isLeader(core)) return;
  core.heartbeatElapsed++;
  const due = core.heartbeatElapsed >= core.options.heartbeatTicks;
  if (due) {
    core.heartbeatElapsed = 0;
    broadcastFortify(core);
    makeWay(core);
  }
  tickHeartbeats(core, due);
  maybeAutoLeave(core);
}

/** Not inlined: the compiler would take the role for unchanged. */
function isLeader(core: RaftCore): boolean {
  return core.role === 'leader';
}

/** Without the lease, a quorum must have been heard from within an election timeout. */
function checkQuorum(core: RaftCore): void {
  if (supportedUntil(core) > core.options.now()) {
    core.electionElapsed = 0;
    return;
  }
  if (core.electionElapsed === 0) forgetActivity(core);
  core.electionElapsed++;
  if (core.electionElapsed < core.options.electionTicks) return;
  core.electionElapsed = 0;
  const active = quorumValue(core.conf, (id) => (id === core.id || core.progress.get(id)!.recentActive ? 1 : 0));
  if (active === 0) mark('check-quorum-step-down');
  if (active === 0) becomeFollower(core, core.term, 0);
}

function forgetActivity(core: RaftCore): void {
  for (const progress of core.progress.values()) progress.recentActive = false;
}
