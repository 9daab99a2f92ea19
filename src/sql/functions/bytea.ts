/** Functions of byte strings beyond their conversions: trimming, overlaying, single bits (PostgreSQL chapter 9.5). */
import { sqlError } from '../../base/errors.js';
import { fn } from './define.js';

function trim(bytes: Uint8Array, set: Uint8Array, atStart: boolean, atEnd: boolean): Uint8Array {
  let from = 0;
  let to = bytes.length;
  if (atStart) while (from < to && set.includes(bytes[from]!)) from++;
  if (atEnd) while (to > from && set.includes(bytes[to - 1]!)) to--;
  return Buffer.from(bytes.subarray(from, to));
}
fn('btrim(bytea, bytea) bytea', (b: Uint8Array, set: Uint8Array) => trim(b, set, true, true));
fn('ltrim(bytea, bytea) bytea', (b: Uint8Array, set: Uint8Array) => trim(b, set, true, false));
fn('rtrim(bytea, bytea) bytea', (b: Uint8Array, set: Uint8Array) => trim(b, set, false, true));

function overlay(b: Uint8Array, by: Uint8Array, start: number, count: number): Uint8Array {
  if (start <= 0) throw sqlError('22011', 'negative substring length not allowed');
  if (start + count > 2147483647 || start + count < -2147483648) throw sqlError('22003', 'integer out of range');
  const rest = Math.max(0, start - 1 + count);
  return Buffer.concat([b.subarray(0, start - 1), by, b.subarray(rest)]);
}
fn('overlay(bytea, bytea, int4, int4) bytea', (b: Uint8Array, by: Uint8Array, start: number, count: number) =>
  overlay(b, by, start, count),
);
fn('overlay(bytea, bytea, int4) bytea', (b: Uint8Array, by: Uint8Array, start: number) =>
  overlay(b, by, start, by.length),
);

/** Bits are numbered from the least of the first byte. */
function bitAt(b: Uint8Array, n: bigint): { readonly byte: number; readonly mask: number } {
  const bits = BigInt(b.length) * 8n;
  if (n < 0n || n >= bits) throw sqlError('2202E', `index ${n} out of valid range, 0..${bits - 1n}`);
  return { byte: Number(n / 8n), mask: 1 << Number(n % 8n) };
}
fn('get_bit(bytea, int8) int4', (b: Uint8Array, n: bigint) => {
  const { byte, mask } = bitAt(b, n);
  return (b[byte]! & mask) === 0 ? 0 : 1;
});
fn('set_bit(bytea, int8, int4) bytea', (b: Uint8Array, n: bigint, value: number) => {
  const { byte, mask } = bitAt(b, n);
  if (value !== 0 && value !== 1) throw sqlError('22023', 'new bit must be 0 or 1');
  const copy = Buffer.from(b);
  copy[byte] = value === 1 ? copy[byte]! | mask : copy[byte]! & ~mask;
  return copy;
});
