/** Functions that read bytes in an encoding, and write them. */
import { bufferOf } from '../../base/bytes.js';
import { sqlError } from '../../base/errors.js';
import { decodeText } from '../../base/utf8.js';
import type { ExecContext } from '../contract.js';
import { type Encoding, encodingName, findEncoding } from '../types/encodings.js';
import { charLength } from '../types/text-order.js';
import { fn } from './define.js';

const STABLE = { volatility: 'stable' } as const;

/** Encodings that are converted into each other, beside all that are from and to UTF-8. */
const RELATED: readonly (readonly string[])[] = [
  ['KOI8R', 'WIN1251', 'WIN866', 'ISO_8859_5'],
  ['LATIN2', 'WIN1250'],
  ['EUC_JP', 'SJIS'],
];

function named(name: string, what: string): Encoding {
  const found = findEncoding(name);
  if (found === null) throw sqlError('22023', `invalid ${what} name "${name}"`);
  return found;
}

function noConversion(from: string, to: string): Error {
  return sqlError('42883', `default conversion function for encoding "${from}" to "${to}" does not exist`);
}

function read(bytes: Buffer, encoding: Encoding): string {
  if (!encoding.isConvertible) throw noConversion(encoding.name, 'UTF8');
  return encoding.text === null ? decodeText(bytes) : encoding.text.decode(bytes);
}

function written(text: string, encoding: Encoding): Buffer {
  if (!encoding.isConvertible) throw noConversion('UTF8', encoding.name);
  return encoding.text === null ? Buffer.from(text, 'utf8') : encoding.text.encode(text);
}

fn('convert_from(bytea, name) text', (bytes: Uint8Array, from: string) =>
  read(bufferOf(bytes), named(from, 'source encoding')),
);
fn('convert_to(text, name) bytea', (text: string, to: string) => written(text, named(to, 'destination encoding')));
fn('convert(bytea, name, name) bytea', (bytes: Uint8Array, from: string, to: string) => {
  const [source, target] = [named(from, 'source encoding'), named(to, 'destination encoding')];
  const pair = [source.name, target.name];
  const isRelated = RELATED.some((group) => pair.every((name) => group.includes(name)));
  if (source !== target && source.text !== null && target.text !== null && !isRelated)
    throw noConversion(source.name, target.name);
  return written(read(bufferOf(bytes), source), target);
});
fn('length(bytea, name) int4', (bytes: Uint8Array, encoding: string) =>
  charLength(read(bufferOf(bytes), named(encoding, 'encoding'))),
);
fn('pg_encoding_to_char(int4) name', (number: number) => encodingName(number), STABLE);
fn('pg_char_to_encoding(name) int4', (name: string) => findEncoding(name)?.number ?? -1, STABLE);
fn('pg_client_encoding() name', (ctx: ExecContext) => ctx.services.setting('client_encoding', false), STABLE);
