/**
 * What holds the type of a relation's rows: columns of tables and of views, types made of it, and calls of functions that take it.
 * They hold its definition, so whoever changes the relation writes them anew in the same transaction (renewRowType).
 *
 * None is missed for the reasons that ddl/user-types.ts gives: who names the type uses the relation to the end of its
 * transaction, and the change has the relation locked before it looks. Found are they by the rows that
 * TransactionCatalog.put leaves under the relation's id. Functions hold no definition that must be current.
 */
import { sqlError } from '../../base/errors.js';
import { prefixEnd } from '../../base/key.js';
import { decodeUint, SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { Descriptor, TableDescriptor, ViewDescriptor } from '../catalog/descriptor.js';
import { isReader, kindName } from '../catalog/materialized.js';
import type { Reader } from '../catalog/materialized.js';
import { relationsHeld, relationsWithin, rowTypeOf, withRowType } from '../catalog/row-types.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { isArrayType } from '../types/registry.js';
import { userTypeIn, userTypeOf } from '../types/user-types.js';
import type { UserType } from '../types/user-types.js';
import type { DdlContext } from './context.js';
import { viewsOver } from './dependent-views.js';
import { withMissingValues } from './user-types.js';

type Relation = TableDescriptor | ViewDescriptor;

/** Under schema locks, as they are now, in the order of their ids; without the relation itself. */
export async function rowTypeUsers(ctx: DdlContext, relationId: number): Promise<Descriptor[]> {
  const prefix = SYSTEM_KEYS.dependents(relationId);
  const { keys } = await ctx.txn.scan({ start: prefix, end: prefixEnd(prefix) });
  const holds = (d: Descriptor | null): d is Descriptor =>
    d !== null && d.kind !== 'routine' && relationsHeld(d).includes(relationId);
  const ids: number[] = [];
  for (const key of keys) {
    const { value: id } = decodeUint(key, prefix.length);
    if (holds(await ctx.catalog.forUpdate(ctx.txn, id))) ids.push(id);
  }
  if (ids.length === 0) return [];
  await ctx.catalog.lock(ctx.txn, ids, ctx.wait);
  const users: Descriptor[] = [];
  for (const id of ids) {
    const user = await ctx.catalog.forUpdate(ctx.txn, id);
    if (holds(user)) users.push(user);
  }
  return users;
}

/** After the relation was written: gives what holds its row type, itself too, the type that it has now. */
export async function renewRowType(ctx: DdlContext, relation: Relation): Promise<void> {
  const own = withRowType(relation, relation);
  if (own !== relation) write(ctx, own);
  for (const user of await rowTypeUsers(ctx, relation.id)) {
    const renewed = withRowType(user, relation);
    if (renewed !== user) write(ctx, { ...withMissingValues(user, renewed), version: user.version + 1 });
  }
}

function write(ctx: DdlContext, renewed: Descriptor): void {
  if (renewed.kind === 'table' || renewed.kind === 'view') ctx.catalog.routinesInUse.note(renewed.usedRoutines);
  ctx.catalog.put(ctx.txn, renewed);
}

/** Before the table's rows are written anew, which rows kept in columns elsewhere are not. @throws 0A000 */
export async function refuseRowTypeColumns(ctx: DdlContext, table: TableDescriptor): Promise<void> {
  const users = await rowTypeUsers(ctx, table.id);
  const columns = users.flatMap((user) =>
    user.kind !== 'table'
      ? []
      : user.columns
          .filter((c) => !c.dropped && relationsWithin([c.typeOid]).includes(table.id))
          .map(({ name, typeOid }) => ({ shown: `${user.name}.${name}`, typeOid })),
  );
  const own = columns.filter(({ typeOid }) => userTypeIn(typeOid)?.oid === table.id);
  const found = own.find(({ typeOid }) => isArrayType(typeOid)) ?? own[0] ?? columns[0];
  if (found === undefined) return;
  throw sqlError('0A000', `cannot alter table "${table.name}" because column "${found.shown}" uses its row type`);
}

export interface FieldReaders {
  readonly readers: readonly Reader[];
  /** Constraints, defaults and the like of descriptors, as messages name them. */
  readonly others: readonly { readonly id: number; readonly what: string }[];
}

/**
 * What reads a field of that name from a value of the relation's row type, or of another type: stored queries and expressions
 * name fields by their names only.
 */
export async function fieldReaders(ctx: DdlContext, relationId: number, field: string): Promise<FieldReaders> {
  return readersIn(await withViewsOver(ctx, await rowTypeUsers(ctx, relationId)), field);
}

/** These, and the views over them, which hold no definition of what they only read a field of. */
export async function withViewsOver(ctx: DdlContext, users: readonly Descriptor[]): Promise<Descriptor[]> {
  const ids = users.map(({ id }) => id);
  const views = await viewsOver(ctx, ids);
  return [...users, ...views.filter(({ id }) => !ids.includes(id))];
}

/** Which of these read a field of that name. It may be another type's: then more are found than must be. */
export function readersIn(users: readonly Descriptor[], field: string): FieldReaders {
  const readers: Reader[] = [];
  const others: { id: number; what: string }[] = [];
  const inQuery = new RegExp(`"indirection":\\[[^\\]]*"sval":${escaped(JSON.stringify(field))}`);
  const inText = new RegExp(`[)\\]]\\.${escaped(quoteIdentifier(field))}(?![\\w$"])`);
  for (const user of users) {
    if (isReader(user)) {
      const { queryTree } = user.kind === 'view' ? user : user.materialized;
      if (inQuery.test(queryTree)) readers.push(user);
    } else if (user.kind === 'table') {
      for (const { what, sql } of storedExpressions(user)) if (inText.test(sql)) others.push({ id: user.id, what });
    } else if (user.kind === 'type') {
      const type = userTypeOf(user.typeOid);
      if (type?.kind !== 'domain') continue;
      for (const { name, expressionSql } of type.checks)
        if (inText.test(expressionSql)) others.push({ id: user.id, what: `constraint ${name}` });
    }
  }
  return { readers, others };
}

function storedExpressions(table: TableDescriptor): { readonly what: string; readonly sql: string }[] {
  const { name, columns, checks, indexes } = table;
  return [
    ...checks.map((c) => ({ what: `constraint ${c.name} on table ${name}`, sql: c.expressionSql })),
    ...columns.flatMap((c) => {
      const made = c.generated == null ? c.defaultSql : c.generated.expressionSql;
      const what = c.generated == null ? 'default value for column' : 'column';
      return made === null ? [] : [{ what: `${what} ${c.name} of table ${name}`, sql: made }];
    }),
    ...indexes.flatMap((index) =>
      [index.predicate, ...index.columns.map(({ expression }) => expression)].flatMap((e) =>
        e == null ? [] : [{ what: `index ${index.name}`, sql: e.expressionSql }],
      ),
    ),
  ];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export function fieldRead(reader: string, field: string, doing: string): Error {
  return sqlError('0A000', `${doing} column "${field}" that ${reader} reads from a row is not supported`);
}

/** @throws 0A000 */
export async function refuseFieldReaders(ctx: DdlContext, relation: Relation, field: string): Promise<void> {
  refuseRenaming(await fieldReaders(ctx, relation.id, field), field);
}

/** @throws 0A000 */
export function refuseRenaming({ readers, others }: FieldReaders, field: string): void {
  const [first] = [...readers.map((reader) => `${kindName(reader)} ${reader.name}`), ...others.map(({ what }) => what)];
  if (first !== undefined) throw fieldRead(first, field, 'renaming');
}

/** @throws 42P16 for a column that the table's own rows are in */
export function refuseOwnRows(table: { readonly id: number; readonly name: string }, typeOid: number): void {
  if (!relationsWithin([typeOid]).includes(table.id)) return;
  throw sqlError('42P16', `composite type ${table.name} cannot be made a member of itself`);
}

/** The row type that the relation has now. */
export function rowTypeDefinition(relation: Relation): UserType {
  return userTypeOf(rowTypeOf(relation))!;
}
