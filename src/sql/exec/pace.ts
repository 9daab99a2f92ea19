/**
 * Statements that compute for long without waiting for anything give the event loop back now and then, so that the node
 * goes on serving others, heartbeats go out, and a cancel request or a time-out is seen at all.
 *
 * One Pace serves a whole node: what counts is how long the loop has been held, not by which statement. Operators ask it
 * between batches (compile-plan.ts does so for all of them) and inside loops that do not call an operator.
 * In virtual time nothing takes any, so a simulated node rests only where its clock moved anyway.
 */
import { heapRoom } from '../../base/heap.js';
import type { Soon } from '../../base/soon.js';
import type { ExecContext } from '../contract.js';
import { checkCancelled } from './cancel.js';
import type { Batch, Operator, Row } from './run.js';

/** How long the loop may be held before others get their turn, milliseconds. */
const SLICE_MS = 10;
/** Steps of a tight loop between two looks at the clock. */
const STEPS = 1024;

export class Pace {
  readonly #nowMs: () => number;
  readonly #endOfTurn: (fn: () => void) => void;
  #sinceMs = 0;

  constructor(nowMs: () => number, endOfTurn: (fn: () => void) => void) {
    this.#nowMs = nowMs;
    this.#endOfTurn = endOfTurn;
  }

  due(): boolean {
    return this.#nowMs() - this.#sinceMs >= SLICE_MS;
  }

  rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#endOfTurn(() => {
        this.#sinceMs = this.#nowMs();
        resolve();
      });
    });
  }
}

/** null: go on. Otherwise to be awaited; it rejects if the statement was cancelled meanwhile, or if the heap is full. */
export function breathe(ctx: ExecContext): Promise<void> | null {
  const { pace } = ctx;
  return pace === undefined || !pace.due() ? null : rested(ctx, pace);
}

async function rested(ctx: ExecContext, pace: Pace): Promise<void> {
  await pace.rest();
  checkCancelled(ctx);
  heapRoom(0);
}

/** For loops that count their steps: `steps` goes up by one each time. */
export function breatheAt(ctx: ExecContext, steps: number): Promise<void> | null {
  return steps % STEPS === STEPS - 1 ? breathe(ctx) : null;
}

/** Most rows between two looks at the clock. */
const ROWS_MAX = 256;

/**
 * For loops over rows whose expressions may take long each (a regular expression on a long text): looks at the clock
 * after 1, 2, 4, … rows, and after every one as long as there is something to rest for.
 */
export class RowPace {
  readonly #ctx: ExecContext;
  #next = 1;
  #stride = 1;

  constructor(ctx: ExecContext) {
    this.#ctx = ctx;
  }

  /** Before row `index`; null: go on. */
  rest(index: number): Promise<void> | null {
    if (index < this.#next) return null;
    const rest = breathe(this.#ctx);
    this.#stride = rest === null ? Math.min(ROWS_MAX, 2 * this.#stride) : 1;
    this.#next = index + this.#stride;
    return rest;
  }
}

/** Does something for each row, which may have to be waited for, with rests in between. */
export function eachRow<T = Row>(
  rows: readonly T[],
  work: (row: T, index: number) => Promise<void> | null,
  ctx: ExecContext,
): Promise<void> | null {
  const pace = new RowPace(ctx);
  for (let i = 0; i < rows.length; i++) {
    const rest = pace.rest(i);
    if (rest !== null) return restOfRows(rows, work, pace, rest, i);
    const done = work(rows[i]!, i);
    if (done !== null) return restOfRows(rows, work, pace, done, i + 1);
  }
  return null;
}

async function restOfRows<T>(
  rows: readonly T[],
  work: (row: T, index: number) => Promise<void> | null,
  pace: RowPace,
  first: Promise<void>,
  from: number,
): Promise<void> {
  await first;
  for (let i = from; i < rows.length; i++) {
    const rest = pace.rest(i);
    if (rest !== null) await rest;
    const done = work(rows[i]!, i);
    if (done !== null) await done;
  }
}

/** Rests between batches. */
export class PacedOperator implements Operator {
  readonly #inner: Operator;
  readonly #ctx: ExecContext;

  constructor(inner: Operator, ctx: ExecContext) {
    this.#inner = inner;
    this.#ctx = ctx;
  }

  next(wanted?: number): Soon<Batch | null> {
    const rest = breathe(this.#ctx);
    return rest === null ? this.#inner.next(wanted) : rest.then(() => this.#inner.next(wanted));
  }

  close(): void {
    this.#inner.close();
  }
}

/** Array.sort (stable) for arrays of any length: runs of a bearable length, merged with rests in between. */
export function sortPaced<T>(items: T[], compare: (a: T, b: T) => number, ctx: ExecContext): Soon<T[]> {
  return items.length <= RUN ? items.sort(compare) : sortRuns(items, compare, ctx);
}

async function sortRuns<T>(items: readonly T[], compare: (a: T, b: T) => number, ctx: ExecContext): Promise<T[]> {
  let from: T[] = [];
  for (let at = 0; at < items.length; at += RUN) {
    for (const item of items.slice(at, at + RUN).sort(compare)) from.push(item);
    const rest = breathe(ctx);
    if (rest !== null) await rest;
  }
  let to = new Array<T>(items.length);
  for (let width = RUN; width < items.length; width *= 2) {
    for (let left = 0; left < items.length; left += 2 * width) await mergeRuns(from, to, left, width, compare, ctx);
    [from, to] = [to, from];
  }
  return from;
}

const RUN = 8192;

async function mergeRuns<T>(
  from: readonly T[],
  to: T[],
  left: number,
  width: number,
  compare: (a: T, b: T) => number,
  ctx: ExecContext,
): Promise<void> {
  const middle = Math.min(left + width, from.length);
  const end = Math.min(left + 2 * width, from.length);
  let [a, b] = [left, middle];
  for (let at = left; at < end; at++) {
    const takesLeft = a < middle && (b >= end || compare(from[a]!, from[b]!) <= 0);
    to[at] = takesLeft ? from[a++]! : from[b++]!;
    const rest = breatheAt(ctx, at);
    if (rest !== null) await rest;
  }
}
