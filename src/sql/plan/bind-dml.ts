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
import { RIGHTS } from '../catalog/acl.js';
import { CHANGES } from './access-notes.js';
import { as, locationOf, must, startOf } from './ast.js';
import { Scope, columnExpr, errorAt } from './binder.js';
import type { Binder, BoundFrom, CteEntry, ExprContext, ScopeRelation } from './binder.js';
import { targetAside } from './missing-relation.js';
import { bindExpr } from './bind-expr.js';
import { assignedValue, isDefaultCell, type SharedSources, withItems } from './bind-assigned-value.js';
import { bindAssignedPart, bindCells, coercePart, leafColumn, refuseDefault, withParts } from './bind-assign-part.js';
import type { PartTarget } from './bind-assign-part.js';
import { bindCurrentOf } from './bind-current-of.js';
import { bindLinks, bindWritten } from './bind-foreign-keys.js';
import { inferArbiters, requireArbiter } from './arbiters.js';
import { bindFrom, join, scanOf, scanRelation } from './bind-from.js';
import { lockForChange } from './bind-locks.js';
import { bindReturning, returningList } from './bind-returning.js';
import { bindSelect, coerceOutput, exprContext, fromContext, withClause } from './bind-select.js';
import { defaultOf, rowColumns } from './bind-table.js';
import {
  noteWritten,
  refuseUnchangeable,
  settle,
  viewChecks,
  viewOfRow,
  viewScan,
  writeTarget,
} from './bind-view-target.js';
import type { Change, WriteTarget } from './bind-view-target.js';
import { coerceAssignment, coerceBoolean } from './coerce.js';
import { expandedStars } from './stars.js';
import { sqlError } from '../../base/errors.js';
import { ownFunction } from '../functions/entry.js';
import { OID } from '../types/oids.js';
import { deletedBy } from './row-version.js';
import { isSystemName } from './system-columns.js';
import { conjunction, constant, some, TRUE } from './expr.js';
import type { Expr } from './expr.js';
import { checkWidth, insertParts, insertTargets } from './insert-columns.js';
import type {
  ConflictClause,
  DeletePlan,
  InsertPlan,
  InsertSource,
  Plan,
  ProjectItem,
  ScanPlan,
  TableChecks,
  UpdatePlan,
} from './logical.js';

// ---- INSERT ----

export function bindInsert(b: Binder, stmt: InsertStmt, outer: readonly CteEntry[]): Plan {
  if (stmt.withClause !== undefined) {
    return withClause(b, stmt.withClause, null, outer, (visible) => insertBody(b, stmt, visible));
  }
  return insertBody(b, stmt, outer);
}

/** CHECK constraints, foreign keys, and what the views on the way say of a new row. */
function writtenRows(b: Binder, target: WriteTarget): TableChecks {
  const checks = bindWritten(b, target.relation);
  const views = viewChecks(b, target, checks.row);
  return views.length === 0 ? checks : { ...checks, viewChecks: views };
}

/** Whole rows and system columns are a table's. */
function ownTable(target: WriteTarget): TableDescriptor | null {
  return target.views.length === 0 ? target.table : null;
}

function insertBody(b: Binder, stmt: InsertStmt, ctes: readonly CteEntry[]): InsertPlan {
  const target = writeTarget(b, stmt.relation!, 'insert');
  const { table, relation } = target;
  const { schemaName, freshStorage } = relation;
  const named = insertTargets(target, stmt.cols, true);
  // A view's default is a value, whatever is left out.
  const preset = target.defaults.find((c) => c.generated != null && c.defaultSql !== null);
  if (preset !== undefined)
    throw generatedValue(`cannot insert a non-DEFAULT value into column "${preset.name}"`, preset);
  const select = as(stmt.selectStmt, 'SelectStmt');
  const override = stmt.override ?? 'OVERRIDING_NOT_SET';
  const given = new Map<number, number>();
  let input: Plan = { kind: 'one', columns: [] };
  const alias = stmt.relation?.alias?.aliasname ?? target.name;
  if (select !== undefined) {
    const outOfSight = target.views.length === 0 ? [targetAside(b, table, alias)] : [];
    input = b.beside(outOfSight, () => insertSource(b, stmt, select, target, named, ctes, override, given));
  }
  const sources = table.columns.map((column, position): InsertSource => {
    const index = given.get(position);
    if (column.dropped) return { kind: 'expr', expr: constant(null, column.typeOid) };
    if (index !== undefined && !(override === 'OVERRIDING_USER_VALUE' && column.identity !== null))
      return { kind: 'input', index };
    if (column.hidden && column.generated == null) return { kind: 'rowid' };
    return { kind: 'expr', expr: defaultOf(b, target.defaults[position]!) };
  });
  const checks = writtenRows(b, target);
  const schema = stmt.relation?.alias === undefined ? schemaOf(target, stmt.relation!) : null;
  const conflict =
    stmt.onConflictClause === undefined
      ? null
      : bindConflict(b, stmt.onConflictClause, target, { alias, schema }, ctes);
  const { columns, computed } = viewOfRow(b, target, checks.row);
  const changedBy = conflict?.update == null ? null : b.column('xmax', OID.xid, -1);
  const xmax = changedBy === null ? {} : { xmax: columnExpr(changedBy) };
  const scope = new Scope(null, [{ alias, schema, columns, table: ownTable(target), ...xmax }], columns, ctes);
  // What was proposed is out of sight again.
  const proposed = conflict?.update == null ? [] : [{ alias: 'excluded', schema: null, columns: [], table: null }];
  const returning = b.beside(proposed, () =>
    bindReturning(b, returningList(stmt.returningClause), scope, checks.row, computed, changedBy),
  );
  requireArbiter(conflict);
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

function asSelect(values: readonly Node[]): SelectStmt {
  const targetList = values.map((val): Node => ({ ResTarget: { val } }));
  return { targetList, op: 'SETOP_NONE', limitOption: 'LIMIT_OPTION_DEFAULT' };
}

/** The rows to insert, coerced; fills `given` with where each table column's value is in them. */
function insertSource(
  b: Binder,
  stmt: InsertStmt,
  select: SelectStmt,
  target: WriteTarget,
  named: readonly number[],
  ctes: readonly CteEntry[],
  override: string,
  given: Map<number, number>,
): Plan {
  const { defaults, table } = target;
  const parts = insertParts(stmt.cols);
  const plainValues =
    select.valuesLists !== undefined &&
    select.withClause === undefined &&
    select.sortClause === undefined &&
    select.limitCount === undefined &&
    select.limitOffset === undefined;
  if (plainValues) {
    const sets = select.valuesLists?.length === 1;
    const ctx = exprContext(b, new Scope(null, [], [], ctes), 'VALUES', { sets });
    const lists = (select.valuesLists ?? []).map((l) => expandedStars(ctx, as(l, 'List')?.items ?? []));
    const width = lists[0]?.length ?? 0;
    if (lists.some((l) => l.length !== width))
      throw errorAt(
        '42601',
        'VALUES lists must all be the same length',
        locationOf(lists.find((l) => l.length !== width)?.[0]),
      );
    checkWidth(width, named, stmt.cols, target, locationOf(lists[0]?.[named.length]));
    for (const at of named.slice(0, width)) noteWritten(target, at, 'inserted');
    // A column all of whose cells are DEFAULT is left to the defaults.
    const isGiven = (i: number): boolean => lists.some((l) => as(l[i], 'SetToDefault') === undefined);
    const kept = [...new Set(named.slice(0, width).filter((_, i) => parts[i] != null || isGiven(i)))];
    kept.forEach((position, i) => given.set(position, i));
    const rows = lists.map((list) =>
      kept.map((position): Expr => {
        const column = defaults[position]!;
        return bindCells(ctx, named, parts, position, column, {
          whole: (i) => insertCell(b, ctx, column, list[i]!, override),
          part: (i, place) => {
            if (as(list[i], 'SetToDefault') !== undefined) refuseDefault(parts[i]!);
            return coercePart(ctx, bindExpr(ctx, list[i]!), place, locationOf(list[i]));
          },
        });
      }),
    );
    // A single row is as the SELECT of its values.
    if (lists.length === 1 && rows[0]!.some((e) => some(e, (x) => x.kind === 'srf')))
      return insertSource(b, stmt, asSelect(lists[0]!), target, named, ctes, override, given);
    const columns = kept.map((position) => {
      const c = table.columns[position]!;
      return b.tableColumn(c);
    });
    return { kind: 'values', columns, rows };
  }
  const plan = bindSelect(b, select, null, ctes, { keepUnknown: true });
  checkWidth(plan.columns.length, named, stmt.cols, target, startOf(outputAt(select, named.length)));
  for (const at of named.slice(0, plan.columns.length)) noteWritten(target, at, 'inserted');
  const targets = named.slice(0, plan.columns.length).map((p) => table.columns[p]!);
  const generated = targets.find((c) => c.generated != null);
  if (generated !== undefined)
    throw generatedValue(`cannot insert a non-DEFAULT value into column "${generated.name}"`, generated);
  const identity = targets.find((c) => c.identity === 'always');
  if (identity !== undefined && override !== 'OVERRIDING_SYSTEM_VALUE' && override !== 'OVERRIDING_USER_VALUE')
    throw alwaysIdentity(identity);
  const ctx = exprContext(b, new Scope(null, [], [], ctes), 'INSERT');
  const leaves = targets.map((column, i) => leafColumn(ctx, column, parts[i]));
  const input = coerceOutput(b, plan, [], 'INSERT', leaves);
  const positions = [...new Set(named.slice(0, plan.columns.length))];
  positions.forEach((position, i) => given.set(position, i));
  return parts.some((part) => part !== null) ? withParts(ctx, input, named, parts, positions, table.columns) : input;
}

/** What a SELECT's list has there; its leftmost SELECT's, of several. */
function outputAt(select: SelectStmt, at: number): Node | undefined {
  const first = select.larg === undefined ? select : null;
  return first === null ? outputAt(select.larg!, at) : as(first.targetList?.[at], 'ResTarget')?.val;
}

export function insertCell(b: Binder, ctx: ExprContext, column: ColumnDescriptor, node: Node, override: string): Expr {
  if (as(node, 'SetToDefault') !== undefined) {
    // What the column gets in any case would be drawn from its sequence twice.
    const isOverridden = override === 'OVERRIDING_USER_VALUE' && column.identity !== null;
    return isOverridden ? constant(null, column.typeOid) : defaultOf(b, column);
  }
  if (column.generated != null)
    throw generatedValue(`cannot insert a non-DEFAULT value into column "${column.name}"`, column);
  if (column.identity === 'always' && override !== 'OVERRIDING_SYSTEM_VALUE' && override !== 'OVERRIDING_USER_VALUE')
    throw alwaysIdentity(column);
  return coerceAssignment(b, bindExpr(ctx, node), column, locationOf(node));
}

/** By which the target may be qualified: a view's is taken as it was written. */
function schemaOf(target: WriteTarget, range: RangeVar): string | null {
  return target.views.length === 0 ? target.relation.schemaName : (range.schemaname ?? null);
}

/** Whether a row conflicts tells of the values there are. */
function noteArbiters({ entries, views }: WriteTarget, reads: ReadonlySet<number>): void {
  const [entry] = entries;
  if (views.length > 0 || entry === undefined) return;
  entry.rights |= RIGHTS.select;
  for (const id of reads) if (id > 0) entry.selected.add(id);
}

function scanTarget(b: Binder, scan: ScanPlan, { entries, relation }: WriteTarget, range: RangeVar): BoundFrom {
  const bound = scanRelation(scan, relation.schemaName, range.alias);
  const shown = bound.columns.filter((c) => !c.hidden).map((c) => c.column);
  b.access.columns(entries[0]!, shown);
  return bound;
}

function bindConflict(
  b: Binder,
  clause: OnConflictClause,
  target: WriteTarget,
  place: Pick<ScopeRelation, 'alias' | 'schema'>,
  ctes: readonly CteEntry[],
): ConflictClause {
  const update = clause.action === 'ONCONFLICT_UPDATE';
  const { table } = target;
  const inferred = clause.infer === undefined ? null : inferArbiters(b, clause.infer, target, place.alias);
  if (inferred !== null) noteArbiters(target, inferred.reads);
  const { arbiters, inference } = inferred ?? { arbiters: null, inference: null };
  if (update) target.entries.forEach((entry) => (entry.rights |= CHANGES.update));
  if (!update) return { arbiters, inference, update: null };
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
  const ours = viewOfRow(b, target, existing);
  const theirs = viewOfRow(b, target, excluded);
  const own: ScopeRelation = { ...place, columns: ours.columns, table: ownTable(target) };
  const other: ScopeRelation = { ...own, alias: 'excluded', schema: null, columns: theirs.columns, proposed: true };
  const computed = new Map([...ours.computed, ...theirs.computed]);
  // Unqualified names would be ambiguous between the two: PostgreSQL lets both be seen, so they are.
  const scope = new Scope(null, [own, other], [...own.columns, ...other.columns], ctes);
  const ctx = exprContext(b, scope, 'UPDATE');
  const assignments = bindAssignments(b, ctx, clause.targetList ?? [], target, 'insert').map((a) =>
    a === null ? null : settle(a, computed),
  );
  const where =
    clause.whereClause === undefined
      ? null
      : coerceBoolean(b, bindExpr(ctx, clause.whereClause), 'WHERE', locationOf(clause.whereClause));
  const shown = ours.conditions.flatMap((c, layer) =>
    c === null ? [] : [visibleThrough(target.views[layer]!.view.name, c)],
  );
  const parts = where === null ? shown : [...shown, settle(where, computed)];
  const condition = parts.length === 0 ? null : conjunction(parts);
  return { arbiters, inference, update: { excluded, existing, assignments, where: condition } };
}

/** A row that the view does not show is not to be changed through it. @throws QuoralError 55000 as it runs */
function visibleThrough(view: string, condition: Expr): Expr {
  const entry = ownFunction({
    name: 'visible',
    argOids: [OID.bool],
    resultOid: OID.bool,
    impl: ([visible]) => {
      if (visible === true) return true;
      throw sqlError('55000', `conflicting row is not visible through view "${view}"`);
    },
  });
  const info = { argOids: entry.argOids, resultOid: OID.bool };
  return { kind: 'call', entry, operator: false, args: [condition], info, oid: OID.bool, typmod: -1 };
}

// ---- UPDATE ----

export function bindAssignments(
  b: Binder,
  ctx: ExprContext,
  list: readonly Node[],
  target: WriteTarget,
  change: Change = 'update',
  rows: ProjectItem[] | null = null,
): (Expr | null)[] {
  const assignments: (Expr | null)[] = target.defaults.map(() => null);
  const shared: SharedSources = { rows: new Map(), made: rows };
  const inParts = new Set<number>();
  for (const node of list) {
    const { name = '', location = -1, indirection, val: given } = must(node, 'ResTarget') as ResTarget;
    const found = target.columns.find((c) => c.name === name);
    if (found === undefined && isSystemName(name))
      throw errorAt('0A000', `cannot assign to system column "${name}"`, location);
    if (found === undefined) {
      refuseValues(ctx, list);
      throw errorAt('42703', `column "${name}" of relation "${target.name}" does not exist`, location);
    }
    refuseUnchangeable(found, change);
    const { position } = found;
    noteWritten(target, position, 'updated');
    const column = target.defaults[position]!;
    const before = assignments[position]!;
    if (before !== null && (indirection === undefined || !inParts.has(position)))
      throw errorAt('42601', `multiple assignments to same column "${target.table.columns[position]!.name}"`, -1);
    const val = given!;
    if (indirection !== undefined) {
      inParts.add(position);
      const part: PartTarget = { column: name, parts: indirection, location };
      if (as(val, 'SetToDefault') !== undefined || isDefaultCell(val)) refuseDefault(part);
      if (column.generated != null) throw generatedValue(`column "${name}" can only be updated to DEFAULT`, column);
      const old = before ?? columnExpr(ctx.scope.relations[0]!.columns.find((c) => c.column.name === name)!.column);
      assignments[position] = bindAssignedPart(ctx, part, old, column, (place) =>
        assignedValue(b, ctx, val, column, shared, (expr, at) => coercePart(ctx, expr, place, at)),
      );
      continue;
    }
    // What a view's column has as its default is a value for the table.
    const isDefault = as(val, 'SetToDefault') !== undefined || isDefaultCell(val);
    if (!isDefault || target.views.length > 0) refuseValue(column);
    const settable = isDefault ? { ...column, ...defaultOfView(target, name) } : column;
    assignments[position] =
      as(val, 'SetToDefault') !== undefined ? defaultOf(b, settable) : assignedValue(b, ctx, val, settable, shared);
  }
  return assignments;
}

/** What is wrong with a value is told before a column that is not there. */
function refuseValues(ctx: ExprContext, list: readonly Node[]): void {
  for (const node of list) {
    const { val } = must(node, 'ResTarget') as ResTarget;
    if (as(val, 'SetToDefault') === undefined && as(val, 'MultiAssignRef') === undefined) bindExpr(ctx, val!);
  }
}

/** @throws QuoralError 428C9 if an UPDATE may not give the column one */
function refuseValue(column: ColumnDescriptor): void {
  const message = `column "${column.name}" can only be updated to DEFAULT`;
  if (column.generated != null) throw generatedValue(message, column);
  if (column.identity === 'always') {
    const detail = `Column "${column.name}" is an identity column defined as GENERATED ALWAYS.`;
    throw errorAt('428C9', message, -1, { detail });
  }
}

/** SET c = DEFAULT through a view that gives c none means NULL, whatever the table gives. */
function defaultOfView({ views }: WriteTarget, name: string): Partial<ColumnDescriptor> {
  const column = views.at(-1)?.view.columns.find((c) => c.name === name);
  return column === undefined || column.defaultSql != null
    ? {}
    : { defaultSql: null, identity: null, sequenceId: null };
}

interface BoundTarget {
  readonly scan: ScanPlan;
  readonly alias: string;
  readonly target: WriteTarget;
  /** As of UpdatePlan. */
  readonly ids: readonly number[];
  readonly plan: Plan;
  readonly scope: Scope;
}

/** The target's rows, locked, chosen by its views, joined with FROM/USING and filtered. */
function bindTarget(
  b: Binder,
  stmt: UpdateStmt | DeleteStmt,
  sets: readonly Node[] | null,
  others: readonly Node[],
  ctes: readonly CteEntry[],
): BoundTarget {
  const relation = stmt.relation!;
  const target = writeTarget(b, relation, sets === null ? 'delete' : 'update');
  const { table, relation: found } = target;
  const alias = relation.alias?.aliasname ?? target.name;
  const inner = target.views[0]?.base.range.alias?.aliasname ?? table.name;
  // A view may have other names for the key's columns.
  const lock = lockForChange(table, sets === null || target.views.length > 0, sets ?? []);
  const scan = scanOf(b, table, found.schemaName, target.views.length === 0 ? alias : inner, lock);
  const own =
    target.views.length === 0
      ? scanTarget(b, scan, target, relation)
      : viewScan(b, target, scan, alias, relation.alias);
  let from = own;
  if (others.length > 0) {
    const rest = b.beside(own.relations, () =>
      bindFrom({ ...fromContext(b, null, ctes, [], stmt), target: own.relations }, others),
    );
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
  const where = stmt.whereClause;
  const current = as(where, 'CurrentOfExpr');
  if (current !== undefined && target.views.length > 0)
    throw errorAt('0A000', 'WHERE CURRENT OF on a view is not implemented', -1);
  if (where !== undefined) {
    const condition =
      current !== undefined
        ? bindCurrentOf(b, current, scan)
        : coerceBoolean(b, bindExpr(exprContext(b, scope, 'WHERE'), where), 'WHERE', locationOf(where));
    plan = { kind: 'filter', columns: plan.columns, input: plan, condition };
  }
  const ids = table.columns.map((_, position) => scan.columns.find((c) => c.position === position)?.id ?? -1);
  return { scan, alias, target, ids, plan, scope };
}

export function bindUpdate(b: Binder, stmt: UpdateStmt, outer: readonly CteEntry[]): Plan {
  if (stmt.withClause !== undefined)
    return withClause(b, stmt.withClause, null, outer, (visible) => updateBody(b, stmt, visible));
  return updateBody(b, stmt, outer);
}

function updateBody(b: Binder, stmt: UpdateStmt, ctes: readonly CteEntry[]): UpdatePlan {
  const bound = bindTarget(b, stmt, stmt.targetList ?? [], stmt.fromClause ?? [], ctes);
  const { alias, target } = bound;
  const { table } = target;
  const rows: ProjectItem[] = [];
  const ctx = exprContext(b, bound.scope, 'UPDATE');
  const assignments = bindAssignments(b, ctx, stmt.targetList ?? [], target, 'update', rows);
  const checks = writtenRows(b, target);
  const { columns, computed } = viewOfRow(b, target, checks.row);
  const [{ schema }, ...others] = bound.scope.relations as readonly [ScopeRelation, ...ScopeRelation[]];
  const relations: ScopeRelation[] = [{ alias, schema, columns, table: ownTable(target) }, ...others];
  const scope = new Scope(null, relations, [...columns, ...others.flatMap((r) => r.columns)], ctes);
  const returning = bindReturning(b, returningList(stmt.returningClause), scope, checks.row, computed);
  return {
    kind: 'update',
    columns: returning?.items.map((i) => i.column) ?? [],
    table,
    schemaName: target.relation.schemaName,
    input: withItems(bound.plan, rows),
    target: bound.ids,
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
  const bound = bindTarget(b, stmt, null, stmt.usingClause ?? [], ctes);
  const [own, ...others] = bound.scope.relations as readonly [ScopeRelation, ...ScopeRelation[]];
  const scope = new Scope(null, [{ ...own, xmax: deletedBy() }, ...others], bound.scope.columns, ctes);
  const returning = bindReturning(b, returningList(stmt.returningClause), scope, []);
  return {
    kind: 'delete',
    columns: returning?.items.map((i) => i.column) ?? [],
    table: bound.scan.table,
    schemaName: bound.target.relation.schemaName,
    input: bound.plan,
    target: bound.ids,
    links: bindLinks(b, bound.target.relation),
    joined: others.length > 0,
    returning,
  };
}
