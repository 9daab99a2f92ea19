/**
 * Functions that PostgreSQL has under a second name too, by which pg_proc knows what is behind them: old scripts and `\df` name them.
 * To be loaded after those that they are.
 */
import { assert } from '../../base/assert.js';
import { addFunction, functionsNamed } from './define.js';
import { FUNCTION_OIDS } from './oid-table.js';
import { typeByName } from '../types/registry.js';

/** The second name with its arguments, and the first one. */
const SECOND_NAMES: readonly (readonly [signature: string, name: string])[] = [
  ['dexp(float8)', 'exp'],
  ['dlog1(float8)', 'ln'],
  ['dlog10(float8)', 'log'],
  ['dround(float8)', 'round'],
  ['dtrunc(float8)', 'trunc'],
  ['numeric_exp(numeric)', 'exp'],
  ['numeric_ln(numeric)', 'ln'],
  ['numeric_log(numeric,numeric)', 'log'],
  ['numeric_sqrt(numeric)', 'sqrt'],
  ['numeric_div_trunc(numeric,numeric)', 'div'],
  ['textlen(text)', 'length'],
];

for (const [signature, first] of SECOND_NAMES) {
  const open = signature.indexOf('(');
  const oids = signature
    .slice(open + 1, -1)
    .split(',')
    .map((type) => typeByName(type)!.oid);
  const entry = functionsNamed(first).find(
    ({ argOids }) => argOids.length === oids.length && argOids.every((oid, i) => oid === oids[i]),
  );
  assert(entry !== undefined, () => `${first} of ${signature} is not there`);
  addFunction({ ...entry, name: signature.slice(0, open), oid: FUNCTION_OIDS[signature] ?? 0 });
}
