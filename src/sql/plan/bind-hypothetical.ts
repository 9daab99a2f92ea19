/** rank(2) WITHIN GROUP (ORDER BY x) and its like: each direct argument with its column of the order. */
import type { FuncCall, Node, SortBy } from 'libpg-query';
import { hypotheticalSet } from '../functions/hypothetical.js';
import type { AggregateEntry } from '../functions/entry.js';
import { formatType } from '../types/registry.js';
import { as, locationOf } from './ast.js';
import { errorAt } from './binder.js';
import type { ExprContext } from './binder.js';
import { coerce, coerceBoolean, commonType, typeOfExpr } from './coerce.js';
import type { AggregateExpr, Expr, SortKey } from './expr.js';

type MakeSortKey = (expr: Expr, written: SortBy) => SortKey;

/** null if the call is of no hypothetical-set aggregate. @throws QuoralError 42883, 42804 */
export function bindHypothetical(
  inner: ExprContext,
  call: FuncCall,
  name: string,
  nodes: readonly Node[],
  location: number,
  sortKey: MakeSortKey,
): AggregateExpr | null {
  const entry = hypotheticalSet(name);
  if (entry === undefined || call.agg_within_group !== true) return null;
  const b = inner.binder;
  const sorts = (call.agg_order ?? []).map((s) => as(s, 'SortBy')!);
  const direct = nodes.map((n) => inner.bind(inner, n));
  const ordered = sorts.map((s) => inner.bind(inner, s.node!));
  if (direct.length !== ordered.length) {
    const types = [...direct, ...ordered].map((e) => formatType(typeOfExpr(b, e)));
    throw errorAt('42883', `function ${name}(${types.join(', ')}) does not exist`, location, {
      hint:
        `To use the hypothetical-set aggregate ${name}, the number of hypothetical direct arguments (here ${direct.length}) ` +
        `must match the number of ordering columns (here ${ordered.length}).`,
    });
  }
  const oids = direct.map((e, i) => commonType(b, [ordered[i]!, e], 'WITHIN GROUP', locationOf(nodes[i])));
  const args = [
    ...direct.map((e, i) => coerce(b, e, oids[i]!, 'implicit', locationOf(nodes[i]))),
    ...ordered.map((e, i) => coerce(b, e, oids[i]!, 'implicit', locationOf(sorts[i]!.node))),
  ];
  const orderBy = sorts.map((s, i) => sortKey(args[direct.length + i]!, s));
  const filter =
    call.agg_filter === undefined
      ? null
      : coerceBoolean(b, inner.bind(inner, call.agg_filter), 'FILTER', locationOf(call.agg_filter));
  return aggregateOf(entry, args, orderBy, filter);
}

function aggregateOf(
  entry: AggregateEntry,
  args: readonly Expr[],
  orderBy: readonly SortKey[],
  filter: Expr | null,
): AggregateExpr {
  const order = orderBy.map(({ descending, nullsFirst }) => ({ descending, nullsFirst }));
  return {
    kind: 'aggregate',
    entry,
    args,
    direct: orderBy.length,
    info: { argOids: args.map((a) => a.oid), resultOid: entry.resultOid, order },
    distinct: false,
    filter,
    orderBy,
    oid: entry.resultOid,
    typmod: -1,
  };
}
