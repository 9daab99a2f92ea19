import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../src/base/errors.js';
import { ClientWriter } from '../../src/pgwire/client-codec.js';
import {
  decodeBind,
  decodeExecute,
  decodeParse,
  decodeQuery,
  decodeTarget,
  FrontendParser,
} from '../../src/pgwire/codec.js';
import { FrameReader } from '../../src/pgwire/frame-reader.js';
import { Frontend } from '../../src/pgwire/protocol.js';
import { checkText, decodeText } from '../../src/base/utf8.js';
import { WireWriter } from '../../src/pgwire/wire-writer.js';
import { findEncoding } from '../../src/sql/types/encodings.js';

/** xorshift32: the seed is in the test's name when it fails. */
function random(seed: number): (n: number) => number {
  let state = seed * 2654435761 || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

function cut(bytes: Buffer, next: (n: number) => number, max: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + next(max);
    chunks.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return chunks;
}

function failure(fn: () => unknown): QuoralError {
  try {
    fn();
  } catch (error) {
    if (error instanceof QuoralError) return error;
    throw error;
  }
  throw new Error('did not fail');
}

describe('frame reader', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i + 1))('gives back what was pushed, seed %i', (seed) => {
    const next = random(seed);
    const whole = Buffer.from(Array.from({ length: 20_000 }, () => next(256)));
    const reader = new FrameReader();
    let taken = 0;
    for (const chunk of cut(whole, next, seed % 2 === 0 ? 9 : 5000)) {
      reader.push(chunk);
      while (reader.bufferedBytes > 0 && next(3) > 0) {
        const count = 1 + next(reader.bufferedBytes);
        expect(reader.peekByte(count - 1)).toBe(whole[taken + count - 1]);
        if (count >= 4) expect(reader.peekInt32(count - 4)).toBe(whole.readInt32BE(taken + count - 4));
        if (next(4) === 0) reader.skip(count);
        else expect(reader.take(count).equals(whole.subarray(taken, taken + count))).toBe(true);
        taken += count;
      }
    }
    expect(reader.take(reader.bufferedBytes).equals(whole.subarray(taken))).toBe(true);
  });
});

describe('frontend parser', () => {
  it.each(Array.from({ length: 20 }, (_, i) => i + 1))('finds the same messages in any chunks, seed %i', (seed) => {
    const next = random(seed);
    const writer = new ClientWriter();
    const sent: [number, string][] = [];
    for (let i = 0; i < 60; i++) {
      const type = [Frontend.query, Frontend.copyData, Frontend.sync, Frontend.bind][next(4)] as number;
      const body = Buffer.from(Array.from({ length: type === Frontend.sync ? 0 : next(300) }, () => next(256)));
      writer.raw(type, body);
      sent.push([type, body.toString('hex')]);
    }
    const parser = new FrontendParser();
    const got: [number, string][] = [];
    for (const chunk of cut(writer.take(), next, 1 + next(700))) {
      parser.push(chunk);
      while (parser.next()) got.push([parser.type, parser.body.toString('hex')]);
    }
    expect(got).toEqual(sent);
    expect(parser.bufferedBytes).toBe(0);
  });

  it('refuses a length beyond the bound before the bytes arrive', () => {
    const parser = new FrontendParser();
    parser.push(Buffer.from([Frontend.query, 0x40, 0, 0, 0]));
    const error = failure(() => parser.next());
    expect([error.severity, error.sqlstate, error.message]).toEqual(['FATAL', '08P01', 'invalid message length']);
  });

  it('refuses lengths that cannot be, and unknown types by their first byte', () => {
    const short = new FrontendParser();
    short.push(Buffer.from([Frontend.sync, 0, 0, 0, 3]));
    expect(failure(() => short.next()).sqlstate).toBe('08P01');
    const negative = new FrontendParser();
    negative.push(Buffer.from([Frontend.query, 0xff, 0xff, 0xff, 0xff]));
    expect(failure(() => negative.next()).message).toBe('invalid message length');
    const sync = new FrontendParser();
    sync.push(Buffer.from([Frontend.sync, 0, 0, 0x27, 0x11]));
    expect(failure(() => sync.next()).message).toBe('invalid message length');
    const unknown = new FrontendParser();
    unknown.push(Buffer.from([1]));
    expect(failure(() => unknown.next()).message).toBe('invalid frontend message type 1');
  });

  it.each([
    [[0, 0, 0, 8, 0, 3, 0, 0], 'invalid startup packet layout: expected terminator as last byte'],
    [[0, 0, 0, 11, 0, 3, 0, 0, 65, 0, 0], 'invalid startup packet layout: expected terminator as last byte'],
    [[0, 0, 0, 12, 0, 3, 0, 0, 65, 0, 66, 67], 'invalid startup packet layout: expected terminator as last byte'],
  ])('refuses the start-up packet %j', (bytes, message) => {
    const parser = new FrontendParser();
    parser.push(Buffer.from(bytes));
    const error = failure(() => parser.nextStartup());
    expect([error.message, error.severity, error.sqlstate]).toEqual([message, 'FATAL', '08P01']);
  });

  it.each([
    [[0, 0, 0, 7]],
    [[0, 0, 0x27, 0x11]],
    [[0x47, 0x45, 0x54, 0x20]],
    [[0x58, 0, 0, 0, 4]],
    [[0, 0, 0, 9, 4, 0xd2, 22, 46, 0]],
  ])('takes %j for noise', (bytes) => {
    const parser = new FrontendParser();
    parser.push(Buffer.from(bytes));
    expect(parser.nextStartup()).toEqual({ kind: 'noise' });
  });

  it('reads start-up parameters and keeps protocol options apart', () => {
    const parser = new FrontendParser();
    parser.push(new ClientWriter().startup({ user: 'ü', database: 'd', '_pq_.x': '1' }, 2).take());
    expect(parser.nextStartup()).toEqual({
      kind: 'startup',
      major: 3,
      minor: 2,
      parameters: { user: 'ü', database: 'd' },
      protocolOptions: ['_pq_.x'],
    });
  });
});

function bodyOf(build: (writer: ClientWriter) => unknown): Buffer {
  const writer = new ClientWriter();
  build(writer);
  return writer.take().subarray(5);
}

describe('message bodies', () => {
  it('round-trips what the client encoder writes', () => {
    expect(decodeQuery(bodyOf((w) => w.query('select ä')))).toBe('select ä');
    expect(decodeParse(bodyOf((w) => w.parse('s', 'q', [23, 4294967295])))).toEqual({
      name: 's',
      text: 'q',
      parameterOids: [23, 4294967295],
    });
    expect(decodeBind(bodyOf((w) => w.bind('p', 's', ['a', null, Uint8Array.of(0, 1)], [1, 0])))).toEqual({
      portal: 'p',
      statement: 's',
      parameters: [
        { format: 0, bytes: Buffer.from('a') },
        { format: 0, bytes: null },
        { format: 1, bytes: Buffer.from([0, 1]) },
      ],
      resultFormats: [1, 0],
    });
    expect(decodeExecute(bodyOf((w) => w.execute('p', 7)))).toEqual({ portal: 'p', maxRows: 7 });
    expect(decodeExecute(bodyOf((w) => w.execute('p', -7)))).toEqual({ portal: 'p', maxRows: 0 });
    expect(
      decodeTarget(
        bodyOf((w) => w.describe('portal', 'p')),
        'DESCRIBE',
      ),
    ).toEqual({ target: 'portal', name: 'p' });
  });

  it("reads texts in the client's encoding, and leaves binary values alone", () => {
    const latin = findEncoding('latin1')!.text;
    const recoded = (build: (w: ClientWriter) => void): Buffer => Buffer.from(bodyOf(build).toString('utf8'), 'latin1');
    expect(
      decodeQuery(
        recoded((w) => w.query('select ä')),
        latin,
      ),
    ).toBe('select ä');
    expect(
      decodeParse(
        recoded((w) => w.parse('ä', 'ö', [])),
        latin,
      ),
    ).toMatchObject({ name: 'ä', text: 'ö' });
    const values = Buffer.concat([
      Buffer.from([0xe4, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 1, 0xe4, 0, 0, 0, 1, 0xe4, 0, 0]),
    ]);
    expect(decodeBind(values, latin)).toEqual({
      portal: 'ä',
      statement: '',
      parameters: [
        { format: 0, bytes: Buffer.from('ä', 'utf8') },
        { format: 1, bytes: Buffer.of(0xe4) },
      ],
      resultFormats: [],
    });
    expect(() => decodeQuery(Buffer.from([0x61, 0x81, 0]), findEncoding('win1252')!.text)).toThrow(/has no equivalent/);
  });

  it("writes texts in the client's encoding, messages with ? for what it has not", () => {
    const writer = new WireWriter();
    writer.encoding = findEncoding('latin1')!.text;
    writer.begin(0x44).int16(1).textValue('ä');
    writer.end();
    writer.begin(0x4e).text('ä€').end();
    expect(writer.take()).toEqual(
      Buffer.from([0x44, 0, 0, 0, 11, 0, 1, 0, 0, 0, 1, 0xe4, 0x4e, 0, 0, 0, 7, 0xe4, 0x3f, 0]),
    );
    writer.begin(0x44).int16(1);
    expect(() => writer.textValue('€')).toThrow(/has no equivalent in encoding "LATIN1"/);
    writer.abandon();
    expect(writer.length).toBe(0);
  });

  it('applies one parameter format to all', () => {
    const body = Buffer.from([0, 0, 0, 1, 0, 1, 0, 2, 0, 0, 0, 1, 9, 0, 0, 0, 1, 8, 0, 0]);
    expect(decodeBind(body).parameters.map((p) => p.format)).toEqual([1, 1]);
  });

  it.each<[string, () => unknown, string, string]>([
    ['a query without its end', () => decodeQuery(Buffer.from('select 1')), '08P01', 'invalid string in message'],
    ['bytes after the query', () => decodeQuery(Buffer.from('a\0b\0')), '08P01', 'invalid message format'],
    [
      'invalid UTF-8',
      () => decodeQuery(Buffer.from([0x61, 0xff, 0])),
      '22021',
      'invalid byte sequence for encoding "UTF8": 0xff',
    ],
    ['a truncated Bind', () => decodeBind(Buffer.from([0, 0, 0])), '08P01', 'insufficient data left in message'],
    [
      'a parameter past the end',
      () => decodeBind(Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 1])),
      '08P01',
      'insufficient data left in message',
    ],
    [
      'a negative length',
      () => decodeBind(Buffer.from([0, 0, 0, 0, 0, 1, 255, 255, 255, 254])),
      '08P01',
      'insufficient data left in message',
    ],
    [
      'an unknown format',
      () => decodeBind(Buffer.from([0, 0, 0, 1, 0, 2, 0, 0, 0, 0])),
      '22023',
      'unsupported format code: 2',
    ],
    [
      'formats that do not match',
      () => decodeBind(Buffer.from([0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
      '08P01',
      'bind message has 2 parameter formats but 1 parameters',
    ],
    [
      'a NUL in a text parameter',
      () => decodeBind(Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 65, 0, 0, 0])),
      '22021',
      'invalid byte sequence for encoding "UTF8": 0x00',
    ],
    [
      'a wrong Describe',
      () => decodeTarget(Buffer.from([65, 0]), 'DESCRIBE'),
      '08P01',
      'invalid DESCRIBE message subtype 65',
    ],
  ])('%s', (_, fn, sqlstate, message) => {
    const error = failure(fn);
    expect([error.severity, error.sqlstate, error.message]).toEqual(['ERROR', sqlstate, message]);
  });

  it('fails with a typed error on any bytes', () => {
    const next = random(99);
    for (let round = 0; round < 4_000; round++) {
      const body = Buffer.from(Array.from({ length: next(40) }, () => (next(2) === 0 ? next(4) : next(256))));
      for (const decode of [decodeQuery, decodeParse, decodeBind, decodeExecute]) {
        try {
          decode(body);
        } catch (error) {
          expect(error).toBeInstanceOf(QuoralError);
        }
      }
    }
  });
});

describe('text', () => {
  it.each([
    [[0x61, 0xc3, 0x28], '0xc3 0x28'],
    [[0xe2, 0x82], '0xe2 0x82'],
    [[0xc0, 0x80], '0xc0 0x80'],
    [[0xed, 0xa0, 0x80], '0xed 0xa0 0x80'],
    [[0xf5, 0x80, 0x80, 0x80], '0xf5 0x80 0x80 0x80'],
    [[0x80], '0x80'],
    [[0x61, 0], '0x00'],
  ])('names the wrong bytes of %j', (bytes, shown) => {
    for (const padding of [0, 100]) {
      const whole = Buffer.concat([Buffer.alloc(padding, 0x61), Buffer.from(bytes)]);
      expect(failure(() => checkText(whole)).message).toBe(`invalid byte sequence for encoding "UTF8": ${shown}`);
      expect(failure(() => decodeText(whole, 0, whole.length)).message).toContain(shown);
    }
  });

  it('accepts every kind of valid text, short and long', () => {
    for (const text of ['', 'abc', 'ä€😀', 'ä€😀'.repeat(50), 'a'.repeat(500)]) {
      const bytes = Buffer.from(text);
      checkText(bytes);
      expect(decodeText(bytes, 0, bytes.length)).toBe(text);
    }
  });
});
