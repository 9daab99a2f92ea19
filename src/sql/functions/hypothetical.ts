/**
 * Hypothetical-set aggregates: rank, dense_rank, percent_rank and cume_dist WITHIN GROUP (PostgreSQL chapter 9.21):
 * where a row of the direct arguments would stand among the rows of the group. Arguments are the direct ones,
 * then as many that the rows are ordered by; how, is in the call's `order`.
 *
 * Only dense_rank needs its rows in order. The others count, whatever comes first.
 */
import { assert } from '../../base/assert.js';
import { sqlError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import { orderOf } from './collated-entries.js';
import { aggregate } from './define.js';
import type { Accumulator, AggregateEntry, CallInfo } from './entry.js';

const hypotheticals = new Map<string, AggregateEntry>();
const counting = new Set<AggregateEntry>();

/** The aggregate of that name that is called with direct arguments of any type; undefined if there is none. */
export function hypotheticalSet(name: string): AggregateEntry | undefined {
  return hypotheticals.get(name);
}
export function isHypotheticalSet(entry: AggregateEntry): boolean {
  return hypotheticals.get(entry.name) === entry;
}
/** Whether the order of WITHIN GROUP is known from the call, so that the rows need not come in it. */
export function countsInAnyOrder(entry: AggregateEntry): boolean {
  return counting.has(entry);
}

type CompareRows = (a: readonly Datum[], b: readonly Datum[]) => number;

function comparator(call: CallInfo): CompareRows {
  const { order } = call;
  assert(order !== undefined, 'a hypothetical-set aggregate knows its order');
  const columns = order.map(({ descending, nullsFirst, collation }, i) => {
    const compare = orderOf(call.argOids[i]!, collation);
    const sign = descending ? -1 : 1;
    return (a: Datum, b: Datum): number => {
      if (a === null || b === null) return a === b ? 0 : (a === null) === nullsFirst ? -1 : 1;
      return sign * compare(a as never, b as never);
    };
  });
  return (a, b) => {
    for (const [i, compare] of columns.entries()) {
      const found = compare(a[i]!, b[i]!);
      if (found !== 0) return found;
    }
    return 0;
  };
}

/** Counts the rows before the hypothetical one, and its equals. */
class Standing implements Accumulator {
  readonly #compare: CompareRows;
  readonly #width: number;
  readonly #result: (standing: Standing) => Datum;
  #direct: readonly Datum[] | null = null;
  #last: readonly Datum[] | null = null;
  rows = 0;
  before = 0;
  peers = 0;
  /** Of those before: how many that differ, if the rows come in order. */
  distinct = 0;

  constructor(call: CallInfo, result: (standing: Standing) => Datum) {
    this.#compare = comparator(call);
    this.#width = call.argOids.length / 2;
    this.#result = result;
  }

  step(args: readonly Datum[]): void {
    this.#direct ??= args.slice(0, this.#width);
    const row = args.slice(this.#width);
    const order = this.#compare(row, this.#direct);
    this.rows++;
    if (order === 0) this.peers++;
    if (order >= 0) return;
    this.before++;
    if (this.#last === null || this.#compare(this.#last, row) !== 0) this.distinct++;
    this.#last = row;
  }
  /** Parts of a group are not in order together. */
  combine(): void {
    throw sqlError('XX000', 'hypothetical-set aggregates are not computed in parts');
  }
  final(): Datum {
    return this.#result(this);
  }
}

function define(signature: string, ordered: boolean, result: (standing: Standing) => Datum): void {
  const entry = aggregate(signature, { strict: false }, (call) => new Standing(call, result));
  hypotheticals.set(entry.name, entry);
  if (!ordered) counting.add(entry);
}
define('rank(any) int8', false, (s) => BigInt(s.before + 1));
define('dense_rank(any) int8', true, (s) => BigInt(s.distinct + 1));
define('percent_rank(any) float8', false, (s) => (s.rows === 0 ? 0 : s.before / s.rows));
define('cume_dist(any) float8', false, (s) => (s.before + s.peers + 1) / (s.rows + 1));
