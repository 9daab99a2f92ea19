/**
 * The right side of a join that is a relation of the catalogs: what a left row may join with is looked up in a map by
 * value (value-maps.ts), so that a join of few rows with a catalog of thousands reads few of them, and no table is
 * made for each execution. The right side's own condition is tested on what is found, once for each value; where that condition
 * finds rows by a map of its own, the map is one of these. The rest of the join's equalities of columns is compared before there is a pair of rows.
 *
 * Only where every row that comes out has a left one.
 */
import { after, type Soon } from '../../base/soon.js';
import type { HashKey } from '../plan/join-equality.js';
import type { JoinPlan } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { columnAt, type CompiledTest, compileTest, layoutOf } from './eval.js';
import { isPlainKey, type JoinKeys, type WaitingJoinKey } from './join-keys.js';
import type { Row, Run } from './run.js';
import { type ByValue, rowsByValue } from '../catalog/virtual/value-maps.js';
import { fewest, lookupsOf } from './virtual-scan.js';

export interface MappedRight {
  /** The relation's rows as they are: of them, only `positions` are the right side's columns. */
  candidates(left: Row): Soon<readonly Row[]>;
  release(): void;
}

interface MappedKey extends WaitingJoinKey {
  readonly position: number;
  /** Where the left row has the value; -1: it is computed. */
  readonly leftAt: number;
}

const NONE: readonly Row[] = [];
/** Rows of a value, on average, that are looked through rather than to try the map of another column. */
const ROWS_PER_VALUE = 8;

export interface MappedJoin {
  /** What candidates have in common with their left row. */
  readonly keys: readonly WaitingJoinKey[];
  readonly open: (run: Run) => Soon<MappedRight>;
  readonly positions: readonly number[];
}

/** null: not such a join. */
export function compileMappedRight({ type, left, right }: JoinPlan, keys: JoinKeys): MappedJoin | null {
  if (right.kind !== 'virtual' || type === 'right' || type === 'full') return null;
  const layout = new Map(right.columns.map((c) => [c.id, c.position]));
  const leftLayout = layoutOf(left.columns);
  const mappedOf = <K extends WaitingJoinKey>(key: K): (K & MappedKey)[] => {
    const position = columnAt(key.right, layout);
    return position === -1 ? [] : [{ ...key, position, leftAt: columnAt(key.left, leftLayout) }];
  };
  const now = keys.now.flatMap(mappedOf);
  const mapped: MappedKey[] = [...now, ...keys.waiting.flatMap(mappedOf)];
  // An oid tells rows apart; a name may be that of a column of many tables.
  mapped.sort((a, b) => Number(b.right.oid === OID.oid) - Number(a.right.oid === OID.oid));
  const compared: readonly MappedKey[] = now.filter((key) => isPlainKey(key) && key.leftAt !== -1);
  const test = compileTest(right.filter, layout);
  if (mapped.length === 0 || test?.waits === true) return null;
  const lookups = lookupsOf(right, layout);
  const positions = right.columns.map((c) => c.position);
  return {
    keys: mapped.length === 1 ? mapped : compared,
    positions,
    open: (run) =>
      after(
        right.relation.rows(run.ctx, positions),
        (all) => new Mapped(fewest(all, lookups, run), mapped, compared, test, run),
      ),
  };
}

class Mapped implements MappedRight {
  readonly #rows: ByValue;
  readonly #key: MappedKey;
  /** Both sides are columns: compared without making a pair of the rows. */
  readonly #compared: readonly MappedKey[];
  readonly #test: CompiledTest | null;
  readonly #run: Run;
  readonly #tested = new Map<unknown, readonly Row[]>();
  #bytes = 0;

  constructor(
    all: readonly Row[],
    keys: readonly MappedKey[],
    compared: readonly MappedKey[],
    test: CompiledTest | null,
    run: Run,
  ) {
    const { rows, key } = chooseMap(all, keys);
    this.#rows = rows;
    this.#key = key;
    this.#compared = compared.filter((one) => one.condition !== key.condition);
    this.#test = test;
    this.#run = run;
  }

  candidates(left: Row): Soon<readonly Row[]> {
    const { leftAt, leftEval } = this.#key;
    if (leftAt !== -1) return this.#matching(left, left[leftAt]!);
    const wanted = leftEval(left, this.#run);
    return wanted instanceof Promise
      ? wanted.then((value) => this.#matching(left, value))
      : this.#matching(left, wanted);
  }

  #matching(left: Row, wanted: Datum): readonly Row[] {
    let rows = this.#withValue(wanted);
    for (const { leftAt, key, position } of this.#compared) {
      if (rows.length === 0) break;
      const value = left[leftAt]!;
      if (value === null) return NONE;
      rows = withKey(rows, position, key, key(value));
    }
    return rows;
  }

  #withValue(wanted: Datum): readonly Row[] {
    if (wanted === null) return NONE;
    const value = this.#key.key(wanted);
    const test = this.#test;
    if (test === null) return this.#rows.get(value) ?? NONE;
    let candidates = this.#tested.get(value);
    if (candidates === undefined) {
      candidates = (this.#rows.get(value) ?? NONE).filter((row) => test.now(row, this.#run));
      const more = 64 + 8 * candidates.length;
      this.#bytes += more;
      this.#run.ctx.memory.grow(more);
      this.#tested.set(value, candidates);
    }
    return candidates;
  }

  release(): void {
    this.#run.ctx.memory.shrink(this.#bytes);
    this.#bytes = 0;
    this.#tested.clear();
  }
}

/** Most of the time one, or none: that needs no second array. */
function withKey(rows: readonly Row[], position: number, keyOf: HashKey, wanted: unknown): readonly Row[] {
  let found: Row[] | null = null;
  for (const row of rows) {
    const value = row[position]!;
    if (value === null || keyOf(value) !== wanted) continue;
    if (found === null) found = [row];
    else found.push(row);
  }
  return found === null ? NONE : found.length === rows.length ? rows : found;
}

/** The map of the first column that tells rows apart well, else of the best. */
function chooseMap(
  all: readonly Row[],
  keys: readonly MappedKey[],
): { readonly rows: ByValue; readonly key: MappedKey } {
  let best: { rows: ByValue; key: MappedKey } | null = null;
  for (const key of keys) {
    const rows = rowsByValue(all, key.position, key.key);
    if (best === null || rows.size > best.rows.size) best = { rows, key };
    if (rows.size * ROWS_PER_VALUE >= all.length) break;
  }
  return best!;
}
