/** What a workload is, and what it gets. */
import { type Client, type Parameter, type Result, ServerError } from './client.js';
import type { Random } from './random.js';

export interface WorkloadOptions {
  /** Percentage of reads (kv). */
  readonly read: number;
  /** Size of the data: keys of kv, scale of tpcb, accounts of bank, warehouses of tpcc, rows of copy. */
  readonly size: number | null;
  /** Ranges that tables are split into. */
  readonly ranges: number;
  readonly seconds: number;
  /** Process ids of the cluster, for the idle workload. */
  readonly processIds: readonly number[];
}

/** One connection's worth of load. */
export interface Worker {
  readonly client: Client;
  readonly random: Random;
  readonly index: number;
  /** Counts a whole transaction that was run again (40001, 40P01). */
  countRetry(): void;
}

export interface Workload {
  readonly name: string;
  /** Makes and fills the tables. */
  setup(client: Client, options: WorkloadOptions): Promise<void>;
  /** One unit of work; resolves with its kind, for the histogram, and how many rows it stands for. */
  transaction(worker: Worker, options: WorkloadOptions): Promise<{ readonly kind: string; readonly count?: number }>;
  /** What is wrong with the data afterwards; empty when all is well. */
  check(client: Client, options: WorkloadOptions): Promise<string[]>;
  /** What `count` counts; transactions unless said otherwise. */
  readonly unit?: string;
}

const RETRYABLE = new Set(['40001', '40P01']);
const ATTEMPTS_MAX = 50;

/** Runs `body` between BEGIN and COMMIT, again from the start when the server asks for it. */
export async function inTransaction<T>(worker: Worker, body: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      await worker.client.run('BEGIN');
      const value = await body();
      await worker.client.run('COMMIT');
      return value;
    } catch (error) {
      if (worker.client.inTransaction && !worker.client.lost) await worker.client.query('ROLLBACK');
      if (!(error instanceof ServerError) || !RETRYABLE.has(error.sqlstate) || attempt === ATTEMPTS_MAX) throw error;
      worker.countRetry();
    }
  }
}

/** A single statement, again when the server asks for it. */
export async function retried(worker: Worker, sql: string, parameters: readonly Parameter[]): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await worker.client.run(sql, parameters);
    } catch (error) {
      if (!(error instanceof ServerError) || !RETRYABLE.has(error.sqlstate) || attempt === ATTEMPTS_MAX) throw error;
      worker.countRetry();
    }
  }
}

/** COPY text in chunks of about 64 KB. */
export function* copyChunks(rows: number, row: (index: number) => string): Iterable<string> {
  let chunk = '';
  for (let i = 0; i < rows; i++) {
    chunk += row(i);
    if (chunk.length > 64_000) {
      yield chunk;
      chunk = '';
    }
  }
  if (chunk !== '') yield chunk;
}

/** A single number out of a query. */
export async function scalar(client: Client, sql: string): Promise<number> {
  const { rows } = await client.run(sql);
  return Number(rows[0]?.[0] ?? 0);
}

/**
 * Splits a table at `count - 1` evenly spaced integer keys. PostgreSQL, against which the same
 * workloads can run, has no such statement; it says 42601 and has one "range".
 */
export async function splitEvenly(client: Client, table: string, size: number, count: number): Promise<void> {
  if (count < 2) return;
  const points = Array.from({ length: count - 1 }, (_, i) => `(${Math.floor((size * (i + 1)) / count)})`);
  try {
    await client.query(`ALTER TABLE ${table} SPLIT AT VALUES ${points.join(', ')}`);
  } catch (error) {
    if (!(error instanceof ServerError) || error.sqlstate !== '42601') throw error;
  }
}
