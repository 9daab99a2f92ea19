/**
 * pg_snapshot and txid_snapshot: which transactions' changes somebody saw, as xmin:xmax:xip,xip,…. Those before xmin were
 * over, those from xmax on had not begun, and of those between the listed ones were still running.
 */
import { sqlError } from '../../base/errors.js';
import type { TypeBehaviour } from './definitions.js';
import { syntaxError } from './scalar-input.js';

const MAX = 9223372036854775807n;

export interface SnapshotParts {
  readonly xmin: bigint;
  readonly xmax: bigint;
  readonly xip: readonly bigint[];
}

const isOrdered = ({ xmin, xmax, xip }: SnapshotParts): boolean =>
  xmin > 0n && xmin <= xmax && xmax <= MAX && xip.every((x, i) => x >= xmin && x < xmax && x >= (xip[i - 1] ?? 0n));

function textOf({ xmin, xmax, xip }: SnapshotParts): string {
  return `${xmin}:${xmax}:${xip.filter((x, i) => x !== xip[i - 1]).join(',')}`;
}

/** Of a value, which is its text. */
export function snapshotParts(text: string): SnapshotParts {
  const [xmin = '', xmax = '', xip = ''] = text.split(':');
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), xip: xip === '' ? [] : xip.split(',').map(BigInt) };
}

function receive(b: Buffer): string {
  const count = b.length < 20 ? -1 : b.readInt32BE(0);
  if (count < 0 || b.length !== 20 + 8 * count) throw sqlError('22P03', 'invalid external pg_snapshot data');
  const at = (i: number): bigint => b.readBigInt64BE(4 + 8 * i);
  const parts = { xmin: at(0), xmax: at(1), xip: Array.from({ length: count }, (_, i) => at(i + 2)) };
  if (!isOrdered(parts)) throw sqlError('22P03', 'invalid external pg_snapshot data');
  return textOf(parts);
}

function send(v: string): Buffer {
  const { xmin, xmax, xip } = snapshotParts(v);
  const b = Buffer.alloc(20 + 8 * xip.length);
  b.writeInt32BE(xip.length, 0);
  [xmin, xmax, ...xip].forEach((x, i) => b.writeBigInt64BE(x, 4 + 8 * i));
  return b;
}

const behaviour = {
  input(text: string) {
    const read = /^\d{1,19}:\d{1,19}:(?:\d{1,19}(?:,\d{1,19})*)?$/.test(text) ? snapshotParts(text) : null;
    if (read === null || !isOrdered(read)) throw syntaxError('pg_snapshot', text);
    return textOf(read);
  },
  output: (v: string) => v,
  receive,
  send,
  // The types have no order; what is compared is compared as text.
  compare: (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0),
  hashKey: (v: string) => v,
  encodeKey: null,
  applyTypmod: (v: string) => v,
};
export const PG_SNAPSHOT = behaviour as unknown as TypeBehaviour;
