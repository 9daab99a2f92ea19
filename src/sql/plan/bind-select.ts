/**
 * SELECT, VALUES, set operations and WITH → logical plans. The order of the nodes made for one SELECT:
 * FROM · WHERE · aggregate · HAVING · window · set-returning functions · output · DISTINCT · ORDER BY · LIMIT.
 */
import type { CommonTableExpr, Node, ResTarget, SelectStmt, WithClause } from 'libpg-query';
import { combinedSets, groupingAlternatives } from './grouping-sets.js';
import { OID } from '../types/oids.js';

import { formatType } from '../types/registry.js';
import { as, locationOf, stringsOf, must, startOf } from './ast.js';
import { EMPTY_SCOPE, Scope, columnExpr, errorAt, findColumn } from './binder.js';
import type { Binder, CteEntry, ExprContext, LockRequest } from './binder.js';
import { bindExpr, starColumns } from './bind-expr.js';
import {
  coerce,
  coerceAssignment,
  coerceBoolean,
  commonType,
  resolveUnknown,
  tryCoerce,
  typeOfExpr,
} from './coerce.js';
import { requireEqualities, requireEquality } from './comparable.js';
import { bindFrom } from './bind-from.js';
import type { FromContext } from './bind-from.js';
import {
  checkLocks,
  isPlainSelection,
  lockRequests,
  refuseLocks,
  refuseUnitedLocks,
  refuseValuesLock,
} from './bind-locks.js';
import { withoutLocks } from './lock-rows.js';
import { outputNameOf } from './figure-name.js';
import { distinctSets } from './grouping.js';
import { orderedItems } from './recursive-check.js';
import { cycleMarks } from './cycle-marks.js';
import { RecursiveOrder, selfReference } from './recursive-order.js';
import { orRepeated } from './repeated.js';
import { checkTargets } from './sizes.js';
import { expandedStars, indirectStar, noteFields, starTargets } from './stars.js';
import { bindWindows } from './bind-window.js';
import { applyAggregation, applyWindows } from './bind-group.js';
import { bindDistinctOn, bindOrder, checkDistinct, orderAndLimit, positionOf, rowBounds } from './bind-order.js';
import { firstTarget, isTarget, lockedOutput, outputOf } from './bind-output.js';
import type { Output, Target } from './bind-output.js';
import { sameExpr, some } from './expr.js';
import type { Expr } from './expr.js';
import type { CteDefinition, Lock, Plan, PlanColumn, ProjectItem, SetOpPlan } from './logical.js';
import { noteSameRecords } from './record-columns.js';
import { commonDeclared, declaredOid } from './declared-types.js';

export interface SelectOptions {
  /** Literals of the output keep type unknown, for the caller to coerce. */
  readonly keepUnknown?: boolean;
  /** FOR UPDATE of a query around it means the rows of this one too. */
  readonly lock?: Lock | null;
}

/** Data-modifying WITH items are bound by this, given by the binding of those statements. */
export type BindModifying = (b: Binder, node: Node, ctes: readonly CteEntry[]) => Plan;
let bindModifying: BindModifying | null = null;
export function registerModifying(bind: BindModifying): void {
  bindModifying = bind;
}

export function exprContext(
  b: Binder,
  scope: Scope,
  clause: string,
  allow: Partial<Pick<ExprContext, 'aggregates' | 'windows' | 'sets' | 'namedWindows'>> = {},
): ExprContext {
  return {
    binder: b,
    scope,
    clause,
    aggregates: false,
    windows: false,
    sets: false,
    inAggregate: false,
    namedWindows: new Map(),
    ...allow,
    bind: bindExpr,
    bindSubquery: (select, outer) => bindSelect(b, select, outer, outer.ctes),
  };
}

export function fromContext(
  b: Binder,
  parent: Scope | null,
  ctes: readonly CteEntry[],
  locks: readonly LockRequest[],
  statement: object,
): FromContext {
  return {
    binder: b,
    statement,
    parent,
    ctes,
    locks,
    expressions: (scope, clause, sets) => exprContext(b, scope, clause, { sets }),
    bindSubselect: (select, outer, visible, lock = null) => bindSelect(b, select, outer, visible, { lock }),
  };
}

/** The plan of a whole SELECT statement; `parent` is the scope of the query it stands in. */
export function bindSelect(
  b: Binder,
  select: SelectStmt,
  parent: Scope | null,
  ctes: readonly CteEntry[],
  options: SelectOptions = {},
): Plan {
  if (select.intoClause !== undefined)
    throw errorAt('42601', 'SELECT ... INTO is not allowed here', select.intoClause.rel?.location ?? 0);
  if (select.withClause === undefined) return bindBody(b, select, parent, ctes, options);
  return withClause(b, select.withClause, parent, ctes, (visible) => bindBody(b, select, parent, visible, options));
}

/** Binds the WITH items, then the statement that uses them. */
export function withClause(
  b: Binder,
  clause: WithClause,
  parent: Scope | null,
  outer: readonly CteEntry[],
  body: (visible: readonly CteEntry[]) => Plan,
): Plan {
  const definitions = bindItems(b, clause, parent, outer);
  const input = body([...outer, ...definitions.map((d) => d.entry)]);
  const kept = definitions.filter((d) => d.definition.modifies || d.entry.references > 0);
  if (kept.length === 0) return input;
  return { kind: 'with', columns: input.columns, ctes: kept.map((d) => d.definition), input };
}

interface BoundItem {
  readonly definition: CteDefinition;
  readonly entry: CteEntry;
}

/** Each after those that it uses, which are what the WITH of a recursive query has too. */
function bindItems(b: Binder, clause: WithClause, parent: Scope | null, outer: readonly CteEntry[]): BoundItem[] {
  const definitions: BoundItem[] = [];
  let visible = outer;
  for (const { cte, recursive } of orderedItems(clause)) {
    const within = recursive ? as(cte.ctequery, 'SelectStmt')?.withClause : undefined;
    const inner = within === undefined ? [] : bindItems(b, within, parent, visible);
    const seen = [...visible, ...inner.map((d) => d.entry)];
    const done = definitions.length;
    if (clause !== b.ownWith && as(cte.ctequery, 'SelectStmt') === undefined) {
      const message = 'WITH clause containing a data-modifying statement must be at the top level';
      throw errorAt('0A000', message, cte.location ?? -1);
    }
    if (clause.recursive !== true)
      b.later.push((clause.ctes ?? []).slice(done).map((item) => must(item, 'CommonTableExpr').ctename ?? ''));
    const made = bindCte(b, cte, cte.ctename ?? '', parent, seen, recursive);
    if (clause.recursive !== true) b.later.pop();
    definitions.push(...inner, made);
    visible = [...visible, made.entry];
  }
  return definitions;
}

const isFenced = (cte: CommonTableExpr): boolean => cte.ctematerialized === 'CTEMaterializeAlways';

function bindCte(
  b: Binder,
  cte: CommonTableExpr,
  name: string,
  parent: Scope | null,
  visible: readonly CteEntry[],
  recursive: boolean,
): BoundItem {
  const id = b.nextCteId();
  const aliases = stringsOf(cte.aliascolnames);
  const rename = (columns: readonly PlanColumn[]): PlanColumn[] => {
    if (aliases.length > columns.length) {
      throw errorAt(
        '42P10',
        `WITH query "${name}" has ${columns.length} columns available but ${aliases.length} columns specified`,
        cte.location ?? -1,
      );
    }
    return columns.map((c, i) => (aliases[i] === undefined ? c : { ...c, name: aliases[i] }));
  };
  const select = as(cte.ctequery, 'SelectStmt');
  if (select === undefined) {
    if (bindModifying === null)
      throw errorAt('0A000', 'data-modifying statements in WITH are not supported', cte.location ?? -1);
    const plan = bindModifying(b, cte.ctequery!, visible);
    const silent = plan.columns.length === 0;
    const entry: CteEntry = { name, id, columns: rename(plan.columns), references: 0, definition: null, silent };
    return { entry, definition: { id, name, plan, recursive: null, modifies: true } };
  }
  const steered = cte.search_clause !== undefined || cte.cycle_clause !== undefined;
  if (!recursive) {
    if (steered) throw errorAt('42601', 'WITH query is not recursive', cte.location ?? -1);
    const plan = bindSelect(b, select, parent, visible);
    const entry: CteEntry = { name, id, columns: rename(plan.columns), references: 0, definition: null };
    return { entry, definition: { id, name, plan, recursive: null, modifies: false, fenced: isFenced(cte) } };
  }
  if (cte.cycle_clause !== undefined) cycleMarks(exprContext(b, EMPTY_SCOPE, 'CYCLE'), cte.cycle_clause);
  const order = steered
    ? new RecursiveOrder(cte, select, (side) => rename(bindSelect(b, side, parent, visible).columns))
    : null;
  const base = bindSelect(b, order === null ? select.larg! : order.first(select.larg!), parent, visible);
  const columns = rename(base.columns).map((c, i) => ({
    ...c,
    name: order?.names[i] ?? c.name,
    tableOid: 0,
    columnNumber: 0,
  }));
  const workId = b.nextCteId();
  const hidden = order?.added ?? 0;
  const self: CteEntry = { name, id: workId, columns, hidden, references: 0, definition: null, isSelf: true };
  const next = order === null ? select.rarg! : order.next(select.rarg!, selfReference(select.rarg!, name));
  if (order !== null) noteInner(b, select.rarg!, next);
  b.notes?.sides.set(
    select,
    columns.slice(0, columns.length - hidden).map((c) => c.oid),
  );
  const bound = bindSelect(b, next, parent, [...visible, self], { keepUnknown: true });
  if (bound.columns.length !== columns.length) {
    throw errorAt('42601', 'each UNION query must have the same number of columns', cte.location ?? -1);
  }
  if (select.all !== true)
    requireEqualities(
      columns.map((c) => c.oid),
      leftmost(select).targetList,
    );
  bound.columns.forEach((c, i) => {
    const wanted = columns[i]!;
    const location = locationOf(as(leftmost(select).targetList?.[i], 'ResTarget')?.val);
    const overall = c.oid === OID.unknown ? wanted.oid : commonType(b, [wanted, c].map(columnExpr), 'UNION', location);
    if (overall !== wanted.oid || (wanted.typmod >= 0 && c.oid !== OID.unknown && c.typmod !== wanted.typmod)) {
      throw errorAt(
        '42804',
        `recursive query "${name}" column ${i + 1} has type ${formatType(wanted.oid, wanted.typmod)} in non-recursive term but type ${formatType(overall)} overall`,
        location,
        { hint: 'Cast the output of the non-recursive term to the correct type.' },
      );
    }
  });
  const term = coerceOutput(
    b,
    bound,
    columns.map((c) => c.oid),
    'UNION',
  );
  const entry: CteEntry = { name, id, columns, hidden: order?.unseen ?? 0, references: 0, definition: null };
  return {
    entry,
    definition: { id, name, plan: base, recursive: { term, workId, all: select.all === true }, modifies: false },
  };
}

/** The recursive side of a query with SEARCH or CYCLE is bound inside of another. */
function noteInner(b: Binder, side: SelectStmt, around: SelectStmt): void {
  const inner = as(as(around.fromClause?.[0], 'RangeSubselect')?.subquery, 'SelectStmt');
  if (inner !== undefined) b.notes?.rewritten.set(side, inner);
}

function bindBody(
  b: Binder,
  select: SelectStmt,
  parent: Scope | null,
  ctes: readonly CteEntry[],
  options: SelectOptions,
): Plan {
  if (select.op !== undefined && select.op !== 'SETOP_NONE') return bindSetOperation(b, select, parent, ctes, options);
  if (select.valuesLists !== undefined) return bindValues(b, select, parent, ctes, options);
  return bindPlainSelect(b, select, parent, ctes, options);
}

// ---- VALUES ----

function bindValues(
  b: Binder,
  select: SelectStmt,
  parent: Scope | null,
  ctes: readonly CteEntry[],
  options: SelectOptions,
): Plan {
  refuseValuesLock(select);
  const scope = new Scope(parent, [], [], ctes);
  const ctx = exprContext(b, scope, 'VALUES');
  const lists = (select.valuesLists ?? []).map((list) => expandedStars(ctx, as(list, 'List')?.items ?? []));
  const rows = lists.map((list) => list.map((n) => bindExpr(ctx, n)));
  const width = rows[0]?.length ?? 0;
  const unlike = rows.findIndex((r) => r.length !== width);
  if (unlike >= 0) throw errorAt('42601', 'VALUES lists must all be the same length', locationOf(lists[unlike]![0]));
  const columns: PlanColumn[] = [];
  const coerced: Expr[][] = rows.map(() => []);
  for (let i = 0; i < width; i++) {
    const column = rows.map((r) => r[i]!);
    const allUnknown = column.every((e) => typeOfExpr(b, e) === OID.unknown);
    const oid =
      allUnknown && options.keepUnknown === true
        ? OID.unknown
        : commonType(
            b,
            column,
            'VALUES',
            lists.map((l) => startOf(l[i])),
          );
    column.forEach((e, r) => {
      coerced[r]!.push(oid === OID.unknown ? e : coerce(b, e, oid, 'implicit', locationOf(lists[r]?.[i])));
    });
    const declared = commonDeclared(column, oid);
    const same = coerced.every((r) => r[i]!.typmod === coerced[0]![i]!.typmod && declaredOid(r[i]!) === declared);
    columns.push(b.column(`column${i + 1}`, declared, same ? coerced[0]![i]!.typmod : -1));
  }
  b.notes?.values.set(select, coerced);
  const plan: Plan = { kind: 'values', columns, rows: coerced };
  return orderAndLimit(b, select, plan, (what) => exprContext(b, scope, what));
}

// ---- set operations ----

function bindSetOperation(
  b: Binder,
  select: SelectStmt,
  parent: Scope | null,
  ctes: readonly CteEntry[],
  options: SelectOptions,
): Plan {
  const names = { SETOP_UNION: 'UNION', SETOP_INTERSECT: 'INTERSECT', SETOP_EXCEPT: 'EXCEPT' } as const;
  const what = names[select.op as keyof typeof names];
  const op = what === 'UNION' ? 'union' : what === 'INTERSECT' ? 'intersect' : 'except';
  refuseUnitedLocks(select.larg!);
  const left = bindSelect(b, select.larg!, parent, ctes, { keepUnknown: true });
  const into = select.rarg!.intoClause?.rel;
  if (into !== undefined)
    throw errorAt('42601', 'INTO is only allowed on first SELECT of UNION/INTERSECT/EXCEPT', into.location ?? 0);
  refuseUnitedLocks(select.rarg!);
  const right = bindSelect(b, select.rarg!, parent, ctes, { keepUnknown: true });
  if (left.columns.length !== right.columns.length) {
    throw errorAt('42601', `each ${what} query must have the same number of columns`, firstLocation(select.rarg));
  }
  const oids = left.columns.map((l, i) => {
    const r = right.columns[i]!;
    return commonType(b, [columnExpr(l), columnExpr(r)], what, firstLocation(select.rarg));
  });
  b.notes?.sides.set(select, oids);
  if (select.all !== true || op !== 'union') requireEqualities(oids, leftmost(select).targetList);
  const l = coerceOutput(b, left, oids, what);
  const r = coerceOutput(b, right, oids, what);
  const columns = l.columns.map((c, i) => {
    const theirs = r.columns[i]!;
    const sides = [left.columns[i]!, right.columns[i]!].map(columnExpr);
    const declared = commonDeclared(sides, oids[i]!);
    const same = c.typmod === theirs.typmod && [c, theirs].every((one) => (one.domain ?? one.oid) === declared);
    const column = b.column(c.name, declared, same ? c.typmod : -1);
    noteSameRecords(b.recordColumns, column.id, [c, theirs].map(columnExpr));
    return column;
  });
  const plan: SetOpPlan = { kind: 'setop', op, all: select.all === true, columns, left: l, right: r };
  refuseUnitedLocks(select, options.lock);
  return orderAndLimit(b, select, plan, (what) => exprContext(b, new Scope(parent, [], [], ctes), what));
}

/** The first query of a set operation. */
function leftmost(select: SelectStmt): SelectStmt {
  let first = select;
  while (first.larg !== undefined) first = first.larg;
  return first;
}

function firstLocation(select: SelectStmt | undefined): number {
  return locationOf(as(select?.targetList?.[0], 'ResTarget')?.val);
}

/** The plan with its output columns cast; literals of the top SELECT are read as the wanted type. */
export function coerceOutput(
  b: Binder,
  plan: Plan,
  oids: readonly number[],
  what: string,
  columnsFor?: readonly { name: string; typeOid: number; typmod: number }[],
): Plan {
  const convert = (e: Expr, i: number): Expr => {
    const assigned = columnsFor?.[i];
    if (assigned !== undefined) return coerceAssignment(b, e, assigned, e.kind === 'column' ? e.location : -1);
    const result = tryCoerce(b, e, oids[i]!, -1, 'implicit');
    if (result === null)
      throw errorAt(
        '42846',
        `${what} could not convert type ${formatType(typeOfExpr(b, e))} to ${formatType(oids[i]!)}`,
        -1,
      );
    return result;
  };
  const retype = (c: PlanColumn, e: Expr): PlanColumn => {
    const { id, name, tableOid, columnNumber } = c;
    const made = { id, name, oid: e.oid, typmod: e.typmod, tableOid, columnNumber };
    const declared = declaredOid(e);
    return declared === e.oid ? made : { ...made, domain: declared };
  };
  if (plan.kind === 'project') {
    const items = plan.items.map((item, i): ProjectItem => {
      const expr = convert(item.expr, i);
      return expr === item.expr ? item : { column: retype(item.column, expr), expr };
    });
    return { ...plan, items, columns: items.map((i) => i.column) };
  }
  if (plan.kind === 'values') {
    const rows = plan.rows.map((row) => row.map(convert));
    const columns = plan.columns.map((c, i) => retype(c, rows[0]![i]!));
    return { ...plan, rows, columns };
  }
  const items = plan.columns.map((column, i): ProjectItem => {
    const expr = convert(columnExpr(column), i);
    return expr.kind === 'column'
      ? { column, expr }
      : { column: { ...b.column(column.name, expr.oid, expr.typmod) }, expr };
  });
  if (items.every((i) => i.expr.kind === 'column')) return plan;
  return { kind: 'project', columns: items.map((i) => i.column), input: plan, items };
}

// ---- plain SELECT ----

function bindPlainSelect(
  b: Binder,
  select: SelectStmt,
  parent: Scope | null,
  ctes: readonly CteEntry[],
  options: SelectOptions,
): Plan {
  const locks = lockRequests(b, select, options.lock ?? null);
  const from = bindFrom(fromContext(b, parent, ctes, locks, select), select.fromClause ?? []);
  checkLocks(locks, from);
  const scope = new Scope(parent, from.relations, from.columns, ctes);
  const namedWindows = new Map<string, Node>();
  for (const w of select.windowClause ?? []) {
    const { name, location } = must(w, 'WindowDef');
    if (namedWindows.has(name ?? '')) throw errorAt('42P20', `window "${name}" is already defined`, location ?? -1);
    namedWindows.set(name ?? '', w);
  }
  const output = exprContext(b, scope, 'SELECT', { aggregates: true, windows: true, sets: true, namedWindows });
  const isTyped = options.keepUnknown !== true || select.distinctClause !== undefined;
  const targets = bindTargets(output, select.targetList ?? [], !isTyped);
  checkTargets(targets.length);
  // A plain selection is locked as a part of the query around it.
  const locked =
    options.lock != null && isPlainSelection(select) ? { plan: from.plan, targets: [] } : withoutLocks(from.plan);
  let { plan } = locked;
  let where: Expr | null = null;
  if (select.whereClause !== undefined) {
    where = coerceBoolean(
      b,
      bindExpr(exprContext(b, scope, 'WHERE'), select.whereClause),
      'WHERE',
      locationOf(select.whereClause),
    );
    plan = { kind: 'filter', columns: plan.columns, input: plan, condition: where };
  }
  const having =
    select.havingClause === undefined
      ? null
      : coerceBoolean(
          b,
          bindExpr({ ...output, clause: 'HAVING', windows: false, sets: false }, select.havingClause),
          'HAVING',
          locationOf(select.havingClause),
        );
  // In this order the clauses' errors are told.
  const keys = bindOrder(b, select, output, targets);
  const groups = bindGroups(b, select, scope, output, targets);
  const distinctOn = bindDistinctOn(b, select, output, targets);
  checkDistinct(select, distinctOn, keys, targets);

  // Everything that is evaluated above the FROM: targets, sort keys, DISTINCT ON.
  const { raised } = scope;
  if (b.notes !== null) {
    b.notes.selects.set(select, { targets, where, having, keys, on: distinctOn, raised });
  }
  // Of those that nothing names too: what is wrong with them is told, and they may read no more than the groups.
  const windows = bindWindows(output, select.windowClause ?? []);
  const named = [...keys.map((k) => k.expr), ...distinctOn];
  const exprs = [
    ...targets.map((t) => t.expr),
    ...(groups.sets === null ? named : named.map((e) => firstTarget(targets, e))),
    ...windows,
  ];
  const state = { having, raised, exprs };
  const grouped = applyAggregation(b, from, plan, groups, state);
  const width = targets.length;
  const windowed = applyWindows(b, grouped.plan, grouped.exprs, { from: width, to: width + keys.length });
  const made: Output = {
    targets: targets.map((t, i) => ({ ...t, expr: windowed.exprs[i]! })),
    keys: keys.map((k, i) => ({ ...k, expr: windowed.exprs[width + i]! })),
    on: distinctOn.map((_, i) => windowed.exprs[width + keys.length + i]!),
  };
  if (locks.length > 0) {
    refuseLocks(locks[0]!.clause, {
      distinct: select.distinctClause !== undefined,
      groups: groups.given,
      having: having !== null,
      aggregates: grouped.plan.kind === 'aggregate',
      windows: windowed.plan !== grouped.plan,
      sets: targets.some((t) => some(t.expr, (e) => e.kind === 'srf')),
    });
  }
  const bounds = rowBounds(b, select, (what) => exprContext(b, scope, what), keys);
  if (locked.targets.length === 0) return outputOf(b, select, windowed.plan, made, bounds);
  return lockedOutput(b, select, { ...locked, plan: windowed.plan }, made, bounds);
}

function bindTargets(ctx: ExprContext, list: readonly Node[], keepUnknown: boolean): Target[] {
  const targets: Target[] = [];
  for (const item of list) {
    const target = must(item, 'ResTarget') as ResTarget;
    const val = target.val!;
    const star = starColumns(ctx, val);
    if (star !== null) {
      targets.push(...starTargets(ctx, item, star));
      continue;
    }
    const recordStar = indirectStar(ctx, val);
    if (recordStar !== null) {
      noteFields(ctx, item, recordStar);
      targets.push(...recordStar);
      continue;
    }
    const bound = bindExpr(ctx, val);
    const expr = keepUnknown ? bound : resolveUnknown(ctx.binder, bound);
    targets.push({ name: target.name ?? outputNameOf(val, expr), expr, location: locationOf(val), node: val });
  }
  return targets;
}

export interface BoundGroups {
  readonly given: boolean;
  readonly exprs: readonly Expr[];
  /** Positions in `exprs`: those that are outputs first, in the outputs' order. Of what reads alike the first is meant. */
  readonly byTarget: readonly number[];
  readonly sets: readonly (readonly number[])[] | null;
}

function bindGroups(
  b: Binder,
  select: SelectStmt,
  scope: Scope,
  output: ExprContext,
  targets: readonly Target[],
): BoundGroups {
  const clause = select.groupClause ?? [];
  const exprs: Expr[] = [];
  const ctx: ExprContext = { ...output, clause: 'GROUP BY', aggregates: false, windows: false };
  const isSets = clause.some((node) => as(node, 'GroupingSet') !== undefined);
  const add = (found: Expr): number => {
    const e = isSets ? firstTarget(targets, found) : found;
    const at = exprs.findIndex((x) => (isSets && isTarget(targets, e) ? x === e : sameExpr(x, e)));
    if (at >= 0) return at;
    exprs.push(e);
    return exprs.length - 1;
  };
  const one = (node: Node): number[] => {
    const row = as(node, 'RowExpr');
    if (row !== undefined && row.row_format === 'COERCE_IMPLICIT_CAST') return (row.args ?? []).flatMap(one);
    const item = groupItem(b, ctx, scope, node, targets);
    requireEquality(item, locationOf(node));
    b.notes?.groups.set(node, item);
    return [add(item)];
  };
  let sets: number[][] = [[]];
  for (const node of clause) sets = combinedSets(sets, groupingAlternatives(node, one));
  const outputs = targets.map((t) => exprs.indexOf(t.expr)).filter((at) => at >= 0);
  const byTarget = isSets ? [...new Set([...outputs, ...exprs.keys()])] : [...exprs.keys()];
  const kept = !isSets ? null : select.groupDistinct ? distinctSets(sets) : sets;
  return { given: clause.length > 0, exprs, byTarget, sets: kept };
}

/** GROUP BY: a position, an input column, an output name, or an expression. */
function groupItem(b: Binder, ctx: ExprContext, scope: Scope, node: Node, targets: readonly Target[]): Expr {
  const check = (target: Target): Expr => {
    const e = target.expr;
    const at = locationOf(target.node ?? node);
    if (some(e, (x) => x.kind === 'aggregate'))
      throw errorAt('42803', 'aggregate functions are not allowed in GROUP BY', at);
    if (some(e, (x) => x.kind === 'window')) throw errorAt('42P20', 'window functions are not allowed in GROUP BY', at);
    return e;
  };
  const position = positionOf(node, targets.length, 'GROUP BY');
  if (position !== null) return check(targets[position]!);
  const names = stringsOf(as(node, 'ColumnRef')?.fields);
  if (names.length === 1 && as(as(node, 'ColumnRef')?.fields?.[0], 'A_Star') === undefined) {
    const own = new Scope(null, scope.relations, scope.columns, scope.ctes);
    if (findColumn(own, names[0]!, locationOf(node)) === null) {
      const found = targets.filter((t) => t.name === names[0]);
      if (found.length > 0) {
        if (found.some((t) => !sameExpr(t.expr, found[0]!.expr)))
          throw errorAt('42702', `GROUP BY "${names[0]}" is ambiguous`, locationOf(node));
        return check(found[0]!);
      }
    }
  }
  return orRepeated(node, resolveUnknown(b, bindExpr(ctx, node)), targets);
}
