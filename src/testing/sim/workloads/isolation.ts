/**
 * Transactions over lists and registers that only grow, for Elle's method: lists are text columns to
 * which each transaction appends a number of its own, registers take numbers that nobody else writes.
 * The table is split into ranges, so most transactions commit over several of them; a few keys at a
 * time are hot, and are left behind when their lists have grown.
 */
import type { SimRandom } from '../../../env/sim/random.js';
import { checkListAppend } from '../../judges/elle-list.js';
import { checkRegisters } from '../../judges/elle-register.js';
import type { IsolationLevel, Verdict } from '../../judges/history.js';
import { HistoryRecorder, type RecordedTransaction } from '../../judges/recorder.js';
import type { SimClient } from '../client.js';
import type { SimSession } from '../session.js';
import { byKey, readHealed, type Workload } from '../workload.js';

const HOT_KEYS = 5;
/** Appends and writes after which a hot key is left for a new one. */
const WRITES_PER_KEY = 14;
/** Keys run through this many ranges in turn. */
const RANGES = 4;
const STRIDE = 1000;
/** Processes of this number and above are the undone parts of others' transactions. */
const GHOSTS = 500_000;

export interface IsolationOptions {
  readonly nowUs: () => number;
  readonly random: SimRandom;
  readonly realTime: 'per-key' | 'none';
  /** Nothing is done to this run: waiting can be judged as well. */
  readonly calm: boolean;
}

abstract class Histories implements Workload {
  abstract readonly name: string;
  protected readonly recorder: HistoryRecorder;
  protected readonly options: IsolationOptions;
  readonly #writes = new Map<number, number>();
  readonly #hot: number[] = [];
  #nextKey = 0;
  protected nextValue = 1;

  constructor(options: IsolationOptions) {
    this.options = options;
    this.recorder = new HistoryRecorder({ nowUs: options.nowUs });
    for (let i = 0; i < HOT_KEYS; i++) this.#hot.push(this.#newKey());
  }

  abstract setup(): readonly string[];
  abstract finish(session: SimSession): Promise<void>;
  abstract judge(): readonly Verdict[];
  protected abstract operation(client: SimClient, txn: RecordedTransaction, random: SimRandom): Promise<void>;
  protected abstract write(client: SimClient, txn: RecordedTransaction, key: number): Promise<void>;

  async step(session: SimSession, process: number): Promise<void> {
    const { random } = session;
    const level = pickLevel(random);
    await session.connection();
    const txn = this.recorder.begin({ process, level, node: session.node });
    const operations = 1 + random.int(4);
    const { outcome, error } = await session.transaction(level, async (client) => {
      for (let i = 0; i < operations; i++) {
        if (random.chance(0.08)) await this.#undone(client, level, process, random);
        await this.operation(client, txn, random);
        if (random.chance(0.1)) await session.sleep(random.int(200_000));
      }
    });
    const text = error === null ? undefined : `${error.code} ${error.message}`;
    if (outcome === 'done') txn.done();
    else if (outcome === 'failed') txn.failed(text);
    else txn.unknown(text);
  }

  /** Writes that are rolled back to a savepoint: who reads them has read what nobody committed. */
  async #undone(client: SimClient, level: IsolationLevel, process: number, random: SimRandom): Promise<void> {
    const undone = this.recorder.begin({ process: GHOSTS + process, level, node: 'savepoint' });
    try {
      await client.query('SAVEPOINT s');
      for (let i = random.int(2); i >= 0; i--) await this.write(client, undone, this.pickKey(random));
      await client.query('ROLLBACK TO SAVEPOINT s');
    } finally {
      undone.failed('rolled back to a savepoint');
    }
  }

  /** All keys in use: they are in several ranges. */
  protected get hot(): readonly number[] {
    return [...new Set(this.#hot)].sort((a, b) => a - b);
  }

  protected pickKey(random: SimRandom): number {
    return this.#hot[random.int(HOT_KEYS)]!;
  }

  /** Notes a write and retires a key that had enough of them. */
  protected wrote(key: number): void {
    const writes = (this.#writes.get(key) ?? 0) + 1;
    this.#writes.set(key, writes);
    if (writes < WRITES_PER_KEY) return;
    const at = this.#hot.indexOf(key);
    if (at >= 0) this.#hot[at] = this.#newKey();
  }

  #newKey(): number {
    const n = this.#nextKey++;
    return (n % RANGES) * STRIDE + Math.floor(n / RANGES);
  }
}

function pickLevel(random: SimRandom): IsolationLevel {
  const draw = random.next();
  if (draw < 0.7) return 'serializable';
  return draw < 0.85 ? 'repeatable read' : 'read committed';
}

function splits(table: string): string {
  const points = Array.from({ length: RANGES - 1 }, (_, i) => `(${(i + 1) * STRIDE})`);
  return `ALTER TABLE ${table} SPLIT AT VALUES ${points.join(', ')}`;
}

export class ListWorkload extends Histories {
  readonly name = 'lists';

  setup(): readonly string[] {
    return ['CREATE TABLE lists (k int PRIMARY KEY, v text NOT NULL)', splits('lists')];
  }

  protected async operation(client: SimClient, txn: RecordedTransaction, random: SimRandom): Promise<void> {
    const key = this.pickKey(random);
    const draw = random.next();
    if (draw < 0.45) {
      const suffix = random.chance(0.15) ? ' FOR UPDATE' : '';
      const { rows } = await client.query(`SELECT v FROM lists WHERE k = $1${suffix}`, [key]);
      txn.readList(key, parseList(rows[0]?.[0] ?? null));
    } else if (draw < 0.55) {
      // A span: rows that come into being in it are phantoms.
      const { rows } = await client.query('SELECT k, v FROM lists WHERE k >= $1 AND k < $2 ORDER BY k', [key, key + 3]);
      const found = byKey(rows);
      for (let k = key; k < key + 3; k++) txn.readList(k, parseList(found.get(k) ?? null));
    } else if (draw < 0.62) await this.#readAll(client, txn);
    else if (draw < 0.66) await this.#appendToAll(client, txn);
    else if (draw < 0.72) await this.#appendIfThere(client, txn, key, this.pickKey(random));
    else await this.write(client, txn, key);
  }

  protected async write(client: SimClient, txn: RecordedTransaction, key: number): Promise<void> {
    const value = this.nextValue++;
    txn.append(key, value);
    this.wrote(key);
    await client.query(
      `INSERT INTO lists (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = lists.v || ',' || excluded.v`,
      [key, value],
    );
  }

  /** One statement over several ranges. */
  async #readAll(client: SimClient, txn: RecordedTransaction): Promise<void> {
    const keys = this.hot;
    const { rows } = await client.query(`SELECT k, v FROM lists WHERE k IN (${keys.join(', ')})`);
    const found = byKey(rows);
    for (const k of keys) txn.readList(k, parseList(found.get(k) ?? null));
  }

  /** Reads one key without a lock and writes another: a statement that may have to be run again. */
  async #appendIfThere(client: SimClient, txn: RecordedTransaction, key: number, other: number): Promise<void> {
    const value = this.nextValue++;
    const { rows } = await client.query(
      `INSERT INTO lists (k, v) SELECT ${key}, '${value}' FROM lists WHERE k = ${other} ` +
        `ON CONFLICT (k) DO UPDATE SET v = lists.v || ',' || excluded.v RETURNING k`,
    );
    if (rows.length === 0) return;
    txn.append(key, value);
    this.wrote(key);
  }

  async #appendToAll(client: SimClient, txn: RecordedTransaction): Promise<void> {
    const value = this.nextValue++;
    const text = `UPDATE lists SET v = v || ',${value}' WHERE k IN (${this.hot.join(', ')}) RETURNING k`;
    // A client that does not come as far as here has not asked for the commit.
    for (const [k] of (await client.query(text)).rows) {
      txn.append(Number(k), value);
      this.wrote(Number(k));
    }
  }

  async finish(session: SimSession): Promise<void> {
    await session.connection();
    const txn = this.recorder.begin({ process: 1_000_000, level: 'serializable', readOnly: true, node: 'end' });
    const rows = await readHealed(session, 'SELECT k, v FROM lists ORDER BY k');
    for (const [k, v] of rows) txn.readList(Number(k), parseList(v ?? null));
    txn.done();
  }

  judge(): readonly Verdict[] {
    return [checkListAppend(this.recorder.history(), { realTime: this.options.realTime })];
  }
}

function parseList(text: string | null): number[] {
  return text === null || text === '' ? [] : text.split(',').map(Number);
}

export class RegisterWorkload extends Histories {
  readonly name = 'registers';

  setup(): readonly string[] {
    return ['CREATE TABLE registers (k int PRIMARY KEY, v int NOT NULL)', splits('registers')];
  }

  protected async operation(client: SimClient, txn: RecordedTransaction, random: SimRandom): Promise<void> {
    const key = this.pickKey(random);
    if (random.chance(0.5)) {
      const { rows } = await client.query('SELECT v FROM registers WHERE k = $1', [key]);
      txn.read(key, rows.length === 0 ? null : Number(rows[0]![0]));
      return;
    }
    await this.write(client, txn, key);
  }

  protected async write(client: SimClient, txn: RecordedTransaction, key: number): Promise<void> {
    const value = this.nextValue++;
    txn.write(key, value);
    this.wrote(key);
    await client.query('INSERT INTO registers (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v', [
      key,
      value,
    ]);
  }

  async finish(session: SimSession): Promise<void> {
    await session.connection();
    const txn = this.recorder.begin({ process: 1_000_000, level: 'serializable', readOnly: true, node: 'end' });
    for (const [k, v] of await readHealed(session, 'SELECT k, v FROM registers ORDER BY k')) {
      txn.read(Number(k), Number(v));
    }
    txn.done();
  }

  judge(): readonly Verdict[] {
    return [checkRegisters(this.recorder.history(), { realTime: this.options.realTime })];
  }
}
