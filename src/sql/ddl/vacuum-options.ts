/**
 * The options of VACUUM and ANALYZE: nothing comes of them, but what PostgreSQL refuses is refused with its words.
 */
import { sqlError } from '../../base/errors.js';
import { errorAt } from '../plan/error-at.js';
import { type options, valueText } from './tree.js';

type Option = ReturnType<typeof options>[number];

const BOOLEANS: ReadonlySet<string> = new Set([
  'analyze',
  'freeze',
  'full',
  'disable_page_skipping',
  'process_toast',
  'truncate',
]);
const OF_BOTH: ReadonlySet<string> = new Set(['verbose', 'skip_locked']);
const WORKERS_MAX = 1024;

/** null: it is none. */
function booleanOf({ arg }: Option): boolean | null {
  if (arg === undefined) return true;
  const word = valueText(arg).toLowerCase();
  if (['true', 'on', '1'].includes(word)) return true;
  return ['false', 'off', '0'].includes(word) ? false : null;
}

/** @throws QuoralError 42601 */
function requireBoolean(option: Option): boolean {
  const value = booleanOf(option);
  if (value === null) throw sqlError('42601', `${option.name} requires a Boolean value`);
  return value;
}

/** @throws QuoralError 42601 */
function workersOf({ arg, location }: Option): number {
  if (arg === undefined)
    throw errorAt('42601', `parallel option requires a value between 0 and ${WORKERS_MAX}`, location);
  const word = valueText(arg);
  if (!/^-?\d+$/.test(word)) throw sqlError('42601', 'parallel requires an integer value');
  const workers = Number(word);
  if (workers < 0 || workers > WORKERS_MAX)
    throw errorAt('42601', `parallel workers for vacuum must be between 0 and ${WORKERS_MAX}`, location);
  return workers;
}

export interface VacuumOptions {
  readonly analyzes: boolean;
  /** Workers for indexes were asked for. */
  readonly parallel: boolean;
  /** What others have locked is passed over. */
  readonly skipsLocked: boolean;
}

/** @throws QuoralError 42601, 0A000 */
export function readVacuumOptions(given: readonly Option[], isVacuum: boolean): VacuumOptions {
  const on = new Map<string, boolean>();
  let workers = 0;
  for (const option of given) {
    const { name, location } = option;
    if (OF_BOTH.has(name) || (isVacuum && BOOLEANS.has(name))) on.set(name, requireBoolean(option));
    else if (isVacuum && name === 'parallel') workers = workersOf(option);
    else if (isVacuum && name === 'index_cleanup') {
      if (option.arg === undefined || valueText(option.arg).toLowerCase() !== 'auto') requireBoolean(option);
    } else throw errorAt('42601', `unrecognized ${isVacuum ? 'VACUUM' : 'ANALYZE'} option "${name}"`, location);
  }
  if (on.get('full') === true) {
    if (workers > 0) throw sqlError('0A000', 'VACUUM FULL cannot be performed in parallel');
    if (on.get('disable_page_skipping') === true)
      throw sqlError('0A000', 'VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL');
    if (on.get('process_toast') === false) throw sqlError('0A000', 'PROCESS_TOAST required with VACUUM FULL');
  }
  return {
    analyzes: !isVacuum || on.get('analyze') === true,
    parallel: workers > 0,
    skipsLocked: on.get('skip_locked') === true,
  };
}
