/** ALTER TABLE … SPLIT AT VALUES and SHOW RANGES. */
import { sqlError } from '../../base/errors.js';
import { formatKey } from '../../base/key.js';
import type { Key } from '../../base/key.js';
import type { IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { InvertedCodec, tableCodec } from '../exec/index-codec.js';
import type { IndexCodec } from '../exec/index-codec.js';
import type { QuoralShowRanges, QuoralSplitAt } from '../parse/own-statements.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import type { DdlContext } from './context.js';
import { deparse } from './deparse.js';
import { decodeKeyValues } from './key-text.js';
import { requireOwner } from './ownership.js';
import { relationMissing } from './objects.js';
import { unsupported } from './tree.js';
import type { Loose } from './tree.js';

interface Target {
  readonly table: TableDescriptor;
  readonly index: IndexDescriptor;
  readonly codec: IndexCodec | InvertedCodec;
}

async function target(ctx: DdlContext, of: QuoralShowRanges): Promise<Target> {
  const found = await findTarget(ctx, of);
  requireOwner(ctx, found.table);
  return found;
}

async function findTarget(ctx: DdlContext, of: QuoralShowRanges): Promise<Target> {
  if (of.relation !== null) {
    const found = await ctx.catalog.relation(of.relation, ctx.session.searchPath, ctx.wait);
    if (found === null) return relationMissing(ctx, of.relation);
    if (found.kind !== 'table') throw sqlError('42809', `"${of.relation.name}" is not a table`);
    return { table: found.table, index: found.table.indexes[0]!, codec: tableCodec(found.table).primary };
  }
  const name = of.index!;
  for (const schema of name.schema === null ? ctx.session.searchPath : [name.schema]) {
    const schemaId = await ctx.catalog.schemaId(schema);
    const entry = schemaId === null ? null : await ctx.catalog.nameEntry(schemaId, name.name);
    if (entry === null || entry.indexOid === null) continue;
    const table = await ctx.catalog.descriptor(entry.id, ctx.wait);
    if (table?.kind !== 'table') continue;
    const index = table.indexes.find((i) => i.oid === entry.indexOid);
    if (index === undefined) continue;
    const codec = tableCodec(table);
    return {
      table,
      index,
      codec: index.primary ? codec.primary : (codec.secondary(index.id) ?? codec.invertedIndex(index.id)!),
    };
  }
  return relationMissing(ctx, name);
}

function keyTypes(
  table: TableDescriptor,
  index: IndexDescriptor,
): { typeOid: number; typmod: number; descending: boolean }[] {
  return index.columns.map(({ columnId, descending, expression }) => {
    const { typeOid, typmod } = expression ?? table.columns.find((c) => c.id === columnId)!;
    return { typeOid, typmod, descending };
  });
}

export async function runSplit(ctx: DdlContext, body: Loose): Promise<string> {
  const split = body as unknown as QuoralSplitAt;
  const { table, index, codec } = await target(ctx, split);
  if (codec instanceof InvertedCodec) throw unsupported('SPLIT AT on a gin index');
  const columns = keyTypes(table, index);
  const keys: Key[] = [];
  for (const row of split.rows) {
    if (row.length > columns.length) {
      throw sqlError('42601', `SPLIT AT has ${row.length} values, but the key has ${columns.length} columns`);
    }
    const values: Datum[] = [];
    for (const [i, node] of row.entries()) {
      const column = columns[i]!;
      const expression = ctx.planner.compileExpression(deparse(node), [], ctx.plannerSettings, {
        typeOid: column.typeOid,
        typmod: column.typmod,
      });
      values.push(await expression.evaluate([], ctx.execContext()));
    }
    keys.push(codec.keyOfColumns(values));
  }
  // Whoever divides a table wants it apart from others as well.
  for (const key of [codec.span.start, ...keys.sort()]) await ctx.db.split(key);
  return 'ALTER TABLE';
}

export async function runShowRanges(ctx: DdlContext, body: Loose): Promise<string> {
  const { table, index, codec } = await target(ctx, body as unknown as QuoralShowRanges);
  const ranges = await ctx.db.ranges(codec.span.start, codec.span.end);
  const columns = keyTypes(table, index);
  const pretty = (key: Key, isEnd: boolean): string | null => {
    if (isEnd ? key >= codec.span.end : key <= codec.span.start) return null;
    if (!key.startsWith(codec.prefix) || codec instanceof InvertedCodec) return formatKey(key);
    return `/${decodeKeyValues(key.slice(codec.prefix.length), columns, (value, oid) => typeByOid(oid).output(value, ctx.plannerSettings.format)).join('/')}`;
  };
  for (const range of ranges) {
    ctx.sink.row([
      pretty(range.start, false),
      pretty(range.end, true),
      BigInt(range.rangeId),
      `{${range.replicas.join(',')}}`,
      range.leaseholder === 0 ? null : range.leaseholder,
      BigInt(range.bytes),
    ]);
  }
  return 'SHOW';
}
