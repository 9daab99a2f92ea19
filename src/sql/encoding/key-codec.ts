/**
 * Keys of index entries: the encoded columns one after the other. NULL is the byte 0xff, so that it sorts
 * last ascending and, inverted, first descending, as PostgreSQL's default. Keys are never decoded: an
 * index entry's value holds what a reader needs.
 */
import { sqlError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { encodeKeyInt, encodeKeyText, invertKey, KEY_NULL } from './key-primitives.js';

export interface KeyColumn {
  readonly oid: number;
  readonly descending: boolean;
}

type Value = Exclude<Datum, null>;
type ColumnEncoder = (value: Datum) => string;

/** True if the type can be a column of an index. */
export function isKeyEncodable(oid: number): boolean {
  return typeByOid(oid).encodeKey !== null;
}

function columnEncoder(column: KeyColumn): ColumnEncoder {
  const { oid, descending } = column;
  if (!descending) {
    if (oid === OID.int4 || oid === OID.int2) {
      return (v) => (v === null ? KEY_NULL : encodeKeyInt(v as number));
    }
    if (oid === OID.text || oid === OID.varchar) {
      return (v) => (v === null ? KEY_NULL : encodeKeyText(v as string));
    }
  }
  const type = typeByOid(oid);
  const encode = type.encodeKey;
  if (encode === null) {
    throw sqlError('42704', `data type ${type.sqlName} has no default operator class for access method "btree"`, {
      hint: 'You must specify an operator class for the index or define a default operator class for the data type.',
    });
  }
  if (descending) return (v) => (v === null ? '\x00' : invertKey(encode(v as Value)));
  return (v) => (v === null ? KEY_NULL : encode(v as Value));
}

/** `values` may be a prefix of the columns: the result is then a prefix of the keys that share it. */
export function compileKeyEncoder(columns: readonly KeyColumn[]): (values: readonly Datum[]) => string {
  const encoders = columns.map(columnEncoder);
  if (encoders.length === 1) {
    const only = encoders[0]!;
    return (values) => (values.length === 0 ? '' : only(values[0]!));
  }
  return (values) => {
    let key = '';
    const count = values.length < encoders.length ? values.length : encoders.length;
    for (let i = 0; i < count; i++) key += encoders[i]!(values[i]!);
    return key;
  };
}

/** One-off form of compileKeyEncoder. */
export function encodeKeyColumns(columns: readonly KeyColumn[], values: readonly Datum[]): string {
  return compileKeyEncoder(columns)(values);
}
