/**
 * Where FOR UPDATE and its like lock, as in PostgreSQL: above the joins, the filters and the sort of their query, below
 * its LIMIT, so that only rows that come out are locked:
 *
 *   FROM · WHERE · sort · LOCK ROWS · output · LIMIT
 *
 * A plain selection among its FROM, be it a subquery or a view, is part of it. Other subqueries and views to which the
 * clause applies have a node of their own, below what the query around does with their rows. How the locks are taken is in
 * exec/lock-rows.ts.
 *
 * A row that others have changed since it was read must be asked once more whether it qualifies. `recheck` is the FROM and
 * WHERE again, but that each of its relations gives one row: the part of the row in question that came from it,
 * under the same ids, from outside; nothing where an outer join had found none. What conditions read is therefore
 * carried up to this node.
 *
 * UPDATE and DELETE lock the rows of their scan as they read it: what is checked after a change (foreign keys) must see what was there
 * when the locks were had, so that their statement begins anew where a row has changed.
 *
 * A scan whose conditions its index answers completely gives just what is to be locked: it locks as it reads, in one
 * round instead of two. Where a key finds the rows and a condition chooses among them, two rounds are needed, but a change
 * between these is no conflict at any level: nothing has become known of the row that was read first (`tentative`).
 * Neither with SKIP LOCKED: what is passed over must have been read (exec/lock-rows.ts says why).
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { OID } from '../types/oids.js';
import { columnExpr } from './binder.js';
import type { Binder } from './binder.js';
import { type Expr, isVolatile, sameExpr, type SortKey } from './expr.js';
import type { LockRowsPlan, LockTarget, Plan, PlanColumn, ProjectItem, ScanColumn } from './logical.js';
import { mapInputs } from './plan-walk.js';

export interface Locked {
  readonly plan: Plan;
  readonly targets: readonly LockTarget[];
}

/** The FROM of a query without the locks that its tables were to have, and these. */
export function withoutLocks(from: Plan): Locked {
  const targets: LockTarget[] = [];
  const strip = (plan: Plan): Plan => {
    if (plan.kind === 'scan') {
      if (plan.lock === null) return plan;
      const { table, alias, columns, lock } = plan;
      targets.push({ table, alias, columns, lock });
      return { ...plan, lock: null, ...(lock.wait === 'skip' ? { passes: true } : {}) };
    }
    const found = targets.length;
    const stripped = mapInputs(plan, strip);
    return targets.length === found ? plan : passingOn(stripped);
  };
  const plan = strip(from);
  return { plan, targets };
}

/** What is read below comes up to where it is locked, from subqueries too. */
function passingOn(plan: Plan): Plan {
  switch (plan.kind) {
    case 'project': {
      const missing = plan.input.columns.filter((c) => !plan.columns.some((own) => own.id === c.id));
      const items = [...plan.items, ...missing.map((column) => ({ column, expr: columnExpr(column) }))];
      return { ...plan, items, columns: [...plan.columns, ...missing] };
    }
    case 'join':
      return { ...plan, columns: [...plan.left.columns, ...plan.right.columns] };
    case 'filter':
    case 'sample':
      return { ...plan, columns: plan.input.columns };
    default:
      throw new QuoralError('XX000', `a table to lock is below ${plan.kind}`);
  }
}

/** The query's rows in their order, locked. `rows`: FROM and WHERE. */
export function lockRows(rows: Plan, keys: readonly SortKey[], targets: readonly LockTarget[]): LockRowsPlan {
  const input: Plan =
    keys.length === 0 ? rows : { kind: 'sort', columns: rows.columns, input: rows, keys, limit: null };
  return {
    kind: 'lockrows',
    columns: input.columns,
    input,
    targets,
    recheck: recheckOf(rows),
    atScan: false,
  };
}

/** What is volatile is computed once for each row, before it is sorted by that; and it is no part of what is asked again. */
export function withVolatileKeys(
  b: Binder,
  rows: Plan,
  keys: readonly SortKey[],
): { readonly rows: Plan; readonly replace: (e: Expr) => Expr } {
  const made: ProjectItem[] = [];
  for (const { expr } of keys) {
    if (!isVolatile(expr) || made.some((item) => sameExpr(item.expr, expr))) continue;
    made.push({ column: b.column('?sort?', expr.oid, expr.typmod), expr });
  }
  if (made.length === 0) return { rows, replace: (e) => e };
  const items = [...rows.columns.map((column): ProjectItem => ({ column, expr: columnExpr(column) })), ...made];
  return {
    rows: { kind: 'project', columns: items.map((i) => i.column), input: rows, items },
    replace: (e) => {
      const found = made.find((item) => sameExpr(item.expr, e));
      return found === undefined ? e : columnExpr(found.column);
    },
  };
}

// ---- what is asked again ----

function recheckOf(rows: Plan): Plan | null {
  // Of one table without a condition there is nothing to ask.
  return rows.kind === 'scan' ? null : given(rows, false);
}

/** `mayBeAbsent`: an outer join may have put NULLs in the place of its row. */
function given(plan: Plan, mayBeAbsent: boolean): Plan {
  switch (plan.kind) {
    case 'join': {
      const { type } = plan;
      const left = given(plan.left, mayBeAbsent || type === 'right' || type === 'full');
      const right = given(plan.right, mayBeAbsent || type === 'left' || type === 'full');
      return { ...plan, left, right, lateral: false };
    }
    case 'filter':
      return { ...plan, input: given(plan.input, mayBeAbsent) };
    case 'sample':
      // It was chosen by its key, which stays.
      return given(plan.input, mayBeAbsent);
    case 'project':
      // Of FROM's own, which pass on all that is below. That of a subquery is what it gave.
      return passesAll(plan.columns, plan.input)
        ? { ...plan, input: given(plan.input, mayBeAbsent) }
        : one(plan, mayBeAbsent);
    default:
      return one(plan, mayBeAbsent);
  }
}

function passesAll(columns: readonly PlanColumn[], input: Plan): boolean {
  const ids = new Set(columns.map((c) => c.id));
  return input.columns.length > 0 && input.columns.every((c) => ids.has(c.id));
}

/** One row of the plan's columns, whose values come from outside under the same ids. */
function one(plan: Plan, mayBeAbsent: boolean): Plan {
  const { columns } = plan;
  const items = columns.map((column): ProjectItem => ({ column, expr: columnExpr(column) }));
  const row: Plan = { kind: 'project', columns, input: { kind: 'one', columns: [] }, items };
  if (!mayBeAbsent || columns.length === 0) return row;
  const known = plan.kind === 'scan' ? keyColumns(plan.table, plan.columns).slice(0, 1) : columns;
  return { kind: 'filter', columns, input: row, condition: anyOf(known.map(isThere)) };
}

function isThere(column: PlanColumn): Expr {
  return { kind: 'isnull', arg: columnExpr(column), negated: true, oid: OID.bool, typmod: -1 };
}

function anyOf(conditions: readonly Expr[]): Expr {
  return conditions.length === 1 ? conditions[0]! : { kind: 'or', args: conditions, oid: OID.bool, typmod: -1 };
}

// ---- optimised ----

/** The primary key's, in its order. */
export function keyColumns(table: TableDescriptor, columns: readonly ScanColumn[]): readonly ScanColumn[] {
  const primary = table.indexes.find((index) => index.primary)!;
  return primary.columns.map(({ columnId }) => columns.find((c) => table.columns[c.position]!.id === columnId)!);
}

/** A condition of the query around, below: where the rows are read, and where they are asked again. */
export function pushIntoLocked(
  plan: LockRowsPlan,
  conditions: readonly Expr[],
  push: (plan: Plan, conditions: readonly Expr[]) => Plan,
): { readonly plan: LockRowsPlan; readonly above: readonly Expr[] } {
  const below = conditions.filter((c) => !isVolatile(c));
  const input = push(plan.input, below);
  const asked = plan.recheck ?? (below.length === 0 ? null : one(plan.input, false));
  const recheck = asked === null ? null : push(asked, below);
  for (const target of plan.targets) refuseAbsent(input, target);
  return {
    plan: { ...plan, input, columns: input.columns, recheck },
    above: conditions.filter((c) => !below.includes(c)),
  };
}

/** @throws QuoralError 0A000 for a table whose rows an outer join may lack, once conditions have made inner joins of some. */
function refuseAbsent(plan: Plan, target: LockTarget): void {
  const ids = new Set(target.columns.map((c) => c.id));
  const within = (side: Plan): boolean => side.columns.some((c) => ids.has(c.id));
  switch (plan.kind) {
    case 'join': {
      const { type, left, right } = plan;
      const absent =
        (within(left) && (type === 'right' || type === 'full')) ||
        (within(right) && (type === 'left' || type === 'full'));
      if (absent)
        throw sqlError('0A000', `${target.lock.clause} cannot be applied to the nullable side of an outer join`);
      refuseAbsent(left, target);
      refuseAbsent(right, target);
      return;
    }
    case 'filter':
    case 'project':
    case 'sort':
    case 'sample':
      refuseAbsent(plan.input, target);
      return;
    default:
      return;
  }
}

/** Locked by the scan itself, if that gives nothing that is not to be locked. */
export function lockedAtScan(plan: LockRowsPlan): Plan {
  const { input, targets } = plan;
  const [target] = targets;
  if (input.kind !== 'scan' || targets.length !== 1 || plan.atScan) return plan;
  const { access, filter } = input;
  if (target!.lock.wait === 'skip') return plan;
  if (filter !== null) {
    // (Who does not wait learns from an error that a row qualified.)
    const byKey = access !== null && access.unique && access.index.primary && target!.lock.wait === 'block';
    return byKey ? { ...plan, input: { ...input, tentative: true } } : plan;
  }
  const locking = { ...input, access: access === null ? null : { ...access, covering: false }, lock: target!.lock };
  return { ...plan, input: locking, recheck: null, atScan: true };
}

/** Ids of columns that are needed to find the rows. */
export function keyIds({ table, columns }: LockTarget): number[] {
  return keyColumns(table, columns).map((c) => c.id);
}
