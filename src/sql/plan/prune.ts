/** Unused columns are taken out of a plan: scans give, and joins carry, what somebody above them reads. */
import { hasSubquery, mapChildren, some } from './expr.js';
import type { Expr } from './expr.js';
import type { Plan, ProjectPlan } from './logical.js';
import { columnsOf, exprsOf, mapInputs, mapPlanExprs, walkPlan } from './plan-walk.js';

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
  const renaming: ProjectPlan[] = [];
  walkPlan(
    withoutRenaming(plan, renaming),
    (e) => {
      if (e.kind === 'column') used.add(e.id);
    },
    (p) => {
      switch (p.kind) {
        case 'update':
        case 'delete':
        case 'merge':
          for (const id of p.target) used.add(id);
          break;
        // These read their inputs by position.
        case 'setop':
          for (const c of [...p.left.columns, ...p.right.columns]) used.add(c.id);
          break;
        case 'with':
          for (const c of p.ctes) {
            for (const column of c.plan.columns) used.add(column.id);
            if (c.recursive !== null) for (const column of c.recursive.term.columns) used.add(column.id);
          }
          break;
        case 'sample':
          for (const id of p.key) used.add(id);
          break;
        case 'insert':
          for (const c of p.input.columns) used.add(c.id);
          break;
        default:
          break;
      }
      for (const e of exprsOf(p)) {
        if (!hasSubquery(e)) continue;
        some(e, (x) => {
          if (x.kind === 'subquery') for (const c of x.plan.columns) used.add(c.id);
          return false;
        });
      }
    },
  );
  for (const c of plan.columns) used.add(c.id);
  for (let before = -1; before !== used.size;) {
    before = used.size;
    for (const { items } of renaming) {
      for (const { column, expr } of items) if (used.has(column.id)) for (const id of columnsOf(expr)) used.add(id);
    }
  }
  return pruneTo(plan, used);
}

/** The plan as if projections that only rename made nothing; they are added to `found`. */
function withoutRenaming(plan: Plan, found: ProjectPlan[]): Plan {
  const renames = plan.kind === 'project' && plan.renames === true;
  if (renames) found.push(plan);
  return mapInputs(
    inSubqueries(renames ? { ...plan, items: [] } : plan, (sub) => withoutRenaming(sub, found)),
    (input) => withoutRenaming(input, found),
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
    case 'project':
      if (p.renames !== true) return p;
      return {
        ...p,
        columns: p.columns.filter((c) => used.has(c.id)),
        items: p.items.filter((i) => used.has(i.column.id)),
      };
    case 'filter':
    case 'sample':
    case 'sort':
    case 'limit':
    case 'distinct':
      return { ...p, columns: p.input.columns };
    case 'with':
      return { ...p, columns: p.input.columns };
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
