/** CREATE, ALTER, DROP EXTENSION and COMMENT ON EXTENSION. What an extension consists of is built in: see catalog/extensions.ts. */
import { sqlError } from '../../base/errors.js';
import { PG_CATALOG_SCHEMA_ID } from '../catalog/bootstrap.js';
import type { DatabaseDescriptor, ExtensionEntry } from '../catalog/descriptor.js';
import { extensionsOf, knownExtension } from '../catalog/extensions.js';
import { isTemporarySchema } from '../catalog/temporary-names.js';
import { errorAt } from '../plan/binder.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { creationSchema } from './objects.js';
import { list, options, stringOf, text, unsupported, valueText } from './tree.js';
import type { Loose } from './tree.js';

/** The database under its schema lock, with which of its extensions nobody else changes any. */
async function openDatabase(ctx: DdlContext): Promise<DatabaseDescriptor> {
  await ctx.catalog.lock(ctx.txn, [ctx.catalog.databaseId], ctx.wait);
  const database = await ctx.catalog.forUpdate(ctx.txn, ctx.catalog.databaseId);
  if (database?.kind === 'database') return database;
  throw sqlError('3D000', `database "${ctx.session.database}" does not exist`);
}

/** Extensions are the superuser's. @throws QuoralError 42501 */
function requireSuperuser({ rights }: DdlContext): void {
  if (!rights.superuser) throw sqlError('42501', 'permission denied: only a superuser may change extensions');
}

function putExtensions(ctx: DdlContext, database: DatabaseDescriptor, extensions: readonly ExtensionEntry[]): void {
  ctx.catalog.put(ctx.txn, { ...database, extensions, version: database.version + 1 });
}

/** With one entry in the place of that of its name. */
function replaced(database: DatabaseDescriptor, entry: ExtensionEntry): readonly ExtensionEntry[] {
  return extensionsOf(database).map((one) => (one.name === entry.name ? entry : one));
}

function missing(name: string): Error {
  return sqlError('42704', `extension "${name}" does not exist`);
}

function requireExtension(database: DatabaseDescriptor, name: string): ExtensionEntry {
  const found = extensionsOf(database).find((one) => one.name === name);
  if (found === undefined) throw missing(name);
  return found;
}

function unavailable(name: string): Error {
  if (/[/\\]/.test(name)) {
    return sqlError('22023', `invalid extension name: "${name}"`, {
      detail: 'Extension names must not contain directory separator characters.',
    });
  }
  const file = `/usr/share/postgresql/15/extension/${name}.control`;
  return sqlError('0A000', `extension "${name}" is not available`, {
    detail: `Could not open extension control file "${file}": No such file or directory.`,
    hint: 'The extension must first be installed on the system where PostgreSQL is running.',
  });
}

/** The options by name. @throws 42601 for one that is given twice */
function optionsOf(body: Loose): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const { name, arg, location } of options(body['options'])) {
    if (given.has(name)) throw errorAt('42601', 'conflicting or redundant options', location);
    given.set(name, valueText(arg));
  }
  return given;
}

/** @throws 3F000 */
async function schemaNamed(ctx: DdlContext, name: string): Promise<number> {
  const system = name === 'pg_catalog' || name === 'information_schema';
  const id = system ? await ctx.catalog.schemaId(name) : null;
  const found = id ?? (await ctx.catalog.nameForUpdate(ctx.txn, 0, name))?.id ?? null;
  if (found === null) throw sqlError('3F000', `schema "${name}" does not exist`);
  return found;
}

export async function runCreateExtension(ctx: DdlContext, body: Loose): Promise<string> {
  requireSuperuser(ctx);
  const name = text(body['extname']);
  const database = await openDatabase(ctx);
  if (extensionsOf(database).some((one) => one.name === name)) {
    if (body['if_not_exists'] !== true) throw sqlError('42710', `extension "${name}" already exists`);
    notice(ctx, '42710', `extension "${name}" already exists, skipping`);
    return 'CREATE EXTENSION';
  }
  const given = optionsOf(body);
  const known = knownExtension(name);
  if (known === null) throw unavailable(name);
  const version = given.get('new_version') ?? known.version;
  if (version !== known.version) {
    throw sqlError('22023', `extension "${name}" has no installation script nor update path for version "${version}"`);
  }
  const schema = given.get('schema');
  const schemaId =
    schema === undefined ? (await creationSchema(ctx, { schema: null, name: '' })).id : await schemaNamed(ctx, schema);
  const oid = await ctx.catalog.catalog.ids.next();
  const entry: ExtensionEntry = { oid, name, version, schemaId, comment: known.comment };
  putExtensions(ctx, database, [...extensionsOf(database), entry]);
  return 'CREATE EXTENSION';
}

/** ALTER EXTENSION … UPDATE: there is one version of each. */
export async function runAlterExtension(ctx: DdlContext, body: Loose): Promise<string> {
  requireSuperuser(ctx);
  const name = text(body['extname']);
  const entry = requireExtension(await openDatabase(ctx), name);
  const version = optionsOf(body).get('new_version') ?? knownExtension(name)?.version ?? entry.version;
  if (version !== entry.version) {
    throw sqlError(
      '22023',
      `extension "${name}" has no update path from version "${entry.version}" to version "${version}"`,
    );
  }
  notice(ctx, '00000', `version "${version}" of extension "${name}" is already installed`);
  return 'ALTER EXTENSION';
}

/** ALTER EXTENSION … ADD and DROP: members are not free to choose. */
export async function runAlterExtensionContents(ctx: DdlContext, body: Loose): Promise<string> {
  requireSuperuser(ctx);
  requireExtension(await openDatabase(ctx), text(body['extname']));
  throw unsupported('ALTER EXTENSION ... ADD or DROP');
}

export async function moveExtension(ctx: DdlContext, name: string, schema: string): Promise<string> {
  requireSuperuser(ctx);
  const database = await openDatabase(ctx);
  const entry = requireExtension(database, name);
  const schemaId = await schemaNamed(ctx, schema);
  if (knownExtension(name)?.relocatable === false) {
    throw sqlError('0A000', `extension "${name}" does not support SET SCHEMA`);
  }
  if (schemaId !== entry.schemaId) putExtensions(ctx, database, replaced(database, { ...entry, schemaId }));
  return 'ALTER EXTENSION';
}

export async function commentOnExtension(ctx: DdlContext, name: string, comment: string | null): Promise<void> {
  requireSuperuser(ctx);
  const database = await openDatabase(ctx);
  putExtensions(ctx, database, replaced(database, { ...requireExtension(database, name), comment }));
}

/** Calls of the functions stay: they are built in. */
export async function dropExtensions(ctx: DdlContext, body: Loose): Promise<string> {
  requireSuperuser(ctx);
  const database = await openDatabase(ctx);
  const gone = new Set<string>();
  for (const name of list(body['objects']).map(stringOf)) {
    const found = extensionsOf(database).find((one) => one.name === name);
    if (found === undefined) {
      if (body['missing_ok'] !== true) throw missing(name);
      notice(ctx, '00000', `extension "${name}" does not exist, skipping`);
      continue;
    }
    if (found.schemaId === PG_CATALOG_SCHEMA_ID && name === 'plpgsql')
      throw sqlError('2BP01', `cannot drop extension ${name} because it is required by the database system`);
    gone.add(name);
  }
  if (gone.size > 0)
    putExtensions(
      ctx,
      database,
      extensionsOf(database).filter(({ name }) => !gone.has(name)),
    );
  return 'DROP EXTENSION';
}

/** Those that go with a schema. The caller holds the database's lock. */
export async function extensionsIn(ctx: DdlContext, schemaId: number): Promise<readonly string[]> {
  if (isTemporarySchema(schemaId)) return [];
  return extensionsOf(await openDatabase(ctx))
    .filter((one) => one.schemaId === schemaId)
    .map(({ name }) => name);
}

export async function dropExtensionsIn(ctx: DdlContext, schemaId: number): Promise<void> {
  const database = await openDatabase(ctx);
  const left = extensionsOf(database).filter((one) => one.schemaId !== schemaId);
  if (left.length < extensionsOf(database).length) putExtensions(ctx, database, left);
}
