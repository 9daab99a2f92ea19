/**
 * xmin: the version of a row, as clients compare it to see whether somebody has changed the row since they read it.
 *
 * PostgreSQL gives the transaction that wrote the row. Here a row's version is known only when its transaction has
 * committed, so RETURNING could not tell it. It is therefore 32 bits of a hash over the row's values, the hidden row
 * id included: it is known at once, is the same wherever the row is read, and changes when a value of the row does.
 *
 * Limits, told in docs/sql/differences.md: a change that leaves every value as it was leaves xmin too; two contents
 * of one row have one xmin with a probability of 1 in 2^32; it has no order, and names no transaction; a column that
 * is added or dropped changes it.
 */
import type { ExecContext } from '../contract.js';
import { ownFunction } from '../functions/entry.js';
import type { FunctionEntry } from '../functions/entry.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import type { Expr } from './expr.js';

/** Below are PostgreSQL's own: invalid, bootstrap, frozen. */
const FIRST_XID = 3;

/** 32 bits of the values; a NULL is not an empty text, and a text does not run over into the next. */
export function rowVersion(values: readonly Datum[], oids: readonly number[]): number {
  let hash = 0x811c9dc5;
  const add = (n: number): void => {
    hash = Math.imul(hash ^ (n & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (n >>> 8), 0x01000193);
  };
  values.forEach((value, i) => {
    if (value === null) {
      add(0xffff);
      return;
    }
    const text = typeByOid(oids[i]!).output(value, STORED_FORMAT);
    add(text.length & 0x7fff);
    add(text.length >>> 15);
    for (let at = 0; at < text.length; at++) add(text.charCodeAt(at));
  });
  // FNV leaves the high bits of short inputs alike.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  return hash < FIRST_XID ? hash + FIRST_XID : hash;
}

/** The transaction as xmax names it: 32 bits of what txid_current() gives. */
export function currentXid({ txn }: ExecContext): number {
  return Math.max(Number(BigInt.asUintN(32, BigInt(txn.readTimestamp))), FIRST_XID);
}

/** As VERSION, of a row that is being deleted. */
const DELETED_BY = ownFunction({
  name: 'xmax',
  argOids: [],
  resultOid: OID.xid,
  volatility: 'stable',
  impl: (_args, ctx) => currentXid(ctx),
});

/** No function that a statement can call. */
const VERSION = ownFunction({
  name: 'xmin',
  argOids: [],
  resultOid: OID.xid,
  volatility: 'immutable',
  variadic: true,
  impl: (args, _ctx, call) => rowVersion(args, call.argOids),
});

export function deletedBy(): Expr {
  return callOf(DELETED_BY, []);
}

/** `columns`: everything that the row has. */
export function versionOf(columns: readonly Expr[]): Expr {
  return callOf(VERSION, columns);
}

function callOf(entry: FunctionEntry, args: readonly Expr[]): Expr {
  return {
    kind: 'call',
    entry,
    operator: false,
    args,
    info: { argOids: args.map((c) => c.oid), resultOid: OID.xid },
    oid: OID.xid,
    typmod: -1,
  };
}
