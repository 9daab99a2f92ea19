/**
 * Joins with relations of the catalogs, one after the other, as one operator: what tools ask of the catalogs joins the
 * columns of all tables with five or six of them, and a row for each join in between would cost more than to find
 * what it joins with (mapped-join.ts). One row is filled from left to right instead, and becomes a new one only when there is more to
 * come after it has gone out.
 *
 * Only inner and left joins, whose keys and conditions wait for nothing; EXPLAIN ANALYZE, which counts the rows of each,
 * has them run by their own operators.
 */
import type { Soon } from '../../base/soon.js';
import type { JoinPlan, Plan } from '../plan/logical.js';
import { freeColumns } from '../plan/plan-walk.js';
import type { Datum } from '../types/datum.js';
import { compilePlan } from './compile-plan.js';
import { type CompiledTest, compileTest, layoutOf } from './eval.js';
import { joinKeys, restOf } from './join-keys.js';
import { compileMappedRight, type MappedRight } from './mapped-join.js';
import { breatheAt } from './pace.js';
import { type Batch, BATCH_ROWS, type Operator, type OperatorFactory, type Row, type Run } from './run.js';
import { checkCancelled } from './scan.js';
import { compileWholeRows } from './virtual-scan.js';

/** One of the joins. */
export interface Stage {
  readonly outer: boolean;
  readonly test: CompiledTest | null;
  readonly open: (run: Run) => Soon<MappedRight>;
  /** Of the relation's rows. */
  readonly positions: readonly number[];
  /** Where in the row they go. */
  readonly at: number;
}

interface Chain {
  readonly base: OperatorFactory;
  /** Where in the base's rows its columns are. */
  readonly basePositions: readonly number[];
  readonly stages: readonly Stage[];
  readonly width: number;
}

/** null: the last of them is no such join. `alone` makes the operator of that one. */
export function compileMappedChain(plan: JoinPlan, alone: () => OperatorFactory): OperatorFactory | null {
  const stages: Stage[] = [];
  let left: Plan = plan;
  for (let stage = stageOf(left); stage !== null; stage = stageOf(left)) {
    stages.unshift(stage);
    left = (left as JoinPlan).left;
  }
  if (stages.length === 0) return null;
  const chain = { ...baseOf(left), stages, width: plan.columns.length };
  let watched: OperatorFactory | null = null;
  return (run) => (run.ctx.profile === undefined ? new ChainOperator(chain, run) : (watched ??= alone())(run));
}

/** The rows of a relation of the catalogs are taken as they are: each is copied into the chain's row anyway. */
function baseOf(plan: Plan): Pick<Chain, 'base' | 'basePositions'> {
  return plan.kind === 'virtual'
    ? { base: compileWholeRows(plan), basePositions: plan.columns.map((c) => c.position) }
    : { base: compilePlan(plan), basePositions: plan.columns.map((_, i) => i) };
}

/** null: it is no such join. */
export function stageOf(plan: Plan): Stage | null {
  if (plan.kind !== 'join' || (plan.type !== 'inner' && plan.type !== 'left') || plan.lateral) return null;
  const { left, right, condition } = plan;
  if (right.kind !== 'virtual') return null;
  const free = freeColumns(right);
  if (left.columns.some(({ id }) => free.has(id))) return null;
  const keys = joinKeys(plan);
  const mapped = compileMappedRight(plan, { now: keys.now, waiting: [] });
  if (mapped === null) return null;
  const test = compileTest(restOf(condition, mapped.keys), layoutOf([...left.columns, ...right.columns]));
  if (test?.waits === true) return null;
  const { open, positions } = mapped;
  return { outer: plan.type === 'left', test, open, positions, at: left.columns.length };
}

const NO_ROWS: readonly Row[] = [];

class ChainOperator implements Operator {
  readonly #chain: Chain;
  readonly #run: Run;
  readonly #base: Operator;
  #rights: readonly MappedRight[] | null = null;
  #batch: Batch = [];
  #batchAt = 0;
  #done = false;
  /** Filled as far as the stage at work; whoever has got it must not see it change. */
  #row: Datum[] = [];
  #sent = false;
  /** The stage at work; below 0: the next row of the base is. */
  #level = -1;
  /** By stage: what the row may join with there, how far that has been looked at, and whether any did. */
  readonly #found: (readonly Row[])[];
  readonly #foundAt: number[];
  readonly #matched: boolean[];
  #steps = 0;

  constructor(chain: Chain, run: Run) {
    this.#chain = chain;
    this.#run = run;
    this.#base = chain.base(run);
    this.#found = chain.stages.map(() => NO_ROWS);
    this.#foundAt = chain.stages.map(() => 0);
    this.#matched = chain.stages.map(() => false);
  }

  next(): Soon<Batch | null> {
    const out: Row[] = [];
    const waits = this.#advance(out);
    return waits === null ? finished(out) : this.#nextWaiting(waits, out);
  }

  async #nextWaiting(first: Promise<unknown>, out: Row[]): Promise<Batch | null> {
    for (let waits: Promise<unknown> | null = first; waits !== null; waits = this.#advance(out)) await waits;
    return finished(out);
  }

  /** Joins until `out` is full or there is no more, or until it has to wait: then it goes on when it is called again. */
  #advance(out: Row[]): Promise<unknown> | null {
    if (this.#rights === null) {
      const opening = this.#open();
      if (opening !== null) return opening;
    }
    const last = this.#chain.stages.length - 1;
    while (out.length < BATCH_ROWS) {
      if (this.#level < 0) {
        if (this.#batchAt >= this.#batch.length) {
          if (this.#done) return null;
          const reading = this.#nextBatch();
          if (reading !== null) return reading;
          continue;
        }
        this.#begin(this.#batch[this.#batchAt++]!);
      }
      if (!this.#join(this.#level)) this.#level--;
      else if (this.#level < last) this.#enter(this.#level + 1);
      else {
        out.push(this.#row);
        this.#sent = true;
      }
      const rest = breatheAt(this.#run.ctx, this.#steps++);
      if (rest !== null) return rest;
    }
    return null;
  }

  #open(): Promise<unknown> | null {
    const opened = this.#chain.stages.map((stage) => stage.open(this.#run));
    if (opened.some((one) => one instanceof Promise))
      return Promise.all(opened).then((rights) => void (this.#rights = rights));
    this.#rights = opened as MappedRight[];
    return null;
  }

  #nextBatch(): Promise<unknown> | null {
    checkCancelled(this.#run.ctx);
    const take = (batch: Batch | null): null => {
      if (batch === null) this.#done = true;
      this.#batch = batch ?? NO_ROWS;
      this.#batchAt = 0;
      return null;
    };
    const batch = this.#base.next();
    return batch instanceof Promise ? batch.then(take) : take(batch);
  }

  #begin(base: Row): void {
    const { width, basePositions } = this.#chain;
    const row = new Array<Datum>(width);
    for (let i = 0; i < basePositions.length; i++) row[i] = base[basePositions[i]!]!;
    this.#row = row;
    this.#sent = false;
    this.#enter(0);
  }

  #enter(level: number): void {
    this.#level = level;
    // None of the keys waits.
    this.#found[level] = this.#rights![level]!.candidates(this.#row) as readonly Row[];
    this.#foundAt[level] = 0;
    this.#matched[level] = false;
  }

  /** Whether the row has something more of the stage. */
  #join(level: number): boolean {
    const stage = this.#chain.stages[level]!;
    const found = this.#found[level]!;
    let at = this.#foundAt[level]!;
    while (at < found.length) {
      this.#fill(stage, found[at++]!);
      if (stage.test !== null && !stage.test.now(this.#row, this.#run)) continue;
      this.#foundAt[level] = at;
      this.#matched[level] = true;
      return true;
    }
    this.#foundAt[level] = at;
    if (!stage.outer || this.#matched[level]!) return false;
    this.#matched[level] = true;
    this.#fill(stage, null);
    return true;
  }

  #fill({ at, positions }: Stage, from: Row | null): void {
    if (this.#sent) {
      this.#row = this.#row.slice();
      this.#sent = false;
    }
    const row = this.#row;
    for (let i = 0; i < positions.length; i++) row[at + i] = from === null ? null : from[positions[i]!]!;
  }

  close(): void {
    for (const right of this.#rights ?? []) right.release();
    this.#done = true;
    this.#level = -1;
    this.#batch = NO_ROWS;
    this.#batchAt = 0;
    this.#base.close();
  }
}

function finished(out: readonly Row[]): Batch | null {
  return out.length > 0 ? out : null;
}
