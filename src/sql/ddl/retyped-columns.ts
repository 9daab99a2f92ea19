/** ALTER COLUMN … TYPE: what the values and the default of the column become. */
import { canCoerce } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ColumnDescriptor } from '../catalog/descriptor.js';
import type { CompiledExpression } from '../contract.js';
import { PINNED, storedTypeName } from '../types/pinned-types.js';
import { formatType, typeByOid } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { quoteIdentifier as quoted } from '../types/identifiers.js';
import { userTypeIn } from '../types/user-types.js';
import { nextvalSql } from './columns.js';
import type { DdlContext } from './context.js';
import { deparse, quoteIdentifier, quoteLiteral } from './deparse.js';
import { compilePlaced } from './placed-expressions.js';
import { unsupported } from './tree.js';

/** What the column's values become. @throws QuoralError 42804 where that is not assignable to the type */
function newValue(
  ctx: DdlContext,
  { name }: ColumnDescriptor,
  columns: readonly ColumnDescriptor[],
  using: unknown,
  type: { readonly oid: number; readonly typmod: number },
): CompiledExpression {
  const compiled = (target: Parameters<typeof compilePlaced>[3]): CompiledExpression =>
    using === undefined
      ? ctx.planner.compileExpression(quoteIdentifier(name), columns, ctx.plannerSettings, target)
      : compilePlaced({ ...ctx, unplaced: false }, { node: using, sql: deparse(using) }, columns, target);
  compiled(null);
  try {
    return compiled({ typeOid: type.oid, typmod: type.typmod });
  } catch (error) {
    if (!(error instanceof QuoralError) || error.sqlstate !== '42804') throw error;
    const shown = formatType(type.oid);
    const subject = using === undefined ? `column "${name}"` : `result of USING clause for column "${name}"`;
    throw sqlError('42804', `${subject} cannot be cast automatically to type ${shown}`, {
      hint:
        using === undefined
          ? `You might need to specify "USING ${quoted(name)}::${formatType(type.oid, type.typmod)}".`
          : 'You might need to add an explicit cast.',
    });
  }
}

function defaultNotCast(name: string, typeOid: number): Error {
  return sqlError('42804', `default for column "${name}" cannot be cast automatically to type ${formatType(typeOid)}`);
}

/** A default names users' types only while its column is of them: as the value that it is, when the column changes. */
async function convertedDefault(
  ctx: DdlContext,
  sql: string,
  from: ColumnDescriptor,
  to: { readonly typeOid: number; readonly typmod: number },
): Promise<string> {
  // Its type is known by being that of something.
  const over = [{ name: from.name, typeOid: from.typeOid, typmod: from.typmod }];
  const compile = (target: typeof to | null): CompiledExpression => {
    try {
      return ctx.planner.compileExpression(sql, over, ctx.plannerSettings, target);
    } catch (error) {
      if (!(error instanceof QuoralError) || error.sqlstate !== '42804') throw error;
      throw defaultNotCast(from.name, to.typeOid);
    }
  };
  const compiled = compile(to);
  // As written: what assignment adds is not kept.
  if (userTypeIn(from.typeOid) === null) return compile(null).sql;
  if (!compiled.sql.includes(`"${PINNED}`)) return compiled.sql;
  const alone = ctx.planner.compileExpression(sql, [], ctx.plannerSettings, {
    typeOid: from.typeOid,
    typmod: from.typmod,
  });
  if (!alone.immutable) throw unsupported(`changing the type of a column whose default is computed`);
  const value = await compiled.evaluate([], ctx.execContext());
  if (value === null) return `NULL::${storedTypeName(to.typeOid, to.typmod)}`;
  return `${quoteLiteral(typeByOid(to.typeOid).output(value, STORED_FORMAT))}::${storedTypeName(to.typeOid, to.typmod)}`;
}

/** How the new values are made of the old ones, and the default of the new type. @throws QuoralError 42804 */
export async function retypedValues(
  ctx: DdlContext,
  before: readonly ColumnDescriptor[],
  column: ColumnDescriptor,
  using: unknown,
  type: { readonly oid: number; readonly typmod: number },
): Promise<{ readonly expression: CompiledExpression; readonly defaultSql: string | null }> {
  const old = before.filter((c) => !c.dropped);
  const expression = newValue(ctx, column, old, using, type);
  const { defaultSql } = column;
  if (column.identity !== null || defaultSql === null) return { expression, defaultSql };
  // The default of serial may have gone, or given way to another, and the sequence be the column's for all that.
  if (column.sequenceId !== null && defaultSql === nextvalSql(column.sequenceId)) {
    if (!canCoerce(OID.int8, type.oid, 'assignment')) throw defaultNotCast(column.name, type.oid);
    return { expression, defaultSql };
  }
  const to = { typeOid: type.oid, typmod: type.typmod };
  return { expression, defaultSql: await convertedDefault(ctx, defaultSql, column, to) };
}
