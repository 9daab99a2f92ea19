/** CREATE TABLE: columns, constraints, LIKE; the table's storage is a range of its own. */
import { requireTableMethod, requireTablespace } from './tablespaces.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ExpressionColumn } from '../contract.js';
import { addPosition } from '../plan/binder.js';
import type { CheckDescriptor, ColumnDescriptor, IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { isTemporarySchema } from '../catalog/temporary-names.js';
import type { OnCommit } from '../catalog/temporary.js';
import {
  checkName,
  compileCheck,
  draftColumn,
  finishColumn,
  hiddenColumn,
  nextHiddenId,
  sequenceOf,
  COLUMNS_MAX,
  tooManyColumns,
} from './columns.js';
import type { ColumnDraft } from './columns.js';
import type { DdlContext } from './context.js';
import { initialAcl } from './default-privileges.js';
import { notice } from './context.js';
import { generateColumns } from './generated.js';
import { addForeignKeys, constraintTaken, type ForeignKeyRequest } from './foreign-keys.js';
import { constraintRequest, hiddenPrimary, makeIndex, twoPrimaryKeys } from './indexes.js';
import { keepKeys } from './stored-keys.js';
import type { IndexRequest } from './indexes.js';
import { type CheckRequest, type Copied, copyLike } from './like.js';
import { claimName, creationSchema, newStorage } from './objects.js';
import { makeStatistics, type StatisticsRequest } from './statistics.js';
import { storageOptions } from './storage-options.js';
import { requireTypesOf } from './type-rights.js';
import { typedColumns } from './typed-tables.js';
import { refuseTypeOfName } from './user-types.js';
import { CHECK, nameable, normalised } from './row-expressions.js';
import { requireKeptTypes } from './kept-types.js';
import { list, of, rangeVar, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

interface Parts {
  readonly drafts: ColumnDraft[];
  readonly requests: IndexRequest[];
  readonly checks: CheckRequest[];
  readonly foreignKeys: ForeignKeyRequest[];
  /** Copied by LIKE, by draft. */
  readonly copied: Map<ColumnDraft, Copied>;
  readonly statistics: StatisticsRequest[];
}

export async function runCreateTable(ctx: DdlContext, body: Loose): Promise<string> {
  const name = rangeVar(body['relation']);
  const relation = body['relation'] as Loose;
  if (body['partspec'] !== undefined || body['partbound'] !== undefined) throw unsupported('PARTITION BY');
  if (body['inhRelations'] !== undefined) throw unsupported('table inheritance');
  const schema = await creationSchema(ctx, name, relation['relpersistence']).catch((error: unknown) => {
    throw isOfPlace(error) ? addPosition(error, Number(relation['location'] ?? 0)) : error;
  });
  if (body['if_not_exists'] === true && (await ctx.catalog.nameForUpdate(ctx.txn, schema.id, name.name)) !== null) {
    notice(ctx, '42P07', `relation "${name.name}" already exists, skipping`);
    return 'CREATE TABLE';
  }
  const elements = list(body['tableElts']);
  const typed =
    body['ofTypename'] === undefined ? null : await typedColumns(ctx, body['ofTypename'], elements, name.name);
  const parts = await collect(ctx, elements, name.name, typed?.drafts ?? null);
  requireTablespace(body['tablespacename']);
  requireTableMethod(body['accessMethod']);
  await createTable(ctx, name.name, schema, parts, {
    options: storageOptions(body['options']),
    unlogged: relation['relpersistence'] === 'u',
    onCommit: onCommitOf(body['oncommit'], schema.id),
    ofType: typed?.ofType ?? null,
  });
  return 'CREATE TABLE';
}

/** Told with the place of the table's name. */
function isOfPlace(error: unknown): boolean {
  return error instanceof QuoralError && ['42501', '3F000', '42P16'].includes(error.sqlstate);
}

function onCommitOf(clause: unknown, schemaId: number): OnCommit {
  if (clause === undefined || clause === 'ONCOMMIT_NOOP') return 'preserve';
  if (!isTemporarySchema(schemaId)) throw sqlError('42P16', 'ON COMMIT can only be used on temporary tables');
  return clause === 'ONCOMMIT_DROP' ? 'drop' : clause === 'ONCOMMIT_DELETE_ROWS' ? 'delete' : 'preserve';
}

/** `typed`: the columns of a typed table, which the elements have options for. */
async function collect(
  ctx: DdlContext,
  elements: readonly Loose[],
  table: string,
  typed: readonly ColumnDraft[] | null = null,
): Promise<Parts> {
  const parts: Parts = { drafts: [], requests: [], checks: [], foreignKeys: [], copied: new Map(), statistics: [] };
  const tableConstraints: Loose[] = [];
  for (const draft of typed ?? []) {
    parts.drafts.push(draft);
    for (const c of draft.constraints) addConstraint(parts, c, [draft.name]);
  }
  for (const element of elements) {
    if (typed !== null && element['ColumnDef'] !== undefined) continue;
    if (element['ColumnDef'] !== undefined) {
      const draft = draftColumn(of(element, 'ColumnDef'), ctx.types, table);
      if (parts.drafts.some((d) => d.name === draft.name))
        throw sqlError('42701', `column "${draft.name}" specified more than once`);
      parts.drafts.push(draft);
      for (const c of draft.constraints) addConstraint(parts, c, [draft.name]);
    } else if (element['Constraint'] !== undefined) tableConstraints.push(of(element, 'Constraint'));
    else if (element['TableLikeClause'] !== undefined) await copyLike(ctx, parts, of(element, 'TableLikeClause'));
  }
  for (const c of tableConstraints) addConstraint(parts, c, []);
  if (parts.drafts.length > COLUMNS_MAX) throw tooManyColumns();
  return parts;
}

function addConstraint(parts: Parts, c: Loose, columns: readonly string[]): void {
  switch (c['contype']) {
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
      parts.requests.push(constraintRequest(c, columns));
      return;
    case 'CONSTR_CHECK':
      parts.checks.push(checkRequest(c));
      return;
    case 'CONSTR_FOREIGN':
      // There are no rows yet that could break it.
      parts.foreignKeys.push({ node: { ...c, skip_validation: false }, columns });
      return;
    case 'CONSTR_EXCLUSION':
      throw unsupported('EXCLUDE');
    default:
      throw unsupported(`constraint ${String(c['contype'])}`);
  }
}

interface TableKind {
  readonly options: Readonly<Record<string, string>>;
  readonly unlogged: boolean;
  readonly onCommit: OnCommit;
  readonly ofType?: number | null;
}

async function createTable(
  ctx: DdlContext,
  name: string,
  schema: { id: number; name: string },
  parts: Parts,
  kind: TableKind,
): Promise<TableDescriptor> {
  const id = await ctx.catalog.catalog.ids.next();
  await claimName(ctx, schema.id, name, { id, indexOid: null });
  await refuseTypeOfName(ctx, schema.id, name);
  const primaries = parts.requests.filter((r) => r.primary);
  // One that LIKE has brought is added after all that is written.
  const isWritten = primaries.every(({ location }) => location !== undefined);
  if (primaries.length > 1) throw addPosition(twoPrimaryKeys(name), isWritten ? primaries[1]!.location! : -1);
  for (const request of primaries) {
    for (const { name: column } of request.columns) {
      const draft = parts.drafts.find((d) => d.name === column);
      if (draft !== undefined) draft.notNull = true;
    }
  }
  const owner = { id, name, schemaId: schema.id, schemaName: schema.name, unlogged: kind.unlogged };
  const sequences: (number | null)[] = [];
  for (const [i, draft] of parts.drafts.entries()) sequences.push(await sequenceOf(ctx, draft, i + 1, owner));
  const finished: ColumnDescriptor[] = [];
  for (const [i, draft] of parts.drafts.entries()) {
    const column = await finishColumn(ctx, draft, i + 1, sequences[i]!);
    const copied = parts.copied.get(draft);
    finished.push(copied === undefined ? column : { ...column, ...copied });
  }
  const columns = generateColumns(ctx, parts.drafts, finished, name);
  const nextColumnId = columns.length + 1;
  const indexes: IndexDescriptor[] = [];
  let nextIndexId = 1;
  if (primaries.every((r) => r.deferrable != null)) {
    const hidden = hiddenColumn(
      nextHiddenId(columns),
      columns.map((c) => c.name),
    );
    columns.push(hidden);
    indexes.push(hiddenPrimary(nextIndexId++, name, hidden.id));
  }
  for (const request of [...primaries, ...parts.requests.filter((r) => !r.primary)]) {
    const kept = keepKeys(ctx, await makeIndex(ctx, request, nextIndexId++, owner, columns), columns);
    columns.push(...kept.columns);
    indexes.push(kept.index);
  }
  const checks = await makeChecks(ctx, name, parts, columns);
  const comments = parts.checks.flatMap(({ comment }, i) => (comment == null ? [] : [[checks[i]!.oid, comment]]));
  const statistics = await makeStatistics(ctx, { ...owner, columns }, parts.statistics);
  const table: TableDescriptor = {
    kind: 'table',
    id,
    name,
    databaseId: ctx.catalog.databaseId,
    schemaId: schema.id,
    version: 1,
    owner: ctx.session.userId,
    ...(await initialAcl(ctx, 'table', schema.id)),
    columns,
    nextColumnId,
    indexes,
    nextIndexId,
    checks,
    ...(comments.length === 0 ? {} : { constraintComments: Object.fromEntries(comments) as Record<number, string> }),
    ...(statistics.length === 0 ? {} : { statistics }),
    comment: null,
    storageId: await newStorage(ctx, { shared: isTemporarySchema(schema.id) }),
    options: kind.options,
    unlogged: kind.unlogged,
    ...(kind.ofType == null ? {} : { ofType: kind.ofType }),
    ...(kind.onCommit === 'preserve' ? {} : { onCommit: kind.onCommit }),
  };
  requireKeptTypes(ctx, table);
  ctx.catalog.putNew(ctx.txn, table);
  if (kind.onCommit !== 'preserve') ctx.temporaries.onCommit.set(id, kind.onCommit);
  ctx.temporaries.noteWrites([table]);
  if (parts.foreignKeys.length === 0) return table;
  const linked = (await addForeignKeys(ctx, table, parts.foreignKeys)).table;
  ctx.catalog.put(ctx.txn, linked);
  return linked;
}

async function makeChecks(
  ctx: DdlContext,
  table: string,
  parts: Parts,
  columns: readonly ColumnDescriptor[],
): Promise<CheckDescriptor[]> {
  const checks: CheckDescriptor[] = [];
  for (const request of parts.checks) {
    const taken = checks.map((c) => c.name);
    checks.push(await makeCheck(ctx, table, request, columns, taken));
  }
  return checks;
}

export function checkRequest(c: Loose): CheckRequest {
  const name = c['conname'] === undefined ? null : text(c['conname']);
  return { node: c['raw_expr'], name, noInherit: c['is_no_inherit'] === true };
}

export async function makeCheck(
  ctx: DdlContext,
  table: string,
  { node, name, noInherit }: CheckRequest,
  columns: readonly ColumnDescriptor[],
  /** Names of the table's other constraints. */
  taken: readonly string[],
): Promise<CheckDescriptor> {
  const own = normalised(ctx, node, table, nameable(columns), CHECK);
  const { sql, columnIds } = compileCheck(ctx, own, columns);
  if (name !== null && taken.includes(name)) throw constraintTaken(table, name);
  return {
    oid: await ctx.catalog.catalog.ids.next(),
    name: name ?? checkName(table, columnIds, columns, taken),
    expressionSql: sql,
    columnIds,
    ...(noInherit ? { noInherit } : {}),
  };
}

/** A table for the result of a query: CREATE TABLE AS. */
export async function createTableFor(
  ctx: DdlContext,
  name: ReturnType<typeof rangeVar>,
  columns: readonly ExpressionColumn[],
  kind: Omit<TableKind, 'onCommit'> & { readonly persistence: unknown; readonly onCommitClause: unknown },
): Promise<TableDescriptor> {
  const schema = await creationSchema(ctx, name, kind.persistence);
  const drafts = columns.map((c): ColumnDraft => ({
    name: c.name,
    typeOid: c.typeOid === 705 ? 25 : c.typeOid,
    typmod: c.typmod,
    notNull: false,
    explicitNull: false,
    defaultNode: null,
    serial: null,
    identity: null,
    identityOptions: null,
    collation: c.collation ?? null,
    constraints: [],
  }));
  drafts.forEach((d, i) => {
    if (drafts.findIndex((x) => x.name === d.name) < i)
      throw sqlError('42701', `column "${d.name}" specified more than once`);
  });
  await requireTypesOf(ctx, columns);
  return createTable(
    ctx,
    name.name,
    schema,
    { drafts, requests: [], checks: [], foreignKeys: [], copied: new Map(), statistics: [] },
    { ...kind, onCommit: onCommitOf(kind.onCommitClause, schema.id) },
  );
}
