/**
 * Three things that many clients do to one table: insert rows of their own (a set: what is acknowledged
 * stays, what was refused is not there, the secondary index says the same), claim names that several
 * want at once (unique), and count (every increment once, never backwards).
 */
import type { Verdict } from '../../src/testing/judges/history.js';
import { outcomeOf } from '../../src/testing/judges/recorder.js';
import { judgeCounters, judgeSet, judgeUnique } from '../judge.js';
import type { ClaimAttempt, Increment, SetAdd, SetRead } from '../judge.js';
import { codeOf, type Session } from '../session.js';
import type { Context, Workload } from './workload.js';

const COUNTERS = 4;

/** One statement outside of a block; its outcome is counted and given back. */
async function statement(
  session: Session,
  where: string,
  run: () => Promise<void>,
): Promise<{ readonly outcome: 'done' | 'failed' | 'unknown'; readonly code: string }> {
  try {
    await run();
    session.tally.ok++;
    return { outcome: 'done', code: '' };
  } catch (error) {
    const outcome = outcomeOf(error, 'autocommit');
    const code = codeOf(error);
    session.tally[outcome]++;
    // Somebody else has the name: that is what claims are about.
    if (code !== '23505') session.note(error, where);
    if (code !== '23505') await session.recover(error);
    return { outcome, code };
  }
}

export class SetWorkload implements Workload {
  readonly name = 'set';
  readonly clients = 2;
  readonly #context: Context;
  readonly #adds: SetAdd[] = [];
  readonly #reads: SetRead[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  async setup(session: Session): Promise<void> {
    await session.query('CREATE TABLE events (id int PRIMARY KEY, tag int NOT NULL, note text NOT NULL)');
    await session.query('CREATE INDEX events_tag ON events (tag)');
  }

  async step(session: Session): Promise<void> {
    if (session.random.next() < 0.02) {
      await this.#read(session, false);
      return;
    }
    const id = this.#context.unique();
    const invokedAt = this.#context.nowUs();
    const { outcome } = await statement(session, 'set', async () => {
      await session.query('INSERT INTO events VALUES ($1, $2, $3)', [id, id % 17, `event ${id}`]);
    });
    this.#adds.push({ value: id, invokedAt, completedAt: this.#context.nowUs(), outcome });
  }

  async finish(session: Session): Promise<void> {
    await this.#read(session, false);
    await this.#read(session, true);
  }

  judge(): Verdict[] {
    return judgeSet(this.#adds, this.#reads);
  }

  async #read(session: Session, byIndex: boolean): Promise<void> {
    const invokedAt = this.#context.nowUs();
    await statement(session, 'set read', async () => {
      // One query per tag goes by the index, the plain one by the table.
      const values: number[] = [];
      const texts = byIndex
        ? Array.from({ length: 17 }, (_, tag) => `SELECT id FROM events WHERE tag = ${tag}`)
        : ['SELECT id FROM events'];
      for (const text of texts) for (const row of (await session.query(text)).rows) values.push(Number(row['id']));
      this.#reads.push({ values, invokedAt, completedAt: this.#context.nowUs(), byIndex, node: session.node });
    });
  }
}

export class UniqueWorkload implements Workload {
  readonly name = 'unique';
  readonly clients = 3;
  readonly #context: Context;
  readonly #attempts: ClaimAttempt[] = [];
  #owners: { name: string; owner: number }[] = [];
  #name = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  async setup(session: Session): Promise<void> {
    await session.query('CREATE TABLE claims (owner int PRIMARY KEY, name text NOT NULL UNIQUE)');
    await session.query('ALTER TABLE claims SPLIT AT VALUES (10000), (20000)');
  }

  async step(session: Session): Promise<void> {
    // The same few names are wanted by all at about the same time.
    if (session.random.next() < 0.4) this.#name++;
    const name = `name ${Math.max(0, this.#name - session.random.between(0, 2))}`;
    const owner = this.#context.unique();
    const { outcome, code } = await statement(session, 'unique', async () => {
      await session.query('INSERT INTO claims VALUES ($1, $2)', [owner, name]);
    });
    this.#attempts.push({ name, owner, outcome, taken: code === '23505' });
  }

  async finish(session: Session): Promise<void> {
    const { rows } = await session.query('SELECT owner, name FROM claims');
    this.#owners = rows.map((row) => ({ owner: Number(row['owner']), name: String(row['name']) }));
  }

  judge(): Verdict[] {
    return judgeUnique(this.#attempts, this.#owners);
  }
}

export class CounterWorkload implements Workload {
  readonly name = 'counters';
  readonly clients = 3;
  readonly #context: Context;
  readonly #increments: Increment[] = [];
  readonly #finals = new Map<number, number>();

  constructor(context: Context) {
    this.#context = context;
  }

  async setup(session: Session): Promise<void> {
    await session.query('CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL)');
    const rows = Array.from({ length: COUNTERS }, (_, id) => `(${id}, 0)`);
    await session.query(`INSERT INTO counters VALUES ${rows.join(', ')}`);
    await session.query('ALTER TABLE counters SPLIT AT VALUES (2)');
  }

  async step(session: Session): Promise<void> {
    const counter = session.random.between(0, COUNTERS - 1);
    const isRead = session.random.next() < 0.3;
    const invokedAt = this.#context.nowUs();
    let seen: number | null = null;
    const { outcome } = await statement(session, 'counter', async () => {
      const { rows } = isRead
        ? await session.query('SELECT n FROM counters WHERE id = $1', [counter])
        : await session.query('UPDATE counters SET n = n + 1 WHERE id = $1 RETURNING n', [counter]);
      seen = Number(rows[0]?.['n']);
    });
    this.#increments.push({ counter, isRead, invokedAt, completedAt: this.#context.nowUs(), outcome, seen });
  }

  async finish(session: Session): Promise<void> {
    const { rows } = await session.query('SELECT id, n FROM counters');
    for (const row of rows) this.#finals.set(Number(row['id']), Number(row['n']));
  }

  judge(): Verdict[] {
    return judgeCounters(this.#increments, this.#finals);
  }
}
