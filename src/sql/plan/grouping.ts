/**
 * GROUPING(…): which of its arguments a row of a grouping set is not grouped by, as a bit mask with the last
 * argument in bit 0 (PostgreSQL chapter 9.21). Travels as an aggregate, whose value depends on the set alone.
 */
import type { Node } from 'libpg-query';
import type { AggregateEntry } from '../functions/entry.js';
import { OID } from '../types/oids.js';
import { as } from './ast.js';
import { errorAt } from './binder.js';
import type { ExprContext } from './binder.js';
import { atItsLevel } from './aggregate-level.js';
import { sameExpr } from './expr.js';
import type { AggregateExpr, Expr } from './expr.js';

const ARGUMENTS_MAX = 31;

/** Without grouping sets every row is grouped by everything. */
export const GROUPING: AggregateEntry = {
  oid: 0,
  name: 'grouping',
  argOids: [],
  resultOid: OID.int4,
  strict: false,
  emptyResult: 0,
  init: () => ({ step: () => undefined, combine: () => undefined, final: () => 0 }),
};

export function bindGrouping(ctx: ExprContext, node: Node): Expr {
  const call = as(node, 'GroupingFunc')!;
  const location = call.location ?? 0;
  const nodes = call.args ?? [];
  if (nodes.length > ARGUMENTS_MAX) throw errorAt('54023', 'GROUPING must have fewer than 32 arguments', location);
  const args = nodes.map((n) => ctx.bind({ ...ctx, aggregates: false }, n));
  const info = { argOids: [], resultOid: OID.int4 };
  const plain = { distinct: false, filter: null, orderBy: [] };
  return atItsLevel(
    ctx,
    { kind: 'aggregate', entry: GROUPING, args, info, ...plain, oid: OID.int4, typmod: -1 },
    location,
    'grouping operations',
  );
}

/** @throws 42803 an argument is not among the grouping expressions */
export function checkGrouping(call: AggregateExpr, groups: readonly { readonly expr: Expr }[]): void {
  if (call.args.every((arg) => groups.some((group) => sameExpr(group.expr, arg)))) return;
  const location = call.args.find((arg) => arg.kind === 'column')?.location ?? -1;
  throw errorAt('42803', 'arguments to GROUPING must be grouping expressions of the associated query level', location);
}

/** The value in the rows of one grouping set: positions in `groups`. */
export function groupingMask(
  call: AggregateExpr,
  groups: readonly { readonly expr: Expr }[],
  set: readonly number[],
): number {
  let mask = 0;
  for (const arg of call.args) {
    const position = groups.findIndex((group) => sameExpr(group.expr, arg));
    mask = mask * 2 + (set.includes(position) ? 0 : 1);
  }
  return mask;
}

/** GROUP BY DISTINCT: each set once, whatever the order of its columns. */
export function distinctSets(sets: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const seen = new Set<string>();
  return sets.filter((set) => {
    const key = set.toSorted((a, b) => a - b).join();
    return !seen.has(key) && seen.add(key);
  });
}
