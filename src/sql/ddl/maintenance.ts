/**
 * VACUUM, ANALYZE and REINDEX. Storage collects its garbage and indexes are as their tables at every moment, so there
 * is nothing to do; what a statement names must be there, and may be treated so where it stands.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import { NO_WAIT_MS } from '../catalog/catalog.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { isTemporary } from '../catalog/temporary-names.js';
import type { Relation, RelationName } from '../contract.js';
import { notice, type DdlContext } from './context.js';
import { findColumn } from './indexes.js';
import { currentDatabase, requireOwner, requireSchemaOwner } from './ownership.js';
import { openIndex, relationMissing } from './objects.js';
import { list, of, options, rangeVar, stringOf, text, valueText } from './tree.js';
import { usageOf } from '../usage/session-usage.js';
import type { Loose } from './tree.js';
import { readVacuumOptions } from './vacuum-options.js';

/** Catalogs that all databases have together. */
const OF_THE_CLUSTER: ReadonlySet<string> = new Set([
  'pg_authid',
  'pg_auth_members',
  'pg_database',
  'pg_db_role_setting',
  'pg_parameter_acl',
  'pg_replication_origin',
  'pg_shdepend',
  'pg_shdescription',
  'pg_shseclabel',
  'pg_subscription',
  'pg_tablespace',
]);

export async function runVacuum(ctx: DdlContext, body: Loose): Promise<string> {
  const isVacuum = body['is_vacuumcmd'] === true;
  const { analyzes, parallel, skipsLocked } = readVacuumOptions(options(body['options']), isVacuum);
  if (isVacuum && ctx.session.inBlock) throw sqlError('25001', 'VACUUM cannot run inside a transaction block');
  const relations = list(body['rels']).map((r) => of(r, 'VacuumRelation'));
  if (!analyzes && relations.some((r) => list(r['va_cols']).length > 0))
    throw sqlError('0A000', 'ANALYZE option must be specified when a column list is provided');
  const what = isVacuum ? 'vacuum' : 'analyze';
  const found: { readonly name: RelationName; readonly relation: Relation | null; readonly columns: string[] }[] = [];
  for (const relation of relations) {
    const name = rangeVar(relation['relation']);
    const seen = await openUnlocked(ctx, name, skipsLocked);
    if (seen === 'locked') {
      const message = `skipping ${what} of "${name.name}" --- lock not available`;
      ctx.notice({ severity: 'WARNING', sqlstate: '55P03', message });
      continue;
    }
    if (seen === null && !(await isIndex(ctx, name))) return relationMissing(ctx, name);
    found.push({ name, relation: seen, columns: list(relation['va_cols']).map(stringOf) });
  }
  for (const { name, relation, columns } of found) {
    const reason = await reasonToSkip(ctx, relation, what);
    if (reason !== null) {
      warn(ctx, `skipping "${name.name}" --- ${reason}`);
    } else if (relation?.kind === 'table') {
      requireColumns(relation.table, columns);
      usageOf(ctx.txn)?.maintained(relation.table.id, { vacuum: isVacuum, analyze: analyzes });
      if (parallel && isTemporary(relation.table) && relation.table.indexes.filter(({ oid }) => oid !== 0).length > 1)
        warn(
          ctx,
          `disabling parallel option of vacuum on "${name.name}" --- cannot vacuum temporary tables in parallel`,
        );
    }
  }
  return isVacuum ? 'VACUUM' : 'ANALYZE';
}

/** 'locked': others have it, and `skips`. @throws QuoralError 55P03, 57014, 40P01 */
async function openUnlocked(ctx: DdlContext, name: RelationName, skips: boolean): Promise<Relation | null | 'locked'> {
  const wait = skips ? { ...ctx.wait, lockTimeoutMs: NO_WAIT_MS } : ctx.wait;
  try {
    return await ctx.catalog.relation(name, ctx.session.searchPath, wait);
  } catch (error) {
    if (skips && error instanceof QuoralError && error.sqlstate === '55P03') return 'locked';
    throw error;
  }
}

function warn(ctx: DdlContext, message: string): void {
  ctx.notice({ severity: 'WARNING', sqlstate: '01000', message });
}

async function reasonToSkip(ctx: DdlContext, relation: Relation | null, what: string): Promise<string | null> {
  if (relation?.kind === 'virtual') {
    if (ctx.rights.superuser) return null;
    if (OF_THE_CLUSTER.has(relation.name)) return `only superuser can ${what} it`;
    const owns = ctx.rights.owns(await currentDatabase(ctx));
    return owns ? null : `only superuser or database owner can ${what} it`;
  }
  if (relation?.kind !== 'table') return `cannot ${what} non-tables or special system tables`;
  return (await mayMaintain(ctx, relation.table)) ? null : `only table or database owner can ${what} it`;
}

/** @throws QuoralError 42703, 42701 */
function requireColumns(table: TableDescriptor, columns: readonly string[]): void {
  columns.forEach((column, i) => {
    findColumn(table.columns, column, table.name, false);
    if (columns.indexOf(column) < i)
      throw sqlError('42701', `column "${column}" of relation "${table.name}" appears more than once`);
  });
}

async function mayMaintain(ctx: DdlContext, table: TableDescriptor): Promise<boolean> {
  return ctx.rights.owns(table) || ctx.rights.owns(await currentDatabase(ctx));
}

function isOn(given: unknown, name: string): boolean {
  const option = options(given).find((o) => o.name === name);
  return option !== undefined && !/^(false|off|0)$/i.test(valueText(option.arg));
}

export async function runReindex(ctx: DdlContext, body: Loose): Promise<string> {
  const concurrently = isOn(body['params'], 'concurrently');
  const kind = String(body['kind']).replace('REINDEX_OBJECT_', '');
  const isMany = kind !== 'INDEX' && kind !== 'TABLE';
  if (ctx.session.inBlock && isMany) throw sqlError('25001', `REINDEX ${kind} cannot run inside a transaction block`);
  if (ctx.session.inBlock && concurrently)
    throw sqlError('25001', 'REINDEX CONCURRENTLY cannot run inside a transaction block');
  if (kind === 'SYSTEM' && concurrently) throw systemConcurrently();
  const moves = movesIndexes(body['params']);
  if (kind === 'INDEX') await requireIndex(ctx, rangeVar(body['relation']));
  else if (kind === 'TABLE') await requireIndexed(ctx, rangeVar(body['relation']), concurrently, moves);
  else if (kind === 'SCHEMA') {
    const name = text(body['name']);
    const id = await ctx.catalog.schemaId(name);
    if (id !== null) await requireSchemaOwner(ctx, id, name);
    else throw sqlError('3F000', `schema "${name}" does not exist`);
    if (moves && name === 'pg_catalog') skipSystem(ctx);
  } else if (body['name'] !== undefined && text(body['name']) !== ctx.session.database) {
    throw sqlError('0A000', 'can only reindex the currently open database');
  }
  return 'REINDEX';
}

/** All tablespaces are one place. @throws QuoralError 42704 */
function movesIndexes(params: unknown): boolean {
  const option = options(params).find((o) => o.name === 'tablespace');
  if (option === undefined) return false;
  const name = valueText(option.arg);
  if (name !== 'pg_default' && name !== 'pg_global') throw sqlError('42704', `tablespace "${name}" does not exist`);
  return true;
}

function skipSystem(ctx: DdlContext): void {
  ctx.notice({ severity: 'WARNING', sqlstate: '42501', message: 'cannot move system relations, skipping all' });
}

function systemConcurrently(): Error {
  return sqlError('0A000', 'cannot reindex system catalogs concurrently');
}

async function requireIndex(ctx: DdlContext, name: RelationName): Promise<void> {
  if ((await openIndex(ctx, name)) === null) return relationMissing(ctx, name);
}

async function requireIndexed(
  ctx: DdlContext,
  name: RelationName,
  concurrently: boolean,
  moves: boolean,
): Promise<void> {
  const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
  if (found?.kind === 'virtual' && concurrently) throw systemConcurrently();
  if (found === null && (await isIndex(ctx, name))) throw noTable(name);
  if (found === null) return relationMissing(ctx, name);
  if (found.kind === 'virtual' && moves) throw sqlError('0A000', `cannot move system relation "${found.name}"`);
  if (found.kind === 'virtual') return;
  if (found.kind !== 'table') throw noTable(name);
  requireOwner(ctx, found.table);
  if (found.table.indexes.some((index) => index.oid !== 0)) return;
  const none = concurrently ? 'has no indexes that can be reindexed concurrently' : 'has no indexes to reindex';
  notice(ctx, '00000', `table "${name.name}" ${none}`);
}

function noTable(name: RelationName): Error {
  return sqlError('42809', `"${name.name}" is not a table or materialized view`);
}

async function isIndex(ctx: DdlContext, name: RelationName): Promise<boolean> {
  return (await openIndex(ctx, name)) !== null;
}
