/**
 * A rolling restart under load: SIGTERM, wait for the end, start again, one node after the other, while
 * clients work. No transaction fails for a client that does exactly this:
 *
 * 1. It keeps one connection and uses it for one transaction at a time.
 * 2. 40001 or 40P01: ROLLBACK, and the transaction again from its start, on the same connection.
 * 3. 57P01 (the server shuts down) instead of an answer, or a refused connection: it connects to another
 *    node and runs the transaction again from its start. 57P01 in answer to COMMIT or to a single
 *    statement means that it was not carried out; that is checked here, by running it again under the
 *    same primary key: had it been carried out, that would be refused with 23505. Inside of a block
 *    57P01 is a failure: a node that drains lets open transactions finish.
 * 4. 57P03 while it connects, or 53300: another node.
 *
 * Everything else is a failure: a connection that breaks without a word, 40003, any other code, an
 * attempt that lasts longer than ten seconds, more than ten retries of one transaction.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../bench/random.js';
import { ChaosCluster } from '../../chaos/cluster.js';
import { MAIN, PATIENCE, query, removeDirectory, until } from './nodes.js';

const NODES = 3;
const CLIENTS = 6;
const ACCOUNTS = 20;
const RETRIES_MAX = 10;
const root = mkdtempSync(join(tmpdir(), 'quoral-rolling-'));
const deaths: string[] = [];
let cluster: ChaosCluster;

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

class Client {
  readonly done: { readonly id: string; readonly amount: number }[] = [];
  readonly failures: string[] = [];
  readonly retries = new Map<string, number>();
  readonly #name: string;
  readonly #random: Random;
  #client: pg.Client | null = null;
  #node: number;
  #inBlock = false;

  constructor(index: number) {
    this.#name = `c${index}`;
    this.#random = new Random(index + 1);
    this.#node = (index % NODES) + 1;
  }

  async work(stopped: () => boolean): Promise<void> {
    for (let n = 0; !stopped() && this.failures.length === 0; n++) {
      const id = `${this.#name}-${n}`;
      const amount = this.#random.between(1, 9);
      const single = this.#random.next() < 0.3;
      try {
        await this.#retried(id, () => (single ? this.#note(id, amount) : this.#transfer(id, amount)));
        this.done.push({ id, amount });
      } catch (error) {
        const { cause } = error as Error;
        this.failures.push(`${id} at n${this.#node}: ${String(error)}: ${codeOf(cause ?? error)} ${String(cause)}`);
      }
    }
    await this.#client?.end();
  }

  async #retried(id: string, run: () => Promise<void>): Promise<void> {
    const before: string[] = [];
    for (let retry = 0; ; retry++) {
      try {
        await this.#connected();
        await run();
        return;
      } catch (error) {
        const code = codeOf(error);
        const again = ['40001', '40P01'].includes(code);
        const elsewhere =
          ['57P01', '57P03', '53300'].includes(code) || (code === 'ECONNREFUSED' && this.#client === null);
        if (this.#inBlock && code === '57P01') throw new Error(`${id} was not let finish`, { cause: error });
        this.#inBlock = false;
        if (retry === RETRIES_MAX || !(again || elsewhere))
          throw new Error(`${id}, after ${before.join(', ')}`, { cause: error });
        before.push(`n${this.#node} ${String(error)}`);
        this.retries.set(code, (this.retries.get(code) ?? 0) + 1);
        if (again) await this.#client?.query('ROLLBACK');
        else this.#leave();
      }
    }
  }

  #leave(): void {
    this.#client?.connection.stream.destroy();
    this.#client = null;
    this.#node = (this.#node % NODES) + 1;
  }

  async #connected(): Promise<void> {
    if (this.#client !== null) return;
    const client = new pg.Client({
      connectionString: cluster.url(this.#node),
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000 * PATIENCE,
    });
    // What the server says to a connection that waits for nothing; the client then goes elsewhere.
    client.on('error', () => {
      if (this.#client === client) this.#leave();
    });
    await client.connect();
    this.#client = client;
  }

  async #transfer(id: string, amount: number): Promise<void> {
    const client = this.#client as pg.Client;
    const from = this.#random.between(0, ACCOUNTS - 1);
    const to = (from + 1 + this.#random.between(0, ACCOUNTS - 2)) % ACCOUNTS;
    await client.query('BEGIN');
    this.#inBlock = true;
    await client.query('UPDATE accounts SET balance = balance - $1 WHERE id = $2', [amount, from]);
    await client.query('INSERT INTO done VALUES ($1, $2)', [id, amount]);
    await client.query('UPDATE accounts SET balance = balance + $1 WHERE id = $2', [amount, to]);
    const { command } = await client.query('COMMIT');
    this.#inBlock = false;
    if (command !== 'COMMIT') throw new Error(`COMMIT was answered with ${command}`);
  }

  async #note(id: string, amount: number): Promise<void> {
    await (this.#client as pg.Client).query('INSERT INTO done VALUES ($1, $2)', [id, amount]);
  }
}

describe('a rolling restart', () => {
  beforeAll(async () => {
    cluster = await ChaosCluster.create({
      directory: root,
      mainPath: MAIN,
      nodes: NODES,
      random: new Random(process.pid),
      smallDiskNode: null,
      onDeath: (death) => deaths.push(`node ${death.node}: ${death.code ?? death.signal}\n${death.logTail}`),
    });
    cluster.startAll();
    for (const id of cluster.ids) await serves(id);
    await query(cluster.url(1), 'CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)');
    await query(cluster.url(1), 'CREATE TABLE done (id text PRIMARY KEY, amount int NOT NULL)');
    const rows = Array.from({ length: ACCOUNTS }, (_, id) => `(${id}, 1000)`);
    await query(cluster.url(1), `INSERT INTO accounts VALUES ${rows.join(', ')}`);
    await query(cluster.url(1), 'ALTER TABLE accounts SPLIT AT VALUES (7), (14)');
  });
  afterAll(() => {
    cluster?.destroy();
    removeDirectory(root);
  });

  it('fails no transaction of a client that retries 40001 and reconnects', async () => {
    let stopped = false;
    const clients = Array.from({ length: CLIENTS }, (_, index) => new Client(index));
    const loops = clients.map((client) => client.work(() => stopped));
    const failures = (): string[] => clients.flatMap((client) => client.failures);
    for (const id of [...cluster.ids, ...cluster.ids]) {
      await progress(clients, 20);
      expect(await cluster.node(id).stop(40_000), `node ${id} ends with 0\n${cluster.node(id).logTail()}`).toBe(0);
      await progress(clients, 20);
      cluster.node(id).start();
      await serves(id);
    }
    await progress(clients, 20);
    stopped = true;
    await Promise.all(loops);
    expect(failures()).toEqual([]);
    expect(deaths).toEqual([]);
    const acknowledged = clients.flatMap((client) => client.done);
    for (const id of cluster.ids) {
      const rows = await query(cluster.url(id), 'SELECT id, amount FROM done');
      const there = new Map(rows.map((row) => [row['id'], row['amount']]));
      expect(there.size, `node ${id}`).toBe(acknowledged.length);
      for (const { id: name, amount } of acknowledged) expect(there.get(name), `${name} at node ${id}`).toBe(amount);
      expect(await query(cluster.url(id), 'SELECT sum(balance) AS total FROM accounts')).toEqual([
        { total: String(ACCOUNTS * 1000) },
      ]);
    }
    const retries = clients.flatMap((client) => [...client.retries]);
    process.stderr.write(`rolling restart: ${acknowledged.length} transactions, retries ${JSON.stringify(retries)}\n`);
  });
});

/** Every client finishes some more transactions. */
async function progress(clients: readonly Client[], count: number): Promise<void> {
  const before = clients.map((client) => client.done.length);
  await until(
    'progress of all clients',
    () => {
      const failures = clients.flatMap((client) => client.failures);
      expect(failures).toEqual([]);
      return clients.every((client, i) => client.done.length >= (before[i] as number) + count) ? true : undefined;
    },
    60_000,
  );
}

async function serves(id: number): Promise<void> {
  await until(
    `node ${id} to serve`,
    async () => {
      try {
        await query(cluster.url(id), 'SELECT 1');
        return true;
      } catch {
        return undefined;
      }
    },
    60_000,
  );
}
