/** JSON operators and functions that read or change documents (chapter 9.16). */
import { sqlError } from '../../base/errors.js';
import { Jsonb, Numeric, type PgArray, PgRecord } from '../types/datum.js';
import type { Datum, JsonValue } from '../types/datum.js';
import {
  compareJson,
  formatJson,
  isJsonArray,
  isJsonObject,
  jsonHashKey,
  makeJsonObject,
  parseJson,
  prettyJson,
} from '../types/json.js';
import { OID } from '../types/oids.js';
import { fn, op, srf } from './define.js';

/** json keeps its text: members are cut out of it as they were written. */
export interface RawMember {
  readonly key: string | null;
  readonly text: string;
}

/** Top-level members of an object or elements of an array, in source order with doubles. */
export function rawMembers(text: string): { kind: 'object' | 'array' | 'scalar'; members: RawMember[] } {
  const source = text.trim();
  const open = source[0];
  if (open !== '{' && open !== '[') return { kind: 'scalar', members: [] };
  const members: RawMember[] = [];
  let depth = 0;
  let inString = false;
  let start = 1;
  let colon = -1;
  const close = (end: number): void => {
    const piece = source.slice(start, end);
    if (piece.trim() === '') return;
    if (open === '[') members.push({ key: null, text: piece.trim() });
    else
      members.push({
        key: parseJson(source.slice(start, colon).trim()) as string,
        text: source.slice(colon + 1, end).trim(),
      });
  };
  for (let i = 0; i < source.length; i++) {
    const c = source[i]!;
    if (inString) {
      if (c === '\\') i++;
      else if (c === '"') inString = false;
    } else if (c === '"') {
      inString = true;
    } else if (c === '{' || c === '[') {
      depth++;
    } else if (c === '}' || c === ']') {
      depth--;
      if (depth === 0) close(i);
    } else if (depth === 1 && c === ',') {
      close(i);
      start = i + 1;
      colon = -1;
    } else if (depth === 1 && c === ':' && colon < 0) {
      colon = i;
    }
  }
  return { kind: open === '{' ? 'object' : 'array', members };
}

/** What looks into a document reads all of its strings, so that an escape which means no character is refused. */
function checkEscapes(text: string): void {
  if (text.includes('\\u')) parseJson(text);
}
function rawGet(text: string, key: string | number): string | null {
  checkEscapes(text);
  const { kind, members } = rawMembers(text);
  if (typeof key === 'number') {
    if (kind !== 'array') return null;
    return members[key < 0 ? members.length + key : key]?.text ?? null;
  }
  if (kind !== 'object') return null;
  for (let i = members.length - 1; i >= 0; i--) if (members[i]!.key === key) return members[i]!.text;
  return null;
}
function rawPath(text: string, path: PgArray): string | null {
  checkEscapes(text);
  let current: string | null = text;
  for (const step of path.elements) {
    if (current === null || step === null) return null;
    const isArray: boolean = current.trim().startsWith('[');
    const name = step as string;
    if (isArray && !/^-?\d+$/.test(name)) return null;
    current = rawGet(current, isArray ? Number(name) : name);
  }
  return current === null ? null : current.trim();
}
/** The ->> form: strings unquoted, null as NULL. */
function rawText(text: string | null): string | null {
  if (text === null || text === 'null') return null;
  return text.startsWith('"') ? (parseJson(text) as string) : text;
}

export function jsonGet(v: JsonValue, key: string | number): JsonValue | undefined {
  if (typeof key === 'number') return isJsonArray(v) ? v[key < 0 ? v.length + key : key] : undefined;
  return v !== null && isJsonObject(v) ? v.get(key) : undefined;
}
/** A single value counts as an array that has only it, for this operator alone. */
function elementOf(v: JsonValue, key: number): JsonValue | undefined {
  return jsonGet(isJsonArray(v) || (v !== null && isJsonObject(v)) ? v : [v], key);
}
function path(v: JsonValue, steps: PgArray): JsonValue | undefined {
  let current: JsonValue | undefined = v;
  for (const step of steps.elements) {
    if (current === undefined || step === null) return undefined;
    const name = step as string;
    if (isJsonArray(current)) current = /^-?\d+$/.test(name) ? jsonGet(current, Number(name)) : undefined;
    else current = jsonGet(current, name);
  }
  return current;
}
const wrap = (v: JsonValue | undefined): Datum => (v === undefined ? null : new Jsonb(v));
function scalarText(v: JsonValue | undefined): Datum {
  if (v === undefined || v === null) return null;
  return typeof v === 'string' ? v : formatJson(v);
}

op('jsonb -> text = jsonb', (j: Jsonb, k: string) => wrap(jsonGet(j.value, k)));
op('jsonb -> int4 = jsonb', (j: Jsonb, k: number) => wrap(elementOf(j.value, k)));
op('jsonb ->> text = text', (j: Jsonb, k: string) => scalarText(jsonGet(j.value, k)));
op('jsonb ->> int4 = text', (j: Jsonb, k: number) => scalarText(elementOf(j.value, k)));
op('jsonb #> _text = jsonb', (j: Jsonb, p: PgArray) => wrap(path(j.value, p)));
op('jsonb #>> _text = text', (j: Jsonb, p: PgArray) => scalarText(path(j.value, p)));
op('json -> text = json', (j: string, k: string) => rawGet(j, k));
op('json -> int4 = json', (j: string, k: number) => rawGet(j, k));
op('json ->> text = text', (j: string, k: string) => rawText(rawGet(j, k)));
op('json ->> int4 = text', (j: string, k: number) => rawText(rawGet(j, k)));
op('json #> _text = json', (j: string, p: PgArray) => rawPath(j, p));
op('json #>> _text = text', (j: string, p: PgArray) => rawText(rawPath(j, p)));
fn('jsonb_extract_path(jsonb, variadic _text) jsonb', ([j, p]: [Jsonb, PgArray]) => wrap(path(j.value, p)));
fn('jsonb_extract_path_text(jsonb, variadic _text) text', ([j, p]: [Jsonb, PgArray]) => scalarText(path(j.value, p)));
fn('json_extract_path(json, variadic _text) json', ([j, p]: [string, PgArray]) => rawPath(j, p));
fn('json_extract_path_text(json, variadic _text) text', ([j, p]: [string, PgArray]) => rawText(rawPath(j, p)));
fn('jsonb_object_field(jsonb, text) jsonb', (j: Jsonb, k: string) => wrap(jsonGet(j.value, k)));

function isScalar(v: JsonValue): boolean {
  return v === null || typeof v !== 'object' || v instanceof Numeric;
}

/** Each item of `b` is in one of `a`. Scalars of long arrays are looked up. */
function containsItems(a: readonly JsonValue[], b: readonly JsonValue[]): boolean {
  const isIn = (item: JsonValue): boolean => a.some((mine) => containsJson(mine, item, false));
  if (a.length * b.length < LOOKED_UP) return b.every(isIn);
  const scalars = new Set(a.filter(isScalar).map(jsonHashKey));
  return b.every((item) => (isScalar(item) ? scalars.has(jsonHashKey(item)) : isIn(item)));
}
const LOOKED_UP = 1000;

function containsJson(a: JsonValue, b: JsonValue, top: boolean): boolean {
  if (a !== null && isJsonObject(a)) {
    if (b === null || !isJsonObject(b)) return false;
    for (const [key, value] of b) {
      const mine = a.get(key);
      if (mine === undefined || !containsJson(mine, value, false)) return false;
    }
    return true;
  }
  if (isJsonArray(a)) {
    if (isJsonArray(b)) return containsItems(a, b);
    // An array contains a bare scalar at the top level.
    return top && (b === null || !isJsonObject(b)) && a.some((mine) => compareJson(mine, b) === 0);
  }
  return compareJson(a, b) === 0;
}
op('jsonb @> jsonb = bool', (a: Jsonb, b: Jsonb) => containsJson(a.value, b.value, true));
op('jsonb <@ jsonb = bool', (a: Jsonb, b: Jsonb) => containsJson(b.value, a.value, true));
function hasKey(v: JsonValue, key: string): boolean {
  if (isJsonArray(v)) return v.includes(key);
  if (v !== null && isJsonObject(v)) return v.has(key);
  return v === key;
}
op('jsonb ? text = bool', (j: Jsonb, k: string) => hasKey(j.value, k));
op('jsonb ?| _text = bool', (j: Jsonb, k: PgArray) =>
  k.elements.some((key) => key !== null && hasKey(j.value, key as string)),
);
op('jsonb ?& _text = bool', (j: Jsonb, k: PgArray) =>
  k.elements.every((key) => key === null || hasKey(j.value, key as string)),
);

function concatenate(a: JsonValue, b: JsonValue): JsonValue {
  if (a !== null && b !== null && isJsonObject(a) && isJsonObject(b)) return makeJsonObject([...a, ...b]);
  return [...(isJsonArray(a) ? a : [a]), ...(isJsonArray(b) ? b : [b])];
}
op('jsonb || jsonb = jsonb', (a: Jsonb, b: Jsonb) => new Jsonb(concatenate(a.value, b.value)));
function without(v: JsonValue, keys: ReadonlySet<string>): JsonValue {
  if (isJsonArray(v)) return v.filter((item) => typeof item !== 'string' || !keys.has(item));
  if (v !== null && isJsonObject(v)) return makeJsonObject([...v].filter(([key]) => !keys.has(key)));
  throw sqlError('22023', 'cannot delete from scalar');
}
op('jsonb - text = jsonb', (j: Jsonb, k: string) => new Jsonb(without(j.value, new Set([k]))));
op('jsonb - _text = jsonb', (j: Jsonb, k: PgArray) => {
  if (k.dims.length > 1) throw sqlError('2202E', 'wrong number of array subscripts');
  return new Jsonb(without(j.value, new Set(k.elements.filter((x) => x !== null) as string[])));
});
op('jsonb - int4 = jsonb', (j: Jsonb, n: number) => {
  const v = j.value;
  if (v !== null && isJsonObject(v)) throw sqlError('22023', 'cannot delete from object using integer index');
  if (!isJsonArray(v)) throw sqlError('22023', 'cannot delete from scalar');
  const at = n < 0 ? v.length + n : n;
  return new Jsonb(v.filter((_, i) => i !== at));
});

type Mode = 'set' | 'set-existing' | 'insert-before' | 'insert-after' | 'delete';
function change(v: JsonValue, steps: readonly Datum[], depth: number, value: JsonValue, mode: Mode): JsonValue {
  const step = steps[depth];
  if (step === null) throw sqlError('22004', `path element at position ${depth + 1} is null`);
  const name = step as string;
  const last = depth === steps.length - 1;
  if (v !== null && isJsonObject(v)) {
    const old = v.get(name);
    if (!last)
      return old === undefined ? v : makeJsonObject([...v, [name, change(old, steps, depth + 1, value, mode)]]);
    if (mode === 'delete') return makeJsonObject([...v].filter(([key]) => key !== name));
    if (mode.startsWith('insert') && old !== undefined) {
      throw sqlError('22023', 'cannot replace existing key', {
        hint: 'Try using the function jsonb_set to replace key value.',
      });
    }
    return old === undefined && mode === 'set-existing' ? v : makeJsonObject([...v, [name, value]]);
  }
  if (!isJsonArray(v)) return v;
  if (!/^-?\d+$/.test(name))
    throw sqlError('22P02', `path element at position ${depth + 1} is not an integer: "${name}"`);
  const n = Number(name);
  const at = n < 0 ? v.length + n : n;
  const inside = at >= 0 && at < v.length;
  if (!last) return inside ? v.map((item, i) => (i === at ? change(item, steps, depth + 1, value, mode) : item)) : v;
  switch (mode) {
    case 'delete':
      return v.filter((_, i) => i !== at);
    case 'set-existing':
    case 'set':
      if (inside) return v.map((item, i) => (i === at ? value : item));
      return mode === 'set-existing' ? v : at < 0 ? [value, ...v] : [...v, value];
    case 'insert-before':
    case 'insert-after': {
      const position = Math.max(0, Math.min(v.length, mode === 'insert-after' ? at + 1 : at));
      return [...v.slice(0, position), value, ...v.slice(position)];
    }
  }
}
export function changeTop(j: Jsonb, p: PgArray, value: JsonValue, mode: Mode): Jsonb {
  const v = j.value;
  if (p.dims.length > 1) throw sqlError('2202E', 'wrong number of array subscripts');
  if (!isJsonArray(v) && (v === null || !isJsonObject(v))) {
    throw sqlError('22023', mode === 'delete' ? 'cannot delete path in scalar' : 'cannot set path in scalar');
  }
  // There is nothing to delete or replace in something empty, whatever the path says.
  if ((mode === 'delete' || mode === 'set-existing') && (isJsonArray(v) ? v.length : v.size) === 0) return j;
  return p.elements.length === 0 ? j : new Jsonb(change(v, p.elements, 0, value, mode));
}
op('jsonb #- _text = jsonb', (j: Jsonb, p: PgArray) => changeTop(j, p, null, 'delete'));
fn('jsonb_delete_path(jsonb, _text) jsonb', (j: Jsonb, p: PgArray) => changeTop(j, p, null, 'delete'));
fn(
  'jsonb_set(jsonb, _text, jsonb, bool) jsonb',
  (j: Jsonb, p: PgArray, v: Jsonb, create: boolean) => changeTop(j, p, v.value, create ? 'set' : 'set-existing'),
  {
    defaults: [true],
  },
);
fn(
  'jsonb_insert(jsonb, _text, jsonb, bool) jsonb',
  (j: Jsonb, p: PgArray, v: Jsonb, after: boolean) =>
    changeTop(j, p, v.value, after ? 'insert-after' : 'insert-before'),
  {
    defaults: [false],
  },
);

function typeName(v: JsonValue): string {
  if (v === null) return 'null';
  if (typeof v === 'string') return 'string';
  if (typeof v === 'boolean') return 'boolean';
  if (v instanceof Numeric) return 'number';
  return isJsonArray(v) ? 'array' : 'object';
}
fn('jsonb_typeof(jsonb) text', (j: Jsonb) => typeName(j.value));
fn('json_typeof(json) text', (j: string) => typeName(parseJson(j)));
fn('jsonb_pretty(jsonb) text', (j: Jsonb) => prettyJson(j.value));
function strip(v: JsonValue): JsonValue {
  if (isJsonArray(v)) return v.map(strip);
  if (v !== null && isJsonObject(v))
    return new Map([...v].filter(([, x]) => x !== null).map(([k, x]) => [k, strip(x)] as const));
  return v;
}
fn('jsonb_strip_nulls(jsonb) jsonb', (j: Jsonb) => new Jsonb(strip(j.value)));

function needArray(v: JsonValue, name: string): readonly JsonValue[] {
  if (isJsonArray(v)) return v;
  throw sqlError('22023', v !== null && isJsonObject(v) ? `cannot ${name} an object` : `cannot ${name} a scalar`);
}
fn('jsonb_array_length(jsonb) int4', (j: Jsonb) => {
  if (isJsonArray(j.value)) return j.value.length;
  throw sqlError(
    '22023',
    `cannot get array length of a ${j.value !== null && isJsonObject(j.value) ? 'non-array' : 'scalar'}`,
  );
});
fn('json_array_length(json) int4', (j: string) => {
  const { kind, members } = rawMembers(j);
  if (kind === 'array') return members.length;
  throw sqlError('22023', `cannot get array length of a ${kind === 'object' ? 'non-array' : 'scalar'}`);
});
/** What they give is a column called "value", whatever alias the function has in FROM. */
const ELEMENT = { columnName: 'value' };
srf(
  'jsonb_array_elements(jsonb) jsonb',
  (j: Jsonb) => needArray(j.value, 'extract elements from').map((v) => new Jsonb(v)),
  ELEMENT,
);
srf(
  'jsonb_array_elements_text(jsonb) text',
  (j: Jsonb) => needArray(j.value, 'extract elements from').map(scalarText),
  ELEMENT,
);
function rawElements(j: string, name: string): RawMember[] {
  const { kind, members } = rawMembers(j);
  if (kind !== 'array')
    throw sqlError('22023', `cannot call ${name} on a ${kind === 'object' ? 'non-array' : 'scalar'}`);
  return members;
}
srf('json_array_elements(json) json', (j: string) => rawElements(j, 'json_array_elements').map((m) => m.text), ELEMENT);
srf(
  'json_array_elements_text(json) text',
  (j: string) => rawElements(j, 'json_array_elements_text').map((m) => rawText(m.text)),
  ELEMENT,
);

function needObject(v: JsonValue, name: string): ReadonlyMap<string, JsonValue> {
  if (v !== null && isJsonObject(v)) return v;
  throw sqlError(
    '22023',
    `cannot call ${name} on ${isJsonArray(v) ? (name === 'jsonb_object_keys' ? 'an array' : 'a non-object') : name === 'jsonb_object_keys' ? 'a scalar' : 'a non-object'}`,
  );
}
srf('jsonb_object_keys(jsonb) text', (j: Jsonb) => [...needObject(j.value, 'jsonb_object_keys').keys()]);
srf('json_object_keys(json) text', (j: string) => {
  const { kind, members } = rawMembers(j);
  if (kind !== 'object')
    throw sqlError('22023', `cannot call json_object_keys on ${kind === 'array' ? 'an array' : 'a scalar'}`);
  return members.map((m) => m.key);
});
const eachColumns = (typeOid: number): readonly { name: string; typeOid: number }[] => [
  { name: 'key', typeOid: OID.text },
  { name: 'value', typeOid },
];
srf(
  'jsonb_each(jsonb) record',
  (j: Jsonb) =>
    [...needObject(j.value, 'jsonb_each')].map(([k, v]) => new PgRecord([OID.text, OID.jsonb], [k, new Jsonb(v)])),
  {
    resultColumns: eachColumns(OID.jsonb),
  },
);
srf(
  'jsonb_each_text(jsonb) record',
  (j: Jsonb) =>
    [...needObject(j.value, 'jsonb_each_text')].map(([k, v]) => new PgRecord([OID.text, OID.text], [k, scalarText(v)])),
  {
    resultColumns: eachColumns(OID.text),
  },
);
function rawObject(j: string): RawMember[] {
  const { kind, members } = rawMembers(j);
  if (kind === 'object') return members;
  throw sqlError(
    '22023',
    kind === 'array' ? 'cannot deconstruct an array as an object' : 'cannot deconstruct a scalar',
  );
}
srf(
  'json_each(json) record',
  (j: string) => rawObject(j).map((m) => new PgRecord([OID.text, OID.json], [m.key, m.text])),
  { resultColumns: eachColumns(OID.json) },
);
srf(
  'json_each_text(json) record',
  (j: string) => rawObject(j).map((m) => new PgRecord([OID.text, OID.text], [m.key, rawText(m.text)])),
  {
    resultColumns: eachColumns(OID.text),
  },
);
