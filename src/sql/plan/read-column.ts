/** Columns that an expression names, noted as read: whoever runs the statement must be allowed to. */
import { columnExpr } from './binder.js';
import type { ExprContext, ScopeRelation } from './binder.js';
import type { Expr } from './expr.js';
import type { PlanColumn } from './logical.js';
import { wholeRow } from './whole-row.js';

/** The column, and that it is read. */
export function readColumn({ binder }: ExprContext, column: PlanColumn, location = -1): Expr {
  binder.access.note(column);
  return columnExpr(column, location);
}
/** All columns of the relation, as one value. */
export function readRow({ binder }: ExprContext, relation: ScopeRelation, location: number): Expr {
  for (const { column, hidden } of relation.columns) if (!hidden) binder.access.note(column);
  return wholeRow(relation, location);
}
