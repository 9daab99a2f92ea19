/**
 * When was each key last read? (DESIGN 6: "the timestamp cache keeps writers behind readers".)
 *
 * A write at timestamp t of a key that another transaction has read at r >= t would change what that
 * read saw; so the write must move above r. The cache answers with an upper bound of r.
 *
 * Invariants
 * - `max(key)` never answers lower than any read recorded for the key; it may answer higher.
 * - What is forgotten raises the low-water mark first. A new leaseholder starts its mark at the
 *   beginning of its lease, which is above everything the old one could have served.
 * - An answer names a transaction only if every read at that timestamp was that transaction's own.
 *
 * Bounds: two generations of at most POINTS_MAX points and SPANS_MAX spans each.
 */
import type { Timestamp, TxnId } from '../base/ids.js';
import type { Key } from '../base/key.js';

interface ReadMark {
  ts: Timestamp;
  txnId: TxnId | null;
}

interface SpanMark extends ReadMark {
  readonly start: Key;
  readonly end: Key;
}

const POINTS_MAX = 32_768;
const SPANS_MAX = 256;

export class TimestampCache {
  #lowWater: Timestamp;
  #points = new Map<Key, ReadMark>();
  #pointsOld = new Map<Key, ReadMark>();
  #pointsOldMax: Timestamp = 0;
  #pointsMax: Timestamp = 0;
  #spans: SpanMark[] = [];
  #spansOld: SpanMark[] = [];
  readonly #answer: ReadMark = { ts: 0, txnId: null };

  constructor(lowWater: Timestamp) {
    this.#lowWater = lowWater;
  }

  get lowWater(): Timestamp {
    return this.#lowWater;
  }

  raiseLowWater(ts: Timestamp): void {
    if (ts > this.#lowWater) this.#lowWater = ts;
  }

  addPoint(key: Key, ts: Timestamp, txnId: TxnId | null): void {
    if (ts <= this.#lowWater) return;
    const mark = this.#points.get(key);
    if (mark !== undefined) {
      merge(mark, ts, txnId);
    } else {
      if (this.#points.size >= POINTS_MAX) this.#rotatePoints();
      this.#points.set(key, { ts, txnId });
    }
    if (ts > this.#pointsMax) this.#pointsMax = ts;
  }

  addSpan(start: Key, end: Key, ts: Timestamp, txnId: TxnId | null): void {
    if (ts <= this.#lowWater) return;
    for (const mark of this.#spans) {
      if (mark.start === start && mark.end === end) {
        merge(mark, ts, txnId);
        return;
      }
    }
    if (this.#spans.length >= SPANS_MAX) {
      for (const mark of this.#spansOld) this.raiseLowWater(mark.ts);
      this.#spansOld = this.#spans;
      this.#spans = [];
    }
    this.#spans.push({ start, end, ts, txnId });
  }

  /** The lowest timestamp at which `writer` may write `key`, given that it wants `ts`. */
  writeFloor(key: Key, ts: Timestamp, writer: TxnId | null): Timestamp {
    const mark = this.max(key);
    if (mark.ts < ts) return ts;
    if (mark.txnId !== null && mark.txnId === writer) return mark.ts;
    return mark.ts + 1;
  }

  /** The answer object is reused by the next call. */
  max(key: Key): Readonly<ReadMark> {
    const answer = this.#answer;
    answer.ts = this.#lowWater;
    answer.txnId = null;
    const point = this.#points.get(key);
    if (point !== undefined) merge(answer, point.ts, point.txnId);
    const old = this.#pointsOld.get(key);
    if (old !== undefined) merge(answer, old.ts, old.txnId);
    mergeSpans(answer, this.#spans, key);
    mergeSpans(answer, this.#spansOld, key);
    return answer;
  }

  #rotatePoints(): void {
    this.raiseLowWater(this.#pointsOldMax);
    this.#pointsOld = this.#points;
    this.#pointsOldMax = this.#pointsMax;
    this.#points = new Map();
    this.#pointsMax = 0;
  }
}

function merge(mark: ReadMark, ts: Timestamp, txnId: TxnId | null): void {
  if (ts > mark.ts) {
    mark.ts = ts;
    mark.txnId = txnId;
  } else if (ts === mark.ts && mark.txnId !== txnId) {
    mark.txnId = null;
  }
}

function mergeSpans(answer: ReadMark, spans: readonly SpanMark[], key: Key): void {
  for (const span of spans) {
    if (span.ts >= answer.ts && span.start <= key && key < span.end) {
      merge(answer, span.ts, span.txnId);
    }
  }
}
