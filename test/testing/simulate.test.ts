import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { simulate, SimulationError, type Simulation } from '../../src/testing/index.js';

async function poolWorkload(sim: Simulation): Promise<number[]> {
  const pool = new pg.Pool({ stream: () => sim.stream('n2'), user: 'postgres', database: 'postgres', max: 4 });
  await pool.query('CREATE TABLE numbers (id uuid PRIMARY KEY, n int4, at timestamptz)');
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await sleep(Math.random() * 200);
      await pool.query('INSERT INTO numbers VALUES ($1, $2, $3)', [randomUUID(), i, new Date()]);
    }),
  );
  const client = await pool.connect();
  await client.query('BEGIN');
  await client.query('UPDATE numbers SET n = n + 100 WHERE n < $1', [10]);
  await client.query('COMMIT');
  client.release();
  const { rows } = await pool.query<{ n: number; at: Date }>('SELECT n, at FROM numbers ORDER BY n');
  expect(rows.every((row) => Math.abs(row.at.getTime() - Date.now()) < 5_000)).toBe(true);
  await pool.end();
  return rows.map((row) => row.n);
}

describe('simulate', () => {
  it('runs the real pg package in virtual time; one seed gives one trace', async () => {
    const [one] = await simulate({ seed: 11 }, poolWorkload);
    const [two] = await simulate({ seed: 11 }, poolWorkload);
    const [other] = await simulate({ seed: 12 }, poolWorkload);
    expect(one!.value).toHaveLength(20);
    expect(one!.value.filter((n) => n >= 100)).toHaveLength(10);
    expect(two!.hash).toBe(one!.hash);
    expect(other!.hash).not.toBe(one!.hash);
  });

  it('parses values and reports errors as node-postgres does', async () => {
    await simulate({ nodes: 1 }, async (sim) => {
      await sim.sql('CREATE TABLE t (id int4 PRIMARY KEY, j jsonb, b bool)');
      const { rowCount } = await sim.sql('INSERT INTO t VALUES ($1, $2, $3)', [1, { a: [1] }, true]);
      expect(rowCount).toBe(1);
      const { rows } = await sim.sql('SELECT * FROM t');
      expect(rows).toEqual([{ id: 1, j: { a: [1] }, b: true }]);
      await expect(sim.sql('INSERT INTO t VALUES (1)')).rejects.toMatchObject({ code: '23505' });
      const client = sim.client();
      await client.connect();
      const arrays = await client.query({ text: 'SELECT id, b FROM t', rowMode: 'array' });
      expect(arrays.rows).toEqual([[1, true]]);
      await client.end();
    });
  });

  it('gives the names of nodes, a clock, randomness and notes', async () => {
    const [run] = await simulate({ nodes: 2, seed: 3 }, async (sim) => {
      expect(sim.nodes).toEqual(['n1', 'n2']);
      expect(() => sim.crash('n3')).toThrow(/no node "n3"/);
      const before = sim.now();
      expect(before).toBe(Date.now());
      await sim.sleep('90s');
      expect(sim.now() - before).toBe(90_000);
      sim.note('half way');
      return sim.random.int(1_000_000);
    });
    const [again] = await simulate({ nodes: 2, seed: 3 }, async (sim) => sim.random.int(1_000_000));
    expect(again!.value).toBe(run!.value);
  });
});

describe('what virtual time does to globals', () => {
  it('they are virtual while the body runs, and real again even if it fails', async () => {
    const real = {
      Date: globalThis.Date,
      setTimeout: globalThis.setTimeout,
      setImmediate: globalThis.setImmediate,
      random: Math.random,
      now: performance.now,
      uuid: crypto.randomUUID,
    };
    const listeners = process.listeners('uncaughtException');
    const drawn: unknown[] = [];
    const body = async (): Promise<void> => {
      expect(new Date().getFullYear()).toBe(2025);
      expect(new Date() instanceof real.Date).toBe(true);
      const from = performance.now();
      const order: string[] = [];
      const interval = setInterval(() => order.push('interval'), 40);
      const never = setTimeout(() => order.push('never'), 10);
      clearTimeout(never);
      setImmediate(() => order.push('immediate'));
      await new Promise<void>((resolve) => void setTimeout(resolve, 100));
      clearInterval(interval);
      expect(order).toEqual(['immediate', 'interval', 'interval']);
      expect(Math.round(performance.now() - from)).toBe(100);
      drawn.push([Math.random(), randomUUID(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(4))]]);
      const signal = AbortSignal.timeout(50);
      await expect(sleep(1_000, null, { signal })).rejects.toMatchObject({ name: 'AbortError' });
    };
    await simulate({ nodes: 1 }, body);
    await expect(
      simulate({ nodes: 1 }, async () => {
        await body();
        throw new Error('on purpose');
      }),
    ).rejects.toThrow('on purpose');
    expect(drawn[1]).toEqual(drawn[0]);
    expect(globalThis.Date).toBe(real.Date);
    expect(globalThis.setTimeout).toBe(real.setTimeout);
    expect(globalThis.setImmediate).toBe(real.setImmediate);
    expect(Math.random).toBe(real.random);
    expect(performance.now).toBe(real.now);
    expect(crypto.randomUUID).toBe(real.uuid);
    expect(process.listeners('uncaughtException')).toEqual(listeners);
    expect(randomUUID()).not.toBe(randomUUID());
  });

  it('can be left alone', async () => {
    await simulate({ nodes: 1, globals: false }, async () => {
      expect(new Date().getFullYear()).not.toBe(2025);
    });
  });
});

async function failureOf(run: Promise<unknown>): Promise<SimulationError> {
  const error: unknown = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SimulationError);
  return error as SimulationError;
}

describe('failures', () => {
  it('name the seed, how to run it again, and what happened before', async () => {
    const cause = new Error('the books do not balance');
    const error = await failureOf(
      simulate({ nodes: 1, seeds: 5 }, async (sim) => {
        await sim.sql('CREATE TABLE t (id int4 PRIMARY KEY)');
        await sim.sql('INSERT INTO t VALUES ($1)', [42]);
        sim.note('counting');
        if (sim.seed === 3) throw cause;
      }),
    );
    expect(error.seed).toBe(3);
    expect(error.cause).toBe(cause);
    expect(error.message).toContain('the books do not balance');
    expect(error.message).toContain('QUORAL_SEED=3');
    expect(error.message).toMatch(/c1 → n1: INSERT INTO t VALUES \(\$1\) \[42\]/);
    expect(error.message).toMatch(/c1 ← n1: INSERT 0 1\n.*counting/);
    expect(error.stack).toContain('simulate.test.ts');
  });

  it('a body that never settles is told why that may be', async () => {
    const error = await failureOf(simulate({ nodes: 1, limit: '5s' }, () => new Promise<void>(() => undefined)));
    expect(error.message).toContain('did not settle');
  });

  it('errors that nobody catches fail the run and not the process', async () => {
    const rejected = await failureOf(
      simulate({ nodes: 1 }, async (sim) => {
        void Promise.reject(new Error('left alone'));
        await sim.sleep(10);
      }),
    );
    expect(rejected.message).toContain('left alone');
    const thrown = await failureOf(
      simulate({ nodes: 1 }, async (sim) => {
        setTimeout(() => {
          throw new Error('thrown in a timer');
        }, 5);
        await sim.sleep(10);
      }),
    );
    expect(thrown.message).toContain('thrown in a timer');
  });

  it('QUORAL_SEED runs that seed alone', async () => {
    process.env['QUORAL_SEED'] = '77';
    try {
      const runs = await simulate({ nodes: 1, seeds: 4 }, async (sim) => sim.seed);
      expect(runs.map((run) => run.value)).toEqual([77]);
    } finally {
      delete process.env['QUORAL_SEED'];
    }
  });
});
