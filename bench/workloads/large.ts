/**
 * Transactions of a million rows (--size 10; each unit is a hundred thousand), one at a time: what is written by one
 * statement and rewritten by the next, as migrations do. On `quoral demo` each node has a heap of 400 MB, and all of it must
 * pass there, time after time: nodes that end, or lose their leases, show as errors or as times of half a minute more.
 */
import type { Client } from '../client.js';
import type { Step, StepList } from '../side-by-side.js';

const TABLE = 'bench_large';
const ROWS_PER_SIZE = 100_000;
const TIMES = 3;

async function fill(client: Client, rows: number): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS ${TABLE}`);
  await client.query(`CREATE TABLE ${TABLE} (id int NOT NULL, txt text)`);
  await client.query(`INSERT INTO ${TABLE} (id) SELECT x FROM generate_series(1, ${rows}) x`);
}

function step(name: string, sql: string, prepare: (client: Client) => Promise<void>): Step {
  return {
    name,
    times: TIMES,
    warmups: 0,
    prepare,
    run: async (client) => (await client.query(sql)).rows,
  };
}

export const large: StepList = {
  name: 'large',
  runs: TIMES,
  setup: (client) => fill(client, 0),

  steps: ({ size }) => {
    const rows = (size ?? 10) * ROWS_PER_SIZE;
    const filled = (client: Client): Promise<void> => fill(client, rows);
    const keyed = async (client: Client): Promise<void> => {
      await filled(client);
      await client.query(`ALTER TABLE ${TABLE} ADD PRIMARY KEY (id)`);
    };
    return [
      step(
        `INSERT of ${rows} rows`,
        `INSERT INTO ${TABLE} (id) SELECT x FROM generate_series(1, ${rows}) x`,
        (client) => fill(client, 0),
      ),
      step('ADD PRIMARY KEY to them', `ALTER TABLE ${TABLE} ADD PRIMARY KEY (id)`, filled),
      step('UPDATE of all', `UPDATE ${TABLE} SET txt = 'a'`, keyed),
      step('DELETE of half', `DELETE FROM ${TABLE} WHERE id % 2 = 0`, keyed),
      step('count of what it left', `SELECT count(*) FROM ${TABLE}`, () => Promise.resolve()),
      step('DROP TABLE', `DROP TABLE ${TABLE}`, keyed),
    ];
  },
};
