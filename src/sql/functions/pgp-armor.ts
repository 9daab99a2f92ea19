/** ASCII armor of OpenPGP messages (RFC 4880, chapter 6): base64 between two lines, with headers and a checksum. */
import { sqlError } from '../../base/errors.js';
import { bufferOf } from '../../base/bytes.js';
import { type PgArray, PgRecord } from '../types/datum.js';
import { checkLength } from '../types/limits.js';
import { OID } from '../types/oids.js';
import { fn, srf } from './define.js';

const HEAD = '-----BEGIN PGP MESSAGE-----';
const FOOT = '-----END PGP MESSAGE-----';
const LINE_LENGTH = 76;
const CRC_START = 0xb704ce;
const CRC_POLYNOMIAL = 0x1864cfb;

function checksum(data: Uint8Array): string {
  let crc = CRC_START;
  for (const byte of data) {
    crc ^= byte << 16;
    for (let i = 0; i < 8; i++) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= CRC_POLYNOMIAL;
    }
  }
  return Buffer.from([crc >> 16, crc >> 8, crc]).toString('base64');
}

function armor(data: Uint8Array, headers: readonly string[]): string {
  checkLength(Math.ceil((data.length * 4) / 3));
  const lines =
    bufferOf(data)
      .toString('base64')
      .match(new RegExp(`.{1,${LINE_LENGTH}}`, 'g')) ?? [];
  return [HEAD, ...headers, '', ...lines, `=${checksum(data)}`, FOOT, ''].join('\n');
}

interface Message {
  readonly headers: readonly string[];
  readonly data: Buffer;
}

/** @throws QuoralError 39000 */
function read(text: string): Message {
  const corrupt = sqlError('39000', 'Corrupt ascii-armor');
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const from = lines.findIndex((line) => /^-----BEGIN PGP [^-]*-----\s*$/.test(line));
  const to = lines.findIndex((line, i) => i > from && line.startsWith('-----END PGP '));
  const blank = lines.findIndex((line, i) => i > from && line.trim() === '');
  if (from < 0 || to < 0 || blank < 0 || blank > to) throw corrupt;
  const body = lines.slice(blank + 1, to).map((line) => line.trim());
  const sum = body.findIndex((line) => /^=[A-Za-z0-9+/]{4}$/.test(line));
  const base64 = (sum < 0 ? body : body.slice(0, sum)).join('');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw corrupt;
  const data = Buffer.from(base64, 'base64');
  if (sum < 0 || body[sum] !== `=${checksum(data)}`) throw corrupt;
  return { headers: lines.slice(from + 1, blank), data };
}

fn('armor(bytea) text', (data: Uint8Array) => armor(data, []));
fn('armor(bytea, text[], text[]) text', (data: Uint8Array, keys: PgArray, values: PgArray) => {
  if (keys.dims.length > 1 || values.dims.length > 1) throw sqlError('2202E', 'wrong number of array subscripts');
  if (keys.elements.length !== values.elements.length) throw sqlError('2202E', 'mismatched array dimensions');
  const headers = keys.elements.map((key, i) => header(key as string | null, values.elements[i] as string | null));
  return armor(data, headers);
});

/** Of one line each, in ASCII; a key ends where ": " stands. */
function header(key: string | null, value: string | null): string {
  for (const [what, text] of [
    ['key', key],
    ['value', value],
  ] as const) {
    if (text === null) throw sqlError('22004', `null value not allowed for header ${what}`);
    if (!/^[\x01-\x7f]*$/.test(text)) throw sqlError('22023', `header ${what} must not contain non-ASCII characters`);
    if (text.includes('\n')) throw sqlError('22023', `header ${what} must not contain newlines`);
  }
  if (key!.includes(': ')) throw sqlError('22023', 'header key must not contain ": "');
  return `${key!}: ${value!}`;
}

fn('dearmor(text) bytea', (text: string) => read(text).data);
srf(
  'pgp_armor_headers(text) record',
  (text: string) =>
    read(text).headers.map((line) => {
      const at = line.indexOf(': ');
      if (at < 0) throw sqlError('39000', 'Corrupt ascii-armor');
      return new PgRecord([OID.text, OID.text], [line.slice(0, at), line.slice(at + 2)]);
    }),
  {
    resultColumns: [
      { name: 'key', typeOid: OID.text },
      { name: 'value', typeOid: OID.text },
    ],
  },
);
