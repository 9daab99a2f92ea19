/**
 * Stored forms of the notification queues, one queue per database.
 *
 * | key | value |
 * |---|---|
 * | `/system/notify/<database>h` | the head: `{"v":1,"s":last number,"f":first number kept,"n":[[node, until], …]}` |
 * | `/system/notify/<database>q<number>` | what one transaction said: `{"v":1,"t":time,"p":process id,"n":[[channel, payload], …]}` |
 *
 * Times are HLC times. Golden tests hold both.
 */
import { sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import { encodeUint, SYSTEM_PREFIX } from '../../encoding/keyspace.js';

const FORMAT_VERSION = 1;

export interface QueueHead {
  /** Number of the newest row; rows are numbered without gaps in the order of their commits. */
  readonly last: number;
  /** Number of the oldest row that is kept. */
  readonly first: number;
  /** Nodes that want the queue to be written, and until when. */
  readonly nodes: readonly (readonly [node: number, until: number])[];
}

export interface QueueRow {
  readonly time: number;
  readonly processId: number;
  readonly notifications: readonly (readonly [channel: string, payload: string])[];
}

export const EMPTY_HEAD: QueueHead = { last: 0, first: 1, nodes: [] };

export function queueHeadKey(databaseId: number): Key {
  return `${SYSTEM_PREFIX}notify/${encodeUint(databaseId)}h`;
}
export function queueRowKey(databaseId: number, sequence: number): Key {
  return `${SYSTEM_PREFIX}notify/${encodeUint(databaseId)}q${encodeUint(sequence)}`;
}

export function encodeHead(head: QueueHead): Buffer {
  return Buffer.from(JSON.stringify({ v: FORMAT_VERSION, s: head.last, f: head.first, n: head.nodes }), 'latin1');
}

export function decodeHead(bytes: Buffer | null | undefined): QueueHead {
  if (bytes === null || bytes === undefined) return EMPTY_HEAD;
  const { s, f, n } = parse(bytes) as { s: number; f: number; n: [number, number][] };
  return { last: s, first: f, nodes: n };
}

export function encodeRow(row: QueueRow): Buffer {
  return Buffer.from(
    JSON.stringify({ v: FORMAT_VERSION, t: row.time, p: row.processId, n: row.notifications }),
    'utf8',
  );
}

export function decodeRow(bytes: Buffer): QueueRow {
  const { t, p, n } = parse(bytes) as { t: number; p: number; n: [string, string][] };
  return { time: t, processId: p, notifications: n };
}

function parse(bytes: Buffer): unknown {
  let parsed: { v?: unknown };
  try {
    parsed = JSON.parse(bytes.toString('utf8')) as { v?: unknown };
  } catch (cause) {
    throw sqlError('XX001', `notification queue is damaged: ${String(cause)}`);
  }
  if (parsed.v !== FORMAT_VERSION) {
    throw sqlError('XX001', `notification queue has unknown format version ${String(parsed.v)}`);
  }
  return parsed;
}
