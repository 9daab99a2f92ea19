/**
 * Books seats on flights, without the bugs of broken.ts.
 *
 * 1. The database computes the new number of free seats from the current one, under the row's lock. (So
 *    would the default level, SERIALIZABLE, with a retry of 40001.)
 * 2. A request has an id of its own, made before the first attempt, which is the booking's primary key.
 *    Repeating a request that took place after all finds its own booking.
 */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

export type Booked = 'booked' | 'sold out';

const ATTEMPTS_MAX = 8;

export async function book(pool: Pool, flight: string, passenger: string): Promise<Booked> {
  const request = randomUUID();
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptToBook(pool, request, flight, passenger);
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function attemptToBook(pool: Pool, request: string, flight: string, passenger: string): Promise<Booked> {
  const client = await pool.connect();
  let healthy = false;
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    const inserted = await client.query(
      'INSERT INTO bookings (id, flight, passenger) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING',
      [request, flight, passenger],
    );
    // Nothing inserted: an earlier attempt of this request took place.
    let booked = inserted.rowCount === 0;
    if (!booked) {
      const taken = await client.query('UPDATE flights SET free = free - 1 WHERE id = $1 AND free > 0', [flight]);
      booked = taken.rowCount === 1;
    }
    await client.query(booked ? 'COMMIT' : 'ROLLBACK');
    healthy = true;
    return booked ? 'booked' : 'sold out';
  } finally {
    client.release(!healthy);
  }
}
