/**
 * Two simulated tests of the booking application. In a project of your own the first import reads
 * `import type { Simulation } from 'quoral/testing'`.
 */
import pg from 'pg';
import type { Simulation } from '../../src/testing/index.js';
import { type Booked, SCHEMA } from './broken.js';

export type Book = (pool: pg.Pool, flight: string, passenger: string) => Promise<Booked>;

const SEATS = 10;

/** Twelve passengers at once want one of ten seats: ten get one, and the books agree. */
export async function rushHour(sim: Simulation, book: Book): Promise<void> {
  const pool = await open(sim);
  const passengers = Array.from({ length: 12 }, (_, i) => `passenger ${i + 1}`);
  const answers = await Promise.all(
    passengers.map(async (passenger) => {
      await sim.sleep(sim.random.int(100));
      return book(pool, 'QX7', passenger);
    }),
  );
  await pool.end();
  const told = answers.filter((answer) => answer === 'booked').length;
  const { free, booked } = await books(sim);
  if (told !== SEATS || booked !== SEATS || free !== 0) {
    throw new Error(
      `${told} passengers were told that they have one of ${SEATS} seats; the books say ${booked}, and ${free} free`,
    );
  }
}

/** Ten passengers, one after the other, while commits and connections fail now and then: nobody is booked twice. */
export async function badLine(sim: Simulation, book: Book): Promise<void> {
  const pool = await open(sim);
  sim.conflicts({ serializationFailures: 0.05, deadlocks: 0.02, ambiguousCommits: 0.05, disconnects: 0.02 });
  for (let i = 1; i <= SEATS; i++) await book(pool, 'QX7', `passenger ${i}`);
  await pool.end();
  sim.conflicts({});
  const { rows } = await sim.sql(
    'SELECT passenger, count(*)::int4 AS n FROM bookings GROUP BY passenger HAVING count(*) > 1',
  );
  if (rows.length > 0) throw new Error(`booked more than once: ${JSON.stringify(rows)}`);
  const { free, booked } = await books(sim);
  if (free !== 0 || booked !== SEATS) throw new Error(`${booked} bookings and ${free} free seats of ${SEATS}`);
}

async function open(sim: Simulation): Promise<pg.Pool> {
  for (const text of SCHEMA) await sim.sql(text);
  await sim.sql(`INSERT INTO flights VALUES ('QX7', ${SEATS}, ${SEATS})`);
  const pool = new pg.Pool({ stream: () => sim.stream(), user: 'postgres', database: 'postgres', max: 20 });
  // Without these a broken connection would end the process, here as in production.
  pool.on('error', (error) => sim.note(`pool: ${error.message}`));
  pool.on('connect', (client) => client.on('error', (error) => sim.note(`client: ${error.message}`)));
  return pool;
}

async function books(sim: Simulation): Promise<{ free: number; booked: number }> {
  const { rows } = await sim.sql(
    "SELECT free, (SELECT count(*)::int4 FROM bookings WHERE flight = 'QX7') AS booked FROM flights WHERE id = 'QX7'",
  );
  return rows[0] as { free: number; booked: number };
}
