/**
 * CREATE and REFRESH MATERIALIZED VIEW. A refresh runs the stored query into a storage of its own, fills the indexes
 * there, and puts it in the place of the old one in the descriptor, as TRUNCATE does: readers have all of the old rows or
 * all of the new ones, and a rollback leaves the old ones. Rows stream into the storage, whatever their number.
 *
 * Limits: CONCURRENTLY asks for the unique index that PostgreSQL needs, and then works as without it: the new rows are
 * computed under the schema lock, for which transactions that have read the view are waited for.
 */
import { requireTableMethod, requireTablespace } from './tablespaces.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { isMaterialized, queryOf } from '../catalog/materialized.js';
import type { MaterializedView } from '../catalog/materialized.js';
import { isTemporary } from '../catalog/temporary-names.js';
import type { CatalogSnapshot, ParsedStatement, RelationName } from '../contract.js';
import { refusedAction } from './alter-actions.js';
import type { DdlContext } from './context.js';
import { createTableFor } from './create-table.js';
import { storageOptions } from './storage-options.js';
import { RowCollector, collectRows } from './collect-rows.js';
import { newStorage, nextVersion, openForChange, relationMissing, shownName } from './objects.js';
import { pinLiterals } from './pinned-relations.js';
import { fillIndex, findTwins, writtenTwice } from './rewrite.js';
import { list, rangeVar, stringOf } from './tree.js';
import type { Loose } from './tree.js';
import { recordSources } from './views.js';

/** @returns the command tag */
export async function createMaterializedView(
  ctx: DdlContext,
  name: RelationName,
  into: Loose,
  inner: ParsedStatement,
): Promise<string> {
  const snapshot = await ctx.catalog.snapshot(ctx.planner.relationsOf(inner), ctx.session.searchPath, ctx.wait);
  if (inner.parameterCount > 0) throw sqlError('0A000', 'materialized views may not be defined using bound parameters');
  const compiled = ctx.planner.compileView(inner, snapshot, ctx.plannerSettings, 'materialized views');
  const made = await pinLiterals(ctx, compiled);
  await refuseTemporary(ctx, made.sources);
  const names = list(into['colNames']).map(stringOf);
  if (names.length > made.columns.length) throw sqlError('42601', 'too many column names were specified');
  const columns = made.columns.map((c, i) => ({ ...c, name: names[i] ?? c.name }));
  requireTablespace(into['tableSpaceName']);
  requireTableMethod(into['accessMethod']);
  const table = await createTableFor(ctx, name, columns, {
    options: storageOptions(into['options']),
    unlogged: false,
    persistence: 'p',
    onCommitClause: undefined,
  });
  const { queryTree, sources, usedTypes } = made;
  const populated = into['skipData'] !== true;
  const { usedRoutines } = made;
  const view: MaterializedView = { ...table, materialized: { queryTree, sources, usedTypes, populated }, usedRoutines };
  ctx.catalog.put(ctx.txn, view);
  await recordSources(ctx, view);
  return populated ? `SELECT ${await fill(ctx, view)}` : 'CREATE MATERIALIZED VIEW';
}

async function refuseTemporary(ctx: DdlContext, sources: MaterializedView['materialized']['sources']): Promise<void> {
  for (const { id } of sources) {
    if (isTemporary(await ctx.catalog.descriptor(id, ctx.wait)))
      throw sqlError('0A000', 'materialized views must not use temporary tables or views');
  }
}

export async function runRefresh(ctx: DdlContext, body: Loose): Promise<string> {
  const name = rangeVar(body['relation']);
  const isConcurrent = body['concurrent'] === true;
  const populated = body['skipData'] !== true;
  const found = await openForChange(ctx, name);
  if (found === null) return relationMissing(ctx, name);
  if (found.kind !== 'table' || !isMaterialized(found.table))
    throw sqlError('0A000', `"${shownName(name)}" is not a materialized view`);
  const view = found.table;
  if (isConcurrent) await refuseConcurrent(ctx, view, found.schemaName, populated);
  const storageId = await newStorage(ctx);
  const refreshed = nextVersion(view, {
    storageId,
    storageSince: ctx.txn.readTimestamp,
    materialized: { ...view.materialized, populated },
  }) as MaterializedView;
  if (populated && isConcurrent) await fillAsChange(ctx, refreshed);
  else if (populated) await fill(ctx, refreshed);
  if (isConcurrent) await requireIndexStill(ctx, view.id);
  ctx.catalog.put(ctx.txn, refreshed);
  return 'REFRESH MATERIALIZED VIEW';
}

async function refuseConcurrent(
  ctx: DdlContext,
  view: MaterializedView,
  schemaName: string,
  populated: boolean,
): Promise<void> {
  if (!view.materialized.populated)
    throw sqlError('0A000', 'CONCURRENTLY cannot be used when the materialized view is not populated');
  if (!populated) throw sqlError('42601', 'CONCURRENTLY and WITH NO DATA options cannot be used together');
  if (hasWholeKey(view)) return Promise.resolve();
  throw sqlError('55000', `cannot refresh materialized view "${schemaName}.${view.name}" concurrently`, {
    hint: 'Create a unique index with no WHERE clause on one or more columns of the materialized view.',
  });
}

/** Refused as PostgreSQL refuses it, which compares the rows with the old ones and changes what differs. @throws 21000, 23505 */
async function fillAsChange(ctx: DdlContext, view: MaterializedView): Promise<void> {
  try {
    await fill(ctx, view, writtenTwice);
  } catch (error) {
    const twins = error instanceof QuoralError && error.sqlstate === '23505' ? await findTwins(ctx, view) : null;
    if (twins === null) throw error;
    const message = `new data for materialized view "${view.name}" contains duplicate rows without any null columns`;
    throw sqlError('21000', message, { detail: `Row: ${twins}` });
  }
}

/** Has a unique index over plain columns for all rows. */
function hasWholeKey({ indexes }: TableDescriptor): boolean {
  return indexes.some(
    (index) =>
      index.oid !== 0 && index.unique && index.predicate == null && index.columns.every((c) => c.columnId !== 0),
  );
}

/** The query may have called what dropped it. @throws QuoralError XX000 */
async function requireIndexStill(ctx: DdlContext, id: number): Promise<void> {
  const now = await ctx.catalog.forUpdate(ctx.txn, id);
  if (now?.kind !== 'table' || !hasWholeKey(now))
    throw sqlError('XX000', 'could not find suitable unique index on materialized view');
}

/** Runs the query into the view's storage, which is empty, and fills its indexes; the number of rows. */
async function fill(ctx: DdlContext, view: MaterializedView, refused?: typeof writtenTwice): Promise<number> {
  const relation = await ctx.catalog.viewRelation(queryOf(view), ctx.wait);
  const catalog = await ctx.catalog.snapshot([], ctx.session.searchPath, ctx.wait);
  const snapshot: CatalogSnapshot = {
    ...catalog,
    relation: (name) => (name.schema === ITSELF ? relation : catalog.relation(name)),
  };
  const compiled = ctx.planner.compile(READ_IT, [], snapshot, ctx.plannerSettings);
  ctx.watch?.plans.push(compiled);
  const writer = new RowCollector(ctx, view);
  await ctx.asRole(view.owner, async (own) => {
    await own.checkAccess(compiled);
    await collectRows(compiled, ctx, writer);
  });
  const options = refused === undefined ? {} : { refused };
  for (const index of view.indexes) if (!index.primary) await fillIndex(ctx, view, view, index.id, options);
  return writer.count;
}

/** No schema has this name. */
const ITSELF = '\0';
const READ_IT: ParsedStatement = {
  node: {
    SelectStmt: {
      targetList: [{ ResTarget: { val: { ColumnRef: { fields: [{ A_Star: {} }] } } } }],
      fromClause: [{ RangeVar: { schemaname: ITSELF, relname: 'query', inh: true, relpersistence: 'p' } }],
      limitOption: 'LIMIT_OPTION_DEFAULT',
      op: 'SETOP_NONE',
    },
  },
  kind: 'SelectStmt',
  text: '',
  textOffset: 0,
  parameterCount: 0,
  asOfSystemTime: null,
};

const ALTERABLE = new Set([
  'AT_ChangeOwner',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_SetTableSpace',
  'AT_ReplicaIdentity',
  'AT_SetAccessMethod',
]);

/** @throws 42809 for an ALTER that only a table takes */
export function refuseTableCommands(table: TableDescriptor, commands: readonly Loose[]): void {
  if (!isMaterialized(table)) return;
  for (const command of commands) {
    if (!ALTERABLE.has(String(command['subtype']))) throw refusedAction(table.name, 'materialized views', command);
  }
}

/** @throws 42809 where a statement names the kind and the relation is of another */
export async function requireMaterialized(ctx: DdlContext, name: RelationName): Promise<void> {
  const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
  if (found === null || (found.kind === 'table' && isMaterialized(found.table))) return;
  throw sqlError('42809', `"${name.name}" is not a materialized view`);
}
