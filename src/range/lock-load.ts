/**
 * The lock table of a lease that begins, read from the intents that the range holds.
 *
 * Intents carry the values that they would become: a transaction under way may have gigabytes of them in one range. Reading
 * them at one go stops the node for as long as it takes, and its lease ends before it has begun; the next leader does the same.
 * So they are read piece by piece, and the node does everything else in between. Nothing changes them
 * meanwhile: whatever earlier terms committed is applied, and this term proposes nothing before its lease.
 */
import type { Key, Span } from '../base/key.js';
import { keyNext } from '../base/key.js';
import { LOCAL_DESCRIPTOR_PREFIX } from '../encoding/keyspace.js';
import type { EngineReader } from '../storage/engine.js';
import { decodeIntent, intentHead, type IntentRecord, intentSpan, intentUserKey } from '../storage/lock-record.js';
import type { TxnMeta } from './kv-api.js';
import type { LockTable } from './lock-table.js';

/** Of keys and values, for one turn of the event loop. */
const PIECE_BYTES = 2 << 20;
/** Of a table that was handed on. */
const CHECKED_BYTES = 64 << 10;

/** Where the locks of a range are, in order. */
export function lockSpansOf({ start, end }: Span): Span[] {
  return [
    { start: LOCAL_DESCRIPTOR_PREFIX + start, end: LOCAL_DESCRIPTOR_PREFIX + end },
    { start, end },
  ];
}

/**
 * Whether a table that was handed on has what is on disk: as much of it as one small piece holds, and no more than that if that is
 * all. A table that lacks an intent would let others read and write past it.
 */
export function agreesWithDisk(engine: EngineReader, locks: LockTable, spans: readonly Span[]): boolean {
  let seen = 0;
  for (const { start, end } of spans) {
    const rows = engine.scan({ family: 'locks', ...intentSpan(start, end), limitBytes: CHECKED_BYTES });
    let read = 0;
    for (const { key, value } of rows) {
      read += key.length + value.length;
      if ((locks.get(intentUserKey(key))?.intentTs ?? 0) === 0) return false;
    }
    if (read >= CHECKED_BYTES) return true;
    seen += rows.length;
  }
  return seen === locks.intentCount;
}

export class LockLoad {
  readonly term: number;
  readonly #engine: EngineReader;
  readonly #locks: LockTable;
  readonly #left: Span[];
  /** Who laid the intent before, at what time: the first bytes of the next say whether it is the same. */
  #holder: { readonly head: Buffer; readonly txn: TxnMeta } | null = null;

  constructor(term: number, engine: EngineReader, locks: LockTable, spans: readonly Span[]) {
    this.term = term;
    this.#engine = engine;
    this.#locks = locks;
    this.#left = spans.map(({ start, end }) => intentSpan(start, end));
    locks.clear();
  }

  /** Reads the next piece; true when it was the last. */
  step(): boolean {
    let bytes = 0;
    for (let span = this.#left[0]; span !== undefined; span = this.#left[0]) {
      const limitBytes = PIECE_BYTES - bytes;
      const rows = this.#engine.scan({ family: 'locks', ...span, limitBytes });
      let read = 0;
      for (const { key, value } of rows) {
        this.#lay(key, value);
        read += key.length + value.length;
      }
      bytes += read;
      if (read < limitBytes) {
        this.#left.shift();
        continue;
      }
      this.#left[0] = { start: keyNext(rows.at(-1)!.key), end: span.end };
      return false;
    }
    return true;
  }

  /** Intents of one transaction share its description: there may be millions of them. */
  #lay(key: Key, value: Buffer): void {
    let holder = this.#holder;
    if (holder === null || value.compare(holder.head, 0, holder.head.length, 0, holder.head.length) !== 0) {
      const intent = decodeIntent(value);
      holder = { head: intentHead(intent), txn: holderOf(intent) };
      this.#holder = holder;
    }
    this.#locks.intentLaid(intentUserKey(key), holder.txn, holder.txn.writeTs);
  }
}

function holderOf(intent: IntentRecord): TxnMeta {
  return {
    id: intent.txnId,
    anchorKey: intent.anchorKey,
    epoch: intent.epoch,
    isolation: intent.isolation,
    readTs: intent.writeTs,
    writeTs: intent.writeTs,
    minTs: intent.minTs,
    uncertaintyLimit: intent.writeTs,
    coordinator: intent.coordinatorNode,
    name: '',
  };
}
