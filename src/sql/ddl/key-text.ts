/**
 * Values of a key for people: integers, dates, text and uuids are read back, whatever is not understood is
 * shown as escaped bytes. Only for display: nothing depends on it.
 */
import { formatKey } from '../../base/key.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';

export interface KeyTextColumn {
  readonly typeOid: number;
  readonly descending: boolean;
}

const INTEGERS: ReadonlySet<number> = new Set([
  OID.int2,
  OID.int4,
  OID.int8,
  OID.oid,
  OID.date,
  OID.time,
  OID.timestamp,
  OID.timestamptz,
]);
const BIG: ReadonlySet<number> = new Set([OID.int8, OID.timestamp, OID.timestamptz]);
const TEXTS: ReadonlySet<number> = new Set([OID.text, OID.varchar, OID.bpchar, OID.name]);

type Output = (value: Exclude<Datum, null>, oid: number) => string;

export function decodeKeyValues(key: string, columns: readonly KeyTextColumn[], output: Output): string[] {
  const shown: string[] = [];
  let at = 0;
  for (const { typeOid, descending } of columns) {
    if (at >= key.length) break;
    const rest = descending ? invert(key.slice(at)) : key.slice(at);
    const decoded = decodeOne(rest, typeOid, output);
    if (decoded === null) return [...shown, formatKey(key.slice(at))];
    shown.push(decoded.text);
    at += decoded.length;
  }
  return shown;
}

function invert(s: string): string {
  let out = '';
  for (let i = 0; i < s.length; i++) out += String.fromCharCode(0xff - s.charCodeAt(i));
  return out;
}

function decodeOne(s: string, oid: number, output: Output): { text: string; length: number } | null {
  if (s.charCodeAt(0) === 0xff) return { text: 'NULL', length: 1 };
  if (INTEGERS.has(oid)) {
    const head = s.charCodeAt(0) - 0x80;
    const count = Math.abs(head);
    if (count > 8 || s.length < 1 + count) return null;
    let value = 0n;
    for (let i = 1; i <= count; i++) value = value * 256n + BigInt(s.charCodeAt(i));
    if (head < 0) value -= 1n << BigInt(count * 8);
    return { text: output(BIG.has(oid) ? value : Number(value), oid), length: 1 + count };
  }
  if (oid === OID.bool) return { text: s.charCodeAt(0) === 0x80 ? 'f' : 't', length: s.charCodeAt(0) === 0x80 ? 1 : 2 };
  if (oid === OID.uuid && s.length >= 17) {
    const hex = Buffer.from(s.slice(1, 17), 'latin1').toString('hex');
    return { text: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'), length: 17 };
  }
  if (TEXTS.has(oid)) {
    const end = s.indexOf('\x00\x01');
    if (end < 0) return null;
    const bytes = s.slice(0, end).replaceAll('\x00\xff', '\x00');
    return { text: `'${Buffer.from(bytes, 'latin1').toString('utf8')}'`, length: end + 2 };
  }
  return null;
}
