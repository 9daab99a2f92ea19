/**
 * A history indexed for the isolation judges: which transactions committed, who wrote what under which
 * key, who read it, and since when each write is known to have been visible.
 *
 * Invariants
 * - Positions, not ids: `txn` is always the index in `history.transactions`.
 * - Committed: `done`, or `unknown` with a write that another transaction (not a failed one) read.
 * - Reads of transactions that did not commit are evidence that a write committed, nothing more: no
 *   level promises anything to a transaction that is rolled back.
 *
 * Limits: keys are never deleted; lists and registers are two separate name spaces.
 */
import type { History, HistoryKey, HistoryTransaction, HistoryValue } from './history.js';

export interface WriteRef {
  readonly txn: number;
  readonly value: HistoryValue;
  /** The last write of its transaction to this key: only this one may be seen by others. */
  final: boolean;
}

export interface ListRead {
  readonly txn: number;
  readonly op: number;
  readonly values: readonly HistoryValue[];
}

export interface RegisterRead {
  readonly txn: number;
  readonly op: number;
  readonly value: HistoryValue | null;
  /** The reader had written the key before. */
  readonly own: boolean;
}

export interface KeyState<Read> {
  readonly key: HistoryKey;
  readonly writes: Map<HistoryValue, WriteRef>;
  /** Writes of a value that was written before: the history is ambiguous there. */
  readonly repeated: WriteRef[];
  /** By transactions that did not fail, with an answer. */
  readonly reads: Read[];
}

export interface Observations {
  readonly transactions: readonly HistoryTransaction[];
  readonly committed: readonly boolean[];
  readonly lists: readonly KeyState<ListRead>[];
  readonly registers: readonly KeyState<RegisterRead>[];
}

export type Kinds = 'list' | 'register' | 'both';

export function observe(history: History, kinds: Kinds): Observations {
  const lists = new Map<HistoryKey, KeyState<ListRead>>();
  const registers = new Map<HistoryKey, KeyState<RegisterRead>>();
  history.transactions.forEach((transaction, txn) => {
    if (kinds !== 'register') collectLists(transaction, txn, lists);
    if (kinds !== 'list') collectRegisters(transaction, txn, registers);
  });
  const committed = history.transactions.map((transaction) => transaction.outcome === 'done');
  const seen = (key: { writes: Map<HistoryValue, WriteRef> }, value: HistoryValue, reader: number): void => {
    const write = key.writes.get(value);
    if (write === undefined || write.txn === reader) return;
    if (history.transactions[write.txn]?.outcome === 'unknown') committed[write.txn] = true;
  };
  for (const key of lists.values()) {
    let known: readonly HistoryValue[] = [];
    for (const read of key.reads) {
      for (let i = commonPrefix(known, read.values); i < read.values.length; i++) {
        seen(key, read.values[i] as HistoryValue, read.txn);
      }
      // Only of a `done` reader: what an unknown one appended itself is no evidence, but others' reads of it are.
      const done = history.transactions[read.txn]?.outcome === 'done';
      if (done && read.values.length > known.length) known = read.values;
    }
  }
  for (const key of registers.values()) {
    for (const read of key.reads) if (read.value !== null) seen(key, read.value, read.txn);
  }
  return {
    transactions: history.transactions,
    committed,
    lists: [...lists.values()],
    registers: [...registers.values()],
  };
}

/** How many leading elements two lists share. */
export function commonPrefix(a: readonly HistoryValue[], b: readonly HistoryValue[]): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}

function keyState<Read>(keys: Map<HistoryKey, KeyState<Read>>, key: HistoryKey): KeyState<Read> {
  let state = keys.get(key);
  if (state === undefined) keys.set(key, (state = { key, writes: new Map(), repeated: [], reads: [] }));
  return state;
}

function noteWrite<Read>(state: KeyState<Read>, txn: number, value: HistoryValue): WriteRef {
  const write: WriteRef = { txn, value, final: true };
  if (state.writes.has(value)) state.repeated.push(write);
  else state.writes.set(value, write);
  return write;
}

function collectLists(transaction: HistoryTransaction, txn: number, keys: Map<HistoryKey, KeyState<ListRead>>): void {
  const own = new Map<HistoryKey, WriteRef>();
  transaction.ops.forEach((op, index) => {
    if (op.f === 'append') {
      const earlier = own.get(op.key);
      if (earlier !== undefined) earlier.final = false;
      own.set(op.key, noteWrite(keyState(keys, op.key), txn, op.value));
    } else if (op.f === 'read-list' && op.values !== undefined && transaction.outcome !== 'failed') {
      keyState(keys, op.key).reads.push({ txn, op: index, values: op.values });
    }
  });
}

function collectRegisters(
  transaction: HistoryTransaction,
  txn: number,
  keys: Map<HistoryKey, KeyState<RegisterRead>>,
): void {
  const own = new Map<HistoryKey, WriteRef>();
  transaction.ops.forEach((op, index) => {
    if (op.f === 'write') {
      const earlier = own.get(op.key);
      if (earlier !== undefined) earlier.final = false;
      own.set(op.key, noteWrite(keyState(keys, op.key), txn, op.value));
    } else if (op.f === 'read' && op.value !== undefined && transaction.outcome !== 'failed') {
      keyState(keys, op.key).reads.push({ txn, op: index, value: op.value, own: own.has(op.key) });
    }
  });
}
