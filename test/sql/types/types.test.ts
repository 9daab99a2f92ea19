/** Properties of every type: round trips, total order, hashing in step with equality. */
import { describe, expect, test } from 'vitest';
import { typeByName, typeByOid, allTypes, formatType, makeTypmod } from '../../../src/sql/types/registry.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { compareText } from '../../../src/sql/types/text-order.js';
import { canCoerce, findCast, selectCommonType } from '../../../src/sql/types/casts.js';
import { FORMAT } from '../functions/evaluate.js';
import { SAMPLES } from './samples.js';

type Value = Exclude<Datum, null>;

describe.each(Object.keys(SAMPLES))('type %s', (name) => {
  const type = typeByName(name)!;
  const values = SAMPLES[name]!.map((text) => type.input(text, -1, FORMAT) as Value);

  test('what is printed reads back as the same value, and prints the same', () => {
    for (const v of values) {
      const text = type.output(v, FORMAT);
      const again = type.input(text, -1, FORMAT) as Value;
      expect(type.output(again, FORMAT)).toBe(text);
      if (name !== 'json') expect(type.compare(v, again)).toBe(0);
    }
  });

  test('the binary form reads back as the same value', () => {
    for (const v of values) {
      const again = type.receive(Buffer.from(type.send(v)), -1) as Value;
      expect(type.output(again, FORMAT)).toBe(type.output(v, FORMAT));
    }
  });

  test('compare is a total order, and equal values hash alike', () => {
    for (const a of values) {
      expect(type.compare(a, a)).toBe(0);
      for (const b of values) {
        const c = type.compare(a, b);
        expect(type.compare(b, a)).toBe(c === 0 ? 0 : -c);
        if (name !== 'json') expect(type.hashKey(a) === type.hashKey(b)).toBe(c === 0);
        for (const x of values)
          if (c <= 0 && type.compare(b, x) <= 0) expect(type.compare(a, x)).toBeLessThanOrEqual(0);
      }
    }
  });

  test('cut binary input is refused', () => {
    if (['text', 'varchar', 'bpchar', 'name', 'json', 'jsonb', 'bytea', 'char', 'bool'].includes(name)) return;
    const bytes = Buffer.from(type.send(values[values.length - 1]!));
    expect(() => type.receive(bytes.subarray(0, bytes.length - 1), -1)).toThrow();
  });
});

test('wire bytes as PostgreSQL sends them', () => {
  const hex = (name: string, text: string): string => {
    const type = typeByName(name)!;
    return Buffer.from(type.send(type.input(text, -1, FORMAT) as Value)).toString('hex');
  };
  expect(hex('numeric', '12345.678')).toBe('0003000100000003000109291a7c');
  expect(hex('numeric', '0.00')).toBe('0000000000000002');
  expect(hex('numeric', '-10000')).toBe('000100014000000000' + '01');
  expect(hex('timestamptz', '2000-01-01 00:00:01+00')).toBe('00000000000f4240');
  expect(hex('interval', '1 mon 2 days 00:00:01')).toBe('00000000000f4240' + '00000002' + '00000001');
  expect(hex('_int4', '{1,NULL}')).toBe(
    '00000001' + '00000001' + '00000017' + '00000002' + '00000001' + '00000004' + '00000001' + 'ffffffff',
  );
  expect(hex('jsonb', '{"a":1}')).toBe('01' + Buffer.from('{"a": 1}').toString('hex'));
});

test('text sorts by code point, surrogates included', () => {
  const list = ['a', '\ue000', '\uffff', '😀', '日', 'ab', '', 'é'];
  const bytes = [...list].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect([...list].sort(compareText)).toEqual(bytes);
});

test('every type has an array, a name that finds it, and prints its name', () => {
  for (const type of allTypes()) {
    expect(typeByName(type.name)?.oid).toBe(type.oid);
    if (type.arrayOid !== 0) expect(typeByOid(type.arrayOid).elementOid).toBe(type.oid);
  }
  expect(formatType(1231, makeTypmod(1700, [10, 2]))).toBe('numeric(10,2)[]');
  expect(formatType(1184, 3)).toBe('timestamp(3) with time zone');
});

test('casts by context', () => {
  const cast = (from: string, to: string): string => {
    const a = typeByName(from)!.oid;
    const b = typeByName(to)!.oid;
    return canCoerce(a, b, 'implicit')
      ? 'i'
      : canCoerce(a, b, 'assignment')
        ? 'a'
        : canCoerce(a, b, 'explicit')
          ? 'e'
          : '-';
  };
  expect(cast('int4', 'int8')).toBe('i');
  expect(cast('int8', 'int4')).toBe('a');
  expect(cast('int4', 'bool')).toBe('e');
  expect(cast('int4', 'text')).toBe('a');
  expect(cast('text', 'int4')).toBe('e');
  expect(cast('bool', 'float8')).toBe('-');
  expect(cast('_int4', '_int8')).toBe('i');
  expect(cast('_int4', 'oidvector')).toBe('-');
  expect(cast('date', 'timestamptz')).toBe('i');
  expect(cast('json', 'jsonb')).toBe('a');
  expect(cast('uuid', 'int4')).toBe('-');
  const toVarchar = findCast(25, 1043, 'assignment')!;
  expect(() => toVarchar('abcd', 7, FORMAT)).toThrow('value too long for type character varying(3)');
  expect(findCast(25, 1043, 'explicit')!('abcd', 7, FORMAT)).toBe('abc');
});

test('common types', () => {
  const common = (...names: string[]): string =>
    typeByOid(
      selectCommonType(
        names.map((n) => typeByName(n)!.oid),
        'CASE',
      ),
    ).name;
  expect(common('unknown', 'unknown')).toBe('text');
  expect(common('int4', 'unknown')).toBe('int4');
  expect(common('int4', 'int8', 'int2')).toBe('int8');
  expect(common('int4', 'numeric')).toBe('numeric');
  expect(common('numeric', 'float8')).toBe('float8');
  expect(common('varchar', 'text')).toBe('varchar');
  expect(common('date', 'timestamptz')).toBe('timestamptz');
  expect(() => common('int4', 'text')).toThrow('CASE types integer and text cannot be matched');
});
