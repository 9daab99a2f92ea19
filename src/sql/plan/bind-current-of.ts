/** WHERE CURRENT OF: the row that has the primary key of the row that a cursor is on. */
import type { CurrentOfExpr } from 'libpg-query';
import { ownFunction } from '../functions/entry.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { makeOperator } from './bind-call.js';
import { type Binder, columnExpr } from './binder.js';
import { sqlError } from '../../base/errors.js';
import { OID } from '../types/oids.js';
import { conjunction, constant, type Expr } from './expr.js';
import { bindVariable } from './variables.js';
import type { ScanPlan } from './logical.js';

export function bindCurrentOf(b: Binder, { cursor_name: cursor }: CurrentOfExpr, scan: ScanPlan): Expr {
  const { table } = scan;
  const named = nameOf(b, cursor ?? '');
  const parts = table.indexes[0]!.columns.map(({ columnId }, i) => {
    const position = table.columns.findIndex((c) => c.id === columnId);
    const column = scan.columns.find((c) => c.position === position)!;
    return makeOperator(b, '=', columnExpr(column), keyPart(named, table, i, column.oid), -1);
  });
  return conjunction(parts);
}

/** A variable of a function that has a cursor's name in it, or the name itself. */
function nameOf(b: Binder, cursor: string): Expr {
  const variable = b.variables?.has([cursor]) === true ? bindVariable(b, [cursor]) : null;
  return variable?.oid === OID.text || variable?.oid === OID.refcursor ? variable : constant(cursor, OID.text);
}

/** Of a variable that has no name in it. */
function unnamed(name: Expr): Error {
  const number = name.kind === 'param' ? name.index + 1 : 0;
  return sqlError('42704', `no value found for parameter ${number}`);
}

/** Looked up when the statement runs: the cursor moves between two runs of one plan. */
function keyPart(cursor: Expr, table: TableDescriptor, at: number, oid: number): Expr {
  const entry = ownFunction({
    name: 'current_of',
    argOids: [OID.text],
    resultOid: oid,
    impl: ([name], ctx) => {
      if (name == null) throw unnamed(cursor);
      return ctx.services.cursorKey(name as string, table)?.[at] ?? null;
    },
  });
  const info = { argOids: [OID.text], resultOid: oid };
  return { kind: 'call', entry, operator: false, args: [cursor], info, oid, typmod: -1 };
}
