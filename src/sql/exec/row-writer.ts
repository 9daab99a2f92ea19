/**
 * Writes rows of one table into the transaction, with everything that must hold: generated columns,
 * NOT NULL, CHECK, unique keys, index entries. Shared by INSERT, UPDATE, DELETE and COPY.
 *
 * "Full rows" have one value for each position of `table.columns`, dropped ones included (NULL); the
 * codec works on live columns only.
 *
 * Invariants
 * - An index entry exists exactly for the rows that exist (and that a partial index covers): both are in the
 *   same buffer.
 * - What a foreign key has to be looked at for is queued with the write (foreign-key-queue.ts).
 * - A row to which foreign keys may refer is removed, and leaves its key, with a removal at its existence key as well:
 *   transactions that make references look there (foreign-key-checks.ts).
 * - A unique key is written only after it was read under its lock and found absent, or with a check
 *   deferred to the commit (implicit single-row inserts), or under a deferrable constraint, whose keys are claimed
 *   with the write (deferrable-unique.ts).
 */
import { sqlError, type QuoralError } from '../../base/errors.js';
import { existenceKey, type Key } from '../../base/key.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import { isReferenced, type TableDescriptor } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import type { TableChecks } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { checkDomain, checkDomainLater, domainWaits, holdsDomain } from '../functions/domains.js';
import { claimKeys } from './deferrable-unique.js';
import { type CompiledTest, compileExpr, compileTest, type Compiled, layoutOf, testRow } from './eval.js';
import { type IndexCodec, tableCodec, type TableCodec } from './index-codec.js';
import { type LinkedWriters, linkedWriters } from './linked-writers.js';
import { usageOf } from '../usage/session-usage.js';
import type { Row, Run } from './run.js';
import { duplicateKey, showValue } from './unique-violation.js';

const SHOWN_CHARACTERS = 64;

interface Check {
  readonly name: string;
  readonly test: CompiledTest;
}

export class RowWriter {
  readonly table: TableDescriptor;
  readonly schemaName: string;
  readonly codec: TableCodec;
  /** Unique indexes of which no two rows ever have one key, the primary one first. */
  readonly uniques: readonly IndexCodec[];
  /** Those of deferrable constraints. */
  readonly #late: readonly IndexCodec[];
  readonly #checks: readonly Check[];
  readonly #viewChecks: readonly { readonly name: string; readonly test: CompiledTest | null }[];
  readonly #generated: readonly { readonly position: number; readonly compute: Compiled }[];
  /** One of them calls a function that waits. */
  readonly #generatedWait: boolean;
  readonly #domainsWait: boolean;
  readonly #domains: readonly { readonly position: number; readonly typeOid: number }[];
  readonly #notNull: readonly number[];
  /** Position in table.columns of each live column; null if none was dropped. */
  readonly #livePositions: readonly number[] | null;
  readonly #links: LinkedWriters | null;
  readonly #writes: (position: number) => boolean;

  constructor(
    table: TableDescriptor,
    schemaName: string,
    checks: TableChecks,
    links: LinkedWriters | null = checks.links === null ? null : linkedWriters(checks.links),
    /** Whether the statement names the column at a position to give it a value. */
    writes: (position: number) => boolean = () => false,
  ) {
    this.#writes = writes;
    this.#links = links;
    this.table = table;
    this.schemaName = schemaName;
    this.codec = tableCodec(table);
    const late = ({ index }: IndexCodec): boolean => index.deferrable != null;
    this.uniques = [this.codec.primary, ...this.codec.secondaries.filter((s) => s.index.unique && !late(s))];
    this.#late = this.codec.secondaries.filter(late);
    const layout = layoutOf(checks.row);
    // PostgreSQL looks at them in the order of their names.
    this.#checks = [...checks.checks]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((c) => ({ name: c.name, test: compileCheck(c.expr, layout) }));
    this.#viewChecks = (checks.viewChecks ?? []).map(({ name, expr }) => ({ name, test: compileTest(expr, layout) }));
    this.#generated = (checks.generated ?? []).map(({ position, expr }) => ({
      position,
      compute: compileExpr(expr, layout),
    }));
    this.#generatedWait = this.#generated.some(({ compute }) => compute.waits);
    this.#domains = table.columns.flatMap(({ typeOid, dropped }, position) =>
      !dropped && holdsDomain(typeOid) ? [{ position, typeOid }] : [],
    );
    this.#domainsWait = this.#domains.some(({ typeOid }) => domainWaits(typeOid));
    this.#notNull = table.columns.flatMap((c, i) => (c.nullable || c.dropped ? [] : [i]));
    this.#livePositions = table.columns.some((c) => c.dropped)
      ? table.columns.flatMap((c, i) => (c.dropped ? [] : [i]))
      : null;
  }

  /** The values of the live columns. */
  live(full: Row): Row {
    const positions = this.#livePositions;
    return positions === null ? full : positions.map((p) => full[p]!);
  }

  full(live: Row): Row {
    const positions = this.#livePositions;
    if (positions === null) return live;
    const full = new Array<Datum>(this.table.columns.length).fill(null);
    positions.forEach((p, i) => {
      full[p] = live[i]!;
    });
    return full;
  }

  /**
   * Computes the generated columns of a new row, in place, then checks it. Every row that is about to be
   * written goes through here. Returns a promise only if something in it has to wait.
   * @throws QuoralError 23502, 23514
   */
  verify(full: Datum[], run: Run): Promise<void> | undefined {
    if (this.#generatedWait) return this.#generateWaiting(full, run);
    // None reads another, so that their order does not matter.
    for (const { position, compute } of this.#generated) full[position] = compute.eval(full, run) as Datum;
    return this.#verifyGenerated(full, run);
  }

  async #generateWaiting(full: Datum[], run: Run): Promise<void> {
    for (const { position, compute } of this.#generated) full[position] = await compute.eval(full, run);
    await this.#verifyGenerated(full, run);
  }

  #verifyGenerated(full: Row, run: Run): Promise<void> | undefined {
    if (this.#domainsWait) return this.#verifyDomains(full, run);
    for (const { position, typeOid } of this.#domains) checkDomain(typeOid, full[position]!, run.ctx);
    return this.#verifyRest(full, run);
  }

  async #verifyDomains(full: Row, run: Run): Promise<void> {
    for (const { position, typeOid } of this.#domains) await checkDomainLater(typeOid, full[position]!, run.ctx);
    await this.#verifyRest(full, run);
  }

  #verifyRest(full: Row, run: Run): Promise<void> | undefined {
    for (const position of this.#notNull) {
      if (full[position] === null) throw this.#notNullViolation(position, full, run.ctx);
    }
    for (let i = 0; i < this.#checks.length; i++) {
      const { test, name } = this.#checks[i]!;
      if (test.waits) return this.#verifyWaiting(full, run, i);
      if (!test.now(full, run)) throw this.#checkViolation(name, full, run.ctx);
    }
    return undefined;
  }

  async #verifyWaiting(full: Row, run: Run, from: number): Promise<void> {
    for (const { test, name } of this.#checks.slice(from)) {
      const ok = test.waits ? await test.later(full, run) : test.now(full, run);
      if (!ok) throw this.#checkViolation(name, full, run.ctx);
    }
  }

  get hasViewChecks(): boolean {
    return this.#viewChecks.length > 0;
  }

  /** A condition with a subquery: to be looked at before the first write, or it would see what is written. */
  get viewChecksWait(): boolean {
    return this.#viewChecks.some(({ test }) => test?.waits === true);
  }

  /**
   * WITH CHECK OPTION, of a row that has been written: what is wrong with it as a row of the table is told first.
   * @throws QuoralError 44000
   */
  async verifyViews(full: Row, run: Run): Promise<void> {
    for (const { name, test } of this.#viewChecks) {
      if (await testRow(test, full, run)) continue;
      throw sqlError('44000', `new row violates check option for view "${name}"`, {
        ...this.#failingRow(full, run.ctx),
      });
    }
  }

  #notNullViolation(position: number, full: Row, ctx: ExecContext): QuoralError {
    const column = this.table.columns[position]!;
    return sqlError(
      '23502',
      `null value in column "${column.name}" of relation "${this.table.name}" violates not-null constraint`,
      {
        ...this.#failingRow(full, ctx),
        schema: this.schemaName,
        table: this.table.name,
        column: column.name,
      },
    );
  }

  #checkViolation(name: string, full: Row, ctx: ExecContext): QuoralError {
    return sqlError('23514', `new row for relation "${this.table.name}" violates check constraint "${name}"`, {
      ...this.#failingRow(full, ctx),
      schema: this.schemaName,
      table: this.table.name,
      constraint: name,
    });
  }

  /** Who may not read all of the table is told what it has written, and what it may read. */
  #failingRow(full: Row, ctx: ExecContext): { readonly detail?: string } {
    const readable = ctx.services.readable?.(this.table) ?? null;
    const columns = this.table.columns.flatMap((c, i) =>
      c.dropped || c.hidden || !(readable?.has(c.id) !== false || this.#writes(i)) ? [] : [{ c, i }],
    );
    if (readable !== null && columns.length === 0) return {};
    const names = readable === null ? '' : `(${columns.map(({ c }) => c.name).join(', ')}) = `;
    const shown = columns.map(({ c, i }) => shorten(showValue(c.typeOid, full[i]!, ctx.format)));
    return { detail: `Failing row contains ${names}(${shown.join(', ')}).` };
  }

  uniqueViolation(index: IndexCodec, full: Row, ctx: ExecContext): QuoralError {
    const readable = ctx.services.readable?.(this.table) ?? null;
    return duplicateKey(this, index, index.columnValues(this.live(full)), ctx.format, readable);
  }

  /** ON CONFLICT finds no rows by a key that several may have. @throws QuoralError 55000 */
  refuseLateArbiters(isArbiter: (index: IndexCodec) => boolean): void {
    const late = this.#late.find(isArbiter);
    if (late === undefined) return;
    throw sqlError(
      '55000',
      'ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters',
      { schema: this.schemaName, table: this.table.name, constraint: late.index.name },
    );
  }

  /** Keys that must be absent for this row, with their indexes. A hidden row id needs no check. */
  uniqueKeys(live: Row): { readonly index: IndexCodec; readonly key: Key }[] {
    const keys: { index: IndexCodec; key: Key }[] = [];
    for (const index of this.uniques) {
      if (index.index.primary && this.hasHiddenKey) continue;
      if (index.isUniqueFor(live)) keys.push({ index, key: index.keyOfRow(live) });
    }
    return keys;
  }

  get hasHiddenKey(): boolean {
    return this.codec.primary.positions.every((p) => this.codec.columns[p]!.hidden);
  }

  /** Writes a new row and its entries; what must be checked has been. */
  put(txn: KvTxn, full: Row): void {
    const live = this.live(full);
    this.noteInserted(txn, live);
    this.#write(txn, live);
  }

  #write(txn: KvTxn, live: Row): void {
    txn.put(this.codec.primary.keyOfRow(live), this.codec.encodeRow(live));
    this.codec.entries(live, (key, entry) => txn.put(key, entry));
  }

  /** Writes a new row whose unique keys are checked when the transaction commits. */
  putDeferred(ctx: ExecContext, full: Row): void {
    const { txn } = ctx;
    const live = this.live(full);
    this.noteInserted(txn, live);
    const primaryKey = this.codec.primary.keyOfRow(live);
    const row = this.codec.encodeRow(live);
    if (this.hasHiddenKey) txn.put(primaryKey, row);
    else this.#deferred(ctx, this.codec.primary, primaryKey, row, full);
    for (const index of this.codec.secondaries) {
      if (!index.covers(live)) continue;
      const key = index.keyOfRow(live);
      const entry = index.entryOfRow(live);
      if (index.isUniqueFor(live)) this.#deferred(ctx, index, key, entry, full);
      else txn.put(key, entry);
    }
    for (const index of this.codec.inverted) index.entries(live, (key, entry) => txn.put(key, entry));
  }

  #deferred(ctx: ExecContext, index: IndexCodec, key: Key, value: Buffer, full: Row): void {
    let conflicts = deferredConflicts.get(ctx.txn);
    if (conflicts === undefined) {
      conflicts = new Map();
      deferredConflicts.set(ctx.txn, conflicts);
    }
    conflicts.set(key, () => this.uniqueViolation(index, full, ctx));
    ctx.txn.insertDeferred(key, value);
  }

  /** A row that is written by other means than `put`. */
  noteInserted(txn: KvTxn, live: Row): void {
    const use = usageOf(txn)?.relation(this.table.id);
    if (use !== undefined) use.inserted++;
    this.#links?.inserted(txn, this.table.id, live);
    if (this.#late.length > 0) claimKeys(txn, this, this.#late, null, live);
  }

  remove(txn: KvTxn, full: Row): void {
    const live = this.live(full);
    const use = usageOf(txn)?.relation(this.table.id);
    if (use !== undefined) use.deleted++;
    this.#links?.removed(txn, this.table.id, live);
    this.#leaves(txn, this.codec.primary.keyOfRow(live));
    this.erase(txn, full);
  }

  #leaves(txn: KvTxn, primaryKey: Key): void {
    if (isReferenced(this.table)) txn.delete(existenceKey(primaryKey));
  }

  /** Takes out a row that `place` will put back as another. */
  erase(txn: KvTxn, full: Row): void {
    const live = this.live(full);
    txn.delete(this.codec.primary.keyOfRow(live));
    this.codec.entries(live, (key) => txn.delete(key));
  }

  /** Writes what has become of an erased row. */
  place(txn: KvTxn, before: Row, after: Row): void {
    const [old, live] = [this.live(before), this.live(after)];
    this.#noteReplaced(txn, old, live);
    const oldKey = this.codec.primary.keyOfRow(old);
    if (oldKey !== this.codec.primary.keyOfRow(live)) this.#leaves(txn, oldKey);
    this.#write(txn, live);
  }

  #noteReplaced(txn: KvTxn, old: Row, live: Row): void {
    const use = usageOf(txn)?.relation(this.table.id);
    if (use !== undefined) use.updated++;
    this.#links?.replaced(txn, this.table.id, old, live);
    if (this.#late.length > 0) claimKeys(txn, this, this.#late, old, live);
  }

  /** Replaces a row in place; unique keys that change have been checked. */
  replace(txn: KvTxn, before: Row, after: Row): void {
    const old = this.live(before);
    const live = this.live(after);
    this.#noteReplaced(txn, old, live);
    const { primary } = this.codec;
    const oldKey = primary.keyOfRow(old);
    const newKey = primary.keyOfRow(live);
    if (oldKey !== newKey) {
      txn.delete(oldKey);
      this.#leaves(txn, oldKey);
    }
    txn.put(newKey, this.codec.encodeRow(live));
    for (const index of this.codec.secondaries) {
      const oldEntry = index.covers(old) ? index.keyOfRow(old) : null;
      const newEntry = index.covers(live) ? index.keyOfRow(live) : null;
      if (oldEntry !== null && oldEntry !== newEntry) txn.delete(oldEntry);
      if (newEntry !== null && (oldEntry !== newEntry || oldKey !== newKey)) txn.put(newEntry, index.entryOfRow(live));
    }
    for (const index of this.codec.inverted) {
      index.changes(
        old,
        live,
        (key, entry) => txn.put(key, entry),
        (key) => txn.delete(key),
      );
    }
  }

  /** Unique keys of the new row that the old one did not have. */
  changedUniqueKeys(before: Row, after: Row): { readonly index: IndexCodec; readonly key: Key }[] {
    const old = this.live(before);
    return this.uniqueKeys(this.live(after)).filter(
      ({ index, key }) => !index.covers(old) || index.keyOfRow(old) !== key,
    );
  }

  /** Finds the full row behind a unique key's value: the row itself, or through the entry. */
  async rowBehind(txn: KvTxn, index: IndexCodec, value: Buffer): Promise<Row | null> {
    if (index.index.primary) return this.full(this.codec.decodeRow(value));
    const key = this.codec.primary.keyOfColumns(index.decodeEntry(value));
    const row = await txn.get(key, { lock: 'exclusive' });
    return row === null ? null : this.full(this.codec.decodeRow(row));
  }
}

const deferredConflicts = new WeakMap<KvTxn, Map<Key, () => QuoralError>>();

/** The violation behind a KeyExistsError that a commit threw; null if this layer did not defer it. */
export function deferredConflict(txn: KvTxn, key: Key): QuoralError | null {
  return deferredConflicts.get(txn)?.get(key)?.() ?? null;
}

/** CHECK holds unless it is FALSE. */
function compileCheck(expr: Parameters<typeof compileExpr>[0], layout: ReadonlyMap<number, number>): CompiledTest {
  const compiled = compileExpr(expr, layout);
  if (compiled.waits) {
    return {
      waits: true,
      now: () => true,
      later: async (row, run) => (await compiled.eval(row, run)) !== false,
    };
  }
  const now = compiled.eval;
  return {
    waits: false,
    now: (row, run) => now(row, run) !== false,
    later: (row, run) => Promise.resolve(now(row, run) !== false),
  };
}

function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}...`;
}

/**
 * A row id for a table without a primary key: ordered by time, unique over nodes, below 2^63 until
 * the year 2255 (the clock never gives one time twice on one node).
 */
export function uniqueRowId(ctx: ExecContext): bigint {
  return BigInt(ctx.db.now()) * 1024n + BigInt(ctx.db.nodeId % 1024);
}
