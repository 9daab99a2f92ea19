/**
 * To which query an aggregate belongs: the innermost one of whose columns it takes any. Only those of the query that they
 * stand in are computed here; one that belongs to an outer query is refused, since its value would be another.
 */
import type { Scope } from './binder.js';
import { errorAt } from './binder.js';
import type { Expr } from './expr.js';
import { columnsOf } from './plan-walk.js';

/** @throws QuoralError 0A000 */
export function checkLevel(scope: Scope, parts: readonly Expr[], location: number): void {
  if (scope.parent === null) return;
  const own = new Set<number>();
  for (const relation of scope.relations) for (const { column } of relation.columns) own.add(column.id);
  for (const { column } of scope.columns) own.add(column.id);
  let outer = false;
  for (const part of parts) {
    for (const id of columnsOf(part)) {
      if (own.has(id)) return;
      outer = true;
    }
  }
  if (outer) throw errorAt('0A000', 'an aggregate over columns of an outer query only is not supported', location);
}
