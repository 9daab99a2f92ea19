/**
 * Histories: two or three transactions at SERIALIZABLE, whose statements are taken in random turns. Of those that committed
 * there must be an order in which they give the same answers one after the other, and leave the same rows: one that keeps
 * who ended before another began. What fails inside a transaction (with savepoints around it) must fail in that order too.
 *
 * Limit: which transaction waits for which depends on time, so a seed does not always give the same history.
 */
import pg from 'pg';
import { HISTORY_ROWS, HISTORY_STATE, historySchema, historyStatement } from './history-statements.js';
import { Random } from './random.js';

const TRANSACTIONS_MAX = 3;
/** Histories on one schema. */
const PER_SCHEMA = 25;
/** A statement that has not ended by then waits for others, who go on. */
const TURN_MS = 15;
const SETTINGS =
  "set default_transaction_isolation to serializable; set client_min_messages to error; set statement_timeout to '20s'";

type Answer = { readonly rows: unknown; readonly count: number | null } | { readonly sqlstate: string };

interface Transaction {
  readonly statements: readonly string[];
  readonly client: pg.Client;
  /** Of what counts: a statement whose error a savepoint took back included. */
  readonly answers: Answer[];
  /** Statements that were sent, as they were. */
  readonly sent: string[];
  state: 'active' | 'committed' | 'aborted' | 'unknown';
  running: Promise<void> | null;
  next: number;
  beganAt: number;
  endedAt: number;
}

async function ask(client: pg.Client, text: string): Promise<Answer> {
  try {
    const { rows, rowCount } = await client.query({ text, rowMode: 'array' });
    return { rows, count: rowCount };
  } catch (error) {
    return { sqlstate: (error as { code?: string }).code ?? '08006' };
  }
}

/** Statements that no history is about. @throws Error if one fails */
async function all(client: pg.Client, statements: readonly string[]): Promise<void> {
  for (const text of statements) await client.query(text);
}

export class Histories {
  readonly #control: pg.Client;
  readonly #clients: readonly pg.Client[];
  readonly #random: Random;
  #clock = 0;
  played = 0;
  committed = 0;
  aborted = 0;

  private constructor(random: Random, control: pg.Client, clients: readonly pg.Client[]) {
    this.#random = random;
    this.#control = control;
    this.#clients = clients;
  }

  /** In turn on the servers of `urls`, whose tables p, c and q are dropped. */
  static async connect(seed: number, urls: readonly string[]): Promise<Histories> {
    const clients: pg.Client[] = [];
    for (let i = 0; i <= TRANSACTIONS_MAX; i++) {
      const client = new pg.Client({ connectionString: urls[i % urls.length]! });
      client.on('error', () => undefined);
      await client.connect();
      await client.query(SETTINGS);
      clients.push(client);
    }
    return new Histories(new Random(seed), clients[0]!, clients.slice(1));
  }

  async close(): Promise<void> {
    for (const client of [this.#control, ...this.#clients]) await client.end();
  }

  /** Null, or the history and why it is none of a serial order. */
  async play(): Promise<string | null> {
    if (this.played++ % PER_SCHEMA === 0) await all(this.#control, historySchema(this.#random));
    await this.#reset();
    const transactions = Array.from({ length: this.#random.between(2, TRANSACTIONS_MAX) }, (_, i) =>
      this.#transaction(this.#clients[i]!),
    );
    for (;;) {
      const active = transactions.filter(({ state }) => state === 'active');
      if (active.length === 0) break;
      const free = active.filter(({ running }) => running === null);
      if (free.length === 0) {
        await Promise.race(active.map(({ running }) => running));
        continue;
      }
      const chosen = this.#random.pick(free);
      chosen.running = this.#step(chosen);
      await Promise.race([chosen.running, new Promise((resolve) => setTimeout(resolve, TURN_MS))]);
    }
    const committed = transactions.filter(({ state }) => state === 'committed');
    this.committed += committed.length;
    this.aborted += transactions.length - committed.length;
    // One that may have committed or not: nothing can be said.
    if (transactions.some(({ state }) => state === 'unknown')) return null;
    const why = await this.#judge(committed, await this.#state());
    return why === null ? null : `${transactions.map(shown).join('\n')}\n${why}`;
  }

  #transaction(client: pg.Client): Transaction {
    const statements = this.#random.times(1, 4, () => historyStatement(this.#random));
    if (this.#random.chance(0.25)) {
      const at = this.#random.int(statements.length);
      const end = this.#random.pick(['rollback to s', 'rollback to s', 'release s']);
      statements.splice(at, 1, 'savepoint s', statements[at]!, end);
    }
    const begun = { state: 'active', running: null, next: -1, beganAt: 0, endedAt: Infinity } as const;
    return { ...begun, statements, client, answers: [], sent: [] };
  }

  async #step(transaction: Transaction): Promise<void> {
    const { statements, client, answers, sent } = transaction;
    const at = transaction.next++;
    const text = at < 0 ? 'begin' : (statements[at] ?? 'commit');
    // Its snapshot is of the first statement, or later.
    if (at === 0 || (at < 0 && statements.length === 0)) transaction.beganAt = ++this.#clock;
    const answer = await ask(client, text);
    sent.push(`${text} -> ${JSON.stringify(answer).slice(0, 300)}`);
    if ('sqlstate' in answer) {
      const forgiven =
        /^(?:rollback to|release) s$/.test(statements[at + 1] ?? '') && !/^40|^57014|^08/.test(answer.sqlstate);
      if (forgiven) {
        answers.push(answer);
        await ask(client, 'rollback to s');
        transaction.next++;
      } else {
        transaction.state = /^40003|^08/.test(answer.sqlstate) ? 'unknown' : 'aborted';
        await ask(client, 'rollback');
      }
    } else if (text === 'commit') {
      transaction.state = 'committed';
      transaction.endedAt = ++this.#clock;
    } else if (at >= 0) answers.push(answer);
    transaction.running = null;
  }

  async #reset(): Promise<void> {
    await all(this.#control, ['begin isolation level read committed', ...HISTORY_ROWS, 'commit']);
  }

  async #state(): Promise<string> {
    const found: unknown[] = [];
    for (const text of HISTORY_STATE) found.push((await this.#control.query({ text, rowMode: 'array' })).rows);
    return JSON.stringify(found);
  }

  /** Null if some order explains what was seen; else why each does not. */
  async #judge(committed: readonly Transaction[], state: string): Promise<string | null> {
    const reasons: string[] = [];
    for (const order of permutations(committed)) {
      if (order.some((one, i) => order.slice(i + 1).some((later) => later.endedAt < one.beganAt))) continue;
      const reason = await this.#replay(order, state);
      if (reason === null) return null;
      reasons.push(`  ${order.map((one) => committed.indexOf(one)).join(', ')}: ${reason}`);
    }
    return reasons.join('\n');
  }

  async #replay(order: readonly Transaction[], state: string): Promise<string | null> {
    await this.#reset();
    for (const { statements, answers } of order) {
      await this.#control.query('begin');
      let given = 0;
      for (let at = 0; at < statements.length; at++) {
        const answer = await ask(this.#control, statements[at]!);
        const before = answers[given++];
        if (JSON.stringify(answer) !== JSON.stringify(before)) {
          await ask(this.#control, 'rollback');
          const [now, then] = [answer, before].map((one) => JSON.stringify(one)?.slice(0, 300));
          return `${statements[at]} gives ${now}, gave ${then}`;
        }
        if ('sqlstate' in answer) {
          await ask(this.#control, 'rollback to s');
          at++;
        }
      }
      const ended = await ask(this.#control, 'commit');
      if ('sqlstate' in ended) return `commit gives ${ended.sqlstate}`;
    }
    const now = await this.#state();
    return now === state ? null : `leaves ${now.slice(0, 600)}, left ${state.slice(0, 600)}`;
  }
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}

function shown({ state, sent }: Transaction, index: number): string {
  return [`transaction ${index}: ${state}`, ...sent.map((line) => `  ${line}`)].join('\n');
}
