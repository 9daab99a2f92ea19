/**
 * The query of a view as text, from its stored tree: with the names that its tables have now. Where a column
 * was renamed since, or a table, the query's own names are kept by an alias, so that the text means the same.
 *
 * Limits: the layout is the deparser's, not PostgreSQL's; casts and parentheses are those that were written.
 */
import type { A_Const, FuncCall, Node, RangeFunction, RangeVar, ResTarget, SelectStmt, TypeCast } from 'libpg-query';
import { Deparser } from 'pgsql-deparser';
import type { SessionServices } from '../contract.js';
import type { ViewDescriptor } from '../catalog/descriptor.js';
import { type Pin, pinOf, unpinned } from '../catalog/pins.js';
import { stringsOf } from '../plan/ast.js';
import { figureNameOf } from '../plan/figure-name.js';
import { pinnedOid, writtenName } from '../types/pinned-types.js';

interface Current {
  readonly name: string;
  readonly schemaId: number;
  readonly columns: readonly { readonly id: number; readonly name: string }[];
}

/** Ends with a semicolon, as PostgreSQL's does. */
export function viewText(view: ViewDescriptor, services: SessionServices): string {
  const { SelectStmt: select } = JSON.parse(view.queryTree, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const named = pinnedLiteral(value, services);
    if (named !== null) return named;
    const pin = pinOf(value as RangeVar);
    return pin === undefined ? currentCalls(value, services) : currentName(value as RangeVar, pin, services);
  }) as { SelectStmt: SelectStmt };
  const named = nameColumns(select, view);
  return ` ${new Deparser(named as never).deparseQuery().trim().replace(/;$/, '')};`;
}

/** 'q'::regclass is kept with the relation's oid (ddl/pinned-relations.ts). */
function pinnedLiteral(value: object, services: SessionServices): object | null {
  const cast = (value as { TypeCast?: TypeCast }).TypeCast;
  const literal = (cast?.arg as { A_Const?: A_Const } | undefined)?.A_Const?.sval?.sval;
  if (cast === undefined || literal === undefined || stringsOf(cast.typeName?.names).at(-1) !== 'regclass') return null;
  const name = /^\d+$/.test(literal) ? services.relationName(Number(literal)) : null;
  return name === null ? null : { TypeCast: { ...cast, arg: { A_Const: { sval: { sval: name } } } } };
}

function currentName(range: RangeVar, pin: Pin, services: SessionServices): RangeVar {
  const { alias, schemaname: _schema, ...plain } = unpinned(range);
  const current = find(pin.id, services);
  if (current === null) return unpinned(range);
  const schema = services.schemaNameOf(current.schemaId);
  const hidden = schema !== null && !services.searchPath.includes(schema);
  const result: RangeVar = { ...plain, relname: current.name, ...(hidden ? { schemaname: schema } : {}) };
  // What the query calls a column: by its alias, by the name that it had, or (not known to the query) as it is now.
  const written = stringsOf(alias?.colnames);
  const called = new Map(pin.columns.map(([id, name], i) => [id, written[i] ?? name]));
  const names = current.columns.map(({ id, name }) => called.get(id) ?? name);
  if (names.some((name, i) => name !== current.columns[i]!.name)) {
    const colnames = names.map((sval): Node => ({ String: { sval } }));
    return { ...result, alias: { aliasname: alias?.aliasname ?? range.relname!, colnames } };
  }
  if (alias !== undefined) return { ...result, alias: { aliasname: alias.aliasname! } };
  return current.name === range.relname ? result : { ...result, alias: { aliasname: range.relname! } };
}

/**
 * Calls of functions that users made, by the names that they have now. What the query calls the result stays, by an alias.
 * The nodes around a call are met after it, and still see by what it was called.
 */
function currentCalls(value: object, services: SessionServices): object {
  const target = (value as { ResTarget?: ResTarget }).ResTarget;
  if (target?.val !== undefined && target.name === undefined && callsPinned(target.val))
    return {
      ResTarget: { ...(withNames(target, services) as ResTarget), name: figureNameOf(target.val) ?? undefined },
    };
  const range = (value as { RangeFunction?: RangeFunction }).RangeFunction;
  if (range !== undefined && callsPinned(range)) {
    const written = firstPin(range);
    const named = withNames(range, services) as RangeFunction;
    if (range.alias !== undefined || written === null) return { RangeFunction: named };
    return { RangeFunction: { ...named, alias: { aliasname: writtenName(written) } } };
  }
  // The whole query, when all that has names of its own has been seen to.
  return 'SelectStmt' in value ? (withNames(value, services) as object) : value;
}

function pinOfCall(value: unknown): string | null {
  const names = (value as Partial<FuncCall> | null)?.funcname;
  if (!Array.isArray(names) || names.length !== 1) return null;
  const name = stringsOf(names)[0]!;
  return pinnedOid(name) === null ? null : name;
}

function firstPin(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const own = pinOfCall(value);
  if (own !== null) return own;
  for (const part of Object.values(value)) {
    const found = firstPin(part);
    if (found !== null) return found;
  }
  return null;
}

function callsPinned(value: unknown): boolean {
  return firstPin(value) !== null;
}

function withNames(value: unknown, services: SessionServices): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withNames(item, services));
  if (typeof value !== 'object' || value === null) return value;
  const parts = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withNames(part, services)]));
  const pin = pinOfCall(value);
  const found = pin === null ? null : (services.routineByOid?.(pinnedOid(pin)!) ?? null);
  if (found === null) return parts;
  const names =
    services.isVisibleRoutine?.(found.routine.oid) === true
      ? []
      : [services.schemaNameOf(found.group.schemaId) ?? 'public'];
  return { ...parts, funcname: [...names, found.group.name].map((sval) => ({ String: { sval } })) };
}

function find(id: number, services: SessionServices): Current | null {
  const view = services.viewByOid(id);
  if (view !== null) return view;
  const table = services.tableByOid(id);
  return table === null ? null : { ...table, columns: table.columns.filter((c) => !c.dropped && !c.hidden) };
}

/** The view's own names for the columns, where the query gives others. */
function nameColumns(select: SelectStmt, view: ViewDescriptor): Node {
  const first = leftmost(select);
  if (first.valuesLists !== undefined && first.valuesLists.length > 0) return valuesNamed(select, view);
  first.targetList = (first.targetList ?? []).map((item, i) => {
    const target = (item as { ResTarget: ResTarget }).ResTarget;
    const name = view.columns[i]?.name;
    if (name === undefined || impliedName(target) === name) return item;
    return { ResTarget: { ...target, name } };
  });
  return { SelectStmt: select };
}

function leftmost(select: SelectStmt): SelectStmt {
  let first = select;
  while (first.larg !== undefined) first = first.larg;
  return first;
}

function impliedName(target: ResTarget): string | undefined {
  if (target.name !== undefined) return target.name;
  const ref = (target.val as { ColumnRef?: { fields?: { String?: { sval?: string } }[] } }).ColumnRef;
  return ref?.fields?.at(-1)?.String?.sval;
}

/** VALUES has no names of its own to replace. */
function valuesNamed(select: SelectStmt, view: ViewDescriptor): Node {
  if (view.columns.every(({ name }, i) => name === `column${i + 1}`)) return { SelectStmt: select };
  const colnames = view.columns.map(({ name }): Node => ({ String: { sval: name } }));
  return {
    SelectStmt: {
      targetList: [{ ResTarget: { val: { ColumnRef: { fields: [{ A_Star: {} }] } } } }],
      fromClause: [
        { RangeSubselect: { subquery: { SelectStmt: select }, alias: { aliasname: '*VALUES*', colnames } } },
      ],
      limitOption: 'LIMIT_OPTION_DEFAULT',
      op: 'SETOP_NONE',
    },
  };
}
