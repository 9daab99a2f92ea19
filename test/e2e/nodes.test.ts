/** One node as an operator runs it: serves, answers over HTTP, drains; refuses with clear words. */
import { textChecksum } from '../../src/base/checksum.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freeBasePort, MAIN, Program, query, removeDirectory, run, temporaryDirectory } from './nodes.js';

const root = temporaryDirectory();
let basePort: number;
let node: Program;

function args(name: string, base: number, ...extra: string[]): string[] {
  return [
    'start',
    ...['--data-dir', join(root, name), '--log-level', 'warn'],
    ...[
      '--sql-addr',
      `127.0.0.1:${base}`,
      '--rpc-addr',
      `127.0.0.1:${base + 100}`,
      '--http-addr',
      `127.0.0.1:${base + 200}`,
    ],
    ...extra,
  ];
}

function url(base: number): string {
  return `postgresql://postgres@127.0.0.1:${base}/postgres`;
}

/** The node does not come up: its exit code, and what it says on standard error. */
async function refused(name: string, base: number, ...extra: string[]): Promise<string> {
  const result = await run(process.execPath, [MAIN, ...args(name, base, ...extra)]);
  expect(result.code, result.stderr).toBe(1);
  const said = result.stderr.split('\n').filter((line) => /^(quoral|hint|detail|cause): /.test(line));
  expect(said[0], result.stderr).toMatch(/^quoral: /);
  expect(result.stderr).not.toMatch(/^ +at /m);
  return said.join('\n');
}

async function get(path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${basePort + 200}${path}`);
  return { status: response.status, body: await response.text() };
}

beforeAll(async () => {
  basePort = await freeBasePort(2);
  node = new Program(args('single', basePort));
  await node.printed(/^node 1 serves /, 60_000);
});

afterAll(async () => {
  node?.kill('SIGKILL');
  await node?.ended;
  removeDirectory(root);
});

describe('a running node', () => {
  it('says where it serves, and serves there', async () => {
    expect(node.output).toContain(`node 1 serves ${url(basePort)}`);
    expect(await query(url(basePort), 'SELECT 1 + 1 AS two')).toEqual([{ two: 2 }]);
  });

  it('answers /health, /ready and /metrics', async () => {
    expect((await get('/health')).status).toBe(200);
    expect((await get('/ready')).status).toBe(200);
    expect((await get('/nothing')).status).toBe(404);
    const metrics = await get('/metrics');
    expect(metrics.status).toBe(200);
    for (const line of metrics.body.trimEnd().split('\n')) {
      expect(line).toMatch(/^(# (TYPE|HELP) quoral_\w+ .+|quoral_\w+(\{[^}]*\})? -?[\d.e+-]+)$/);
    }
    expect(metrics.body).toMatch(/^quoral_process_resident_bytes \d+$/m);
  });

  it('works with `quoral sql`', async () => {
    const sql = (...rest: string[]) => run(process.execPath, [MAIN, 'sql', url(basePort), ...rest]);
    const table = await sql(
      '-c',
      'CREATE TABLE shell (id int PRIMARY KEY, name text)',
      '-c',
      "INSERT INTO shell VALUES (1, 'Ann'), (20, NULL)",
    );
    expect(table.stdout).toBe('CREATE TABLE\nINSERT 0 2\n');
    const rows = await sql('-c', 'SELECT * FROM shell ORDER BY id');
    expect(rows.stdout).toBe(' id | name\n----+------\n  1 | Ann\n 20 | NULL\n(2 rows)\n');
    const wrong = await sql('-c', 'SELECT nme FROM shell');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/^ERROR: {2}42703: .*\nLINE 1: SELECT nme FROM shell\n {15}\^/);
  });

  it('takes statements and COPY data from standard input', async () => {
    const input = 'COPY shell FROM STDIN;\n30\tBob\n31\t\\N\n\\.\nSELECT count(*)\nFROM shell;';
    const result = await run(process.execPath, [MAIN, 'sql', url(basePort)], input);
    expect(result.stderr).toBe('');
    expect(result.stdout).toBe('COPY 2\n count\n-------\n     4\n(1 row)\n');
    expect(result.code).toBe(0);
  });
});

describe('a node that cannot start says why and exits with 1', () => {
  it('when its directory is in use', async () => {
    expect(await refused('single', basePort + 1)).toMatch(/single" is in use.*\nhint: .*--data-dir/);
  });

  it.each([
    ['--sql-addr', 0],
    ['--rpc-addr', 100],
    ['--http-addr', 200],
  ])('when the port of %s is taken', async (option, offset) => {
    const said = await refused(`port${offset}`, basePort + 1, option, `127.0.0.1:${basePort + offset}`);
    expect(said).toMatch(new RegExp(`port ${basePort + offset} is already in use.*\\nhint: `));
  });

  it('when its directory cannot be made', async () => {
    writeFileSync(join(root, 'file'), '');
    expect(await refused('file/sub', basePort + 1)).toMatch(/file.*\nhint: /s);
  });

  it('when SQL would be open to other machines', async () => {
    expect(await refused('open', basePort + 1, '--sql-addr', `0.0.0.0:${basePort + 1}`)).toMatch(/only loopback.*\n/);
  });
});

describe('a directory with a past', () => {
  it('keeps its data over SIGTERM, which ends the node with 0', async () => {
    node.kill('SIGTERM');
    expect(await node.ended).toBe(0);
    node = new Program(args('single', basePort));
    await node.printed(/^node 1 serves /, 60_000);
    expect(await query(url(basePort), 'SELECT count(*) AS n FROM shell')).toEqual([{ n: '4' }]);
    node.kill('SIGINT');
    expect(await node.ended).toBe(0);
  });

  it('is refused as another node', async () => {
    const join = `127.0.0.1:1,127.0.0.1:${basePort + 100}`;
    expect(await refused('single', basePort, '--join', join)).toMatch(/belongs to node 1, .* node 2/);
  });

  it('is refused when a newer version wrote it', async () => {
    const path = join(root, 'single', 'node.json');
    const identity = readFileSync(path, 'utf8');
    const { checksum: _old, ...known } = JSON.parse(identity) as Record<string, unknown>;
    const newer = { ...known, format: 999 };
    writeFileSync(path, JSON.stringify({ ...newer, checksum: textChecksum(JSON.stringify(newer)) }));
    expect(await refused('single', basePort)).toMatch(/newer version of Quoral \(format 999.*\ndetail: .*\nhint: /);
    writeFileSync(path, identity);
  });

  it('is refused when it is damaged', async () => {
    const path = join(root, 'single', 'node.json');
    const identity = readFileSync(path, 'utf8');
    writeFileSync(path, identity.slice(0, 10));
    expect(await refused('single', basePort)).toMatch(/node.json" is damaged/);
    writeFileSync(path, identity);
  });
});
