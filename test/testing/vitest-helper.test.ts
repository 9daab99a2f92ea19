/** The helper for Vitest in Vitest itself: the order of the tests does not matter to what they see. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../../src/testing/harness.js';
import { quoralTest } from '../../src/testing/vitest.js';

const setup = async (c: { sql(text: string): Promise<unknown> }): Promise<void> => {
  await c.sql('create table account (k int primary key, balance int)');
  await c.sql('insert into account values (1, 100)');
};

describe.each(['reset', 'fork'] as const)('isolation by %s', (isolation) => {
  const db = quoralTest({ nodes: 3, isolation, setup });

  it.each([1, 2, 3])('each test begins as set up (%i)', async () => {
    expect((await db.sql('select * from account')).rows).toEqual([{ k: 1, balance: 100 }]);
    await db.sql('insert into account values (2, 5)');
    await db.sql('create table mine (x int)');
    const client = await db.client(1);
    await client.query('begin');
    await client.query('update account set balance = 0');
  });

  it('forks are closed with the test', async () => {
    const fork = await db.fork();
    await fork.sql('delete from account');
    expect((await db.sql('select count(*)::int as n from account')).rows).toEqual([{ n: 1 }]);
  });
});

describe('outside of tests', () => {
  const db = quoralTest({ nodes: 1 });
  it('has a url in a test', () => {
    expect(db.url()).toMatch(/^postgresql:/);
  });
  const early = (() => {
    try {
      return db.url();
    } catch (error) {
      return (error as { code: string }).code;
    }
  })();
  it('is refused', () => {
    expect(early).toBe('55000');
  });
});

describe('artefacts', () => {
  let directory: string;
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('keep the tables of a failed test, as hooks or a wrapper report it', async () => {
    directory = await mkdtemp(join(tmpdir(), 'quoral-artefacts-'));
    const each: (() => Promise<void>)[] = [];
    const after: ((test: { name: string; failed: boolean } | null) => Promise<void>)[] = [];
    const all: (() => Promise<void>)[] = [];
    const hooks = {
      beforeEach: (fn: () => Promise<void>) => void each.push(fn),
      afterEach: (fn: (test: { name: string; failed: boolean } | null) => Promise<void>) => void after.push(fn),
      afterAll: (fn: () => Promise<void>) => void all.push(fn),
    };
    const db = testDatabase(hooks, { nodes: 1, setup, artefacts: directory });
    await each[0]!();
    await db.sql('update account set balance = 7');
    const blocker = await db.client();
    await blocker.query('begin; delete from account');
    await after[0]!({ name: 'books twice / on retry', failed: true });
    await each[0]!();
    const body = db.run('wrapped', async () => {
      await db.sql('delete from account');
      throw new Error('as it should');
    });
    await expect(body()).rejects.toThrow('as it should');
    await after[0]!(null);
    await each[0]!();
    await after[0]!({ name: 'fine', failed: false });
    await all[0]!();
    expect((await readdir(directory)).sort()).toEqual(['books-twice-on-retry.json', 'wrapped.json']);
    const kept = JSON.parse(await readFile(join(directory, 'books-twice-on-retry.json'), 'utf8')) as unknown;
    expect(kept).toEqual({
      test: 'books twice / on retry',
      tables: [{ name: 'public.account', rowCount: 1, rows: [{ k: 1, balance: 7 }] }],
    });
  });
});
