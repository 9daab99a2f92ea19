/** READ COMMITTED over a whole cluster: a statement that cannot go on at its snapshot runs again by itself. */
import { expect, it } from 'vitest';
import { startCluster } from '../../src/testing/index.js';
import { collectMarks } from '../support/marks.js';

it('runs a statement again whose snapshot is no longer good, without its client noticing', async () => {
  const marks = collectMarks();
  const cluster = await startCluster({ nodes: 1 });
  const [writer, reader] = [cluster.client(), cluster.client()];
  try {
    await writer.connect();
    await reader.connect();
    await writer.query('create table t (id int primary key, v int)');
    await writer.query('insert into t values (1, 0), (2, 0)');
    // Usually the first round does it; the reader may be late for the lock.
    for (let round = 1; round <= 50 && !marks.includes('statement-retried-in-server'); round++) {
      await writer.query('begin');
      await writer.query(`update t set v = ${round} where id in (1, 2)`);
      await reader.query('begin isolation level read committed');
      await reader.query('select 1');
      // It has read row 1 when it waits for its key.
      const waiting = reader.query(
        'insert into t select id, v + 100 from t where id = 1 on conflict (id) do update set v = excluded.v returning t.v',
      );
      for (let i = 0; i < 10; i++) await writer.query('select 1');
      await writer.query('commit');
      expect((await waiting).rows).toEqual([{ v: round + 100 }]);
      await reader.query('commit');
    }
    expect(marks).toContain('statement-retried-in-server');
  } finally {
    for (const client of [writer, reader]) await client.end();
    await cluster.close();
  }
});
