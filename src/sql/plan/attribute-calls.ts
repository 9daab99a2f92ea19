/**
 * row.f for a function f that takes the row, and f(row) for a column f of it: PostgreSQL lets either be written as the
 * other where there is nothing of that kind itself.
 *
 * Names of columns are not looked up among functions beforehand, as nearly all of them are just that. Where one is
 * missing, the error says by which name a function could stand for it, and who has the catalog at hand binds once more.
 */
import type { Node } from 'libpg-query';
import { QuoralError } from '../../base/errors.js';
import { isBuiltInFunction } from './ast.js';
import type { FunctionEntry } from '../functions/entry.js';
import { makeCall } from './bind-call.js';
import { errorAt } from './binder.js';
import type { Binder, ExprContext } from './binder.js';
import { typeOfExpr } from './coerce.js';
import type { Expr, RowExpr } from './expr.js';
import { asRowType, functionsOf, inputsOf, routinesNamed } from './routines.js';
import { fieldsOf } from '../types/user-types.js';
import type { CompositeField } from '../types/composite.js';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import { recordFieldsOf } from './record-columns.js';
import { alone } from './whole-row.js';
import { wants } from './wanted-functions.js';
import { declaredOid, fieldOf } from './declared-types.js';

/** The call; null if no function of that name takes such a row. */
export function attributeCall(ctx: ExprContext, row: Expr, name: string, location: number): Expr | null {
  const groups = routinesNamed(ctx.binder, null, name) ?? [];
  if (groups.length === 0) return null;
  const routines = groups.flatMap((g) => g.routines.filter((r) => !r.procedure));
  const arg = asRowType(ctx.binder, row, routines, 0);
  const oid = typeOfExpr(ctx.binder, arg);
  const takesRow = (e: FunctionEntry): boolean =>
    e.argOids[0] === oid &&
    inputsOf(e.routine!)
      .slice(1)
      .every((p) => p.defaultSql !== null);
  const entries = functionsOf(groups).filter(takesRow);
  if (fieldsOf(oid) === null || entries.length === 0) return null;
  return makeCall(ctx, name, [arg], [location], location, { routines: entries });
}

/** The row that a name is asked of. */
export interface AttributeRow {
  readonly expr: () => Expr;
  /** As it is written. */
  readonly node: () => Node;
  /** It is f(row), which is what a stored query is to hold: there the call names the function that was meant. */
  readonly isCall: (call: Node) => void;
}

/** What `column` gives; where it finds none, a function that takes the row. */
export function attributeOr(
  ctx: ExprContext,
  row: AttributeRow,
  name: string,
  location: number,
  column: () => Expr,
): Expr {
  try {
    return column();
  } catch (error) {
    const call = attributeCall(ctx, row.expr(), name, location);
    if (call !== null && ctx.binder.pins === null) return call;
    const bound = callOfRow(ctx, row, name, location) ?? call;
    if (bound !== null) return bound;
    throw wants(error, name);
  }
}

/** name(row) for any function, built-in ones and aggregates too; null if none takes the row. */
function callOfRow(ctx: ExprContext, row: AttributeRow, name: string, location: number): Expr | null {
  const isOwn = (routinesNamed(ctx.binder, null, name)?.length ?? 0) > 0;
  if (!isOwn && !isBuiltInFunction(null, name)) return null;
  const funcname = [{ String: { sval: name } }];
  const call: Node = { FuncCall: { funcname, args: [row.node()], funcformat: 'COERCE_EXPLICIT_CALL', location } };
  try {
    const bound = ctx.bind(ctx, call);
    row.isCall(call);
    return bound;
  } catch (error) {
    if (error instanceof QuoralError && UNFIT.has(error.sqlstate)) return null;
    throw error;
  }
}

/** No function takes the row, or only one that is no plain one. */
const UNFIT: ReadonlySet<string> = new Set(['42883', '42725', '42809', '42804', '42P13', '42601']);

/** f(row) for a column f of the row; null if it is none. */
export function columnCall(row: Expr, name: string): Expr | null {
  const field = row.kind === 'row' ? undefined : fieldsOf(row.oid)?.find((f) => f.name === name);
  if (field !== undefined) return compositeField(row, fieldsOf(row.oid)!, name, -1);
  if (row.kind !== 'row') return null;
  const at = placeNamed(row, name);
  return at < 0 ? null : alone(row.args[at]!);
}

/** Of the column of that name in a relation's row; -1 if there is none. */
function placeNamed({ args, names }: RowExpr, name: string): number {
  const at = args.findIndex((a) => a.kind === 'column' && a.name === name);
  return at >= 0 || names === undefined ? at : names.indexOf(name);
}

function compositeField(arg: Expr, fields: readonly CompositeField[], name: string, location: number): Expr {
  const index = fields.findIndex((field) => field.name === name);
  if (index < 0) throw errorAt('42703', `column "${name}" not found in data type ${formatType(arg.oid)}`, location);
  return fieldOf(arg, index, fields[index]!);
}

/** (row).field, for functions that return records and for rows of a table. `alias`: by which a relation's row is named. */
export function bindField(b: Binder, arg: Expr, name: string, location: number, alias?: string): Expr {
  if (arg.kind === 'row') {
    const named = placeNamed(arg, name);
    if (named >= 0) return alone(arg.args[named]!);
    const positional = /^f(\d+)$/.exec(name);
    const at = positional === null ? -1 : Number(positional[1]) - 1;
    if (arg.oid === OID.record && at >= 0 && at < arg.args.length) return alone(arg.args[at]!);
  }
  const fields = fieldsOf(arg.oid);
  const isRelation = arg.kind === 'row' && arg.names !== undefined && alias !== undefined;
  if (isRelation && fields?.some((f) => f.name === name) !== true)
    throw errorAt('42703', `column ${alias}.${name} does not exist`, location);
  if (fields !== null) return compositeField(arg, fields, name, location);
  const columns = recordFieldsOf(b.recordColumns, arg);
  const index = columns?.findIndex((c) => c.name === name) ?? -1;
  if (columns !== null && index >= 0) {
    return fieldOf(arg, index, columns[index]!);
  }
  if (arg.oid === OID.record) {
    throw errorAt('42703', `could not identify column "${name}" in record data type`, location);
  }
  throw errorAt(
    '42809',
    `column notation .${name} applied to type ${formatType(declaredOid(arg))}, which is not a composite type`,
    location,
  );
}
