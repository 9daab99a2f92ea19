/**
 * The queue of a database's notifications in KV: what a transaction says is a row, written in that very
 * transaction, so that it is there if and only if the transaction committed. hub.ts has the whole protocol.
 *
 * Invariants
 * - Whoever writes rows holds the lock of the head from before its commit to its end, and gives them the next
 *   numbers: so numbers have no gaps, and their order is the order of the commits.
 * - Whoever finds no node in the head has this verified by its commit (a tracked read at SERIALIZABLE, the lock
 *   otherwise): a LISTEN that was answered before that commit has put its node there.
 */
import type { KvDb, KvTxn } from '../../txn/kv-txn.js';
import { againIfUnknown } from '../catalog/again.js';
import { decodeHead, decodeRow, encodeHead, encodeRow, queueHeadKey, queueRowKey } from './codec.js';
import type { QueueHead, QueueRow } from './codec.js';

/** Characters of channels and payloads in one row; a transaction with more writes several. */
const ROW_CHARACTERS = 64 * 1024;
/** Rows that one clean-up removes, or one look at the queue reads. */
const ROWS_MAX = 256;

export type Said = readonly (readonly [channel: string, payload: string])[];

export interface Enqueued {
  readonly last: number;
  /** Nodes to be told. */
  readonly nodes: readonly number[];
}

function listeningNodes(head: QueueHead, now: number): number[] {
  return head.nodes.filter(([, until]) => until > now).map(([node]) => node);
}

/**
 * Adds to the transaction what it says; null when nobody listens. The last thing before its commit, since it
 * holds up every other transaction of the database that notifies. `quiet`: nobody is expected to listen.
 */
export async function enqueue(
  txn: KvTxn,
  databaseId: number,
  said: { readonly processId: number; readonly notifications: Said; readonly now: number; readonly quiet: boolean },
): Promise<Enqueued | null> {
  const key = queueHeadKey(databaseId);
  const { now, processId } = said;
  if (said.quiet && txn.isolation === 'serializable') {
    if (listeningNodes(decodeHead(await txn.get(key)), now).length === 0) return null;
  }
  const head = decodeHead(await txn.get(key, { lock: 'exclusive' }));
  const nodes = listeningNodes(head, now);
  if (nodes.length === 0) return null;
  let { last } = head;
  for (const notifications of portions(said.notifications)) {
    last++;
    txn.put(queueRowKey(databaseId, last), encodeRow({ time: now, processId, notifications }));
  }
  txn.put(key, encodeHead({ ...head, last }));
  return { last, nodes };
}

function* portions(said: Said): Generator<Said> {
  let portion: (readonly [string, string])[] = [];
  let characters = 0;
  for (const one of said) {
    if (characters >= ROW_CHARACTERS) {
      yield portion;
      portion = [];
      characters = 0;
    }
    portion.push(one);
    characters += one[0].length + one[1].length;
  }
  if (portion.length > 0) yield portion;
}

/** The node is in the head until `until`, at least; an end that is there already stays if it is later. */
export function register(db: KvDb, databaseId: number, until: number): Promise<QueueHead> {
  return againIfUnknown(() =>
    change(db, databaseId, (head) => {
      const own = head.nodes.find(([node]) => node === db.nodeId)?.[1] ?? 0;
      const others = head.nodes.filter(([node, end]) => node !== db.nodeId && end > db.now());
      return { ...head, nodes: [...others, [db.nodeId, Math.max(own, until)] as const].sort((a, b) => a[0] - b[0]) };
    }),
  );
}

export async function unregister(db: KvDb, databaseId: number): Promise<void> {
  await againIfUnknown(() =>
    change(db, databaseId, (head) => ({ ...head, nodes: head.nodes.filter(([node]) => node !== db.nodeId) })),
  );
}

function change(db: KvDb, databaseId: number, fn: (head: QueueHead) => QueueHead): Promise<QueueHead> {
  const key = queueHeadKey(databaseId);
  return db.run({ isolation: 'serializable', name: 'listen' }, async (txn) => {
    const head = fn(decodeHead(await txn.get(key, { lock: 'exclusive' })));
    txn.put(key, encodeHead(head));
    return head;
  });
}

export async function readHead(db: KvDb, databaseId: number): Promise<QueueHead> {
  const [bytes] = await db.getMany([queueHeadKey(databaseId)]);
  return decodeHead(bytes);
}

export interface NumberedRow extends QueueRow {
  readonly sequence: number;
}

/** Rows from `first` to `last` that are there, a bounded number of them. */
export async function readRows(db: KvDb, databaseId: number, first: number, last: number): Promise<NumberedRow[]> {
  const end = Math.min(last, first + ROWS_MAX - 1);
  const keys: string[] = [];
  for (let sequence = first; sequence <= end; sequence++) keys.push(queueRowKey(databaseId, sequence));
  const values = await db.getMany(keys);
  const rows: NumberedRow[] = [];
  values.forEach((bytes, i) => {
    if (bytes !== null) rows.push({ ...decodeRow(bytes), sequence: first + i });
  });
  return rows;
}

/** Removes rows from before `time`. True: there may be more of them. */
export function trim(db: KvDb, databaseId: number, time: number): Promise<boolean> {
  const key = queueHeadKey(databaseId);
  return db.run({ isolation: 'serializable', name: 'notification clean-up' }, async (txn) => {
    const head = decodeHead(await txn.get(key, { lock: 'exclusive' }));
    const end = Math.min(head.last + 1, head.first + ROWS_MAX);
    const { keys, values } = await txn.scan({
      start: queueRowKey(databaseId, head.first),
      end: queueRowKey(databaseId, end),
    });
    let { first } = head;
    for (const [i, rowKey] of keys.entries()) {
      if (decodeRow(values[i]!).time >= time) break;
      txn.delete(rowKey);
      first++;
    }
    if (first !== head.first) txn.put(key, encodeHead({ ...head, first }));
    return first === end && end <= head.last;
  });
}
