import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { TEXT_MAX } from '../../../src/sql/types/limits.js';
import { replaceEach, replaceText, TextBuilder } from '../../../src/sql/types/text-builder.js';

/** Longer than what is replaced at once, with parts that lie across the seams. */
const LONG = Array.from({ length: 40_000 }, (_, i) => (i % 7 === 0 ? 'abcabc' : i % 3 === 0 ? '"' : '\\x')).join('');

describe('long texts', () => {
  it('are put together as they would be by +', () => {
    const out = new TextBuilder();
    let plain = '';
    for (let i = 0; i < 100_000; i++) {
      out.add(String(i));
      plain += String(i);
    }
    expect(out.text()).toBe(plain);
  });

  it('are refused as soon as they are too long', () => {
    const out = new TextBuilder();
    const piece = 'x'.repeat(TEXT_MAX / 8);
    let added = 0;
    const fill = (): void => {
      for (; added < 100; added++) out.add(piece);
    };
    expect(fill).toThrow(QuoralError);
    expect(added).toBe(8);
  });

  it.each(['abcabc', 'a', 'bca', '\\', 'x"', 'cabcabca', 'nowhere', LONG.slice(65_530, 65_545)])(
    'are replaced piece by piece as at once: %s',
    (part) => {
      expect(replaceText(LONG, part, '<$&>')).toBe(LONG.replaceAll(part, () => '<$&>'));
    },
  );

  it('that repeat what is looked for lose the same matches to overlapping', () => {
    for (const size of [2, 3, 5, 65_537]) {
      const text = 'a'.repeat(200_001);
      expect(replaceText(text, 'a'.repeat(size), 'b')).toBe(text.replaceAll('a'.repeat(size), 'b'));
    }
  });

  it('are escaped character by character', () => {
    expect(replaceEach(LONG, /["\\]/g, '$&$&')).toBe(LONG.replace(/["\\]/g, '$&$&'));
    expect(replaceEach(LONG, /["\\]/g, '\\$&')).toBe(LONG.replace(/["\\]/g, '\\$&'));
    expect(replaceEach(`${LONG}é😀"`, /["\\]/g, '\\$&')).toBe(`${LONG}é😀"`.replace(/["\\]/g, '\\$&'));
    expect(replaceEach(LONG, /x/g, '')).toBe(LONG.replaceAll('x', ''));
    expect(replaceEach(LONG, /"/g, () => "''")).toBe(LONG.replaceAll('"', "''"));
  });
});
