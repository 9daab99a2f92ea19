/**
 * Inner joins: the tables of a tree of inner joins are put in an order in which each next one is linked
 * to what is there already, the cheapest to reach first; a table that the left side can look up by an
 * index is read that way (a lateral scan) when the left side is small, else hashed.
 */
import { conjunction, conjuncts, hasSubquery, isVolatile, mapChildren } from './expr.js';
import type { Expr } from './expr.js';
import { chooseAccess } from './access.js';
import { derivedEqualities } from './derived-equalities.js';
import type { JoinPlan, JoinType, Plan, PlanColumn, ProjectPlan, ScanPlan } from './logical.js';
import { restrictionOn } from './or-rules.js';
import { columnsOf, freeColumns, idsOf } from './plan-walk.js';
import { identityCast } from '../types/casts.js';

type Push = (plan: Plan, conditions: readonly Expr[]) => Plan;

/** Above this many expected rows on the left, reading the right side once is better than looking up. */
const LOOKUP_ROWS_MAX = 100;
const ROWS_UNKNOWN = 1000;

interface Leaf {
  readonly plan: Plan;
  readonly ids: ReadonlySet<number>;
  /** Ids of other leaves that this one reads (LATERAL). */
  readonly needs: ReadonlySet<number>;
  readonly rows: number;
}

/** The tables of a tree of inner joins, and the conditions between them. */
interface Flat {
  readonly leaves: Plan[];
  readonly conditions: Expr[];
  /** Columns under names of their own in a selection that was taken apart, and what they are. */
  readonly renamed: Map<number, Expr>;
}

function flatten(plan: Plan, flat: Flat, pullUp: boolean): void {
  if (plan.kind === 'join' && plan.type === 'inner') {
    flatten(plan.left, flat, pullUp);
    flatten(plan.right, flat, pullUp);
    flat.conditions.push(...conjuncts(plan.condition));
  } else if (plan.kind === 'filter' && plan.input.kind === 'join' && plan.input.type === 'inner') {
    flatten(plan.input, flat, pullUp);
    flat.conditions.push(...conjuncts(plan.condition));
  } else if (pullUp && plan.kind === 'project' && isSelectionOfJoin(plan)) {
    for (const { column, expr } of plan.items) if (!isColumn(expr, column.id)) flat.renamed.set(column.id, expr);
    flatten(plan.input, flat, pullUp);
  } else flat.leaves.push(plan);
}

/** SELECT of nothing but columns, from an inner join: its tables may be joined with the others in any order. */
function isSelectionOfJoin({ items, input }: ProjectPlan): boolean {
  const below = input.kind === 'filter' ? input.input : input;
  return below.kind === 'join' && below.type === 'inner' && items.every(({ expr }) => expr.kind === 'column');
}

/** null: a subquery or a lateral table refers to what would be renamed. */
function flattened(join: JoinPlan, outer: readonly Expr[], pullUp: boolean): Flat | null {
  const flat: Flat = { leaves: [], conditions: [], renamed: new Map() };
  flatten(join, flat, pullUp);
  const { leaves, renamed } = flat;
  const conditions = [...flat.conditions, ...outer];
  if (renamed.size === 0) return { ...flat, conditions };
  const refers = (ids: ReadonlySet<number>): boolean => [...ids].some((id) => renamed.has(id));
  if (leaves.some((l) => refers(freeColumns(l)))) return null;
  if (conditions.some((c) => hasSubquery(c) && refers(columnsOf(c)))) return null;
  return { ...flat, conditions: conditions.map((c) => resolve(c, renamed)) };
}

function resolve(e: Expr, renamed: ReadonlyMap<number, Expr>): Expr {
  if (e.kind !== 'column') return mapChildren(e, (child) => resolve(child, renamed));
  const source = renamed.get(e.id);
  return source === undefined ? e : resolve(source, renamed);
}

export function orderInnerJoins(join: JoinPlan, outer: readonly Expr[], push: Push): Plan {
  const flat = flattened(join, outer, true) ?? flattened(join, outer, false)!;
  const ordered = orderLeaves(flat, push);
  if (flat.renamed.size === 0) return ordered;
  const items = join.columns.map((column) => ({ column, expr: resolve(columnExpr(column), flat.renamed) }));
  return { kind: 'project', columns: join.columns, input: ordered, items };
}

function columnExpr({ id, name, oid, typmod }: PlanColumn): Expr {
  return { kind: 'column', id, name, oid, typmod, location: -1 };
}

function orderLeaves({ leaves: plans, conditions }: Flat, push: Push): Plan {
  const all = new Set(plans.flatMap((p) => [...idsOf(p)]));
  const ids = plans.map((p) => idsOf(p));
  const used = usedColumns(all);
  // A condition that one leaf answers goes there; constants stay on top.
  const own: Expr[][] = plans.map(() => []);
  let linking: Expr[] = [];
  for (const c of conditions) {
    const columns = used(c);
    const at = isVolatile(c) || columns.length === 0 ? -1 : ids.findIndex((set) => columns.every((id) => set.has(id)));
    if (at >= 0) own[at]!.push(c);
    else linking.push(c);
  }
  for (const c of linking) {
    for (const [i, set] of ids.entries()) {
      const restriction = restrictionOn(c, set);
      if (restriction !== null) own[i]!.push(restriction);
    }
  }
  const known = own.flat();
  const isInner = (id: number): boolean => all.has(id);
  const remaining: Leaf[] = plans.map((p, i) => {
    const derives = p.kind !== 'scan' && p.kind !== 'virtual';
    const pushed = push(p, derives ? [...own[i]!, ...derivedEqualities(linking, known, isInner, ids[i]!)] : own[i]!);
    const needs = new Set([...freeColumns(pushed)].filter((id) => all.has(id)));
    return { plan: pushed, ids: ids[i]!, needs, rows: estimate(pushed) };
  });
  const touching = conditionsByLeaf(remaining, linking, used);
  const take = (leaf: Leaf): Leaf => {
    remaining.splice(remaining.indexOf(leaf), 1);
    return leaf;
  };
  const first = take(
    bestOf(
      remaining.filter((l) => l.needs.size === 0),
      (l) => l.rows,
    ) ?? remaining[0]!,
  );
  let current = first.plan;
  const have = new Set(first.ids);
  while (remaining.length > 0) {
    const ready = remaining.filter((l) => [...l.needs].every((id) => have.has(id)));
    const candidates = ready.length > 0 ? ready : remaining;
    const next = take(bestOf(candidates, (l) => costOfJoining(l, linksOf(l, have, touching.get(l)!, used)))!);
    for (const id of next.ids) have.add(id);
    const now = linking.filter((c) => used(c).every((id) => have.has(id)) && columnsOf(c).size > 0 && !isVolatile(c));
    if (now.length > 0) linking = linking.filter((c) => !now.includes(c));
    current = joinOf('inner', current, next.plan, now);
  }
  if (linking.length === 0) return current;
  return { kind: 'filter', columns: current.columns, input: current, condition: conjunction(linking) };
}

function bestOf(leaves: readonly Leaf[], cost: (l: Leaf) => number): Leaf | null {
  let best: Leaf | null = null;
  let least = Infinity;
  for (const leaf of leaves) {
    const c = cost(leaf);
    if (c < least) {
      least = c;
      best = leaf;
    }
  }
  return best ?? leaves[0] ?? null;
}

/** Columns of the tables that an expression names, found once for each expression. */
function usedColumns(all: ReadonlySet<number>): (e: Expr) => readonly number[] {
  const found = new Map<Expr, readonly number[]>();
  return (e) => {
    let used = found.get(e);
    if (used === undefined) {
      used = [...columnsOf(e)].filter((id) => all.has(id));
      found.set(e, used);
    }
    return used;
  };
}

/** With hundreds of tables and conditions each table looks at its own ones only. */
function conditionsByLeaf(
  leaves: readonly Leaf[],
  conditions: readonly Expr[],
  used: (e: Expr) => readonly number[],
): Map<Leaf, Expr[]> {
  const byLeaf = new Map<Leaf, Expr[]>(leaves.map((leaf) => [leaf, []]));
  const leafOf = new Map<number, Leaf>();
  for (const leaf of leaves) for (const id of leaf.ids) leafOf.set(id, leaf);
  for (const c of conditions) {
    // One that names something of outside is not told from a filter.
    if (columnsOf(c).size > used(c).length) continue;
    for (const leaf of new Set(used(c).map((id) => leafOf.get(id)!))) byLeaf.get(leaf)!.push(c);
  }
  return byLeaf;
}

/** Conditions between the leaf and what is there. */
function linksOf(
  leaf: Leaf,
  have: ReadonlySet<number>,
  conditions: readonly Expr[],
  used: (e: Expr) => readonly number[],
): readonly Expr[] {
  return conditions.filter((c) => {
    let linked = false;
    for (const id of used(c)) {
      if (leaf.ids.has(id)) continue;
      if (!have.has(id)) return false;
      linked = true;
    }
    return linked;
  });
}

function costOfJoining(leaf: Leaf, links: readonly Expr[]): number {
  const { rows } = leaf;
  const equality = links.some((c) => c.kind === 'call' && c.entry.name === '=');
  if (!equality) return 1e9 + rows;
  if (leaf.plan.kind === 'scan') {
    const chosen = chooseAccess(leaf.plan, [...conjuncts(leaf.plan.filter), ...links]);
    if (chosen !== null && chosen.access.unique) return Math.min(rows, 2);
    if (chosen !== null && chosen.score >= 15) return Math.min(rows, 20);
  }
  if (leaf.plan.kind === 'virtual') return Math.min(rows, rowsOfKey(leaf, links));
  return rows;
}

/** Columns of catalogs of which there are hardly two with the same name. */
const NAMES: Readonly<Record<string, string>> = {
  pg_class: 'relname',
  pg_constraint: 'conname',
  pg_namespace: 'nspname',
  pg_type: 'typname',
};

/** A catalog's rows with the same values in the columns that the links compare: it has maps of them all. */
function rowsOfKey({ plan, ids }: Leaf, links: readonly Expr[]): number {
  const linked = new Set<string>();
  for (const link of links) {
    if (link.kind !== 'call' || link.entry.name !== '=') continue;
    for (const c of plan.columns) if (ids.has(c.id) && link.args.some((a) => isColumn(a, c.id))) linked.add(c.name);
  }
  if (plan.kind === 'virtual' && linked.has(NAMES[plan.relation.name] ?? '')) return 2;
  return linked.has('oid') ? 1 : linked.size > 1 ? 4 : linked.size === 1 ? 20 : ROWS_UNKNOWN;
}

function isColumn(expr: Expr, id: number): boolean {
  if (expr.kind === 'cast' && expr.fn === identityCast) return isColumn(expr.arg, id);
  return expr.kind === 'column' && expr.id === id;
}

/** Rows that a plan is guessed to give. */
export function estimate(plan: Plan): number {
  switch (plan.kind) {
    case 'scan': {
      const conditions = conjuncts(plan.filter);
      if (plan.access?.unique === true) return 1;
      const chosen = plan.access === null ? chooseAccess(plan, conditions) : null;
      const base =
        chosen === null
          ? ROWS_UNKNOWN
          : chosen.access.unique
            ? 1
            : chosen.score >= 20
              ? 10
              : chosen.score >= 15
                ? 20
                : 300;
      if (plan.access !== null && plan.access.constraints.length > 0) return 10;
      const others = conditions.length - (chosen?.access.constraints.length ?? 0);
      return Math.max(1, base / (1 + Math.max(0, others) * 2));
    }
    case 'virtual':
      return conjuncts(plan.filter).reduce((rows, c) => Math.max(1, rows / (isEquality(c) ? 50 : 3)), 200);
    case 'values':
      return plan.rows.length;
    case 'one':
      return 1;
    case 'empty':
      return 0;
    case 'function':
      return 100;
    case 'sample':
      return estimate(plan.input) * (plan.percent.kind === 'const' ? shareOf(Number(plan.percent.value)) : 1);
    case 'filter':
      return Math.max(1, estimate(plan.input) / 3);
    case 'project':
    case 'window':
    case 'sort':
    case 'lockrows':
      return estimate(plan.input);
    case 'projectset':
      return estimate(plan.input) * 10;
    case 'with':
      return estimate(plan.input);
    case 'limit':
      return plan.count?.kind === 'const' && typeof plan.count.value === 'bigint'
        ? Math.min(Number(plan.count.value), estimate(plan.input))
        : estimate(plan.input);
    case 'aggregate':
      return plan.groups.length === 0 ? 1 : Math.max(1, estimate(plan.input) / 5);
    case 'distinct':
      return Math.max(1, estimate(plan.input) / 3);
    case 'ctescan':
      return 100;
    case 'setop':
      return estimate(plan.left) + estimate(plan.right);
    case 'join': {
      const left = estimate(plan.left);
      const right = estimate(plan.right);
      if (plan.type === 'semi' || plan.type === 'anti') return left;
      if (plan.lateral) return left * Math.max(1, right);
      return conjuncts(plan.condition).length > 0 ? Math.max(left, right) : left * right;
    }
    case 'insert':
    case 'update':
    case 'delete':
    case 'merge':
      return estimate(plan.input);
  }
}

function isEquality(c: Expr): boolean {
  return c.kind === 'call' && c.operator && c.entry.name === '=';
}

/** Of 1; whatever is no percentage is an error when it is run. */
function shareOf(percent: number): number {
  return percent >= 0 && percent <= 100 ? percent / 100 : 0;
}

/** A join of the given conditions, as a lookup join if that is better. */
export function joinOf(type: JoinType, left: Plan, right: Plan, conditions: readonly Expr[]): JoinPlan {
  const looked = lookUp(type, left, right, conditions);
  const inner = looked?.right ?? right;
  const rest = looked?.rest ?? conditions;
  const leftIds = idsOf(left);
  const lateral = [...freeColumns(inner)].some((id) => leftIds.has(id));
  const columns = type === 'semi' || type === 'anti' ? left.columns : [...left.columns, ...right.columns];
  return { kind: 'join', type, columns, left, right: inner, condition: conjunction(cheapFirst(rest)), lateral };
}

function cheapFirst(conditions: readonly Expr[]): readonly Expr[] {
  return [...conditions.filter((c) => !hasSubquery(c)), ...conditions.filter((c) => hasSubquery(c))];
}

/** The right side as a scan by index with the left's columns as keys, if the left side is small. */
function lookUp(
  type: JoinType,
  left: Plan,
  right: Plan,
  conditions: readonly Expr[],
): { right: ScanPlan; rest: readonly Expr[] } | null {
  if (type === 'right' || type === 'full' || right.kind !== 'scan') return null;
  const usable = conditions.filter((c) => !hasSubquery(c) && !isVolatile(c));
  const plain = chooseAccess(right, conjuncts(right.filter));
  if (plain !== null && plain.access.unique) return null;
  const chosen = chooseAccess(right, [...usable, ...conjuncts(right.filter)]);
  if (chosen === null || chosen.score < 15 || (plain !== null && plain.score >= chosen.score)) return null;
  const rows = estimate(left);
  // Without the join's own keys the index would not have been chosen: the left side drives it.
  const few = rows <= LOOKUP_ROWS_MAX;
  const selective = chosen.access.unique && rows < ROWS_UNKNOWN / 2;
  if (!few && !selective) return null;
  if (right.lock !== null && type !== 'inner' && type !== 'left') return null;
  const filter = [...conjuncts(right.filter), ...usable].filter((c) => !chosen.answered.has(c));
  const scan: ScanPlan = { ...right, access: chosen.access, filter: filter.length === 0 ? null : conjunction(filter) };
  return { right: scan, rest: conditions.filter((c) => !usable.includes(c)) };
}
