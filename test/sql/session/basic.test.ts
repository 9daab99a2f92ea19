import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

describe('a session over the in-memory store', () => {
  let c: Client;
  beforeAll(async () => {
    c = await Client.open(await startServer());
  });

  it('creates, fills and reads a table', async () => {
    expect((await c.query("create table t (a int primary key, b text not null default 'x')")).tag).toBe('CREATE TABLE');
    expect((await c.query("insert into t values (1, 'one'), (2, default)")).tag).toBe('INSERT 0 2');
    expect(await c.rows('select * from t order by a')).toEqual([
      ['1', 'one'],
      ['2', 'x'],
    ]);
    expect((await c.query('select b from t where a = 2')).rows).toEqual([['x']]);
    expect(await c.error("insert into t values (1, 'again')")).toBe(
      '23505 duplicate key value violates unique constraint "t_pkey" | Key (a)=(1) already exists.',
    );
  });

  it('runs prepared statements', async () => {
    expect((await c.run('select b from t where a = $1', ['1'])).rows).toEqual([['one']]);
    expect((await c.run('update t set b = $2 where a = $1', ['1', 'uno'])).tag).toBe('UPDATE 1');
    expect((await c.run('select a, b from t where a = $1', ['1'])).rows).toEqual([['1', 'uno']]);
  });

  it('does not let backslashes in plain strings mean something else', async () => {
    expect(await c.error('set standard_conforming_strings to off')).toBe(
      '0A000 standard_conforming_strings cannot be turned off',
    );
    await c.query('set standard_conforming_strings to on');
    expect(await c.rows("select 'a\\\\b', E'a\\\\b'")).toEqual([['a\\\\b', 'a\\b']]);
  });
});
