/**
 * json(b)_populate_record(set): rows of the type that their first argument has. What that is, is known when the call is
 * bound, so each call has a function of its own.
 */
import type { FuncCall } from 'libpg-query';
import { ownFunction } from '../functions/entry.js';
import type { FunctionEntry } from '../functions/entry.js';
import { populateRecord, populateRecords } from '../functions/json-record.js';
import type { RecordFields } from '../functions/json-record.js';
import { OID } from '../types/oids.js';
import { PgRecord } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { fieldsOf } from '../types/user-types.js';
import { locationOf } from './ast.js';
import { makeCall } from './bind-call.js';
import type { ExprContext } from './binder.js';
import { errorAt } from './binder.js';
import { typeOfExpr } from './coerce.js';
import type { Expr } from './expr.js';

const POPULATE = /^(jsonb?)_populate_record(set)?$/;

export function isPopulate(schema: string | null, name: string): boolean {
  return (schema === null || schema === 'pg_catalog') && POPULATE.test(name);
}

export function bindPopulate(ctx: ExprContext, call: FuncCall, name: string, location: number): Expr {
  const [, json, set] = POPULATE.exec(name)!;
  const nodes = call.args ?? [];
  const args = nodes.map((node) => ctx.bind(ctx, node));
  const places = nodes.map(locationOf);
  if (args.length !== 2) return makeCall(ctx, name, args, places, location);
  const base = args[0]!;
  const typeOid = typeOfExpr(ctx.binder, base);
  if (typeOid === OID.unknown) {
    const message = 'could not determine polymorphic type because input has type unknown';
    throw errorAt('42804', message, -1);
  }
  const fields = fieldsOf(typeOid);
  if (fields === null && typeOid !== OID.record)
    throw errorAt('42804', `first argument of ${name} must be a row type`, -1);
  const entry = entryFor(name, set !== undefined, typeOid, json === 'json' ? OID.json : OID.jsonb, fields);
  return makeCall(ctx, name, [base, args[1]!], places, location, false, [entry]);
}

function entryFor(
  name: string,
  set: boolean,
  typeOid: number,
  documentOid: number,
  fields: RecordFields | null,
): FunctionEntry {
  const shared = { name, argOids: [typeOid, documentOid], resultOid: typeOid };
  const rowOf = (value: Datum | undefined): PgRecord | null => (value instanceof PgRecord ? value : null);
  if (!set) {
    return ownFunction({
      ...shared,
      impl: ([base, document], ctx, call) => populateRecord(name, rowOf(base), document!, fields ?? call.record, ctx),
    });
  }
  return ownFunction({
    ...shared,
    returnsSet: true,
    impl: () => null,
    rows: ([base, document], ctx, call) => populateRecords(name, rowOf(base), document!, fields ?? call.record, ctx),
  });
}
