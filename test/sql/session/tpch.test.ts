/**
 * TPC-H's 22 queries at a small scale, answered as by PostgreSQL 15 on the same rows (test/scripts/tpch/answers.out).
 * Where the validation's parameters select nothing of so few rows, others are put in their place.
 *
 * With QUORAL_ORACLE=host:port (user postgres; PGPASSWORD as for psql) UPDATE_SCRIPTS=1 records the answers anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Client as WireClient } from '../../../bench/client.js';
import { TpchData } from '../../../bench/tpch/generate.js';
import { tpchQueries, type TpchQuery } from '../../../bench/tpch/queries.js';
import { TPCH_TABLES } from '../../../bench/tpch/schema.js';
import { Client, startServer } from '../support/server.js';

const SCALE = 0.001;
const ORACLE = process.env['QUORAL_ORACLE'];
const DATABASE = 'quoral_tpch';
const ANSWERS = new URL('../../scripts/tpch/answers.out', import.meta.url);

/** By number of the query: what is written instead of what. */
const PARAMETERS: Readonly<Record<number, readonly (readonly [from: string, to: string])[]>> = {
  2: [
    ['p_size = 15', 'p_size > 15'],
    ["'EUROPE'", "'ASIA'"],
  ],
  7: [
    ["'FRANCE'", "'CHINA'"],
    ["'GERMANY'", "'INDIA'"],
  ],
  8: [
    ["p_type = 'ECONOMY ANODIZED STEEL'", "p_type LIKE 'ECONOMY%'"],
    ["'BRAZIL'", "'CHINA'"],
  ],
  11: [
    ["'GERMANY'", "'CHINA'"],
    ['* 0.1000000000', '* 0.0200000000'],
  ],
  17: [
    ["p_brand = 'Brand#23'", "p_brand LIKE 'Brand#2%'"],
    ["p_container = 'MED BOX'", "p_container LIKE 'MED%'"],
  ],
  18: [['> 300', '> 230']],
  19: [
    ["p_brand = 'Brand#12' AND", ''],
    ["'AIR REG'", "'REG AIR'"],
  ],
  20: [["'forest%'", "'%forest%'"]],
  21: [["'SAUDI ARABIA'", "'CHINA'"]],
};

function queries(): readonly TpchQuery[] {
  return tpchQueries(SCALE).map((query) => {
    let { sql } = query;
    for (const [from, to] of PARAMETERS[query.number] ?? []) {
      expect(sql).toContain(from);
      sql = sql.replaceAll(from, to);
    }
    return { ...query, sql };
  });
}

type Rows = readonly (readonly (string | null)[])[];

function answerText({ number, title }: TpchQuery, rows: Rows): string {
  const lines = rows.map((row) => row.map((value) => value ?? 'NULL').join('|'));
  return `${[`-- ${number}: ${title}`, ...lines].join('\n')}\n\n`;
}

async function recorded(oracle: string): Promise<string> {
  const url = `postgresql://postgres:${process.env['PGPASSWORD'] ?? ''}@${oracle}`;
  const admin = await WireClient.connect(`${url}/postgres`);
  await admin.query(`DROP DATABASE IF EXISTS ${DATABASE}`);
  await admin.query(`CREATE DATABASE ${DATABASE}`);
  const client = await WireClient.connect(`${url}/${DATABASE}`);
  const data = new TpchData(SCALE);
  let text = '';
  for (const [name, columns] of TPCH_TABLES) {
    await client.query(`CREATE TABLE ${name} (${columns})`);
    await client.copyIn(`COPY ${name} FROM STDIN`, data.chunks(name));
  }
  for (const query of queries()) {
    if (query.before !== undefined) await client.query(query.before);
    text += answerText(query, (await client.query(query.sql)).rows);
  }
  client.close();
  await admin.query(`DROP DATABASE ${DATABASE} WITH (FORCE)`);
  admin.close();
  return text;
}

it('answers every query as PostgreSQL does', async () => {
  if (ORACLE !== undefined && process.env['UPDATE_SCRIPTS'] === '1') writeFileSync(ANSWERS, await recorded(ORACLE));
  const expected = readFileSync(ANSWERS, 'utf8').split(/^(?=-- )/m);
  expect(expected).toHaveLength(22);
  for (const answer of expected) expect(answer, 'an answer without rows says little').toMatch(/\n(?!NULL)./);
  const c = await Client.open(await startServer());
  const data = new TpchData(SCALE);
  for (const [name, columns] of TPCH_TABLES) {
    await c.all(`CREATE TABLE ${name} (${columns})`);
    await c.all(`COPY ${name} FROM STDIN`, [...data.chunks(name)]);
  }
  for (const [i, query] of queries().entries()) {
    if (query.before !== undefined) await c.all(query.before);
    expect(answerText(query, await c.rows(query.sql))).toBe(expected[i]);
  }
});
