/** Parts of expression evaluation that work on values alone: arrays, subscripts, CURRENT_… values. */
import { currentSchema } from '../catalog/temporary-names.js';
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import type { SqlValueName } from '../plan/expr.js';
import { findCast } from '../types/casts.js';
import { PgArray, type Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { elementOidOf } from '../types/registry.js';

/** ARRAY[…]: of elements, or of arrays of equal shape, which become a further dimension. */
export function combineArray(values: readonly Datum[], arrayOid: number, nested: boolean): Datum {
  const element = elementOidOf(arrayOid);
  if (!nested) return new PgArray(element, [...values]);
  const parts = values.filter((v): v is PgArray => v instanceof PgArray);
  if (parts.length === 0) return new PgArray(element, []);
  const { dims: shape, lowerBounds } = parts[0]!;
  for (const part of parts) {
    const isAlike = part.dims.join() === shape.join() && part.lowerBounds.join() === lowerBounds.join();
    if (parts.length !== values.length || !isAlike) {
      throw sqlError('2202E', 'multidimensional arrays must have array expressions with matching dimensions');
    }
  }
  if (shape.length === 0) return new PgArray(element, []);
  return new PgArray(
    element,
    parts.flatMap((p) => [...p.elements]),
    [parts.length, ...shape],
    [1, ...lowerBounds],
  );
}

interface SubscriptShape {
  readonly lower: number;
  readonly upper: number;
  readonly slice: boolean;
}

const NAME_BYTES = 64;

/** name[i], counted from 0: one byte as "char". */
function byteOfName(name: string, values: readonly Datum[], shape: readonly SubscriptShape[], slice: boolean): Datum {
  if (slice) throw sqlError('0A000', 'slices of fixed-length arrays not implemented');
  const index = values[shape[0]!.upper]!;
  if (index === null || shape.length !== 1) return null;
  const at = Number(index);
  if (at < 0 || at >= NAME_BYTES) return null;
  const byte = Buffer.from(name, 'utf8')[at] ?? 0;
  if (byte === 0) return '';
  return byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`;
}

/** a[i][j] gives an element (NULL outside), a[l:u] a slice; positions name values, -1 if left out. */
export function subscriptArray(values: readonly Datum[], shape: readonly SubscriptShape[], slice: boolean): Datum {
  const array = values[0]!;
  if (array === null) return null;
  if (typeof array === 'string') return byteOfName(array, values, shape, slice);
  if (!(array instanceof PgArray)) throw sqlError('42804', 'cannot subscript a value that is not an array');
  if (slice) return sliceArray(array, values, shape);
  if (shape.length !== array.dims.length) return null;
  let offset = 0;
  for (let d = 0; d < shape.length; d++) {
    const index = values[Math.max(shape[d]!.lower, shape[d]!.upper)]!;
    if (index === null) return null;
    const at = Number(index) - array.lowerBounds[d]!;
    if (at < 0 || at >= array.dims[d]!) return null;
    offset = offset * array.dims[d]! + at;
  }
  return array.elements[offset] ?? null;
}

function sliceArray(array: PgArray, values: readonly Datum[], shape: readonly SubscriptShape[]): Datum {
  const isNull = (at: number): boolean => at >= 0 && values[at] === null;
  if (shape.some((s) => isNull(s.lower) || isNull(s.upper))) return null;
  if (shape.length > array.dims.length) return new PgArray(array.elementOid, []);
  const from: number[] = [];
  const to: number[] = [];
  for (let d = 0; d < array.dims.length; d++) {
    const s = shape[d];
    const first = array.lowerBounds[d]!;
    const last = first + array.dims[d]! - 1;
    const lower = s === undefined || s.lower < 0 ? (s !== undefined && !s.slice ? 1 : first) : values[s.lower]!;
    const upper = s === undefined || s.upper < 0 ? last : values[s.upper]!;
    from.push(Math.max(Number(lower), first) - first);
    to.push(Math.min(Number(upper), last) - first);
    if (from[d]! > to[d]!) return new PgArray(array.elementOid, []);
  }
  const elements: Datum[] = [];
  const visit = (d: number, offset: number): void => {
    for (let i = from[d]!; i <= to[d]!; i++) {
      const at = offset * array.dims[d]! + i;
      if (d === array.dims.length - 1) elements.push(array.elements[at] ?? null);
      else visit(d + 1, at);
    }
  };
  if (array.dims.length > 0) visit(0, 0);
  return new PgArray(
    array.elementOid,
    elements,
    to.map((t, d) => t - from[d]! + 1),
  );
}

function convert(value: bigint, to: number, typmod: number, ctx: ExecContext): Datum {
  const cast = findCast(OID.timestamptz, to, 'explicit');
  return cast === null ? value : cast(value, typmod, ctx.format);
}

/** CURRENT_DATE and its relatives: the transaction's start. */
export function evalSqlValue(name: SqlValueName, typmod: number, ctx: ExecContext): Datum {
  const now = ctx.format.transactionNow;
  switch (name) {
    case 'current_timestamp':
      return convert(now, OID.timestamptz, typmod, ctx);
    case 'localtimestamp':
      return convert(now, OID.timestamp, typmod, ctx);
    case 'current_date':
      return convert(now, OID.date, typmod, ctx);
    case 'current_time':
      return convert(now, OID.timetz, typmod, ctx);
    case 'localtime':
      return convert(now, OID.time, typmod, ctx);
    case 'current_user':
      return ctx.services.user;
    case 'session_user':
      return ctx.services.sessionUser ?? ctx.services.user;
    case 'current_catalog':
      return ctx.services.database;
    case 'current_schema':
      return currentSchema(ctx.services);
  }
}
