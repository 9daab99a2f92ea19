/**
 * `*=` and its relatives: records compared by the images of their values rather than by what these are equal to (1.0 and
 * 1.00 differ). Values that PostgreSQL passes in a machine word are in the order of that word without sign, others in the
 * order of their bytes.
 *
 * Limit: the bytes are those of the wire. Where PostgreSQL's own in memory are others (numeric, interval, arrays, jsonb, …),
 * what is equal is the same and the order among unequal values is another one.
 */
import { sqlError } from '../../base/errors.js';
import type { Datum, PgRecord } from '../types/datum.js';
import { NAMES_OF_OBJECTS, OID } from '../types/oids.js';
import { formatType, typeByOid } from '../types/registry.js';
import { baseOidOf, userTypeOf } from '../types/user-types.js';
import { fn, op } from './define.js';

const SIGNED: ReadonlySet<number> = new Set([
  OID.bool,
  OID.char,
  OID.int2,
  OID.int4,
  OID.int8,
  OID.float4,
  OID.float8,
  OID.date,
  OID.time,
  OID.timestamp,
  OID.timestamptz,
]);
const UNSIGNED: ReadonlySet<number> = new Set([OID.oid, OID.xid, OID.cid, OID.xid8, OID.pgLsn, ...NAMES_OF_OBJECTS]);

function word(bytes: Uint8Array, signed: boolean): bigint {
  let v = 0n;
  for (const byte of bytes) v = (v << 8n) | BigInt(byte);
  return signed ? BigInt.asUintN(64, BigInt.asIntN(bytes.length * 8, v)) : v;
}

function compareImages(oid: number, a: Exclude<Datum, null>, b: Exclude<Datum, null>): number {
  const base = baseOidOf(oid);
  const type = typeByOid(base);
  const isEnum = userTypeOf(base)?.kind === 'enum';
  const bytes = (v: Exclude<Datum, null>): Buffer => Buffer.from(isEnum ? type.stored!.encode(v) : type.send(v));
  if (!isEnum && !SIGNED.has(base) && !UNSIGNED.has(base)) return Buffer.compare(bytes(a), bytes(b));
  const [x, y] = [word(bytes(a), SIGNED.has(base)), word(bytes(b), SIGNED.has(base))];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** NULLs are equal and after all else. */
function compareRecords(a: PgRecord, b: PgRecord): number {
  const count = Math.min(a.values.length, b.values.length);
  for (let i = 0; i < count; i++) {
    const [left, right] = [a.typeOids[i]!, b.typeOids[i]!];
    if (left !== right) {
      const [one, other] = [formatType(left), formatType(right)];
      throw sqlError('42804', `cannot compare dissimilar column types ${one} and ${other} at record column ${i + 1}`);
    }
    const [x, y] = [a.values[i]!, b.values[i]!];
    const order = x === null ? (y === null ? 0 : 1) : y === null ? -1 : compareImages(left, x, y);
    if (order !== 0) return order;
  }
  if (a.values.length === b.values.length) return 0;
  throw sqlError('42804', 'cannot compare record types with different numbers of columns');
}

for (const [symbol, name, test] of [
  ['*=', 'eq', (n: number) => n === 0],
  ['*<>', 'ne', (n: number) => n !== 0],
  ['*<', 'lt', (n: number) => n < 0],
  ['*<=', 'le', (n: number) => n <= 0],
  ['*>', 'gt', (n: number) => n > 0],
  ['*>=', 'ge', (n: number) => n >= 0],
] as const) {
  const compare = (a: PgRecord, b: PgRecord): boolean => test(compareRecords(a, b));
  op(`record ${symbol} record = bool`, compare);
  fn(`record_image_${name}(record, record) bool`, compare);
}
fn('btrecordimagecmp(record, record) int4', compareRecords);
