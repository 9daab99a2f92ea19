/** Array functions and operators (chapter 9.19). */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { PgArray, PgRecord } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { arrayTooLarge, checkElements } from '../types/limits.js';
import { OID } from '../types/oids.js';
import { elementOidOf, typeByOid } from '../types/registry.js';
import type { CallInfo, Value } from './entry.js';
import { fn, op, srf } from './define.js';
import { textOf } from './strings.js';

const LOOSE = { strict: false } as const;

function same(elementOid: number): (a: Datum, b: Datum) => boolean {
  const type = typeByOid(elementOid);
  return (a, b) => (a === null || b === null ? a === b : type.compare(a, b) === 0);
}

fn('array_ndims(anyarray) int4', (a: PgArray) => (a.dims.length === 0 ? null : a.dims.length));
fn('array_length(anyarray, int4) int4', (a: PgArray, d: number) => a.dims[d - 1] ?? null);
fn('array_lower(anyarray, int4) int4', (a: PgArray, d: number) => a.lowerBounds[d - 1] ?? null);
fn('array_upper(anyarray, int4) int4', (a: PgArray, d: number) =>
  a.dims[d - 1] === undefined ? null : a.lowerBounds[d - 1]! + a.dims[d - 1]! - 1,
);
fn('cardinality(anyarray) int4', (a: PgArray) => a.elements.length);
fn('array_dims(anyarray) text', (a: PgArray) =>
  a.dims.length === 0 ? null : a.dims.map((n, d) => `[${a.lowerBounds[d]}:${a.lowerBounds[d]! + n - 1}]`).join(''),
);

function append(a: PgArray | null, v: Datum, elementOid: number): PgArray {
  if (a === null || a.elements.length === 0) return new PgArray(elementOid, [v]);
  if (a.dims.length > 1) throw sqlError('22000', 'argument must be empty or one-dimensional array');
  return new PgArray(a.elementOid, [...a.elements, v], [a.elements.length + 1], a.lowerBounds);
}
function prepend(v: Datum, a: PgArray | null, elementOid: number): PgArray {
  if (a === null || a.elements.length === 0) return new PgArray(elementOid, [v]);
  if (a.dims.length > 1) throw sqlError('22000', 'argument must be empty or one-dimensional array');
  return new PgArray(a.elementOid, [v, ...a.elements], [a.elements.length + 1], a.lowerBounds);
}
function concatenate(a: PgArray | null, b: PgArray | null): PgArray | null {
  if (a === null || a.elements.length === 0) return b ?? a;
  if (b === null || b.elements.length === 0) return a;
  const incompatible = (detail: string): Error =>
    sqlError('2202E', 'cannot concatenate incompatible arrays', {
      detail: `Arrays ${detail} are not compatible for concatenation.`,
    });
  const shape = (x: PgArray, from = 0): string => `${x.dims.slice(from).join()};${x.lowerBounds.slice(from).join()}`;
  if (a.dims.length === b.dims.length) {
    if (shape(a, 1) !== shape(b, 1)) throw incompatible('with differing element dimensions');
    return new PgArray(
      a.elementOid,
      [...a.elements, ...b.elements],
      [a.dims[0]! + b.dims[0]!, ...a.dims.slice(1)],
      a.lowerBounds,
    );
  }
  if (a.dims.length === b.dims.length + 1 && shape(a, 1) === shape(b)) {
    return new PgArray(
      a.elementOid,
      [...a.elements, ...b.elements],
      [a.dims[0]! + 1, ...a.dims.slice(1)],
      a.lowerBounds,
    );
  }
  if (b.dims.length === a.dims.length + 1 && shape(b, 1) === shape(a)) {
    return new PgArray(
      a.elementOid,
      [...a.elements, ...b.elements],
      [b.dims[0]! + 1, ...b.dims.slice(1)],
      b.lowerBounds,
    );
  }
  throw incompatible(
    Math.abs(a.dims.length - b.dims.length) === 1
      ? 'with differing dimensions'
      : `of ${a.dims.length} and ${b.dims.length} dimensions`,
  );
}
const resultElement = (call: CallInfo): number => elementOidOf(call.resultOid);
fn(
  'array_append(anycompatiblearray, anycompatible) anycompatiblearray',
  (a: PgArray | null, v: Datum, _c: ExecContext, call: CallInfo) => append(a, v, resultElement(call)),
  LOOSE,
);
fn(
  'array_prepend(anycompatible, anycompatiblearray) anycompatiblearray',
  (v: Datum, a: PgArray | null, _c: ExecContext, call: CallInfo) => prepend(v, a, resultElement(call)),
  LOOSE,
);
fn('array_cat(anycompatiblearray, anycompatiblearray) anycompatiblearray', concatenate, LOOSE);
op(
  'anycompatiblearray || anycompatible = anycompatiblearray',
  (a: PgArray | null, v: Datum, _c: ExecContext, call: CallInfo) => append(a, v, resultElement(call)),
  LOOSE,
);
op(
  'anycompatible || anycompatiblearray = anycompatiblearray',
  (v: Datum, a: PgArray | null, _c: ExecContext, call: CallInfo) => prepend(v, a, resultElement(call)),
  LOOSE,
);
op('anycompatiblearray || anycompatiblearray = anycompatiblearray', concatenate, LOOSE);

function contains(a: PgArray, b: PgArray): boolean {
  const type = typeByOid(a.elementOid);
  const keys = new Set(a.elements.filter((item) => item !== null).map((item) => type.hashKey(item as Value)));
  return b.elements.every((item) => item !== null && keys.has(type.hashKey(item)));
}
op('anyarray @> anyarray = bool', contains);
op('anyarray <@ anyarray = bool', (a: PgArray, b: PgArray) => contains(b, a));
op('anyarray && anyarray = bool', (a: PgArray, b: PgArray) => {
  const type = typeByOid(a.elementOid);
  const keys = new Set(a.elements.filter((item) => item !== null).map((item) => type.hashKey(item as Value)));
  return b.elements.some((item) => item !== null && keys.has(type.hashKey(item)));
});

function refuseDimensions(a: PgArray): void {
  if (a.dims.length > 1) throw sqlError('0A000', 'searching for elements in multidimensional arrays is not supported');
}
function find(a: PgArray, v: Datum, from: number): number | null {
  refuseDimensions(a);
  const equal = same(a.elementOid);
  for (let i = Math.max(0, from); i < a.elements.length; i++)
    if (equal(a.elements[i]!, v)) return i + a.lowerBounds[0]!;
  return null;
}
fn(
  'array_position(anycompatiblearray, anycompatible) int4',
  (a: PgArray | null, v: Datum) => (a === null ? null : find(a, v, 0)),
  LOOSE,
);
fn(
  'array_position(anycompatiblearray, anycompatible, int4) int4',
  (a: PgArray | null, v: Datum, start: number | null) => {
    if (a === null) return null;
    refuseDimensions(a);
    if (a.elements.length === 0 || (v === null && !a.elements.includes(null))) return null;
    if (start === null) throw sqlError('22004', 'initial position must not be null');
    return find(a, v, start - (a.lowerBounds[0] ?? 1));
  },
  LOOSE,
);
fn(
  'array_positions(anycompatiblearray, anycompatible) _int4',
  (a: PgArray | null, v: Datum) => {
    if (a === null) return null;
    refuseDimensions(a);
    const equal = same(a.elementOid);
    return new PgArray(
      OID.int4,
      a.elements.flatMap((item, i) => (equal(item, v) ? [i + a.lowerBounds[0]!] : [])),
    );
  },
  LOOSE,
);
fn(
  'array_remove(anycompatiblearray, anycompatible) anycompatiblearray',
  (a: PgArray | null, v: Datum) => {
    if (a === null) return null;
    if (a.dims.length > 1) throw sqlError('0A000', 'removing elements from multidimensional arrays is not supported');
    const equal = same(a.elementOid);
    const kept = a.elements.filter((item) => !equal(item, v));
    if (kept.length === a.elements.length) return a;
    return kept.length === 0
      ? new PgArray(a.elementOid, [])
      : new PgArray(a.elementOid, kept, [kept.length], a.lowerBounds);
  },
  LOOSE,
);
fn(
  'array_replace(anycompatiblearray, anycompatible, anycompatible) anycompatiblearray',
  (a: PgArray | null, from: Datum, to: Datum) => {
    if (a === null) return null;
    const equal = same(a.elementOid);
    return new PgArray(
      a.elementOid,
      a.elements.map((item) => (equal(item, from) ? to : item)),
      a.dims,
      a.lowerBounds,
    );
  },
  LOOSE,
);
fn('trim_array(anyarray, int4) anyarray', (a: PgArray, n: number) => {
  const length = a.dims[0] ?? 0;
  if (n < 0 || n > length) throw sqlError('2202E', `number of elements to trim must be between 0 and ${length}`);
  const each = length === 0 ? 0 : a.elements.length / length;
  const kept = a.elements.slice(0, (length - n) * each);
  return kept.length === 0
    ? new PgArray(a.elementOid, [])
    : new PgArray(a.elementOid, kept, [length - n, ...a.dims.slice(1)]);
});
function filled(v: Datum, dims: PgArray | null, bounds: PgArray | null, elementOid: number): PgArray {
  for (const one of [dims, bounds]) {
    if (one !== null && one.dims.length > 1)
      throw sqlError('2202E', 'wrong number of array subscripts', {
        detail: 'Dimension array must be one dimensional.',
      });
  }
  if (dims === null) throw sqlError('22004', 'dimension array or low bound array cannot be null');
  for (const one of [dims, bounds])
    if (one?.elements.includes(null) === true) throw sqlError('22004', 'dimension values cannot be null');
  if (bounds !== null && bounds.elements.length !== dims.elements.length)
    throw sqlError('2202E', 'wrong number of array subscripts', {
      detail: 'Low bound array has different size than dimensions array.',
    });
  const sizes = dims.elements.map((n) => {
    if (n === null) throw sqlError('22004', 'dimension values cannot be null');
    return n as number;
  });
  const total = sizes.length === 0 ? 0 : sizes.reduce((x, y) => x * y, 1);
  if (total < 0) throw arrayTooLarge();
  checkElements(total);
  if (total === 0) return new PgArray(elementOid, []);
  return new PgArray(
    elementOid,
    new Array<Datum>(total).fill(v),
    sizes,
    bounds === null ? sizes.map(() => 1) : (bounds.elements as number[]),
  );
}
fn(
  'array_fill(anyelement, _int4) anyarray',
  (v: Datum, d: PgArray | null, _c: ExecContext, call: CallInfo) => filled(v, d, null, call.argOids[0]!),
  LOOSE,
);
fn(
  'array_fill(anyelement, _int4, _int4) anyarray',
  (v: Datum, d: PgArray | null, b: PgArray | null, _c: ExecContext, call: CallInfo) => {
    if (b === null) throw sqlError('22004', 'dimension array or low bound array cannot be null');
    return filled(v, d, b, call.argOids[0]!);
  },
  LOOSE,
);

function join(a: PgArray | null, delimiter: string | null, nullText: string | null, ctx: ExecContext): Datum {
  if (a === null || delimiter === null) return null;
  const parts: string[] = [];
  for (const item of a.elements) {
    if (item !== null) parts.push(textOf(item, a.elementOid, ctx));
    else if (nullText !== null) parts.push(nullText);
  }
  return parts.join(delimiter);
}
const STABLE = { volatility: 'stable', strict: false } as const;
fn(
  'array_to_string(anyarray, text) text',
  (a: PgArray | null, d: string | null, ctx: ExecContext) => join(a, d, null, ctx),
  STABLE,
);
fn(
  'array_to_string(anyarray, text, text) text',
  (a: PgArray | null, d: string | null, n: string | null, ctx: ExecContext) => join(a, d, n, ctx),
  STABLE,
);

srf('unnest(anyarray) anyelement', (a: PgArray) => a.elements);
function* subscripts(a: PgArray, d: number, reverse: boolean): Generator<number> {
  const size = a.dims[d - 1];
  if (size === undefined) return;
  const low = a.lowerBounds[d - 1]!;
  for (let i = 0; i < size; i++) yield reverse ? low + size - 1 - i : low + i;
}
srf('generate_subscripts(anyarray, int4) int4', (a: PgArray, d: number) => subscripts(a, d, false));
srf('generate_subscripts(anyarray, int4, bool) int4', (a: PgArray, d: number, r: boolean) => subscripts(a, d, r));
srf(
  '_pg_expandarray(anyarray) record',
  function* (a: PgArray) {
    for (let i = 0; i < a.elements.length; i++) yield new PgRecord([a.elementOid, OID.int4], [a.elements[i]!, i + 1]);
  },
  {
    resultColumns: [
      { name: 'x', typeOid: OID.anyelement },
      { name: 'n', typeOid: OID.int4 },
    ],
  },
);
