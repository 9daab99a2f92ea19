/**
 * pg_cancel_backend and pg_terminate_backend: what a client does to other sessions of its node, those that
 * pg_stat_activity shows.
 *
 * Limit: sessions of other nodes are out of reach, and are not known from ids that nobody has.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { fn } from './define.js';

const VOLATILE = { volatility: 'volatile' } as const;

function signal(ctx: ExecContext, processId: number, how: 'cancel' | 'terminate'): boolean {
  const there = ctx.services.signalBackend?.(processId, how) === true;
  // The session itself notices on the spot; that it is to end stays, whoever catches this.
  if (processId === ctx.services.processId)
    throw how === 'cancel'
      ? sqlError('57014', 'canceling statement due to user request')
      : new QuoralError('57P01', 'terminating connection due to administrator command', { severity: 'FATAL' });
  if (there) return true;
  const message = `PID ${processId} is not a PostgreSQL backend process`;
  ctx.notice({ severity: 'WARNING', sqlstate: '01000', message });
  return false;
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
