/**
 * Where PostgreSQL's binary jsonb has each array and object of a document: keyvalue() makes ids of these offsets.
 * A container is a word, a word for each element (two for each member), the keys, the values; numbers and
 * containers begin at multiples of four bytes.
 */
import { Numeric } from '../types/datum.js';
import type { JsonValue } from '../types/datum.js';
import { isJsonArray } from '../types/json.js';
import { sendNumeric } from '../types/numeric.js';

const WORD = 4;
const aligned = (at: number): number => Math.ceil(at / WORD) * WORD;

/** Length word, header, digits of four; the header is short unless scale or weight are large. */
function numericSize(v: Numeric): number {
  const wire = sendNumeric(v);
  const digits = wire.readUInt16BE(0);
  const weight = wire.readInt16BE(2);
  const scale = wire.readUInt16BE(6);
  const isShort = scale <= 0x3f && weight >= -0x40 && weight <= 0x3f;
  return WORD + (isShort ? 2 : 4) + digits * 2;
}

export function containerOffsets(root: JsonValue): ReadonlyMap<JsonValue, number> {
  const offsets = new Map<JsonValue, number>();
  /** The end of the value that is put at `at`. */
  const place = (v: JsonValue, at: number): number => {
    if (v === null || typeof v === 'boolean') return at;
    if (typeof v === 'string') return at + Buffer.byteLength(v, 'utf8');
    const start = aligned(at);
    if (v instanceof Numeric) return start + numericSize(v);
    offsets.set(v, start);
    if (isJsonArray(v)) {
      let end = start + WORD + v.length * WORD;
      for (const element of v) end = place(element, end);
      return end;
    }
    let end = start + WORD + v.size * 2 * WORD;
    for (const key of v.keys()) end += Buffer.byteLength(key, 'utf8');
    for (const member of v.values()) end = place(member, end);
    return end;
  };
  place(root, 0);
  return offsets;
}
