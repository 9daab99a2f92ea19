/** ORDER BY: comparators over rows, sorting in memory, top-k when few rows suffice. */
import { sqlError } from '../../base/errors.js';
import { after, type Soon } from '../../base/soon.js';
import type { SortKey } from '../plan/expr.js';
import type { SortPlan } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { orderOf } from '../functions/collated-entries.js';
import { compilePlan } from './compile-plan.js';
import { columnAt, type CompiledRow, compileExpr, compileRow, type Layout, layoutOf } from './eval.js';
import { evalCount } from './operators.js';
import {
  type Batch,
  eachBatch,
  type Held,
  heldRows,
  type Operator,
  type OperatorFactory,
  type Row,
  rowBytes,
  type Run,
} from './run.js';
import { sortPaced } from './pace.js';
import { checkCancelled } from './scan.js';

export type RowComparator = (a: Row, b: Row, run: Run) => number;
type ValueComparator = (a: Datum, b: Datum) => number;

export function valueComparator(
  key: Pick<SortKey, 'descending' | 'nullsFirst' | 'collation'>,
  oid: number,
): ValueComparator {
  const compare = orderOf(oid, key.collation);
  const sign = key.descending ? -1 : 1;
  const nullRank = key.nullsFirst ? -1 : 1;
  return (a, b) => {
    if (a === null) return b === null ? 0 : nullRank;
    if (b === null) return -nullRank;
    return sign * compare(a, b);
  };
}

/** Compares rows by keys that are evaluated each time; for few comparisons. */
export function compileComparator(keys: readonly SortKey[], layout: Layout): RowComparator {
  const parts = keys.map((key) => {
    const compiled = compileExpr(key.expr, layout);
    if (compiled.waits) throw sqlError('0A000', 'subqueries are not supported here');
    return { eval: compiled.eval, compare: valueComparator(key, key.expr.oid) };
  });
  return (a, b, run) => {
    for (const part of parts) {
      const order = part.compare(part.eval(a, run), part.eval(b, run));
      if (order !== 0) return order;
    }
    return 0;
  };
}

interface Keyed {
  readonly keys: readonly Datum[];
  readonly row: Row;
}

/** What is sorted: rows beside the values that they are sorted by, or just rows where those are columns of theirs. */
interface Sorted<T> {
  /** null: the keys may have to be waited for. */
  readonly now: ((row: Row, run: Run) => T) | null;
  readonly later: (row: Row, run: Run) => Soon<T>;
  readonly rowOf: (item: T) => Row;
  readonly compare: (a: T, b: T) => number;
}

function columnsSorted(at: readonly number[], compares: readonly ValueComparator[]): Sorted<Row> {
  const same = (row: Row): Row => row;
  const compare = (a: Row, b: Row): number => {
    for (let i = 0; i < compares.length; i++) {
      const order = compares[i]!(a[at[i]!]!, b[at[i]!]!);
      if (order !== 0) return order;
    }
    return 0;
  };
  return { now: same, later: same, rowOf: same, compare };
}

function keysSorted(keyRow: CompiledRow, compares: readonly ValueComparator[]): Sorted<Keyed> {
  const compare = (a: Keyed, b: Keyed): number => {
    for (let i = 0; i < compares.length; i++) {
      const order = compares[i]!(a.keys[i]!, b.keys[i]!);
      if (order !== 0) return order;
    }
    return 0;
  };
  return {
    now: keyRow.waits ? null : (row, run) => ({ keys: keyRow.now(row, run), row }),
    later: (row, run) => after<readonly Datum[], Keyed>(keyRow.later(row, run), (keys) => ({ keys, row })),
    rowOf: (item) => item.row,
    compare,
  };
}

export function compileSort(plan: SortPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const layout = layoutOf(plan.input.columns);
  const keys = plan.keys.map((k) => k.expr);
  const compares = plan.keys.map((k) => valueComparator(k, k.expr.oid));
  const columns = keys.map((key) => columnAt(key, layout));
  const outside = new Map<number, number>();
  const count = plan.limit === null ? null : compileExpr(plan.limit.count, outside);
  const offset = plan.limit === null || plan.limit.offset === null ? null : compileExpr(plan.limit.offset, outside);
  const wantedRows = (run: Run): Soon<number> => {
    if (plan.limit === null) return Number.MAX_SAFE_INTEGER;
    return after<number, number>(evalCount(count, 'LIMIT', run), (limit) =>
      after<number, number>(evalCount(offset, 'OFFSET', run), (skipped) => limit + skipped),
    );
  };
  const sorting = <T>(sorted: Sorted<T>): OperatorFactory => {
    return (run) =>
      heldRows(run, (held) =>
        after(wantedRows(run), (wanted) => new Sorting(sorted, wanted, run, held).rowsOf(input(run))),
      );
  };
  return columns.includes(-1)
    ? sorting(keysSorted(compileRow(keys, layout), compares))
    : sorting(columnsSorted(columns, compares));
}

/** One sort: what it holds of the input so far. */
class Sorting<T> {
  readonly #sorted: Sorted<T>;
  readonly #wanted: number;
  readonly #run: Run;
  readonly #memory: Held;
  #held: T[] = [];

  constructor(sorted: Sorted<T>, wanted: number, run: Run, memory: Held) {
    this.#sorted = sorted;
    this.#wanted = wanted;
    this.#run = run;
    this.#memory = memory;
  }

  rowsOf(source: Operator): Soon<readonly Row[]> {
    // Keeps at most twice what is wanted, and cuts back by sorting: k·log k work for every k rows.
    const holdMax = this.#wanted < 100_000 ? Math.max(2 * this.#wanted, 1024) : Number.MAX_SAFE_INTEGER;
    const read = eachBatch(source, (batch) => {
      checkCancelled(this.#run.ctx);
      const held = this.#hold(batch);
      if (held !== null) return held.then(() => this.#cut(holdMax) ?? undefined);
      return this.#cut(holdMax);
    });
    return after(read, () =>
      after(this.#sort(), () => {
        const held = this.#held.length > this.#wanted ? this.#held.slice(0, this.#wanted) : this.#held;
        return held.map(this.#sorted.rowOf);
      }),
    );
  }

  #hold(batch: Batch): Promise<void> | null {
    let bytes = 0;
    for (const row of batch) bytes += heldBytes(row);
    this.#memory.grow(bytes);
    const { now } = this.#sorted;
    if (now === null) return this.#holdWaiting(batch);
    for (const row of batch) this.#held.push(now(row, this.#run));
    return null;
  }

  async #holdWaiting(batch: Batch): Promise<void> {
    for (const row of batch) this.#held.push(await this.#sorted.later(row, this.#run));
  }

  #sort(): Promise<void> | null {
    const sorted = sortPaced(this.#held, this.#sorted.compare, this.#run.ctx);
    if (sorted instanceof Promise) return sorted.then((held) => void (this.#held = held));
    this.#held = sorted;
    return null;
  }

  #cut(holdMax: number): Promise<void> | null {
    if (this.#held.length <= holdMax) return null;
    const cut = (): null => {
      let bytes = 0;
      for (const item of this.#held.splice(this.#wanted)) bytes += heldBytes(this.#sorted.rowOf(item));
      this.#memory.shrink(bytes);
      return null;
    };
    const sorting = this.#sort();
    return sorting === null ? cut() : sorting.then(cut).then(() => undefined);
  }
}

function heldBytes(row: Row): number {
  return rowBytes(row) + 64;
}
