/**
 * The state of one Raft replica, shared by the modules that make up its behaviour: leases.ts,
 * replication.ts, reads.ts, membership.ts, elections.ts, step.ts, in this order of dependence.
 * Only node.ts exposes it. Fields are plain and mutable because everything runs synchronously inside
 * one call of RaftNode.
 *
 * How messages use the common fields of RaftMessage (what is not named is 0):
 *   app            index, logTerm: the entry before `entries`; commit
 *   app-resp       index: last matching (or the rejected previous) index; commit: the follower's;
 *                  reject, rejectHint, logTerm: where to try next, and the term there
 *   heartbeat      commit: at most what the follower is known to hold; context: read sequence
 *   heartbeat-resp commit, context
 *   vote, pre-vote index, logTerm: the candidate's last entry; context = TRANSFER_CONTEXT ignores leases;
 *                  commit, rejectHint: the candidate's commit index and the term of that entry
 *   …vote-resp     reject, and then commit, rejectHint: the same of the voter
 *   snap           snapshot: metadata; the receiver steps it when the data has arrived
 *   snap-wanted    instead of an app-resp, or beside a heartbeat-resp: the sender's log is what it was, but
 *                  it has no state that the log could go on from; commit, rejectHint: as in votes
 *   read-index     context; the answer adds index
 *   fortify-resp   leadEpoch, or reject
 *   de-fortify     term: of the leadership that ended, which may be lower than the sender's
 *   propose        never sent: followers do not forward
 */
import type { NodeId, Timestamp } from '../base/ids.js';
import { confMembers } from './conf-change.js';
import { LogView } from './log-view.js';
import { Inflights, Progress } from './progress.js';
import type { ConfState, HardState, Liveness, RaftMessage, RaftStorage, ReadState, Role } from './types.js';
import { assert } from '../base/assert.js';

export interface RaftLogger {
  debug(message: string): void;
}

export interface RaftOptions {
  readonly id: NodeId;
  readonly storage: RaftStorage;
  readonly liveness: Liveness;
  /** Uniform in [0, 1): election jitter. */
  readonly random: () => number;
  /** The node's hybrid logical clock, without side effects that matter to Raft. */
  readonly now: () => Timestamp;
  /** Ticks without a leader before an election; the real timeout is 1 to 2 times this. */
  readonly electionTicks: number;
  /** Ticks between heartbeats; below electionTicks. */
  readonly heartbeatTicks: number;
  /** Appends in flight to one follower: count and bytes. */
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
  /** Bytes of entries in one append (one entry always fits). */
  readonly maxEntriesBytesPerMessage: number;
  /** Bytes of proposals not yet committed, beyond which propose refuses. */
  readonly maxUncommittedBytes: number;
  /** Bytes of committed entries in one Ready; default 8 MiB. */
  readonly maxCommittedBytesPerReady?: number;
  /** Last index that is durably applied. */
  readonly applied: number;
  /** The state machine holds nothing of use, whatever `applied` says: see LogView.stateless. */
  readonly stateless?: boolean;
  readonly logger?: RaftLogger;
}

/** Marks votes of a campaign that the previous leader asked for. */
export const TRANSFER_CONTEXT = 1;

export type MessageFields = Partial<Omit<RaftMessage, 'type' | 'from' | 'to' | 'term'>>;

const NO_FIELDS: MessageFields = {};
const NO_ENTRIES: RaftMessage['entries'] = [];

/** All messages are built here, so that they share one shape. */
export function makeMessage(
  type: RaftMessage['type'],
  from: NodeId,
  to: NodeId,
  term: number,
  fields: MessageFields = NO_FIELDS,
): RaftMessage {
  return {
    type,
    from,
    to,
    term,
    index: fields.index ?? 0,
    logTerm: fields.logTerm ?? 0,
    commit: fields.commit ?? 0,
    entries: fields.entries ?? NO_ENTRIES,
    reject: fields.reject ?? false,
    rejectHint: fields.rejectHint ?? 0,
    leadEpoch: fields.leadEpoch ?? 0,
    context: fields.context ?? 0,
    snapshot: fields.snapshot ?? null,
  };
}

export interface PendingRead {
  readonly sequence: number;
  readonly index: number;
  readonly context: number;
  /** Who asked; the leader itself or a follower. */
  readonly from: NodeId;
  readonly acks: Map<NodeId, boolean>;
}

export class RaftCore {
  readonly options: RaftOptions;
  readonly id: NodeId;
  readonly log: LogView;

  // Hard state (with log.committed). lead/leadEpoch: the leader that this follower fortified in `term`.
  term: number;
  vote: NodeId;
  lead: NodeId;
  leadEpoch: number;

  role: Role = 'follower';
  leader: NodeId = 0;
  conf: ConfState;
  /** All members, sorted: the order of every fan-out. */
  members: readonly NodeId[];
  progress = new Map<NodeId, Progress>();
  votes = new Map<NodeId, boolean>();

  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeout: number;

  // Leader only.
  transferee: NodeId = 0;
  transferElapsed = 0;
  /**
   * A timeout-now has left in this term: somebody may win an election without regard to leases, at
   * any later time. So this term never serves under its lease again.
   */
  leaseVoid = false;
  leadSupportMax: Timestamp = 0;
  fortifySent = false;
  /** A configuration change up to this index may be unapplied. */
  pendingConfIndex = 0;
  uncommittedBytes = 0;
  /** Bytes of each own proposal from index uncommittedFrom on. */
  uncommittedSizes: number[] = [];
  uncommittedFrom = 0;
  pendingReads: PendingRead[] = [];
  readSequence = 0;
  /** There may be something to append for a peer; done once per Ready. */
  appendDirty = false;

  /** Term of an own leadership whose followers may still be fortified; 0 = none. */
  deFortifyTerm = 0;

  messagesNow: RaftMessage[] = [];
  messagesAfterSync: RaftMessage[] = [];
  /** Messages to itself that count once what they rest on is durable. */
  selfAfterSync: RaftMessage[] = [];
  readStates: ReadState[] = [];

  constructor(options: RaftOptions) {
    validate(options);
    this.options = options;
    this.id = options.id;
    const hard = options.storage.hardState();
    this.term = hard.term;
    this.vote = hard.vote;
    this.lead = hard.lead;
    this.leadEpoch = hard.leadEpoch;
    this.leader = hard.lead;
    this.log = new LogView(options.storage, options.applied, options.stateless ?? false);
    this.conf = options.storage.confState();
    this.members = confMembers(this.conf);
    this.electionTimeout = this.randomTimeout();
    this.resetProgress();
  }

  randomTimeout(): number {
    const base = this.options.electionTicks;
    return base + Math.floor(this.options.random() * base);
  }

  newProgress(): Progress {
    const { maxInflightMessages, maxInflightBytes } = this.options;
    return new Progress(0, this.log.lastIndex + 1, new Inflights(maxInflightMessages, maxInflightBytes));
  }

  resetProgress(): void {
    this.progress = new Map();
    for (const id of this.members) this.progress.set(id, this.newProgress());
    const own = this.progress.get(this.id);
    if (own !== undefined) own.match = this.log.stableIndex;
  }

  setConf(conf: ConfState): void {
    this.conf = conf;
    this.members = confMembers(conf);
    const before = this.progress;
    this.progress = new Map();
    for (const id of this.members) this.progress.set(id, before.get(id) ?? this.newProgress());
  }

  hardState(): HardState {
    return {
      term: this.term,
      vote: this.vote,
      commit: this.log.committed,
      lead: this.lead,
      leadEpoch: this.leadEpoch,
    };
  }

  /** What is committed here, as others can check it against their own log; nothing where the term is not known. */
  commitFact(): { commit: number; rejectHint: number } | null {
    const { committed } = this.log;
    const term = committed === 0 ? null : this.log.term(committed);
    return term === null ? null : { commit: committed, rejectHint: term };
  }

  /** May leave at once: nothing in it rests on what is not durable. */
  sendNow(type: RaftMessage['type'], to: NodeId, fields?: MessageFields): void {
    this.messagesNow.push(makeMessage(type, this.id, to, this.term, fields));
  }

  /** Leaves when the state at this moment is durable. */
  sendAfterSync(type: RaftMessage['type'], to: NodeId, fields?: MessageFields): void {
    this.messagesAfterSync.push(makeMessage(type, this.id, to, this.term, fields));
  }

  debug(message: () => string): void {
    this.options.logger?.debug(message());
  }
}

function validate(options: RaftOptions): void {
  assert(options.id > 0, 'a node id is positive');
  assert(options.heartbeatTicks > 0, 'heartbeatTicks must be positive');
  assert(options.electionTicks > options.heartbeatTicks, 'electionTicks must exceed heartbeatTicks');
  assert(options.maxEntriesBytesPerMessage > 0, 'maxEntriesBytesPerMessage must be positive');
  assert(options.maxUncommittedBytes > 0, 'maxUncommittedBytes must be positive');
}
