/**
 * What an inverted index keeps of a value: its items, each a string of bytes, and what items a value must have for an
 * operator to hold. Both sides are made here, for one holds by the other: if `value operator argument` is true,
 * the value has the items that `searchOf` names. The converse need not be so: who reads by items asks the
 * operator again.
 *
 * | class | items |
 * |---|---|
 * | jsonb_ops | every key and every string in an array, at any depth; every other value of a member or element |
 * | jsonb_path_ops | every scalar with the keys that lead to it; array levels leave no trace |
 * | array_ops | every element but NULL; an array without such elements has the one item EMPTY |
 *
 * No item is the beginning of another, and none is longer than ITEM_BYTES_MAX: of what is longer a hash is kept.
 * Equal values have equal items (1 and 1.0; "varchar" and "text"). These bytes are on disk: a change needs a
 * new index format. Golden tests hold them.
 */
import { createHash } from 'node:crypto';
import { sqlError } from '../../base/errors.js';
import { Numeric } from '../types/datum.js';
import type { Datum, Jsonb, JsonValue, PgArray } from '../types/datum.js';
import { isJsonArray, isJsonObject } from '../types/json.js';
import { typeByOid } from '../types/registry.js';
import { encodeKeyNumeric, encodeKeyText } from './key-primitives.js';

export type OperatorClass = 'jsonb_ops' | 'jsonb_path_ops' | 'array_ops';

/** What a row must have to be looked at. */
export type ItemSearch =
  /** Items say nothing: any row may do. */
  | { readonly kind: 'all' }
  | { readonly kind: 'none' }
  /** All of them; what tells more comes first. */
  | { readonly kind: 'every'; readonly items: readonly string[] }
  /** At least one of them. */
  | { readonly kind: 'some'; readonly items: readonly string[] };

export const ITEM_BYTES_MAX = 96;

const KEY = '\x10';
const SCALAR = '\x20';
const WHOLE = '\x01';
const HASHED = '\x02';
const EMPTY = '\x03';
const HASH_BYTES = 16;

/** `raw` ends by itself. */
function item(raw: string): string {
  if (raw.length < ITEM_BYTES_MAX) return WHOLE + raw;
  const hash = createHash('sha256').update(Buffer.from(raw, 'latin1')).digest();
  return HASHED + hash.latin1Slice(0, HASH_BYTES);
}

function scalar(v: null | boolean | string | Numeric): string {
  if (v === null) return `${SCALAR}\x01`;
  if (typeof v === 'boolean') return v ? `${SCALAR}\x03` : `${SCALAR}\x02`;
  if (v instanceof Numeric) return `${SCALAR}\x04${encodeKeyNumeric(v)}`;
  return `${SCALAR}\x05${encodeKeyText(v)}`;
}

const keyItem = (key: string): string => item(KEY + encodeKeyText(key));

/** A string that is an element counts as a key, so that ? finds it. */
function collect(v: JsonValue, scalars: Set<string>, keys: Set<string>): void {
  if (isJsonArray(v)) {
    for (const element of v) {
      if (typeof element === 'string') keys.add(keyItem(element));
      else collect(element, scalars, keys);
    }
  } else if (v !== null && isJsonObject(v)) {
    for (const [key, member] of v) {
      keys.add(keyItem(key));
      collect(member, scalars, keys);
    }
  } else scalars.add(item(scalar(v)));
}

/** Other values first: many rows have the same keys. */
function jsonItems(v: JsonValue): string[] {
  const scalars = new Set<string>();
  const keys = new Set<string>();
  // A lone string is found by ? too, and contained in an array that has it.
  collect(typeof v === 'string' ? [v] : v, scalars, keys);
  return [...scalars, ...keys];
}

function collectPaths(v: JsonValue, path: string, items: Set<string>): void {
  if (isJsonArray(v)) for (const element of v) collectPaths(element, path, items);
  else if (v !== null && isJsonObject(v))
    for (const [key, member] of v) collectPaths(member, path + KEY + encodeKeyText(key), items);
  else items.add(item(path + scalar(v)));
}

function pathItems(v: JsonValue): string[] {
  const items = new Set<string>();
  collectPaths(v, '', items);
  return [...items];
}

/** Without EMPTY. */
function elementItems(array: PgArray): string[] {
  const type = typeByOid(array.elementOid);
  const encode = type.encodeKey;
  if (encode === null) throw sqlError('42883', `could not identify a comparison function for type ${type.sqlName}`);
  const items = new Set<string>();
  for (const element of array.elements) if (element !== null) items.add(item(encode(element)));
  return [...items];
}

/** The items of a value, each once; NULL has none. */
export function itemsOf(opclass: OperatorClass, value: Datum): readonly string[] {
  if (value === null) return [];
  if (opclass === 'array_ops') {
    const items = elementItems(value as PgArray);
    return items.length === 0 ? [EMPTY] : items;
  }
  const { value: json } = value as Jsonb;
  return opclass === 'jsonb_ops' ? jsonItems(json) : pathItems(json);
}

const ALL: ItemSearch = { kind: 'all' };
const NONE: ItemSearch = { kind: 'none' };
const every = (items: readonly string[]): ItemSearch => (items.length === 0 ? ALL : { kind: 'every', items });
const some = (items: readonly string[]): ItemSearch => (items.length === 0 ? NONE : { kind: 'some', items });

/** Operators with the indexed value on their left. */
export const ITEM_OPERATORS: Readonly<Record<OperatorClass, ReadonlySet<string>>> = {
  jsonb_ops: new Set(['@>', '?', '?|', '?&']),
  jsonb_path_ops: new Set(['@>']),
  array_ops: new Set(['@>', '<@', '&&', '=']),
};

/** For one of ITEM_OPERATORS. All are strict. */
export function searchOf(opclass: OperatorClass, operator: string, argument: Datum): ItemSearch {
  if (argument === null) return NONE;
  if (opclass === 'array_ops') return searchArrays(operator, argument as PgArray);
  switch (operator) {
    case '?':
      return every([keyItem(argument as string)]);
    case '?|':
      return some(keysOf(argument as PgArray));
    case '?&':
      return every(keysOf(argument as PgArray));
    default:
      return every(itemsOf(opclass, argument));
  }
}

/** NULLs among them count for nothing. */
function keysOf(array: PgArray): string[] {
  return [...new Set(array.elements.filter((e) => e !== null).map((e) => keyItem(e as string)))];
}

function searchArrays(operator: string, argument: PgArray): ItemSearch {
  const items = elementItems(argument);
  switch (operator) {
    case '&&':
      return some(items);
    case '<@':
      return some([...items, EMPTY]);
    case '@>':
      // NULL is contained in nothing.
      return argument.elements.includes(null) ? NONE : every(items);
    default:
      return every(items.length === 0 ? [EMPTY] : items);
  }
}
