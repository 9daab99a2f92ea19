/**
 * Reading by an inverted index: the primary keys of the rows that have all of some items, or any of them, each once.
 * They are candidates; the scan tests its conditions on the rows.
 *
 * For all of several items: the lists of rows are read side by side until one ends. That is a short one, and its
 * rows are the candidates, without those that another list is known not to have. If none ends soon, the lists are
 * merged: each is read on from where the others are. So what is read is in proportion to the shortest list, and
 * what is kept is bounded. For any of several: list by list, and keys that were given are remembered.
 */
import { assert } from '../../base/assert.js';
import type { Key } from '../../base/key.js';
import { prefixEnd } from '../../base/key.js';
import type { KvScanResult, ReadOptions } from '../../txn/kv-txn.js';
import { ITEM_OPERATORS, type ItemSearch, searchOf } from '../encoding/item-keys.js';
import type { KeyConstraint } from '../plan/logical.js';
import type { ExecContext } from '../contract.js';
import type { Datum } from '../types/datum.js';
import type { InvertedCodec } from './index-codec.js';
import type { Run } from './run.js';

/** Entries that are read of each list, in turns, while none has ended. */
const TURNS: readonly number[] = [256, 1024, 8192];
const PAGE_ENTRIES = 4096;
const PAGE_BYTES = 512 << 10;
/** Lists that are read side by side: the row's test does the rest. */
const LISTS_MAX = 6;
const KEY_OVERHEAD = 64;

export type ItemConstraint = Extract<KeyConstraint, { kind: 'items' }>;

export interface ItemTest {
  readonly constraint: ItemConstraint;
  readonly argument: (run: Run) => Datum;
}

/** null: no row has what is asked for; 'all': items do not help. */
export function postingsOf(index: InvertedCodec, tests: readonly ItemTest[], run: Run): Postings | null | 'all' {
  const all = new Set<Key>();
  let some: readonly Key[] | null = null;
  for (const { constraint, argument } of tests) {
    const { at, operator } = constraint;
    const opclass = index.opclasses[at]!;
    assert(ITEM_OPERATORS[opclass].has(operator), 'an operator of the index');
    const search: ItemSearch = searchOf(opclass, operator, argument(run));
    if (search.kind === 'none') return null;
    if (search.kind === 'all') continue;
    const prefixes = search.items.map((item) => index.prefixOf(at, item));
    if (search.kind === 'every') for (const prefix of prefixes) all.add(prefix);
    else if (some === null || prefixes.length < some.length) some = prefixes;
  }
  const read: Pick<ReadOptions, 'before'> = run.before === null ? {} : { before: run.before };
  const lists = (prefixes: Iterable<Key>): List[] => Array.from(prefixes, (p) => new List(run.ctx, p, read));
  if (all.size > 0) return new Postings(index.rowPrefix, new Shared(lists([...all].slice(0, LISTS_MAX))));
  return some === null ? 'all' : new Postings(index.rowPrefix, new Joined(lists(some), run.ctx));
}

interface Source {
  /** What follows the prefix of the table's rows; null: no more. */
  next(count: number): Promise<readonly string[] | null>;
  close(): void;
}

/** Primary keys of candidates. */
export class Postings {
  readonly #rowPrefix: Key;
  readonly #source: Source;

  constructor(rowPrefix: Key, source: Source) {
    this.#rowPrefix = rowPrefix;
    this.#source = source;
  }

  async next(count: number): Promise<readonly Key[] | null> {
    const rows = await this.#source.next(count);
    return rows === null ? null : rows.map((row) => this.#rowPrefix + row);
  }

  close(): void {
    this.#source.close();
  }
}

/** The rows of one item, ascending. */
class List {
  readonly #ctx: ExecContext;
  readonly #prefix: Key;
  readonly #read: Pick<ReadOptions, 'before'>;
  /** Where to read on; null: all is read. */
  #from: Key | null;
  rows: string[] = [];
  /** The first of `rows` that was not given. */
  at = 0;

  constructor(ctx: ExecContext, prefix: Key, read: Pick<ReadOptions, 'before'>) {
    this.#ctx = ctx;
    this.#prefix = prefix;
    this.#read = read;
    this.#from = prefix;
  }

  get ended(): boolean {
    return this.#from === null;
  }

  /** Reads on until it has so many rows, or all. */
  async fill(count: number): Promise<void> {
    while (this.rows.length < count && this.#from !== null) await this.#page(count - this.rows.length);
  }

  async #page(count: number): Promise<void> {
    const page: KvScanResult = await this.#ctx.txn.scan({
      start: this.#from!,
      end: prefixEnd(this.#prefix),
      maxRows: count,
      maxBytes: PAGE_BYTES,
      ...this.#read,
    });
    for (const key of page.keys) this.rows.push(key.slice(this.#prefix.length));
    this.#from = page.resumeKey;
  }

  /** The first row at `target` or behind it, which is then the next; null if there is none. */
  async seek(target: string): Promise<string | null> {
    for (;;) {
      while (this.at < this.rows.length && this.rows[this.at]! < target) this.at++;
      if (this.at < this.rows.length) return this.rows[this.at]!;
      if (this.#from === null) return null;
      this.rows = [];
      this.at = 0;
      const there = this.#prefix + target;
      if (there > this.#from) this.#from = there;
      await this.#page(PAGE_ENTRIES);
    }
  }

  /** Takes what is there or one page more; null at the end. */
  async take(count: number): Promise<readonly string[] | null> {
    if (this.at >= this.rows.length) {
      this.rows = [];
      this.at = 0;
      while (this.rows.length === 0 && this.#from !== null) await this.#page(count);
      if (this.rows.length === 0) return null;
    }
    const taken = this.rows.slice(this.at, this.at + count);
    this.at += taken.length;
    return taken;
  }
}

/** Rows that are in all lists, or may be. */
class Shared implements Source {
  readonly #lists: readonly List[];
  #begun = false;
  /** The candidates, if one list ended soon. */
  #known: readonly string[] | null = null;
  #given = 0;
  /** The next row of the first list. */
  #target: string | null = '';

  constructor(lists: readonly List[]) {
    this.#lists = lists;
  }

  next(count: number): Promise<readonly string[] | null> {
    const [only] = this.#lists;
    return this.#lists.length === 1 ? only!.take(count) : this.#nextOfSeveral(count);
  }

  async #nextOfSeveral(count: number): Promise<readonly string[] | null> {
    if (!this.#begun) {
      this.#begun = true;
      await this.#begin();
    }
    if (this.#known === null) return this.#merge(count);
    const rows = this.#known.slice(this.#given, this.#given + count);
    this.#given += rows.length;
    return rows.length === 0 ? null : rows;
  }

  async #begin(): Promise<void> {
    for (const count of TURNS) {
      await Promise.all(this.#lists.map((list) => list.fill(count)));
      if (this.#lists.some((list) => list.ended)) break;
    }
    const ended = this.#lists.filter((list) => list.ended);
    if (ended.length === 0) return;
    const shortest = ended.reduce((a, b) => (b.rows.length < a.rows.length ? b : a));
    let rows: readonly string[] = shortest.rows;
    for (const list of this.#lists) {
      if (list === shortest) continue;
      const has = new Set(list.rows);
      const last = list.rows.at(-1) ?? '';
      rows = rows.filter((row) => has.has(row) || (!list.ended && row > last));
    }
    this.#known = rows;
  }

  async #merge(count: number): Promise<readonly string[] | null> {
    const rows: string[] = [];
    while (this.#target !== null && rows.length < count) {
      const target: string = this.#target;
      let furthest: string | null = target;
      for (const list of this.#lists) {
        const found = await list.seek(target);
        if (found === null) furthest = null;
        if (furthest !== null && found! > furthest) furthest = found;
        if (furthest === null) break;
      }
      if (furthest === target) {
        rows.push(target);
        // Nothing lies between a row and itself with a zero byte behind it.
        furthest = `${target}\x00`;
      }
      this.#target = furthest;
    }
    return rows.length === 0 ? null : rows;
  }

  close(): void {
    this.#target = null;
    this.#known = [];
  }
}

/** Rows of any of the lists. */
class Joined implements Source {
  readonly #lists: readonly List[];
  readonly #ctx: ExecContext;
  readonly #given = new Set<string>();
  #bytes = 0;
  #at = 0;

  constructor(lists: readonly List[], ctx: ExecContext) {
    this.#lists = lists;
    this.#ctx = ctx;
  }

  async next(count: number): Promise<readonly string[] | null> {
    for (; this.#at < this.#lists.length; this.#at++) {
      const rows = await this.#lists[this.#at]!.take(count);
      if (rows === null) continue;
      return this.#lists.length === 1 ? rows : rows.filter((row) => this.#isNew(row));
    }
    this.close();
    return null;
  }

  #isNew(row: string): boolean {
    if (this.#given.has(row)) return false;
    const bytes = row.length + KEY_OVERHEAD;
    this.#ctx.memory.grow(bytes);
    this.#bytes += bytes;
    this.#given.add(row);
    return true;
  }

  close(): void {
    this.#at = this.#lists.length;
    this.#given.clear();
    this.#ctx.memory.shrink(this.#bytes);
    this.#bytes = 0;
  }
}
