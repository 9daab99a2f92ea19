/**
 * Joins. Equality conditions between the sides make a hash join (the right side is the table, or a catalog);
 * a lateral right side runs again for each left row (but see lookup-join.ts); everything else is a nested loop over the
 * right side held in memory. The hash finds candidates, and what it does not answer of the condition is tested on each.
 * Output columns are the left's, then the right's (semi and anti: the left's only).
 */
import type { Soon } from '../../base/soon.js';
import type { JoinPlan } from '../plan/logical.js';
import { freeColumns } from '../plan/plan-walk.js';
import type { Datum } from '../types/datum.js';
import { compilePlan } from './compile-plan.js';
import { type CompiledTest, compileTest, layoutOf, type SyncEval } from './eval.js';
import { compileHasher, type RowHasher } from './hashing.js';
import { type JoinKey, type JoinKeys, joinKeys, restOf } from './join-keys.js';
import { compileLookupJoin } from './lookup-join.js';
import { compileMappedChain } from './mapped-chain.js';
import { compileMappedRight, type MappedJoin, type MappedRight } from './mapped-join.js';
import { givesAlike, KeptPart } from './given-alike.js';
import { canKeepLateral, LateralMemo } from './lateral-memo.js';
import { breatheAt, eachRow } from './pace.js';
import {
  type Batch,
  BATCH_ROWS,
  drain,
  type Operator,
  type OperatorFactory,
  type Row,
  rowBytes,
  type Run,
} from './run.js';
import { checkCancelled } from './scan.js';

interface JoinShape {
  readonly plan: JoinPlan;
  readonly left: OperatorFactory;
  readonly right: OperatorFactory;
  readonly test: CompiledTest | null;
  readonly leftWidth: number;
  readonly rightWidth: number;
  /** Hash join: how to hash either side; null = nested loop. */
  readonly hash: {
    readonly left: RowHasher;
    readonly right: RowHasher;
    readonly nullLeft: NullCheck;
    readonly nullRight: NullCheck;
  } | null;
  /** Rows of a catalog, by maps that are there from one execution to the next; null: the right side is read. */
  readonly mapped: MappedJoin | null;
  /** Left columns that the right side reads from outside. */
  readonly lateral: readonly { readonly id: number; readonly at: number }[] | null;
  /** Its rows are kept by the values of those columns. */
  readonly keepsLateral: boolean;
  /** The right side in memory, where it is the same each time; null: it is not. */
  readonly kept: KeptPart<RightRows> | null;
}
/** As it is held for a hash join, or a nested loop. */
interface RightRows {
  readonly table: readonly Row[];
  readonly buckets: Map<unknown, Row[]> | null;
}
type NullCheck = (row: Row, run: Run) => boolean;

export function compileJoin(plan: JoinPlan): OperatorFactory {
  return compileMappedChain(plan, () => compileAlone(plan)) ?? compileAlone(plan);
}

function compileAlone(plan: JoinPlan): OperatorFactory {
  const both = layoutOf([...plan.left.columns, ...plan.right.columns]);
  const leftLayout = layoutOf(plan.left.columns);
  const free = freeColumns(plan.right);
  const outerOfRight = plan.left.columns
    .map((c, at) => ({ id: c.id, at }))
    .filter(({ id }) => free.has(id) && leftLayout.has(id));
  const lateral = plan.lateral || outerOfRight.length > 0;
  const left = compilePlan(plan.left);
  const byKey = lateral ? compileLookupJoin(plan, left) : null;
  const keys = lateral ? NO_KEYS : joinKeys(plan);
  const mapped = compileMappedRight(plan, keys);
  const known = mapped === null ? keys.now : mapped.keys;
  const shape: JoinShape = {
    plan,
    left,
    right: compilePlan(plan.right),
    test: compileTest(restOf(plan.condition, known), both),
    leftWidth: plan.left.columns.length,
    rightWidth: plan.right.columns.length,
    hash: compileHash(keys.now),
    mapped,
    lateral: lateral ? outerOfRight : null,
    keepsLateral: lateral && canKeepLateral(plan, outerOfRight),
    kept: !lateral && mapped === null && givesAlike(plan.right) ? new KeptPart() : null,
  };
  return (run) => (byKey === null || run.settles ? new JoinOperator(shape, run) : byKey(run));
}

/** A pair that is equal in all of these columns' keys may join; one with a NULL among them cannot. */
function compileHash(keys: readonly JoinKey[]): JoinShape['hash'] {
  if (keys.length === 0) return null;
  const anyNull = (evals: readonly SyncEval[]): NullCheck => {
    return (row, run) => evals.some((e) => e(row, run) === null);
  };
  return {
    left: compileHasher(keys.map((k) => ({ oid: k.left.oid, eval: k.leftEval, key: k.key }))),
    right: compileHasher(keys.map((k) => ({ oid: k.right.oid, eval: k.rightEval, key: k.key }))),
    nullLeft: anyNull(keys.map((k) => k.leftEval)),
    nullRight: anyNull(keys.map((k) => k.rightEval)),
  };
}

const NO_KEYS: JoinKeys = { now: [], waiting: [] };
const NO_ROWS: readonly Row[] = [];
const noValue = (): void => undefined;

function pairOf(left: Row, right: Row, positions: readonly number[] | null): Row {
  const width = left.length;
  const more = positions === null ? right.length : positions.length;
  const pair = new Array<Datum>(width + more);
  for (let i = 0; i < width; i++) pair[i] = left[i]!;
  for (let i = 0; i < more; i++) pair[width + i] = right[positions === null ? i : positions[i]!]!;
  return pair;
}

function withNulls(left: Row, more: number): Row {
  const width = left.length;
  const pair = new Array<Datum>(width + more);
  for (let i = 0; i < width; i++) pair[i] = left[i]!;
  for (let i = 0; i < more; i++) pair[width + i] = null;
  return pair;
}

class JoinOperator implements Operator {
  readonly #shape: JoinShape;
  readonly #run: Run;
  readonly #left: Operator;
  #table: readonly Row[] | null = null;
  #buckets: Map<unknown, Row[]> | null = null;
  /** Of a right or full join: rows of the right side that found a left one. */
  readonly #matchedRight: Set<Row> | null;
  readonly #memo: LateralMemo | null;
  #mapped: MappedRight | null = null;
  #bytes = 0;
  /** What is built may be kept for the next time. */
  #offers = false;
  #batch: Batch = [];
  #batchAt = 0;
  #leftDone = false;
  #rightSent = false;
  /** The current row of the left side, what it may join with, and how far that has been looked at. */
  #row: Row | null = null;
  #found: readonly Row[] = NO_ROWS;
  #foundAt = 0;
  #matched = false;
  #steps = 0;

  constructor(shape: JoinShape, run: Run) {
    this.#shape = shape;
    this.#run = run;
    this.#left = shape.left(run);
    const { type } = shape.plan;
    this.#matchedRight = type === 'right' || type === 'full' ? new Set() : null;
    this.#memo = shape.keepsLateral && !run.settles ? new LateralMemo(run) : null;
  }

  next(): Soon<Batch | null> {
    const out: Row[] = [];
    const waits = this.#advance(out);
    return waits === null ? this.#finish(out) : this.#nextWaiting(waits, out);
  }

  async #nextWaiting(first: Promise<unknown>, out: Row[]): Promise<Batch | null> {
    for (let waits: Promise<unknown> | null = first; waits !== null; waits = this.#advance(out)) await waits;
    return this.#finish(out);
  }

  /** Joins until `out` is full or there is no more, or until it has to wait: then it goes on when it is called again. */
  #advance(out: Row[]): Promise<unknown> | null {
    const opening = this.#open();
    if (opening !== null) return opening;
    while (out.length < BATCH_ROWS) {
      if (this.#row === null) {
        if (this.#batchAt >= this.#batch.length) {
          if (this.#leftDone) return null;
          const reading = this.#nextBatch();
          if (reading !== null) return reading;
          continue;
        }
        const beginning = this.#nextLeft();
        if (beginning !== null) return beginning;
      }
      const rest = this.#join(this.#row!, out);
      if (rest !== null) return rest;
    }
    return null;
  }

  #open(): Promise<unknown> | null {
    const { mapped, lateral } = this.#shape;
    if (mapped === null) return this.#table === null && lateral === null ? this.#build() : null;
    if (this.#mapped !== null) return null;
    const opened = mapped.open(this.#run);
    if (opened instanceof Promise) return opened.then((right) => (this.#mapped = right));
    this.#mapped = opened;
    return null;
  }

  #finish(out: Row[]): Batch | null {
    const { type } = this.#shape.plan;
    if (out.length > 0) return out;
    if ((type === 'right' || type === 'full') && !this.#rightSent) {
      this.#rightSent = true;
      const nulls = new Array<Datum>(this.#shape.leftWidth).fill(null);
      const rest = (this.#table ?? []).filter((row) => !this.#matchedRight!.has(row)).map((row) => [...nulls, ...row]);
      if (rest.length > 0) return rest;
    }
    return null;
  }

  #nextBatch(): Promise<void> | null {
    checkCancelled(this.#run.ctx);
    const take = (batch: Batch | null): null => {
      if (batch === null) this.#leftDone = true;
      this.#batch = batch ?? [];
      this.#batchAt = 0;
      return null;
    };
    const batch = this.#left.next();
    return batch instanceof Promise ? batch.then(take).then(noValue) : take(batch);
  }

  /** Makes the next row of the left side's batch the current one. */
  #nextLeft(): Promise<void> | null {
    const row = this.#batch[this.#batchAt++]!;
    const { lateral } = this.#shape;
    if (lateral === null) {
      const found = this.#lookUp(row);
      if (found instanceof Promise) return found.then((candidates) => this.#begin(row, candidates));
      this.#begin(row, found);
      return null;
    }
    const key = this.#memo?.keyOf(row, lateral) ?? '';
    const known = this.#memo?.find(key);
    if (known !== undefined) {
      this.#begin(row, known);
      return null;
    }
    for (const { id, at } of lateral) this.#run.outer[id] = row[at]!;
    const begin = (rows: readonly Row[]): null => {
      this.#memo?.keep(key, rows);
      this.#begin(row, rows);
      return null;
    };
    const rows = drain(this.#shape.right(this.#run));
    return rows instanceof Promise ? rows.then(begin).then(noValue) : begin(rows);
  }

  #begin(row: Row, found: readonly Row[]): void {
    this.#row = row;
    this.#found = found;
    this.#foundAt = 0;
    this.#matched = false;
  }

  #build(): Promise<unknown> | null {
    const known = this.#shape.kept?.begin(this.#run) ?? null;
    this.#offers = known === 'offer';
    if (known !== null && known !== 'offer') {
      this.#table = known.table;
      this.#buckets = known.buckets;
      return null;
    }
    const rows = drain(this.#shape.right(this.#run));
    return rows instanceof Promise ? rows.then((all) => this.#buildOf(all)) : this.#buildOf(rows);
  }

  #buildOf(rows: readonly Row[]): Promise<void> | null {
    const { hash } = this.#shape;
    const buckets = new Map<unknown, Row[]>();
    const add = (row: Row): null => {
      const bytes = rowBytes(row) + 64;
      this.#bytes += bytes;
      this.#run.ctx.memory.grow(bytes);
      if (hash === null || hash.nullRight(row, this.#run)) return null;
      const key = hash.right(row, this.#run);
      const bucket = buckets.get(key);
      if (bucket === undefined) buckets.set(key, [row]);
      else bucket.push(row);
      return null;
    };
    const built = (): void => {
      this.#table = rows;
      if (hash !== null) this.#buckets = buckets;
      const right = { table: rows, buckets: this.#buckets };
      if (this.#offers && this.#shape.kept!.offer(this.#run, right, this.#bytes)) this.#bytes = 0;
    };
    const adding = eachRow(rows, add, this.#run.ctx);
    if (adding !== null) return adding.then(built);
    built();
    return null;
  }

  #lookUp(left: Row): Soon<readonly Row[]> {
    if (this.#mapped !== null) return this.#mapped.candidates(left);
    const { hash } = this.#shape;
    if (hash === null) return this.#table!;
    if (hash.nullLeft(left, this.#run)) return NO_ROWS;
    return this.#buckets!.get(hash.left(left, this.#run)) ?? NO_ROWS;
  }

  get #through(): boolean {
    const { type } = this.#shape.plan;
    return this.#foundAt >= this.#found.length || (this.#matched && (type === 'semi' || type === 'anti'));
  }

  /** Joins the current row with what it found, from where it stopped, until `out` is full or the row is through; or it rests. */
  #join(left: Row, out: Row[]): Promise<void> | null {
    const { test, mapped } = this.#shape;
    const positions = mapped === null ? null : mapped.positions;
    while (!this.#through) {
      if (out.length >= BATCH_ROWS) return null;
      const candidate = this.#found[this.#foundAt++]!;
      const pair = pairOf(left, candidate, positions);
      const joins = test === null || (test.waits ? test.later(pair, this.#run) : test.now(pair, this.#run));
      if (joins instanceof Promise) return joins.then((yes) => void (yes && this.#take(candidate, pair, out)));
      if (joins) this.#take(candidate, pair, out);
      const rest = breatheAt(this.#run.ctx, this.#steps++);
      if (rest !== null) return rest;
    }
    this.#end(left, out);
    return null;
  }

  #take(candidate: Row, pair: Row, out: Row[]): void {
    const { type } = this.#shape.plan;
    this.#matched = true;
    this.#matchedRight?.add(candidate);
    if (type !== 'semi' && type !== 'anti') out.push(pair);
  }

  #end(left: Row, out: Row[]): void {
    const { plan, rightWidth } = this.#shape;
    const { type } = plan;
    const matched = this.#matched;
    this.#row = null;
    if (type === 'semi' ? matched : type === 'anti' && !matched) out.push(left);
    if (!matched && (type === 'left' || type === 'full')) out.push(withNulls(left, rightWidth));
  }

  close(): void {
    this.#run.ctx.memory.shrink(this.#bytes);
    this.#bytes = 0;
    this.#mapped?.release();
    this.#memo?.close();
    this.#table = [];
    this.#buckets = null;
    this.#leftDone = true;
    this.#row = null;
    this.#batch = [];
    this.#found = NO_ROWS;
    this.#left.close();
  }
}
