/** TPC-B as pgbench runs it: five statements in a transaction; the branches are the hot spots. */
import { copyChunks, inTransaction, scalar, type Workload } from '../workload.js';

const ACCOUNTS = 100_000;
const TELLERS = 10;

export const tpcb: Workload = {
  name: 'tpcb',

  async setup(client, options) {
    const scale = options.size ?? 1;
    for (const table of ['accounts', 'branches', 'tellers', 'history']) {
      await client.query(`DROP TABLE IF EXISTS bench_${table}`);
    }
    await client.query('CREATE TABLE bench_branches (bid int PRIMARY KEY, bbalance int, filler char(88))');
    await client.query('CREATE TABLE bench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))');
    await client.query('CREATE TABLE bench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))');
    await client.query(
      'CREATE TABLE bench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))',
    );
    await client.copyIn(
      'COPY bench_branches FROM STDIN',
      copyChunks(scale, (i) => `${i + 1}\t0\t\n`),
    );
    await client.copyIn(
      'COPY bench_tellers FROM STDIN',
      copyChunks(scale * TELLERS, (i) => `${i + 1}\t${Math.floor(i / TELLERS) + 1}\t0\t\n`),
    );
    await client.copyIn(
      'COPY bench_accounts FROM STDIN',
      copyChunks(scale * ACCOUNTS, (i) => `${i + 1}\t${Math.floor(i / ACCOUNTS) + 1}\t0\t\n`),
    );
  },

  async transaction(worker, options) {
    const { client, random } = worker;
    const scale = options.size ?? 1;
    const aid = random.between(1, ACCOUNTS * scale);
    const bid = random.between(1, scale);
    const tid = random.between(1, TELLERS * scale);
    const delta = random.between(-5000, 5000);
    await inTransaction(worker, async () => {
      await client.run('UPDATE bench_accounts SET abalance = abalance + $1 WHERE aid = $2', [delta, aid]);
      await client.run('SELECT abalance FROM bench_accounts WHERE aid = $1', [aid]);
      await client.run('UPDATE bench_tellers SET tbalance = tbalance + $1 WHERE tid = $2', [delta, tid]);
      await client.run('UPDATE bench_branches SET bbalance = bbalance + $1 WHERE bid = $2', [delta, bid]);
      await client.run(
        'INSERT INTO bench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP)',
        [tid, bid, aid, delta],
      );
    });
    return { kind: 'tpcb' };
  },

  async check(client) {
    const sums = [
      await scalar(client, 'SELECT sum(abalance) FROM bench_accounts'),
      await scalar(client, 'SELECT sum(tbalance) FROM bench_tellers'),
      await scalar(client, 'SELECT sum(bbalance) FROM bench_branches'),
      await scalar(client, 'SELECT sum(delta) FROM bench_history'),
    ];
    return new Set(sums).size === 1 ? [] : [`sums differ: ${sums.join(', ')} (accounts, tellers, branches, history)`];
  },
};
