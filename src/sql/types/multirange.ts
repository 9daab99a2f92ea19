/** Multiranges: ranges in order, none empty, none touching another. */
import { sqlError } from '../../base/errors.js';
import { PgMultirange } from './datum.js';
import type { PgRange } from './datum.js';
import type { TypeBehaviour } from './definitions.js';
import { areAdjacent, overlap, spanOf } from './range-math.js';
import {
  compareRanges,
  encodeKeyRange,
  formatRange,
  parseRange,
  rangeHashKey,
  receiveRange,
  sendRange,
  takePiece,
} from './range.js';
import type { RangeKind } from './range.js';
import type { FormatContext, StoredForm } from './type-info.js';

/** In order; what overlaps or touches becomes one. */
export function makeMultirange(kind: RangeKind, ranges: readonly PgRange[]): PgMultirange {
  const sorted = ranges.filter((r) => !r.empty).sort((a, b) => compareRanges(kind, a, b));
  const merged: PgRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && (overlap(kind, last, range) || areAdjacent(kind, last, range)))
      merged[merged.length - 1] = spanOf(kind, [last, range]);
    else merged.push(range);
  }
  return new PgMultirange(merged);
}

function malformed(text: string, detail: string): Error {
  return sqlError('22P02', `malformed multirange literal: "${text}"`, { detail });
}

/** Where the range that begins at `from` ends: past its bracket, quotes and escapes heeded. */
function endOfRange(text: string, from: number): number {
  let isQuoted = false;
  for (let at = from; at < text.length; at++) {
    const c = text[at]!;
    if (c === '\\') at++;
    else if (c === '"') {
      if (isQuoted && text[at + 1] === '"') at++;
      else isQuoted = !isQuoted;
    } else if (!isQuoted && (c === ']' || c === ')')) return at + 1;
  }
  throw malformed(text, 'Unexpected end of input.');
}

function parseMultirange(kind: RangeKind, text: string, ctx: FormatContext): PgMultirange {
  let at = 0;
  const skipBlanks = (): void => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const expectMore = (): void => {
    skipBlanks();
    if (at >= text.length) throw malformed(text, 'Unexpected end of input.');
  };
  skipBlanks();
  if (text[at] !== '{') throw malformed(text, 'Missing left brace.');
  at++;
  const ranges: PgRange[] = [];
  for (let seen = 0; ; seen++) {
    expectMore();
    const c = text[at]!;
    if (c === '}' && seen === 0) break;
    if (c === '[' || c === '(') {
      const end = endOfRange(text, at);
      ranges.push(parseRange(kind, text.slice(at, end), ctx));
      at = end;
    } else if (text.slice(at, at + 5).toLowerCase() === 'empty') {
      at += 5;
    } else {
      throw malformed(text, 'Expected range start.');
    }
    expectMore();
    if (text[at] === '}') break;
    if (text[at] !== ',') throw malformed(text, 'Expected comma or end of multirange.');
    at++;
  }
  at++;
  skipBlanks();
  if (at < text.length) throw malformed(text, 'Junk after closing right brace.');
  return makeMultirange(kind, ranges);
}

function sendMultirange(kind: RangeKind, v: PgMultirange, stored?: StoredForm): Buffer {
  const number = (n: number): Buffer => {
    const b = Buffer.allocUnsafe(4);
    b.writeInt32BE(n);
    return b;
  };
  const parts: Buffer[] = [number(v.ranges.length)];
  for (const range of v.ranges) {
    const bytes = sendRange(kind, range, stored);
    parts.push(number(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

function receiveMultirange(kind: RangeKind, b: Buffer, stored?: StoredForm): PgMultirange {
  if (b.length < 4) throw sqlError('08P01', 'insufficient data left in message');
  const ranges: PgRange[] = [];
  let at = 4;
  for (let left = b.readUInt32BE(0); left > 0; left--) {
    const { piece, end } = takePiece(b, at);
    ranges.push(receiveRange(kind, piece, stored));
    at = end;
  }
  if (at !== b.length) throw sqlError('22P03', 'incorrect binary data format');
  return makeMultirange(kind, ranges);
}

function compareMultiranges(kind: RangeKind, a: PgMultirange, b: PgMultirange): number {
  const shared = Math.min(a.ranges.length, b.ranges.length);
  for (let i = 0; i < shared; i++) {
    const order = compareRanges(kind, a.ranges[i]!, b.ranges[i]!);
    if (order !== 0) return order;
  }
  return Math.sign(a.ranges.length - b.ranges.length);
}

function storedMultirange(kind: RangeKind, stored: StoredForm): StoredForm {
  return {
    encode: (v) => sendMultirange(kind, v as PgMultirange, stored),
    decode: (b) => receiveMultirange(kind, b, stored),
  };
}

export function multirangeBehaviour(kind: RangeKind): TypeBehaviour {
  const { stored } = kind.element;
  return {
    ...(stored === undefined ? {} : { stored: storedMultirange(kind, stored) }),
    input: (text, _typmod, ctx) => parseMultirange(kind, text, ctx),
    output: (v, ctx) => `{${(v as PgMultirange).ranges.map((range) => formatRange(kind, range, ctx)).join(',')}}`,
    receive: (b) => receiveMultirange(kind, b),
    send: (v) => sendMultirange(kind, v as PgMultirange),
    compare: (a, b) => compareMultiranges(kind, a as PgMultirange, b as PgMultirange),
    hashKey: (v) => (v as PgMultirange).ranges.map((range) => rangeHashKey(kind, range)).join(),
    encodeKey: (v) => `${(v as PgMultirange).ranges.map((range) => `\x01${encodeKeyRange(kind, range)}`).join('')}\x00`,
    applyTypmod: (v) => v,
  };
}
