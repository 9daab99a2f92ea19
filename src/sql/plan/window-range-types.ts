/** Which types the offset of a RANGE frame may have, by the type of the column that it is ordered by. */
import { formatType } from '../types/registry.js';
import { OID } from '../types/oids.js';
import type { Binder } from './binder.js';
import { errorAt } from './binder.js';
import { tryCoerce } from './coerce.js';
import type { Expr } from './expr.js';

const SMALL_INTEGERS: readonly number[] = [OID.int2, OID.int4, OID.int8];

const OFFSETS: ReadonlyMap<number, readonly number[]> = new Map<number, readonly number[]>([
  [OID.int2, SMALL_INTEGERS],
  [OID.int4, SMALL_INTEGERS],
  [OID.int8, [OID.int8]],
  [OID.float4, [OID.float8]],
  [OID.float8, [OID.float8]],
  [OID.numeric, [OID.numeric]],
  ...[OID.date, OID.time, OID.timetz, OID.timestamp, OID.timestamptz, OID.interval].map(
    (oid): [number, readonly number[]] => [oid, [OID.interval]],
  ),
]);

/** @throws QuoralError 0A000 if the column or the offset is of no type for that */
export function rangeOffset(b: Binder, offset: Expr, columnOid: number, location: number): Expr {
  const wanted = OFFSETS.get(columnOid);
  // Where text has an operator family, the others are read as text.
  const column = formatType(columnOid === OID.varchar ? OID.text : columnOid);
  if (wanted === undefined) {
    throw errorAt(
      '0A000',
      `RANGE with offset PRECEDING/FOLLOWING is not supported for column type ${column}`,
      location,
    );
  }
  if (wanted.includes(offset.oid)) return offset;
  const first = offset.oid === OID.unknown && wanted.includes(columnOid) ? [columnOid] : wanted;
  for (const oid of first) {
    const coerced = tryCoerce(b, offset, oid, -1, 'implicit', location);
    if (coerced !== null) return coerced;
  }
  throw errorAt(
    '0A000',
    `RANGE with offset PRECEDING/FOLLOWING is not supported for column type ${column} and offset type ${formatType(offset.oid)}`,
    location,
    { hint: 'Cast the offset value to an appropriate type.' },
  );
}
