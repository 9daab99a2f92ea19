/**
 * Foreign keys at the end of a statement and of a transaction: first the actions (CASCADE, SET NULL, SET
 * DEFAULT), whose changes may ask for more, until nothing is left; then the checks.
 *
 * A constraint holds for a key if nobody refers to it or the parent has it. That is looked up when it is
 * checked, from either side (PostgreSQL 15, "Constraints", 5.4.5; its triggers look at single rows instead).
 *
 * Invariant: no two transactions commit, of which one removed a parent and the other made a reference to it.
 * - Both SERIALIZABLE: each has read what the other wrote, and both verify their reads.
 * - Whoever makes a reference below SERIALIZABLE locks the parent's key, shared with others who do, and reads it as
 *   it is now; whoever removes it locks it exclusively. The later of the two sees what the first has done. A lock
 *   that was lost meanwhile is noticed at the commit, if the key was written.
 * - "The parent's key" is the entry of the unique index, and for the primary index the existence key of the row
 *   (range/kv-api.ts, LockScope), which is written when the row goes and not when another column changes. What was
 *   removed while nothing referred to the table is not written there; the schema locks, under which a foreign key comes,
 *   let no such transaction live on, and a snapshot from before finds the newest version removed.
 * - Whoever removes a parent below SERIALIZABLE reads the children as they are now, under locks, and the commit
 *   verifies that nobody came: a SERIALIZABLE transaction makes references without locks.
 *
 * Limit: without an index that begins with the foreign key's columns the whole child is read.
 */
import { sqlError } from '../../base/errors.js';
import { type Key, prefixEnd } from '../../base/key.js';
import type { KvTxn, ReadOptions } from '../../txn/kv-txn.js';
import { isReferenced } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import type { FormatContext } from '../types/type-info.js';
import { baseOidOf } from '../types/user-types.js';
import { changeRow } from './change-row.js';
import { compileExpr } from './eval.js';
import type { ForeignKey, Reference } from './foreign-key.js';
import {
  type ForeignKeyQueue,
  knownForeignKeyQueue,
  type ParentChange,
  type PendingChecks,
} from './foreign-key-queue.js';
import { referenceText } from './reference-text.js';
import { type Row, Run } from './run.js';
import { RowWriter } from './row-writer.js';

const CHUNK_KEYS = 500;
const SCANS_AT_A_TIME = 16;
const PAGE_BYTES = 1 << 20;
const NO_LAYOUT = new Map<number, number>();

/** A statement begins: what a failed one before it left is void. */
export function beginForeignKeys(txn: KvTxn): void {
  knownForeignKeyQueue(txn)?.begin();
}

/** Statements within another one begin: what is pending of that one is back when they are over. */
export function nestForeignKeys(txn: KvTxn): () => void {
  const leave = knownForeignKeyQueue(txn)?.nest();
  return leave ?? (() => beginForeignKeys(txn));
}

/** True if `settleForeignKeys` has something to do. */
export function foreignKeysPending(txn: KvTxn): boolean {
  return (knownForeignKeyQueue(txn)?.statement.size ?? 0) > 0;
}

/** What comes from elsewhere was checked there: loaders set it to write tables in any order. */
function isReplica({ services }: ExecContext): boolean {
  return services.setting('session_replication_role', true) === 'replica';
}

/** The statement's rows are written. @throws QuoralError 23503, and whatever writing the children's rows throws */
export async function settleForeignKeys(ctx: ExecContext): Promise<void> {
  const queue = knownForeignKeyQueue(ctx.txn);
  if (queue === null || queue.statement.size === 0) return;
  if (isReplica(ctx)) return queue.statement.clear();
  await lockRemoved(queue, ctx.txn);
  await runActions(queue, ctx);
  for (const pending of queue.statement.values()) await check(queue, pending, ctx);
  queue.statement.clear();
}

/**
 * Below SERIALIZABLE, before anybody looks for children: who refers to an entry that goes has shared it, and may be about to
 * commit. (A primary key's existence was locked with its row.)
 */
async function lockRemoved(queue: ForeignKeyQueue, txn: KvTxn): Promise<void> {
  if (txn.isolation === 'serializable') return;
  for (const { foreignKey, changed, orphaned, restricted } of queue.statement.values()) {
    if (foreignKey.parentIndex.index.primary) continue;
    const keys = [...changed.keys(), ...orphaned.keys(), ...restricted.keys()].sort();
    for (let at = 0; at < keys.length; at += CHUNK_KEYS)
      await txn.getMany(keys.slice(at, at + CHUNK_KEYS), { lock: 'exclusive' });
  }
}

/** Lets go of what holds already, when much is pending. Violations stay: the statement may yet make them good. */
export async function relieveForeignKeys(ctx: ExecContext): Promise<void> {
  const queue = knownForeignKeyQueue(ctx.txn);
  if (queue === null || !queue.crowded) return;
  if (isReplica(ctx)) return queue.statement.clear();
  for (const pending of queue.statement.values()) {
    for (const kind of ['wanted', 'orphaned'] as const) {
      const violations = await violated(pending.foreignKey, [...pending[kind].values()], kind, ctx.txn);
      pending[kind].clear();
      for (const reference of violations) pending[kind].set(reference.key, reference);
    }
  }
  queue.relieved(ctx.memory);
}

/** The end of the transaction, or SET CONSTRAINTS … IMMEDIATE for those that `chosen` says. */
export async function checkDeferredForeignKeys(
  txn: KvTxn,
  format: FormatContext,
  chosen: (foreignKey: ForeignKey) => boolean = () => true,
): Promise<void> {
  const deferred = knownForeignKeyQueue(txn)?.deferred;
  if (deferred === undefined || deferred.size === 0) return;
  // Like a statement of its own: at READ COMMITTED it sees what is committed by now.
  txn.beginStatement();
  for (const pending of deferred.values()) {
    if (!chosen(pending.foreignKey)) continue;
    for (const kind of ['wanted', 'orphaned'] as const) {
      const [first] = await violated(pending.foreignKey, [...pending[kind].values()], kind, txn);
      if (first !== undefined) throw violation(pending.foreignKey, kind, first, format);
    }
  }
}

async function check(queue: ForeignKeyQueue, pending: PendingChecks, ctx: ExecContext): Promise<void> {
  const { foreignKey } = pending;
  const referred = await referenced(foreignKey, [...pending.restricted.values()], ctx.txn);
  if (referred[0] !== undefined) throw violation(foreignKey, 'orphaned', referred[0], ctx.format);
  const deferred = queue.isDeferred(foreignKey.descriptor);
  for (const kind of ['wanted', 'orphaned'] as const) {
    const violations = await violated(foreignKey, [...pending[kind].values()], kind, ctx.txn);
    const first = violations.find(({ key }) => !deferred || (kind === 'orphaned' && pending.keptByDefault.has(key)));
    if (first !== undefined) throw violation(foreignKey, kind, first, ctx.format);
    for (const reference of violations) queue.defer(pending, kind, reference);
  }
}

/** Keys that somebody refers to and the parent does not have; what likely decides is looked at first. */
async function violated(
  foreignKey: ForeignKey,
  references: readonly Reference[],
  kind: 'wanted' | 'orphaned',
  txn: KvTxn,
): Promise<readonly Reference[]> {
  if (references.length === 0) return [];
  if (kind === 'wanted') return referenced(foreignKey, await missing(foreignKey, references, txn), txn);
  return missing(foreignKey, await referenced(foreignKey, references, txn), txn);
}

// ---- the parent ----

/** Those that the parent does not have. */
async function missing(foreignKey: ForeignKey, references: readonly Reference[], txn: KvTxn): Promise<Reference[]> {
  const lost = references.filter((r) => r.values.length === 0);
  const sought = references.filter((r) => r.values.length > 0);
  const lock = txn.isolation === 'serializable' ? 'none' : 'share';
  // In the order of keys, so that two transactions do not wait for each other.
  sought.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (let at = 0; at < sought.length; at += CHUNK_KEYS) {
    let chunk = sought.slice(at, at + CHUNK_KEYS);
    // Rows have existence keys, entries of other indexes do not change with their rows.
    if (foreignKey.parentIndex.index.primary) chunk = await withoutValue(chunk, txn, { lock, scope: 'existence' });
    lost.push(...(await withoutValue(chunk, txn, { lock })));
  }
  return lost;
}

async function withoutValue(references: readonly Reference[], txn: KvTxn, options: ReadOptions): Promise<Reference[]> {
  if (references.length === 0) return [];
  const values = await txn.getMany(
    references.map((r) => r.key),
    options,
  );
  return references.filter((_, i) => (values[i] ?? null) === null);
}

// ---- the children ----

/** Those that a row of the child refers to. */
async function referenced(foreignKey: ForeignKey, references: readonly Reference[], txn: KvTxn): Promise<Reference[]> {
  if (references.length === 0) return [];
  if (foreignKey.childIndex === null || references.some((r) => r.values.length === 0)) {
    const found = new Set<Key>();
    await readChildren(foreignKey, references, txn, (key) => found.add(key));
    return references.filter((r) => found.has(r.key));
  }
  const result: Reference[] = [];
  await inTurns(references, async (reference) => {
    const prefix = childPrefix(foreignKey, reference);
    if (prefix === null) return;
    const page = await txn.scan({ ...childScan(txn), start: prefix, end: prefixEnd(prefix), maxRows: 1 });
    if (page.keys.length > 0) result.push(reference);
  });
  return result;
}

function childScan(txn: KvTxn): { readonly lock: 'none' | 'exclusive'; readonly verified: boolean } {
  return { lock: txn.isolation === 'serializable' ? 'none' : 'exclusive', verified: true };
}

function childPrefix(foreignKey: ForeignKey, reference: Reference): Key | null {
  const values = foreignKey.childValues(reference);
  if (values === null) return null;
  const { codec, order } = foreignKey.childIndex!;
  return codec.keyOfColumns(order.map((i) => values[i]!));
}

interface Child {
  /** Of the reference. */
  readonly key: Key;
  readonly live: Row;
}

/** The rows that refer to these keys, locked: they will be changed. */
async function lockChildren(
  foreignKey: ForeignKey,
  references: readonly Reference[],
  txn: KvTxn,
): Promise<readonly Child[]> {
  const { child, childIndex } = foreignKey;
  const found: { key: Key; row: Key }[] = [];
  if (childIndex === null) {
    await readChildren(foreignKey, references, txn, (key, live) => {
      found.push({ key, row: child.primary.keyOfRow(live) });
    });
    return lockRows(foreignKey, found, txn);
  }
  await inTurns(references, async (reference) => {
    const prefix = childPrefix(foreignKey, reference);
    if (prefix === null) return;
    let start: Key | null = prefix;
    while (start !== null) {
      const page: Awaited<ReturnType<KvTxn['scan']>> = await txn.scan({
        ...childScan(txn),
        start,
        end: prefixEnd(prefix),
        maxBytes: PAGE_BYTES,
      });
      page.keys.forEach((key, i) => {
        const { codec } = childIndex;
        const row = codec.index.primary ? key : child.primary.keyOfColumns(codec.decodeEntry(page.values[i]!));
        found.push({ key: reference.key, row });
      });
      start = page.resumeKey;
    }
  });
  return lockRows(foreignKey, found, txn);
}

async function lockRows(
  { child }: ForeignKey,
  found: readonly { readonly key: Key; readonly row: Key }[],
  txn: KvTxn,
): Promise<readonly Child[]> {
  const sorted = [...found].sort((a, b) => (a.row < b.row ? -1 : 1));
  const children: Child[] = [];
  for (let at = 0; at < sorted.length; at += CHUNK_KEYS) {
    const chunk = sorted.slice(at, at + CHUNK_KEYS);
    const values = await txn.getMany(
      chunk.map(({ row }) => row),
      isReferenced(child.table) ? { lock: 'exclusive', scope: 'whole' } : { lock: 'exclusive' },
    );
    chunk.forEach(({ key }, i) => {
      const value = values[i] ?? null;
      if (value !== null) children.push({ key, live: child.decodeRow(value) });
    });
  }
  return children;
}

/** Without an index: the whole table, for all the keys at once. */
async function readChildren(
  foreignKey: ForeignKey,
  references: readonly Reference[],
  txn: KvTxn,
  visit: (key: Key, live: Row) => void,
): Promise<void> {
  const sought = new Set(references.map((r) => r.key));
  const { span } = foreignKey.child.primary;
  let start: Key | null = span.start;
  while (start !== null) {
    const page: Awaited<ReturnType<KvTxn['scan']>> = await txn.scan({
      start,
      end: span.end,
      maxBytes: PAGE_BYTES,
      verified: true,
    });
    for (const value of page.values) {
      const live = foreignKey.child.decodeRow(value);
      if (foreignKey.childPositions.some((p) => live[p] === null)) continue;
      const key = foreignKey.referenceOf(live)!.key;
      if (sought.has(key)) visit(key, live);
    }
    start = page.resumeKey;
  }
}

async function inTurns<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += SCANS_AT_A_TIME) {
    await Promise.all(items.slice(at, at + SCANS_AT_A_TIME).map(run));
  }
}

// ---- actions ----

async function runActions(queue: ForeignKeyQueue, ctx: ExecContext): Promise<void> {
  for (;;) {
    const pending = [...queue.statement.values()].find((p) => p.changed.size > 0);
    if (pending === undefined) return;
    const changes = new Map(pending.changed);
    pending.changed.clear();
    // All children before the first change: one may come to refer to a key whose children move on.
    const references = [...changes.values()].map((c) => c.reference);
    const children = await lockChildren(pending.foreignKey, references, ctx.txn);
    await new Actions(pending, ctx).run(children, changes);
  }
}

class Actions {
  readonly #pending: PendingChecks;
  readonly #run: Run;
  readonly #writer: RowWriter;

  constructor(pending: PendingChecks, ctx: ExecContext) {
    this.#pending = pending;
    this.#run = new Run(ctx);
    const { table, schemaName, checks } = pending.writers.tables.get(pending.foreignKey.child.table.id)!;
    this.#writer = new RowWriter(table, schemaName, checks, pending.writers);
  }

  async run(children: readonly Child[], changes: ReadonlyMap<Key, ParentChange>): Promise<void> {
    const { onDelete, onUpdate } = this.#pending.foreignKey.descriptor;
    const { txn } = this.#run.ctx;
    for (const { key, live } of children) {
      const { after } = changes.get(key)!;
      const action = after === null ? onDelete : onUpdate;
      if (action === 'cascade' && after === null) this.#writer.remove(txn, this.#writer.full(live));
      else if (action === 'cascade') await this.#change(live, this.#movedTo(after!));
      else if (action === 'set null') await this.#change(live, new Map(this.#positions(after).map((p) => [p, null])));
      else await this.#setDefault(key, live, after);
      if (txn.crowded) await txn.relieve();
    }
  }

  #movedTo(after: Row): Map<number, Datum> {
    const { foreignKey } = this.#pending;
    const reference = foreignKey.referenceTo(after);
    const { childPositions } = foreignKey;
    // A parent whose key became NULL: nothing can refer to it.
    if (reference === null) return new Map(childPositions.map((p) => [p, null]));
    const values = foreignKey.childValues(reference);
    if (values === null) throw sqlError('22003', 'the new key is out of range for the referencing columns');
    const columns = foreignKey.childColumns();
    return new Map(childPositions.map((p, i) => [p, fitted(values[i]!, columns[i]!)]));
  }

  async #setDefault(key: Key, live: Row, after: Row | null): Promise<void> {
    const { foreignKey, writers } = this.#pending;
    const { defaults } = writers.tables.get(foreignKey.child.table.id)!;
    const values = new Map<number, Datum>();
    for (const position of this.#positions(after)) {
      const made = compileExpr(defaults.get(foreignKey.child.columns[position]!.id)!, NO_LAYOUT);
      values.set(position, made.waits ? await made.eval([], this.#run) : made.eval([], this.#run));
    }
    const changed = await this.#change(live, values);
    // Another key is looked at because the row was written; the very one that is gone is not another.
    const reference = foreignKey.referenceOf(changed);
    if (reference?.key !== key) return;
    this.#pending.orphaned.set(key, reference);
    this.#pending.keptByDefault.add(key);
  }

  /** Live positions that SET NULL or SET DEFAULT sets. */
  #positions(after: Row | null): readonly number[] {
    const { child, childPositions, descriptor } = this.#pending.foreignKey;
    if (after !== null || descriptor.deleteColumnIds.length === 0) return childPositions;
    return childPositions.filter((p) => descriptor.deleteColumnIds.includes(child.columns[p]!.id));
  }

  async #change(live: Row, values: ReadonlyMap<number, Datum>): Promise<Row> {
    const changed = live.map((value, i) => (values.has(i) ? values.get(i)! : value));
    await changeRow(this.#run, this.#writer, this.#writer.full(live), [...this.#writer.full(changed)]);
    return changed;
  }
}

// ---- errors ----

function violation(
  foreignKey: ForeignKey,
  kind: 'wanted' | 'orphaned',
  reference: Reference,
  format: FormatContext,
): Error {
  const { child, parent, descriptor } = foreignKey;
  const key = referenceText(foreignKey, kind === 'wanted' ? 'child' : 'parent', reference, format);
  if (kind === 'wanted') return foreignKey.violation(`${key} is not present in table "${parent.table.name}".`);
  return sqlError(
    '23503',
    `update or delete on table "${parent.table.name}" violates foreign key constraint "${descriptor.name}" on table "${child.table.name}"`,
    {
      detail: `${key} is still referenced from table "${child.table.name}".`,
      schema: foreignKey.childSchema,
      table: child.table.name,
      constraint: descriptor.name,
    },
  );
}

/** As an assignment to the column makes it. */
function fitted(value: Datum, { typeOid, typmod }: { readonly typeOid: number; readonly typmod: number }): Datum {
  return value === null || typmod < 0 ? value : typeByOid(baseOidOf(typeOid)).applyTypmod(value, typmod, false);
}
