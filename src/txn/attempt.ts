/**
 * The state of one attempt of a transaction: identity, timestamps, what it read, locked and wrote.
 * Plain data with its invariants; the parts of the coordinator (reader, refresher, committer) work on it.
 *
 * Invariants
 * - readTs <= writeTs; both only grow within a snapshot; readTs is the time of every read in `spans`.
 * - `anchorKey` is set before the first request that locks or writes, and never changes.
 * - Without an anchor nothing of the transaction exists anywhere but here.
 *
 * Phases: active → committing → committed | aborted | unknown; active → doomed (the ranges say it
 * is aborted; only a rollback is left) → aborted. A restart makes a new attempt.
 */
import { assert } from '../base/assert.js';
import type { QuoralError } from '../base/errors.js';
import type { NodeId, Timestamp, TxnId } from '../base/ids.js';
import type { Key, Span } from '../base/key.js';
import type { KvIsolation, TxnMeta } from '../range/kv-api.js';
import { LockLedger } from './lock-ledger.js';
import { ReadSpans } from './read-spans.js';
import { WriteBuffer } from './write-buffer.js';

export type Phase = 'active' | 'committing' | 'doomed' | 'committed' | 'aborted' | 'unknown';

const TRANSITIONS: Record<Phase, readonly Phase[]> = {
  active: ['committing', 'doomed', 'aborted', 'committed'],
  committing: ['committed', 'aborted', 'unknown', 'doomed'],
  doomed: ['aborted', 'committed', 'unknown'],
  committed: [],
  aborted: [],
  unknown: [],
};

export interface AttemptOptions {
  readonly id: TxnId;
  readonly isolation: KvIsolation;
  readonly readTs: Timestamp;
  readonly uncertaintyLimit: Timestamp;
  readonly coordinator: NodeId;
  readonly name: string;
  /** AS OF SYSTEM TIME: the read timestamp must not move. */
  readonly fixed: boolean;
}

export class Attempt {
  readonly id: TxnId;
  readonly isolation: KvIsolation;
  readonly coordinator: NodeId;
  readonly name: string;
  readonly minTs: Timestamp;
  readonly fixed: boolean;
  readonly buffer = new WriteBuffer();
  readonly spans = new ReadSpans();
  readonly locks = new LockLedger();
  readonly observed = new Map<NodeId, Timestamp>();
  /** A transaction record may exist: intents, a heartbeat or a commit were sent. */
  recordPossible = false;
  /** Monotonic milliseconds since which locks are held; 0 = none. */
  holdingSinceMs = 0;
  /** Why nothing but a rollback is possible. */
  doom: QuoralError | null = null;
  #phase: Phase = 'active';
  #anchorKey: Key = '';
  #readTs: Timestamp;
  #writeTs: Timestamp;
  #uncertaintyLimit: Timestamp;
  #meta: TxnMeta | null = null;

  constructor(options: AttemptOptions) {
    this.id = options.id;
    this.isolation = options.isolation;
    this.coordinator = options.coordinator;
    this.name = options.name;
    this.fixed = options.fixed;
    this.minTs = options.readTs;
    this.#readTs = options.readTs;
    this.#writeTs = options.readTs;
    this.#uncertaintyLimit = options.uncertaintyLimit;
    this.#observeOwnNode();
  }

  get phase(): Phase {
    return this.#phase;
  }
  get anchorKey(): Key {
    return this.#anchorKey;
  }
  get readTs(): Timestamp {
    return this.#readTs;
  }
  get writeTs(): Timestamp {
    return this.#writeTs;
  }

  enter(phase: Phase): void {
    assert(TRANSITIONS[this.#phase].includes(phase), () => `transaction cannot go from ${this.#phase} to ${phase}`);
    this.#phase = phase;
  }

  meta(): TxnMeta {
    return (this.#meta ??= {
      id: this.id,
      anchorKey: this.#anchorKey,
      epoch: 0,
      isolation: this.isolation,
      readTs: this.#readTs,
      writeTs: this.#writeTs,
      minTs: this.minTs,
      uncertaintyLimit: this.#uncertaintyLimit,
      coordinator: this.coordinator,
      name: this.name,
    });
  }

  /** Returns true if the anchor was set by this call. */
  anchorAt(key: Key): boolean {
    if (this.#anchorKey !== '') return false;
    assert(key !== '', 'an anchor needs a key');
    this.#anchorKey = key;
    this.#meta = null;
    return true;
  }

  /** All reads so far hold at `ts` as well. */
  moveReadTs(ts: Timestamp): void {
    if (ts <= this.#readTs) return;
    assert(!this.fixed, 'a fixed read timestamp was moved');
    this.#readTs = ts;
    this.raiseWriteTs(ts);
    this.#meta = null;
  }

  raiseWriteTs(ts: Timestamp): void {
    if (ts <= this.#writeTs) return;
    this.#writeTs = ts;
    this.#meta = null;
  }

  /** READ COMMITTED: forgets what was read and reads anew from `readTs`. */
  newSnapshot(readTs: Timestamp, uncertaintyLimit: Timestamp): void {
    this.spans.clear();
    this.observed.clear();
    this.#uncertaintyLimit = uncertaintyLimit;
    this.#meta = null;
    this.moveReadTs(readTs);
    this.#observeOwnNode();
  }

  /** The read timestamp came from this node's clock: what it serves with a later one is later. */
  #observeOwnNode(): void {
    if (!this.fixed) this.observed.set(this.coordinator, this.#readTs);
  }

  /** Every key that may carry a lock or an intent. */
  touchedKeys(): Key[] {
    const keys = new Set<Key>();
    this.locks.collect(keys);
    for (const [key] of this.buffer.range('', '\xff\xff', false)) keys.add(key);
    for (const key of this.voidedKeys) keys.add(key);
    return [...keys].sort();
  }
  touchedSpans(): Span[] {
    return [...this.locks.spans, ...this.buffer.spilledSpans];
  }
  /** Keys whose intents were removed after a rollback to a savepoint; kept for the final clean-up. */
  readonly voidedKeys: Key[] = [];
}
