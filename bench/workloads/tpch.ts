/**
 * TPC-H: its 22 queries, one after the other, over data of our own generator. `--size` is the scale in
 * thousandths (10: scale 0.01, 60,000 lines). With a PostgreSQL beside it every answer is compared as text.
 */
import type { Row } from '../client.js';
import type { Step, StepList } from '../side-by-side.js';
import { TpchData } from '../tpch/generate.js';
import { tpchQueries } from '../tpch/queries.js';
import { TPCH_TABLES } from '../tpch/schema.js';
import type { WorkloadOptions } from '../workload.js';

const THOUSANDTHS = 10;

function scaleOf(options: WorkloadOptions): number {
  return (options.size ?? THOUSANDTHS) / 1000;
}

const rowText = (row: Row): string => row.map((value) => value ?? 'NULL').join('|');

export const tpch: StepList = {
  name: 'tpch',
  runs: 5,

  async setup(client, options) {
    const data = new TpchData(scaleOf(options));
    for (const [name] of [...TPCH_TABLES].reverse()) await client.query(`DROP TABLE IF EXISTS ${name} CASCADE`);
    for (const [name, columns] of TPCH_TABLES) {
      await client.query(`CREATE TABLE ${name} (${columns})`);
      await client.copyIn(`COPY ${name} FROM STDIN`, data.chunks(name));
    }
    for (const [name] of TPCH_TABLES) await client.query(`ANALYZE ${name}`);
  },

  steps(options) {
    return tpchQueries(scaleOf(options)).map(({ number, title, sql, before, after }): Step => ({
      name: `q${number} ${title}`,
      ...(before === undefined ? {} : { prepare: async (client) => void (await client.query(before)) }),
      run: async (client) => (await client.query(sql)).rows,
      ...(after === undefined ? {} : { finish: async (client) => void (await client.query(after)) }),
    }));
  },

  /** No query leaves the order of its rows open but for ties, which sorting takes out. */
  compare(_step, ours, peers) {
    const a = ours.map(rowText).sort();
    const b = peers.map(rowText).sort();
    if (a.length !== b.length) return `${a.length} rows instead of ${b.length}`;
    const at = a.findIndex((row, i) => row !== b[i]);
    return at < 0 ? null : `"${a[at]}" instead of "${b[at]}"`;
  },
};
