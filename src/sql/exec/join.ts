/**
 * Joins. Equality conditions between the sides make a hash join (the right side is the table);
 * a lateral right side runs again for each left row; everything else is a nested loop over the right
 * side held in memory. The full condition is tested on every candidate pair, so the hash only finds
 * candidates. Output columns are the left's, then the right's (semi and anti: the left's only).
 */
import type { CallExpr, Expr } from '../plan/expr.js';
import { conjuncts } from '../plan/expr.js';
import type { JoinPlan, Plan } from '../plan/logical.js';
import { columnsOf, freeColumns, idsOf } from '../plan/plan-walk.js';
import type { Datum } from '../types/datum.js';
import { compilePlan } from './compile-plan.js';
import { type CompiledTest, compileSync, compileTest, layoutOf, type SyncEval, testRow } from './eval.js';
import { compileHasher, type HashColumn, type RowHasher } from './hashing.js';
import { breatheAt } from './pace.js';
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
  /** Left columns that the right side reads from outside. */
  readonly lateral: readonly { readonly id: number; readonly at: number }[] | null;
}
type NullCheck = (row: Row, run: Run) => boolean;

export function compileJoin(plan: JoinPlan): OperatorFactory {
  const both = layoutOf([...plan.left.columns, ...plan.right.columns]);
  const leftLayout = layoutOf(plan.left.columns);
  const free = freeColumns(plan.right);
  const outerOfRight = plan.left.columns
    .map((c, at) => ({ id: c.id, at }))
    .filter(({ id }) => free.has(id) && leftLayout.has(id));
  const lateral = plan.lateral || outerOfRight.length > 0;
  const shape: JoinShape = {
    plan,
    left: compilePlan(plan.left),
    right: compilePlan(plan.right),
    test: compileTest(plan.condition, both),
    leftWidth: plan.left.columns.length,
    rightWidth: plan.right.columns.length,
    hash: lateral ? null : compileHash(plan),
    lateral: lateral ? outerOfRight : null,
  };
  return (run) => new JoinOperator(shape, run);
}

/** The two sides of `a = b` when they belong to different inputs and hash alike. */
function equalSides(expr: Expr, left: Plan, right: Plan): { left: Expr; right: Expr } | null {
  if (expr.kind !== 'call' || !isEquality(expr)) return null;
  const [a, b] = expr.args as readonly [Expr, Expr];
  if (a.oid !== b.oid) return null;
  const leftIds = idsOf(left);
  const rightIds = idsOf(right);
  const inside = (e: Expr, ids: ReadonlySet<number>): boolean => {
    const used = columnsOf(e);
    return used.size > 0 && [...used].every((id) => ids.has(id));
  };
  if (inside(a, leftIds) && inside(b, rightIds)) return { left: a, right: b };
  if (inside(b, leftIds) && inside(a, rightIds)) return { left: b, right: a };
  return null;
}

function isEquality(expr: CallExpr): boolean {
  return expr.operator && expr.entry.name === '=' && expr.args.length === 2 && expr.entry.strict;
}

function compileHash(plan: JoinPlan): JoinShape['hash'] {
  const leftLayout = layoutOf(plan.left.columns);
  const rightLayout = layoutOf(plan.right.columns);
  const leftColumns: HashColumn[] = [];
  const rightColumns: HashColumn[] = [];
  for (const part of conjuncts(plan.condition)) {
    const sides = equalSides(part, plan.left, plan.right);
    if (sides === null) continue;
    const leftEval = compileSync(sides.left, leftLayout);
    const rightEval = compileSync(sides.right, rightLayout);
    if (leftEval === null || rightEval === null) continue;
    leftColumns.push({ oid: sides.left.oid, eval: leftEval });
    rightColumns.push({ oid: sides.right.oid, eval: rightEval });
  }
  if (leftColumns.length === 0) return null;
  const anyNull = (columns: readonly HashColumn[]): NullCheck => {
    const evals: readonly SyncEval[] = columns.map((c) => c.eval);
    return (row, run) => evals.some((e) => e(row, run) === null);
  };
  return {
    left: compileHasher(leftColumns),
    right: compileHasher(rightColumns),
    nullLeft: anyNull(leftColumns),
    nullRight: anyNull(rightColumns),
  };
}

const NO_ROWS: readonly Candidate[] = [];

interface Candidate {
  readonly row: Row;
  matched: boolean;
}

class JoinOperator implements Operator {
  readonly #shape: JoinShape;
  readonly #run: Run;
  readonly #left: Operator;
  #table: readonly Candidate[] | null = null;
  #buckets: Map<unknown, Candidate[]> | null = null;
  #bytes = 0;
  #batch: Batch = [];
  #batchAt = 0;
  #leftDone = false;
  #rightSent = false;
  /** The current row of the left side, what it may join with, and how far that has been looked at. */
  #row: Row | null = null;
  #found: readonly Candidate[] = NO_ROWS;
  #foundAt = 0;
  #matched = false;
  #steps = 0;

  constructor(shape: JoinShape, run: Run) {
    this.#shape = shape;
    this.#run = run;
    this.#left = shape.left(run);
  }

  async next(): Promise<Batch | null> {
    const { type } = this.#shape.plan;
    if (this.#table === null && this.#shape.lateral === null) await this.#build();
    const out: Row[] = [];
    while (out.length < BATCH_ROWS) {
      if (this.#row === null && !(await this.#nextLeft())) break;
      await this.#joinRow(this.#row!, out);
    }
    if (out.length > 0) return out;
    if ((type === 'right' || type === 'full') && !this.#rightSent) {
      this.#rightSent = true;
      const nulls = new Array<Datum>(this.#shape.leftWidth).fill(null);
      const rest = (this.#table ?? []).filter((c) => !c.matched).map((c) => [...nulls, ...c.row]);
      if (rest.length > 0) return rest;
    }
    return null;
  }

  /** Makes the next row of the left side the current one; false: there is none. */
  async #nextLeft(): Promise<boolean> {
    while (this.#batchAt >= this.#batch.length) {
      if (this.#leftDone) return false;
      checkCancelled(this.#run.ctx);
      const batch = await this.#left.next();
      if (batch === null) this.#leftDone = true;
      this.#batch = batch ?? [];
      this.#batchAt = 0;
    }
    const row = this.#batch[this.#batchAt++]!;
    this.#found = this.#shape.lateral === null ? this.#lookUp(row) : await this.#lateral(row, this.#shape.lateral);
    this.#foundAt = 0;
    this.#matched = false;
    this.#row = row;
    return true;
  }

  async #build(): Promise<void> {
    const { hash, right } = this.#shape;
    const rows = await drain(right(this.#run));
    const table: Candidate[] = [];
    const buckets = new Map<unknown, Candidate[]>();
    for (const [i, row] of rows.entries()) {
      const rest = breatheAt(this.#run.ctx, i);
      if (rest !== null) await rest;
      const bytes = rowBytes(row) + 64;
      this.#bytes += bytes;
      this.#run.ctx.memory.grow(bytes);
      const candidate = { row, matched: false };
      table.push(candidate);
      if (hash === null || hash.nullRight(row, this.#run)) continue;
      const key = hash.right(row, this.#run);
      const bucket = buckets.get(key);
      if (bucket === undefined) buckets.set(key, [candidate]);
      else bucket.push(candidate);
    }
    this.#table = table;
    if (hash !== null) this.#buckets = buckets;
  }

  async #lateral(left: Row, columns: NonNullable<JoinShape['lateral']>): Promise<readonly Candidate[]> {
    for (const { id, at } of columns) this.#run.outer[id] = left[at]!;
    const rows = await drain(this.#shape.right(this.#run));
    return rows.map((row) => ({ row, matched: false }));
  }

  #lookUp(left: Row): readonly Candidate[] {
    const { hash } = this.#shape;
    if (hash === null) return this.#table!;
    if (hash.nullLeft(left, this.#run)) return NO_ROWS;
    return this.#buckets!.get(hash.left(left, this.#run)) ?? NO_ROWS;
  }

  /** Joins the current row with what it found, from where it stopped, until `out` is full or the row is through. */
  async #joinRow(left: Row, out: Row[]): Promise<void> {
    const { plan, test, rightWidth } = this.#shape;
    const { type } = plan;
    const onlyLeft = type === 'semi' || type === 'anti';
    while (this.#foundAt < this.#found.length && !(onlyLeft && this.#matched)) {
      if (out.length >= BATCH_ROWS) return;
      const rest = breatheAt(this.#run.ctx, this.#steps++);
      if (rest !== null) await rest;
      const candidate = this.#found[this.#foundAt++]!;
      const pair = [...left, ...candidate.row];
      if (test !== null && !(test.waits ? await testRow(test, pair, this.#run) : test.now(pair, this.#run))) {
        continue;
      }
      this.#matched = true;
      candidate.matched = true;
      if (!onlyLeft) out.push(pair);
    }
    this.#row = null;
    const matched = this.#matched;
    if (type === 'semi' ? matched : type === 'anti' && !matched) out.push(left);
    if (!matched && (type === 'left' || type === 'full')) {
      out.push([...left, ...new Array<Datum>(rightWidth).fill(null)]);
    }
  }

  close(): void {
    this.#run.ctx.memory.shrink(this.#bytes);
    this.#bytes = 0;
    this.#table = [];
    this.#buckets = null;
    this.#leftDone = true;
    this.#row = null;
    this.#batch = [];
    this.#found = NO_ROWS;
    this.#left.close();
  }
}
