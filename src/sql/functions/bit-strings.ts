/** Operators, functions and aggregates of bit strings. */
import { sqlError } from '../../base/errors.js';
import {
  combineBits,
  concatBits,
  countBits,
  findBits,
  getBit,
  invertBits,
  setBit,
  shiftBits,
  sliceBits,
} from '../types/bit-string.js';
import type { BitString } from '../types/datum.js';
import { fold } from './aggregates.js';
import { fn, op } from './define.js';

const and = (a: BitString, b: BitString): BitString => combineBits(a, b, 'AND', (x, y) => x & y);
const or = (a: BitString, b: BitString): BitString => combineBits(a, b, 'OR', (x, y) => x | y);
const xor = (a: BitString, b: BitString): BitString => combineBits(a, b, 'XOR', (x, y) => x ^ y);

op('bit & bit = bit', and);
op('bit | bit = bit', or);
op('bit # bit = bit', xor);
op('~ bit = bit', (v: BitString) => invertBits(v));
op('bit << int4 = bit', (v: BitString, n: number) => shiftBits(v, n));
op('bit >> int4 = bit', (v: BitString, n: number) => shiftBits(v, -n));
op('varbit || varbit = varbit', (a: BitString, b: BitString) => concatBits(a, b));

fn('length(bit) int4', (v: BitString) => v.length);
fn('bit_length(bit) int4', (v: BitString) => v.length);
fn('octet_length(bit) int4', (v: BitString) => v.bytes.length);
fn('bit_count(bit) int8', (v: BitString) => BigInt(countBits(v.bytes)));
fn('bit_count(bytea) int8', (v: Uint8Array) => BigInt(countBits(v)));
fn('get_bit(bit, int4) int4', (v: BitString, index: number) => getBit(v, index));
fn('set_bit(bit, int4, int4) bit', (v: BitString, index: number, bit: number) => setBit(v, index, bit));
fn('position(bit, bit) int4', (v: BitString, part: BitString) => findBits(v, part));

/** The end of a piece that begins at `start` (counted from 1). */
function endOf(start: number, length: number): number {
  if (length < 0) throw sqlError('22011', 'negative substring length not allowed');
  return start - 1 + length;
}
fn('substring(bit, int4) bit', (v: BitString, start: number) => sliceBits(v, start - 1, v.length));
fn('substring(bit, int4, int4) bit', (v: BitString, start: number, length: number) =>
  sliceBits(v, start - 1, endOf(start, length)),
);

function overlay(v: BitString, piece: BitString, start: number, length: number): BitString {
  if (start <= 0) throw sqlError('22011', 'negative substring length not allowed');
  const end = start + length;
  if (end > 2147483647) throw sqlError('22003', 'integer out of range');
  const head = sliceBits(v, 0, start - 1);
  return concatBits(concatBits(head, piece), sliceBits(v, end - 1, v.length));
}
fn('overlay(bit, bit, int4) bit', (v: BitString, piece: BitString, start: number) =>
  overlay(v, piece, start, piece.length),
);
fn('overlay(bit, bit, int4, int4) bit', overlay);

fold('bit_and(bit) bit', and);
fold('bit_or(bit) bit', or);
fold('bit_xor(bit) bit', xor);
