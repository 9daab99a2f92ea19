/** Which conditions cannot hold when certain columns are NULL: what makes an outer join an inner one. */
import type { Expr } from './expr.js';

/** True if the expression is NULL when every column of `ids` is. */
export function isNullWith(e: Expr, ids: ReadonlySet<number>): boolean {
  switch (e.kind) {
    case 'column':
      return ids.has(e.id);
    case 'cast':
      return isNullWith(e.arg, ids);
    case 'call':
      return e.entry.strict && e.args.some((a) => isNullWith(a, ids));
    case 'not':
      return isNullWith(e.arg, ids);
    default:
      return false;
  }
}

/** True if the condition cannot hold when every column of `ids` is NULL. */
export function rejectsNulls(condition: Expr, ids: ReadonlySet<number>): boolean {
  switch (condition.kind) {
    case 'column':
    case 'cast':
    case 'call':
    case 'not':
      return isNullWith(condition, ids);
    case 'and':
      return condition.args.some((c) => rejectsNulls(c, ids));
    case 'or':
      return condition.args.every((c) => rejectsNulls(c, ids));
    case 'in':
      return !condition.negated && isNullWith(condition.left, ids);
    case 'anyall':
      return !condition.all && condition.entry.strict && isNullWith(condition.left, ids);
    case 'isnull':
      return condition.negated && isNullWith(condition.arg, ids);
    default:
      return false;
  }
}
