/**
 * scan: the rows of a span at one timestamp, with uncertainty, intents, and locks if asked for.
 *
 * Versions are read first, as many as are asked for; then the locks between them are looked at in the same order, and the
 * intents that the read sees are laid over the versions, until there are enough rows. What lies behind the last row is
 * not looked at: nobody waits for it, and a page of a million intents costs what a page costs.
 *
 * Invariant: nothing is answered for a key whose lock was not looked at, and no read is noted beyond `resumeKey`.
 */
import { assert } from '../../base/assert.js';
import { TIMESTAMP_MAX } from '../../base/ids.js';
import { keyNext, type Key } from '../../base/key.js';
import type { EngineIterator, EngineReader } from '../../storage/engine.js';
import { decodeIntent, intentKey, intentSpan } from '../../storage/lock-record.js';
import { mvccNewest } from '../../storage/mvcc.js';
import { mvccScan, type MvccScanResult } from '../../storage/mvcc-scan.js';
import type { LockScope, ScanRequest, ScanResponse } from '../kv-api.js';
import type { LockState } from '../lock-table.js';
import type { EvalContext } from './context.js';
import { newerVersion, takeLock, uncertainVersion } from './read.js';
import { readLimit, seesIntent } from './standing.js';

/** Of a scan without a limit, looked at before it reads anything: it is likely to wait for the first that is in its way. */
const LOCKS_AT_FIRST = 256;
/** Intents that are looked up one by one, before an iterator pays. */
const INTENTS_BY_KEY = 8;

interface Rows {
  readonly keys: Key[];
  readonly values: Buffer[];
  readonly resumeKey: Key | null;
}

export function evalScan(ctx: EvalContext, request: ScanRequest): ScanResponse {
  const { start, end, reverse } = request;
  const locking = request.lock !== 'none';
  if (ctx.rowsLeft > LOCKS_AT_FIRST) meetFirst(ctx, request);
  const scanned = mvccScan(ctx.range.reader, start, end, ctx.readTs, {
    reverse,
    maxRows: ctx.rowsLeft,
    maxBytes: ctx.bytesLeft,
    limitTs: locking ? TIMESTAMP_MAX : readLimit(ctx),
  });
  let result: Rows = ctx.range.locks.size === 0 ? scanned : overlayIntents(ctx, request, scanned);
  if (scanned.newerTs !== 0) {
    const newest = { ts: scanned.newerTs, key: scanned.newerKey };
    const from = reverse && result.resumeKey !== null ? result.resumeKey : start;
    const to = !reverse && result.resumeKey !== null ? result.resumeKey : end;
    const newer = locking ? newest : uncertainVersion(ctx, from, to, newest);
    // What was removed is no row, and would not be in what the transaction knows to have locked.
    if (request.lock !== 'none' && mvccNewest(ctx.range.reader, newest.key)?.value != null)
      takeLock(ctx, newest.key, request.lock, request.scope);
    if (newer !== null) newerVersion(ctx, newer.key, newer.ts, locking);
  }
  noteScan(ctx, request, result.resumeKey);
  if (request.lock !== 'none') result = lockRows(ctx, result, request.lock, request.scope);
  ctx.rowsLeft -= result.keys.length;
  for (const value of result.values) ctx.bytesLeft -= value.length;
  return { kind: 'scan', keys: result.keys, values: result.values, resumeKey: result.resumeKey };
}

function locksOf(ctx: EvalContext, start: Key, end: Key, reverse: boolean): IterableIterator<LockState> {
  const { locks } = ctx.range;
  return reverse ? locks.rangeReverse(start, end) : locks.range(start, end);
}

/** Who skips locked rows does not wait for them either: lockRows leaves them out, or whoever locks what was read here. */
function isLeftAlone(ctx: EvalContext, lock: LockState): boolean {
  return lock.intentTs === 0 || (ctx.header.wait === 'skip' && lock.holder?.id !== ctx.txn?.id);
}

function meetFirst(ctx: EvalContext, { start, end, reverse, lock: mode }: ScanRequest): void {
  let seen = 0;
  for (const lock of locksOf(ctx, start, end, reverse)) {
    if (seen++ >= LOCKS_AT_FIRST) return;
    if (!isLeftAlone(ctx, lock)) seesIntent(ctx, lock, mode === 'none');
  }
}

/** Only what was looked at is protected from later writers; what may be stale at once need not be. */
function noteScan(ctx: EvalContext, request: ScanRequest, resumeKey: Key | null): void {
  if (ctx.header.wait === 'past') return;
  const { start, end, reverse } = request;
  if (resumeKey === null) ctx.readSpans.push({ start, end });
  else if (reverse) ctx.readSpans.push({ start: resumeKey, end });
  else ctx.readSpans.push({ start, end: resumeKey });
}

function lockRows(ctx: EvalContext, rows: Rows, mode: 'share' | 'exclusive', scope: LockScope | undefined): Rows {
  const keys: Key[] = [];
  const values: Buffer[] = [];
  for (let i = 0; i < rows.keys.length; i++) {
    if (!takeLock(ctx, rows.keys[i]!, mode, scope)) continue;
    keys.push(rows.keys[i]!);
    values.push(rows.values[i]!);
  }
  return { keys, values, resumeKey: rows.resumeKey };
}

/** Values of intents, asked for in the order of the scan. */
class IntentValues {
  readonly #reader: EngineReader;
  readonly #request: ScanRequest;
  #asked = 0;
  #it: EngineIterator | null = null;

  constructor(reader: EngineReader, request: ScanRequest) {
    this.#reader = reader;
    this.#request = request;
  }

  /** null: the intent deletes. */
  of(key: Key): Buffer | null {
    const stored = this.#stored(intentKey(key));
    assert(stored !== null, 'the lock table names an intent that is not there');
    return decodeIntent(stored).value;
  }

  close(): void {
    this.#it?.close();
  }

  #stored(wanted: Key): Buffer | null {
    if (this.#asked++ < INTENTS_BY_KEY) return this.#reader.get('locks', wanted);
    const { start, end, reverse } = this.#request;
    if (this.#it === null) {
      const span = intentSpan(start, end);
      this.#it = this.#reader.iterator('locks', span.start, span.end);
      this.#it.seek(wanted);
    } else if (this.#it.valid) {
      if (reverse) this.#it.prev();
      else this.#it.next();
    }
    // Others' intents may lie between.
    if (!this.#it.valid || this.#it.key !== wanted) this.#it.seek(wanted);
    return this.#it.valid && this.#it.key === wanted ? this.#it.value : null;
  }
}

/** Versions and intents in one order, up to the limits of the batch. */
class Merge {
  readonly keys: Key[] = [];
  readonly values: Buffer[] = [];
  full = false;
  readonly #scanned: MvccScanResult;
  readonly #reverse: boolean;
  readonly #rowsMax: number;
  #bytesLeft: number;
  #at = 0;

  constructor(ctx: EvalContext, scanned: MvccScanResult, reverse: boolean) {
    this.#scanned = scanned;
    this.#reverse = reverse;
    this.#rowsMax = ctx.rowsLeft;
    this.#bytesLeft = ctx.bytesLeft;
  }

  /** Takes the versions that come before the key; null: all that are left. */
  versionsBefore(until: Key | null): void {
    const { keys, values } = this.#scanned;
    for (; this.#at < keys.length && !this.full; this.#at++) {
      const key = keys[this.#at]!;
      if (until !== null && (this.#reverse ? key <= until : key >= until)) return;
      this.#add(key, values[this.#at]!);
    }
  }

  /** Takes the intent instead of the version of its key. */
  intent(key: Key, value: Buffer | null): void {
    if (this.#scanned.keys[this.#at] === key) this.#at++;
    if (value !== null) this.#add(key, value);
  }

  #add(key: Key, value: Buffer): void {
    this.keys.push(key);
    this.values.push(value);
    this.#bytesLeft -= key.length + value.length;
    this.full = this.keys.length >= this.#rowsMax || this.#bytesLeft <= 0;
  }
}

/** @throws LockConflict for an intent among the rows that the read must wait for. */
function overlayIntents(ctx: EvalContext, request: ScanRequest, scanned: MvccScanResult): Rows {
  const { reverse } = request;
  const start = reverse && scanned.resumeKey !== null ? scanned.resumeKey : request.start;
  const end = !reverse && scanned.resumeKey !== null ? scanned.resumeKey : request.end;
  const intents = new IntentValues(ctx.range.reader, request);
  let merge: Merge | null = null;
  try {
    for (const lock of locksOf(ctx, start, end, reverse)) {
      merge?.versionsBefore(lock.key);
      if (merge?.full === true) break;
      if (isLeftAlone(ctx, lock) || !seesIntent(ctx, lock, request.lock === 'none')) continue;
      if (merge === null) {
        merge = new Merge(ctx, scanned, reverse);
        merge.versionsBefore(lock.key);
      }
      merge.intent(lock.key, intents.of(lock.key));
      if (merge.full) break;
    }
  } finally {
    intents.close();
  }
  if (merge === null) return scanned;
  merge.versionsBefore(null);
  const { keys, values, full } = merge;
  return { keys, values, resumeKey: full ? behind(keys.at(-1)!, request) : scanned.resumeKey };
}

/** Where a scan goes on that stopped after the row; null: the span is done. */
function behind(last: Key, { start, end, reverse }: ScanRequest): Key | null {
  if (reverse) return last > start ? last : null;
  const next = keyNext(last);
  return next < end ? next : null;
}
