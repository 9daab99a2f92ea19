/**
 * pg_cancel_backend and pg_terminate_backend: what a client does to other sessions, those that pg_stat_activity and pg_locks
 * show; and who is in whose way.
 *
 * Limit: sessions of other nodes are within reach while they have a transaction open.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { PgArray } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { fn } from './define.js';

const VOLATILE = { volatility: 'volatile', mayWait: true } as const;

function signal(ctx: ExecContext, processId: number, how: 'cancel' | 'terminate'): boolean | Promise<boolean> {
  const there = ctx.services.signalBackend?.(processId, how) ?? false;
  // The session itself notices on the spot; that it is to end stays, whoever catches this.
  if (processId === ctx.services.processId)
    throw how === 'cancel'
      ? sqlError('57014', 'canceling statement due to user request')
      : new QuoralError('57P01', 'terminating connection due to administrator command', { severity: 'FATAL' });
  const told = (found: boolean): boolean => {
    const message = `PID ${processId} is not a PostgreSQL backend process`;
    if (!found) ctx.notice({ severity: 'WARNING', sqlstate: '01000', message });
    return found;
  };
  return there instanceof Promise ? there.then(told) : told(there);
}

fn('pg_cancel_backend(int4) bool', (pid: number, ctx: ExecContext) => signal(ctx, pid, 'cancel'), VOLATILE);
fn(
  'pg_terminate_backend(int4, int8) bool',
  (pid: number, timeout: bigint, ctx: ExecContext) => {
    if (timeout < 0n) throw sqlError('22023', '"timeout" must not be negative');
    return signal(ctx, pid, 'terminate');
  },
  { ...VOLATILE, defaults: [0n] },
);

async function blockers(processId: number, ctx: ExecContext): Promise<readonly number[]> {
  return (await ctx.services.blockingPids?.(processId)) ?? [];
}

fn(
  'pg_blocking_pids(int4) _int4',
  async (processId: number, ctx: ExecContext) => new PgArray(OID.int4, [...(await blockers(processId, ctx))]),
  VOLATILE,
);
// There are no snapshots that wait for others to become safe.
fn('pg_safe_snapshot_blocking_pids(int4) _int4', () => new PgArray(OID.int4, []), { volatility: 'volatile' });
fn(
  'pg_isolation_test_session_is_blocked(int4, _int4) bool',
  async (processId: number, interesting: PgArray, ctx: ExecContext) => {
    const wanted = new Set(interesting.elements);
    return (await blockers(processId, ctx)).some((pid) => wanted.has(pid));
  },
  VOLATILE,
);
