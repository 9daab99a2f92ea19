/**
 * What of a view can be changed through it, by PostgreSQL's rules (rewriteHandler.c's idea of "automatically
 * updatable"): read off the stored parse tree, without binding it, so that catalogs can ask it of every view.
 *
 * Limits: an aggregate is known by its name; one in a subquery that belongs to the outer query is not seen.
 */
import type { Node, RangeVar, ResTarget, SelectStmt } from 'libpg-query';
import type { Descriptor, ViewDescriptor } from '../catalog/descriptor.js';
import { type Pin, pinOf } from '../catalog/pins.js';
import { aggregatesNamed, functionsNamed } from '../functions/define.js';
import { as, stringsOf } from './ast.js';
import { isSystemName } from './system-columns.js';
import { viewTree } from './view-tree.js';

export interface ViewShape {
  readonly select: SelectStmt;
  /** Why no row can be changed through it, as PostgreSQL's detail says it; null: rows can be. */
  readonly problem: string | null;
  /** The one relation that it reads. null if there is a problem, or it is a system catalog. */
  readonly base: ViewBase | null;
  /** One for each column of the view. */
  readonly columns: readonly ViewColumnShape[];
}
export interface ViewBase {
  readonly range: RangeVar;
  readonly pin: Pin;
  /** What its columns are called in the query, by column id. */
  readonly names: ReadonlyMap<number, string>;
}
export interface ViewColumnShape {
  /** The column of the base relation that it is, by id; null if it is none. */
  readonly baseColumnId: number | null;
  /** Why it cannot be changed. */
  readonly problem: string | null;
}

export const NO_UPDATABLE_COLUMNS = 'Views that have no updatable columns are not automatically updatable.';
const NOT_A_COLUMN = 'View columns that are not columns of their base relation are not updatable.';
export const SINGLE = 'Views that do not select from a single table or view are not automatically updatable.';

const shapes = new WeakMap<ViewDescriptor, ViewShape>();

export function viewShape(view: ViewDescriptor): ViewShape {
  let shape = shapes.get(view);
  if (shape === undefined) {
    shape = shapeOf(view);
    shapes.set(view, shape);
  }
  return shape;
}

function shapeOf(view: ViewDescriptor): ViewShape {
  const select = viewTree(view);
  const problem = queryProblem(select);
  const range = as(select.fromClause?.[0], 'RangeVar');
  const pin = range === undefined ? undefined : pinOf(range);
  if (problem !== null || range === undefined || pin === undefined)
    return {
      select,
      problem,
      base: null,
      columns: view.columns.map(() => ({ baseColumnId: null, problem: NOT_A_COLUMN })),
    };
  const written = stringsOf(range.alias?.colnames);
  const names = new Map(pin.columns.map(([id, name], i) => [id, written[i] ?? name]));
  const alias = range.alias?.aliasname ?? range.relname ?? '';
  const columns = (select.targetList ?? []).map((target) => columnShape(as(target, 'ResTarget'), alias, names));
  return { select, problem, base: { range, pin, names }, columns };
}

function queryProblem(select: SelectStmt): string | null {
  const containing = (what: string): string => `Views containing ${what} are not automatically updatable.`;
  const returning = (what: string): string => `Views that return ${what} are not automatically updatable.`;
  if (select.distinctClause !== undefined) return containing('DISTINCT');
  if (select.groupClause !== undefined) return containing('GROUP BY');
  if (select.havingClause !== undefined) return containing('HAVING');
  if (select.op !== undefined && select.op !== 'SETOP_NONE') return containing('UNION, INTERSECT, or EXCEPT');
  if (select.withClause !== undefined) return containing('WITH');
  if (select.limitCount !== undefined || select.limitOffset !== undefined) return containing('LIMIT or OFFSET');
  const calls = callsIn([select.targetList, select.sortClause]);
  if (calls.aggregates) return returning('aggregate functions');
  if (calls.windows) return returning('window functions');
  if (calls.sets) return returning('set-returning functions');
  const [item, ...more] = select.fromClause ?? [];
  if (more.length > 0 || item === undefined) return SINGLE;
  if (as(item, 'RangeTableSample') !== undefined) return containing('TABLESAMPLE');
  return as(item, 'RangeVar') === undefined ? SINGLE : null;
}

interface Calls {
  aggregates: boolean;
  windows: boolean;
  sets: boolean;
}

function callsIn(tree: unknown, found: Calls = { aggregates: false, windows: false, sets: false }): Calls {
  if (Array.isArray(tree)) for (const item of tree) callsIn(item, found);
  else if (typeof tree === 'object' && tree !== null) {
    const call = as(tree as Node, 'FuncCall');
    if (call !== undefined) {
      const name = stringsOf(call.funcname).at(-1) ?? '';
      if (call.over !== undefined) found.windows = true;
      else if (aggregatesNamed(name).length > 0) found.aggregates = true;
      else if (functionsNamed(name).some((entry) => entry.returnsSet)) found.sets = true;
    }
    // What stands in a subquery is the subquery's own.
    for (const [key, value] of Object.entries(tree)) if (key !== 'subselect') callsIn(value, found);
  }
  return found;
}

function columnShape(
  target: ResTarget | undefined,
  alias: string,
  names: ReadonlyMap<number, string>,
): ViewColumnShape {
  const fields = as(target?.val, 'ColumnRef')?.fields;
  const name = as(fields?.at(-1), 'String')?.sval;
  if (name === undefined) return { baseColumnId: null, problem: NOT_A_COLUMN };
  for (const [id, called] of names) if (called === name) return { baseColumnId: id, problem: null };
  if (isSystemName(name))
    return { baseColumnId: null, problem: 'View columns that refer to system columns are not updatable.' };
  if (name === alias)
    return { baseColumnId: null, problem: 'View columns that return whole-row references are not updatable.' };
  return { baseColumnId: null, problem: NOT_A_COLUMN };
}

// ---- for catalogs ----

export const EVENTS = { update: 4, insert: 8, delete: 16 } as const;
const ALL_EVENTS = EVENTS.update | EVENTS.insert | EVENTS.delete;

type Find = (id: number) => Descriptor | null | undefined;

/** PostgreSQL's bit mask of what a relation allows: over the views down to the table. */
export function updatableEvents(relation: Descriptor | null | undefined, find: Find): number {
  if (relation?.kind === 'table') return relation.materialized == null ? ALL_EVENTS : 0;
  if (relation?.kind !== 'view') return 0;
  const { base, columns } = viewShape(relation);
  if (base === null) return 0;
  const own = columns.some((c) => c.problem === null) ? ALL_EVENTS : EVENTS.delete;
  return own & updatableEvents(find(base.pin.id), find);
}

/** Whether UPDATE and DELETE could both reach the rows, and UPDATE this column. */
export function isColumnUpdatable(relation: Descriptor | null | undefined, columnId: number, find: Find): boolean {
  if (relation?.kind === 'table')
    return relation.materialized == null && relation.columns.some((c) => c.id === columnId && !c.dropped && !c.hidden);
  if (relation?.kind !== 'view') return false;
  const { base, columns } = viewShape(relation);
  const at = relation.columns.findIndex((c) => c.id === columnId);
  const baseColumnId = columns[at]?.baseColumnId ?? null;
  return base !== null && baseColumnId !== null && isColumnUpdatable(find(base.pin.id), baseColumnId, find);
}
