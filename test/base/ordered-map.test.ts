import { describe, expect, test } from 'vitest';
import { OrderedMap } from '../../src/base/ordered-map.js';

/** A small seeded generator (mulberry32), so that a failure replays. */
function random(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

function sorted(model: Map<string, number>): [string, number][] {
  return [...model].sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

describe('ordered map', () => {
  test.each([1, 2, 3, 4, 5, 6])('agrees with a sorted model (seed %i)', (seed) => {
    const rnd = random(seed);
    const map = new OrderedMap<number>();
    const model = new Map<string, number>();
    const width = seed % 2 === 0 ? 300 : 5000;
    const key = () => String.fromCharCode(rnd(3) * 100) + String(rnd(width));
    for (let step = 0; step < 12_000; step++) {
      const what = rnd(100);
      const k = key();
      if (what < (step % 6000 < 3000 ? 70 : 30)) {
        expect(map.set(k, step)).toBe(model.get(k));
        model.set(k, step);
      } else if (what < 96) {
        expect(map.delete(k)).toBe(model.delete(k));
      } else if (what < 97) {
        const [a, b] = [key(), key()].sort() as [string, string];
        const doomed = [...model.keys()].filter((m) => a <= m && m < b);
        if (doomed.length > 400) continue;
        expect(map.deleteRange(a, b)).toBe(doomed.length);
        for (const m of doomed) model.delete(m);
      } else {
        expect(map.get(k)).toBe(model.get(k));
        expect(map.has(k)).toBe(model.has(k));
      }
      expect(map.size).toBe(model.size);
      if (step % 1000 === 0) {
        map.verify();
        expect([...map.entries()]).toEqual(sorted(model));
      }
    }
    const all = sorted(model);
    for (let i = 0; i < 200; i++) {
      const k = key();
      expect(map.ceiling(k)).toBe(all.find(([m]) => m >= k)?.[0]);
      expect(map.lower(k)).toBe(all.filter(([m]) => m < k).at(-1)?.[0]);
      const end = key();
      expect([...map.entries(k, end)]).toEqual(all.filter(([m]) => k <= m && m < end));
      expect([...map.entriesReverse(k, end)]).toEqual(all.filter(([m]) => k <= m && m < end).reverse());
    }
  });

  test('a clone and its original do not see each other’s changes', () => {
    const rnd = random(77);
    const maps: { map: OrderedMap<number>; model: Map<string, number> }[] = [
      { map: new OrderedMap(), model: new Map() },
    ];
    for (let step = 0; step < 6000; step++) {
      const at = maps[rnd(maps.length)]!;
      const k = String(rnd(800));
      if (rnd(3) > 0) {
        at.map.set(k, step);
        at.model.set(k, step);
      } else {
        at.map.delete(k);
        at.model.delete(k);
      }
      if (step % 500 === 0 && maps.length < 8) {
        maps.push({ map: at.map.clone(), model: new Map(at.model) });
      }
    }
    for (const { map, model } of maps) {
      map.verify();
      expect([...map.entries()]).toEqual(sorted(model));
    }
  });

  test('a cursor steps on correctly when the map changes under it', () => {
    const map = new OrderedMap<number>();
    for (let i = 0; i < 1000; i += 2) map.set(String(i).padStart(4, '0'), i);
    const cursor = map.cursor();
    cursor.seek('0100');
    expect(cursor.key).toBe('0100');
    map.set('0101', 101);
    cursor.next();
    expect(cursor.key).toBe('0101');
    map.delete('0101');
    map.delete('0102');
    cursor.next();
    expect([cursor.key, cursor.value]).toEqual(['0104', 104]);
    map.deleteRange('0000', '0104');
    cursor.prev();
    expect(cursor.valid).toBe(false);
    cursor.seekBefore('\xff');
    expect(cursor.key).toBe('0998');
    const frozen = map.clone().cursor();
    map.clear();
    frozen.seek('');
    expect(frozen.key).toBe('0104');
    cursor.seek('');
    expect(cursor.valid).toBe(false);
  });

  test('holds many ascending and then no entries', () => {
    const map = new OrderedMap<number>();
    for (let i = 0; i < 100_000; i++) map.set(String(i).padStart(6, '0'), i);
    map.verify();
    expect(map.deleteRange('000010', '099990')).toBe(99_980);
    map.verify();
    expect(map.deleteRange('', '\xff')).toBe(20);
    map.verify();
    expect(map.size).toBe(0);
  });
});
