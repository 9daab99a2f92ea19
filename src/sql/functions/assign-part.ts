/**
 * A value with one part of it replaced: an element or a slice of an array, a field of a composite value, a place in a
 * jsonb document. What is missing on the way is made, as PostgreSQL makes it (chapters 8.14.5 and 8.15.4).
 */
import { sqlError } from '../../base/errors.js';
import { Jsonb, PgArray } from '../types/datum.js';
import type { Datum, JsonValue, PgRecord } from '../types/datum.js';
import { arrayTooLarge, ELEMENTS_MAX } from '../types/limits.js';
import { isJsonArray, isJsonObject, makeJsonObject } from '../types/json.js';
import { recordOf } from '../types/composite.js';
import type { CompositeField } from '../types/composite.js';

function subscriptError(message: string, detail?: string): Error {
  return sqlError('2202E', message, detail === undefined ? {} : { detail });
}

function known(subscript: Datum): number {
  if (subscript === null) throw sqlError('22004', 'array subscript in assignment must not be null');
  return Number(subscript);
}

/** The bounds of one dimension, with room for `from` to `to`. */
function widened(array: PgArray, from: number, to: number): { elements: Datum[]; lower: number } {
  const [oldLower = 1] = array.lowerBounds;
  const lower = Math.min(oldLower, from);
  const length = Math.max(oldLower + array.elements.length - 1, to) - lower + 1;
  if (length > ELEMENTS_MAX) throw arrayTooLarge();
  const elements = new Array<Datum>(length).fill(null);
  array.elements.forEach((element, i) => (elements[oldLower - lower + i] = element));
  return { elements, lower };
}

function offsetOf(array: PgArray, at: readonly number[]): number {
  return at.reduce((offset, n, d) => offset * array.dims[d]! + n - array.lowerBounds[d]!, 0);
}

/** NULL where there is none. */
export function elementAt(old: Datum, subscripts: readonly Datum[]): Datum {
  const array = old as PgArray | null;
  if (array === null || array.dims.length !== subscripts.length || subscripts.includes(null)) return null;
  const at = subscripts.map(Number);
  const isInside = at.every((n, d) => n >= array.lowerBounds[d]! && n < array.lowerBounds[d]! + array.dims[d]!);
  return isInside ? array.elements[offsetOf(array, at)]! : null;
}

export function assignElement(old: Datum, elementOid: number, subscripts: readonly Datum[], value: Datum): Datum {
  const at = subscripts.map(known);
  const array = old === null ? new PgArray(elementOid, []) : (old as PgArray);
  if (array.dims.length === 0) {
    return new PgArray(
      elementOid,
      [value],
      at.map(() => 1),
      at,
    );
  }
  if (array.dims.length !== at.length) throw subscriptError('wrong number of array subscripts');
  if (at.length === 1) {
    const { elements, lower } = widened(array, at[0]!, at[0]!);
    elements[at[0]! - lower] = value;
    return new PgArray(elementOid, elements, [elements.length], [lower]);
  }
  const isInside = at.every((n, d) => n >= array.lowerBounds[d]! && n < array.lowerBounds[d]! + array.dims[d]!);
  if (!isInside) throw subscriptError('array subscript out of range');
  const elements = [...array.elements];
  elements[offsetOf(array, at)] = value;
  return new PgArray(elementOid, elements, array.dims, array.lowerBounds);
}

/** Of a slice: undefined where a bound is left out. */
export interface SliceBounds {
  readonly lower: Datum | undefined;
  readonly upper: Datum | undefined;
}

export function assignSlice(old: Datum, elementOid: number, slices: readonly SliceBounds[], source: Datum): Datum {
  const bounds = slices.map(({ lower, upper }) => ({
    lower: lower === undefined ? null : known(lower),
    upper: upper === undefined ? null : known(upper),
  }));
  const array = old === null ? new PgArray(elementOid, []) : (old as PgArray);
  if (source === null) return old === null ? array : old;
  const { elements: given } = source as PgArray;
  if (array.dims.length === 0) return newSlice(elementOid, bounds, given);
  if (array.dims.length < bounds.length) throw subscriptError('wrong number of array subscripts');
  const ranges = array.dims.map((length, d): { from: number; to: number } => {
    const first = array.lowerBounds[d]!;
    const from = bounds[d]?.lower ?? first;
    const to = bounds[d]?.upper ?? first + length - 1;
    if (from > to) throw subscriptError('upper bound cannot be less than lower bound');
    if (array.dims.length > 1 && (from < first || to >= first + length)) {
      throw subscriptError('array subscript out of range');
    }
    return { from, to };
  });
  const wanted = ranges.reduce((n, { from, to }) => n * (to - from + 1), 1);
  if (wanted > ELEMENTS_MAX) throw arrayTooLarge();
  if (wanted > given.length) throw subscriptError('source array too small');
  if (ranges.length === 1) {
    const { from, to } = ranges[0]!;
    const { elements, lower } = widened(array, from, to);
    for (let i = from; i <= to; i++) elements[i - lower] = given[i - from]!;
    return new PgArray(elementOid, elements, [elements.length], [lower]);
  }
  const elements = [...array.elements];
  let next = 0;
  const visit = (at: readonly number[]): void => {
    const range = ranges[at.length];
    if (range === undefined) elements[offsetOf(array, at)] = given[next++]!;
    else for (let i = range.from; i <= range.to; i++) visit([...at, i]);
  };
  visit([]);
  return new PgArray(elementOid, elements, array.dims, array.lowerBounds);
}

function newSlice(
  elementOid: number,
  bounds: readonly { readonly lower: number | null; readonly upper: number | null }[],
  given: readonly Datum[],
): PgArray {
  const dims = bounds.map(({ lower, upper }) => {
    if (lower === null || upper === null) {
      throw subscriptError(
        'array slice subscript must provide both boundaries',
        'When assigning to a slice of an empty array value, slice boundaries must be fully specified.',
      );
    }
    return upper - lower + 1;
  });
  const wanted = dims.reduce((n, length) => n * Math.max(0, length), 1);
  if (wanted > ELEMENTS_MAX) throw arrayTooLarge();
  if (given.length < wanted) throw subscriptError('source array too small');
  if (wanted === 0) return new PgArray(elementOid, []);
  return new PgArray(
    elementOid,
    given.slice(0, wanted),
    dims,
    bounds.map(({ lower }) => lower!),
  );
}

export function assignField(old: Datum, fields: readonly CompositeField[], index: number, value: Datum): Datum {
  const values = old === null ? fields.map(() => null) : (old as PgRecord).values;
  return recordOf(
    fields,
    fields.map((_, i) => (i === index ? value : (values[i] ?? null))),
  );
}

const INTEGER = /^[+-]?\d+$/;

function scalarInTheWay(): Error {
  return sqlError('22023', 'cannot replace existing key', {
    detail: 'The path assumes key is a composite object, but it is a scalar value.',
  });
}

/** The value under steps that are not there yet: a number makes an array, with nulls before its place. */
function chain(path: readonly string[], value: JsonValue): JsonValue {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (!INTEGER.test(step)) return makeJsonObject([[step, chain(rest, value)]]);
  return [...nulls(Number(step)), chain(rest, value)];
}

function nulls(count: number): null[] {
  if (count > ELEMENTS_MAX) throw arrayTooLarge();
  return new Array<null>(Math.max(0, count)).fill(null);
}

function changed(old: JsonValue, path: readonly string[], depth: number, value: JsonValue): JsonValue {
  const step = path[depth]!;
  const rest = path.slice(depth + 1);
  const inner = (item: JsonValue): JsonValue => (rest.length === 0 ? value : changed(item, path, depth + 1, value));
  if (isJsonArray(old)) {
    if (!INTEGER.test(step) || Math.abs(Number(step)) > 2147483647) {
      throw sqlError('22P02', `path element at position ${depth + 1} is not an integer: "${step}"`);
    }
    const index = Number(step);
    const at = index < 0 ? old.length + index : index;
    if (at < 0) throw sqlError('22023', `path element at position ${depth + 1} is out of range: ${index}`);
    if (at < old.length) return old.map((item, i) => (i === at ? inner(item) : item));
    return [...old, ...nulls(at - old.length), chain(rest, value)];
  }
  if (old === null || !isJsonObject(old)) throw scalarInTheWay();
  return makeJsonObject([...old, [step, old.has(step) ? inner(old.get(step)!) : chain(rest, value)]]);
}

/** `isArray`: a document that is missing is made an array. */
export function assignInJson(old: Datum, path: readonly Datum[], isArray: boolean, value: Datum): Datum {
  const steps = path.map((step) => {
    if (step === null) throw sqlError('22004', 'jsonb subscript in assignment must not be null');
    return step as string;
  });
  const document = old === null ? (isArray ? [] : makeJsonObject([])) : (old as Jsonb).value;
  return new Jsonb(changed(document, steps, 0, value === null ? null : (value as Jsonb).value));
}
