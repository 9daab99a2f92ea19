/**
 * The transaction records of one range, in memory at its leaseholder: loaded from the `locks` family
 * when the lease begins, kept up by applied commands. A miss here proves that there is no record.
 *
 * Finished transactions stay known, with how they ended, for a while after their record was collected,
 * so that a late duplicate of one of their messages cannot bring them back to life, and a repeated
 * question about their end gets the same answer. So do writes that a rollback to a savepoint made void.
 *
 * Invariant: what is not known here any more (forgotten, or known to an earlier leaseholder only) happened at or
 * before `createdAfter`, or before the lease; a message that was sent before that must not make a record or lay an
 * intent (eval/sent.ts). That holds by causality: whoever ended the transaction had heard from its coordinator, whose
 * clock was past the sending by then, and this leaseholder's clock is past that end. Transactions that were ended by others
 * (recovery) keep their record for longer than a message can be under way (txn-pusher.ts).
 *
 * One-phase commits without a record are remembered as well, but forgotten without a trace: they are never sent twice.
 */
import type { Timestamp, TxnId } from '../base/ids.js';
import { Generations } from '../base/generations.js';
import type { Key } from '../base/key.js';
import type { TransactionRecord } from '../storage/lock-record.js';

const FINISHED_MAX = 20_000;
const PUSHED_MAX = 10_000;
const VOIDED_MAX = 20_000;

export interface Ending {
  readonly status: 'committed' | 'aborted';
  readonly ts: Timestamp;
}

export class TxnRecords {
  readonly #records = new Map<TxnId, TransactionRecord>();
  readonly #finished: Generations<TxnId, Ending>;
  readonly #finishedAtOnce: Generations<TxnId, Ending>;
  readonly #pushed: Generations<TxnId, Timestamp>;
  readonly #voided: Generations<string, number>;
  #voids = false;

  constructor(now: () => Timestamp) {
    this.#finished = new Generations(FINISHED_MAX, now);
    this.#finishedAtOnce = new Generations(FINISHED_MAX, now);
    this.#pushed = new Generations(PUSHED_MAX, now);
    this.#voided = new Generations(VOIDED_MAX, now);
  }

  get size(): number {
    return this.#records.size;
  }

  /** A record may be made by what was sent later than this; as to ends before it the memory has gaps. */
  get createdAfter(): Timestamp {
    return this.#finished.forgottenUpTo;
  }
  /** The same for intents, as to writes that a rollback made void. */
  get writtenAfter(): Timestamp {
    return this.#voided.forgottenUpTo;
  }

  get(id: TxnId): TransactionRecord | undefined {
    return this.#records.get(id);
  }

  /** How it ended, if its record was collected not long ago. */
  ending(id: TxnId): Ending | undefined {
    return this.#finished.get(id) ?? this.#finishedAtOnce.get(id);
  }

  /**
   * When the transaction was first pushed here (now, if never before): silence counts from then on, as
   * until then it may have had no reason to give a sign of life.
   */
  firstPush(id: TxnId, now: Timestamp): Timestamp {
    const known = this.#pushed.get(id);
    if (known === undefined) this.#pushed.set(id, now);
    return known ?? now;
  }

  put(record: TransactionRecord): void {
    this.#records.set(record.txnId, record);
  }

  collected(id: TxnId, ending: Ending): void {
    if (this.#records.delete(id)) this.#finished.set(id, ending);
    else this.#finishedAtOnce.set(id, ending);
  }

  /** The transaction's writes of the key numbered up to `upTo` are void, whenever they come. */
  writesVoided(id: TxnId, key: Key, upTo: number): void {
    this.#voids = true;
    if (!this.isVoid(id, key, upTo)) this.#voided.set(id + key, upTo);
  }

  isVoid(id: TxnId, key: Key, sequence: number): boolean {
    return this.#voids && sequence <= (this.#voided.get(id + key) ?? -1);
  }

  values(): IterableIterator<TransactionRecord> {
    return this.#records.values();
  }

  /** Hands over the records that `belongs` to a new range (split). */
  extract(belongs: (record: TransactionRecord) => boolean): TransactionRecord[] {
    const moved = [...this.#records.values()].filter(belongs);
    for (const record of moved) this.#records.delete(record.txnId);
    return moved;
  }
}
