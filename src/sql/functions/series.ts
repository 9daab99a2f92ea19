/** generate_series: rows made as they are read, so that a LIMIT ends even an endless one. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { isFiniteTimestamp, zoneOrThrow } from '../types/calendar.js';
import { Interval, type Numeric } from '../types/datum.js';
import { INT8_MAX, INT8_MIN } from '../types/scalar-input.js';
import { compareInterval } from '../types/interval.js';
import { addExactly, compareNumeric, numericFromInt } from '../types/numeric.js';
import { addInterval, addIntervalTz } from './interval-math.js';
import { srf } from './define.js';

function zeroStep(): Error {
  return sqlError('22023', 'step size cannot equal zero');
}

function* integers(start: number, stop: number, step: number): Generator<number> {
  if (step === 0) throw zeroStep();
  for (let i = start; step > 0 ? i <= stop : i >= stop; i += step) yield i;
}
srf('generate_series(int4, int4) int4', (a: number, b: number) => integers(a, b, 1));
srf('generate_series(int4, int4, int4) int4', integers);

function* bigintegers(start: bigint, stop: bigint, step: bigint): Generator<bigint> {
  if (step === 0n) throw zeroStep();
  for (let i = start; (step > 0n ? i <= stop : i >= stop) && i <= INT8_MAX && i >= INT8_MIN; i += step) yield i;
}
srf('generate_series(int8, int8) int8', (a: bigint, b: bigint) => bigintegers(a, b, 1n));
srf('generate_series(int8, int8, int8) int8', bigintegers);

function* numerics(start: Numeric, stop: Numeric, step: Numeric): Generator<Numeric> {
  for (const [name, v] of [
    ['start', start],
    ['stop', stop],
    ['step', step],
  ] as const) {
    if (v.kind !== 'finite')
      throw sqlError(
        '22023',
        `${name}${name === 'step' ? ' size' : ' value'} cannot be ${v.kind === 'nan' ? 'NaN' : 'infinity'}`,
      );
  }
  if (step.unscaled === 0n) throw zeroStep();
  const direction = step.unscaled > 0n ? 1 : -1;
  for (let v = start; compareNumeric(v, stop) * direction <= 0; v = addExactly(v, step)) yield v;
}
srf('generate_series(numeric, numeric) numeric', (a: Numeric, b: Numeric) => numerics(a, b, numericFromInt(1)));
srf('generate_series(numeric, numeric, numeric) numeric', numerics);

function* moments(start: bigint, stop: bigint, step: Interval, next: (ts: bigint) => bigint): Generator<bigint> {
  const direction = compareInterval(step, new Interval(0, 0, 0n));
  if (direction === 0) throw zeroStep();
  for (let ts = start; direction > 0 ? ts <= stop : ts >= stop; ts = next(ts)) {
    yield ts;
    if (!isFiniteTimestamp(ts)) return;
  }
}
srf('generate_series(timestamp, timestamp, interval) timestamp', (a: bigint, b: bigint, step: Interval) =>
  moments(a, b, step, (ts) => addInterval(ts, step)),
);
srf(
  'generate_series(timestamptz, timestamptz, interval) timestamptz',
  (a: bigint, b: bigint, step: Interval, ctx: ExecContext) => {
    const zone = zoneOrThrow(ctx.format.timeZone);
    return moments(a, b, step, (ts) => addIntervalTz(ts, step, zone));
  },
  { volatility: 'stable' },
);
