/** What FOR UPDATE and its like lock and give, with several sessions: as PostgreSQL was seen to do with the same statements. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.js';

type Client = ReturnType<Cluster['client']>;
type Values = readonly unknown[];

let cluster: Cluster;
let a: Client;
let b: Client;
let c: Client;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 1 });
  [a, b, c] = await Promise.all([open(), open(), open()]);
});
afterAll(async () => {
  await cluster.close();
});

async function open(): Promise<Client> {
  const client = cluster.client();
  await client.connect();
  opened.push(client);
  return client;
}
const opened: Client[] = [];

beforeEach(async () => {
  await c.query(`drop table if exists job cascade; drop table if exists own;
    create table job (id int primary key, status text not null, prio int not null, note jsonb default '{}');
    insert into job select g, case when g % 2 = 0 then 'new' else 'done' end, 10 - g from generate_series(1, 8) g;
    create table own (id int primary key, job int, who text);
    insert into own select g, g, 'w' || g from generate_series(1, 6) g;
    create view shown as select id, status from job where prio < 9;
    create view first_three as select id, prio from job order by prio limit 3`);
});
afterEach(async () => {
  for (const client of [a, b, c]) await client.query('rollback; reset all');
});

async function rows(client: Client, sql: string, parameters: unknown[] = []): Promise<Values[]> {
  const { rows: found } = await client.query<Record<string, unknown>>(sql, parameters);
  return found.map((row) => Object.values(row));
}
async function ids(client: Client, sql: string, parameters: unknown[] = []): Promise<unknown[]> {
  return (await rows(client, sql, parameters)).map((row) => row[0]);
}
async function failure(running: Promise<unknown>): Promise<string> {
  try {
    await running;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message}`;
  }
  return 'none';
}
/** Which rows others have locked. */
async function locked(table: string): Promise<unknown[]> {
  const all = await ids(c, `select id from ${table} order by id`);
  const free = await ids(c, `select id from ${table} order by id for update skip locked`);
  return all.filter((id) => !free.includes(id));
}
async function untilBlocked(): Promise<void> {
  for (;;) {
    const [[count]] = (await rows(c, 'select count(*)::int from pg_locks where not granted')) as [[number]];
    if (count > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('whoever removes a key at READ COMMITTED waits for those who refer to it, and sees what they have done', () => {
  it.each([
    ['primary key', 'no action', 'delete from pa where i = 1', '23503'],
    ['unique', 'no action', 'delete from pa where i = 1', '23503'],
    ['unique', 'restrict', 'update pa set i = 3 where i = 1', '23503'],
    ['unique', 'cascade', 'delete from pa where i = 1', []],
    ['unique', 'set null', 'update pa set i = 3 where i = 1', [null]],
  ] as const)('%s, %s: %s', async (key, action, removal, given) => {
    await c.query(`drop table if exists ch, pa; create table pa (i int ${key}, v text); insert into pa values (1), (2);
      create table ch (id int references pa (i) on delete ${action} on update ${action})`);
    await a.query('begin isolation level read committed; insert into ch values (1)');
    await b.query('begin isolation level read committed; select 1 from ch');
    const removing = failure(b.query(removal));
    await untilBlocked();
    await a.query('commit');
    expect(await removing).toMatch(given === '23503' ? /^23503 / : /^none$/);
    await b.query('commit');
    expect(await ids(c, 'select id from ch')).toEqual(given === '23503' ? [1] : given);
    // The other way round.
    await c.query('delete from ch');
    await b.query('begin isolation level read committed; delete from pa where i = 2');
    await a.query('begin isolation level read committed');
    const referring = failure(a.query('insert into ch values (2)'));
    await untilBlocked();
    await b.query('commit');
    expect(await referring).toMatch(/^23503 /);
  });
});

describe('locks the rows that come out, and no others', () => {
  it.each<[sql: string, given: unknown[], jobs: unknown[], owns?: unknown[]]>([
    ['select id from job where id = 2 for update', [2], [2]],
    ["select id from job where id = 5 and status = 'new' for update", [], []],
    ["select id from job where status = 'new' order by prio limit 1 for update", [8], [8]],
    ["select id from job where status = 'new' order by prio limit 2 for update skip locked", [8, 6], [6, 8]],
    ["select id from job where status = 'new' order by id limit 1 for no key update", [2], [2]],
    ['select id from job order by id limit 2 offset 1 for update', [2, 3], [1, 2, 3]],
    ['select id from job order by prio fetch first 2 rows with ties for update', [8, 7], [7, 8, 6]],
    ['select id from job where id in (5, 6, 7) order by id limit 1 for update', [5], [5]],
    ["select id from job where note ->> 'x' is null and prio = 3 for share", [7], [7]],
    ['select exists (select 1 from job where prio > 3 for update)', [true], [1]],
    ['select job.id from job join own on own.job = job.id where who = $$w3$$ for update', [3], [3], [3]],
    ['select job.id from job join own on own.job = job.id where who = $$w3$$ for update of own', [3], [], [3]],
    ['select j.id from job j left join own on own.job = j.id where prio = 2 for update of j', [8], [8], []],
    ['select j.id from job j join own using (id) order by prio limit 1 for update of j', [6], [6], []],
    ['select s.id from shown s join own on own.job = s.id where who = $$w3$$ for update', [3], [3], [3]],
    ['select s.id from first_three s join own on own.job = s.id for update of s', [6], [6, 7, 8], []],
    ['select id from (select * from job) s where prio = 3 for update', [7], [7]],
    ['select id from (select * from job for update) s where prio = 3', [7], [7]],
    ['select id from job, lateral (select who from own where job = job.id) x where prio = 5 for update', [5], [5], [5]],
    [
      'select id from job where exists (select 1 from own where job = job.id and who > $$w4$$) for update',
      [5, 6],
      [5, 6],
      [],
    ],
    ['with x as (select id from job order by id for update) select * from x limit 2', [1, 2], [1, 2]],
    ['with x as (select id from job order by prio for update) select * from x where id > 3 limit 1', [8], [8]],
    ['with x as (select id from job where prio = 3 for update) select 1', [1], []],
    ['with x as (select id from job for update) select id from x where id = 3', [3], [1, 2, 3, 4, 5, 6, 7, 8]],
    [
      'update job set note = null where id = (select id from job where status = $$new$$ order by prio limit 1 for update skip locked) returning id',
      [8],
      [8],
    ],
    [
      'update job set note = null where id in (select id from job where status = $$new$$ order by prio limit 2 for update skip locked) returning id',
      [6, 8],
      [6, 8],
    ],
  ])('%s', async (...[sql, given, jobs, owns = []]: readonly [string, unknown[], unknown[], unknown[]?]) => {
    for (const level of ['read committed', 'repeatable read', 'serializable']) {
      await a.query(`begin isolation level ${level}`);
      const found = await ids(a, sql);
      expect(sql.startsWith('update') ? found.toSorted() : found, level).toEqual(given);
      expect(await locked('job'), level).toEqual(jobs.toSorted());
      expect(await locked('own'), level).toEqual(owns);
      await a.query('rollback');
    }
  });

  it('with LIMIT and OFFSET that are parameters, and as a cursor and a portal fetch', async () => {
    await a.query('begin');
    expect(await ids(a, 'select id from job order by id limit $1 offset $2 for update', [2, 1])).toEqual([2, 3]);
    expect(await locked('job')).toEqual([1, 2, 3]);
    await a.query('rollback; begin');
    expect(
      await ids(a, "select id from job where status <> 'x' order by prio limit $1 offset $2 for update", [1, 1]),
    ).toEqual([7]);
    expect(await locked('job')).toEqual([7, 8]);
    await a.query('rollback; begin; declare k cursor for select id from job order by prio for update');
    expect(await ids(a, 'fetch 2 from k')).toEqual([8, 7]);
    expect(await locked('job')).toEqual([7, 8]);
  });
});

describe('a row that has changed while it was waited for, at READ COMMITTED', () => {
  it.each<readonly [change: string, sql: string, given: Values[]]>([
    // Left out, and the next one comes.
    [
      "update job set status = 'done' where id = 8",
      "select id from job where status = 'new' order by prio limit 1 for update",
      [[6]],
    ],
    [
      "update job set status = 'x' where id in (6, 8)",
      "select id from job where status = 'new' order by prio limit 2 for update",
      [[4], [2]],
    ],
    ['delete from job where id = 8', "select id from job where status = 'new' order by prio limit 1 for update", [[6]]],
    // As it is now, in its old place.
    [
      'update job set prio = 50 where id = 8',
      "select id, prio, prio * 2 as twice from job where status = 'new' order by prio limit 2 for update",
      [
        [8, 50, 100],
        [6, 4, 8],
      ],
    ],
    [
      `update job set note = '{"a": 1}' where id = 2`,
      'select id, note from job where prio = (select max(prio) from job where id % 2 = 0) for update',
      [[2, { a: 1 }]],
    ],
    // By key, with what is asked of the row besides.
    ["update job set status = 'x' where id = 1", "select id from job where id = 1 and status = 'done' for update", []],
    ['update job set prio = 77 where id = 1', 'select id, prio from job where id = 1 for update', [[1, 77]]],
    // Of a join the other sides stay what they were.
    [
      "update own set who = 'x' where id = 2",
      "select job.id, who from job join own on own.job = job.id where who like 'w%' and job.id < 4 order by 1 for update",
      [
        [1, 'w1'],
        [3, 'w3'],
      ],
    ],
    [
      'update own set job = 1 where id = 4',
      'select own.id, status from own left join job on job.id = own.job where own.id in (3, 4) order by 1 for update of own',
      [
        [3, 'done'],
        [4, null],
      ],
    ],
    [
      'update job set prio = 99 where id = 4',
      'select job.id, prio, who from job left join own on own.job = job.id and prio < 50 where job.id in (3, 4) order by 1 for update of job',
      [
        [3, 7, 'w3'],
        [4, 99, null],
      ],
    ],
    [
      "update job set status = 'x' where id = 4",
      "select s.id from shown s join own on own.job = s.id where status = 'new' order by 1 for update",
      [[2], [6]],
    ],
    // Through WITH, and by changes themselves.
    [
      'update job set prio = 77 where id = 8',
      "with x as (select id from job where status = 'new' order by prio limit 1 for update) update job set note = '1' from x where x.id = job.id returning job.id, prio",
      [[6, 4]],
    ],
    [
      'update job set prio = prio + 100 where id = 1',
      "update job set prio = prio + 1000 where status = 'done' and id < 2 returning id, prio",
      [[1, 1109]],
    ],
    [
      "update job set status = 'x' where id = 2",
      "update job set note = '1' from own where own.job = job.id and who < 'w5' and status = 'new' returning job.id, who",
      [[4, 'w4']],
    ],
    [
      "update own set who = 'x' where id = 3",
      "delete from own using job where own.job = job.id and who like 'w%' and prio < 8 and prio > 5 returning own.id",
      [[4]],
    ],
  ])('%s · %s', async (change, sql, given) => {
    await a.query('begin');
    await a.query(change);
    await b.query('begin isolation level read committed');
    const waiting = rows(b, sql);
    await untilBlocked();
    await a.query('commit');
    expect(await waiting).toEqual(given);
    await b.query('rollback');
  });

  it('is 40001 at REPEATABLE READ, but not the change of another row', async () => {
    await b.query('begin isolation level repeatable read; select 1 from own');
    await a.query('update job set prio = 55 where id = 6');
    expect(await ids(b, "select id from job where status = 'new' order by prio limit 1 for update")).toEqual([8]);
    expect(await failure(b.query('select id from job where prio = 4 for update'))).toMatch(/^40001 /);
  });

  it('is no conflict even at SERIALIZABLE where its key was given and nothing else has become known of it', async () => {
    for (const [change, sql, given] of [
      ['prio = 55', "select id, prio from job where id = 8 and status = 'new' for update", [[8, 55]]],
      ["status = 'gone'", "select id, prio from job where id = 8 and status = 'new' for update", []],
      ['prio = 56', 'select id, prio from job where id = 8 for update', [[8, 56]]],
    ] as const) {
      await a.query(`begin; update job set ${change} where id = 8`);
      await b.query('begin; select 1 from own');
      const waiting = rows(b, sql);
      await untilBlocked();
      await a.query('commit');
      expect(await waiting).toEqual(given);
      await b.query('update own set who = null where id = 1; commit');
    }
  });

  it('is one if it was read before, or did not qualify', async () => {
    await a.query('begin; update job set prio = 77 where id = 6');
    await b.query('begin; select status from job where id = 6');
    const waiting = failure(b.query("select id from job where id = 6 and status = 'new' for update"));
    await untilBlocked();
    await a.query('commit');
    expect(await waiting).toMatch(/^40001 /);
    await b.query('rollback');
    await a.query('begin; select who from own where id = 3');
    await b.query("begin; select id from job where id = 3 and status = 'new' for update");
    await b.query("update own set who = 'skew' where id = 3");
    await a.query("update job set status = 'new' where id = 3");
    const ends = [await failure(a.query('commit')), await failure(b.query('commit'))];
    expect(
      ends.filter((end) => end.startsWith('40001')),
      ends.join(),
    ).toHaveLength(1);
  });

  it('is read anew, unnoticed, by the first statement of a SERIALIZABLE transaction', async () => {
    await a.query("begin; update job set status = 'done' where id = 8");
    await b.query('begin');
    const waiting = ids(b, "select id from job where status = 'new' order by prio limit 1 for update");
    await untilBlocked();
    await a.query('commit');
    expect(await waiting).toEqual([6]);
    await b.query('commit');
  });
});

describe('who does not wait', () => {
  it('is refused a row that comes out, not one that is only read', async () => {
    await a.query('begin; select id from job where id = 3 for update');
    const busy = '55P03 could not obtain lock on row in relation "job"';
    expect(await ids(b, "select id from job where status = 'new' order by id for update nowait")).toEqual([2, 4, 6, 8]);
    expect(await failure(b.query('select id from job where id = 3 for share nowait'))).toBe(busy);
    expect(await failure(b.query('select id from job where prio > 6 order by prio for update nowait'))).toBe(busy);
  });

  it.each([
    ['without an index', '', 'select id from job where status = $$new$$ order by prio limit 1 for update skip locked'],
    [
      'with one',
      'create index on job (status, prio)',
      'select id from job where status = $$new$$ order by prio limit 1 for update skip locked',
    ],
    [
      'with a join',
      '',
      'select job.id from job join own on own.job = job.id where status = $$new$$ order by prio desc limit 1 for update of job skip locked',
    ],
    ['with nothing but a limit', '', 'select id from job limit 1 for update skip locked'],
  ])('gets a job of its own: %s', async (_name, index, sql) => {
    if (index !== '') await c.query(index);
    for (const level of ['read committed', 'serializable']) {
      const workers = await Promise.all([open(), open(), open()]);
      const jobs: unknown[] = [];
      for (const worker of workers) {
        await worker.query(`begin isolation level ${level}`);
        jobs.push(...(await ids(worker, sql)));
      }
      expect(new Set(jobs).size, `${level}: ${jobs.join()}`).toBe(3);
      expect(await locked('job')).toEqual(jobs.toSorted());
      for (const worker of workers) await worker.end();
    }
  });

  it('shares a row with those that share it', async () => {
    const first = 'select id from job order by prio limit 1 for';
    await a.query('begin');
    await b.query('begin');
    expect(await ids(a, `${first} share`)).toEqual([8]);
    expect(await ids(b, `${first} share skip locked`)).toEqual([8]);
    expect(await ids(c, `${first} update skip locked`)).toEqual([7]);
  });

  it('has read what it skipped: no write skew at SERIALIZABLE', async () => {
    for (const sql of [
      'select id from job where id = 2 for update skip locked',
      'select id from job where prio = 8 for update skip locked',
    ]) {
      await a.query('begin');
      await b.query('begin');
      await a.query('select id from job where id = 2 for update');
      await a.query('select who from own where id = 1');
      expect(await ids(b, sql)).toEqual([]);
      await b.query("update own set who = 'skew' where id = 1");
      await a.query('update job set prio = prio where id = 2');
      const ends = [await failure(a.query('commit')), await failure(b.query('commit'))];
      expect(
        ends.filter((end) => end.startsWith('40001')),
        ends.join(),
      ).toHaveLength(1);
    }
  });
});

describe('a queue that many work on', () => {
  const TAKE = "select id from job where status = 'new' order by prio, id limit 1 for update skip locked";
  it.each([
    ['read committed', TAKE, ''],
    ['read committed', TAKE.replace(' skip locked', ''), ''],
    ['serializable', TAKE, ''],
    ['serializable', TAKE, 'create index on job (status, prio, id)'],
  ])('gives every job once: %s, %s %s', async (level, take, index) => {
    await c.query(`delete from job; insert into job select g, 'new', g % 5 from generate_series(1, 40) g; ${index}`);
    const done: unknown[] = [];
    const work = async (): Promise<void> => {
      const client = await open();
      for (;;) {
        await client.query(`begin isolation level ${level}`);
        try {
          const [job] = await ids(client, take);
          if (job !== undefined) await client.query("update job set status = 'done', note = '[]' where id = $1", [job]);
          await client.query('commit');
          if (job !== undefined) done.push(job);
          else if ((await ids(client, "select id from job where status = 'new'")).length === 0) break;
        } catch (error) {
          if ((error as { code: string }).code !== '40001' || level === 'read committed') throw error;
          await client.query('rollback');
        }
      }
      await client.end();
    };
    await Promise.all(Array.from({ length: 6 }, work));
    expect(done.toSorted((x, y) => Number(x) - Number(y))).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it('is taken from in functions, loops and cursors', async () => {
    await c.query(`create or replace function take_two() returns int[] language plpgsql as $$
      declare got int[] := '{}'; r record;
      begin
        for r in select id from job where status = 'new' order by prio limit 2 for update skip locked loop
          update job set status = 'taken' where id = r.id;
          got := got || r.id;
        end loop;
        return got;
      end $$`);
    for (const level of ['read committed', 'serializable']) {
      await a.query(`begin isolation level ${level}`);
      await b.query(`begin isolation level ${level}`);
      expect(await rows(a, 'select take_two()')).toEqual([[[8, 6]]]);
      expect(await rows(b, 'select take_two()')).toEqual([[[4, 2]]]);
      await a.query('rollback');
      await b.query('rollback');
    }
  });
});
