/** Calls of aggregates, and of anything with OVER. */
import type { FuncCall, Node } from 'libpg-query';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ResolvedRoutines } from '../contract.js';
import type { FunctionEntry } from '../functions/entry.js';
import { hypotheticalSet } from '../functions/hypothetical.js';
import { isAggregateName, prefersOwn, resolveAggregate } from '../functions/resolve.js';
import { atItsLevel } from './aggregate-level.js';
import { checkDistinctOrder, checkWithinGroup, distinctOrder, withinGroupRequired } from './aggregate-order.js';
import { as, locationOf } from './ast.js';
import { bindHypothetical } from './bind-hypothetical.js';
import { bindFrame, declaredWindow, makeWindow, resolveWindow } from './bind-window.js';
import { addPosition, errorAt, positioned, WINDOW_ARGUMENTS } from './binder.js';
import type { Binder, ExprContext } from './binder.js';
import { asDomains, coerceArguments, keepLiterals, placedArguments } from './call-arguments.js';
import { coerce, coerceBoolean, commonType, resolveUnknown, typeOfExpr } from './coerce.js';
import { requireEquality } from './comparable.js';
import type { AggregateExpr, Expr, WindowExpr } from './expr.js';
import { functionsOf, pinCall, routinesBeside } from './routines.js';
import { bindSortKeys, sortKey } from './sort-keys.js';
import { folded, resolveUserAggregate, routineOf } from './user-aggregates.js';
import { WINDOW_FUNCTIONS } from './window-functions.js';
import { declaredArguments, declaredAs, declaredOid, declaredResult } from './declared-types.js';

/** Of users, that a call may mean. */
interface OwnAggregates {
  readonly groups: readonly ResolvedRoutines[];
  readonly entries: readonly FunctionEntry[];
}

function resolveAs(
  b: Binder,
  name: string,
  args: readonly Expr[],
  own: OwnAggregates | null,
  variadic: boolean,
): ResolvedAggregate {
  const oids = args.map((a) => typeOfExpr(b, a));
  if (own === null) return resolveAggregate(name, oids);
  return resolveUserAggregate(name, own.entries, oids, { variadic, ...declaredArguments(args, oids) });
}

/** Aggregates of users that have a built-in one's name, where the call means one of these. */
function ownBeside(b: Binder, call: FuncCall, name: string, args: readonly Expr[]): OwnAggregates | null {
  if (call.funcname?.length !== 1 || args.length === 0) return null;
  const groups = routinesBeside(b, name) ?? [];
  if (!groups.some((g) => g.routines.some((r) => r.aggregate !== undefined))) return null;
  const entries = aggregatesAmong(groups, call);
  const oids = args.map((a) => typeOfExpr(b, a));
  return prefersOwn(name, oids, entries, declaredArguments(args, oids).declared) ? { groups, entries } : null;
}

/** Of a call with several expressions behind ORDER BY that fits no aggregate: some may have been meant as arguments. */
function aboutOrder(error: unknown): unknown {
  if (!(error instanceof QuoralError) || error.sqlstate !== '42883') return error;
  return sqlError(error.sqlstate, error.message, {
    ...error.fields,
    hint: 'No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ORDER BY must appear after all regular arguments of the aggregate.',
  });
}

/** Each argument given once for a group has the type of its column of the order. */
function alignHypothetical(b: Binder, args: Expr[], nodes: readonly Node[], own: OwnAggregates | null): void {
  const routine = own?.entries.find((e) => e.argOids.length === args.length)?.routine;
  const direct = routine?.aggregate?.direct;
  if (direct?.kind !== 'h' || direct.count * 2 !== args.length) return;
  for (let i = 0; i < direct.count; i++) {
    const at = i + direct.count;
    const oid = commonType(b, [args[at]!, args[i]!], 'WITHIN GROUP', locationOf(nodes[i]));
    for (const one of [i, at]) args[one] = coerce(b, args[one]!, oid, 'implicit', locationOf(nodes[one]));
  }
}

type ResolvedAggregate = ReturnType<typeof resolveAggregate>;

/** A call of an aggregate, or with OVER. */
export interface WrittenAggregate {
  readonly call: FuncCall;
  readonly name: string;
  readonly location: number;
  /** null: it is one of PostgreSQL's. */
  readonly own: OwnAggregates | null;
}

/** Aggregates of users where the call means one of them: all of the name are, or it is written as only theirs can be. */
export function aggregatesAmong(groups: readonly ResolvedRoutines[], call: FuncCall): readonly FunctionEntry[] {
  const entries = functionsOf(groups);
  const aggregates = entries.filter((e) => e.routine?.aggregate !== undefined);
  if (aggregates.length === entries.length) return aggregates;
  const marked = call.agg_star ?? call.agg_distinct ?? call.agg_filter ?? call.agg_order ?? call.over;
  if (marked !== undefined) return aggregates;
  // Others of the name take other numbers of arguments.
  const given = call.args?.length ?? 0;
  const fits = (e: FunctionEntry): boolean => (e.variadic ? given >= e.argOids.length : e.argOids.length === given);
  return entries.some((e) => e.routine?.aggregate === undefined && fits(e)) ? [] : aggregates.filter(fits);
}

export function bindAggregate(ctx: ExprContext, written: WrittenAggregate): Expr {
  const inner: ExprContext = { ...ctx, inAggregate: true, windows: false, sets: false };
  const made = makeAggregate(inner, written);
  const direct = made.args.slice(0, made.direct ?? 0);
  return folded(ctx.binder, made.entry, atItsLevel(ctx, made, written.location), direct);
}

function makeAggregate(inner: ExprContext, written: WrittenAggregate): AggregateExpr {
  const { call, name, location } = written;
  let { own } = written;
  const b = inner.binder;
  const within = call.agg_within_group === true;
  const hypothetical = bindHypothetical(inner, call, name, placedArguments(inner, name, call), location, sortKey);
  if (hypothetical !== null) return hypothetical;
  const sorts = within ? (call.agg_order ?? []).map((s) => as(s, 'SortBy')!) : [];
  const nodes = [...placedArguments(inner, name, call), ...sorts.map((s) => s.node!)];
  const hasStar = own === null ? name === 'count' : own.entries.some((e) => e.argOids.length === 0);
  if (nodes.length === 0 && call.agg_star !== true && hasStar) {
    throw errorAt('42809', `${name}(*) must be used to call a parameterless aggregate function`, location);
  }
  const args = nodes.map((n) => inner.bind(inner, n));
  own ??= positioned(location, () => ownBeside(b, call, name, args));
  if (within) alignHypothetical(b, args, nodes, own);
  let resolved: ResolvedAggregate;
  try {
    resolved = resolveAs(b, name, args, own, call.func_variadic === true);
  } catch (error) {
    throw addPosition(!within && (call.agg_order?.length ?? 0) > 1 ? aboutOrder(error) : error, location);
  }
  if (resolved === null) throw errorAt('42883', `function ${name}() does not exist`, location);
  const routine = own === null ? null : routineOf(resolved.entry);
  if (routine !== null) pinCall(b, call, own!.groups, routine);
  checkWithinGroup(resolved.entry, within, location);
  const coerced = coerceArguments(b, args, resolved.argOids, nodes.map(locationOf));
  keepLiterals(b, coerced, args, resolved.entry.argOids);
  if (routine !== null) asDomains(b, coerced, routine, nodes.map(locationOf));
  const filters: ExprContext = { ...inner, inAggregate: false, aggregates: false, clause: 'FILTER' };
  const filter =
    call.agg_filter === undefined
      ? null
      : coerceBoolean(b, filters.bind(filters, call.agg_filter), 'FILTER', locationOf(call.agg_filter));
  const orderBy = within
    ? sorts.map((s, i) => sortKey(coerced[coerced.length - sorts.length + i]!, s))
    : bindSortKeys(inner, call.agg_order ?? [], (n) => inner.bind(inner, n));
  if (call.agg_distinct === true && !within) {
    for (const [i, arg] of coerced.entries()) requireEquality(arg, locationOf(nodes[i]));
    checkDistinctOrder(call.agg_order ?? [], orderBy, args);
  }
  const bare: AggregateExpr = {
    kind: 'aggregate',
    entry: resolved.entry,
    args: coerced,
    direct: within ? coerced.length - sorts.length : 0,
    info: { argOids: coerced.map((a) => a.oid), resultOid: resolved.resultOid },
    distinct: call.agg_distinct === true,
    filter,
    orderBy:
      call.agg_distinct === true && !within
        ? distinctOrder(resolved.entry, orderBy, coerced, routine !== null)
        : orderBy,
    oid: resolved.resultOid,
    typmod: -1,
  };
  const made = declaredAs(bare, declaredResult(resolved.entry, args, resolved.resultOid));
  b.notes?.written.set(made, orderBy.length);
  return made;
}

function refuseInWindow(call: FuncCall, location: number): void {
  if (call.agg_distinct === true) throw errorAt('0A000', 'DISTINCT is not implemented for window functions', location);
  if (call.agg_order !== undefined)
    throw errorAt('0A000', 'aggregate ORDER BY is not implemented for window functions', location);
}

export function bindWindowCall(ctx: ExprContext, written: WrittenAggregate): Expr {
  const { call, name, location, own } = written;
  if (!ctx.windows && ctx.inAggregate)
    throw errorAt('42803', 'aggregate function calls cannot contain window function calls', location);
  if (!ctx.windows && ctx.clause === WINDOW_ARGUMENTS)
    throw errorAt('42P20', 'window function calls cannot be nested', location);
  if (!ctx.windows) throw errorAt('42P20', `window functions are not allowed in ${ctx.clause}`, location);
  if (call.agg_within_group === true)
    throw errorAt('0A000', `OVER is not supported for ordered-set aggregate ${name}`, location);
  if (hypotheticalSet(name) !== undefined && call.args !== undefined) throw withinGroupRequired(name, location);
  const b = ctx.binder;
  const inner: ExprContext = { ...ctx, windows: false, sets: false, clause: WINDOW_ARGUMENTS };
  const spec = resolveWindow(ctx, call.over!, location);
  const frames = { ...inner, clause: 'window definitions' };
  const window = { ...frames, sets: ctx.sets };
  const partition = (spec.partitionClause ?? []).map((n) => {
    const expr = resolveUnknown(b, window.bind(window, n));
    requireEquality(expr, locationOf(n));
    return expr;
  });
  const orderBy = bindSortKeys(window, spec.orderClause ?? [], (n) => window.bind(window, n));
  const frame = bindFrame(frames, spec, orderBy);
  const over = { partition, orderBy, frame, declared: declaredWindow(ctx, call.over!) };
  if (own !== null || (isAggregateName(name) && !WINDOW_FUNCTIONS.has(name))) {
    // A window aggregate's own arguments may hold plain aggregates of the group.
    const aggregate = makeAggregate(inner, written);
    refuseInWindow(call, location);
    const bare: WindowExpr = { kind: 'window', name, aggregate, args: [], ...over, oid: aggregate.oid, typmod: -1 };
    const made = declaredAs(bare, declaredOid(aggregate));
    b.notes?.over.set(made, call.over!);
    return folded(b, aggregate.entry, made);
  }
  const nodes = placedArguments(inner, name, call);
  const args = nodes.map((n) => inner.bind(inner, n));
  if (call.agg_filter !== undefined) inner.bind({ ...inner, clause: 'FILTER' }, call.agg_filter);
  const made = makeWindow(b, name, args, over, location);
  refuseInWindow(call, location);
  if (call.agg_filter !== undefined)
    throw errorAt('0A000', 'FILTER is not implemented for non-aggregate window functions', location);
  b.notes?.written.set(made, args.length);
  b.notes?.over.set(made, call.over!);
  return made;
}
