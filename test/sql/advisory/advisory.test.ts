import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createNodeEnv } from '../../../src/env/node/node-env.js';
import { LEASE_MS } from '../../../src/sql/advisory/advisory-locks.js';
import { decodeLockRow, LOCK_ROWS } from '../../../src/sql/advisory/codec.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { DeadlockDriver } from '../../../src/txn/deadlock.js';
import { LocalHub } from '../support/local-network.js';
import { MemoryDb, MemoryKv } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';
import { isPending, settle } from '../../support/pending.js';

let kv: MemoryKv;
let hub: LocalHub;
let servers: ManagedSqlServer[];
let drivers: DeadlockDriver[];

async function start(node: number): Promise<ManagedSqlServer> {
  const network = hub.network(node);
  const { clock, timers } = createNodeEnv({ logLevel: 'error' });
  const waitGraph = new DeadlockDriver({ network, clock, timers, detectorNode: () => 1 });
  drivers.push(waitGraph);
  return startServer(new MemoryDb(kv, node), { network, waitGraph });
}
beforeEach(async () => {
  kv = new MemoryKv();
  hub = new LocalHub();
  drivers = [];
  servers = [];
  for (const node of [1, 2, 3]) servers.push(await start(node));
});
afterEach(async () => {
  hub.down.clear();
  await Promise.all(servers.map((s) => s.close()));
  for (const driver of drivers) driver.stop();
});

async function open(node: number, database = 'postgres'): Promise<Client> {
  return Client.open(servers[node - 1]!, {}, database);
}
async function one(client: Client, sql: string): Promise<string | null> {
  return (await client.rows(`select ${sql}`))[0]![0]!;
}
/** Entries in rows of locks: [held, waited for]. */
function entries(): [number, number] {
  let [held, waiting] = [0, 0];
  for (const [key, versions] of kv.versions) {
    if (!key.startsWith(LOCK_ROWS)) continue;
    const row = decodeLockRow(versions.at(-1)!.value);
    held += row.holders.length;
    waiting += row.waiters.length;
  }
  return [held, waiting];
}

describe('advisory locks', () => {
  it('exclude sessions of all nodes, and pass on in turn', async () => {
    const [a, b, c] = [await open(1), await open(2), await open(3)];
    expect(await one(a, 'pg_advisory_lock(72707369)')).toBe('');
    const second = one(b, 'pg_advisory_lock(72707369)');
    expect(await isPending(second)).toBe(true);
    const third = one(c, 'pg_advisory_lock(72707369)');
    expect(await isPending(third)).toBe(true);
    expect(await one(await open(2), 'pg_try_advisory_lock(72707369)')).toBe('f');
    expect(await one(a, 'pg_advisory_unlock(72707369)')).toBe('t');
    await second;
    expect(await isPending(third)).toBe(true);
    await b.all('select pg_advisory_unlock(72707369)');
    await third;
    await c.session.close();
    expect(entries()).toEqual([0, 0]);
  });

  it("stack, and survive a rollback, when they are the session's", async () => {
    const [a, b] = [await open(1), await open(2)];
    await a.all('begin; select pg_advisory_lock(1); select pg_advisory_lock(1); rollback');
    expect(await a.error('select pg_advisory_lock(2), 1/0')).toContain('22012');
    expect(await a.error('select pg_advisory_lock(2), 1/0 from generate_series(1, 1)')).toContain('22012');
    expect(await one(b, 'pg_try_advisory_lock(1)')).toBe('f');
    expect(await one(a, 'pg_advisory_unlock(1)')).toBe('t');
    expect(await one(b, 'pg_try_advisory_lock(1)')).toBe('f');
    expect(await one(a, 'pg_advisory_unlock(1)')).toBe('t');
    expect(await one(b, 'pg_try_advisory_lock(1)')).toBe('t');
    expect(await one(a, 'pg_advisory_unlock(1)')).toBe('f');
    expect(a.notices).toEqual(["WARNING: you don't own a lock of type ExclusiveLock"]);
    expect(await one(a, 'pg_advisory_unlock_shared(1)')).toBe('f');
    expect(a.notices).toEqual(["WARNING: you don't own a lock of type ShareLock"]);
    await a.all('select pg_advisory_lock(9), pg_advisory_lock(9), pg_advisory_lock_shared(8)');
    await a.all('select pg_advisory_unlock_all()');
    await b.all('select pg_advisory_unlock_all()');
    expect(entries()).toEqual([0, 0]);
    expect(await one(a, 'pg_advisory_lock(null)')).toBe(null);
    await a.all('select pg_advisory_lock(5)');
    await a.all('discard all');
    expect(entries()).toEqual([0, 0]);
  });

  it("go with the transaction or the savepoint when they are the transaction's", async () => {
    const [a, b] = [await open(1), await open(2)];
    await a.all(
      'begin; select pg_advisory_xact_lock(5); savepoint s; select pg_advisory_xact_lock(6), pg_advisory_lock(7)',
    );
    await a.all('rollback to s');
    expect(await one(b, 'pg_try_advisory_xact_lock(5)')).toBe('f');
    expect(await one(b, 'pg_try_advisory_xact_lock(6)')).toBe('t');
    expect(await one(b, 'pg_try_advisory_xact_lock(7)')).toBe('f');
    expect(await one(a, 'pg_advisory_unlock(5)')).toBe('f');
    await a.all('commit');
    expect(entries()).toEqual([1, 0]);
    await a.all('begin; select pg_advisory_xact_lock(7), pg_advisory_xact_lock(8); select pg_advisory_unlock(7)');
    expect(entries()).toEqual([2, 0]);
    expect(await a.error('select 1/0')).toContain('22012');
    expect(entries()).toEqual([0, 0]);
    await a.all('rollback');
    await a.all('begin; select pg_advisory_xact_lock(8); rollback');
    // Without a block it ends with the statement.
    await a.all('select pg_advisory_xact_lock(8)');
    expect(entries()).toEqual([0, 0]);
  });

  it('are shared with shared ones only, and an exclusive one that waits lets no other pass', async () => {
    const [a, b, c, d] = [await open(1), await open(2), await open(3), await open(1)];
    await a.all('select pg_advisory_lock_shared(1)');
    await b.all('select pg_advisory_lock_shared(1)');
    expect(await one(c, 'pg_try_advisory_lock(1)')).toBe('f');
    const writer = one(c, 'pg_advisory_lock(1)');
    expect(await isPending(writer)).toBe(true);
    expect(await one(d, 'pg_try_advisory_lock_shared(1)')).toBe('f');
    const reader = one(d, 'pg_advisory_lock_shared(1)');
    // Who has it shared may have it so again, and is not in its own way.
    expect(await one(a, 'pg_try_advisory_lock_shared(1)')).toBe('t');
    await a.all('select pg_advisory_unlock_all()');
    expect(await isPending(writer)).toBe(true);
    expect(await one(b, 'pg_try_advisory_lock(1)')).toBe('t');
    await b.all('select pg_advisory_unlock_all()');
    await writer;
    expect(await isPending(reader)).toBe(true);
    await c.all('select pg_advisory_unlock(1)');
    await reader;
  });

  it('have two spaces of names, per database', async () => {
    const a = await open(1);
    await a.all('create database other');
    const [b, o] = [await open(2), await open(3, 'other')];
    await a.all('select pg_advisory_lock(4294967298), pg_advisory_lock(-1)');
    expect(await one(b, 'pg_try_advisory_lock(1, 2)')).toBe('t');
    expect(await one(b, 'pg_try_advisory_lock(-1, -1)')).toBe('t');
    expect(await one(a, 'pg_try_advisory_lock(1, 2)')).toBe('f');
    expect(await one(b, 'pg_try_advisory_lock(4294967298)')).toBe('f');
    expect(await one(o, 'pg_try_advisory_lock(4294967298)')).toBe('t');
    expect(await one(o, 'pg_try_advisory_lock(9223372036854775807)')).toBe('t');
  });

  it('are waited for as long as lock_timeout and the client allow', async () => {
    const [a, b, c] = [await open(1), await open(2), await open(3)];
    await a.all('select pg_advisory_lock(1)');
    await b.all("set lock_timeout = '50ms'");
    expect(await b.error('select pg_advisory_lock(1)')).toBe('55P03 canceling statement due to lock timeout');
    const waiting = c.error('select pg_advisory_lock(1)');
    expect(await isPending(waiting)).toBe(true);
    c.session.cancel();
    expect(await waiting).toBe('57014 canceling statement due to user request');
    await b.all("set lock_timeout = 0; set statement_timeout = '50ms'");
    expect(await b.error('select pg_advisory_lock(1)')).toBe('57014 canceling statement due to statement timeout');
    await settle();
    expect(entries()).toEqual([1, 0]);
    // Who gave up is in nobody's way.
    await a.all('select pg_advisory_unlock(1)');
    expect(await one(c, 'pg_try_advisory_lock(1)')).toBe('t');
  });

  it('end with the session, however it ends', async () => {
    const [a, b, c] = [await open(1), await open(2), await open(2)];
    await a.all('select pg_advisory_lock(1); begin; select pg_advisory_xact_lock(2)');
    const waits = [one(b, 'pg_advisory_lock(1)'), one(c, 'pg_advisory_lock(2)')];
    expect(await isPending(waits[0]!)).toBe(true);
    await a.session.close();
    await Promise.all(waits);
    // A session that ends while it waits leaves nothing in the queue.
    const d = await open(3);
    const refused = d.error('select pg_advisory_lock(1)');
    expect(await isPending(refused)).toBe(true);
    await d.session.close();
    expect(await refused).toContain('57P01');
    await settle();
    expect(entries()).toEqual([2, 0]);
  });

  it('find deadlocks among those who wait', async () => {
    const [a, b, c] = [await open(1), await open(2), await open(3)];
    await a.all('begin');
    await b.all('begin');
    await a.all('select pg_advisory_xact_lock(1)');
    await b.all('select pg_advisory_lock(2)');
    const results = Promise.allSettled([
      a.rows('select pg_advisory_lock(2)'),
      b.rows('select pg_advisory_xact_lock(1)').finally(() => b.session.close()),
    ]);
    const [first, second] = await results;
    const failed = [first, second].filter((r) => r.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({ reason: { sqlstate: '40P01', message: 'deadlock detected' } });
    await a.session.close();
    await settle();
    expect(await one(c, 'pg_try_advisory_lock(1)')).toBe('t');
  });

  it('show what the one before had written', async () => {
    const [a, b] = [await open(1), await open(2)];
    await a.all('create table t (a int)');
    await a.all('begin; select pg_advisory_xact_lock(1); insert into t values (1)');
    await b.all('begin isolation level serializable');
    const next = b.rows('select pg_advisory_xact_lock(1)');
    expect(await isPending(next)).toBe(true);
    await a.all('commit');
    await next;
    expect(await b.rows('select * from t')).toEqual([['1']]);
    await b.all('insert into t values (2); commit');
  });

  it('never have two exclusive owners, whatever happens to the messages', async () => {
    let inside = 0;
    let most = 0;
    let done = 0;
    const worker = async (node: number, i: number): Promise<void> => {
      const client = await open(node);
      for (let n = 0; n < 8; n++) {
        const scope = (n + i) % 2 === 0;
        if (!scope) await client.all('begin');
        if (n % 3 === 0) {
          while ((await one(client, scope ? 'pg_try_advisory_lock(1)' : 'pg_try_advisory_xact_lock(1)')) === 'f')
            await new Promise((resolve) => setTimeout(resolve, 2));
        } else await client.all(`select ${scope ? 'pg_advisory_lock(1)' : 'pg_advisory_xact_lock(1)'}`);
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 1));
        inside--;
        done++;
        if (scope) await client.all('select pg_advisory_unlock(1)');
        else await client.all(n % 2 === 0 ? 'commit' : 'rollback');
      }
      await client.session.close();
    };
    await Promise.all([1, 2, 3, 1, 2, 3].map((node, i) => worker(node, i)));
    expect([most, done]).toEqual([1, 48]);
    expect(entries()).toEqual([0, 0]);
  });
});

describe('advisory locks of a node that is gone', () => {
  it('are free at once when it has come back', async () => {
    const [a, b] = [await open(1), await open(2)];
    await a.all('select pg_advisory_lock(1)');
    hub.down.add(1);
    kv.breakLocks(1);
    expect(await one(b, 'pg_try_advisory_lock(1)')).toBe('f');
    hub.down.clear();
    // A new process under the same number.
    servers.push(await start(1));
    expect(await one(b, 'pg_try_advisory_lock(1)')).toBe('t');
  });

  it('are free when its lease has run out, not before', async () => {
    const [a, b] = [await open(1), await open(2)];
    await a.all('select pg_advisory_lock(1)');
    hub.down.add(1);
    kv.clock += (LEASE_MS - 1_000) * 1000;
    expect(await one(b, 'pg_try_advisory_lock(1)')).toBe('f');
    kv.clock += 2_000 * 1000;
    expect(await one(b, 'pg_advisory_lock(1)')).toBe('');
    // It does not trust its own lease any more, and has not since before others could think that it is dead.
    expect(await a.error('select 1')).toBe(
      '57P01 terminating connection: its advisory locks may have been lost | The node could not tell the others for too long that it is alive.',
    );
    hub.down.clear();
    await settle();
    expect(entries()).toEqual([1, 0]);
    // It may have locks again, under another incarnation.
    const again = await open(1);
    expect(await one(again, 'pg_try_advisory_lock(2)')).toBe('t');
  });

  it('are not trusted by the node itself before others may think that it is dead', async () => {
    const [a, b] = [await open(1), await open(2)];
    await a.all('select pg_advisory_lock(1)');
    kv.clock += (LEASE_MS - 1_500) * 1000;
    expect(await a.error('select 1')).toContain('57P01');
    await settle();
    expect(await one(b, 'pg_try_advisory_lock(1)')).toBe('t');
  });

  it('do not commit what was done under them', async () => {
    const [a, b] = [await open(1), await open(2)];
    await a.all('create table t (a int)');
    await a.all('begin; select pg_advisory_xact_lock(1); insert into t values (1)');
    kv.clock += (LEASE_MS - 1_000) * 1000;
    expect(await a.error('commit')).toContain('57P01');
    expect(await b.rows('select * from t')).toEqual([]);
  });

  it('keep their lease while the node lives', async () => {
    const [a, b] = [await open(1), await open(2)];
    await a.all('select pg_advisory_lock(1)');
    for (let i = 0; i < 4; i++) {
      kv.clock += 6_000 * 1000;
      const moved = kv.versions.get('\x03advisory/n\x81\x01')!.length;
      await vi.waitFor(() => expect(kv.versions.get('\x03advisory/n\x81\x01')!.length).toBeGreaterThan(moved), {
        // For what hangs, not for what is slow.
        timeout: 60_000,
      });
    }
    expect((await a.query('select 1')).tag).toBe('SELECT 1');
    expect(await one(b, 'pg_try_advisory_lock(1)')).toBe('f');
  });

  it('are not taken under the last moments of a lease that nobody kept', async () => {
    const a = await open(1);
    await a.all('select pg_advisory_lock(1); select pg_advisory_unlock(1)');
    // Trusted for a tenth of a second more.
    kv.clock += (LEASE_MS - 2_000 - 100) * 1000;
    await a.all('select pg_advisory_lock(1)');
    kv.clock += 1_000 * 1000;
    expect((await a.query('select 1')).tag).toBe('SELECT 1');
    await a.all('select pg_advisory_unlock(1)');
  });
});
