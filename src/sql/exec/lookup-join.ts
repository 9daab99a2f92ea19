/**
 * Lookup joins: the right side is a table that is read by its whole primary key, made of the left side's columns. The
 * keys of many left rows are read at once, each once, and what they gave is kept for the rows that follow, up to
 * a bound: a guess that the left side is small may be wrong, and then it costs about what reading the table would.
 *
 * The first reads are small, for those who want only a few rows. Locking reads lock one row after the other instead
 * (join.ts), and so does a statement that calls functions which may write: every row must see what they wrote.
 */
import { assert } from '../../base/assert.js';
import type { Key } from '../../base/key.js';
import type { JoinPlan, ScanPlan } from '../plan/logical.js';
import { columnsOf, freeColumns } from '../plan/plan-walk.js';
import type { Datum } from '../types/datum.js';
import { checkCancelled } from './cancel.js';
import { type CompiledTest, compileTest, layoutOf, testRow } from './eval.js';
import { tableCodec } from './index-codec.js';
import { breatheAt } from './pace.js';
import { type Batch, BATCH_ROWS, type Operator, type OperatorFactory, type Row, rowBytes, type Run } from './run.js';
import { AccessPath, livePositions, usedId } from './scan.js';
import { usageOf } from '../usage/session-usage.js';

const FIRST_ROWS = 16;
const KEPT_ROWS_MAX = 16_384;

interface LookupShape {
  readonly type: 'inner' | 'left' | 'semi' | 'anti';
  readonly right: ScanPlan;
  readonly path: AccessPath;
  readonly decode: (value: Buffer) => Row;
  /** Of the right side, asked of each row once. */
  readonly own: CompiledTest | null;
  /** Of the right side, with the left's columns from outside. */
  readonly linking: CompiledTest | null;
  readonly test: CompiledTest | null;
  readonly nulls: Row;
  /** Left columns that the right side reads from outside. */
  readonly outer: readonly { readonly id: number; readonly at: number }[];
}

/** null: the join is none of this kind. */
export function compileLookupJoin(plan: JoinPlan, left: OperatorFactory): OperatorFactory | null {
  const { right, type } = plan;
  if (type === 'right' || type === 'full' || right.kind !== 'scan' || !readsByKey(right)) return null;
  const free = freeColumns(right);
  const outer = plan.left.columns.map((c, at) => ({ id: c.id, at })).filter(({ id }) => free.has(id));
  if (outer.length === 0) return null;
  const filter = compileTest(right.filter, layoutOf(right.columns));
  if (filter?.waits === true) return null;
  const links = right.filter !== null && [...columnsOf(right.filter)].some((id) => free.has(id));
  const codec = tableCodec(right.table);
  const decode = codec.decoderOf(livePositions(right, codec));
  const shape: LookupShape = {
    ...{ type, right, outer },
    path: new AccessPath(right, codec),
    decode: (value) => decode(value),
    own: links ? null : filter,
    linking: links ? filter : null,
    test: compileTest(plan.condition, layoutOf([...plan.left.columns, ...right.columns])),
    nulls: new Array<Datum>(right.columns.length).fill(null),
  };
  return (run) => new LookupJoin(shape, left, run);
}

function readsByKey(scan: ScanPlan): boolean {
  const { access } = scan;
  return access !== null && access.unique && access.index.primary && scan.lock === null && scan.limit === null;
}

class LookupJoin implements Operator {
  readonly #shape: LookupShape;
  readonly #run: Run;
  readonly #left: Operator;
  /** By key; null: there is no such row, or not one that is wanted. */
  readonly #kept = new Map<Key, Row | null>();
  #bytes = 0;
  #batch: Batch = [];
  #at = 0;
  #rows = FIRST_ROWS;
  #steps = 0;

  constructor(shape: LookupShape, left: OperatorFactory, run: Run) {
    this.#shape = shape;
    this.#run = run;
    this.#left = left(run);
  }

  async next(): Promise<Batch | null> {
    for (;;) {
      const rows = await this.#nextRows();
      if (rows === null) return null;
      const keys = rows.map((row) => this.#keysOf(row));
      await this.#read(keys);
      const out: Row[] = [];
      for (let i = 0; i < rows.length; i++) {
        const rest = breatheAt(this.#run.ctx, this.#steps++);
        if (rest !== null) await rest;
        await this.#joinRow(rows[i]!, keys[i]!, out);
      }
      if (out.length > 0) return out;
    }
  }

  async #nextRows(): Promise<Batch | null> {
    if (this.#at >= this.#batch.length) {
      checkCancelled(this.#run.ctx);
      const batch = await this.#left.next();
      if (batch === null) return null;
      this.#batch = batch;
      this.#at = 0;
    }
    const rows = this.#batch.slice(this.#at, this.#at + this.#rows);
    this.#at += rows.length;
    this.#rows = Math.min(this.#rows * 4, BATCH_ROWS);
    return rows;
  }

  #show(row: Row): void {
    for (const { id, at } of this.#shape.outer) this.#run.outer[id] = row[at]!;
  }

  #keysOf(row: Row): readonly Key[] {
    this.#show(row);
    const targets = this.#shape.path.targets(this.#run);
    assert(targets.kind === 'keys', 'a whole unique key gives keys');
    return targets.keys;
  }

  async #read(keys: readonly (readonly Key[])[]): Promise<void> {
    if (this.#kept.size > KEPT_ROWS_MAX) this.#forget();
    const missing = new Set<Key>();
    for (const some of keys) for (const key of some) if (!this.#kept.has(key)) missing.add(key);
    if (missing.size === 0) return;
    const reader: Operator = { next: () => this.#fetch([...missing].sort()), close: () => undefined };
    await (this.#run.ctx.profile?.watch(this.#shape.right, reader) ?? reader).next();
  }

  async #fetch(keys: readonly Key[]): Promise<Batch> {
    const { decode, own } = this.#shape;
    const { ctx, before } = this.#run;
    const found: Row[] = [];
    for (let at = 0; at < keys.length; at += BATCH_ROWS) {
      checkCancelled(ctx);
      const chunk = keys.slice(at, at + BATCH_ROWS);
      const values = await ctx.txn.getMany(chunk, before === null ? {} : { before });
      for (const [i, key] of chunk.entries()) {
        const value = values[i] ?? null;
        const row = value === null ? null : decode(value);
        const wanted = row !== null && (own === null || own.now(row, this.#run)) ? row : null;
        const bytes = (wanted === null ? 0 : rowBytes(wanted)) + key.length + 64;
        this.#bytes += bytes;
        ctx.memory.grow(bytes);
        this.#kept.set(key, wanted);
        if (wanted !== null) found.push(wanted);
      }
    }
    const use = usageOf(ctx.txn)?.relation(usedId(this.#shape.right)) ?? null;
    if (use !== null) {
      use.scans += keys.length;
      use.returned += found.length;
      use.fetched += found.length;
    }
    return found;
  }

  async #joinRow(left: Row, keys: readonly Key[], out: Row[]): Promise<void> {
    const { type, linking, test, nulls } = this.#shape;
    const onlyLeft = type === 'semi' || type === 'anti';
    let matched = false;
    for (const key of keys) {
      const row = this.#kept.get(key) ?? null;
      if (row === null) continue;
      if (linking !== null) {
        this.#show(left);
        if (!linking.now(row, this.#run)) continue;
      }
      const pair = [...left, ...row];
      if (test !== null && !(test.waits ? await testRow(test, pair, this.#run) : test.now(pair, this.#run))) continue;
      matched = true;
      if (onlyLeft) break;
      out.push(pair);
    }
    if (type === 'semi' ? matched : type === 'anti' && !matched) out.push(left);
    if (type === 'left' && !matched) out.push([...left, ...nulls]);
  }

  #forget(): void {
    this.#run.ctx.memory.shrink(this.#bytes);
    this.#bytes = 0;
    this.#kept.clear();
  }

  close(): void {
    this.#forget();
    this.#batch = [];
    this.#at = 0;
    this.#left.close();
  }
}
