/**
 * Load with a conscience: TPC-B transactions by node-postgres, each with a unique id in a table of
 * its own, and a record of what the server answered. An acknowledged id must be there for ever; one
 * that was refused must not; one whose commit got no answer, or 40003, may be either.
 */
import pg from 'pg';

export const LOG_TABLE = 'CREATE TABLE acknowledged (id text PRIMARY KEY, delta int NOT NULL)';

/** Errors that a client of a cluster with dying nodes has to expect; anything else is a bug. */
const EXPECTED_CODES: ReadonlySet<string> = new Set([
  '40001',
  '40P01',
  '40003',
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08001',
  '08003',
  '08006',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'CONNECTION',
]);

export interface LoadOptions {
  /** SQL URLs by node id. */
  readonly urls: ReadonlyMap<number, string>;
  readonly workersPerNode: number;
  readonly scale: number;
}

interface Worker {
  readonly name: string;
  readonly nodeId: number;
  readonly url: string;
  client: pg.Client | null;
  /** When the newest acknowledged transaction had begun. */
  lastBegunMs: number;
}

export class AccountedLoad {
  readonly acknowledged = new Map<string, number>();
  readonly ambiguous = new Set<string>();
  readonly refused = new Set<string>();
  /** How often each error came. */
  readonly errors = new Map<string, number>();
  readonly #options: LoadOptions;
  readonly #workers: Worker[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly #unexpected: Error[] = [];
  #stopping = false;

  constructor(options: LoadOptions, run: string) {
    this.#options = options;
    for (const [nodeId, url] of options.urls) {
      for (let i = 0; i < options.workersPerNode; i++) {
        this.#workers.push({
          name: `${run}-n${nodeId}w${i}`,
          nodeId,
          url,
          client: null,
          lastBegunMs: 0,
        });
      }
    }
  }

  start(): void {
    for (const worker of this.#workers) this.#loops.push(this.#loop(worker));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
    for (const worker of this.#workers) await worker.client?.end();
    if (this.#unexpected.length > 0) {
      throw new AggregateError(
        this.#unexpected,
        `${this.#unexpected.length} unexpected errors, first: ${this.#unexpected[0]?.message ?? ''}`,
      );
    }
  }

  /** Ends without waiting for answers. */
  abandon(): void {
    this.#stopping = true;
    for (const worker of this.#workers) worker.client?.connection.stream.destroy();
  }

  /** The slowest worker of the nodes has finished a transaction that it began after `sinceMs`. */
  servedSince(nodeIds: readonly number[], sinceMs: number): boolean {
    if (this.#unexpected.length > 0) throw this.#unexpected[0] as Error;
    return this.#workers.every((worker) => !nodeIds.includes(worker.nodeId) || worker.lastBegunMs > sinceMs);
  }

  /** Names of the workers that are still waiting, for a failure's message. */
  waitingSince(nodeIds: readonly number[], sinceMs: number): string[] {
    return this.#workers
      .filter((worker) => nodeIds.includes(worker.nodeId) && worker.lastBegunMs <= sinceMs)
      .map((worker) => worker.name);
  }

  async #loop(worker: Worker): Promise<void> {
    for (let n = 0; !this.#stopping; n++) {
      try {
        worker.client ??= await this.#connect(worker.url);
        await this.#transaction(worker, worker.client, `${worker.name}-${n}`);
      } catch (error) {
        this.#note(worker, error);
        await new Promise((wake) => setTimeout(wake, 50));
      }
    }
  }

  async #connect(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    // What the server says before it closes a connection that waits for nothing.
    client.on('error', (error) => this.#count(codeOf(error)));
    await client.connect();
    return client;
  }

  async #transaction(worker: Worker, client: pg.Client, id: string): Promise<void> {
    const { scale } = this.#options;
    const random = (n: number): number => 1 + Math.floor(Math.random() * n);
    const delta = random(10_000) - 5_000;
    const account = random(100_000 * scale);
    const teller = random(10 * scale);
    const branch = random(scale);
    const begunMs = performance.now();
    let commitSent = false;
    try {
      await client.query('BEGIN');
      await client.query('UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2', [delta, account]);
      await client.query('SELECT abalance FROM pgbench_accounts WHERE aid = $1', [account]);
      await client.query('INSERT INTO acknowledged (id, delta) VALUES ($1, $2)', [id, delta]);
      await client.query('UPDATE pgbench_tellers SET tbalance = tbalance + $1 WHERE tid = $2', [delta, teller]);
      await client.query('UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2', [delta, branch]);
      await client.query(
        'INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP)',
        [teller, branch, account, delta],
      );
      commitSent = true;
      const answer = await client.query('COMMIT');
      if (answer.command !== 'COMMIT') throw new Error(`COMMIT was answered with ${answer.command}`);
    } catch (error) {
      const code = codeOf(error);
      const unknown = commitSent && (code === '40003' || isConnectionLoss(code));
      (unknown ? this.ambiguous : this.refused).add(id);
      throw error;
    }
    this.acknowledged.set(id, delta);
    worker.lastBegunMs = begunMs;
  }

  #count(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  #note(worker: Worker, error: unknown): void {
    const code = codeOf(error);
    this.#count(code);
    if (!EXPECTED_CODES.has(code)) {
      this.#unexpected.push(
        new Error(`${worker.name}: ${code}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        }),
      );
    }
    const client = worker.client;
    if (client === null) return;
    if (isConnectionLoss(code)) {
      worker.client = null;
      client.end().catch(() => undefined);
      return;
    }
    // A failed transaction block stays open until the client ends it.
    client.query('ROLLBACK').catch(() => {
      worker.client = null;
    });
  }
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // node-postgres gives its own losses of a connection no code.
  return /^Connection terminated|^timeout expired|not queryable|^Client was closed/.test(error.message)
    ? 'CONNECTION'
    : 'unknown';
}

function isConnectionLoss(code: string): boolean {
  return code === 'CONNECTION' || code.startsWith('E') || code.startsWith('08') || code.startsWith('57P');
}

/** What differs between the server's table and what it answered; empty when nothing does. */
export function discrepancies(load: AccountedLoad, rows: readonly Record<string, unknown>[]): string[] {
  const found = new Map(rows.map((row) => [String(row['id']), Number(row['delta'])]));
  const problems: string[] = [];
  for (const [id, delta] of load.acknowledged) {
    if (!found.has(id)) problems.push(`${id} was acknowledged and is missing`);
    else if (found.get(id) !== delta) problems.push(`${id} has delta ${found.get(id)}, not ${delta}`);
  }
  for (const id of load.refused) if (found.has(id)) problems.push(`${id} was refused and is there`);
  for (const id of found.keys()) {
    if (!load.acknowledged.has(id) && !load.ambiguous.has(id) && !load.refused.has(id))
      problems.push(`${id} was never sent`);
  }
  return problems;
}
