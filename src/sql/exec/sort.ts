/** ORDER BY: comparators over rows, sorting in memory, top-k when few rows suffice. */
import { sqlError } from '../../base/errors.js';
import type { SortKey } from '../plan/expr.js';
import type { SortPlan } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import { compilePlan } from './compile-plan.js';
import { compileExpr, compileRow, type Layout, layoutOf } from './eval.js';
import { evalCount } from './operators.js';
import { LazyRows, type OperatorFactory, type Row, rowBytes, type Run } from './run.js';
import { sortPaced } from './pace.js';
import { checkCancelled } from './scan.js';

export type RowComparator = (a: Row, b: Row, run: Run) => number;
type ValueComparator = (a: Datum, b: Datum) => number;

export function valueComparator(key: Pick<SortKey, 'descending' | 'nullsFirst'>, oid: number): ValueComparator {
  const { compare } = typeByOid(oid);
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
  return (run) =>
    new LazyRows(async () => {
      const wanted =
        plan.limit === null
          ? Number.MAX_SAFE_INTEGER
          : (await evalCount(count, 'LIMIT', run)) + (await evalCount(offset, 'OFFSET', run));
      const source = input(run);
      let held: Keyed[] = [];
      // Keeps at most twice what is wanted, and cuts back by sorting: k·log k work for every k rows.
      const holdMax = wanted < 100_000 ? Math.max(2 * wanted, 1024) : Number.MAX_SAFE_INTEGER;
      try {
        for (let batch = await source.next(); batch !== null; batch = await source.next()) {
          checkCancelled(run.ctx);
          for (const row of batch) {
            const keys = keyRow.waits ? await keyRow.later(row, run) : keyRow.now(row, run);
            held.push({ keys, row });
            run.ctx.memory.grow(rowBytes(row) + 64);
          }
          if (held.length > holdMax) {
            held = await sortPaced(held, compare, run.ctx);
            for (const cut of held.splice(wanted)) run.ctx.memory.shrink(rowBytes(cut.row) + 64);
          }
        }
      } finally {
        source.close();
      }
      held = await sortPaced(held, compare, run.ctx);
      if (held.length > wanted) held = held.slice(0, wanted);
      return held.map((k) => k.row);
    });
}
