/**
 * Addresses as PostgreSQL reads and prints them, oddities included: an inet may leave out octets that its prefix
 * does not reach, a cidr without a prefix gets one by the old network classes.
 */

interface Parsed {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** `dotted` octets with an optional prefix; null if it is none. */
function readInet4(text: string): Parsed | null {
  const match = /^((?:\d+\.)*\d+\.?)(?:\/(\d+))?$/.exec(text);
  if (match === null) return null;
  const octets = match[1]!.replace(/\.$/, '').split('.').map(Number);
  if (octets.length > 4 || octets.some((n) => n > 255)) return null;
  if (match[1]!.endsWith('.') && match[2] !== undefined && octets.length === 0) return null;
  const bits = match[2] === undefined ? (octets.length === 4 ? 32 : -1) : Number(match[2]);
  if (bits < 0 || bits > 32 || Math.floor(bits / 8) > octets.length) return null;
  return { bytes: Uint8Array.of(...octets, ...Array<number>(4 - octets.length).fill(0)), bits };
}

function hexOctets(digits: string): number[] {
  const octets: number[] = [];
  for (let i = 0; i < digits.length; i += 2) octets.push(parseInt(digits.slice(i, i + 2).padEnd(2, '0'), 16));
  return octets;
}

/** Prefix of a network that says none: its class, or as much as is written. */
function classBits(octets: readonly number[]): number {
  const first = octets[0]!;
  const byClass = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8;
  const bits = Math.max(byClass, octets.length * 8);
  return bits === 8 && first === 224 ? 4 : bits;
}

function readCidr4(text: string): Parsed | null {
  const match = /^(?:0[xX]([0-9a-fA-F]+)|(\d+(?:\.\d+)*))(?:\/(\d+))?$/.exec(text);
  if (match === null) return null;
  const octets = match[1] === undefined ? match[2]!.split('.').map(Number) : hexOctets(match[1]);
  if (octets.length > 4 || octets.some((n) => n > 255)) return null;
  const bits = match[3] === undefined ? classBits(octets) : Number(match[3]);
  if (bits > 32) return null;
  return { bytes: Uint8Array.of(...octets, ...Array<number>(4 - octets.length).fill(0)), bits };
}

function readPrefix6(text: string | undefined): number | null {
  if (text === undefined) return 128;
  if (!/^(?:0|[1-9]\d*)$/.test(text) || Number(text) > 128) return null;
  return Number(text);
}

/** Words of one side of '::', the last of which may be a dotted quad at the end of the address. */
function readWords(text: string, isLast: boolean): number[] | null {
  if (text === '') return [];
  const words: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      words.push(parseInt(part, 16));
      continue;
    }
    if (!isLast || i !== parts.length - 1 || !/^(?:(?:0|[1-9]\d*)?\.){1,3}(?:0|[1-9]\d*)$/.test(part)) return null;
    const quad = part.split('.').map(Number);
    if (quad.some((n) => n > 255)) return null;
    while (quad.length < 4) quad.push(0);
    words.push(quad[0]! * 256 + quad[1]!, quad[2]! * 256 + quad[3]!);
  }
  return words;
}

function readInet6(text: string): Parsed | null {
  const [address, prefix, ...more] = text.split('/');
  const bits = readPrefix6(prefix);
  if (bits === null || more.length > 0) return null;
  const halves = address!.split('::');
  if (halves.length > 2) return null;
  const head = readWords(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? readWords(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const words = [...head, ...Array<number>(missing).fill(0), ...tail];
  return { bytes: Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff])), bits };
}

export function readAddress(text: string, isCidr: boolean): Parsed | null {
  if (text.includes(':')) return readInet6(text);
  return isCidr ? readCidr4(text) : readInet4(text);
}

function wordsOf(bytes: Uint8Array): number[] {
  const words: number[] = [];
  for (let i = 0; i < bytes.length; i += 2) words.push(bytes[i]! * 256 + bytes[i + 1]!);
  return words;
}

/** The first of the longest runs of at least two zero words. */
function longestZeros(words: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let i = 0; i < words.length; i++) {
    let end = i;
    while (end < words.length && words[end] === 0) end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    if (end > i) i = end;
  }
  return best.start < 0 ? { start: -1, length: 0 } : best;
}

function showInet6(bytes: Uint8Array): string {
  const words = wordsOf(bytes);
  const { start, length } = longestZeros(words);
  const isDotted = start === 0 && (length === 6 || (length === 5 && words[5] === 0xffff));
  const shown = words.map((word) => word.toString(16));
  if (isDotted) shown.splice(6, 2, bytes.subarray(12).join('.'));
  if (start < 0) return shown.join(':');
  return `${shown.slice(0, start).join(':')}::${shown.slice(start + length).join(':')}`;
}

/** The address alone. */
export function showAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : showInet6(bytes);
}

/** abbrev() of an IPv4 network: octets past the prefix are left out. */
function abbreviate4(bytes: Uint8Array, bits: number): string {
  const shown = bits === 0 ? '0' : bytes.subarray(0, Math.ceil(bits / 8)).join('.');
  return `${shown}/${bits}`;
}

/** The run of zero words that abbrev() leaves out: counted as PostgreSQL does, which forgets to begin anew after a shorter one. */
function abbreviatedZeros(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  let length = 0;
  for (const [i, word] of words.entries()) {
    if (word === 0) {
      if (length === 0) start = i;
      length++;
    } else if (length > 0 && best.length < length) {
      best = { start, length };
      length = 0;
    }
  }
  return length > 0 && best.length < length ? { start, length } : best;
}

/** abbrev() of an IPv6 network: words past the prefix are left out. */
function abbreviate6(bytes: Uint8Array, bits: number): string {
  if (bits === 0) return '::/0';
  const count = Math.max(2, Math.ceil(bits / 16));
  const words = wordsOf(bytes).slice(0, count);
  const { start, length } = abbreviatedZeros(words);
  const isDotted =
    length !== count &&
    start === 0 &&
    (length === 6 || (length === 5 && words[5] === 0xffff) || (length === 7 && bytes[14] !== 0 && bytes[15] !== 1));
  let out = '';
  for (const [i, word] of words.entries()) {
    if (length > 0 && i >= start && i < start + length) {
      if (i === start) out += ':';
      if (i === count - 1) out += ':';
    } else if (isDotted && i > 5) {
      out += (i === 6 ? ':' : '.') + String(word >> 8);
      if (i !== 7 || bits > 120) out += `.${word & 0xff}`;
    } else {
      out += (out === '' ? '' : ':') + word.toString(16);
    }
  }
  return `${out}/${bits}`;
}

/** `bytes` have no bits past the prefix. */
export function abbreviate(bytes: Uint8Array, bits: number): string {
  return bytes.length === 4 ? abbreviate4(bytes, bits) : abbreviate6(bytes, bits);
}
