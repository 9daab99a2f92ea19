/**
 * Types at the border of the Raft core (DESIGN 5). The core is synchronous and pure: messages,
 * ticks and proposals in; a Ready with effects out.
 */
import type { NodeId, Timestamp } from '../base/ids.js';

export type EntryType = 'normal' | 'conf-change';

export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  /** Empty for the entry a new leader appends. */
  readonly data: Uint8Array;
}

/** Persisted before any message that depends on it leaves (with the entries, in one log batch). */
export interface HardState {
  readonly term: number;
  /** 0 = none */
  readonly vote: NodeId;
  readonly commit: number;
  /** Leader this replica has fortified in `term`, and the liveness epoch it promised; 0 = none. */
  readonly lead: NodeId;
  readonly leadEpoch: number;
}

/** Voters in an outgoing and incoming configuration (joint) and learners; all sorted. */
export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly conf: ConfState;
}

export interface RaftMessage {
  readonly type:
    | 'app'
    | 'app-resp'
    | 'heartbeat'
    | 'heartbeat-resp'
    | 'vote'
    | 'vote-resp'
    | 'pre-vote'
    | 'pre-vote-resp'
    | 'snap'
    | 'snap-wanted'
    | 'timeout-now'
    | 'read-index'
    | 'read-index-resp'
    | 'fortify'
    | 'fortify-resp'
    | 'de-fortify'
    | 'propose';
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: number;
  /** prev log index (app), last/match index (…-resp, vote) and so on; documented in core. */
  readonly index: number;
  readonly logTerm: number;
  readonly commit: number;
  readonly entries: readonly Entry[];
  readonly reject: boolean;
  readonly rejectHint: number;
  /** Liveness epoch in fortify-resp. */
  readonly leadEpoch: number;
  /** Campaign-transfer flag on votes: ignore leases. Read-index context id. */
  readonly context: number;
  /** Only on 'snap': the metadata; the data is streamed by the store beside Raft. */
  readonly snapshot: SnapshotMeta | null;
}

/** What Raft asks of store liveness; lookups are synchronous, state lives in src/cluster. */
export interface Liveness {
  /** The support that this node gives to `node` now. */
  supportFor(node: NodeId): { readonly epoch: number; readonly supported: boolean };
  /** The support that `node` has promised to this node: until `expiration` (HLC) under `epoch`. */
  supportFrom(node: NodeId): { readonly epoch: number; readonly expiration: Timestamp };
}

/** What the core reads of the stable log. Synchronous. */
export interface RaftStorage {
  hardState(): HardState;
  confState(): ConfState;
  /** Index of the last entry that was truncated (0 at the start) and its term. */
  truncated(): { readonly index: number; readonly term: number };
  lastIndex(): number;
  /** null if compacted or not there. */
  term(index: number): number | null;
  /** Entries in [lo, hi), at least one if there is one, bounded by maxBytes; null if compacted. */
  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | null;
  /** Metadata for a snapshot at the applied index; the store streams the data. */
  snapshotMeta(): SnapshotMeta;
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** What the store shows and routes by; nothing in it is persisted. */
export interface SoftState {
  readonly role: Role;
  /** 0 = not known */
  readonly leader: NodeId;
  readonly term: number;
}

/** The answer to `readIndex(context)`: a read is linearisable once `index` is applied. */
export interface ReadState {
  readonly index: number;
  readonly context: number;
}

/** Names the writes of one Ready; handed back by `stableTo` when they are durable. */
export interface StableMark {
  readonly sequence: number;
  /** The last entry of that Ready, 0 if it had none. */
  readonly index: number;
  readonly term: number;
}

/**
 * Effects, to be carried out by the store. Several Readys may be in flight to the log writer; their
 * writes become durable in order.
 *
 * Obligations of the store: write `snapshot`, `entries` and `hardState` in one log batch; when
 * that is durable send `messagesAfterSync` and call `stableTo(stable)`. `messagesNow` may leave at
 * once. Apply `committed` in order, each exactly once, then call `appliedTo`.
 */
export interface Ready {
  /** null if nothing that must be persisted has changed. */
  readonly hardState: HardState | null;
  /** To append. They replace everything that the log has from entries[0].index on. */
  readonly entries: readonly Entry[];
  /** To install before anything else of this Ready: it replaces the whole log and state. */
  readonly snapshot: SnapshotMeta | null;
  readonly messagesNow: readonly RaftMessage[];
  readonly messagesAfterSync: readonly RaftMessage[];
  /** Committed and durable in the local log. */
  readonly committed: readonly Entry[];
  readonly readStates: readonly ReadState[];
  /** null if unchanged since the last Ready. */
  readonly soft: SoftState | null;
  /** null if this Ready has nothing to write (then messagesAfterSync is empty). */
  readonly stable: StableMark | null;
}

export type ConfChangeKind = 'add-voter' | 'add-learner' | 'remove';

/** No changes at all means: leave the joint configuration. */
export interface ConfChange {
  readonly changes: readonly { readonly kind: ConfChangeKind; readonly node: NodeId }[];
  /**
   * auto: simple if one voter changes at most, else joint and left automatically;
   * joint-implicit: always joint, left automatically; joint-explicit: left by an empty change.
   */
  readonly transition: 'auto' | 'joint-implicit' | 'joint-explicit';
  /** Opaque to Raft (the range's new descriptor). */
  readonly context: Uint8Array;
}

/** Why a proposal was refused. `too-much-uncommitted` passes by itself, like `conf-change-pending`. */
export type ProposalRefusal =
  'not-leader' | 'transferring' | 'too-much-uncommitted' | 'conf-change-pending' | 'conf-change-invalid';
