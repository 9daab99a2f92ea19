/** The functions beside LISTEN and NOTIFY. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { fn, srf } from './define.js';

function notAvailable(): Error {
  return sqlError('0A000', 'notifications are not available here');
}

fn(
  'pg_notify(text, text) void',
  (channel: string | null, payload: string | null, ctx: ExecContext) => {
    if (ctx.services.notify === undefined) throw notAvailable();
    ctx.services.notify(channel ?? '', payload ?? '');
    return '';
  },
  { volatility: 'volatile', strict: false },
);
srf(
  'pg_listening_channels() text',
  (ctx: ExecContext) => {
    if (ctx.services.listeningChannels === undefined) throw notAvailable();
    return ctx.services.listeningChannels();
  },
  { volatility: 'stable' },
);
// Old notifications are removed by time: the queue never fills up.
fn('pg_notification_queue_usage() float8', () => 0, { volatility: 'volatile' });
