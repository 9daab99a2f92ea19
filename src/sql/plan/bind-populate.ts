/**
 * json(b)_populate_record(set): rows of the type that their first argument has. What that is, is known when the call is
 * bound, so each call has a function of its own.
 */
import type { FuncCall } from 'libpg-query';
import type { ExecContext } from '../contract.js';
import { checkDomain, isConstrained } from '../functions/domains.js';
import { ownFunction } from '../functions/entry.js';
import type { CallInfo, FunctionEntry } from '../functions/entry.js';
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
import { declaredAs, declaredOid } from './declared-types.js';
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
  const domain = declaredOid(base);
  const documentOid = json === 'json' ? OID.json : OID.jsonb;
  const entry = entryFor(name, set !== undefined, typeOid, documentOid, fields, isConstrained(domain) ? domain : 0);
  return declaredAs(makeCall(ctx, name, [base, args[1]!], places, location, { routines: [entry] }), domain);
}

/** `domain`: over the composite type, 0 for none. */
function entryFor(
  name: string,
  set: boolean,
  typeOid: number,
  documentOid: number,
  fields: RecordFields | null,
  domain: number,
): FunctionEntry {
  const shared = { name, argOids: [typeOid, documentOid], resultOid: typeOid };
  const rowOf = (value: Datum | undefined): PgRecord | null => (value instanceof PgRecord ? value : null);
  const shape = (row: PgRecord | null, call: CallInfo): RecordFields | undefined =>
    fields ?? (row === null ? call.record : fieldsOfValue(row));
  const checked = (row: PgRecord | null, ctx: ExecContext): PgRecord | null => {
    if (domain !== 0) checkDomain(domain, row, ctx);
    return row;
  };
  if (!set) {
    return ownFunction({
      ...shared,
      impl: ([base, document], ctx, call) => {
        const row = rowOf(base);
        return checked(populateRecord(name, row, document!, shape(row, call), ctx), ctx);
      },
    });
  }
  return ownFunction({
    ...shared,
    returnsSet: true,
    impl: () => null,
    *rows([base, document], ctx, call) {
      const row = rowOf(base);
      for (const made of populateRecords(name, row, document!, shape(row, call), ctx)) yield checked(made, ctx);
    },
  });
}

/** Of a record that has no named type. */
function fieldsOfValue({ typeOids, names }: PgRecord): RecordFields {
  return typeOids.map((typeOid, i) => ({ name: names?.[i] ?? `f${i + 1}`, typeOid, typmod: -1 }));
}
