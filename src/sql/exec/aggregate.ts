/**
 * GROUP BY and aggregates, by hashing. Each group holds one accumulator per aggregate; DISTINCT
 * arguments are filtered by a set, ordered ones are collected and sorted before they are stepped
 * through. Without GROUP BY there is exactly one group, even over no rows.
 * Output: the group columns, then the aggregates. GROUPING SETS run every row through every set.
 */
import { after, type Soon } from '../../base/soon.js';
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
import { breatheAt, eachRow, RowPace, sortPaced } from './pace.js';
import { type Batch, eachBatch, Held, heldRows, type OperatorFactory, type Row, rowBytes, type Run } from './run.js';
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
  const { collation } = expr.info;
  const order = collation === undefined ? {} : { collation };
  return expr.args.map((arg) => ({ expr: arg, descending: false, nullsFirst: false, ...order }));
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
      sorts.length === 0 || countsInAnyOrder(expr.entry) || expr.entry.unsorted === true
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

/** Ordered rows that are taken in without a look at the clock. */
const ORDERED_AT_ONCE = 1024;

/** The running state of one aggregate in one group. */
class State {
  readonly #shape: AggregateShape;
  readonly #accumulator: Accumulator;
  readonly #seen: Set<unknown> | null;
  readonly #ordered: Ordered[] | null;
  readonly #held: Held;

  constructor(shape: AggregateShape, held: Held) {
    this.#shape = shape;
    this.#held = held;
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
      this.#held.grow(64);
    }
    if (this.#ordered !== null) {
      this.#ordered.push({ keys: keys!, args });
      this.#held.grow(rowBytes(args) + 64);
    } else {
      this.#accumulator.step(args, run.ctx);
    }
  }

  /** Takes in the rows that had to be put in order first; to be called before `result`. */
  takeOrdered(run: Run): Promise<void> | null {
    if (this.#ordered === null) return null;
    const sorted = sortPaced(this.#ordered, this.#shape.order!.compare, run.ctx);
    if (sorted instanceof Promise || sorted.length > ORDERED_AT_ONCE) return this.#takePaced(sorted, run);
    for (const { args } of sorted) this.#accumulator.step(args, run.ctx);
    return null;
  }

  async #takePaced(sorting: Soon<readonly Ordered[]>, run: Run): Promise<void> {
    const sorted = await sorting;
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
  const waits = groupRow.waits || shapes.some(stepWaits);
  const hashers = sets.map((set) =>
    compileHasher(set.map((i) => ({ oid: plan.groups[i]!.expr.oid, eval: (row: Row) => row[i]! }))),
  );
  return (run) =>
    heldRows(run, (held) => {
      const tables = sets.map(() => new Map<unknown, Group>());
      const newGroup = (keys: readonly Datum[]): Group => {
        held.grow(rowBytes(keys) + 96 * (shapes.length + 1));
        return { keys, states: shapes.map((s) => new State(s, held)) };
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
      const counted = shapes.map((_, a) => a).filter((a) => masks[a] === null);
      const groupsOf = (keys: readonly Datum[]): readonly Group[] => sets.map((_, set) => groupOf(set, keys));
      const read = eachBatch(input(run), (batch) => {
        checkCancelled(run.ctx);
        if (waits) return stepWaiting(batch, run, groupRow, groupsOf, shapes, counted);
        const take = (row: Row): null => {
          const groups = groupsOf(groupRow.now(row, run));
          for (const a of counted) step(shapes[a]!, a, groups, row, run);
          return null;
        };
        return eachRow(batch, take, run.ctx);
      });
      return after(read, () => {
        sets.forEach((set, s) => {
          if (set.length === 0 && tables[s]!.size === 0)
            groupOf(
              s,
              plan.groups.map(() => null),
            );
        });
        return resultsOf(tables, masks, run);
      });
    });
}

/** All of few rows as one group; null: there are groups, or something in it waits. */
export function compileFold(
  plan: AggregatePlan,
  layout: Layout,
): ((rows: readonly Row[], run: Run) => Soon<Row>) | null {
  if (plan.groups.length > 0 || plan.sets !== null) return null;
  const shapes = plan.aggregates.map((a) => compileAggregateExpr(a.aggregate, layout));
  if (shapes.some((shape) => stepWaits(shape) || shape.expr.entry === GROUPING)) return null;
  return (rows, run) => {
    const held = new Held(run);
    const states = shapes.map((shape) => new State(shape, held));
    for (const row of rows) for (let a = 0; a < shapes.length; a++) addTo(states[a]!, shapes[a]!, row, run);
    const waits = takeOrdered(states, run);
    const give = (): Row => {
      held.release();
      return states.map((state) => state.result(run));
    };
    return waits === null ? give() : waits.then(give);
  };
}

/** Of all of them; null: nothing has to be waited for. */
function takeOrdered(states: readonly State[], run: Run): Promise<unknown> | null {
  let waits: Promise<void>[] | null = null;
  for (const state of states) {
    const wait = state.takeOrdered(run);
    if (wait !== null) (waits ??= []).push(wait);
  }
  return waits === null ? null : Promise.all(waits);
}

function addTo(state: State, { filter, args, order }: AggregateShape, row: Row, run: Run): void {
  if (filter !== null && !filter.now(row, run)) return;
  state.add(args.now(row, run), order === null ? null : order.keys.now(row, run), run);
}

function resultsOf(
  tables: readonly ReadonlyMap<unknown, Group>[],
  masks: readonly (readonly Datum[] | null)[],
  run: Run,
): Soon<Row[]> {
  const out: Row[] = [];
  const groups: { readonly set: number; readonly group: Group }[] = [];
  tables.forEach((table, set) => {
    for (const group of table.values()) groups.push({ set, group });
  });
  const give = ({ set, group: { keys, states } }: (typeof groups)[number]): null => {
    out.push([...keys, ...states.map((state, a) => masks[a]?.[set] ?? state.result(run))]);
    return null;
  };
  const work = (one: (typeof groups)[number]): Promise<void> | null => {
    const waits = takeOrdered(one.group.states, run);
    return waits === null ? give(one) : waits.then(() => void give(one));
  };
  return after(eachRow(groups, work, run.ctx), () => out);
}

function stepWaits({ filter, args, order }: AggregateShape): boolean {
  return filter?.waits === true || args.waits || order?.keys.waits === true;
}

/** Of a shape that does not wait. */
function step(shape: AggregateShape, index: number, groups: readonly Group[], row: Row, run: Run): void {
  const { filter, args, order } = shape;
  if (filter !== null && !filter.now(row, run)) return;
  const values = args.now(row, run);
  const keys = order === null ? null : order.keys.now(row, run);
  for (const group of groups) group.states[index]!.add(values, keys, run);
}

async function stepWaiting(
  batch: Batch,
  run: Run,
  groupRow: CompiledRow,
  groupsOf: (keys: readonly Datum[]) => readonly Group[],
  shapes: readonly AggregateShape[],
  counted: readonly number[],
): Promise<void> {
  const pace = new RowPace(run.ctx);
  for (const [i, row] of batch.entries()) {
    const rest = pace.rest(i);
    if (rest !== null) await rest;
    const groups = groupsOf(await groupRow.later(row, run));
    for (const a of counted) {
      const { filter, args, order } = shapes[a]!;
      if (!(await testRow(filter, row, run))) continue;
      const values = await args.later(row, run);
      const keys = order === null ? null : await order.keys.later(row, run);
      for (const group of groups) group.states[a]!.add(values, keys, run);
    }
  }
}
