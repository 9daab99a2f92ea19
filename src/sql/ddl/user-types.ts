/**
 * What the statements about users' types share: making, opening, changing and dropping a type.
 *
 * A descriptor that uses a type holds its definition (catalog/descriptor.ts). Invariant: at every commit all
 * descriptors hold the definition that the type's own descriptor has. It holds because
 *
 *   1. whoever writes a descriptor that names a type has resolved the name in the same transaction, so is a
 *      registered user of the type's descriptor to its end (catalog.ts);
 *   2. a change or drop takes the schema lock on the type first, which waits for those users and lets no new ones
 *      in, and only then looks for the objects that use it;
 *   3. it then locks these, which waits for every statement that runs by the old definition, and writes them anew.
 */
import { quoteIdentifier } from '../types/identifiers.js';
import { assert } from '../../base/assert.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import { typeEntryName } from '../catalog/entry-names.js';
import { usesType, withType } from '../catalog/codec.js';
import type { Descriptor, Routine, TableDescriptor, TypeDescriptor } from '../catalog/descriptor.js';
import { kindName } from '../catalog/materialized.js';
import type { Reader } from '../catalog/materialized.js';
import type { RelationName } from '../contract.js';
import { catalogOidOf, formatType, isArrayType, typeByOid } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { internType, isRowType, typesWithin, userTypeIn, userTypeOf } from '../types/user-types.js';
import type { UserType } from '../types/user-types.js';
import type { DdlContext } from './context.js';
import { initialAcl } from './default-privileges.js';
import { notOwner, ownsSchemaOf } from './ownership.js';
import { dropEach, notice } from './context.js';
import { creationSchema, lacksSchema, shownName, throwMissing, visibleName } from './objects.js';
import { tablesOfType } from './typed-tables.js';
import { dependences, viewsOfColumn } from './views.js';
import { list, of, qualifiedName, strings } from './tree.js';
import type { Loose } from './tree.js';

const ATTEMPTS_MAX = 20;

export interface OpenedType {
  readonly descriptor: TypeDescriptor;
  readonly type: UserType;
}

export function typeMissing(ctx: DdlContext, name: RelationName): Promise<never> {
  return throwMissing(ctx, name, sqlError('42704', `type "${shownName(name)}" does not exist`));
}

/** The name in a TypeName node, or in a list of names. */
export function typeNameIn(object: Loose): RelationName {
  if (object['TypeName'] !== undefined) return qualifiedName(strings(of(object, 'TypeName')['names']));
  return qualifiedName(strings(of(object, 'List')['items']));
}

/** @throws 42710 also where a table has the name: it has a type of that name. */
export async function createType(
  ctx: DdlContext,
  name: RelationName,
  define: (named: { readonly oid: number; readonly arrayOid: number; readonly name: string }) => UserType,
): Promise<void> {
  const schema = await creationSchema(ctx, name);
  const oid = await ctx.catalog.catalog.ids.next();
  const arrayOid = await ctx.catalog.catalog.ids.next();
  await claimTypeName(ctx, schema.id, name.name, oid);
  ctx.catalog.putNew(ctx.txn, {
    kind: 'type',
    id: oid,
    name: name.name,
    databaseId: ctx.catalog.databaseId,
    schemaId: schema.id,
    version: 1,
    owner: ctx.session.userId,
    ...(await initialAcl(ctx, 'type', schema.id)),
    typeOid: internType(define({ oid, arrayOid, name: name.name })),
    comment: null,
  });
}

/** @throws 42710 also where a table has the name: it has a type of that name. */
export async function claimTypeName(
  ctx: DdlContext,
  schemaId: number,
  name: string,
  id: number,
  shown: { readonly hint?: string; readonly schema?: string } = {},
): Promise<void> {
  const relation = await ctx.catalog.nameForUpdate(ctx.txn, schemaId, name);
  const rowType = relation !== null && relation.indexOid === null;
  const claimed =
    !rowType && (await ctx.catalog.claimName(ctx.txn, schemaId, typeEntryName(name), { id, indexOid: null }));
  if (claimed) return;
  const { hint, schema } = shown;
  const place = schema === undefined ? '' : ` in schema "${schema}"`;
  throw sqlError('42710', `type "${name}" already exists${place}`, hint === undefined ? {} : { hint });
}

/** A table's name is also its row type's. @throws 42710 */
export async function refuseTypeOfName(ctx: DdlContext, schemaId: number, name: string): Promise<void> {
  if ((await ctx.catalog.nameForUpdate(ctx.txn, schemaId, typeEntryName(name))) === null) return;
  throw sqlError('42710', `type "${name}" already exists`, {
    hint: "A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.",
  });
}

/** The type under its schema lock, as it is now. null if there is none. */
export async function openType(
  ctx: DdlContext,
  name: RelationName,
  action: 'alter' | 'drop' = 'alter',
  { access }: { readonly access: 'owner' | 'any' } = { access: 'owner' },
): Promise<OpenedType | null> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const found = await ctx.catalog.type(name, ctx.session.searchPath, ctx.wait);
    if (found === null) return null;
    if (isRowType(found.typeOid)) throw rowTypeRefused(name.name, action, isArrayType(found.typeOid));
    await ctx.catalog.lock(ctx.txn, [found.id], ctx.wait);
    const descriptor = await ctx.catalog.forUpdate(ctx.txn, found.id);
    if (descriptor?.kind !== 'type') continue;
    const type = userTypeOf(descriptor.typeOid)!;
    const may =
      access === 'any' || ctx.rights.owns(descriptor) || (action === 'drop' && (await ownsSchemaOf(ctx, descriptor)));
    if (!may) throw notOwner('type', await visibleName(ctx, descriptor));
    if (descriptor.name === name.name) return { descriptor, type };
    if (`_${descriptor.name}` !== name.name) continue;
    throw arrayRefused(descriptor.name, action);
  }
  throw new QuoralError('40001', `type "${name.name}" keeps changing`, { retry: 'transaction' });
}

function rowTypeRefused(name: string, action: 'alter' | 'drop', isArray: boolean): Error {
  if (isArray) return arrayRefused(name.slice(1), action);
  if (action === 'drop') {
    return sqlError('2BP01', `cannot drop type ${name} because table ${name} requires it`, {
      hint: `You can drop table ${name} instead.`,
    });
  }
  return sqlError('42809', `${name} is a table's row type`, { hint: 'Use ALTER TABLE instead.' });
}

function arrayRefused(name: string, action: 'alter' | 'drop'): Error {
  if (action === 'drop') {
    return sqlError('2BP01', `cannot drop type ${name}[] because type ${name} requires it`, {
      hint: `You can drop type ${name} instead.`,
    });
  }
  return sqlError('42809', `${name}[] is an array type`, {
    hint: `You can alter type ${name}, which will alter the array type as well.`,
  });
}

export async function requireType(ctx: DdlContext, name: RelationName): Promise<OpenedType> {
  const found = await openType(ctx, name);
  if (found === null) return typeMissing(ctx, name);
  return found;
}

/** Everything in the database that uses the type, under schema locks, as it is now. The type's lock is held. */
export async function usersOf(ctx: DdlContext, type: UserType): Promise<Descriptor[]> {
  const { descriptors } = await ctx.catalog.view([]);
  const ids = descriptors.filter((d) => d.id !== type.oid && usesType(d, type.oid)).map((d) => d.id);
  if (ids.length === 0) return [];
  await ctx.catalog.lock(ctx.txn, ids, ctx.wait);
  const users: Descriptor[] = [];
  for (const id of ids) {
    const current = await ctx.catalog.forUpdate(ctx.txn, id);
    if (current !== null && usesType(current, type.oid)) users.push(current);
  }
  return users;
}

function namesHandle(descriptor: Descriptor, handle: number): boolean {
  let found = false;
  JSON.stringify(descriptor, (key, value: unknown) => {
    if (key === 'typeOid' && typesWithin(value as number).includes(handle)) found = true;
    return value;
  });
  return found;
}

/** Rows of before a column was added have its default as text: written anew, as what is on disk would be read now. */
export function withMissingValues(before: Descriptor, after: Descriptor): Descriptor {
  if (before.kind !== 'table' || after.kind !== 'table') return after;
  const columns = after.columns.map((column, i) => {
    const old = before.columns[i]!;
    if (old.missingText === null || old.typeOid === column.typeOid) return column;
    const [from, to] = [typeByOid(old.typeOid), typeByOid(column.typeOid)];
    const value = from.input(old.missingText, old.typmod, STORED_FORMAT);
    if (value === null || from.stored === undefined || to.stored === undefined) return column;
    const kept = to.stored.decode(Buffer.from(from.stored.encode(value)));
    return { ...column, missingText: to.output(kept, STORED_FORMAT) };
  });
  return { ...after, columns };
}

/** Gives the type and all that uses it the new definition. Returns the users. */
export async function changeType(
  ctx: DdlContext,
  { descriptor }: OpenedType,
  changed: UserType,
  changes: Partial<Pick<TypeDescriptor, 'name' | 'schemaId' | 'comment'>> = {},
): Promise<Descriptor[]> {
  const from = descriptor.typeOid;
  const to = internType(changed);
  if (to !== from) {
    for (const user of await usersOf(ctx, changed)) {
      const renewed = withType(user, from, to);
      assert(!namesHandle(renewed, from), () => `${user.name} still uses the old definition of ${changed.name}`);
      if (renewed.kind === 'table' || renewed.kind === 'view') ctx.catalog.routinesInUse.note(renewed.usedRoutines);
      ctx.catalog.put(ctx.txn, { ...withMissingValues(user, renewed), version: user.version + 1 });
    }
  }
  ctx.catalog.put(ctx.txn, { ...descriptor, ...changes, typeOid: to, version: descriptor.version + 1 });
  return to === from ? [] : usersOf(ctx, changed);
}

export async function renameType(ctx: DdlContext, opened: OpenedType, to: string): Promise<void> {
  const { descriptor, type } = opened;
  if (type.kind === 'multirange') throw sqlError('0A000', 'renaming a multirange type is not supported');
  await claimTypeName(ctx, descriptor.schemaId, to, descriptor.id);
  ctx.catalog.freeName(ctx.txn, descriptor.schemaId, typeEntryName(descriptor.name));
  await changeType(ctx, opened, { ...type, name: to }, { name: to });
}

export async function moveType(ctx: DdlContext, { descriptor, type }: OpenedType, schema: string): Promise<void> {
  const target = await creationSchema(ctx, { schema, name: '' });
  if (target.id === descriptor.schemaId) return;
  await claimTypeName(ctx, target.id, descriptor.name, descriptor.id, { schema });
  ctx.catalog.freeName(ctx.txn, descriptor.schemaId, typeEntryName(descriptor.name));
  ctx.catalog.put(ctx.txn, { ...descriptor, schemaId: target.id, version: descriptor.version + 1 });
  // Rows of catalogs that show the schema are kept by version.
  for (const user of await usersOf(ctx, type)) ctx.catalog.put(ctx.txn, { ...user, version: user.version + 1 });
}

export async function commentOnType(ctx: DdlContext, name: RelationName, comment: string | null): Promise<void> {
  const { descriptor } = await requireType(ctx, name);
  ctx.catalog.put(ctx.txn, { ...descriptor, comment, version: descriptor.version + 1 });
}

/** How the users of a type are taken away with it; in another file, since it takes all other drops. */
export type DropUsers = (ctx: DdlContext, type: UserType, users: readonly Descriptor[]) => Promise<void>;

export async function dropTypes(ctx: DdlContext, body: Loose, dropUsers: DropUsers): Promise<string> {
  const domains = body['removeType'] === 'OBJECT_DOMAIN';
  await dropEach(ctx, list(body['objects']), async (object) => {
    const name = typeNameIn(object);
    const opened = await openType(ctx, name, 'drop');
    if (opened === null) {
      if (body['missing_ok'] !== true) return typeMissing(ctx, name);
      const what = (await lacksSchema(ctx, name)) ? `schema "${name.schema!}"` : `type "${shownName(name)}"`;
      notice(ctx, '00000', `${what} does not exist, skipping`);
      return;
    }
    if (domains && opened.type.kind !== 'domain') throw sqlError('42809', `"${name.name}" is not a domain`);
    await dropType(ctx, opened, body['behavior'] === 'DROP_CASCADE', dropUsers);
  });
  return domains ? 'DROP DOMAIN' : 'DROP TYPE';
}

export async function dropType(
  ctx: DdlContext,
  { descriptor, type }: OpenedType,
  cascade: boolean,
  dropUsers: DropUsers,
): Promise<void> {
  if (type.kind === 'multirange') {
    const range = userTypeOf(type.typeOid)!;
    throw sqlError('2BP01', `cannot drop type ${descriptor.name} because type ${range.name} requires it`, {
      hint: `You can drop type ${range.name} instead.`,
    });
  }
  const multirange = type.kind === 'range' ? type.multirange : null;
  // Multiranges go with their ranges.
  const others = (await usersOf(ctx, type)).filter((user) => !isMultirange(user));
  const users = [...(await tablesOfType(ctx, type)), ...others].sort((a, b) => a.id - b.id);
  if (users.length > 0) {
    const shown = await visibleName(ctx, descriptor);
    if (!cascade) {
      const details: string[] = [];
      const told = new Set<number>();
      for (const user of users) {
        // What reads a column of the type has been told with the column.
        if (told.has(user.id)) continue;
        if (user.kind === 'table' && user.ofType === type.oid)
          details.push(`table ${user.name} depends on type ${shown}`);
        if (user.kind === 'table' && user.materialized == null)
          details.push(...(await usesOfTable(ctx, user, { type, shown }, told)));
        else details.push(...uses(user, type, shown));
        if (multirange !== null && user.kind === 'table')
          details.push(...columnUses(user, multirange.oid, multirange.name));
        const own = user.kind === 'type' ? userTypeOf(user.typeOid)! : null;
        if (own !== null)
          for (const other of users)
            if (other !== user && usesType(other, own.oid)) details.push(...uses(other, own, user.name));
      }
      throw sqlError('2BP01', `cannot drop type ${shown} because other objects depend on it`, {
        detail: details.join('\n'),
        hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
      });
    }
    await dropUsers(ctx, type, users);
  }
  ctx.catalog.freeName(ctx.txn, descriptor.schemaId, typeEntryName(descriptor.name));
  ctx.catalog.drop(ctx.txn, descriptor.id);
  if (multirange === null) return;
  const own = await ctx.catalog.forUpdate(ctx.txn, multirange.oid);
  assert(own?.kind === 'type', 'a range type has its multirange type');
  ctx.catalog.freeName(ctx.txn, own.schemaId, typeEntryName(own.name));
  ctx.catalog.drop(ctx.txn, own.id);
}

/** Each column with the views that read it. */
async function usesOfTable(
  ctx: DdlContext,
  table: TableDescriptor,
  { type, shown }: { readonly type: UserType; readonly shown: string },
  told: Set<number>,
): Promise<string[]> {
  const lines: string[] = [];
  for (const line of uses(table, type, shown)) {
    lines.push(line);
    const what = line.slice(0, line.lastIndexOf(' depends on '));
    const column = table.columns.find((c) => !c.dropped && what.startsWith(`column ${c.name} of `));
    if (column === undefined) continue;
    // A query that names the type depends on it by itself.
    const views = (await viewsOfColumn(ctx, table.id, column.id)).filter((view) => !namesItself(view, type));
    lines.push(...(await dependences(ctx, what, views, { cascade: false, together: new Set() }, told)));
  }
  return lines;
}

function namesItself(view: Reader, type: UserType): boolean {
  const { usedTypes = [] } = view.kind === 'view' ? view : view.materialized;
  return usedTypes.some(({ typeOid }) => namesType(typeOid, type));
}

export function isMultirange(d: Descriptor): boolean {
  return d.kind === 'type' && userTypeOf(d.typeOid)?.kind === 'multirange';
}

export function namesType(oid: number, type: UserType): boolean {
  return typesWithin(oid).some((handle) => catalogOidOf(handle) === type.oid);
}

/** Other than by a function that it calls. */
export function usesItself(user: Descriptor, type: UserType): boolean {
  if (user.kind === 'routine') return user.routines.some((routine) => takesOrGives(routine, type));
  if (user.kind !== 'table' && user.kind !== 'view') return usesType(user, type.oid);
  return usesType({ ...user, usedRoutines: [] }, type.oid);
}

/** Not by a field of a row: a function of rows stays when they lose one. */
export function takesOrGives(routine: Routine, type: UserType): boolean {
  let found = false;
  JSON.stringify(routine, (key, value: unknown) => {
    const own = key === 'typeOid' ? userTypeIn(value as number) : null;
    if (own !== null && (own.oid === type.oid || (own.kind !== 'composite' && namesType(value as number, type))))
      found = true;
    return value;
  });
  return found;
}

/** What of the descriptor uses the type and how, as messages name it; what uses its array comes first. */
export function uses(user: Descriptor, type: UserType, shown: string): string[] {
  if (!usesItself(user, type)) return [];
  if (user.kind === 'table') {
    // Columns of types that are made of it are told of by those.
    const columns = columnUses(user, type.oid, shown);
    if (columns.length > 0) return columns;
    if (user.columns.some((c) => !c.dropped && namesType(c.typeOid, type))) return [];
  }
  return usesElsewhere(user, type).map((what) => `${what} depends on type ${shown}`);
}

function columnUses(user: TableDescriptor, oid: number, shown: string): string[] {
  const columns = user.columns.filter((c) => !c.dropped && userTypeIn(c.typeOid)?.oid === oid);
  const arrays = columns.filter((c) => isArrayType(c.typeOid)).reverse();
  return [...arrays, ...columns.filter((c) => !arrays.includes(c)).reverse()].map(
    (c) =>
      `column ${c.name} of ${kindName(user)} ${quoteIdentifier(user.name)} depends on type ${shown}${arrays.includes(c) ? '[]' : ''}`,
  );
}

function usesElsewhere(user: Descriptor, type: UserType): string[] {
  if (user.kind === 'type') {
    const own = userTypeOf(user.typeOid)!;
    if (own.kind === 'composite') {
      return own.fields
        .filter((f) => namesType(f.typeOid, type))
        .map((f) => `column ${f.name} of composite type ${quoteIdentifier(user.name)}`);
    }
    return [`type ${quoteIdentifier(user.name)}`];
  }
  if (user.kind !== 'routine') return [`${user.kind} ${quoteIdentifier(user.name)}`];
  return user.routines
    .filter((routine) => takesOrGives(routine, type))
    .map(({ parameters }) => {
      const types = parameters.filter((p) => p.mode !== 'out' && p.mode !== 'table').map((p) => formatType(p.typeOid));
      return `function ${quoteIdentifier(user.name)}(${types.join(',')})`;
    });
}
