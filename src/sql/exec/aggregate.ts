/**
 * GROUP BY and aggregates, by hashing. Each group holds one accumulator per aggregate; DISTINCT
 * arguments are filtered by a set, ordered ones are collected and sorted before they are stepped
 * through. Without GROUP BY there is exactly one group, even over no rows.
 * Output: the group columns, then the aggregates. GROUPING SETS run every row through every set.
 */
import type { Accumulator } from '../functions/entry.js';
import { countsInAnyOrder } from '../functions/hypothetical.js';
import { GROUPING, groupingMask } from '../plan/grouping.js';
import type { AggregatePlan } from '../plan/logical.js';
import type { AggregateExpr, SortKey } from '../plan/expr.js';
import type { Datum } from '../types/datum.js';
import { compilePlan } from './compile-plan.js';
import {
  type CompiledRow,
  type CompiledTest,
  compileRow,
  compileTest,
  type Layout,
  layoutOf,
  testRow,
} from './eval.js';
import { compileHasher, type RowHasher } from './hashing.js';
import { breatheAt, RowPace, sortPaced } from './pace.js';
import { LazyRows, type OperatorFactory, type Row, rowBytes, type Run } from './run.js';
import { checkCancelled } from './scan.js';
import { valueComparator } from './sort.js';

interface AggregateShape {
  readonly expr: AggregateExpr;
  readonly args: CompiledRow;
  readonly filter: CompiledTest | null;
  readonly distinct: RowHasher | null;
  readonly order: { readonly keys: CompiledRow; readonly compare: (a: Ordered, b: Ordered) => number } | null;
}

interface Ordered {
  readonly keys: readonly Datum[];
  readonly args: readonly Datum[];
}

/** Their result shows the order of their input. */
const COLLECTING: ReadonlySet<string> = new Set([
  'array_agg',
  'string_agg',
  'json_agg',
  'jsonb_agg',
  'json_object_agg',
  'jsonb_object_agg',
]);

/** PostgreSQL finds distinct values by sorting, and statements have come to rely on the order that this gives. */
function sortsOf(expr: AggregateExpr): readonly SortKey[] {
  if (expr.orderBy.length > 0 || !expr.distinct || !COLLECTING.has(expr.entry.name)) return expr.orderBy;
  return expr.args.map((arg) => ({ expr: arg, descending: false, nullsFirst: false }));
}

function compileAggregateExpr(expr: AggregateExpr, layout: Layout): AggregateShape {
  const sorts = sortsOf(expr);
  const compares = sorts.map((k) => valueComparator(k, k.expr.oid));
  return {
    expr,
    args: compileRow(expr.args, layout),
    filter: compileTest(expr.filter, layout),
    distinct: expr.distinct ? compileHasher(expr.args.map((a, i) => ({ oid: a.oid, eval: (row) => row[i]! }))) : null,
    order:
      sorts.length === 0 || countsInAnyOrder(expr.entry)
        ? null
        : {
            keys: compileRow(
              sorts.map((k) => k.expr),
              layout,
            ),
            compare: (a, b) => {
              for (let i = 0; i < compares.length; i++) {
                const order = compares[i]!(a.keys[i]!, b.keys[i]!);
                if (order !== 0) return order;
              }
              return 0;
            },
          },
  };
}

/** The running state of one aggregate in one group. */
class State {
  readonly #shape: AggregateShape;
  readonly #accumulator: Accumulator;
  readonly #seen: Set<unknown> | null;
  readonly #ordered: Ordered[] | null;

  constructor(shape: AggregateShape) {
    this.#shape = shape;
    this.#accumulator = shape.expr.entry.init(shape.expr.info);
    this.#seen = shape.distinct === null ? null : new Set();
    this.#ordered = shape.order === null ? null : [];
  }

  add(args: readonly Datum[], keys: readonly Datum[] | null, run: Run): void {
    const { expr, distinct } = this.#shape;
    if (expr.entry.strict && args.includes(null)) return;
    if (this.#seen !== null) {
      const key = distinct!(args, run);
      if (this.#seen.has(key)) return;
      this.#seen.add(key);
      run.ctx.memory.grow(64);
    }
    if (this.#ordered !== null) {
      this.#ordered.push({ keys: keys!, args });
      run.ctx.memory.grow(rowBytes(args) + 64);
    } else {
      this.#accumulator.step(args, run.ctx);
    }
  }

  /** Whether its rows are still to be put in order; if not, `ordered` need not be called. */
  get isOrdered(): boolean {
    return this.#ordered !== null;
  }

  async ordered(run: Run): Promise<void> {
    const sorted = await sortPaced(this.#ordered!, this.#shape.order!.compare, run.ctx);
    for (let i = 0; i < sorted.length; i++) {
      const rest = breatheAt(run.ctx, i);
      if (rest !== null) await rest;
      this.#accumulator.step(sorted[i]!.args, run.ctx);
    }
  }

  result(run: Run): Datum {
    return this.#accumulator.final(run.ctx);
  }
}

interface Group {
  readonly keys: readonly Datum[];
  readonly states: readonly State[];
}

export function compileAggregate(plan: AggregatePlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const layout = layoutOf(plan.input.columns);
  const groupRow = compileRow(
    plan.groups.map((g) => g.expr),
    layout,
  );
  const shapes = plan.aggregates.map((a) => compileAggregateExpr(a.aggregate, layout));
  const sets = plan.sets ?? [plan.groups.map((_, i) => i)];
  // Of GROUPING: its value in each set.
  const masks = plan.aggregates.map(({ aggregate }) =>
    aggregate.entry === GROUPING ? sets.map((set) => groupingMask(aggregate, plan.groups, set)) : null,
  );
  const hashers = sets.map((set) =>
    compileHasher(set.map((i) => ({ oid: plan.groups[i]!.expr.oid, eval: (row: Row) => row[i]! }))),
  );
  return (run) =>
    new LazyRows(async () => {
      const tables = sets.map(() => new Map<unknown, Group>());
      const newGroup = (keys: readonly Datum[]): Group => {
        run.ctx.memory.grow(rowBytes(keys) + 96 * (shapes.length + 1));
        return { keys, states: shapes.map((s) => new State(s)) };
      };
      const groupOf = (set: number, keys: readonly Datum[]): Group => {
        const table = tables[set]!;
        const members = sets[set]!;
        const key = members.length === 0 ? '' : hashers[set]!(keys, run);
        let group = table.get(key);
        if (group === undefined) {
          group = newGroup(keys.map((v, i) => (members.includes(i) ? v : null)));
          table.set(key, group);
        }
        return group;
      };
      const source = input(run);
      try {
        for (let batch = await source.next(); batch !== null; batch = await source.next()) {
          checkCancelled(run.ctx);
          const pace = new RowPace(run.ctx);
          for (let i = 0; i < batch.length; i++) {
            const rest = pace.rest(i);
            if (rest !== null) await rest;
            const row = batch[i]!;
            const keys = groupRow.waits ? await groupRow.later(row, run) : groupRow.now(row, run);
            const groups = sets.map((_, set) => groupOf(set, keys));
            for (let a = 0; a < shapes.length; a++) {
              if (masks[a] !== null) continue;
              const step = stepAll(shapes[a]!, a, groups, row, run);
              if (step !== undefined) await step;
            }
          }
        }
      } finally {
        source.close();
      }
      sets.forEach((set, s) => {
        if (set.length === 0 && tables[s]!.size === 0)
          groupOf(
            s,
            plan.groups.map(() => null),
          );
      });
      const out: Row[] = [];
      const pace = new RowPace(run.ctx);
      for (const [s, table] of tables.entries()) {
        for (const { keys, states } of table.values()) {
          const rest = pace.rest(out.length);
          if (rest !== null) await rest;
          for (const state of states) if (state.isOrdered) await state.ordered(run);
          out.push([...keys, ...states.map((state, a) => masks[a]?.[s] ?? state.result(run))]);
        }
      }
      return out;
    });
}

function stepAll(
  shape: AggregateShape,
  index: number,
  groups: readonly Group[],
  row: Row,
  run: Run,
): Promise<void> | void {
  const { filter, args, order } = shape;
  if (filter?.waits === true || args.waits || order?.keys.waits === true) {
    return stepWaiting(shape, index, groups, row, run);
  }
  if (filter !== null && !filter.now(row, run)) return undefined;
  const values = args.now(row, run);
  const keys = order === null ? null : order.keys.now(row, run);
  for (const group of groups) group.states[index]!.add(values, keys, run);
  return undefined;
}

async function stepWaiting(
  shape: AggregateShape,
  index: number,
  groups: readonly Group[],
  row: Row,
  run: Run,
): Promise<void> {
  if (!(await testRow(shape.filter, row, run))) return;
  const values = await shape.args.later(row, run);
  const keys = shape.order === null ? null : await shape.order.keys.later(row, run);
  for (const group of groups) group.states[index]!.add(values, keys, run);
}
