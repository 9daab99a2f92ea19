import { describe, expect, it } from 'vitest';
import type { LockMode, TxnMeta } from '../../src/range/kv-api.js';
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
  mode: LockMode = 'exclusive';
  readonly whole = false;
  waitsAt: string | null = null;
  wakes = 0;
  constructor(name: string) {
    this.txn = txn(name);
  }
  readonly wake = (): void => {
    this.waitsAt = null;
    this.wakes++;
  };
}

function enqueue(table: LockTable, key: string, client: Client): void {
  client.waitsAt = key;
  table.enqueue(key, client);
}

describe('lock table', () => {
  it('tells what one transaction holds from a key on, until those of others lie between', () => {
    const table = new LockTable();
    const [a, b] = [txn('a'), txn('b')];
    for (const key of ['k1', 'k3', 'k5', 'z']) table.acquire(key, a, 'exclusive', null);
    table.acquire('k2', b, 'exclusive', null);
    table.intentLaid('k4', b, 7);
    expect(table.heldFrom('k3', a.id, 10)).toEqual(['k3', 'k5', 'z']);
    expect(table.heldFrom('k1', a.id, 2)).toEqual(['k1', 'k3']);
    expect(table.heldFrom('k1', b.id, 10)).toEqual(['k2', 'k4']);
    for (let i = 0; i < 100; i++) table.acquire(`m${String(i).padStart(3, '0')}`, b, 'exclusive', null);
    expect(table.heldFrom('k1', a.id, 10)).toEqual(['k1', 'k3', 'k5']);
  });

  it('keeps what it has heard of a transaction, in whatever order that came', () => {
    const table = new LockTable();
    table.notePending('a', 20, 5);
    table.notePending('a', 10, 7);
    expect(table.news('a')).toEqual({ floor: 20, pendingAt: 7, committed: null });
    expect(table.news('b')).toBeUndefined();
    table.noteCommitted('a', 25, 1);
    table.notePending('a', 22, 8);
    expect(table.news('a')).toEqual({ floor: 25, pendingAt: 8, committed: { ts: 25, epoch: 1 } });
    for (let i = 0; i < 2_000; i++) table.notePending(`t${i}`, 5, 1);
    expect([table.news('a'), table.news('t1999')?.floor]).toEqual([undefined, 5]);
  });

  it('tells a reader what is later than it, where intents were moved and transactions pushed', () => {
    const table = new LockTable();
    const a = new Client('a');
    table.intentLaid('k', a.txn, 10);
    const later = (limit: number, window = limit, begunBy = 0): boolean =>
      table.isLater(table.get('k')!, { limit, window, begunBy });
    expect([later(9), later(9, 30), later(10)]).toEqual([true, true, false]);
    // Where it was moved to, this node's clock proves nothing.
    table.intentLaid('k', a.txn, 20, true);
    expect([later(19), later(19, 20), later(20)]).toEqual([true, false, false]);
    // It may have committed under the floor, whenever the reader began.
    table.notePending(a.txn.id, 30, 0);
    expect([later(29), later(29, 30, 1), later(30)]).toEqual([true, false, false]);
    // It had not committed when a reader of before 100 had begun.
    table.notePending(a.txn.id, 25, 100);
    expect([later(29, 90, 100), later(29, 90, 101), later(30, 90, 100)]).toEqual([true, false, false]);
    // The transaction itself writes again: this node's clock was before that.
    table.intentLaid('k', a.txn, 40);
    expect([later(39, 90, 101), later(40, 90, 101)]).toEqual([true, false]);
    table.intentLaid('k', a.txn, 50, true);
    table.intentRemoved('k');
    table.intentLaid('k', a.txn, 60);
    expect(table.isLater(table.get('k')!, { limit: 59, window: 90, begunBy: 101 })).toBe(true);
  });

  it('hands over in the order of arrival', () => {
    const table = new LockTable();
    const clients = ['a', 'b', 'c', 'd'].map((n) => new Client(n));
    table.acquire('k', clients[0]!.txn, 'exclusive', null);
    for (const c of clients.slice(1)) enqueue(table, 'k', c);
    for (let i = 1; i < 4; i++) {
      table.release('k', clients[i - 1]!.txn.id);
      expect(clients.map((c) => c.wakes)).toEqual([0, ...[1, 2, 3].map((j) => (j <= i ? 1 : 0))]);
      for (const c of clients) expect(table.free(table.get('k'), c.txn.id, 'exclusive', c)).toBe(c === clients[i]);
      table.acquire('k', clients[i]!.txn, 'exclusive', clients[i]!);
    }
    table.release('k', clients[3]!.txn.id);
    expect(table.size).toBe(0);
  });

  it('passes the turn on when its waiter was cancelled', () => {
    const table = new LockTable();
    const [a, b, c] = [new Client('a'), new Client('b'), new Client('c')];
    table.acquire('k', a.txn, 'exclusive', null);
    enqueue(table, 'k', b);
    enqueue(table, 'k', c);
    table.release('k', a.txn.id);
    table.dequeue('k', b);
    expect(c.wakes).toBe(1);
    table.dequeue('k', c);
    expect(table.size).toBe(0);
  });

  it('does not lose the turn of a waiter that an intent on its way overtook', () => {
    const table = new LockTable();
    const [a, b] = [new Client('a'), new Client('b')];
    table.acquire('k', a.txn, 'exclusive', null);
    enqueue(table, 'k', b);
    // A push found a's transaction dead while its put was still under way.
    table.release('k', a.txn.id);
    expect(b.wakes).toBe(1);
    table.intentLaid('k', a.txn, 5);
    expect(table.free(table.get('k'), b.txn.id, 'exclusive', b)).toBe(false);
    enqueue(table, 'k', b);
    table.intentRemoved('k');
    expect(b.wakes).toBe(2);
    expect(table.free(table.get('k'), b.txn.id, 'exclusive', b)).toBe(true);
  });

  it('forgets what an evicted holder knew of the newest version', () => {
    const table = new LockTable();
    const [a, b] = [new Client('a'), new Client('b')];
    table.acquire('k', a.txn, 'exclusive', null).newestTs = 3;
    table.intentLaid('k', b.txn, 9);
    expect(table.get('k')).toMatchObject({ unreplicated: false, newestTs: -1 });
  });

  it('wakes readers when an intent moves up, and all of them when it goes', () => {
    const table = new LockTable();
    const [a, r, w] = [new Client('a'), new Client('r'), new Client('w')];
    r.mode = 'none';
    table.intentLaid('k', a.txn, 5);
    enqueue(table, 'k', w);
    enqueue(table, 'k', r);
    table.intentLaid('k', a.txn, 50);
    expect([r.wakes, w.wakes]).toEqual([1, 0]);
    table.intentRemoved('k');
    expect([r.wakes, w.wakes]).toEqual([2, 1]);
    expect(table.get('k')!.queue).toEqual([w]);
  });

  it('moves over a split: held locks go, waiters look again', () => {
    const left = new LockTable();
    const [a, b, c] = [new Client('a'), new Client('b'), new Client('c')];
    left.acquire('m', a.txn, 'exclusive', null);
    left.intentLaid('n', b.txn, 5);
    left.acquire('c', c.txn, 'exclusive', null);
    enqueue(left, 'm', c);
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

  it('lets sharers come together, and a writer wait for all of them', () => {
    const table = new LockTable();
    const [a, b, w, late] = [new Client('a'), new Client('b'), new Client('w'), new Client('late')];
    late.mode = 'share';
    for (const c of [a, b]) table.acquire('k', c.txn, 'share', null);
    expect(table.free(table.get('k'), w.txn.id, 'exclusive', w)).toBe(false);
    expect(table.free(table.get('k'), late.txn.id, 'share', late)).toBe(true);
    enqueue(table, 'k', w);
    // From here on nobody comes in before the writer.
    expect(table.free(table.get('k'), late.txn.id, 'share', late)).toBe(false);
    expect(table.free(table.get('k'), a.txn.id, 'share', null)).toBe(true);
    enqueue(table, 'k', late);
    expect(table.blockersOf(table.get('k')!, w)).toEqual([a.txn, b.txn]);
    expect(table.blockersOf(table.get('k')!, late)).toEqual([w.txn, a.txn, b.txn]);
    table.release('k', a.txn.id);
    expect([w.wakes, late.wakes]).toEqual([0, 0]);
    table.release('k', b.txn.id);
    expect([w.wakes, late.wakes]).toEqual([1, 0]);
    table.acquire('k', w.txn, 'exclusive', w);
    expect(table.blockersOf(table.get('k')!, late)).toEqual([w.txn]);
    table.release('k', w.txn.id);
    expect(late.wakes).toBe(1);
  });

  it('lets in all sharers up to the next writer, and the rest when a writer gives up', () => {
    const table = new LockTable();
    const clients = ['h', 's1', 's2', 'w', 's3'].map((n) => new Client(n));
    for (const c of clients) if (c.txn.name.startsWith('s')) c.mode = 'share';
    table.acquire('k', clients[0]!.txn, 'exclusive', null);
    for (const c of clients.slice(1)) enqueue(table, 'k', c);
    table.release('k', clients[0]!.txn.id);
    expect(clients.map((c) => c.wakes)).toEqual([0, 1, 1, 0, 0]);
    for (const c of clients.slice(1, 3)) table.acquire('k', c.txn, 'share', c);
    table.dequeue('k', clients[3]!);
    expect(clients.map((c) => c.wakes)).toEqual([0, 1, 1, 0, 1]);
  });

  it('lets the last sharer write, before those that wait, and knows two that both want to', () => {
    const table = new LockTable();
    const [a, b, w] = [new Client('a'), new Client('b'), new Client('w')];
    table.acquire('k', a.txn, 'share', null).newestTs = 7;
    table.acquire('k', b.txn, 'share', null);
    enqueue(table, 'k', w);
    enqueue(table, 'k', a);
    enqueue(table, 'k', b);
    expect(table.get('k')!.queue).toEqual([a, b, w]);
    expect(table.blockersOf(table.get('k')!, a)).toEqual([b.txn]);
    expect(table.blockersOf(table.get('k')!, b)).toEqual([a.txn]);
    // b is the victim: it leaves the queue, then its locks go.
    table.dequeue('k', b);
    table.release('k', b.txn.id);
    expect([a.wakes, w.wakes]).toEqual([1, 0]);
    table.acquire('k', a.txn, 'exclusive', a);
    expect(table.get('k')).toMatchObject({ holder: a.txn, sharers: new Map(), newestTs: 7 });
    table.release('k', a.txn.id);
    expect(w.wakes).toBe(1);
    expect(table.acquire('k', w.txn, 'exclusive', w).newestTs).toBe(-1);
  });

  it('moves shared locks over a split, and counts them as held in memory', () => {
    const left = new LockTable();
    const [a, b, w] = [new Client('a'), new Client('b'), new Client('w')];
    for (const c of [a, b]) left.acquire('m', c.txn, 'share', null);
    enqueue(left, 'm', w);
    expect(left.heldInMemory).toBe(1);
    expect(left.holdsAny(b.txn.id)).toBe(true);
    const right = new LockTable();
    right.adopt(left.extract('f', '\xff'));
    expect([left.size, w.wakes]).toEqual([0, 1]);
    expect([...right.get('m')!.sharers.keys()]).toEqual([a.txn.id, b.txn.id]);
    expect(right.free(right.get('m'), w.txn.id, 'exclusive', w)).toBe(false);
  });

  it('takes sharers that an intent overtook for gone', () => {
    const table = new LockTable();
    const [a, b] = [new Client('a'), new Client('b')];
    table.acquire('k', a.txn, 'share', null).newestTs = 3;
    table.intentLaid('k', b.txn, 9);
    expect(table.get('k')).toMatchObject({ holder: b.txn, sharers: new Map(), newestTs: -1 });
    table.release('k', a.txn.id);
    expect(table.get('k')!.holder).toBe(b.txn);
  });

  it.each(Array.from({ length: 20 }, (_, i) => i + 1))('agrees with the rules under random use (seed %i)', (seed) => {
    new RandomUse(seed).run(800);
  });
});

/** The rules, written down once more: who holds what, and who waits in which order. */
class RandomUse {
  readonly #rng: Random;
  readonly #table = new LockTable();
  readonly #keys = ['a', 'b', 'c'];
  readonly #clients = Array.from({ length: 6 }, (_, i) => new Client(`t${i}`));
  readonly #held = new Map<string, { mode: LockMode; intent: boolean; by: Client[] }>();
  readonly #queues = new Map<string, Client[]>(this.#keys.map((k) => [k, []]));
  readonly #at = new Map<Client, string>();

  constructor(seed: number) {
    this.#rng = new Random(seed);
  }

  run(steps: number): void {
    for (let step = 1; step <= steps; step++) {
      this.#step(step);
      for (const key of this.#keys) this.#compare(key);
      expect(this.#table.intentCount).toBe([...this.#held.values()].filter((h) => h.intent).length);
    }
    for (const [client, key] of [...this.#at]) this.#leave(client, key);
    for (const [key, { by }] of [...this.#held]) for (const client of [...by]) this.#release(key, client);
    expect(this.#table.size).toBe(0);
  }

  #step(step: number): void {
    const client = this.#rng.pick(this.#clients);
    const key = this.#rng.pick(this.#keys);
    const waitsAt = this.#at.get(client);
    const held = this.#held.get(key);
    if (waitsAt !== undefined) {
      // Woken or not, it may look again, or give up.
      if (this.#rng.bool(0.2)) this.#leave(client, waitsAt);
      else if (client.waitsAt === null) this.#attempt(client, waitsAt);
      return;
    }
    client.mode = this.#rng.pick(['share', 'exclusive'] as const);
    const own = held?.by.includes(client) === true;
    if (!own || (held.mode === 'share' && client.mode === 'exclusive' && this.#rng.bool(0.5)))
      this.#attempt(client, key);
    else if (held.mode === 'exclusive' && this.#rng.bool(0.3)) {
      this.#table.intentLaid(key, client.txn, step);
      held.intent = true;
    } else this.#release(key, client);
  }

  #mayHave(client: Client, key: string): boolean {
    const held = this.#held.get(key);
    const own = held?.by.includes(client) === true;
    if (held !== undefined) {
      if (held.mode === 'exclusive') return own;
      if (client.mode === 'exclusive' && held.by.some((c) => c !== client)) return false;
      if (own) return true;
    }
    const queue = this.#queues.get(key)!;
    const at = queue.indexOf(client);
    const ahead = at < 0 ? queue : queue.slice(0, at);
    return !ahead.some((c) => c.mode === 'exclusive' || client.mode === 'exclusive');
  }

  #attempt(client: Client, key: string): void {
    const may = this.#mayHave(client, key);
    const what = `${client.txn.name} ${client.mode} on ${key}`;
    expect(this.#table.free(this.#table.get(key), client.txn.id, client.mode, client), what).toBe(may);
    const held = this.#held.get(key);
    const own = held?.by.includes(client) === true;
    if (may) {
      this.#table.acquire(key, client.txn, client.mode as 'share' | 'exclusive', client);
      if (held === undefined) this.#held.set(key, { mode: client.mode, intent: false, by: [client] });
      else if (!own) held.by.push(client);
      else if (client.mode === 'exclusive') held.mode = 'exclusive';
      this.#forget(client, key);
      return;
    }
    enqueue(this.#table, key, client);
    if (this.#at.has(client)) return;
    this.#at.set(client, key);
    const queue = this.#queues.get(key)!;
    const upgrades = queue.filter((c) => held?.by.includes(c) === true).length;
    queue.splice(own ? upgrades : queue.length, 0, client);
  }

  #leave(client: Client, key: string): void {
    client.waitsAt = null;
    this.#forget(client, key);
    this.#table.dequeue(key, client);
  }

  #forget(client: Client, key: string): void {
    this.#at.delete(client);
    const left = this.#queues.get(key)!.filter((c) => c !== client);
    this.#queues.set(key, left);
  }

  #release(key: string, client: Client): void {
    const held = this.#held.get(key)!;
    held.by = held.by.filter((c) => c !== client);
    if (held.by.length === 0) this.#held.delete(key);
    if (held.intent) this.#table.intentRemoved(key);
    else this.#table.release(key, client.txn.id);
  }

  #compare(key: string): void {
    const state = this.#table.get(key);
    const held = this.#held.get(key);
    const queue = this.#queues.get(key)!;
    expect(state?.holder ?? null).toBe(held?.mode === 'exclusive' ? held.by[0]!.txn : null);
    const sharers = held?.mode === 'share' ? held.by.map((c) => c.txn) : [];
    expect([...(state?.sharers.values() ?? [])]).toEqual(sharers);
    expect(state?.queue ?? []).toEqual(queue);
    if (held === undefined && queue.length === 0) expect(state).toBeUndefined();
    // No lost wake-up: who may go on does not sleep.
    for (const client of queue) {
      if (this.#mayHave(client, key)) expect(client.waitsAt, `${client.txn.name} on ${key}`).toBeNull();
      else if (client.waitsAt !== null) expect(this.#table.blockersOf(state!, client).length).toBeGreaterThan(0);
    }
  }
}
