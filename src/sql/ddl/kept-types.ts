/**
 * What a table keeps (defaults, checks, generated columns, indexes) names users' types by their oids, which are known of the types of its
 * columns only. So a column may be the one by which others' expressions can be read, the whole table with them.
 */
import type { RowExpression, TableDescriptor } from '../catalog/descriptor.js';
import type { DdlContext } from './context.js';
import { requireKnownTypes } from './placed-expressions.js';

/** Before the table is written so. @throws QuoralError 0A000 */
export function requireKeptTypes(ctx: DdlContext, { columns, checks, indexes }: TableDescriptor): void {
  const live = columns.filter((c) => !c.dropped);
  const look = (sql: string | null | undefined, what: string): void => {
    if (sql != null) requireKnownTypes(ctx, sql, live, what);
  };
  const kept = (e: RowExpression | null | undefined, what: string): void => look(e?.expressionSql, what);
  for (const { defaultSql, generated } of live) {
    look(defaultSql, 'DEFAULT expressions');
    kept(generated, 'column generation expressions');
  }
  for (const check of checks) look(check.expressionSql, 'check constraints');
  for (const { columns: parts, predicate } of indexes) {
    kept(predicate, 'index predicates');
    for (const { expression } of parts) kept(expression, 'index expressions');
  }
}
