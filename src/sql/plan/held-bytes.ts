/**
 * What a constant holds in memory: caches of plans are bounded by their statements' texts, and folding makes of a short
 * text a value of any size.
 */
import type { Datum } from '../types/datum.js';

/** Of an object, an entry of an array. */
const OVERHEAD = 16;
const WORD = 2n ** 64n;

/** A fair guess, bytes; `enough`: nothing is gained by counting further. */
export function heldBytes(value: Datum, enough: number): number {
  let bytes = 0;
  const pending: unknown[] = [value];
  while (pending.length > 0 && bytes <= enough) {
    const one = pending.pop();
    bytes += OVERHEAD;
    if (typeof one === 'string') bytes += one.length;
    else if (typeof one === 'bigint') bytes += bigintBytes(one);
    else if (ArrayBuffer.isView(one)) bytes += one.byteLength;
    else if (typeof one === 'object' && one !== null) {
      const parts = partsOf(one);
      if (parts.length * OVERHEAD > enough) bytes += parts.length * OVERHEAD;
      else pending.push(...parts);
    }
  }
  return bytes;
}

function partsOf(value: object): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value instanceof Map ? [...value].flat() : Object.values(value);
}

function bigintBytes(value: bigint): number {
  return value < WORD && value > -WORD ? 0 : value.toString(16).length / 2;
}
