/**
 * The constraints that are looked at after rows were written, as one: foreign keys, then unique keys that are
 * deferrable (an action of a foreign key may write keys). Every way to run a statement calls `begin` before it,
 * `settle` when its rows are written, and `relieve` now and then between.
 */
import { sqlError } from '../../base/errors.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { ExecContext } from '../contract.js';
import type { FormatContext } from '../types/type-info.js';
import {
  beginClaims,
  checkDeferredClaims,
  claimsPending,
  hasDeferredClaims,
  nestClaims,
  relieveClaims,
  settleClaims,
} from './deferrable-unique.js';
import {
  beginForeignKeys,
  checkDeferredForeignKeys,
  foreignKeysPending,
  nestForeignKeys,
  relieveForeignKeys,
  settleForeignKeys,
} from './foreign-key-checks.js';
import { hasDeferredForeignKeys, hasDeferredForeignKeysOf } from './foreign-key-queue.js';

/** A statement begins: what a failed one before it left is void. */
export function beginConstraints(txn: KvTxn): void {
  beginForeignKeys(txn);
  beginClaims(txn);
}

/** Statements of a function begin, within the one that calls it: what is pending of that one is back when they are over. */
export function nestConstraints(txn: KvTxn): () => void {
  const leaves = [nestForeignKeys(txn), nestClaims(txn)];
  return () => {
    for (const leave of leaves) leave();
  };
}

/** True if `settleConstraints` has something to do. */
export function constraintsPending(txn: KvTxn): boolean {
  return foreignKeysPending(txn) || claimsPending(txn);
}

/** The statement's rows are written. @throws QuoralError 23503, 23505, and whatever actions throw */
export async function settleConstraints(ctx: ExecContext): Promise<void> {
  await settleForeignKeys(ctx);
  await settleClaims(ctx.txn, ctx.format);
}

/** Lets go of what holds already, when much is pending. */
export async function relieveConstraints(ctx: ExecContext): Promise<void> {
  await relieveForeignKeys(ctx);
  await relieveClaims(ctx.txn, ctx.memory);
}

/** The end of the transaction, or SET CONSTRAINTS … IMMEDIATE for those that `chosen` says. */
export async function checkDeferredConstraints(
  txn: KvTxn,
  format: FormatContext,
  chosen: (constraintOid: number) => boolean = () => true,
  isGone: (tableId: number, constraintOid: number) => boolean = () => false,
): Promise<void> {
  await checkDeferredForeignKeys(
    txn,
    format,
    (fk) => chosen(fk.descriptor.oid) && !isGone(fk.child.table.id, fk.descriptor.oid),
  );
  await checkDeferredClaims(txn, format, chosen);
}

/** As refusePendingChecks, for the table that goes: a foreign key to it goes with it. @throws 55006 */
export function refuseOwnPendingChecks(txn: KvTxn, table: { readonly id: number; readonly name: string }): void {
  if (hasDeferredForeignKeysOf(txn, table.id) || hasDeferredClaims(txn, table.id))
    throw hasPending('DROP TABLE', table);
}

function hasPending(command: string, table: { readonly name: string }): Error {
  return sqlError('55006', `cannot ${command} "${table.name}" because it has pending trigger events`);
}

/** Schema changes would pull a table away from under checks that are still to come. @throws 55006 */
export function refusePendingChecks(
  txn: KvTxn,
  command: string,
  table: { readonly id: number; readonly name: string },
): void {
  if (!hasDeferredForeignKeys(txn, table.id) && !hasDeferredClaims(txn, table.id)) return;
  throw hasPending(command, table);
}
