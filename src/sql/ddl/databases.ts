/** CREATE and DROP DATABASE, CREATE SCHEMA. */
import { requireTablespace } from './tablespaces.js';
import { sqlError } from '../../base/errors.js';
import { errorAt } from '../plan/binder.js';
import {
  TEMPLATE0_DATABASE_ID,
  TEMPLATE1_DATABASE_ID,
  POSTGRES_DATABASE_ID,
  PUBLIC_SCHEMA_ID,
} from '../catalog/bootstrap.js';
import { routineEntryName } from '../catalog/entry-names.js';
import { RIGHTS } from '../catalog/acl.js';
import type { ParsedStatement } from '../contract.js';
import type { DdlContext } from './context.js';
import { initialAcl } from './default-privileges.js';
import { requireMember, requireOnDatabase, requireOwner, roleOf } from './ownership.js';
import { notice } from './context.js';
import { runCreateTable } from './create-table.js';
import { runCreateIndex } from './indexes.js';
import { runGrant } from './privileges.js';
import { runCreateSequence } from './sequences.js';
import { runCreateView } from './views.js';
import { list, of, options, rangeVar, text, unsupported, valueText } from './tree.js';
import type { Loose } from './tree.js';

export async function runCreateSchema(ctx: DdlContext, body: Loose, statement: ParsedStatement): Promise<string> {
  const name = text(body['schemaname']) || (await roleOf(ctx, body['authrole'])).name;
  if (name.startsWith('pg_')) {
    throw sqlError('42939', `unacceptable schema name "${name}"`, {
      detail: 'The prefix "pg_" is reserved for system schemas.',
    });
  }
  const exists = name === 'information_schema' || (await ctx.catalog.nameForUpdate(ctx.txn, 0, name)) !== null;
  if (exists) {
    if (body['if_not_exists'] !== true) throw sqlError('42P06', `schema "${name}" already exists`);
    notice(ctx, '42P06', `schema "${name}" already exists, skipping`);
    return 'CREATE SCHEMA';
  }
  await requireOnDatabase(ctx, RIGHTS.create, () =>
    sqlError('42501', `permission denied for database ${ctx.session.database}`),
  );
  const owner = body['authrole'] === undefined ? null : await roleOf(ctx, body['authrole']);
  if (owner !== null) requireMember(ctx, owner);
  await ctx.catalog.lock(ctx.txn, [ctx.catalog.databaseId], ctx.wait);
  const id = await ctx.catalog.catalog.ids.next();
  if (!(await ctx.catalog.claimName(ctx.txn, 0, name, { id, indexOid: null })))
    throw sqlError('42P06', `schema "${name}" already exists`);
  ctx.catalog.putNew(ctx.txn, {
    kind: 'schema',
    id,
    name,
    databaseId: ctx.catalog.databaseId,
    version: 1,
    owner: owner?.id ?? ctx.session.userId,
    ...(await initialAcl(ctx, 'schema', id)),
  });
  const fill = async (maker: DdlContext): Promise<void> => {
    const searchPath = [name, ...maker.session.searchPath];
    const inside: DdlContext = { ...maker, session: { ...maker.session, searchPath } };
    for (const element of orderedElements(body, name)) await createInside(inside, element, statement);
  };
  // What is made within belongs to the owner too.
  await (owner === null || owner.id === ctx.session.userId ? fill(ctx) : ctx.asRole(owner.id, fill));
  return 'CREATE SCHEMA';
}

/** The places of a statement's relation, by kind and in the order in which PostgreSQL makes what they name. */
const ELEMENTS: readonly (readonly [kind: string, relation: string | null])[] = [
  ['CreateSeqStmt', 'sequence'],
  ['CreateStmt', 'relation'],
  ['ViewStmt', 'view'],
  ['IndexStmt', 'relation'],
  ['CreateTrigStmt', 'relation'],
  ['GrantStmt', null],
];

/** @throws QuoralError 42P15 for an element that names another schema */
function orderedElements(body: Loose, schema: string): Loose[] {
  const elements = list(body['schemaElts']);
  for (const element of elements) {
    const place = ELEMENTS.find(([kind]) => element[kind] !== undefined);
    if (place === undefined) throw unsupported('this element of CREATE SCHEMA');
    if (place[1] === null) continue;
    const relation = of(element, place[0])[place[1]] as Loose;
    const named = rangeVar(relation).schema;
    if (named === null && relation['relpersistence'] === 't') throw temporaryInside(element, relation);
    if (named === null || named === schema) continue;
    const message = `CREATE specifies a schema (${named}) different from the one being created (${schema})`;
    throw sqlError('42P15', message);
  }
  return ELEMENTS.flatMap(([kind]) => elements.filter((element) => element[kind] !== undefined));
}

/** Of tables alone PostgreSQL tells the place. */
function temporaryInside(element: Loose, relation: Loose): Error {
  const location = element['CreateStmt'] === undefined ? -1 : Number(relation['location'] ?? -1);
  return errorAt('42P16', 'cannot create temporary relation in non-temporary schema', location);
}

function namedRole(arg: unknown): Loose {
  return { roletype: 'ROLESPEC_CSTRING', rolename: valueText(arg) };
}

async function createInside(ctx: DdlContext, element: Loose, statement: ParsedStatement): Promise<void> {
  if (element['CreateStmt'] !== undefined) await runCreateTable(ctx, of(element, 'CreateStmt'));
  else if (element['IndexStmt'] !== undefined) await runCreateIndex(ctx, of(element, 'IndexStmt'));
  else if (element['CreateSeqStmt'] !== undefined) await runCreateSequence(ctx, of(element, 'CreateSeqStmt'));
  else if (element['GrantStmt'] !== undefined) await runGrant(ctx, of(element, 'GrantStmt'));
  else if (element['ViewStmt'] !== undefined)
    await runCreateView(ctx, of(element, 'ViewStmt'), { ...statement, node: element, kind: 'ViewStmt' });
  else throw unsupported('a trigger');
}

export async function runCreateDatabase(ctx: DdlContext, body: Loose): Promise<string> {
  if (ctx.session.inBlock) throw sqlError('25001', 'CREATE DATABASE cannot run inside a transaction block');
  if (!ctx.rights.superuser && !ctx.rights.membership.role.createDatabase)
    throw sqlError('42501', 'permission denied to create database');
  const name = text(body['dbname']);
  const given = options(body['options']).find((one) => one.name === 'owner');
  const role = given === undefined ? null : await roleOf(ctx, namedRole(given.arg));
  if (role !== null) requireMember(ctx, role);
  const place = options(body['options']).find((one) => one.name === 'tablespace');
  if (place !== undefined && valueText(place.arg) === 'pg_global')
    throw sqlError('22023', 'pg_global cannot be used as default tablespace');
  if (place !== undefined) requireTablespace(valueText(place.arg));
  const owner = role?.id ?? ctx.session.userId;
  await ctx.catalog.readTracked(ctx.txn, owner);
  const id = await ctx.catalog.catalog.ids.next();
  if (!(await ctx.catalog.claimName(ctx.txn, 0, name, { id, indexOid: null }, 0)))
    throw sqlError('42P04', `database "${name}" already exists`);
  ctx.catalog.putNew(ctx.txn, { kind: 'database', id, name, version: 1, owner });
  await ctx.catalog.claimName(ctx.txn, 0, 'public', { id: PUBLIC_SCHEMA_ID, indexOid: null }, id);
  return 'CREATE DATABASE';
}

export async function runDropDatabase(ctx: DdlContext, body: Loose): Promise<string> {
  if (ctx.session.inBlock) throw sqlError('25001', 'DROP DATABASE cannot run inside a transaction block');
  const name = text(body['dbname']);
  if (name === ctx.session.database) throw sqlError('55006', 'cannot drop the currently open database');
  const entry = await ctx.catalog.nameForUpdate(ctx.txn, 0, name, 0);
  if (entry === null) {
    if (body['missing_ok'] !== true) throw sqlError('3D000', `database "${name}" does not exist`);
    notice(ctx, '00000', `database "${name}" does not exist, skipping`);
    return 'DROP DATABASE';
  }
  if ([TEMPLATE0_DATABASE_ID, TEMPLATE1_DATABASE_ID, POSTGRES_DATABASE_ID].includes(entry.id)) {
    throw sqlError('42809', 'cannot drop a template database');
  }
  const database = await ctx.catalog.descriptor(entry.id, ctx.wait);
  if (database?.kind === 'database') requireOwner(ctx, database);
  const view = await ctx.catalog.view([]);
  const inside = view.descriptors.filter(
    (d) => d.kind !== 'database' && d.kind !== 'role' && d.databaseId === entry.id,
  );
  await ctx.catalog.lock(ctx.txn, [entry.id, ...inside.map((d) => d.id)], ctx.wait);
  for (const d of inside) {
    const current = await ctx.catalog.forUpdate(ctx.txn, d.id);
    if (current === null || current.kind === 'database' || current.kind === 'role') continue;
    const entryName = current.kind === 'routine' ? routineEntryName(current.name) : current.name;
    ctx.catalog.freeName(ctx.txn, current.kind === 'schema' ? 0 : current.schemaId, entryName, entry.id);
    if (current.kind === 'table') {
      for (const index of current.indexes)
        if (index.oid !== 0) ctx.catalog.freeName(ctx.txn, current.schemaId, index.name, entry.id);
    }
    ctx.catalog.drop(ctx.txn, current.id);
  }
  ctx.catalog.freeName(ctx.txn, 0, 'public', entry.id);
  ctx.catalog.freeName(ctx.txn, 0, name, 0);
  ctx.catalog.drop(ctx.txn, entry.id);
  return 'DROP DATABASE';
}
