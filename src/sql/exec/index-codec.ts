/**
 * Rows and index entries of a table as keys and values, compiled once for each descriptor.
 *
 * | index | key | value |
 * |---|---|---|
 * | primary | /table/<storage>/<index>/ key columns | the row: all columns |
 * | unique secondary | … / its columns (and the primary key's if one of them is NULL) | primary key columns, as a row |
 * | other secondary, and unique ones of deferrable constraints | … / its columns / the primary key's | primary key columns, as a row |
 * | inverted | … / number of its column / one item of the value (item-keys.ts) / the primary key's | nothing of use |
 *
 * Keys never need to be decoded: whatever a read wants is in the values; what follows an item is cut off, and is the
 * primary key as the primary index has it. NULLs are distinct in
 * unique indexes (but for NULLS NOT DISTINCT), so an entry with a NULL carries the primary key to be a key of its own.
 *
 * "Values" are arrays over the table's live columns (hidden ones included) in descriptor order.
 *
 * An index key may be an expression, and a partial index has entries for some rows only: `covers` is asked before
 * anything else is made of a row, for its key may be an error (WHERE b <> 0, on a / b). Both are immutable, so that
 * the entry of a row that goes is found where it was put. A user's function may be declared immutable and not be, and
 * may be replaced: what it gave is kept in a hidden column of the row, and the index is over that (ddl/stored-keys.ts).
 */
import { assert } from '../../base/assert.js';
import { prefixEnd, type Key, type Span } from '../../base/key.js';
import { indexPrefix } from '../../encoding/keyspace.js';
import type { ColumnDescriptor, IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import { itemsOf, type OperatorClass } from '../encoding/item-keys.js';
import { compileKeyEncoder } from '../encoding/key-codec.js';
import {
  compileRowDecoder,
  compileRowEncoder,
  type RowDecoder,
  type RowEncoder,
  type WantedColumn,
} from '../encoding/row-codec.js';
import { keyText } from '../functions/index-text.js';
import type { Expr } from '../plan/expr.js';
import { boundIndex } from '../plan/index-expressions.js';
import { indexExpressionText } from '../plan/show-expression.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { compileSync, layoutOf } from './eval.js';
import { Run } from './run.js';

export class IndexCodec {
  readonly index: IndexDescriptor;
  readonly prefix: Key;
  /** Everything of the index. */
  readonly span: Span;
  /** Positions of the index's columns among the table's live columns; -1 for an expression that is not kept in one. */
  readonly positions: readonly number[];
  /** Of each key column, as error messages show it. */
  readonly keys: readonly { readonly label: string; readonly typeOid: number }[];
  readonly #expressions: readonly (RowFunction | null)[] | null;
  readonly #predicate: RowFunction | null;
  /** No two rows ever have one key, not for a while either. */
  readonly #alone: boolean;
  /** Rows with a NULL in the key go with any other. */
  readonly #nullsDistinct: boolean;
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
    this.#alone = index.unique && index.deferrable == null;
    this.#nullsDistinct = index.nullsNotDistinct !== true;
    this.prefix = indexPrefix(table.storageId, index.id);
    this.span = { start: this.prefix, end: prefixEnd(this.prefix) };
    this.positions = positionsOf(live, index);
    this.#primaryPositions = positionsOf(live, primary);
    this.keys = keysOf(table, live, index);
    const expressions = this.positions.map((p, i) =>
      p >= 0 ? null : compileOverRow(boundIndex(table, index).keys[i]!, live),
    );
    this.#expressions = expressions.some((e) => e !== null) ? expressions : null;
    this.#predicate = predicateOf(table, live, index);
    this.#encodeKey = compileKeyEncoder(keyColumns(table, live, index));
    this.#encodePrimary = compileKeyEncoder(keyColumns(table, live, primary));
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
    const own = this.columnValues(values);
    let key = this.prefix + this.#encodeKey(own);
    if (!this.index.primary && (!this.#alone || (this.#nullsDistinct && own.includes(null)))) {
      key += this.#encodePrimary(pick(values, this.#primaryPositions));
    }
    return key;
  }

  /** Whether the row has an entry. */
  covers(values: readonly Datum[]): boolean {
    return this.#predicate === null || this.#predicate(values) === true;
  }

  /** True if the row has an entry and no other row can have it. */
  isUniqueFor(values: readonly Datum[]): boolean {
    if (!this.#alone || !this.covers(values)) return false;
    if (!this.#nullsDistinct) return true;
    if (this.#expressions !== null) return !this.columnValues(values).includes(null);
    for (const position of this.positions) if (values[position] === null) return false;
    return true;
  }

  /**
   * What no other row may have once constraints are checked, as a key: that of the columns. null: whatever is in
   * this row goes with any other.
   */
  uniqueKey(values: readonly Datum[]): Key | null {
    if (!this.index.unique || !this.covers(values)) return null;
    const own = this.columnValues(values);
    return this.#nullsDistinct && own.includes(null) ? null : this.keyOfColumns(own);
  }

  /** The value of a secondary entry. */
  entryOfRow(values: readonly Datum[]): Buffer {
    assert(!this.index.primary, 'the primary index holds rows');
    return this.#encodeEntry(pick(values, this.#primaryPositions));
  }

  /** Calls `add` with the entry that a row has of a secondary index. */
  entries(values: readonly Datum[], add: AddEntry): void {
    if (this.covers(values)) add(this.keyOfRow(values), this.entryOfRow(values));
  }

  /** The primary key's values of a secondary entry, in key order. */
  decodeEntry(value: Buffer): Datum[] {
    return this.#decodeEntry(value);
  }

  columnValues(values: readonly Datum[]): Datum[] {
    const expressions = this.#expressions;
    if (expressions === null) return pick(values, this.positions);
    return this.positions.map((p, i) => (p < 0 ? expressions[i]!(values) : values[p]!));
  }
}

type AddEntry = (key: Key, value: Buffer) => void;

/** Of an inverted index: a row has an entry for each item of its values. */
export class InvertedCodec {
  readonly index: IndexDescriptor;
  /** Everything of the index. */
  readonly span: Span;
  readonly prefix: Key;
  /** What the keys of rows begin with in the primary index. */
  readonly rowPrefix: Key;
  /** Of each column. */
  readonly opclasses: readonly OperatorClass[];
  readonly #values: readonly RowFunction[];
  readonly #predicate: RowFunction | null;
  readonly #primaryPositions: readonly number[];
  readonly #encodePrimary: (values: readonly Datum[]) => string;
  /** Positions of all columns that decide about the entries. */
  readonly #read: readonly number[];

  constructor(
    table: TableDescriptor,
    live: readonly ColumnDescriptor[],
    index: IndexDescriptor,
    primary: IndexDescriptor,
  ) {
    this.index = index;
    this.prefix = indexPrefix(table.storageId, index.id);
    this.span = { start: this.prefix, end: prefixEnd(this.prefix) };
    this.rowPrefix = indexPrefix(table.storageId, primary.id);
    this.opclasses = index.columns.map(({ opclass }) => {
      assert(opclass !== undefined, `column of the inverted index "${index.name}" without operator class`);
      return opclass;
    });
    this.#values = positionsOf(live, index).map((p, i) =>
      p < 0 ? compileOverRow(boundIndex(table, index).keys[i]!, live) : (values: readonly Datum[]) => values[p]!,
    );
    this.#predicate = predicateOf(table, live, index);
    this.#primaryPositions = positionsOf(live, primary);
    this.#encodePrimary = compileKeyEncoder(keyColumns(table, live, primary));
    const readIds = new Set([
      ...index.columns.flatMap(({ columnId, expression }) => expression?.columnIds ?? [columnId]),
      ...(index.predicate?.columnIds ?? []),
      ...[index.predicate, ...index.columns.map((c) => c.expression)].map((e) => e?.storedId),
    ]);
    this.#read = live.flatMap((c, p) => (readIds.has(c.id) ? [p] : []));
  }

  /** What the entries of the rows with this item begin with. The primary key follows. */
  prefixOf(column: number, item: string): Key {
    return this.prefix + String.fromCharCode(column + 1) + item;
  }

  /** Keys of the row's entries, each once. */
  keysOfRow(values: readonly Datum[]): Key[] {
    if (this.#predicate !== null && this.#predicate(values) !== true) return [];
    const row = this.#encodePrimary(pick(values, this.#primaryPositions));
    return this.#values.flatMap((value, column) =>
      itemsOf(this.opclasses[column]!, value(values)).map((item) => this.prefixOf(column, item) + row),
    );
  }

  entries(values: readonly Datum[], add: AddEntry): void {
    for (const key of this.keysOfRow(values)) add(key, INVERTED_ENTRY);
  }

  /** Calls `add` and `remove` for the entries that a changed row gets and loses. */
  changes(old: readonly Datum[], live: readonly Datum[], add: AddEntry, remove: (key: Key) => void): void {
    const same = (p: number): boolean => old[p] === live[p];
    if (this.#read.every(same) && this.#primaryPositions.every(same)) return;
    const gone = new Set(this.keysOfRow(old));
    for (const key of this.keysOfRow(live)) if (!gone.delete(key)) add(key, INVERTED_ENTRY);
    for (const key of gone) remove(key);
  }
}

/** A value without any bytes is no value. */
const INVERTED_ENTRY = Buffer.from([1]);

export class TableCodec {
  readonly table: TableDescriptor;
  /** Live columns, hidden ones included. */
  readonly columns: readonly ColumnDescriptor[];
  readonly primary: IndexCodec;
  /** Without inverted indexes. */
  readonly secondaries: readonly IndexCodec[];
  readonly inverted: readonly InvertedCodec[];
  readonly encodeRow: RowEncoder;
  readonly decodeRow: RowDecoder;
  readonly #wanted: readonly WantedColumn[];

  constructor(table: TableDescriptor) {
    this.table = table;
    this.columns = table.columns.filter((c) => !c.dropped);
    const primary = table.indexes[0];
    assert(primary !== undefined && primary.primary, 'the first index of a table is its primary one');
    this.primary = new IndexCodec(table, this.columns, primary, primary);
    const others = table.indexes.slice(1);
    this.secondaries = others
      .filter(({ method }) => method !== 'gin')
      .map((index) => new IndexCodec(table, this.columns, index, primary));
    this.inverted = others
      .filter(({ method }) => method === 'gin')
      .map((index) => new InvertedCodec(table, this.columns, index, primary));
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

  invertedIndex(indexId: number): InvertedCodec | undefined {
    return this.inverted.find((i) => i.index.id === indexId);
  }

  /** Calls `add` with the entries that a row has in all indexes but the primary one. */
  entries(live: readonly Datum[], add: AddEntry): void {
    for (const index of this.secondaries) index.entries(live, add);
    for (const index of this.inverted) index.entries(live, add);
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

type RowFunction = (values: readonly Datum[]) => Datum;

const NOTHING: Pick<ExecContext, 'parameters' | 'format'> = { parameters: [], format: STORED_FORMAT };
/** What an immutable expression sees of its execution. */
const NO_RUN = new Run(NOTHING as ExecContext);

function compileOverRow(expr: Expr, live: readonly ColumnDescriptor[]): RowFunction {
  const compute = compileSync(expr, layoutOf(live));
  assert(compute !== null, 'an expression of an index waits for nothing');
  return (values) => compute(values, NO_RUN);
}

function columnAt(live: readonly ColumnDescriptor[], index: IndexDescriptor, columnId: number): ColumnDescriptor {
  const column = live.find((c) => c.id === columnId);
  assert(column !== undefined, `index "${index.name}" names a column that is not there`);
  return column;
}

function positionsOf(live: readonly ColumnDescriptor[], index: IndexDescriptor): number[] {
  return index.columns.map(({ columnId, expression }) => {
    const kept = expression == null ? columnId : expression.storedId;
    return kept === undefined ? -1 : live.indexOf(columnAt(live, index, kept));
  });
}

function predicateOf(
  table: TableDescriptor,
  live: readonly ColumnDescriptor[],
  index: IndexDescriptor,
): RowFunction | null {
  if (index.predicate == null) return null;
  const { storedId } = index.predicate;
  if (storedId === undefined) return compileOverRow(boundIndex(table, index).predicate!, live);
  const position = live.indexOf(columnAt(live, index, storedId));
  return (values) => values[position]!;
}

function keysOf(
  table: TableDescriptor,
  live: readonly ColumnDescriptor[],
  index: IndexDescriptor,
): { readonly label: string; readonly typeOid: number }[] {
  return index.columns.map(({ columnId, expression }) => {
    // Messages ask for it, which few indexes ever have.
    if (expression != null)
      return {
        get label() {
          return keyText(indexExpressionText(expression.expressionSql, table, live));
        },
        typeOid: expression.typeOid,
      };
    const { name, typeOid } = columnAt(live, index, columnId);
    return { label: name, typeOid };
  });
}

function keyColumns(
  table: TableDescriptor,
  live: readonly ColumnDescriptor[],
  index: IndexDescriptor,
): { oid: number; descending: boolean }[] {
  return keysOf(table, live, index).map(({ typeOid }, i) => ({
    oid: typeOid,
    descending: index.columns[i]!.descending,
  }));
}

function pick(values: readonly Datum[], positions: readonly number[]): Datum[] {
  const picked: Datum[] = new Array<Datum>(positions.length);
  for (let i = 0; i < positions.length; i++) picked[i] = values[positions[i]!]!;
  return picked;
}
