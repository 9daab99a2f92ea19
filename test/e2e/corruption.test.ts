/**
 * Damage to each kind of file in a node's data directory, in a cluster of three real processes. The rule
 * (DESIGN 10): the node whose file is damaged says which file, and ends with exit code 1; the others go on
 * serving. What a crash may leave behind, a write-ahead log with a torn tail, is no damage: the node starts and has
 * everything that was acknowledged.
 *
 * Each start from a damaged directory works on a copy: a node that got as far as to promise something
 * (a vote, support) from a copy would make the original a lie, so those directories are put back only
 * after a refused start.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../bench/random.js';
import { ChaosCluster } from '../../chaos/cluster.js';
import type { Death } from '../../chaos/node-process.js';
import { MAIN, query, removeDirectory, until } from './nodes.js';

const VICTIM = 3;
const ROWS = 3_000;
const root = mkdtempSync(join(tmpdir(), 'quoral-corruption-'));
const intact = join(root, 'intact');
const deaths: Death[] = [];
let cluster: ChaosCluster;

function dataDir(): string {
  return cluster.dataDir(VICTIM);
}

/** The newest (largest) file of a kind. */
function fileOf(folder: string, pattern: RegExp): string {
  const directory = join(dataDir(), folder);
  const names = readdirSync(directory)
    .filter((name) => pattern.test(name))
    .sort((a, b) => statSync(join(directory, a)).size - statSync(join(directory, b)).size);
  const name = names.at(-1);
  if (name === undefined) throw new Error(`no ${pattern} in ${directory}: ${readdirSync(directory).join(', ')}`);
  return join(directory, name);
}

function flip(path: string, share: number): void {
  const bytes = readFileSync(path);
  const at = Math.min(bytes.length - 1, Math.floor(bytes.length * share));
  bytes[at] = (bytes[at] as number) ^ 0x10;
  writeFileSync(path, bytes);
}

async function serves(id: number, text = 'SELECT count(*) FROM rows', enough = (): boolean => false): Promise<void> {
  await until(
    `node ${id} to serve:\n${cluster.node(id).logTail()}`,
    async () => {
      try {
        await query(cluster.url(id), text);
        return true;
      } catch (error) {
        if (enough()) return true;
        const missing = error instanceof Error && 'code' in error && error.code === '42P01';
        return missing ? true : undefined;
      }
    },
    60_000,
  );
}

async function othersCarryOn(): Promise<void> {
  for (const id of cluster.ids) {
    if (id === VICTIM) continue;
    await query(cluster.url(id), 'INSERT INTO others VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET n = others.n + 1', [
      id,
    ]);
    expect(await query(cluster.url(id), 'SELECT count(*) AS n FROM rows')).toEqual([{ n: String(ROWS) }]);
  }
}

/** Starts the victim and waits for its end. */
async function end(): Promise<Death> {
  cluster.node(VICTIM).start();
  return nextDeath();
}

function nextDeath(): Promise<Death> {
  return until(
    `node ${VICTIM} to end:\n${cluster.node(VICTIM).logTail()}`,
    () => deaths.find((death) => death.node === VICTIM),
    30_000,
  );
}

function putBack(): void {
  rmSync(dataDir(), { recursive: true, force: true });
  cpSync(intact, dataDir(), { recursive: true });
}

/** Exit code 1 and a message with the file in it, without a stack. */
function expectNamed(death: Death, path: string): void {
  const said = death.logTail.split('\n').filter((line) => line.startsWith('quoral: '));
  expect(said.length, death.logTail).toBeGreaterThan(0);
  expect(said.at(-1), death.logTail).toContain(path);
  expect(death.code, death.logTail).toBe(1);
}

beforeAll(async () => {
  cluster = await ChaosCluster.create({
    directory: root,
    mainPath: MAIN,
    nodes: 3,
    random: new Random(process.pid),
    smallDiskNode: null,
    onDeath: (death) => deaths.push(death),
  });
  cluster.startAll();
  for (const id of cluster.ids) await serves(id);
  await query(cluster.url(1), 'CREATE TABLE rows (id int PRIMARY KEY, pad text NOT NULL)');
  await query(cluster.url(1), 'CREATE TABLE others (id int PRIMARY KEY, n int NOT NULL)');
  const load = (from: number): Promise<unknown> => {
    const rows = Array.from({ length: ROWS / 3 }, (_, i) => `(${from + i}, '${'x'.repeat(200)}${from + i}')`);
    return query(cluster.url(1), `INSERT INTO rows VALUES ${rows.join(', ')}`);
  };
  await load(0);
  // A start writes what the write-ahead logs held into files of their own.
  for (let restart = 1; restart <= 2; restart++) {
    cluster.node(VICTIM).kill();
    await cluster.node(VICTIM).gone();
    await load((restart * ROWS) / 3);
    cluster.node(VICTIM).start();
    await serves(VICTIM);
  }
  // Something in each write-ahead log, in many records.
  for (let i = 0; i < 40; i++) await query(cluster.url(VICTIM), 'INSERT INTO others VALUES ($1, $2)', [100 + i, i]);
  // Damage in front of a sync is damage; what was never synced may be lost in a crash, and is no proof of anything.
  await until(
    'a sync of the data behind half of its write-ahead log',
    async () => {
      const bytes = readFileSync(fileOf('data', /^\d+\.log$/));
      return bytes.lastIndexOf('sync') > bytes.length / 2 ? true : undefined;
    },
    30_000,
  );
});

afterAll(() => {
  cluster?.destroy();
  removeDirectory(root);
});

describe('a damaged file found at start', () => {
  beforeAll(async () => {
    cluster.node(VICTIM).kill();
    await cluster.node(VICTIM).gone();
    cpSync(dataDir(), intact, { recursive: true });
  });

  const cases: readonly (readonly [name: string, path: () => string, damage: (path: string) => void])[] = [
    ['node.json, torn', () => join(dataDir(), 'node.json'), (path) => truncateSync(path, 9)],
    ['node.json, empty', () => join(dataDir(), 'node.json'), (path) => truncateSync(path, 0)],
    ['members.json, torn', () => join(dataDir(), 'members.json'), (path) => truncateSync(path, 9)],
    ['node.json, a bit flipped', () => join(dataDir(), 'node.json'), (path) => flip(path, 0.4)],
    ['members.json, a bit flipped', () => join(dataDir(), 'members.json'), (path) => flip(path, 0.5)],
    ['the clock, a bit flipped', () => join(dataDir(), 'clock'), (path) => flip(path, 0)],
    ['the clock, empty', () => join(dataDir(), 'clock'), (path) => truncateSync(path, 0)],
    ['the clock, torn', () => join(dataDir(), 'clock'), (path) => truncateSync(path, 7)],
    ['liveness, torn', () => join(dataDir(), 'liveness'), (path) => truncateSync(path, statSync(path).size - 1)],
    ['liveness, empty', () => join(dataDir(), 'liveness'), (path) => truncateSync(path, 0)],
    ['liveness, a bit flipped', () => join(dataDir(), 'liveness'), (path) => flip(path, 0.5)],
  ];
  for (const folder of ['log', 'data']) {
    const inFolder = (pattern: RegExp) => (): string => fileOf(folder, pattern);
    (cases as (typeof cases)[number][]).push(
      [`${folder}/CURRENT, a bit flipped`, inFolder(/^CURRENT$/), (path) => flip(path, 0.5)],
      [`${folder}/CURRENT, empty`, inFolder(/^CURRENT$/), (path) => truncateSync(path, 0)],
      [`${folder}/MANIFEST, a bit flipped`, inFolder(/^MANIFEST/), (path) => flip(path, 0.4)],
      [`${folder}/MANIFEST, gone`, inFolder(/^MANIFEST/), (path) => rmSync(path)],
      [`${folder}/SST, torn`, inFolder(/\.sst$/), (path) => truncateSync(path, Math.floor(statSync(path).size / 2))],
      [`${folder}/SST, gone`, inFolder(/\.sst$/), (path) => rmSync(path)],
      [`${folder}/WAL, a bit flipped`, inFolder(/^\d+\.log$/), (path) => flip(path, 0.3)],
    );
  }

  it.each(cases)('%s: names the file, ends with 1; the others carry on', async (_name, find, damage) => {
    deaths.length = 0;
    const path = find();
    damage(path);
    try {
      expectNamed(await end(), path);
      await othersCarryOn();
    } finally {
      cluster.node(VICTIM).kill();
      await cluster.node(VICTIM).gone();
      putBack();
    }
  });
});

describe('what a crash leaves behind is no damage', () => {
  it.each(['log', 'data'])(
    'a torn tail of the write-ahead log of %s: starts, and has all that was acknowledged',
    async (folder) => {
      deaths.length = 0;
      cluster.node(VICTIM).kill();
      await cluster.node(VICTIM).gone();
      // A record that was begun and not finished: behind everything that was ever synced.
      const path = fileOf(folder, /^\d+\.log$/);
      writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('0123456789abcdef', 'hex')]));
      cluster.node(VICTIM).start();
      await serves(VICTIM);
      expect(await query(cluster.url(VICTIM), 'SELECT count(*) AS n FROM rows')).toEqual([{ n: String(ROWS) }]);
      expect(deaths).toEqual([]);
      await othersCarryOn();
    },
  );
});

describe('a damaged file found at read', () => {
  // A node that drains hands its leases to the first of the others that is up to date: so this one comes to read.
  const reader = 1;

  it('stops the node with the name of the file; clients are served by the others', async () => {
    deaths.length = 0;
    cluster.node(reader).kill();
    await cluster.node(reader).gone();
    cluster.node(reader).start();
    await serves(reader, 'SELECT 1');
    // Nothing was read since the start: no block is in a cache, and the leases are elsewhere.
    const directory = join(cluster.dataDir(reader), 'data');
    const damaged: string[] = [];
    for (const name of readdirSync(directory).filter((file) => file.endsWith('.sst'))) {
      const path = join(directory, name);
      const bytes = readFileSync(path);
      if (bytes.length < 20_000) continue;
      damaged.push(path);
      // A node that runs has the file open: the same file is written, not another put in its place.
      for (let at = 100; at < bytes.length * 0.8; at += 512) bytes[at] = (bytes[at] as number) ^ 0x10;
      writeFileSync(path, bytes);
    }
    expect(damaged.length).toBeGreaterThan(0);
    // The leases of a node that drains may also go to the third one, if this one is behind after its start.
    for (let turn = 0; turn < 10 && deaths.length === 0; turn++) {
      const id = 2 + (turn % 2);
      expect(await cluster.node(id).stop(30_000), cluster.node(id).logTail()).toBe(0);
      await readAll(reader);
      cluster.node(id).start();
      await serves(id, 'SELECT 1', () => deaths.length > 0);
    }
    const death = await until('the reader to end', () => deaths[0], 30_000);
    expect(death.node).toBe(reader);
    expectNamed(death, damaged.find((path) => death.logTail.includes(path)) ?? damaged.join(' or '));
    for (const id of [2, 3]) {
      await serves(id);
      expect(await query(cluster.url(id), 'SELECT count(pad) AS n FROM rows')).toEqual([{ n: String(ROWS) }]);
    }
    expect(deaths.length).toBe(1);
  });
});

/** The node may end in the middle of it; then the client hears of a lost connection or an error. */
async function readAll(id: number): Promise<void> {
  try {
    expect(await query(cluster.url(id), 'SELECT count(pad) AS n FROM rows')).toEqual([{ n: String(ROWS) }]);
  } catch (error) {
    if (error instanceof Error && error.name === 'AssertionError') throw error;
  }
}
