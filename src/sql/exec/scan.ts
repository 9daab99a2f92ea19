/**
 * Reading tables: an access path becomes point keys or spans, which become rows.
 *
 * - All keys known (a whole unique key by equality): point reads, in chunks, no scan.
 * - Otherwise spans of the index, one for each combination of equal values; a secondary index that
 *   does not cover the wanted columns is followed by point reads of the primary one.
 * - An inverted index gives keys of rows (inverted-scan.ts), or says nothing: then the whole table is read.
 * Keys and spans are visited in index order (backwards if the plan says so), each once.
 * Locking reads lock the primary row; what the index said still holds then, because the transaction
 * moves to a newer time only after checking that nothing it has read has changed.
 */
import { assert } from '../../base/assert.js';
import { after, type Soon } from '../../base/soon.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import { prefixEnd, type Key, type Span } from '../../base/key.js';
import { isReferenced, type TableDescriptor } from '../catalog/descriptor.js';
import { KvError } from '../../range/kv-errors.js';
import type { ReadOptions } from '../../txn/kv-txn.js';
import type { Expr } from '../plan/expr.js';
import type { Access, KeyConstraint, Lock, ScanPlan } from '../plan/logical.js';
import { idsOf } from '../plan/plan-walk.js';
import { PgArray, type Datum } from '../types/datum.js';
import type { RowDecoder } from '../encoding/row-codec.js';
import { type AsyncEval, type CompiledTest, compileExpr, compileTest, layoutOf, type SyncEval } from './eval.js';
import { gated, splitGate } from './gate.js';
import { type IndexCodec, type InvertedCodec, type TableCodec, tableCodec } from './index-codec.js';
import { checkCancelled } from './cancel.js';
import { type ItemTest, type Postings, postingsOf } from './inverted-scan.js';
import { LateError } from './late-error.js';
import { eachRow } from './pace.js';
import { type PendingUse, usageOf } from '../usage/session-usage.js';
import {
  type Batch,
  BATCH_ROWS,
  Held,
  type Operator,
  type OperatorFactory,
  type Row,
  rowBytes,
  type Run,
} from './run.js';

const NO_ROW: Row = [];
const NO_OPTIONS: ReadOptions = {};
const LATEST: ReadOptions = { latest: true };
const TENTATIVE: ReadOptions = { tentative: 'read' };
/** Combinations of equal values that one scan takes apart. */
const COMBINATIONS_MAX = 1_000_000;
const SCAN_BYTES = 512 << 10;

export { checkCancelled };

/** Positions of the scan's columns among the table's live ones. */
export function livePositions(plan: ScanPlan, codec: TableCodec): number[] {
  return plan.columns.map((c) => {
    const column = plan.table.columns[c.position]!;
    return codec.columns.indexOf(column);
  });
}

/** What a scan has to look at: single keys, keys as an inverted index gives them, or spans. */
export type Targets =
  | { readonly kind: 'keys'; readonly keys: readonly Key[] }
  | { readonly kind: 'postings'; readonly postings: Postings }
  | { readonly kind: 'spans'; readonly spans: readonly Span[] };

export class AccessPath {
  /** Where spans and keys lie: the primary one too if rows are found by an inverted index. */
  readonly index: IndexCodec;
  readonly access: Access | null;
  readonly #constraints: readonly CompiledConstraint[];
  readonly #inverted: { readonly index: InvertedCodec; readonly tests: readonly ItemTest[] } | null;
  /** Values of the constraints that call what users made, and what they are in a run. */
  readonly #waiting: AsyncEval[] = [];
  readonly #waited = new WeakMap<Run, readonly Datum[]>();

  constructor(plan: ScanPlan, codec: TableCodec) {
    const { access } = plan;
    this.access = access;
    const inverted = access === null ? undefined : codec.invertedIndex(access.index.id);
    const ordered = access === null || access.index.primary ? codec.primary : codec.secondary(access.index.id);
    const outside = (expr: Expr): SyncEval => this.#outside(expr);
    this.index = inverted === undefined ? ordered! : codec.primary;
    this.#inverted =
      inverted === undefined
        ? null
        : { index: inverted, tests: access!.constraints.map((c) => compileItems(c, outside)) };
    this.#constraints =
      access === null || inverted !== undefined ? [] : access.constraints.map((c) => compileConstraint(c, outside));
  }

  #outside(expr: Expr): SyncEval {
    const compiled = compileExpr(expr, new Map());
    if (!compiled.waits) return compiled.eval;
    const at = this.#waiting.push(compiled.eval) - 1;
    return (_row, run) => {
      const values = this.#waited.get(run);
      if (values === undefined) throw new QuoralError('XX000', 'an index constraint that waits');
      return values[at]!;
    };
  }

  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** As `targets`, where its values have to be waited for. */
  async waitedTargets(run: Run): Promise<Targets> {
    const values: Datum[] = [];
    for (const compute of this.#waiting) values.push(await compute(NO_ROW, run));
    // At once: another scan of the run may wait for values of its own.
    this.#waited.set(run, values);
    return this.targets(run);
  }

  get unique(): boolean {
    return this.access?.unique === true;
  }

  targets(run: Run): Targets {
    const { index } = this;
    if (this.#inverted !== null) {
      const found = postingsOf(this.#inverted.index, this.#inverted.tests, run);
      if (found === null) return { kind: 'keys', keys: [] };
      if (found !== 'all') return { kind: 'postings', postings: found };
    }
    let prefixes: Datum[][] = [[]];
    let range: CompiledConstraint | null = null;
    for (const constraint of this.#constraints) {
      if (constraint.kind === 'range') {
        range = constraint;
        break;
      }
      const values = constraint.values(run);
      if (values.length * prefixes.length > COMBINATIONS_MAX) {
        throw new QuoralError('54001', 'too many combinations of index values in one scan');
      }
      prefixes = prefixes.flatMap((prefix) => values.map((v) => [...prefix, v]));
    }
    if (this.unique) {
      const keys = prefixes.map((values) => index.keyOfColumns(values));
      return { kind: 'keys', keys: inOrder(keys, this.access!.reverse) };
    }
    const spans: Span[] = [];
    for (const values of prefixes) {
      const span = range === null ? spanOfPrefix(index, values) : rangeSpan(index, values, range, run);
      if (span !== null) spans.push(span);
    }
    return { kind: 'spans', spans: orderSpans(spans, this.access?.reverse === true) };
  }
}

interface CompiledConstraint {
  readonly kind: KeyConstraint['kind'];
  /** Distinct values; none for a comparison with NULL. */
  values(run: Run): Datum[];
  readonly lower: readonly { readonly eval: SyncEval; readonly inclusive: boolean }[];
  readonly upper: readonly { readonly eval: SyncEval; readonly inclusive: boolean }[];
}

function compileLimit(expr: Expr): SyncEval {
  const compiled = compileExpr(expr, new Map());
  if (compiled.waits) throw new QuoralError('XX000', 'a limit of a scan that waits');
  return compiled.eval;
}

function compileItems(constraint: KeyConstraint, outside: (expr: Expr) => SyncEval): ItemTest {
  assert(constraint.kind === 'items', 'a constraint of an inverted index');
  const argument = outside(constraint.argument);
  return { constraint, argument: (run) => argument(NO_ROW, run) };
}

function compileConstraint(constraint: KeyConstraint, outside: (expr: Expr) => SyncEval): CompiledConstraint {
  const none = { lower: [], upper: [] };
  switch (constraint.kind) {
    case 'equal': {
      const evals = constraint.values.map((value) => outside(value));
      if (evals.length === 1) {
        const only = evals[0]!;
        return {
          kind: 'equal',
          values: (run) => {
            const value = only(NO_ROW, run);
            return value === null ? [] : [value];
          },
          ...none,
        };
      }
      return {
        kind: 'equal',
        values: (run) => evals.map((e) => e(NO_ROW, run)).filter((v) => v !== null),
        ...none,
      };
    }
    case 'anyof': {
      const array = outside(constraint.array);
      return {
        kind: 'anyof',
        values: (run) => {
          const value = array(NO_ROW, run);
          return value instanceof PgArray ? value.elements.filter((v) => v !== null) : [];
        },
        ...none,
      };
    }
    case 'isnull':
      return { kind: 'isnull', values: () => [null], ...none };
    case 'items':
      throw new QuoralError('XX000', 'a constraint of an inverted index on an ordered one');
    case 'range': {
      const bounds = (list: typeof constraint.lower): CompiledConstraint['lower'] =>
        list.map((b) => ({ eval: outside(b.expr), inclusive: b.inclusive }));
      return {
        kind: 'range',
        values: () => [],
        lower: bounds(constraint.lower),
        upper: bounds(constraint.upper),
      };
    }
  }
}

function spanOfPrefix(index: IndexCodec, values: readonly Datum[]): Span {
  if (values.length === 0) return index.span;
  const start = index.keyOfColumns(values);
  return { start, end: prefixEnd(start) };
}

/** NULLs are at the far end of an ascending column and at the near end of a descending one. */
function rangeSpan(index: IndexCodec, prefix: readonly Datum[], range: CompiledConstraint, run: Run): Span | null {
  const { descending } = index.index.columns[prefix.length]!;
  const nulls = index.keyOfColumns([...prefix, null]);
  let start = descending ? prefixEnd(nulls) : index.keyOfColumns(prefix);
  let end = descending ? spanOfPrefix(index, prefix).end : nulls;
  const near = descending ? range.upper : range.lower;
  const far = descending ? range.lower : range.upper;
  for (const bound of near) {
    const value = bound.eval(NO_ROW, run);
    if (value === null) return null;
    const key = index.keyOfColumns([...prefix, value]);
    const from = bound.inclusive ? key : prefixEnd(key);
    if (from > start) start = from;
  }
  for (const bound of far) {
    const value = bound.eval(NO_ROW, run);
    if (value === null) return null;
    const key = index.keyOfColumns([...prefix, value]);
    const to = bound.inclusive ? prefixEnd(key) : key;
    if (to < end) end = to;
  }
  return start < end ? { start, end } : null;
}

function inOrder(keys: readonly Key[], reverse: boolean): readonly Key[] {
  if (keys.length < 2) return keys;
  const sorted = [...new Set(keys)].sort();
  return reverse ? sorted.reverse() : sorted;
}

function orderSpans(spans: Span[], reverse: boolean): Span[] {
  if (spans.length < 2) return spans;
  spans.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const distinct = spans.filter((s, i) => i === 0 || s.start !== spans[i - 1]!.start);
  return reverse ? distinct.reverse() : distinct;
}

export function readOptionsOf(table: TableDescriptor, { strength: lock, wait, whole }: Lock): ReadOptions {
  return whole && isReferenced(table) ? { lock, wait, scope: 'whole' } : { lock, wait };
}

/** @throws QuoralError 55P03 that names the table, where the range could not */
export function lockedOf<T>(table: TableDescriptor, { wait }: ReadOptions, reading: Promise<T>): Promise<T> {
  if (wait !== 'nowait') return reading;
  return reading.catch((error: unknown) => {
    if (!(error instanceof KvError) || error.detail.kind !== 'lock-not-available') throw error;
    throw sqlError('55P03', `could not obtain lock on row in relation "${table.name}"`);
  });
}

/** What a scan is counted for: the index that it uses, or else the table. */
export function usedId({ access, table }: ScanPlan): number {
  return access === null || access.index.oid === 0 ? table.id : access.index.oid;
}

export function compileScan(plan: ScanPlan): OperatorFactory {
  const codec = tableCodec(plan.table);
  const path = new AccessPath(plan, codec);
  const positions = livePositions(plan, codec);
  const covering = plan.access?.covering === true && !path.index.index.primary && plan.lock === null;
  const { gate, rest } = splitGate(plan.filter, idsOf(plan));
  const shape: ScanShape = {
    plan,
    codec,
    path,
    decode: codec.decoderOf(positions),
    covered: covering ? coveredPositions(plan, codec) : null,
    filter: compileTest(rest, layoutOf(plan.columns)),
    limit: plan.limit === null ? null : compileLimit(plan.limit),
    options: plan.lock === null ? {} : readOptionsOf(plan.table, plan.lock),
  };
  return (run) => gated(gate, run, () => new ScanOperator(shape, run));
}

/** Where each wanted column is in a secondary entry's value (primary key columns); -1: in no value. */
function coveredPositions(plan: ScanPlan, codec: TableCodec): number[] | null {
  const wanted = livePositions(plan, codec).map((p) => codec.primary.positions.indexOf(p));
  return wanted.every((p) => p >= 0) ? wanted : null;
}

interface ScanShape {
  readonly plan: ScanPlan;
  readonly codec: TableCodec;
  readonly path: AccessPath;
  readonly decode: RowDecoder;
  readonly covered: readonly number[] | null;
  readonly filter: CompiledTest | null;
  readonly limit: SyncEval | null;
  readonly options: ReadOptions;
}

class ScanOperator implements Operator {
  readonly #shape: ScanShape;
  readonly #run: Run;
  readonly #late = new LateError();
  #targets: Targets | null = null;
  #at = 0;
  #resume: Span | null = null;
  #left = Number.MAX_SAFE_INTEGER;
  /** The last row first. */
  #settled: Row[] | null = null;
  readonly #held: Held;
  #pageRows: number;
  /** Of every read. */
  readonly #before: Pick<ReadOptions, 'before' | 'wait'>;
  /** Where it is counted. */
  #use: PendingUse | null | undefined = undefined;

  constructor(shape: ScanShape, run: Run) {
    this.#shape = shape;
    this.#run = run;
    this.#held = new Held(run);
    const passes = shape.plan.passes === true && run.ctx.txn.isolation !== 'serializable';
    this.#before = { ...(run.before === null ? {} : { before: run.before }), ...(passes ? { wait: 'skip' } : {}) };
    // A scan that is expected to stop early begins with a small page.
    this.#pageRows = run.rowsWanted > 0 && run.rowsWanted < BATCH_ROWS ? run.rowsWanted + 1 : BATCH_ROWS;
    if (shape.limit !== null) {
      const limit = shape.limit(NO_ROW, run);
      if (limit !== null) {
        this.#left = Math.max(0, Number(limit));
        this.#pageRows = Math.max(1, Math.min(BATCH_ROWS, this.#left));
      }
    }
  }

  async next(wanted = Number.MAX_SAFE_INTEGER): Promise<Batch | null> {
    const { path, options } = this.#shape;
    this.#late.raise();
    // What locks must not read ahead; others read more and more at a time.
    const locks = options.lock !== undefined;
    if (locks) this.#pageRows = Math.max(1, Math.min(this.#pageRows, this.#left, wanted));
    else if (this.#targets === null) this.#pageRows = Math.max(1, Math.min(this.#pageRows, wanted));
    const settles = this.#run.settles && !(locks && wanted < BATCH_ROWS);
    this.#targets ??= path.waits ? await path.waitedTargets(this.#run) : path.targets(this.#run);
    if (this.#use === undefined) this.#noteScan();
    while (this.#left > 0) {
      checkCancelled(this.#run.ctx);
      const rows = settles ? await this.#nextSettled(this.#targets) : await this.#page(this.#targets);
      if (rows === null) return null;
      this.#noteRows(rows.length);
      const kept = await filterRows(rows, this.#shape.filter, this.#run, this.#late);
      if (kept.length === 0) continue;
      this.#left -= kept.length;
      return kept;
    }
    return null;
  }

  #noteScan(): void {
    const { plan } = this.#shape;
    this.#use = usageOf(this.#run.ctx.txn)?.relation(usedId(plan)) ?? null;
    if (this.#use !== null) this.#use.scans++;
  }

  /** Of those that are given from memory it is known already. */
  #noteRows(count: number): void {
    const use = this.#use;
    if (use == null || this.#run.settles) return;
    use.returned += count;
    if (this.#shape.plan.access !== null && this.#shape.covered === null) use.fetched += count;
  }

  close(): void {
    this.#left = 0;
    this.#held.release();
    if (this.#targets?.kind === 'postings') this.#targets.postings.close();
  }

  #page(targets: Targets): Promise<Row[] | null> {
    switch (targets.kind) {
      case 'keys':
        return this.#nextKeys(targets.keys);
      case 'postings':
        return this.#nextPostings(targets.postings);
      case 'spans':
        return this.#nextSpan(targets.spans);
    }
  }

  async #nextPostings(postings: Postings): Promise<Row[] | null> {
    const keys = await postings.next(this.#pageRows);
    this.#pageRows = Math.min(this.#pageRows * 4, BATCH_ROWS);
    return keys === null ? null : this.#rowsOfKeys(keys);
  }

  /** All rows are read before the first is looked at: what is called for them may write to the table. */
  async #nextSettled(targets: Targets): Promise<Row[] | null> {
    if (this.#settled === null) {
      this.#settled = [];
      for (let page = await this.#page(targets); page !== null; page = await this.#page(targets)) {
        checkCancelled(this.#run.ctx);
        for (const row of page) {
          this.#held.grow(rowBytes(row));
          this.#settled.push(row);
        }
      }
      this.#settled.reverse();
    }
    if (this.#settled.length === 0) return null;
    return this.#settled.splice(-BATCH_ROWS).reverse();
  }

  /**
   * A row that is locked by its key is read as it is then, whatever the statement's snapshot was: what is asked of it is asked
   * afterwards. (Not where rows are to be changed: what is checked then must see as much. Of what an index has said nothing is asked again, so that must still hold.)
   */
  get #latest(): ReadOptions {
    const { options, plan } = this.#shape;
    if (plan.tentative === true) return TENTATIVE;
    const isChanged = plan.lock?.clause === '';
    const latest = options.lock !== undefined && !isChanged && this.#run.ctx.txn.isolation === 'read committed';
    return latest ? LATEST : NO_OPTIONS;
  }

  async #nextKeys(keys: readonly Key[]): Promise<Row[] | null> {
    if (this.#at >= keys.length) return null;
    const most = this.#shape.options.lock === undefined ? BATCH_ROWS : Math.min(BATCH_ROWS, this.#pageRows);
    const chunk = keys.length <= most ? keys : keys.slice(this.#at, this.#at + most);
    this.#at += chunk.length;
    if (this.#shape.path.index.index.primary) return this.#rowsOfKeys(chunk, this.#latest);
    const entries = await this.#run.ctx.txn.getMany(chunk, this.#before);
    return this.#rowsOfEntries(entries.filter((e): e is Buffer => e !== null && e !== undefined));
  }

  async #nextSpan(spans: readonly Span[]): Promise<Row[] | null> {
    const { path, plan, options } = this.#shape;
    const reverse = plan.access?.reverse === true;
    const primary = path.index.index.primary;
    const span = this.#resume ?? spans[this.#at];
    if (span === undefined) return null;
    const reading = this.#run.ctx.txn.scan({
      start: span.start,
      end: span.end,
      reverse,
      maxRows: this.#pageRows,
      maxBytes: SCAN_BYTES,
      ...(primary ? options : {}),
      ...this.#before,
    });
    const page = await lockedOf(plan.table, options, reading);
    this.#pageRows = Math.min(this.#pageRows * 4, 16 * BATCH_ROWS);
    if (page.resumeKey === null) {
      this.#resume = null;
      this.#at++;
    } else {
      this.#resume = reverse ? { start: span.start, end: page.resumeKey } : { start: page.resumeKey, end: span.end };
    }
    return primary ? this.#decodeAll(page.values) : this.#rowsOfEntries(page.values);
  }

  #decodeAll(values: readonly Buffer[]): Row[] {
    const { decode } = this.#shape;
    const rows = new Array<Row>(values.length);
    for (let i = 0; i < values.length; i++) rows[i] = decode(values[i]!);
    return rows;
  }

  /** `how`: of the rows that are locked. */
  async #rowsOfKeys(keys: readonly Key[], how: ReadOptions = NO_OPTIONS): Promise<Row[]> {
    const { decode, options, plan } = this.#shape;
    const reading = this.#run.ctx.txn.getMany(keys, { ...options, ...how, ...this.#before });
    const values = await lockedOf(plan.table, options, reading);
    const rows: Row[] = [];
    for (const value of values) if (value !== null && value !== undefined) rows.push(decode(value));
    return rows;
  }

  #rowsOfEntries(entries: readonly Buffer[]): Promise<Row[]> | Row[] {
    const { path, codec, covered } = this.#shape;
    if (covered !== null) {
      return entries.map((entry) => {
        const key = path.index.decodeEntry(entry);
        return covered.map((p) => key[p]!);
      });
    }
    if (entries.length === 0) return [];
    const keys = entries.map((entry) => codec.primary.keyOfColumns(path.index.decodeEntry(entry)));
    return this.#rowsOfKeys(keys);
  }
}

/** `late`: of an operator that may give the rows before one that fails. */
export function filterRows(
  rows: readonly Row[],
  test: CompiledTest | null,
  run: Run,
  late: LateError | null = null,
): Soon<readonly Row[]> {
  if (test === null || rows.length === 0) return rows;
  const kept: Row[] = [];
  const keep = (row: Row): Promise<void> | null => {
    if (!test.waits) {
      if (test.now(row, run)) kept.push(row);
      return null;
    }
    const passes = test.later(row, run);
    if (passes instanceof Promise) return passes.then((yes) => void (yes && kept.push(row)));
    if (passes) kept.push(row);
    return null;
  };
  if (late !== null) return late.rowsOf(kept, () => eachRow(rows, keep, run.ctx));
  return after(eachRow(rows, keep, run.ctx), () => kept);
}
