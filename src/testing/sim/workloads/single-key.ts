/** Reads, writes and compare-and-set of single keys, one statement each, for the linearizability judge. */
import type { Outcome, Verdict } from '../../judges/history.js';
import { checkLinearizable, type RegisterAction, type RegisterOperation } from '../../judges/linearizable.js';
import type { SimSession } from '../session.js';
import { readHealed, type Workload } from '../workload.js';

const KEYS = 3;
/** Operations on one key before it is left for the next: the judge's work grows with what overlaps. */
const OPERATIONS_PER_KEY = 40;

export class SingleKeyWorkload implements Workload {
  readonly name = 'single-key';
  readonly #operations: RegisterOperation[] = [];
  readonly #used = new Map<number, number>();
  readonly #hot = [0, 1, 2];
  readonly #realTime: boolean;
  #nextKey = KEYS;
  #nextValue = 1;

  constructor(options: { readonly realTime: 'per-key' | 'none' }) {
    this.#realTime = options.realTime !== 'none';
  }

  setup(): readonly string[] {
    return ['CREATE TABLE cells (k int PRIMARY KEY, v int NOT NULL)', 'ALTER TABLE cells SPLIT AT VALUES (2)'];
  }

  async step(session: SimSession, process: number): Promise<void> {
    const { random } = session;
    const key = this.#take(random.int(KEYS));
    await session.connection();
    const invokedAt = session.nowUs;
    const record = (outcome: Outcome, action: RegisterAction): void => {
      if (outcome === 'failed' || (action.f === 'read' && outcome !== 'done')) return;
      this.#record(
        { process, key, invokedAt, completedAt: outcome === 'unknown' ? Infinity : session.nowUs },
        outcome,
        action,
      );
    };
    // Some only read: who writes to a leaseholder without followers waits, and would not see what it reads there.
    const draw = process % 4 === 3 ? 0 : random.next();
    if (draw < 0.45) {
      const { outcome, result } = await session.statement('SELECT v FROM cells WHERE k = $1', [key]);
      record(outcome, { f: 'read', value: result === null ? null : valueOf(result.rows) });
    } else if (draw < 0.8) {
      const value = this.#nextValue++;
      const { outcome } = await session.statement(
        'INSERT INTO cells (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v',
        [key, value],
      );
      record(outcome, { f: 'write', value });
    } else {
      const value = this.#nextValue++;
      const expected = Math.max(1, value - 1 - random.int(6));
      const { outcome, result } = await session.statement('UPDATE cells SET v = $2 WHERE k = $1 AND v = $3', [
        key,
        value,
        expected,
      ]);
      record(outcome, { f: 'cas', value, expected, applied: result === null || result.tag === 'UPDATE 1' });
    }
  }

  #take(slot: number): number {
    const key = this.#hot[slot]!;
    const used = (this.#used.get(key) ?? 0) + 1;
    this.#used.set(key, used);
    if (used >= OPERATIONS_PER_KEY) this.#hot[slot] = this.#nextKey++;
    return key;
  }

  async finish(session: SimSession): Promise<void> {
    const invokedAt = session.nowUs;
    for (const [k, v] of await readHealed(session, 'SELECT k, v FROM cells ORDER BY k')) {
      const at = { process: 0, key: Number(k), invokedAt, completedAt: session.nowUs };
      this.#record(at, 'done', { f: 'read', value: Number(v) });
    }
  }

  #record(
    at: Pick<RegisterOperation, 'process' | 'key' | 'invokedAt' | 'completedAt'>,
    outcome: Outcome,
    action: RegisterAction,
  ): void {
    this.#operations.push({ id: this.#operations.length, ...at, outcome, action });
  }

  judge(): readonly Verdict[] {
    return this.#realTime ? [checkLinearizable(this.#operations)] : [];
  }
}

function valueOf(rows: readonly (readonly (string | null)[])[]): number | null {
  return rows.length === 0 ? null : Number(rows[0]![0]);
}
