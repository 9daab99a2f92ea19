/** ALTER DATABASE and ALTER ROLE … SET: settings that sessions begin with, kept in the descriptors of the database and the role. */
import { sqlError } from '../../base/errors.js';
import type { DatabaseDescriptor } from '../catalog/descriptor.js';
import { EVERY_ROLE_ID, roleById } from '../catalog/roles.js';
import type { DdlContext } from './context.js';
import { requireOwner, roleOf } from './ownership.js';
import { openRole, putRole } from './roles.js';
import { named, withSetting } from './routine-settings.js';
import { options, text, valueText } from './tree.js';
import type { Loose } from './tree.js';

/** The list after the SET or RESET. @throws QuoralError 42704, 22023, 42501 */
function changed(ctx: DdlContext, before: readonly string[] | undefined, node: unknown): readonly string[] {
  const set = node as Loose;
  const name = text(set['name']).toLowerCase();
  const lower = before?.map((entry) => named(entry, (old) => old.toLowerCase()));
  const next = withSetting(lower ?? null, { VariableSetStmt: set }, (one) => ctx.session.setting(one)) ?? [];
  const added = next.find((entry) => entry.startsWith(`${name}=`));
  if (name === 'role' || name === 'session_authorization')
    throw sqlError('0A000', `parameter "${name}" cannot be set when a session begins`);
  // What is taken back was right once, or is gone.
  if (added !== undefined && set['kind'] !== 'VAR_RESET') ctx.session.checkSetting(name, added.slice(name.length + 1));
  // Under the names that PostgreSQL has for them.
  return next.map((entry) => named(entry, (known) => ctx.session.settingName(known)));
}

async function databaseNamed(ctx: DdlContext, name: string): Promise<DatabaseDescriptor> {
  const entry = await ctx.catalog.nameForUpdate(ctx.txn, 0, name, 0);
  if (entry === null) throw sqlError('3D000', `database "${name}" does not exist`);
  await ctx.catalog.lock(ctx.txn, [entry.id], ctx.wait);
  return (await ctx.catalog.forUpdate(ctx.txn, entry.id)) as DatabaseDescriptor;
}

export async function runAlterDatabaseSet(ctx: DdlContext, body: Loose): Promise<string> {
  const database = await databaseNamed(ctx, text(body['dbname']));
  requireOwner(ctx, database);
  const settings = changed(ctx, database.settings, body['setstmt']);
  ctx.catalog.put(ctx.txn, { ...database, settings, version: database.version + 1 });
  return 'ALTER DATABASE';
}

/** ALTER DATABASE … WITH: there are no connection limits, templates and tablespaces of databases. */
export async function runAlterDatabase(ctx: DdlContext, body: Loose): Promise<string> {
  const database = await databaseNamed(ctx, text(body['dbname']));
  requireOwner(ctx, database);
  for (const { name, arg } of options(body['options'])) {
    const idle = (name === 'connection_limit' && Number(valueText(arg)) === -1) || name === 'tablespace';
    if (!idle) throw sqlError('0A000', `option "${name}" of a database is not supported`);
  }
  return 'ALTER DATABASE';
}

export async function runAlterRoleSet(ctx: DdlContext, body: Loose): Promise<string> {
  const found =
    body['role'] === undefined
      ? (await roleById(ctx.catalog, EVERY_ROLE_ID, ctx.wait))!
      : await roleOf(ctx, body['role']);
  checkMaySet(ctx, found.id, found.superuser, body['database'] !== undefined);
  const role = await openRole(ctx, found);
  if (body['database'] === undefined) {
    putRole(ctx, { ...role, settings: changed(ctx, role.settings, body['setstmt']) });
    return 'ALTER ROLE';
  }
  const name = text(body['database']);
  const entry = await ctx.catalog.nameForUpdate(ctx.txn, 0, name, 0);
  if (entry === null) throw sqlError('3D000', `database "${name}" does not exist`);
  // Of everybody in a database: it is the database's.
  if (found.id === EVERY_ROLE_ID) {
    await runAlterDatabaseSet(ctx, { dbname: name, setstmt: body['setstmt'] });
    return 'ALTER ROLE';
  }
  const settings = changed(ctx, role.databaseSettings?.[entry.id], body['setstmt']);
  const { [entry.id]: _before, ...others } = role.databaseSettings ?? {};
  const databaseSettings = settings.length === 0 ? others : { ...others, [entry.id]: settings };
  putRole(ctx, { ...role, databaseSettings });
  return 'ALTER ROLE';
}

function checkMaySet({ rights }: DdlContext, id: number, isSuperuser: boolean, inDatabase: boolean): void {
  if (rights.superuser) return;
  if (id === EVERY_ROLE_ID) {
    if (!inDatabase) throw sqlError('42501', 'must be superuser to alter settings globally');
    return;
  }
  if (isSuperuser) throw sqlError('42501', 'must be superuser to alter superusers');
  if (!rights.membership.role.createRole && id !== rights.id) throw sqlError('42501', 'permission denied');
}
