import { describe, expect, it } from 'vitest';
import { TextCache } from '../../src/base/text-cache.js';

describe('a cache by text', () => {
  it('keeps both bounds, and what was put last', () => {
    const cache = new TextCache<number>({ countMax: 3, charactersMax: 10 });
    for (let i = 0; i < 100; i++) {
      cache.put(`k${i}`, i);
      expect(cache.size).toBeLessThanOrEqual(3);
      expect(cache.get(`k${i}`)).toBe(i);
    }
    cache.put('0123456789', 1);
    expect(cache.size).toBe(1);
    cache.put('longer than all that it may hold', 2);
    expect([cache.size, cache.get('longer than all that it may hold')]).toEqual([1, 2]);
    cache.put('a', 3);
    expect([cache.size, cache.get('a')]).toEqual([1, 3]);
  });

  it('keeps what is asked for through a flood of what comes once', () => {
    const cache = new TextCache<string>({ countMax: 10, charactersMax: 1_000 });
    cache.put('asked', 'value');
    for (let i = 0; i < 1_000; i++) {
      if (i % 5 === 0) expect(cache.get('asked')).toBe('value');
      cache.put(`once ${i}`, 'other');
    }
    for (let i = 0; i < 25; i++) cache.put(`more ${i}`, 'other');
    expect(cache.get('asked')).toBeUndefined();
  });

  it('counts the characters of what was deleted and replaced', () => {
    const cache = new TextCache<number>({ countMax: 100, charactersMax: 8 });
    for (let i = 0; i < 20; i++) {
      cache.put('four', i);
      expect(cache.delete('four')).toBe(true);
      expect(cache.delete('four')).toBe(false);
      cache.put('same', i);
    }
    cache.put('4444', 1);
    expect([cache.get('same'), cache.get('4444'), cache.size]).toEqual([19, 1, 2]);
  });
});
