/**
 * What a statement that changes rows names: a table, or a view of one (of a view of one …), in whose place the table is
 * put. The columns of the views are then columns of the table under other names, or expressions over its row; the
 * conditions of the views choose among the rows to change, and WITH CHECK OPTION looks at the new ones.
 *
 * An expression over a *new* row stands in no plan below the statement: names of it are bound to a column of its own,
 * and `settle` puts the expression in the place of that column afterwards, in subqueries too.
 */
import type { Alias, RangeVar } from 'libpg-query';
import type { ColumnDescriptor, TableDescriptor, ViewDescriptor } from '../catalog/descriptor.js';
import type { Relation } from '../contract.js';
import { CHANGES, viewReader } from './access-notes.js';
import type { AccessEntry } from './access-notes.js';
import { as, locationOf, stringsOf } from './ast.js';
import { Scope, columnExpr, errorAt } from './binder.js';
import type { Binder, BoundFrom, ScopeColumn, TableRelation } from './binder.js';
import { bindExpr } from './bind-expr.js';
import { exprContext } from './bind-select.js';
import { visibleColumns } from './bind-table.js';
import { coerceBoolean, resolveUnknown } from './coerce.js';
import { conjunction, mapChildren } from './expr.js';
import type { Expr } from './expr.js';
import type { Plan, PlanColumn, ProjectItem, ScanPlan, ViewCheck } from './logical.js';
import { mapInputs, mapPlanExprs } from './plan-walk.js';
import { NO_UPDATABLE_COLUMNS, SINGLE, viewShape } from './view-shape.js';
import type { ViewBase, ViewShape } from './view-shape.js';
import { declaredOid } from './declared-types.js';

export type Change = 'insert' | 'update' | 'delete';

/** A column as the statement may name it. */
export interface WriteColumn {
  readonly name: string;
  /** In table.columns; -1 if it cannot be changed. */
  readonly position: number;
  readonly hidden: boolean;
  /** Why it cannot be, and the view that says so. */
  readonly problem: { readonly view: string; readonly detail: string } | null;
}

export interface WriteTarget {
  readonly relation: TableRelation;
  readonly table: TableDescriptor;
  /** The relation that the statement names. */
  readonly name: string;
  readonly columns: readonly WriteColumn[];
  /** By position in table.columns, with the defaults that the views give. */
  readonly defaults: readonly ColumnDescriptor[];
  /** From the table outwards. */
  readonly views: readonly LayeredView[];
  /** What the statement asks of the table and of each view. */
  readonly entries: readonly AccessEntry[];
}

interface LayeredView {
  readonly view: ViewDescriptor;
  readonly shape: ViewShape;
  readonly base: ViewBase;
}

type ViewRelation = Extract<Relation, { kind: 'view' }>;

const WORDS: Readonly<Record<Change, readonly [cannot: string, doing: string, command: string]>> = {
  insert: ['insert into', 'inserting into', 'INSERT'],
  update: ['update', 'updating', 'UPDATE'],
  delete: ['delete from', 'deleting from', 'DELETE'],
};

/** @throws 42P01, 42809, 42501, and 55000 for a view that no change goes through */
export function writeTarget(b: Binder, range: RangeVar, change: Change): WriteTarget {
  const name = range.relname ?? '';
  const found = b.catalog.relation({ schema: range.schemaname ?? null, name });
  if (found === null) {
    const shown = range.schemaname === undefined ? name : `${range.schemaname}.${name}`;
    throw errorAt('42P01', `relation "${shown}" does not exist`, range.location ?? 0);
  }
  b.modifies = true;
  return targetOf(b, found, change, { as: b.access.as });
}

/** Who asks, and for what view's sake. */
interface Asking {
  readonly as: number | null;
  readonly outer?: AccessEntry;
}

function targetOf(b: Binder, found: Relation, change: Change, asking: Asking): WriteTarget {
  switch (found.kind) {
    case 'table':
      if (found.table.materialized != null)
        throw errorAt('42809', `cannot change materialized view "${found.table.name}"`, -1);
      b.dependOn(found.table);
      return tableTarget(found, b.access.relation(found.table, CHANGES[change], asking));
    case 'view':
      return viewTarget(b, found, change, asking);
    case 'sequence':
      throw errorAt('42809', `cannot change sequence "${found.sequence.name}"`, -1);
    case 'virtual':
      throw errorAt('42501', `permission denied: "${found.name}" is a system catalog`, -1);
  }
}

function tableTarget(relation: TableRelation, entry: AccessEntry): WriteTarget {
  const { table } = relation;
  const columns = table.columns.flatMap((c, position): WriteColumn[] =>
    c.dropped ? [] : [{ name: c.name, position, hidden: c.hidden, problem: null }],
  );
  return { relation, table, name: table.name, columns, defaults: table.columns, views: [], entries: [entry] };
}

function viewTarget(b: Binder, { view, sources }: ViewRelation, change: Change, asking: Asking): WriteTarget {
  const shape = viewShape(view);
  const noColumns = change !== 'delete' && shape.columns.every((c) => c.problem !== null);
  const below = shape.base === null ? undefined : sources.get(shape.base.pin.id);
  const unchanging = below?.kind === 'sequence' || (below?.kind === 'table' && below.table.materialized != null);
  const problem =
    (unchanging ? SINGLE : shape.problem) ?? (shape.base !== null && noColumns ? NO_UPDATABLE_COLUMNS : null);
  if (problem !== null) {
    const [cannot, doing, command] = WORDS[change];
    throw errorAt('55000', `cannot ${cannot} view "${view.name}"`, -1, {
      detail: problem,
      hint: `To enable ${doing} the view, provide an INSTEAD OF ${command} trigger or an unconditional ON ${command} DO INSTEAD rule.`,
    });
  }
  const { base } = shape;
  if (base === null) throw errorAt('42501', `permission denied: view "${view.name}" reads a system catalog`, -1);
  b.dependOn(view);
  for (const [id, source] of sources) b.pinned.set(id, source);
  if (below === undefined) throw errorAt('XX000', `a view reads relation ${base.pin.id}, which is not there`, -1);
  const entry = b.access.relation(view, CHANGES[change], asking);
  const inner = targetOf(b, below, change, { as: viewReader(view), outer: entry });
  const defaults = [...inner.defaults];
  const columns = view.columns.map((c, i): WriteColumn => {
    const { baseColumnId, problem: why } = shape.columns[i]!;
    if (why !== null || baseColumnId === null) {
      const refused = { name: c.name, position: -1, hidden: false, problem: { view: view.name, detail: why ?? '' } };
      // Its default would be a value for it.
      if (change === 'insert' && c.defaultSql != null) refuseUnchangeable(refused, change);
      return refused;
    }
    const under = columnBelow(below, inner, baseColumnId);
    if (c.defaultSql != null && under.position >= 0)
      defaults[under.position] = { ...defaults[under.position]!, defaultSql: c.defaultSql };
    return { ...under, name: c.name };
  });
  return {
    ...inner,
    name: view.name,
    columns,
    defaults,
    views: [...inner.views, { view, shape, base }],
    entries: [...inner.entries, entry],
  };
}

/** That the column gets a value, in the table and in each view over it. */
export function noteWritten(
  { table, views, entries }: WriteTarget,
  position: number,
  how: 'inserted' | 'updated',
): void {
  let id = table.columns[position]?.id;
  for (const [i, entry] of entries.entries()) {
    if (id === undefined) return;
    if (i > 0) {
      const at = views[i - 1]!.shape.columns.findIndex((column) => column.baseColumnId === id);
      id = views[i - 1]!.view.columns[at]?.id;
      if (id === undefined) return;
    }
    entry[how].add(id);
  }
}

/** What the base relation's column with this id is to it. */
function columnBelow(below: Relation, inner: WriteTarget, id: number): WriteColumn {
  const name =
    below.kind === 'table'
      ? below.table.columns.find((c) => c.id === id && !c.dropped)?.name
      : below.kind === 'view'
        ? below.view.columns.find((c) => c.id === id)?.name
        : undefined;
  const column = inner.columns.find((c) => c.name === name);
  if (column === undefined) throw errorAt('XX000', `a view reads column ${id}, which is not there`, -1);
  return column;
}

/** @throws 0A000 for a column of a view that is no column of its table */
export function refuseUnchangeable(column: WriteColumn, change: Change): void {
  if (column.problem === null) return;
  const { view, detail } = column.problem;
  throw errorAt('0A000', `cannot ${WORDS[change][0]} column "${column.name}" of view "${view}"`, -1, { detail });
}

// ---- a row of the table, as the target shows it ----

export interface RowView {
  readonly columns: readonly ScopeColumn[];
  /** What columns that are no columns of the table stand for. */
  readonly computed: ReadonlyMap<number, Expr>;
  /** Of the views, from the table outwards; null for one without a WHERE. */
  readonly conditions: readonly (Expr | null)[];
}

/** `row`: one column for each position of table.columns. */
export function viewOfRow(b: Binder, target: WriteTarget, row: readonly PlanColumn[]): RowView {
  return b.asStored(() => bindViewOfRow(b, target, row));
}

function bindViewOfRow(b: Binder, target: WriteTarget, row: readonly PlanColumn[]): RowView {
  let columns = visibleColumns(target.table, row);
  const computed = new Map<number, Expr>();
  const conditions: (Expr | null)[] = [];
  let ids: readonly number[] = target.table.columns.flatMap((c) => (c.dropped ? [] : [c.id]));
  const { access } = b;
  for (const [layer, { view, shape, base }] of target.views.entries()) {
    const seen = columns.flatMap((c, i): ScopeColumn[] => {
      const name = base.names.get(ids[i]!);
      return name === undefined ? [] : [{ column: { ...c.column, name }, hidden: false }];
    });
    const alias = base.range.alias?.aliasname ?? base.range.relname ?? '';
    const scope = new Scope(null, [{ alias, schema: null, columns: seen, table: null }], seen, []);
    const where = shape.select.whereClause;
    const below = target.entries[layer]!;
    const numbers = columns.flatMap((_, i) => (base.names.has(ids[i]!) ? [ids[i]!] : []));
    const inView = <T>(bind: () => T): T =>
      access.within(below.as, true, () => {
        const shown = seen.map(({ column }) => column);
        access.columns(below, shown, numbers);
        return bind();
      });
    conditions.push(
      where === undefined
        ? null
        : settle(
            inView(() => coerceBoolean(b, bindExpr(exprContext(b, scope, 'WHERE'), where), 'WHERE', locationOf(where))),
            computed,
          ),
    );
    const ctx = exprContext(b, scope, 'SELECT');
    columns = view.columns.map(({ name }, i): ScopeColumn => {
      const val = as(shape.select.targetList?.[i], 'ResTarget')!.val!;
      const expr = resolveUnknown(
        b,
        inView(() => bindExpr(ctx, val)),
      );
      if (expr.kind === 'column') {
        const column = seen.find((c) => c.column.id === expr.id)!.column;
        return { column: { ...column, name }, hidden: false };
      }
      const made = b.column(name, declaredOid(expr), expr.typmod);
      computed.set(made.id, settle(expr, computed));
      return { column: made, hidden: false };
    });
    ids = view.columns.map((c) => c.id);
  }
  access.columns(
    target.entries[target.views.length]!,
    columns.filter((c) => !c.hidden).map((c) => c.column),
    ids.filter((_, i) => !columns[i]!.hidden),
  );
  return { columns, computed, conditions };
}

/** The rows of the table that the views show, under the names of the outermost one. */
export function viewScan(
  b: Binder,
  target: WriteTarget,
  scan: ScanPlan,
  name: string,
  alias: Alias | undefined,
): BoundFrom {
  const row = target.table.columns.map(
    (c, position) => scan.columns.find((s) => s.position === position) ?? b.tableColumn(c),
  );
  const { columns, computed, conditions } = viewOfRow(b, target, row);
  const chosen = conditions.filter((c) => c !== null);
  let plan: Plan = scan;
  if (chosen.length > 0) plan = { kind: 'filter', columns: plan.columns, input: plan, condition: conjunction(chosen) };
  const made = columns.filter((c) => computed.has(c.column.id));
  if (made.length > 0) {
    const items: ProjectItem[] = [
      ...plan.columns.map((column) => ({ column, expr: columnExpr(column) })),
      ...made.map(({ column }) => ({ column, expr: computed.get(column.id)! })),
    ];
    plan = { kind: 'project', columns: items.map((i) => i.column), input: plan, items };
  }
  const names = stringsOf(alias?.colnames);
  const shown = columns.map((c, i) => (names[i] === undefined ? c : { ...c, column: { ...c.column, name: names[i] } }));
  return { plan, relations: [{ alias: name, schema: null, columns: shown, table: null }], columns: shown };
}

/** The expression with what computed columns stand for in their places. */
export function settle(expr: Expr, computed: ReadonlyMap<number, Expr>): Expr {
  if (computed.size === 0) return expr;
  const replace = (e: Expr): Expr => {
    if (e.kind === 'column') return computed.get(e.id) ?? e;
    const mapped = mapChildren(e, replace);
    return mapped.kind === 'subquery' ? { ...mapped, plan: inPlan(mapped.plan) } : mapped;
  };
  const inPlan = (plan: Plan): Plan => mapPlanExprs(mapInputs(plan, inPlan), replace);
  return replace(expr);
}

/** What WITH CHECK OPTION demands of a new row, that of the innermost view first. */
export function viewChecks(b: Binder, target: WriteTarget, row: readonly PlanColumn[]): readonly ViewCheck[] {
  const options = target.views.map(({ view }) => view.options?.['check_option'] ?? null);
  if (options.every((option) => option === null)) return [];
  const { conditions } = viewOfRow(b, target, row);
  const checks: ViewCheck[] = [];
  let cascaded = false;
  // A view inside one with CASCADED is checked as if it had it too.
  for (let i = options.length - 1; i >= 0; i--) {
    cascaded ||= options[i] === 'cascaded';
    const condition = conditions[i] ?? null;
    if ((options[i] !== null || cascaded) && condition !== null)
      checks.unshift({ name: target.views[i]!.view.name, expr: condition });
  }
  return checks;
}
