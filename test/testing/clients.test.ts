/** Many connections at once, and clients without a socket beside the real packages. */
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, DatabaseError, startCluster } from '../../src/testing/index.js';

interface Queryable {
  query(text: string): Promise<{ readonly rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
}

let c: Cluster;
beforeAll(async () => {
  c = await startCluster();
  await c.sql('create table counter (k int primary key, n int not null)');
  await c.sql('insert into counter values (1, 0)');
});
afterAll(() => c.close());

describe('connections', () => {
  it('a hundred at once, half of them over sockets, with open transactions of their own', async () => {
    const clients = await Promise.all(
      Array.from({ length: 100 }, async (_, i): Promise<Queryable> => {
        const client = i % 2 === 0 ? new pg.Client(c.url(i % 3)) : c.client(i % 3);
        await client.connect();
        return client;
      }),
    );
    await Promise.all(clients.map((client) => client.query('begin')));
    const seen = await Promise.all(clients.map((client) => client.query('select n from counter where k = 1')));
    expect(seen.every((result) => result.rows[0]!['n'] === 0)).toBe(true);
    await Promise.all(clients.map((client) => client.query('rollback')));
    await Promise.all(clients.map((client) => client.query('update counter set n = n + 1 where k = 1')));
    expect((await c.sql('select n from counter')).rows).toEqual([{ n: 100 }]);
    await Promise.all(clients.map((client) => client.end()));
  });
});

describe('stream', () => {
  it('carries the pg package, pools included, without a socket', async () => {
    const pool = new pg.Pool({ stream: () => c.stream(1), user: 'postgres', database: 'postgres', max: 3 });
    const results = await Promise.all([1, 2, 3, 4, 5].map((i) => pool.query('select $1::int * 2 as n', [i])));
    expect(results.map((r) => r.rows[0].n)).toEqual([2, 4, 6, 8, 10]);
    const big = await pool.query("select repeat('x', 3000000) as x");
    expect(big.rows[0].x.length).toBe(3_000_000);
    await pool.query('select length($1::text) as n', ['y'.repeat(2_000_000)]);
    await expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' });
    await pool.end();
  });

  it('carries postgres.js', async () => {
    const options = { user: 'postgres', database: 'postgres', max: 2, socket: () => c.stream(2).connect() };
    const sql = postgres(options as never);
    expect([...(await sql`select ${7}::int as n`)]).toEqual([{ n: 7 }]);
    await sql.end();
  });
});

describe('client', () => {
  it('answers as the pg package does', async () => {
    const theirs = new pg.Client(c.url());
    const ours = c.client();
    await Promise.all([theirs.connect(), ours.connect()]);
    const texts = [
      'select 1::int2 as a, 2::int4 as b, 3::int8 as c, 1.5::float8 as d, 1.50::numeric as e, true as f',
      `select 'x'::text as t, null::int as n, '\\x00ff'::bytea as b, '{"a":[1,null]}'::jsonb as j, '[1]'::json as k`,
      `select date '2024-02-29' as d, timestamp '2024-02-29 12:34:56.789' as t`,
      `select timestamptz '2024-02-29 12:34:56.789+05:30' as z, timestamptz '0099-01-01 00:00:00+00' as y`,
      `select array[1,null,3] as i, array['a b','c"d\\e',null,'','NULL'] as t, array[[1,2],[3,4]] as m, '{}'::int[] as e`,
      `select array[true,false] as b, array[1.5::float8] as f, array[12345678901234::int8] as l`,
      `select 'infinity'::timestamptz as i, uuid '00000000-0000-0000-0000-000000000001' as u, time '10:11:12' as t`,
      'select n, n as n from counter',
      'create table if not exists parity (k int primary key, v text)',
      "insert into parity values (1, 'a'), (2, 'b')",
      "update parity set v = 'c'",
      'delete from parity where k = 2 returning *',
      'select * from parity where false',
      '',
      'drop table parity',
    ];
    for (const text of texts) {
      const mine = await ours.query(text);
      // What changed something is undone before the other one does the same.
      if (text.startsWith('insert')) await ours.query('delete from parity');
      if (text.startsWith('delete')) await ours.query("insert into parity values (2, 'c')");
      if (text.startsWith('drop')) await ours.query('create table parity (k int)');
      const { command, rowCount, rows, fields } = await theirs.query(text);
      expect(mine.rows, text).toEqual(rows);
      expect([mine.command, mine.rowCount], text).toEqual([command ?? '', rowCount]);
      const names = (list: readonly { name: string; dataTypeID: number }[]): unknown[] =>
        list.map((field) => [field.name, field.dataTypeID]);
      expect(names(mine.fields), text).toEqual(names(fields));
    }
    const parameters = [1, 'two', null, true, new Date(0), Buffer.from([1, 2]), ['a', null], { x: 1 }];
    const select =
      'select $1::int a, $2::text b, $3::int c, $4::bool d, $5::timestamptz e, $6::bytea f, $7::text[] g, $8::jsonb h';
    expect((await ours.query(select, parameters)).rows).toEqual((await theirs.query(select, parameters)).rows);
    const array = { text: 'select $1::int, 2', values: [1], rowMode: 'array' as const };
    expect((await ours.query(array)).rows).toEqual((await theirs.query(array)).rows);
    const several = (await ours.query('select 1 as a; select 2 as b')) as unknown as { rows: unknown }[];
    expect(several.map((r) => r.rows)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    await Promise.all([theirs.end(), ours.end()]);
  });

  it('gives errors with their fields, and goes on after them', async () => {
    const client = c.client(1);
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '08003' });
    await client.connect();
    await client.query('create table unique_v (k int primary key, v int constraint only_one unique)');
    await client.query('insert into unique_v values (1, 1)');
    const failed = await client.query('insert into unique_v values ($1, $2)', [2, 1]).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(DatabaseError);
    expect(failed).toMatchObject({ code: '23505', constraint: 'only_one', table: 'unique_v', severity: 'ERROR' });
    await expect(client.query('selct')).rejects.toMatchObject({ code: '42601', position: '1' });
    await expect(client.query('copy unique_v from stdin')).rejects.toMatchObject({ code: '57014' });
    const notices: string[] = [];
    client.on('notice', (notice: Error) => notices.push(notice.message));
    await client.query('drop table if exists not_there');
    expect(notices).toEqual(['table "not_there" does not exist, skipping']);
    const named = { name: 'q', text: 'select v from unique_v where k = $1', values: [1] };
    const both = await Promise.all([client.query(named), client.query(named)]);
    expect(both.map((r) => r.rows)).toEqual([[{ v: 1 }], [{ v: 1 }]]);
    await expect(client.query({ ...named, text: 'select 2' })).rejects.toMatchObject({ code: '42P05' });
    const last = client.query('select 5 as n');
    await client.end();
    expect((await last).rows).toEqual([{ n: 5 }]);
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '08003' });
    const stranger = c.client(0, { database: 'nowhere' });
    await expect(stranger.connect()).rejects.toMatchObject({ code: '3D000' });
  });

  it('is cut off when its node stops', async () => {
    const fork = await c.fork();
    const client = fork.client(2);
    await client.connect();
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    await fork.stopNode(2);
    await ended;
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '08003' });
    const refused = fork.client(2);
    await expect(refused.connect()).rejects.toMatchObject({ code: '08001' });
    await fork.close();
  });
});
