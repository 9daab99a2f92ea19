/**
 * Stored forms of advisory locks.
 *
 * | key | value |
 * |---|---|
 * | `/system/advisory/l<database><space><8 bytes>` | a lock: `{"v":1,"h":[entry, …],"w":[entry, …]}`, holders and waiters in their order |
 * | `/system/advisory/n<node>` | a node's lease: `{"v":1,"i":incarnation,"u":until}`, an HLC time |
 *
 * An entry is `[node, incarnation, number, process id, "e" | "s"]`: exclusive or shared. The space is 1 for locks
 * named by one bigint and 2 for those named by two integers, as pg_locks.objsubid has it, and 3 for tables' own locks (LOCK TABLE); the
 * 8 bytes are the bigint, the two integers, or the table's id, big-endian. Golden tests hold all of it.
 */
import { sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import { decodeUint, encodeUint, SYSTEM_PREFIX } from '../../encoding/keyspace.js';

const FORMAT_VERSION = 1;
export const LOCK_ROWS: Key = `${SYSTEM_PREFIX}advisory/l`;

/** One request of a session, granted or not. A session has one for each mode in which it has the lock. */
export interface Entry {
  readonly node: number;
  /** The life of that node: what it says of entries of another life is that they are over. */
  readonly incarnation: string;
  /** Never used twice by an incarnation. */
  readonly number: number;
  readonly processId: number;
  readonly exclusive: boolean;
}

export interface LockRow {
  readonly holders: readonly Entry[];
  readonly waiters: readonly Entry[];
}

export interface NodeLease {
  readonly incarnation: string;
  readonly until: number;
}

/** Of locks that LOCK TABLE takes; `low` is the table's id. */
export const TABLE_SPACE = 3;

/** What a lock is called: `high` and `low` are unsigned, as pg_locks shows them. */
export interface LockName {
  readonly space: 1 | 2 | typeof TABLE_SPACE;
  readonly high: number;
  readonly low: number;
}

export const FREE: LockRow = { holders: [], waiters: [] };

export function entryId(entry: Entry): string {
  return `${entry.incarnation}.${entry.number}`;
}

export function lockKey(databaseId: number, { space, high, low }: LockName): Key {
  const bytes = Buffer.alloc(9);
  bytes.writeUInt8(space, 0);
  bytes.writeUInt32BE(high, 1);
  bytes.writeUInt32BE(low, 5);
  return LOCK_ROWS + encodeUint(databaseId) + bytes.latin1Slice();
}

export function decodeLockKey(key: Key): { readonly databaseId: number; readonly name: LockName } {
  const { value, next } = decodeUint(key, LOCK_ROWS.length);
  const bytes = Buffer.from(key.slice(next), 'latin1');
  const space = bytes.readUInt8(0) as LockName['space'];
  return { databaseId: value, name: { space, high: bytes.readUInt32BE(1), low: bytes.readUInt32BE(5) } };
}

export function leaseKey(node: number): Key {
  return `${SYSTEM_PREFIX}advisory/n${encodeUint(node)}`;
}

type StoredEntry = readonly [number, string, number, number, 'e' | 's'];

function stored(entry: Entry): StoredEntry {
  return [entry.node, entry.incarnation, entry.number, entry.processId, entry.exclusive ? 'e' : 's'];
}
function restored([node, incarnation, number, processId, mode]: StoredEntry): Entry {
  return { node, incarnation, number, processId, exclusive: mode === 'e' };
}

export function encodeLockRow(row: LockRow): Buffer {
  return Buffer.from(
    JSON.stringify({ v: FORMAT_VERSION, h: row.holders.map(stored), w: row.waiters.map(stored) }),
    'latin1',
  );
}

export function decodeLockRow(bytes: Buffer | null | undefined): LockRow {
  if (bytes === null || bytes === undefined) return FREE;
  const { h, w } = parse(bytes) as { h: StoredEntry[]; w: StoredEntry[] };
  return { holders: h.map(restored), waiters: w.map(restored) };
}

export function encodeNodeLease({ incarnation, until }: NodeLease): Buffer {
  return Buffer.from(JSON.stringify({ v: FORMAT_VERSION, i: incarnation, u: until }), 'latin1');
}

export function decodeNodeLease(bytes: Buffer | null | undefined): NodeLease | null {
  if (bytes === null || bytes === undefined) return null;
  const { i, u } = parse(bytes) as { i: string; u: number };
  return { incarnation: i, until: u };
}

function parse(bytes: Buffer): unknown {
  let parsed: { v?: unknown };
  try {
    parsed = JSON.parse(bytes.latin1Slice()) as { v?: unknown };
  } catch (cause) {
    throw sqlError('XX001', `advisory lock is damaged: ${String(cause)}`);
  }
  if (parsed.v !== FORMAT_VERSION) {
    throw sqlError('XX001', `advisory lock has unknown format version ${String(parsed.v)}`);
  }
  return parsed;
}
