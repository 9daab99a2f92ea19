import pg from 'pg';
import { describe, expect, it } from 'vitest';
import * as broken from '../../examples/booking/broken.js';
import * as fixed from '../../examples/booking/fixed.js';
import { badLine, rushHour, type Book } from '../../examples/booking/simulated.js';
import { simulate, SimulationError, startCluster } from '../../src/testing/index.js';

const VERSIONS: readonly [string, Book][] = [
  ['broken', broken.book],
  ['fixed', fixed.book],
];

describe('the booking example', () => {
  it.each(VERSIONS)('a plain test finds nothing: %s', async (_name, book) => {
    const cluster = await startCluster({ nodes: 1 });
    try {
      for (const text of broken.SCHEMA) await cluster.sql(text);
      await cluster.sql("INSERT INTO flights VALUES ('QX7', 2, 2)");
      const pool = new pg.Pool({ connectionString: cluster.url() });
      // The cluster is closed sooner than the pool's last socket.
      pool.on('error', () => undefined);
      expect(await book(pool, 'QX7', 'Ada')).toBe('booked');
      expect(await book(pool, 'QX7', 'Bob')).toBe('booked');
      expect(await book(pool, 'QX7', 'Cyd')).toBe('sold out');
      await pool.end();
      const { rows } = await cluster.sql('SELECT passenger FROM bookings ORDER BY passenger');
      expect(rows).toEqual([{ passenger: 'Ada' }, { passenger: 'Bob' }]);
    } finally {
      await cluster.close();
    }
  });

  it('ten seeds find the lost update', async () => {
    const error = await failure(simulate({ seeds: 10 }, (sim) => rushHour(sim, broken.book)));
    expect(error.message).toContain('the books say');
    expect(error.message).toContain(`QUORAL_SEED=${error.seed}`);
  });

  it('ten seeds find the double booking', async () => {
    const error = await failure(simulate({ seeds: 10 }, (sim) => badLine(sim, broken.book)));
    expect(error.message).toContain('booked more than once');
    // The same seed again brings the same failure, event for event.
    const again = await failure(simulate({ seed: error.seed }, (sim) => badLine(sim, broken.book)));
    expect(again.hash).toBe(error.hash);
  });

  it('the fixed version passes both', async () => {
    await simulate({ seeds: 10 }, (sim) => rushHour(sim, fixed.book));
    await simulate({ seeds: 10 }, (sim) => badLine(sim, fixed.book));
  }, 120_000);
});

async function failure(run: Promise<unknown>): Promise<SimulationError> {
  const error: unknown = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SimulationError)) throw new Error(`expected a failed simulation, got ${String(error)}`);
  return error;
}
