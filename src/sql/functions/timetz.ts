/** Times with a time zone, moved to another zone that is given as a distance from UTC. */
import { sqlError } from '../../base/errors.js';
import { type Interval, TimeTz } from '../types/datum.js';
import { formatInterval } from '../types/interval.js';
import { fn } from './define.js';

const DAY = 86_400_000_000;

fn('timezone(interval, timetz) timetz', (zone: Interval, t: TimeTz) => {
  if (zone.months !== 0 || zone.days !== 0) {
    const shown = formatInterval(zone, 'postgres');
    throw sqlError('22023', `interval time zone "${shown}" must not include months or days`);
  }
  const west = -Number(zone.micros / 1_000_000n);
  const micros = (t.micros + (t.zone - west) * 1_000_000) % DAY;
  return new TimeTz(micros < 0 ? micros + DAY : micros, west);
});
