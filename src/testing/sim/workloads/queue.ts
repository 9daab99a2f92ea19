/**
 * Clients that compete for the locks of a few rows: one row at a time, which shows whether the queue of a
 * lock is served in its order, and now and then two rows in either order, which makes deadlocks.
 * Judged only in runs without faults.
 */
import { checkFairness, type LockRequest } from '../../judges/fairness.js';
import type { Verdict } from '../../judges/history.js';
import { ClientError, type SimClient } from '../client.js';
import type { SimSession } from '../session.js';
import { readHealed, type Workload } from '../workload.js';

const ROWS = 3;
/** How long a client holds its lock, microseconds. */
const HOLD_US = 150_000;

export class QueueWorkload implements Workload {
  readonly name = 'queue';
  readonly #requests: LockRequest[] = [];
  readonly #calm: boolean;

  constructor(options: { readonly calm: boolean }) {
    this.#calm = options.calm;
  }

  setup(): readonly string[] {
    const rows = Array.from({ length: ROWS }, (_, i) => `(${i}, 0)`);
    return ['CREATE TABLE tickets (id int PRIMARY KEY, n int)', `INSERT INTO tickets VALUES ${rows.join(', ')}`];
  }

  async step(session: SimSession, _process: number): Promise<void> {
    const { random } = session;
    const first = random.chance(0.7) ? 0 : random.int(ROWS);
    const second = random.chance(0.25) ? (first + 1 + random.int(ROWS - 1)) % ROWS : null;
    await session.transaction('serializable', async (client) => {
      await this.#lock(session, client, first);
      await session.sleep(random.int(HOLD_US));
      if (second !== null) await this.#lock(session, client, second);
      await client.query('UPDATE tickets SET n = n + 1 WHERE id = $1', [first]);
    });
  }

  async #lock(session: SimSession, client: SimClient, key: number): Promise<void> {
    const askedAt = session.nowUs;
    const id = this.#requests.length;
    this.#requests.push({ id, key, askedAt, answeredAt: Infinity, granted: false });
    try {
      await client.query('SELECT n FROM tickets WHERE id = $1 FOR UPDATE', [key]);
      this.#requests[id] = { id, key, askedAt, answeredAt: session.nowUs, granted: true };
    } catch (error) {
      if (error instanceof ClientError && !error.lost) {
        this.#requests[id] = { id, key, askedAt, answeredAt: session.nowUs, granted: false };
      }
      throw error;
    }
  }

  async finish(session: SimSession): Promise<void> {
    await readHealed(session, 'SELECT id, n FROM tickets ORDER BY id');
  }

  judge(): readonly Verdict[] {
    return this.#calm ? [checkFairness(this.#requests)] : [];
  }
}
