/**
 * What clients saw, as the judges read it: one entry per transaction (or single operation), with
 * the times of its call and its answer and one of three outcomes.
 *
 * Invariants
 * - `invokedAt < completedAt`, on one clock that all clients of the history share (the recorder's).
 * - `done`: the database acknowledged the commit. `failed`: it certainly has no effect (an error that
 *   says so, or a rollback). `unknown`: no answer, a broken connection, or SQLSTATE 40003; it may take
 *   effect at any time after its call, also after `completedAt`.
 * - What was read is recorded only where an answer was seen; `values`/`value` of a read without one is absent.
 * - Every value that is written to one key is written by one transaction only (the recorder checks).
 *   That makes the order of versions recoverable (Kingsbury and Alvaro, "Elle", VLDB 2020, section 3).
 */

export type Outcome = 'done' | 'failed' | 'unknown';
export type IsolationLevel = 'serializable' | 'repeatable read' | 'read committed';
export type HistoryKey = string | number;
export type HistoryValue = string | number;

export type MicroOp =
  /** Appends `value` to the list under `key`. */
  | { readonly f: 'append'; readonly key: HistoryKey; readonly value: HistoryValue }
  /** Read the whole list, oldest first; absent key: []. */
  | { readonly f: 'read-list'; readonly key: HistoryKey; readonly values: readonly HistoryValue[] | undefined }
  /** Wrote a register. */
  | { readonly f: 'write'; readonly key: HistoryKey; readonly value: HistoryValue }
  /** Read a register; null: no row. */
  | { readonly f: 'read'; readonly key: HistoryKey; readonly value: HistoryValue | null | undefined };

export interface HistoryTransaction {
  /** Position in the history; also its name in explanations ("T12"). */
  readonly id: number;
  /** The client, which has one transaction at a time. */
  readonly process: number;
  /** Microseconds on the recorder's clock. */
  readonly invokedAt: number;
  /** When the answer (or the loss of the connection) was seen; Infinity if it never was. */
  readonly completedAt: number;
  readonly outcome: Outcome;
  readonly level: IsolationLevel;
  readonly readOnly?: boolean;
  /** Read at a past timestamp on purpose (AS OF SYSTEM TIME, a follower read): nothing need be fresh. */
  readonly stale?: boolean;
  /** In the order of execution. */
  readonly ops: readonly MicroOp[];
  /** For explanations: where it ran and what the error was. */
  readonly node?: string;
  readonly error?: string;
}

export interface History {
  readonly transactions: readonly HistoryTransaction[];
}

export type AnomalyName =
  | 'G0' // dirty write: a cycle of write dependencies
  | 'G1a' // aborted read
  | 'G1b' // intermediate read
  | 'G1c' // cyclic information flow
  | 'G-single' // one anti-dependency in the cycle (read skew)
  | 'G2' // several anti-dependencies (write skew)
  | 'lost-update'
  | 'real-time' // a cycle only with real-time edges: a stale read or a lost acknowledged write
  | 'incompatible-order' // two reads of one list disagree about its order
  | 'duplicate-value'
  | 'unwritten-value' // read what nobody wrote
  | 'internal' // a transaction contradicts its own earlier reads or writes
  | 'lost-write' // an acknowledged write is in no later state
  | 'long-fork'
  | 'write-skew'
  | 'not-linearizable'
  | 'bank-total'
  | 'counter'
  | 'unique'
  | 'index'
  | 'references' // a child without its parent, or a row that changed under a shared lock
  | 'unfair' // a queue out of order, or a wait without an end
  | 'consistency';

export interface Anomaly {
  readonly name: AnomalyName;
  /** In words, with the cycle drawn line by line where there is one. */
  readonly explanation: string;
  /** Ids of the transactions that take part. */
  readonly transactions: readonly number[];
}

export interface Verdict {
  readonly checker: string;
  readonly ok: boolean;
  readonly anomalies: readonly Anomaly[];
  /** How much was judged: transactions, reads, edges, keys … */
  readonly stats: Readonly<Record<string, number>>;
}
