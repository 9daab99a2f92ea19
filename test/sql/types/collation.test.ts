import { describe, expect, it } from 'vitest';
import {
  builtInCollation,
  collationOfKey,
  userCollationKey,
  userCollationOid,
} from '../../../src/sql/types/collation.js';
import { pinnedCollation, storedCollationName, collationParts } from '../../../src/sql/plan/collation-names.js';

describe('collations', () => {
  it('change the case of long texts in linear time, with and without blanks', () => {
    const german = collationOfKey('de-x-icu');
    expect(german.capitalised('éà '.repeat(300_000)).slice(0, 6)).toBe('Éà Éà ');
    expect(german.capitalised('a'.repeat(500_000)).slice(0, 3)).toBe('Aaa');
    expect(german.capitalised("it's o'NEIL\u2019s a.b x_y 1st \u00e4\u00d6:x")).toBe(
      "It's O'neil\u2019s A.b X_y 1st \u00c4\u00f6:X",
    );
    expect(german.capitalised('ab-cd'.repeat(100_000)).slice(0, 9)).toBe('Ab-Cdab-C');
  });

  it('are told by a key that says all of them, in pieces that an identifier holds', () => {
    const locale = `de@collation=${'x'.repeat(120)};colNumeric=yes`;
    const key = userCollationKey(16_400, 'i', locale);
    expect(collationParts(key).every((part) => Buffer.byteLength(part) <= 63)).toBe(true);
    expect(pinnedCollation(collationParts(key))).toBe(key);
    expect(userCollationOid(key)).toBe(16_400);
    expect(collationOfKey(key).compare('a9', 'a10')).toBe(-1);
    expect(storedCollationName('C')).toBe('"C"');
    const libc = collationOfKey(userCollationKey(16_401, 'c', 'C', 'POSIX'));
    expect([libc.locale, libc.ctype, libc.isLinguistic]).toEqual(['C', 'POSIX', false]);
  });

  it('have the names and numbers of PostgreSQL 15', () => {
    expect(builtInCollation('unicode')).toBeNull();
    expect(
      ['und-x-icu', 'de-x-icu', 'en-US-x-icu', 'zh-x-icu', 'zu-ZA-x-icu'].map((name) => collationOfKey(name).oid),
    ).toEqual([12342, 12453, 12579, 13136, 13147]);
  });

  it('are 0 for the same text only, and never the order of the process', () => {
    const unknown = collationOfKey('agq-x-icu');
    expect(unknown.compare('a\u0301', '\u00e1')).not.toBe(0);
    expect(unknown.compare('\u00f6', 'z')).toBe(-1);
  });
});
