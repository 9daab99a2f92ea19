/** pg_lsn: a position in a log, 64 bits without sign, as two hexadecimal numbers. */
import { sqlError } from '../../base/errors.js';
import { encodeKeyBigInt } from '../encoding/key-primitives.js';
import type { Numeric } from './datum.js';
import type { TypeBehaviour } from './definitions.js';
import { numericFromBigInt, numericToBigInt, subtractNumeric, addNumeric } from './numeric.js';
import { syntaxError } from './scalar-input.js';

const HALF = 32n;
const LOW = 0xffffffffn;
const MAX = (1n << 64n) - 1n;

function parseLsn(text: string): bigint {
  const match = /^([0-9a-fA-F]{1,8})\/([0-9a-fA-F]{1,8})$/.exec(text);
  if (match === null) throw syntaxError('pg_lsn', text);
  return (BigInt(`0x${match[1]}`) << HALF) | BigInt(`0x${match[2]}`);
}

function formatLsn(v: bigint): string {
  return `${(v >> HALF).toString(16)}/${(v & LOW).toString(16)}`.toUpperCase();
}

const behaviour = {
  input: (text: string) => parseLsn(text),
  output: (v: bigint) => formatLsn(v),
  receive(b: Buffer) {
    if (b.length < 8) throw sqlError('08P01', 'insufficient data left in message');
    if (b.length > 8) throw sqlError('22P03', 'incorrect binary data format');
    return b.readBigUInt64BE(0);
  },
  send(v: bigint) {
    const b = Buffer.allocUnsafe(8);
    b.writeBigUInt64BE(v);
    return b;
  },
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  hashKey: (v: bigint) => v,
  encodeKey: (v: bigint) => encodeKeyBigInt(v),
  applyTypmod: (v: bigint) => v,
};
export const PG_LSN = behaviour as unknown as TypeBehaviour;

/** `sign` 1 adds, −1 takes away. */
export function moveLsn(v: bigint, by: Numeric, sign: 1 | -1): bigint {
  if (by.kind === 'nan') throw sqlError('0A000', `cannot ${sign === 1 ? 'add NaN to' : 'subtract NaN from'} pg_lsn`);
  if (by.kind !== 'finite') throw sqlError('0A000', 'cannot convert infinity to pg_lsn');
  const at = numericFromBigInt(v);
  const moved = numericToBigInt(sign === 1 ? addNumeric(at, by) : subtractNumeric(at, by));
  if (moved < 0n || moved > MAX) throw sqlError('22023', 'pg_lsn out of range');
  return moved;
}
