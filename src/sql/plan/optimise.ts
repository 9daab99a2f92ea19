/**
 * Rules over logical plans, in this order: fold constants, inline WITH queries that are read once, make
 * inner joins of outer ones, push conditions down to where their columns are made, order inner joins so that each next table is
 * connected and cheap to reach, choose indexes (a join's inner side may use the outer's columns: a lookup
 * join), let an index serve ORDER BY, push LIMIT into scans and sorts, drop unused columns.
 *
 * Estimates are crude guesses from the access path (one row for a unique key, ten for an equality, …):
 * there are no statistics yet.
 */
import { unreachable } from '../../base/assert.js';
import { OID } from '../types/oids.js';
import type { FormatContext } from '../types/type-info.js';
import { chooseAccess, orderOf } from './access.js';
import { fails, fold } from './fold.js';
import { conjunction, conjuncts, constant, hasSubquery, isVolatile, mapChildren, some } from './expr.js';
import type { ConstExpr, Expr, SortKey } from './expr.js';
import type {
  AggregatePlan,
  CteDefinition,
  JoinPlan,
  LimitPlan,
  Plan,
  ProjectPlan,
  ScanPlan,
  SortPlan,
  WithPlan,
} from './logical.js';
import { applySubqueryJoins } from './decorrelate.js';
import { derivedEqualities } from './derived-equalities.js';
import { joinOf, orderInnerJoins } from './join-order.js';
import { lockedAtScan, pushIntoLocked } from './lock-rows.js';
import { belowDistinct, belowSetOp, belowSets, belowWindow } from './push-through.js';
import { inSubqueries, prune } from './prune.js';
import { reducedType, reduceOuterJoins } from './outer-joins.js';
import { factorOut } from './or-rules.js';
import { atOnce, type Steps } from '../../base/steps.js';
import { isVolatileWithin } from './volatility.js';
import { columnsOf, idsOf, mapInputs, mapPlanExprs, walkPlan, scannedCtes } from './plan-walk.js';

export function optimise(plan: Plan, format: FormatContext): Plan {
  return atOnce(optimiseInSteps(plan, format));
}

/** As optimise; may be left alone for a while at each step. */
export function* optimiseInSteps(plan: Plan, format: FormatContext): Steps<Plan> {
  const folded = foldPlan(plan, format);
  yield;
  const inlined = inlineCtes(folded);
  yield;
  const pushed = push(reduceOuterJoins(inlined), []);
  yield;
  const finished = finish(pushed);
  yield;
  return prune(finished);
}

// ---- expressions ----

function foldPlan(plan: Plan, format: FormatContext): Plan {
  const here = inSubqueries(
    mapPlanExprs(plan, (e) => fold(e, format)),
    (p) => foldPlan(p, format),
  );
  const factored = here.kind === 'filter' || here.kind === 'join' ? mapPlanExprs(here, factorOut) : here;
  return mapInputs(factored, (input) => foldPlan(input, format));
}

// ---- WITH ----

function inlineCtes(plan: Plan): Plan {
  const rewritten = mapInputs(inSubqueries(plan, inlineCtes), inlineCtes);
  if (rewritten.kind !== 'with') return rewritten;
  const inlined = new Map<number, CteDefinition>();
  const references = referencesIn(rewritten);
  for (const cte of rewritten.ctes) {
    if (
      !cte.modifies &&
      cte.fenced !== true &&
      cte.recursive === null &&
      references.get(cte.id) === 1 &&
      !isUnsafe(cte.plan)
    )
      inlined.set(cte.id, cte);
  }
  if (inlined.size === 0) return rewritten;
  const kept: WithPlan = {
    ...rewritten,
    ctes: rewritten.ctes
      .filter((c) => !inlined.has(c.id))
      .map((c) => ({
        ...c,
        plan: replaceScans(c.plan, inlined),
        recursive: c.recursive === null ? null : { ...c.recursive, term: replaceScans(c.recursive.term, inlined) },
      })),
    input: replaceScans(rewritten.input, inlined),
  };
  return kept.ctes.length === 0 ? kept.input : kept;
}

/** How often each WITH query is read. */
function referencesIn(plan: Plan): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  const count = (id: number): void => void counts.set(id, (counts.get(id) ?? 0) + 1);
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      if (p.kind === 'ctescan') count(p.cte);
      // The recursive term runs many times: what it reads is worth keeping.
      if (p.kind === 'with')
        for (const c of p.ctes) if (c.recursive !== null) for (const id of scannedCtes(c.recursive.term)) count(id);
    },
  );
  return counts;
}

function isUnsafe(plan: Plan): boolean {
  let unsafe = false;
  walkPlan(
    plan,
    (e) => {
      if ((e.kind === 'call' || e.kind === 'srf') && e.entry.volatility === 'volatile') unsafe = true;
    },
    (p) => {
      // Conditions from outside must not decide what is locked.
      if (p.kind === 'lockrows') unsafe = true;
    },
  );
  return unsafe;
}

function replaceScans(plan: Plan, inlined: ReadonlyMap<number, CteDefinition>): Plan {
  if (plan.kind === 'ctescan') {
    const cte = inlined.get(plan.cte);
    if (cte === undefined) return plan;
    const input = replaceScans(cte.plan, inlined);
    const items = plan.columns.map((column, i) => {
      const from = input.columns[i]!;
      return {
        column,
        expr: {
          kind: 'column',
          id: from.id,
          name: from.name,
          oid: from.oid,
          typmod: from.typmod,
          location: -1,
        } satisfies Expr,
      };
    });
    return { kind: 'project', columns: plan.columns, input, items };
  }
  return mapInputs(
    inSubqueries(plan, (p) => replaceScans(p, inlined)),
    (input) => replaceScans(input, inlined),
  );
}

// ---- push-down of conditions ----

function withFilter(plan: Plan, conditions: readonly Expr[]): Plan {
  if (conditions.length === 0) return plan;
  return { kind: 'filter', columns: plan.columns, input: plan, condition: conjunction(cheapFirst(conditions)) };
}

/** Subqueries last, volatile conditions where they stood. */
export function cheapFirst(conditions: readonly Expr[]): readonly Expr[] {
  return [...conditions.filter((c) => !hasSubquery(c)), ...conditions.filter((c) => hasSubquery(c))];
}

/** The plan with the conditions applied as low as they can be. */
function push(plan: Plan, conditions: readonly Expr[]): Plan {
  if (plan.kind === 'filter' && hasSubquery(plan.condition)) {
    // Before anything is lowered inside the subqueries, while their outer references are easy to find.
    const joined = applySubqueryJoins(plan.input, [...conjuncts(plan.condition), ...conditions], push);
    if (joined !== null) return inSubqueries(withFilter(joined.plan, cheapFirst(joined.rest)), (sub) => push(sub, []));
  }
  const p = inSubqueries(plan, (sub) => push(sub, []));
  switch (p.kind) {
    case 'filter': {
      const own = conjuncts(p.condition);
      const never = own.findIndex((c) => c.kind === 'const' && c.value !== true);
      if (never >= 0 && !own.slice(0, never).some(fails)) return { kind: 'empty', columns: p.columns };
      return push(p.input, [...own, ...conditions]);
    }
    case 'scan':
      return {
        ...p,
        filter: conditions.length === 0 ? p.filter : conjunction(cheapFirst([...conjuncts(p.filter), ...conditions])),
      };
    case 'virtual':
      return {
        ...p,
        filter: conditions.length === 0 ? p.filter : conjunction(cheapFirst([...conjuncts(p.filter), ...conditions])),
      };
    case 'project':
      return pushProject(p, conditions);
    case 'join':
      return pushJoin(p, conditions);
    case 'sort':
    case 'sample':
      return { ...p, input: push(p.input, conditions) };
    case 'lockrows': {
      const { plan: locked, above } = pushIntoLocked(p, conditions, push);
      return withFilter(locked, above);
    }
    case 'distinct': {
      const { below, above } = belowDistinct(p, conditions);
      return withFilter({ ...p, input: push(p.input, below) }, above);
    }
    case 'window': {
      const { below, above } = belowWindow(p, conditions);
      return withFilter({ ...p, input: push(p.input, below) }, above);
    }
    case 'projectset': {
      const { below, above } = belowSets(p, conditions);
      return withFilter({ ...p, input: push(p.input, below) }, above);
    }
    case 'aggregate': {
      // A condition on grouping columns alone can be tested before grouping.
      const plain = new Set(
        p.groups.filter((g) => g.expr.kind === 'column' && g.expr.id === g.column.id).map((g) => g.column.id),
      );
      const below =
        p.sets !== null || p.groups.length === 0
          ? []
          : conditions.filter(
              (c) =>
                !isVolatileWithin(c) &&
                [...columnsOf(c)].every((id) => plain.has(id) || !idsOf(p).has(id)) &&
                columnsOf(c).size > 0,
            );
      const above = conditions.filter((c) => !below.includes(c));
      return withFilter({ ...p, input: push(p.input, below) }, above);
    }
    case 'with':
      return pushWith(p, conditions);
    case 'setop': {
      const { of, above } = belowSetOp(p, conditions);
      return withFilter({ ...p, left: push(p.left, of(p.left)), right: push(p.right, of(p.right)) }, above);
    }
    case 'values':
    case 'function':
    case 'ctescan':
    case 'one':
    case 'empty':
      return withFilter(p, conditions);
    case 'limit':
    case 'insert':
    case 'update':
    case 'delete':
    case 'merge':
      return withFilter({ ...p, input: push(p.input, []) }, conditions);
    default:
      return unreachable(p, 'plan');
  }
}

function pushWith(p: WithPlan, conditions: readonly Expr[]): WithPlan {
  return {
    ...p,
    ctes: p.ctes.map((c) => ({
      ...c,
      plan: push(c.plan, []),
      recursive: c.recursive === null ? null : { ...c.recursive, term: push(c.recursive.term, []) },
    })),
    input: push(p.input, conditions),
  };
}

function pushProject(p: ProjectPlan, conditions: readonly Expr[]): Plan {
  const made = new Map(p.items.map((i) => [i.column.id, i.expr]));
  const movable = (c: Expr): boolean =>
    !isVolatile(c) &&
    !hasSubquery(c) &&
    [...columnsOf(c)].every((id) => {
      const source = made.get(id);
      return source === undefined || (!isVolatile(source) && !hasSubquery(source));
    });
  const substitute = (e: Expr): Expr => (e.kind === 'column' ? (made.get(e.id) ?? e) : mapChildren(e, substitute));
  const below = conditions.filter(movable);
  const above = conditions.filter((c) => !below.includes(c));
  return withFilter({ ...p, input: push(p.input, below.map(substitute)) }, above);
}

/** What the right side of a left join need not give, as no row of the left one would find it. */
function derivedBy(right: Plan, on: readonly Expr[], toLeft: readonly Expr[]): readonly Expr[] {
  if (right.kind === 'scan' || right.kind === 'virtual' || toLeft.length === 0) return [];
  const used = new Set(on.flatMap((c) => [...columnsOf(c)]));
  return derivedEqualities(on, toLeft, (id) => used.has(id), idsOf(right));
}

function pushJoin(p: JoinPlan, conditions: readonly Expr[]): Plan {
  const leftIds = idsOf(p.left);
  const rightIds = idsOf(p.right);
  // Again: a condition may have come down through groups.
  const type = reducedType(p, conditions);
  if (type === 'right' && !p.lateral) {
    // A left join the other way round, so that the preserved side streams.
    return pushJoin(
      { ...p, type: 'left', left: p.right, right: p.left, columns: [...p.right.columns, ...p.left.columns] },
      conditions,
    );
  }
  if (type === 'inner') return orderInnerJoins({ ...p, type }, conditions, push);
  const only = (c: Expr, ids: ReadonlySet<number>, other: ReadonlySet<number>): boolean =>
    !isVolatile(c) && ![...columnsOf(c)].some((id) => other.has(id)) && [...columnsOf(c)].some((id) => ids.has(id));
  const on = conjuncts(p.condition);
  switch (type) {
    case 'left': {
      const toLeft = conditions.filter((c) => only(c, leftIds, rightIds));
      const toRight = on.filter((c) => only(c, rightIds, leftIds));
      const rest = on.filter((c) => !toRight.includes(c));
      const derived = derivedBy(p.right, rest, toLeft);
      const join = joinOf('left', push(p.left, toLeft), push(p.right, [...toRight, ...derived]), rest);
      return withFilter(
        join,
        conditions.filter((c) => !toLeft.includes(c)),
      );
    }
    case 'semi':
    case 'anti': {
      const toRight = on.filter((c) => only(c, rightIds, leftIds));
      const join = joinOf(
        type,
        push(p.left, conditions),
        push(p.right, toRight),
        on.filter((c) => !toRight.includes(c)),
      );
      return join;
    }
    case 'right':
    case 'full':
      return withFilter({ ...p, type, left: push(p.left, []), right: push(p.right, []) }, conditions);
    default:
      return unreachable(type, 'join');
  }
}

// ---- access paths, order, limits ----

function finish(plan: Plan): Plan {
  const p = mapInputs(inSubqueries(plan, finish), finish);
  switch (p.kind) {
    case 'scan':
      return withAccess(p);
    case 'sort':
      return orderByIndex(p);
    case 'lockrows':
      return lockedAtScan(p);
    case 'limit':
      return pushLimit(p);
    case 'aggregate':
      return extremeByIndex(p);
    default:
      return p;
  }
}

/** min(x) or max(x) over a table: the first row of an index in that order that is not NULL. */
function extremeByIndex(p: AggregatePlan): Plan {
  const only = p.aggregates[0];
  if (
    p.groups.length > 0 ||
    p.sets !== null ||
    p.aggregates.length !== 1 ||
    only === undefined ||
    p.input.kind !== 'scan'
  )
    return p;
  const { entry, args, distinct, filter } = only.aggregate;
  const arg = args[0];
  if (
    (entry.name !== 'min' && entry.name !== 'max') ||
    entry.uncollated !== undefined ||
    arg === undefined ||
    filter !== null ||
    distinct ||
    p.input.lock !== null
  )
    return p;
  const descending = entry.name === 'max';
  const notNull: Expr = { kind: 'isnull', arg, negated: true, oid: OID.bool, typmod: -1 };
  const scan: ScanPlan = { ...p.input, filter: conjunction([notNull, ...conjuncts(p.input.filter)]) };
  const keys: readonly SortKey[] = [{ expr: arg, descending, nullsFirst: descending }];
  const sorted = ordered({ kind: 'sort', columns: scan.columns, input: scan, keys, limit: null }, true);
  return sorted?.kind === 'scan' ? { ...p, input: { ...sorted, limit: constant(1n, OID.int8) } } : p;
}

export function withAccess(scan: ScanPlan): ScanPlan {
  if (scan.access !== null) return scan;
  const conditions = conjuncts(scan.filter);
  const chosen = chooseAccess(scan, conditions);
  if (chosen === null) return scan;
  const rest = conditions.filter((c) => !chosen.answered.has(c));
  return { ...scan, access: chosen.access, filter: rest.length === 0 ? null : conjunction(rest) };
}

/** Sort keys rewritten over the scan's columns, through projections; null if they are computed. */
function keysBelow(keys: readonly SortKey[], project: ProjectPlan): SortKey[] | null {
  const made = new Map(project.items.map((i) => [i.column.id, i.expr]));
  const below: SortKey[] = [];
  for (const key of keys) {
    const source = key.expr.kind === 'column' ? made.get(key.expr.id) : undefined;
    if (source === undefined) return null;
    below.push({ ...key, expr: source });
  }
  return below;
}

/** The scan at the bottom of a chain that keeps the order of rows, with the keys as it sees them. */
function orderedScan(
  plan: Plan,
  keys: readonly SortKey[],
): { scan: ScanPlan; keys: readonly SortKey[]; replace: (s: ScanPlan) => Plan } | null {
  if (plan.kind === 'scan') return { scan: plan, keys, replace: (s) => s };
  if (plan.kind === 'project') {
    const below = keysBelow(keys, plan);
    const found = below === null ? null : orderedScan(plan.input, below);
    return found === null ? null : { ...found, replace: (s) => ({ ...plan, input: found.replace(s) }) };
  }
  if (plan.kind === 'filter') {
    const found = orderedScan(plan.input, keys);
    return found === null ? null : { ...found, replace: (s) => ({ ...plan, input: found.replace(s) }) };
  }
  return null;
}

function ordered(sort: SortPlan, limited: boolean): Plan | null {
  const found = orderedScan(sort.input, sort.keys);
  if (found === null) return null;
  const { scan, keys } = found;
  const conditions = conjuncts(scan.filter);
  if (scan.access !== null) {
    if (scan.access.unique && scan.access.constraints.every((c) => c.kind === 'equal' && c.values.length === 1))
      return found.replace(scan);
    const equal = scan.access.constraints.filter(
      (c) => (c.kind === 'equal' && c.values.length === 1) || c.kind === 'isnull',
    ).length;
    const many = scan.access.constraints.some((c) => c.kind === 'anyof' || (c.kind === 'equal' && c.values.length > 1));
    const single = many
      ? scan.access.constraints.findIndex((c) => c.kind === 'anyof' || (c.kind === 'equal' && c.values.length > 1))
      : equal;
    const direction = orderOf(scan, scan.access.index, keys, single, conditions);
    if (direction !== null)
      return found.replace({ ...scan, access: { ...scan.access, reverse: direction === 'reverse' } });
    // The whole of a partial index that has another order: with a limit, the order is worth more.
    if (scan.access.constraints.length > 0 || !limited) return null;
  }
  for (const index of scan.table.indexes) {
    if (!index.primary && !limited) continue;
    const direction = orderOf(scan, index, keys, 0, conditions);
    if (direction === null) continue;
    return found.replace({
      ...scan,
      access: { index, constraints: [], reverse: direction === 'reverse', covering: false, unique: false },
    });
  }
  return null;
}

function orderByIndex(sort: SortPlan): Plan {
  return ordered(sort, false) ?? sort;
}

function sumOf(count: Expr, offset: Expr | null): Expr | null {
  if (offset === null) return count;
  if (count.kind !== 'const' || offset.kind !== 'const' || count.value === null) return null;
  const sum = (count.value as bigint) + ((offset.value as bigint | null) ?? 0n);
  return constant(sum, OID.int8);
}

function pushLimit(limit: LimitPlan): Plan {
  const { count, offset, withTies } = limit;
  if (count === null || withTies !== null) return limit;
  if (count.kind === 'const' && count.value === 0n) return { kind: 'empty', columns: limit.columns };
  if (limit.input.kind === 'sort') {
    const sorted = ordered(limit.input, true);
    if (sorted === null) return { ...limit, input: { ...limit.input, limit: { count, offset } } };
    return pushLimit({ ...limit, input: sorted });
  }
  const locked = lockedByIndex(limit.input);
  if (locked !== null) return { ...limit, input: locked };
  // A scan wants to know at once; what has to be waited for is asked above it.
  const total = sumOf(count, offset);
  const needed = total === null || waits(total) ? null : total;
  const bare = needed === null ? limit.input : limitScan(limit.input, needed);
  if (offset === null && isSingleRow(bare) && count.kind === 'const' && isPositive(count)) return bare;
  return { ...limit, input: bare };
}

/** Few rows are to be locked: the order of any index is worth having; null: there is nothing to sort, or none has it. */
function lockedByIndex(plan: Plan): Plan | null {
  if (plan.kind === 'project') {
    const input = lockedByIndex(plan.input);
    return input === null ? null : { ...plan, input };
  }
  if (plan.kind !== 'lockrows' || plan.input.kind !== 'sort') return null;
  const input = ordered(plan.input, true);
  return input === null ? null : lockedAtScan({ ...plan, input });
}

function waits(expr: Expr): boolean {
  return some(
    expr,
    (e) => e.kind === 'subquery' || ((e.kind === 'call' || e.kind === 'srf') && e.entry.mayWait === true),
  );
}

function isPositive(c: ConstExpr): boolean {
  return typeof c.value === 'bigint' && c.value > 0n;
}

function isSingleRow(plan: Plan): boolean {
  const scan = plan.kind === 'project' ? plan.input : plan;
  return (
    scan.kind === 'scan' &&
    scan.access?.unique === true &&
    scan.access.constraints.every((c) => c.kind === 'equal' && c.values.length === 1)
  );
}

/** Tells a scan at the bottom of a projection how many rows are wanted. */
function limitScan(plan: Plan, needed: Expr): Plan {
  if (plan.kind === 'scan') return isSingleRow(plan) ? plan : { ...plan, limit: needed };
  if (plan.kind === 'project' && !plan.items.some((i) => some(i.expr, (e) => e.kind === 'srf')))
    return { ...plan, input: limitScan(plan.input, needed) };
  return plan;
}
