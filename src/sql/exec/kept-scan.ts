/**
 * Scans that one statement begins again and again: of subqueries and LATERAL parts that refer outside, of recursive
 * terms. The first two times such a scan reads its table; from then on its rows are kept as far as they have been read,
 * and where it asks for `own = outer`, by the value of `own`, so that each next time looks only at the rows of one value.
 * A scan that stops early, as for EXISTS, reads no further than it must: nobody reads a table twice, or needlessly to its end.
 *
 * Example: `SELECT (SELECT max(b.x) FROM b WHERE b.k = a.k) FROM a`, without an index on b.k, would read b for each row of a.
 *
 * What the whole filter says is still asked of each row that is found. A statement sees its tables as they were when it
 * began; where that is not so, because functions are called that may write, or the scan itself locks its rows, nothing is kept. Memory is bounded by a part of the
 * statement's limit: what has given up goes on by reading anew, without the rows that it has already given.
 */
import { after, type Soon } from '../../base/soon.js';
import { conjunction, conjuncts, type Expr, hasSubquery } from '../plan/expr.js';
import { type HashKey, joinEquality } from '../plan/join-equality.js';
import type { ScanPlan } from '../plan/logical.js';
import { columnsOf, freeColumns, idsOf } from '../plan/plan-walk.js';
import { isVolatilePlan } from '../plan/volatility.js';
import { checkCancelled } from './cancel.js';
import { type CompiledTest, compileSync, compileTest, layoutOf, type SyncEval } from './eval.js';
import { LateError } from './late-error.js';
import { compileScan, filterRows } from './scan.js';
import { type Batch, BATCH_ROWS, type Operator, type OperatorFactory, type Row, rowBytes, type Run } from './run.js';

const NO_ROW: Row = [];
const NONE: readonly Row[] = [];
/** Scans that have a whole table to read before its rows are kept. */
const UNKEPT = 2;
/** Of one scan; at most, a part of what the statement may hold. */
const KEPT_BYTES_MAX = 32 << 20;
const KEPT_PART = 8;
const FIRST_ROWS = 16;

interface Key {
  readonly own: SyncEval;
  readonly outer: SyncEval;
  readonly key: HashKey;
}

interface KeptShape {
  readonly keys: readonly Key[];
  readonly filter: CompiledTest | null;
  readonly limit: SyncEval | null;
  /** Reads all rows that any of the scans may want. */
  readonly source: OperatorFactory;
  readonly anew: OperatorFactory;
}

/** Of one scan in one execution of a statement. */
interface Begun {
  times: number;
  rows: KeptRows | null;
}

export function compileRepeatableScan(plan: ScanPlan): OperatorFactory {
  const anew = compileScan(plan);
  if (plan.lock !== null) return anew;
  const begun = new WeakMap<Run, Begun>();
  // Made when it is needed: most scans run once.
  let shape: KeptShape | null | undefined;
  return (run) => {
    if (run.settles) return anew(run);
    const state = begun.get(run.whole);
    if (state === undefined) {
      begun.set(run.whole, { times: 1, rows: null });
      return anew(run);
    }
    if (++state.times <= UNKEPT) return anew(run);
    if (shape === undefined) shape = keptShape(plan, anew);
    if (shape === null) return anew(run);
    state.rows ??= new KeptRows(shape, run);
    return state.rows.full ? anew(run) : new KeptScan(shape, state.rows, run);
  };
}

/** null: it reads little, or not the same each time. */
function keptShape(plan: ScanPlan, anew: OperatorFactory): KeptShape | null {
  const readsAlike = freeColumns({ ...plan, filter: null, limit: null }).size === 0;
  if (!readsAlike || plan.access?.unique === true || isVolatilePlan(plan)) return null;
  const layout = layoutOf(plan.columns);
  const own = idsOf(plan);
  const free = freeColumns(plan);
  const limit = plan.limit === null ? null : compileSync(plan.limit, new Map());
  if (plan.limit !== null && limit === null) return null;
  const conditions = conjuncts(plan.filter);
  const always = conditions.filter((c) => isPlainTest(c, own));
  return {
    keys: conditions.flatMap((c): Key[] => {
      const equality = joinEquality(c, own, free);
      if (equality === null || hasSubquery(c)) return [];
      const left = compileSync(equality.left, layout);
      const right = compileSync(equality.right, new Map());
      return left === null || right === null ? [] : [{ own: left, outer: right, key: equality.key }];
    }),
    filter: compileTest(plan.filter, layout),
    limit,
    source: compileScan({ ...plan, filter: always.length === 0 ? null : conjunction(always), limit: null }),
    anew,
  };
}

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);

/** A column with a constant: it fails for no row, so it may be asked of those that would never have come to it. */
function isPlainTest(condition: Expr, own: ReadonlySet<number>): boolean {
  if (condition.kind === 'isnull') return condition.arg.kind === 'column' && own.has(condition.arg.id);
  if (condition.kind !== 'call' || !condition.operator || !COMPARISONS.has(condition.entry.name)) return false;
  const used = [...columnsOf(condition)];
  return (
    condition.args.every((arg) => arg.kind === 'column' || arg.kind === 'const') && used.every((id) => own.has(id))
  );
}

/** What the scans of one run share: the rows that have been read, in their order, by key. */
class KeptRows {
  readonly #shape: KeptShape;
  readonly #run: Run;
  readonly #source: Operator;
  readonly #byKey = new Map<unknown, Row[]>();
  readonly #bytesMax: number;
  #bytes = 0;
  #reading: Promise<void> | null = null;
  /** All rows are there. */
  done = false;
  /** No more are kept. */
  full = false;

  constructor(shape: KeptShape, run: Run) {
    this.#shape = shape;
    this.#run = run;
    this.#source = shape.source(run);
    this.#bytesMax = Math.min(KEPT_BYTES_MAX, run.ctx.memory.limitBytes / KEPT_PART);
  }

  /** What the rows are asked for by; null: nothing is equal to that. */
  keyOf(eval_: (key: Key) => SyncEval, row: Row): unknown {
    const { keys } = this.#shape;
    let text = '';
    for (const key of keys) {
      const value = eval_(key)(row, this.#run);
      if (value === null) return null;
      const part = key.key(value);
      if (keys.length === 1) return part;
      const shown = String(part);
      text += `${shown.length}:${shown}`;
    }
    return text;
  }

  of(key: unknown): readonly Row[] {
    return this.#byKey.get(key) ?? NONE;
  }

  /** Reads on, unless that is being done. */
  more(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #read(): Promise<void> {
    const batch = await this.#source.next();
    if (batch === null) {
      this.done = true;
      this.#source.close();
      return;
    }
    let bytes = 0;
    for (const row of batch) {
      const key = this.keyOf(ownOf, row);
      if (key === null) continue;
      const rows = this.#byKey.get(key);
      if (rows === undefined) this.#byKey.set(key, [row]);
      else rows.push(row);
      bytes += rowBytes(row) + (rows === undefined ? 96 : 8);
    }
    if (this.#bytes + bytes > this.#bytesMax) return this.#giveUp();
    this.#run.ctx.memory.grow(bytes);
    this.#bytes += bytes;
  }

  #giveUp(): void {
    this.full = true;
    this.#source.close();
    this.#byKey.clear();
    this.#run.ctx.memory.shrink(this.#bytes);
  }
}

const ownOf = (key: Key): SyncEval => key.own;
const outerOf = (key: Key): SyncEval => key.outer;

class KeptScan implements Operator {
  readonly #shape: KeptShape;
  readonly #kept: KeptRows;
  readonly #run: Run;
  readonly #late = new LateError();
  #key: unknown = undefined;
  #at = 0;
  #step = FIRST_ROWS;
  #given = 0;
  #left = Number.MAX_SAFE_INTEGER;
  #anew: Operator | null = null;

  constructor(shape: KeptShape, kept: KeptRows, run: Run) {
    this.#shape = shape;
    this.#kept = kept;
    this.#run = run;
  }

  next(): Soon<Batch | null> {
    this.#late.raise();
    checkCancelled(this.#run.ctx);
    if (this.#key === undefined) this.#begin();
    if (this.#key === null || this.#left <= 0) return null;
    if (this.#kept.full) return this.#readAnew();
    const rows = this.#kept.of(this.#key);
    if (this.#at < rows.length) {
      // A few at first, for those who want one.
      const found = rows.slice(this.#at, this.#at + this.#step);
      this.#at += found.length;
      this.#step = Math.min(this.#step * 4, BATCH_ROWS);
      return after<Batch, Batch | null>(filterRows(found, this.#shape.filter, this.#run, this.#late), (passed) =>
        this.#give(passed),
      );
    }
    return this.#kept.done ? null : this.#kept.more().then(() => this.next());
  }

  #begin(): void {
    this.#key = this.#kept.keyOf(outerOf, NO_ROW);
    const limit = this.#shape.limit?.(NO_ROW, this.#run) ?? null;
    if (limit !== null) this.#left = Math.max(0, Number(limit));
  }

  #give(rows: Batch): Soon<Batch | null> {
    if (rows.length === 0) return this.next();
    const wanted = rows.length <= this.#left ? rows : rows.slice(0, this.#left);
    this.#left -= wanted.length;
    this.#given += wanted.length;
    return wanted;
  }

  async #readAnew(): Promise<Batch | null> {
    this.#anew ??= this.#shape.anew(this.#run);
    for (let batch = await this.#anew.next(); batch !== null; batch = await this.#anew.next()) {
      const skipped = Math.min(this.#given, batch.length);
      this.#given -= skipped;
      if (skipped < batch.length) return skipped === 0 ? batch : batch.slice(skipped);
    }
    return null;
  }

  close(): void {
    this.#left = 0;
    this.#anew?.close();
  }
}
