/**
 * FOR UPDATE and its like: what a SELECT asks to be locked. There are two strengths: FOR KEY SHARE is as FOR SHARE, and
 * FOR NO KEY UPDATE as FOR UPDATE, since no update is known as one that leaves the key alone.
 */
import type { LockingClause, SelectStmt } from 'libpg-query';
import { as, must } from './ast.js';
import { errorAt } from './binder.js';
import type { Binder, BoundFrom, LockRequest } from './binder.js';
import type { Lock } from './logical.js';

export const LOCK_NAMES: Readonly<Record<string, string>> = {
  LCS_FORKEYSHARE: 'FOR KEY SHARE',
  LCS_FORSHARE: 'FOR SHARE',
  LCS_FORNOKEYUPDATE: 'FOR NO KEY UPDATE',
  LCS_FORUPDATE: 'FOR UPDATE',
};

/** `outer`: what the query around asks of all that this one reads. */
export function lockRequests(b: Binder, select: SelectStmt, outer: Lock | null): LockRequest[] {
  const around: LockRequest[] = outer === null ? [] : [{ tables: null, locations: [], clause: '', lock: outer }];
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
      lock: { strength: shared ? 'share' : 'exclusive', wait },
    };
  });
  return [...own, ...around];
}

export function checkLocks(locks: readonly LockRequest[], from: BoundFrom): void {
  for (const request of locks) {
    (request.tables ?? []).forEach((table, i) => {
      if (!from.relations.some((r) => r.alias === table)) {
        throw errorAt(
          '42P01',
          `relation "${table}" in ${request.clause} clause not found in FROM clause`,
          request.locations[i] ?? -1,
        );
      }
    });
  }
}
