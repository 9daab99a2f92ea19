/**
 * From plans to executions: what the planner wraps into a CompiledStatement.
 */
import type { CompiledStatement, ExecContext, Execution } from '../contract.js';
import type { Expr } from '../plan/expr.js';
import { some } from '../plan/expr.js';
import { walkPlan } from '../plan/plan-walk.js';
import type { Plan, ProjectItem, ScanPlan } from '../plan/logical.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import type { FormatContext } from '../types/type-info.js';
import { compilePlan } from './compile-plan.js';
import { compileExpr, compileRow, compileTest, layoutOf, withoutRests } from './eval.js';
import { beginConstraints, constraintsPending, settleConstraints } from './constraint-checks.js';
import { tableCodec } from './index-codec.js';
import { type Batch, type Operator, type OperatorFactory, type Row, Run } from './run.js';
import { AccessPath, livePositions } from './scan.js';

export type Command = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE' | 'MERGE' | 'CALL';

export interface CompiledQuery {
  start(ctx: ExecContext): Execution;
}

/** Compiles a plan; `returnsRows` is false for data changes without RETURNING. */
export function compileQuery(plan: Plan, command: Command, returnsRows: boolean): CompiledQuery {
  // Operators are made of closures that hold no state of a run, so one factory serves all executions.
  let factory: OperatorFactory | null = null;
  const settles = callsRoutines(plan, 'volatile');
  const reads = settles && (callsRoutines(plan, 'stable') || scans(plan));
  return {
    start: (ctx) => {
      factory ??= compilePlan(plan);
      return new QueryExecution(factory, command, returnsRows, ctx, { settles, reads });
    },
  };
}

function scans(plan: Plan): boolean {
  let found = false;
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      if (p.kind === 'scan') found = true;
    },
  );
  return found;
}

/** Of users; volatile ones may write. */
function callsRoutines(plan: Plan, volatility: 'volatile' | 'stable'): boolean {
  let found = false;
  walkPlan(plan, (e) => {
    if ((e.kind === 'call' || e.kind === 'srf') && e.entry.routine?.volatility === volatility) found = true;
  });
  return found;
}

class QueryExecution implements Execution {
  readonly #factory: OperatorFactory;
  readonly #command: Command;
  readonly #returnsRows: boolean;
  readonly #run: Run;
  #operator: Operator | null = null;
  #batch: Batch = [];
  #at = 0;
  #sent = 0;
  /** Rows sent before the last run: a tag counts those of the last Execute, as a portal's client reads it. */
  #before = 0;

  /** Functions write while it reads: it is not to see that. */
  readonly #reads: boolean;

  constructor(
    factory: OperatorFactory,
    command: Command,
    returnsRows: boolean,
    ctx: ExecContext,
    { settles, reads }: { readonly settles: boolean; readonly reads: boolean },
  ) {
    this.#factory = factory;
    this.#command = command;
    this.#returnsRows = returnsRows;
    this.#reads = reads;
    this.#run = new Run(ctx);
    this.#run.settles = settles;
  }

  get tag(): string {
    switch (this.#command) {
      case 'SELECT':
        return `SELECT ${this.#sent - this.#before}`;
      case 'CALL':
        return 'CALL';
      case 'INSERT':
        return `INSERT 0 ${this.#changed()}`;
      case 'UPDATE':
      case 'DELETE':
      case 'MERGE':
        return `${this.#command} ${this.#changed()}`;
    }
  }

  #changed(): number {
    return this.#before > 0 ? this.#sent - this.#before : this.#run.affected;
  }

  async run(sink: ResultSink, maxRows: number): Promise<'done' | 'suspended'> {
    if (this.#operator === null) {
      beginConstraints(this.#run.ctx.txn);
      this.#run.rowsWanted = maxRows;
      if (this.#reads) this.#run.readBefore(true);
      this.#operator = this.#factory(this.#run);
    }
    this.#before = this.#sent;
    const end = maxRows === 0 ? Number.MAX_SAFE_INTEGER : this.#sent + maxRows;
    for (;;) {
      while (this.#at < this.#batch.length) {
        if (this.#sent >= end) return this.#stopAt('suspended');
        sink.row(this.#batch[this.#at++]!);
        this.#sent++;
      }
      if (this.#sent >= end) return this.#stopAt('suspended');
      const slow = sink.slow();
      if (slow !== null) await slow;
      const batch = await this.#operator.next(maxRows === 0 ? undefined : end - this.#sent);
      if (batch === null) {
        this.#operator.close();
        return this.#stopAt('done');
      }
      if (!this.#returnsRows) continue;
      this.#batch = batch;
      this.#at = 0;
    }
  }

  /** Another statement may come next, or the commit: what was written by now must hold. */
  async #stopAt<T>(state: T): Promise<T> {
    if (constraintsPending(this.#run.ctx.txn)) await settleConstraints(this.#run.ctx);
    return state;
  }

  close(): void {
    this.#operator?.close();
  }
}

/** Expressions that need nothing of the execution but parameters and formats. */
function selfContained(expr: Expr): boolean {
  return !some(expr, (e) => {
    switch (e.kind) {
      case 'call':
        return e.entry.volatility !== 'immutable' || e.entry.mayWait;
      case 'subquery':
      case 'sqlvalue':
      case 'aggregate':
      case 'window':
      case 'srf':
        return true;
      default:
        return false;
    }
  });
}

/** The scan and projection of a plan that reads rows by their whole primary key; null for others. */
function pointShape(plan: Plan): { scan: ScanPlan; items: readonly ProjectItem[] | null } | null {
  const items = plan.kind === 'project' ? plan.items : null;
  const scan = plan.kind === 'project' ? plan.input : plan;
  if (scan.kind !== 'scan' || scan.lock !== null || scan.limit !== null) return null;
  const { access } = scan;
  if (access === null || !access.unique || !access.index.primary) return null;
  const exprs: Expr[] = [];
  for (const constraint of access.constraints) {
    if (constraint.kind === 'equal') exprs.push(...constraint.values);
    else if (constraint.kind === 'anyof') exprs.push(constraint.array);
    else return null;
  }
  if (scan.filter !== null) exprs.push(scan.filter);
  if (items !== null) exprs.push(...items.map((i) => i.expr));
  return exprs.every(selfContained) ? { scan, items } : null;
}

/** See CompiledStatement.pointRead: the hottest path of all. */
export function compilePointRead(plan: Plan): CompiledStatement['pointRead'] {
  const shape = pointShape(plan);
  if (shape === null) return null;
  const { scan, items } = shape;
  const codec = tableCodec(scan.table);
  const path = new AccessPath(scan, codec);
  const layout = layoutOf(scan.columns);
  const decode = codec.decoderOf(livePositions(scan, codec));
  const test = compileTest(scan.filter, layout);
  const project =
    items === null
      ? null
      : compileRow(
          items.map((i) => i.expr),
          layout,
        );
  if (path.waits || test?.waits === true || project?.waits === true) return null;
  return {
    indexId: scan.access!.index.oid,
    keys: (parameters, format) => {
      const targets = path.targets(lightRun(parameters, format));
      return targets.kind === 'keys' ? targets.keys : [];
    },
    rows: (values, parameters, format, sink) => {
      const run = lightRun(parameters, format);
      let count = 0;
      for (const value of values) {
        if (value === null) continue;
        const row = decode(value);
        if (test !== null && !test.now(row, run)) continue;
        sink.row(project === null ? row : project.now(row, run));
        count++;
      }
      return count;
    },
  };
}

/** A run for expressions that are `selfContained`: they look at nothing else of the context. */
function lightRun(parameters: readonly Datum[], format: FormatContext): Run {
  const ctx: Pick<ExecContext, 'parameters' | 'format'> = { parameters, format };
  return new Run(ctx as ExecContext);
}

/** A stand-alone expression over given columns (DEFAULT, CHECK). */
export function compileScalar(
  expr: Expr,
  columns: readonly { readonly id: number }[],
): (row: Row, ctx: ExecContext) => Datum | Promise<Datum> {
  const compiled = withoutRests(() => compileExpr(expr, layoutOf(columns)));
  return (row, ctx) => compiled.eval(row, new Run(ctx));
}
