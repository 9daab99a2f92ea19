/** Functions and blocks whose statements meet conflicts, over a whole cluster: nothing is lost and nothing is done twice. */
import { expect, it } from 'vitest';
import { startCluster } from '../../src/testing/index.js';

it('at READ COMMITTED and SERIALIZABLE each call counts once', async () => {
  const cluster = await startCluster({ nodes: 1 });
  const clients = [0, 1, 2].map(() => cluster.client());
  const [first] = clients as [(typeof clients)[0], ...typeof clients];
  try {
    for (const client of clients) await client.connect();
    await first.query('create table t(id int primary key, n int)');
    await first.query('create table log(n int)');
    await first.query('insert into t values (1, 0)');
    await first.query(
      'create function bump() returns int language plpgsql as $$ declare m int; begin insert into log values (-1); update t set n = n + 1 returning n into m; delete from log where n = -1; insert into log values (m); return m; end $$',
    );
    const block =
      'do $$ begin begin update t set n = n + 1; insert into log select n from t; exception when others then null; end; end $$';
    for (const level of ['serializable', 'read committed']) {
      for (const work of ['select bump()', block, `begin; select 1; select bump(); commit`]) {
        await first.query('update t set n = 0');
        await first.query('delete from log');
        await Promise.all(
          clients.map(async (client) => {
            await client.query(`set default_transaction_isolation = '${level}'`);
            for (let i = 0; i < 4; i++) {
              const statements = work === block ? [work] : work.split('; ');
              for (let done = false; !done;) {
                done = true;
                for (const statement of statements) {
                  try {
                    await client.query(statement);
                  } catch (error) {
                    // In a block of several statements a conflict is the client's to repeat.
                    expect(['40001', '40P01', '25P02']).toContain((error as { code?: string }).code);
                    expect(level).toBe('serializable');
                    await client.query('rollback');
                    done = false;
                    break;
                  }
                }
              }
            }
          }),
        );
        const { rows } = await first.query(
          'select n, (select count(*)::int from log) as logged, (select count(distinct n)::int from log) as distinct from t',
        );
        expect([level, work, rows]).toEqual([level, work, [{ n: 12, logged: 12, distinct: 12 }]]);
      }
    }
  } finally {
    for (const client of clients) await client.end();
    await cluster.close();
  }
});
