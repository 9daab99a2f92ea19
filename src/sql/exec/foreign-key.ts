/**
 * One foreign key between two tables, ready to be looked at: what a row of the child refers to, and where
 * the children of a key are.
 *
 * A reference is named by the parent's key: the key of the parent's unique index, which is one string for
 * all values that are equal there. Values of a reference are in the order of that index, in the parent's types.
 */
import { assert } from '../../base/assert.js';
import { sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import type { ColumnDescriptor, ForeignKeyDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { baseOidOf } from '../types/user-types.js';
import { typeByOid } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { type IndexCodec, tableCodec, type TableCodec } from './index-codec.js';
import type { Row } from './run.js';

export interface Reference {
  readonly key: Key;
  /** In the parent's types, in the order of its index. Empty: they have no such values. */
  readonly values: readonly Datum[];
  /** Of values that the parent's types do not have. */
  readonly texts?: readonly string[];
}

/** The equal value in the other type; undefined if it has none. */
type Conversion = (value: Datum) => Datum | undefined;

/** Where the rows with given values in some columns are found without reading the table. */
interface ChildIndex {
  readonly codec: IndexCodec;
  /** For each of its leading columns: which value of the reference. */
  readonly order: readonly number[];
}

export class ForeignKey {
  readonly descriptor: ForeignKeyDescriptor;
  readonly child: TableCodec;
  readonly parent: TableCodec;
  readonly parentIndex: IndexCodec;
  readonly childSchema: string;
  readonly childIndex: ChildIndex | null;
  /** Of the child's live columns, in the order of the parent's index. */
  readonly childPositions: readonly number[];
  #toParent: readonly (Conversion | null)[];
  readonly #toChild: readonly (Conversion | null)[];

  constructor(fk: ForeignKeyDescriptor, child: TableDescriptor, childSchema: string, parent: TableDescriptor) {
    this.descriptor = fk;
    this.childSchema = childSchema;
    this.child = tableCodec(child);
    this.parent = tableCodec(parent);
    const index = parent.indexes.find((i) => i.id === fk.parentIndexId);
    assert(index !== undefined, `foreign key "${fk.name}" refers to an index that is not there`);
    this.parentIndex = index.primary ? this.parent.primary : this.parent.secondary(index.id)!;
    const columnIds = index.columns.map(({ columnId }) => fk.columnIds[fk.parentColumnIds.indexOf(columnId)]!);
    this.childPositions = columnIds.map((id) => this.child.columns.findIndex((c) => c.id === id));
    const pairs = this.parentIndex.positions.map(
      (p, i) => [this.parent.columns[p]!.typeOid, this.child.columns[this.childPositions[i]!]!.typeOid] as const,
    );
    this.#toParent = pairs.map(([parentOid, childOid]) => keyConversion(childOid, parentOid)!);
    this.#toChild = pairs.map(([parentOid, childOid]) => keyConversion(parentOid, childOid)!);
    // Many texts refer to one bpchar, with any number of blanks: no index finds them.
    const isVague = pairs.some(([parentOid, childOid]) => isBlankPadded(parentOid) && !isBlankPadded(childOid));
    if (isVague) this.#toParent = this.#toParent.map((one, i) => (isBlankPadded(pairs[i]![0]) ? null : one));
    this.childIndex = isVague ? null : this.#findChildIndex(columnIds);
  }

  /** An index that begins with the columns of the key, in any order. */
  #findChildIndex(columnIds: readonly number[]): ChildIndex | null {
    for (const codec of [this.child.primary, ...this.child.secondaries]) {
      // A partial index does not have all the rows that refer to a key.
      if (codec.index.predicate != null) continue;
      const leading = codec.index.columns.slice(0, columnIds.length).map((c) => c.columnId);
      const order = leading.map((id) => columnIds.indexOf(id));
      if (order.length === columnIds.length && !order.includes(-1)) return { codec, order };
    }
    return null;
  }

  /** What the child's row refers to; null if nothing. @throws 23503 for MATCH FULL with some NULLs */
  referenceOf(live: Row): Reference | null {
    const own = this.childPositions.map((p) => live[p]!);
    if (own.some((value) => value === null)) {
      if (this.descriptor.match === 'full' && own.some((v) => v !== null)) {
        throw this.violation('MATCH FULL does not allow mixing of null and nonnull key values.');
      }
      return null;
    }
    const values = own.map((value, i) => convert(this.#toParent[i]!, value));
    if (values.includes(undefined)) return this.#impossible(own);
    const reference = this.#reference(values as Datum[]);
    return values.every((value, i) => value === own[i] || typeof value !== 'string')
      ? reference
      : { ...reference, texts: this.#textsOf(own) };
  }

  /** What children may refer to by the parent's row; null if by nothing. */
  referenceTo(live: Row): Reference | null {
    const values = this.parentIndex.columnValues(live);
    return values.some((value) => value === null) ? null : this.#reference(values);
  }

  /** Whether the values of two references of one key are the same to the last byte. */
  looksAlike(a: Reference, b: Reference): boolean {
    return a.values.every((value, i) => {
      const other = b.values[i]!;
      if (Object.is(value, other)) return true;
      const type = typeByOid(baseOidOf(this.parent.columns[this.parentIndex.positions[i]!]!.typeOid));
      const image = (v: Datum): Uint8Array => {
        const made = v as Exclude<Datum, null>;
        return type.stored === undefined ? type.send(made) : type.stored.encode(made);
      };
      return Buffer.compare(image(value), image(other)) === 0;
    });
  }

  #reference(values: readonly Datum[]): Reference {
    return { key: this.parentIndex.keyOfColumns(values), values };
  }

  /** A value that the parent's type cannot have: it is missing there, under whatever name. */
  #impossible(own: readonly Datum[]): Reference {
    const texts = this.#textsOf(own);
    return { key: `\x00${JSON.stringify(texts)}`, values: [], texts };
  }

  #textsOf(own: readonly Datum[]): string[] {
    return own.map((value, i) =>
      typeByOid(this.childColumns()[i]!.typeOid).output(value as Exclude<Datum, null>, STORED_FORMAT),
    );
  }

  /** Values of the child's columns that refer to this; null if its types have no such values. */
  childValues(reference: Reference): readonly Datum[] | null {
    const values = reference.values.map((value, i) => convert(this.#toChild[i]!, value));
    return values.some((value) => value === undefined) ? null : (values as Datum[]);
  }

  childColumns(): readonly ColumnDescriptor[] {
    return this.childPositions.map((p) => this.child.columns[p]!);
  }

  violation(detail: string): Error {
    const { table } = this.child;
    return sqlError(
      '23503',
      `insert or update on table "${table.name}" violates foreign key constraint "${this.descriptor.name}"`,
      {
        detail,
        schema: this.childSchema,
        table: table.name,
        constraint: this.descriptor.name,
      },
    );
  }
}

function convert(conversion: Conversion | null, value: Datum): Datum | undefined {
  return conversion === null || value === null ? value : conversion(value);
}

export function isBlankPadded(typeOid: number): boolean {
  return baseOidOf(typeOid) === OID.bpchar;
}

const INTEGERS: Readonly<Record<number, readonly [min: bigint, max: bigint]>> = {
  [OID.int2]: [-(2n ** 15n), 2n ** 15n - 1n],
  [OID.int4]: [-(2n ** 31n), 2n ** 31n - 1n],
  [OID.int8]: [-(2n ** 63n), 2n ** 63n - 1n],
};
const TEXTS: ReadonlySet<number> = new Set([OID.text, OID.varchar]);

/** How a value of one type is written in another for comparison; null: as it is; undefined: types do not compare. */
export function keyConversion(fromType: number, toType: number): Conversion | null | undefined {
  const from = baseOidOf(fromType);
  const to = baseOidOf(toType);
  if (from === to || (TEXTS.has(from) && TEXTS.has(to))) return null;
  // Blanks at the end count for text, and for bpchar they do not: its keys are without them. No bpchar is looked for by a text with some.
  if (from === OID.bpchar && TEXTS.has(to)) return (value) => (value as string).replace(/ +$/, '');
  if (to === OID.bpchar && TEXTS.has(from)) return (value) => ((value as string).endsWith(' ') ? undefined : value);
  const range = INTEGERS[to];
  if (range !== undefined && INTEGERS[from] !== undefined) {
    return (value) => integerIn(to, range, BigInt(value as number | bigint));
  }
  if (to === OID.numeric && INTEGERS[from] !== undefined) {
    return (value) => typeByOid(OID.numeric).input(String(value), -1, STORED_FORMAT);
  }
  if (range !== undefined && from === OID.numeric) {
    return (value) => {
      const text = typeByOid(OID.numeric).output(value as Exclude<Datum, null>, STORED_FORMAT);
      const match = /^(-?\d+)(?:\.0*)?$/.exec(text);
      return match === null ? undefined : integerIn(to, range, BigInt(match[1]!));
    };
  }
  return undefined;
}

function integerIn(oid: number, [min, max]: readonly [bigint, bigint], value: bigint): Datum | undefined {
  if (value < min || value > max) return undefined;
  return oid === OID.int8 ? value : Number(value);
}
