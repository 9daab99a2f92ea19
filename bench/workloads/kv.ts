/** Single keys, read or written: `--read` percent of the transactions are point reads. */
import { copyChunks, retried, scalar, splitEvenly, type Workload } from '../workload.js';

const KEYS = 100_000;

export const kv: Workload = {
  name: 'kv',

  async setup(client, options) {
    const keys = options.size ?? KEYS;
    await client.query('DROP TABLE IF EXISTS bench_kv');
    await client.query('CREATE TABLE bench_kv (k bigint PRIMARY KEY, v text NOT NULL)');
    await splitEvenly(client, 'bench_kv', keys, options.ranges);
    const filler = 'x'.repeat(100);
    await client.copyIn(
      'COPY bench_kv FROM STDIN',
      copyChunks(keys, (i) => `${i}\t${filler}${i}\n`),
    );
  },

  async transaction(worker, options) {
    const key = worker.random.between(0, (options.size ?? KEYS) - 1);
    if (worker.random.next() * 100 < options.read) {
      const { rows } = await worker.client.run('SELECT v FROM bench_kv WHERE k = $1', [key]);
      if (rows.length !== 1) throw new Error(`key ${key} gave ${rows.length} rows`);
      return { kind: 'read' };
    }
    await retried(worker, 'INSERT INTO bench_kv (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v', [
      key,
      worker.random.text(100),
    ]);
    return { kind: 'write' };
  },

  async check(client, options) {
    const count = await scalar(client, 'SELECT count(*) FROM bench_kv');
    const expected = options.size ?? KEYS;
    return count === expected ? [] : [`bench_kv has ${count} rows instead of ${expected}`];
  },
};
