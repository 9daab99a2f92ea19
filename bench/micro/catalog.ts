/**
 * How long the questions that tools ask of the catalogs take in a database of many tables: psql's \d, pg_dump,
 * and what ORMs read to learn a schema. A session in this process over keys in memory: what
 * is measured is the work of the SQL layer. Prints for each query, in milliseconds, the least and the median time
 * when it is asked again, and the median right after a change of a table, when whatever was kept of the catalog is
 * out of date; and marks what is over the 20 ms that are the aim with 500 tables:
 * node dist/bench/bench/micro/catalog.js [tables] [repetitions]
 */
import { performance } from 'node:perf_hooks';
import { Client, startServer } from '../../test/sql/support/server.js';
import { catalogQueries } from './catalog-queries.js';

const TABLES = Number(process.argv[2] ?? 500);
const REPETITIONS = Number(process.argv[3] ?? 9);
const AIM_MS = 20;

/** In one transaction: then no table of it waits for a schema lock. */
async function makeTables(client: Client): Promise<void> {
  await client.query('BEGIN');
  for (let i = 0; i < TABLES; i++) {
    const parent = i === 0 ? '' : `, parent bigint REFERENCES t${Math.floor((i - 1) / 2)} (id)`;
    await client.query(`CREATE TABLE t${i} (id bigserial PRIMARY KEY, name text NOT NULL, email varchar(100) UNIQUE,
      amount numeric(10,2) DEFAULT 0 CHECK (amount >= 0), made timestamptz DEFAULT now(), note jsonb${parent});
      CREATE INDEX ON t${i} (name)`);
  }
  await client.query('COMMIT');
}

const QUERIES = catalogQueries(`t${Math.floor(TABLES / 2)}`);

async function timed(client: Client, sql: string): Promise<{ ms: number; rows: number }> {
  const started = performance.now();
  const { rows } = await client.query(sql);
  return { ms: performance.now() - started, rows: rows.length };
}

function medianOf(times: number[]): number {
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

const cell = (text: string): string => text.padStart(8);

const server = await startServer();
try {
  const client = await Client.open(server);
  const began = performance.now();
  await makeTables(client);
  process.stdout.write(`${TABLES} tables in ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  process.stdout.write(`${'ms'.padEnd(30)} ${['least', 'median', 'changed', 'rows'].map(cell).join(' ')}\n`);
  let over = 0;
  let changes = 0;
  for (const [name, sql] of Object.entries(QUERIES)) {
    const again: number[] = [];
    const changed: number[] = [];
    let { rows } = await timed(client, sql);
    for (let i = 0; i < REPETITIONS; i++) again.push((await timed(client, sql)).ms);
    for (let i = 0; i < REPETITIONS; i++) {
      await client.query(`COMMENT ON TABLE t${TABLES - 1} IS '${changes++}'`);
      const first = await timed(client, sql);
      changed.push(first.ms);
      rows = first.rows;
    }
    const [median, after] = [medianOf(again), medianOf(changed)];
    const mark = median > AIM_MS || after > AIM_MS ? ' over' : '';
    if (mark !== '') over++;
    const cells = [again[0]!, median, after].map((ms) => cell(ms.toFixed(1))).join(' ');
    process.stdout.write(`${name.padEnd(30)} ${cells} ${cell(String(rows))}${mark}\n`);
  }
  process.stdout.write(`${over} of ${Object.keys(QUERIES).length} over ${AIM_MS} ms\n`);
} finally {
  await server.close();
}
