/**
 * Set-returning functions in a select list: sets side by side, the shorter ones padded with NULLs, as PostgreSQL does
 * since 10. Values are taken one by one, so that a set may be of any length under a LIMIT or a cursor.
 */
import type { ProjectSetPlan } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { checkCancelled } from './cancel.js';
import { compilePlan } from './compile-plan.js';
import { layoutOf } from './eval.js';
import { LateError } from './late-error.js';
import { breathe } from './pace.js';
import { type Batch, BATCH_ROWS, type Operator, type OperatorFactory, type Row, type Run } from './run.js';
import { compileRowSource, type RowSource } from './sources.js';

export function compileProjectSet(plan: ProjectSetPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const layout = layoutOf(plan.input.columns);
  const sources = plan.sets.map((s) => compileRowSource(s.srf, layout));
  return (run) => new ProjectSetOperator(input(run), sources, run);
}

class ProjectSetOperator implements Operator {
  readonly #input: Operator;
  readonly #sources: readonly RowSource[];
  readonly #run: Run;
  readonly #late = new LateError();
  #batch: Batch = [];
  #at = 0;
  #row: Row = [];
  /** Of the current row's sets; null: at its end. */
  #sets: (Iterator<Datum> | null)[] = [];

  constructor(input: Operator, sources: readonly RowSource[], run: Run) {
    this.#input = input;
    this.#sources = sources;
    this.#run = run;
  }

  async next(): Promise<Batch | null> {
    this.#late.raise();
    const out: Row[] = [];
    try {
      return await this.#fill(out);
    } catch (error) {
      if (this.#late.waits(out, error)) return out;
      throw error;
    }
  }

  async #fill(out: Row[]): Promise<Batch | null> {
    for (;;) {
      while (out.length < BATCH_ROWS) {
        const values = this.#values();
        if (values === null) break;
        out.push([...this.#row, ...values]);
      }
      if (out.length >= BATCH_ROWS) return out;
      if (this.#at >= this.#batch.length) {
        if (out.length > 0) return out;
        const batch = await this.#input.next();
        if (batch === null) return null;
        this.#batch = batch;
        this.#at = 0;
      }
      if (this.#at < this.#batch.length) await this.#begin(this.#batch[this.#at++]!);
    }
  }

  /** One value of each set; null when all are at their ends. */
  #values(): Datum[] | null {
    let any = false;
    const values: Datum[] = [];
    for (const [i, set] of this.#sets.entries()) {
      const next = set?.next();
      if (next === undefined || next.done === true) {
        this.#sets[i] = null;
        values.push(null);
      } else {
        any = true;
        values.push(next.value);
      }
    }
    return any ? values : null;
  }

  async #begin(row: Row): Promise<void> {
    checkCancelled(this.#run.ctx);
    const rest = breathe(this.#run.ctx);
    if (rest !== null) await rest;
    this.#row = row;
    this.#sets = [];
    for (const source of this.#sources) this.#sets.push((await source(row, this.#run))[Symbol.iterator]());
  }

  close(): void {
    this.#sets = [];
    this.#batch = [];
    this.#input.close();
  }
}
