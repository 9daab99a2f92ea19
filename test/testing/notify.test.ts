/** LISTEN and NOTIFY as real clients see them, over a cluster of three nodes that loses some. */
import pg from 'pg';
import postgres from 'postgres';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Cluster, simulate, startCluster } from '../../src/testing/index.js';

let cluster: Cluster | null = null;
const clients: { end(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.allSettled(clients.splice(0).map((client) => client.end()));
  await cluster?.close();
  cluster = null;
});

/** For what hangs, not for what is slow: the machine may be shared. */
function eventually(look: () => void): Promise<void> {
  return vi.waitFor(look, { timeout: 60_000 });
}

interface Heard {
  readonly client: pg.Client;
  readonly heard: string[];
  readonly errors: string[];
}

async function listener(c: Cluster, node: number, ...channels: string[]): Promise<Heard> {
  const client = new pg.Client(c.url(node));
  const heard: string[] = [];
  const errors: string[] = [];
  client.on('notification', (n) => heard.push(`${n.channel} ${n.payload ?? ''}`));
  client.on('error', (error) => errors.push((error as { code?: string }).code ?? error.message));
  await client.connect();
  clients.push(client);
  for (const channel of channels) await client.query(`listen ${channel}`);
  return { client, heard, errors };
}

describe('notifications over a cluster', () => {
  it('reach idle clients on every node, with what their transaction did', async () => {
    const c = (cluster = await startCluster());
    await c.sql('create table jobs (k int primary key)');
    const all = await Promise.all([0, 1, 2].map((node) => listener(c, node, 'jobs')));
    const writer = new pg.Client(c.url(1));
    await writer.connect();
    clients.push(writer);
    const seen: unknown[] = [];
    const [first] = all;
    first!.client.on('notification', () => {
      void first!.client.query('select count(*)::int as n from jobs').then((r) => seen.push(r.rows[0].n));
    });
    await writer.query('begin');
    await writer.query('insert into jobs values (1)');
    await writer.query("select pg_notify('jobs', 'new job')");
    await writer.query('savepoint s');
    await writer.query("notify jobs, 'not this one'");
    await writer.query('rollback to s');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(all.map((l) => l.heard)).toEqual([[], [], []]);
    await writer.query('commit');
    await eventually(() => expect(all.map((l) => l.heard)).toEqual(all.map(() => ['jobs new job'])));
    await eventually(() => expect(seen).toEqual([1]));
    await writer.query("begin; insert into jobs values (2); notify jobs, 'rolled back'; rollback");
    await writer.query("notify jobs, 'last'");
    await eventually(() => expect(all.map((l) => l.heard)).toEqual(all.map(() => ['jobs new job', 'jobs last'])));
  });

  it('carry postgres.js and the client without a socket', async () => {
    const c = (cluster = await startCluster());
    const sql = postgres(c.url(2), { max: 1 });
    clients.push(sql);
    const heard: string[] = [];
    const { unlisten } = await sql.listen('to js', (payload) => heard.push(payload));
    await sql.notify('to js', 'from itself');
    const own = c.client(0);
    await own.connect();
    clients.push(own);
    const events: unknown[] = [];
    own.on('notification', (event) => events.push(event));
    await own.query('listen "to js"');
    await own.query('notify "to js", \'from another\'');
    expect(events).toEqual([
      { name: 'notification', processId: own.processID, channel: 'to js', payload: 'from another' },
    ]);
    await eventually(() => expect(heard).toEqual(['from itself', 'from another']));
    await unlisten();
    await own.query('notify "to js", \'too late\'');
    await own.query('select 1');
    expect(heard).toEqual(['from itself', 'from another']);
  });

  it('arrive, all and in one order, while nodes crash', { timeout: 300_000 }, async () => {
    const c = (cluster = await startCluster());
    const l = await listener(c, 0, 'x');
    const committed: string[] = [];
    const unknown: string[] = [];
    const say = async (node: number, text: string): Promise<void> => {
      const client = c.client(node);
      try {
        await client.connect();
        await client.query(`notify x, '${text}'`);
        committed.push(`x ${text}`);
      } catch {
        unknown.push(`x ${text}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await client.end();
    };
    for (const node of [1, 2]) {
      let going = true;
      const writing = [1, 2].map(async (from) => {
        for (let i = 0; going; i++) await say(from, `${node}/${from}/${i}`);
      });
      const more = (n: number): Promise<void> => {
        const then = committed.length + n;
        return eventually(() => expect(committed.length).toBeGreaterThanOrEqual(then));
      };
      await more(6);
      // In the middle of its commits, whatever this node leads.
      await c.crashNode(node);
      await more(6);
      going = false;
      await c.restartNode(node);
      await Promise.all(writing);
    }
    await say(0, 'the end');
    await eventually(() => expect(l.heard.at(-1)).toBe('x the end'));
    expect(l.errors).toEqual([]);
    const maybe = new Set(unknown);
    expect(l.heard.filter((text) => !maybe.has(text)).sort()).toEqual([...committed].sort());
    expect(new Set(l.heard).size).toBe(l.heard.length);
    // Each writer's in its own order.
    for (const prefix of ['x 1/1/', 'x 1/2/', 'x 2/1/', 'x 2/2/']) {
      const numbers = l.heard
        .filter((text) => text.startsWith(prefix))
        .map((text) => Number(text.slice(prefix.length)));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  });

  it('end a session that was idle for too long at once', async () => {
    const c = (cluster = await startCluster({ nodes: 1 }));
    const l = await listener(c, 0, 'x');
    await l.client.query("set idle_session_timeout = '50ms'");
    await eventually(() => expect(l.errors[0]).toBe('57P05'));
  });

  it('go on after a reset of the cluster', async () => {
    const c = (cluster = await startCluster());
    const l = await listener(c, 1, 'x');
    await c.sql("notify x, 'before'");
    await eventually(() => expect(l.heard).toEqual(['x before']));
    await c.reset();
    await c.sql("notify x, 'after'");
    await eventually(() => expect(l.heard).toEqual(['x before', 'x after']));
    expect(l.errors).toEqual([]);
  });
});

describe('notifications in the simulator', () => {
  const seeds = Number(process.env['QUORAL_NOTIFY_SEEDS'] ?? 1);
  it.each([
    { what: 'partitions and crashes', faults: ['partition', 'one-way', 'pause', 'crash', 'lease-transfer'] as const },
    { what: 'faults of any kind', faults: 'swarm' as const },
  ])('reach whoever listens through $what', { timeout: 3_000_000 }, async ({ faults }) => {
    await simulate({ seed: 40, seeds, faults }, async (sim) => {
      const committed: { readonly text: string; readonly at: number }[] = [];
      const maybe = new Set<string>();
      let over = false;
      const write = async (node: string): Promise<void> => {
        for (let i = 0; !over; i++) {
          const text = `${node}/${i}`;
          maybe.add(text);
          try {
            const at = sim.now();
            await sim.sql(`notify x, '${text}'`, [], { node });
            committed.push({ text, at });
          } catch {
            await sim.sleep(100);
          }
          await sim.sleep(sim.random.int(100));
        }
      };
      /** What the connections of each listener heard, and from when to when. */
      const lives: { readonly from: number; until: number; readonly heard: string[] }[] = [];
      const listen = async (node: string): Promise<void> => {
        while (!over) {
          const client = sim.client(node);
          const heard: string[] = [];
          client.on('notification', ({ payload }: { payload: string }) => heard.push(payload));
          client.on('error', () => undefined);
          const ended = new Promise((resolve) => client.once('end', resolve));
          try {
            await client.connect();
            await client.query('listen x');
            const life = { from: sim.now(), until: Infinity, heard };
            lives.push(life);
            await ended;
            // What was on its way when the connection broke may be missing.
            life.until = 0;
          } catch {
            await sim.sleep(300);
          }
        }
      };
      const workers = sim.nodes.map((node) => write(node));
      for (const node of sim.nodes) void listen(node);
      await sim.sleep('20s');
      sim.heal();
      await sim.settled();
      await sim.sleep('10s');
      over = true;
      await Promise.race([Promise.all(workers), sim.sleep('60s')]);
      await sim.sleep('5s');
      const order = new Map<string, number>();
      lives.forEach((life) => life.heard.forEach((text) => expect(maybe.has(text), text).toBe(true)));
      const whole = lives.filter((life) => life.until === Infinity);
      expect(whole.length).toBeGreaterThan(0);
      for (const { from, heard } of whole) {
        const there = new Set(heard);
        expect(there.size).toBe(heard.length);
        expect(committed.filter(({ text, at }) => at > from && !there.has(text))).toEqual([]);
      }
      // One order for all: each list is a part of the longest one, as it stands there.
      const longest = whole.reduce((a, b) => (a.heard.length >= b.heard.length ? a : b));
      longest.heard.forEach((text, i) => order.set(text, i));
      for (const { heard } of lives) {
        const places = heard.map((text) => order.get(text)).filter((place) => place !== undefined);
        expect(places).toEqual([...places].sort((a, b) => a - b));
      }
    });
  });
});
