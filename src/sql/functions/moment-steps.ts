/**
 * Steps and results of PostgreSQL's aggregates over float8 (avg, variance, regr_…), whose states are arrays: aggregates of users are made
 * of them. What they compute is what the aggregates here do; to be loaded after these.
 */
import { sqlError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import { PgArray } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { moments } from './aggregate-steps.js';
import { PAIR_RESULTS, PairStats } from './aggregates.js';
import type { PairState } from './aggregates.js';
import { fn } from './define.js';

// ---- of one argument ----

const RESULTS: Readonly<Record<string, (n: number, sum: number, squares: number) => number | null>> = {
  avg: (n, sum) => (n === 0 ? null : sum / n),
  var_pop: (n, _, squares) => (n === 0 ? null : squares / n),
  var_samp: (n, _, squares) => (n <= 1 ? null : squares / (n - 1)),
  stddev_pop: (n, _, squares) => (n === 0 ? null : Math.sqrt(squares / n)),
  stddev_samp: (n, _, squares) => (n <= 1 ? null : Math.sqrt(squares / (n - 1))),
};
for (const [name, result] of Object.entries(RESULTS))
  fn(`float8_${name}(_float8) float8`, (state: PgArray) => result(...moments(state, `float8_${name}`)));

// ---- of two ----

function pairState(array: PgArray, caller: string): PairState {
  const { elements } = array;
  if (elements.length !== 6 || elements.some((one) => typeof one !== 'number'))
    throw sqlError('XX000', `${caller}: expected 6-element float8 array`);
  const [n, sx, sxx, sy, syy, sxy] = elements as readonly number[];
  return { n: n!, sx: sx!, sxx: sxx!, sy: sy!, syy: syy!, sxy: sxy! };
}

function arrayOf({ n, sx, sxx, sy, syy, sxy }: PairState): PgArray {
  return new PgArray(OID.float8, [n, sx, sxx, sy, syy, sxy]);
}

const WHOLE = (state: PairState): Datum => arrayOf(state);

fn('float8_regr_accum(_float8, float8, float8) _float8', (state: PgArray, y: number, x: number) => {
  const stats = new PairStats(WHOLE, pairState(state, 'float8_regr_accum'));
  stats.step([y, x]);
  return stats.final();
});
fn('float8_regr_combine(_float8, _float8) _float8', (a: PgArray, b: PgArray) => {
  const stats = new PairStats(WHOLE, pairState(a, 'float8_regr_combine'));
  stats.merge(pairState(b, 'float8_regr_combine'));
  return stats.final();
});
for (const [name, result] of Object.entries(PAIR_RESULTS)) {
  const own = `float8_${name}`;
  fn(`${own}(_float8) float8`, (array: PgArray) => {
    const state = pairState(array, own);
    return state.n === 0 ? null : result(state);
  });
}
