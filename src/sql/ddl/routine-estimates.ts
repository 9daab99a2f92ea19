/** What PostgreSQL's planner would like to know of a function: kept and shown, without effect here. */
import { sqlError } from '../../base/errors.js';
import type { Routine } from '../catalog/descriptor.js';
import { of, options, strings, valueText } from './tree.js';
import type { Loose } from './tree.js';

export type Estimates = Pick<Routine, 'cost' | 'rows' | 'parallel' | 'leakproof'>;

/** What is said now over what was said before. @throws QuoralError 22023, 42883 */
export function readEstimates(actions: unknown, before: Estimates = {}): Estimates {
  const read: { -readonly [K in keyof Estimates]: Estimates[K] } = {};
  for (const { name, arg } of options(actions)) {
    if (name === 'cost') read.cost = positive(arg, 'COST');
    else if (name === 'rows') read.rows = positive(arg, 'ROWS');
    else if (name === 'leakproof') read.leakproof = of(arg as Loose, 'Boolean')['boolval'] === true;
    else if (name === 'parallel') Object.assign(read, { parallel: parallelOf(arg) });
    else if (name === 'support') throw noSupport(arg);
  }
  const all = { ...before, ...read };
  return {
    ...(all.cost === undefined ? {} : { cost: all.cost }),
    ...(all.rows === undefined ? {} : { rows: all.rows }),
    ...(all.parallel === undefined && !('parallel' in read) ? {} : ({ parallel: all.parallel } as Estimates)),
    ...(all.leakproof === undefined ? {} : { leakproof: all.leakproof }),
  };
}

function positive(arg: unknown, what: string): number {
  const value = Number(valueText(arg));
  if (!(value > 0)) throw sqlError('22023', `${what} must be positive`);
  return value;
}

export function parallelOf(arg: unknown): Estimates['parallel'] {
  const word = valueText(arg);
  if (word === 'unsafe') return undefined;
  if (word === 'safe' || word === 'restricted') return word;
  throw sqlError('42601', 'parameter "parallel" must be SAFE, RESTRICTED, or UNSAFE');
}

/** Functions that advise PostgreSQL's planner are written in C: there are none. */
function noSupport(arg: unknown): Error {
  return sqlError('42883', `function ${strings(of(arg as Loose, 'List')['items']).join('.')}(internal) does not exist`);
}

/** @throws QuoralError 22023 */
export function checkEstimates({ rows, set }: Pick<Routine, 'rows' | 'set'>): void {
  if (rows !== undefined && !set) throw sqlError('22023', 'ROWS is not applicable when function does not return a set');
}
