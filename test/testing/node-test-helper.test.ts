/** The helper for node:test, in a real run of `node --test` on the compiled sources. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'rolldown';
import { expect, it } from 'vitest';

const run = promisify(execFile);

it('gives each test of a file its database, and keeps the tables of those that fail', async () => {
  await mkdir('node_modules/.cache', { recursive: true });
  const directory = await mkdtemp(resolve('node_modules/.cache/quoral-node-test-'));
  try {
    await build({
      input: 'src/testing/node-test.ts',
      platform: 'node',
      external: [/^node:/, /^@grpc/, /^@nxtedition/, /^libpg-query/],
      output: { dir: join(directory, 'helper'), format: 'esm' },
      logLevel: 'silent',
    });
    // As scripts/bundle.mjs does: a thread is started by its address beside the code.
    await copyFile('src/env/node/file-writer-worker.mjs', join(directory, 'helper/file-writer-worker.mjs'));
    await symlink(resolve('node_modules'), join(directory, 'node_modules'));
    const test = `
      import assert from 'node:assert';
      import { test } from 'node:test';
      import { quoralTest } from './helper/node-test.js';
      const db = quoralTest({ nodes: 3, artefacts: 'kept', setup: (c) => c.sql('create table t (k int)') });
      for (const i of [1, 2, 3]) {
        test('empty ' + i, async () => {
          assert.deepEqual((await db.sql('select * from t')).rows, []);
          await db.sql('insert into t values (1)');
        });
      }
      test('fails', { skip: process.env.FAIL !== 'yes' }, async () => {
        await db.sql('insert into t values (7)');
        throw new Error('on purpose');
      });
    `;
    await writeFile(join(directory, 'some.test.mjs'), test);
    const tests = (fail: string): Promise<{ stdout: string }> =>
      run(process.execPath, ['--test', '--test-reporter=tap', 'some.test.mjs'], {
        cwd: directory,
        env: { PATH: process.env['PATH'], FAIL: fail },
      });
    expect((await tests('no')).stdout).toMatch(/# pass 3\n# fail 0/);
    const failed = await tests('yes').catch((error: unknown) => error);
    expect((failed as { stdout: string }).stdout).toMatch(/# pass 3\n# fail 1/);
    const kept = JSON.parse(await readFile(join(directory, 'kept/fails.json'), 'utf8')) as unknown;
    expect(kept).toEqual({ test: 'fails', tables: [{ name: 'public.t', rowCount: 1, rows: [{ k: 7 }] }] });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
