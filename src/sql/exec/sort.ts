/** ORDER BY: comparators over rows, sorting in memory, top-k when few rows suffice. */
import { sqlError } from '../../base/errors.js';
import { after, type Soon } from '../../base/soon.js';
import type { SortKey } from '../plan/expr.js';
import type { SortPlan } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { orderOf } from '../functions/collated-entries.js';
import { compilePlan } from './compile-plan.js';
import { type CompiledRow, compileExpr, compileRow, type Layout, layoutOf } from './eval.js';
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

export function compileSort(plan: SortPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const layout = layoutOf(plan.input.columns);
  const keyRow = compileRow(
    plan.keys.map((k) => k.expr),
    layout,
  );
  const compares = plan.keys.map((k) => valueComparator(k, k.expr.oid));
  const compare = (a: Keyed, b: Keyed): number => {
    for (let i = 0; i < compares.length; i++) {
      const order = compares[i]!(a.keys[i]!, b.keys[i]!);
      if (order !== 0) return order;
    }
    return 0;
  };
  const outside = new Map<number, number>();
  const count = plan.limit === null ? null : compileExpr(plan.limit.count, outside);
  const offset = plan.limit === null || plan.limit.offset === null ? null : compileExpr(plan.limit.offset, outside);
  const wantedRows = (run: Run): Soon<number> => {
    if (plan.limit === null) return Number.MAX_SAFE_INTEGER;
    return after<number, number>(evalCount(count, 'LIMIT', run), (limit) =>
      after<number, number>(evalCount(offset, 'OFFSET', run), (skipped) => limit + skipped),
    );
  };
  return (run) =>
    heldRows(run, (held) =>
      after(wantedRows(run), (wanted) => new Sorting(keyRow, compare, wanted, run, held).rowsOf(input(run))),
    );
}

/** One sort: what it holds of the input so far. */
class Sorting {
  readonly #keyRow: CompiledRow;
  readonly #compare: (a: Keyed, b: Keyed) => number;
  readonly #wanted: number;
  readonly #run: Run;
  readonly #memory: Held;
  #held: Keyed[] = [];

  constructor(keyRow: CompiledRow, compare: (a: Keyed, b: Keyed) => number, wanted: number, run: Run, memory: Held) {
    this.#keyRow = keyRow;
    this.#compare = compare;
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
        return held.map((k) => k.row);
      }),
    );
  }

  #hold(batch: Batch): Promise<void> | null {
    const memory = this.#memory;
    const add = (keys: readonly Datum[], row: Row): void => {
      this.#held.push({ keys, row });
      memory.grow(rowBytes(row) + 64);
    };
    const keyRow = this.#keyRow;
    if (keyRow.waits) return this.#holdWaiting(batch, add);
    for (const row of batch) add(keyRow.now(row, this.#run), row);
    return null;
  }

  async #holdWaiting(batch: Batch, add: (keys: readonly Datum[], row: Row) => void): Promise<void> {
    for (const row of batch) add(await this.#keyRow.later(row, this.#run), row);
  }

  #sort(): Promise<void> | null {
    const sorted = sortPaced(this.#held, this.#compare, this.#run.ctx);
    if (sorted instanceof Promise) return sorted.then((held) => void (this.#held = held));
    this.#held = sorted;
    return null;
  }

  #cut(holdMax: number): Promise<void> | null {
    if (this.#held.length <= holdMax) return null;
    const cut = (): null => {
      for (const { row } of this.#held.splice(this.#wanted)) this.#memory.shrink(rowBytes(row) + 64);
      return null;
    };
    const sorting = this.#sort();
    return sorting === null ? cut() : sorting.then(cut).then(() => undefined);
  }
}
