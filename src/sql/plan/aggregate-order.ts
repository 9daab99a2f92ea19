/** What an aggregate may say of the order of its arguments. */
import type { Node } from 'libpg-query';
import { isOrderedSet } from '../functions/ordered-set.js';
import type { AggregateEntry } from '../functions/entry.js';
import { as, locationOf } from './ast.js';
import { errorAt } from './binder.js';
import { type Expr, sameExpr, type SortKey } from './expr.js';

/** Of equal arguments one is left, so the order cannot ask for what may differ among them. @throws QuoralError 42P10 */
export function checkDistinctOrder(nodes: readonly Node[], keys: readonly SortKey[], args: readonly Expr[]): void {
  const at = keys.findIndex(({ expr }) => !args.some((arg) => sameExpr(arg, expr)));
  if (at < 0) return;
  const message = 'in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list';
  throw errorAt('42P10', message, locationOf(as(nodes[at]!, 'SortBy')!.node));
}

export function checkWithinGroup(entry: AggregateEntry, within: boolean, location: number): void {
  if (isOrderedSet(entry) === within) return;
  if (!within) throw withinGroupRequired(entry.name, location);
  throw errorAt('42809', `${entry.name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP`, location);
}

export function withinGroupRequired(name: string, location: number): Error {
  return errorAt('42809', `WITHIN GROUP is required for ordered-set aggregate ${name}`, location);
}
