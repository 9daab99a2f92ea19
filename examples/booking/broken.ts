/**
 * Books seats on flights. It has two bugs that its tests do not see.
 *
 * 1. At READ COMMITTED two bookings may read the same number of free seats, and both write that number
 *    less one: a seat is sold twice (a lost update).
 * 2. A commit whose outcome is unknown is repeated like one that failed. When it had taken place after
 *    all, the passenger is booked, and charged, twice.
 */
import type { Pool } from 'pg';

export type Booked = 'booked' | 'sold out';

export const SCHEMA = [
  'CREATE TABLE flights (id text PRIMARY KEY, seats int4 NOT NULL, free int4 NOT NULL)',
  'CREATE TABLE bookings (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), flight text NOT NULL, passenger text NOT NULL)',
];

const ATTEMPTS_MAX = 8;

export async function book(pool: Pool, flight: string, passenger: string): Promise<Booked> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptToBook(pool, flight, passenger);
    } catch (error) {
      // Bug 2: it looks prudent to try again whatever went wrong.
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function attemptToBook(pool: Pool, flight: string, passenger: string): Promise<Booked> {
  const client = await pool.connect();
  let healthy = false;
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    const { rows } = await client.query<{ free: number }>('SELECT free FROM flights WHERE id = $1', [flight]);
    const free = rows[0]?.free ?? 0;
    if (free === 0) {
      await client.query('ROLLBACK');
      healthy = true;
      return 'sold out';
    }
    await client.query('INSERT INTO bookings (flight, passenger) VALUES ($1, $2)', [flight, passenger]);
    // Bug 1: `free` may have changed since it was read.
    await client.query('UPDATE flights SET free = $2 WHERE id = $1', [flight, free - 1]);
    await client.query('COMMIT');
    healthy = true;
    return 'booked';
  } finally {
    // A connection in an unknown state is not for the next one.
    client.release(!healthy);
  }
}
