/**
 * Workloads whose tables have an invariant of their own: money that is neither made nor lost, counters
 * that only grow, keys that are unique, an index that agrees with its table, inserts that stay.
 */
import type { SimRandom } from '../../../env/sim/random.js';
import { type BankRead, checkBank, type Transfer } from '../../judges/bank.js';
import { checkCounters, type CounterOperation } from '../../judges/counter.js';
import { checkIndex } from '../../judges/secondary-index.js';
import { checkSet, type SetInsert } from '../../judges/set.js';
import { checkUnique, type UniqueInsert, type UniqueRow } from '../../judges/unique.js';
import type { HistoryKey, Outcome, Verdict } from '../../judges/history.js';
import type { SimSession } from '../session.js';
import { byKey, readHealed, type Workload } from '../workload.js';

const ACCOUNTS = 8;
const BALANCE = 100;
/** How far back past reads go. */
const PAST_MAX_MS = 3_500;
/** For clocks that do not agree. */
const CLOCKS_MS = 500;

export class BankWorkload implements Workload {
  readonly name = 'bank';
  readonly #reads: BankRead[] = [];
  readonly #transfers: Transfer[] = [];
  #final: ReadonlyMap<HistoryKey, number> = new Map();
  readonly #pastReads: boolean;
  /** Before this a past read could see the time before the accounts were made, however long that took. */
  #pastFromUs: number | null = null;

  constructor(options: { readonly realTime: 'per-key' | 'none' }) {
    // A clock that is seconds off has another idea of "two seconds ago".
    this.#pastReads = options.realTime !== 'none';
  }

  setup(): readonly string[] {
    const rows = Array.from({ length: ACCOUNTS }, (_, i) => `(${i}, ${BALANCE})`);
    return [
      'CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0))',
      'ALTER TABLE accounts SPLIT AT VALUES (2), (5)',
      `INSERT INTO accounts VALUES ${rows.join(', ')}`,
    ];
  }

  async step(session: SimSession, _process: number): Promise<void> {
    const { random } = session;
    const draw = random.next();
    this.#pastFromUs ??= session.nowUs + (PAST_MAX_MS + CLOCKS_MS) * 1_000;
    if (draw < 0.6) await this.#transfer(session, random);
    else if (draw < 0.85 || !this.#pastReads || session.nowUs < this.#pastFromUs)
      await this.#read(session, 'SELECT id, balance FROM accounts ORDER BY id', '');
    else {
      const back = 500 + random.int(PAST_MAX_MS - 500);
      await this.#read(
        session,
        `SELECT id, balance FROM accounts AS OF SYSTEM TIME '-${back}ms' ORDER BY id`,
        ' as of',
      );
    }
  }

  async #transfer(session: SimSession, random: SimRandom): Promise<void> {
    const [from, to] = random.shuffled(Array.from({ length: ACCOUNTS }, (_, i) => i));
    const amount = 1 + random.int(10);
    // Relative changes keep the total at READ COMMITTED, too.
    const level = random.chance(0.8) ? 'serializable' : 'read committed';
    let moved = true;
    const { outcome } = await session.transaction(level, async (client) => {
      if (level === 'serializable' && random.chance(0.5)) {
        const { rows } = await client.query('SELECT balance FROM accounts WHERE id = $1', [from!]);
        const balance = Number(rows[0]![0]);
        if (balance < amount) {
          moved = false;
          return;
        }
        await client.query('UPDATE accounts SET balance = $2 WHERE id = $1', [from!, balance - amount]);
      } else {
        await client.query('UPDATE accounts SET balance = balance - $2 WHERE id = $1', [from!, amount]);
      }
      await client.query('UPDATE accounts SET balance = balance + $2 WHERE id = $1', [to!, amount]);
    });
    if (moved) this.#transfers.push({ id: this.#transfers.length, from: from!, to: to!, amount, outcome });
  }

  async #read(session: SimSession, text: string, kind: string): Promise<void> {
    const { result } = await session.statement(text);
    if (result === null) return;
    this.#reads.push({ id: this.#reads.length, balances: balancesOf(result.rows), node: `${session.node}${kind}` });
  }

  async finish(session: SimSession): Promise<void> {
    this.#final = balancesOf(await readHealed(session, 'SELECT id, balance FROM accounts ORDER BY id'));
  }

  judge(): readonly Verdict[] {
    const initial = new Map(Array.from({ length: ACCOUNTS }, (_, i) => [i, BALANCE] as const));
    const history = { initial, reads: this.#reads, final: this.#final, transfers: this.#transfers };
    return [checkBank(history, { nonNegative: true })];
  }
}

function balancesOf(rows: readonly (readonly (string | null)[])[]): ReadonlyMap<HistoryKey, number> {
  return new Map([...byKey(rows)].map(([id, balance]) => [id, Number(balance)]));
}

const COUNTERS = 4;

export class CounterWorkload implements Workload {
  readonly name = 'counters';
  readonly #operations: CounterOperation[] = [];
  #final: ReadonlyMap<HistoryKey, number> = new Map();
  readonly #realTime: boolean;

  constructor(options: { readonly realTime: 'per-key' | 'none' }) {
    this.#realTime = options.realTime !== 'none';
  }

  setup(): readonly string[] {
    const rows = Array.from({ length: COUNTERS }, (_, i) => `(${i}, 0)`);
    return [
      'CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL)',
      `INSERT INTO counters VALUES ${rows.join(', ')}`,
    ];
  }

  async step(session: SimSession, _process: number): Promise<void> {
    const { random } = session;
    const key = random.int(COUNTERS);
    await session.connection();
    const invokedAt = session.nowUs;
    const increment = random.chance(0.6);
    const { outcome, result } = await session.statement(
      increment ? 'UPDATE counters SET n = n + 1 WHERE id = $1' : 'SELECT n FROM counters WHERE id = $1',
      [key],
    );
    const at = { id: this.#operations.length, key, invokedAt, outcome };
    const completedAt = outcome === 'unknown' ? Infinity : session.nowUs;
    if (increment) this.#operations.push({ ...at, completedAt, action: { f: 'add', amount: 1 } });
    else if (result !== null) {
      this.#operations.push({ ...at, completedAt, action: { f: 'read', value: Number(result.rows[0]![0]) } });
    }
  }

  async finish(session: SimSession): Promise<void> {
    const rows = await readHealed(session, 'SELECT id, n FROM counters ORDER BY id');
    this.#final = new Map(rows.map(([id, n]) => [Number(id), Number(n)]));
  }

  judge(): readonly Verdict[] {
    const judged = this.#realTime ? this.#operations : this.#operations.filter(({ action }) => action.f === 'add');
    return [checkCounters(judged, { final: this.#final })];
  }
}

const EMAILS = 60;

export class UniqueWorkload implements Workload {
  readonly name = 'unique';
  readonly #inserts: UniqueInsert[] = [];
  #rows: UniqueRow[] = [];

  setup(): readonly string[] {
    return [
      'CREATE TABLE members (id serial PRIMARY KEY, email text NOT NULL UNIQUE, owner int NOT NULL)',
      'ALTER TABLE members SPLIT AT VALUES (20)',
    ];
  }

  async step(session: SimSession, _process: number): Promise<void> {
    const key = `m${session.random.int(EMAILS)}@example.org`;
    const careful = session.random.chance(0.3) ? ' ON CONFLICT (email) DO NOTHING' : '';
    const owner = this.#inserts.length;
    const { outcome, error, result } = await session.statement(
      `INSERT INTO members (email, owner) VALUES ($1, $2)${careful} RETURNING id`,
      [key, owner],
    );
    const refused = error?.code === '23505' || (result !== null && result.rows.length === 0);
    this.#inserts.push({ id: owner, key, owner, outcome: refused ? 'failed' : outcome });
  }

  async finish(session: SimSession): Promise<void> {
    const rows = await readHealed(session, 'SELECT email, owner FROM members ORDER BY id');
    this.#rows = rows.map(([email, owner]) => ({ key: email!, owner: Number(owner) }));
  }

  judge(): readonly Verdict[] {
    return [checkUnique(this.#inserts, this.#rows)];
  }
}

const ITEMS = 40;
const TAGS = 6;

export class IndexWorkload implements Workload {
  readonly name = 'index';
  readonly #comparisons: { readonly where: string; readonly table: string[]; readonly index: string[] }[] = [];

  setup(): readonly string[] {
    return [
      'CREATE TABLE items (id int PRIMARY KEY, tag int NOT NULL, note text)',
      'CREATE INDEX items_tag ON items (tag)',
      'ALTER TABLE items SPLIT AT VALUES (20)',
    ];
  }

  async step(session: SimSession, _process: number): Promise<void> {
    const { random } = session;
    const id = random.int(ITEMS);
    const tag = random.int(TAGS);
    const draw = random.next();
    if (draw < 0.35) {
      await session.statement(
        `INSERT INTO items VALUES ($1, $2, 'new') ON CONFLICT (id) DO UPDATE SET tag = excluded.tag, note = 'changed'`,
        [id, tag],
      );
    } else if (draw < 0.6) await session.statement('UPDATE items SET tag = $2 WHERE tag = $1', [random.int(TAGS), tag]);
    else if (draw < 0.75) await session.statement('DELETE FROM items WHERE id = $1', [id]);
    else if (draw < 0.85) await this.#undone(session, id, tag);
    else await this.#compare(session);
  }

  /** Changes under a savepoint that is rolled back, then others that stay. */
  async #undone(session: SimSession, id: number, tag: number): Promise<void> {
    await session.transaction('serializable', async (client) => {
      await client.query('SAVEPOINT s');
      await client.query('UPDATE items SET tag = tag + 100 WHERE id >= $1', [id]);
      await client.query('ROLLBACK TO SAVEPOINT s');
      await client.query(`UPDATE items SET tag = $2, note = 'twice' WHERE id = $1`, [id, tag]);
    });
  }

  /** In one snapshot: the table by its primary key, and the same rows found through the index. */
  async #compare(session: SimSession): Promise<void> {
    let table: string[] = [];
    let index: string[] = [];
    const { outcome } = await session.transaction('serializable', async (client) => {
      const rows = (await client.query('SELECT id, tag FROM items ORDER BY id')).rows;
      table = rows.map((row) => row.join(':'));
      index = [];
      for (let tag = 0; tag < TAGS; tag++) {
        const found = await client.query('SELECT id, tag FROM items WHERE tag = $1', [tag]);
        index.push(...found.rows.map((row) => row.join(':')));
      }
    });
    if (outcome === 'done') this.#comparisons.push({ where: `${session.nowUs} at ${session.node}`, table, index });
  }

  async finish(session: SimSession): Promise<void> {
    const table = await readHealed(session, 'SELECT id, tag FROM items ORDER BY id');
    const index: string[] = [];
    for (let tag = 0; tag < TAGS; tag++) {
      const rows = await readHealed(session, `SELECT id, tag FROM items WHERE tag = ${tag}`);
      index.push(...rows.map((row) => row.join(':')));
    }
    this.#comparisons.push({ where: 'the end', table: table.map((row) => row.join(':')), index });
  }

  judge(): readonly Verdict[] {
    return this.#comparisons.map(({ where, table, index }) =>
      checkIndex(`items_tag (${where})`, rowsOf(table), rowsOf(index)),
    );
  }
}

function rowsOf(lines: readonly string[]): readonly string[][] {
  return lines.map((line) => line.split(':'));
}

export class SetWorkload implements Workload {
  readonly name = 'set';
  readonly #inserts: SetInsert[] = [];
  #final: number[] = [];
  #next = 1;

  setup(): readonly string[] {
    return ['CREATE TABLE entries (id int PRIMARY KEY, note text)', 'ALTER TABLE entries SPLIT AT VALUES (30), (100)'];
  }

  async step(session: SimSession, _process: number): Promise<void> {
    const { random } = session;
    const count = 1 + random.int(3);
    const values = Array.from({ length: count }, () => this.#next++);
    let outcome: Outcome;
    if (random.chance(0.5)) {
      const rows = values.map((value) => `(${value}, 'x')`).join(', ');
      ({ outcome } = await session.statement(`INSERT INTO entries VALUES ${rows}`));
    } else {
      ({ outcome } = await session.transaction('serializable', async (client) => {
        for (const value of values) await client.query(`INSERT INTO entries VALUES ($1, 'y')`, [value]);
      }));
    }
    for (const value of values) this.#inserts.push({ id: this.#inserts.length, value, outcome });
  }

  async finish(session: SimSession): Promise<void> {
    this.#final = (await readHealed(session, 'SELECT id FROM entries ORDER BY id')).map(([id]) => Number(id));
  }

  judge(): readonly Verdict[] {
    return [checkSet(this.#inserts, this.#final)];
  }
}
