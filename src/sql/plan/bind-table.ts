/** What a table's definition says of its rows: defaults, generated columns, CHECK constraints. */
import type { ColumnDescriptor, TableDescriptor, UsedRoutine } from '../catalog/descriptor.js';
import { OID } from '../types/oids.js';
import { baseOidOf, domainDefault, userTypeOf } from '../types/user-types.js';
import { makeCall } from './bind-call.js';
import { bindExpr } from './bind-expr.js';
import { exprContext } from './bind-select.js';
import { Scope } from './binder.js';
import type { Binder, ScopeColumn } from './binder.js';
import { coerceAssignment, coerceBoolean } from './coerce.js';
import { collateExpr } from './collate-plan.js';
import { constant } from './expr.js';
import type { Expr } from './expr.js';
import { expressionTree } from './expression-tree.js';
import type { PlanColumn, TableChecks } from './logical.js';

/** What an omitted column, or DEFAULT, stands for. */
export function defaultOf(b: Binder, column: ColumnDescriptor): Expr {
  return b.asStored(() => bindDefault(b, column));
}

function bindDefault(b: Binder, column: ColumnDescriptor): Expr {
  const ctx = exprContext(b, new Scope(null, [], []), 'DEFAULT expressions');
  if (column.defaultSql !== null) {
    return coerceAssignment(b, bindExpr(ctx, expressionTree(column.defaultSql)), column, -1);
  }
  const ofDomain = domainDefault(column.typeOid);
  if (ofDomain !== null) knowDomainRoutines(b, column.typeOid);
  if (ofDomain !== null) return coerceAssignment(b, bindExpr(ctx, expressionTree(ofDomain)), column, -1);
  if (column.identity !== null && column.sequenceId !== null) {
    const call = makeCall(ctx, 'nextval', [constant(column.sequenceId, OID.regclass)], [-1], -1);
    return coerceAssignment(b, call, column, -1);
  }
  return constant(null, baseOidOf(column.typeOid), column.typmod);
}

/** What the default of a domain, or of one that it is over, may call. */
function knowDomainRoutines(b: Binder, typeOid: number): void {
  for (let type = userTypeOf(typeOid); type?.kind === 'domain'; type = userTypeOf(type.typeOid))
    b.knowRoutines((type.usedRoutines ?? []) as readonly UsedRoutine[]);
}

export function bindChecks(b: Binder, table: TableDescriptor): TableChecks {
  const row = rowColumns(b, table);
  const isGenerated = table.columns.some(({ generated }) => generated != null);
  if (table.checks.length === 0 && !isGenerated) return { row, checks: [], links: null };
  return b.asStored(() => bindConditions(b, table, row));
}

function bindConditions(b: Binder, table: TableDescriptor, row: PlanColumn[]): TableChecks {
  const columns = visibleColumns(table, row);
  const scope = new Scope(null, [{ alias: table.name, schema: null, columns, table }], columns);
  const ctx = exprContext(b, scope, 'CHECK constraints');
  const generated = table.columns.flatMap((column, position) =>
    column.generated == null
      ? []
      : [
          {
            position,
            expr: collateExpr(
              b,
              coerceAssignment(b, bindExpr(ctx, expressionTree(column.generated.expressionSql)), column, -1),
            ),
          },
        ],
  );
  const checks = table.checks.map((c) => ({
    name: c.name,
    expr: collateExpr(b, coerceBoolean(b, bindExpr(ctx, expressionTree(c.expressionSql)), 'CHECK', -1)),
  }));
  return { row, generated, checks, links: null };
}

export function rowColumns(b: Binder, table: TableDescriptor): PlanColumn[] {
  return table.columns.map((c) => b.tableColumn(c, table.id, c.id));
}

export function visibleColumns(table: TableDescriptor, row: readonly PlanColumn[]): ScopeColumn[] {
  return row.flatMap((column, i): ScopeColumn[] =>
    table.columns[i]!.dropped ? [] : [{ column, hidden: table.columns[i]!.hidden }],
  );
}
