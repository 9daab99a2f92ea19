/** Operators and aggregates of pg_lsn. */
import type { Numeric } from '../types/datum.js';
import { sqlError } from '../../base/errors.js';
import { numericFromBigInt, numericToBigInt } from '../types/numeric.js';
import { moveLsn } from '../types/pg-lsn.js';
import { fold } from './aggregates.js';
import { fn, op } from './define.js';

op('pg_lsn + numeric = pg_lsn', (v: bigint, by: Numeric) => moveLsn(v, by, 1));
op('numeric + pg_lsn = pg_lsn', (by: Numeric, v: bigint) => moveLsn(v, by, 1));
op('pg_lsn - numeric = pg_lsn', (v: bigint, by: Numeric) => moveLsn(v, by, -1));
op('pg_lsn - pg_lsn = numeric', (a: bigint, b: bigint) => numericFromBigInt(a - b));
fn('pg_wal_lsn_diff(pg_lsn, pg_lsn) numeric', (a: bigint, b: bigint) => numericFromBigInt(a - b));
fn('pg_lsn(numeric) pg_lsn', (v: Numeric) => {
  if (v.kind === 'nan') throw sqlError('0A000', 'cannot convert NaN to pg_lsn');
  if (v.kind !== 'finite') throw sqlError('0A000', 'cannot convert infinity to pg_lsn');
  const position = numericToBigInt(v);
  if (position < 0n || position > 0xffff_ffff_ffff_ffffn) throw sqlError('22023', 'pg_lsn out of range');
  return position;
});
for (const type of ['pg_lsn', 'xid8']) {
  fold(`min(${type}) ${type}`, (a: bigint, b: bigint) => (b < a ? b : a));
  fold(`max(${type}) ${type}`, (a: bigint, b: bigint) => (b > a ? b : a));
}
