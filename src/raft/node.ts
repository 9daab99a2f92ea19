/**
 * RaftNode: one replica of one Raft group, synchronous and pure (DESIGN 5). Messages, ticks and
 * proposals in; a Ready with effects out. No I/O, no timers, no promises; randomness, time and
 * liveness come in through the options.
 *
 * Use, once per turn of the event loop for every replica that was touched:
 *   while (node.hasReady()) { const ready = node.ready(); … }   see Ready for the obligations
 *
 * Invariants
 * - Nothing leaves before what it rests on is durable: votes, answers, fortifications wait for the
 *   sync of their Ready; appends may overtake the leader's own sync, which counts only when done.
 * - What is handed out for applying is committed and durable locally.
 * - A leader that no longer may serve answers leadSupportUntil() = 0.
 * Fails only by AssertionError: a broken promise of storage or of the store, which must stop the node.
 * Limits: proposals are refused beyond maxUncommittedBytes; windows per follower by count and bytes.
 */
import { assert } from '../base/assert.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import { RaftCore, type RaftOptions } from './core.js';
import { campaign, startTransfer } from './elections.js';
import { broadcastFortify, isFortified, isPeerFortified, leaseUntil, noticeWithdrawal } from './leases.js';
import { entryBytes } from './log-view.js';
import { applyChange, confChangeObstacle, maybeAutoLeave, proposeChecked } from './membership.js';
import type { ProgressState } from './progress.js';
import { requestRead } from './reads.js';
import {
  ackOwn,
  appendOwn,
  flushAppends,
  isLearner,
  isSending,
  reportSnapshot,
  reportUnreachable,
} from './replication.js';
import { stepMessage, tickCore } from './step.js';
import { confVoters, isJoint } from './conf-change.js';
import type {
  ConfChange,
  ConfState,
  Entry,
  HardState,
  ProposalRefusal,
  RaftMessage,
  Ready,
  Role,
  SoftState,
  StableMark,
} from './types.js';

export type { RaftOptions } from './core.js';

const COMMITTED_BYTES_DEFAULT = 8 << 20;

export interface Proposal {
  readonly index: number;
  readonly term: number;
}

export interface PeerStatus {
  readonly id: NodeId;
  readonly match: number;
  readonly next: number;
  readonly state: ProgressState;
  readonly wantsSnapshot: boolean;
  /** Index of the snapshot on its way; 0 = none. */
  readonly pendingSnapshot: number;
  readonly recentActive: boolean;
  readonly fortified: boolean;
  readonly inflight: number;
}

interface SelfMessages {
  readonly sequence: number;
  readonly messages: readonly RaftMessage[];
}

export class RaftNode {
  readonly #core: RaftCore;
  readonly #committedBytesMax: number;
  #hardHanded: HardState;
  #soft: SoftState;
  #sequence = 0;
  #selfMessages: SelfMessages[] = [];
  #refusal: ProposalRefusal | null = null;

  constructor(options: RaftOptions) {
    this.#core = new RaftCore(options);
    this.#committedBytesMax = options.maxCommittedBytesPerReady ?? COMMITTED_BYTES_DEFAULT;
    this.#hardHanded = this.#core.hardState();
    this.#soft = this.softState();
  }

  get id(): NodeId {
    return this.#core.id;
  }
  get term(): number {
    return this.#core.term;
  }
  get role(): Role {
    return this.#core.role;
  }
  /** 0 = not known */
  get leader(): NodeId {
    return this.#core.leader;
  }
  get isLeader(): boolean {
    return this.#core.role === 'leader';
  }
  /** This leader is giving its leadership away and must not serve. */
  get transferring(): boolean {
    return this.#core.transferee !== 0 || (this.#core.leaseVoid && this.isLeader);
  }
  get conf(): ConfState {
    return this.#core.conf;
  }
  get committed(): number {
    return this.#core.log.committed;
  }
  get applied(): number {
    return this.#core.log.applied;
  }
  get lastIndex(): number {
    return this.#core.log.lastIndex;
  }
  get stableIndex(): number {
    return this.#core.log.stableIndex;
  }
  /** Term of an entry, durable or not yet; null if it is compacted or not there. */
  termAt(index: number): number | null {
    return this.#core.log.term(index);
  }
  /** The state machine is gone or being replaced: nothing is to be applied until a snapshot has come. */
  get stateless(): boolean {
    return this.#core.log.stateless;
  }
  /** Why the last propose or proposeConfChange returned null. */
  get refusal(): ProposalRefusal | null {
    return this.#refusal;
  }

  softState(): SoftState {
    const { role, leader, term } = this.#core;
    return { role, leader, term };
  }

  hardState(): HardState {
    return this.#core.hardState();
  }

  /** What the leader knows of the others; empty on a follower. */
  peers(): PeerStatus[] {
    const core = this.#core;
    if (core.role !== 'leader') return [];
    return [...core.progress]
      .filter(([id]) => id !== core.id)
      .map(([id, progress]) => ({
        id,
        match: progress.match,
        next: progress.next,
        state: progress.state,
        wantsSnapshot: progress.wantsSnapshot,
        pendingSnapshot: progress.pendingSnapshot,
        recentActive: progress.recentActive,
        fortified: isPeerFortified(core, id, progress),
        inflight: progress.inflights.count,
      }));
  }

  /** Up to here every member holds the log, or is being sent a snapshot of: the leader need not keep it. */
  minMatch(): number {
    const core = this.#core;
    let least = core.log.lastIndex;
    if (core.role !== 'leader') return core.log.committed;
    for (const { match, state, pendingSnapshot } of core.progress.values()) {
      least = Math.min(least, state === 'snapshot' ? Math.max(match, pendingSnapshot) : match);
    }
    return least;
  }

  /** A leader that is sending a snapshot, or whose live peer is catching up from the index of one. */
  get catchesUpBySnapshot(): boolean {
    const core = this.#core;
    if (core.role !== 'leader') return false;
    const now = core.options.now();
    for (const [id, { state, afterSnapshot }] of core.progress) {
      if (state === 'snapshot') return true;
      if (afterSnapshot && core.options.liveness.supportFrom(id).expiration > now) return true;
    }
    return false;
  }

  /**
   * Of those of `peers` to which `bytes` of the log or more were sent that they have not acknowledged: the least index that one
   * of them holds. null: there is none.
   */
  lagsFrom(isPeer: (id: NodeId) => boolean, bytes: number): number | null {
    const core = this.#core;
    let least: number | null = null;
    if (core.role !== 'leader') return least;
    for (const [id, { state, inflights, match }] of core.progress) {
      if (id === core.id || state !== 'replicate' || inflights.bytes < bytes || !isPeer(id)) continue;
      least = Math.min(least ?? match, match);
    }
    return least;
  }

  tick(): void {
    tickCore(this.#core);
  }

  step(message: RaftMessage): void {
    assert(message.to === this.#core.id, 'a message for another replica');
    stepMessage(this.#core, message);
  }

  /** null if refused; `refusal` says why. */
  propose(data: Uint8Array): Proposal | null {
    const core = this.#core;
    this.#refusal = this.#obstacle(data.length);
    if (this.#refusal !== null) return null;
    const entry = appendOwn(core, 'normal', data);
    return { index: entry.index, term: entry.term };
  }

  #obstacle(bytes: number): ProposalRefusal | null {
    const core = this.#core;
    if (core.role !== 'leader') return 'not-leader';
    if (this.transferring) return 'transferring';
    // One proposal always fits, or a large one could never be made.
    if (core.uncommittedBytes > 0 && core.uncommittedBytes + bytes > core.options.maxUncommittedBytes) {
      return 'too-much-uncommitted';
    }
    return null;
  }

  proposeConfChange(change: ConfChange): Proposal | null {
    const core = this.#core;
    this.#refusal = this.#obstacle(change.context.length) ?? confChangeObstacle(core, change);
    if (this.#refusal !== null) return null;
    const entry = proposeChecked(core, change);
    return { index: entry.index, term: entry.term };
  }

  /** To be called when a committed 'conf-change' entry is applied; the result is to be persisted. */
  applyConfChange(entry: Entry): ConfState {
    return applyChange(this.#core, entry);
  }

  /** Starts an election now. False if this replica may not (not a voter, bound to a leader, …). */
  campaign(): boolean {
    return campaign(this.#core, false);
  }

  /**
   * Stops serving and hands over as soon as `to` has the whole log. False if it cannot start.
   * Without success within an election timeout it is abandoned; if the target had been told, by
   * electing itself anew in a higher term.
   */
  transferLeadership(to: NodeId): boolean {
    return startTransfer(this.#core, to);
  }

  reportUnreachable(peer: NodeId): void {
    reportUnreachable(this.#core, peer);
  }

  /** The outcome of sending the snapshot that a 'snap' message asked for, by its term and index. Must follow every one. */
  reportSnapshot(peer: NodeId, sent: { readonly term: number; readonly index: number }, ok: boolean): void {
    reportSnapshot(this.#core, peer, sent, ok);
  }

  /** The peer still waits for this snapshot: sending it is not in vain. */
  isSending(peer: NodeId, sent: { readonly term: number; readonly index: number }): boolean {
    return isSending(this.#core, peer, sent.term, sent.index);
  }

  /** To be called before the state is touched that a snapshot's data will replace. */
  loseState(): void {
    this.#core.log.loseState();
  }

  /** Asks for a linearisable read index; the answer comes in Ready.readStates, or never. */
  readIndex(context: number): boolean {
    return requestRead(this.#core, context);
  }

  /** This store no longer supports the leader's store: an election may start at once. */
  supportWithdrawn(): void {
    noticeWithdrawal(this.#core);
  }

  /** Something changed in what stores support each other; the caller ticks this replica again. */
  livenessChanged(): void {
    noticeWithdrawal(this.#core);
    if (this.#core.role === 'leader') broadcastFortify(this.#core);
  }

  /** Until when this leader may serve without a round trip; 0 if it may not. Cheap. */
  leadSupportUntil(): Timestamp {
    return leaseUntil(this.#core);
  }

  /** This follower is bound to a leader that its store supports. */
  get fortified(): boolean {
    return isFortified(this.#core);
  }

  /**
   * Nothing to do until the next step, proposal or change of liveness: no more ticks are needed.
   * Followers whose stores do not support ours now are taken for dead and not waited for;
   * their return is a change of liveness.
   */
  canQuiesce(): boolean {
    const core = this.#core;
    const { log } = core;
    if (this.hasReady() || log.writesInFlight > 0 || core.messagesAfterSync.length > 0) return false;
    if (log.stateless || log.committed !== log.lastIndex || log.applied !== log.lastIndex) return false;
    if (core.role !== 'leader') return isFortified(core);
    if (this.transferring || isJoint(core.conf) || core.pendingReads.length > 0) return false;
    const now = core.options.now();
    if (leaseUntil(core) <= now) return false;
    for (const [id, progress] of core.progress) {
      if (id === core.id) continue;
      const caughtUp =
        progress.state === 'replicate' && progress.match === log.lastIndex && progress.ackedCommit >= log.committed;
      if (isLearner(core, id)) {
        if (!caughtUp) return false;
        continue;
      }
      if (core.options.liveness.supportFrom(id).expiration <= now) continue;
      if (!caughtUp || !isPeerFortified(core, id, progress)) return false;
    }
    return true;
  }

  hasReady(): boolean {
    const core = this.#core;
    return (
      core.messagesNow.length > 0 ||
      core.appendDirty ||
      this.#mustWrite() ||
      (core.messagesAfterSync.length > 0 && core.log.writesInFlight === 0) ||
      core.log.hasCommitted() ||
      core.readStates.length > 0 ||
      this.#softChanged()
    );
  }

  #mustWrite(): boolean {
    return this.#core.log.hasWrites() || this.#hardChanged();
  }

  /** The commit index alone is not worth a sync: it travels with the next write. */
  #hardChanged(): boolean {
    const core = this.#core;
    const last = this.#hardHanded;
    return (
      core.term !== last.term || core.vote !== last.vote || core.lead !== last.lead || core.leadEpoch !== last.leadEpoch
    );
  }

  #softChanged(): boolean {
    const { role, leader, term } = this.#core;
    const soft = this.#soft;
    return role !== soft.role || leader !== soft.leader || term !== soft.term;
  }

  /** Hands the effects over; see Ready for what is to be done with them. */
  ready(): Ready {
    const core = this.#core;
    flushAppends(core);
    const writes = this.#mustWrite() ? this.#takeWrites() : null;
    let messagesNow = core.messagesNow;
    core.messagesNow = [];
    let messagesAfterSync: RaftMessage[] = [];
    if (writes !== null) {
      messagesAfterSync = core.messagesAfterSync;
      core.messagesAfterSync = [];
    } else if (core.log.writesInFlight === 0 && core.messagesAfterSync.length > 0) {
      // Everything they rest on is durable. Otherwise they wait for the writes in flight.
      messagesNow = messagesNow.concat(core.messagesAfterSync);
      core.messagesAfterSync = [];
    }
    const readStates = core.readStates;
    core.readStates = [];
    const soft = this.#softChanged() ? this.softState() : null;
    if (soft !== null) this.#soft = soft;
    return {
      hardState: writes?.hardState ?? null,
      entries: writes?.entries ?? [],
      snapshot: writes?.snapshot ?? null,
      messagesNow,
      messagesAfterSync,
      committed: core.log.takeCommitted(this.#committedBytesMax),
      readStates,
      soft,
      stable: writes?.stable ?? null,
    };
  }

  #takeWrites(): Pick<Ready, 'entries' | 'snapshot'> & {
    hardState: HardState;
    stable: StableMark;
  } {
    const core = this.#core;
    const { entries, snapshot } = core.log.take();
    const hardState = core.hardState();
    this.#hardHanded = hardState;
    const last = entries.at(-1);
    const stable: StableMark = {
      sequence: ++this.#sequence,
      index: last?.index ?? 0,
      term: last?.term ?? 0,
    };
    core.log.writing(stable.sequence, stable.index, snapshot);
    if (core.selfAfterSync.length > 0) {
      this.#selfMessages.push({ sequence: stable.sequence, messages: core.selfAfterSync });
      core.selfAfterSync = [];
    }
    return { entries, snapshot, hardState, stable };
  }

  /**
   * The writes of a Ready, and of all before it, are durable. Pass Ready.stable; without a
   * sequence, the oldest Ready in flight is meant.
   */
  stableTo(mark: { readonly sequence?: number }): void {
    const core = this.#core;
    const sequence = core.log.stableTo(mark.sequence);
    if (core.role === 'leader') ackOwn(core);
    while (this.#selfMessages.length > 0 && this.#selfMessages[0]!.sequence <= sequence) {
      for (const message of this.#selfMessages.shift()!.messages) stepMessage(core, message);
    }
  }

  /** Everything up to `index` has been applied (visible to reads; not necessarily durable). */
  appliedTo(index: number): void {
    this.#core.log.appliedTo(index);
    maybeAutoLeave(this.#core);
  }

  /** Voters of both halves, sorted. */
  voters(): NodeId[] {
    return confVoters(this.#core.conf);
  }

  /** Bytes that an entry counts for in every limit. */
  static entryBytes(entry: Entry): number {
    return entryBytes(entry);
  }
}
