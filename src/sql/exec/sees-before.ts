/** What expressions of a statement that writes see of it: when RETURNING and its like must be computed. */
import { hasSubquery, some, type Expr } from '../plan/expr.js';

/**
 * Whether they must be computed for all rows before the first is written: subqueries see what was there when the statement
 * began, and so do stable functions of users. A volatile one sees what the statement has done so far.
 */
export function seesBefore(exprs: readonly (Expr | null)[]): boolean {
  return exprs.some((e) => e !== null && hasSubquery(e)) || callsStable(exprs);
}

export function callsStable(exprs: readonly (Expr | null)[]): boolean {
  const found = calledVolatilities(exprs);
  return found.has('stable') && !found.has('volatile');
}

export function callsVolatile(exprs: readonly (Expr | null)[]): boolean {
  return calledVolatilities(exprs).has('volatile');
}

/** Of functions of users. */
function calledVolatilities(exprs: readonly (Expr | null)[]): ReadonlySet<string | undefined> {
  const found = new Set<string | undefined>();
  for (const expr of exprs) {
    if (expr === null) continue;
    some(expr, (e) => {
      if (e.kind === 'call' || e.kind === 'srf') found.add(e.entry.routine?.volatility);
      return false;
    });
  }
  return found;
}
