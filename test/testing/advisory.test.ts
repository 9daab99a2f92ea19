/** Advisory locks over real and simulated clusters: the exclusion, the deadlocks, and the ends of nodes. */
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { LEASE_MS } from '../../src/sql/advisory/advisory-locks.js';
import { type Cluster, type Simulation, simulate, startCluster } from '../../src/testing/index.js';

/** What Prisma takes around its migrations. */
const MIGRATION = 'select pg_advisory_lock(72707369)';

async function migrate(sim: Simulation, node: string): Promise<Awaited<ReturnType<Simulation['client']>>> {
  const client = sim.client(node);
  await client.connect();
  await client.query(MIGRATION);
  return client;
}

/** Until it is answered. */
async function sure(sim: Simulation, text: string): Promise<{ rows: Record<string, unknown>[] }> {
  for (;;) {
    try {
      return (await sim.sql(text)) as { rows: Record<string, unknown>[] };
    } catch {
      await sim.sleep(500);
    }
  }
}

describe('advisory locks over the wire', () => {
  let cluster: Cluster | null = null;
  const clients: pg.Client[] = [];
  afterEach(async () => {
    await Promise.allSettled(clients.splice(0).map((client) => client.end()));
    await cluster?.close();
    cluster = null;
  });
  async function open(node: number): Promise<pg.Client> {
    const client = new pg.Client(cluster!.url(node));
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  }

  it('keep two migrations on different nodes apart', async () => {
    cluster = await startCluster();
    const [a, b] = [await open(0), await open(1)];
    const order: string[] = [];
    const run = async (client: pg.Client, name: string): Promise<void> => {
      await client.query(MIGRATION);
      order.push(`${name} begins`);
      await client.query('create table if not exists migrations (name text primary key)');
      const { rows } = await client.query("select 1 from migrations where name = 'first'");
      if (rows.length === 0) await client.query("insert into migrations values ('first')");
      order.push(`${name} ends`);
      await client.query('select pg_advisory_unlock(72707369)');
    };
    await Promise.all([run(a, 'a'), run(b, 'b')]);
    expect(order[0]!.slice(0, 1)).toBe(order[1]!.slice(0, 1));
    expect(order[2]!.slice(0, 1)).toBe(order[3]!.slice(0, 1));
    const { rows } = await a.query(
      "select pg_try_advisory_lock(1, -1) as got, classid, objid, objsubid, mode, granted from (select 1) as x left join pg_locks on locktype = 'advisory'",
    );
    expect(rows).toEqual([{ got: true, classid: null, objid: null, objsubid: null, mode: null, granted: null }]);
    const locks = await b.query(
      "select classid, objid, objsubid, mode, granted from pg_locks where locktype = 'advisory'",
    );
    expect(locks.rows).toEqual([{ classid: 1, objid: 4294967295, objsubid: 2, mode: 'ExclusiveLock', granted: true }]);
  });

  it('are found in deadlocks with locks of rows, and let go with the connection', async () => {
    cluster = await startCluster();
    await cluster.sql('create table t (k int primary key, v int)');
    await cluster.sql('insert into t values (1, 0)');
    const [a, b, c] = [await open(0), await open(1), await open(2)];
    await a.query('begin');
    await a.query('update t set v = 1 where k = 1');
    await b.query('begin');
    await b.query('select pg_advisory_xact_lock(7)');
    const results = await Promise.allSettled([
      a.query('select pg_advisory_xact_lock(7)').finally(() => a.query('rollback')),
      b.query('update t set v = 2 where k = 1').finally(() => b.query('rollback')),
    ]);
    expect(results.map((r) => r.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find((r) => r.status === 'rejected')).toMatchObject({ reason: { code: '40P01' } });
    // A lock of the session stays while a statement is repeated: the server does not try that in vain.
    await a.query('begin');
    await a.query('update t set v = 1 where k = 1');
    await b.query('select pg_advisory_lock(7)');
    const again = await Promise.allSettled([
      a.query('select pg_advisory_xact_lock(7)').finally(() => a.query('rollback')),
      b.query('update t set v = 2 where k = 1').finally(() => b.query('select pg_advisory_unlock(7)')),
    ]);
    expect(again.map((r) => r.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(again.find((r) => r.status === 'rejected')).toMatchObject({ reason: { code: '40P01' } });
    await a.query('select pg_advisory_lock(8)');
    const waiting = c.query('select pg_advisory_lock(8)');
    // Without a word of farewell.
    (a as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await waiting;
  });
});

describe('advisory locks of a node that fails', () => {
  it('pass to who waits, in bounded time, also when they moved with their range meanwhile', async () => {
    await simulate({ seed: 1, seeds: 3 }, async (sim) => {
      await migrate(sim, 'n1');
      let held = false;
      const waiter = migrate(sim, 'n2').then((client) => {
        held = true;
        return client;
      });
      await sim.sleep('2s');
      sim.transferLeases('n1', 'n3');
      await sim.sleep('2s');
      sim.crash('n3');
      await sim.sleep('10s');
      await sim.restart('n3');
      await sim.settled();
      expect(held).toBe(false);
      sim.crash('n1', { silent: true });
      const crashed = sim.now();
      const client = await waiter;
      expect(sim.now() - crashed).toBeLessThan(LEASE_MS + 8_000);
      await client.query('select pg_advisory_unlock(72707369)');
      await client.end();
    });
  });

  it('are free soon after the node is back', async () => {
    await simulate({ seed: 5, seeds: 10 }, async (sim) => {
      await migrate(sim, 'n1');
      const waiter = migrate(sim, 'n2');
      await sim.sleep('1s');
      sim.kill('n1');
      await sim.restart('n1');
      const back = sim.now();
      await waiter;
      expect(sim.now() - back).toBeLessThan(5_000);
    });
  });

  it('end the sessions of a node that is cut off before another has them', async () => {
    await simulate({ seed: 9, seeds: 2 }, async (sim) => {
      await sim.sql('create table t (k int primary key)');
      const first = await migrate(sim, 'n1');
      let endedAt = 0;
      first.on('end', () => {
        endedAt = sim.now();
      });
      first.on('error', () => undefined);
      const partition = sim.partition(['n1'], ['n2', 'n3']);
      const second = await migrate(sim, 'n2');
      expect(endedAt).toBeGreaterThan(0);
      expect(endedAt).toBeLessThan(sim.now());
      await second.query('insert into t values (1)');
      partition.heal();
      await sim.settled();
      await second.query('select pg_advisory_unlock(72707369)');
      await migrate(sim, 'n1');
    });
  });

  const seeds = Number(process.env['QUORAL_ADVISORY_SEEDS'] ?? 1);
  it.each([
    {
      what: 'partitions and crashes',
      seed: 23,
      faults: ['partition', 'one-way', 'pause', 'crash', 'lease-transfer'] as const,
    },
    { what: 'faults of any kind', seed: 20, faults: 'swarm' as const },
  ])('exclude through $what', { timeout: 3_000_000 }, async ({ seed, faults }) => {
    // With entries taken out before their node's lease is over, both have lost updates.
    await simulate({ seed, seeds, faults }, async (sim) => {
      await sure(sim, 'create table if not exists counter (k int primary key, n int)');
      await sure(sim, 'insert into counter values (1, 0) on conflict do nothing');
      let [acknowledged, possible, sections, over] = [0, 0, 0, false];
      const worker = async (i: number): Promise<void> => {
        while (!over) {
          const client = sim.client(sim.nodes[(i + sections) % 3]!);
          client.on('error', () => undefined);
          try {
            await client.connect();
            while (!over) {
              await client.query('select pg_advisory_lock(1)');
              // Read and write in transactions of their own: only the lock keeps the others out.
              const n = (await client.query('select n from counter where k = 1')).rows[0]!['n'] as number;
              await sim.sleep(sim.random.int(200));
              possible++;
              await client.query('update counter set n = $1 where k = 1', [n + 1]);
              acknowledged++;
              sections++;
              await client.query('select pg_advisory_unlock(1)');
            }
            await client.end();
          } catch {
            await Promise.race([client.end().catch(() => undefined), sim.sleep(200)]);
            await sim.sleep(200);
          }
        }
      };
      const workers = [0, 1, 2, 3].map((i) => worker(i));
      await sim.sleep('30s');
      sim.heal();
      await sim.settled();
      // Whatever was left behind by the dead is out of the way soon.
      const before = acknowledged;
      await sim.sleep(LEASE_MS + 8_000);
      expect(acknowledged).toBeGreaterThan(before);
      over = true;
      await Promise.race([Promise.all(workers), sim.sleep('60s')]);
      const n = (await sure(sim, 'select n from counter where k = 1')).rows[0]!['n'] as number;
      sim.note(`${acknowledged} acknowledged, ${possible} possible, ${n} there`);
      expect(n).toBeGreaterThanOrEqual(acknowledged);
      expect(n).toBeLessThanOrEqual(possible);
    });
  });
});
