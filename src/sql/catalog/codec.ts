/**
 * Stored forms of the catalog. A descriptor is JSON `{"v":1,"d":{…}}`; a name entry is `<id>` for a
 * relation, schema or database and `<table id>:<index oid>` for an index, in decimal; a lease is the
 * HLC time of its end in decimal; a schema lock is `<coordinator node>:<token>`. Golden tests hold them.
 *
 * Names live under (database, schema, name): databases under (0, 0), schemas under (database, 0).
 */
import { sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import { encodeUint, SYSTEM_PREFIX } from '../../encoding/keyspace.js';
import type { Descriptor } from './descriptor.js';

const FORMAT_VERSION = 1;

export function encodeDescriptor(descriptor: Descriptor): Buffer {
  return Buffer.from(JSON.stringify({ v: FORMAT_VERSION, d: descriptor }), 'utf8');
}

export function decodeDescriptor(bytes: Buffer): Descriptor {
  const text = bytes.toString('utf8');
  let parsed: { v?: unknown; d?: unknown };
  try {
    parsed = JSON.parse(text) as { v?: unknown; d?: unknown };
  } catch (cause) {
    throw sqlError('XX001', `catalog entry is damaged: ${String(cause)}`);
  }
  if (parsed.v !== FORMAT_VERSION || typeof parsed.d !== 'object' || parsed.d === null) {
    throw sqlError('XX001', `catalog entry has unknown format version ${String(parsed.v)}`);
  }
  return parsed.d as Descriptor;
}

export interface NameEntry {
  readonly id: number;
  /** Set when the name is an index's: `id` is then its table. */
  readonly indexOid: number | null;
}

export function encodeNameEntry(entry: NameEntry): Buffer {
  return Buffer.from(entry.indexOid === null ? String(entry.id) : `${entry.id}:${entry.indexOid}`, 'latin1');
}

export function decodeNameEntry(bytes: Buffer): NameEntry {
  const match = /^(\d+)(?::(\d+))?$/.exec(bytes.toString('latin1'));
  if (match === null) throw sqlError('XX001', 'catalog name entry is damaged');
  return { id: Number(match[1]), indexOid: match[2] === undefined ? null : Number(match[2]) };
}

/** Row that says which schema change holds an object. */
export function schemaLockKey(id: number): Key {
  return `${SYSTEM_PREFIX}ddl/${encodeUint(id)}`;
}

export interface SchemaLockRow {
  readonly node: number;
  readonly token: string;
}

export function encodeSchemaLock(row: SchemaLockRow): Buffer {
  return Buffer.from(`${row.node}:${row.token}`, 'latin1');
}

export function decodeSchemaLock(bytes: Buffer): SchemaLockRow {
  const text = bytes.toString('latin1');
  const colon = text.indexOf(':');
  return { node: Number(text.slice(0, colon)), token: text.slice(colon + 1) };
}

export function encodeLease(expiry: number): Buffer {
  return Buffer.from(String(expiry), 'latin1');
}

export function decodeLease(bytes: Buffer): number {
  return Number(bytes.toString('latin1'));
}
