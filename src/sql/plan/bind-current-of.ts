/** WHERE CURRENT OF: the row that has the primary key of the row that a cursor is on. */
import type { CurrentOfExpr } from 'libpg-query';
import { ownFunction } from '../functions/entry.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { makeOperator } from './bind-call.js';
import { type Binder, columnExpr } from './binder.js';
import { conjunction, type Expr } from './expr.js';
import type { ScanPlan } from './logical.js';

export function bindCurrentOf(b: Binder, { cursor_name: cursor }: CurrentOfExpr, scan: ScanPlan): Expr {
  const { table } = scan;
  const parts = table.indexes[0]!.columns.map(({ columnId }, i) => {
    const position = table.columns.findIndex((c) => c.id === columnId);
    const column = scan.columns.find((c) => c.position === position)!;
    return makeOperator(b, '=', columnExpr(column), keyPart(cursor ?? '', table, i, column.oid), -1);
  });
  return conjunction(parts);
}

/** Looked up when the statement runs: the cursor moves between two runs of one plan. */
function keyPart(cursor: string, table: TableDescriptor, at: number, oid: number): Expr {
  const entry = ownFunction({
    name: 'current_of',
    argOids: [],
    resultOid: oid,
    impl: (_args, ctx) => ctx.services.cursorKey(cursor, table)?.[at] ?? null,
  });
  return { kind: 'call', entry, operator: false, args: [], info: { argOids: [], resultOid: oid }, oid, typmod: -1 };
}
