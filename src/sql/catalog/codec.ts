/**
 * Stored forms of the catalog. A descriptor is JSON `{"v":1,"d":{…}}`, with `"t":[…]` for the definitions of the
 * users' types in it, each after those that it is made of: what is called `typeOid` is a handle in memory and the
 * catalog's oid on disk; a name entry is `<id>` for a
 * relation, schema or database and `<table id>:<index oid>` for an index, in decimal; a lease is the
 * HLC time of its end in decimal; a schema lock is `<coordinator node>:<token>`. Golden tests hold them.
 *
 * Names live under (database, schema, name): databases under (0, 0), schemas under (database, 0).
 */
import { sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import { encodeUint, SYSTEM_PREFIX } from '../../encoding/keyspace.js';
import { arrayOidOf, catalogOidOf } from '../types/registry.js';
import { internType, isHandle, sameShapeOf, typesWithin, userTypeIn, userTypeOf } from '../types/user-types.js';
import type { UserType } from '../types/user-types.js';
import { SUPERUSER, SUPERUSER_OID } from './bootstrap-names.js';
import type { Descriptor } from './descriptor.js';

const FORMAT_VERSION = 1;

export function encodeDescriptor(descriptor: Descriptor): Buffer {
  const types: number[] = [];
  const oidsOnly = (key: string, value: unknown): unknown => {
    if (key !== 'typeOid' || !isHandle(value as number)) return value;
    for (const handle of typesWithin(value as number)) if (!types.includes(handle)) types.push(handle);
    return catalogOidOf(value as number);
  };
  const d = JSON.stringify(descriptor, oidsOnly);
  if (types.length === 0) return Buffer.from(`{"v":${FORMAT_VERSION},"d":${d}}`, 'utf8');
  // Once it is committed, a label is not fresh.
  const t = JSON.stringify(types.map(userTypeOf), (key, value) => (key === 'fresh' ? undefined : oidsOnly(key, value)));
  return Buffer.from(`{"v":${FORMAT_VERSION},"d":${d},"t":${t}}`, 'utf8');
}

export function decodeDescriptor(bytes: Buffer): Descriptor {
  const text = bytes.toString('utf8');
  let parsed: { v?: unknown; d?: unknown; t?: unknown };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (cause) {
    throw sqlError('XX001', `catalog entry is damaged: ${String(cause)}`);
  }
  if (parsed.v !== FORMAT_VERSION || typeof parsed.d !== 'object' || parsed.d === null) {
    throw sqlError('XX001', `catalog entry has unknown format version ${String(parsed.v)}`);
  }
  // Before there were roles, owners were named, and there was one.
  if ((parsed.d as { owner?: unknown }).owner === SUPERUSER) (parsed.d as { owner: unknown }).owner = SUPERUSER_OID;
  if (!Array.isArray(parsed.t)) return parsed.d as Descriptor;
  const known = new Map<number, number>();
  for (const stored of parsed.t) {
    const type = withHandles(stored, known) as UserType;
    const handle = internType(type);
    known.set(type.oid, handle);
    known.set(type.arrayOid, arrayOidOf(handle));
  }
  return withHandles(parsed.d, known) as Descriptor;
}

function withHandles(value: unknown, known: ReadonlyMap<number, number>): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withHandles(item, known));
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    out[key] = key === 'typeOid' ? (known.get(item as number) ?? item) : withHandles(item, known);
  }
  return out;
}

/** The same descriptor with another definition of a type in the place of one that it names. */
export function withType<D extends Descriptor>(descriptor: D, from: number, to: number): D {
  return replaceType(descriptor, from, to) as D;
}

function replaceType(value: unknown, from: number, to: number): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => replaceType(item, from, to));
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    out[key] = key === 'typeOid' ? renewed(item as number, from, to) : replaceType(item, from, to);
  }
  return out;
}

/** Also a type made of the changed one becomes another. */
function renewed(oid: number, from: number, to: number): number {
  const type = userTypeIn(oid);
  if (type === null || !typesWithin(oid).includes(from)) return oid;
  const handle = internTypeOf(oid) === from ? to : internType(replaceType(type, from, to) as UserType);
  return sameShapeOf(oid, handle);
}

function internTypeOf(oid: number): number {
  return oid - (oid % 2);
}

/** True if a descriptor's columns or query name the type, or one made of it. */
export function usesType(descriptor: Descriptor, catalogOid: number): boolean {
  let found = false;
  JSON.stringify(descriptor, (key, value: unknown) => {
    if (key === 'typeOid' && typesWithin(value as number).some((h) => catalogOidOf(h) === catalogOid)) found = true;
    return value;
  });
  return found;
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
export const SCHEMA_LOCKS: Key = `${SYSTEM_PREFIX}ddl/`;
export function schemaLockKey(id: number): Key {
  return SCHEMA_LOCKS + encodeUint(id);
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
