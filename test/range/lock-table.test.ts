import { describe, expect, it } from 'vitest';
import type { Span } from '../../src/base/key.js';
import type { LockMode, TxnMeta } from '../../src/range/kv-api.js';
import { LockTable, type LockState, type Waiter } from '../../src/range/lock-table.js';
import { txnMeta } from '../support/txn-meta.js';
import { Random } from './support/random.js';

const txn = (name: string): TxnMeta => txnMeta(name, 'a', 1, { name });

const span = (start: string, end: string): Span => ({ start, end });

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

  it('tells intents apart that have all but an epoch, a time or a key in common', () => {
    const table = new LockTable();
    const a = txn('a');
    const later = { ...a, epoch: 1 };
    table.intentLaid('k1', a, 5);
    table.intentLaid('k2', later, 5);
    table.intentLaid('k3', later, 6);
    table.intentLaid('k4', later, 6);
    const told = [...table.range('', '\xff')].map((lock) => [lock.key, lock.intentEpoch, lock.intentTs]);
    expect(told).toEqual([
      ['k1', 0, 5],
      ['k2', 1, 5],
      ['k3', 1, 6],
      ['k4', 1, 6],
    ]);
    // What was given is a picture: who changes one changes neither the lock nor others like it.
    table.get('k3')!.intentTs = 0;
    expect([table.get('k3')!.intentTs, table.get('k4')!.intentTs]).toEqual([6, 6]);
    // One that is waited for is a lock of its own, and its like stay what they are.
    const w = new Client('w');
    enqueue(table, 'k3', w);
    table.intentRemoved('k3');
    expect([w.wakes, table.get('k4')!.queue, table.intentCount]).toEqual([1, [], 3]);
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

  it('moves over a split: all locks of the spans go, waiters look again', () => {
    const left = new LockTable();
    const [a, b, c, w] = [new Client('a'), new Client('b'), new Client('c'), new Client('w')];
    left.acquire('m', a.txn, 'exclusive', null);
    for (const key of ['a', 'd', 'n']) left.intentLaid(key, b.txn, 5);
    left.intentLaid('n', b.txn, 7, true);
    left.intentLaid('x', b.txn, 5);
    left.acquire('c', c.txn, 'exclusive', null);
    // A lock that nobody has any more, and whoever is next has not come yet.
    left.acquire('o', a.txn, 'exclusive', null);
    enqueue(left, 'o', w);
    left.release('o', a.txn.id);
    enqueue(left, 'm', c);
    left.notePending(a.txn.id, 3, 3);
    const right = new LockTable();
    right.takeOver(left.splitOff([span('a', 'b'), span('f', 'x')]));
    expect([c.wakes, w.wakes]).toEqual([1, 2]);
    expect([...left.range('', '\xff')].map(({ key }) => key)).toEqual(['c', 'd', 'x']);
    expect([...right.range('', '\xff')].map(({ key }) => key)).toEqual(['a', 'm', 'n']);
    expect([left.intentCount, right.intentCount, right.heldInMemory]).toEqual([2, 2, 1]);
    expect(right.get('m')!).toMatchObject({ holder: a.txn, queue: [] });
    expect(right.news(a.txn.id)).toEqual(left.news(a.txn.id));
    // That it was moved goes along: this node's clock proves nothing of where it is.
    expect(right.isLater(right.get('n')!, { limit: 6, window: 10, begunBy: 0 })).toBe(false);
    left.intentLaid('n', b.txn, 7);
    expect(left.isLater(left.get('n')!, { limit: 6, window: 10, begunBy: 0 })).toBe(true);
    // Neither sees what becomes of the other.
    right.intentRemoved('a');
    right.intentLaid('p', b.txn, 5);
    expect([left.size, right.size, left.get('p')]).toEqual([4, 3, undefined]);
  });

  it.each([
    [100, 1],
    [1_900, 2],
    [990, 3],
  ])('moves few and many over a split, and neither table touches the other: from %i', (from, seed) => {
    const rng = new Random(seed);
    const left = new LockTable();
    const txn = new Client('t').txn;
    const keys = Array.from({ length: 2_000 }, (_, i) => String(i).padStart(4, '0'));
    for (const key of keys) left.intentLaid(key, txn, 5);
    const at = String(from).padStart(4, '0');
    expect([left.staysHere('0000', at), left.staysHere('9999', '\xff')]).toEqual([false, false]);
    const right = new LockTable();
    right.takeOver(left.splitOff([span('0000', '0003'), span(at, '\xff')]));
    const isRight = (key: string): boolean => key < '0003' || key >= at;
    const there = new Set(keys);
    for (let i = 0; i < 3_000; i++) {
      const key = rng.pick(keys);
      const table = isRight(key) ? right : left;
      if (there.delete(key)) table.intentRemoved(key);
      else {
        table.intentLaid(key, txn, 6);
        there.add(key);
      }
    }
    const keysOf = (table: LockTable): string[] => [...table.range('', '\xff')].map(({ key }) => key);
    const sorted = [...there].sort();
    expect(keysOf(right)).toEqual(sorted.filter(isRight));
    expect(keysOf(left)).toEqual(sorted.filter((key) => !isRight(key)));
    expect(left.intentCount + right.intentCount).toBe(there.size);
  });

  it('says which locks should stay on their node over a split', () => {
    const table = new LockTable();
    const [a, b] = [new Client('a'), new Client('b')];
    table.acquire('c', a.txn, 'exclusive', null);
    table.acquire('d', b.txn, 'share', null);
    table.intentLaid('e', a.txn, 5);
    for (let i = 0; i < 20_001; i++) table.intentLaid(`f${i}`, a.txn, 5);
    const stays = (start: string, end: string): boolean => table.staysHere(start, end);
    expect([stays('a', 'c'), stays('c', 'd'), stays('d', 'e'), stays('e', 'f')]).toEqual([false, true, true, false]);
    expect([stays('f', 'g'), stays('f0\x00', 'g')]).toEqual([true, false]);
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
    const right = left.splitOff([span('f', '\xff')]);
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

  it.each(Array.from({ length: 12 }, (_, i) => i + 1))('agrees with the rules under random use (seed %i)', (seed) => {
    new RandomUse(seed).run(500);
  });
});

interface Held {
  mode: LockMode;
  by: Client[];
  /** 0: there is none. */
  intentTs: number;
  intentEpoch: number;
  moved: boolean;
  /** What the table may know of the newest version. */
  newestTs: number;
}

/**
 * The rules, written down once more: who holds what, and who waits in which order. Whether a lock has a state of its own or is
 * one of many alike is nothing that can be told from outside, whatever has become of it before.
 */
class RandomUse {
  readonly #rng: Random;
  readonly #keys = ['a', 'b', 'c', 'd'];
  /** A split makes two of one. */
  readonly #tables = new Map<string, LockTable>();
  readonly #clients = Array.from({ length: 6 }, (_, i) => new Client(`t${i}`));
  readonly #readers = Array.from({ length: 2 }, (_, i) => new Client(`r${i}`));
  readonly #held = new Map<string, Held>();
  readonly #queues = new Map<string, Client[]>(this.#keys.map((k) => [k, []]));
  readonly #at = new Map<Client, string>();
  readonly #metas = new Map<string, TxnMeta>();
  /** What waiters look at for as long as they wait. */
  readonly #live = new Map<Client, LockState>();

  constructor(seed: number) {
    this.#rng = new Random(seed);
    this.#newTable(this.#keys);
    for (const reader of this.#readers) reader.mode = 'none';
  }

  run(steps: number): void {
    for (let step = 1; step <= steps; step++) {
      if (this.#rng.bool(0.02)) this.#split();
      else if (this.#rng.bool(0.005)) this.#loseLease();
      else if (this.#rng.bool(0.15)) this.#read();
      else this.#step(step);
      for (const key of this.#keys) this.#compare(key);
      if (step % 4 === 0) this.#compareTables();
    }
    for (const [client, key] of [...this.#at]) this.#leave(client, key);
    for (const [key, { by }] of [...this.#held]) for (const client of [...by]) this.#release(key, client);
    for (const key of this.#keys) expect(this.#table(key).size).toBe(0);
  }

  #table(key: string): LockTable {
    return this.#tables.get(key)!;
  }

  #newTable(keys: readonly string[]): LockTable {
    const table = new LockTable();
    for (const key of keys) this.#tables.set(key, table);
    return table;
  }

  #step(step: number): void {
    const client = this.#rng.pick(this.#clients);
    const key = this.#rng.pick(this.#keys);
    const waitsAt = this.#at.get(client);
    const held = this.#held.get(key);
    if (waitsAt !== undefined) {
      // Woken or not, it may look again, or give up.
      if (this.#rng.bool(0.2)) this.#leave(client, waitsAt);
      else if (client.waitsAt === null) this.#attempt(client, waitsAt, step);
      return;
    }
    client.mode = this.#rng.pick(['share', 'exclusive'] as const);
    const own = held?.by.includes(client) === true;
    if (held !== undefined && held.intentTs === 0 && !own && this.#rng.bool(0.05)) this.#overtake(key, client, step);
    else if (!own || (held.mode === 'share' && client.mode === 'exclusive' && this.#rng.bool(0.5)))
      this.#attempt(client, key, step);
    else if (held.mode === 'exclusive' && this.#rng.bool(0.6)) this.#write(key, client, held, step);
    else this.#release(key, client);
  }

  /** The holder lays its intent, once more at a later time or of a later epoch; or it is moved, or locked besides. */
  #write(key: string, client: Client, held: Held, step: number): void {
    const table = this.#table(key);
    if (held.intentTs !== 0 && this.#rng.bool(0.5)) {
      // A locking read of what it has written; and what lets go of that leaves the intent.
      if (this.#rng.bool(0.5)) this.#learn(held, table.acquire(key, client.txn, 'exclusive', null), step);
      else table.release(key, client.txn.id);
      return;
    }
    held.moved = held.intentTs !== 0 && this.#rng.bool(0.4);
    if (!held.moved && this.#rng.bool(0.2)) held.intentEpoch++;
    // Several at one time, as a batch lays them.
    const ts = 1 + (step >> 3);
    const wakes = held.intentTs !== 0 && ts > held.intentTs;
    held.intentTs = ts;
    table.intentLaid(key, this.#meta(client, held.intentEpoch), ts, held.moved);
    if (wakes) for (const reader of this.#waiting(key)) expect(reader.waitsAt, 'a reader looks again').toBeNull();
  }

  /** The same object for all that it lays in one epoch. */
  #meta(client: Client, epoch: number): TxnMeta {
    const name = `${client.txn.name} ${epoch}`;
    const meta = this.#metas.get(name) ?? { ...client.txn, epoch };
    this.#metas.set(name, meta);
    return meta;
  }

  #waiting(key: string): Client[] {
    return this.#queues.get(key)!.filter((client) => client.mode === 'none');
  }

  /** The intent of another arrives, whose lock had been given to others meanwhile. */
  #overtake(key: string, client: Client, step: number): void {
    this.#held.set(key, {
      mode: 'exclusive',
      by: [client],
      intentTs: 1 + (step >> 3),
      intentEpoch: 0,
      moved: false,
      newestTs: -1,
    });
    this.#table(key).intentLaid(key, this.#meta(client, 0), 1 + (step >> 3));
  }

  #read(): void {
    const reader = this.#rng.pick(this.#readers);
    const at = this.#at.get(reader);
    if (at !== undefined) return this.#leave(reader, at);
    const key = this.#rng.pick(this.#keys);
    if ((this.#held.get(key)?.intentTs ?? 0) === 0) return;
    this.#enqueue(reader, key);
    this.#queues.get(key)!.push(reader);
  }

  #enqueue(client: Client, key: string): void {
    client.waitsAt = key;
    this.#live.set(client, this.#table(key).enqueue(key, client));
    this.#at.set(client, key);
  }

  #split(): void {
    const at = this.#rng.pick(this.#keys);
    const left = this.#table(at);
    const keys = this.#keys.filter((key) => key >= at && this.#table(key) === left);
    const moved = left.splitOff([span(at, '\xff')]);
    for (const key of keys) this.#disperse(key);
    this.#newTable(keys).takeOver(moved);
  }

  #loseLease(): void {
    const table = this.#table(this.#rng.pick(this.#keys));
    table.clear();
    for (const key of this.#keys) {
      if (this.#table(key) !== table) continue;
      this.#disperse(key);
      if (this.#held.get(key)?.intentTs === 0) this.#held.delete(key);
      this.#load(key, table);
    }
  }

  /** All that wait look again, and find that nobody knows them. */
  #disperse(key: string): void {
    for (const client of this.#queues.get(key)!) {
      expect(client.waitsAt, `${client.txn.name} is woken`).toBeNull();
      this.#at.delete(client);
      this.#live.delete(client);
    }
    this.#queues.set(key, []);
  }

  /** As a lease's start reads it from the disk. */
  #load(key: string, table: LockTable): void {
    const held = this.#held.get(key);
    if (held === undefined || held.intentTs === 0) return;
    table.intentLaid(key, this.#meta(held.by[0]!, held.intentEpoch), held.intentTs);
    held.moved = false;
    held.newestTs = -1;
  }

  #mayHave(client: Client, key: string): boolean {
    const held = this.#held.get(key);
    const own = held?.by.includes(client) === true;
    if (held !== undefined) {
      if (held.mode === 'exclusive') return own;
      if (client.mode === 'exclusive' && held.by.some((c) => c !== client)) return false;
      if (own) return true;
    }
    const queue = this.#queues.get(key)!.filter((c) => c.mode !== 'none');
    const at = queue.indexOf(client);
    const ahead = at < 0 ? queue : queue.slice(0, at);
    return !ahead.some((c) => c.mode === 'exclusive' || client.mode === 'exclusive');
  }

  #attempt(client: Client, key: string, step: number): void {
    const table = this.#table(key);
    const may = this.#mayHave(client, key);
    const what = `${client.txn.name} ${client.mode} on ${key}`;
    expect(table.free(table.get(key), client.txn.id, client.mode, client), what).toBe(may);
    const held = this.#held.get(key);
    const own = held?.by.includes(client) === true;
    if (may) {
      const state = table.acquire(key, client.txn, client.mode as 'share' | 'exclusive', client);
      if (held === undefined) {
        const none = { intentTs: 0, intentEpoch: 0, moved: false, newestTs: -1 };
        this.#held.set(key, { mode: client.mode, by: [client], ...none });
      } else if (!own) held.by.push(client);
      else if (client.mode === 'exclusive') held.mode = 'exclusive';
      this.#forget(client, key);
      this.#learn(this.#held.get(key)!, state, step);
      return;
    }
    const upgrades = this.#queues.get(key)!.filter((c) => held?.by.includes(c) === true).length;
    const waits = this.#at.has(client);
    this.#enqueue(client, key);
    if (waits) return;
    const queue = this.#queues.get(key)!;
    queue.splice(own ? upgrades : queue.length, 0, client);
  }

  /** It looked up the newest version. */
  #learn(held: Held, state: LockState, step: number): void {
    expect([-1, held.newestTs]).toContain(state.newestTs);
    if (!this.#rng.bool(0.5)) return;
    state.newestTs = step;
    held.newestTs = step;
  }

  #leave(client: Client, key: string): void {
    client.waitsAt = null;
    this.#forget(client, key);
    this.#table(key).dequeue(key, client);
  }

  #forget(client: Client, key: string): void {
    this.#at.delete(client);
    this.#live.delete(client);
    const left = this.#queues.get(key)!.filter((c) => c !== client);
    this.#queues.set(key, left);
  }

  #release(key: string, client: Client): void {
    const held = this.#held.get(key)!;
    held.by = held.by.filter((c) => c !== client);
    if (held.by.length === 0) this.#held.delete(key);
    if (held.intentTs === 0) return this.#table(key).release(key, client.txn.id);
    this.#table(key).intentRemoved(key);
    for (const reader of this.#waiting(key)) {
      expect(reader.waitsAt, 'a reader is woken').toBeNull();
      this.#forget(reader, key);
    }
  }

  #compare(key: string): void {
    const table = this.#table(key);
    const state = table.get(key);
    const held = this.#held.get(key);
    const queue = this.#queues.get(key)!;
    expect(state?.holder?.id).toBe(held?.mode === 'exclusive' ? held.by[0]!.txn.id : undefined);
    const sharers = held?.mode === 'share' ? held.by.map((c) => c.txn) : [];
    expect([...(state?.sharers.values() ?? [])]).toEqual(sharers);
    expect(state?.queue ?? []).toEqual(queue);
    expect([state?.intentTs ?? 0, held?.intentTs === 0 ? 0 : (state?.intentEpoch ?? 0)]).toEqual([
      held?.intentTs ?? 0,
      held?.intentTs === 0 ? 0 : (held?.intentEpoch ?? 0),
    ]);
    if (held === undefined && queue.length === 0) expect(state).toBeUndefined();
    if (held !== undefined) expect([-1, held.newestTs]).toContain(state!.newestTs);
    if (held !== undefined && held.intentTs !== 0) {
      // Where it was moved to, only the window tells what is later.
      const view = { limit: held.intentTs - 1, window: held.intentTs, begunBy: 0 };
      expect(table.isLater(state!, view)).toBe(!held.moved);
    }
    // No lost wake-up: who may go on does not sleep.
    for (const client of queue) {
      expect(this.#live.get(client), 'waiters see the lock as it is').toBe(state);
      if (client.mode === 'none') continue;
      if (this.#mayHave(client, key)) expect(client.waitsAt, `${client.txn.name} on ${key}`).toBeNull();
      else if (client.waitsAt !== null) expect(table.blockersOf(state!, client).length).toBeGreaterThan(0);
    }
  }

  #compareTables(): void {
    for (const table of new Set(this.#tables.values())) {
      const keys = this.#keys.filter((key) => this.#table(key) === table && table.get(key) !== undefined);
      const states = keys.map((key) => table.get(key));
      expect([...table.range('', '\xff')]).toEqual(states);
      expect([...table.rangeReverse('', '\xff')]).toEqual([...states].reverse());
      expect([...table.range('b', 'd')]).toEqual(states.filter((state) => state!.key >= 'b' && state!.key < 'd'));
      const held = keys.flatMap((key) => this.#held.get(key) ?? []);
      expect(table.intentCount).toBe(held.filter((h) => h.intentTs !== 0).length);
      expect(table.heldInMemory).toBe(held.filter((h) => h.intentTs === 0).length);
      for (const client of this.#clients)
        expect(table.holdsAny(client.txn.id)).toBe(held.some((h) => h.by.includes(client)));
    }
  }
}
