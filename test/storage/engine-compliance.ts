/** One suite for every implementation of Engine. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BatchBuilder } from '../../src/storage/batch-codec.js';
import type { DataFamily, Engine, EngineReader, Family } from '../../src/storage/engine.js';
import { random } from './support.js';

export interface EngineUnderTest {
  open(): Promise<Engine>;
  /** Closes in good order and opens again what was written. */
  reopen(engine: Engine): Promise<Engine>;
  cleanUp(): Promise<void>;
}

const DATA: readonly DataFamily[] = ['versions', 'locks', 'local'];
const bytes = (text: string) => Buffer.from(text, 'latin1');
const text = (value: Buffer | null | undefined) => value?.toString('latin1') ?? null;
const BINARY = ['\x02', 'a', 'a\x00', 'a\x00\xff', 'a\xff', 'b\x80\x81', 'é', '\xfe\xfe'];

function rows(reader: EngineReader, family: Family, start = '', end = '\xff\xff'): string[] {
  return reader.scan({ family, start, end }).map((row) => `${row.key}=${text(row.value)}`);
}

async function write(
  engine: Engine,
  family: Family,
  fill: (batch: ReturnType<Engine['newBatch']>) => void,
): Promise<void> {
  const batch = engine.newBatch();
  fill(batch);
  if (family === 'log') await engine.writeLog(batch);
  else engine.writeData(batch);
}

export function engineCompliance(name: string, make: () => EngineUnderTest): void {
  describe(`engine compliance: ${name}`, () => {
    let under: EngineUnderTest;
    let engine: Engine;
    beforeEach(async () => {
      under = make();
      engine = await under.open();
    });
    afterEach(async () => {
      await engine.close();
      await under.cleanUp();
    });

    test('steps over large rows both ways, and holds few of them at a time', async () => {
      const key = (i: number) => `k${String(i).padStart(2, '0')}`;
      const size = (i: number) => (i % 3 === 0 ? 900_000 : 5);
      for (let i = 0; i < 40; i++)
        await write(engine, 'versions', (b) => b.put('versions', key(i), Buffer.alloc(size(i), 'x')));
      const all = Array.from({ length: 40 }, (_, i) => [key(i), size(i)]);
      const view = engine.snapshot();
      for (const reader of [engine, view]) {
        const cursor = reader.iterator('versions', '', '\xff', { rows: 64 });
        const found = () => {
          const list = [];
          for (; cursor.valid; cursor.next()) list.push([cursor.key, cursor.value.length]);
          return list;
        };
        const before = process.memoryUsage().external;
        cursor.seek('');
        expect(process.memoryUsage().external - before).toBeLessThan(4_000_000);
        expect(found()).toEqual(all);
        // At a large row, at a small one, and behind all of them.
        for (const from of [39, 36, 35, 40]) {
          const back = [];
          for (cursor.seekBefore(key(from)); cursor.valid; cursor.prev()) back.push([cursor.key, cursor.value.length]);
          expect(back.toReversed()).toEqual(all.slice(0, from));
        }
        cursor.seekBefore(key(30));
        cursor.prev();
        expect(found()).toEqual(all.slice(28));
        cursor.close();
      }
      view.close();
    });

    test.each([...DATA, 'log'] as const)('%s: reads what was written, in byte order', async (f) => {
      await write(engine, f, (b) => {
        for (const key of [...BINARY].reverse()) b.put(f, key, bytes(`v${key}`));
        expect(b.count).toBe(BINARY.length);
        expect(b.bytes).toBe(BINARY.reduce((n, k) => n + 2 * k.length + 1, 0));
      });
      const expected = [...BINARY].sort();
      expect(engine.scan({ family: f, start: '', end: '\xff' }).map((r) => r.key)).toEqual(expected);
      for (const key of BINARY) expect(text(engine.get(f, key))).toBe(`v${key}`);
      expect(engine.getMany(f, ['nope', ...BINARY]).map(text)).toEqual([null, ...BINARY.map((k) => `v${k}`)]);
      expect(engine.getMany(f, [])).toEqual([]);
      expect(engine.get(f, 'absent')).toBeNull();
      expect(engine.first(f, 'a\x00', '\xff')!.key).toBe('a\x00');
      expect(engine.first(f, 'a\x01', '\xff')!.key).toBe('a\xff');
      expect(engine.first(f, 'a\x01', 'a\xff')).toBeNull();
      expect(engine.first(f, '\xff', '\xff\xff')).toBeNull();
      for (const other of [...DATA, 'log'] as const) {
        if (other !== f) expect(rows(engine, other)).toEqual([]);
      }
    });

    test.each([...DATA, 'log'] as const)('%s: operations of a batch apply in order', async (f) => {
      await write(engine, f, (b) => {
        for (const k of ['a', 'b', 'c', 'd', 'e']) b.put(f, k, bytes('1'));
      });
      await write(engine, f, (b) => {
        b.put(f, 'bb', bytes('2'));
        b.put(f, 'a', bytes('2'));
        b.deleteRange(f, 'b', 'd');
        b.put(f, 'c', bytes('3'));
        b.delete(f, 'e');
        b.put(f, 'x', bytes('4'));
        b.delete(f, 'x');
        b.deleteRange(f, 'q', 'q');
        b.deleteRange(f, 'z', 'y');
      });
      expect(rows(engine, f)).toEqual(['a=2', 'c=3', 'd=1']);
      await write(engine, f, (b) => b.deleteRange(f, '', '\xff'));
      expect(rows(engine, f)).toEqual([]);
    });

    test('a range deletion sees what is there when the batch is written', () => {
      const clear = engine.newBatch();
      clear.deleteRange('local', 'a', 'z');
      const put = engine.newBatch();
      put.put('local', 'm', bytes('late'));
      engine.writeData(put);
      engine.writeData(clear);
      expect(rows(engine, 'local')).toEqual([]);
    });

    test('one batch spans the data families; a BatchBuilder is as good as a batch', () => {
      const builder = new BatchBuilder();
      for (const family of DATA) {
        builder.put(family, 'old', bytes('x'));
        builder.put(family, 'k', bytes(family));
        builder.deleteRange(family, 'o', 'p');
      }
      engine.writeData(builder);
      for (const family of DATA) expect(rows(engine, family)).toEqual([`k=${family}`]);
      engine.writeData(engine.newBatch());
    });

    test('misuse of a batch is refused', async () => {
      const mixed = engine.newBatch();
      mixed.put('log', 'k', bytes('v'));
      expect(() => mixed.put('local', 'k', bytes('v'))).toThrow('not both');
      const log = engine.newBatch();
      log.put('log', 'k', bytes('v'));
      expect(() => engine.writeData(log)).toThrow('writeLog');
      const data = engine.newBatch();
      data.put('local', 'k', bytes('v'));
      await expect(engine.writeLog(data)).rejects.toThrow('writeData');
      engine.writeData(data.count === 1 ? filled(engine) : data);
      const once = filled(engine);
      engine.writeData(once);
      expect(() => engine.writeData(once)).toThrow('once');
    });

    test('later changes of a caller’s buffer do not reach the engine', async () => {
      const value = bytes('first');
      const data = engine.newBatch();
      data.put('local', 'k', value);
      const log = engine.newBatch();
      log.put('log', 'k', value);
      value.fill(0x21);
      engine.writeData(data);
      await engine.writeLog(log);
      expect(text(engine.get('local', 'k'))).toBe('first');
      expect(text(engine.get('log', 'k'))).toBe('first');
    });

    test('scan: bounds, direction, limits', async () => {
      await write(engine, 'local', (b) => {
        for (let i = 0; i < 3000; i++) b.put('local', String(i).padStart(4, '0'), bytes('abcd'));
      });
      const scan = (options: object) =>
        engine.scan({ family: 'local', start: '0010', end: '0020', ...options }).map((r) => Number(r.key));
      const up = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
      expect(scan({})).toEqual(up);
      expect(scan({ reverse: true })).toEqual([...up].reverse());
      for (const limit of [1, 2, 9, 10, 11]) {
        expect(scan({ limit })).toEqual(up.slice(0, limit));
        expect(scan({ limit, reverse: true })).toEqual([...up].reverse().slice(0, limit));
      }
      expect(scan({ limit: 0 })).toEqual([]);
      // 8 bytes a row; the row that reaches the limit is the last.
      for (const [limitBytes, count] of [
        [1, 1],
        [8, 1],
        [9, 2],
        [16, 2],
        [79, 10],
        [800, 10],
      ]) {
        expect(scan({ limitBytes }).length).toBe(count);
        expect(scan({ limitBytes, reverse: true }).length).toBe(count);
      }
      expect(scan({ start: '0020', end: '0010' })).toEqual([]);
      expect(scan({ start: '0000', end: '9999' }).length).toBe(3000);
      expect(scan({ start: '0000', end: '9999', reverse: true, limit: 2500 }).length).toBe(2500);
    });

    test('cursor: seeks and steps in both directions within its bounds', async () => {
      await write(engine, 'versions', (b) => {
        for (let i = 0; i < 1000; i += 2) {
          b.put('versions', String(i).padStart(3, '0'), bytes(`v${i}`));
        }
      });
      const snapshot = engine.snapshot();
      for (const reader of [engine, snapshot]) {
        const it = reader.iterator('versions', '101', '900');
        it.seek('000');
        expect([it.valid, it.key, text(it.value)]).toEqual([true, '102', 'v102']);
        it.prev();
        expect(it.valid).toBe(false);
        it.seekBefore('999');
        expect(it.key).toBe('898');
        it.next();
        expect(it.valid).toBe(false);
        it.seek('500');
        const seen: string[] = [];
        for (let i = 0; i < 50; i++, it.next()) seen.push(it.key);
        it.prev();
        expect(it.key).toBe('598');
        it.prev();
        it.prev();
        it.next();
        expect(it.key).toBe('596');
        it.seekBefore('500');
        expect(it.key).toBe('498');
        it.seekBefore('499');
        expect(it.key).toBe('498');
        let count = 0;
        for (; it.valid; it.prev()) count++;
        expect(count).toBe(199);
        expect(seen[49]).toBe('598');
        it.seek('898');
        expect(it.key).toBe('898');
        it.seek('899');
        expect(it.valid).toBe(false);
        it.seekBefore('102');
        expect(it.valid).toBe(false);
        it.seek('102');
        it.seek('300');
        it.seek('200');
        expect(it.key).toBe('200');
        it.close();
        it.close();
        const keys = reader.iterator('versions', '000', '999', { rows: 7, keysOnly: true });
        let all = 0;
        for (keys.seek(''); keys.valid; keys.next()) all++;
        expect(all).toBe(500);
        keys.close();
      }
      snapshot.close();
    });

    test('a snapshot does not change; cursors of one snapshot do not disturb each other', async () => {
      const put = (family: DataFamily, key: string, value: string) =>
        write(engine, family, (b) => b.put(family, key, bytes(value)));
      for (const family of DATA) {
        for (let i = 100; i < 200; i++) await put(family, `k${i}`, `old${i}`);
      }
      const snapshot = engine.snapshot();
      for (const family of DATA) {
        await put(family, 'k100', 'new');
        await put(family, 'k1000', 'new');
        await write(engine, family, (b) => b.deleteRange(family, 'k110', 'k190'));
      }
      for (const family of DATA) {
        expect(snapshot.scan({ family, start: 'k', end: 'l' }).length).toBe(100);
        expect(text(snapshot.get(family, 'k100'))).toBe('old100');
        expect(snapshot.get(family, 'k1000')).toBeNull();
        expect(snapshot.getMany(family, ['k150', 'k1000']).map(text)).toEqual(['old150', null]);
        expect(snapshot.first(family, 'k1101', 'l')!.key).toBe('k111');
        expect(engine.scan({ family, start: 'k', end: 'l' }).length).toBe(21);
        expect(engine.first(family, 'k1101', 'l')!.key).toBe('k190');
      }
      const a = snapshot.iterator('versions', 'k100', 'k200');
      const b = snapshot.iterator('versions', 'k150', 'k160');
      a.seek('');
      b.seek('');
      const seen: string[] = [];
      for (; b.valid; b.next()) {
        seen.push(a.key, b.key);
        a.next();
        if (seen.length === 8) snapshot.first('versions', 'k190', 'l');
      }
      expect(seen.slice(-2)).toEqual(['k109', 'k159']);
      a.seekBefore('k200');
      b.seekBefore('k160');
      for (; b.valid; b.prev()) a.prev();
      expect(a.key).toBe('k189');
      a.close();
      b.close();
      expect(() => snapshot.get('log', 'k')).toThrow();
      snapshot.close();
      expect(() => snapshot.get('local', 'k')).toThrow();
    });

    test('log writes resolve in order and are visible then', async () => {
      const order: number[] = [];
      const all: Promise<void>[] = [];
      for (let i = 0; i < 200; i++) {
        const batch = engine.newBatch();
        batch.put('log', `e${String(i).padStart(3, '0')}`, Buffer.alloc(100, i));
        if (i % 10 === 9)
          batch.deleteRange('log', `e${String(i - 9).padStart(3, '0')}`, `e${String(i - 1).padStart(3, '0')}`);
        all.push(
          engine.writeLog(batch).then(() => {
            order.push(i);
            expect(engine.get('log', `e${String(i).padStart(3, '0')}`) !== null || i % 10 < 8).toBe(true);
          }),
        );
      }
      await engine.syncData();
      await Promise.all(all);
      expect(order).toEqual(Array.from({ length: 200 }, (_, i) => i));
      expect(engine.scan({ family: 'log', start: 'e', end: 'f' }).length).toBe(40);
    });

    test('approximateBytes follows what a span holds', async () => {
      const batch = engine.newBatch();
      for (let i = 0; i < 16_000; i++) {
        batch.put('versions', `${i % 2 === 0 ? 'a' : 'b'}${i}`, Buffer.alloc(i % 2 === 0 ? 900 : 300));
      }
      engine.writeData(batch);
      const near = (value: number, expected: number) => expect(Math.abs(value - expected) / expected).toBeLessThan(0.2);
      near(engine.approximateBytes('a', 'b'), 7_200_000);
      near(engine.approximateBytes('a', 'c'), 9_600_000);
      // Of 9.6 million bytes the first 4.8 end at two thirds of those under 'a'.
      const middle = engine.approximateMiddle('a', 'c')!;
      near(engine.approximateBytes('a', middle), 4_800_000);
      expect(engine.get('versions', middle)).not.toBeNull();
      expect(engine.approximateMiddle('b', 'c')).toMatch(/^b/);
      expect(engine.approximateMiddle('c', 'd')).toBeNull();
      engine = await under.reopen(engine);
      near(engine.approximateBytes('b', 'c'), 2_400_000);
      const clear = engine.newBatch();
      clear.deleteRange('versions', 'a', 'b');
      engine.writeData(clear);
      expect(engine.approximateBytes('a', 'b')).toBe(0);
      near(engine.approximateBytes('', '\xff'), 2_400_000);
    });

    test('everything is there after closing and opening again', async () => {
      for (const family of DATA) await write(engine, family, (b) => b.put(family, 'k', bytes(family)));
      await write(engine, 'log', (b) => b.put('log', 'k', bytes('log')));
      engine = await under.reopen(engine);
      for (const family of [...DATA, 'log'] as const) expect(rows(engine, family)).toEqual([`k=${family}`]);
    });

    test('a closed engine refuses every call', async () => {
      await write(engine, 'local', (b) => b.put('local', 'k', bytes('v')));
      await engine.close();
      await engine.close();
      expect(() => engine.get('local', 'k')).toThrow('closed');
      expect(() => engine.first('versions', 'a', 'b')).toThrow('closed');
      expect(() => engine.scan({ family: 'local', start: 'a', end: 'z' })).toThrow('closed');
      expect(() => engine.snapshot()).toThrow('closed');
      await expect(engine.syncData()).rejects.toThrow('closed');
      expect(typeof engine.metrics).toBe('function');
    });

    test.each([1, 2, 3])('agrees with a sorted model (seed %i)', async (seed) => {
      const rnd = random(seed);
      const families = [...DATA, 'log'] as const;
      const models = new Map<Family, Map<string, string>>(families.map((f) => [f, new Map()]));
      const key = () => String.fromCharCode(rnd(256), rnd(3)) + (rnd(2) === 0 ? '' : '\x00');
      for (let step = 0; step < 400; step++) {
        const log = rnd(4) === 0;
        const batch = engine.newBatch();
        for (let n = rnd(8); n >= 0; n--) {
          const family = log ? 'log' : DATA[rnd(3)]!;
          const model = models.get(family)!;
          const k = key();
          const what = rnd(20);
          if (what < 14) {
            const v = Buffer.alloc(rnd(300), rnd(256));
            batch.put(family, k, v);
            model.set(k, text(v)!);
          } else if (what < 19) {
            batch.delete(family, k);
            model.delete(k);
          } else {
            const [a, b] = [k, key()].sort() as [string, string];
            batch.deleteRange(family, a, b);
            for (const m of [...model.keys()]) if (a <= m && m < b) model.delete(m);
          }
        }
        if (log) await engine.writeLog(batch);
        else engine.writeData(batch);
        if (step % 97 === 0) engine = await under.reopen(engine);
        for (const family of families) compare(engine, family, models.get(family)!, key, rnd);
      }
    });
  });
}

function filled(engine: Engine): ReturnType<Engine['newBatch']> {
  const batch = engine.newBatch();
  batch.put('local', 'k', bytes('v'));
  return batch;
}

function compare(
  engine: Engine,
  family: Family,
  model: Map<string, string>,
  key: () => string,
  rnd: (n: number) => number,
): void {
  const all = [...model.keys()].sort();
  const [a, b] = [key(), key()].sort() as [string, string];
  const inside = all.filter((k) => a <= k && k < b);
  expect(text(engine.get(family, a))).toBe(model.get(a) ?? null);
  expect(engine.first(family, a, b)?.key).toBe(inside[0]);
  const limit = 1 + rnd(20);
  const reverse = rnd(2) === 0;
  const ordered = reverse ? [...inside].reverse() : inside;
  expect(engine.scan({ family, start: a, end: b, limit, reverse }).map((r) => [r.key, text(r.value)])).toEqual(
    ordered.slice(0, limit).map((k) => [k, model.get(k)]),
  );
  const it = engine.iterator(family, a, b, { rows: 1 + rnd(4) });
  let place = -1;
  for (let i = 0; i < 6; i++) {
    const target = key();
    if (rnd(2) === 0) {
      it.seek(target);
      place = inside.findIndex((k) => k >= target);
    } else {
      it.seekBefore(target);
      place = inside.filter((k) => k < target).length - 1;
    }
    for (let n = rnd(6); n >= 0; n--) {
      expect(it.valid ? it.key : undefined).toBe(inside[place]);
      if (!it.valid) break;
      expect(text(it.value)).toBe(model.get(it.key));
      if (rnd(3) > 0) {
        it.next();
        place++;
      } else {
        it.prev();
        place--;
      }
    }
  }
  it.close();
}
