/**
 * The keyspace (DESIGN 6).
 *
 * | prefix | what |
 * |---|---|
 * | \x01   | range-local keys: '\x01d' + range start = the range's descriptor; addressed by what follows |
 * | \x02   | /meta: '\x02' + start key of a range = its descriptor (an index of the former) |
 * | \x03   | /system: ids, settings, descriptors, names, catalog leases |
 * | \x04   | /table/<storageId>/<indexId>/<columns…> |
 *
 * Integers in keys: one length byte (0x80 + byte count for non-negative numbers), then big-endian bytes,
 * so that they sort by value and are self-delimiting.
 */
import type { Key } from '../base/key.js';
import { KEY_MIN, KEY_MAX } from '../base/key.js';

export const META_PREFIX: Key = '\x02';
export const SYSTEM_PREFIX: Key = '\x03';
export const TABLE_PREFIX: Key = '\x04';
export const LOCAL_DESCRIPTOR_PREFIX: Key = '\x01d';

/** Ids that restarts and ORMs see: 100 and up are the user's, as in other systems' catalogs. */
export const FIRST_USER_ID = 16384;

export function encodeUint(n: number): string {
  let bytes = '';
  while (n > 0) {
    bytes = String.fromCharCode(n % 256) + bytes;
    n = Math.floor(n / 256);
  }
  return String.fromCharCode(0x80 + bytes.length) + bytes;
}

/** Returns the value and the position after it. */
export function decodeUint(key: Key, at: number): { value: number; next: number } {
  const length = key.charCodeAt(at) - 0x80;
  let value = 0;
  for (let i = 1; i <= length; i++) value = value * 256 + key.charCodeAt(at + i);
  return { value, next: at + 1 + length };
}

export function tablePrefix(storageId: number): Key {
  return TABLE_PREFIX + encodeUint(storageId);
}
/** The storage that a key of a table belongs to; null: no table's key. */
export function storageOf(key: Key): number | null {
  return key.startsWith(TABLE_PREFIX) && key.length > 1 ? decodeUint(key, 1).value : null;
}
export function indexPrefix(storageId: number, indexId: number): Key {
  return TABLE_PREFIX + encodeUint(storageId) + encodeUint(indexId);
}
export function metaKey(rangeStart: Key): Key {
  return META_PREFIX + rangeStart;
}
export function localDescriptorKey(rangeStart: Key): Key {
  return LOCAL_DESCRIPTOR_PREFIX + rangeStart;
}

/** The key that decides which range holds `key`: range-local keys live with what they speak of. */
export function addressOf(key: Key): Key {
  if (key.charCodeAt(0) !== 1) return key;
  const address = key.slice(2);
  return address < KEY_MIN ? KEY_MIN : address;
}

export const SYSTEM_KEYS = {
  descriptor: (id: number): Key => `${SYSTEM_PREFIX}desc/${encodeUint(id)}`,
  descriptors: `${SYSTEM_PREFIX}desc/`,
  /** Rows that every change of a descriptor rewrites one of (descriptor-changes.ts). */
  descriptorChange: (shard: number): Key => `${SYSTEM_PREFIX}desc-change/${encodeUint(shard)}`,
  /** namespace entry → id */
  name: (databaseId: number, schemaId: number, name: string): Key =>
    `${SYSTEM_PREFIX}name/${encodeUint(databaseId)}${encodeUint(schemaId)}${Buffer.from(name, 'utf8').latin1Slice()}`,
  names: `${SYSTEM_PREFIX}name/`,
  idCounter: `${SYSTEM_PREFIX}id/descriptor`,
  rangeIdCounter: `${SYSTEM_PREFIX}id/range`,
  catalogLease: (node: number): Key => `${SYSTEM_PREFIX}lease/${encodeUint(node)}`,
  catalogLeases: `${SYSTEM_PREFIX}lease/`,
  setting: (name: string): Key => `${SYSTEM_PREFIX}setting/${name}`,
  settings: `${SYSTEM_PREFIX}setting/`,
  /** A view that reads a relation. */
  dependency: (relation: number, view: number): Key => `${SYSTEM_PREFIX}dep/${encodeUint(relation)}${encodeUint(view)}`,
  dependents: (relation: number): Key => `${SYSTEM_PREFIX}dep/${encodeUint(relation)}`,
  /** Who owns a schema of temporary relations. */
  temporary: (node: number, schema: number): Key => `${SYSTEM_PREFIX}temp/${encodeUint(node)}${encodeUint(schema)}`,
  temporaries: (node: number): Key => `${SYSTEM_PREFIX}temp/${encodeUint(node)}`,
  sequence: (id: number): Key => `${SYSTEM_PREFIX}seq/${encodeUint(id)}`,
  /** Where the counter stands while no value was taken since it was set (catalog/sequences.ts). */
  sequenceStart: (id: number): Key => `${SYSTEM_PREFIX}seqstart/${encodeUint(id)}`,
  bootstrapped: `${SYSTEM_PREFIX}bootstrapped`,
} as const;

export { KEY_MIN, KEY_MAX };
