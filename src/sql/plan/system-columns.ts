/**
 * System columns. tableoid is the table's oid and xmin the row's version (row-version.ts) in every row that is there,
 * and NULL in one that an outer join made up, which a column that can never be NULL tells. xmax tells in RETURNING what
 * ON CONFLICT DO UPDATE has updated from what it inserted (0), and what DELETE removed; a row that is read has 0, as
 * nobody has changed it. (In PostgreSQL not while somebody else is about to, or has it locked.)
 *
 * The others stay refused, as each would be a wrong answer. A ctid has 48 bits, and a row is found by a primary key of
 * any length: what fits may name two rows, and a DELETE by it would take the wrong one. cmin and cmax count commands
 * that leave no mark in a row.
 */
import { missingColumn } from './missing-relation.js';
import { OID } from '../types/oids.js';
import { columnExpr, errorAt, MERGE_CONDITIONS } from './binder.js';
import type { ExprContext, ScopeRelation } from './binder.js';
import { constant } from './expr.js';
import type { Expr } from './expr.js';
import { versionOf } from './row-version.js';

const UNSUPPORTED: ReadonlySet<string> = new Set(['ctid', 'cmin', 'cmax']);
const SUPPORTED: ReadonlySet<string> = new Set(['tableoid', 'xmin', 'xmax']);

export function isSystemName(name: string): boolean {
  return SUPPORTED.has(name) || UNSUPPORTED.has(name);
}

/** A system column by its bare name, in the nearest scope with a table; null if it is none. */
export function bareSystemColumn(ctx: ExprContext, name: string, location: number): Expr | null {
  if (!isSystemName(name)) return null;
  for (let s: ExprContext['scope'] | null = ctx.scope; s !== null; s = s.parent) {
    const tables = s.relations.filter((r) => oidOf(r) !== null);
    if (tables.length > 1) throw errorAt('42702', `column reference "${name}" is ambiguous`, location);
    if (tables.length === 1) return systemColumn(ctx, tables[0]!, name, location);
  }
  return null;
}

/** A system column of a table that is named with it. @throws QuoralError 42703 */
export function systemColumnOf(
  ctx: ExprContext,
  relation: ScopeRelation,
  table: string,
  name: string,
  location: number,
): Expr {
  const found = systemColumn(ctx, relation, name, location);
  if (found === null) throw missingColumn(ctx, table, name, location);
  return found;
}

/** null if the relation has none of that name. */
function systemColumn(ctx: ExprContext, relation: ScopeRelation, name: string, location: number): Expr | null {
  if (!isSystemName(name)) return null;
  if (ctx.clause === MERGE_CONDITIONS && name !== 'tableoid')
    throw errorAt('42P10', `cannot use system column "${name}" in MERGE WHEN condition`, location);
  const oid = oidOf(relation);
  if (oid === null) return null;
  if (UNSUPPORTED.has(name)) {
    throw errorAt('0A000', `system column "${name}" is not supported`, location, {
      hint: 'Rows are found by their primary key, and changes of a row by xmin.',
    });
  }
  if (ctx.binder.pins !== null) throw errorAt('0A000', 'system columns in views are not supported', location);
  const present = neverNull(relation);
  if (present === null) throw errorAt('0A000', `system column "${name}" is not supported here`, location);
  // Of all its columns, which would tell no more.
  for (const { column, hidden } of relation.columns) if (!hidden) ctx.binder.access.note(column);
  const value = valueOf(relation, oid, name);
  const absent: Expr = { kind: 'isnull', arg: columnExpr(present), negated: false, oid: OID.bool, typmod: -1 };
  return {
    kind: 'case',
    whens: [{ when: absent, then: constant(null, value.oid) }],
    otherwise: value,
    oid: value.oid,
    typmod: -1,
  };
}

function valueOf(relation: ScopeRelation, oid: number, name: string): Expr {
  if (name === 'tableoid') return constant(oid, OID.oid);
  if (name === 'xmax') return relation.xmax ?? constant(0, OID.xid);
  return versionOf(relation.columns.map((c) => columnExpr(c.column)));
}

function oidOf(relation: ScopeRelation): number | null {
  if (relation.proposed === true) return null;
  return relation.table?.id ?? relation.catalogOid ?? null;
}

function neverNull(relation: ScopeRelation): ScopeRelation['columns'][number]['column'] | null {
  const { table, columns } = relation;
  // The catalogs' first columns are what their rows belong to.
  if (table === null) return columns[0]?.column ?? null;
  const keys = new Set(table.indexes.filter((i) => i.primary).flatMap((i) => i.columns.map((c) => c.columnId)));
  return columns.find((c) => keys.has(c.column.columnNumber))?.column ?? null;
}
