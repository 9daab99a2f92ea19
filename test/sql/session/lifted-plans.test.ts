/** Statements that differ in their literals only share a plan, and nobody can tell from their answers. */
import { describe, expect, it } from 'vitest';
import type { Planner } from '../../../src/sql/contract.js';
import { createPlanner } from '../../../src/sql/plan/planner.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { QuoralError } from '../../../src/base/errors.js';
import { Client, startServer } from '../support/server.js';

const runs = (server: ManagedSqlServer): number => server.metrics()['sql_plan_cache_lifted_total']!;

/** Whether a statement, sent with these two texts, is run by a lifted plan the second time. */
async function isLifted(server: ManagedSqlServer, c: Client, first: string, second: string): Promise<boolean> {
  await c.all(first).catch(() => undefined);
  const before = runs(server);
  await c.all(second).catch(() => undefined);
  return runs(server) > before;
}

async function withTable(...more: string[]): Promise<{ server: ManagedSqlServer; c: Client }> {
  const server = await startServer();
  const c = await Client.open(server);
  await c.all(`CREATE TABLE t (id int PRIMARY KEY, small smallint, big bigint, num numeric(8,2), txt text,
    v varchar(3), d date, ts timestamptz, u uuid, j jsonb, f float8, b bool, a int[])`);
  await c.all('CREATE INDEX ON t (small)');
  await c.all("INSERT INTO t SELECT g, g, g, g, 'x' || g, 'v' || g FROM generate_series(1, 50) g");
  for (const statement of more) await c.all(statement);
  return { server, c };
}

describe('which statements are lifted', () => {
  it.each([
    ['SELECT txt FROM t WHERE id = 1', 'SELECT txt FROM t WHERE id = 2'],
    ["SELECT id FROM t WHERE txt = 'x1'", "SELECT id FROM t WHERE txt = 'x2'"],
    ["SELECT id FROM t WHERE d > '2020-01-01'::date", "SELECT id FROM t WHERE d > '2021-01-01'::date"],
    ["SELECT id FROM t WHERE d > cast('2020-01-01' as date)", "SELECT id FROM t WHERE d > cast('2021-01-01' as date)"],
    ['SELECT id FROM t WHERE id IN (1, 2) LIMIT 3', 'SELECT id FROM t WHERE id IN (3, 4) LIMIT 3'],
    ['SELECT id FROM t WHERE id BETWEEN 1 AND 3', 'SELECT id FROM t WHERE id BETWEEN 2 AND 4'],
    ['SELECT id FROM t WHERE id = -1', 'SELECT id FROM t WHERE id = -2'],
    ['SELECT id FROM t WHERE small + 1 = 5', 'SELECT id FROM t WHERE small + 2 = 6'],
    [
      'SELECT * FROM t x JOIN t y ON x.id = y.id AND y.id = 4',
      'SELECT * FROM t x JOIN t y ON x.id = y.id AND y.id = 5',
    ],
    ['UPDATE t SET txt = txt, big = big + 5 WHERE id = 1', 'UPDATE t SET txt = txt, big = big + 7 WHERE id = 2'],
    ["INSERT INTO t (id, txt) VALUES (100, 'a')", "INSERT INTO t (id, txt) VALUES (101, 'b')"],
    ['DELETE FROM t WHERE id = 100', 'DELETE FROM t WHERE id = 101'],
    [
      'INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET small = 7 WHERE t.id < 5 RETURNING *',
      'INSERT INTO t (id) VALUES (2) ON CONFLICT (id) DO UPDATE SET small = 8 WHERE t.id < 5 RETURNING *',
    ],
  ])('%s', async (first, second) => {
    const { server, c } = await withTable();
    expect(await isLifted(server, c, first, second)).toBe(true);
  });

  it.each([
    // Nothing of it may be lifted: the value decides what the statement is, gives, or costs.
    ['SELECT id FROM t ORDER BY 1', 'SELECT id FROM t ORDER BY 1 '],
    ['SELECT id FROM t LIMIT 1', 'SELECT id FROM t LIMIT 2'],
    ['SELECT 1', 'SELECT 2'],
    ["SELECT 'a' FROM t", "SELECT 'b' FROM t"],
    ['SELECT id FROM t WHERE 1 = 1', 'SELECT id FROM t WHERE 1 = 2'],
    ["SELECT id FROM t WHERE txt LIKE 'x%'", "SELECT id FROM t WHERE txt LIKE 'y%'"],
    ["SELECT id FROM t WHERE d > date '2020-01-01'", "SELECT id FROM t WHERE d > date '2021-01-01'"],
    ["SELECT 1 FROM pg_class WHERE relname = 'a'", "SELECT 1 FROM pg_class WHERE relname = 'b'"],
    // As a literal it is a bound of the index, as a parameter of another width it would not be.
    ['SELECT id FROM t WHERE small > 5', 'SELECT id FROM t WHERE small > 6'],
    // The parameter would be made another type for each row.
    ['SELECT id FROM t WHERE num > 5', 'SELECT id FROM t WHERE num > 6'],
  ])('not %s', async (first, second) => {
    const { server, c } = await withTable();
    expect(await isLifted(server, c, first, second)).toBe(false);
  });

  it('not where a partial index may have the rows of one value', async () => {
    const { server, c } = await withTable("CREATE INDEX part ON t (big) WHERE txt = 'open'");
    expect(await isLifted(server, c, "SELECT id FROM t WHERE txt = 'x1'", "SELECT id FROM t WHERE txt = 'x2'")).toBe(
      false,
    );
    await c.all('DROP INDEX part');
    await c.all('CREATE INDEX ON t (big) WHERE txt IS NOT NULL');
    expect(await isLifted(server, c, "SELECT id FROM t WHERE txt = 'x3'", "SELECT id FROM t WHERE txt = 'x4'")).toBe(
      true,
    );
  });

  it('by plan_cache_mode', async () => {
    const { server, c } = await withTable();
    await c.all('SET plan_cache_mode = force_custom_plan');
    expect(await isLifted(server, c, 'SELECT txt FROM t WHERE id = 1', 'SELECT txt FROM t WHERE id = 2')).toBe(false);
    await c.all('SET plan_cache_mode = force_generic_plan');
    const before = runs(server);
    expect(await c.rows('SELECT txt FROM t WHERE id = 3')).toEqual([['x3']]);
    expect(runs(server)).toBe(before + 1);
  });
});

describe('what it costs', () => {
  /** Plans that were made for these statements. */
  async function plansFor(texts: readonly string[]): Promise<number> {
    const planner = createPlanner();
    let plans = 0;
    const compile: Planner['compile'] = (...args) => {
      plans++;
      return planner.compile(...args);
    };
    const server = await startServer(undefined, { planner: { ...planner, compile } });
    const c = await Client.open(server);
    await c.all('CREATE TABLE t (id int PRIMARY KEY, txt text)');
    plans = 0;
    for (const text of texts) await c.all(text);
    return plans;
  }
  const numbers = Array.from({ length: 100 }, (_, n) => n);

  it('hardly more plans, if what is not lifted is another one each time', async () => {
    const text = (n: number): string => `SELECT id FROM t WHERE txt LIKE 'x${n}%' AND id = ${n}`;
    expect(await plansFor(numbers.map(text))).toBeLessThan(120);
  });

  it('goes on where it saves more plans than it takes', async () => {
    const text = (n: number): string => `SELECT id FROM t WHERE id > ${n} LIMIT ${Math.floor(n / 5)}`;
    expect(await plansFor(numbers.map(text))).toBeLessThan(50);
  });
});

describe('what is lifted', () => {
  it('is what the text says, however it is written', async () => {
    const { c } = await withTable("INSERT INTO t (id, txt) VALUES (-7, 'minus'), (0, 'it''s'), (2147483647, '')");
    const texts = (id: string): Promise<(string | null)[][]> => c.rows(`SELECT txt FROM t WHERE id = ${id}`);
    expect(await texts('1')).toEqual([['x1']]);
    expect(await texts('2')).toEqual([['x2']]);
    expect(await texts('0')).toEqual([["it's"]]);
    expect(await texts('-7')).toEqual([['minus']]);
    expect(await texts('-7')).toEqual([['minus']]);
    expect(await texts('- 7')).toEqual([['minus']]);
    expect(await texts('-0')).toEqual([["it's"]]);
    expect(await texts('007')).toEqual([['x7']]);
    expect(await texts('2147483647')).toEqual([['']]);
    for (const none of ['2147483648', '2147483649', '-2147483648', '-2147483649', '2.5', '-2.5', '1e3'])
      expect(await texts(none)).toEqual([]);
    for (const two of ['2.0', '2.', '+2', '-(-2)', '- -2', "'2'", "' 2 '"]) expect(await texts(two)).toEqual([['x2']]);
    const ids = (text: string): Promise<(string | null)[][]> => c.rows(`SELECT id FROM t WHERE txt = ${text}`);
    for (const round of [1, 2]) {
      expect([round, await ids("'it''s'")]).toEqual([round, [['0']]]);
      expect([round, await ids("''")]).toEqual([round, [['2147483647']]]);
      expect([round, await ids("'x1'\n'0'")]).toEqual([round, [['10']]]);
      expect([round, await ids("U&'x\\0031'")]).toEqual([round, [['1']]]);
      expect([round, await ids("E'x\\x31'")]).toEqual([round, [['1']]]);
    }
  });

  it('gives errors as the text gives them, at their places', async () => {
    const { server, c } = await withTable();
    const fails = async (text: string): Promise<unknown> => {
      try {
        await c.all(text);
      } catch (error) {
        if (error instanceof QuoralError) return [error.sqlstate, error.message, error.fields.position];
      }
      return null;
    };
    await c.all("SELECT 'éé', id FROM t WHERE  u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' AND id = 1");
    await c.all("SELECT 'éé', id FROM t WHERE  u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12' AND id = 2");
    expect(runs(server)).toBe(1);
    expect(await fails("SELECT 'éé', id FROM t WHERE  u = 'none' AND id = 3")).toEqual([
      '22P02',
      'invalid input syntax for type uuid: "none"',
      35,
    ]);
    // A plan that is out of date is made anew from the text, not from the one with parameters.
    const other = await Client.open(server);
    await other.all('ALTER TABLE t RENAME COLUMN u TO w');
    const text = "SELECT 'éé', id FROM t WHERE  u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13' AND id = 4";
    expect(await fails(text)).toEqual(['42703', 'column "u" does not exist', 31]);
  });

  it('follows the catalog', async () => {
    const { server, c } = await withTable();
    const find = (text: string): Promise<(string | null)[][]> => c.rows(`SELECT id FROM t WHERE txt = '${text}'`);
    await find('x1');
    expect(await find('x2')).toEqual([['2']]);
    const other = await Client.open(server);
    await other.all("ALTER TABLE t ALTER txt TYPE int USING replace(txt, 'x', '')::int");
    expect(await find('3')).toEqual([['3']]);
    expect(await find(' 4 ')).toEqual([['4']]);
    expect(await c.error("SELECT id FROM t WHERE txt = 'x5'")).toBe(
      '22P02 invalid input syntax for type integer: "x5"',
    );
    await c.all('BEGIN');
    await c.all('ALTER TABLE t ALTER txt TYPE text');
    await c.all("INSERT INTO t (id, txt) VALUES (70, '05')");
    expect(await find('05')).toEqual([['70']]);
    await c.all('ROLLBACK');
    expect(await find('05')).toEqual([['5']]);
    await other.all('CREATE SCHEMA s');
    await other.all('CREATE TABLE s.t (id int, txt text)');
    await c.all('SET search_path = s, public');
    expect(await find('x5')).toEqual([]);
  });

  it('follows an enum', async () => {
    const { server, c } = await withTable("CREATE TYPE mood AS ENUM ('sad', 'ok')", 'ALTER TABLE t ADD m mood');
    await c.all("UPDATE t SET m = 'ok' WHERE id < 3");
    await c.all("UPDATE t SET m = 'sad' WHERE id = 7");
    const ids = (label: string): Promise<(string | null)[][]> => c.rows(`SELECT id FROM t WHERE m = '${label}'`);
    expect(await ids('ok')).toEqual([['1'], ['2']]);
    const before = runs(server);
    expect(await ids('sad')).toEqual([['7']]);
    expect(runs(server)).toBe(before + 1);
    expect(await c.error("SELECT id FROM t WHERE m = 'new'")).toMatch(/^22P02 invalid input value for enum mood/);
    const other = await Client.open(server);
    await other.all("ALTER TYPE mood ADD VALUE 'new'");
    expect(await ids('new')).toEqual([]);
    await other.all("UPDATE t SET m = 'new' WHERE id = 9");
    expect(await ids('new')).toEqual([['9']]);
    await other.all("ALTER TYPE mood RENAME VALUE 'sad' TO 'new too'");
    expect(await ids('new too')).toEqual([['7']]);
    expect(await c.error("SELECT id FROM t WHERE m = 'sad'")).toMatch(/^22P02/);
  });

  it('means the moment at which it is read', async () => {
    const { server, c } = await withTable();
    const isNow = (text: string): Promise<(string | null)[][]> =>
      c.rows(`SELECT id FROM t WHERE id = 1 AND now() = '${text}'`);
    for (const year of [2020, 2021]) expect(await isNow(`${year}-01-01 00:00Z`)).toEqual([]);
    expect(runs(server)).toBe(1);
    expect(await isNow('now')).toEqual([['1']]);
    await c.all("INSERT INTO t (id, ts) VALUES (60, '2020-01-01 00:00Z')");
    await c.all('SET timezone = UTC');
    await c.all("SELECT count(*) FROM t WHERE ts < '2020-01-01 01:00'");
    expect(await c.rows("SELECT count(*) FROM t WHERE ts < '2020-01-01 02:00'")).toEqual([['1']]);
    await c.all("SET timezone = 'Asia/Tokyo'");
    expect(await c.rows("SELECT count(*) FROM t WHERE ts < '2020-01-01 02:00'")).toEqual([['0']]);
    expect(await c.rows("SELECT count(*) FROM t WHERE ts < '2020-01-01 10:00'")).toEqual([['1']]);
    expect(await c.rows("SELECT count(*) FROM t WHERE ts < '2020-01-01 03:00'")).toEqual([['0']]);
  });

  it('has no parameters in the extended protocol', async () => {
    const { server, c } = await withTable();
    const text = (id: string): string => `SELECT txt AS found FROM t WHERE id = ${id} AND txt <> '${id}'`;
    for (const id of ['1', '2', '3']) {
      expect(await c.run(text(id))).toEqual({ columns: ['found'], rows: [[`x${id}`]], tag: 'SELECT 1' });
    }
    expect(runs(server)).toBe(2);
    await c.session.parse('', text('4'), []);
    expect(runs(server)).toBe(3);
    expect(c.session.describeStatement('').parameterOids).toEqual([]);
    await c.session.sync();
    // It is planned anew, as it was written.
    const other = await Client.open(server);
    await other.all('ALTER TABLE t ALTER id TYPE bigint');
    expect((await c.run('', [])).rows).toEqual([['x4']]);
    expect(await c.run(text('5'), [])).toEqual({ columns: ['found'], rows: [['x5']], tag: 'SELECT 1' });
    // One with a name is for many executions.
    const before = runs(server);
    expect((await c.run(text('6'), [], 'named')).rows).toEqual([['x6']]);
    expect(runs(server)).toBe(before);
    await expect(c.run(text('7'), ['7'])).rejects.toThrow('bind message supplies 1 parameters');
  });

  it('is not described as what it no longer means', async () => {
    const { server, c } = await withTable('CREATE SCHEMA s', 'SET search_path = s, public');
    for (const id of ['1', '2']) await c.run(`SELECT txt FROM t WHERE id = ${id}`);
    const other = await Client.open(server);
    await other.all('CREATE TABLE s.t (id int, n int, txt int)');
    await other.all('INSERT INTO s.t VALUES (3, 4, 5)');
    expect((await c.run('SELECT txt FROM t WHERE id = 3')).rows).toEqual([['5']]);
  });

  it('waits for nothing in a failed transaction', async () => {
    const { c } = await withTable();
    await c.all('SELECT txt FROM t WHERE id = 1');
    await c.all('SELECT txt FROM t WHERE id = 2');
    await c.all('BEGIN');
    await c.error('SELECT 1/0');
    expect(await c.error('SELECT txt FROM t WHERE id = 3')).toMatch(/^25P02/);
    await c.all('ROLLBACK');
    expect(await c.rows('SELECT txt FROM t WHERE id = 3')).toEqual([['x3']]);
  });
});
