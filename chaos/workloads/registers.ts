/**
 * Single-key operations without a transaction block: read, blind write, compare-and-set. Each key must
 * look like one register that changes at one moment between call and answer of each operation.
 */
import { HistoryRecorder } from '../../src/testing/judges/recorder.js';
import type { Verdict } from '../../src/testing/judges/history.js';
import { judgeRegisters } from '../judge.js';
import type { Session } from '../session.js';
import { autocommit, RolledBack, type Context, type Workload } from './workload.js';

const KEYS = 6;
/** Operations per key before a new one takes its place: what a judge has to search grows with it. */
const OPERATIONS_MAX = 250;

export class RegisterWorkload implements Workload {
  readonly name = 'registers';
  readonly clients = 4;
  readonly #context: Context;
  readonly #recorder: HistoryRecorder;
  readonly #operations = new Array<number>(KEYS).fill(0);
  readonly #lastSeen = new Map<number, number>();

  constructor(context: Context) {
    this.#context = context;
    this.#recorder = new HistoryRecorder({ nowUs: context.nowUs });
  }

  async setup(session: Session): Promise<void> {
    await session.query('CREATE TABLE registers (k int PRIMARY KEY, v int NOT NULL)');
    await session.query('ALTER TABLE registers SPLIT AT VALUES (3000)');
  }

  async step(session: Session): Promise<void> {
    const slot = session.random.between(0, KEYS - 1);
    const count = (this.#operations[slot] as number) + 1;
    this.#operations[slot] = count;
    const key = slot * 1_000 + Math.floor(count / OPERATIONS_MAX);
    const dice = session.random.next();
    await autocommit(this.#context, this.#recorder, session, 'serializable', async (recorded) => {
      if (dice < 0.5) {
        recorded.read(key, await this.#read(session, key));
        return;
      }
      const value = this.#context.unique();
      const expected = this.#lastSeen.get(key);
      if (dice < 0.75 || expected === undefined) {
        recorded.write(key, value);
        await session.query('INSERT INTO registers VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v', [
          key,
          value,
        ]);
        return;
      }
      // A compare-and-set that succeeds is a read of what was expected and a write; without an answer
      // only the write is recorded, which may have happened.
      let answer: { readonly rowCount: number | null };
      try {
        answer = await session.query('UPDATE registers SET v = $2 WHERE k = $1 AND v = $3', [key, value, expected]);
      } catch (error) {
        recorded.write(key, value);
        throw error;
      }
      if (answer.rowCount === 0) throw new RolledBack('the register held something else');
      recorded.read(key, expected);
      recorded.write(key, value);
    });
  }

  async finish(session: Session): Promise<void> {
    for (let slot = 0; slot < KEYS; slot++) {
      const last = Math.floor((this.#operations[slot] as number) / OPERATIONS_MAX);
      for (let n = 0; n <= last; n++) {
        const key = slot * 1_000 + n;
        await autocommit(this.#context, this.#recorder, session, 'serializable', async (recorded) => {
          recorded.read(key, await this.#read(session, key));
        });
      }
    }
  }

  judge(): Verdict[] {
    return judgeRegisters(this.#recorder.history());
  }

  async #read(session: Session, key: number): Promise<number | null> {
    const { rows } = await session.query('SELECT v FROM registers WHERE k = $1', [key]);
    const value = rows[0]?.['v'];
    if (typeof value !== 'number') return null;
    this.#lastSeen.set(key, value);
    return value;
  }
}
