/**
 * CREATE, ALTER and DROP STATISTICS: extended statistics as objects of the catalog, kept with their table. Nothing is collected for them, and no
 * plan asks for them; they are there for dumps and migrations.
 *
 * Limit: a function of a user in an expression is refused.
 */
import { sqlError } from '../../base/errors.js';
import type { RoleDescriptor, StatisticsDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import type { RelationName } from '../contract.js';
import { figureNameOf } from '../plan/figure-name.js';
import type { Node } from 'libpg-query';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import {
  creationSchema,
  descriptorOf,
  lacksSchema,
  nextVersion,
  openForChange,
  relationMissing,
  shownName,
} from './objects.js';
import { notOwner, requireMember } from './ownership.js';
import { bindRowExpression, type Place, refuseRoutines, renameInExpression } from './row-expressions.js';
import { statisticsTarget } from './storage-facts.js';
import { list, objectName, of, qualifiedName, rangeVar, stringOf, strings, text } from './tree.js';
import type { Loose } from './tree.js';

const KINDS: Readonly<Record<string, 'd' | 'f' | 'm'>> = { ndistinct: 'd', dependencies: 'f', mcv: 'm' };
const COLUMNS_MAX = 8;

const PLACE: Place = {
  one: 'statistics expression',
  many: 'statistics expressions',
  notImmutable: 'functions in statistics expression must be marked IMMUTABLE',
  wholeRow: sqlError('0A000', 'a whole-row reference in a statistics expression is not supported'),
  systemColumn: () => sqlError('0A000', 'statistics creation on system columns is not supported'),
};

/** No relation's name has this in front. */
export function statisticsEntryName(name: string): string {
  return `\0statistics/${name}`;
}

export async function runCreateStatistics(ctx: DdlContext, body: Loose): Promise<string> {
  const relations = list(body['relations']);
  if (relations.length !== 1) throw sqlError('0A000', 'only a single relation is allowed in CREATE STATISTICS');
  if (relations[0]!['RangeVar'] === undefined)
    throw sqlError('0A000', 'CREATE STATISTICS only supports relation names in the FROM clause');
  const relation = rangeVar(relations[0]);
  const opened = await openForChange(ctx, relation);
  if (opened === null) return relationMissing(ctx, relation);
  const found = descriptorOf(opened);
  if (found.kind !== 'table') {
    const detail = `This operation is not supported for ${found.kind}s.`;
    throw sqlError('42809', `cannot define statistics for relation "${found.name}"`, { detail });
  }
  const parts = readParts(ctx, list(body['exprs']), found);
  const given = qualifiedName(strings(body['defnames']));
  const name = given.name === '' ? generatedName(found, list(body['exprs'])) : given.name;
  const schema = await creationSchema(ctx, { schema: given.schema, name });
  const oid = await ctx.catalog.catalog.ids.next();
  const entry = { id: found.id, indexOid: oid };
  if (!(await ctx.catalog.claimName(ctx.txn, schema.id, statisticsEntryName(name), entry))) {
    if (body['if_not_exists'] !== true) throw sqlError('42710', `statistics object "${name}" already exists`);
    notice(ctx, '42710', `statistics object "${name}" already exists, skipping`);
    return 'CREATE STATISTICS';
  }
  const made: StatisticsDescriptor = {
    oid,
    name,
    schemaId: schema.id,
    owner: ctx.session.userId,
    kinds: readKinds(strings(body['stat_types']), parts),
    ...parts,
  };
  ctx.catalog.put(ctx.txn, nextVersion(found, { statistics: [...(found.statistics ?? []), made] }));
  return 'CREATE STATISTICS';
}

type Parts = Pick<StatisticsDescriptor, 'columnIds' | 'expressions'>;

function readParts(ctx: DdlContext, nodes: readonly Loose[], table: TableDescriptor): Parts {
  if (nodes.length > COLUMNS_MAX) throw sqlError('54011', `cannot have more than ${COLUMNS_MAX} columns in statistics`);
  const columnIds: number[] = [];
  const expressions: StatisticsDescriptor['expressions'][number][] = [];
  for (const node of nodes) {
    const element = of(node, 'StatsElem');
    const plain = list(of(element['expr'] as Loose | undefined, 'ColumnRef')['fields']).map(stringOf);
    const name = element['name'] === undefined ? (plain.length === 1 ? plain[0]! : null) : text(element['name']);
    if (name === null) {
      const { expressionSql, columnIds: read } = bindRowExpression(
        ctx,
        element['expr'],
        table.name,
        table.columns,
        PLACE,
      );
      refuseRoutines(ctx, expressionSql, 'a statistics expression');
      if (expressions.some((one) => one.expressionSql === expressionSql))
        throw sqlError('42701', 'duplicate expression in statistics definition');
      expressions.push({ expressionSql, columnIds: read });
      continue;
    }
    const column = table.columns.find((c) => c.name === name && !c.dropped && !c.hidden);
    if (column === undefined) throw sqlError('42703', `column "${name}" does not exist`);
    if (columnIds.includes(column.id)) throw sqlError('42701', 'duplicate column name in statistics definition');
    columnIds.push(column.id);
  }
  if (columnIds.length + expressions.length < 2 && expressions.length !== 1)
    throw sqlError('42P17', 'extended statistics require at least 2 columns');
  return { columnIds: columnIds.sort((a, b) => a - b), expressions };
}

function readKinds(names: readonly string[], { columnIds, expressions }: Parts): StatisticsDescriptor['kinds'] {
  const single = columnIds.length === 0 && expressions.length === 1;
  if (single && names.length > 0)
    throw sqlError('0A000', 'when building statistics on a single expression, statistics kinds may not be specified');
  const wanted = names.map((name) => {
    const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
    if (kind === undefined) throw sqlError('42601', `unrecognized statistics kind "${name}"`);
    return kind;
  });
  const all = ['d', 'f', 'm'] as const;
  const kinds = single ? [] : wanted.length === 0 ? all : all.filter((kind) => wanted.includes(kind));
  return expressions.length > 0 ? [...kinds, 'e'] : kinds;
}

function generatedName(table: TableDescriptor, nodes: readonly Loose[]): string {
  const parts = nodes.map((node) => {
    const element = of(node, 'StatsElem');
    return element['name'] === undefined ? (figureNameOf(element['expr'] as Node) ?? 'expr') : text(element['name']);
  });
  const taken = new Set((table.statistics ?? []).map(({ name }) => name));
  for (let n = 0; ; n++) {
    const name = objectName(table.name, parts.join('_'), n === 0 ? 'stat' : `stat${n}`);
    if (!taken.has(name)) return name;
  }
}

/** What LIKE … INCLUDING STATISTICS copies: columns are named, as they are others in the new table. */
export interface StatisticsRequest extends Pick<StatisticsDescriptor, 'kinds' | 'comment'> {
  readonly columns: readonly string[];
  readonly expressions: readonly { readonly expressionSql: string; readonly columns: readonly string[] }[];
}

export function copiedStatistics(table: TableDescriptor, withComments: boolean): StatisticsRequest[] {
  const nameOf = (id: number): string => table.columns.find((c) => c.id === id)!.name;
  return (table.statistics ?? []).map(({ kinds, columnIds, expressions, comment }) => ({
    kinds,
    comment: withComments ? (comment ?? null) : null,
    columns: columnIds.map(nameOf),
    expressions: expressions.map((e) => ({ expressionSql: e.expressionSql, columns: e.columnIds.map(nameOf) })),
  }));
}

/** For a new table, under names that are made for it. */
export async function makeStatistics(
  ctx: DdlContext,
  table: Pick<TableDescriptor, 'id' | 'name' | 'schemaId' | 'columns'>,
  requests: readonly StatisticsRequest[],
): Promise<StatisticsDescriptor[]> {
  const made: StatisticsDescriptor[] = [];
  const idOf = (name: string): number => table.columns.find((c) => c.name === name && !c.hidden)!.id;
  for (const { kinds, columns, expressions, comment } of requests) {
    const oid = await ctx.catalog.catalog.ids.next();
    const parts = [...columns, ...expressions.map(() => 'expr')].join('_');
    let name = '';
    for (let n = 0; ; n++) {
      name = objectName(table.name, parts, n === 0 ? 'stat' : `stat${n}`);
      const entry = { id: table.id, indexOid: oid };
      if (await ctx.catalog.claimName(ctx.txn, table.schemaId, statisticsEntryName(name), entry)) break;
    }
    made.push({
      oid,
      name,
      schemaId: table.schemaId,
      owner: ctx.session.userId,
      kinds,
      columnIds: columns.map(idOf).sort((a, b) => a - b),
      expressions: expressions.map((e) => ({ expressionSql: e.expressionSql, columnIds: e.columns.map(idOf) })),
      ...(comment == null ? {} : { comment }),
    });
  }
  return made;
}

interface OpenedStatistics {
  readonly table: TableDescriptor;
  readonly statistics: StatisticsDescriptor;
}

/** With its table under the schema lock. @throws QuoralError 42501 */
async function open(ctx: DdlContext, name: RelationName): Promise<OpenedStatistics | null> {
  for (const schema of name.schema === null ? ctx.session.searchPath : [name.schema]) {
    const schemaId = await ctx.catalog.schemaId(schema);
    const entry = schemaId === null ? null : await ctx.catalog.nameEntry(schemaId, statisticsEntryName(name.name));
    if (entry === null) continue;
    await ctx.catalog.lock(ctx.txn, [entry.id], ctx.wait);
    const table = await ctx.catalog.forUpdate(ctx.txn, entry.id);
    if (table?.kind !== 'table') continue;
    const statistics = table.statistics?.find(({ oid }) => oid === entry.indexOid);
    if (statistics === undefined) continue;
    if (!ctx.rights.owns(statistics)) throw notOwner('statistics object', shownName(name));
    return { table, statistics };
  }
  return null;
}

function missing(name: RelationName): Error {
  return sqlError('42704', `statistics object "${shownName(name)}" does not exist`);
}

function replace(ctx: DdlContext, { table, statistics }: OpenedStatistics, by: StatisticsDescriptor): void {
  const all = (table.statistics ?? []).map((one) => (one.oid === statistics.oid ? by : one));
  ctx.catalog.put(ctx.txn, nextVersion(table, { statistics: all }));
}

export async function runAlterStatistics(ctx: DdlContext, body: Loose): Promise<string> {
  const name = qualifiedName(strings(body['defnames']));
  const opened = await open(ctx, name);
  if (opened === null) {
    if (body['missing_ok'] !== true) throw missing(name);
    notice(ctx, '00000', `statistics object "${shownName(name)}" does not exist, skipping`);
    return 'ALTER STATISTICS';
  }
  const target = statisticsTarget(ctx, body['stxstattarget']);
  replace(ctx, opened, { ...opened.statistics, target });
  return 'ALTER STATISTICS';
}

/** OWNER TO. */
export async function giveStatistics(ctx: DdlContext, object: Loose, role: RoleDescriptor): Promise<void> {
  const name = qualifiedName(strings(of(object, 'List')['items']));
  const opened = await open(ctx, name);
  if (opened === null) throw missing(name);
  requireMember(ctx, role);
  await ctx.catalog.readTracked(ctx.txn, role.id);
  replace(ctx, opened, { ...opened.statistics, owner: role.id });
}

/** RENAME TO and SET SCHEMA. */
export async function moveStatistics(
  ctx: DdlContext,
  object: Loose,
  to: { readonly name?: string; readonly schema?: string },
): Promise<string> {
  const name = qualifiedName(strings(of(object, 'List')['items']));
  const opened = await open(ctx, name);
  if (opened === null) throw missing(name);
  const { statistics } = opened;
  const schemaId =
    to.schema === undefined ? statistics.schemaId : (await creationSchema(ctx, { schema: to.schema, name: '' })).id;
  const next = { ...statistics, schemaId, name: to.name ?? statistics.name };
  if (next.schemaId === statistics.schemaId && next.name === statistics.name) return 'ALTER STATISTICS';
  const entry = { id: opened.table.id, indexOid: statistics.oid };
  if (!(await ctx.catalog.claimName(ctx.txn, next.schemaId, statisticsEntryName(next.name), entry))) {
    const place = `in schema "${await ctx.catalog.schemaName(next.schemaId)}"`;
    throw sqlError('42710', `statistics object "${next.name}" already exists ${place}`);
  }
  ctx.catalog.freeName(ctx.txn, statistics.schemaId, statisticsEntryName(statistics.name));
  replace(ctx, opened, next);
  return 'ALTER STATISTICS';
}

export async function commentOnStatistics(
  ctx: DdlContext,
  parts: readonly string[],
  comment: string | null,
): Promise<void> {
  const opened = await open(ctx, qualifiedName(parts));
  if (opened === null) throw missing(qualifiedName(parts));
  replace(ctx, opened, { ...opened.statistics, comment });
}

export async function dropStatistics(ctx: DdlContext, body: Loose): Promise<string> {
  for (const object of list(body['objects'])) {
    const name = qualifiedName(strings(of(object, 'List')['items']));
    const opened = await open(ctx, name);
    if (opened === null) {
      if (body['missing_ok'] !== true) throw missing(name);
      const what = (await lacksSchema(ctx, name))
        ? `schema "${name.schema!}"`
        : `statistics object "${shownName(name)}"`;
      notice(ctx, '00000', `${what} does not exist, skipping`);
      continue;
    }
    const { table, statistics } = opened;
    ctx.catalog.put(
      ctx.txn,
      withoutStatistics(ctx, nextVersion(table, {}), ({ oid }) => oid === statistics.oid),
    );
  }
  return 'DROP STATISTICS';
}

/** Those go, with their names, for which `goes` is true. */
export function withoutStatistics(
  ctx: DdlContext,
  table: TableDescriptor,
  goes: (one: StatisticsDescriptor) => boolean,
): TableDescriptor {
  const { statistics = [] } = table;
  const going = statistics.filter(goes);
  if (going.length === 0) return table;
  for (const { schemaId, name } of going) ctx.catalog.freeName(ctx.txn, schemaId, statisticsEntryName(name));
  return { ...table, statistics: statistics.filter((one) => !going.includes(one)) };
}

/** Whether it is over the column. */
export function isOver({ columnIds, expressions }: StatisticsDescriptor, columnId: number): boolean {
  return columnIds.includes(columnId) || expressions.some((one) => one.columnIds.includes(columnId));
}

/** After a column was renamed; `table` has the new name. */
export function renamedStatistics(
  ctx: DdlContext,
  table: TableDescriptor,
  columnId: number,
  from: string,
  to: string,
): TableDescriptor {
  if (table.statistics === undefined) return table;
  const statistics = table.statistics.map((one) => ({
    ...one,
    expressions: one.expressions.map((e) =>
      e.columnIds.includes(columnId)
        ? { ...e, expressionSql: renameInExpression(ctx, e.expressionSql, from, to, table.columns) }
        : e,
    ),
  }));
  return { ...table, statistics };
}
