/**
 * Window functions. Rows are held and, for one window after the other, sorted by partition and order; the functions
 * of the window are computed over their frames. Aggregates over a frame that only grows (the default frame) step
 * forward; other frames are computed anew for each row.
 * Output: the input's columns, then one column for each window expression, in the order of the last window (its ties
 * in the order of the window before, and so on): what a query without ORDER BY shows, and PostgreSQL too. The planner
 * has put functions of one window next to each other.
 */
import { sqlError } from '../../base/errors.js';
import { sameWindow } from '../plan/expr.js';
import type { SortKey, WindowExpr } from '../plan/expr.js';
import type { WindowPlan } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { compilePlan } from './compile-plan.js';
import { compileRow, compileTest, type Layout, layoutOf } from './eval.js';
import { drain, type Held, heldRows, type OperatorFactory, type Row, rowBytes, type Run } from './run.js';
import { breathe, breatheAt, sortPaced } from './pace.js';
import { checkCancelled } from './scan.js';
import { rangeCompareOf } from './window-range.js';
import { valueComparator } from './sort.js';

interface Item {
  readonly at: number;
  readonly row: Row;
  readonly partition: readonly Datum[];
  readonly order: readonly Datum[];
}
type Compare = (a: readonly Datum[], b: readonly Datum[]) => number;

function comparatorOf(keys: readonly Pick<SortKey, 'expr' | 'descending' | 'nullsFirst' | 'collation'>[]): Compare {
  const compares = keys.map((k) => valueComparator(k, k.expr.oid));
  return (a, b) => {
    for (let i = 0; i < compares.length; i++) {
      const order = compares[i]!(a[i]!, b[i]!);
      if (order !== 0) return order;
    }
    return 0;
  };
}

export function compileWindow(plan: WindowPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const layout = layoutOf(plan.input.columns);
  const stages: WindowExpr[][] = [];
  for (const { window } of plan.windows) {
    const last = stages.at(-1);
    if (last !== undefined && sameWindow(last[0]!, window)) last.push(window);
    else stages.push([window]);
  }
  const steps = stages.map((windows) => compileStage(windows, layout));
  return (run) =>
    heldRows(run, async (held) => {
      let rows: readonly Row[] = await drain(input(run));
      for (const row of rows) held.grow(2 * rowBytes(row) + 256);
      for (const step of steps) {
        checkCancelled(run.ctx);
        rows = await step(rows, run, held);
      }
      return rows;
    });
}

/** The rows in the window's order, each with the values of its functions behind it. */
type Stage = (rows: readonly Row[], run: Run, held: Held) => Promise<readonly Row[]>;

function compileStage(windows: readonly WindowExpr[], layout: Layout): Stage {
  const { partition: partitionBy, orderBy } = windows[0]!;
  const partitionRow = compileRow(partitionBy, layout);
  const orderRow = compileRow(
    orderBy.map((k) => k.expr),
    layout,
  );
  const comparePartition = comparatorOf(partitionBy.map((e) => ({ expr: e, descending: false, nullsFirst: false })));
  const compareOrder = comparatorOf(orderBy);
  const computes = windows.map((w) => (w.aggregate === null ? compileRanking(w, layout) : compileFramed(w, layout)));
  return async (rows, run, held) => {
    let items: Item[] = [];
    for (let at = 0; at < rows.length; at++) {
      const rest = breatheAt(run.ctx, at);
      if (rest !== null) await rest;
      const row = rows[at]!;
      const partition = partitionRow.waits ? await partitionRow.later(row, run) : partitionRow.now(row, run);
      const order = orderRow.waits ? await orderRow.later(row, run) : orderRow.now(row, run);
      items.push({ at, row, partition, order });
    }
    const compare = (a: Item, b: Item): number =>
      comparePartition(a.partition, b.partition) || compareOrder(a.order, b.order) || a.at - b.at;
    items = await sortPaced(items, compare, run.ctx);
    const out: Row[] = [];
    let from = 0;
    for (let to = 1; to <= items.length; to++) {
      if (to < items.length && comparePartition(items[from]!.partition, items[to]!.partition) === 0) continue;
      const part = new Partition(items.slice(from, to), compareOrder, held);
      const values: Datum[][] = [];
      for (const compute of computes) values.push(await compute(part, run));
      part.items.forEach((item, i) => out.push([...item.row, ...values.map((column) => column[i]!)]));
      from = to;
    }
    return out;
  };
}

/** The rows of one partition in order, with their peer groups. */
class Partition {
  readonly items: readonly Item[];
  /** For what is computed over them. */
  readonly held: Held;
  /** First row of each row's peer group, and the row after its last. */
  readonly peerStart: number[] = [];
  readonly peerEnd: number[] = [];
  readonly group: number[] = [];
  readonly groupStarts: number[] = [];
  /** From the first row to behind the last one that has a value to be ordered by; NULLs are on one side of them. */
  readonly valued: readonly [number, number];

  constructor(items: readonly Item[], compareOrder: Compare, held: Held) {
    this.items = items;
    this.held = held;
    for (let i = 0; i < items.length; i++) {
      const fresh = i === 0 || compareOrder(items[i - 1]!.order, items[i]!.order) !== 0;
      if (fresh) this.groupStarts.push(i);
      this.group.push(this.groupStarts.length - 1);
      this.peerStart.push(this.groupStarts[this.groupStarts.length - 1]!);
    }
    for (let i = 0; i < items.length; i++) {
      this.peerEnd.push(this.groupStarts[this.group[i]! + 1] ?? items.length);
    }
    const isNull = (at: number): boolean => (items[at]!.order[0] ?? null) === null;
    let [from, to] = [0, items.length];
    while (from < to && isNull(from)) from = this.peerEnd[from]!;
    while (to > from && isNull(to - 1)) to = this.peerStart[to - 1]!;
    this.valued = [from, to];
  }
  get size(): number {
    return this.items.length;
  }
}

type PartitionFunction = (part: Partition, run: Run) => Promise<Datum[]>;

/** Functions that look at positions: row_number, rank, lag, first_value, … */
function compileRanking(expr: WindowExpr, layout: Layout): PartitionFunction {
  const args = compileRow(expr.args, layout);
  const frame = compileFrame(expr, layout);
  const valuesOf = (item: Item, run: Run): Promise<Datum[]> | Datum[] =>
    args.waits ? args.later(item.row, run) : args.now(item.row, run);
  const each = async (part: Partition, run: Run, fn: (i: number) => Datum | Promise<Datum>): Promise<Datum[]> => {
    const out: Datum[] = [];
    for (let i = 0; i < part.size; i++) {
      out.push(await fn(i));
      const rest = breathe(run.ctx);
      if (rest !== null) await rest;
    }
    return out;
  };
  const at = async (part: Partition, index: number, run: Run): Promise<Datum> =>
    index >= 0 && index < part.size ? ((await valuesOf(part.items[index]!, run))[0] ?? null) : null;
  switch (expr.name) {
    case 'row_number':
      return (part, run) => each(part, run, (i) => BigInt(i + 1));
    case 'rank':
      return (part, run) => each(part, run, (i) => BigInt(part.peerStart[i]! + 1));
    case 'dense_rank':
      return (part, run) => each(part, run, (i) => BigInt(part.group[i]! + 1));
    case 'percent_rank':
      return (part, run) => each(part, run, (i) => (part.size === 1 ? 0 : part.peerStart[i]! / (part.size - 1)));
    case 'cume_dist':
      return (part, run) => each(part, run, (i) => part.peerEnd[i]! / part.size);
    case 'ntile':
      return (part, run) => {
        const bucketOf = bucketsOf(part.size);
        return each(part, run, async (i) => bucketOf(i, async () => (await valuesOf(part.items[i]!, run))[0]!));
      };
    case 'lag':
    case 'lead': {
      const sign = expr.name === 'lag' ? -1 : 1;
      return (part, run) =>
        each(part, run, async (i) => {
          const values = await valuesOf(part.items[i]!, run);
          const offset = values.length > 1 ? values[1]! : 1;
          if (offset === null) return null;
          const target = i + sign * Number(offset);
          if (target < 0 || target >= part.size) return values[2] ?? null;
          return at(part, target, run);
        });
    }
    case 'first_value':
    case 'last_value':
    case 'nth_value':
      return (part, run) =>
        each(part, run, async (i) => {
          const rows = await frame(part, i, run);
          if (rows.length === 0) return null;
          if (expr.name === 'first_value') return at(part, rows.at(0)!, run);
          if (expr.name === 'last_value') return at(part, rows.at(rows.length - 1)!, run);
          const nth = (await valuesOf(part.items[i]!, run))[1]!;
          if (nth === null) return null;
          if (Number(nth) <= 0) throw sqlError('22016', 'argument of nth_value must be greater than zero');
          return Number(nth) > rows.length ? null : at(part, rows.at(Number(nth) - 1)!, run);
        });
    default:
      throw sqlError('0A000', `window function ${expr.name} is not supported`);
  }
}

/** ntile: the number of buckets is that of the first row that has one, which is the first of the first bucket, as in PostgreSQL. */
function bucketsOf(size: number): (i: number, count: () => Promise<Datum>) => Promise<Datum> {
  let buckets = 0;
  let from = 0;
  return async (i, count) => {
    if (buckets === 0) {
      const wanted = await count();
      if (wanted === null) return null;
      buckets = Number(wanted);
      if (buckets <= 0) throw sqlError('22014', 'argument of ntile must be greater than zero');
      from = i;
    }
    const at = i - from;
    const small = Math.floor(size / buckets);
    const inLarge = (size % buckets) * (small + 1);
    return at < inLarge ? Math.floor(at / (small + 1)) + 1 : (size % buckets) + Math.floor((at - inLarge) / small) + 1;
  };
}

/** Rows of a frame, by their places in the partition. */
interface FrameRows {
  readonly length: number;
  at(index: number): number | undefined;
}
type Frame = (part: Partition, i: number, run: Run) => Promise<FrameRows>;

function compileFrame(expr: WindowExpr, layout: Layout): Frame {
  const { frame } = expr;
  const offsets = compileRow(
    [frame.start.offset, frame.end.offset].filter((o) => o !== null),
    layout,
  );
  return async (part, i, run) => {
    const values = offsets.waits ? await offsets.later(part.items[i]!.row, run) : offsets.now(part.items[i]!.row, run);
    const startOffset = frame.start.offset === null ? null : values[0]!;
    const endOffset = frame.end.offset === null ? null : values[frame.start.offset === null ? 0 : 1]!;
    const start = boundOf(expr, part, i, frame.start.kind, startOffset, true, run);
    const end = boundOf(expr, part, i, frame.end.kind, endOffset, false, run);
    const first = Math.max(0, start);
    const last = Math.min(part.size, end);
    if (frame.exclude === 'none') return { length: Math.max(0, last - first), at: (index) => first + index };
    const rows: number[] = [];
    for (let r = first; r < last; r++) if (!excluded(frame.exclude, part, i, r)) rows.push(r);
    return rows;
  };
}

function excluded(exclude: WindowExpr['frame']['exclude'], part: Partition, i: number, r: number): boolean {
  switch (exclude) {
    case 'none':
      return false;
    case 'current':
      return r === i;
    case 'group':
      return part.group[r] === part.group[i];
    case 'ties':
      return r !== i && part.group[r] === part.group[i];
  }
}

/** First row of the frame, or the row after its last. */
function boundOf(
  expr: WindowExpr,
  part: Partition,
  i: number,
  kind: WindowExpr['frame']['start']['kind'],
  offset: Datum,
  start: boolean,
  run: Run,
): number {
  const { mode } = expr.frame;
  if (kind === 'unbounded preceding') return 0;
  if (kind === 'unbounded following') return part.size;
  if (kind === 'current') {
    if (mode === 'rows') return start ? i : i + 1;
    return start ? part.peerStart[i]! : part.peerEnd[i]!;
  }
  const side = start ? 'starting' : 'ending';
  if (offset === null) throw sqlError('22004', `frame ${side} offset must not be null`);
  if (mode === 'range') return rangeBound(expr, part, i, kind === 'preceding', offset, start, run);
  const n = Number(offset);
  if (n < 0) throw sqlError('22013', `frame ${side} offset must not be negative`);
  const delta = kind === 'preceding' ? -n : n;
  if (mode === 'rows') return i + delta + (start ? 0 : 1);
  const group = part.group[i]! + delta;
  if (start) return group < 0 ? 0 : (part.groupStarts[group] ?? part.size);
  return group + 1 <= 0 ? 0 : (part.groupStarts[group + 1] ?? part.size);
}

/** RANGE with an offset: the first row that is not before it, or (for the frame's end) the first one behind it. */
function rangeBound(
  expr: WindowExpr,
  part: Partition,
  i: number,
  preceding: boolean,
  offset: Exclude<Datum, null>,
  start: boolean,
  run: Run,
): number {
  const own = part.items[i]!.order[0]!;
  if (own === null) return start ? part.peerStart[i]! : part.peerEnd[i]!;
  const { descending, expr: key } = expr.orderBy[0]!;
  const compare = rangeCompareOf(key.oid);
  const subtract = preceding !== descending;
  let [low, high] = part.valued;
  while (low < high) {
    const middle = (low + high) >> 1;
    const value = part.items[middle]!.order[0] as Exclude<Datum, null>;
    const order = compare(value, own, offset, subtract, run.ctx) * (descending ? -1 : 1);
    if (start ? order >= 0 : order > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

function compileFramed(expr: WindowExpr, layout: Layout): PartitionFunction {
  const aggregate = expr.aggregate!;
  const args = compileRow(aggregate.args, layout);
  const filter = compileTest(aggregate.filter, layout);
  const frame = compileFrame(expr, layout);
  const { entry, info } = aggregate;
  const growing =
    expr.frame.start.kind === 'unbounded preceding' &&
    expr.frame.end.kind === 'current' &&
    expr.frame.exclude === 'none';
  return async (part, run) => {
    const inputs: (readonly Datum[] | null)[] = [];
    for (const { row } of part.items) {
      const wanted = filter === null || (filter.waits ? await filter.later(row, run) : filter.now(row, run));
      const values = !wanted ? null : args.waits ? await args.later(row, run) : args.now(row, run);
      inputs.push(values !== null && entry.strict && values.includes(null) ? null : values);
    }
    const out: Datum[] = [];
    if (growing) {
      const accumulator = entry.init(info);
      let done = 0;
      for (let i = 0; i < part.size; i++) {
        const end = expr.frame.mode === 'rows' ? i + 1 : part.peerEnd[i]!;
        for (; done < end; done++) if (inputs[done] !== null) accumulator.step(inputs[done]!, run.ctx);
        out.push(kept(accumulator.final(run.ctx), part));
        const rest = breathe(run.ctx);
        if (rest !== null) await rest;
      }
      return out;
    }
    for (let i = 0; i < part.size; i++) {
      const rest = breathe(run.ctx);
      if (rest !== null) await rest;
      const accumulator = entry.init(info);
      const rows = await frame(part, i, run);
      for (let k = 0; k < rows.length; k++) {
        const values = inputs[rows.at(k)!]!;
        if (values !== null) accumulator.step(values, run.ctx);
      }
      out.push(kept(accumulator.final(run.ctx), part));
    }
    return out;
  };
}

/** Results that have a size are accounted for: each row may hold all rows before it. */
function kept(value: Datum, { held }: Partition): Datum {
  if (typeof value === 'string' || (typeof value === 'object' && value !== null)) held.grow(rowBytes([value]));
  return value;
}
