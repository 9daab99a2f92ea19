/**
 * How a row's values become a DataRow: one function per column, chosen once for a list of columns
 * and formats. The types that carry most traffic write straight into the writer; the others go
 * through their TypeInfo.
 *
 * Lists are remembered by the identity of the columns array, so a prepared statement that gives the
 * same array each time pays nothing. The memory goes with the array.
 */
import { assert } from '../base/assert.js';
import { sqlError } from '../base/errors.js';
import type { ResultColumn } from '../sql/session-api.js';
import type { Datum } from '../sql/types/datum.js';
import { toClient } from '../sql/types/encoded-values.js';
import { OID } from '../sql/types/oids.js';
import type { FormatContext, TypeInfo } from '../sql/types/type-info.js';
import { formatOf } from './backend-messages.js';
import { protocolError, Backend } from './protocol.js';
import type { WireWriter } from './wire-writer.js';

type Value = Exclude<Datum, null>;
export type ColumnEncoder = (writer: WireWriter, value: Value, context: FormatContext) => void;
export type TypeByOid = (oid: number) => TypeInfo | null | undefined;

const TEXT_ENCODERS: ReadonlyMap<number, ColumnEncoder> = new Map<number, ColumnEncoder>([
  [OID.bool, (writer, value) => writer.booleanText(value as boolean)],
  [OID.int2, (writer, value) => writer.integerText(value as number)],
  [OID.int4, (writer, value) => writer.integerText(value as number)],
  [OID.oid, (writer, value) => writer.integerText(value as number)],
  [OID.int8, (writer, value) => writer.int8Text(value as bigint)],
  [OID.text, string],
  [OID.varchar, string],
  [OID.bpchar, string],
  [OID.name, string],
  [OID.json, string],
  [OID.unknown, string],
  [OID.uuid, string],
]);

const BINARY_ENCODERS: ReadonlyMap<number, ColumnEncoder> = new Map<number, ColumnEncoder>([
  [OID.bool, (writer, value) => writer.booleanBinary(value as boolean)],
  [OID.int2, (writer, value) => writer.int2Binary(value as number)],
  [OID.int4, (writer, value) => writer.int4Binary(value as number)],
  [OID.oid, (writer, value) => writer.int4Binary(value as number)],
  [OID.int8, (writer, value) => writer.int8Binary(value as bigint)],
  [OID.float4, (writer, value) => writer.float4Binary(value as number)],
  [OID.float8, (writer, value) => writer.float8Binary(value as number)],
  [OID.text, string],
  [OID.varchar, string],
  [OID.bpchar, string],
  [OID.name, string],
  [OID.json, string],
  [OID.unknown, string],
  [OID.bytea, (writer, value) => writer.bytesValue(value as Uint8Array)],
]);

function string(writer: WireWriter, value: Value): void {
  writer.textValue(value as string);
}

interface Remembered {
  text: readonly ColumnEncoder[] | null;
  binary: readonly ColumnEncoder[] | null;
}

export class RowEncoders {
  readonly #typeByOid: TypeByOid;
  readonly #remembered = new WeakMap<readonly ResultColumn[], Remembered>();

  constructor(typeByOid: TypeByOid) {
    this.#typeByOid = typeByOid;
  }

  /** @throws QuoralError 08P01 when the formats do not fit the columns. */
  for(columns: readonly ResultColumn[], formats: readonly number[]): readonly ColumnEncoder[] {
    checkFormats(columns, formats);
    if (formats.length > 1) return this.#build(columns, formats);
    let known = this.#remembered.get(columns);
    if (known === undefined) {
      known = { text: null, binary: null };
      this.#remembered.set(columns, known);
    }
    if (formats.length === 1 && formats[0] === 1) return (known.binary ??= this.#build(columns, formats));
    return (known.text ??= this.#build(columns, formats));
  }

  #build(columns: readonly ResultColumn[], formats: readonly number[]): readonly ColumnEncoder[] {
    return columns.map((column, i) => this.#encoder(column.typeOid, formatOf(formats, i)));
  }

  #encoder(oid: number, format: number): ColumnEncoder {
    const direct = (format === 0 ? TEXT_ENCODERS : BINARY_ENCODERS).get(oid);
    if (direct !== undefined) return direct;
    const type = this.#typeByOid(oid);
    if (type === null || type === undefined) {
      throw sqlError('42704', `type with OID ${oid} does not exist`);
    }
    if (format === 0) return (writer, value, context) => writer.textValue(type.output(value, context));
    return (writer, value) => writer.bytesValue(toClient(writer.encoding, type, type.send(value)));
  }
}

/** @throws QuoralError 08P01 */
export function checkFormats(columns: readonly ResultColumn[], formats: readonly number[]): void {
  if (formats.length > 1 && formats.length !== columns.length) {
    throw protocolError(`bind message has ${formats.length} result formats but query has ${columns.length} columns`);
  }
}

export function writeDataRow(
  writer: WireWriter,
  encoders: readonly ColumnEncoder[],
  values: readonly Datum[],
  context: FormatContext,
): void {
  const count = encoders.length;
  // A closure for the message would be made for each row.
  if (values.length !== count) assert(false, `a row of ${values.length} values for ${count} columns`);
  writer.begin(Backend.dataRow).int16(count);
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (value === null) writer.nullValue();
    else encoders[i](writer, value, context);
  }
  writer.end();
}
