/** Key encodings: byte order is value order, prefixes stay apart, and the bytes on disk do not change. */
import { describe, expect, test } from 'vitest';
import { compileKeyEncoder } from '../../../src/sql/encoding/key-codec.js';
import { typeByName } from '../../../src/sql/types/registry.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { FORMAT } from '../functions/evaluate.js';
import { SAMPLES } from '../types/samples.js';

type Value = Exclude<Datum, null>;
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

describe.each(Object.keys(SAMPLES).filter((name) => typeByName(name)!.encodeKey !== null))('keys of %s', (name) => {
  const type = typeByName(name)!;
  const values: Datum[] = [...SAMPLES[name]!.map((text) => type.input(text, -1, FORMAT)), null];
  const compare = (a: Datum, b: Datum): number =>
    a === null || b === null ? Number(a === null) - Number(b === null) : type.compare(a, b);

  test.each([false, true])('bytes sort as values (descending %s)', (descending) => {
    const encode = compileKeyEncoder([{ oid: type.oid, descending }]);
    for (const a of values) {
      expect(encode([a])).toMatch(/^[\x00-\xff]+$/);
      for (const b of values) {
        const c = compare(a, b);
        expect([a, b, order(encode([a]), encode([b]))]).toEqual([a, b, descending ? 0 - c || 0 : c]);
      }
    }
  });

  test('no encoding is a prefix of another: a following column cannot disturb the order', () => {
    for (const descending of [false, true]) {
      const encode = compileKeyEncoder([{ oid: type.oid, descending }]);
      for (const a of values) {
        for (const b of values) {
          if (compare(a, b) !== 0) expect(encode([a]).startsWith(encode([b]))).toBe(false);
        }
      }
    }
  });
});

/** Deterministic random numbers: a multiplicative congruence is enough to choose samples. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647);
}

test('random integers, bigints, numerics and strings keep their order', () => {
  const random = sequence(7);
  const pick: Record<string, () => string> = {
    int4: () => String((random() - 1073741823) >> (random() % 31)),
    int8: () =>
      String((BigInt(random()) * BigInt(random()) * (random() % 2 === 0 ? 1n : -1n)) >> BigInt(random() % 62)),
    numeric: () =>
      `${random() % 2 === 0 ? '-' : ''}${random() % 1000}.${String(random() % 1000).padStart(3, '0')}e${(random() % 9) - 4}`,
    text: () =>
      String.fromCodePoint(
        ...Array.from({ length: random() % 4 }, () => [97, 98, 0xe9, 0x65e5, 0xffee, 0x1f600][random() % 6]!),
      ),
    float8: () => String(((random() - 1e9) * random()) / 10 ** (random() % 20)),
  };
  for (const [name, make] of Object.entries(pick)) {
    const type = typeByName(name)!;
    for (let i = 0; i < 3000; i++) {
      const a = type.input(make(), -1, FORMAT) as Value;
      const b = type.input(make(), -1, FORMAT) as Value;
      expect(order(type.encodeKey!(a), type.encodeKey!(b))).toBe(type.compare(a, b));
    }
  }
});

test('a key of fewer values is the prefix of those that share them', () => {
  const encode = compileKeyEncoder([
    { oid: 25, descending: false },
    { oid: 23, descending: true },
  ]);
  expect(encode(['a', 5]).startsWith(encode(['a']))).toBe(true);
  expect(encode(['a', 5]) > encode(['a', 6])).toBe(true);
});

test('golden bytes', () => {
  const hex = (name: string, text: string, descending = false): string => {
    const type = typeByName(name)!;
    const encode = compileKeyEncoder([{ oid: type.oid, descending }]);
    return Buffer.from(encode([type.input(text, -1, FORMAT)]), 'latin1').toString('hex');
  };
  expect(hex('int4', '0')).toBe('80');
  expect(hex('int4', '1')).toBe('8101');
  expect(hex('int4', '-1')).toBe('7fff');
  expect(hex('int4', '-257')).toBe('7efeff');
  expect(hex('int4', '2147483647')).toBe('847fffffff');
  expect(hex('int8', '-9223372036854775808')).toBe('788000000000000000');
  expect(hex('int4', '1', true)).toBe('7efe');
  expect(hex('text', 'aé')).toBe('61c3a90001');
  expect(hex('bytea', '\\x00ff')).toBe('3000ffff0001');
  expect(hex('float8', '1.5')).toBe('30bff8000000000000');
  expect(hex('float8', '-1.5')).toBe('304007ffffffffffff');
  expect(hex('numeric', '12.5')).toBe('408102' + '0d33' + '00');
  expect(hex('numeric', '-12.5')).toBe('20' + '7efd' + 'f2cc' + 'ff');
  expect(hex('bool', 't')).toBe('8101');
  expect(hex('uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')).toBe('30a0eebc999c0b4ef8bb6d6bb9bd380a11');
  expect(hex('timestamptz', '2000-01-01 00:00:01+00')).toBe('830f4240');
  expect(Buffer.from(compileKeyEncoder([{ oid: 23, descending: false }])([null]), 'latin1').toString('hex')).toBe('ff');
});
