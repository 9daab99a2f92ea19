import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { KEEP_MS, POLL_MS } from '../../../src/sql/notify/hub.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { LocalHub } from '../support/local-network.js';
import { MemoryDb, MemoryKv } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';
import { VirtualServers } from '../support/virtual-server.js';
import { settle } from '../../support/pending.js';

/** For what hangs, not for what is slow. */
const HANGS = { timeout: 60_000 };

let kv: MemoryKv;
let hub: LocalHub;
let servers: ManagedSqlServer[];

beforeEach(async () => {
  kv = new MemoryKv();
  hub = new LocalHub();
  servers = [];
  for (const node of [1, 2, 3]) servers.push(await startServer(new MemoryDb(kv, node), { network: hub.network(node) }));
});
afterEach(async () => {
  await Promise.all(servers.map((s) => s.close()));
});

/** 'channel payload' of what the client would have been sent by now. */
function heard(client: Client): string[] {
  return client.session.takeNotifications().map((n) => `${n.channel} ${n.payload}`);
}
async function open(node: number, database = 'postgres'): Promise<Client> {
  return Client.open(servers[node - 1]!, {}, database);
}
/** Rows of the queues that are there. */
function rows(): number {
  return [...kv.versions].filter(([key, v]) => key.startsWith('\x03notify/') && v.at(-1)!.value !== null).length;
}

describe('LISTEN and NOTIFY', () => {
  it('reach every node, in order, with the sender, at once', async () => {
    const [a, b, c, d] = [await open(1), await open(2), await open(3), await open(2)];
    for (const client of [a, b, c]) await client.all('listen news');
    await d.all('listen other');
    let pushed = 0;
    c.session.onPush(() => pushed++);
    expect((await a.query("notify news, 'one'")).tag).toBe('NOTIFY');
    // Its own is there with the answer.
    expect(a.session.takeNotifications()).toEqual([
      { processId: a.session.processId, channel: 'news', payload: 'one' },
    ]);
    await b.all("select pg_notify('news', 'two')");
    await b.all('notify news');
    await settle();
    expect(heard(a)).toEqual(['news two', 'news ']);
    expect(heard(b)).toEqual(['news one', 'news two', 'news ']);
    expect(heard(c)).toEqual(['news one', 'news two', 'news ']);
    expect(heard(d)).toEqual([]);
    expect(pushed).toBe(3);
    expect(heard(c)).toEqual([]);
  });

  it('belong to the transaction', async () => {
    const [a, b] = [await open(1), await open(2)];
    await b.all('listen x');
    await a.all("begin; notify x, '1'; savepoint s; notify x, '2'; rollback to s; notify x, '3'; notify x, '1'");
    await settle();
    expect(heard(b)).toEqual([]);
    await a.all('commit');
    await settle();
    expect(heard(b)).toEqual(['x 1', 'x 3']);
    await a.all("begin; savepoint s; notify x, '4'; rollback to s; notify x, '4'; commit");
    await settle();
    expect(heard(b)).toEqual(['x 4']);
    await a.all("begin; notify x, 'no'; rollback");
    expect(await a.error("begin; notify x, 'no'; select 1/0")).toContain('22012');
    await a.all('rollback');
    expect(await a.error("notify x, 'no'; select 1/0")).toContain('22012');
    await a.all("begin; notify x, 'late'; savepoint s; notify x, 'no'; release s; rollback; notify x, 'end'");
    await settle();
    expect(heard(b)).toEqual(['x end']);
  });

  it('are kept from a session until its transaction block is over', async () => {
    const [a, b] = [await open(1), await open(2)];
    await b.all('listen x');
    await b.all('begin; select 1');
    await a.all("notify x, 'waits'");
    await settle();
    expect(heard(b)).toEqual([]);
    expect(await b.error('select 1/0')).toContain('22012');
    expect(heard(b)).toEqual([]);
    await b.all('rollback');
    expect(heard(b)).toEqual(['x waits']);
  });

  it('begin and end to listen at commit', async () => {
    const [a, b] = [await open(1), await open(2)];
    await b.all('begin; listen x');
    expect(await b.rows('select pg_listening_channels()')).toEqual([]);
    await a.all("notify x, 'before'");
    await b.all('commit');
    await a.all("notify x, 'after'");
    await settle();
    expect(heard(b)).toEqual(['x after']);
    await b.all('begin; unlisten x');
    expect(await b.rows('select * from pg_listening_channels()')).toEqual([['x']]);
    await b.all('rollback; begin; listen y; rollback; begin; listen z; savepoint s; listen q; rollback to s; commit');
    expect(await b.rows('select pg_listening_channels()')).toEqual([['x'], ['z']]);
    await b.all('begin; unlisten x');
    await a.all("notify x, 'while it leaves'");
    await settle();
    await b.all('commit');
    expect(heard(b)).toEqual([]);
    await a.all("notify x, 'gone'; notify z, 'there'");
    await settle();
    expect(heard(b)).toEqual(['z there']);
    await b.all('unlisten *; unlisten nothing');
    expect(await b.rows('select pg_listening_channels()')).toEqual([]);
    await b.all("begin; notify x, 'own'; listen x; unlisten *; listen x; commit");
    expect(heard(b)).toEqual(['x own']);
    await b.all('discard all');
    expect(await b.rows('select pg_listening_channels()')).toEqual([]);
  });

  it('belong to a database', async () => {
    const a = await open(1);
    await a.all('create database other');
    const b = await open(2, 'other');
    await a.all('listen x');
    await b.all("listen x; notify x, 'there'");
    await a.all("notify x, 'here'");
    await settle();
    expect(heard(a)).toEqual(['x here']);
    expect(heard(b)).toEqual(['x there']);
  });

  it('refuse what PostgreSQL refuses', async () => {
    const a = await open(1);
    expect(await a.error("select pg_notify('', 'x')")).toBe('22023 channel name cannot be empty');
    expect(await a.error("select pg_notify(null, 'x')")).toBe('22023 channel name cannot be empty');
    expect(await a.error("select pg_notify(repeat('ü', 32), 'x')")).toBe('22023 channel name too long');
    expect(await a.error("select pg_notify('a', repeat('x', 8000))")).toBe('22023 payload string too long');
    expect(await a.error(`notify a, '${'x'.repeat(8000)}'`)).toBe('22023 payload string too long');
    await a.all("listen a; begin read only; notify a, 'from a reader'; commit");
    expect(heard(a)).toEqual(['a from a reader']);
    await a.all("select pg_notify('a', repeat('x', 7999))");
    await a.all("select pg_notify(repeat('c', 63), null)");
    expect(heard(a)).toEqual([`a ${'x'.repeat(7999)}`]);
    await a.all('listen "B c"; notify "B c"');
    expect(heard(a)).toEqual(['B c ']);
    expect(await a.rows('select pg_notification_queue_usage()')).toEqual([['0']]);
    expect(await a.error('begin; select 1/0; commit')).toContain('22012');
    expect(await a.error('listen x')).toContain('25P02');
  });

  it('cost a look at the head, and leave nothing, when nobody listens', async () => {
    const a = await open(1);
    await a.all('create table t (a int)');
    for (const level of ['serializable', 'repeatable read', 'read committed']) {
      await a.all(`begin isolation level ${level}; insert into t values (1); notify x; commit`);
      await a.all(`begin isolation level ${level}; insert into t values (1); notify x; commit`);
    }
    expect(rows()).toBe(0);
  });

  it('are not missed by a LISTEN that came before the commit, at any level', async () => {
    const [a, b] = [await open(1), await open(2)];
    await a.all('create table t (a int primary key)');
    await a.all('notify x');
    for (const [i, level] of ['read committed', 'repeatable read', 'serializable'].entries()) {
      await a.all(`begin isolation level ${level}; insert into t values (${i}); notify x, '${level}'`);
      await b.all('listen x');
      await a.all('commit');
      await settle();
      expect(heard(b)).toEqual([`x ${level}`]);
      await b.all('unlisten x');
    }
  });

  it('come in the order of the commits from many writers', async () => {
    const listeners = [await open(1), await open(2), await open(3)];
    for (const l of listeners) await l.all('listen x');
    const writers = await Promise.all([1, 2, 3, 1, 2, 3].map((node) => open(node)));
    await Promise.all(
      writers.map(async (w, i) => {
        for (let n = 0; n < 10; n++) await w.all(`begin; notify x, '${i}/${n}'; notify x, '${i}/${n}+'; commit`);
      }),
    );
    await settle();
    const [first, ...others] = listeners.map((l) => heard(l));
    expect(first).toHaveLength(120);
    for (const other of others) expect(other).toEqual(first);
    for (let i = 0; i < writers.length; i++) {
      const own = first!.filter((text) => text.startsWith(`x ${i}/`));
      expect(own).toEqual([...Array(10).keys()].flatMap((n) => [`x ${i}/${n}`, `x ${i}/${n}+`]));
    }
  });

  it('arrive although the message between the nodes is lost, and the notifying node is gone', async () => {
    const virtual = new VirtualServers();
    const nodes = [1, 2].map((node) => virtual.start(new MemoryDb(kv, node), { network: hub.network(node) }));
    const [one, two] = await Promise.all(nodes);
    servers.push(one!, two!);
    const [a, b] = [await virtual.open(one!), await virtual.open(two!)];
    await virtual.run(b.all('listen x'));
    hub.losesMessages = true;
    await virtual.run(a.all("notify x, 'late'"));
    hub.down.add(1);
    await settle();
    expect(heard(b)).toEqual([]);
    await virtual.time.advance(POLL_MS);
    await settle();
    expect(heard(b)).toEqual(['x late']);
  });

  it('end with the session, and the last listener cleans up', async () => {
    const [a, b] = [await open(1), await open(2)];
    await b.all('listen x');
    await a.all("notify x, '1'; notify x, '2'");
    await settle();
    expect(rows()).toBeGreaterThan(1);
    await b.session.close();
    await vi.waitFor(() => expect(rows()).toBe(1), HANGS);
    await a.all("notify x, '3'");
    expect(rows()).toBe(1);
    const again = await open(2);
    await again.all("listen x; notify x, '4'");
    expect(heard(again)).toEqual(['x 4']);
  });

  it('say so when some may have been missed', async () => {
    const [a, b] = [await open(1), await open(2)];
    await b.all('listen x');
    let told: unknown = null;
    b.session.onPush(() => {
      try {
        b.session.takeNotifications();
      } catch (error) {
        told = error;
      }
    });
    // As if the node had slept for longer than rows are kept: its place in the head is over.
    kv.clock += (KEEP_MS + 1_000) * 1000;
    await a.all('listen x');
    await vi.waitFor(() => expect(told).toBeInstanceOf(QuoralError), HANGS);
    expect(told).toMatchObject({ sqlstate: '57P01', severity: 'FATAL' });
    expect(await b.error('select 1')).toContain('57P01');
  });

  it('hold a bounded amount for a session that stays in a transaction', async () => {
    const [a, b] = [await open(1), await open(2)];
    await b.all('listen x');
    await b.all('begin; select 1');
    const payload = 'x'.repeat(7_000);
    for (let i = 0; i < 24; i++)
      await a.all(`select pg_notify('x', g || '${payload}') from generate_series(1, 200) as g`);
    await settle();
    expect(await b.error('select 1')).toContain('53200');
    expect((await a.query("notify x, 'goes on'")).tag).toBe('NOTIFY');
  });
});
