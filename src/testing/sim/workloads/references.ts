/**
 * Foreign keys and shared row locks at all mixes of isolation levels: children of a few parents come, parents go,
 * change and come back. Nobody ever sees a child without its parent in one snapshot, and whoever commits has found
 * a row that it locked FOR SHARE as it was each time that it looked.
 */
import type { SimRandom } from '../../../env/sim/random.js';
import type { Anomaly, IsolationLevel, Verdict } from '../../judges/history.js';
import type { SimClient } from '../client.js';
import type { SimSession } from '../session.js';
import { readHealed, type Workload } from '../workload.js';

const PARENTS = 4;
const LEVELS: readonly IsolationLevel[] = ['serializable', 'repeatable read', 'read committed'];
/** How long a transaction rests between its statements, microseconds. */
const REST_US = 40_000;
const ORPHANS =
  'SELECT c.id, c.parent FROM children c LEFT JOIN parents p ON p.id = c.parent WHERE p.id IS NULL ORDER BY c.id';
const SHOWN = 10;

export class ReferenceWorkload implements Workload {
  readonly name = 'references';
  readonly #anomalies: Anomaly[] = [];
  #child = 0;
  #looks = 0;
  #inserted = 0;
  #removed = 0;

  setup(): readonly string[] {
    const rows = Array.from({ length: PARENTS }, (_, i) => `(${i}, 0)`);
    return [
      'CREATE TABLE parents (id int PRIMARY KEY, n int NOT NULL)',
      'CREATE TABLE children (id int PRIMARY KEY, parent int NOT NULL REFERENCES parents)',
      'CREATE INDEX children_parent ON children (parent)',
      'ALTER TABLE parents SPLIT AT VALUES (2)',
      'ALTER TABLE children SPLIT AT VALUES (60), (200)',
      `INSERT INTO parents VALUES ${rows.join(', ')}`,
    ];
  }

  async step(session: SimSession, _process: number): Promise<void> {
    const { random } = session;
    const level = random.pick(LEVELS);
    // One parent is sought after.
    const parent = random.chance(0.5) ? 0 : random.int(PARENTS);
    const draw = random.next();
    if (draw < 0.45) await this.#insert(session, random, level, parent);
    else if (draw < 0.6) await this.#remove(session, level, parent);
    else if (draw < 0.75) {
      await session.statement('INSERT INTO parents VALUES ($1, 0) ON CONFLICT (id) DO UPDATE SET n = parents.n + 1', [
        parent,
      ]);
    } else if (draw < 0.9) await this.#share(session, level, parent);
    else await this.#look(session);
  }

  /** One to three children, and now and then a change of the parent afterwards, which is an upgrade of the lock. */
  async #insert(session: SimSession, random: SimRandom, level: IsolationLevel, parent: number): Promise<void> {
    const count = 1 + random.int(3);
    const changes = random.chance(0.2);
    const { outcome } = await session.transaction(level, async (client) => {
      for (let i = 0; i < count; i++) {
        const of = i === 0 ? parent : random.int(PARENTS);
        await client.query('INSERT INTO children VALUES ($1, $2)', [++this.#child, of]);
        await session.sleep(random.int(REST_US));
      }
      if (changes) await client.query('UPDATE parents SET n = n + 1 WHERE id = $1', [parent]);
    });
    if (outcome === 'done') this.#inserted += count;
  }

  async #remove(session: SimSession, level: IsolationLevel, parent: number): Promise<void> {
    const { outcome } = await session.transaction(level, async (client) => {
      // A statement before, so that READ COMMITTED has one to run again by itself.
      await client.query('SELECT n FROM parents WHERE id = $1', [parent]);
      await client.query('DELETE FROM children WHERE parent = $1', [parent]);
      await session.sleep(session.random.int(REST_US));
      await client.query('DELETE FROM parents WHERE id = $1', [parent]);
    });
    if (outcome === 'done') this.#removed++;
  }

  /** Below SERIALIZABLE a plain read would see another's change: it must not be there. */
  async #share(session: SimSession, level: IsolationLevel, parent: number): Promise<void> {
    const { random } = session;
    const seen: string[] = [];
    const how = random.chance(0.5) ? ' FOR SHARE' : ' FOR KEY SHARE';
    const writes = random.chance(0.3);
    const look = async (client: SimClient, locked: string): Promise<void> => {
      const { rows } = await client.query(`SELECT n FROM parents WHERE id = $1${locked}`, [parent]);
      seen.push(rows[0]?.[0] ?? 'nothing');
    };
    const { outcome } = await session.transaction(level, async (client) => {
      seen.length = 0;
      await look(client, how);
      await session.sleep(random.int(REST_US));
      await look(client, random.chance(0.5) ? how : '');
      if (writes && seen[0] !== 'nothing')
        await client.query('INSERT INTO children VALUES ($1, $2)', [++this.#child, parent]);
    });
    if (outcome !== 'done' || seen[0] === 'nothing' || seen.every((n) => n === seen[0])) return;
    this.#add(`A ${level} transaction at ${session.node} read${how} of parent ${parent}: ${seen.join(', then ')}.`);
  }

  async #look(session: SimSession): Promise<void> {
    const { result } = await session.statement(ORPHANS);
    if (result !== null) this.#compare(`${session.nowUs} at ${session.node}`, result.rows);
  }

  async finish(session: SimSession): Promise<void> {
    this.#compare('the end', await readHealed(session, ORPHANS));
  }

  #compare(when: string, orphans: readonly (readonly (string | null)[])[]): void {
    this.#looks++;
    for (const [child, parent] of orphans)
      this.#add(`Child ${child} refers to parent ${parent}, which is not there (${when}).`);
  }

  #add(explanation: string): void {
    if (this.#anomalies.length < SHOWN) this.#anomalies.push({ name: 'references', explanation, transactions: [] });
  }

  judge(): readonly Verdict[] {
    const stats = { looks: this.#looks, inserted: this.#inserted, removed: this.#removed };
    return [{ checker: 'references', ok: this.#anomalies.length === 0, anomalies: this.#anomalies, stats }];
  }
}
