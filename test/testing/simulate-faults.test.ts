import { describe, expect, it } from 'vitest';
import { checkIsolation, simulate, type Simulation } from '../../src/testing/index.js';

async function numbers(sim: Simulation): Promise<void> {
  await sim.sql('CREATE TABLE numbers (id int4 PRIMARY KEY, n int4)');
  await sim.sql('INSERT INTO numbers VALUES (1, 0)');
}

async function read(sim: Simulation, node?: string): Promise<unknown> {
  const { rows } = await sim.sql('SELECT n FROM numbers WHERE id = 1', [], node === undefined ? {} : { node });
  return rows[0]?.['n'];
}

describe('faults by name', () => {
  it('partition: the majority serves, the minority stalls until it heals', async () => {
    await simulate({ seed: 1 }, async (sim) => {
      await numbers(sim);
      const partition = sim.partition(['n1'], ['n2', 'n3']);
      await sim.sleep('5s');
      await sim.sql('UPDATE numbers SET n = 1', [], { node: 'n2' });
      let answered = false;
      const late = read(sim, 'n1').then((n) => {
        answered = true;
        return n;
      });
      await sim.sleep('5s');
      expect(answered).toBe(false);
      partition.heal();
      expect(await late).toBe(1);
      expect(await read(sim, 'n1')).toBe(1);
    });
  });

  it('the application can be cut off as well', async () => {
    await simulate({ seed: 2 }, async (sim) => {
      await numbers(sim);
      sim.partition(['app'], ['n2']);
      await expect(sim.sql('SELECT 1', [], { node: 'n2', timeout: '2s' })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
      expect(await read(sim, 'n3')).toBe(0);
      sim.heal();
      expect(await read(sim, 'n2')).toBe(0);
    });
  });

  it('crash: nothing acknowledged is lost, and a crashed node stays down until it is started', async () => {
    await simulate({ seed: 3, seeds: 3 }, async (sim) => {
      await sim.sql('CREATE TABLE entries (id int4 PRIMARY KEY)');
      const acknowledged: number[] = [];
      let over = false;
      const writer = (async () => {
        for (let id = 0; !over; id++) {
          try {
            await sim.sql('INSERT INTO entries VALUES ($1)', [id]);
            acknowledged.push(id);
            await sim.sleep(20);
          } catch {
            await sim.sleep(100);
          }
        }
      })();
      for (const node of sim.nodes) {
        await sim.sleep(sim.random.int(400));
        sim.crash(node);
        expect(sim.status(node)).toBe('down');
        await sim.sleep('3s');
        expect(sim.status(node)).toBe('down');
        await sim.restart(node);
        expect(sim.status(node)).toBe('serving');
      }
      over = true;
      await writer;
      await sim.settled();
      // All at once: only what was synced is there.
      for (const node of sim.nodes) sim.crash(node);
      await Promise.all(sim.nodes.map((node) => sim.restart(node)));
      const { rows } = await sim.sql('SELECT id FROM entries');
      const found = new Set(rows.map((row) => row['id']));
      expect(acknowledged.length).toBeGreaterThan(10);
      expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
    });
  });

  it('a pause is felt, and over after resume', async () => {
    await simulate({ seed: 4 }, async (sim) => {
      await numbers(sim);
      sim.pause('n3');
      expect(sim.status('n3')).toBe('paused');
      await expect(sim.sql('SELECT 1', [], { node: 'n3', timeout: '3s' })).rejects.toThrow();
      expect(await read(sim)).toBe(0);
      sim.resume('n3');
      await sim.settled();
      expect(await read(sim, 'n3')).toBe(0);
    });
  });

  it('delay and loss slow statements down', async () => {
    await simulate({ seed: 5, nodes: 3 }, async (sim) => {
      await numbers(sim);
      const elapsed = async (): Promise<number> => {
        const from = sim.now();
        await sim.sql('SELECT 1', [], { node: 'n1' });
        return sim.now() - from;
      };
      await elapsed();
      expect(await elapsed()).toBeLessThan(20);
      const slow = sim.delay('app', 'n1', 200);
      const delayed = await elapsed();
      expect(delayed).toBeGreaterThanOrEqual(200);
      expect(delayed).toBeLessThan(250);
      const both = sim.delay('n1', 'app', '0.2s');
      expect(await elapsed()).toBeGreaterThanOrEqual(400);
      slow.heal();
      both.heal();
      expect(await elapsed()).toBeLessThan(20);
      for (const from of sim.nodes) {
        for (const to of sim.nodes) if (from !== to) sim.loss(from, to, 1);
      }
      await expect(sim.sql('UPDATE numbers SET n = 2', [], { timeout: '10s' })).rejects.toThrow();
      sim.heal();
      await sim.settled();
      await sim.sql('UPDATE numbers SET n = 3');
      expect(await read(sim)).toBe(3);
    });
  });

  it('skew within the bound is borne; beyond it the node stops, and the others serve', async () => {
    await simulate({ seed: 6, seeds: 2 }, async (sim) => {
      await numbers(sim);
      const sign = sim.seed === 6 ? '+' : '-';
      sim.skew('n2', `${sign}150ms`);
      await sim.sleep('5s');
      expect(sim.nodes.map((node) => sim.status(node))).toEqual(['serving', 'serving', 'serving']);
      sim.skew('n2', `${sign}400ms`);
      const seen = new Set<string>();
      for (let i = 0; i < 100; i++) {
        await sim.sleep(100);
        seen.add(sim.status('n2'));
      }
      expect(seen.has('down')).toBe(true);
      expect(sim.nodes.filter((node) => sim.status(node) === 'serving')).toEqual(['n1', 'n3']);
      await sim.sql('UPDATE numbers SET n = 5', [], { node: 'n1' });
      sim.heal();
      await sim.settled();
      expect(await read(sim, 'n2')).toBe(5);
    });
  });

  it('a full disk stops the node, and the others serve', async () => {
    await simulate({ seed: 7 }, async (sim) => {
      await numbers(sim);
      sim.disk('n1').full();
      await sim.sql('UPDATE numbers SET n = 1', [], { node: 'n2' });
      await sim.sleep('3s');
      expect(sim.status('n1')).not.toBe('serving');
      await sim.sql('UPDATE numbers SET n = 2', [], { node: 'n3' });
      sim.disk('n1').ok();
      await sim.settled();
      expect(await read(sim, 'n1')).toBe(2);
    });
  });

  it('a failing and a slow disk', async () => {
    await simulate({ seed: 8 }, async (sim) => {
      await numbers(sim);
      sim.disk('n3').failing();
      await sim.sql('UPDATE numbers SET n = 1', [], { node: 'n2' });
      await sim.sleep('3s');
      expect(sim.status('n3')).not.toBe('serving');
      sim.disk('n3').ok();
      await sim.settled();
      for (const node of sim.nodes) sim.disk(node).slow(100);
      const from = sim.now();
      await sim.sql('UPDATE numbers SET n = 2');
      expect(sim.now() - from).toBeGreaterThan(15);
      expect(await read(sim, 'n3')).toBe(2);
    });
  });

  it("advance('30d') moves time, and the cluster serves", async () => {
    await simulate({ seed: 9 }, async (sim) => {
      await numbers(sim);
      const timers: string[] = [];
      setTimeout(() => timers.push('in an hour'), 3_600_000);
      setTimeout(() => timers.push('in a day'), 86_400_000);
      const before = sim.now();
      await sim.advance('30d');
      expect(sim.now() - before).toBeGreaterThanOrEqual(30 * 86_400_000);
      expect(sim.now() - before).toBeLessThan(30 * 86_400_000 + 60_000);
      expect(timers).toEqual(['in an hour', 'in a day']);
      for (const node of sim.nodes) expect(await read(sim, node)).toBe(0);
      await sim.sql('UPDATE numbers SET n = 1');
      const { rows } = await sim.sql('SELECT now() AS at');
      expect(Math.abs((rows[0]!['at'] as Date).getTime() - sim.now())).toBeLessThan(1_000);
      await sim.advance('2m');
      await sim.advance('400d');
      expect(await read(sim)).toBe(1);
    });
  });
});

describe('moments by name', () => {
  it('crashAt strikes the named node at the named step, once', async () => {
    await simulate({ seed: 50 }, async (sim) => {
      await numbers(sim);
      // The first use of a table is a transaction of its own: it leases the description.
      await sim.sql('UPDATE numbers SET n = 1', [], { node: 'n2' });
      const struck = sim.crashAt('after-one-phase-before-answer', { node: 'n2' });
      await sim.sql('UPDATE numbers SET n = 1', [], { node: 'n1' });
      await expect(sim.sql('UPDATE numbers SET n = 2', [], { node: 'n2', timeout: '5s' })).rejects.toThrow(/./);
      expect(await struck).toBe('n2');
      expect(sim.status('n2')).toBe('down');
      // The client knows nothing; the transaction took place.
      expect(await read(sim, 'n1')).toBe(2);
      await sim.restart('n2');
      await sim.sql('UPDATE numbers SET n = 3', [], { node: 'n2' });
      expect(() => sim.crashAt('no-such-point' as never)).toThrow(/there is no crash point "no-such-point": before-/);
    });
  });

  it('split and transferLeases', async () => {
    await simulate({ seed: 51 }, async (sim) => {
      await numbers(sim);
      await sim.sql('INSERT INTO numbers SELECT i, 0 FROM generate_series(2, 50) AS i');
      expect(await sim.split()).toBe(true);
      const moved = sim.nodes.map((from) => sim.transferLeases(from, from === 'n3' ? 'n1' : 'n3'));
      expect(moved.reduce((a, b) => a + b, 0)).toBeGreaterThan(1);
      await sim.settled();
      const { rows } = await sim.sql('SELECT count(*)::int4 AS n FROM numbers');
      expect(rows).toEqual([{ n: 50 }]);
    });
  });
});

describe('faults by the seed', () => {
  it('a swarm runs beside the body, and the judges find nothing', async () => {
    const runs = await simulate({ seed: 20, seeds: 3, faults: 'swarm' }, async (sim) => {
      const recorder = sim.recorder();
      await sim.sql('CREATE TABLE registers (k text PRIMARY KEY, v int4)');
      const client = async (process: number): Promise<void> => {
        for (let i = 0; i < 15; i++) {
          await sim.sleep(sim.random.int(800));
          const key = sim.random.pick(['x', 'y', 'z']);
          const t = recorder.begin({ process, level: 'serializable' });
          try {
            if (sim.random.chance(0.5)) {
              const { rows } = await sim.sql('SELECT v FROM registers WHERE k = $1', [key], { timeout: '5s' });
              t.read(key, (rows[0]?.['v'] as number | undefined) ?? null);
            } else {
              const value = process * 1000 + i;
              t.write(key, value);
              await sim.sql(
                'INSERT INTO registers VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v',
                [key, value],
                { timeout: '5s' },
              );
            }
            t.done();
          } catch (error) {
            t.settle(error, 'autocommit');
          }
        }
      };
      await Promise.all([1, 2, 3, 4].map(client));
      sim.heal();
      await sim.settled();
      const verdict = checkIsolation(recorder.history());
      expect(verdict.anomalies).toEqual([]);
      return recorder.history().transactions.filter((t) => t.outcome === 'done').length;
    });
    for (const run of runs) expect(run.value).toBeGreaterThan(0);
  });

  it('clocks that drift are not off by an hour after a leap', async () => {
    await simulate({ seed: 30, seeds: 4, faults: ['drift'] }, async (sim) => {
      await numbers(sim);
      await sim.sleep('10s');
      await sim.advance('1d');
      for (const node of sim.nodes) expect(await read(sim, node)).toBe(0);
    });
  });

  it('one seed gives one trace with faults as well', async () => {
    const body = async (sim: Simulation): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        const answer = sim.sql('CREATE TABLE IF NOT EXISTS numbers (id int4 PRIMARY KEY)', [], { timeout: '2s' });
        await answer.catch((error: unknown) => sim.note(String(error)));
        await sim.sleep(300);
      }
    };
    const [one] = await simulate({ seed: 41, faults: 'swarm' }, body);
    const [two] = await simulate({ seed: 41, faults: 'swarm' }, body);
    expect(two!.hash).toBe(one!.hash);
  });
});
