/**
 * VACUUM, ANALYZE and REINDEX. Storage collects its garbage and indexes are as their tables at every moment, so there
 * is nothing to do; what a statement names must be there, and may be treated so where it stands.
 */
import { sqlError } from '../../base/errors.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { RelationName } from '../contract.js';
import { notice, type DdlContext } from './context.js';
import { findColumn } from './indexes.js';
import { currentDatabase, requireOwner, requireSchemaOwner } from './ownership.js';
import { openIndex, relationMissing } from './objects.js';
import { list, of, options, rangeVar, stringOf, text, valueText } from './tree.js';
import type { Loose } from './tree.js';

export async function runVacuum(ctx: DdlContext, body: Loose): Promise<string> {
  const isVacuum = body['is_vacuumcmd'] === true;
  if (isVacuum && ctx.session.inBlock) throw sqlError('25001', 'VACUUM cannot run inside a transaction block');
  const relations = list(body['rels']).map((r) => of(r, 'VacuumRelation'));
  const analyzes = !isVacuum || isOn(body['options'], 'analyze');
  if (!analyzes && relations.some((r) => list(r['va_cols']).length > 0))
    throw sqlError('0A000', 'ANALYZE option must be specified when a column list is provided');
  for (const relation of relations) {
    const name = rangeVar(relation['relation']);
    const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
    if (found === null) return relationMissing(ctx, name);
    if (found.kind !== 'table') continue;
    if (!(await mayMaintain(ctx, found.table))) {
      const what = isVacuum ? 'vacuum' : 'analyze';
      const message = `skipping "${found.table.name}" --- only table or database owner can ${what} it`;
      ctx.notice({ severity: 'WARNING', sqlstate: '01000', message });
      continue;
    }
    const columns = list(relation['va_cols']).map(stringOf);
    columns.forEach((column, i) => {
      findColumn(found.table.columns, column, found.table.name, false);
      if (columns.indexOf(column) < i)
        throw sqlError('42701', `column "${column}" of relation "${found.table.name}" appears more than once`);
    });
  }
  return isVacuum ? 'VACUUM' : 'ANALYZE';
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
  if (kind === 'INDEX') await requireIndex(ctx, rangeVar(body['relation']));
  else if (kind === 'TABLE') await requireIndexed(ctx, rangeVar(body['relation']), concurrently);
  else if (kind === 'SCHEMA') {
    const name = text(body['name']);
    const id = await ctx.catalog.schemaId(name);
    if (id !== null) await requireSchemaOwner(ctx, id, name);
    else throw sqlError('3F000', `schema "${name}" does not exist`);
  } else if (body['name'] !== undefined && text(body['name']) !== ctx.session.database) {
    throw sqlError('0A000', 'can only reindex the currently open database');
  }
  return 'REINDEX';
}

function systemConcurrently(): Error {
  return sqlError('0A000', 'cannot reindex system catalogs concurrently');
}

async function requireIndex(ctx: DdlContext, name: RelationName): Promise<void> {
  if ((await openIndex(ctx, name)) === null) return relationMissing(ctx, name);
}

async function requireIndexed(ctx: DdlContext, name: RelationName, concurrently: boolean): Promise<void> {
  const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
  if (found?.kind === 'virtual' && concurrently) throw systemConcurrently();
  if (found === null && (await isIndex(ctx, name))) throw noTable(name);
  if (found === null) return relationMissing(ctx, name);
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
