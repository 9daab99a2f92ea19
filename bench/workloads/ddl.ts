/**
 * Schema changes, one at a time on one connection: what a test suite or a migration waits for. Every step makes
 * objects of new names, and takes away (not measured) what the next time would be in the way of.
 */
import type { Client } from '../client.js';
import type { Step, StepList } from '../side-by-side.js';

const SCHEMA = 'bench_ddl';
const MIGRATION_TABLES = 50;
/** A migration is long enough for a few to say something. */
const MIGRATION_TIMES = 5;
const COLUMNS = 'name text NOT NULL, amount numeric(12,2), made timestamptz DEFAULT now()';

function table(time: number): string {
  return `${SCHEMA}.t${time}`;
}

/** A statement that makes something, which is dropped afterwards. */
function making(name: string, sql: (time: number) => string, drop: (time: number) => string): Step {
  return {
    name,
    run: async (client, time) => (await client.query(sql(time))).rows,
    finish: async (client, time) => void (await client.query(drop(time))),
  };
}

function makingTable(name: string, columns: string): Step {
  return making(
    name,
    (time) => `CREATE TABLE ${table(time)} (${columns})`,
    (time) => `DROP TABLE ${table(time)}`,
  );
}

/** A statement on an empty table with a primary key, made for it before. */
function onTable(name: string, sql: (time: number) => string, remains: boolean): Step {
  return {
    name,
    prepare: async (client, time) =>
      void (await client.query(`CREATE TABLE ${table(time)} (id bigint PRIMARY KEY, ${COLUMNS})`)),
    run: async (client, time) => (await client.query(sql(time))).rows,
    finish: async (client, time) => {
      if (remains) await client.query(`DROP TABLE ${table(time)}`);
    },
  };
}

function migration(): readonly string[] {
  const statements: string[] = [];
  for (let i = 0; i < MIGRATION_TABLES; i++) {
    const parent = i === 0 ? '' : `, parent bigint REFERENCES ${SCHEMA}.m${i - 1}`;
    const columns = `id bigint PRIMARY KEY, code text UNIQUE, ${COLUMNS}${parent}`;
    statements.push(`CREATE TABLE ${SCHEMA}.m${i} (${columns})`);
    if (i % 5 === 0) statements.push(`CREATE INDEX ON ${SCHEMA}.m${i} (made)`);
  }
  return statements;
}

async function dropMigration(client: Client): Promise<void> {
  const names = Array.from({ length: MIGRATION_TABLES }, (_, i) => `${SCHEMA}.m${i}`);
  await client.query(`DROP TABLE ${names.join(', ')}`);
}

function migrating(name: string, inOneTransaction: boolean): Step {
  return {
    name,
    times: MIGRATION_TIMES,
    run: async (client) => {
      if (inOneTransaction) await client.query('BEGIN');
      for (const statement of migration()) await client.query(statement);
      if (inOneTransaction) await client.query('COMMIT');
      return [];
    },
    finish: dropMigration,
  };
}

export const ddl: StepList = {
  name: 'ddl',
  runs: 30,

  async setup(client) {
    await client.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`);
    await client.query(`CREATE SCHEMA ${SCHEMA}`);
    await client.query(`CREATE TABLE ${SCHEMA}.parent (id bigint PRIMARY KEY, code text UNIQUE)`);
  },

  steps: () => [
    makingTable('CREATE TABLE', `id bigint, ${COLUMNS}`),
    makingTable('CREATE TABLE, primary key', `id bigint PRIMARY KEY, ${COLUMNS}`),
    makingTable('CREATE TABLE, serial primary key', `id bigserial PRIMARY KEY, ${COLUMNS}`),
    makingTable('CREATE TABLE, key and unique', `id bigint PRIMARY KEY, code text UNIQUE, ${COLUMNS}`),
    makingTable(
      'CREATE TABLE, key and foreign key',
      `id bigint PRIMARY KEY, parent bigint REFERENCES ${SCHEMA}.parent, ${COLUMNS}`,
    ),
    onTable('DROP TABLE', (time) => `DROP TABLE ${table(time)}`, false),
    onTable('TRUNCATE of an empty table', (time) => `TRUNCATE ${table(time)}`, true),
    onTable('CREATE INDEX on an empty table', (time) => `CREATE INDEX ON ${table(time)} (made)`, true),
    making(
      'CREATE SCHEMA',
      (time) => `CREATE SCHEMA ${SCHEMA}_${time}`,
      (time) => `DROP SCHEMA ${SCHEMA}_${time}`,
    ),
    migrating(`migration of ${MIGRATION_TABLES} tables`, false),
    migrating(`migration of ${MIGRATION_TABLES}, one transaction`, true),
  ],
};
