import { describe, expect, it } from 'vitest';
import { findLong, like } from '../../../src/sql/functions/like-match.js';

/** One character after another, by all that may be open. */
function model(text: string, pattern: string): boolean {
  const chars = Array.from(text);
  const signs = Array.from(pattern);
  let open = new Set([0]);
  const closure = (from: Set<number>): Set<number> => {
    const all = new Set(from);
    for (const at of all) if (signs[at] === '%') all.add(at + 1);
    return all;
  };
  open = closure(open);
  for (const c of chars) {
    const next = new Set<number>();
    for (const at of open) {
      if (signs[at] === '%') next.add(at);
      else if (signs[at] === '_' || signs[at] === c) next.add(at + 1);
    }
    open = closure(next);
  }
  return open.has(signs.length);
}

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

const ALPHABET = ['a', 'b', 'é', '😀'];

describe('LIKE', () => {
  it('answers as a plain model does, with long runs, holes and characters of two units', () => {
    const next = random(7);
    const some = (count: number, of: readonly string[]): string =>
      Array.from({ length: count }, () => of[next(of.length)]!).join('');
    let matched = 0;
    for (let round = 0; round < 3000; round++) {
      const letters = ALPHABET.slice(0, 1 + next(ALPHABET.length));
      const text = some(next(120), letters);
      const chars = Array.from(text);
      let pattern = '';
      // Pieces of the text itself, so that many match.
      for (let pieces = next(5); pieces >= 0; pieces--) {
        const from = next(chars.length + 1);
        const piece = chars.slice(from, from + next(90));
        pattern += piece.map((c) => (next(6) === 0 ? '_' : c)).join('') + ['%', '%%', '_%', '%_', ''][next(5)]!;
      }
      if (next(2) === 0) pattern = `%${pattern}%`;
      const expected = model(text, pattern);
      if (expected) matched++;
      expect(like(text, pattern), `${text} LIKE ${pattern}`).toBe(expected);
    }
    expect(matched).toBeGreaterThan(300);
  });

  it('takes escapes', () => {
    expect(like('100%', '100\\%')).toBe(true);
    expect(like('100x', '100\\%')).toBe(false);
    expect(like('a_c', 'a\\_c')).toBe(true);
    expect(like('a😀c', 'a\\😀_')).toBe(true);
    expect(like('a', 'a\\')).toBe(false);
    expect(() => like('ab', 'a\\')).toThrow('must not end with escape character');
  });

  it('gives up what would take too many steps', () => {
    const text = 'a'.repeat(1_000_000);
    expect(() => like(text, `%${'a_'.repeat(50_000)}b%`)).toThrow('LIKE pattern is too complex for this string');
  });

  it('finds long parts wherever they are', () => {
    const part = 'ab'.repeat(50) + 'c';
    expect(findLong('ab'.repeat(500) + 'c', part, 0)).toBe(900);
    expect(findLong('ab'.repeat(500) + 'c', part, 901)).toBe(-1);
    expect(findLong(part, part, 0)).toBe(0);
    expect(findLong('ab', part, 0)).toBe(-1);
  });
});
