/** What `import 'quoral/testing'` loads in a user's process: the built bundle, with and without compiled code. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const directories: string[] = [];

afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

/** Starts a cluster by the bundle in `folder`; prints its answer, and whether V8's compiled code was taken. */
async function answer(folder: string, flags: readonly string[] = []): Promise<string> {
  const program = `
    const { startCluster } = await import(${JSON.stringify(join(folder, 'index.js'))});
    const { compiledCode } = await import(${JSON.stringify(join(folder, 'load.js'))});
    const helper = await import(${JSON.stringify(join(folder, 'node-test.js'))});
    const cluster = await startCluster({ nodes: 3 });
    const { rows } = await cluster.sql('select 6 * 7 as n');
    console.log(rows[0].n, typeof helper.quoralTest, compiledCode() !== null);
    await cluster.close();
  `;
  const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '-e', program]);
  return stdout.trim();
}

describe('the bundle', () => {
  const built = resolve('dist/bundle');

  it("takes V8's compiled code from the build", async () => {
    expect(await answer(built)).toBe('42 function true');
  });

  it('compiles as usual when stack traces are to be mapped', async () => {
    expect(await answer(built, ['--enable-source-maps'])).toBe('42 function false');
  });

  it('compiles as usual when the compiled code is of another V8, or of other flags', async () => {
    await mkdir('node_modules/.cache', { recursive: true });
    const copy = await mkdtemp(resolve('node_modules/.cache/quoral-bundle-'));
    directories.push(copy);
    await cp(built, copy, { recursive: true, filter: (source) => !source.endsWith('.cache') });
    expect(await answer(copy)).toBe('42 function false');
    expect(await answer(built, ['--no-lazy'])).toBe('42 function false');
  });
});
