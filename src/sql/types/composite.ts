/**
 * Values of composite types: records whose columns are known. In text and in binary as record_in and
 * record_recv take them (PostgreSQL, chapter 8.16); on disk each field is under its number, so that
 * fields may be added and dropped without touching rows.
 */
import { sqlError } from '../../base/errors.js';
import { collatedCompare } from './collated.js';
import { collationOfKey } from './collation.js';
import { PgRecord } from './datum.js';
import type { Datum } from './datum.js';
import type { TypeBehaviour } from './definitions.js';
import { findCast } from './casts.js';
import { catalogOidOf, formatType, record, typeByOid } from './registry.js';
import type { FormatContext, TypeInfo } from './type-info.js';

export interface CompositeField {
  /** attnum; never given again. */
  readonly id: number;
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  /** The key of the collation that it was declared with, if it is not its type's. */
  readonly collation?: string;
}

export function compositeBehaviour(fields: readonly CompositeField[]): TypeBehaviour {
  const oids = fields.map((field) => field.typeOid);
  const types = oids.map(typeByOid);
  const comparable = types.every((type) => type.encodeKey !== null);
  return {
    ...record,
    encodeKey: comparable ? record.encodeKey : null,
    input: (text, _typmod, ctx) => recordFrom(splitRecord(text), fields, types, text, ctx),
    receive: (b) => receiveRecord(b, fields),
    fromRecord: (v, ctx) => castRecord(v as PgRecord, fields, ctx),
    stored: {
      encode: (v) => encodeFields(v as PgRecord, fields, types),
      decode: (b) => decodeFields(b, fields, types),
    },
  };
}

export function recordOf(fields: readonly CompositeField[], values: readonly Datum[]): PgRecord {
  return new PgRecord(
    fields.map((field) => field.typeOid),
    values,
    fields.map((field) => field.name),
    ordersOf(fields),
  );
}

const orders = new WeakMap<readonly CompositeField[], PgRecord['orders'] | null>();

function ordersOf(fields: readonly CompositeField[]): PgRecord['orders'] {
  let known = orders.get(fields);
  if (known === undefined) {
    const made = fields.map(({ typeOid, collation }) => {
      const order = collation === undefined ? null : collationOfKey(collation);
      return order?.isLinguistic === true ? collatedCompare(typeOid, order) : undefined;
    });
    orders.set(fields, (known = made.some((order) => order !== undefined) ? made : null));
  }
  return known ?? undefined;
}

function malformed(text: string, detail: string): Error {
  return sqlError('22P02', `malformed record literal: "${text}"`, { detail });
}

/** A record whose shape is known only now. @throws QuoralError 42846 */
function castRecord(v: PgRecord, fields: readonly CompositeField[], ctx: FormatContext): PgRecord {
  const refused = (detail: string): Error =>
    sqlError('42846', 'cannot cast type record to a composite type', { detail });
  if (v.values.length !== fields.length) {
    throw refused(`Input has too ${v.values.length < fields.length ? 'few' : 'many'} columns.`);
  }
  const values = fields.map((field, i): Datum => {
    const value = v.values[i]!;
    if (value === null) return null;
    const cast = findCast(v.typeOids[i]!, field.typeOid, 'explicit');
    if (cast === null) {
      throw refused(
        `Cannot cast type ${formatType(v.typeOids[i]!)} to ${formatType(field.typeOid)} in column ${i + 1}.`,
      );
    }
    return cast(value, field.typmod, ctx);
  });
  return recordOf(fields, values);
}

/** The columns' texts; null is nothing between two commas. */
function splitRecord(text: string): (string | null)[] {
  let at = 0;
  while (/\s/.test(text[at] ?? '')) at++;
  if (text[at] !== '(') throw malformed(text, 'Missing left parenthesis.');
  at++;
  const columns: (string | null)[] = [];
  for (;;) {
    let column = '';
    let quotes = false;
    let given = false;
    while (at < text.length && (quotes || (text[at] !== ',' && text[at] !== ')'))) {
      const c = text[at++]!;
      given = true;
      if (c === '\\') {
        if (at >= text.length) throw malformed(text, 'Unexpected end of input.');
        column += text[at++]!;
      } else if (c !== '"') {
        column += c;
      } else if (quotes && text[at] === '"') {
        column += text[at++]!;
      } else {
        quotes = !quotes;
      }
    }
    if (at >= text.length) throw malformed(text, 'Unexpected end of input.');
    columns.push(given ? column : null);
    if (text[at++] === ')') break;
  }
  while (/\s/.test(text[at] ?? '')) at++;
  if (at < text.length) throw malformed(text, 'Junk after right parenthesis.');
  return columns;
}

function recordFrom(
  columns: readonly (string | null)[],
  fields: readonly CompositeField[],
  types: readonly TypeInfo[],
  text: string,
  ctx: FormatContext,
): PgRecord {
  // '()' is a record of no columns, or of one that is NULL.
  const none = fields.length === 0 && columns.length === 1 && columns[0] === null;
  if (!none && columns.length < fields.length) throw malformed(text, 'Too few columns.');
  if (!none && columns.length > fields.length) throw malformed(text, 'Too many columns.');
  const values = fields.map((field, i): Datum => {
    const column = columns[i]!;
    return column === null ? null : types[i]!.input(column, field.typmod, ctx);
  });
  return recordOf(fields, values);
}

function receiveRecord(b: Buffer, fields: readonly CompositeField[]): PgRecord {
  const short = (): Error => sqlError('08P01', 'insufficient data left in message');
  if (b.length < 4) throw short();
  const count = b.readInt32BE(0);
  if (count !== fields.length) throw sqlError('42804', `wrong number of columns: ${count}, expected ${fields.length}`);
  let at = 4;
  const values = fields.map((field, i): Datum => {
    if (at + 8 > b.length) throw short();
    const oid = b.readUInt32BE(at);
    const length = b.readInt32BE(at + 4);
    at += 8;
    if (oid !== catalogOidOf(field.typeOid)) {
      throw sqlError(
        '42804',
        `binary data has type ${oid} instead of expected ${catalogOidOf(field.typeOid)} (${formatType(field.typeOid)}) in record column ${i + 1}`,
      );
    }
    if (length === -1) return null;
    if (length < 0 || at + length > b.length) throw short();
    const value = typeByOid(field.typeOid).receive(b.subarray(at, at + length), field.typmod);
    at += length;
    return value;
  });
  if (at !== b.length) throw sqlError('22P03', 'improper binary format in record');
  return recordOf(fields, values);
}

// ---- on disk: { u16 field · i32 length, -1 for NULL · bytes }* ----

function encodeFields(v: PgRecord, fields: readonly CompositeField[], types: readonly TypeInfo[]): Uint8Array {
  const parts: Uint8Array[] = [];
  fields.forEach((field, i) => {
    const value = v.values[i] ?? null;
    const type = types[i]!;
    const bytes = value === null ? null : type.stored === undefined ? type.send(value) : type.stored.encode(value);
    const head = Buffer.allocUnsafe(6);
    head.writeUInt16BE(field.id, 0);
    head.writeInt32BE(bytes === null ? -1 : bytes.length, 2);
    parts.push(head);
    if (bytes !== null) parts.push(bytes);
  });
  return Buffer.concat(parts);
}

function decodeFields(b: Buffer, fields: readonly CompositeField[], types: readonly TypeInfo[]): PgRecord {
  const corrupt = (): Error => sqlError('XX001', 'stored row is damaged: bad composite value');
  const places = new Map(fields.map((field, i) => [field.id, i]));
  const values: Datum[] = fields.map(() => null);
  let at = 0;
  while (at < b.length) {
    if (at + 6 > b.length) throw corrupt();
    const place = places.get(b.readUInt16BE(at));
    const length = b.readInt32BE(at + 2);
    at += 6;
    if (length < -1 || at + Math.max(0, length) > b.length) throw corrupt();
    if (length < 0) continue;
    const bytes = b.subarray(at, at + length);
    at += length;
    if (place === undefined) continue;
    const type = types[place]!;
    values[place] = type.stored === undefined ? type.receive(bytes, -1) : type.stored.decode(bytes);
  }
  return recordOf(fields, values);
}
