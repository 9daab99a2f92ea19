/**
 * The query of a cursor with what WHERE CURRENT OF needs: behind its own columns, the primary keys of the tables'
 * rows that its row was made of. Made only when a cursor is declared.
 *
 * A query that locks rows (FOR UPDATE and the like) may join and sort: the keys of the tables that it locks are
 * taken along. Any other one must be a plain scan, whose rows may be filtered, computed from and limited, as in
 * PostgreSQL. What the keys cannot be taken through (aggregates, DISTINCT, set operations) is left as it is.
 */
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { CursorQuery, CursorTable } from '../contract.js';
import type { FormatContext } from '../types/type-info.js';
import { compileQuery } from '../exec/compile.js';
import { columnExpr } from './binder.js';
import { keyColumns } from './lock-rows.js';
import type { Plan, PlanColumn, ScanColumn } from './logical.js';
import { optimise } from './optimise.js';
import { walkPlan } from './plan-walk.js';

interface TableKey {
  readonly tableId: number;
  readonly columns: readonly PlanColumn[];
}

interface Exposed {
  readonly plan: Plan;
  readonly keys: readonly TableKey[];
}

export function cursorQuery(bound: Plan, format: FormatContext): CursorQuery {
  const locking = locksRows(bound);
  const { plan, keys } = expose(bound, locking);
  const own = bound.columns;
  const columns = [...own, ...keys.flatMap((k) => k.columns)];
  // The same column may be wanted twice: by the query, and for a key.
  const full: Plan = {
    kind: 'project',
    columns,
    input: plan,
    items: columns.map((column) => ({ column, expr: columnExpr(column) })),
  };
  const query = compileQuery(keys.length === 0 ? optimise(bound, format) : optimise(full, format), 'SELECT', true);
  let at = own.length;
  const tables = keys.map(({ tableId, columns: key }): CursorTable => {
    const table = { tableId, at, count: key.length };
    at += key.length;
    return table;
  });
  return { locking, tables, width: own.length, start: (ctx) => query.start(ctx) };
}

function locksRows(plan: Plan): boolean {
  let locks = false;
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      if (p.kind === 'lockrows') locks = true;
    },
  );
  return locks;
}

function expose(plan: Plan, locking: boolean): Exposed {
  switch (plan.kind) {
    case 'scan':
      return { plan, keys: locking ? [] : [keyOf(plan.table, plan.columns)] };
    case 'lockrows': {
      // Those of subqueries in its FROM have nodes of their own.
      const { plan: input, keys } = expose(plan.input, locking);
      const own = plan.targets.map((t) => keyOf(t.table, t.columns));
      return { plan: { ...plan, input, columns: input.columns }, keys: [...own, ...keys] };
    }
    case 'filter':
    case 'limit':
      return through(plan, expose(plan.input, locking));
    case 'sort':
      return locking ? through(plan, expose(plan.input, locking)) : { plan, keys: [] };
    case 'project': {
      const { plan: input, keys } = expose(plan.input, locking);
      const more = keys.flatMap((k) => k.columns).filter((c) => !plan.columns.some((own) => own.id === c.id));
      const items = [...plan.items, ...more.map((column) => ({ column, expr: columnExpr(column) }))];
      return { plan: { ...plan, input, items, columns: items.map((i) => i.column) }, keys };
    }
    case 'join': {
      if (!locking || plan.type === 'semi' || plan.type === 'anti') return { plan, keys: [] };
      const left = expose(plan.left, locking);
      const right = expose(plan.right, locking);
      const columns = [...left.plan.columns, ...right.plan.columns];
      return { plan: { ...plan, left: left.plan, right: right.plan, columns }, keys: [...left.keys, ...right.keys] };
    }
    default:
      return { plan, keys: [] };
  }
}

function through(plan: Extract<Plan, { kind: 'filter' | 'limit' | 'sort' }>, { plan: input, keys }: Exposed): Exposed {
  return { plan: { ...plan, input, columns: input.columns }, keys };
}

function keyOf(table: TableDescriptor, columns: readonly ScanColumn[]): TableKey {
  return { tableId: table.id, columns: keyColumns(table, columns) };
}
