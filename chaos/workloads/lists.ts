/**
 * Appends and reads of lists, two to five in a transaction, over few keys in several ranges and at mixed
 * isolation levels: what Elle infers most from. A key is given up for a new one when its list is long.
 */
import { HistoryRecorder } from '../../src/testing/judges/recorder.js';
import type { HistoryValue, Verdict } from '../../src/testing/judges/history.js';
import { judgeLists } from '../judge.js';
import type { Session } from '../session.js';
import { pickLevel, transaction, type Context, type Workload } from './workload.js';

const SLOTS = 8;
const SLOT_KEYS = 1_000_000;
const LENGTH_MAX = 48;

export class ListWorkload implements Workload {
  readonly name = 'lists';
  readonly clients = 5;
  readonly #context: Context;
  readonly #recorder: HistoryRecorder;
  /** Appends sent to the present key of each slot. */
  readonly #appends = new Array<number>(SLOTS).fill(0);
  readonly #generation = new Array<number>(SLOTS).fill(0);

  constructor(context: Context) {
    this.#context = context;
    this.#recorder = new HistoryRecorder({ nowUs: context.nowUs });
  }

  async setup(session: Session): Promise<void> {
    await session.query('CREATE TABLE lists (k int PRIMARY KEY, v text NOT NULL)');
    await session.query(`ALTER TABLE lists SPLIT AT VALUES (${2 * SLOT_KEYS}), (${4 * SLOT_KEYS}), (${6 * SLOT_KEYS})`);
  }

  async step(session: Session): Promise<void> {
    const { random } = session;
    const level = pickLevel(session);
    await transaction(this.#context, this.#recorder, session, level, async (recorded) => {
      for (let n = random.between(2, 5); n > 0; n--) {
        const slot = random.between(0, SLOTS - 1);
        if (random.next() < 0.5) {
          const key = this.#keyToAppend(slot);
          const value = this.#context.unique();
          recorded.append(key, value);
          await session.query(
            `INSERT INTO lists VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = lists.v || ',' || excluded.v`,
            [key, String(value)],
          );
        } else {
          const key = this.#key(slot);
          const { rows } = await session.query('SELECT v FROM lists WHERE k = $1', [key]);
          recorded.readList(key, parseList(rows[0]?.['v']));
        }
      }
    });
  }

  async finish(session: Session): Promise<void> {
    for (let slot = 0; slot < SLOTS; slot++) {
      for (let from = 0; from <= (this.#generation[slot] as number); from += 20) {
        await transaction(this.#context, this.#recorder, session, 'serializable', async (recorded) => {
          for (let n = from; n < from + 20 && n <= (this.#generation[slot] as number); n++) {
            const key = slot * SLOT_KEYS + n;
            const { rows } = await session.query('SELECT v FROM lists WHERE k = $1', [key]);
            recorded.readList(key, parseList(rows[0]?.['v']));
          }
        });
      }
    }
  }

  judge(): Verdict[] {
    return judgeLists(this.#recorder.history());
  }

  #key(slot: number): number {
    return slot * SLOT_KEYS + (this.#generation[slot] as number);
  }

  #keyToAppend(slot: number): number {
    const appends = (this.#appends[slot] as number) + 1;
    this.#appends[slot] = appends > LENGTH_MAX ? 1 : appends;
    if (appends > LENGTH_MAX) this.#generation[slot] = (this.#generation[slot] as number) + 1;
    return this.#key(slot);
  }
}

function parseList(text: unknown): HistoryValue[] {
  return typeof text === 'string' ? text.split(',').map(Number) : [];
}
