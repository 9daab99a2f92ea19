/** Inverted indexes over nodes that write at the same time: one is made meanwhile, and all say what the table says. */
import pg from 'pg';
import { expect, it } from 'vitest';
import { startCluster } from '../../src/testing/index.js';

/** What a client must be ready for. */
const EXPECTED = new Set(['40001', '40P01', '23505']);

it('inverted indexes have the entries of the rows, whoever writes', async () => {
  const cluster = await startCluster({ nodes: 3 });
  const clients = [0, 1, 2, 0].map((node) => new pg.Client(cluster.url(node)));
  try {
    await Promise.all(clients.map((c) => c.connect()));
    await clients[0]!.query(
      `CREATE TABLE doc (id int PRIMARY KEY, d jsonb, tags text[]);
       CREATE INDEX early ON doc USING gin (d);
       INSERT INTO doc SELECT i, jsonb_build_object('n', i % 5), ARRAY['t' || i % 3] FROM generate_series(1, 30) i`,
    );
    let done = 0;
    const worker = async (c: pg.Client, which: number): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        const id = 1 + ((i * 7 + which * 5) % 30);
        try {
          switch ((i + which) % 5) {
            case 0:
              await c.query(`UPDATE doc SET d = d || jsonb_build_object('w', $2::int) WHERE id = $1`, [id, which]);
              break;
            case 1:
              await c.query('UPDATE doc SET tags = array_append(tags, $2::text) WHERE d @> $1', [
                JSON.stringify({ n: i % 5 }),
                `u${i % 4}`,
              ]);
              break;
            case 2:
              await c.query(`DELETE FROM doc WHERE d ? 'w' AND tags && '{u1}' AND id % 4 = $1`, [i % 4]);
              break;
            case 3:
              await c.query(
                `INSERT INTO doc VALUES ($1, '{"n": 1, "new": [1, 2]}', '{t1,u2}')
                 ON CONFLICT (id) DO UPDATE SET d = '{"n": 3}', tags = excluded.tags`,
                [id],
              );
              break;
            default:
              await c.query(`BEGIN; UPDATE doc SET d = d - 'w', tags = tags[2:]; ROLLBACK`);
          }
          done++;
        } catch (error) {
          if (!EXPECTED.has((error as { code: string }).code)) throw error;
          await c.query('ROLLBACK');
        }
      }
    };
    const late = async (): Promise<void> => {
      await cluster.sql('CREATE INDEX late ON doc USING gin (tags, d jsonb_path_ops)');
    };
    await Promise.all([...clients.map(worker), late()]);
    expect(done).toBeGreaterThan(20);
    for (const condition of [
      `d @> '{"n": 1}'`,
      `d @> '{"n": 3}'`,
      `d ? 'w'`,
      `d ?| '{w,new}'`,
      `d @> '{"new": [2]}' AND tags @> '{t1}'`,
      `tags && '{u0,u1,u2,u3}'`,
      `tags @> '{t1,u2}'`,
      `tags <@ '{t0,t1,t2,u1}'`,
    ]) {
      const ask = async (from: string): Promise<unknown[]> =>
        (await clients[2]!.query(`SELECT * FROM (SELECT * FROM ${from} WHERE ${condition}) x ORDER BY id`)).rows;
      expect(await ask('doc'), condition).toEqual(await ask('(SELECT * FROM doc OFFSET 0) doc'));
      const { rows } = await clients[2]!.query(`EXPLAIN SELECT * FROM doc WHERE ${condition}`);
      expect(JSON.stringify(rows)).toMatch(/using (early|late)/);
    }
  } finally {
    await Promise.all(clients.map((c) => c.end()));
    await cluster.close();
  }
}, 120_000);
