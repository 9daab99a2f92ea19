/** CREATE TABLE AS and SELECT INTO: the query's rows go straight into the new table's storage. Also CREATE MATERIALIZED VIEW. */
import { requireTableMethod, requireTablespace } from './tablespaces.js';
import { sqlError } from '../../base/errors.js';
import type { CompiledStatement, ExecContext, ParsedStatement } from '../contract.js';
import { withWanted } from '../plan/wanted-functions.js';
import { formatType } from '../types/registry.js';
import { RowCollector, collectRows } from './collect-rows.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { createTableFor } from './create-table.js';
import { storageOptions } from './storage-options.js';
import { createMaterializedView } from './materialized-views.js';
import { creationSchema } from './objects.js';
import { list, of, rangeVar, stringOf } from './tree.js';
import type { Loose } from './tree.js';

export async function runCreateTableAs(ctx: DdlContext, body: Loose, statement: ParsedStatement): Promise<string> {
  const isInto = statement.kind === 'SelectStmt';
  const into = (isInto ? body['intoClause'] : of({ into: body['into'] } as Loose, 'into')) as Loose;
  const relation = into['rel'] as Loose;
  const name = rangeVar(relation);
  const isView = body['objtype'] === 'OBJECT_MATVIEW';
  const tag = isInto ? 'SELECT INTO' : isView ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS';
  if (body['if_not_exists'] === true) {
    const schema = await creationSchema(ctx, name, relation['relpersistence']);
    if ((await ctx.catalog.nameForUpdate(ctx.txn, schema.id, name.name)) !== null) {
      notice(ctx, '42P07', `relation "${name.name}" already exists, skipping`);
      return tag;
    }
  }
  const query = isInto ? withoutInto(body) : (body['query'] as Loose);
  const kind = Object.keys(query)[0]!;
  const inner: ParsedStatement = { ...statement, node: query, kind };
  // The plan of one that is not filled is told all the same.
  if (isView && ctx.watch !== undefined && into['skipData'] === true)
    ctx.watch.plans.push((await planned(ctx, inner)).compiled);
  if (isView) return createMaterializedView(ctx, name, into, inner);
  const { compiled, execContext } = await planned(ctx, inner);
  requireTablespace(into['tableSpaceName']);
  requireTableMethod(into['accessMethod']);
  ctx.watch?.plans.push(compiled);
  if (compiled.columns === null) throw sqlError('42601', `${tag} specifies a query without columns`);
  const names = list(into['colNames']).map(stringOf);
  if (names.length > compiled.columns.length) throw sqlError('42601', 'too many column names were specified');
  const columns = compiled.columns.map((c, i) => ({
    name: names[i] ?? c.name,
    typeOid: c.domain ?? c.typeOid,
    typmod: c.domain === undefined ? c.typmod : -1,
    collation: underivedRefused(c.collation, names[i] ?? c.name, c.domain ?? c.typeOid),
  }));
  const table = await createTableFor(ctx, name, columns, {
    options: storageOptions(into['options']),
    unlogged: relation['relpersistence'] === 'u',
    persistence: relation['relpersistence'],
    onCommitClause: into['onCommit'],
  });
  // PostgreSQL runs an EXECUTE all the same, for no rows.
  if (into['skipData'] === true) return kind === 'ExecuteStmt' ? 'SELECT 0' : tag;
  const writer = new RowCollector(ctx, table);
  await collectRows(compiled, { ...ctx, execContext }, writer);
  return `SELECT ${writer.count}`;
}

/** What EXPLAIN looks for: whether the table is there, with IF NOT EXISTS. @throws QuoralError 42P07 */
export async function isMade(ctx: DdlContext, body: Loose): Promise<boolean> {
  const into = (body['intoClause'] ?? of({ into: body['into'] } as Loose, 'into')) as Loose;
  const relation = into['rel'] as Loose;
  const { id } = await creationSchema(ctx, rangeVar(relation), relation['relpersistence']);
  const { name } = rangeVar(relation);
  if ((await ctx.catalog.nameForUpdate(ctx.txn, id, name)) === null) return false;
  if (body['if_not_exists'] !== true) throw sqlError('42P07', `relation "${name}" already exists`);
  notice(ctx, '42P07', `relation "${name}" already exists, skipping`);
  return true;
}

async function planned(
  ctx: DdlContext,
  query: ParsedStatement,
): Promise<{ readonly compiled: CompiledStatement; execContext(): ExecContext }> {
  if (query.kind === 'ExecuteStmt') return ctx.executed(query.node['ExecuteStmt'] as Loose);
  const { made: compiled } = await withWanted(
    ctx.planner.relationsOf(query),
    (relations) => ctx.catalog.snapshot(relations, ctx.session.searchPath, ctx.wait),
    (snapshot) => ctx.planner.compile(query, ctx.parameterOids, snapshot, ctx.plannerSettings),
  );
  await ctx.checkAccess(compiled);
  return { compiled, execContext: () => ctx.execContext() };
}

function withoutInto(body: Loose): Loose {
  return { SelectStmt: Object.fromEntries(Object.entries(body).filter(([key]) => key !== 'intoClause')) };
}

/** null: as its type has it. @throws QuoralError 42P22 */
function underivedRefused(collation: string | null | undefined, name: string, typeOid: number): string | null {
  if (collation !== null) return collation ?? null;
  throw sqlError('42P22', `no collation was derived for column "${name}" with collatable type ${formatType(typeOid)}`, {
    hint: 'Use the COLLATE clause to set the collation explicitly.',
  });
}
