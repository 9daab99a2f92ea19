/** Unused columns are taken out of a plan: scans give, and joins carry, what somebody above them reads. */
import { hasSubquery, mapChildren, some } from './expr.js';
import type { Expr } from './expr.js';
import { keyIds } from './lock-rows.js';
import type { Plan, ProjectItem } from './logical.js';
import { isVolatilePlan } from './volatility.js';
import { exprsOf, mapInputs, mapPlanExprs, walkPlan } from './plan-walk.js';

/** Applies a plan rewrite to the plans of subqueries as well. */
export function inSubqueries(plan: Plan, f: (p: Plan) => Plan): Plan {
  const rewrite = (e: Expr): Expr => {
    const mapped = mapChildren(e, rewrite);
    return mapped.kind === 'subquery' ? { ...mapped, plan: f(mapped.plan) } : mapped;
  };
  return mapPlanExprs(plan, (e) => (hasSubquery(e) ? rewrite(e) : e));
}

/** The plan without columns that nobody reads. */
export function prune(plan: Plan): Plan {
  const used = new Set<number>();
  const spare: ProjectItem[] = [];
  markUsed(plan, used, spare);
  for (const c of plan.columns) used.add(c.id);
  for (let changed = true; changed;) {
    changed = false;
    for (const item of spare.splice(0)) {
      if (!used.has(item.column.id)) spare.push(item);
      else {
        markIn(item.expr, used, spare);
        changed = true;
      }
    }
  }
  return pruneTo(plan, used);
}

/** Columns that an expression reads, and those inside its subqueries. */
function markIn(expr: Expr, used: Set<number>, spare: ProjectItem[]): void {
  some(expr, (e) => {
    if (e.kind === 'column') used.add(e.id);
    else if (e.kind === 'subquery') {
      for (const c of e.plan.columns) used.add(c.id);
      markUsed(e.plan, used, spare);
    }
    return false;
  });
}

/** Columns that are read whoever reads the plan; what may be left out of it is added to `spare`. */
function markUsed(plan: Plan, used: Set<number>, spare: ProjectItem[]): void {
  walkPlan(
    withoutSpare(plan, spare),
    (e) => {
      if (e.kind === 'column') used.add(e.id);
    },
    (p) => {
      for (const id of readByPosition(p)) used.add(id);
      for (const e of exprsOf(p)) {
        if (!hasSubquery(e)) continue;
        some(e, (x) => {
          if (x.kind === 'subquery') for (const c of x.plan.columns) used.add(c.id);
          return false;
        });
      }
    },
  );
}

function readByPosition(p: Plan): readonly number[] {
  const ids = ({ columns }: Plan): number[] => columns.map((c) => c.id);
  switch (p.kind) {
    case 'update':
    case 'delete':
    case 'merge':
      return p.target;
    case 'lockrows':
      return p.atScan ? [] : p.targets.flatMap(keyIds);
    case 'setop':
      return [...ids(p.left), ...ids(p.right)];
    case 'distinct':
      return p.on === null ? ids(p.input) : [];
    case 'with':
      return p.ctes.flatMap((c) => [...ids(c.plan), ...(c.recursive === null ? [] : ids(c.recursive.term))]);
    case 'sample':
      return p.key;
    case 'insert':
      return ids(p.input);
    default:
      return [];
  }
}

/** The plan as if projections made nothing that may be left out; they are added to `found`. */
function withoutSpare(plan: Plan, found: ProjectItem[]): Plan {
  let kept = plan;
  if (plan.kind === 'project') {
    found.push(...plan.items.filter(isSpare));
    kept = { ...plan, items: plan.items.filter((i) => !isSpare(i)) };
  }
  return mapInputs(
    inSubqueries(kept, (sub) => withoutSpare(sub, found)),
    (input) => withoutSpare(input, found),
  );
}

/** A computation that nobody would miss who does not read it. */
function isSpare({ expr }: ProjectItem): boolean {
  return !some(
    expr,
    (e) =>
      ((e.kind === 'call' || e.kind === 'srf') && e.entry.volatility === 'volatile') ||
      (e.kind === 'subquery' && isVolatilePlan(e.plan)),
  );
}

function pruneTo(plan: Plan, used: ReadonlySet<number>): Plan {
  const p = mapInputs(
    inSubqueries(plan, (sub) => pruneTo(sub, used)),
    (input) => pruneTo(input, used),
  );
  switch (p.kind) {
    case 'scan':
      return { ...p, columns: p.columns.filter((c) => used.has(c.id)) };
    case 'virtual':
      return { ...p, columns: p.columns.filter((c) => used.has(c.id)) };
    case 'project': {
      const items = p.items.filter((i) => used.has(i.column.id) || !isSpare(i));
      if (items.length === p.items.length) return p;
      const kept = new Set(items.map((i) => i.column.id));
      return { ...p, columns: p.columns.filter((c) => kept.has(c.id)), items };
    }
    case 'filter':
    case 'sample':
    case 'sort':
    case 'limit':
    case 'distinct':
      return { ...p, columns: p.input.columns };
    case 'with':
      return { ...p, columns: p.input.columns };
    case 'lockrows': {
      const targets = p.targets.map((t) => ({ ...t, columns: t.columns.filter((c) => used.has(c.id)) }));
      return { ...p, columns: p.input.columns, targets };
    }
    case 'join':
      return {
        ...p,
        columns: p.type === 'semi' || p.type === 'anti' ? p.left.columns : [...p.left.columns, ...p.right.columns],
      };
    case 'projectset':
      return { ...p, columns: [...p.input.columns, ...p.sets.map((s) => s.column)] };
    case 'window':
      return { ...p, columns: [...p.input.columns, ...p.windows.map((w) => w.column)] };
    default:
      return p;
  }
}
