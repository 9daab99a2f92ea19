/**
 * Rows and times of each operator, for EXPLAIN ANALYZE. An execution with a profile in its context has its
 * operators watched; one without pays a look per operator and nothing per row.
 */
import type { Plan } from '../plan/logical.js';
import type { Batch, Operator } from './run.js';

/** Times in milliseconds over all loops, inputs included. */
export interface Figures {
  loops: number;
  rows: number;
  firstMs: number;
  totalMs: number;
}

export class Profile {
  readonly #nowMs: () => number;
  readonly #figures = new Map<Plan, Figures>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** null: the operator was never made. */
  of(plan: Plan): Figures | null {
    return this.#figures.get(plan) ?? null;
  }

  watch(plan: Plan, operator: Operator): Operator {
    let figures = this.#figures.get(plan);
    if (figures === undefined) {
      figures = { loops: 0, rows: 0, firstMs: 0, totalMs: 0 };
      this.#figures.set(plan, figures);
    }
    figures.loops++;
    return new WatchedOperator(operator, figures, this.#nowMs);
  }
}

class WatchedOperator implements Operator {
  readonly #inner: Operator;
  readonly #figures: Figures;
  readonly #nowMs: () => number;
  #started = false;

  constructor(inner: Operator, figures: Figures, nowMs: () => number) {
    this.#inner = inner;
    this.#figures = figures;
    this.#nowMs = nowMs;
  }

  async next(wanted?: number): Promise<Batch | null> {
    const from = this.#nowMs();
    const batch = await this.#inner.next(wanted);
    const spent = this.#nowMs() - from;
    this.#figures.totalMs += spent;
    if (!this.#started) this.#figures.firstMs += spent;
    this.#started = true;
    if (batch !== null) this.#figures.rows += batch.length;
    return batch;
  }

  close(): void {
    this.#inner.close();
  }
}
