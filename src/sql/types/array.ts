/** Text and binary forms of arrays, over the element type. Dimensions are bounded at six, as in PostgreSQL. */
import { sqlError } from '../../base/errors.js';
import { PgArray } from './datum.js';
import type { Datum } from './datum.js';
import { checkDimensions, checkElements, checkHeap } from './limits.js';
import { replaceEach } from './text-builder.js';
import type { FormatContext, StoredForm, TypeInfo } from './type-info.js';

interface Nest {
  readonly items: (Nest | string | null)[];
}

function malformed(text: string, detail?: string): Error {
  return sqlError('22P02', `malformed array literal: "${text}"`, detail === undefined ? undefined : { detail });
}

/** The six of ASCII, as in PostgreSQL. */
function isBlank(unit: number): boolean {
  return unit === 32 || (unit >= 9 && unit <= 13);
}

/** Reads '{…}' into nested lists of raw element texts (null = unquoted NULL). */
function readBraces(text: string, from: number, delimiter: string): { nest: Nest; end: number } {
  const root: Nest = { items: [] };
  const stack: Nest[] = [];
  let current: Nest | null = null;
  let i = from;
  let expectItem = true;
  let count = 0;
  const end = (): Error => malformed(text, 'Unexpected end of input.');
  for (;;) {
    while (isBlank(text.charCodeAt(i))) i++;
    const c = text[i];
    if (c === undefined) throw end();
    checkElements(++count >> 1);
    checkHeap(count);
    if (c === '{') {
      if (!expectItem) throw malformed(text, 'Unexpected "{" character.');
      const next: Nest = current === null ? root : { items: [] };
      if (current !== null) {
        current.items.push(next);
        stack.push(current);
        checkDimensions(stack.length + 1);
      }
      current = next;
      expectItem = true;
      i++;
    } else if (c === '}') {
      if (expectItem && current!.items.length > 0) throw malformed(text, 'Unexpected "}" character.');
      i++;
      if (current!.items.length === 0 && stack.length > 0) throw malformed(text, 'Unexpected "}" character.');
      const parent = stack.pop();
      if (parent === undefined) return { nest: root, end: i };
      current = parent;
      expectItem = false;
    } else if (c === delimiter) {
      if (expectItem) throw malformed(text, `Unexpected "${delimiter}" character.`);
      expectItem = true;
      i++;
    } else {
      if (!expectItem) throw malformed(text, c === '\\' ? 'Unexpected "\\" character.' : 'Unexpected array element.');
      const item = readItem(text, i, delimiter);
      current!.items.push(item.value);
      i = item.end;
      expectItem = false;
    }
  }
}

/** An element that needs no second look. */
const PLAIN_ITEM = /[^\s{}",\\]+(?=[,}])/y;
const QUOTED_ITEM = /"([^"\\]*)"/y;

function readItem(text: string, from: number, delimiter: string): { value: string | null; end: number } {
  PLAIN_ITEM.lastIndex = from;
  const plain = PLAIN_ITEM.exec(text);
  if (plain !== null) {
    const [value] = plain;
    return { value: value.length === 4 && value.toLowerCase() === 'null' ? null : value, end: from + value.length };
  }
  let i = from;
  let out = '';
  if (text[i] === '"') {
    QUOTED_ITEM.lastIndex = i;
    const quoted = QUOTED_ITEM.exec(text);
    if (quoted !== null) return { value: quoted[1]!, end: i + quoted[0].length };
    for (i++; ; i++) {
      const c = text[i];
      if (c === undefined) throw malformed(text, 'Unexpected end of input.');
      if (c === '"') break;
      if (c === '\\') {
        i++;
        if (i >= text.length) throw malformed(text, 'Unexpected end of input.');
      }
      out += text[i];
    }
    return { value: out, end: i + 1 };
  }
  let escaped = false;
  let keep = 0;
  for (; i < text.length; i++) {
    let c = text[i]!;
    if (c === delimiter || c === '}') break;
    if (c === '{' || c === '"')
      throw malformed(text, c === '"' ? 'Unexpected array element.' : 'Unexpected "{" character.');
    if (c === '\\') {
      c = text[++i] ?? '';
      escaped = true;
      out += c;
      keep = out.length;
      continue;
    }
    out += c;
    if (!isBlank(c.charCodeAt(0))) keep = out.length;
  }
  if (i >= text.length) throw malformed(text, 'Unexpected end of input.');
  out = out.slice(0, keep);
  return { value: !escaped && out.toLowerCase() === 'null' ? null : out, end: i };
}

function flatten(text: string, nest: Nest, depth: number, dims: number[], out: (string | null)[]): void {
  const mismatch = (): Error =>
    malformed(text, 'Multidimensional arrays must have sub-arrays with matching dimensions.');
  if (dims[depth] === undefined) dims[depth] = nest.items.length;
  else if (dims[depth] !== nest.items.length) throw mismatch();
  for (const item of nest.items) {
    if (item !== null && typeof item === 'object') {
      if (out.length > 0 && dims[depth + 1] === undefined) throw mismatch();
      flatten(text, item, depth + 1, dims, out);
    } else {
      if (dims.length > depth + 1) throw mismatch();
      out.push(item);
    }
  }
}

export function arrayInput(text: string, element: TypeInfo, typmod: number, ctx: FormatContext): PgArray {
  let i = 0;
  while (isBlank(text.charCodeAt(i))) i++;
  let bounds: { low: number; high: number }[] | null = null;
  if (text[i] === '[') {
    const header = /(?:\[(?:([+-]?\d+):)?([+-]?\d+)\])+\s*=\s*/y;
    header.lastIndex = i;
    const match = header.exec(text);
    if (match === null) throw malformed(text, '"[" must introduce explicitly-specified array dimensions.');
    bounds = [...match[0].matchAll(/\[(?:([+-]?\d+):)?([+-]?\d+)\]/g)].map((m) => ({
      low: Number(m[1] ?? 1),
      high: Number(m[2]),
    }));
    for (const { low, high } of bounds) {
      if (high < low) throw sqlError('2202E', 'upper bound cannot be less than lower bound');
    }
    i += match[0].length;
  }
  if (text[i] !== '{') {
    throw malformed(
      text,
      bounds === null
        ? 'Array value must start with "{" or dimension information.'
        : 'Array contents must start with "{".',
    );
  }
  // Of what is wrong from here on PostgreSQL shows what stands from here on.
  const braces = text.slice(i);
  const { nest, end } = readBraces(braces, 0, ',');
  if (braces.slice(end).trim() !== '') throw malformed(braces, 'Junk after closing right brace.');
  const raw: (string | null)[] = [];
  const dims: number[] = [];
  flatten(braces, nest, 0, dims, raw);
  if (raw.length > 0 && dims.includes(0))
    throw malformed(braces, 'Multidimensional arrays must have sub-arrays with matching dimensions.');
  if (
    bounds !== null &&
    (raw.length === 0 || bounds.length !== dims.length || bounds.some(({ low, high }, d) => high - low + 1 !== dims[d]))
  ) {
    throw malformed(text, 'Specified array dimensions do not match array contents.');
  }
  const elements = raw.map((item) => (item === null ? null : element.input(item, typmod, ctx)));
  if (elements.length === 0) return new PgArray(element.oid, []);
  if (bounds === null) return new PgArray(element.oid, elements, dims);
  return new PgArray(
    element.oid,
    elements,
    dims,
    bounds.map(({ low }) => low),
  );
}

const ESCAPED = /["\\]/;
const QUOTED = /[{}",\\\s]|^$|^null$/i;

export function arrayOutput(v: PgArray, element: TypeInfo, ctx: FormatContext): string {
  if (v.elements.length === 0) return '{}';
  let at = 0;
  const level = (depth: number): string => {
    const parts: string[] = [];
    for (let i = 0; i < v.dims[depth]!; i++) {
      if (depth + 1 < v.dims.length) {
        parts.push(level(depth + 1));
        continue;
      }
      const item = v.elements[at++]!;
      if (item === null) {
        parts.push('NULL');
      } else {
        const text = element.output(item, ctx);
        parts.push(QUOTED.test(text) ? `"${ESCAPED.test(text) ? replaceEach(text, /["\\]/g, '\\$&') : text}"` : text);
      }
    }
    return `{${parts.join(',')}}`;
  };
  const body = level(0);
  if (v.lowerBounds.every((bound) => bound === 1)) return body;
  return `${v.dims.map((dim, d) => `[${v.lowerBounds[d]}:${v.lowerBounds[d]! + dim - 1}]`).join('')}=${body}`;
}

export function arraySend(v: PgArray, element: TypeInfo, stored?: StoredForm): Buffer {
  const head = Buffer.alloc(12 + v.dims.length * 8);
  head.writeInt32BE(v.dims.length, 0);
  head.writeInt32BE(v.elements.includes(null) ? 1 : 0, 4);
  head.writeUInt32BE(element.catalogOid, 8);
  v.dims.forEach((dim, d) => {
    head.writeInt32BE(dim, 12 + d * 8);
    head.writeInt32BE(v.lowerBounds[d]!, 16 + d * 8);
  });
  const parts: Uint8Array[] = [head];
  for (const item of v.elements) {
    const length = Buffer.alloc(4);
    parts.push(length);
    if (item === null) {
      length.writeInt32BE(-1);
    } else {
      const bytes = stored === undefined ? element.send(item) : stored.encode(item);
      length.writeInt32BE(bytes.length);
      parts.push(bytes);
    }
  }
  return Buffer.concat(parts);
}

/** `stored`: of an array on disk, whose elements have another form there. */
export function arrayReceive(b: Buffer, element: TypeInfo, typmod: number, stored?: StoredForm): PgArray {
  const short = (): Error => sqlError('08P01', 'insufficient data left in message');
  if (b.length < 12) throw short();
  const count = b.readInt32BE(0);
  if (count < 0) throw sqlError('22P03', `invalid number of dimensions: ${count}`);
  checkDimensions(count);
  const flags = b.readInt32BE(4);
  if (flags !== 0 && flags !== 1) throw sqlError('22P03', 'invalid array flags');
  const oid = b.readUInt32BE(8);
  if (oid !== element.catalogOid) {
    throw sqlError('42804', `binary data has array element type ${oid} instead of expected ${element.catalogOid}`);
  }
  if (b.length < 12 + count * 8) throw short();
  const dims: number[] = [];
  const lowerBounds: number[] = [];
  let total = count === 0 ? 0 : 1;
  for (let d = 0; d < count; d++) {
    dims.push(b.readInt32BE(12 + d * 8));
    lowerBounds.push(b.readInt32BE(16 + d * 8));
    if (dims[d]! < 0) throw sqlError('22P03', 'invalid array dimension');
    total *= dims[d]!;
  }
  checkElements(total);
  if (total * 4 > b.length) throw short();
  const elements: Datum[] = [];
  let at = 12 + count * 8;
  for (let i = 0; i < total; i++) {
    if (at + 4 > b.length) throw short();
    const length = b.readInt32BE(at);
    at += 4;
    if (length === -1) {
      elements.push(null);
      continue;
    }
    if (length < 0 || at + length > b.length) throw short();
    const bytes = b.subarray(at, at + length);
    elements.push(stored === undefined ? element.receive(bytes, typmod) : stored.decode(bytes));
    at += length;
  }
  if (at !== b.length) throw sqlError('22P03', 'improper binary format in array');
  return elements.length === 0 ? new PgArray(element.oid, []) : new PgArray(element.oid, elements, dims, lowerBounds);
}

export function compareArrays(a: PgArray, b: PgArray, element: TypeInfo): number {
  const shared = Math.min(a.elements.length, b.elements.length);
  for (let i = 0; i < shared; i++) {
    const x = a.elements[i]!;
    const y = b.elements[i]!;
    if (x === null || y === null) {
      if (x !== y) return x === null ? 1 : -1;
      continue;
    }
    const c = element.compare(x, y);
    if (c !== 0) return c;
  }
  return (
    Math.sign(a.elements.length - b.elements.length) ||
    Math.sign(a.dims.length - b.dims.length) ||
    compareLists(a.dims, b.dims) ||
    compareLists(a.lowerBounds, b.lowerBounds)
  );
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  }
  return 0;
}

export function arrayHashKey(v: PgArray, element: TypeInfo): string {
  let out = `${v.dims.join(',')};${v.lowerBounds.join(',')}`;
  for (const item of v.elements) {
    if (item === null) out += ';N';
    else {
      const key = String(element.hashKey(item));
      out += `;${key.length}:${key}`;
    }
  }
  return out;
}

/** At least one array, all of one shape, as one array of a dimension more. */
export function stackArrays(parts: readonly (PgArray | null)[]): PgArray {
  const first = parts[0];
  if (first === null || first === undefined) throw sqlError('22004', 'cannot accumulate null arrays');
  for (const part of parts) {
    if (part === null) throw sqlError('22004', 'cannot accumulate null arrays');
    if (first.elements.length === 0) throw sqlError('2202E', 'cannot accumulate empty arrays');
    if (part.dims.join() !== first.dims.join() || part.lowerBounds.join() !== first.lowerBounds.join())
      throw sqlError('2202E', 'cannot accumulate arrays of different dimensionality');
  }
  return new PgArray(
    first.elementOid,
    parts.flatMap((part) => part!.elements),
    [parts.length, ...first.dims],
    [1, ...first.lowerBounds],
  );
}
