/**
 * INSERT, UPDATE and DELETE → plans. Values are coerced to the columns' types by assignment rules, omitted
 * columns take their defaults, CHECK expressions are bound over the new row.
 */
import type {
  DeleteStmt,
  InsertStmt,
  Node,
  OnConflictClause,
  RangeVar,
  ResTarget,
  SelectStmt,
  UpdateStmt,
} from 'libpg-query';
import type { ColumnDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { as, locationOf, must } from './ast.js';
import { Scope, columnExpr, errorAt } from './binder.js';
import type { Binder, BoundFrom, CteEntry, ExprContext, ScopeRelation, TableRelation } from './binder.js';
import { bindExpr, starColumns } from './bind-expr.js';
import { bindLinks, bindWritten } from './bind-foreign-keys.js';
import { inferArbiters } from './arbiters.js';
import { bindFrom, join, scanOf, scanRelation } from './bind-from.js';
import { bindSelect, coerceOutput, exprContext, fromContext, withClause } from './bind-select.js';
import { defaultOf, rowColumns, visibleColumns } from './bind-table.js';
import { coerceAssignment, coerceBoolean, resolveUnknown } from './coerce.js';
import { figureNameOf } from './figure-name.js';
import { isSystemName } from './system-columns.js';
import { constant, TRUE } from './expr.js';
import type { Expr } from './expr.js';
import type {
  ConflictClause,
  DeletePlan,
  InsertPlan,
  InsertSource,
  Plan,
  PlanColumn,
  ProjectItem,
  Returning,
  ScanPlan,
  UpdatePlan,
} from './logical.js';

export function targetTable(b: Binder, range: RangeVar): TableRelation {
  const name = range.relname ?? '';
  const location = range.location ?? 0;
  const relation = b.catalog.relation({ schema: range.schemaname ?? null, name });
  if (relation === null) {
    const shown = range.schemaname === undefined ? name : `${range.schemaname}.${name}`;
    throw errorAt('42P01', `relation "${shown}" does not exist`, location);
  }
  if (relation.kind === 'sequence') throw errorAt('42809', `cannot change sequence "${name}"`, -1);
  if (relation.kind === 'view') {
    throw errorAt('0A000', `changing the rows of view "${name}" is not supported`, -1, {
      hint: 'Change the rows of the tables that it reads.',
    });
  }
  if (relation.kind === 'virtual') throw errorAt('42501', `permission denied: "${name}" is a system catalog`, -1);
  b.dependOn(relation.table);
  b.modifies = true;
  return relation;
}

function bindReturning(
  b: Binder,
  list: readonly Node[] | undefined,
  scope: Scope,
  row: readonly PlanColumn[],
): Returning | null {
  if (list === undefined) return null;
  const ctx = exprContext(b, scope, 'RETURNING');
  const items: ProjectItem[] = [];
  const add = (name: string, expr: Expr, origin?: PlanColumn): void => {
    items.push({
      column: b.column(name, expr.oid, expr.typmod, origin?.tableOid ?? 0, origin?.columnNumber ?? 0),
      expr,
    });
  };
  const originOf = (e: Expr): PlanColumn | undefined => {
    if (e.kind !== 'column') return undefined;
    return scope.relations.flatMap((r) => r.columns).find((c) => c.column.id === e.id)?.column;
  };
  for (const node of list) {
    const target = must(node, 'ResTarget') as ResTarget;
    const star = starColumns(ctx, target.val!);
    if (star !== null) {
      for (const e of star) add(e.kind === 'column' ? e.name : '?column?', e, originOf(e));
      continue;
    }
    const expr = resolveUnknown(b, bindExpr(ctx, target.val!));
    add(target.name ?? figureNameOf(target.val!) ?? '?column?', expr, originOf(expr));
  }
  return { row, items };
}

function returningList(clause: { exprs?: Node[] } | undefined): readonly Node[] | undefined {
  return clause?.exprs;
}

// ---- INSERT ----

export function bindInsert(b: Binder, stmt: InsertStmt, outer: readonly CteEntry[]): Plan {
  if (stmt.withClause !== undefined) {
    return withClause(b, stmt.withClause, null, outer, (visible) => insertBody(b, stmt, visible));
  }
  return insertBody(b, stmt, outer);
}

/** Positions of the columns that values are given for. */
export function insertTargets(table: TableDescriptor, cols: readonly Node[] | undefined): number[] {
  const byName = new Map<string, number>();
  table.columns.forEach((c, i) => {
    if (!c.dropped) byName.set(c.name, i);
  });
  if (cols === undefined) {
    return table.columns.flatMap((c, i) => (c.dropped || c.hidden ? [] : [i]));
  }
  const positions: number[] = [];
  for (const node of cols) {
    const target = must(node, 'ResTarget') as ResTarget;
    const name = target.name ?? '';
    if (target.indirection !== undefined)
      throw errorAt('0A000', 'INSERT into a part of a column is not supported', target.location ?? -1);
    const position = byName.get(name);
    if (position === undefined) {
      throw errorAt('42703', `column "${name}" of relation "${table.name}" does not exist`, target.location ?? -1);
    }
    if (positions.includes(position))
      throw errorAt('42701', `column "${name}" specified more than once`, target.location ?? -1);
    positions.push(position);
  }
  return positions;
}

function insertBody(b: Binder, stmt: InsertStmt, ctes: readonly CteEntry[]): InsertPlan {
  const relation = targetTable(b, stmt.relation!);
  const { table, schemaName, freshStorage } = relation;
  const named = insertTargets(table, stmt.cols);
  const select = as(stmt.selectStmt, 'SelectStmt');
  const override = stmt.override ?? 'OVERRIDING_NOT_SET';
  const given = new Map<number, number>();
  let input: Plan = { kind: 'one', columns: [] };
  if (select !== undefined) {
    input = insertSource(b, stmt, select, table, named, ctes, override, given);
  }
  const sources = table.columns.map((column, position): InsertSource => {
    const index = given.get(position);
    if (column.dropped) return { kind: 'expr', expr: constant(null, column.typeOid) };
    if (index !== undefined && !(override === 'OVERRIDING_USER_VALUE' && column.identity !== null))
      return { kind: 'input', index };
    if (column.hidden && column.defaultSql === null) return { kind: 'rowid' };
    return { kind: 'expr', expr: defaultOf(b, column) };
  });
  const checks = bindWritten(b, relation);
  const alias = stmt.relation?.alias?.aliasname ?? table.name;
  const schema = stmt.relation?.alias === undefined ? relation.schemaName : null;
  const conflict =
    stmt.onConflictClause === undefined ? null : bindConflict(b, stmt.onConflictClause, table, { alias, schema }, ctes);
  const columns = visibleColumns(table, checks.row);
  const scope = new Scope(null, [{ alias, schema, columns, table }], columns, ctes);
  const returning = bindReturning(b, returningList(stmt.returningClause), scope, checks.row);
  return {
    kind: 'insert',
    columns: returning?.items.map((i) => i.column) ?? [],
    table,
    schemaName,
    freshStorage: freshStorage === true,
    input,
    sources,
    checks,
    conflict,
    returning,
  };
}

export function checkWidth(
  given: number,
  targets: readonly number[],
  cols: readonly Node[] | undefined,
  table: TableDescriptor,
  location: number,
): void {
  if (given > targets.length) throw errorAt('42601', 'INSERT has more expressions than target columns', location);
  if (given < targets.length && cols !== undefined) {
    throw errorAt('42601', 'INSERT has more target columns than expressions', locationOf(cols[given]));
  }
  if (table.columns.length === 0 && given > 0)
    throw errorAt('42601', 'INSERT has more expressions than target columns', location);
}

/** What a statement that gives a generated column a value is told. */
function generatedValue(message: string, column: ColumnDescriptor): Error {
  return errorAt('428C9', message, -1, { detail: `Column "${column.name}" is a generated column.` });
}

function alwaysIdentity(column: ColumnDescriptor): Error {
  return errorAt('428C9', `cannot insert a non-DEFAULT value into column "${column.name}"`, -1, {
    detail: `Column "${column.name}" is an identity column defined as GENERATED ALWAYS.`,
    hint: 'Use OVERRIDING SYSTEM VALUE to override.',
  });
}

/** The rows to insert, coerced; fills `given` with where each table column's value is in them. */
function insertSource(
  b: Binder,
  stmt: InsertStmt,
  select: SelectStmt,
  table: TableDescriptor,
  named: readonly number[],
  ctes: readonly CteEntry[],
  override: string,
  given: Map<number, number>,
): Plan {
  const plainValues =
    select.valuesLists !== undefined &&
    select.withClause === undefined &&
    select.sortClause === undefined &&
    select.limitCount === undefined &&
    select.limitOffset === undefined;
  if (plainValues) {
    const ctx = exprContext(b, new Scope(null, [], [], ctes), 'VALUES');
    const lists = (select.valuesLists ?? []).map((l) => as(l, 'List')?.items ?? []);
    const width = lists[0]?.length ?? 0;
    if (lists.some((l) => l.length !== width))
      throw errorAt(
        '42601',
        'VALUES lists must all be the same length',
        locationOf(lists.find((l) => l.length !== width)?.[0]),
      );
    checkWidth(width, named, stmt.cols, table, locationOf(lists[0]?.[named.length]));
    // A column all of whose cells are DEFAULT is left to the defaults.
    const kept = named.slice(0, width).filter((_, i) => lists.some((l) => as(l[i], 'SetToDefault') === undefined));
    kept.forEach((position, i) => given.set(position, i));
    const rows = lists.map((list) =>
      kept.map((position): Expr =>
        insertCell(b, ctx, table.columns[position]!, list[named.indexOf(position)]!, override),
      ),
    );
    const columns = kept.map((position) => {
      const c = table.columns[position]!;
      return b.column(c.name, c.typeOid, c.typmod);
    });
    return { kind: 'values', columns, rows };
  }
  const plan = bindSelect(b, select, null, ctes, { keepUnknown: true });
  checkWidth(plan.columns.length, named, stmt.cols, table, -1);
  const targets = named.slice(0, plan.columns.length).map((p) => table.columns[p]!);
  const generated = targets.find((c) => c.generated != null);
  if (generated !== undefined)
    throw generatedValue(`cannot insert a non-DEFAULT value into column "${generated.name}"`, generated);
  const identity = targets.find((c) => c.identity === 'always');
  if (identity !== undefined && override !== 'OVERRIDING_SYSTEM_VALUE' && override !== 'OVERRIDING_USER_VALUE')
    throw alwaysIdentity(identity);
  named.slice(0, plan.columns.length).forEach((position, i) => given.set(position, i));
  return coerceOutput(b, plan, [], 'INSERT', targets);
}

export function insertCell(b: Binder, ctx: ExprContext, column: ColumnDescriptor, node: Node, override: string): Expr {
  if (as(node, 'SetToDefault') !== undefined) return defaultOf(b, column);
  if (column.generated != null)
    throw generatedValue(`cannot insert a non-DEFAULT value into column "${column.name}"`, column);
  if (column.identity === 'always' && override !== 'OVERRIDING_SYSTEM_VALUE' && override !== 'OVERRIDING_USER_VALUE')
    throw alwaysIdentity(column);
  return coerceAssignment(b, bindExpr(ctx, node), column, locationOf(node));
}

function bindConflict(
  b: Binder,
  clause: OnConflictClause,
  table: TableDescriptor,
  place: Pick<ScopeRelation, 'alias' | 'schema'>,
  ctes: readonly CteEntry[],
): ConflictClause {
  const update = clause.action === 'ONCONFLICT_UPDATE';
  const arbiters = clause.infer === undefined ? null : inferArbiters(b, clause.infer, table, place.alias);
  if (!update) return { arbiters, update: null };
  if (arbiters === null) {
    throw errorAt(
      '42601',
      'ON CONFLICT DO UPDATE requires inference specification or constraint name',
      clause.location ?? -1,
      {
        hint: 'For example, ON CONFLICT (column_name).',
      },
    );
  }
  const existing = rowColumns(b, table);
  const excluded = rowColumns(b, table);
  const own: ScopeRelation = { ...place, columns: visibleColumns(table, existing), table };
  const other: ScopeRelation = { alias: 'excluded', schema: null, columns: visibleColumns(table, excluded), table };
  // Unqualified names would be ambiguous between the two: PostgreSQL lets both be seen, so they are.
  const scope = new Scope(null, [own, other], [...own.columns, ...other.columns], ctes);
  const ctx = exprContext(b, scope, 'UPDATE');
  const assignments = bindAssignments(b, ctx, clause.targetList ?? [], table);
  const where =
    clause.whereClause === undefined
      ? null
      : coerceBoolean(b, bindExpr(ctx, clause.whereClause), 'WHERE', locationOf(clause.whereClause));
  return { arbiters, update: { excluded, existing, assignments, where } };
}

// ---- UPDATE ----

export function bindAssignments(
  b: Binder,
  ctx: ExprContext,
  list: readonly Node[],
  table: TableDescriptor,
): (Expr | null)[] {
  const assignments: (Expr | null)[] = table.columns.map(() => null);
  const shared = new Map<Node, Plan>();
  for (const node of list) {
    const target = must(node, 'ResTarget') as ResTarget;
    const name = target.name ?? '';
    const position = table.columns.findIndex((c) => c.name === name && !c.dropped);
    if (position < 0 && isSystemName(name))
      throw errorAt('0A000', `cannot assign to system column "${name}"`, target.location ?? -1);
    if (position < 0)
      throw errorAt('42703', `column "${name}" of relation "${table.name}" does not exist`, target.location ?? -1);
    if (target.indirection !== undefined)
      throw errorAt('0A000', 'UPDATE of a part of a column is not supported', target.location ?? -1);
    if (assignments[position] !== null)
      throw errorAt('42601', `multiple assignments to same column "${name}"`, target.location ?? -1);
    const column = table.columns[position]!;
    const val = target.val!;
    if (as(val, 'SetToDefault') !== undefined) {
      assignments[position] = defaultOf(b, column);
      continue;
    }
    if (column.generated != null && !isDefaultCell(val))
      throw generatedValue(`column "${name}" can only be updated to DEFAULT`, column);
    if (column.identity === 'always') {
      throw errorAt('428C9', `column "${name}" can only be updated to DEFAULT`, -1, {
        detail: `Column "${name}" is an identity column defined as GENERATED ALWAYS.`,
      });
    }
    assignments[position] = assignedValue(b, ctx, val, column, shared);
  }
  return assignments;
}

/** DEFAULT in SET (a, b) = (…, DEFAULT). */
function isDefaultCell(val: Node): boolean {
  const multi = as(val, 'MultiAssignRef');
  const row = as(multi?.source, 'RowExpr');
  return as(row?.args?.[(multi?.colno ?? 1) - 1], 'SetToDefault') !== undefined;
}

function assignedValue(
  b: Binder,
  ctx: ExprContext,
  val: Node,
  column: ColumnDescriptor,
  shared: Map<Node, Plan>,
): Expr {
  const multi = as(val, 'MultiAssignRef');
  if (multi === undefined) return coerceAssignment(b, bindExpr(ctx, val), column, locationOf(val));
  const source = multi.source!;
  const at = (multi.colno ?? 1) - 1;
  const row = as(source, 'RowExpr');
  if (row !== undefined) {
    const args = row.args ?? [];
    if (args.length !== (multi.ncolumns ?? 0))
      throw errorAt('42601', 'number of columns does not match number of values', row.location ?? -1);
    const cell = args[at]!;
    if (as(cell, 'SetToDefault') !== undefined) return defaultOf(b, column);
    return coerceAssignment(b, bindExpr(ctx, cell), column, locationOf(cell));
  }
  const link = as(source, 'SubLink');
  const select = as(link?.subselect, 'SelectStmt');
  if (select === undefined) {
    throw errorAt(
      '0A000',
      'source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression',
      locationOf(source),
    );
  }
  let plan = shared.get(source);
  if (plan === undefined) {
    plan = ctx.bindSubquery(select, ctx.scope);
    shared.set(source, plan);
  }
  if (plan.columns.length !== (multi.ncolumns ?? 0))
    throw errorAt('42601', 'number of columns does not match number of values', link?.location ?? -1);
  const picked = plan.columns[at]!;
  const out = b.column(picked.name, picked.oid, picked.typmod);
  const one: Plan = {
    kind: 'project',
    columns: [out],
    input: plan,
    items: [{ column: out, expr: columnExpr(picked) }],
  };
  const scalar: Expr = {
    kind: 'subquery',
    mode: 'scalar',
    plan: one,
    test: null,
    hashed: null,
    oid: picked.oid,
    typmod: picked.typmod,
  };
  return coerceAssignment(b, scalar, column, link?.location ?? -1);
}

interface BoundTarget {
  readonly scan: ScanPlan;
  readonly from: BoundFrom;
  readonly relation: TableRelation;
  readonly target: readonly number[];
}

/** The target's rows, locked, joined with FROM/USING and filtered. */
function bindTarget(
  b: Binder,
  relation: RangeVar,
  others: readonly Node[],
  where: Node | undefined,
  ctes: readonly CteEntry[],
): BoundTarget & { plan: Plan; scope: Scope } {
  const found = targetTable(b, relation);
  const { table, schemaName } = found;
  const alias = relation.alias?.aliasname ?? table.name;
  const scan = scanOf(b, table, schemaName, alias, { wait: 'block' });
  const own = scanRelation(scan, schemaName, relation.alias);
  let from = own;
  if (others.length > 0) {
    const rest = bindFrom(fromContext(b, null, ctes, []), others);
    if (rest.relations.some((r) => r.alias === alias))
      throw errorAt('42712', `table name "${alias}" specified more than once`, -1);
    from = {
      plan: join('inner', own.plan, rest.plan, TRUE),
      relations: [...own.relations, ...rest.relations],
      columns: [...own.columns, ...rest.columns],
    };
  }
  const scope = new Scope(null, from.relations, from.columns, ctes);
  let plan = from.plan;
  if (where !== undefined) {
    const condition = coerceBoolean(b, bindExpr(exprContext(b, scope, 'WHERE'), where), 'WHERE', locationOf(where));
    plan = { kind: 'filter', columns: plan.columns, input: plan, condition };
  }
  const target = table.columns.map((_, position) => scan.columns.find((c) => c.position === position)?.id ?? -1);
  return { scan, from, relation: found, target, plan, scope };
}

export function bindUpdate(b: Binder, stmt: UpdateStmt, outer: readonly CteEntry[]): Plan {
  if (stmt.withClause !== undefined)
    return withClause(b, stmt.withClause, null, outer, (visible) => updateBody(b, stmt, visible));
  return updateBody(b, stmt, outer);
}

function updateBody(b: Binder, stmt: UpdateStmt, ctes: readonly CteEntry[]): UpdatePlan {
  const bound = bindTarget(b, stmt.relation!, stmt.fromClause ?? [], stmt.whereClause, ctes);
  const { table } = bound.scan;
  const assignments = bindAssignments(b, exprContext(b, bound.scope, 'UPDATE'), stmt.targetList ?? [], table);
  const checks = bindWritten(b, bound.relation);
  const alias = bound.scan.alias;
  const columns = visibleColumns(table, checks.row);
  const [{ schema }, ...others] = bound.scope.relations as readonly [ScopeRelation, ...ScopeRelation[]];
  const relations: ScopeRelation[] = [{ alias, schema, columns, table }, ...others];
  const scope = new Scope(null, relations, [...columns, ...others.flatMap((r) => r.columns)], ctes);
  const returning = bindReturning(b, returningList(stmt.returningClause), scope, checks.row);
  return {
    kind: 'update',
    columns: returning?.items.map((i) => i.column) ?? [],
    table,
    schemaName: bound.relation.schemaName,
    input: bound.plan,
    target: bound.target,
    assignments,
    checks,
    joined: others.length > 0,
    returning,
  };
}

// ---- DELETE ----

export function bindDelete(b: Binder, stmt: DeleteStmt, outer: readonly CteEntry[]): Plan {
  if (stmt.withClause !== undefined)
    return withClause(b, stmt.withClause, null, outer, (visible) => deleteBody(b, stmt, visible));
  return deleteBody(b, stmt, outer);
}

function deleteBody(b: Binder, stmt: DeleteStmt, ctes: readonly CteEntry[]): DeletePlan {
  const bound = bindTarget(b, stmt.relation!, stmt.usingClause ?? [], stmt.whereClause, ctes);
  const returning = bindReturning(b, returningList(stmt.returningClause), bound.scope, []);
  return {
    kind: 'delete',
    columns: returning?.items.map((i) => i.column) ?? [],
    table: bound.scan.table,
    schemaName: bound.relation.schemaName,
    input: bound.plan,
    target: bound.target,
    links: bindLinks(b, bound.relation),
    joined: bound.scope.relations.length > 1,
    returning,
  };
}
