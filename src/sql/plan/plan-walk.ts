/** Generic access to plan nodes: inputs, expressions, rebuilding, and the columns that come from outside. */
import { unreachable } from '../../base/assert.js';
import { mapKeys, mapSame, walk } from './expr.js';
import type { Expr } from './expr.js';
import type {
  ConflictClause,
  InsertSource,
  KeyConstraint,
  MergeClause,
  Plan,
  ProjectItem,
  Returning,
  ScanPlan,
  TableChecks,
} from './logical.js';

export function inputsOf(plan: Plan): readonly Plan[] {
  switch (plan.kind) {
    case 'scan':
    case 'virtual':
    case 'values':
    case 'function':
    case 'ctescan':
    case 'one':
    case 'empty':
      return [];
    case 'sample':
    case 'filter':
    case 'project':
    case 'projectset':
    case 'aggregate':
    case 'window':
    case 'distinct':
    case 'sort':
    case 'limit':
    case 'insert':
    case 'update':
    case 'delete':
    case 'merge':
      return [plan.input];
    case 'lockrows':
      return plan.recheck === null ? [plan.input] : [plan.input, plan.recheck];
    case 'join':
    case 'setop':
      return [plan.left, plan.right];
    case 'with':
      return [...plan.ctes.flatMap((c) => (c.recursive === null ? [c.plan] : [c.plan, c.recursive.term])), plan.input];
    default:
      return unreachable(plan, 'plan');
  }
}

export function mapInputs(plan: Plan, f: (input: Plan) => Plan): Plan {
  switch (plan.kind) {
    case 'scan':
    case 'virtual':
    case 'values':
    case 'function':
    case 'ctescan':
    case 'one':
    case 'empty':
      return plan;
    case 'sample':
    case 'filter':
    case 'project':
    case 'projectset':
    case 'aggregate':
    case 'window':
    case 'distinct':
    case 'sort':
    case 'limit':
    case 'insert':
    case 'update':
    case 'delete':
    case 'merge': {
      const input = f(plan.input);
      return input === plan.input ? plan : { ...plan, input };
    }
    case 'lockrows': {
      const input = f(plan.input);
      const recheck = plan.recheck === null ? null : f(plan.recheck);
      return input === plan.input && recheck === plan.recheck ? plan : { ...plan, input, recheck };
    }
    case 'join':
    case 'setop': {
      const left = f(plan.left);
      const right = f(plan.right);
      return left === plan.left && right === plan.right ? plan : { ...plan, left, right };
    }
    case 'with':
      return {
        ...plan,
        ctes: plan.ctes.map((c) => ({
          ...c,
          plan: f(c.plan),
          recursive: c.recursive === null ? null : { ...c.recursive, term: f(c.recursive.term) },
        })),
        input: f(plan.input),
      };
    default:
      return unreachable(plan, 'plan');
  }
}

type MapExpr = (e: Expr) => Expr;
const mapItems = (items: readonly ProjectItem[], f: MapExpr): readonly ProjectItem[] =>
  mapSame(items, (i) => {
    const expr = f(i.expr);
    return expr === i.expr ? i : { column: i.column, expr };
  });
const mapNullable = (e: Expr | null, f: MapExpr): Expr | null => (e === null ? null : f(e));
const mapReturning = (r: Returning | null, f: MapExpr): Returning | null =>
  r === null ? null : { ...r, items: mapItems(r.items, f) };

function mapConstraint(c: KeyConstraint, f: MapExpr): KeyConstraint {
  switch (c.kind) {
    case 'equal':
      return { ...c, values: c.values.map(f) };
    case 'anyof':
      return { ...c, array: f(c.array) };
    case 'isnull':
      return c;
    case 'items':
      return { ...c, argument: f(c.argument) };
    case 'range':
      return {
        ...c,
        lower: c.lower.map((l) => ({ ...l, expr: f(l.expr) })),
        upper: c.upper.map((u) => ({ ...u, expr: f(u.expr) })),
      };
    default:
      return unreachable(c, 'constraint');
  }
}

const mapChecks = (checks: TableChecks, f: MapExpr): TableChecks => ({
  ...checks,
  checks: checks.checks.map((c) => ({ ...c, expr: f(c.expr) })),
  ...(checks.viewChecks === undefined ? {} : { viewChecks: checks.viewChecks.map((c) => ({ ...c, expr: f(c.expr) })) }),
});
const mapSources = (sources: readonly InsertSource[], f: MapExpr): InsertSource[] =>
  sources.map((s) => (s.kind === 'expr' ? { ...s, expr: f(s.expr) } : s));

function mapConflict(conflict: ConflictClause | null, f: MapExpr): ConflictClause | null {
  if (conflict === null || conflict.update === null) return conflict;
  const { update } = conflict;
  return {
    ...conflict,
    update: {
      ...update,
      assignments: update.assignments.map((a) => mapNullable(a, f)),
      where: mapNullable(update.where, f),
    },
  };
}

function mapMergeClause(clause: MergeClause, f: MapExpr): MergeClause {
  const condition = mapNullable(clause.condition, f);
  const { action } = clause;
  switch (action.kind) {
    case 'update':
      return {
        ...clause,
        condition,
        action: { ...action, assignments: action.assignments.map((a) => mapNullable(a, f)) },
      };
    case 'insert':
      return { ...clause, condition, action: { ...action, sources: mapSources(action.sources, f) } };
    case 'delete':
    case 'nothing':
      return { ...clause, condition };
    default:
      return unreachable(action, 'action of MERGE');
  }
}

function mapScan(plan: ScanPlan, f: MapExpr): ScanPlan {
  const { access } = plan;
  return {
    ...plan,
    filter: mapNullable(plan.filter, f),
    limit: mapNullable(plan.limit, f),
    access: access === null ? null : { ...access, constraints: access.constraints.map((c) => mapConstraint(c, f)) },
  };
}

/** Rebuilds a node with its own expressions replaced; inputs are left alone. */
export function mapPlanExprs(plan: Plan, f: MapExpr): Plan {
  switch (plan.kind) {
    case 'scan':
      return mapScan(plan, f);
    case 'virtual':
      return { ...plan, filter: mapNullable(plan.filter, f) };
    case 'values': {
      const rows = mapSame(plan.rows, (row) => mapSame(row, f));
      return rows === plan.rows ? plan : { ...plan, rows };
    }
    case 'function':
      return { ...plan, calls: plan.calls.map((c) => ({ ...c, expr: f(c.expr) })) };
    case 'sample':
      return { ...plan, percent: f(plan.percent), seed: mapNullable(plan.seed, f) };
    case 'filter': {
      const condition = f(plan.condition);
      return condition === plan.condition ? plan : { ...plan, condition };
    }
    case 'project': {
      const items = mapItems(plan.items, f);
      return items === plan.items ? plan : { ...plan, items };
    }
    case 'projectset':
      return { ...plan, sets: plan.sets.map((s) => ({ ...s, srf: f(s.srf) as typeof s.srf })) };
    case 'join':
      return { ...plan, condition: f(plan.condition) };
    case 'aggregate':
      return {
        ...plan,
        groups: mapItems(plan.groups, f),
        aggregates: plan.aggregates.map((a) => ({ ...a, aggregate: f(a.aggregate) as typeof a.aggregate })),
      };
    case 'window':
      return { ...plan, windows: plan.windows.map((w) => ({ ...w, window: f(w.window) as typeof w.window })) };
    case 'distinct':
      return { ...plan, on: plan.on === null ? null : plan.on.map(f) };
    case 'sort':
      return {
        ...plan,
        keys: mapKeys(plan.keys, f),
        limit: plan.limit === null ? null : { count: f(plan.limit.count), offset: mapNullable(plan.limit.offset, f) },
      };
    case 'limit':
      return {
        ...plan,
        count: mapNullable(plan.count, f),
        offset: mapNullable(plan.offset, f),
        withTies: plan.withTies === null ? null : mapKeys(plan.withTies, f),
      };
    case 'lockrows':
    case 'setop':
    case 'ctescan':
    case 'with':
    case 'one':
    case 'empty':
      return plan;
    case 'insert':
      return {
        ...plan,
        sources: mapSources(plan.sources, f),
        checks: mapChecks(plan.checks, f),
        conflict: mapConflict(plan.conflict, f),
        returning: mapReturning(plan.returning, f),
      };
    case 'update':
      return {
        ...plan,
        assignments: plan.assignments.map((a) => mapNullable(a, f)),
        checks: mapChecks(plan.checks, f),
        returning: mapReturning(plan.returning, f),
      };
    case 'delete':
      return { ...plan, returning: mapReturning(plan.returning, f) };
    case 'merge':
      return {
        ...plan,
        clauses: plan.clauses.map((c) => mapMergeClause(c, f)),
        checks: mapChecks(plan.checks, f),
      };
    default:
      return unreachable(plan, 'plan');
  }
}

export function exprsOf(plan: Plan): readonly Expr[] {
  const found: Expr[] = [];
  mapPlanExprs(plan, (e) => {
    found.push(e);
    return e;
  });
  return found;
}

/** Every expression of a node, parents first, into the plans of subqueries too if `deep`. */
export function walkPlan(
  plan: Plan,
  visitExpr: (e: Expr) => void,
  visitPlan: (p: Plan) => void = () => undefined,
): void {
  visitPlan(plan);
  for (const expr of exprsOf(plan)) {
    walk(expr, (e) => {
      visitExpr(e);
      if (e.kind === 'subquery') walkPlan(e.plan, visitExpr, visitPlan);
    });
  }
  for (const input of inputsOf(plan)) walkPlan(input, visitExpr, visitPlan);
}

/** The WITH queries that it reads, at any depth. */
export function scannedCtes(plan: Plan): ReadonlySet<number> {
  const found = new Set<number>();
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      if (p.kind === 'ctescan') found.add(p.cte);
    },
  );
  return found;
}

/** Of those, the ones that stand outside of it: it may give other rows where these do. */
export function ctesOutside(plan: Plan): readonly number[] {
  const own = new Set<number>();
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      if (p.kind !== 'with') return;
      for (const cte of p.ctes) for (const id of [cte.id, cte.recursive?.workId ?? cte.id]) own.add(id);
    },
  );
  return [...scannedCtes(plan)].filter((id) => !own.has(id));
}

/** It locks rows that it reads, FOR UPDATE and the like. */
export function locksRows(plan: Plan): boolean {
  let locks = false;
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      if (p.kind === 'lockrows' || (p.kind === 'scan' && p.lock !== null)) locks = true;
    },
  );
  return locks;
}

/** Ids of columns that a plan makes, at any depth. */
function definedIn(plan: Plan, found: Set<number>): void {
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      for (const c of p.columns) found.add(c.id);
      switch (p.kind) {
        case 'insert':
          for (const c of p.checks.row) found.add(c.id);
          if (p.returning !== null) for (const c of p.returning.row) found.add(c.id);
          if (p.returning?.changedBy != null) found.add(p.returning.changedBy.id);
          if (p.conflict?.update != null)
            for (const c of [...p.conflict.update.excluded, ...p.conflict.update.existing]) found.add(c.id);
          break;
        case 'update':
          for (const c of p.checks.row) found.add(c.id);
          if (p.returning !== null) for (const c of p.returning.row) found.add(c.id);
          break;
        case 'delete':
          if (p.returning !== null) for (const c of p.returning.row) found.add(c.id);
          break;
        case 'merge':
          for (const c of p.checks.row) found.add(c.id);
          break;
        default:
          break;
      }
    },
  );
}

const freeCache = new WeakMap<Plan, ReadonlySet<number>>();

/** Ids of the columns of outer queries that a plan refers to. */
export function freeColumns(plan: Plan): ReadonlySet<number> {
  const cached = freeCache.get(plan);
  if (cached !== undefined) return cached;
  const defined = new Set<number>();
  definedIn(plan, defined);
  const free = new Set<number>();
  walkPlan(plan, (e) => {
    if (e.kind === 'column' && !defined.has(e.id)) free.add(e.id);
  });
  freeCache.set(plan, free);
  return free;
}

/** Ids of columns that an expression needs from its row, those of its subqueries' outer references included. */
export function columnsOf(expr: Expr): Set<number> {
  const used = new Set<number>();
  walk(expr, (e) => {
    if (e.kind === 'column') used.add(e.id);
    else if (e.kind === 'subquery') {
      // The test compares outer values with the subquery's own columns.
      const own = new Set(e.plan.columns.map((c) => c.id));
      for (const id of freeColumns(e.plan)) used.add(id);
      if (e.test !== null) for (const id of columnsOf(e.test)) if (!own.has(id)) used.add(id);
      return false;
    }
    return true;
  });
  return used;
}

export function idsOf(plan: Plan): Set<number> {
  return new Set(plan.columns.map((c) => c.id));
}
