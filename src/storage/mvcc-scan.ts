/**
 * Scans of the live rows of a span at a timestamp, forward and backward. See mvcc.ts for versions.
 *
 * Rows with one or a few versions are stepped over, because rows come in pages and a step is
 * cheap; past a key with more versions the cursor seeks. Backward a key's versions come oldest
 * first, so a key with many versions is read by point look-ups instead.
 *
 * The result is in columns: parallel arrays save an object per row.
 */
import { assert } from '../base/assert.js';
import type { Timestamp } from '../base/ids.js';
import { keyNext, type Key } from '../base/key.js';
import type { EngineIterator, EngineReader } from './engine.js';
import { decodeVersionValue, readAt, skipKey, STEPS_BEFORE_SEEK } from './mvcc.js';
import { timestampSuffix, userKeyOfPrefix, versionPrefix, versionPrefixOf, versionTimestamp } from './mvcc-key.js';

export interface MvccScanOptions {
  readonly reverse?: boolean;
  /** Stops after this many rows. Default: no limit. */
  readonly maxRows?: number;
  /** Stops after the row that reaches this many bytes of keys and values. Default: no limit. */
  readonly maxBytes?: number;
  /** Versions in (ts, limitTs] are reported. Default: `ts`, that is none. */
  readonly limitTs?: Timestamp;
}

export interface MvccScanResult {
  readonly keys: Key[];
  readonly values: Buffer[];
  readonly timestamps: Timestamp[];
  /**
   * If a limit stopped the scan: the next scan's `start`, or its `end` if reverse. There may or may
   * not be more rows. null: the span is done.
   */
  readonly resumeKey: Key | null;
  /** Newest version in (ts, limitTs] of the keys passed; 0: none. */
  readonly newerTs: Timestamp;
  /** Its key; '' if there is none. */
  readonly newerKey: Key;
}

class ScanState {
  readonly keys: Key[] = [];
  readonly values: Buffer[] = [];
  readonly timestamps: Timestamp[] = [];
  newerTs: Timestamp = 0;
  newerPrefix = '';
  #bytes = 0;
  readonly ts: Timestamp;
  readonly limitTs: Timestamp;
  readonly #maxRows: number;
  readonly #maxBytes: number;

  constructor(ts: Timestamp, options: MvccScanOptions) {
    this.ts = ts;
    this.limitTs = options.limitTs ?? ts;
    this.#maxRows = options.maxRows ?? Infinity;
    this.#maxBytes = options.maxBytes ?? Infinity;
    assert(this.#maxRows > 0 && this.#maxBytes > 0, 'limits of a scan are positive');
  }

  sawNewer(prefix: string, ts: Timestamp): void {
    if (ts > this.limitTs || ts <= this.newerTs) return;
    this.newerTs = ts;
    this.newerPrefix = prefix;
  }

  /** @returns whether a limit is reached. */
  emit(prefix: string, ts: Timestamp, value: Buffer): boolean {
    const key = userKeyOfPrefix(prefix);
    this.keys.push(key);
    this.values.push(value);
    this.timestamps.push(ts);
    this.#bytes += key.length + value.length;
    return this.keys.length >= this.#maxRows || this.#bytes >= this.#maxBytes;
  }

  result(resumeKey: Key | null): MvccScanResult {
    return {
      keys: this.keys,
      values: this.values,
      timestamps: this.timestamps,
      resumeKey,
      newerTs: this.newerTs,
      newerKey: this.newerTs === 0 ? '' : userKeyOfPrefix(this.newerPrefix),
    };
  }
}

const FIRST_PAGE_ROWS = 16;

/** The live rows of [start, end) at `ts`. */
export function mvccScan(
  reader: EngineReader,
  start: Key,
  end: Key,
  ts: Timestamp,
  options: MvccScanOptions = {},
): MvccScanResult {
  const state = new ScanState(ts, options);
  if (start >= end) return state.result(null);
  const it = reader.iterator('versions', versionPrefix(start), versionPrefix(end), {
    rows: Math.min(options.maxRows ?? FIRST_PAGE_ROWS, FIRST_PAGE_ROWS),
  });
  try {
    if (options.reverse === true) {
      it.seekBefore(versionPrefix(end));
      const last = scanBackward(reader, it, state);
      return state.result(last !== null && last > start ? last : null);
    }
    it.seek(versionPrefix(start));
    const last = scanForward(it, state);
    const resume = last === null ? null : keyNext(last);
    return state.result(resume !== null && resume < end ? resume : null);
  } finally {
    it.close();
  }
}

/** @returns the last row's key if a limit stopped the scan. */
function scanForward(it: EngineIterator, state: ScanState): Key | null {
  while (it.valid) {
    const prefix = versionPrefixOf(it.key);
    if (!skipNewerNoting(it, prefix, state)) continue;
    const versionTs = versionTimestamp(it.key);
    const { value } = decodeVersionValue(it.key, it.value);
    if (value !== null && state.emit(prefix, versionTs, value)) return state.keys.at(-1)!;
    it.next();
    skipKey(it, prefix);
  }
  return null;
}

/** Forward to the first version <= ts of this key. @returns false if it has none. */
function skipNewerNoting(it: EngineIterator, prefix: string, state: ScanState): boolean {
  let soughtLimit = false;
  for (let steps = 0; it.valid; steps++) {
    const encoded = it.key;
    if (!encoded.startsWith(prefix)) return false;
    const versionTs = versionTimestamp(encoded);
    if (versionTs <= state.ts) return true;
    state.sawNewer(prefix, versionTs);
    if (steps < STEPS_BEFORE_SEEK) {
      it.next();
    } else if (!soughtLimit && versionTs > state.limitTs && state.limitTs > state.ts) {
      // The newest version within the limit must be seen as well.
      soughtLimit = true;
      it.seek(prefix + timestampSuffix(state.limitTs));
    } else {
      it.seek(prefix + timestampSuffix(state.ts));
    }
  }
  return false;
}

/** @returns the last row's key if a limit stopped the scan. */
function scanBackward(reader: EngineReader, it: EngineIterator, state: ScanState): Key | null {
  while (it.valid) {
    const prefix = versionPrefixOf(it.key);
    let foundTs: Timestamp = 0;
    let found: Buffer | null = null;
    for (let steps = 0; it.valid; steps++) {
      const encoded = it.key;
      if (!encoded.startsWith(prefix)) break;
      if (steps > STEPS_BEFORE_SEEK) {
        const read = readAt(reader, prefix, state.ts, state.limitTs);
        foundTs = read.ts;
        found = read.value;
        if (read.newer !== 0) state.sawNewer(prefix, read.newer);
        it.seekBefore(prefix);
        break;
      }
      const versionTs = versionTimestamp(encoded);
      if (versionTs > state.ts) {
        state.sawNewer(prefix, versionTs);
      } else {
        foundTs = versionTs;
        found = decodeVersionValue(encoded, it.value).value;
      }
      it.prev();
    }
    if (found !== null && state.emit(prefix, foundTs, found)) return state.keys.at(-1)!;
  }
  return null;
}
