import { describe, expect, it } from 'vitest';
import type { TxnMeta } from '../../src/range/kv-api.js';
import { LockTable, type Waiter } from '../../src/range/lock-table.js';
import { Random } from './support/random.js';

function txn(name: string): TxnMeta {
  return {
    id: name.padEnd(16, '.'),
    anchorKey: 'a',
    epoch: 0,
    isolation: 'serializable',
    readTs: 1,
    writeTs: 1,
    minTs: 1,
    uncertaintyLimit: 1,
    coordinator: 1,
    name,
  };
}

class Client implements Waiter {
  readonly txn: TxnMeta;
  locking = true;
  waiting = false;
  wakes = 0;
  constructor(name: string) {
    this.txn = txn(name);
  }
  readonly wake = (): void => {
    this.waiting = false;
    this.wakes++;
  };
}

describe('lock table', () => {
  it('hands over in the order of arrival', () => {
    const table = new LockTable();
    const clients = ['a', 'b', 'c', 'd'].map((n) => new Client(n));
    table.acquire('k', clients[0]!.txn, null);
    for (const c of clients.slice(1)) table.enqueue('k', c);
    for (let i = 1; i < 4; i++) {
      table.release('k', clients[i - 1]!.txn.id);
      expect(clients.map((c) => c.wakes)).toEqual([0, ...[1, 2, 3].map((j) => (j <= i ? 1 : 0))]);
      for (const c of clients) expect(table.free(table.get('k'), c.txn.id, c)).toBe(c === clients[i]);
      table.acquire('k', clients[i]!.txn, clients[i]!);
    }
    table.release('k', clients[3]!.txn.id);
    expect(table.size).toBe(0);
  });

  it('passes the turn on when its waiter was cancelled', () => {
    const table = new LockTable();
    const [a, b, c] = [new Client('a'), new Client('b'), new Client('c')];
    table.acquire('k', a.txn, null);
    table.enqueue('k', b);
    table.enqueue('k', c);
    table.release('k', a.txn.id);
    table.dequeue('k', b);
    expect(c.wakes).toBe(1);
    table.dequeue('k', c);
    expect(table.size).toBe(0);
  });

  it('does not lose the turn of a waiter that an intent on its way overtook', () => {
    const table = new LockTable();
    const [a, b] = [new Client('a'), new Client('b')];
    table.acquire('k', a.txn, null);
    table.enqueue('k', b);
    // A push found a's transaction dead while its put was still under way.
    table.release('k', a.txn.id);
    expect(b.wakes).toBe(1);
    table.intentLaid('k', a.txn, 5);
    expect(table.free(table.get('k'), b.txn.id, b)).toBe(false);
    table.intentRemoved('k');
    expect(b.wakes).toBe(2);
    expect(table.free(table.get('k'), b.txn.id, b)).toBe(true);
  });

  it('forgets what an evicted holder knew of the newest version', () => {
    const table = new LockTable();
    const [a, b] = [new Client('a'), new Client('b')];
    table.acquire('k', a.txn, null).newestTs = 3;
    table.intentLaid('k', b.txn, 9);
    expect(table.get('k')).toMatchObject({ unreplicated: false, newestTs: -1 });
  });

  it('wakes readers when an intent moves up, and all of them when it goes', () => {
    const table = new LockTable();
    const [a, r, w] = [new Client('a'), new Client('r'), new Client('w')];
    r.locking = false;
    table.intentLaid('k', a.txn, 5);
    table.enqueue('k', w);
    table.enqueue('k', r);
    table.intentLaid('k', a.txn, 50);
    expect([r.wakes, w.wakes]).toEqual([1, 0]);
    table.intentRemoved('k');
    expect([r.wakes, w.wakes]).toEqual([2, 1]);
    expect(table.get('k')!.queue).toEqual([w]);
  });

  it('moves over a split: held locks go, waiters look again', () => {
    const left = new LockTable();
    const [a, b, c] = [new Client('a'), new Client('b'), new Client('c')];
    left.acquire('m', a.txn, null);
    left.intentLaid('n', b.txn, 5);
    left.acquire('c', c.txn, null);
    left.enqueue('m', c);
    const moved = left.extract('f', '\xff');
    expect(c.wakes).toBe(1);
    expect([left.size, left.intentCount]).toEqual([1, 0]);
    const right = new LockTable();
    right.intentLaid('n', b.txn, 5);
    right.adopt(moved);
    expect(right.get('m')!.holder).toBe(a.txn);
    expect(right.get('n')!.intentTs).toBe(5);
    expect(right.size).toBe(2);
  });

  it.each(Array.from({ length: 10 }, (_, i) => i + 1))('agrees with the rules under random use (seed %i)', (seed) => {
    const rng = new Random(seed);
    const table = new LockTable();
    const keys = ['a', 'b', 'c'];
    const clients = Array.from({ length: 6 }, (_, i) => new Client(`t${i}`));
    /** What each client's transaction holds, and in which queue it stands, in order of arrival. */
    const holder = new Map<string, { client: Client; intent: boolean }>();
    const queue = new Map<string, Client[]>(keys.map((k) => [k, []]));
    const at = new Map<Client, string>();
    const leave = (client: Client): void => {
      const key = at.get(client);
      if (key === undefined) return;
      at.delete(client);
      client.waiting = false;
      queue.set(
        key,
        queue.get(key)!.filter((c) => c !== client),
      );
    };
    const attempt = (client: Client, key: string): void => {
      const state = table.get(key);
      const free = table.free(state, client.txn.id, client);
      const held = holder.get(key);
      const first = queue.get(key)!.find((c) => c.locking);
      expect(free, `${client.txn.name} on ${key}`).toBe(
        held === undefined ? first === undefined || first === client : held.client === client,
      );
      if (free) {
        table.acquire(key, client.txn, client);
        if (held === undefined) holder.set(key, { client, intent: false });
        if (at.get(client) === key) leave(client);
      } else if (at.get(client) === undefined) {
        table.enqueue(key, client);
        queue.get(key)!.push(client);
        at.set(client, key);
        client.waiting = true;
      } else if (at.get(client) === key) client.waiting = true;
    };
    for (let step = 0; step < 800; step++) {
      const client = rng.pick(clients);
      const key = rng.pick(keys);
      const held = holder.get(key);
      const waitsAt = at.get(client);
      if (waitsAt !== undefined) {
        // Woken or not, it may look again, or give up.
        if (rng.bool(0.2)) {
          table.dequeue(waitsAt, client);
          leave(client);
        } else if (!client.waiting) attempt(client, waitsAt);
      } else if (held?.client === client) {
        if (rng.bool(0.3)) {
          table.intentLaid(key, client.txn, step + 1);
          held.intent = true;
        } else if (held.intent) {
          table.intentRemoved(key);
          holder.delete(key);
        } else {
          table.release(key, client.txn.id);
          holder.delete(key);
        }
      } else attempt(client, key);
      for (const k of keys) {
        const state = table.get(k);
        expect(state?.holder ?? null).toBe(holder.get(k)?.client.txn ?? null);
        const first = queue.get(k)!.find((c) => c.locking);
        // No lost wake-up: a free lock's first waiter is awake, and it is its turn.
        if (!holder.has(k) && first !== undefined) {
          expect(first.waiting).toBe(false);
          expect(state!.reservedFor).toBe(first);
        }
        if (holder.has(k)) expect(state!.reservedFor).toBeNull();
        if (!holder.has(k) && queue.get(k)!.length === 0) expect(state).toBeUndefined();
        expect(state?.queue ?? []).toEqual(queue.get(k));
      }
      expect(table.intentCount).toBe([...holder.values()].filter((h) => h.intent).length);
    }
    for (const [key, { client, intent }] of holder) {
      if (intent) table.intentRemoved(key);
      else table.release(key, client.txn.id);
    }
    for (const [client, key] of at) table.dequeue(key, client);
    expect(table.size).toBe(0);
  });
});
