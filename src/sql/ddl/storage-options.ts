/**
 * Options in WITH (…) and SET (…) of tables, indexes and columns: which there are, of what type, within what bounds. They are kept as they were
 * written and shown; none of them has an effect here.
 *
 * Limits: options of a TOAST table are read and forgotten, because there are no such tables.
 */
import { sqlError } from '../../base/errors.js';
import { of, list, text, valueText } from './tree.js';
import type { Loose } from './tree.js';

type Kind = 'bool' | 'int' | 'real' | readonly string[];
interface Known {
  readonly kind: Kind;
  readonly min: number;
  readonly max: number;
}

const INT_MAX = 2147483647;
const flag: Known = { kind: 'bool', min: 0, max: 0 };
const int = (min: number, max = INT_MAX): Known => ({ kind: 'int', min, max });
const real = (min: number, max: number): Known => ({ kind: 'real', min, max });

const AUTOVACUUM: readonly (readonly [string, Known])[] = [
  ['autovacuum_enabled', flag],
  ['autovacuum_vacuum_threshold', int(0)],
  ['autovacuum_vacuum_insert_threshold', int(-1)],
  ['autovacuum_analyze_threshold', int(0)],
  ['autovacuum_vacuum_cost_limit', int(1, 10_000)],
  ['autovacuum_vacuum_cost_delay', real(0, 100)],
  ['autovacuum_vacuum_scale_factor', real(0, 100)],
  ['autovacuum_vacuum_insert_scale_factor', real(0, 100)],
  ['autovacuum_analyze_scale_factor', real(0, 100)],
  ['autovacuum_freeze_min_age', int(0, 1_000_000_000)],
  ['autovacuum_freeze_max_age', int(100_000, 2_000_000_000)],
  ['autovacuum_freeze_table_age', int(0, 2_000_000_000)],
  ['autovacuum_multixact_freeze_min_age', int(0, 1_000_000_000)],
  ['autovacuum_multixact_freeze_max_age', int(10_000, 2_000_000_000)],
  ['autovacuum_multixact_freeze_table_age', int(0, 2_000_000_000)],
  ['log_autovacuum_min_duration', int(-1)],
  ['vacuum_truncate', flag],
  ['vacuum_index_cleanup', { kind: ['on', 'off', 'auto', 'true', 'false', 'yes', 'no', '1', '0'], min: 0, max: 0 }],
];
const FILL: readonly [string, Known] = ['fillfactor', int(10, 100)];

const KNOWN = {
  table: new Map([
    ...AUTOVACUUM,
    FILL,
    ['toast_tuple_target', int(128, 8160)],
    ['parallel_workers', int(0, 1024)],
    ['user_catalog_table', flag],
  ]),
  toast: new Map(AUTOVACUUM),
  btree: new Map([FILL, ['deduplicate_items', flag], ['vacuum_cleanup_index_scale_factor', real(0, 1e10)]]),
  hash: new Map([FILL]),
  brin: new Map([
    ['pages_per_range', int(1, 131_072)],
    ['autosummarize', flag],
  ]),
  gin: new Map([
    ['fastupdate', flag],
    ['gin_pending_list_limit', int(64, INT_MAX)],
  ]),
  column: new Map([
    ['n_distinct', real(-1, Number.MAX_VALUE)],
    ['n_distinct_inherited', real(-1, Number.MAX_VALUE)],
  ]),
} satisfies Record<string, ReadonlyMap<string, Known>>;

export type OptionsOf = keyof typeof KNOWN;
export type Options = Readonly<Record<string, string>>;

/** @throws QuoralError 22023 */
export function storageOptions(value: unknown, target: OptionsOf = 'table'): Record<string, string> {
  const read: Record<string, string> = {};
  const ofToast = new Set<string>();
  for (const { name, namespace, value: given } of written(value)) {
    if (target === 'table' && name === 'oids' && namespace === '') {
      if (given !== 'false') throw sqlError('0A000', 'tables declared WITH OIDS are not supported');
      continue;
    }
    const isToast = target === 'table' && namespace === 'toast';
    if (namespace !== '' && !isToast) throw sqlError('22023', `unrecognized parameter namespace "${namespace}"`);
    const known = (KNOWN[isToast ? 'toast' : target] as ReadonlyMap<string, Known>).get(name);
    if (known === undefined) throw sqlError('22023', `unrecognized parameter "${name}"`);
    if (isToast ? ofToast.has(name) : Object.hasOwn(read, name))
      throw sqlError('22023', `parameter "${name}" specified more than once`);
    checkValue(name, given, known);
    if (isToast) ofToast.add(name);
    else read[name] = given;
  }
  return read;
}

function written(value: unknown): { readonly name: string; readonly namespace: string; readonly value: string }[] {
  return list(value).map((node) => {
    const def = of(node, 'DefElem');
    const arg = def['arg'] as Loose | undefined;
    return {
      name: text(def['defname']),
      namespace: text(def['defnamespace']),
      value: arg === undefined ? 'true' : valueText(arg),
    };
  });
}

function checkValue(name: string, given: string, { kind, min, max }: Known): void {
  if (typeof kind === 'object') {
    if (kind.includes(given.toLowerCase())) return;
    // Those after the third are other words for booleans.
    const named = kind.slice(0, 3).map((one) => `"${one}"`);
    throw sqlError('22023', `invalid value for enum option "${name}": ${given}`, {
      detail: `Valid values are ${named.slice(0, -1).join(', ')}, and ${named[named.length - 1]}.`,
    });
  }
  if (kind === 'bool') {
    if (isBoolean(given)) return;
    throw sqlError('22023', `invalid value for boolean option "${name}": ${given}`);
  }
  const number = Number(given);
  if (given.trim() === '' || Number.isNaN(number) || (kind === 'int' && !Number.isInteger(number))) {
    const what = kind === 'int' ? 'integer' : 'floating point';
    throw sqlError('22023', `invalid value for ${what} option "${name}": ${given}`);
  }
  if (number >= min && number <= max) return;
  const shown = (bound: number): string => (kind === 'int' ? String(bound) : decimal(bound));
  throw sqlError('22023', `value ${given} out of bounds for option "${name}"`, {
    detail: `Valid values are between "${shown(min)}" and "${shown(max)}".`,
  });
}

/** As C's %f writes it. */
function decimal(value: number): string {
  return Number.isInteger(value) ? `${BigInt(value)}.000000` : value.toFixed(6);
}

function isBoolean(given: string): boolean {
  const lower = given.toLowerCase();
  if (lower === 'on' || lower === 'of' || lower === 'off' || lower === '1' || lower === '0') return true;
  return lower !== '' && ['true', 'false', 'yes', 'no'].some((word) => word.startsWith(lower));
}

/** With those of SET, or without those of RESET. */
export function changedOptions(old: Options, node: unknown, target: OptionsOf, reset: boolean): Options {
  if (reset && list(node).some((n) => of(n, 'DefElem')['arg'] !== undefined))
    throw sqlError('42601', 'RESET must not include values for parameters');
  const added = reset ? {} : storageOptions(node, target);
  const own = list(node).filter((n) => text(of(n, 'DefElem')['defnamespace']) === '');
  const gone = new Set(own.map((n) => text(of(n, 'DefElem')['defname'])));
  // What is set anew comes last.
  return { ...Object.fromEntries(Object.entries(old).filter(([name]) => !gone.has(name))), ...added };
}
