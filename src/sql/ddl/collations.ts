/**
 * CREATE, ALTER and DROP COLLATION. What a collation orders by never changes, and whatever uses it holds its key; so a new name, schema or owner
 * changes its own descriptor only, and who uses it is told from the keys (collation-users.ts).
 *
 * Limits: of libc the locales that are the order of the code points; nondeterministic ones are refused (types/collation.ts).
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { CollationDescriptor, RoleDescriptor } from '../catalog/descriptor.js';
import { collationByName, collationEntryName, keyOfCollation } from '../catalog/collation-names.js';
import type { RelationName } from '../contract.js';
import { errorAt } from '../plan/binder.js';
import { collationMissing, qualifiedCollation } from '../plan/collation-names.js';
import {
  builtInCollation,
  checkIcuLocale,
  collationOfKey,
  COLLATION_VERSION,
  DEFAULT_COLLATION_KEY,
  isCodePointLocale,
} from '../types/collation.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { collationUsers, dependenceLines, dropCollationUsers } from './collation-users.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { creationSchema, shownName, visibleName } from './objects.js';
import { notOwner, ownsSchemaOf, requireMember } from './ownership.js';
import { list, of, options, strings, text, valueText } from './tree.js';
import type { Loose } from './tree.js';

const ATTEMPTS_MAX = 20;

type Definition = Pick<CollationDescriptor, 'provider' | 'locale' | 'ctype' | 'collationVersion'>;

export async function runCreateCollation(ctx: DdlContext, body: Loose): Promise<string> {
  const name = nameOf(strings(body['defnames']));
  const schema = await creationSchema(ctx, name);
  const definition = await definitionOf(ctx, body);
  const quiet = body['if_not_exists'] === true;
  const id = await ctx.catalog.catalog.ids.next();
  const taken = `collation "${name.name}" already exists`;
  const entry = { id, indexOid: null };
  if (!(await ctx.catalog.claimName(ctx.txn, schema.id, collationEntryName(name.name), entry))) {
    if (!quiet) throw sqlError('42710', taken);
    notice(ctx, '42710', `${taken}, skipping`);
    return 'CREATE COLLATION';
  }
  ctx.catalog.putNew(ctx.txn, {
    kind: 'collation',
    id,
    name: name.name,
    databaseId: ctx.catalog.databaseId,
    schemaId: schema.id,
    version: 1,
    owner: ctx.session.userId,
    ...definition,
    comment: null,
  });
  return 'CREATE COLLATION';
}

function nameOf(names: readonly string[]): RelationName {
  return qualifiedCollation(names);
}

const OPTIONS: ReadonlySet<string> = new Set([
  'from',
  'locale',
  'lc_collate',
  'lc_ctype',
  'provider',
  'deterministic',
  'version',
]);

/** @throws QuoralError 42601, 42P17, 0A000, 22023 */
async function definitionOf(ctx: DdlContext, body: Loose): Promise<Definition> {
  const given = new Map<string, unknown>();
  for (const { name, arg, location } of options(body['definition'])) {
    if (!OPTIONS.has(name)) throw errorAt('42601', `collation attribute "${name}" not recognized`, location);
    if (given.has(name)) throw errorAt('42601', 'conflicting or redundant options', location);
    given.set(name, arg);
  }
  const redundant = (detail: string): Error => sqlError('42601', 'conflicting or redundant options', { detail });
  if (given.has('locale') && (given.has('lc_collate') || given.has('lc_ctype')))
    throw redundant('LOCALE cannot be specified together with LC_COLLATE or LC_CTYPE.');
  if (given.has('from')) {
    if (given.size > 1) throw redundant('FROM cannot be specified together with any other options.');
    return copyOf(ctx, namesIn(given.get('from')));
  }
  return writtenDefinition(given);
}

function namesIn(node: unknown): string[] {
  const found = node as Loose;
  if (found['List'] !== undefined) return strings(of(found, 'List')['items']);
  return found['TypeName'] === undefined ? [valueText(node)] : strings(of(found, 'TypeName')['names']);
}

async function copyOf(ctx: DdlContext, names: readonly string[]): Promise<Definition> {
  const { key } = await requireCollation(ctx, nameOf(names));
  const { provider, locale, ctype } = collationOfKey(key);
  if (provider === 'd') throw sqlError('42P17', 'collation "default" cannot be copied');
  const collationVersion = provider === 'i' ? COLLATION_VERSION : null;
  return { provider, locale: locale ?? '', ctype: ctype ?? '', collationVersion };
}

function writtenDefinition(given: ReadonlyMap<string, unknown>): Definition {
  const value = (name: string): string | null => (given.has(name) ? valueText(given.get(name)) : null);
  const provider = value('provider')?.toLowerCase() ?? 'libc';
  if (provider !== 'icu' && provider !== 'libc')
    throw sqlError('42P17', `unrecognized collation provider: ${value('provider')!}`);
  const deterministic = !given.has('deterministic') || booleanOf(given.get('deterministic'));
  const version = value('version');
  const missing = (parameter: string): Error => sqlError('42P17', `parameter "${parameter}" must be specified`);
  if (provider === 'icu') {
    const locale = value('locale');
    if (locale === null) throw missing('locale');
    checkIcuLocale(locale);
    if (!deterministic) throw sqlError('0A000', 'nondeterministic collations are not supported');
    return { provider: 'i', locale, ctype: '', collationVersion: version ?? COLLATION_VERSION };
  }
  const locale = value('lc_collate') ?? value('locale');
  const ctype = value('lc_ctype') ?? value('locale');
  if (locale === null) throw missing(given.has('lc_ctype') ? 'lc_collate' : 'lc_collate');
  if (ctype === null) throw missing('lc_ctype');
  if (!deterministic) throw sqlError('0A000', 'nondeterministic collations not supported with this provider');
  for (const one of [locale, ctype]) {
    if (isCodePointLocale(one)) continue;
    throw sqlError('22023', `could not create locale "${one}": No such file or directory`, {
      detail: `The operating system could not find any locale data for the locale name "${one}".`,
    });
  }
  return { provider: 'c', locale, ctype, collationVersion: version };
}

function booleanOf(node: unknown): boolean {
  const written = node === undefined ? 'true' : valueText(node).toLowerCase();
  if (/^(true|on|1)$/.test(written)) return true;
  if (/^(false|off|0)$/.test(written)) return false;
  throw sqlError('42601', 'deterministic requires a Boolean value');
}

function missing({ schema, name }: RelationName): QuoralError {
  return sqlError('42704', collationMissing(schema, name));
}

/** As a name stands for it, of users or of those that every database has. @throws QuoralError 42704, 3F000 */
export async function requireCollation(
  ctx: DdlContext,
  name: RelationName,
): Promise<{ readonly key: string; readonly id: number | null }> {
  const inCatalog = name.schema === null || name.schema === 'pg_catalog';
  const key = inCatalog ? builtInCollation(name.name) : null;
  if (key !== null) return { key, id: null };
  const found = await collationByName(ctx.catalog, name, ctx.session.searchPath, ctx.wait);
  if (found === 'no schema') throw sqlError('3F000', `schema "${name.schema!}" does not exist`);
  if (found === null) throw missing(name);
  return found;
}

/** Under its schema lock, as it is now. null: there is none. @throws QuoralError 42501, 3F000 */
async function open(
  ctx: DdlContext,
  name: RelationName,
  access: 'owner' | 'drop' = 'owner',
): Promise<CollationDescriptor | null> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if ((name.schema ?? 'pg_catalog') === 'pg_catalog' && builtInCollation(name.name) !== null)
      throw builtInRefused(name.name, access);
    const found = await collationByName(ctx.catalog, name, ctx.session.searchPath, ctx.wait);
    if (found === 'no schema') {
      if (access === 'drop') return null;
      throw sqlError('3F000', `schema "${name.schema!}" does not exist`);
    }
    if (found === null) return null;
    await ctx.catalog.lock(ctx.txn, [found.id], ctx.wait);
    const current = await ctx.catalog.forUpdate(ctx.txn, found.id);
    if (current?.kind !== 'collation' || current.name !== name.name) continue;
    const may = ctx.rights.owns(current) || (access === 'drop' && (await ownsSchemaOf(ctx, current)));
    if (!may) throw notOwner('collation', await visibleName(ctx, current));
    return current;
  }
  throw new QuoralError('40001', `collation "${name.name}" keeps changing`, { retry: 'transaction' });
}

/** All databases share those that come with the server. */
function builtInRefused(name: string, access: 'owner' | 'drop'): Error {
  const message = `cannot ${access === 'drop' ? 'drop' : 'change'} collation ${quoteIdentifier(name)} because it is required by the database system`;
  return sqlError(access === 'drop' ? '2BP01' : '0A000', message);
}

async function require(ctx: DdlContext, names: readonly string[]): Promise<CollationDescriptor> {
  const name = nameOf(names);
  const found = await open(ctx, name);
  if (found === null) throw missing(name);
  return found;
}

function objectNames(object: Loose): string[] {
  return strings(of(object, 'List')['items']);
}

/** REFRESH VERSION: keys do not depend on it. */
export async function runAlterCollation(ctx: DdlContext, body: Loose): Promise<string> {
  const name = nameOf(strings(body['collname']));
  const builtIn = (name.schema ?? 'pg_catalog') === 'pg_catalog' ? builtInCollation(name.name) : null;
  if (builtIn === DEFAULT_COLLATION_KEY) throw sqlError('XX000', 'unexpected null in pg_collation');
  if (builtIn !== null) {
    notice(ctx, '00000', 'version has not changed');
    return 'ALTER COLLATION';
  }
  const found = await require(ctx, strings(body['collname']));
  const actual = found.provider === 'i' ? COLLATION_VERSION : null;
  if (found.collationVersion === actual) {
    notice(ctx, '00000', 'version has not changed');
    return 'ALTER COLLATION';
  }
  notice(ctx, '00000', `changing version from ${found.collationVersion ?? 'NULL'} to ${actual ?? 'NULL'}`);
  ctx.catalog.put(ctx.txn, { ...found, collationVersion: actual, version: found.version + 1 });
  return 'ALTER COLLATION';
}

/** RENAME TO and SET SCHEMA. */
export async function moveCollation(
  ctx: DdlContext,
  object: Loose,
  to: { readonly name?: string; readonly schema?: string },
): Promise<string> {
  const found = await require(ctx, objectNames(object));
  const target = await creationSchema(ctx, {
    schema: to.schema ?? (await ctx.catalog.schemaName(found.schemaId)),
    name: '',
  });
  const name = to.name ?? found.name;
  if (target.id === found.schemaId && name === found.name && to.schema !== undefined) return 'ALTER COLLATION';
  const entry = { id: found.id, indexOid: null };
  if (!(await ctx.catalog.claimName(ctx.txn, target.id, collationEntryName(name), entry)))
    throw sqlError('42710', `collation "${name}" already exists in schema "${target.name}"`);
  ctx.catalog.freeName(ctx.txn, found.schemaId, collationEntryName(found.name));
  ctx.catalog.put(ctx.txn, { ...found, name, schemaId: target.id, version: found.version + 1 });
  return 'ALTER COLLATION';
}

export async function giveCollation(ctx: DdlContext, object: Loose, role: RoleDescriptor): Promise<void> {
  const found = await require(ctx, objectNames(object));
  if (found.owner === role.id) return;
  requireMember(ctx, role);
  await ctx.catalog.readTracked(ctx.txn, role.id);
  ctx.catalog.put(ctx.txn, { ...found, owner: role.id, version: found.version + 1 });
}

export async function commentOnCollation(
  ctx: DdlContext,
  parts: readonly string[],
  comment: string | null,
): Promise<void> {
  const found = await require(ctx, parts);
  ctx.catalog.put(ctx.txn, { ...found, comment, version: found.version + 1 });
}

export async function dropCollations(ctx: DdlContext, body: Loose): Promise<string> {
  const cascade = text(body['behavior']) === 'DROP_CASCADE';
  for (const object of list(body['objects'])) {
    const name = nameOf(objectNames(object));
    const found = await open(ctx, name, 'drop');
    if (found !== null) {
      await dropCollation(ctx, found, cascade);
      continue;
    }
    const noSchema = name.schema !== null && (await ctx.catalog.schemaId(name.schema)) === null;
    if (body['missing_ok'] !== true)
      throw noSchema ? sqlError('3F000', `schema "${name.schema!}" does not exist`) : missing(name);
    const what = noSchema ? `schema "${name.schema!}"` : `collation "${shownName(name)}"`;
    notice(ctx, '00000', `${what} does not exist, skipping`);
  }
  return 'DROP COLLATION';
}

/** As messages name it: with its schema, if it is not found without. */
export async function shownCollation(ctx: DdlContext, { schemaId, name }: CollationDescriptor): Promise<string> {
  const schema = await ctx.catalog.schemaName(schemaId);
  const isHidden = builtInCollation(name) === name || !ctx.session.searchPath.includes(schema);
  return isHidden ? `${quoteIdentifier(schema)}.${quoteIdentifier(name)}` : quoteIdentifier(name);
}

export async function dropCollation(ctx: DdlContext, found: CollationDescriptor, cascade: boolean): Promise<void> {
  const shown = await shownCollation(ctx, found);
  const users = await collationUsers(ctx, keyOfCollation(found));
  const lines = cascade ? [] : await dependenceLines(ctx, users, `collation ${shown}`);
  if (users.length > 0 && !cascade) {
    throw sqlError('2BP01', `cannot drop collation ${shown} because other objects depend on it`, {
      detail: lines.join('\n'),
      hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
    });
  }
  await dropCollationUsers(ctx, users);
  ctx.catalog.freeName(ctx.txn, found.schemaId, collationEntryName(found.name));
  ctx.catalog.drop(ctx.txn, found.id);
}
