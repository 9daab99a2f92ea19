/**
 * Takes the locks of FOR UPDATE and its like, on the rows that come out of a query's FROM, WHERE and ORDER BY (plan/lock-rows.ts).
 *
 * The input was read without locks, at the statement's snapshot. Of a batch no larger than what is still wanted (LIMIT,
 * FETCH), each table's rows are locked by primary key, table after table, those only that the tables before have left. What
 * comes with the lock is the row as it is now:
 *
 *  - as it was: it is given;
 *  - SKIP LOCKED and another has it: the row is left out, and the next one is tried;
 *  - gone: left out;
 *  - changed, which only READ COMMITTED lets through (KvTxn's `latest`): its part of the row is replaced, and the FROM and WHERE are
 *    asked again about this one row, its other parts being what they were. It stays in its place of the order, whatever it is now;
 *    if it no longer qualifies it is left out. The statement's snapshot stays too: subqueries see what they saw.
 *
 * At REPEATABLE READ and SERIALIZABLE a row that was changed after the snapshot is 40001: the transaction cannot have read
 * it as it was and lock it as it is. (The session runs the transaction again while nothing of it has gone out.)
 *
 * Example: three workers with ORDER BY due LIMIT 1 FOR UPDATE SKIP LOCKED all read the whole queue. The first locks the
 * job that is due, the second is refused that one and locks the next, and the third the one after that.
 *
 * Invariants
 * - A row is given only if all its targets are locked, and as they are under the locks.
 * - No row is locked that the consumer did not want, or that the tables before it had left out. As in PostgreSQL, one that
 *   was locked and then left out stays locked: there is no giving back before the transaction ends.
 * - What is skipped was read: by the scan, which waited for whom it had to at SERIALIZABLE, and is verified at commit. So a
 *   transaction that did not see a change that it skipped comes before it in every respect, or fails.
 *
 * Fails: 55P03 (NOWAIT, lock_timeout), 40P01, 40001.
 * Limits: the sort below keeps all rows, not the first few, as it is not known how many will be left out. A table whose key is not in the row (an
 * outer join found none) is not locked. Subqueries are asked again with the row, as often as rows have changed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Key } from '../../base/key.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { ReadOptions } from '../../txn/kv-txn.js';
import { keyColumns } from '../plan/lock-rows.js';
import type { LockRowsPlan, LockTarget } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { compilePlan } from './compile-plan.js';
import { layoutOf } from './eval.js';
import { type TableCodec, tableCodec } from './index-codec.js';
import { type Batch, BATCH_ROWS, drain, type Operator, type OperatorFactory, type Row, Run } from './run.js';
import { checkCancelled, lockedOf, readOptionsOf } from './scan.js';

interface Target {
  readonly table: TableDescriptor;
  readonly codec: TableCodec;
  readonly options: ReadOptions;
  /** Of the primary key in a row. */
  readonly key: readonly number[];
  /** Of the table's columns in a row, as `decode` gives them. */
  readonly at: readonly number[];
  readonly decode: (value: Buffer) => Row;
}

interface Recheck {
  readonly factory: OperatorFactory;
  /** For each column of the input: where the recheck gives it; -1: it does not, and it stays. */
  readonly from: readonly number[];
}

interface Shape {
  readonly columns: readonly number[];
  readonly targets: readonly Target[];
  readonly recheck: Recheck | null;
}

export function compileLockRows(plan: LockRowsPlan): OperatorFactory {
  const input = compilePlan(plan.input);
  if (plan.atScan) return input;
  const layout = layoutOf(plan.columns);
  const { recheck } = plan;
  const tentative = plan.input.kind === 'scan' && plan.input.tentative === true;
  const again = recheck === null ? null : layoutOf(recheck.columns);
  const columns = plan.columns.map((c) => c.id);
  const shape: Shape = {
    columns,
    targets: plan.targets.map((target) => compileTarget(target, layout, tentative)),
    recheck:
      recheck === null ? null : { factory: compilePlan(recheck), from: columns.map((id) => again!.get(id) ?? -1) },
  };
  return (run) => new LockRowsOperator(shape, input(run), run);
}

function compileTarget(
  { table, columns, lock }: LockTarget,
  layout: ReadonlyMap<number, number>,
  tentative: boolean,
): Target {
  const codec = tableCodec(table);
  const carried = columns.filter((c) => layout.has(c.id));
  return {
    table,
    codec,
    options: { ...readOptionsOf(table, lock), ...(tentative ? { tentative: 'locked' } : {}) },
    key: keyColumns(table, columns).map((c) => layout.get(c.id)!),
    at: carried.map((c) => layout.get(c.id)!),
    decode: codec.decoderOf(carried.map((c) => codec.columns.indexOf(table.columns[c.position]!))),
  };
}

/** A row on its way through the targets. */
interface Candidate {
  row: Row;
  changed: boolean;
  gone: boolean;
}

class LockRowsOperator implements Operator {
  readonly #shape: Shape;
  readonly #input: Operator;
  readonly #run: Run;
  #rows: Batch = [];
  #at = 0;
  /** One for all rows that are asked again, so that what is the same for them is computed once. */
  #again: Run | null = null;

  constructor(shape: Shape, input: Operator, run: Run) {
    this.#shape = shape;
    this.#input = input;
    this.#run = run;
  }

  async next(wanted = BATCH_ROWS): Promise<Batch | null> {
    const most = Math.max(1, Math.min(wanted, BATCH_ROWS));
    for (;;) {
      if (this.#at >= this.#rows.length) {
        const batch = await this.#input.next(most);
        if (batch === null) return null;
        this.#rows = batch;
        this.#at = 0;
      }
      checkCancelled(this.#run.ctx);
      const chunk = this.#rows.slice(this.#at, this.#at + most);
      this.#at += chunk.length;
      const kept = await this.#locked(chunk);
      if (kept.length > 0) return kept;
    }
  }

  async #locked(rows: Batch): Promise<Batch> {
    let left = rows.map((row): Candidate => ({ row, changed: false, gone: false }));
    for (const target of this.#shape.targets) {
      if (left.length === 0) break;
      await this.#lock(target, left);
      left = left.filter((one) => !one.gone);
    }
    const kept: Row[] = [];
    for (const one of left) {
      const row = one.changed ? await this.#qualified(one.row) : one.row;
      if (row !== null) kept.push(row);
    }
    return kept;
  }

  /** Locks the target's part of each row, and puts it as it is now in its place. */
  async #lock({ table, codec, options, key, at, decode }: Target, rows: readonly Candidate[]): Promise<void> {
    const { ctx, before } = this.#run;
    const keys: Key[] = [];
    const places = new Map<Key, number>();
    const placeOf = rows.map(({ row }) => {
      const values = key.map((p) => row[p]!);
      // An outer join found no row here.
      if (values.some((value) => value === null)) return -1;
      const k = codec.primary.keyOfColumns(values);
      let place = places.get(k);
      if (place === undefined) {
        place = keys.push(k) - 1;
        places.set(k, place);
      }
      return place;
    });
    if (keys.length === 0) return;
    const latest = ctx.txn.isolation === 'read committed' ? { latest: true } : {};
    const how = { ...options, ...latest, ...(before === null ? {} : { before }) };
    const values = await lockedOf(table, how, ctx.txn.getMany(keys, how));
    rows.forEach((one, i) => {
      if (placeOf[i]! < 0) return;
      const value = values[placeOf[i]!] ?? null;
      if (value === null) {
        one.gone = true;
        return;
      }
      const now = decode(value);
      if (at.every((p, j) => sameDatum(one.row[p]!, now[j]!))) return;
      const row = one.row.slice();
      at.forEach((p, j) => (row[p] = now[j]!));
      one.row = row;
      one.changed = true;
    });
  }

  /** The row, if it still is one. */
  async #qualified(row: Row): Promise<Row | null> {
    const { columns, recheck } = this.#shape;
    if (recheck === null) return row;
    if (this.#again === null) {
      this.#again = new Run(this.#run.ctx, this.#run.outer.slice(), this.#run.ctes);
      this.#again.before = this.#run.before;
      this.#again.settles = this.#run.settles;
    }
    const again = this.#again;
    columns.forEach((id, i) => (again.outer[id] = row[i]!));
    const [found] = await drain(recheck.factory(again));
    if (found === undefined) return null;
    return recheck.from.map((from, i) => (from < 0 ? row[i]! : found[from]!));
  }

  close(): void {
    this.#rows = [];
    this.#at = 0;
    this.#input.close();
  }
}

function sameDatum(a: Datum, b: Datum): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' ? isDeepStrictEqual(a, b) : Object.is(a, b));
}
