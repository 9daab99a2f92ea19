/** What an index is over, beyond plain columns: expressions and the predicate of a partial index. */
import type { Node } from 'libpg-query';
import { sqlError } from '../../base/errors.js';
import type { QuoralError } from '../../base/errors.js';
import type {
  ColumnDescriptor,
  IndexDescriptor,
  IndexPart,
  RowExpression,
  TableDescriptor,
} from '../catalog/descriptor.js';
import { resolveCollation } from '../plan/collation-names.js';
import { startOf } from '../plan/ast.js';
import { errorAt } from '../plan/error-at.js';
import { expressionTree } from '../plan/expression-tree.js';
import { figureNameOf } from '../plan/figure-name.js';
import { OID } from '../types/oids.js';
import { typeCollation } from '../types/collated.js';
import { formatType } from '../types/registry.js';
import { givenClass, keyClass } from './access-methods.js';
import { checkColumnType } from './columns.js';
import type { DdlContext } from './context.js';
import { bindRowExpression, renameInExpression } from './row-expressions.js';
import type { Place } from './row-expressions.js';
import type { Loose } from './tree.js';

const KEY: Place = {
  one: 'index expression',
  many: 'index expressions',
  notImmutable: 'functions in index expression must be marked IMMUTABLE',
  wholeRow: sqlError('0A000', 'a whole-row reference in an index expression is not supported'),
  systemColumn: onSystemColumn,
};
const PREDICATE: Place = {
  one: 'index predicate',
  many: 'index predicates',
  notImmutable: 'functions in index predicate must be marked IMMUTABLE',
  wholeRow: sqlError('0A000', 'a whole-row reference in an index predicate is not supported'),
  systemColumn: onSystemColumn,
};

export function onSystemColumn(): QuoralError {
  return sqlError('0A000', 'index creation on system columns is not supported');
}

/** The names that the index gives its columns: each once. */
export function partNames(parts: readonly { readonly name: string; readonly expression?: unknown }[]): string[] {
  const names: string[] = [];
  for (const { name, expression } of parts) {
    const own = name !== '' ? name : (figureNameOf(expression as Node) ?? 'expr');
    let unique = own;
    for (let n = 1; names.includes(unique); n++) unique = `${own}${n}`;
    names.push(unique);
  }
  return names;
}

/** How a part is kept; without a class, gin takes that of the type. */
export type PartOptions = Pick<IndexPart, 'descending' | 'nullsFirst' | 'collation'> & {
  readonly opclass?: string | undefined;
};

export function expressionPart(
  ctx: DdlContext,
  node: unknown,
  { opclass, ...order }: PartOptions,
  name: string,
  table: string,
  columns: readonly ColumnDescriptor[],
  method: IndexDescriptor['method'] | undefined,
): IndexPart {
  const { collation, ...expression } = bindRowExpression(ctx, node, table, columns, KEY);
  checkColumnType(name, expression.typeOid);
  if (collation === null && order.collation === undefined)
    throw sqlError('42P22', 'could not determine which collation to use for index expression', {
      hint: 'Use the COLLATE clause to set the collation explicitly.',
    });
  return {
    columnId: 0,
    ...order,
    ...keyClass(method, opclass, expression.typeOid),
    expression: { ...expression, name, ...(collation == null ? {} : { collation }) },
  };
}

/** @throws QuoralError 42704, 3F000 */
export function collationKey({ types }: DdlContext, written: readonly string[] | string): string {
  return typeof written === 'string' ? written : resolveCollation(written, -1, types.findCollation).key;
}

/** @throws QuoralError 42704, 42804, 3F000 */
export function partCollation(
  ctx: DdlContext,
  written: readonly string[] | string | undefined,
  typeOid: number,
): Pick<IndexPart, 'collation'> {
  if (written === undefined) return {};
  const collation = collationKey(ctx, written);
  if (typeCollation(typeOid) === null)
    throw sqlError('42804', `collations are not supported by type ${formatType(typeOid)}`);
  return { collation };
}

/** null if it holds for every row. */
export function indexPredicate(
  ctx: DdlContext,
  node: unknown,
  table: string,
  columns: readonly ColumnDescriptor[],
): RowExpression | null {
  const { expressionSql, columnIds, typeOid } = bindRowExpression(ctx, node, table, columns, PREDICATE);
  if (typeOid === OID.bool) return expressionSql === 'true' ? null : { expressionSql, columnIds };
  // A literal without a type was bound as text; here it is a truth value.
  if (typeOid === OID.text && (node as Loose)['A_Const'] !== undefined)
    return indexPredicate(ctx, { TypeCast: { arg: node, typeName: BOOLEAN } }, table, columns);
  const message = `argument of WHERE must be type boolean, not type ${formatType(typeOid)}`;
  throw errorAt('42804', message, startOf(node as Node));
}

const BOOLEAN = { names: [{ String: { sval: 'pg_catalog' } }, { String: { sval: 'bool' } }], typemod: -1 };

/** An index after one of its columns was renamed. `columns` have the new name. */
export function renamedIndex(
  ctx: DdlContext,
  index: IndexDescriptor,
  columnId: number,
  from: string,
  to: string,
  columns: readonly ColumnDescriptor[],
): IndexDescriptor {
  const rewritten = <E extends RowExpression>(e: E): E =>
    e.columnIds.includes(columnId)
      ? { ...e, expressionSql: renameInExpression(ctx, e.expressionSql, from, to, columns) }
      : e;
  return mapExpressions(index, rewritten);
}

function mapExpressions(index: IndexDescriptor, map: <E extends RowExpression>(e: E) => E): IndexDescriptor {
  return {
    ...index,
    columns: index.columns.map((c) => (c.expression == null ? c : { ...c, expression: map(c.expression) })),
    ...(index.predicate == null ? {} : { predicate: map(index.predicate) }),
  };
}

/** The table's indexes after a column got another type: what reads it is bound anew, and may be refused. */
export function reboundIndexes(ctx: DdlContext, table: TableDescriptor, columnId: number): IndexDescriptor[] {
  return table.indexes.map((index): IndexDescriptor => {
    const reads = (e: RowExpression | null | undefined): e is RowExpression => e?.columnIds.includes(columnId) ?? false;
    const columns = index.columns.map((part): IndexPart => {
      const { expression, columnId: keyId, namedClass: _, collation, ...plain } = part;
      const { typeOid: newOid } = table.columns.find((c) => c.id === columnId)!;
      const stays = collation !== undefined && (keyId !== columnId || typeCollation(newOid) !== null);
      const rest = { ...plain, ...(stays ? { collation } : {}) };
      const order = { ...rest, opclass: givenClass(part) };
      if (keyId === columnId) {
        const { typeOid } = table.columns.find((c) => c.id === columnId)!;
        return { ...rest, columnId, ...keyClass(index.method, order.opclass, typeOid) };
      }
      if (expression == null || !reads(expression)) return part;
      const node = expressionTree(expression.expressionSql);
      return expressionPart(ctx, node, order, expression.name, table.name, table.columns, index.method);
    });
    if (!reads(index.predicate)) return { ...index, columns };
    const node = expressionTree(index.predicate.expressionSql);
    return { ...index, columns, predicate: indexPredicate(ctx, node, table.name, table.columns) };
  });
}
