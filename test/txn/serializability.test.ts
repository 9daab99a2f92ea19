/**
 * Random transactions on ranges with skewed clocks, lost messages, moving leases and splits. Every value names
 * its writer, so the versions in the engine give the order of writes, and what each committed
 * transaction read gives the rest: the graph of dependencies must have no cycle.
 */
import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../src/base/errors.js';
import type { BatchRequest } from '../../src/range/kv-api.js';
import { mvccNewest, mvccGet } from '../../src/storage/mvcc.js';
import type { Isolation, KvTxn } from '../../src/txn/kv-txn.js';
import { seededRng } from '../env/seeded-rng.js';
import { collectMarks } from '../support/marks.js';
import { ModelCluster } from './support/model-cluster.js';

const T = '\x04';
const KEYS = Array.from({ length: 9 }, (_, i) => `${T}${String.fromCharCode(97 + i * 2)}`);
const BOUNDARIES = [KEYS[3]!, KEYS[6]!];

interface Done {
  readonly id: string;
  readonly reads: Map<string, string>;
  readonly writes: Set<string>;
  outcome: 'committed' | 'aborted' | 'unknown';
}

function newCluster(seed: number, spillBytes = 512 << 10): ModelCluster {
  const rng = seededRng(seed * 7919);
  return new ModelCluster({
    nodes: 3,
    seed,
    boundaries: BOUNDARIES,
    spillBytes,
    latencyMs: 2 + rng.int(4),
    skewsUs: [0, rng.int(100_000), -rng.int(100_000)],
  });
}

/** Values of all versions of a key, oldest first. */
function history(c: ModelCluster, key: string): string[] {
  const values: string[] = [];
  for (let version = mvccNewest(c.engine, key); version !== null; version = mvccGet(c.engine, key, version.ts - 1)) {
    values.unshift(version.value === null ? 'deleted' : version.value.toString());
  }
  return values;
}

/** What a node that dies was at is never heard of again. */
async function orDead<T>(c: ModelCluster, node: number, work: Promise<T>): Promise<T> {
  if (c.tamper.again === undefined) return work;
  work.catch(() => undefined);
  for (;;) {
    if (c.down.has(node)) throw new QuoralError('08006', 'the node died', { retry: 'unknown' });
    const settled = await Promise.race([work.then(() => true), c.sim.sleep(5).then(() => false)]);
    if (settled) return work;
  }
}

async function client(c: ModelCluster, seed: number, name: string, isolation: Isolation, done: Done[]): Promise<void> {
  const rng = seededRng(seed);
  for (let n = 0; n < 8; n++) {
    const attempt: Done = { id: `${name}.${n}`, reads: new Map(), writes: new Set(), outcome: 'aborted' };
    const node = c.down.has(3) ? 1 + rng.int(2) : 1 + rng.int(3);
    const txn = c.db(node).begin({ isolation });
    let tries = 0;
    for (;;) {
      attempt.reads.clear();
      attempt.writes.clear();
      try {
        if (c.tamper.again !== undefined && rng.int(3) === 0)
          await orDead(c, node, undone(c, txn, rng, attempt, `${attempt.id}.${tries}`));
        await orDead(c, node, operations(c, txn, rng, `${attempt.id}.${tries}`, attempt));
        await orDead(c, node, txn.commit());
        done.push({ ...attempt, id: `${attempt.id}.${tries}`, outcome: 'committed' });
        break;
      } catch (error) {
        if (!(error instanceof QuoralError)) throw error;
        if (error.retry === 'unknown') {
          done.push({ ...attempt, id: `${attempt.id}.${tries}`, outcome: 'unknown' });
          break;
        }
        if (error.retry !== 'transaction') throw error;
        done.push({
          id: `${attempt.id}.${tries}`,
          reads: new Map(),
          writes: new Set(attempt.writes),
          outcome: 'aborted',
        });
        if (++tries > 40) {
          await txn.rollback();
          break;
        }
        await c.sim.sleep(rng.int(10 * tries));
        await txn.restart();
      }
    }
  }
}

async function operations(
  c: ModelCluster,
  txn: KvTxn,
  rng: ReturnType<typeof seededRng>,
  id: string,
  done: Done,
): Promise<void> {
  const count = 1 + rng.int(4);
  for (let i = 0; i < count; i++) {
    const key = KEYS[rng.int(KEYS.length)]!;
    const dice = rng.int(6);
    const note = (k: string, v: Buffer | null): void => {
      if (!done.writes.has(k)) done.reads.set(k, v === null ? 'deleted' : v.toString());
    };
    if (dice < 2) note(key, await txn.get(key));
    else if (dice === 2) note(key, await txn.get(key, { lock: 'exclusive' }));
    else if (dice === 3) {
      const end = KEYS[Math.min(KEYS.length - 1, KEYS.indexOf(key) + 4)]!;
      const page = await txn.scan({ start: key, end, reverse: rng.int(2) === 0 });
      for (const k of KEYS) if (k >= key && k < end) note(k, page.values[page.keys.indexOf(k)] ?? null);
    }
    if (dice >= 2) {
      txn.put(key, Buffer.from(id));
      done.writes.add(key);
    }
    if (rng.int(3) === 0) await c.sim.sleep(rng.int(8));
  }
}

/** Writes that are spilled, undone by a rollback to a savepoint, and written once more by one of two. */
async function undone(c: ModelCluster, txn: KvTxn, rng: ReturnType<typeof seededRng>, done: Done, id: string) {
  const key = KEYS[rng.int(KEYS.length)]!;
  if (done.writes.has(key)) return;
  const savepoint = txn.savepoint();
  txn.put(key, Buffer.from(`undone ${id}`));
  await txn.relieve();
  if (rng.int(2) === 0) await c.sim.sleep(rng.int(8));
  txn.rollbackTo(savepoint);
  if (rng.int(2) === 0) return;
  txn.put(key, Buffer.from(id));
  done.writes.add(key);
  await txn.relieve();
  await c.sim.sleep(rng.int(30));
}

function verify(c: ModelCluster, all: readonly Done[], seed: number): void {
  const order = new Map(KEYS.map((key) => [key, ['initial', ...history(c, key).slice(1)]]));
  const committed = all.filter((d) => {
    const visible = [...d.writes].filter((key) => order.get(key)!.includes(d.id));
    if (d.outcome === 'committed')
      expect(visible.length, `seed ${seed}: ${d.id} is committed and must be whole`).toBe(d.writes.size);
    if (d.outcome === 'aborted') expect(visible, `seed ${seed}: ${d.id} is aborted and must be absent`).toEqual([]);
    expect([0, d.writes.size], `seed ${seed}: ${d.id} is torn`).toContain(visible.length);
    return d.outcome === 'committed' || visible.length > 0;
  });
  const edges = new Map<string, Set<string>>();
  const edge = (from: string, to: string): void => {
    if (from !== to && from !== 'initial' && to !== 'initial')
      (edges.get(from) ?? edges.set(from, new Set()).get(from)!).add(to);
  };
  for (const versions of order.values()) {
    expect(new Set(versions).size, `seed ${seed}: one write appears twice`).toBe(versions.length);
    for (let i = 1; i < versions.length; i++) edge(versions[i - 1]!, versions[i]!);
  }
  for (const d of committed) {
    for (const [key, seen] of d.reads) {
      const versions = order.get(key)!;
      const at = versions.indexOf(seen);
      expect(at, `seed ${seed}: ${d.id} read ${seen} of ${key}, which was never committed`).toBeGreaterThanOrEqual(0);
      edge(seen, d.id);
      const next = versions[at + 1];
      if (next !== undefined) edge(d.id, next);
    }
  }
  const cycle = findCycle(edges);
  expect(cycle, `seed ${seed}: ${cycle?.join(' → ')}`).toBe(null);
}

function findCycle(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | null {
  const state = new Map<string, 'open' | 'closed'>();
  const visit = (node: string, path: string[]): string[] | null => {
    if (state.get(node) === 'closed') return null;
    if (state.get(node) === 'open') return [...path.slice(path.indexOf(node)), node];
    state.set(node, 'open');
    for (const next of edges.get(node) ?? []) {
      const found = visit(next, [...path, node]);
      if (found !== null) return found;
    }
    state.set(node, 'closed');
    return null;
  };
  for (const node of edges.keys()) {
    const found = visit(node, []);
    if (found !== null) return found;
  }
  return null;
}

/** A message comes once more after this many virtual milliseconds; 0: it does not. */
type Again = (rng: ReturnType<typeof seededRng>) => number;
const NEVER: Again = () => 0;
const SOON: Again = (rng) => (rng.int(20) === 0 ? rng.int(100) : 0);
/** When its transaction is over and forgotten, many of them. */
const LATE: Again = (rng) => (rng.int(3) === 0 ? Math.ceil(20_000 ** rng.next()) : 0);

async function scenario(seed: number, faults: boolean, again = NEVER, spillBytes?: number): Promise<void> {
  const c = newCluster(seed, spillBytes);
  const rng = seededRng(seed * 31);
  await c.run(
    c.db(1).run({ isolation: 'serializable' }, async (txn) => {
      for (const key of KEYS) txn.put(key, Buffer.from('initial'));
    }),
  );
  await c.run(c.db(1).settled());
  if (faults) {
    c.tamper = {
      before: () => (rng.int(60) === 0 ? 'unreachable' : rng.int(120) === 0 ? 'drop' : undefined),
      after: () => (rng.int(60) === 0 ? 'lose' : undefined),
      ...(again === NEVER ? {} : { again: (_, batch) => (isCounter(batch) ? 0 : again(rng)) }),
    };
  }
  const done: Done[] = [];
  const clients = Array.from({ length: 6 }, (_, i) => client(c, seed * 100 + i, `c${i}`, 'serializable', done));
  if (faults) {
    clients.push(
      (async () => {
        for (let i = 0; i < 6; i++) {
          await c.sim.sleep(10 + rng.int(60));
          const ranges = [...c.ranges.values()];
          if (i === 2) await c.db(1 + rng.int(3)).split(KEYS[1 + rng.int(7)]!);
          else c.moveLease(ranges[rng.int(ranges.length)]!, 1 + rng.int(c.down.has(3) ? 2 : 3));
          if (again === LATE && i === 4) c.kill(3);
        }
      })(),
    );
  }
  await c.run(Promise.all(clients), 3_600_000);
  c.tamper = {};
  if (again === LATE) {
    for (let i = 0; i < 20; i++) {
      await c.sim.advance(1_100);
      for (const range of c.ranges.values()) if (rng.int(3) === 0) c.moveLease(range, 1 + rng.int(2));
    }
  }
  await c.run(Promise.all([1, 2, 3].filter((n) => !c.down.has(n)).map((n) => c.db(n).settled())));
  // Whatever was left behind is resolved by who meets it.
  await c.run(
    c.db(2).run({ isolation: 'serializable' }, (txn) => txn.getMany(KEYS, { lock: 'exclusive' })),
    600_000,
  );
  await c.sim.advance(10);
  expect(c.failures, `seed ${seed}`).toEqual([]);
  verify(c, done, seed);
  expect(done.filter((d) => d.outcome === 'committed').length, `seed ${seed}`).toBeGreaterThan(20);
}

/** What has no protection against a repetition, and is never repeated by the router. */
function isCounter(batch: BatchRequest): boolean {
  return batch.requests.some((r) => r.kind === 'increment' || (r.kind === 'end-txn' && r.action === 'one-phase'));
}

/** Histories of each kind; SEEDS=<count> widens the search. */
const SEEDS = Number(process.env['SEEDS'] ?? 40);

describe('random transactions are serializable', () => {
  it('without faults', { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) await scenario(seed, false);
  });
  it('with lost messages, moving leases and a split', { timeout: 120_000 }, async () => {
    for (let seed = 1_001; seed <= 1_000 + SEEDS; seed++) await scenario(seed, true);
  });
});

describe('late duplicates of messages', () => {
  it('change nothing', { timeout: 120_000 }, async () => {
    const marks = collectMarks();
    for (let seed = 2_001; seed <= 2_000 + SEEDS / 2; seed++) await scenario(seed, true, SOON);
    expect(marks).toContain('staging-after-recovery');
  });
  // Found with the rules of range/eval/sent.ts, stage (end-txn.ts) or savepoints left out: 3035, 3034, 3002.
  it('change nothing when they come after the end, under other leases', { timeout: 120_000 }, async () => {
    const marks = collectMarks();
    for (let seed = 3_001; seed <= 3_000 + SEEDS; seed++)
      await scenario(seed, true, LATE, seed % 2 === 0 ? 1 : undefined);
    for (const mark of ['late-staging-stays', 'void-put-ignored', 'late-void-stays-off'] as const)
      expect(marks).toContain(mark);
    expect(marks).not.toContain('moved-intent-committed');
  });
});

describe('money', () => {
  it.each(['serializable', 'repeatable read', 'read committed'] as const)(
    'is neither made nor lost at %s',
    { timeout: 120_000 },
    async (isolation) => {
      for (let seed = 1; seed <= 40; seed++) {
        const c = newCluster(seed + 5_000);
        await c.run(
          c.db(1).run({ isolation: 'serializable' }, async (txn) => {
            for (const key of KEYS) txn.put(key, Buffer.from('100'));
          }),
        );
        const transfer = async (n: number): Promise<void> => {
          const rng = seededRng(seed * 1_000 + n);
          for (let i = 0; i < 10; i++) {
            const [from, to] = [KEYS[rng.int(9)]!, KEYS[rng.int(9)]!];
            if (from === to) continue;
            await c.db(1 + (n % 3)).run({ isolation }, async (txn) => {
              txn.beginStatement();
              const a = Number(await txn.get(from, { lock: 'exclusive' }));
              txn.put(from, Buffer.from(String(a - 5)));
              txn.beginStatement();
              const b = Number(await txn.get(to, { lock: 'exclusive' }));
              txn.put(to, Buffer.from(String(b + 5)));
            });
          }
        };
        const sum = async (): Promise<void> => {
          for (let i = 0; i < 10; i++) {
            await c.sim.sleep(7);
            const values = await c.db(1 + (i % 3)).getMany(KEYS);
            expect(
              values.reduce((s, v) => s + Number(v), 0),
              `seed ${seed}`,
            ).toBe(900);
          }
        };
        await c.run(Promise.all([0, 1, 2, 3, 4].map(transfer).concat(sum())), 3_600_000);
        const values = await c.run(c.db(1).getMany(KEYS));
        expect(
          values.reduce((s, v) => s + Number(v), 0),
          `seed ${seed}`,
        ).toBe(900);
      }
    },
  );
});
