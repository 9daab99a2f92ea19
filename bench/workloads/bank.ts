/** Transfers between accounts that lie on different ranges: every one is a two-phase commit. */
import { copyChunks, inTransaction, scalar, splitEvenly, type Workload } from '../workload.js';

const ACCOUNTS = 10_000;
const BALANCE = 1_000;

export const bank: Workload = {
  name: 'bank',

  async setup(client, options) {
    const accounts = options.size ?? ACCOUNTS;
    await client.query('DROP TABLE IF EXISTS bench_bank');
    await client.query('CREATE TABLE bench_bank (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0))');
    await splitEvenly(client, 'bench_bank', accounts, options.ranges);
    await client.copyIn(
      'COPY bench_bank FROM STDIN',
      copyChunks(accounts, (i) => `${i}\t${BALANCE}\n`),
    );
  },

  async transaction(worker, options) {
    const { client, random } = worker;
    const accounts = options.size ?? ACCOUNTS;
    const from = random.between(0, accounts - 1);
    // Half the keyspace away: always another range.
    const to = (from + Math.floor(accounts / 2)) % accounts;
    const wanted = random.between(1, 100);
    const moved = await inTransaction(worker, async () => {
      const read = 'SELECT balance FROM bench_bank WHERE id = $1 FOR UPDATE';
      // In key order, so that two opposite transfers wait for each other instead of deadlocking.
      const first = await client.run(read, [Math.min(from, to)]);
      const second = await client.run(read, [Math.max(from, to)]);
      const balance = Number((from < to ? first : second).rows[0]?.[0]);
      if (balance < wanted) return false;
      await client.run('UPDATE bench_bank SET balance = balance - $1 WHERE id = $2', [wanted, from]);
      await client.run('UPDATE bench_bank SET balance = balance + $1 WHERE id = $2', [wanted, to]);
      return true;
    });
    return { kind: moved ? 'transfer' : 'declined' };
  },

  async check(client, options) {
    const expected = (options.size ?? ACCOUNTS) * BALANCE;
    const total = await scalar(client, 'SELECT sum(balance) FROM bench_bank');
    return total === expected ? [] : [`the bank holds ${total} instead of ${expected}`];
  },
};
