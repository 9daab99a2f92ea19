/**
 * WITH queries and their scans. A query is computed once, as far as its scans ask, and its rows are kept for all of
 * them; so an endless recursion under a LIMIT ends. Queries that modify data run to their end in any case.
 */
import { QuoralError } from '../../base/errors.js';
import type { CteDefinition, WithPlan } from '../plan/logical.js';
import { compilePlan } from './compile-plan.js';
import { givesAlike, KeptPart } from './given-alike.js';
import { compileHasher, type RowHasher } from './hashing.js';
import { SeenRows } from './operators.js';
import {
  type Batch,
  BATCH_ROWS,
  type CteRows,
  Held,
  type Operator,
  type OperatorFactory,
  type Row,
  rowBytes,
  Run,
} from './run.js';
import { checkCancelled } from './scan.js';

export function compileWith(plan: WithPlan): OperatorFactory {
  const alike = new Set<number>();
  const definitions = plan.ctes.map((cte) => compileCte(cte, alike));
  const input = compilePlan(plan.input);
  return (run) => {
    const sources: CteSource[] = [];
    if (definitions.some(({ cte }) => cte.modifies)) run.readBefore(false);
    for (const definition of definitions) {
      const { source, isKept } = sourceOf(definition, run);
      run.ctes.set(definition.cte.id, source);
      if (!isKept) sources.push(source);
    }
    const operator = input(run);
    let begun = false;
    return {
      next: async (wanted) => {
        if (!begun) {
          begun = true;
          for (const source of sources) await source.begin();
        }
        return operator.next(wanted);
      },
      close: () => {
        operator.close();
        for (const source of sources) source.close();
      },
    };
  };
}

export function compileCteScan(id: number): OperatorFactory {
  return (run) => {
    let at = 0;
    let closed = false;
    return {
      next: async (wanted) => {
        const source = run.ctes.get(id);
        if (source === undefined) throw new QuoralError('XX000', 'a WITH query is not in reach');
        const batch = closed ? null : await source.from(at, wanted);
        at += batch?.length ?? 0;
        return batch;
      },
      close: () => {
        closed = true;
      },
    };
  };
}

interface CompiledCte {
  readonly cte: CteDefinition;
  readonly base: OperatorFactory;
  readonly term: OperatorFactory | null;
  readonly hasher: RowHasher;
  /** Where the rows are the same each time. */
  readonly kept: KeptPart<CteSource> | null;
}

/** `alike`: those before it whose rows are the same each time, to which it adds itself. */
function compileCte(cte: CteDefinition, alike: Set<number>): CompiledCte {
  const { id, recursive, modifies, plan } = cte;
  const known = new Set([...alike, ...(recursive === null ? [] : [recursive.workId])]);
  const isAlike = !modifies && givesAlike(plan, known) && (recursive === null || givesAlike(recursive.term, known));
  if (isAlike) alike.add(id);
  return {
    kept: isAlike ? new KeptPart() : null,
    cte,
    base: compilePlan(cte.plan),
    term: cte.recursive === null ? null : compilePlan(cte.recursive.term),
    hasher: compileHasher(cte.plan.columns.map((c, i) => ({ oid: c.oid, eval: (row: Row) => row[i]! }))),
  };
}

/** One that is kept computes its rows as far as any of the executions asks. */
function sourceOf(compiled: CompiledCte, run: Run): { readonly source: CteSource; readonly isKept: boolean } {
  const known = compiled.kept?.begin(run) ?? null;
  if (known !== null && known !== 'offer') return { source: known, isKept: true };
  const source = new CteSource(compiled, run);
  return { source, isKept: known === 'offer' && compiled.kept!.offer(run, source, 0) };
}

class CteSource implements CteRows {
  readonly #compiled: CompiledCte;
  readonly #run: Run;
  readonly #seen: SeenRows | null;
  readonly #held: Held;
  readonly #rows: Row[] = [];
  #operator: Operator | null = null;
  /** Where the rows begin that the current round of a recursion adds. */
  #roundFrom = 0;
  #done = false;

  constructor(compiled: CompiledCte, run: Run) {
    this.#compiled = compiled;
    this.#run = run;
    this.#held = new Held(run);
    this.#seen = compiled.cte.recursive?.all === false ? new SeenRows(run) : null;
  }

  /** Before anything reads: what modifies data is done whether or not anything will. */
  async begin(): Promise<void> {
    if (!this.#compiled.cte.modifies) return;
    const { affected } = this.#run;
    while (!this.#done) await this.#pull();
    // Rows changed inside WITH do not count for the statement's own tag.
    this.#run.affected = affected;
  }

  async from(at: number, wanted?: number): Promise<readonly Row[] | null> {
    while (this.#rows.length <= at && !this.#done) await this.#pull(wanted);
    if (this.#rows.length <= at) return null;
    return this.#rows.slice(at, at + BATCH_ROWS);
  }

  /** One batch more, or the next round of a recursion: its term runs over what the last round added, until nothing is. */
  async #pull(wanted?: number): Promise<void> {
    checkCancelled(this.#run.ctx);
    const { base, term, cte } = this.#compiled;
    this.#operator ??= base(this.#run);
    const batch = await this.#operator.next(wanted);
    if (batch !== null) {
      this.#keep(batch);
      return;
    }
    this.#operator.close();
    const working = this.#rows.slice(this.#roundFrom);
    if (term === null || working.length === 0) {
      this.#done = true;
      return;
    }
    this.#roundFrom = this.#rows.length;
    const round = new Run(this.#run.ctx, this.#run.outer, new Map(this.#run.ctes), this.#run.whole);
    round.before = this.#run.before;
    round.settles = this.#run.settles;
    const from = (at: number): Promise<readonly Row[] | null> =>
      Promise.resolve(at >= working.length ? null : working.slice(at, at + BATCH_ROWS));
    round.ctes.set(cte.recursive!.workId, { from });
    this.#operator = term(round);
  }

  #keep(batch: Batch): void {
    const seen = this.#seen;
    for (const row of batch) {
      if (seen !== null && !seen.add(this.#compiled.hasher(row, this.#run))) continue;
      this.#held.grow(rowBytes(row));
      this.#rows.push(row);
    }
  }

  close(): void {
    this.#operator?.close();
    this.#done = true;
    this.#seen?.release();
    this.#held.release();
  }
}
