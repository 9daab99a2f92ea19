/**
 * The transaction records of one range, in memory at its leaseholder: loaded from the `locks` family
 * when the lease begins, kept up by applied commands. A miss here proves that there is no record.
 *
 * Finished transactions stay known, with how they ended, for a while after their record was collected,
 * so that a late duplicate of one of their messages cannot bring them back to life, and a repeated
 * question about their end gets the same answer. (Over a change of leaseholder
 * that memory is lost; a duplicate would have to outlive both the connection it came by and the lease.)
 */
import type { Timestamp, TxnId } from '../base/ids.js';
import type { TransactionRecord } from '../storage/lock-record.js';

const FINISHED_MAX = 20_000;
const PUSHED_MAX = 10_000;

export interface Ending {
  readonly status: 'committed' | 'aborted';
  readonly ts: Timestamp;
}

export class TxnRecords {
  readonly #records = new Map<TxnId, TransactionRecord>();
  #finished = new Map<TxnId, Ending>();
  #finishedOld = new Map<TxnId, Ending>();
  #pushed = new Map<TxnId, Timestamp>();
  #pushedOld = new Map<TxnId, Timestamp>();

  get size(): number {
    return this.#records.size;
  }

  get(id: TxnId): TransactionRecord | undefined {
    return this.#records.get(id);
  }

  /** How it ended, if its record was collected not long ago. */
  ending(id: TxnId): Ending | undefined {
    return this.#finished.get(id) ?? this.#finishedOld.get(id);
  }

  /**
   * When the transaction was first pushed here (now, if never before): silence counts from then on, as
   * until then it may have had no reason to give a sign of life.
   */
  firstPush(id: TxnId, now: Timestamp): Timestamp {
    const known = this.#pushed.get(id) ?? this.#pushedOld.get(id);
    if (known !== undefined) return known;
    if (this.#pushed.size >= PUSHED_MAX) {
      this.#pushedOld = this.#pushed;
      this.#pushed = new Map();
    }
    this.#pushed.set(id, now);
    return now;
  }

  put(record: TransactionRecord): void {
    this.#records.set(record.txnId, record);
  }

  collected(id: TxnId, ending: Ending): void {
    this.#records.delete(id);
    if (this.#finished.size >= FINISHED_MAX) {
      this.#finishedOld = this.#finished;
      this.#finished = new Map();
    }
    this.#finished.set(id, ending);
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
