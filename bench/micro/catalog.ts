/**
 * How long the questions that tools ask of the catalogs take in a database of many tables: psql's \d, pg_dump,
 * and what ORMs read to learn a schema. A session in this process over keys in memory, whose rows are
 * encoded for the wire and thrown away: what is measured is the work of a server from a statement's text to its answer's bytes. Prints for each query, in milliseconds: the very first time in the process;
 * the mean when its text is new, so that it is planned anew; the least time when it is asked again, and the mean; the mean
 * right after a change of a table, when whatever was kept of the catalog is out of date. Marks means over the 20 ms that are the aim with 500 tables. Means and first times are
 * of the main thread's time on a processor where the system tells it (Linux), so that what else runs on the machine
 * does not count, the others of the clock:
 * node dist/bench/bench/micro/catalog.js [tables] [repetitions] [part of the queries' names]
 */
import { existsSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { startServer } from '../../test/sql/support/server.js';
import { catalogQueries } from './catalog-queries.js';
import { WireClient } from './wire-client.js';

const TABLES = Number(process.argv[2] ?? 500);
const REPETITIONS = Number(process.argv[3] ?? 9);
const WANTED = process.argv[4] ?? '';
const AIM_MS = 20;
/** Of all queries, after the very first time. */
const WARM_UPS = 3;

/** In one transaction: then no table of it waits for a schema lock. */
async function makeTables(client: WireClient): Promise<void> {
  await client.query('BEGIN');
  for (let i = 0; i < TABLES; i++) {
    const parent = i === 0 ? '' : `, parent bigint REFERENCES t${Math.floor((i - 1) / 2)} (id)`;
    await client.query(`CREATE TABLE t${i} (id bigserial PRIMARY KEY, name text NOT NULL, email varchar(100) UNIQUE,
      amount numeric(10,2) DEFAULT 0 CHECK (amount >= 0), made timestamptz DEFAULT now(), note jsonb${parent});
      CREATE INDEX ON t${i} (name)`);
  }
  await client.query('COMMIT');
}

const QUERIES = Object.entries(catalogQueries(`t${Math.floor(TABLES / 2)}`)).filter(([name]) => name.includes(WANTED));

const MAIN_THREAD = '/proc/self/schedstat';
const measured = existsSync(MAIN_THREAD);

/** Milliseconds since some moment: of work where that is known, else by the clock. */
function spent(): number {
  return measured ? Number(readFileSync(MAIN_THREAD, 'latin1').split(' ')[0]) / 1e6 : performance.now();
}

async function timed(client: WireClient, sql: string): Promise<{ ms: number; spent: number; rows: number }> {
  const [started, before] = [performance.now(), spent()];
  const rows = await client.query(sql);
  return { ms: performance.now() - started, spent: spent() - before, rows };
}

function meanOf(times: readonly number[]): number {
  return times.reduce((sum, ms) => sum + ms, 0) / times.length;
}

const cell = (text: string): string => text.padStart(8);

let changes = 0;

interface Measured {
  readonly first: number;
  readonly fresh: number;
  readonly least: number;
  readonly mean: number;
  readonly changed: number;
  readonly rows: number;
}

async function measure(client: WireClient, sql: string, first: number): Promise<Measured> {
  const fresh: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) fresh.push((await timed(client, `${sql} -- ${i}`)).spent);
  const again: number[] = [];
  const mean: number[] = [];
  const changed: number[] = [];
  let { rows } = await timed(client, sql);
  for (let i = 0; i < REPETITIONS; i++) {
    const one = await timed(client, sql);
    again.push(one.ms);
    mean.push(one.spent);
  }
  for (let i = 0; i < REPETITIONS; i++) {
    await client.query(`COMMENT ON TABLE t${TABLES - 1} IS '${changes++}'`);
    const one = await timed(client, sql);
    changed.push(one.spent);
    rows = one.rows;
  }
  return { first, fresh: meanOf(fresh), least: Math.min(...again), mean: meanOf(mean), changed: meanOf(changed), rows };
}

const server = await startServer();
try {
  const client = await WireClient.open(server);
  const began = performance.now();
  await makeTables(client);
  process.stdout.write(`${TABLES} tables in ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  const heads = ['first', 'new', 'least', 'mean', 'changed', 'rows'];
  process.stdout.write(`${'ms'.padEnd(34)} ${heads.map(cell).join(' ')}\n`);
  // A server has long been warm when a tool asks it.
  const firsts: number[] = [];
  for (const [, sql] of QUERIES) firsts.push((await timed(client, sql)).spent);
  for (let i = 0; i < WARM_UPS; i++) for (const [, sql] of QUERIES) await client.query(`${sql} -- warm ${i}`);
  let over = 0;
  for (const [at, [name, sql]] of QUERIES.entries()) {
    const { first, fresh, least, mean, changed, rows } = await measure(client, sql, firsts[at]!);
    const mark = fresh > AIM_MS || mean > AIM_MS || changed > AIM_MS ? ' over' : '';
    if (mark !== '') over++;
    const cells = [first, fresh, least, mean, changed].map((ms) => cell(ms.toFixed(1))).join(' ');
    process.stdout.write(`${name.padEnd(34)} ${cells} ${cell(String(rows))}${mark}\n`);
  }
  process.stdout.write(`${over} of ${QUERIES.length} over ${AIM_MS} ms\n`);
} finally {
  await server.close();
}
