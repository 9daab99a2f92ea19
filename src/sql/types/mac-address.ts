/** macaddr and macaddr8: kept as they are printed, which sorts as the bytes do. */
import { sqlError } from '../../base/errors.js';
import { encodeKeyText } from '../encoding/key-primitives.js';
import type { TypeBehaviour } from './definitions.js';
import { syntaxError } from './scalar-input.js';

/** Two digits where there are two. */
const BYTE = '([0-9a-fA-F]{2}|[0-9a-fA-F](?![0-9a-fA-F]))';
const ANY = '([0-9a-fA-F]+)';
const FORMS: readonly RegExp[] = [
  [ANY, ':', ANY, ':', ANY, ':', ANY, ':', ANY, ':', ANY],
  [ANY, '-', ANY, '-', ANY, '-', ANY, '-', ANY, '-', ANY],
  [BYTE, BYTE, BYTE, ':', BYTE, BYTE, BYTE],
  [BYTE, BYTE, BYTE, '-', BYTE, BYTE, BYTE],
  [BYTE, BYTE, '\\.', BYTE, BYTE, '\\.', BYTE, BYTE],
  [BYTE, BYTE, '-', BYTE, BYTE, '-', BYTE, BYTE],
  [BYTE, BYTE, BYTE, BYTE, BYTE, BYTE],
].map((parts) => new RegExp(`^\\s*${parts.join('')}\\s*$`));

export function macFromBytes(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
export function macBytes(v: string): number[] {
  return v.split(':').map((pair) => parseInt(pair, 16));
}

function parseMac(text: string): string {
  for (const form of FORMS) {
    const match = form.exec(text);
    if (match === null) continue;
    const bytes = match.slice(1).map((part) => parseInt(part, 16));
    if (bytes.some((byte) => byte > 255)) throw sqlError('22003', `invalid octet value in "macaddr" value: "${text}"`);
    return macFromBytes(bytes);
  }
  throw syntaxError('macaddr', text);
}

/** Six bytes as eight: ff and fe go between. */
export function extendMac(bytes: readonly number[]): number[] {
  return [...bytes.slice(0, 3), 0xff, 0xfe, ...bytes.slice(3)];
}

/** Pairs of digits, each followed by one and the same separator or by none; a single last character is not looked at. */
function parseMac8(text: string): string {
  const bad = (): Error => syntaxError('macaddr8', text);
  const bytes: number[] = [];
  let separator = '';
  let rest = text.trimStart();
  while (rest.length > 1) {
    if (bytes.length === 8 || !/^[0-9a-fA-F]{2}/.test(rest)) throw bad();
    bytes.push(parseInt(rest.slice(0, 2), 16));
    rest = rest.slice(2);
    if (/^[:.-]/.test(rest)) {
      if (separator !== '' && rest[0] !== separator) throw bad();
      separator = rest[0]!;
      rest = rest.slice(1);
    }
    if ((bytes.length === 6 || bytes.length === 8) && /^\s/.test(rest)) {
      rest = rest.trimStart();
      if (rest !== '') throw bad();
    }
  }
  if (bytes.length === 6) return macFromBytes(extendMac(bytes));
  if (bytes.length !== 8) throw bad();
  return macFromBytes(bytes);
}

function macType(input: (text: string) => string, sizes: readonly number[]): TypeBehaviour {
  const behaviour = {
    input,
    output: (v: string) => v,
    receive(b: Buffer) {
      if (sizes.includes(b.length)) return macFromBytes(b.length === sizes[0] ? b : extendMac([...b]));
      if (b.length < sizes[0]!) throw sqlError('08P01', 'insufficient data left in message');
      throw sqlError('22P03', 'incorrect binary data format');
    },
    send: (v: string) => Buffer.from(macBytes(v)),
    compare: (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0),
    hashKey: (v: string) => v,
    encodeKey: (v: string) => encodeKeyText(v),
    applyTypmod: (v: string) => v,
  };
  return behaviour as unknown as TypeBehaviour;
}

export const MACADDR = macType(parseMac, [6]);
export const MACADDR8 = macType(parseMac8, [8, 6]);

/** @throws QuoralError 22003 unless the two bytes in the middle are ff and fe. */
export function shortenMac(v: string): string {
  const bytes = macBytes(v);
  if (bytes[3] !== 0xff || bytes[4] !== 0xfe) {
    throw sqlError('22003', 'macaddr8 data out of range to convert to macaddr', {
      hint: 'Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.',
    });
  }
  return macFromBytes([...bytes.slice(0, 3), ...bytes.slice(5)]);
}
