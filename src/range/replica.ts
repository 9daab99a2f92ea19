/**
 * One replica of a range on this store: its Raft node, its lease, and the application of committed
 * commands (DESIGN 5, 6).
 *
 * Lease: the Raft leader is the leaseholder. It serves from the moment that it has applied an entry
 * of its own term (so it has everything that earlier leaders committed) and for as long as a quorum
 * of stores has promised it support (`leadSupportUntil`). Its timestamp cache starts at the time
 * of that moment on the hybrid clock, which is above anything an earlier leaseholder served: a voter
 * of the new leader had withdrawn its support from the old one only after its own clock had passed
 * the promised time, and clocks travel with every message.
 *
 * Invariants
 * - Entries are applied in order, each once, in the same batch as the applied index.
 * - A proposal is answered 'applied' only if the entry applied at its index has its term; if another
 *   term's entry is there, it is lost for certain and was never visible; otherwise unknown.
 * - Unreplicated state (locks, timestamp cache, records in memory) lives exactly as long as a lease.
 */
import { assert } from '../base/assert.js';
import type { NodeId, RangeId, Timestamp } from '../base/ids.js';
import { addressOf, LOCAL_DESCRIPTOR_PREFIX } from '../encoding/keyspace.js';
import type { Key } from '../base/key.js';
import { crashPoint, mark } from '../base/probes.js';
import { RaftCommand } from '../encoding/proto/kv.js';
import { RaftNode } from '../raft/node.js';
import { RaftLog } from '../raft/log-storage.js';
import { encodeHardState, encodeTruncatedState, hardStateKey, truncatedStateKey } from '../raft/disk-codec.js';
import type { Entry, RaftMessage, SnapshotMeta } from '../raft/types.js';
import { applyBatch } from '../storage/batch-codec.js';
import type { WriteBatch } from '../storage/engine.js';
import { decodeTransaction, transactionSpan } from '../storage/lock-record.js';
import type { Effect, RangeState } from './eval/context.js';
import type { RangeDescriptor, SplitTrigger } from './kv-api.js';
import { splitFromWire, splitToWire } from './kv-codec.js';
import { KvError } from './kv-errors.js';
import { LatchManager, type Latch } from './latches.js';
import { RangeLoad } from './lease-mover.js';
import { agreesWithDisk, LockLoad, lockSpansOf } from './lock-load.js';
import { LockTable } from './lock-table.js';
import { confOf, INITIAL_INDEX, INITIAL_TERM, writeApplied } from './range-state.js';
import type { StoreContext } from './store-context.js';
import { TimestampCache } from './timestamp-cache.js';
import { TxnRecords } from './txn-records.js';

/** What a range may have proposed and not committed. */
const UNCOMMITTED_BYTES_MAX = 32 << 20;

interface Proposal {
  readonly term: number;
  readonly effects: readonly Effect[];
  readonly latch: Latch | null;
  readonly done: () => void;
  readonly failed: (error: KvError) => void;
  /** Turns at which it was found orphaned by a lost leadership. */
  orphanedAtMs: number;
}

export class Replica implements RangeState {
  readonly rangeId: RangeId;
  readonly raft: RaftNode;
  readonly log: RaftLog;
  readonly locks = new LockTable();
  readonly latches = new LatchManager();
  tsCache = new TimestampCache(0);
  records: TxnRecords;
  leaseStart: Timestamp = 0;
  /** What the leaseholder of a split hands to the new range on its own node: its locks, all of them, as the split left them. */
  inheritance: LockTable | null = null;
  /** While it is not null, who wants a first lock in this range waits for it (lease-mover.ts). */
  gate: Promise<void> | null = null;
  readonly load = new RangeLoad();
  /** Asleep: not ticked until something happens. */
  quiesced = false;
  #descriptor: RangeDescriptor;
  #appliedIndex: number;
  #appliedTerm: number;
  #leaseTerm = 0;
  /** Of a lease that is to begin. */
  #lockLoad: LockLoad | null = null;
  /** How often its state was replaced by a snapshot's, perhaps an older one's. */
  installations = 0;
  readonly #store: StoreContext;
  readonly #proposals = new Map<number, Proposal>();

  constructor(
    store: StoreContext,
    state: { descriptor: RangeDescriptor; appliedIndex: number; appliedTerm: number; installing: boolean },
  ) {
    this.#store = store;
    this.records = this.#newRecords();
    this.#descriptor = state.descriptor;
    this.rangeId = state.descriptor.rangeId;
    this.#appliedIndex = state.appliedIndex;
    this.#appliedTerm = state.appliedTerm;
    const { engine, hlc } = store;
    const rangeId = this.rangeId;
    this.log = new RaftLog({
      rangeId,
      conf: confOf(state.descriptor),
      applied: () => this.#appliedIndex,
      appliedTerm: state.appliedTerm,
      store: {
        get: (key) => engine.get('log', key) ?? initialState(rangeId, key),
        scan: (start, end, limitBytes) => engine.scan({ family: 'log', start, end, limitBytes }),
      },
    });
    this.raft = new RaftNode({
      id: store.nodeId,
      storage: this.log,
      liveness: store.liveness,
      random: () => store.env.rng.next(),
      now: () => hlc.now(),
      electionTicks: 10,
      heartbeatTicks: 2,
      maxInflightMessages: 256,
      maxInflightBytes: 16 << 20,
      maxEntriesBytesPerMessage: 1 << 20,
      maxUncommittedBytes: store.options.uncommittedBytesMax ?? UNCOMMITTED_BYTES_MAX,
      // What one turn of the event loop applies; the rest waits for the next.
      maxCommittedBytesPerReady: 512 << 10,
      applied: state.appliedIndex,
      stateless: state.installing,
    });
  }

  /** A snapshot is being installed, or its installation was interrupted: the data is not whole. */
  get installing(): boolean {
    return this.raft.stateless;
  }
  get descriptor(): RangeDescriptor {
    return this.#descriptor;
  }
  get reader(): StoreContext['engine'] {
    return this.#store.engine;
  }
  get appliedIndex(): number {
    return this.#appliedIndex;
  }
  get appliedTerm(): number {
    return this.#appliedTerm;
  }
  get pendingProposals(): number {
    return this.#proposals.size;
  }

  coordinatorAlive(node: NodeId, since: Timestamp): boolean {
    return this.#store.coordinatorAlive(node, since);
  }

  contains(key: Key): boolean {
    const address = addressOf(key);
    return this.#descriptor.start <= address && address < this.#descriptor.end;
  }

  /** True while this replica may read and evaluate at `now`. */
  /** The lock table holds every intent, though the lease may have expired by now. */
  get hasLocks(): boolean {
    return this.#leaseTerm !== 0;
  }

  serving(now: Timestamp): boolean {
    return (
      this.#leaseTerm === this.raft.term &&
      this.#leaseTerm !== 0 &&
      this.raft.isLeader &&
      !this.raft.transferring &&
      now < this.raft.leadSupportUntil()
    );
  }

  /** Returns what opens it again. */
  closeGate(): () => void {
    let open!: () => void;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.gate = gate;
    return () => {
      if (this.gate === gate) this.gate = null;
      open();
    };
  }

  /** Proposes an evaluated command; settles when it is applied, certainly lost, or unknown. */
  propose(
    writeBatch: Uint8Array,
    split: SplitTrigger | null,
    effects: readonly Effect[],
    latch: Latch | null,
    done: () => void,
    failed: (error: KvError) => void,
  ): boolean {
    const command = RaftCommand.encode({
      writeBatch: writeBatch as Buffer,
      split: splitToWire(split),
    }).finish();
    const proposal = this.raft.propose(command);
    if (proposal === null) return false;
    assert(!this.#proposals.has(proposal.index), 'two proposals at one index');
    this.#proposals.set(proposal.index, {
      term: proposal.term,
      effects,
      latch,
      done,
      failed,
      orphanedAtMs: 0,
    });
    this.wake();
    return true;
  }

  wake(): void {
    if (this.quiesced) mark('unquiesced');
    this.quiesced = false;
    this.#store.schedule(this);
  }

  /**
   * Applies committed entries into `batch` (Raft hands out none while `installing`); what must follow its write
   * is pushed to `after`.
   */
  apply(entries: readonly Entry[], batch: WriteBatch, after: (() => void)[]): void {
    for (const entry of entries) {
      assert(entry.index === this.#appliedIndex + 1, 'an entry is applied out of order');
      let split: SplitTrigger | null = null;
      if (entry.type === 'normal' && entry.data.length > 0) {
        const command = RaftCommand.decode(entry.data);
        applyBatch(command.writeBatch, batch);
        split = splitFromWire(command.split);
      } else if (entry.type === 'conf-change') {
        this.log.setConf(this.raft.applyConfChange(entry));
      }
      this.#appliedIndex = entry.index;
      this.#appliedTerm = entry.term;
      if (split !== null) {
        this.#descriptor = split.left;
        this.#store.stageSplit(this, split, batch);
      }
      const proposal = this.#proposals.get(entry.index);
      if (proposal !== undefined) {
        this.#proposals.delete(entry.index);
        after.push(() => this.#settle(proposal, entry.term));
      }
      // What the split itself does to locks of its right half must be done when they are handed on.
      const trigger = split;
      if (trigger !== null) after.push(() => this.#store.finishSplit(this, trigger));
    }
    writeApplied(batch, this.rangeId, this.#appliedIndex, this.#appliedTerm);
    after.push(() => this.raft.appliedTo(this.#appliedIndex));
  }

  #settle(proposal: Proposal, term: number): void {
    if (proposal.term === term) {
      if (this.#leaseTerm === proposal.term) this.applyEffects(proposal.effects);
      proposal.latch?.release();
      proposal.done();
    } else {
      mark('proposal-superseded');
      proposal.latch?.release();
      proposal.failed(this.notLeaseholder());
    }
  }

  /** Brings the leaseholder's memory up to a command that has been applied. */
  applyEffects(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'intent-laid':
          this.locks.intentLaid(effect.key, effect.txn, effect.ts, effect.moved);
          break;
        case 'committed':
          this.locks.noteCommitted(effect.txnId, effect.ts, effect.epoch);
          break;
        case 'intent-removed':
          this.locks.intentRemoved(effect.key);
          break;
        case 'unlock':
          this.locks.release(effect.key, effect.txnId);
          break;
        case 'record':
          this.records.put(effect.record);
          break;
        case 'record-collected':
          this.records.collected(effect.id, effect.ending);
          break;
        case 'writes-voided':
          this.records.writesVoided(effect.txnId, effect.key, effect.upTo);
          break;
      }
    }
  }

  notLeaseholder(): KvError {
    const leader = this.raft.leader === this.#store.nodeId ? 0 : this.raft.leader;
    return new KvError({ kind: 'not-leaseholder', leaseholder: leader, descriptor: this.#descriptor });
  }

  /** This is the leaseholder, but the request must be sent anew: nothing of it was evaluated. */
  sendAgain(): KvError {
    const { nodeId } = this.#store;
    return new KvError({ kind: 'not-leaseholder', leaseholder: nodeId, descriptor: this.#descriptor });
  }

  /** Called after every Ready: begins or ends the lease as Raft's state demands. */
  updateLease(): void {
    const { raft } = this;
    if (raft.isLeader && this.#leaseTerm !== raft.term) {
      if (this.#leaseTerm !== 0) this.#endLease();
      if (this.#appliedTerm !== raft.term || this.installing) return;
      if (this.#inheritsLocks() || this.#loadLocks()) this.#beginLease();
      else this.wake();
    } else if (!raft.isLeader) {
      this.#lockLoad = null;
      if (raft.leader !== 0) this.inheritance = null;
      if (this.#leaseTerm !== 0) this.#endLease();
    }
  }

  /** Nothing was applied here since the split, but that this lease begins. */
  #inheritsLocks(): boolean {
    const { inheritance } = this;
    this.inheritance = null;
    if (inheritance === null || this.#appliedIndex !== INITIAL_INDEX + 1) return false;
    mark('split-inherits-locks');
    this.locks.takeOver(inheritance);
    const agrees = agreesWithDisk(this.#store.engine, this.locks, lockSpansOf(this.#descriptor));
    assert(agrees, 'the locks that a split handed on are not those of the range');
    return true;
  }

  /** A piece of them; true when all are there. */
  #loadLocks(): boolean {
    if (this.#lockLoad?.term !== this.raft.term) {
      const spans = lockSpansOf(this.#descriptor);
      this.#lockLoad = new LockLoad(this.raft.term, this.#store.engine, this.locks, spans);
    }
    if (this.#lockLoad.step()) return true;
    mark('locks-loaded-in-pieces');
    return false;
  }

  #beginLease(): void {
    this.#lockLoad = null;
    this.leaseStart = this.#store.hlc.now();
    this.tsCache = new TimestampCache(this.leaseStart);
    this.records = this.#newRecords();
    const { start, end } = this.#descriptor;
    this.#loadRecords(start, end);
    this.#loadRecords(LOCAL_DESCRIPTOR_PREFIX + start, LOCAL_DESCRIPTOR_PREFIX + end);
    this.#leaseTerm = this.raft.term;
    this.#failLost();
    this.#store.leaseBegan(this);
    crashPoint('after-lease-began', this.#store.nodeId);
  }

  #newRecords(): TxnRecords {
    return new TxnRecords(() => this.#store.hlc.now());
  }

  #loadRecords(start: Key, end: Key): void {
    for (const row of this.#store.engine.scan({ family: 'locks', ...transactionSpan(start, end) })) {
      this.records.put(decodeTransaction(row.value));
    }
  }

  #endLease(): void {
    this.#leaseTerm = 0;
    this.leaseStart = 0;
    this.locks.clear();
    const now = this.#store.env.clock.monotonicMs();
    for (const proposal of this.#proposals.values()) {
      if (proposal.orphanedAtMs === 0) proposal.orphanedAtMs = now;
    }
    this.#store.leaseEnded(this);
  }

  /**
   * An entry of this term is applied, so every log that can win an election holds it, and none holds
   * anything of an earlier term behind it: what was proposed there in earlier terms is lost for certain.
   */
  #failLost(): void {
    for (const [index, proposal] of this.#proposals) {
      mark('proposal-lost-with-lease');
      assert(proposal.term < this.raft.term, 'a proposal was made before the lease began');
      this.#proposals.delete(index);
      proposal.latch?.release();
      proposal.failed(this.notLeaseholder());
    }
  }

  /** Gives up on proposals whose fate has stayed unknown for `graceMs` after leadership was lost. */
  expireOrphans(nowMs: number, graceMs: number): void {
    for (const [index, proposal] of this.#proposals) {
      if (proposal.orphanedAtMs === 0 || nowMs - proposal.orphanedAtMs < graceMs) continue;
      this.#proposals.delete(index);
      proposal.latch?.release();
      mark('proposal-orphaned');
      proposal.failed(new KvError({ kind: 'ambiguous', reason: 'the leader of the range changed' }));
    }
  }

  /** The store stops, or a snapshot jumps over them: their fate will not be known here. */
  failProposals(reason: string): void {
    for (const [index, proposal] of this.#proposals) {
      this.#proposals.delete(index);
      proposal.latch?.release();
      proposal.failed(new KvError({ kind: 'ambiguous', reason }));
    }
  }

  /** A snapshot's data is in place: the applied state jumps. */
  snapshotInstalled(descriptor: RangeDescriptor, { index, term, conf }: SnapshotMeta): void {
    mark('snapshot-applied');
    this.installations++;
    this.failProposals('the range was caught up by a snapshot');
    this.#descriptor = descriptor;
    this.#appliedIndex = index;
    this.#appliedTerm = term;
    this.log.setConf(conf);
  }

  step(message: RaftMessage): void {
    this.raft.step(message);
    this.wake();
  }
}

export function initialState(rangeId: RangeId, key: Key): Buffer | null {
  if (key === truncatedStateKey(rangeId)) {
    return encodeTruncatedState({ index: INITIAL_INDEX, term: INITIAL_TERM });
  }
  if (key === hardStateKey(rangeId)) {
    return encodeHardState({ term: INITIAL_TERM, vote: 0, commit: INITIAL_INDEX, lead: 0, leadEpoch: 0 });
  }
  return null;
}
