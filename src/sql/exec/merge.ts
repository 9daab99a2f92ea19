/**
 * MERGE: what to do with each row of the join is decided, and every new row computed, before anything is
 * changed: no expression of the statement sees what it writes. Then rows are deleted, updated and inserted, in this
 * order, so that a key that the statement frees can be taken by it.
 *
 * Invariant: a row of the target is changed once at most; a second time is an error, not a choice.
 */
import { unreachable } from '../../base/assert.js';
import { sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import type { MergeAction, MergePlan } from '../plan/logical.js';
import { RowChanges } from './change-row.js';
import type { Datum } from '../types/datum.js';
import { compilePlan } from './compile-plan.js';
import { assign, collect, compileSources, compileTarget, firstTime, Inserter, relieve, type RowMaker } from './dml.js';
import { type Compiled, compileExpr, type CompiledTest, compileTest, type Layout, layoutOf, testRow } from './eval.js';
import { RowWriter } from './row-writer.js';
import { LazyRows, type OperatorFactory, type Row, rowBytes, RowsOperator, type Run } from './run.js';
import { checkCancelled } from './scan.js';

type CompiledAction =
  | { readonly kind: 'nothing' | 'delete' }
  | { readonly kind: 'update'; readonly assignments: readonly (Compiled | null)[] }
  | { readonly kind: 'insert'; readonly make: RowMaker };

interface CompiledClause {
  readonly matched: boolean;
  readonly test: CompiledTest | null;
  readonly action: CompiledAction;
}

/** How often a long decision looks whether it was cancelled, in rows. */
const CHECK_ROWS = 1000;

function compileAction(action: MergeAction, layout: Layout): CompiledAction {
  switch (action.kind) {
    case 'update':
      return {
        kind: 'update',
        assignments: action.assignments.map((a) => (a === null ? null : compileExpr(a, layout))),
      };
    case 'insert':
      return { kind: 'insert', make: compileSources(action.sources, layout) };
    case 'nothing':
    case 'delete':
      return { kind: action.kind };
    default:
      return unreachable(action, 'action of MERGE');
  }
}

export function compileMerge(plan: MergePlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const writer = new RowWriter(plan.table, plan.schemaName, plan.checks);
  const layout = layoutOf(plan.input.columns);
  const target = compileTarget(plan.target, plan.input);
  const clauses = plan.clauses.map((c): CompiledClause => ({
    matched: c.matched,
    test: compileTest(c.condition, layout),
    action: compileAction(c.action, layout),
  }));
  return (run) =>
    new LazyRows(async () => {
      const { rows, release } = await collect(input(run), run);
      const merger = new Merger(run, writer, clauses);
      for (const [i, row] of rows.entries()) {
        if (i % CHECK_ROWS === 0) checkCancelled(run.ctx);
        await merger.decide(row, target(row));
      }
      await merger.apply();
      release();
      return [];
    });
}

class Merger {
  readonly #run: Run;
  readonly #writer: RowWriter;
  readonly #clauses: readonly CompiledClause[];
  /** A column of the primary key: NULL only where there is no row. */
  readonly #keyPosition: number;
  readonly #touched = new Set<Key>();
  readonly #removed: Row[] = [];
  readonly #changed: { readonly before: Row; readonly after: Datum[] }[] = [];
  readonly #added: Datum[][] = [];
  #bytes = 0;

  constructor(run: Run, writer: RowWriter, clauses: readonly CompiledClause[]) {
    this.#run = run;
    this.#writer = writer;
    this.#clauses = clauses;
    const primary = writer.table.indexes.find((i) => i.primary)!;
    const keyColumn = primary.columns[0]!.columnId;
    this.#keyPosition = writer.table.columns.findIndex((c) => c.id === keyColumn);
  }

  /** `before`: the target's row in `row`, all NULL if there is none. */
  async decide(row: Row, before: Row): Promise<void> {
    const matched = before[this.#keyPosition] !== null;
    for (const { matched: wants, test, action } of this.#clauses) {
      if (wants !== matched || !(await testRow(test, row, this.#run))) continue;
      await this.#plan(action, row, before);
      return;
    }
  }

  async #plan(action: CompiledAction, row: Row, before: Row): Promise<void> {
    switch (action.kind) {
      case 'nothing':
        return;
      case 'insert': {
        const made = await action.make(row, this.#run);
        this.#added.push(made);
        this.#account(made);
        return;
      }
      case 'delete':
        this.#once(before);
        this.#removed.push(before);
        return;
      case 'update': {
        const after = await assign(before, row, action.assignments, this.#run);
        this.#once(before);
        this.#changed.push({ before, after });
        this.#account(after);
        return;
      }
    }
  }

  #once(before: Row): void {
    if (firstTime(this.#touched, this.#writer, before)) return;
    throw sqlError('21000', 'MERGE command cannot affect row a second time', {
      hint: 'Ensure that not more than one source row matches any one target row.',
    });
  }

  #account(row: Row): void {
    const size = rowBytes(row);
    this.#bytes += size;
    this.#run.ctx.memory.grow(size);
  }

  async apply(): Promise<void> {
    const run = this.#run;
    const { txn } = run.ctx;
    for (const before of this.#removed) {
      this.#writer.remove(txn, before);
      run.affected++;
      if (txn.crowded) await relieve(run);
    }
    const changes = new RowChanges(run, this.#writer);
    const changed = async (): Promise<void> => {
      run.affected++;
      if (txn.crowded) await relieve(run);
    };
    for (const { before, after } of this.#changed) {
      checkCancelled(run.ctx);
      if (await changes.change(before, after)) await changed();
    }
    await changes.finish(changed);
    const inserter = new Inserter(run, this.#writer, (made) => made as Datum[], null, null);
    await inserter.all(new RowsOperator(this.#added), false, false, false);
    run.ctx.memory.shrink(this.#bytes);
  }
}
