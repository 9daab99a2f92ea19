/** Partial indexes, indexes on expressions and generated columns over nodes that write at the same time. */
import pg from 'pg';
import { expect, it } from 'vitest';
import { startCluster } from '../../src/testing/index.js';

/** What a client must be ready for: conflicts of transactions, and the unique indexes themselves. */
const EXPECTED = new Set(['40001', '40P01', '23505']);

it('unique partial indexes and expressions hold, and answer alike with and without an index', async () => {
  const cluster = await startCluster({ nodes: 3 });
  const clients = [0, 1, 2, 0, 1].map((node) => new pg.Client(cluster.url(node)));
  try {
    await Promise.all(clients.map((c) => c.connect()));
    const [first] = clients as [pg.Client];
    await first.query(
      `CREATE TABLE seat (id int PRIMARY KEY, place int, holder text, active bool, even bool GENERATED ALWAYS AS (place % 2 = 0) STORED);
       CREATE UNIQUE INDEX one_active ON seat (place) WHERE active;
       CREATE UNIQUE INDEX one_holder ON seat (lower(holder)) WHERE active AND even;
       INSERT INTO seat SELECT i, i % 4, CASE i % 3 WHEN 0 THEN 'Ann' WHEN 1 THEN 'BOB' ELSE 'Cy' || i END, false FROM generate_series(1, 24) i`,
    );
    let done = 0;
    const worker = async (c: pg.Client, which: number): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        const id = 1 + ((i * 7 + which * 5) % 24);
        try {
          switch ((i + which) % 5) {
            case 0:
              await c.query('UPDATE seat SET active = true WHERE id = $1', [id]);
              break;
            case 1:
              await c.query('UPDATE seat SET active = false WHERE place = $1 AND active', [id % 4]);
              break;
            case 2:
              await c.query('UPDATE seat SET place = place + 1 WHERE id = $1', [id]);
              break;
            case 3:
              await c.query(
                `INSERT INTO seat VALUES ($1, $2, 'aNN', true) ON CONFLICT (place) WHERE active DO UPDATE SET holder = 'x' || seat.holder`,
                [100 + which * 100 + i, i % 6],
              );
              break;
            default:
              await c.query("DELETE FROM seat WHERE lower(holder) = 'ann' AND active AND even");
          }
          done++;
        } catch (error) {
          if (!EXPECTED.has((error as { code: string }).code)) throw error;
        }
      }
    };
    const late = async (): Promise<void> => {
      await cluster.sql('CREATE INDEX late ON seat ((place * 10), holder) WHERE NOT even');
    };
    await Promise.all([...clients.map(worker), late()]);
    expect(done).toBeGreaterThan(20);
    for (const condition of [
      'active AND place = 1',
      'active',
      "lower(holder) = 'ann' AND active AND even",
      'place * 10 = 30 AND NOT even',
      'NOT even ORDER BY place * 10, holder, id',
    ]) {
      const ask = async (from: string): Promise<unknown[]> => {
        const { rows } = await clients[2]!.query<{ id: number }>(`SELECT * FROM ${from} WHERE ${condition}`);
        return condition.includes('ORDER') ? rows : rows.sort((x, y) => x.id - y.id);
      };
      expect(await ask('seat'), condition).toEqual(await ask('(SELECT * FROM seat OFFSET 0) seat'));
    }
    const twice = `SELECT 1 FROM (SELECT * FROM seat OFFSET 0) s WHERE active`;
    expect((await first.query(`${twice} GROUP BY place HAVING count(*) > 1`)).rows).toEqual([]);
    expect((await first.query(`${twice} AND even GROUP BY lower(holder) HAVING count(*) > 1`)).rows).toEqual([]);
    expect((await first.query('SELECT 1 FROM seat WHERE even IS DISTINCT FROM (place % 2 = 0)')).rows).toEqual([]);
  } finally {
    await Promise.all(clients.map((c) => c.end()));
    await cluster.close();
  }
}, 60_000);
