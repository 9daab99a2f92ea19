/**
 * Lifts aggregates, window functions and set-returning functions out of expressions into plan nodes and
 * puts columns in their place; checks that everything else over a grouping is grouped.
 */
import { OID } from '../types/oids.js';
import type { Binder, BoundFrom, Scope } from './binder.js';
import { columnExpr, errorAt } from './binder.js';
import { declaredOid } from './declared-types.js';
import { childrenOf, mapChildren, sameExpr, some } from './expr.js';
import { orderWindows } from './window-order.js';
import type { AggregateExpr, ColumnExpr, Expr, SetReturningExpr, WindowExpr } from './expr.js';
import type { Plan, PlanColumn, ProjectItem } from './logical.js';
import type { BoundGroups } from './bind-select.js';
import { checkGrouping, GROUPING } from './grouping.js';
import { freeColumns } from './plan-walk.js';
import { noteRecord } from './record-columns.js';

interface Lifted {
  readonly plan: Plan;
  readonly exprs: readonly Expr[];
}

/** What is computed above a grouping, and the aggregates that stand in subqueries of it. */
interface Above {
  readonly having: Expr | null;
  readonly exprs: readonly Expr[];
  readonly raised: Scope['raised'];
}

function isAggregated({ having, exprs, raised }: Above): boolean {
  return having !== null || raised.length > 0 || exprs.some((e) => some(e, (x) => x.kind === 'aggregate'));
}

function groupItems(b: Binder, input: Plan, groups: BoundGroups): ProjectItem[] {
  return groups.exprs.map((expr, at) => {
    const isFirst = expr.kind === 'column' && groupAt(groups, expr, false) === at;
    const origin = isFirst ? input.columns.find((c) => c.id === expr.id) : undefined;
    // A plain column keeps its id, so that subqueries that refer to it need no change; not so under
    // grouping sets, where it may become NULL: there too the same id is what the output means.
    return { column: origin ?? b.column('group', declaredOid(expr), expr.typmod), expr };
  });
}

/** Which of the groups the expression is: one of them itself, or one that reads like it; -1: none. */
function groupAt({ exprs, byTarget }: BoundGroups, e: Expr, mayBeItself = true): number {
  const itself = mayBeItself ? exprs.indexOf(e) : -1;
  return itself >= 0 ? itself : (byTarget.find((at) => sameExpr(exprs[at]!, e)) ?? -1);
}

const holdsSet = (e: Expr): boolean => some(e, (x) => x.kind === 'srf');

/** Grouped by what gives several rows: those are made first, and what reads like a grouped expression means its column. */
function aggregatedSets(b: Binder, from: BoundFrom, input: Plan, groups: BoundGroups, state: Above): Lifted {
  const lifted = applySets(b, input, groups.exprs);
  const swap = (e: Expr): Expr => {
    const at = groupAt(groups, e);
    return at >= 0 ? lifted.exprs[at]! : mapChildren(e, swap);
  };
  const having = state.having === null ? null : swap(state.having);
  const above = { ...state, having, exprs: state.exprs.map(swap) };
  return applyAggregation(b, from, lifted.plan, { ...groups, exprs: lifted.exprs }, above);
}

/** Nobody wrote its columns here. */
function withoutPlaces(e: Expr): Expr {
  return e.kind === 'column' ? { ...e, location: -1 } : mapChildren(e, withoutPlaces);
}

export function applyAggregation(b: Binder, from: BoundFrom, input: Plan, groups: BoundGroups, state: Above): Lifted {
  if (groups.exprs.some(holdsSet)) return aggregatedSets(b, from, input, groups, state);
  if (!groups.given && !isAggregated(state)) return { plan: input, exprs: state.exprs };
  const items = groupItems(b, input, groups);
  const aggregates: { column: PlanColumn; aggregate: AggregateExpr }[] = [];
  const sets = groups.sets?.map((set) => [...set]) ?? null;
  const inAll = (at: number): boolean => sets?.every((set) => set.includes(at)) ?? true;
  const local = new Set(from.plan.columns.map((c) => c.id));
  const lift = (e: Expr): Expr => {
    const at = groupAt(groups, e);
    if (at >= 0) return columnExpr(items[at]!.column);
    if (e.kind === 'aggregate') {
      if (e.entry === GROUPING) checkGrouping(e, items);
      checkDirect(e, groups, from, addDependent);
      const same = aggregates.find((a) => sameExpr(a.aggregate, e));
      if (same !== undefined) return columnExpr(same.column);
      const column = b.column(e.entry.name, declaredOid(e), e.typmod);
      aggregates.push({ column, aggregate: e });
      return columnExpr(column);
    }
    if (e.kind === 'column' && local.has(e.id)) return dependent(e);
    if (e.kind === 'subquery') {
      for (const id of freeColumns(e.plan)) {
        if (local.has(id) && !items.some((g) => g.column.id === id)) {
          const column = from.plan.columns.find((c) => c.id === id)!;
          if (!addDependent(columnExpr(column))) {
            throw errorAt(
              '42803',
              `subquery uses ungrouped column "${qualified(from, { id, name: column.name })}" from outer query`,
              -1,
            );
          }
        }
      }
    }
    return mapChildren(e, lift);
  };
  /** Grouped by a table's whole primary key, its other columns are single-valued too. */
  const addDependent = (e: ColumnExpr): boolean => {
    for (const relation of from.relations) {
      if (relation.table === null || !relation.columns.some((c) => c.column.id === e.id)) continue;
      const primary = relation.table.indexes[0];
      if (primary === undefined || primary.constraintOid === null) continue;
      const grouped = primary.columns.every((k) =>
        relation.columns.some(
          (c) =>
            c.column.columnNumber === k.columnId &&
            items.some((g, at) => g.expr.kind === 'column' && g.expr.id === c.column.id && inAll(at)),
        ),
      );
      if (!grouped) continue;
      const column = from.plan.columns.find((c) => c.id === e.id)!;
      for (const set of sets ?? []) set.push(items.length);
      items.push({ column, expr: columnExpr(column) });
      b.keysUsed?.set(primary.constraintOid, relation.table.id);
      return true;
    }
    return false;
  };
  const dependent = (e: ColumnExpr): Expr => {
    if (addDependent(e)) return e;
    const parts = b.merged.get(e.id);
    if (parts !== undefined) return lift(withoutPlaces(parts));
    throw errorAt(
      '42803',
      `column "${qualified(from, e)}" must appear in the GROUP BY clause or be used in an aggregate function`,
      e.location,
    );
  };
  const exprs = state.exprs.map(lift);
  const having = state.having === null ? null : lift(state.having);
  for (const { column, aggregate } of state.raised) {
    if (aggregate.entry === GROUPING) checkGrouping(aggregate, items);
    checkDirect(aggregate, groups, from, addDependent);
    aggregates.push({ column, aggregate });
  }
  let plan: Plan = {
    kind: 'aggregate',
    columns: [...items.map((i) => i.column), ...aggregates.map((a) => a.column)],
    // One row whatever is below, which therefore is not run: HAVING alone asks nothing of it.
    input: groups.given || aggregates.length > 0 ? input : { kind: 'one', columns: [] },
    groups: items,
    aggregates,
    sets,
  };
  if (having !== null) plan = { kind: 'filter', columns: plan.columns, input: plan, condition: having };
  return { plan, exprs };
}

/** What an ordered-set aggregate is given for a whole group must be the same in all its rows. */
function checkDirect(
  aggregate: AggregateExpr,
  groups: BoundGroups,
  from: BoundFrom,
  isGrouped: (column: ColumnExpr) => boolean,
): void {
  const own = new Set(from.plan.columns.map((c) => c.id));
  const check = (e: Expr): void => {
    if (groups.exprs.some((g) => sameExpr(g, e)) && groups.sets === null) return;
    if (e.kind !== 'column' || !own.has(e.id)) {
      for (const child of childrenOf(e)) check(child);
      return;
    }
    if (groups.sets !== null) {
      const message =
        'columns in the direct arguments of an ordered-set aggregate are not supported with grouping sets';
      throw errorAt('0A000', message, e.location);
    }
    if (isGrouped(e)) return;
    throw errorAt(
      '42803',
      `column "${qualified(from, e)}" must appear in the GROUP BY clause or be used in an aggregate function`,
      e.location,
      { detail: 'Direct arguments of an ordered-set aggregate must use only grouped columns.' },
    );
  };
  for (const arg of aggregate.args.slice(0, aggregate.direct ?? 0)) check(arg);
}

function qualified(from: BoundFrom, { id, name, ofRow }: Pick<ColumnExpr, 'id' | 'name' | 'ofRow'>): string {
  const relation = from.relations.find((r) => r.columns.some((c) => c.column.id === id) || r.rowOf?.present?.id === id);
  const shown = ofRow === true ? '*' : name;
  return relation === undefined || relation.alias === '' ? shown : `${relation.alias}.${shown}`;
}

/** What windows are made of and gives several rows is made before them; what reads like it elsewhere means its column. */
function windowSets(b: Binder, input: Plan, exprs: readonly Expr[]): Lifted {
  const found: Expr[] = [];
  const collect = (e: Expr): void => {
    if (e.kind === 'window') {
      for (const key of [...e.partition, ...e.orderBy.map((k) => k.expr)])
        if (holdsSet(key) && !found.some((other) => sameExpr(other, key))) found.push(key);
    } else for (const child of childrenOf(e)) collect(child);
  };
  for (const e of exprs) collect(e);
  if (found.length === 0) return { plan: input, exprs };
  const lifted = applySets(b, input, found);
  const swap = (e: Expr): Expr => {
    const at = found.findIndex((key) => sameExpr(key, e));
    return at >= 0 ? lifted.exprs[at]! : mapChildren(e, swap);
  };
  return { plan: lifted.plan, exprs: exprs.map(swap) };
}

/** `sorts`: where in them stands what the query's ORDER BY names. */
export function applyWindows(
  b: Binder,
  below: Plan,
  given: readonly Expr[],
  sorts: { readonly from: number; readonly to: number },
): Lifted {
  const { plan: input, exprs } = windowSets(b, below, given);
  const sorted = exprs.slice(sorts.from, sorts.to);
  const windows: { column: PlanColumn; window: WindowExpr }[] = [];
  const lift = (e: Expr): Expr => {
    if (e.kind === 'window') {
      const column = b.column(e.name, declaredOid(e), e.typmod);
      windows.push({ column, window: e });
      return columnExpr(column);
    }
    return mapChildren(e, lift);
  };
  const lifted = exprs.map(lift);
  if (windows.length === 0) return { plan: input, exprs };
  // Targets and sort keys that share one window expression share the object: compute it once.
  const ordered = orderWindows(windows, [...sorted, ...groupColumns(input)]);
  return {
    plan: { kind: 'window', columns: [...input.columns, ...ordered.map((w) => w.column)], input, windows: ordered },
    exprs: lifted,
  };
}

function groupColumns(plan: Plan): Expr[] {
  const grouped = plan.kind === 'filter' ? plan.input : plan;
  return grouped.kind === 'aggregate' ? grouped.groups.map((group) => columnExpr(group.column)) : [];
}

export function applySets(b: Binder, input: Plan, exprs: readonly Expr[]): Lifted {
  let plan = input;
  let current = exprs;
  // Innermost first: a set-returning function's argument may hold another.
  for (;;) {
    const sets: { column: PlanColumn; srf: SetReturningExpr }[] = [];
    const known = new Map<Expr, Expr>();
    const lift = (e: Expr): Expr => {
      if (e.kind === 'srf' && !e.args.some((a) => some(a, (x) => x.kind === 'srf'))) {
        const seen = known.get(e);
        if (seen !== undefined) return seen;
        const column = b.column(e.entry.name, e.entry.resultColumns === null ? declaredOid(e) : OID.record, e.typmod);
        noteRecord(b.recordColumns, column.id, { ...e, oid: column.oid });
        sets.push({ column, srf: e });
        const made = columnExpr(column);
        known.set(e, made);
        return made;
      }
      return mapChildren(e, lift);
    };
    current = current.map(lift);
    if (sets.length === 0) return { plan, exprs: current };
    plan = { kind: 'projectset', columns: [...plan.columns, ...sets.map((s) => s.column)], input: plan, sets };
  }
}
