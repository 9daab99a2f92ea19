/** Bulk loading: each transaction is one COPY of `--size` rows into the connection's own table. */
import type { Client } from '../client.js';
import { copyChunks, scalar, type Workload } from '../workload.js';

const ROWS = 50_000;
const TABLES_MAX = 64;

function table(worker: number): string {
  return `bench_copy_${worker}`;
}

async function present(client: Client): Promise<string[]> {
  const { rows } = await client.run("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'");
  return rows.map((row) => row[0] ?? '').filter((name) => /^bench_copy_\d+$/.test(name));
}

let loads = 0;

export const copy: Workload = {
  name: 'copy',
  unit: 'rows',

  async setup(client) {
    for (let i = 0; i < TABLES_MAX; i++) {
      await client.query(`DROP TABLE IF EXISTS ${table(i)}`);
      await client.query(`CREATE TABLE ${table(i)} (id bigint PRIMARY KEY, bid int, balance int, filler char(84))`);
    }
  },

  async transaction(worker, options) {
    const rows = options.size ?? ROWS;
    const first = loads++ * rows;
    const name = table(worker.index % TABLES_MAX);
    const sql = `COPY ${name} FROM STDIN`;
    const { tag } = await worker.client.copyIn(
      sql,
      copyChunks(rows, (i) => `${first + i}\t1\t0\t\n`),
    );
    if (tag !== `COPY ${rows}`) throw new Error(`COPY answered ${tag}`);
    return { kind: 'copy', count: rows };
  },

  async check(client, options) {
    const rows = options.size ?? ROWS;
    const problems: string[] = [];
    for (const name of await present(client)) {
      const count = await scalar(client, `SELECT count(*) FROM ${name}`);
      if (count % rows !== 0) problems.push(`${name} has ${count} rows, not a multiple of ${rows}`);
    }
    return problems;
  },
};
