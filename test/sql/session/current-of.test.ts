/** WHERE CURRENT OF beyond what scripts against PostgreSQL show (test/scripts/session/current-of.sql). */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all('create table t (id int primary key, v text); insert into t select g, g from generate_series(1, 60) g');
});

const LEVELS = ['serializable', 'repeatable read', 'read committed'];
const KINDS = ['cursor', 'scroll cursor', 'no scroll cursor'];

describe('WHERE CURRENT OF', () => {
  it.each(LEVELS.flatMap((level) => KINDS.map((kind) => [level, kind] as const)))(
    'changes each row that the cursor comes to, once: %s, %s',
    async (level, kind) => {
      await c.all(`begin isolation level ${level}; declare k ${kind} for select v from t where id > 5`);
      const seen: string[] = [];
      for (;;) {
        const [row] = await c.rows('fetch k');
        if (row === undefined) break;
        seen.push(row[0]!);
        const change = seen.length % 3 === 0 ? 'delete from t' : "update t set v = v || '!'";
        expect(await c.rows(`${change} where current of k returning v`)).toEqual([
          [seen.length % 3 === 0 ? row[0] : `${row[0]}!`],
        ]);
      }
      expect(await c.error('delete from t where current of k')).toBe('24000 cursor "k" is not positioned on a row');
      await c.all('rollback');
      expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 55 }, (_, i) => `${i + 6}`));
    },
  );

  it('follows a row that another session has changed, and finds none that it has removed', async () => {
    const other = await Client.open(server);
    await c.all('begin isolation level read committed; declare k scroll cursor for select id, v from t where id <= 2');
    await c.all('fetch k');
    await other.all("update t set v = 'theirs' where id = 1; delete from t where id = 2");
    expect(await c.rows("update t set v = v || ' and mine' where current of k returning v")).toEqual([
      ['theirs and mine'],
    ]);
    expect(await c.rows('fetch k')).toEqual([['2', '2']]);
    expect((await c.query('delete from t where current of k')).tag).toBe('DELETE 0');
    await c.all('commit');
  });

  it('shows the columns of the query only, whatever stands behind them', async () => {
    await c.all('begin; declare k cursor for select v from t where id in (1, 2) order by id for update');
    const all = await c.query('fetch all from k');
    expect([all.columns, all.rows]).toEqual([['v'], [['1'], ['2']]]);
    await c.all('rollback');
    await c.all('begin; declare k scroll cursor with hold for select v from t where id = 1; commit');
    expect(await c.rows('fetch k')).toEqual([['1']]);
    expect(await c.rows('fetch relative 0 from k')).toEqual([['1']]);
    expect(await c.error('delete from t where current of k')).toBe(
      '24000 cursor "k" is held from a previous transaction',
    );
  });

  it('reads one row by its key', async () => {
    const plan = (await c.rows('explain update t set v = 1 where current of k')).map((r) => r[0]).join('\n');
    expect(plan).toMatch(/Index Scan|Point/);
  });
});
