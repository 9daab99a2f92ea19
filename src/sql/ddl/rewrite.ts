/**
 * Filling fresh key spaces from a table's rows: a rewrite into a new storage (new primary key, changed
 * column types), or one new index. Rows stream in pages: a page is read while the last is ingested.
 *
 * Uniqueness in bounded memory: keys that come in ascending order are distinct; otherwise 53-bit hashes of the
 * keys are kept (8 bytes a row) and sorted, and only keys whose hashes meet are compared in a second pass.
 *
 * The table is under its schema lock, so that nobody writes it; what is ingested is not undone by a
 * rollback, but then nothing ever refers to it.
 */
import { sqlError } from '../../base/errors.js';
import type { QuoralError } from '../../base/errors.js';
import type { Key, Span } from '../../base/key.js';
import type { ColumnDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import type { MemoryAccount } from '../contract.js';
import { tableCodec, TableCodec } from '../exec/index-codec.js';
import type { IndexCodec } from '../exec/index-codec.js';
import { PgRecord, type Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { abortReason } from '../catalog/catalog.js';
import type { KvScanResult } from '../../txn/kv-txn.js';
import type { DdlContext } from './context.js';
import { fieldsOfTable } from './objects.js';

const PAGE_BYTES = 256 << 10;

/** Makes the new table's live values from the old one's. */
export type RowMapper = (old: readonly Datum[]) => readonly Datum[] | Promise<readonly Datum[]>;

export interface Unique {
  readonly index: IndexCodec;
  readonly tracker: KeyTracker;
}

/** Keeps what is needed to find duplicates among a stream of keys. */
export class KeyTracker {
  readonly #memory: MemoryAccount;
  #last = '';
  #ascending = true;
  #chunks: Float64Array[] = [];
  #count = 0;

  constructor(memory: MemoryAccount) {
    this.#memory = memory;
  }

  add(key: Key): void {
    if (this.#ascending && key <= this.#last && this.#count > 0) this.#ascending = false;
    this.#last = key;
    const at = this.#count % CHUNK;
    if (at === 0) {
      this.#memory.grow(CHUNK * 8);
      this.#chunks.push(new Float64Array(CHUNK));
    }
    this.#chunks[this.#chunks.length - 1]![at] = hash53(key);
    this.#count++;
  }

  /** Hashes that more than one key has; empty when all keys are certainly distinct. */
  suspects(): Set<number> {
    const suspects = new Set<number>();
    if (!this.#ascending) {
      const all = new Float64Array(this.#count);
      this.#memory.grow(this.#count * 8);
      this.#chunks.forEach((chunk, i) =>
        all.set(chunk.subarray(0, Math.min(CHUNK, this.#count - i * CHUNK)), i * CHUNK),
      );
      all.sort();
      for (let i = 1; i < all.length; i++) if (all[i] === all[i - 1]) suspects.add(all[i]!);
      this.#memory.shrink(this.#count * 8);
    }
    this.#memory.shrink(this.#chunks.length * CHUNK * 8);
    this.#chunks = [];
    return suspects;
  }
}

const CHUNK = 16_384;

/** FNV-1a in two lanes. */
export function hash53(key: Key): number {
  let a = 0x811c9dc5;
  let b = 0x1b873593;
  for (let i = 0; i < key.length; i++) {
    const c = key.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b ^ c, 0x85ebca6b) ^ (b >>> 13);
  }
  return (a >>> 0) * 0x200000 + (b >>> 11);
}

/** Pages of decoded rows, one read ahead. */
async function* rowsOf(ctx: DdlContext, table: TableDescriptor): AsyncGenerator<readonly (readonly Datum[])[]> {
  const codec = tableCodec(table);
  const read = (start: Key, span: Span): Promise<KvScanResult> =>
    ctx.txn.scan({ start, end: span.end, maxBytes: PAGE_BYTES, untracked: true });
  let next: Promise<KvScanResult> | null = read(codec.primary.span.start, codec.primary.span);
  while (next !== null) {
    const page: KvScanResult = await next;
    if (ctx.signal.aborted) throw abortReason(ctx.signal);
    next = page.resumeKey === null ? null : read(page.resumeKey, codec.primary.span);
    // A failure of the read ahead is met when it is awaited, not as an unhandled rejection.
    next?.catch(() => undefined);
    yield page.values.map((value) => codec.decodeRow(value));
  }
}

async function ingest(ctx: DdlContext, pairs: readonly (readonly [Key, Buffer])[]): Promise<void> {
  if (pairs.length === 0) return;
  const sorted = [...pairs].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  await ctx.txn.bulkIngest(
    sorted.map((p) => p[0]),
    sorted.map((p) => p[1]),
  );
}

/** Copies every row of `from` into the storage of `to`, with all its indexes. */
export async function rewriteTable(
  ctx: DdlContext,
  from: TableDescriptor,
  to: TableDescriptor,
  map: RowMapper,
  verify: (values: readonly Datum[]) => void | Promise<void>,
): Promise<void> {
  const codec = new TableCodec(to);
  const { memory } = ctx;
  const indexes = [codec.primary, ...codec.secondaries];
  const uniques = indexes
    .filter((i) => i.index.unique && !(i.index.primary && i.positions.every((p) => codec.columns[p]?.hidden === true)))
    .map((index) => ({ index, tracker: new KeyTracker(memory) }));
  const notNull = codec.columns.flatMap((c, i) => (c.nullable ? [] : [i]));
  let pending: Promise<void> = Promise.resolve();
  for await (const rows of rowsOf(ctx, from)) {
    const pairs: [Key, Buffer][] = [];
    for (const old of rows) {
      const mapped = map(old);
      const values = mapped instanceof Promise ? await mapped : mapped;
      for (const p of notNull) if (values[p] === null) throw containsNull(ctx, codec.columns[p]!, to);
      const verified = verify(values);
      if (verified instanceof Promise) await verified;
      pairs.push([codec.primary.keyOfRow(values), codec.encodeRow(values)]);
      codec.entries(values, (key, entry) => pairs.push([key, entry]));
      for (const u of uniques) {
        const key = u.index.uniqueKey(values);
        if (key !== null) u.tracker.add(key);
      }
    }
    await pending;
    pending = ingest(ctx, pairs);
    pending.catch(() => undefined);
  }
  await pending;
  for (const u of uniques) await refuseDuplicates(ctx, from, u, codec, map);
}

/** Fills one new index of a table whose rows stay where they are. `table` has the index already. */
export async function fillIndex(
  ctx: DdlContext,
  from: TableDescriptor,
  table: TableDescriptor,
  indexId: number,
  { refused = duplicated }: { readonly refused?: typeof duplicated } = {},
): Promise<void> {
  const codec = new TableCodec(table);
  const ordered = codec.secondary(indexId);
  const index = ordered ?? codec.invertedIndex(indexId);
  if (index === undefined) throw sqlError('XX000', `index ${indexId} is not in its table`);
  const { memory } = ctx;
  const tracker = index.index.unique ? new KeyTracker(memory) : null;
  let pending: Promise<void> = Promise.resolve();
  for await (const rows of rowsOf(ctx, from)) {
    const pairs: [Key, Buffer][] = [];
    for (const values of rows) {
      index.entries(values, (key, entry) => pairs.push([key, entry]));
      const unique = tracker === null ? null : ordered!.uniqueKey(values);
      if (unique !== null) tracker!.add(unique);
    }
    await pending;
    pending = ingest(ctx, pairs);
    pending.catch(() => undefined);
  }
  await pending;
  if (tracker !== null) await refuseDuplicates(ctx, from, { index: ordered!, tracker }, codec, (old) => old, refused);
}

/** @throws QuoralError 23505 if two rows have one key. */
async function refuseDuplicates(
  ctx: DdlContext,
  from: TableDescriptor,
  unique: Unique,
  codec: TableCodec,
  map: RowMapper,
  refused = duplicated,
): Promise<void> {
  const suspects = unique.tracker.suspects();
  if (suspects.size === 0) return;
  const seen = new Set<Key>();
  for await (const rows of rowsOf(ctx, from)) {
    for (const old of rows) {
      const values = await map(old);
      const key = unique.index.uniqueKey(values);
      if (key === null) continue;
      if (!suspects.has(hash53(key))) continue;
      if (seen.has(key)) throw refused(ctx, unique.index, codec, values);
      seen.add(key);
    }
  }
}

/** The columns of the index with the row's values, as errors tell them. */
function keyText(ctx: DdlContext, index: IndexCodec, values: readonly Datum[]): string {
  const shown = index
    .columnValues(values)
    .map((value, i) =>
      value === null ? 'null' : typeByOid(index.keys[i]!.typeOid).output(value, ctx.plannerSettings.format),
    );
  return `Key (${index.keys.map((k) => k.label).join(', ')})=(${shown.join(', ')})`;
}

function duplicated(ctx: DdlContext, index: IndexCodec, codec: TableCodec, values: readonly Datum[]): QuoralError {
  return sqlError('23505', `could not create unique index "${index.index.name}"`, {
    detail: `${keyText(ctx, index, values)} is duplicated.`,
    ...fieldsOfTable(ctx, codec.table),
    constraint: index.index.name,
  });
}

/** As if the rows were written one by one. */
export function writtenTwice(
  ctx: DdlContext,
  index: IndexCodec,
  codec: TableCodec,
  values: readonly Datum[],
): QuoralError {
  return sqlError('23505', `duplicate key value violates unique constraint "${index.index.name}"`, {
    detail: `${keyText(ctx, index, values)} already exists.`,
    ...fieldsOfTable(ctx, codec.table),
    constraint: index.index.name,
  });
}

/** A row, as text, that the table has twice and in which nothing is NULL; null if there is none. */
export async function findTwins(ctx: DdlContext, table: TableDescriptor): Promise<string | null> {
  const columns = tableCodec(table)
    .columns.map((column, at) => ({ ...column, at }))
    .filter(({ hidden }) => !hidden);
  const oids = columns.map(({ typeOid }) => typeOid);
  const textOf = (values: readonly Datum[]): string | null => {
    const row = new PgRecord(
      oids,
      columns.map(({ at }) => values[at]!),
    );
    return row.values.includes(null) ? null : typeByOid(OID.record).output(row, ctx.plannerSettings.format);
  };
  const tracker = new KeyTracker(ctx.memory);
  await scanRows(ctx, table, (values) => {
    const text = textOf(values);
    if (text !== null) tracker.add(text);
  });
  const suspects = tracker.suspects();
  const seen = new Set<string>();
  for await (const rows of suspects.size === 0 ? [] : rowsOf(ctx, table)) {
    for (const values of rows) {
      const text = textOf(values);
      if (text === null || !suspects.has(hash53(text))) continue;
      if (seen.has(text)) return text;
      seen.add(text);
    }
  }
  return null;
}

export function containsNull(ctx: DdlContext, column: ColumnDescriptor, table: TableDescriptor): QuoralError {
  return sqlError('23502', `column "${column.name}" of relation "${table.name}" contains null values`, {
    ...fieldsOfTable(ctx, table),
    column: column.name,
  });
}

/** Calls `check` with the live values of every row. */
export async function scanRows(
  ctx: DdlContext,
  table: TableDescriptor,
  check: (values: readonly Datum[]) => void | Promise<void>,
): Promise<void> {
  for await (const rows of rowsOf(ctx, table)) {
    for (const values of rows) {
      const checked = check(values);
      if (checked instanceof Promise) await checked;
    }
  }
}

export function refuseNulls(
  ctx: DdlContext,
  table: TableDescriptor,
  columns: readonly ColumnDescriptor[],
): Promise<void> {
  const positions = columns.map((c) => tableCodec(table).columns.findIndex((x) => x.id === c.id));
  return scanRows(ctx, table, (values) => {
    positions.forEach((p, i) => {
      if (values[p] === null) throw containsNull(ctx, columns[i]!, table);
    });
  });
}
