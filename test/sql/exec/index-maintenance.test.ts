/**
 * Entries of all kinds of indexes against the rows: random statements, then each index's keys and values in the
 * store compared with what a scan of the whole table says they must be, and answers with and without indexes.
 */
import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { prefixEnd } from '../../../src/base/key.js';
import { indexPrefix, SYSTEM_KEYS } from '../../../src/encoding/keyspace.js';
import { decodeDescriptor } from '../../../src/sql/catalog/codec.js';
import type { IndexDescriptor, TableDescriptor } from '../../../src/sql/catalog/descriptor.js';
import { itemsOf } from '../../../src/sql/encoding/item-keys.js';
import { encodeKeyColumns } from '../../../src/sql/encoding/key-codec.js';
import { tableCodec } from '../../../src/sql/exec/index-codec.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { typeByOid } from '../../../src/sql/types/registry.js';
import { STORED_FORMAT } from '../../../src/sql/types/stored-format.js';
import { MemoryDb } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

/** Mulberry32. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const INDEXES: readonly string[] = [
  'UNIQUE INDEX i0 ON t (lower(s))',
  'INDEX i1 ON t (a) WHERE f',
  'UNIQUE INDEX i2 ON t (a) WHERE f AND b > 2',
  'INDEX i3 ON t ((a + b))',
  'INDEX i4 ON t (b DESC, (a % 3)) WHERE s IS NOT NULL',
  'INDEX i5 ON t ((100 / b)) WHERE b <> 0',
  'INDEX i6 ON t (g)',
  'UNIQUE INDEX i7 ON t ((a * 7 + b)) WHERE NOT f',
  "INDEX i8 ON t (coalesce(s, 'none'), f)",
  'INDEX i9 ON t (f) WHERE a IN (1, 2, 3) OR b = 4',
  'INDEX i10 ON t ((a IS NULL))',
  'INDEX i11 ON t (lower(s) DESC, b)',
  'UNIQUE INDEX i12 ON t (a, b)',
  "INDEX i13 ON t (b) WHERE s LIKE 'A%'",
  'INDEX i14 ON t USING gin (d)',
  'INDEX i15 ON t USING gin (d jsonb_path_ops)',
  'INDEX i16 ON t USING gin (v)',
  'INDEX i17 ON t USING gin (v, d jsonb_path_ops)',
  "INDEX i18 ON t USING gin ((d -> 'k')) WHERE f",
  'INDEX i19 ON t USING gin ((v || a)) WHERE b > 0',
  'INDEX i20 ON t USING hash (a)',
  'INDEX i21 ON t USING hash (lower(s))',
];

/** Conditions and what follows them; # is a random small number, $ a random word, @ a document, % an array. */
const QUERIES: readonly string[] = [
  "WHERE lower(s) = '$'",
  "WHERE lower(s) >= '$' ORDER BY lower(s), id, a, b, s, f",
  'WHERE f AND a = #',
  'WHERE f AND a > # ORDER BY a, id, b, s, f',
  'WHERE f = true AND a < #',
  'WHERE NOT f AND a * 7 + b = #',
  'WHERE f AND b > 3 AND a = #',
  'WHERE f AND b >= # AND a IN (#, #)',
  'WHERE f IS TRUE AND b = # AND a = #',
  'WHERE a + b = #',
  'WHERE a + b BETWEEN # AND # ORDER BY a + b DESC, id, a, b, s, f',
  'WHERE b > # AND s IS NOT NULL',
  "WHERE b = # AND s = '$'",
  "WHERE b = # AND lower(s) > '$' ORDER BY a % 3, id, a, b, s, f",
  'WHERE b <> 0 AND 100 / b = #',
  'WHERE b > 0 AND 100 / b > #',
  'WHERE b < 0 AND 100 / b > #',
  'WHERE g = #',
  'WHERE g > # ORDER BY g DESC, id, a, b, s, f',
  "WHERE coalesce(s, 'none') = 'none' AND f",
  'WHERE a IS NULL',
  'WHERE (a IS NULL) = false AND b = #',
  'WHERE a = 2 AND f',
  'WHERE a IN (1, 3) AND NOT f',
  'WHERE b = 4 AND f IS NULL',
  'WHERE (a = 1 OR b = 4) AND f',
  'WHERE a = # AND b = #',
  "WHERE b = # AND s LIKE 'A%'",
  'WHERE a < # OR b > #',
  "WHERE d @> '@'",
  "WHERE d @> '@' AND f",
  "WHERE d @> '@' AND d @> '@'",
  "WHERE '@' <@ d ORDER BY id, a, b, s, f",
  "WHERE d ? '$'",
  "WHERE d ?| ARRAY['$', 'k', NULL]",
  "WHERE d ?& ARRAY['$', 'k']",
  "WHERE f AND d -> 'k' @> '@'",
  "WHERE f AND d -> 'k' ? '$'",
  "WHERE v @> '%'",
  "WHERE v @> '%' AND d @> '@'",
  "WHERE v && '%' AND a > #",
  "WHERE v <@ '%'",
  "WHERE '%' <@ v LIMIT 100",
  "WHERE v = '%'",
  "WHERE b > 0 AND v || a && '%'",
  "WHERE v @> ARRAY[#, #] AND d ? 'k'",
  'WHERE EXISTS (SELECT FROM t o WHERE o.v && t.v AND o.id = #)',
  'WHERE EXISTS (SELECT FROM t o WHERE t.d @> o.d AND o.id = #)',
];

interface Store {
  readonly db: MemoryDb;
  readonly c: Client;
}

async function descriptor({ db, c }: Store): Promise<TableDescriptor> {
  const [[oid]] = (await c.rows("SELECT 't'::regclass::oid")) as [[string]];
  const bytes = await db.begin({ isolation: 'serializable' }).get(SYSTEM_KEYS.descriptor(Number(oid)));
  return decodeDescriptor(bytes!) as TableDescriptor;
}

async function stored({ db }: Store, table: TableDescriptor, index: IndexDescriptor): Promise<[string, string][]> {
  const start = indexPrefix(table.storageId, index.id);
  const page = await db.begin({ isolation: 'serializable' }).scan({ start, end: prefixEnd(start) });
  expect(page.resumeKey).toBe(null);
  if (index.method === 'gin') return page.keys.map((key) => [key.slice(start.length), '']);
  return page.keys.map((key, i) => [
    key.slice(start.length),
    tableCodec(table).secondary(index.id)!.decodeEntry(page.values[i]!).map(String).join(),
  ]);
}

/** OFFSET keeps conditions, and with them indexes, away from the scan. */
const WHOLE = '(SELECT *, KEY AS id_ FROM t OFFSET 0) t';

async function expected({ c }: Store, table: TableDescriptor, index: IndexDescriptor): Promise<[string, string][]> {
  const column = (id: number): { name: string; typeOid: number } => table.columns.find((x) => x.id === id)!;
  const keys = index.columns.map((k) => ({
    sql: k.expression?.expressionSql ?? column(k.columnId).name,
    oid: k.expression?.typeOid ?? column(k.columnId).typeOid,
    descending: k.descending,
  }));
  const primary = table.indexes[0]!.columns.map((k) => ({ oid: column(k.columnId).typeOid, descending: k.descending }));
  const primaryName = column(table.indexes[0]!.columns[0]!.columnId).name;
  const rows = await c.rows(
    `SELECT ${keys.map((k) => k.sql).join(', ')}, id_ FROM ${WHOLE.replace('KEY', primaryName)} WHERE ${index.predicate?.expressionSql ?? 'true'}`,
  );
  const read = (text: string | null, oid: number): Datum =>
    text === null ? null : typeByOid(oid).input(text, -1, STORED_FORMAT);
  const entries = rows.flatMap((row): [string, string][] => {
    const values = keys.map((k, i) => read(row[i]!, k.oid));
    if (index.method === 'gin') {
      const own = encodeKeyColumns(primary, [read(row[keys.length]!, primary[0]!.oid)]);
      return values.flatMap((value, i) =>
        itemsOf(index.columns[i]!.opclass!, value).map((item): [string, string] => [
          String.fromCharCode(i + 1) + item + own,
          '',
        ]),
      );
    }
    const own = encodeKeyColumns(keys, values);
    const alone = index.unique && index.deferrable == null && !values.includes(null);
    const id = row[keys.length]!;
    return [[alone ? own : own + encodeKeyColumns(primary, [read(id, primary[0]!.oid)]), id]];
  });
  return entries.sort((x, y) => (x[0] < y[0] ? -1 : x[0] > y[0] ? 1 : 0));
}

async function checkIndexes(store: Store): Promise<void> {
  const table = await descriptor(store);
  for (const index of table.indexes.slice(1)) {
    expect(await stored(store, table, index), index.name).toEqual(await expected(store, table, index));
  }
}

const ALLOWED = new Set([
  '23505',
  '42P10',
  '21000',
  '42P07',
  '42704',
  '22012',
  '25P02',
  '23502',
  '3B001',
  '55000',
  '55006',
]);

class Workload {
  readonly #next: () => number;
  readonly #store: Store;
  readonly log: string[] = [];
  inBlock = false;

  constructor(seed: number, store: Store) {
    this.#next = random(seed);
    this.#store = store;
  }

  below(n: number): number {
    return Math.floor(this.#next() * n);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
  number(): string {
    return this.below(8) === 0 ? 'NULL' : String(this.below(9) - 2);
  }
  word(): string {
    return this.below(7) === 0
      ? 'NULL'
      : `'${this.pick(['A', 'a', 'B', 'b', 'Ab', 'aB', 'cc', 'CC', 'd', ''])}${this.below(3)}'`;
  }
  truth(): string {
    return this.pick(['true', 'false', 'true', 'false', 'NULL']);
  }
  row(): string {
    return `(${this.below(40)}, ${this.number()}, ${this.number()}, ${this.word()}, ${this.truth()}, ${this.document()}, ${this.array()})`;
  }
  /** As text, without quotes. */
  json(depth: number): string {
    const many = (one: () => string): string => Array.from({ length: this.below(4) }, one).join(', ');
    const scalar = (): string =>
      this.pick(['1', '1.0', '2', '-3', 'true', 'null', '"k"', '"a0"', '""', `"${'long'.repeat(40)}${this.below(2)}"`]);
    if (depth === 0) return scalar();
    return this.pick([
      scalar,
      () => `[${many(() => this.json(depth - 1))}]`,
      () => `{${many(() => `"${this.pick(['k', 'l', 'a0', 'k'])}": ${this.json(depth - 1)}`)}}`,
      () => `{"k": ${this.json(depth - 1)}}`,
    ])();
  }
  document(): string {
    return this.below(9) === 0 ? 'NULL' : `'${this.json(3)}'`;
  }
  /** As text, without quotes. */
  elements(): string {
    return `{${Array.from({ length: this.below(4) }, () => this.number()).join(', ')}}`;
  }
  array(): string {
    return this.below(9) === 0 ? 'NULL' : `'${this.elements()}'`;
  }
  rows(): string {
    return Array.from({ length: 1 + this.below(4) }, () => this.row()).join(', ');
  }
  filter(): string {
    return this.pick([
      () => `id = ${this.below(40)}`,
      () => `id BETWEEN ${this.below(40)} AND ${this.below(40)}`,
      () => `a = ${this.number()}`,
      () => `f AND b > ${this.below(5)}`,
      () => `lower(s) = lower(${this.word()})`,
      () => 'NOT f',
      () => `a + b > ${this.below(6)}`,
      () => `d @> '${this.json(2)}'`,
      () => `v && '${this.elements()}'`,
    ])();
  }
  change(): string {
    return this.pick([
      () => `a = ${this.number()}`,
      () => `b = ${this.number()}, f = ${this.truth()}`,
      () => `f = NOT f`,
      () => `s = ${this.word()}`,
      () => `s = upper(s)`,
      () => `a = b, b = a`,
      () => `a = a + 1`,
      () => `id = id + 40`,
      () => `id = id - 40`,
      () => `id = id + 1`,
      () => `d = ${this.document()}`,
      () => `d = jsonb_build_object('k', d), v = v || a`,
      () => `v = ${this.array()}`,
      () => `d = d, v = v`,
    ])();
  }

  statement(): string {
    const kinds: readonly (() => string)[] = [
      () => `INSERT INTO t VALUES ${this.rows()}`,
      () => `INSERT INTO t VALUES ${this.row()}`,
      () => `INSERT INTO t VALUES ${this.rows()} ON CONFLICT DO NOTHING`,
      () =>
        `INSERT INTO t VALUES ${this.rows()} ON CONFLICT (id) DO UPDATE SET ${this.pick(['a = excluded.a', 'f = NOT t.f, s = excluded.s', 'id = excluded.id + 40', 'b = t.b + 1'])}`,
      () =>
        `INSERT INTO t VALUES ${this.row()} ON CONFLICT (lower(s)) DO UPDATE SET a = excluded.a, f = excluded.f, s = upper(excluded.s)`,
      () =>
        `INSERT INTO t VALUES ${this.rows()} ON CONFLICT (a) WHERE f AND b > 2 DO UPDATE SET b = excluded.b + 1, f = NOT t.f`,
      () =>
        `INSERT INTO t SELECT id + ${this.below(20)}, a, b + 1, s || 'x', f, d, v FROM t WHERE ${this.filter()} ON CONFLICT DO NOTHING`,
      () => `UPDATE t SET ${this.change()} WHERE ${this.filter()}`,
      () => `UPDATE t SET ${this.change()} WHERE ${this.filter()}`,
      // Of rows that are surely there.
      () => `UPDATE t SET d = ${this.document()}, v = ${this.array()} WHERE id % 3 = ${this.below(3)}`,
      () => `DELETE FROM t WHERE ${this.filter()}`,
      () => `CREATE ${this.pick(INDEXES)}`,
      () => `CREATE ${this.pick(INDEXES)}`,
      () => `DROP INDEX i${this.below(INDEXES.length)}`,
      () => (this.below(6) === 0 ? 'TRUNCATE t' : `DELETE FROM t WHERE id = ${this.below(40)}`),
      () => (this.below(6) === 0 ? 'ALTER TABLE t ALTER s TYPE varchar(20)' : 'ALTER TABLE t ALTER s TYPE text'),
      () => (this.inBlock ? this.pick(['SAVEPOINT s', 'ROLLBACK TO s', 'RELEASE s']) : 'BEGIN'),
      () => (this.inBlock ? this.pick(['COMMIT', 'COMMIT', 'ROLLBACK', 'ROLLBACK TO s', 'SAVEPOINT s']) : 'BEGIN'),
    ];
    return this.pick(kinds)();
  }

  async run(sql: string, input: string[] = []): Promise<void> {
    this.log.push(sql);
    try {
      await this.#store.c.all(sql, input);
    } catch (error) {
      if (!(error instanceof QuoralError) || !ALLOWED.has(error.sqlstate)) throw error;
      this.log.push(`-- ${error.sqlstate} ${error.message}`);
    }
    this.inBlock = this.#store.c.session.transactionStatus !== 'I';
    if (this.#store.c.session.transactionStatus === 'E' && this.below(2) === 0) await this.run('ROLLBACK');
  }

  /** Rows that go straight into storage that nobody else knows. */
  async refill(): Promise<void> {
    await this.run('BEGIN');
    await this.run('TRUNCATE t');
    if (this.below(2) === 0) {
      const lines = Array.from(
        { length: 30 },
        (_, i) =>
          `${i}\t${this.below(9)}\t${this.below(9)}\tw${i}\t${this.pick(['t', 'f', '\\N'])}\t{"k": ${i}}\t{${i},${i % 3}}\n`,
      );
      await this.run('COPY t FROM STDIN', lines);
    } else
      await this.run(
        "INSERT INTO t SELECT i, i, i % 5, 'A' || i, i % 3 = 0, to_jsonb(i), ARRAY[i] FROM generate_series(1, 30) i",
      );
    await this.run('COMMIT');
  }

  async step(): Promise<void> {
    if (!this.inBlock && this.below(20) === 0) await this.refill();
    else if (this.below(12) === 0) {
      const lines = Array.from(
        { length: 5 },
        () =>
          `${this.below(40)}\t${this.below(9)}\t${this.below(9)}\tw${this.below(30)}\tt\t["a0", ${this.below(3)}]\t{${this.below(9)}}\n`,
      );
      await this.run('COPY t FROM STDIN', lines);
    } else await this.run(this.statement());
  }

  query(): string {
    return this.pick(QUERIES)
      .replaceAll('#', () => String(this.below(9) - 2))
      .replaceAll("'@'", () => `'${this.json(2)}'`)
      .replaceAll("'%'", () => `'${this.elements()}'`)
      .replaceAll('$', () => this.pick(['a0', 'b1', 'ab2', 'cc0', '']));
  }
}

async function compareAnswers(w: Workload, c: Client): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const query = w.query();
    const ordered = /ORDER BY/.test(query);
    const ask = async (from: string): Promise<string[]> => {
      const rows = (await c.rows(`SELECT id, a, b, s, f, g, d, v FROM ${from} ${query}`)).map((r) => r.join('|'));
      return ordered ? rows : rows.sort();
    };
    w.log.push(`-- ${query}`);
    expect(await ask('t'), query).toEqual(await ask('(SELECT * FROM t OFFSET 0) t'));
  }
}

const SEEDS = Number(process.env['INDEX_SEEDS'] ?? 3);
const FIRST = Number(process.env['INDEX_FIRST'] ?? 1);

const KEYS = ['id int PRIMARY KEY', 'id int NOT NULL', 'id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED'];

describe.each(KEYS)('indexes of a table with %s', (id) => {
  it.each(Array.from({ length: SEEDS }, (_, i) => FIRST + i))('have the entries of the rows: seed %i', async (seed) => {
    const db = new MemoryDb();
    const c = await Client.open(await startServer(db));
    const store: Store = { db, c };
    const w = new Workload(seed, store);
    await w.run(
      `CREATE TABLE t (${id}, a int, b int, s text, f bool, d jsonb, v int[], g int GENERATED ALWAYS AS (coalesce(a, 0) % 4) STORED)`,
    );
    if (w.below(2) === 0) for (let i = 0; i < 4; i++) await w.run(`CREATE ${w.pick(INDEXES)}`);
    // So that what UPDATE takes out of an inverted index is seen: no answer tells of an entry too many.
    for (const index of INDEXES.slice(14, 18)) await w.run(`CREATE ${index}`);
    try {
      for (let i = 0; i < 60; i++) {
        await w.step();
        if (c.session.transactionStatus === 'E') continue;
        await compareAnswers(w, c);
        if (!w.inBlock) await checkIndexes(store);
      }
    } catch (error) {
      throw new Error(`seed ${seed}\n${w.log.slice(-25).join('\n')}\n${String(error)}`, { cause: error });
    }
  });
});
