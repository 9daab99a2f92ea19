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

/** Aggregates whose result shows the order of what they are given. */
const SHOWING_ORDER: ReadonlySet<string> = new Set([
  'array_agg',
  'string_agg',
  'json_agg',
  'jsonb_agg',
  'json_object_agg',
  'jsonb_object_agg',
]);

/**
 * PostgreSQL sorts to find what is distinct, and queries rely on it: by the keys given, then by all the arguments. What
 * an aggregate of a user shows is not known.
 */
export function distinctOrder(
  entry: AggregateEntry,
  keys: readonly SortKey[],
  args: readonly Expr[],
  own: boolean,
): readonly SortKey[] {
  if (!own && !SHOWING_ORDER.has(entry.name)) return keys;
  const rest = args.filter((arg) => arg.kind !== 'const' && !keys.some(({ expr }) => sameExpr(expr, arg)));
  return [...keys, ...rest.map((expr) => ({ expr, descending: false, nullsFirst: false }))];
}
