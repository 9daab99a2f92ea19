/**
 * Functions of snapshots as values. The current one is refused: whether a transaction had committed at some moment is known
 * by the time of its commit, which its number (the time at which it began to read) does not tell; a list of those that
 * run in the whole cluster, which could stand in for that, is kept nowhere.
 */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { snapshotName } from '../types/exported-snapshot.js';
import { snapshotParts } from '../types/pg-snapshot.js';
import { fn, srf } from './define.js';

function isVisible(xid: bigint, snapshot: string): boolean {
  const { xmin, xmax, xip } = snapshotParts(snapshot);
  return xid < xmin || (xid < xmax && !xip.includes(xid));
}

for (const [prefix, visible, type, xid] of [
  ['pg_snapshot', 'pg_visible_in_snapshot', 'pg_snapshot', 'xid8'],
  ['txid_snapshot', 'txid_visible_in_snapshot', 'txid_snapshot', 'int8'],
] as const) {
  fn(`${prefix}_xmin(${type}) ${xid}`, (v: string) => snapshotParts(v).xmin);
  fn(`${prefix}_xmax(${type}) ${xid}`, (v: string) => snapshotParts(v).xmax);
  srf(`${prefix}_xip(${type}) ${xid}`, (v: string) => snapshotParts(v).xip);
  fn(`${visible}(${xid}, ${type}) bool`, isVisible);
}

for (const signature of ['pg_current_snapshot() pg_snapshot', 'txid_current_snapshot() txid_snapshot']) {
  fn(
    signature,
    () => {
      throw sqlError('0A000', 'the current snapshot is not supported', {
        detail: 'Snapshots are moments here, not lists of transactions.',
        hint: 'Compare rows by a column that a sequence or clock_timestamp() fills.',
      });
    },
    { volatility: 'stable' },
  );
}
/** What other transactions read as of, at any node; the exporting one stays at it. */
fn(
  'pg_export_snapshot() text',
  ({ txn }: ExecContext) => {
    txn.savepoint();
    return snapshotName(txn.readTimestamp);
  },
  { volatility: 'volatile' },
);
fn('xid8cmp(xid8, xid8) int4', (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0));
