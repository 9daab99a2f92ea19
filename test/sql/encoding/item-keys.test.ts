/** Items of inverted indexes: what holds of values holds of their items, and the bytes on disk do not change. */
import { describe, expect, it } from 'vitest';
import { ITEM_BYTES_MAX, itemsOf, searchOf } from '../../../src/sql/encoding/item-keys.js';
import type { OperatorClass } from '../../../src/sql/encoding/item-keys.js';
import { typeByName } from '../../../src/sql/types/registry.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { FORMAT } from '../functions/evaluate.js';

const read = (type: string, text: string): Datum => typeByName(type)!.input(text, -1, FORMAT);
const hex = (items: readonly string[]): string[] => items.map((i) => Buffer.from(i, 'latin1').toString('hex'));
const json = (opclass: OperatorClass, text: string): readonly string[] => itemsOf(opclass, read('jsonb', text));
const sorted = (items: readonly string[]): string[] => [...items].sort();

describe('items', () => {
  it('have the bytes that are on disk', () => {
    expect(hex(json('jsonb_ops', '{"a": [1, "b", true, null]}'))).toEqual([
      '0120044081010b00',
      '012003',
      '012001',
      '0110610001',
      '0110620001',
    ]);
    expect(hex(json('jsonb_path_ops', '{"a": [1, {"b": "é"}], "c": false}'))).toEqual([
      '011061000120044081010b00',
      '0110610001106200012005c3a90001',
      '01106300012002',
    ]);
    expect(hex(itemsOf('array_ops', read('_int4', '{5,NULL,-1}')))).toEqual(['018105', '017fff']);
    expect(hex(itemsOf('array_ops', read('_text', '{a,NULL}')))).toEqual(['01610001']);
    expect(hex(itemsOf('array_ops', read('_int4', '{}')))).toEqual(['03']);
    expect(hex(itemsOf('array_ops', read('_int4', '{NULL}')))).toEqual(['03']);
    expect(hex(itemsOf('array_ops', read('_text', `{${'x'.repeat(200)}}`)))).toEqual([
      '024a74fa404de63095173dc52777421d4d',
    ]);
  });

  it('are bounded and alike for equal values', () => {
    const long = 'k'.repeat(5000);
    for (const opclass of ['jsonb_ops', 'jsonb_path_ops'] as const) {
      const items = json(opclass, `{"${long}": {"${long}2": "${long}", "n": ${'9'.repeat(500)}}}`);
      for (const item of items) expect(item.length).toBeLessThanOrEqual(ITEM_BYTES_MAX);
      expect(json(opclass, '{"a": 1, "b": [2, 2]}')).toEqual(json(opclass, '{"b": [2.00], "a": 1.0, "a": 1e0}'));
      expect(json(opclass, '[]')).toEqual([]);
      expect(itemsOf(opclass, null)).toEqual([]);
    }
    expect(itemsOf('array_ops', read('_varchar', '{a,b,a}'))).toEqual(itemsOf('array_ops', read('_text', '{a,b}')));
    expect(itemsOf('array_ops', read('_numeric', '{1.0,1.00}'))).toEqual(itemsOf('array_ops', read('_numeric', '{1}')));
    expect(itemsOf('array_ops', read('_float8', '{-0,NaN}'))).toEqual(itemsOf('array_ops', read('_float8', '{0,NaN}')));
  });

  it('keep kinds of values apart', () => {
    const scalars = ['1', '"1"', 'true', '"true"', 'null', '"null"', '""', '"a"', '-1', '0', '{"a": 1}', '{"1": "a"}'];
    for (const opclass of ['jsonb_ops', 'jsonb_path_ops'] as const) {
      const all = scalars.map((s) => sorted(json(opclass, `{"v": ${s}}`)).join('/'));
      expect(new Set(all).size).toBe(all.length);
    }
    expect(json('jsonb_path_ops', '{"a": {"b": 1}}')).not.toEqual(json('jsonb_path_ops', '{"ab": 1}'));
    expect(json('jsonb_path_ops', '{"a": "b"}')).not.toEqual(json('jsonb_path_ops', '{"a": {"b": null}}'));
  });

  it('are no beginnings of others', () => {
    const texts = ['', 'a', 'ab', 'a\\u0001', 'é', 'x'.repeat(89), 'x'.repeat(90), 'x'.repeat(91), 'x'.repeat(92)];
    const documents = texts.flatMap((t) => [`"${t}"`, `["${t}"]`, `{"${t}": "${t}"}`, `{"a": {"${t}": [1, "${t}"]}}`]);
    for (const opclass of ['jsonb_ops', 'jsonb_path_ops'] as const) {
      const items = [...new Set(documents.flatMap((d) => json(opclass, d)))];
      for (const a of items) for (const b of items) if (a !== b) expect(b.startsWith(a)).toBe(false);
    }
  });
});

describe('searches', () => {
  it('know when items say nothing', () => {
    const j = (text: string): Datum => read('jsonb', text);
    for (const empty of ['{}', '[]']) {
      expect(searchOf('jsonb_ops', '@>', j(empty)).kind).toBe('all');
      expect(searchOf('jsonb_path_ops', '@>', j(empty)).kind).toBe('all');
    }
    expect(searchOf('jsonb_path_ops', '@>', j('{"a": {}}')).kind).toBe('all');
    expect(searchOf('jsonb_ops', '@>', j('{"a": {}}')).kind).toBe('every');
    expect(searchOf('jsonb_ops', '@>', null).kind).toBe('none');
    expect(searchOf('jsonb_ops', '?|', read('_text', '{}')).kind).toBe('none');
    expect(searchOf('jsonb_ops', '?|', read('_text', '{NULL}')).kind).toBe('none');
    expect(searchOf('jsonb_ops', '?&', read('_text', '{NULL}')).kind).toBe('all');
    const ints = (text: string): Datum => read('_int4', text);
    expect(searchOf('array_ops', '@>', ints('{}')).kind).toBe('all');
    expect(searchOf('array_ops', '@>', ints('{1,NULL}')).kind).toBe('none');
    expect(searchOf('array_ops', '&&', ints('{NULL}')).kind).toBe('none');
    expect(searchOf('array_ops', '<@', ints('{}'))).toEqual({ kind: 'some', items: ['\x03'] });
    expect(searchOf('array_ops', '=', ints('{}'))).toEqual({ kind: 'every', items: ['\x03'] });
  });
});
