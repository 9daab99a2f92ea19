/** COPY … FROM … WHERE: which rows of the input are kept, by their values before anything is generated. */
import type { Node } from 'libpg-query';
import { sqlError } from '../../base/errors.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { bindExpr } from './bind-expr.js';
import { exprContext } from './bind-select.js';
import { visibleColumns } from './bind-table.js';
import { type Binder, Scope } from './binder.js';
import { locationOf } from './ast.js';
import { refuseSubquery } from './refuse-subquery.js';
import { collateExpr } from './collate-plan.js';
import { coerceBoolean } from './coerce.js';
import { type Expr, walk } from './expr.js';
import type { PlanColumn } from './logical.js';

/** Over `row`, which has the table's columns at their positions. */
export function bindCopyWhere(b: Binder, node: Node, table: TableDescriptor, row: readonly PlanColumn[]): Expr {
  refuseSubquery(node, 'COPY FROM WHERE condition');
  const columns = visibleColumns(table, row);
  const scope = new Scope(null, [{ alias: table.name, schema: null, columns, table }], columns);
  const bound = bindExpr(exprContext(b, scope, 'COPY FROM WHERE conditions'), node);
  const condition = coerceBoolean(b, bound, 'WHERE', locationOf(node));
  const generated = new Map(row.flatMap((c, i) => (table.columns[i]!.generated == null ? [] : [[c.id, c.name]])));
  walk(condition, (e) => {
    const name = e.kind === 'column' ? generated.get(e.id) : undefined;
    if (name === undefined) return;
    throw sqlError('42P10', 'generated columns are not supported in COPY FROM WHERE conditions', {
      detail: `Column "${name}" is a generated column.`,
    });
  });
  return collateExpr(b, condition);
}
