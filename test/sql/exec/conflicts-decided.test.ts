/** ON CONFLICT DO UPDATE that reads its table: what is decided before the first write is locked, and counts as memory. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let a: Client;
let b: Client;
beforeEach(async () => {
  server = await startServer();
  a = await Client.open(server);
  b = await Client.open(server);
  await a.all('create table t (k int primary key, v int, note text); insert into t values (1, 1), (2, 2)');
});

describe('what DO UPDATE makes of rows, decided before the first is written', () => {
  it('is of rows that nobody changes meanwhile', async () => {
    // Waits in the middle of the decisions.
    await a.all(`create function held() returns int language plpgsql as
      $$ begin perform pg_advisory_xact_lock(1); return 10; end $$`);
    await a.all("set default_transaction_isolation = 'read committed'");
    await b.all("set default_transaction_isolation = 'read committed'; select pg_advisory_lock(1)");
    const inserted = a.query(`insert into t values (1, 0), (3, 3)
      on conflict (k) do update set v = t.v + held() + (select count(*) from t)`);
    const waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
    while ((await b.rows(waiting))[0]![0] === '0');
    const other = await Client.open(server);
    await other.all("set default_transaction_isolation = 'read committed'");
    const updated = other.query('update t set v = v + 100 where k = 1');
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    await b.all('select pg_advisory_unlock(1)');
    expect((await inserted).tag).toBe('INSERT 0 2');
    expect((await updated).tag).toBe('UPDATE 1');
    expect(await a.rows('select k, v from t order by k')).toEqual([
      ['1', '113'],
      ['2', '2'],
      ['3', '3'],
    ]);
  });

  it('counts as memory of the statement', async () => {
    await a.all("insert into t select g, g, repeat('x', 10000) from generate_series(10, 409) g");
    const text = `insert into t select g, 0 from generate_series(10, 409) g
      on conflict (k) do update set v = (select max(v) from t)`;
    await a.all("set statement_memory_limit = '2MB'");
    expect(await a.error(text)).toMatch(/^53200/);
    await a.all("set statement_memory_limit = '32MB'");
    expect((await a.query(text)).tag).toBe('INSERT 0 400');
    expect(server.metrics()['sql_memory_used_bytes']).toBe(0);
  });
});
