/** Filter, project, set-returning projection, limit, distinct, set operations, WITH. */
import { sqlError } from '../../base/errors.js';
import { after, type Soon } from '../../base/soon.js';
import type { DistinctPlan, FilterPlan, LimitPlan, ProjectPlan, SetOpPlan } from '../plan/logical.js';
import { idsOf } from '../plan/plan-walk.js';
import type { Datum } from '../types/datum.js';
import { compilePlan } from './compile-plan.js';
import { compileExpr, compileRow, compileTest, layoutOf, type Compiled } from './eval.js';
import { LateError } from './late-error.js';
import { gated, splitGate } from './gate.js';
import { compileHasher, type RowHasher } from './hashing.js';
import { eachRow } from './pace.js';
import {
  type Batch,
  eachBatch,
  type Held,
  heldRows,
  type Operator,
  type OperatorFactory,
  type Row,
  rowBytes,
  type Run,
} from './run.js';
import { checkCancelled, filterRows } from './scan.js';
import { compileComparator, type RowComparator } from './sort.js';

const NO_ROW: Row = [];

/** An operator that turns each input batch into an output batch. */
export class MapOperator implements Operator {
  readonly #input: Operator;
  readonly #map: (batch: Batch) => Soon<Batch>;
  readonly #late: LateError | null;
  constructor(input: Operator, map: (batch: Batch) => Soon<Batch>, late: LateError | null = null) {
    this.#input = input;
    this.#map = map;
    this.#late = late;
  }
  next(wanted?: number): Soon<Batch | null> {
    this.#late?.raise();
    for (;;) {
      const batch = this.#input.next(wanted);
      if (batch instanceof Promise) return this.#nextWaiting(batch, wanted);
      if (batch === null) return null;
      const out = this.#map(batch);
      if (out instanceof Promise) return out.then((rows) => (rows.length > 0 ? rows : this.next(wanted)));
      if (out.length > 0) return out;
    }
  }
  async #nextWaiting(first: Promise<Batch | null>, wanted: number | undefined): Promise<Batch | null> {
    for (let batch = await first; batch !== null; batch = await this.#input.next(wanted)) {
      const out = await this.#map(batch);
      if (out.length > 0) return out;
    }
    return null;
  }
  close(): void {
    this.#input.close();
  }
}

export function compileFilter(plan: FilterPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const { gate, rest } = splitGate(plan.condition, idsOf(plan.input));
  const test = compileTest(rest, layoutOf(plan.input.columns));
  const open = (run: Run): Operator => {
    if (test === null) return input(run);
    const late = new LateError();
    return new MapOperator(input(run), (batch) => filterRows(batch, test, run, late), late);
  };
  return (run) => gated(gate, run, () => open(run));
}

export function compileProject(plan: ProjectPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const layout = layoutOf(plan.input.columns);
  const row = compileRow(
    plan.items.map((i) => i.expr),
    layout,
  );
  return (run) => {
    const late = new LateError();
    const project = (batch: Batch): Soon<Batch> => {
      const out: Row[] = [];
      const make = (from: Row): Promise<void> | null => {
        const made = row.waits ? row.later(from, run) : row.now(from, run);
        if (made instanceof Promise) return made.then((values) => void out.push(values));
        out.push(made);
        return null;
      };
      return late.rowsOf(out, () => eachRow(batch, make, run.ctx));
    };
    return new MapOperator(input(run), project, late);
  };
}

/** LIMIT's and OFFSET's value: NULL means none; negative is an error. */
export function rowCount(value: Datum, clause: 'LIMIT' | 'OFFSET'): number {
  if (value === null) return clause === 'LIMIT' ? Number.MAX_SAFE_INTEGER : 0;
  const count = Number(value);
  if (count < 0) {
    throw sqlError(clause === 'LIMIT' ? '2201W' : '2201X', `${clause} must not be negative`);
  }
  return count;
}

export function evalCount(expr: Compiled | null, clause: 'LIMIT' | 'OFFSET', run: Run): Soon<number> {
  if (expr === null) return clause === 'LIMIT' ? Number.MAX_SAFE_INTEGER : 0;
  return after<Datum, number>(expr.eval(NO_ROW, run), (value) => rowCount(value, clause));
}

export function compileLimit(plan: LimitPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const outside = new Map<number, number>();
  const count = plan.count === null ? null : compileExpr(plan.count, outside);
  const offset = plan.offset === null ? null : compileExpr(plan.offset, outside);
  const ties = plan.withTies === null ? null : compileComparator(plan.withTies, layoutOf(plan.input.columns));
  return (run) => new LimitOperator(input(run), count, offset, ties, run);
}

class LimitOperator implements Operator {
  readonly #input: Operator;
  readonly #count: Compiled | null;
  readonly #offset: Compiled | null;
  readonly #ties: RowComparator | null;
  readonly #run: Run;
  #left = -1;
  #skip = 0;
  #last: Row | null = null;

  constructor(input: Operator, count: Compiled | null, offset: Compiled | null, ties: RowComparator | null, run: Run) {
    this.#input = input;
    this.#count = count;
    this.#offset = offset;
    this.#ties = ties;
    this.#run = run;
  }

  next(): Soon<Batch | null> {
    if (this.#left >= 0) return this.#nextRows();
    return after<number, Batch | null>(evalCount(this.#offset, 'OFFSET', this.#run), (skip) =>
      after<number, Batch | null>(evalCount(this.#count, 'LIMIT', this.#run), (left) => {
        this.#skip = skip;
        this.#left = left;
        return this.#nextRows();
      }),
    );
  }

  #nextRows(): Soon<Batch | null> {
    while (this.#left > 0 || (this.#ties !== null && this.#last !== null)) {
      const batch = this.#input.next(this.#wanted);
      if (batch instanceof Promise) return this.#nextWaiting(batch);
      if (batch === null) return null;
      const kept = this.#kept(batch);
      if (kept !== null) return kept.length > 0 ? kept : null;
    }
    return null;
  }

  /** Rows that are skipped are taken as well; one more tells whether there is another that ties. */
  get #wanted(): number {
    return Math.max(1, this.#left + this.#skip);
  }

  async #nextWaiting(first: Promise<Batch | null>): Promise<Batch | null> {
    for (let batch = await first; batch !== null; batch = await this.#input.next(this.#wanted)) {
      const kept = this.#kept(batch);
      if (kept !== null) return kept.length > 0 ? kept : null;
    }
    return null;
  }

  /** What of the batch comes out; null: nothing, it is all skipped. */
  #kept(batch: Batch): Batch | null {
    const skipped = Math.min(this.#skip, batch.length);
    this.#skip -= skipped;
    if (skipped === batch.length) return null;
    return this.#take(skipped === 0 ? batch : batch.slice(skipped));
  }

  #take(batch: Batch): Batch {
    if (batch.length <= this.#left) {
      this.#left -= batch.length;
      this.#last = batch[batch.length - 1]!;
      return batch;
    }
    let end = this.#left;
    if (end > 0) this.#last = batch[end - 1]!;
    this.#left = 0;
    if (this.#ties !== null && this.#last !== null) {
      while (end < batch.length && this.#ties(batch[end]!, this.#last, this.#run) === 0) end++;
      if (end < batch.length) this.#last = null;
    }
    return batch.slice(0, end);
  }

  close(): void {
    this.#input.close();
  }
}

export function compileDistinct(plan: DistinctPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const layout = layoutOf(plan.input.columns);
  const hasher =
    plan.on === null
      ? compileHasher(plan.input.columns.map((c, i) => ({ oid: c.oid, eval: (row: Row) => row[i]! })))
      : compileHasher(
          plan.on.map((expr) => {
            const compiled = compileExpr(expr, layout);
            if (compiled.waits) throw sqlError('0A000', 'subqueries in DISTINCT ON are not supported');
            return { oid: expr.oid, eval: compiled.eval };
          }),
        );
  return (run) => {
    const seen = new SeenRows(run);
    const operator = new MapOperator(input(run), (batch) => {
      checkCancelled(run.ctx);
      return batch.filter((row) => seen.add(hasher(row, run)));
    });
    return {
      next: (wanted) => operator.next(wanted),
      close: () => {
        seen.release();
        operator.close();
      },
    };
  };
}

function keyBytes(key: unknown): number {
  return typeof key === 'string' ? 64 + key.length : 48;
}

/** Distinct hash keys, accounted for. */
export class SeenRows {
  readonly #keys = new Set<unknown>();
  readonly #run: Run;
  #bytes = 0;
  constructor(run: Run) {
    this.#run = run;
  }
  add(key: unknown): boolean {
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    const bytes = keyBytes(key);
    this.#bytes += bytes;
    this.#run.ctx.memory.grow(bytes);
    return true;
  }
  release(): void {
    this.#run.ctx.memory.shrink(this.#bytes);
    this.#bytes = 0;
    this.#keys.clear();
  }
}

export function compileSetOp(plan: SetOpPlan): OperatorFactory {
  const left = compilePlan(plan.left);
  const right = compilePlan(plan.right);
  const hasher = compileHasher(plan.columns.map((c, i) => ({ oid: c.oid, eval: (row: Row) => row[i]! })));
  if (plan.op === 'union') return compileUnion(left, right, plan.all ? null : hasher);
  return (run) =>
    heldRows(run, async (held) => {
      const compared = new ComparedRows(plan, held);
      const each = (take: (row: Row, key: unknown) => void) => (batch: Batch) => {
        checkCancelled(run.ctx);
        for (const row of batch) take(row, hasher(row, run));
        return null;
      };
      await eachBatch(
        right(run),
        each((_, key) => compared.count(key)),
      );
      await eachBatch(
        left(run),
        each((row, key) => compared.take(row, key)),
      );
      return compared.rows;
    });
}

/** INTERSECT and EXCEPT: how often the right side has a row, and what that leaves of the left side. */
class ComparedRows {
  readonly rows: Row[] = [];
  readonly #plan: SetOpPlan;
  readonly #held: Held;
  readonly #counts = new Map<unknown, number>();
  readonly #seen = new Set<unknown>();

  constructor(plan: SetOpPlan, held: Held) {
    this.#plan = plan;
    this.#held = held;
  }

  count(key: unknown): void {
    const known = this.#counts.get(key);
    if (known === undefined) this.#held.grow(keyBytes(key));
    this.#counts.set(key, (known ?? 0) + 1);
  }

  take(row: Row, key: unknown): void {
    const count = this.#counts.get(key) ?? 0;
    if (this.#plan.all) {
      if (count > 0) this.#counts.set(key, count - 1);
    } else {
      if (this.#seen.has(key)) return;
      this.#held.grow(keyBytes(key));
      this.#seen.add(key);
    }
    if (count > 0 !== (this.#plan.op === 'intersect')) return;
    this.#held.grow(rowBytes(row));
    this.rows.push(row);
  }
}

function compileUnion(left: OperatorFactory, right: OperatorFactory, hasher: RowHasher | null): OperatorFactory {
  return (run) => {
    const seen = new SeenRows(run);
    const inputs = [left(run), right(run)];
    let at = 0;
    return {
      next: async () => {
        while (at < inputs.length) {
          const batch = await inputs[at]!.next();
          if (batch === null) {
            at++;
            continue;
          }
          checkCancelled(run.ctx);
          const kept = hasher === null ? batch : batch.filter((row) => seen.add(hasher(row, run)));
          if (kept.length > 0) return kept;
        }
        return null;
      },
      close: () => {
        seen.release();
        for (const input of inputs) input.close();
      },
    };
  };
}
