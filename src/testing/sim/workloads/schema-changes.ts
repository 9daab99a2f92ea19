/**
 * A table that is changed under its writers' hands: indexes, columns and constraints come and go, it is written anew, copied and put in its
 * own place, emptied and filled again, in transactions that commit, roll back or go back to a savepoint.
 *
 * Whatever happens: what was inserted is there, each acknowledged change of a row is in it, every row adds up, an index
 * agrees with its table, and a column is there exactly if the row that was written with it is.
 */
import { type CounterOperation, checkCounters } from '../../judges/counter.js';
import type { HistoryKey, IsolationLevel, Outcome, Verdict } from '../../judges/history.js';
import { checkIndex } from '../../judges/secondary-index.js';
import { checkSet, type SetInsert } from '../../judges/set.js';
import { ClientError, type SimClient } from '../client.js';
import type { SimSession } from '../session.js';
import { byKey, readHealed, type Workload } from '../workload.js';

const VALUES = 5;
const FIRST_ROWS = 6;
const TABLE_COLUMNS = `SELECT column_name FROM information_schema.columns
  WHERE table_schema = 'public' AND table_name = 'books' AND column_name LIKE 'c%' ORDER BY 1`;

type Rows = readonly (readonly (string | null)[])[];

export class SchemaWorkload implements Workload {
  readonly name = 'schema';
  readonly #operations: CounterOperation[] = [];
  readonly #inserts: SetInsert[] = [];
  readonly #comparisons: { readonly where: string; readonly table: Rows; readonly index: Rows }[] = [];
  /** As of serializable reads whose clocks agree. */
  readonly #realTime: boolean;
  #final: ReadonlyMap<HistoryKey, number> = new Map();
  /** Columns, and the rows that tell of them. */
  #columns: { readonly there: Rows; readonly told: Rows } = { there: [], told: [] };
  #next = 1;
  #nextColumn = 1;
  /** Schema changes that committed. */
  changes = 0;

  constructor(options: { readonly realTime: 'per-key' | 'none' }) {
    this.#realTime = options.realTime !== 'none';
  }

  setup(): readonly string[] {
    const rows = Array.from({ length: FIRST_ROWS }, () => this.#next++);
    for (const id of rows) this.#inserted(id, 0, 0, 'done');
    return [
      'CREATE TABLE books (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL, n int NOT NULL, note text)',
      'CREATE TABLE told (id int PRIMARY KEY)',
      'ALTER TABLE books SPLIT AT VALUES (4), (40)',
      `INSERT INTO books VALUES ${rows.map((id) => `(${id}, 0, 0, 1)`).join(', ')}`,
    ];
  }

  async step(session: SimSession, _process: number): Promise<void> {
    const draw = session.random.next();
    if (draw < 0.25) await this.#insert(session);
    else if (draw < 0.55) await this.#update(session);
    else if (draw < 0.7) await this.#compare(session);
    else await this.#change(session);
  }

  // ---- rows ----

  /** Always the same text: its plan is kept from one to the next. */
  #row(session: SimSession): { readonly id: number; readonly insert: readonly [string, readonly number[]] } {
    const id = this.#next++;
    const a = session.random.int(VALUES);
    return { id, insert: ['INSERT INTO books (id, a, b, n) VALUES ($1, $2, $3, 1)', [id, a, -a]] };
  }

  /** The row counts one from the beginning: a read that lacks it lacks that. */
  #inserted(id: number, invokedAt: number, completedAt: number, outcome: Outcome): void {
    this.#inserts.push({ id: this.#inserts.length, value: id, outcome });
    this.#added(id, invokedAt, completedAt, outcome);
  }

  #added(key: number, invokedAt: number, completedAt: number, outcome: Outcome): void {
    const id = this.#operations.length;
    this.#operations.push({ id, key, invokedAt, completedAt, outcome, action: { f: 'add', amount: 1 } });
  }

  async #insert(session: SimSession): Promise<void> {
    const rows = Array.from({ length: 1 + session.random.int(3) }, () => this.#row(session));
    const from = session.nowUs;
    const { outcome } = await this.#transaction(session, async (client) => {
      for (const { insert } of rows) await client.query(...insert);
    });
    for (const { id } of rows) this.#inserted(id, from, session.nowUs, outcome);
  }

  async #update(session: SimSession): Promise<void> {
    const { random } = session;
    const id = 1 + random.int(this.#next - 1);
    const a = random.int(VALUES);
    const from = session.nowUs;
    const text = 'UPDATE books SET a = $2, b = 0 - $2::int, n = n + 1 WHERE id = $1';
    let found = true;
    let outcome: Outcome;
    if (random.chance(0.5)) {
      const ended = await session.statement(text, [id, a]);
      found = ended.result === null || ended.result.tag === 'UPDATE 1';
      outcome = ended.outcome;
    } else {
      ({ outcome } = await this.#transaction(session, async (client) => {
        await client.query('SELECT n FROM books WHERE id = $1 FOR UPDATE', [id]);
        found = (await client.query(text, [id, a])).tag === 'UPDATE 1';
      }));
    }
    if (found) this.#added(id, from, session.nowUs, outcome);
  }

  #transaction(session: SimSession, body: (client: SimClient) => Promise<void>): Promise<{ outcome: Outcome }> {
    const level: IsolationLevel = session.random.chance(0.5) ? 'serializable' : 'read committed';
    return session.transaction(level, body);
  }

  /** In one snapshot: the table by its primary key, and the same rows by what an index may find. */
  async #compare(session: SimSession): Promise<void> {
    const from = session.nowUs;
    let table: Rows = [];
    const index: (readonly (string | null)[])[] = [];
    const { outcome } = await session.transaction('serializable', async (client) => {
      table = (await client.query('SELECT id, a, b, n FROM books ORDER BY id')).rows;
      index.length = 0;
      for (let a = 0; a < VALUES; a++)
        index.push(...(await client.query('SELECT id, a, b, n FROM books WHERE a = $1', [a])).rows);
    });
    if (outcome !== 'done') return;
    this.#comparisons.push({ where: `${from} at ${session.node}`, table, index });
    if (this.#realTime) this.#noteReads(table, from, session.nowUs);
  }

  #noteReads(table: Rows, invokedAt: number, completedAt: number): void {
    const found = new Map(table.map(([id, , , n]) => [Number(id), Number(n)]));
    for (const { value: key } of this.#inserts) {
      const id = this.#operations.length;
      const value = found.get(key as number) ?? 0;
      this.#operations.push({
        id,
        key: key as number,
        invokedAt,
        completedAt,
        outcome: 'done',
        action: { f: 'read', value },
      });
    }
  }

  // ---- schema ----

  async #change(session: SimSession): Promise<void> {
    const { random } = session;
    const kinds = [
      () => this.#alone(session, 'CREATE INDEX IF NOT EXISTS books_a ON books (a)'),
      () => this.#alone(session, 'CREATE INDEX IF NOT EXISTS books_a ON books (a) INCLUDE (n)'),
      () => this.#alone(session, 'DROP INDEX IF EXISTS books_a'),
      () => this.#alone(session, `ALTER TABLE books ALTER COLUMN b TYPE ${random.chance(0.5) ? 'bigint' : 'int'}`),
      () => this.#alone(session, 'ALTER TABLE books ADD CONSTRAINT even CHECK (a + b = 0)'),
      () => this.#alone(session, 'ALTER TABLE books DROP CONSTRAINT IF EXISTS even'),
      () => this.#alone(session, 'ALTER TABLE books RENAME COLUMN note TO remark'),
      () => this.#alone(session, 'ALTER TABLE books RENAME COLUMN remark TO note'),
      () => this.#addColumn(session),
      () => this.#dropColumn(session),
      () => this.#rolledBack(session),
      () => this.#toSavepoint(session),
      () => this.#swap(session),
      () => this.#refill(session),
    ];
    await random.pick(kinds)();
  }

  async #alone(session: SimSession, text: string): Promise<void> {
    const { outcome } = await session.statement(text);
    if (outcome === 'done') this.changes++;
  }

  async #together(session: SimSession, level: IsolationLevel, texts: readonly string[]): Promise<Outcome> {
    const { outcome } = await session.transaction(level, async (client) => {
      for (const text of texts) await client.query(text);
    });
    if (outcome === 'done') this.changes++;
    return outcome;
  }

  async #addColumn(session: SimSession): Promise<void> {
    const k = this.#nextColumn++;
    const add = `ALTER TABLE books ADD COLUMN c${k} int NOT NULL DEFAULT ${k}`;
    const tell = `INSERT INTO told VALUES (${k})`;
    await this.#together(session, 'serializable', session.random.chance(0.5) ? [add, tell] : [tell, add]);
  }

  async #dropColumn(session: SimSession): Promise<void> {
    const { outcome } = await this.#transaction(session, async (client) => {
      const [first] = (await client.query('SELECT id FROM told ORDER BY id LIMIT 1 FOR UPDATE')).rows;
      if (first === undefined) return;
      await client.query(`ALTER TABLE books DROP COLUMN c${first[0]}`);
      await client.query(`DELETE FROM told WHERE id = ${first[0]}`);
    });
    if (outcome === 'done') this.changes++;
  }

  /** Of what is undone nothing is seen, and nothing is missed. */
  #undone(session: SimSession): string {
    return session.random.pick([
      'TRUNCATE books',
      'ALTER TABLE books DROP COLUMN n',
      'ALTER TABLE books ALTER COLUMN n TYPE text',
      'ALTER TABLE books ADD COLUMN z int DEFAULT 1',
      'CREATE UNIQUE INDEX books_id_a ON books (id, a)',
      'UPDATE books SET b = b + 1',
      'DELETE FROM books',
    ]);
  }

  async #rolledBack(session: SimSession): Promise<void> {
    const { id, insert } = this.#row(session);
    const drops = session.random.chance(0.3);
    await session.transaction('serializable', async (client) => {
      await client.query(drops ? 'DROP TABLE books' : this.#undone(session));
      if (!drops) await client.query(...insert);
      // Ends it.
      await client.query('SELECT 1/0');
    });
    this.#inserted(id, session.nowUs, session.nowUs, 'failed');
  }

  async #toSavepoint(session: SimSession): Promise<void> {
    const [before, within, after] = [this.#row(session), this.#row(session), this.#row(session)];
    const from = session.nowUs;
    const { outcome } = await this.#transaction(session, async (client) => {
      await client.query(...before.insert);
      await client.query('SAVEPOINT s');
      await whetherOrNot(client, this.#undone(session));
      await whetherOrNot(client, ...within.insert);
      await client.query('ROLLBACK TO SAVEPOINT s');
      await client.query(...after.insert);
    });
    for (const { id } of [before, after]) this.#inserted(id, from, session.nowUs, outcome);
    this.#inserted(within.id, from, session.nowUs, 'failed');
    if (outcome === 'done') this.changes++;
  }

  /** The usual way to change what ALTER TABLE cannot. */
  async #swap(session: SimSession): Promise<void> {
    const locked = session.random.chance(0.5);
    await this.#together(session, locked ? 'read committed' : 'serializable', [
      ...(locked ? ['LOCK TABLE books IN ACCESS EXCLUSIVE MODE'] : []),
      'CREATE TABLE books2 (LIKE books INCLUDING ALL)',
      'INSERT INTO books2 SELECT * FROM books',
      'DROP TABLE books',
      'ALTER TABLE books2 RENAME TO books',
    ]);
  }

  async #refill(session: SimSession): Promise<void> {
    await this.#together(session, 'serializable', [
      'CREATE TABLE held AS SELECT * FROM books',
      'TRUNCATE books',
      'INSERT INTO books SELECT * FROM held',
      'DROP TABLE held',
    ]);
  }

  // ---- judgement ----

  async finish(session: SimSession): Promise<void> {
    const table = await readHealed(session, 'SELECT id, a, b, n FROM books ORDER BY id');
    const index: (readonly (string | null)[])[] = [];
    for (let a = 0; a < VALUES; a++)
      index.push(...(await readHealed(session, `SELECT id, a, b, n FROM books WHERE a = ${a}`)));
    this.#comparisons.push({ where: 'the end', table, index });
    this.#final = new Map(
      [...byKey(table)].map(([id]) => [id, Number(table.find((row) => Number(row[0]) === id)![3])]),
    );
    this.#columns = {
      there: await readHealed(session, TABLE_COLUMNS),
      told: await readHealed(session, `SELECT 'c' || id FROM told ORDER BY 1`),
    };
  }

  judge(): readonly Verdict[] {
    const final = [...this.#final.keys()].map(Number);
    const sums = this.#comparisons.map(({ where, table }) =>
      checkIndex(
        `of a + b = 0 (${where})`,
        table,
        table.filter(([, a, b]) => Number(a) + Number(b) === 0),
      ),
    );
    return [
      checkSet(this.#inserts, final),
      checkCounters(this.#operations, { final: this.#final }),
      ...this.#comparisons.map(({ where, table, index }) => checkIndex(`books_a (${where})`, table, index)),
      ...sums,
      checkIndex('of the columns that are told of', this.#columns.there, this.#columns.told),
      { checker: 'schema', ok: true, anomalies: [], stats: { changes: this.changes } },
    ];
  }
}

/** An error of the statement is undone by the rollback to the savepoint. */
async function whetherOrNot(client: SimClient, text: string, params: readonly number[] = []): Promise<void> {
  try {
    await client.query(text, params);
  } catch (error) {
    if (!(error instanceof ClientError) || error.lost) throw error;
  }
}
