/**
 * The values of outer columns as one text, by which results of a subquery or of a lateral part are kept: two texts are the same only if nothing
 * that the part asks of the values can tell them apart. Only for types of which a short text tells all.
 */
import { type Datum, Interval, Numeric } from '../types/datum.js';
import { ALIKE } from '../types/alike.js';
import { OID } from '../types/oids.js';

/** Types whose values keyOf() tells apart wherever anything could. */
export const KEYED: ReadonlySet<number> = new Set<number>([
  ...ALIKE,
  ...[OID.numeric, OID.float4, OID.float8, OID.interval, OID.bpchar, OID.name, OID.time],
]);

/** More columns than this are rarely all the same. */
export const KEYS_MAX = 6;

function shownOf(value: Exclude<Datum, null>): string {
  if (value instanceof Numeric) return `${value.kind} ${value.unscaled} ${value.scale}`;
  if (value instanceof Interval) return `${value.months} ${value.days} ${value.micros}`;
  return Object.is(value, -0) ? '-0' : String(value as string | number | bigint | boolean);
}

/** Of a value of one of the KEYED types; texts of several may be put one after the other. */
export function keyOf(value: Datum): string {
  if (value === null) return 'n';
  const text = shownOf(value);
  return `${text.length}:${text}`;
}
