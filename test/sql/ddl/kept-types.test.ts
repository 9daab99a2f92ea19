/** A table that keeps expressions which name users' types can be read as long as it is there. */
import { beforeEach, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let c: Client;
beforeEach(async () => {
  c = await Client.open(await startServer());
  await c.all("create type mood as enum ('sad', 'ok'); create domain small as int check (value < 10)");
});

const state = (text: string): Promise<string> =>
  c.all(text).then(
    () => 'done',
    (error: { sqlstate: string }) => error.sqlstate,
  );

it.each([
  "b text default 'ok'::mood::text",
  "b text check (b::mood > 'sad')",
  "b int generated always as (case when 'sad'::mood < 'ok'::mood then 1 end) stored",
])('the column that has the type stays with %s', async (column) => {
  await c.all(`create table t (id int primary key, m mood, ${column}, n int)`);
  for (const change of ['drop column m', 'alter column m type text', 'alter column m type mood[]'])
    await c.all(`alter table t ${change}`).catch(() => undefined);
  await c.all('insert into t (id) values (1)');
  expect((await c.all('select count(*) from t'))[0]!.rows).toEqual([['1']]);
  expect(await state('drop type mood cascade')).toBe('0A000');
  expect(await state('update t set n = 1')).toBe('done');
  // It goes with what names its type.
  expect(await state('alter table t drop column b, drop column m')).toBe('done');
});

it('indexes keep it as well', async () => {
  await c.all('create table t (id int primary key, m mood, n int)');
  await c.all("create index on t ((case when 'sad'::mood < 'ok'::mood then n end))");
  await c.all("create index partly on t (n) where 'sad'::mood < 'ok'::mood");
  expect(await state('alter table t drop column m')).toBe('0A000');
  expect(await state('drop index t_case_idx')).toBe('done');
  expect(await state('alter table t drop column m')).toBe('0A000');
  expect(await state('drop index partly; alter table t drop column m; select * from t')).toBe('done');
});

it('a default names no type that no column has', async () => {
  expect(await state('create table t (id int, b int default 1::small)')).toBe('0A000');
  await c.all('create table t (id int, b int)');
  expect(await state('alter table t alter b set default 1::small')).toBe('0A000');
  expect(await state('alter table t add column d int default 1::small')).toBe('0A000');
  expect(await state("create domain loud as text default 'ok'::mood::text")).toBe('0A000');
  expect(await state("alter domain small set default length('ok'::mood::text)")).toBe('0A000');
  expect(await state("create domain glad as text check (value::mood > 'sad')")).toBe('0A000');
  expect(await state('insert into t (id) values (1); alter table t add column e small default 1::small')).toBe('done');
  expect((await c.all('insert into t (id) values (2) returning *'))[0]!.rows).toEqual([['2', null, '1']]);
});
