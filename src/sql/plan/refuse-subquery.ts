/** Subqueries where an expression may have none. */
import { errorAt } from './binder.js';

/** `place`: as PostgreSQL calls one such expression. @throws QuoralError 0A000 */
export function refuseSubquery(node: unknown, place: string): void {
  const found = findSubquery(node);
  if (found !== null) throw errorAt('0A000', `cannot use subquery in ${place}`, found);
}

/** Where the first one is written; null if there is none. */
function findSubquery(value: unknown): number | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, child] of Object.entries(value)) {
    if (key === 'SubLink') return (child as { location?: number }).location ?? 0;
    const found = findSubquery(child);
    if (found !== null) return found;
  }
  return null;
}
