/** Row values: round trips of every type, skipping, defaults of added columns, damage, golden bytes. */
import { describe, expect, test } from 'vitest';
import { compileRowDecoder, compileRowEncoder } from '../../../src/sql/encoding/row-codec.js';
import { typeByName } from '../../../src/sql/types/registry.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { FORMAT } from '../functions/evaluate.js';
import { SAMPLES } from '../types/samples.js';

type Value = Exclude<Datum, null>;

describe.each(Object.keys(SAMPLES))('rows with %s', (name) => {
  const type = typeByName(name)!;
  test('values come back as they were, between other columns', () => {
    const columns = [
      { id: 1, typeOid: 23 },
      { id: 20, typeOid: type.oid },
      { id: 300, typeOid: 25 },
    ];
    const encode = compileRowEncoder(columns);
    const decode = compileRowDecoder(columns.map((c) => ({ ...c, missing: null })));
    const only = compileRowDecoder([{ id: 300, typeOid: 25, missing: null }]);
    for (const text of SAMPLES[name]!) {
      const v = type.input(text, -1, FORMAT) as Value;
      const row = encode([-7, v, 'end']);
      const [a, b, c] = decode(row);
      expect([a, c]).toEqual([-7, 'end']);
      expect(type.output(b as Value, FORMAT)).toBe(type.output(v, FORMAT));
      expect(only(row)).toEqual(['end']);
    }
    expect(decode(encode([1, null, null]))).toEqual([1, null, null]);
  });
});

test('columns may be given in any order, and a missing one reads as its default', () => {
  const row = compileRowEncoder([
    { id: 3, typeOid: 25 },
    { id: 1, typeOid: 23 },
  ])(['x', 9]);
  const decode = compileRowDecoder([
    { id: 3, typeOid: 25, missing: null },
    { id: 2, typeOid: 23, missing: 42 },
    { id: 1, typeOid: 23, missing: null },
    { id: 9, typeOid: 16, missing: true },
  ]);
  expect(decode(row)).toEqual(['x', 42, 9, true]);
});

test('an explicit NULL is not the default of an added column', () => {
  const row = compileRowEncoder([{ id: 1, typeOid: 23 }])([null]);
  expect(compileRowDecoder([{ id: 1, typeOid: 23, missing: 5 }])(row)).toEqual([null]);
});

test('long and wide text, and a row larger than the scratch buffer', () => {
  const encode = compileRowEncoder([
    { id: 1, typeOid: 25 },
    { id: 2, typeOid: 17 },
  ]);
  const decode = compileRowDecoder([
    { id: 1, typeOid: 25, missing: null },
    { id: 2, typeOid: 17, missing: null },
  ]);
  for (const s of ['x'.repeat(63), 'x'.repeat(64), 'é'.repeat(40), '日本語'.repeat(5000), 'a'.repeat(100_000)]) {
    const bytes = Buffer.alloc(50_000, 7);
    const [text, blob] = decode(encode([s, bytes]));
    expect(text).toBe(s);
    expect(Buffer.compare(blob as Uint8Array, bytes)).toBe(0);
  }
});

test('every cut of a row is either refused or loses whole columns at the end', () => {
  const columns = [
    { id: 1, typeOid: 23 },
    { id: 2, typeOid: 25 },
    { id: 3, typeOid: 701 },
    { id: 4, typeOid: 1700 },
  ];
  const row = compileRowEncoder(columns)([
    123456,
    'héllo',
    1.5,
    typeByName('numeric')!.input('12345678901234567890.5', -1, FORMAT),
  ]);
  const decode = compileRowDecoder(columns.map((c) => ({ ...c, missing: 'MISSING' as Datum })));
  const whole = decode(row);
  for (let n = 0; n < row.length; n++) {
    try {
      decode(row.subarray(0, n)).forEach((v, i) => expect([whole[i], 'MISSING']).toContainEqual(v));
    } catch (error) {
      expect((error as { sqlstate: string }).sqlstate).toBe('XX001');
    }
  }
});

test('damaged bytes are refused, not misread as another type', () => {
  const decode = compileRowDecoder([{ id: 1, typeOid: 23, missing: null }]);
  const refuse = (hex: string): void =>
    expect(() => decode(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ sqlstate: 'XX001' }));
  refuse('');
  refuse('02');
  refuse('010e0161');
  refuse('010bff');
  refuse('0108ffffffffffffffffffff');
});

test('golden bytes', () => {
  const columns = [
    { id: 1, typeOid: 23 },
    { id: 2, typeOid: 20 },
    { id: 3, typeOid: 25 },
    { id: 4, typeOid: 16 },
    { id: 5, typeOid: 701 },
    { id: 6, typeOid: 1700 },
    { id: 7, typeOid: 1186 },
    { id: 8, typeOid: 2950 },
    { id: 9, typeOid: 3802 },
    { id: 10, typeOid: 23 },
    { id: 16, typeOid: 20 },
  ];
  const input = (name: string, text: string): Datum => typeByName(name)!.input(text, -1, FORMAT);
  const row = compileRowEncoder(columns)([
    -3,
    300n,
    'aé',
    true,
    1.5,
    input('numeric', '-12.50'),
    input('interval', '1 day'),
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    input('jsonb', '[1]'),
    null,
    9223372036854775807n,
  ]);
  expect(row.toString('hex')).toBe(
    '01' +
      '0805' +
      '10d804' +
      '1a0361c3a9' +
      '23' +
      '293ff8000000000000' +
      '3205' +
      '01000204e2' +
      '3a10' +
      '0000000000000000' +
      '00000001' +
      '00000000' +
      '4210' +
      'a0eebc999c0b4ef8bb6d6bb9bd380a11' +
      '4a04' +
      '015b315d' +
      '57' +
      '8101' +
      '7fffffffffffffff',
  );
});
