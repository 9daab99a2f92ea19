/**
 * The top of a SELECT: output columns, DISTINCT, ORDER BY, LIMIT.
 *
 * As in PostgreSQL, a target that is volatile (not counting its subqueries), or that returns a set while no sort key does, is computed after the
 * sort (and after DISTINCT ON), unless it is itself sorted or made distinct by: nextval() under ORDER BY … LIMIT 2 is called
 * twice. Rows that OFFSET skips are computed. The nodes then are
 *   early targets and keys · DISTINCT · sort · [as many rows as are wanted] · late targets · LIMIT.
 *
 * Of a query that locks its rows the sort is below the locks, and these are below all targets (lock-rows.ts).
 *
 * Limit: where LIMIT or OFFSET is no constant and there is an OFFSET, late targets are computed in batches, for some rows more.
 */
import type { Node, SelectStmt } from 'libpg-query';
import { OID } from '../types/oids.js';
import { columnExpr } from './binder.js';
import { declaredOid } from './declared-types.js';
import type { Binder } from './binder.js';
import { applySets } from './bind-group.js';
import { constant, isVolatile, sameExpr, some } from './expr.js';
import type { Expr, SortKey } from './expr.js';
import { fold } from './fold.js';
import { type Locked, lockRows, withVolatileKeys } from './lock-rows.js';
import type { Plan, ProjectItem } from './logical.js';
import { columnsOf } from './plan-walk.js';
import { noteRecord } from './record-columns.js';

export interface Target {
  readonly name: string;
  readonly expr: Expr;
  readonly location: number;
  /** As it was written, if it was. */
  readonly node?: Node;
}

export function isTarget(targets: readonly Target[], e: Expr): boolean {
  return targets.some((t) => t.expr === e);
}

/**
 * Under grouping sets two outputs that read alike are two things to group by, each NULL where its own is rolled up.
 * What names neither of them means the first.
 */
export function firstTarget(targets: readonly Target[], e: Expr): Expr {
  return isTarget(targets, e) ? e : (targets.find((t) => sameExpr(t.expr, e))?.expr ?? e);
}

/** null: there is none. */
export interface RowBounds {
  readonly count: Expr | null;
  readonly offset: Expr | null;
  readonly withTies: boolean;
}

/** What is above the FROM, grouped and with window functions computed. */
export interface Output {
  readonly targets: readonly Target[];
  readonly keys: readonly SortKey[];
  /** DISTINCT ON. */
  readonly on: readonly Expr[];
}

export function withLimit(plan: Plan, { count, offset, withTies }: RowBounds, keys: readonly SortKey[]): Plan {
  if (count === null && offset === null) return plan;
  return { kind: 'limit', columns: plan.columns, input: plan, count, offset, withTies: withTies ? keys : null };
}

/** Of a query that locks its rows: they are sorted before. */
export function lockedOutput(
  b: Binder,
  select: SelectStmt,
  { plan, targets }: Locked,
  output: Output,
  bounds: RowBounds,
): Plan {
  const { rows, replace } = withVolatileKeys(b, plan, output.keys);
  const keys = output.keys.map((k) => ({ ...k, expr: replace(k.expr) }));
  const shown = output.targets.map((t) => ({ ...t, expr: replace(t.expr) }));
  return outputOf(b, select, lockRows(rows, keys, targets), { ...output, targets: shown, keys }, bounds, true);
}

/** `isSorted`: the input is. */
export function outputOf(
  b: Binder,
  select: SelectStmt,
  input: Plan,
  { targets, keys, on }: Output,
  bounds: RowBounds,
  isSorted = false,
): Plan {
  const distinct = select.distinctClause !== undefined;
  const isLate = lateTargets(targets, keys, on, distinct, bounds);
  const early = applySets(b, input, [
    ...targets.filter((_, i) => !isLate[i]).map((t) => t.expr),
    ...keys.map((k) => k.expr),
    ...on,
  ]);
  let next = 0;
  const slots = targets.map((t, i): ProjectItem | null =>
    isLate[i] ? null : itemOf(b, early.plan, t.name, early.exprs[next++]!),
  );
  const shown = slots.filter((item) => item !== null);
  const items = [...shown];
  // A sort key that is an output column is read there; others are carried along and cut off at the end.
  const carried = (e: Expr): Expr => {
    const found = items.find((i) => sameExpr(i.expr, e) && !hasSubquery(e));
    if (found !== undefined) return columnExpr(found.column);
    const column = b.column('?sort?', e.oid, e.typmod);
    items.push({ column, expr: e });
    return columnExpr(column);
  };
  const sortKeys = keys.map((k, i): SortKey => ({ ...k, expr: carried(early.exprs[next + i]!) }));
  const onKeys = on.map((_, i) => carried(early.exprs[next + keys.length + i]!));
  const late = targets.filter((_, i) => isLate[i]).map((t) => t.expr);
  items.push(...passedOn(early.plan, late));
  let plan: Plan = { kind: 'project', columns: items.map((i) => i.column), input: early.plan, items };
  if (distinct && onKeys.length === 0) plan = { kind: 'distinct', columns: plan.columns, input: plan, on: null };
  const ordering = onKeys.length > 0 ? distinctOrder(sortKeys, onKeys) : sortKeys;
  if (ordering.length > 0 && !isSorted)
    plan = { kind: 'sort', columns: plan.columns, input: plan, keys: ordering, limit: null };
  if (onKeys.length > 0) plan = { kind: 'distinct', columns: plan.columns, input: plan, on: onKeys };
  plan =
    late.length === 0
      ? shownOnly(withLimit(plan, bounds, sortKeys), items.length > shown.length ? shown : null)
      : withLateTargets(b, plan, targets, slots, bounds, sortKeys);
  return plan;
}

function itemOf(b: Binder, input: Plan, name: string, expr: Expr): ProjectItem {
  const origin =
    expr.kind === 'column' && expr.collate === undefined ? input.columns.find((c) => c.id === expr.id) : undefined;
  const column = b.column(name, declaredOid(expr), expr.typmod, origin?.tableOid ?? 0, origin?.columnNumber ?? 0);
  noteRecord(b.recordColumns, column.id, expr);
  return { column, expr };
}

/** The plan with these columns only; null: it has no others. */
function shownOnly(plan: Plan, shown: readonly ProjectItem[] | null): Plan {
  if (shown === null) return plan;
  const kept = shown.map((i): ProjectItem => ({ column: i.column, expr: columnExpr(i.column) }));
  return { kind: 'project', columns: kept.map((k) => k.column), input: plan, items: kept };
}

// ---- late targets ----

function returnsSet(e: Expr): boolean {
  return some(e, (x) => x.kind === 'srf');
}

/** Which targets are computed after the sort. */
function lateTargets(
  targets: readonly Target[],
  keys: readonly SortKey[],
  on: readonly Expr[],
  distinct: boolean,
  { count, withTies }: RowBounds,
): readonly boolean[] {
  const limited = count !== null && !withTies;
  const sorts = [...keys.map((k) => k.expr), ...on];
  const mayWait = distinct ? keys.length > 0 && on.length > 0 : keys.length > 0 || limited;
  const setsWait = keys.length > 0 && !sorts.some(returnsSet);
  return targets.map(({ expr }) => {
    if (!mayWait || sorts.some((e) => sameExpr(e, expr))) return false;
    return returnsSet(expr) ? setsWait : isVolatile(expr);
  });
}

/** The columns that late targets read. */
function passedOn(input: Plan, late: readonly Expr[]): ProjectItem[] {
  if (late.length === 0) return [];
  const read = new Set(late.flatMap((e) => [...columnsOf(e)]));
  return input.columns.filter((c) => read.has(c.id)).map((column) => ({ column, expr: columnExpr(column) }));
}

function withLateTargets(
  b: Binder,
  sorted: Plan,
  targets: readonly Target[],
  slots: readonly (ProjectItem | null)[],
  bounds: RowBounds,
  sortKeys: readonly SortKey[],
): Plan {
  const late = targets.filter((_, i) => slots[i] === null).map((t) => t.expr);
  const below = late.some(returnsSet) ? null : boundBelow(b, bounds);
  const made = applySets(b, below === null ? sorted : withLimit(sorted, below, []), late);
  let next = 0;
  const items = slots.map((slot, i): ProjectItem =>
    slot === null
      ? itemOf(b, made.plan, targets[i]!.name, made.exprs[next++]!)
      : { column: slot.column, expr: columnExpr(slot.column) },
  );
  // Rows WITH TIES are told by their keys.
  const carried = bounds.withTies
    ? made.plan.columns
        .filter((c) => sortKeys.some((k) => columnsOf(k.expr).has(c.id)) && !items.some((i) => i.column.id === c.id))
        .map((column): ProjectItem => ({ column, expr: columnExpr(column) }))
    : [];
  const all = [...items, ...carried];
  const plan: Plan = { kind: 'project', columns: all.map((i) => i.column), input: made.plan, items: all };
  if (below !== null && bounds.offset === null) return plan;
  return shownOnly(withLimit(plan, bounds, sortKeys), carried.length > 0 ? items : null);
}

/** As many rows as have to be computed; null: that is not known beforehand. */
function boundBelow(b: Binder, bounds: RowBounds): RowBounds | null {
  if (bounds.count === null || bounds.withTies) return null;
  if (bounds.offset === null) return { count: bounds.count, offset: null, withTies: false };
  const [count, offset] = [bounds.count, bounds.offset].map((e) => fold(e, b.settings.format)) as [Expr, Expr];
  if (count.kind !== 'const' || offset.kind !== 'const' || count.value === null) return null;
  const rows = (count.value as bigint) + ((offset.value as bigint | null) ?? 0n);
  return { count: constant(BigInt.asIntN(64, rows) === rows ? rows : null, OID.int8), offset: null, withTies: false };
}

// ---- order ----

function hasSubquery(e: Expr): boolean {
  return some(e, (x) => x.kind === 'subquery');
}

function distinctOrder(keys: readonly SortKey[], on: readonly Expr[]): SortKey[] {
  const missing = on.filter((e) => !keys.slice(0, on.length).some((k) => sameExpr(k.expr, e)));
  return [
    ...keys.slice(0, on.length - missing.length),
    ...missing.map((expr) => ({ expr, descending: false, nullsFirst: false })),
    ...keys.slice(on.length - missing.length),
  ];
}
