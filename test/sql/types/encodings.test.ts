/** Encodings: each is one-to-one with the characters that it knows, and refuses everything else. */
import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { fromClient, toClient } from '../../../src/sql/types/encoded-values.js';
import { encodingName, findEncoding, type TextEncoding } from '../../../src/sql/types/encodings.js';
import { OID } from '../../../src/sql/types/oids.js';
import { typeByOid } from '../../../src/sql/types/registry.js';

const all = Array.from({ length: 42 }, (_, number) => findEncoding(encodingName(number))!);
const texts = all.flatMap(({ text }) => (text === null ? [] : [text]));

function stateOf(what: () => unknown): string {
  try {
    what();
    return 'ok';
  } catch (error) {
    if (error instanceof QuoralError) return error.sqlstate;
    throw error;
  }
}

const QUESTION = Buffer.from('?');

describe('encodings', () => {
  it('have the names and numbers of PostgreSQL', () => {
    expect(all.map(({ number }) => number)).toEqual(all.map((_, i) => i));
    expect([encodingName(6), encodingName(8), encodingName(41), encodingName(42), encodingName(-1)]).toEqual([
      'UTF8',
      'LATIN1',
      'SHIFT_JIS_2004',
      '',
      '',
    ]);
    const names = [
      'utf-8',
      'Unicode',
      'ISO-8859-15',
      'windows-1252',
      'WIN1252',
      'Shift_JIS',
      'alt',
      'koi8',
      'nope',
      '',
    ];
    expect(names.map((name) => findEncoding(name)?.name ?? null)).toEqual([
      ...['UTF8', 'UTF8', 'LATIN9', 'WIN1252', 'WIN1252', 'SJIS', 'WIN866', 'KOI8R', null, null],
    ]);
    expect(texts.length).toBe(42 - 2 - 5);
  });

  it.each(texts.map((text) => [text.name, text] as const))('%s gives back every character that it takes', (_, text) => {
    let taken = 0;
    for (let code = 1; code < 0x11000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCodePoint(code);
      const lossy = text.encodeLossy(character);
      // An error costs time, so that not all that are expected are met.
      if (lossy.equals(QUESTION) && code % 97 !== 0 && code !== 0x3f) continue;
      const state = stateOf(() => {
        if (!text.encode(character).equals(lossy)) throw new Error(character);
      });
      if (state === 'ok' && text.decode(lossy) === character) taken++;
      else if (state !== '22P05') throw new Error(`U+${code.toString(16)}: ${state}`);
    }
    expect(taken).toBeGreaterThan(180);
  });

  it.each(texts.map((text) => [text.name, text] as const))('%s takes or refuses any two bytes', (_, text) => {
    for (let pair = 0; pair < 0x10000; pair += 37) {
      const bytes = Buffer.of(pair >> 8, pair & 0xff);
      const state = stateOf(() => expect(text.decode(bytes)).not.toMatch(/\ufffd|\0/));
      expect(['ok', '22021', '22P05']).toContain(state);
      if (state === 'ok') expect(text.decode(bytes).length).toBeGreaterThan(0);
    }
  });

  it('are read from streams that are cut anywhere', () => {
    const sentence = 'aé日本語ｱ한국어中文Ж€'.repeat(3);
    for (const text of texts) {
      const known = [...sentence].filter((c) => stateOf(() => text.encode(c)) === 'ok').join('');
      const bytes = text.encode(known);
      for (const size of [1, 2, 3, 5]) {
        const decoder = text.decoder();
        let read = '';
        for (let at = 0; at < bytes.length; at += size) read += decoder.write(bytes.subarray(at, at + size));
        expect([text.name, size, read + decoder.end()]).toEqual([text.name, size, known]);
      }
    }
  });

  it('say what is wrong', () => {
    const latin = findEncoding('latin1')!.text!;
    expect(() => latin.encode('a€')).toThrow(
      'character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"',
    );
    expect(() => findEncoding('win1252')!.text!.decode(Buffer.of(0x61, 0x81))).toThrow(
      'character with byte sequence 0x81 in encoding "WIN1252" has no equivalent in encoding "UTF8"',
    );
    expect(() => findEncoding('euc_jp')!.text!.decode(Buffer.of(0x61, 0xff))).toThrow(
      'invalid byte sequence for encoding "EUC_JP": 0xff',
    );
    // Of the table that EUC_KR is read by, which knows more.
    expect(() => findEncoding('euc_kr')!.text!.decode(Buffer.of(0x61, 0x81, 0x41))).toThrow(
      'invalid byte sequence for encoding "EUC_KR": 0x81 0x41',
    );
    expect(() => latin.decode(Buffer.of(0x61, 0))).toThrow('invalid byte sequence for encoding "LATIN1": 0x00');
    expect(latin.encodeLossy('a€').toString('latin1')).toBe('a?');
  });
});

describe('values in binary form', () => {
  const latin: TextEncoding = findEncoding('latin1')!.text!;
  const bytes = Buffer.of(0xe9);

  it('are recoded where they are text', () => {
    for (const oid of [OID.text, OID.varchar, OID.bpchar, OID.name, OID.json]) {
      expect(fromClient(latin, typeByOid(oid), bytes).toString('utf8')).toBe('é');
      expect(toClient(latin, typeByOid(oid), Buffer.from('é', 'utf8'))).toEqual(bytes);
      expect(fromClient(null, typeByOid(oid), bytes)).toBe(bytes);
    }
    for (const oid of [OID.int4, OID.bytea, OID.float8, OID.timestamptz, OID.uuid, OID.int4 + 984])
      expect(fromClient(latin, typeByOid(oid), bytes)).toBe(bytes);
  });

  it('are refused where text is inside of them', () => {
    expect(stateOf(() => fromClient(latin, typeByOid(1009), bytes))).toBe('0A000');
    expect(stateOf(() => toClient(latin, typeByOid(OID.record), bytes))).toBe('0A000');
  });
});
