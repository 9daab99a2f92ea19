/**
 * GRANT and REVOKE on objects: tables and their columns, sequences, schemas, databases, functions and types. The lists are in the descriptors
 * of the objects, so that a change of one is a schema change like any other, and whoever has a plan over the object notices.
 */
import { sqlError } from '../../base/errors.js';
import {
  type Acl,
  type AclKind,
  ALL_RIGHTS,
  DependentRights,
  defaultAcl,
  grantable,
  granted,
  PUBLIC_ROLE,
  RIGHTS,
  type RightName,
  revoked,
  rightsOf,
} from '../catalog/acl.js';
import { PUBLIC_SCHEMA_ID } from '../catalog/bootstrap.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import { LANGUAGES, languageAcl, languageOid, withLanguageAcl } from '../catalog/languages.js';
import type { DatabaseDescriptor, Descriptor, RoutineDescriptor, Routine } from '../catalog/descriptor.js';
import { aclOf, publicSchemaOf, relationKind } from '../catalog/rights.js';
import type { DdlContext } from './context.js';
import { openForChange, relationMissing, descriptorOf } from './objects.js';
import { isPublic, ownerOfRoutine, roleOf } from './ownership.js';
import { changeRoutine, isRoutineObject, openRoutine } from './routines.js';
import { list, of, rangeVar, stringOf, strings, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';
import { isArrayType, isVectorType, typeByName } from '../types/registry.js';
import { openType, typeMissing, typeNameIn } from './user-types.js';

/** One thing whose list is changed. */
export interface Target {
  readonly kind: AclKind;
  /** As messages name it. */
  readonly shownKind: string;
  readonly name: string;
  readonly owner: number;
  readonly acl: Acl;
  put(acl: Acl): void | Promise<void>;
}

export interface Wanted {
  readonly isGrant: boolean;
  /** WITH GRANT OPTION, or GRANT OPTION FOR. */
  readonly option: boolean;
  readonly cascade: boolean;
  /** null: all that there are. */
  readonly rights: readonly { readonly right: RightName | null; readonly columns: readonly string[] }[];
  readonly grantees: readonly number[];
}

export function rightNamed(name: string): RightName {
  const lower = name.toLowerCase() === 'temp' ? 'temporary' : name.toLowerCase();
  if (!Object.hasOwn(RIGHTS, lower)) throw sqlError('42601', `unrecognized privilege type "${name}"`);
  return lower as RightName;
}

export async function readWanted(ctx: DdlContext, body: Loose): Promise<Wanted> {
  const grantees: number[] = [];
  for (const spec of list(body['grantees'])) {
    if (isPublic(spec)) grantees.push(PUBLIC_ROLE);
    else {
      const role = await roleOf(ctx, spec);
      await ctx.catalog.readTracked(ctx.txn, role.id);
      grantees.push(role.id);
    }
  }
  const isGrant = body['is_grant'] === true;
  const option = body['grant_option'] === true;
  if (isGrant && option && grantees.includes(PUBLIC_ROLE))
    throw sqlError('0LP01', 'grant options can only be granted to roles');
  const privileges = list(body['privileges']).map((node) => of(node, 'AccessPriv'));
  const rights = privileges.map((one) => ({
    right: one['priv_name'] === undefined ? null : rightNamed(text(one['priv_name'])),
    columns: strings(one['cols']),
  }));
  return {
    isGrant,
    option,
    cascade: body['behavior'] === 'DROP_CASCADE',
    rights: rights.length === 0 ? [{ right: null, columns: [] }] : rights,
    grantees,
  };
}

const KIND_WORDS: Readonly<Record<string, string>> = { table: 'relation', sequence: 'sequence' };
/** What sequences have, which may be named as tables. */
function wordFor(kind: AclKind, right: RightName): string {
  return kind === 'table' && right === 'usage' ? 'table' : (KIND_WORDS[kind] ?? kind);
}

/** The bits of what is named for the whole of the object. @throws QuoralError 0LP01 */
export function wholeBits(kind: AclKind, wanted: Wanted): number {
  let bits = 0;
  for (const { right, columns } of wanted.rights) {
    if (columns.length > 0) continue;
    if (right === null) bits |= ALL_RIGHTS[kind];
    else if ((RIGHTS[right] & ALL_RIGHTS[kind]) === 0) {
      const word = wordFor(kind, right);
      throw sqlError('0LP01', `invalid privilege type ${right.toUpperCase()} for ${word}`);
    } else bits |= RIGHTS[right];
  }
  return bits;
}

export async function runGrant(ctx: DdlContext, body: Loose): Promise<string> {
  const wanted = await readWanted(ctx, body);
  const tag = wanted.isGrant ? 'GRANT' : 'REVOKE';
  if (body['grantor'] !== undefined) {
    const grantor = await roleOf(ctx, body['grantor']);
    if (grantor.id !== ctx.session.userId) throw sqlError('0A000', 'grantor must be current user');
  }
  const objects =
    body['targtype'] === 'ACL_TARGET_ALL_IN_SCHEMA'
      ? await allInSchemas(ctx, body)
      : list(body['objects']).map((node) => node);
  for (const object of objects) {
    for (const target of await targetsOf(ctx, String(body['objtype']), object, wanted)) {
      await change(ctx, target.target, target.bits, wanted);
    }
  }
  return tag;
}

interface Change {
  readonly target: Target;
  readonly bits: number;
}

async function change(ctx: DdlContext, target: Target, bits: number, wanted: Wanted): Promise<void> {
  if (bits === 0) return;
  const { grantor, may } = bestGrantor(ctx, target, bits);
  const usable = bits & may;
  if (usable !== bits) refuse(ctx, target, usable, wanted);
  let { acl } = target;
  try {
    for (const grantee of wanted.grantees) {
      acl = wanted.isGrant
        ? granted(acl, { grantee, grantor, rights: usable, withOption: wanted.option })
        : revoked(acl, {
            grantee,
            grantor,
            rights: usable,
            optionOnly: wanted.option,
            cascade: wanted.cascade,
            owner: target.owner,
          });
    }
  } catch (error) {
    if (!(error instanceof DependentRights)) throw error;
    throw sqlError('2BP01', 'dependent privileges exist', { hint: 'Use CASCADE to revoke them too.' });
  }
  await target.put(acl);
}

/** The owner, for whoever has the owner's rights; or else a role of the user's that may grant. */
function bestGrantor(
  ctx: DdlContext,
  target: Target,
  bits: number,
): { readonly grantor: number; readonly may: number } {
  const { rights } = ctx;
  if (rights.isMember(target.owner)) return { grantor: target.owner, may: bits };
  let best = { grantor: rights.id, may: 0 };
  for (const role of rights.membership.inherited) {
    const may = grantable(target.acl, target.kind, target.owner, (id) => id === role) & bits;
    if (may === bits) return { grantor: role, may };
    if (countBits(may) > countBits(best.may)) best = { grantor: role, may };
  }
  return best;
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Which of them it is, is not told. */
const RELATIONS: ReadonlySet<string> = new Set(['view', 'materialized view']);

/** Nothing, or not everything, is the user's to grant. */
function refuse(ctx: DdlContext, target: Target, usable: number, wanted: Wanted): void {
  const held = rightsOf(target.acl, (id) => ctx.rights.isMember(id));
  if (usable === 0 && held === 0)
    throw sqlError(
      '42501',
      `permission denied for ${RELATIONS.has(target.shownKind) ? 'table' : target.shownKind} ${target.name}`,
    );
  // Who grants ALL grants what there is.
  if (usable !== 0 && wanted.rights.some(({ right }) => right === null)) return;
  const how = usable === 0 ? 'no' : 'not all';
  const verb = wanted.isGrant ? 'granted' : 'could be revoked';
  const message = wanted.isGrant
    ? `${how} privileges were ${verb} for "${target.name}"`
    : `${how} privileges ${verb} for "${target.name}"`;
  ctx.notice({ severity: 'WARNING', sqlstate: wanted.isGrant ? '01007' : '01006', message });
}

// ---- what is named ----

async function targetsOf(ctx: DdlContext, type: string, object: Loose, wanted: Wanted): Promise<Change[]> {
  if (isRoutineObject(type)) return [await ofRoutine(ctx, object, type, wanted)];
  if (type !== 'OBJECT_TABLE' && wanted.rights.some(({ columns }) => columns.length > 0))
    throw sqlError('0LP01', 'column privileges are only valid for relations');
  switch (type) {
    case 'OBJECT_TABLE':
    case 'OBJECT_SEQUENCE':
      return ofRelation(ctx, object, type === 'OBJECT_SEQUENCE', wanted);
    case 'OBJECT_SCHEMA':
      return [await ofSchema(ctx, stringOf(object), wanted)];
    case 'OBJECT_DATABASE':
      return [await ofDatabase(ctx, stringOf(object), wanted)];
    case 'OBJECT_LANGUAGE':
      return [await ofLanguage(ctx, stringOf(object), wanted)];
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN':
      return ofType(ctx, object, wanted, type === 'OBJECT_DOMAIN');
    default: {
      const what = type.replace('OBJECT_', '').replace('PARAMETER_ACL', 'parameter').replaceAll('_', ' ').toLowerCase();
      throw unsupported(`GRANT and REVOKE on a ${what}`);
    }
  }
}

async function ofRelation(ctx: DdlContext, object: Loose, isSequence: boolean, wanted: Wanted): Promise<Change[]> {
  const name = rangeVar(object);
  const opened = await openForChange(ctx, name, { access: 'any' });
  if (opened === null) return relationMissing(ctx, name);
  const found = descriptorOf(opened);
  if (isSequence && found.kind !== 'sequence') throw sqlError('42809', `"${name.name}" is not a sequence`);
  const changes: Change[] = [];
  let current: Descriptor = found;
  const put = (next: Descriptor): void => {
    current = { ...next, version: found.version + 1 } as Descriptor;
    ctx.catalog.put(ctx.txn, current);
  };
  const kind = found.kind === 'sequence' ? 'sequence' : 'table';
  const shownKind = relationKind(found);
  // Of a sequence named as a table, what a sequence has none of is left out.
  const bits = relationBits(kind, isSequence, wanted);
  if (!wanted.isGrant && kind === 'table') changes.push(...revokedColumns(found, bits, () => current, put));
  changes.push({
    target: {
      kind,
      shownKind,
      name: found.name,
      owner: found.owner,
      acl: aclOf(found),
      put: (acl) => put({ ...current, acl } as Descriptor),
    },
    bits,
  });
  for (const { right, columns } of wanted.rights)
    for (const column of columns) changes.push(ofColumn(found, column, right, () => current, put));
  return changes;
}

function relationBits(kind: 'table' | 'sequence', isSequence: boolean, wanted: Wanted): number {
  if (kind === 'table') return wholeBits('table', wanted);
  if (isSequence) return wholeBits('sequence', wanted);
  let bits = 0;
  for (const { right, columns } of wanted.rights) {
    if (columns.length > 0) throw sqlError('0LP01', 'sequence does not support column privileges');
    bits |= right === null ? ALL_RIGHTS.sequence : RIGHTS[right] & ALL_RIGHTS.sequence;
  }
  return bits;
}

type Columned = Extract<Descriptor, { readonly kind: 'table' | 'view' }>;

function ofColumn(
  found: Descriptor,
  name: string,
  right: RightName | null,
  current: () => Descriptor,
  put: (next: Descriptor) => void,
): Change {
  if (found.kind !== 'table' && found.kind !== 'view')
    throw sqlError('0LP01', 'sequence does not support column privileges');
  const column = (found.columns as readonly { id: number; name: string; hidden?: boolean; dropped?: boolean }[]).find(
    (one) => one.name === name && one.hidden !== true && one.dropped !== true,
  );
  if (column === undefined) throw sqlError('42703', `column "${name}" of relation "${found.name}" does not exist`);
  const bits = right === null ? ALL_RIGHTS.column : RIGHTS[right];
  if ((bits & ALL_RIGHTS.column) === 0)
    throw sqlError('0LP01', `invalid privilege type ${right!.toUpperCase()} for column`);
  return { target: columnTarget(found, column.id, current, put), bits };
}

function columnTarget(found: Columned, id: number, current: () => Descriptor, put: (next: Descriptor) => void): Target {
  const columnNow = (): Columned['columns'][number] => (current() as Columned).columns.find((one) => one.id === id)!;
  return {
    kind: 'column',
    shownKind: relationKind(found),
    name: found.name,
    owner: found.owner,
    get acl() {
      return columnNow().acl ?? [];
    },
    put: (acl) => {
      const now = current() as Columned;
      const columns = (now.columns as readonly Columned['columns'][number][]).map((one) =>
        one.id === id ? { ...one, acl: acl.length === 0 ? null : acl } : one,
      );
      put({ ...now, columns } as Descriptor);
    },
  };
}

/** What is revoked on a table is revoked on its columns. */
function revokedColumns(
  found: Descriptor,
  bits: number,
  current: () => Descriptor,
  put: (next: Descriptor) => void,
): Change[] {
  if (found.kind !== 'table' && found.kind !== 'view') return [];
  const rights = bits & ALL_RIGHTS.column;
  return found.columns
    .filter(({ acl }) => acl != null)
    .map(({ id }) => ({ target: columnTarget(found, id, current, put), bits: rights }));
}

async function ofRoutine(ctx: DdlContext, object: Loose, type: string, wanted: Wanted): Promise<Change> {
  const opened = (await openRoutine(ctx, of(object, 'ObjectWithArgs'), type, false, { access: 'any' }))!;
  const { group, routine } = opened;
  const owner = ownerOfRoutine(routine);
  return {
    target: {
      kind: 'function',
      shownKind: routine.procedure ? 'procedure' : 'function',
      name: group.name,
      owner,
      acl: routine.acl ?? defaultAcl('function', owner),
      put: (acl) => changeRoutine(ctx, opened, { ...routine, acl }),
    },
    bits: wholeBits('function', wanted),
  };
}

async function ofSchema(ctx: DdlContext, name: string, wanted: Wanted): Promise<Change> {
  const id = await ctx.catalog.schemaId(name);
  if (id === null) throw sqlError('3F000', `schema "${name}" does not exist`);
  const bits = wholeBits('schema', wanted);
  const common = { kind: 'schema', shownKind: 'schema', name } as const;
  if (id === PUBLIC_SCHEMA_ID) {
    const { databaseId } = ctx.catalog;
    await ctx.catalog.lock(ctx.txn, [databaseId], ctx.wait);
    const database = (await ctx.catalog.forUpdate(ctx.txn, databaseId)) as DatabaseDescriptor;
    const { owner, acl } = publicSchemaOf(database);
    const put = (next: Acl): void =>
      ctx.catalog.put(ctx.txn, { ...database, publicSchema: { owner, acl: next }, version: database.version + 1 });
    return { target: { ...common, owner, acl, put }, bits };
  }
  await ctx.catalog.lock(ctx.txn, [id], ctx.wait);
  const schema = await ctx.catalog.forUpdate(ctx.txn, id);
  if (schema?.kind !== 'schema') throw unsupported(`changing the privileges of schema "${name}"`);
  const put = (acl: Acl): void => ctx.catalog.put(ctx.txn, { ...schema, acl, version: schema.version + 1 });
  return { target: { ...common, owner: schema.owner, acl: aclOf(schema), put }, bits };
}

async function ofLanguage(ctx: DdlContext, name: string, wanted: Wanted): Promise<Change> {
  const oid = languageOid(name);
  if (oid === null) throw sqlError('42704', `language "${name}" does not exist`);
  const bits = wholeBits('language', wanted);
  if (!LANGUAGES.get(oid)!.trusted)
    throw sqlError('42809', `language "${name}" is not trusted`, {
      detail:
        'GRANT and REVOKE are not allowed on untrusted languages, because only superusers can use untrusted languages.',
    });
  const { databaseId } = ctx.catalog;
  await ctx.catalog.lock(ctx.txn, [databaseId], ctx.wait);
  const database = (await ctx.catalog.forUpdate(ctx.txn, databaseId)) as DatabaseDescriptor;
  const put = (acl: Acl): void =>
    ctx.catalog.put(ctx.txn, { ...database, ...withLanguageAcl(database, oid, acl), version: database.version + 1 });
  const acl = languageAcl(database, oid);
  return { target: { kind: 'language', shownKind: 'language', name, owner: SUPERUSER_OID, acl, put }, bits };
}

async function ofDatabase(ctx: DdlContext, name: string, wanted: Wanted): Promise<Change> {
  const entry = await ctx.catalog.nameForUpdate(ctx.txn, 0, name, 0);
  if (entry === null) throw sqlError('3D000', `database "${name}" does not exist`);
  await ctx.catalog.lock(ctx.txn, [entry.id], ctx.wait);
  const database = (await ctx.catalog.forUpdate(ctx.txn, entry.id)) as DatabaseDescriptor;
  const put = (acl: Acl): void => ctx.catalog.put(ctx.txn, { ...database, acl, version: database.version + 1 });
  const { owner } = database;
  return {
    target: { kind: 'database', shownKind: 'database', name, owner, acl: aclOf(database), put },
    bits: wholeBits('database', wanted),
  };
}

async function ofType(ctx: DdlContext, object: Loose, wanted: Wanted, asDomain: boolean): Promise<Change[]> {
  const name = typeNameIn(object);
  const found = await ctx.catalog.type(name, ctx.session.searchPath, ctx.wait);
  const handle = found?.typeOid ?? typeByName(name.name)?.oid ?? 0;
  if (isArrayType(handle) && !isVectorType(handle))
    throw sqlError('0LP01', 'cannot set privileges of array types', {
      hint: 'Set the privileges of the element type instead.',
    });
  const opened = await openType(ctx, name, 'alter', { access: 'any' });
  if (opened !== null && asDomain && opened.type.kind !== 'domain')
    throw sqlError('42809', `"${name.name}" is not a domain`);
  if (opened === null) {
    if (await isBuiltIn(ctx, name.name))
      throw unsupported(`changing the privileges of the built-in type "${name.name}"`);
    return typeMissing(ctx, name);
  }
  const { descriptor } = opened;
  const put = (acl: Acl): void => ctx.catalog.put(ctx.txn, { ...descriptor, acl, version: descriptor.version + 1 });
  const { owner } = descriptor;
  return [
    {
      target: { kind: 'type', shownKind: 'type', name: descriptor.name, owner, acl: aclOf(descriptor), put },
      bits: wholeBits('type', wanted),
    },
  ];
}

function isBuiltIn(ctx: DdlContext, name: string): Promise<boolean> {
  return Promise.resolve(
    ctx.types.userType(null, name, {}) === null && /^(int|text|bool|numeric|date|json)/.test(name),
  );
}

// ---- ALL … IN SCHEMA ----

async function allInSchemas(ctx: DdlContext, body: Loose): Promise<Loose[]> {
  const objects: Loose[] = [];
  const { descriptors } = await ctx.catalog.view([]);
  for (const node of list(body['objects'])) {
    const schema = stringOf(node);
    const id = await ctx.catalog.schemaId(schema);
    if (id === null) throw sqlError('3F000', `schema "${schema}" does not exist`);
    for (const d of descriptors) {
      if (d.kind === 'database' || d.kind === 'role' || d.kind === 'schema') continue;
      if (d.schemaId !== id || d.databaseId !== ctx.catalog.databaseId) continue;
      objects.push(...namedIn(d, schema, String(body['objtype'])));
    }
  }
  return objects;
}

const named = (parts: readonly string[]): Loose[] => parts.map((sval) => ({ String: { sval } }));

function namedIn(
  d: Exclude<Descriptor, { kind: 'database' | 'role' | 'schema' }>,
  schema: string,
  type: string,
): Loose[] {
  const isRelation = type === 'OBJECT_TABLE' ? d.kind === 'table' || d.kind === 'view' : d.kind === 'sequence';
  if ((type === 'OBJECT_TABLE' || type === 'OBJECT_SEQUENCE') && isRelation)
    return [{ RangeVar: { schemaname: schema, relname: d.name } }];
  if (!isRoutineObject(type) || d.kind !== 'routine') return [];
  return d.routines.filter((r) => fitsKind(r, type)).map((r) => ({ ObjectWithArgs: routineName(d, schema, r) }));
}

function fitsKind({ procedure }: Routine, type: string): boolean {
  if (type === 'OBJECT_ROUTINE') return true;
  return type === 'OBJECT_PROCEDURE' ? procedure : !procedure;
}

/** By its oid: the types of its parameters need no names. */
function routineName(group: RoutineDescriptor, schema: string, routine: Routine): Loose {
  return { objname: named([schema, group.name]), quoralOid: routine.oid };
}
