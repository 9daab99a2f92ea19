/**
 * What statements lock: FOR UPDATE and its like, and the rows that are to be changed. FOR KEY SHARE is as FOR SHARE here:
 * its reader would see the row, which another may be changing. (Foreign keys look at no more than that it is there.)
 */
import type { LockingClause, Node, SelectStmt } from 'libpg-query';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { as, must } from './ast.js';
import { errorAt } from './binder.js';
import type { Binder, BoundFrom, LockRequest, ScopeRelation } from './binder.js';
import type { Lock, Plan } from './logical.js';
import { walkPlan } from './plan-walk.js';

export const LOCK_NAMES: Readonly<Record<string, string>> = {
  LCS_FORKEYSHARE: 'FOR KEY SHARE',
  LCS_FORSHARE: 'FOR SHARE',
  LCS_FORNOKEYUPDATE: 'FOR NO KEY UPDATE',
  LCS_FORUPDATE: 'FOR UPDATE',
};

/** `outer`: what the query around asks of all that this one reads. */
export function lockRequests(b: Binder, select: SelectStmt, outer: Lock | null): LockRequest[] {
  const around: LockRequest[] =
    outer === null ? [] : [{ tables: null, locations: [], clause: outer.clause, lock: outer }];
  const own = (select.lockingClause ?? []).map((n): LockRequest => {
    const clause = must(n, 'LockingClause') as LockingClause;
    b.locks = true;
    const wait =
      clause.waitPolicy === 'LockWaitError' ? 'nowait' : clause.waitPolicy === 'LockWaitSkip' ? 'skip' : 'block';
    const shared = clause.strength === 'LCS_FORSHARE' || clause.strength === 'LCS_FORKEYSHARE';
    const tables = (clause.lockedRels ?? []).map((r) => as(r, 'RangeVar')?.relname ?? '');
    const locations = (clause.lockedRels ?? []).map((r) => as(r, 'RangeVar')?.location ?? -1);
    return {
      tables: tables.length === 0 ? null : tables,
      locations,
      clause: LOCK_NAMES[clause.strength ?? '']!,
      lock: {
        strength: shared ? 'share' : 'exclusive',
        wait,
        whole: clause.strength === 'LCS_FORUPDATE',
        clause: LOCK_NAMES[clause.strength ?? '']!,
      },
    };
  });
  return [...own, ...around];
}

/**
 * For rows that are to be changed. `removes`: they go, or others come by another way; `sets`: what the SETs name.
 * (PostgreSQL compares the keys instead: a SET that gives a key its old value locks more here.)
 */
export function lockForChange(table: TableDescriptor, removes: boolean, sets: readonly Node[]): Lock {
  const key = table.indexes.find((index) => index.primary)!.columns.map((c) => c.columnId);
  const keyColumns = table.columns.filter((c) => key.includes(c.id));
  const names = new Set(sets.map((n) => as(n, 'ResTarget')?.name ?? ''));
  const whole = removes || keyColumns.some((c) => names.has(c.name) || c.generated != null);
  return { strength: 'exclusive', wait: 'block', whole, clause: '' };
}

export function checkLocks(locks: readonly LockRequest[], from: BoundFrom): void {
  for (const request of locks) {
    (request.tables ?? []).forEach((table, i) => {
      const location = request.locations[i] ?? -1;
      const named = from.relations.find((r) => r.alias === table);
      if (named?.inside !== undefined || named?.isUsing === true)
        throw errorAt('0A000', `${request.clause} cannot be applied to a join`, location);
      const of = named === undefined ? null : lockless(from.plan, named);
      if (of !== null) throw errorAt('0A000', `${request.clause} cannot be applied to ${of}`, location);
      if (named === undefined) {
        throw errorAt('42P01', `relation "${table}" in ${request.clause} clause not found in FROM clause`, location);
      }
    });
  }
}

const REFUSED = {
  distinct: 'DISTINCT clause',
  groups: 'GROUP BY clause',
  having: 'HAVING clause',
  aggregates: 'aggregate functions',
  windows: 'window functions',
  sets: 'set-returning functions in the target list',
} as const;

/** @throws QuoralError 0A000 where rows of the output are not rows of tables */
export function refuseLocks(clause: string, has: Readonly<Record<keyof typeof REFUSED, boolean>>): void {
  const why = (Object.keys(REFUSED) as (keyof typeof REFUSED)[]).find((part) => has[part]);
  if (why !== undefined) throw errorAt('0A000', `${clause} is not allowed with ${REFUSED[why]}`, -1);
}

/** Whether a query around that wants its rows locked can do so itself, as in PostgreSQL. */
export function isPlainSelection({
  lockingClause,
  withClause,
  sortClause,
  limitCount,
  limitOffset,
}: SelectStmt): boolean {
  return [lockingClause, withClause, sortClause, limitCount, limitOffset].every((part) => part === undefined);
}

/** @throws QuoralError 0A000 of a set operation, or of a part of one, whose rows are to be locked */
export function refuseUnitedLocks({ lockingClause }: SelectStmt, outer: Lock | null = null): void {
  if (lockingClause === undefined && outer === null) return;
  const strength = as(lockingClause?.[0], 'LockingClause')?.strength ?? 'LCS_FORUPDATE';
  throw errorAt('0A000', `${LOCK_NAMES[strength]!} is not allowed with UNION/INTERSECT/EXCEPT`, -1);
}

/** @throws QuoralError 0A000 */
export function refuseValuesLock(select: SelectStmt): void {
  const locking = as(select.lockingClause?.[0], 'LockingClause');
  if (locking !== undefined)
    throw errorAt('0A000', `${LOCK_NAMES[locking.strength ?? '']!} cannot be applied to VALUES`, -1);
}

/** What has no rows to lock; null: it may have some. */
function lockless(plan: Plan, relation: ScopeRelation): string | null {
  const ids = new Set(relation.columns.map(({ column }) => column.id));
  let found: string | null = null;
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      if ((p.kind === 'function' || p.kind === 'ctescan') && p.columns.some((c) => ids.has(c.id)))
        found = p.kind === 'function' ? 'a function' : 'a WITH query';
    },
  );
  return found;
}
