/**
 * Immutable expressions over one table's row, as generated columns, index keys and index predicates have them:
 * checked by PostgreSQL's rules, kept as canonical text with the columns that it reads.
 *
 * Limits: a reference to the whole row (`t IS NULL` for a table t) is 0A000, but for its fields, (t).a and ROW(t.*);
 * errors carry no position.
 */
import { sqlError } from '../../base/errors.js';
import type { QuoralError } from '../../base/errors.js';
import { addPosition } from '../plan/binder.js';
import { errorAt } from '../plan/error-at.js';
import type { ColumnDescriptor, RowExpression } from '../catalog/descriptor.js';
import type { CompiledExpression } from '../contract.js';
import { expressionTree } from '../plan/expression-tree.js';
import { pinsIn } from '../types/pinned-types.js';
import { SYSTEM_COLUMNS } from './columns.js';
import { compilePlaced, placed, requireKnownTypes } from './placed-expressions.js';
import type { DdlContext } from './context.js';
import { deparse } from './deparse.js';
import { list, stringOf } from './tree.js';
import type { Loose } from './tree.js';

/** PostgreSQL's words for the place of an expression. */
export interface Place {
  /** 'column generation expression' */
  readonly one: string;
  /** 'column generation expressions' */
  readonly many: string;
  readonly notImmutable: string;
  /** What is said of a reference to the whole row, and of one to a system column. */
  readonly wholeRow: QuoralError;
  systemColumn(name: string, at: number): QuoralError;
}

export const GENERATION: Place = {
  one: 'column generation expression',
  many: 'column generation expressions',
  notImmutable: 'generation expression is not immutable',
  wholeRow: sqlError('42P17', 'cannot use whole-row variable in column generation expression', {
    detail: 'This would cause the generated column to depend on its own value.',
  }),
  systemColumn: (name, at) =>
    errorAt('42P10', `cannot use system column "${name}" in column generation expression`, at),
};

export const CHECK: Place = {
  one: 'check constraint',
  many: 'check constraints',
  notImmutable: '',
  wholeRow: sqlError('0A000', 'a whole-row reference in a check constraint is not supported'),
  systemColumn: (name, at) =>
    name === 'tableoid'
      ? errorAt('0A000', 'a reference to tableoid in a check constraint is not supported', at)
      : errorAt('42P10', `system column "${name}" reference in check constraint is invalid`, at),
};

export interface BoundRowExpression extends RowExpression {
  readonly typeOid: number;
  readonly typmod: number;
  /** As of CompiledExpression. */
  readonly collation?: string | null;
}

/** Rebuilds a parse tree; `replace` gives a node another form or undefined to leave it to its children. */
function mapTree(node: unknown, replace: (n: Loose) => unknown): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) return node.map((item) => mapTree(item, replace));
  const replaced = replace(node as Loose);
  if (replaced !== undefined) return replaced;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, mapTree(value, replace)]));
}

function columnRef(name: string, location: unknown): Loose {
  return { ColumnRef: { fields: [{ String: { sval: name } }], location } };
}

/** The names of a column reference, without those of a subscript or field. null for other nodes. */
function referenceOf(node: Loose): string[] | null {
  const ref = node['ColumnRef'] as Loose | undefined;
  return ref === undefined ? null : list(ref['fields']).map(stringOf);
}

/** The fields of the whole row of `table` that a node names one by one: (t).a, and t.* within ROW(…). */
function fieldsOfRow(n: Loose, table: string, columns: readonly ColumnDescriptor[]): unknown {
  const isStar = (part: unknown): boolean => (part as Loose)['A_Star'] !== undefined;
  if (columns.some((c) => c.name === table)) return undefined;
  const field = n['A_Indirection'] as Loose | undefined;
  const path = list(field?.['indirection']);
  if (field !== undefined && path.length === 1 && !isStar(path[0]) && path[0]!['A_Indices'] === undefined) {
    const names = referenceOf(field['arg'] as Loose);
    const name = stringOf(path[0]!);
    if (names?.length !== 1 || names[0] !== table || !columns.some((c) => c.name === name)) return undefined;
    return columnRef(name, ((field['arg'] as Loose)['ColumnRef'] as Loose)['location']);
  }
  const row = n['RowExpr'] as Loose | undefined;
  if (row === undefined) return undefined;
  const starred = (arg: Loose): boolean => {
    const fields = list((arg['ColumnRef'] as Loose | undefined)?.['fields']);
    return fields.length === 2 && isStar(fields[1]) && stringOf(fields[0]!) === table;
  };
  const args = list(row['args']);
  if (!args.some(starred)) return undefined;
  const all = args.flatMap((arg) => (starred(arg) ? columns.map((c) => columnRef(c.name, -1)) : [arg]));
  return { RowExpr: { ...row, args: all } };
}

/** References such as t.a become a; subqueries, parameters and whole rows are refused. */
export function normalised(
  ctx: Pick<DdlContext, 'unplaced'>,
  node: unknown,
  table: string,
  columns: readonly ColumnDescriptor[],
  place: Place,
): unknown {
  const placeOf = (n: Loose | undefined): number => placed(ctx, Number(n?.['location'] ?? 0));
  return mapTree(node, (n) => {
    const subquery = n['SubLink'] as Loose | undefined;
    if (subquery !== undefined) throw errorAt('0A000', `cannot use subquery in ${place.one}`, placeOf(subquery));
    const call = n['FuncCall'] as Loose | undefined;
    if (call?.['over'] !== undefined)
      throw errorAt('42P20', `window functions are not allowed in ${place.many}`, placeOf(call));
    const parameter = n['ParamRef'] as Loose | undefined;
    if (parameter !== undefined)
      throw errorAt('42P02', `there is no parameter $${Number(parameter['number'] ?? 0)}`, placeOf(parameter));
    const ofRow = fieldsOfRow(n, table, columns);
    if (ofRow !== undefined) return n['RowExpr'] === undefined ? ofRow : normalised(ctx, ofRow, table, columns, place);
    const names = referenceOf(n);
    if (names === null) return undefined;
    if (names.length === 2 && names[0] === table && names[1] !== '')
      return columnRef(names[1]!, (n['ColumnRef'] as Loose)['location']);
    const [only] = names;
    if (names.length > 1 || only === undefined || columns.some((c) => c.name === only)) return undefined;
    const at = placeOf(n['ColumnRef'] as Loose | undefined);
    if (SYSTEM_COLUMNS.has(only)) throw place.systemColumn(only, at);
    if (only === table) throw addPosition(place.wholeRow, at);
    return undefined;
  });
}

function compiled(
  ctx: DdlContext,
  { node, sql }: { readonly node: unknown; readonly sql: string },
  columns: readonly ColumnDescriptor[],
  place: Place,
  target: { readonly typeOid: number; readonly typmod: number } | null,
): CompiledExpression {
  return compilePlaced(ctx, { node, sql }, columns, target, place.many);
}

/** Where no descriptor can hold the functions that a text calls. @throws 0A000 */
export function refuseRoutines(ctx: DdlContext, sql: string, what: string): void {
  if (pinsIn(sql).some((oid) => ctx.catalog.routinesInUse.find(oid) !== null))
    throw sqlError('0A000', `${what} that calls a function that a user made is not supported`);
}

/** Columns that an expression may name. */
export function nameable(columns: readonly ColumnDescriptor[]): readonly ColumnDescriptor[] {
  return columns.filter((c) => !c.dropped && !c.hidden);
}

/** @throws 42P17 unless it is immutable, and whatever binding it throws. */
export function bindRowExpression(
  ctx: DdlContext,
  node: unknown,
  table: string,
  columns: readonly ColumnDescriptor[],
  place: Place,
): BoundRowExpression {
  const live = nameable(columns);
  const tree = normalised(ctx, node, table, live, place);
  const placed = { node: tree, sql: deparse(tree) };
  const { sql, typeOid, typmod, collation, columnsUsed, immutable } = compiled(ctx, placed, live, place, null);
  if (!immutable) throw sqlError('42P17', place.notImmutable);
  requireKnownTypes(ctx, sql, live, place.many);
  const under = collation === undefined ? {} : { collation };
  return { expressionSql: sql, typeOid, typmod, ...under, columnIds: columnsUsed.map((p) => live[p]!.id) };
}

/** Whether the expression can be assigned to a column of this type. */
export function isAssignable(
  ctx: DdlContext,
  expression: RowExpression,
  columns: readonly ColumnDescriptor[],
  target: { readonly typeOid: number; readonly typmod: number },
): boolean {
  try {
    const sql = expression.expressionSql;
    compiled(ctx, { node: expressionTree(sql), sql }, nameable(columns), GENERATION, target);
    return true;
  } catch (error) {
    if ((error as { sqlstate?: string }).sqlstate === '42804') return false;
    throw error;
  }
}

/** The text after a column was renamed. `columns` have the new name. */
export function renameInExpression(
  ctx: DdlContext,
  sql: string,
  from: string,
  to: string,
  columns: readonly ColumnDescriptor[],
): string {
  const tree = mapTree(expressionTree(sql), (n) => {
    const names = referenceOf(n);
    return names?.length === 1 && names[0] === from ? columnRef(to, -1) : undefined;
  });
  return compiled(ctx, { node: tree, sql: deparse(tree) }, nameable(columns), GENERATION, null).sql;
}
