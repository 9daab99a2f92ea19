/** The drivers and the query builder that Node programs use, doing their ordinary work. */
import knexFactory, { type Knex } from 'knex';
import { Client, type DatabaseError, Pool, type QueryConfig, type QueryResult } from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTarget, type Target } from './clients-target.js';

let target: Target;

beforeAll(async () => {
  target = await openTarget();
});

afterAll(async () => {
  await target?.close();
});

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error
    ? String(error.code)
    : `no code: ${String(error)}`;
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => codeOf(error),
  );
}

/** One value of each type: SQL type, what goes in, what pg gives back. */
const VALUES: readonly (readonly [type: string, input: unknown, output: unknown])[] = [
  ['bool', true, true],
  ['int2', -32768, -32768],
  ['int4', 2147483647, 2147483647],
  ['int8', '9223372036854775807', '9223372036854775807'],
  ['float4', 1.5, 1.5],
  ['float8', 0.1, 0.1],
  ['numeric', '123456789012345678901234567890.12345', '123456789012345678901234567890.12345'],
  ['numeric(10,2)', '12.345', '12.35'],
  ['text', "it's a 'grüße' €😀 \\ \n test", "it's a 'grüße' €😀 \\ \n test"],
  ['varchar(5)', 'abc', 'abc'],
  ['char(5)', 'abc', 'abc  '],
  ['bytea', Buffer.from([0, 1, 254, 255, 92, 39]), Buffer.from([0, 1, 254, 255, 92, 39])],
  ['uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['jsonb', { a: [1, 'x', null], b: { c: true } }, { a: [1, 'x', null], b: { c: true } }],
  ['time', '23:59:59.123456', '23:59:59.123456'],
  ['timestamptz', new Date(1_700_000_000_123), new Date(1_700_000_000_123)],
];

describe('node-postgres', () => {
  let pool: Pool;

  beforeAll(async () => {
    pool = new Pool({ connectionString: target.url(0), max: 8 });
    await pool.query('DROP TABLE IF EXISTS pg_items');
    await pool.query(
      'CREATE TABLE pg_items (id serial PRIMARY KEY, name text NOT NULL UNIQUE, qty int CHECK (qty >= 0), at timestamptz DEFAULT now())',
    );
  });

  afterAll(async () => {
    await pool.end();
  });

  it('runs many queries over a pool at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) => pool.query('SELECT $1::int + 1 AS next', [i])),
    );
    expect(results.map((result) => result.rows[0].next)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  it.each(VALUES)('takes and gives %s', async (type, input, output) => {
    const table = `pg_type_${type.replace(/\W/g, '_')}`;
    await pool.query(`DROP TABLE IF EXISTS ${table}`);
    await pool.query(`CREATE TABLE ${table} (id int PRIMARY KEY, v ${type})`);
    const parameter = type === 'jsonb' ? JSON.stringify(input) : input;
    await pool.query(`INSERT INTO ${table} VALUES (1, $1), (2, NULL)`, [parameter]);
    const { rows } = await pool.query(`SELECT v FROM ${table} ORDER BY id`);
    expect(rows).toEqual([{ v: output }, { v: null }]);
    const found = await pool.query(`SELECT id FROM ${table} WHERE v = $1`, [parameter]);
    // char(5) compares without its padding; numeric(10,2) was rounded when it was stored.
    expect(found.rows).toEqual(type === 'numeric(10,2)' ? [] : [{ id: 1 }]);
    await pool.query(`DROP TABLE ${table}`);
  });

  it('gives dates, timestamps and intervals as their text says', async () => {
    const { rows } = await pool.query(
      "SELECT '2024-02-29'::date::text AS d, '2024-02-29 12:34:56.5'::timestamp::text AS t, '1 year 2 mons 3 days 04:05:06'::interval::text AS i",
    );
    expect(rows).toEqual([{ d: '2024-02-29', t: '2024-02-29 12:34:56.5', i: '1 year 2 mons 3 days 04:05:06' }]);
  });

  it('binds arrays', async () => {
    const { rows } = await pool.query(
      'SELECT g FROM (VALUES (1), (2), (3)) AS v(g) WHERE g = ANY($1::int[]) ORDER BY g',
      [[1, 3, 9]],
    );
    expect(rows.map((row) => row.g)).toEqual([1, 3]);
  });

  // Bytes below 0x80 only: this version of the driver reads binary values as UTF-8 first.
  it('gives the same in binary format', async () => {
    const client = new Client({ connectionString: target.url(1) });
    await client.connect();
    const { rows } = await client.query({
      text: 'SELECT 7::int2 AS a, 70000::int4 AS b, 7::int8 AS c, 2::float8 AS d, true AS e, $1::text AS f',
      values: ['u'],
      binary: true,
    } as QueryConfig);
    await client.end();
    expect(rows).toEqual([{ a: 7, b: 70000, c: '7', d: 2, e: true, f: 'u' }]);
  });

  it('keeps named statements', async () => {
    const client = await pool.connect();
    for (let i = 0; i < 5; i++) {
      const { rows } = await client.query({
        name: 'twice',
        text: 'SELECT 2 * $1::int AS d',
        values: [i],
      });
      expect(rows).toEqual([{ d: 2 * i }]);
    }
    client.release();
  });

  it('inserts, returns and counts', async () => {
    const inserted = await pool.query('INSERT INTO pg_items (name, qty) VALUES ($1, $2), ($3, $4) RETURNING id, name', [
      'bolt',
      3,
      'nut',
      4,
    ]);
    expect(inserted.rowCount).toBe(2);
    expect(inserted.rows.map((row) => row.name)).toEqual(['bolt', 'nut']);
    expect(typeof inserted.rows[0].id).toBe('number');
    const updated = await pool.query("UPDATE pg_items SET qty = qty + 1 WHERE name IN ('bolt', 'nut')");
    expect([updated.command, updated.rowCount]).toEqual(['UPDATE', 2]);
    const { rows } = await pool.query('SELECT sum(qty) AS total, count(*) AS n FROM pg_items');
    expect(rows).toEqual([{ total: '9', n: '2' }]);
  });

  it('commits and rolls back', async () => {
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query("INSERT INTO pg_items (name) VALUES ('kept')");
    await client.query('COMMIT');
    await client.query('BEGIN');
    await client.query("INSERT INTO pg_items (name) VALUES ('dropped')");
    await client.query('ROLLBACK');
    client.release();
    const other = new Client({ connectionString: target.url(2) });
    await other.connect();
    const { rows } = await other.query("SELECT name FROM pg_items WHERE name IN ('kept', 'dropped')");
    await other.end();
    expect(rows).toEqual([{ name: 'kept' }]);
  });

  it.each([
    ['23505', "INSERT INTO pg_items (name) VALUES ('twin'), ('twin')"],
    ['23502', 'INSERT INTO pg_items (name) VALUES (NULL)'],
    ['23514', "INSERT INTO pg_items (name, qty) VALUES ('minus', -1)"],
    ['42P01', 'SELECT * FROM pg_nothing_there'],
    ['42703', 'SELECT nothing FROM pg_items'],
    ['42601', 'SELEC 1'],
    ['42883', 'SELECT no_such_function(1)'],
    ['22P02', "SELECT 'x'::int"],
    ['22012', 'SELECT 1 / 0'],
    ['22003', 'SELECT 2147483647 + 1'],
  ])('reports %s', async (code, sql) => {
    expect(await failureOf(pool.query(sql))).toBe(code);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('names the constraint, the table and the position', async () => {
    const duplicate = await pool
      .query("INSERT INTO pg_items (name) VALUES ('same'), ('same')")
      .catch((error: unknown) => error as DatabaseError);
    expect(duplicate).toMatchObject({
      constraint: 'pg_items_name_key',
      table: 'pg_items',
      schema: 'public',
    });
    const missing = await pool.query('SELECT  nothing FROM pg_items').catch((error: unknown) => error as DatabaseError);
    expect(missing).toMatchObject({ position: '9' });
  });

  it('refuses work in a failed transaction until it is rolled back', async () => {
    const client = await pool.connect();
    await client.query('BEGIN');
    expect(await failureOf(client.query('SELECT 1 / 0'))).toBe('22012');
    expect(await failureOf(client.query('SELECT 1'))).toBe('25P02');
    const commit = await client.query('COMMIT');
    expect(commit.command).toBe('ROLLBACK');
    client.release();
  });

  it('runs several statements in one string', async () => {
    const results = (await pool.query('SELECT 1 AS a; SELECT 2 AS b')) as unknown as QueryResult[];
    expect(results.map((result) => result.rows)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
  });

  it('counts each increment of concurrent clients once', async () => {
    await pool.query("INSERT INTO pg_items (name, qty) VALUES ('counter', 0)");
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        for (;;) {
          const code = await failureOf(pool.query("UPDATE pg_items SET qty = qty + 1 WHERE name = 'counter'"));
          if (code === 'no error') return;
          if (code !== '40001' && code !== '40P01') throw new Error(code);
        }
      }),
    );
    const { rows } = await pool.query("SELECT qty FROM pg_items WHERE name = 'counter'");
    expect(rows).toEqual([{ qty: 40 }]);
  });
});

describe('postgres.js', () => {
  let sql: postgres.Sql;

  beforeAll(async () => {
    sql = postgres(target.url(1), { max: 4, onnotice: () => undefined });
    await sql`DROP TABLE IF EXISTS js_people`;
    await sql`CREATE TABLE js_people (id serial PRIMARY KEY, name text NOT NULL, age int, data jsonb)`;
  });

  afterAll(async () => {
    await sql.end({ timeout: 5 });
  });

  it('inserts many rows and reads them back', async () => {
    const people = [
      { name: 'Ann', age: 30 },
      { name: 'Bob', age: null },
    ];
    const inserted = await sql`INSERT INTO js_people ${sql(people)} RETURNING name, age`;
    expect([...inserted]).toEqual(people);
    expect(inserted.count).toBe(2);
  });

  it('passes values of all kinds', async () => {
    const at = new Date(1_700_000_000_000);
    const [row] = await sql`
      SELECT ${1}::int AS i, ${'ü'}::text AS t, ${true}::bool AS b, ${at}::timestamptz AS at, ${null}::text AS n,
             ${sql.json({ a: [1, 2] })}::jsonb AS j, ${Buffer.from([0, 255])}::bytea AS y, ${'12.50'}::numeric AS d`;
    expect(row).toEqual({
      i: 1,
      t: 'ü',
      b: true,
      at,
      n: null,
      j: { a: [1, 2] },
      y: Buffer.from([0, 255]),
      d: '12.50',
    });
  });

  it('stores and reads jsonb', async () => {
    await sql`INSERT INTO js_people (name, data) VALUES ('Cid', ${sql.json({ tags: ['x'], deep: { n: 1.5 } })})`;
    const [row] = await sql`SELECT data FROM js_people WHERE name = 'Cid'`;
    expect(row?.['data']).toEqual({ tags: ['x'], deep: { n: 1.5 } });
  });

  it('pipelines on one connection', async () => {
    const one = postgres(target.url(2), { max: 1, onnotice: () => undefined });
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => one`SELECT ${i}::int AS i`));
    await one.end();
    expect(results.map((rows) => rows[0]?.['i'])).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('commits what `begin` ran and undoes what failed', async () => {
    await sql.begin(async (tx) => {
      await tx`INSERT INTO js_people (name) VALUES ('Dora')`;
      await tx`UPDATE js_people SET age = 7 WHERE name = 'Dora'`;
    });
    const failed = sql.begin(async (tx) => {
      await tx`INSERT INTO js_people (name) VALUES ('Emil')`;
      await tx`SELECT 1 / 0`;
    });
    expect(await failureOf(failed)).toBe('22012');
    const rows = await sql`SELECT name, age FROM js_people WHERE name IN ('Dora', 'Emil')`;
    expect([...rows]).toEqual([{ name: 'Dora', age: 7 }]);
  });

  it('reads through a cursor in parts', async () => {
    await sql`INSERT INTO js_people (name, age) VALUES ('c1', 101), ('c2', 102), ('c3', 103), ('c4', 104), ('c5', 105)`;
    const parts: number[][] = [];
    await sql`SELECT age FROM js_people WHERE age > 100 ORDER BY age`.cursor(2, (rows) => {
      parts.push(rows.map((row) => row['age'] as number));
    });
    expect(parts).toEqual([[101, 102], [103, 104], [105]]);
  });

  it('reports errors by code and goes on', async () => {
    expect(await failureOf(sql`SELECT * FROM js_nothing`)).toBe('42P01');
    expect(await failureOf(sql`INSERT INTO js_people (name) VALUES (NULL)`)).toBe('23502');
    expect(await failureOf(sql`SELECT ${'x'}::int`)).toBe('22P02');
    expect([...(await sql`SELECT 1 AS one`)]).toEqual([{ one: 1 }]);
  });

  it('sends plain strings', async () => {
    const rows = await sql.unsafe('SELECT $1::int AS a', [5]);
    expect([...rows]).toEqual([{ a: 5 }]);
  });
});

describe('Knex', () => {
  let knex: Knex;

  beforeAll(async () => {
    knex = knexFactory({ client: 'pg', connection: target.url(2), pool: { min: 0, max: 4 } });
    await knex.schema.dropTableIfExists('kx_orders');
    await knex.schema.dropTableIfExists('kx_users');
    await knex.schema.createTable('kx_users', (table) => {
      table.increments('id');
      table.string('email', 100).notNullable().unique();
      table.boolean('active').defaultTo(true);
      table.decimal('credit', 10, 2).defaultTo(0);
      table.timestamps(true, true);
    });
    await knex.schema.createTable('kx_orders', (table) => {
      table.bigIncrements('id');
      table.integer('user_id').notNullable().index();
      table.jsonb('lines');
    });
  });

  afterAll(async () => {
    await knex.destroy();
  });

  it('knows which tables there are', async () => {
    expect(await knex.schema.hasTable('kx_users')).toBe(true);
    expect(await knex.schema.hasTable('kx_nothing')).toBe(false);
    expect(await knex.schema.hasColumn('kx_users', 'email')).toBe(true);
  });

  it('inserts, joins, aggregates, updates and deletes', async () => {
    const users = await knex('kx_users')
      .insert([
        { email: 'a@x', credit: '1.50' },
        { email: 'b@x', credit: '2.25' },
      ])
      .returning(['id', 'email', 'active']);
    expect(users.map((user) => [user.email, user.active])).toEqual([
      ['a@x', true],
      ['b@x', true],
    ]);
    const [a, b] = users.map((user) => user.id as number);
    await knex('kx_orders').insert([
      { user_id: a, lines: JSON.stringify([1]) },
      { user_id: a, lines: JSON.stringify([2, 3]) },
      { user_id: b, lines: null },
    ]);
    const joined = await knex('kx_users as u')
      .join('kx_orders as o', 'o.user_id', 'u.id')
      .groupBy('u.email')
      .orderBy('u.email')
      .select('u.email')
      .count('o.id as orders');
    expect(joined).toEqual([
      { email: 'a@x', orders: '2' },
      { email: 'b@x', orders: '1' },
    ]);
    expect(await knex('kx_users').where('email', 'a@x').update({ active: false })).toBe(1);
    expect(await knex('kx_users').where({ active: false }).pluck('email')).toEqual(['a@x']);
    expect((await knex('kx_users').sum({ total: 'credit' }))[0]).toEqual({ total: '3.75' });
    expect(
      await knex('kx_orders').whereIn('user_id', [a, b]).whereNotNull('lines').orderBy('id').pluck('lines'),
    ).toEqual([[1], [2, 3]]);
    expect(await knex('kx_orders').where('user_id', a).del()).toBe(2);
    expect(await knex('kx_users').where('email', 'like', '%@x').limit(1).offset(1).orderBy('id')).toHaveLength(1);
  });

  it('upserts', async () => {
    await knex('kx_users').insert({ email: 'u@x', credit: 1 });
    await knex('kx_users').insert({ email: 'u@x', credit: 9 }).onConflict('email').merge(['credit']);
    await knex('kx_users').insert({ email: 'u@x', credit: 5 }).onConflict('email').ignore();
    expect(await knex('kx_users').where('email', 'u@x').first('credit')).toEqual({
      credit: '9.00',
    });
  });

  it('commits and rolls back transactions', async () => {
    await knex.transaction(async (tx) => {
      await tx('kx_users').insert({ email: 'tx1@x' });
      await tx('kx_users').where('email', 'tx1@x').forUpdate().first();
    });
    const failed = knex.transaction(async (tx) => {
      await tx('kx_users').insert({ email: 'tx2@x' });
      await tx('kx_users').insert({ email: 'tx1@x' });
    });
    expect(await failureOf(failed)).toBe('23505');
    expect(await knex('kx_users').where('email', 'like', 'tx%').pluck('email')).toEqual(['tx1@x']);
  });

  it('inserts in batches', async () => {
    await knex.batchInsert(
      'kx_orders',
      Array.from({ length: 500 }, (_, i) => ({ user_id: 1_000_000 + i })),
      100,
    );
    const [row] = await knex('kx_orders').where('user_id', '>=', 1_000_000).count();
    expect(row).toEqual({ count: '500' });
  });

  it('runs raw SQL with bindings', async () => {
    const { rows } = await knex.raw('SELECT ?::int + 1 AS x', [41]);
    expect(rows).toEqual([{ x: 42 }]);
  });
});
