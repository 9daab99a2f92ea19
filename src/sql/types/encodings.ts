/**
 * Encodings that clients and functions may name. Text is UTF-8 in the database; an encoding says how it is read from
 * bytes and written as bytes elsewhere. The tables are iconv-lite's.
 *
 * Invariant: what an encoding cannot say, or what is none of its bytes, is an error (22P05, 22021) and never another
 * character.
 *
 * Limits: EUC_TW, EUC_JIS_2004, SHIFT_JIS_2004, JOHAB and MULE_INTERNAL are known by name only.
 *
 * PostgreSQL 15, chapter 24.3.
 */
import iconv from 'iconv-lite';
import { type QuoralError, sqlError } from '../../base/errors.js';
import { invalidSequence, shownBytes } from '../../base/utf8.js';

/** In the order of PostgreSQL's numbers. */
const NAMES =
  'SQL_ASCII EUC_JP EUC_CN EUC_KR EUC_TW EUC_JIS_2004 UTF8 MULE_INTERNAL LATIN1 LATIN2 LATIN3 LATIN4 LATIN5 LATIN6 ' +
  'LATIN7 LATIN8 LATIN9 LATIN10 WIN1256 WIN1258 WIN866 WIN874 KOI8R WIN1251 WIN1252 ISO_8859_5 ISO_8859_6 ISO_8859_7 ' +
  'ISO_8859_8 WIN1250 WIN1253 WIN1254 WIN1255 WIN1257 KOI8U SJIS BIG5 GBK UHC GB18030 JOHAB SHIFT_JIS_2004';

/** Other names, without what is neither letter nor digit. */
const ALIASES: Readonly<Record<string, string>> = {
  abc: 'WIN1258',
  alt: 'WIN866',
  iso88591: 'LATIN1',
  iso88592: 'LATIN2',
  iso88593: 'LATIN3',
  iso88594: 'LATIN4',
  iso88599: 'LATIN5',
  iso885910: 'LATIN6',
  iso885913: 'LATIN7',
  iso885914: 'LATIN8',
  iso885915: 'LATIN9',
  iso885916: 'LATIN10',
  koi8: 'KOI8R',
  mskanji: 'SJIS',
  shiftjis: 'SJIS',
  tcvn: 'WIN1258',
  tcvn5712: 'WIN1258',
  unicode: 'UTF8',
  vscii: 'WIN1258',
  win: 'WIN1251',
  win932: 'SJIS',
  win936: 'GBK',
  win949: 'UHC',
  win950: 'BIG5',
};

/** What iconv-lite calls them, where it is another name. */
const TABLES: Readonly<Record<string, string>> = {
  EUC_CN: 'gbk',
  EUC_KR: 'cp949',
  LATIN1: 'iso88591',
  LATIN2: 'iso88592',
  LATIN3: 'iso88593',
  LATIN4: 'iso88594',
  LATIN5: 'iso88599',
  LATIN6: 'iso885910',
  LATIN7: 'iso885913',
  LATIN8: 'iso885914',
  LATIN9: 'iso885915',
  LATIN10: 'iso885916',
  SJIS: 'shiftjis',
  UHC: 'cp949',
  WIN866: 'cp866',
  WIN874: 'cp874',
};

const MULTIBYTE: ReadonlySet<string> = new Set(['EUC_JP', 'EUC_CN', 'EUC_KR', 'SJIS', 'BIG5', 'GBK', 'UHC', 'GB18030']);
/** Their tables know more than they do: a character of two bytes has the high bit in both. */
const HIGH_BYTES_ONLY: ReadonlySet<string> = new Set(['EUC_CN', 'EUC_KR']);
const UNCONVERTIBLE: ReadonlySet<string> = new Set([
  'EUC_TW',
  'EUC_JIS_2004',
  'SHIFT_JIS_2004',
  'JOHAB',
  'MULE_INTERNAL',
]);

const REPLACEMENT = '\ufffd';

/** Reads a stream of bytes, whose pieces may end within a character. */
export interface StreamDecoder {
  /** @throws QuoralError 22021, 22P05 */
  write(bytes: Buffer): string;
  end(): string;
}

/** An encoding that is not how the database keeps text. */
export class TextEncoding {
  readonly name: string;
  readonly #table: string;
  readonly #isMultibyte: boolean;
  readonly #highOnly: boolean;

  constructor(name: string) {
    this.name = name;
    this.#table = TABLES[name] ?? name.toLowerCase().replaceAll('_', '');
    this.#isMultibyte = MULTIBYTE.has(name);
    this.#highOnly = HIGH_BYTES_ONLY.has(name);
  }

  /** @throws QuoralError 22021 for bytes that are none of the encoding's, 22P05 for ones without a character */
  decode(bytes: Buffer): string {
    const text = iconv.decode(bytes, this.#table, { stripBOM: false });
    this.#check(bytes, text);
    return text;
  }

  /** @throws QuoralError 22P05 */
  encode(text: string): Buffer {
    const bytes = this.encodeLossy(text);
    if (!this.#says(text, bytes)) throw this.#noEquivalent(text);
    return bytes;
  }

  /** With ? for what it cannot say. */
  encodeLossy(text: string): Buffer {
    return iconv.encode(text, this.#table);
  }

  decoder(): StreamDecoder {
    const inner = iconv.getDecoder(this.#table, { stripBOM: false });
    return {
      write: (bytes) => {
        const text = inner.write(bytes);
        this.#check(bytes, text);
        return text;
      },
      end: () => {
        const text = inner.end() ?? '';
        this.#check(Buffer.alloc(0), text);
        return text;
      },
    };
  }

  #check(bytes: Buffer, text: string): void {
    const nul = bytes.indexOf(0);
    if (nul >= 0) throw invalidSequence(this.name, bytes.subarray(nul, nul + 1));
    const at = text.indexOf(REPLACEMENT);
    if (at >= 0) {
      // What was read before it says where it begins, unless a piece of it came before.
      const start = Math.min(this.encodeLossy(text.slice(0, at)).length, Math.max(bytes.length - 1, 0));
      throw this.#unread(bytes.subarray(start, start + (this.#isMultibyte ? 2 : 1)));
    }
    // The characters' bytes rather than the given ones, which may begin within a character.
    if (!this.#highOnly) return;
    const own = this.encodeLossy(text);
    const low = firstLow(own);
    if (low >= 0) throw this.#unread(own.subarray(low, low + 2));
  }

  #says(text: string, bytes: Buffer): boolean {
    if (text.includes(REPLACEMENT) || (this.#highOnly && firstLow(bytes) >= 0)) return false;
    return iconv.decode(bytes, this.#table, { stripBOM: false }) === text;
  }

  #unread(bytes: Buffer): QuoralError {
    if (this.#isMultibyte) return invalidSequence(this.name, bytes);
    const shown = `character with byte sequence ${shownBytes(bytes)} in encoding "${this.name}"`;
    return sqlError('22P05', `${shown} has no equivalent in encoding "UTF8"`);
  }

  #noEquivalent(text: string): QuoralError {
    for (const character of text) {
      if (this.#says(character, this.encodeLossy(character))) continue;
      const shown = `character with byte sequence ${shownBytes(Buffer.from(character, 'utf8'))} in encoding "UTF8"`;
      return sqlError('22P05', `${shown} has no equivalent in encoding "${this.name}"`);
    }
    return sqlError('22P05', `text has no equivalent in encoding "${this.name}"`);
  }
}

/** Of the first character of two bytes of which one has not the high range; -1: there is none. */
function firstLow(bytes: Buffer): number {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] < 0x80) continue;
    if (bytes[at] < 0xa1 || (bytes[at + 1] ?? 0xff) < 0xa1) return at;
    at++;
  }
  return -1;
}

export interface Encoding {
  readonly name: string;
  readonly number: number;
  /** null: bytes of UTF-8, which SQL_ASCII leaves as they are. */
  readonly text: TextEncoding | null;
  readonly isConvertible: boolean;
}

const ENCODINGS: readonly Encoding[] = NAMES.split(' ').map((name, number) => ({
  name,
  number,
  text: name === 'UTF8' || name === 'SQL_ASCII' || UNCONVERTIBLE.has(name) ? null : new TextEncoding(name),
  isConvertible: !UNCONVERTIBLE.has(name),
}));
const BY_NAME: ReadonlyMap<string, Encoding> = new Map(ENCODINGS.map((one) => [plain(one.name), one]));

/** By any of its names, however they are written; null: it is none. */
export function findEncoding(name: string): Encoding | null {
  const key = plain(name).replace(/^windows/, 'win');
  return BY_NAME.get(plain(ALIASES[key] ?? key)) ?? null;
}

/** By PostgreSQL's number; '' for none. */
export function encodingName(number: number): string {
  return ENCODINGS[number]?.name ?? '';
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
