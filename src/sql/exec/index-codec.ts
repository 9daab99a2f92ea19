/**
 * Rows and index entries of a table as keys and values, compiled once for each descriptor.
 *
 * | index | key | value |
 * |---|---|---|
 * | primary | /table/<storage>/<index>/ key columns | the row: all columns |
 * | unique secondary | … / its columns (and the primary key's if one of them is NULL) | primary key columns, as a row |
 * | other secondary | … / its columns / the primary key's | primary key columns, as a row |
 *
 * Keys never need to be decoded: whatever a read wants is in the values. NULLs are distinct in
 * unique indexes, so an entry with a NULL carries the primary key to be a key of its own.
 *
 * "Values" are arrays over the table's live columns (hidden ones included) in descriptor order.
 */
import { assert } from '../../base/assert.js';
import { prefixEnd, type Key, type Span } from '../../base/key.js';
import { indexPrefix } from '../../encoding/keyspace.js';
import type { ColumnDescriptor, IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { compileKeyEncoder } from '../encoding/key-codec.js';
import {
  compileRowDecoder,
  compileRowEncoder,
  type RowDecoder,
  type RowEncoder,
  type WantedColumn,
} from '../encoding/row-codec.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';

export class IndexCodec {
  readonly index: IndexDescriptor;
  readonly prefix: Key;
  /** Everything of the index. */
  readonly span: Span;
  /** Positions of the index's columns among the table's live columns. */
  readonly positions: readonly number[];
  readonly #encodeKey: (values: readonly Datum[]) => string;
  readonly #primaryPositions: readonly number[];
  readonly #encodePrimary: (values: readonly Datum[]) => string;
  readonly #encodeEntry: RowEncoder;
  readonly #decodeEntry: RowDecoder;

  constructor(
    table: TableDescriptor,
    live: readonly ColumnDescriptor[],
    index: IndexDescriptor,
    primary: IndexDescriptor,
  ) {
    this.index = index;
    this.prefix = indexPrefix(table.storageId, index.id);
    this.span = { start: this.prefix, end: prefixEnd(this.prefix) };
    this.positions = positionsOf(live, index);
    this.#primaryPositions = positionsOf(live, primary);
    this.#encodeKey = compileKeyEncoder(keyColumns(live, index));
    this.#encodePrimary = compileKeyEncoder(keyColumns(live, primary));
    const keyOfRow = this.#primaryPositions.map((p) => live[p]!);
    this.#encodeEntry = compileRowEncoder(keyOfRow);
    this.#decodeEntry = compileRowDecoder(keyOfRow.map((c) => ({ ...c, missing: null })));
  }

  /** Key of the index from values of its columns only (or of a first few of them: a prefix). */
  keyOfColumns(columnValues: readonly Datum[]): Key {
    return this.prefix + this.#encodeKey(columnValues);
  }

  /** The entry's key for a row. */
  keyOfRow(values: readonly Datum[]): Key {
    const own = pick(values, this.positions);
    let key = this.prefix + this.#encodeKey(own);
    if (!this.index.primary && (!this.index.unique || own.includes(null))) {
      key += this.#encodePrimary(pick(values, this.#primaryPositions));
    }
    return key;
  }

  /** True if two rows cannot both have this row's entry. */
  isUniqueFor(values: readonly Datum[]): boolean {
    if (!this.index.unique) return false;
    for (const position of this.positions) if (values[position] === null) return false;
    return true;
  }

  /** The value of a secondary entry. */
  entryOfRow(values: readonly Datum[]): Buffer {
    assert(!this.index.primary, 'the primary index holds rows');
    return this.#encodeEntry(pick(values, this.#primaryPositions));
  }

  /** The primary key's values of a secondary entry, in key order. */
  decodeEntry(value: Buffer): Datum[] {
    return this.#decodeEntry(value);
  }

  columnValues(values: readonly Datum[]): Datum[] {
    return pick(values, this.positions);
  }
}

export class TableCodec {
  readonly table: TableDescriptor;
  /** Live columns, hidden ones included. */
  readonly columns: readonly ColumnDescriptor[];
  readonly primary: IndexCodec;
  readonly secondaries: readonly IndexCodec[];
  readonly encodeRow: RowEncoder;
  readonly decodeRow: RowDecoder;
  readonly #wanted: readonly WantedColumn[];

  constructor(table: TableDescriptor) {
    this.table = table;
    this.columns = table.columns.filter((c) => !c.dropped);
    const primary = table.indexes[0];
    assert(primary !== undefined && primary.primary, 'the first index of a table is its primary one');
    this.primary = new IndexCodec(table, this.columns, primary, primary);
    this.secondaries = table.indexes.slice(1).map((index) => new IndexCodec(table, this.columns, index, primary));
    this.#wanted = this.columns.map((c) => ({
      id: c.id,
      typeOid: c.typeOid,
      missing: c.missingText === null ? null : typeByOid(c.typeOid).input(c.missingText, c.typmod, STORED_FORMAT),
    }));
    this.encodeRow = compileRowEncoder(this.columns.map((c) => ({ id: c.id, typeOid: c.typeOid })));
    this.decodeRow = compileRowDecoder(this.#wanted);
  }

  /** A decoder of some of the live columns only, by their positions. */
  decoderOf(positions: readonly number[]): RowDecoder {
    return compileRowDecoder(positions.map((p) => this.#wanted[p]!));
  }

  /** Position of a column among the live ones; -1 if there is none of that name. */
  positionOf(name: string): number {
    return this.columns.findIndex((c) => c.name === name);
  }

  secondary(indexId: number): IndexCodec | undefined {
    return this.secondaries.find((s) => s.index.id === indexId);
  }
}

const codecs = new WeakMap<TableDescriptor, TableCodec>();

export function tableCodec(table: TableDescriptor): TableCodec {
  let codec = codecs.get(table);
  if (codec === undefined) {
    codec = new TableCodec(table);
    codecs.set(table, codec);
  }
  return codec;
}

function positionsOf(live: readonly ColumnDescriptor[], index: IndexDescriptor): number[] {
  return index.columns.map(({ columnId }) => {
    const at = live.findIndex((c) => c.id === columnId);
    assert(at >= 0, `index "${index.name}" names a column that is not there`);
    return at;
  });
}

function keyColumns(live: readonly ColumnDescriptor[], index: IndexDescriptor): { oid: number; descending: boolean }[] {
  return index.columns.map(({ columnId, descending }) => {
    const column = live.find((c) => c.id === columnId);
    assert(column !== undefined, `index "${index.name}" names a column that is not there`);
    return { oid: column.typeOid, descending };
  });
}

function pick(values: readonly Datum[], positions: readonly number[]): Datum[] {
  const picked: Datum[] = new Array<Datum>(positions.length);
  for (let i = 0; i < positions.length; i++) picked[i] = values[positions[i]!]!;
  return picked;
}
