/** The numbers of transactions that SQL shows: the time of a snapshot of each. */
import type { KvTxn } from '../../txn/kv-txn.js';

/** Below REPEATABLE READ each statement has a snapshot of its own; the first one that is asked numbers the transaction. */
const numbers = new WeakMap<KvTxn, bigint>();

export function transactionNumber(txn: KvTxn): bigint {
  let number = numbers.get(txn);
  if (number === undefined) numbers.set(txn, (number = BigInt(txn.readTimestamp)));
  return number;
}
/** null: nobody has asked for it. */
export function numberIfAsked(txn: KvTxn): bigint | null {
  return numbers.get(txn) ?? null;
}

/** As xid has it: its lower half, without what PostgreSQL keeps for itself. */
export function xidOf(txn: KvTxn): number {
  return Math.max(3, Number(BigInt.asUintN(32, transactionNumber(txn))));
}

/** Of a transaction that is known by its name only. */
export function xidOfUnknown(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return Math.max(3, hash >>> 0);
}
