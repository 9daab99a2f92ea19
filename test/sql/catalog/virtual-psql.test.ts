/** The catalogs as real clients read them: psql's backslash commands, pgbench's and Knex's look-ups. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import knex from 'knex';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster } from '../../../src/testing/index.js';
import type { Cluster } from '../../../src/testing/index.js';

const PSQL = '/usr/bin/psql';
const run = promisify(execFile);
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ nodes: 1 });
  await cluster.sql(
    'create table people (id serial primary key, name varchar(10) unique, b numeric(10,2) not null check (b > 0), gone text)',
  );
  await cluster.sql('create table loose (a int, b text)');
  await cluster.sql('create index loose_b on loose (b desc)');
  await cluster.sql('alter table people drop column gone');
  await cluster.sql("comment on table people is 'those we know'");
  await cluster.sql("comment on column people.name is 'family name'");
}, 60_000);
afterAll(() => cluster.close());

/** With headings and footers, where \\d puts indexes and constraints. */
async function described(command: string): Promise<string> {
  return psql(command, []);
}
async function psql(command: string, options: readonly string[] = ['-t']): Promise<string> {
  const { stdout, stderr } = await run(PSQL, [cluster.url(), '-X', '-A', ...options, '-c', command], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout;
}

describe.skipIf(!existsSync(PSQL))('psql', () => {
  it('describes a table', async () => {
    expect(await described('\\d people')).toBe(
      [
        'Table "public.people"',
        'Column|Type|Collation|Nullable|Default',
        "id|integer||not null|nextval('people_id_seq'::regclass)",
        'name|character varying(10)|||',
        'b|numeric(10,2)||not null|',
        'Indexes:',
        '    "people_pkey" PRIMARY KEY, btree (id)',
        '    "people_name_key" UNIQUE CONSTRAINT, btree (name)',
        'Check constraints:',
        '    "people_b_check" CHECK (b > 0::numeric)',
        '',
      ].join('\n'),
    );
    expect(await psql('\\d+ people')).toContain('family name');
    expect(await described('\\d loose')).toBe(
      'Table "public.loose"\nColumn|Type|Collation|Nullable|Default\na|integer|||\nb|text|||\nIndexes:\n    "loose_b" btree (b DESC)\n',
    );
  });

  it('describes what is computed', async () => {
    await cluster.sql('create table computed (a int, g int generated always as (a * 2) stored, s text)');
    await cluster.sql('create unique index c1 on computed (lower(s), (a + 1) desc) where a > 1 and s is not null');
    expect(await described('\\d computed')).toBe(
      [
        'Table "public.computed"',
        'Column|Type|Collation|Nullable|Default',
        'a|integer|||',
        'g|integer|||generated always as (a * 2) stored',
        's|text|||',
        'Indexes:',
        '    "c1" UNIQUE, btree (lower(s), (a + 1) DESC) WHERE a > 1 AND s IS NOT NULL',
        '',
      ].join('\n'),
    );
    expect(await described('\\d c1')).toBe(
      [
        'Index "public.c1"',
        'Column|Type|Key?|Definition',
        'lower|text|yes|lower(s)',
        'expr|integer|yes|(a + 1)',
        'unique, btree, for table "public.computed", predicate (a > 1 AND s IS NOT NULL)',
        '',
      ].join('\n'),
    );
    await cluster.sql('drop table computed');
  });

  it('lists tables, indexes and sequences', async () => {
    expect(await psql('\\dt')).toBe('public|loose|table|postgres\npublic|people|table|postgres\n');
    expect(await psql('\\di')).toBe(
      'public|loose_b|index|postgres|loose\npublic|people_name_key|index|postgres|people\npublic|people_pkey|index|postgres|people\n',
    );
    expect(await psql('\\ds')).toBe('public|people_id_seq|sequence|postgres\n');
    expect(await psql('\\dt+')).toContain('those we know');
    expect(await described('\\d people_id_seq')).toContain('Owned by: public.people.id');
  });

  it('lists what belongs to the cluster', async () => {
    expect((await psql('\\l')).split('\n').map((line) => line.split('|')[0])).toEqual([
      'postgres',
      'template0',
      'template1',
      '',
    ]);
    expect(await psql('\\du')).toBe('postgres|Superuser, Create role, Create DB, Replication, Bypass RLS|{}\n');
    expect(await psql('\\dn')).toBe('public|pg_database_owner\n');
    expect(await psql('\\df lower')).toBe(
      'pg_catalog|lower|anyelement|anymultirange|func\n' +
        'pg_catalog|lower|anyelement|anyrange|func\n' +
        'pg_catalog|lower|text|text|func\n',
    );
  });

  it('runs every other listing without an error', async () => {
    for (const command of [
      '\\l+',
      '\\dn+',
      '\\di+',
      '\\ds+',
      '\\da sum',
      '\\dT int*',
      '\\dT+ int4',
      '\\dx',
      '\\dp',
      '\\ddp',
      '\\dC',
      '\\do =',
      '\\dy',
      '\\dRp',
      '\\dRs',
      '\\dconfig',
      '\\db',
      '\\dO',
      '\\dA',
      '\\dAc',
      '\\dAf',
      '\\dAo',
      '\\dAp',
      '\\dc',
      '\\des',
      '\\det',
      '\\deu',
      '\\dew',
      '\\dD',
      '\\dF',
      '\\dFd',
      '\\dFp',
      '\\dFt',
      '\\dg',
      '\\dX',
      '\\d pg_class',
      '\\d information_schema.columns',
      '\\dS',
      '\\z',
      '\\df+ abs',
    ]) {
      await psql(command);
    }
  });
});

describe('drivers', () => {
  it('Knex finds tables and columns', async () => {
    const db = knex({ client: 'pg', connection: cluster.url() });
    try {
      expect(await db.schema.hasTable('people')).toBe(true);
      expect(await db.schema.hasTable('nobody')).toBe(false);
      expect(await db.schema.hasColumn('people', 'name')).toBe(true);
      const columns = await db('people').columnInfo();
      expect(columns['name']).toEqual({ type: 'character varying', maxLength: 10, nullable: true, defaultValue: null });
      expect(Object.keys(columns)).toEqual(['id', 'name', 'b']);
    } finally {
      await db.destroy();
    }
  });

  it('pgbench finds that its table is not partitioned', async () => {
    const { rows } =
      await cluster.sql(`select o.n, p.partstrat, pg_catalog.count(i.inhparent) from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on (n.oid = c.relnamespace)
      cross join lateral (select pg_catalog.array_position(pg_catalog.current_schemas(true), n.nspname)) as o(n)
      left join pg_catalog.pg_partitioned_table as p on (p.partrelid = c.oid)
      left join pg_catalog.pg_inherits as i on (c.oid = i.inhparent)
      where c.relname = 'people' and o.n is not null group by 1, 2 order by 1 asc limit 1`);
    expect(rows).toHaveLength(1);
  });

  it('everything in the two schemas can be read', async () => {
    const { rows } = await cluster.sql(
      "select relnamespace::regnamespace::text || '.' || relname as name from pg_class where relnamespace in (11, 13000)",
    );
    expect(rows.length).toBeGreaterThan(150);
    for (const row of rows) await cluster.sql(`select * from ${String(Object.values(row as object)[0])}`);
  });

  it('a look-up sees the schema change of its own transaction only until it is undone', async () => {
    const client = new (await import('pg')).default.Client(cluster.url());
    await client.connect();
    try {
      const count = async (): Promise<string> =>
        (await client.query("select count(*) from pg_class where relname = 'fresh'")).rows[0].count as string;
      await client.query('begin');
      await client.query('create table fresh (a int)');
      expect(await count()).toBe('1');
      await client.query('rollback');
      expect(await count()).toBe('0');
    } finally {
      await client.end();
    }
  });
});
