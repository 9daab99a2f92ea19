/** What pg_get_expr and its kind show is kept from one question to the next, and is never what it was before a change. */
import { expect, test } from 'vitest';
import { MemoryDb } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

const SHOWN = `SELECT a.attname, pg_get_expr(d.adbin, d.adrelid, true) FROM pg_attrdef d JOIN pg_attribute a
  ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = 't'::regclass ORDER BY d.adnum`;
const CHECKS = `SELECT pg_get_constraintdef(oid, true) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c' ORDER BY conname`;

async function open(): Promise<{ client: Client; other: Client; shown: () => Promise<(string | null)[]> }> {
  const server = await startServer(new MemoryDb());
  const [client, other] = [await Client.open(server), await Client.open(server)];
  await client.all(`CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE FUNCTION one() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
    CREATE TABLE t (a serial, b mood DEFAULT 'ok', c int DEFAULT one() + 1, d date DEFAULT '2020-02-01', e int DEFAULT 1 + 2,
      CHECK (c > e))`);
  const shown = async (): Promise<(string | null)[]> => {
    const own = (await client.rows(SHOWN)).map((row) => row[1]!);
    // Whoever asks for the first time, and whoever asks again, is told the same.
    expect((await other.rows(SHOWN)).map((row) => row[1])).toEqual(own);
    expect((await client.rows(SHOWN)).map((row) => row[1])).toEqual(own);
    return own;
  };
  return { client, other, shown };
}

test('after what it names was called something else', async () => {
  const { client, shown } = await open();
  const before = ["nextval('t_a_seq'::regclass)", "'ok'::mood", 'one() + 1', "'2020-02-01'::date", '1 + 2'];
  expect(await shown()).toEqual(before);
  await client.all('ALTER SEQUENCE t_a_seq RENAME TO counts');
  expect(await shown()).toEqual(["nextval('counts'::regclass)", ...before.slice(1)]);
  await client.all('ALTER TYPE mood RENAME TO state');
  expect((await shown())[1]).toBe("'ok'::state");
  await client.all('ALTER FUNCTION one() RENAME TO uno');
  expect((await shown())[2]).toBe('uno() + 1');
  await client.all(`CREATE SCHEMA s; ALTER TYPE state SET SCHEMA s`);
  expect((await shown())[1]).toBe("'ok'::s.state");
  await client.all(`CREATE TABLE unrelated (a int)`);
  expect(await shown()).toEqual(["nextval('counts'::regclass)", "'ok'::s.state", 'uno() + 1', ...before.slice(3)]);
});

test('after a column was renamed, and in the transaction that does it', async () => {
  const { client, other } = await open();
  expect(await client.rows(CHECKS)).toEqual([['CHECK (c > e)']]);
  await client.all('BEGIN; ALTER TABLE t RENAME COLUMN c TO cc');
  expect(await client.rows(CHECKS)).toEqual([['CHECK (cc > e)']]);
  expect(await client.rows(CHECKS)).toEqual([['CHECK (cc > e)']]);
  expect(await other.rows(CHECKS)).toEqual([['CHECK (c > e)']]);
  await client.all('ROLLBACK');
  expect(await client.rows(CHECKS)).toEqual([['CHECK (c > e)']]);
});

test('to sessions that write values or look names up in another way', async () => {
  const { client, other } = await open();
  const date = async (from: Client): Promise<string | null> => (await from.rows(SHOWN))[3]![1]!;
  expect(await date(client)).toBe("'2020-02-01'::date");
  await other.all(`SET datestyle = 'German'`);
  expect(await date(other)).toBe("'01.02.2020'::date");
  expect(await date(client)).toBe("'2020-02-01'::date");
  await other.all(`SET search_path = pg_catalog`);
  expect((await other.rows(SHOWN.replace("'t'", "'public.t'")))[1]).toEqual(['b', "'ok'::public.mood"]);
  expect((await client.rows(SHOWN))[1]).toEqual(['b', "'ok'::mood"]);
});

test('of relations that are hidden behind others', async () => {
  const { client, shown } = await open();
  await client.all('CREATE TABLE other (a serial, b int DEFAULT 1 + 2)');
  const defaults = async (): Promise<(string | null)[]> =>
    (
      await client.rows(`SELECT pg_get_expr(adbin, adrelid, true) FROM pg_attrdef WHERE adrelid = 'public.other'::regclass
      ORDER BY adnum`)
    ).map((row) => row[0]!);
  expect((await shown())[0]).toBe("nextval('t_a_seq'::regclass)");
  expect(await defaults()).toEqual(["nextval('other_a_seq'::regclass)", '1 + 2']);
  await client.all('CREATE SCHEMA front; CREATE SEQUENCE front.t_a_seq; CREATE SEQUENCE front.other_a_seq');
  expect(await defaults()).toEqual(["nextval('other_a_seq'::regclass)", '1 + 2']);
  await client.all('SET search_path = front, public');
  expect((await client.rows(SHOWN))[0]![1]).toBe("nextval('public.t_a_seq'::regclass)");
  expect(await defaults()).toEqual(["nextval('public.other_a_seq'::regclass)", '1 + 2']);
  await client.all('DROP SEQUENCE front.other_a_seq');
  expect(await defaults()).toEqual(["nextval('other_a_seq'::regclass)", '1 + 2']);
});
