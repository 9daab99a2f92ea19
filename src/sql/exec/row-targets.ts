/**
 * Where many new rows go. Into a table whose storage is this transaction's own and still empty they are
 * ingested directly, several batches in flight; keys that come in order are checked against the last
 * one only, others against a set. Otherwise they go the way of INSERT: unique keys are read under
 * locks, then buffered.
 */
import type { QuoralError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import type { ExecContext } from '../contract.js';
import type { IndexCodec } from './index-codec.js';
import type { RowWriter } from './row-writer.js';
import type { Row, Run } from './run.js';

const INGEST_IN_FLIGHT = 3;

export interface Clash {
  readonly error: QuoralError;
  /** Index in the batch. */
  readonly at: number;
}

export interface RowTarget {
  write(rows: readonly Row[]): Promise<Clash | null>;
  finish(): Promise<void>;
}

/** The way of INSERT. */
class BufferTarget implements RowTarget {
  readonly #run: Run;
  readonly #writer: RowWriter;

  constructor(run: Run, writer: RowWriter) {
    this.#run = run;
    this.#writer = writer;
  }

  async write(rows: readonly Row[]): Promise<Clash | null> {
    const { txn } = this.#run.ctx;
    const wanted = rows.map((full) => this.#writer.uniqueKeys(this.#writer.live(full)));
    const taken = new Set<Key>();
    const keys = [...new Set(wanted.flatMap((list) => list.map((w) => w.key)))];
    if (keys.length > 0) {
      const values = await txn.getMany(keys, { lock: 'exclusive' });
      keys.forEach((key, i) => {
        if ((values[i] ?? null) !== null) taken.add(key);
      });
    }
    for (let i = 0; i < rows.length; i++) {
      for (const { index, key } of wanted[i]!) {
        if (taken.has(key)) return { error: this.#writer.uniqueViolation(index, rows[i]!, this.#run.ctx), at: i };
        taken.add(key);
      }
      this.#writer.put(txn, rows[i]!);
    }
    if (txn.crowded) await txn.relieve();
    return null;
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }
}

/** Straight into storage that only this transaction knows of. */
class IngestTarget implements RowTarget {
  readonly #ctx: ExecContext;
  readonly #writer: RowWriter;
  readonly #seen: readonly SeenKeys[];
  readonly #inFlight = new Set<Promise<void>>();
  #failure: unknown = null;

  constructor(ctx: ExecContext, writer: RowWriter) {
    this.#ctx = ctx;
    this.#writer = writer;
    this.#seen = writer.uniques
      .filter((index) => !(index.index.primary && writer.hasHiddenKey))
      .map((index) => new SeenKeys(index, ctx));
  }

  async write(rows: readonly Row[]): Promise<Clash | null> {
    const { codec } = this.#writer;
    const keys: Key[] = [];
    const values: Uint8Array[] = [];
    for (let i = 0; i < rows.length; i++) {
      const live = this.#writer.live(rows[i]!);
      for (const seen of this.#seen) {
        if (seen.add(live)) continue;
        return { error: this.#writer.uniqueViolation(seen.index, rows[i]!, this.#ctx), at: i };
      }
      this.#writer.noteInserted(this.#ctx.txn, live);
      keys.push(codec.primary.keyOfRow(live));
      values.push(codec.encodeRow(live));
      codec.entries(live, (key, entry) => {
        keys.push(key);
        values.push(entry);
      });
    }
    await this.#send(keys, values);
    return null;
  }

  async #send(keys: readonly Key[], values: readonly Uint8Array[]): Promise<void> {
    while (this.#inFlight.size >= INGEST_IN_FLIGHT) await Promise.race(this.#inFlight);
    if (this.#failure !== null) throw this.#failure;
    const sent = this.#ctx.txn
      .bulkIngest(keys, values)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#inFlight.delete(sent));
    this.#inFlight.add(sent);
  }

  async finish(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.#failure !== null) throw this.#failure;
  }
}

/** Keys of one unique index met so far; remembers only the last while they come in order. */
class SeenKeys {
  readonly index: IndexCodec;
  readonly #ctx: ExecContext;
  #last: Key = '';
  #ordered: Key[] | null = [];
  #keys: Set<Key> | null = null;

  constructor(index: IndexCodec, ctx: ExecContext) {
    this.index = index;
    this.#ctx = ctx;
  }

  /** False if the row's key was there before. */
  add(live: Row): boolean {
    if (!this.index.isUniqueFor(live)) return true;
    const key = this.index.keyOfRow(live);
    if (this.#keys === null) {
      if (key > this.#last) {
        this.#last = key;
        this.#remember(key);
        return true;
      }
      if (key === this.#last) return false;
      this.#keys = new Set(this.#ordered);
      this.#ordered = null;
    }
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    this.#ctx.memory.grow(key.length + 64);
    return true;
  }

  /** In case order breaks later, the keys so far are needed after all. */
  #remember(key: Key): void {
    this.#ordered!.push(key);
    this.#ctx.memory.grow(key.length + 16);
  }
}

/** `fresh`: the catalog says that the table's storage belongs to this transaction. */
export async function openTarget(run: Run, writer: RowWriter, fresh: boolean): Promise<RowTarget> {
  const { ctx } = run;
  if (fresh) {
    const { start, end } = writer.codec.primary.span;
    const found = await ctx.txn.scan({ start, end, maxRows: 1, untracked: true });
    if (found.keys.length === 0) return new IngestTarget(ctx, writer);
  }
  return new BufferTarget(run, writer);
}
