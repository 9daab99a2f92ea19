/**
 * INSERT (with ON CONFLICT), UPDATE, DELETE.
 *
 * Rows to change are collected before the first one is changed, or a scan could meet what the
 * statement itself has written. Their locks were taken by the scan. Unique keys of new rows are read
 * under locks, a batch at a time, before anything of the batch is written.
 *
 * A subquery in SET or RETURNING must not see what the statement itself writes either: where there is one, all new
 * values and all returned rows are computed before the first write.
 */
import { unreachable } from '../../base/assert.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import { type IndexDescriptor, isReferenced } from '../catalog/descriptor.js';
import { decideArbiters } from '../plan/arbiters.js';
import { type Expr, some } from '../plan/expr.js';
import type {
  ConflictClause,
  DeletePlan,
  InsertPlan,
  InsertSource,
  Plan,
  PlanColumn,
  Returning,
  UpdatePlan,
} from '../plan/logical.js';
import { walkPlan } from '../plan/plan-walk.js';
import { currentXid } from '../plan/row-version.js';
import type { Datum } from '../types/datum.js';
import { changeRow, RowChanges } from './change-row.js';
import { compilePlan } from './compile-plan.js';
import { relieveConstraints } from './constraint-checks.js';
import {
  type Compiled,
  compileExpr,
  type CompiledRow,
  compileRow,
  type CompiledTest,
  compileTest,
  type Layout,
  layoutOf,
  testRow,
} from './eval.js';
import type { IndexCodec } from './index-codec.js';
import { openTarget, type RowTarget } from './row-targets.js';
import { RowWriter, uniqueRowId } from './row-writer.js';
import {
  type Batch,
  LazyRows,
  type Operator,
  type OperatorFactory,
  type Row,
  rowBytes,
  RowsOperator,
  type Run,
} from './run.js';
import { checkCancelled } from './scan.js';
import { callsStable, callsVolatile, seesBefore } from './sees-before.js';

const NO_LAYOUT: Layout = new Map<number, number>();
const NO_ROW: Row = [];
/** xmax of a row that nobody has changed. */
const INSERTED: Row = [0];
const WRITE_ROWS = 1000;
/** Of values that are long, fewer rows are held at a time. */
const WRITE_BYTES = 4 * 1024 * 1024;

type ReturningRow = ((full: Row, input: Row, run: Run) => Promise<Row> | Row) | null;

/** `more`: what it may read beside the row. */
function compileReturning(returning: Returning | null, more: readonly PlanColumn[]): ReturningRow {
  if (returning === null) return null;
  const columns = [...returning.row, ...more];
  const items: CompiledRow = compileRow(
    returning.items.map((i) => i.expr),
    layoutOf(columns),
  );
  return (full, source, run) => {
    const row = more.length === 0 ? full : [...full, ...source];
    return items.waits ? items.later(row, run) : items.now(row, run);
  };
}

export async function relieve(run: Run): Promise<void> {
  if (run.ctx.txn.crowded) await run.ctx.txn.relieve();
  await relieveConstraints(run.ctx);
}

/** Whole input, accounted for; `release` when done. */
export async function collect(input: Operator, run: Run): Promise<{ rows: Row[]; release: () => void }> {
  const rows: Row[] = [];
  let bytes = 0;
  try {
    for (let batch = await input.next(); batch !== null; batch = await input.next()) {
      for (const row of batch) {
        rows.push(row);
        const size = rowBytes(row);
        bytes += size;
        run.ctx.memory.grow(size);
      }
    }
  } finally {
    input.close();
  }
  return { rows, release: () => run.ctx.memory.shrink(bytes) };
}

// ---- INSERT -------------------------------------------------------------------------------------

export type RowMaker = (input: Row, run: Run) => Promise<Datum[]> | Datum[];

/** Computes full rows of the table from input rows; expressions refer to columns of `layout`. */
export function compileSources(sources: readonly InsertSource[], layout: Layout = NO_LAYOUT): RowMaker {
  const makers = sources.map((source) => compileSource(source, layout));
  if (!makers.some((m) => m.waits)) {
    const evals = makers.map((m) => m.eval as (row: Row, run: Run) => Datum);
    return (input, run) => {
      const row = new Array<Datum>(evals.length);
      for (let i = 0; i < evals.length; i++) row[i] = evals[i]!(input, run);
      return row;
    };
  }
  return async (input, run) => {
    const row = new Array<Datum>(makers.length);
    for (let i = 0; i < makers.length; i++) {
      const m = makers[i]!;
      row[i] = m.waits ? await m.eval(input, run) : m.eval(input, run);
    }
    return row;
  };
}

function compileSource(source: InsertSource, layout: Layout): Compiled {
  switch (source.kind) {
    case 'input': {
      const { index } = source;
      return { waits: false, eval: (row) => row[index]! };
    }
    case 'expr':
      return compileExpr(source.expr, layout);
    case 'rowid':
      return { waits: false, eval: (_row, run) => uniqueRowId(run.ctx) };
    default:
      return unreachable(source, 'source of a column');
  }
}

export function compileInsert(plan: InsertPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const writer = new RowWriter(
    plan.table,
    plan.schemaName,
    plan.checks,
    undefined,
    (i) => plan.sources[i]?.kind === 'input',
  );
  const make = compileSources(plan.sources);
  const returning = compileReturning(
    plan.returning,
    plan.returning?.changedBy == null ? [] : [plan.returning.changedBy],
  );
  const conflict = plan.conflict === null ? null : compileConflict(plan.conflict);
  const singleRow = plan.input.kind === 'one' || (plan.input.kind === 'values' && plan.input.rows.length === 1);
  const readsTarget = readsTable(plan.input, plan.table.id) || callsStable(exprsIn(plan.input));
  const decides = !singleRow && readsLate(plan);
  const ahead = decides || writer.viewChecksWait || seesBefore(plan.returning?.items.map((i) => i.expr) ?? []);
  if (conflict !== null && writer.viewChecksWait)
    throw sqlError('0A000', 'ON CONFLICT with a WITH CHECK OPTION that has a subquery is not supported');
  return (run) => {
    const insert = new Inserter(run, writer, make, conflict, returning, ahead, decides);
    const deferred = singleRow && run.ctx.implicit && plan.conflict === null && !writer.hasViewChecks;
    // A statement that READ COMMITTED repeats must not meet what its first run has ingested.
    const ingest = plan.freshStorage && !singleRow && conflict === null && run.ctx.txn.isolation !== 'read committed';
    return new LazyRows(() => insert.all(input(run), readsTarget, deferred, ingest));
  };
}

function exprsIn(plan: Plan): Expr[] {
  const found: Expr[] = [];
  walkPlan(
    plan,
    (e) => found.push(e),
    () => undefined,
  );
  return found;
}

/** A source that scans the target must be read whole before the first write. */
function readsTable(plan: Plan, tableId: number): boolean {
  let reads = false;
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      if (p.kind === 'scan' && p.table.id === tableId) reads = true;
    },
  );
  return reads;
}

/** What DO UPDATE computes for a later row would see what was done for an earlier one. */
function readsLate(plan: InsertPlan): boolean {
  const update = plan.conflict?.update ?? null;
  if (update === null) return false;
  const exprs = [...update.assignments, update.where, ...(plan.returning?.items.map((i) => i.expr) ?? [])];
  const reads = (e: Expr): boolean => e.kind === 'subquery' && readsTable(e.plan, plan.table.id);
  return exprs.some((e) => e !== null && some(e, reads));
}

/** What becomes of a row that is there, computed before the first write. */
interface Decision {
  readonly after: Datum[];
  /** RETURNING's. */
  readonly shown: Row;
}

interface CompiledConflict {
  readonly clause: ConflictClause;
  readonly assignments: readonly (Compiled | null)[];
  readonly where: CompiledTest | null;
}

function compileConflict(clause: ConflictClause): CompiledConflict {
  const { update } = clause;
  if (update === null) return { clause, assignments: [], where: null };
  const layout = layoutOf([...update.existing, ...update.excluded]);
  return {
    clause,
    assignments: update.assignments.map((a) => (a === null ? null : compileExpr(a, layout))),
    where: compileTest(update.where, layout),
  };
}

export class Inserter {
  readonly #run: Run;
  readonly #writer: RowWriter;
  readonly #make: RowMaker;
  readonly #conflict: CompiledConflict | null;
  readonly #returning: ReturningRow;
  /** RETURNING of the rows to insert, where it must be computed before the first write. */
  readonly #early: Map<Row, Row> | null;
  /** What DO UPDATE makes of the rows, null where its WHERE is not met; null: it is computed as they are written. */
  readonly #decisions: Map<Row, Decision | null> | null;
  /** Of a row that is written; those that wait have been looked at before. */
  readonly #checksViews: boolean;
  readonly #out: Row[] = [];
  /** Primary keys that this statement has inserted or updated: none may be updated again. */
  readonly #touched = new Set<Key>();
  /** null: every unique index. */
  readonly #arbiters: readonly IndexDescriptor[] | null;
  #target: RowTarget | null = null;

  constructor(
    run: Run,
    writer: RowWriter,
    make: RowMaker,
    conflict: CompiledConflict | null,
    returning: ReturningRow,
    ahead = false,
    decides = false,
  ) {
    this.#run = run;
    this.#writer = writer;
    this.#make = make;
    this.#conflict = conflict;
    this.#returning = returning;
    this.#early = ahead ? new Map() : null;
    this.#decisions = decides ? new Map() : null;
    this.#checksViews = writer.hasViewChecks && !writer.viewChecksWait;
    const { arbiters = null, inference = null } = conflict?.clause ?? {};
    const { parameters, format } = run.ctx;
    this.#arbiters = inference === null ? arbiters : decideArbiters(writer.table, inference, parameters, format);
  }

  async all(input: Operator, whole: boolean, deferred: boolean, ingest: boolean): Promise<Row[]> {
    const run = this.#run;
    if (ingest) this.#target = await openTarget(run, this.#writer, true);
    const collected = whole ? await collect(input, run) : null;
    const source = collected === null ? input : new RowsOperator(collected.rows);
    try {
      for (let batch = await source.next(); batch !== null; batch = await source.next()) {
        checkCancelled(run.ctx);
        for (let at = 0; at < batch.length;) {
          const rows = await this.#rows(batch, at);
          at += rows.length;
          if (this.#early === null) await this.#write(rows, deferred);
        }
      }
      if (this.#early !== null) {
        const rows = [...this.#early.keys()];
        if (this.#decisions !== null) await this.#decideAll(rows, this.#decisions);
        await this.#writeAll(rows, deferred);
      }
    } finally {
      source.close();
      collected?.release();
    }
    await this.#target?.finish();
    return this.#out;
  }

  async #writeAll(rows: readonly Row[], deferred: boolean): Promise<void> {
    for (let at = 0; at < rows.length; at += WRITE_ROWS) await this.#write(rows.slice(at, at + WRITE_ROWS), deferred);
  }

  /** Before the first of them is written: what DO UPDATE makes of those that meet a row. */
  async #decideAll(rows: readonly Row[], decisions: Map<Row, Decision | null>): Promise<void> {
    const run = this.#run;
    const { assignments, where } = this.#conflict!;
    const changed: Row = [currentXid(run.ctx)];
    for (let at = 0; at < rows.length; at += WRITE_ROWS) {
      const batch = rows.slice(at, at + WRITE_ROWS);
      const wanted = batch.map((full) =>
        this.#writer.uniqueKeys(this.#writer.live(full)).filter(({ index }) => this.#isArbiter(index)),
      );
      const keys = [...new Set(wanted.flatMap((list) => list.map(({ key }) => key)))];
      const values = await run.ctx.txn.getMany(keys, { lock: 'exclusive' });
      const present = new Map(keys.map((key, i) => [key, values[i] ?? null]));
      for (const [i, full] of batch.entries()) {
        const clash = wanted[i]!.find(({ key }) => (present.get(key) ?? null) !== null);
        if (clash === undefined) continue;
        const existing = await this.#writer.rowBehind(run.ctx.txn, clash.index, present.get(clash.key)!);
        if (existing === null) throw new QuoralError('XX000', 'a unique entry leads to no row');
        const both = [...existing, ...full];
        if (!(await testRow(where, both, run))) {
          decisions.set(full, null);
          continue;
        }
        const after = await assign(existing, both, assignments, run);
        // RETURNING shows generated columns as well.
        const wait = this.#writer.verify(after, run);
        if (wait !== undefined) await wait;
        const shown = this.#returning === null ? NO_ROW : await this.#returning(after, changed, run);
        run.ctx.memory.grow(rowBytes(after) + rowBytes(shown));
        decisions.set(full, { after, shown });
      }
    }
  }

  /** Full rows of the next few, verified. */
  async #rows(batch: Batch, from: number): Promise<Row[]> {
    const rows: Row[] = [];
    let bytes = 0;
    for (let at = from; at < batch.length && rows.length < WRITE_ROWS && bytes < WRITE_BYTES; at++) {
      const source = batch[at]!;
      const made = this.#make(source, this.#run);
      const full = made instanceof Promise ? await made : made;
      const wait = this.#writer.verify(full, this.#run);
      if (wait !== undefined) await wait;
      if (this.#writer.viewChecksWait) await this.#writer.verifyViews(full, this.#run);
      rows.push(full);
      if (batch.length > 1) bytes += rowBytes(full);
      if (this.#early !== null) {
        const returned = this.#returning === null ? NO_ROW : await this.#returning(full, INSERTED, this.#run);
        this.#early.set(full, returned);
        this.#run.ctx.memory.grow(rowBytes(full) + rowBytes(returned));
      }
    }
    return rows;
  }

  async #write(rows: readonly Row[], deferred: boolean): Promise<void> {
    if (deferred) {
      for (const full of rows) {
        this.#writer.putDeferred(this.#run.ctx, full);
        await this.#wrote(full);
      }
      return;
    }
    if (this.#target !== null) {
      const clash = await this.#target.write(rows);
      if (clash !== null) throw clash.error;
      for (const full of rows) await this.#wrote(full);
      return;
    }
    await this.insertRows(rows);
    await relieve(this.#run);
  }

  /** Inserts verified rows after reading all their unique keys under locks, in one request. */
  async insertRows(rows: readonly Row[]): Promise<void> {
    const { txn } = this.#run.ctx;
    if (this.#conflict !== null) this.#writer.refuseLateArbiters((index) => this.#isArbiter(index));
    const wanted = rows.map((full) => this.#writer.uniqueKeys(this.#writer.live(full)));
    const keys = [...new Set(wanted.flatMap((list) => list.map((w) => w.key)))];
    const present = new Map<Key, Buffer | null>();
    if (keys.length > 0) {
      const values = await txn.getMany(keys, { lock: 'exclusive' });
      keys.forEach((key, i) => present.set(key, values[i] ?? null));
    }
    for (let i = 0; i < rows.length; i++) {
      const full = rows[i]!;
      const clashes = wanted[i]!.filter((w) => (present.get(w.key) ?? null) !== null);
      // What the statement says of a conflict with an arbiter comes before the errors of other indexes.
      const clash = clashes.find((w) => this.#isArbiter(w.index)) ?? clashes[0];
      if (clash !== undefined) {
        await this.#clash(full, clash.index, present.get(clash.key)!, present);
        continue;
      }
      this.#writer.put(txn, full);
      if (txn.crowded) await relieve(this.#run);
      this.#remember(full, present);
      await this.#wrote(full);
    }
  }

  /** Later rows of the batch see this one. */
  #remember(full: Row, present: Map<Key, Buffer | null>): void {
    const live = this.#writer.live(full);
    for (const { index, key } of this.#writer.uniqueKeys(live)) {
      present.set(key, index.index.primary ? this.#writer.codec.encodeRow(live) : index.entryOfRow(live));
    }
    if (this.#conflict?.clause.update != null) {
      this.#touched.add(this.#writer.codec.primary.keyOfRow(live));
    }
  }

  /** `source`: xmax of the row. */
  async #wrote(full: Row, source = INSERTED): Promise<void> {
    if (this.#checksViews) await this.#writer.verifyViews(full, this.#run);
    this.#run.affected++;
    if (this.#returning !== null)
      this.#out.push(this.#early?.get(full) ?? (await this.#returning(full, source, this.#run)));
  }

  #isArbiter(index: IndexCodec): boolean {
    if (this.#conflict === null) return false;
    return this.#arbiters === null || this.#arbiters.some((a) => a.id === index.index.id);
  }

  async #clash(full: Row, index: IndexCodec, value: Buffer, present: Map<Key, Buffer | null>): Promise<void> {
    const { ctx } = this.#run;
    const conflict = this.#conflict;
    if (conflict === null || !this.#isArbiter(index)) {
      throw this.#writer.uniqueViolation(index, full, ctx);
    }
    if (conflict.clause.update === null) return;
    const existing = await this.#writer.rowBehind(ctx.txn, index, value);
    if (existing === null) throw new QuoralError('XX000', 'a unique entry leads to no row');
    const key = this.#writer.codec.primary.keyOfRow(this.#writer.live(existing));
    if (this.#touched.has(key)) {
      throw sqlError('21000', 'ON CONFLICT DO UPDATE command cannot affect row a second time', {
        hint: 'Ensure that no rows proposed for insertion within the same command have duplicate constrained values.',
      });
    }
    const decided = this.#decisions?.get(full);
    const both = [...existing, ...full];
    if (decided === null || (decided === undefined && !(await testRow(conflict.where, both, this.#run)))) return;
    const after = decided?.after ?? (await assign(existing, both, conflict.assignments, this.#run));
    const changed: Row = [currentXid(ctx)];
    if (decided !== undefined) this.#early?.set(after, decided.shown);
    else if (this.#early !== null && this.#returning !== null)
      this.#early.set(after, await this.#returning(after, changed, this.#run));
    // It is locked as a row that stays; those that refer to it are waited for as by an UPDATE of the key.
    const { codec, table } = this.#writer;
    if (isReferenced(table) && codec.primary.keyOfRow(this.#writer.live(after)) !== key)
      await ctx.txn.get(key, { lock: 'exclusive', scope: 'whole' });
    await changeRow(this.#run, this.#writer, existing, after);
    for (const u of this.#writer.uniqueKeys(this.#writer.live(existing))) present.set(u.key, null);
    this.#remember(after, present);
    await this.#wrote(after, changed);
  }
}

/** The row with its assigned columns replaced; the values are computed from `source`. */
export async function assign(
  before: Row,
  source: Row,
  assignments: readonly (Compiled | null)[],
  run: Run,
): Promise<Datum[]> {
  const after = before.slice();
  for (let i = 0; i < assignments.length; i++) {
    const a = assignments[i]!;
    if (a !== null) after[i] = a.waits ? await a.eval(source, run) : a.eval(source, run);
  }
  return after;
}

// ---- UPDATE, DELETE -----------------------------------------------------------------------------

/** Reads the target row out of an input row. */
export function compileTarget(target: readonly number[], input: Plan): (row: Row) => Row {
  const layout = layoutOf(input.columns);
  const positions = target.map((id) => layout.get(id) ?? -1);
  if (positions.every((p, i) => p === i)) {
    return positions.length === input.columns.length ? (row) => row : (row) => row.slice(0, positions.length);
  }
  return (row) => positions.map((p) => (p < 0 ? null : row[p]!));
}

export function compileUpdate(plan: UpdatePlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const writer = new RowWriter(plan.table, plan.schemaName, plan.checks, undefined, (i) => plan.assignments[i] != null);
  const layout = layoutOf(plan.input.columns);
  const target = compileTarget(plan.target, plan.input);
  const assignments = plan.assignments.map((a: Expr | null) => (a === null ? null : compileExpr(a, layout)));
  const returning = compileReturning(plan.returning, plan.input.columns);
  const late = [...plan.assignments, ...(plan.returning?.items.map((i) => i.expr) ?? [])];
  const ahead = writer.viewChecksWait || seesBefore(late);
  return (run) =>
    new LazyRows(async () => {
      const { rows, release } = await collect(input(run), run);
      const out: Row[] = [];
      const decided: { readonly before: Row; readonly after: Datum[] }[] = [];
      const changes = new RowChanges(run, writer);
      const change = async (before: Row, after: Datum[]): Promise<void> => {
        if (await changes.change(before, after)) await changed(after);
      };
      const changed = async (after: Row): Promise<void> => {
        if (writer.hasViewChecks && !writer.viewChecksWait) await writer.verifyViews(after, run);
        run.affected++;
        if (run.affected % WRITE_ROWS === 0 || run.ctx.txn.crowded) await relieve(run);
      };
      // A joined target row may come several times: the first one counts.
      const seen = plan.joined ? new Set<Key>() : null;
      for (const row of rows) {
        const before = target(row);
        if (seen !== null && !firstTime(seen, writer, before)) continue;
        const after = await assign(before, row, assignments, run);
        if (!ahead) await change(before, after);
        else {
          // RETURNING is computed now, and shows generated columns as well.
          const wait = writer.verify(after, run);
          if (wait !== undefined) await wait;
          if (writer.viewChecksWait) await writer.verifyViews(after, run);
          decided.push({ before, after });
          run.ctx.memory.grow(rowBytes(after));
        }
        if (returning !== null) out.push(await returning(after, row, run));
      }
      for (const { before, after } of decided) await change(before, after);
      await changes.finish(changed);
      release();
      return out;
    });
}

export function firstTime(seen: Set<Key>, writer: RowWriter, full: Row): boolean {
  const key = writer.codec.primary.keyOfRow(writer.live(full));
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

export function compileDelete(plan: DeletePlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const writer = new RowWriter(plan.table, plan.schemaName, { row: [], checks: [], links: plan.links });
  const target = compileTarget(plan.target, plan.input);
  const returning = compileReturning(plan.returning, plan.input.columns);
  // Volatile functions see what has been removed so far, the row itself among it.
  const atOnce = callsVolatile(plan.returning?.items.map((i) => i.expr) ?? []);
  const remove = async (run: Run, before: Row): Promise<void> => {
    writer.remove(run.ctx.txn, before);
    run.affected++;
    if (run.affected % WRITE_ROWS === 0 || run.ctx.txn.crowded) await relieve(run);
  };
  return (run) =>
    new LazyRows(async () => {
      const { rows, release } = await collect(input(run), run);
      const out: Row[] = [];
      const doomed: Row[] = [];
      const seen = plan.joined ? new Set<Key>() : null;
      for (const row of rows) {
        const before = target(row);
        if (seen !== null && !firstTime(seen, writer, before)) continue;
        if (atOnce) await remove(run, before);
        else doomed.push(before);
        // The old row is in the input: RETURNING reads it there.
        if (returning !== null) out.push(await returning(NO_ROW, row, run));
      }
      for (const before of doomed) await remove(run, before);
      release();
      return out;
    });
}
