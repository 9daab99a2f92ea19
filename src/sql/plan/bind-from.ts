/** FROM: tables, subqueries, functions, joins with ON, USING and NATURAL, LATERAL. */
import type { Alias, JoinExpr, Node, RangeFunction, RangeVar, SelectStmt } from 'libpg-query';
import { RIGHTS } from '../catalog/acl.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { Relation, VirtualTable } from '../contract.js';
import { viewReader } from './access-notes.js';
import { as, kindOf, locationOf, stringsOf } from './ast.js';
import { Scope, columnExpr, errorAt } from './binder.js';
import type { Binder, BoundFrom, CteEntry, ExprContext, LockRequest, ScopeColumn, ScopeRelation } from './binder.js';
import { bindExpr } from './bind-expr.js';
import { bindRangeFunction } from './bind-range-function.js';
import { bindSample } from './bind-sample.js';
import { makeOperator } from './bind-call.js';
import { coerce, coerceBoolean, commonType } from './coerce.js';
import { toCommon } from './bind-expr.js';
import { conjunction, TRUE } from './expr.js';
import type { Expr } from './expr.js';
import type { JoinPlan, JoinType, Lock, Plan, PlanColumn, ProjectItem, ScanColumn, ScanPlan } from './logical.js';
import { pinOf } from '../catalog/pins.js';
import type { Pin } from '../catalog/pins.js';
import { freeColumns, idsOf, walkPlan } from './plan-walk.js';
import { noteRecord } from './record-columns.js';
import { SEQUENCE_COLUMNS, sequenceRelation } from './sequence-relation.js';
import { viewTree } from './view-tree.js';
import { asNullable, namesOfRows, rowOfTable, withPresence } from './whole-row.js';
import { commonDeclared, declaredOid } from './declared-types.js';

export interface FromContext {
  readonly binder: Binder;
  /** The enclosing query's scope. */
  readonly parent: Scope | null;
  readonly ctes: readonly CteEntry[];
  readonly locks: readonly LockRequest[];
  /** The statement that the FROM stands in. */
  readonly statement: object;
  /** The relations that UPDATE or DELETE changes, if this is its FROM. */
  readonly target?: readonly ScopeRelation[];
  /** What is bound may be on the nullable side of an outer join. */
  readonly mayBeAbsent?: true;
  /** How expressions are bound over a scope. */
  expressions(scope: Scope, clause: string, sets: boolean): ExprContext;
  bindSubselect(select: SelectStmt, parent: Scope | null, ctes: readonly CteEntry[], lock?: Lock | null): Plan;
}

export const NOTHING: BoundFrom = { plan: { kind: 'one', columns: [] }, relations: [], columns: [] };

export function bindFrom(ctx: FromContext, items: readonly Node[]): BoundFrom {
  let bound: BoundFrom | null = null;
  for (const item of items) {
    const next = bindFromItem(ctx, item, bound);
    bound = bound === null ? next : crossJoin(bound, next);
    checkAliases(bound.relations);
  }
  return bound ?? NOTHING;
}

function checkAliases(relations: readonly ScopeRelation[]): void {
  const seen = new Map<string, string | null>();
  for (const r of relations) {
    if (r.alias === '') continue;
    const other = seen.get(r.alias);
    if (other !== undefined && (other === r.schema || other === null || r.schema === null)) {
      throw errorAt('42712', `table name "${r.alias}" specified more than once`, -1);
    }
    seen.set(r.alias, r.schema);
  }
}

function crossJoin(left: BoundFrom, right: BoundFrom): BoundFrom {
  return {
    plan: join('inner', left.plan, right.plan, TRUE),
    relations: [...left.relations, ...right.relations],
    columns: [...left.columns, ...right.columns],
  };
}

export function join(type: JoinType, left: Plan, right: Plan, condition: Expr): JoinPlan {
  const leftIds = idsOf(left);
  let lateral = false;
  for (const id of freeColumns(right)) if (leftIds.has(id)) lateral = true;
  const columns = type === 'semi' || type === 'anti' ? left.columns : [...left.columns, ...right.columns];
  return { kind: 'join', type, columns, left, right, condition, lateral };
}

function bindFromItem(ctx: FromContext, node: Node, left: BoundFrom | null): BoundFrom {
  ctx.binder.countRelation();
  const bound = bindItem(ctx, node, left);
  ctx.binder.notes?.from.set(node, bound);
  // The row of a join under a name is there in any case, as in PostgreSQL.
  const isJoin = kindOf(node) === 'JoinExpr';
  return ctx.mayBeAbsent === true && !isJoin && namesRow(ctx, bound) ? withPresence(ctx.binder, bound) : bound;
}

function namesRow({ binder, statement }: FromContext, { relations }: BoundFrom): boolean {
  if (relations.every((r) => r.rowOf !== undefined && r.rowOf.present !== null)) return false;
  let names = binder.namesOfRows.get(statement);
  if (names === undefined) {
    names = namesOfRows(statement);
    binder.namesOfRows.set(statement, names);
  }
  return relations.some((r) => names.has(r.alias));
}

function bindItem(ctx: FromContext, node: Node, left: BoundFrom | null): BoundFrom {
  switch (kindOf(node)) {
    case 'RangeVar':
      return bindRangeVar(ctx, as(node, 'RangeVar')!);
    case 'RangeSubselect': {
      const item = as(node, 'RangeSubselect')!;
      const select = as(item.subquery, 'SelectStmt')!;
      const lateral = item.lateral === true;
      const parent =
        lateral && left !== null ? new Scope(ctx.parent, left.relations, left.columns, ctx.ctes) : ctx.parent;
      const lock = lockFor(ctx, item.alias?.aliasname ?? '');
      const bind = (): Plan => ctx.bindSubselect(select, parent, ctx.ctes, lock);
      const plan = lateral ? besideTarget(ctx, bind) : ctx.binder.beside(left?.relations ?? [], bind);
      ctx.binder.subqueries.add(plan);
      return derived(plan, item.alias, null, null);
    }
    case 'RangeFunction':
      return besideTarget(ctx, () => derivedFunction(ctx, as(node, 'RangeFunction')!, left));
    case 'JoinExpr':
      return bindJoin(ctx, as(node, 'JoinExpr')!, left);
    case 'RangeTableSample':
      return bindSample(ctx, as(node, 'RangeTableSample')!, bindRangeVar);
    default:
      throw errorAt('0A000', `this kind of FROM item is not supported (${kindOf(node)})`, locationOf(node));
  }
}

function besideTarget<T>({ binder, target }: FromContext, bind: () => T): T {
  if (target === undefined) return bind();
  binder.target = target;
  try {
    return bind();
  } finally {
    binder.target = [];
  }
}

function derivedFunction(ctx: FromContext, item: RangeFunction, left: BoundFrom | null): BoundFrom {
  const { plan, name, scalar, names, added } = bindRangeFunction(ctx, item, left);
  const bound = derived(plan, item.alias, name, null, { names, hides: (i) => added.has(i) });
  return scalar ? { ...bound, relations: bound.relations.map((relation) => ({ ...relation, scalar })) } : bound;
}

/** A plan under an alias, perhaps with new names for its columns. */
function derived(
  plan: Plan,
  alias: Alias | undefined,
  fallback: string | null,
  table: TableDescriptor | null,
  hidden: number | { readonly names: readonly (string | undefined)[]; readonly hides: (i: number) => boolean } = 0,
): BoundFrom {
  const name = alias?.aliasname ?? fallback ?? '';
  const names = typeof hidden === 'number' ? stringsOf(alias?.colnames) : hidden.names;
  const visible = plan.columns.length - (typeof hidden === 'number' ? hidden : 0);
  if (names.length > visible) {
    throw errorAt(
      '42P10',
      `table "${name}" has ${visible} columns available but ${names.length} columns specified`,
      -1,
    );
  }
  const columns = plan.columns.map((column, i): ScopeColumn => ({
    column: names[i] === undefined ? column : { ...column, name: names[i] },
    hidden: typeof hidden === 'number' ? i >= visible : hidden.hides(i),
  }));
  return { plan, relations: [{ alias: name, schema: null, columns, table }], columns };
}

function findCte(ctes: readonly CteEntry[], name: string): CteEntry | null {
  for (let i = ctes.length - 1; i >= 0; i--) if (ctes[i]!.name === name) return ctes[i]!;
  return null;
}

function bindRangeVar(ctx: FromContext, range: RangeVar): BoundFrom {
  const b = ctx.binder;
  const name = range.relname ?? '';
  const location = range.location ?? 0;
  if (range.catalogname !== undefined && range.catalogname !== b.catalog.database) {
    throw errorAt(
      '0A000',
      `cross-database references are not implemented: "${range.catalogname}.${range.schemaname ?? ''}.${name}"`,
      location,
    );
  }
  if (range.schemaname === undefined) {
    const cte = findCte(ctx.ctes, name);
    if (cte !== null) {
      if (cte.silent === true)
        throw errorAt('0A000', `WITH query "${name}" does not have a RETURNING clause`, location);
      cte.references++;
      const columns = cte.columns.map((c) => {
        const column = b.column(c.name, c.domain ?? c.oid, c.typmod, c.tableOid, c.columnNumber);
        noteRecord(b.recordColumns, column.id, columnExpr(c));
        return column;
      });
      const bound = derived({ kind: 'ctescan', cte: cte.id, name, columns }, range.alias, name, null, cte.hidden);
      if (cte.isSelf !== true) return bound;
      return { ...bound, relations: bound.relations.map((r) => ({ ...r, isSelf: true })) };
    }
  }
  const pin = pinOf(range);
  if (pin !== undefined) return bindPinned(ctx, range, pin);
  const relation = b.catalog.relation({ schema: range.schemaname ?? null, name });
  if (relation === null) {
    const shown = range.schemaname === undefined ? name : `${range.schemaname}.${name}`;
    const isLater = range.schemaname === undefined && b.later.some((names) => names.includes(name));
    throw errorAt('42P01', `relation "${shown}" does not exist`, location, isLater ? laterQuery(name) : {});
  }
  switch (relation.kind) {
    case 'table': {
      refuseUnready(b, relation.table, lockFor(ctx, range.alias?.aliasname ?? name));
      b.dependOn(relation.table);
      const columns = shownColumns(relation.table);
      b.pins?.set(range, { id: relation.table.id, columns, schema: relation.schemaName });
      const lock = lockFor(ctx, range.alias?.aliasname ?? name);
      const plan = scanOf(b, relation.table, relation.schemaName, range.alias?.aliasname ?? name, lock);
      noteRead(b, plan);
      return scanRelation(plan, relation.schemaName, range.alias);
    }
    case 'view': {
      const columns = relation.view.columns.map((c): [number, string] => [c.id, c.name]);
      b.pins?.set(range, { id: relation.view.id, columns, schema: relation.schemaName });
      return bindView(ctx, range, relation, null);
    }
    case 'sequence':
      if (lockFor(ctx, range.alias?.aliasname ?? name) !== null)
        throw errorAt('42809', `cannot lock rows in sequence "${name}"`, -1);
      b.pins?.set(range, { id: relation.sequence.id, columns: SEQUENCE_COLUMNS, schema: relation.schemaName });
      return bindSequence(ctx, range, relation);
    case 'virtual':
      return bindVirtual(ctx, range, relation);
  }
}

function laterQuery(name: string): { readonly detail: string; readonly hint: string } {
  return {
    detail: `There is a WITH item named "${name}", but it cannot be referenced from this part of the query.`,
    hint: 'Use WITH RECURSIVE, or re-order the WITH items to remove forward references.',
  };
}

/** `name`: by which the query knows it without an alias. */
function bindVirtual(
  ctx: FromContext,
  range: RangeVar,
  relation: VirtualTable,
  isCatalog = true,
  name = relation.name,
): BoundFrom {
  const b = ctx.binder;
  const columns = relation.columns.map((c, i): ScanColumn => ({
    ...b.column(c.name, c.typeOid, -1, relation.oid, i + 1),
    position: i,
  }));
  b.access.columns(
    b.access.relation({ id: relation.oid, name: relation.name }, RIGHTS.select, { virtual: isCatalog }),
    columns,
  );
  const plan: Plan = { kind: 'virtual', relation, alias: range.alias?.aliasname ?? name, columns, filter: null };
  const bound = derived(plan, range.alias, name, null);
  return {
    ...bound,
    relations: bound.relations.map((r) => ({
      ...r,
      schema: range.alias === undefined ? relation.schema : null,
      ...(relation.schema !== 'information_schema' ? { catalogOid: relation.oid } : {}),
    })),
  };
}

function bindSequence(
  ctx: FromContext,
  range: RangeVar,
  { sequence, schemaName }: Extract<Relation, { kind: 'sequence' }>,
): BoundFrom {
  ctx.binder.dependOnSequence(sequence);
  return bindVirtual(ctx, range, sequenceRelation(sequence, schemaName), false, range.relname);
}

function shownColumns(table: TableDescriptor): [number, string][] {
  return table.columns.filter((c) => !c.dropped && !c.hidden).map((c) => [c.id, c.name]);
}

/** A relation in the stored query of a view, under the names that its columns had when the view was made. */
function bindPinned(ctx: FromContext, range: RangeVar, pin: Pin): BoundFrom {
  const b = ctx.binder;
  // In a function's body nothing has been expanded that would know it.
  const relation = b.pinned.get(pin.id) ?? b.catalog.relation({ schema: null, name: '', id: pin.id });
  const alias = range.alias?.aliasname ?? range.relname ?? '';
  if (relation?.kind === 'view') return bindView(ctx, range, relation, pin);
  if (relation?.kind === 'sequence') return bindSequence(ctx, range, relation);
  if (relation?.kind !== 'table') throw errorAt('XX000', `a view reads relation ${pin.id}, which is not there`, -1);
  const { table, schemaName } = relation;
  refuseUnready(b, table, lockFor(ctx, alias));
  b.dependOn(table);
  const plan = scanOf(b, table, schemaName, alias, lockFor(ctx, alias));
  noteRead(b, plan);
  const byId = new Map(plan.columns.map((c) => [table.columns[c.position]!.id, c]));
  const names = stringsOf(range.alias?.colnames);
  const columns = pin.columns.flatMap(([id, name], i): ScopeColumn[] => {
    // One that was dropped since was not used.
    const column = byId.get(id);
    return column === undefined ? [] : [{ column: { ...column, name: names[i] ?? name }, hidden: false }];
  });
  const schema = range.alias === undefined ? (pin.schema ?? schemaName) : null;
  const rowOf = rowOfTable(table, plan.columns);
  return { plan, relations: [{ alias, schema, columns, table, rowOf }], columns };
}

/** A table is read; locking its rows asks for the right to change some of them. */
function noteRead(b: Binder, { table, columns, lock }: ScanPlan): void {
  const entry = b.access.relation(table, lock === null ? RIGHTS.select : RIGHTS.select | RIGHTS.update);
  b.access.columns(
    entry,
    columns.filter((column) => !table.columns[column.position]!.hidden),
  );
}

/** A materialised view has rows only after it was filled, and they are nobody's to lock. */
function refuseUnready(b: Binder, table: TableDescriptor, lock: Lock | null): void {
  if (table.materialized == null) return;
  if (lock !== null) throw errorAt('42809', `cannot lock rows in materialized view "${table.name}"`, -1);
  // A view over it may be made before.
  if (table.materialized.populated || b.pins !== null) return;
  throw errorAt('55000', `materialized view "${table.name}" has not been populated`, -1, {
    hint: 'Use the REFRESH MATERIALIZED VIEW command.',
  });
}

type ViewRelation = Extract<Relation, { kind: 'view' }>;

/** The query of a view in the place of its name. */
function bindView(ctx: FromContext, range: RangeVar, relation: ViewRelation, pin: Pin | null): BoundFrom {
  const b = ctx.binder;
  const { view, sources, schemaName } = relation;
  const alias = range.alias?.aliasname ?? range.relname ?? '';
  b.dependOn(view);
  for (const [id, source] of sources) b.pinned.set(id, source);
  const tree = viewTree(view);
  // As in PostgreSQL: what such a view reads is not locked, and that is no error.
  const isSetOperation = tree.op !== undefined && tree.op !== 'SETOP_NONE';
  const lock = isSetOperation ? null : lockFor(ctx, alias);
  const entry = b.access.relation(view, lock === null ? RIGHTS.select : RIGHTS.select | RIGHTS.update);
  const plan = b.asStored(() =>
    b.access.within(viewReader(view), false, () => ctx.bindSubselect(tree, null, [], lock)),
  );
  const was = new Map(pin?.columns);
  const columns = view.columns.map(({ id, name }, i): PlanColumn => ({
    ...plan.columns[i]!,
    name: was.get(id) ?? name,
    tableOid: view.id,
    columnNumber: id,
  }));
  b.access.columns(entry, columns);
  const shown = { ...plan, columns } as Plan;
  const bound = derived(shown, range.alias, alias, null);
  const schema = range.alias === undefined ? (pin?.schema ?? schemaName) : null;
  const rowOf = { relation: view, columns, present: null };
  return { ...bound, plan: shown, relations: bound.relations.map((r) => ({ ...r, schema, rowOf })) };
}

function lockFor(ctx: FromContext, alias: string): Lock | null {
  let lock: Lock | null = null;
  for (const request of ctx.locks) {
    if (request.tables === null || request.tables.includes(alias)) {
      lock = lock === null ? request.lock : bothOf(lock, request.lock);
    }
  }
  return lock;
}

const STRENGTHS = ['FOR KEY SHARE', 'FOR SHARE', 'FOR NO KEY UPDATE', 'FOR UPDATE'];

/** The stronger lock; and NOWAIT wins over SKIP LOCKED, which wins over waiting. */
function bothOf(a: Lock, b: Lock): Lock {
  const waits = [a.wait, b.wait];
  return {
    clause: STRENGTHS.indexOf(a.clause) > STRENGTHS.indexOf(b.clause) ? a.clause : b.clause,
    strength: a.strength === 'share' ? b.strength : a.strength,
    wait: waits.includes('nowait') ? 'nowait' : waits.includes('skip') ? 'skip' : 'block',
    whole: a.whole || b.whole,
  };
}

export function scanOf(
  b: Binder,
  table: TableDescriptor,
  schemaName: string,
  alias: string,
  lock: Lock | null,
): ScanPlan {
  const columns: ScanColumn[] = [];
  table.columns.forEach((c, position) => {
    if (!c.dropped) columns.push({ ...b.tableColumn(c, table.id, c.id), position });
  });
  return { kind: 'scan', table, schemaName, alias, columns, filter: null, lock, access: null, limit: null };
}

export function scanRelation(plan: ScanPlan, schemaName: string, alias: Alias | undefined): BoundFrom {
  const names = stringsOf(alias?.colnames);
  let at = 0;
  const columns = plan.columns.map((column): ScopeColumn => {
    const hidden = plan.table.columns[column.position]!.hidden;
    const renamed = hidden ? undefined : names[at++];
    return { column: renamed === undefined ? column : { ...column, name: renamed }, hidden };
  });
  if (names.length > at) {
    throw errorAt(
      '42P10',
      `table "${plan.alias}" has ${at} columns available but ${names.length} columns specified`,
      -1,
    );
  }
  const relation: ScopeRelation = {
    alias: plan.alias,
    schema: alias === undefined ? schemaName : null,
    columns,
    table: plan.table,
    rowOf: rowOfTable(plan.table, plan.columns),
  };
  return { plan, relations: [relation], columns };
}

const JOIN_TYPES: Readonly<Record<string, JoinType>> = {
  JOIN_INNER: 'inner',
  JOIN_LEFT: 'left',
  JOIN_RIGHT: 'right',
  JOIN_FULL: 'full',
};

function bindJoin(ctx: FromContext, item: JoinExpr, outer: BoundFrom | null): BoundFrom {
  const type = JOIN_TYPES[item.jointype ?? 'JOIN_INNER'] ?? 'inner';
  const [leftMay, rightMay] = [type === 'right' || type === 'full', type === 'left' || type === 'full'];
  const left = bindFromItem(leftMay ? { ...ctx, mayBeAbsent: true } : ctx, item.larg!, outer);
  // LATERAL on the right sees the left side, and what stands before the whole join.
  const visible: BoundFrom =
    outer === null
      ? left
      : {
          plan: left.plan,
          relations: [...outer.relations, ...left.relations],
          columns: [...outer.columns, ...left.columns],
        };
  const right = bindFromItem(rightMay ? { ...ctx, mayBeAbsent: true } : ctx, item.rarg!, visible);
  const relations = [...asNullable(left.relations, leftMay), ...asNullable(right.relations, rightMay)];
  checkAliases(relations);
  const using =
    item.isNatural === true
      ? naturalColumns(left, right)
      : item.usingClause === undefined
        ? null
        : stringsOf(item.usingClause);
  let bound: BoundFrom;
  if (using !== null) bound = bindUsing(ctx, type, left, right, relations, using, item);
  else {
    let condition: Expr = TRUE;
    if (item.quals !== undefined) {
      const scope = new Scope(ctx.parent, relations, [...left.columns, ...right.columns], ctx.ctes);
      const expressions = ctx.expressions(scope, 'JOIN conditions', false);
      const { quals } = item;
      const bare = ctx.binder.beside(outer?.relations ?? [], () => bindExpr(expressions, quals));
      condition = coerceBoolean(ctx.binder, bare, 'JOIN/ON', locationOf(quals));
    }
    bound = {
      plan: join(type, left.plan, right.plan, condition),
      relations,
      columns: [...left.columns, ...right.columns],
    };
  }
  checkLateral(type, bound.plan, left, right);
  if (item.alias === undefined) return bound;
  // An alias over the whole join hides the names inside it.
  const names = stringsOf(item.alias.colnames);
  let at = 0;
  const columns = bound.columns.map((c): ScopeColumn => {
    const name = c.hidden ? undefined : names[at++];
    return name === undefined ? c : { ...c, column: { ...c.column, name } };
  });
  if (names.length > at) {
    throw errorAt(
      '42P10',
      `join expression "${item.alias.aliasname ?? ''}" has ${at} columns available but ${names.length} columns specified`,
      -1,
    );
  }
  return {
    plan: bound.plan,
    relations: [{ alias: item.alias.aliasname ?? '', schema: null, columns, table: null, inside: relations }],
    columns,
  };
}

function checkLateral(type: JoinType, plan: Plan, left: BoundFrom, right: BoundFrom): void {
  const node = plan.kind === 'project' ? plan.input : plan;
  if (node.kind === 'join' && node.lateral && (type === 'right' || type === 'full')) {
    const used = freeColumns(right.plan);
    const named = left.relations.find((r) => r.columns.some((c) => used.has(c.column.id)));
    const own = new Set(named?.columns.map((c) => c.column.id));
    let location = -1;
    walkPlan(right.plan, (e) => {
      if (location < 0 && e.kind === 'column' && own.has(e.id)) location = e.location;
    });
    throw errorAt('42P10', `invalid reference to FROM-clause entry for table "${named?.alias ?? ''}"`, location, {
      detail: 'The combining JOIN type must be INNER or LEFT for a LATERAL reference.',
    });
  }
}

function naturalColumns(left: BoundFrom, right: BoundFrom): string[] {
  const names = new Set(right.columns.filter((c) => !c.hidden).map((c) => c.column.name));
  return left.columns.filter((c) => !c.hidden && names.has(c.column.name)).map((c) => c.column.name);
}

function bindUsing(
  ctx: FromContext,
  type: JoinType,
  left: BoundFrom,
  right: BoundFrom,
  relations: readonly ScopeRelation[],
  names: readonly string[],
  item: JoinExpr,
): BoundFrom {
  const b = ctx.binder;
  const location = locationOf(item.rarg);
  const conditions: Expr[] = [];
  const merged: { name: string; expr: Expr; column: ScopeColumn }[] = [];
  const pick = (side: BoundFrom, name: string, which: string): ScopeColumn => {
    const found = side.columns.filter((c) => c.column.name === name && !c.hidden);
    if (found.length > 1)
      throw errorAt('42702', `common column name "${name}" appears more than once in ${which} table`, -1);
    if (found.length === 0)
      throw errorAt('42703', `column "${name}" specified in USING clause does not exist in ${which} table`, -1);
    return found[0]!;
  };
  for (const name of names) {
    const l = pick(left, name, 'left');
    const r = pick(right, name, 'right');
    b.access.note(l.column);
    b.access.note(r.column);
    const le = columnExpr(l.column);
    const re = columnExpr(r.column);
    conditions.push(makeOperator(b, '=', le, re, location));
    const oid = commonType(b, [le, re], 'JOIN/USING', location);
    const typmod = l.column.typmod === r.column.typmod ? l.column.typmod : -1;
    const declared = commonDeclared([le, re], oid);
    const [lc, rc] = [le, re].map((e) => {
      const common = toCommon(b, e, oid, 'JOIN/USING', location);
      return declaredOid(common) === declared ? common : coerce(b, common, oid, 'explicit', location);
    }) as [Expr, Expr];
    // Of an inner join either side will do: the one that has the common type.
    const isRight = type === 'right' || (type === 'inner' && lc.kind !== 'column' && rc.kind === 'column');
    const plain = isRight ? { e: rc, c: r } : { e: lc, c: l };
    if (type === 'full') {
      merged.push({
        name,
        expr: { kind: 'coalesce', args: [lc, rc], oid, typmod },
        column: { column: b.column(name, declared, typmod), hidden: false },
      });
    } else if (plain.e.kind === 'column') merged.push({ name, expr: plain.e, column: plain.c });
    else merged.push({ name, expr: plain.e, column: { column: b.column(name, oid, typmod), hidden: false } });
  }
  let plan: Plan = join(type, left.plan, right.plan, conjunction(conditions));
  const made = merged.filter((m) => m.expr.kind !== 'column');
  for (const m of made) b.merged.set(m.column.column.id, m.expr);
  if (made.length > 0) {
    const items: ProjectItem[] = [
      ...plan.columns.map((column) => ({ column, expr: columnExpr(column) })),
      ...made.map((m) => ({ column: m.column.column, expr: m.expr })),
    ];
    plan = { kind: 'project', columns: items.map((i) => i.column), input: plan, items };
  }
  const rest = (side: BoundFrom): ScopeColumn[] =>
    side.columns.filter((c) => c.hidden || !names.includes(c.column.name));
  const columns = [...merged.map((m) => m.column), ...rest(left), ...rest(right)];
  const alias = item.join_using_alias?.aliasname;
  const all =
    alias === undefined
      ? relations
      : [
          ...relations,
          { alias, schema: null, columns: merged.map((m) => m.column), table: null, isUsing: true as const },
        ];
  return { plan, relations: all, columns };
}
