/**
 * Locks that a transaction took (or may have taken) at leaseholders, with the timestamp at which the
 * locked key was read: nobody may have written it since, which commit verifies.
 *
 * Invariant: every key that may carry an unreplicated lock of the transaction is in `keys` or in
 * `spans`. Bound: KEYS_MAX keys, above that they are condensed to spans; a span's keys are validated
 * as one, from the earliest of their timestamps.
 */
import { keyNext, type Key, type Span } from '../base/key.js';
import type { Timestamp } from '../base/ids.js';

const KEYS_MAX = 100_000;
const KEYS_PER_SPAN = 1_000;

export interface LockedSpan extends Span {
  readonly since: Timestamp;
}

export class LockLedger {
  #keys = new Map<Key, Timestamp>();
  /** Those of `keys` that are only shared with others. */
  readonly #shared = new Set<Key>();
  #spans: LockedSpan[] = [];
  /** Keys and spans of requests that failed half-way: to be released, not to be relied on. */
  #maybe: Key[] = [];
  #maybeSpans: Span[] = [];
  /** Nothing may be written here since, although nothing need be locked. */
  #verified: LockedSpan[] = [];

  get isEmpty(): boolean {
    return (
      this.#keys.size === 0 &&
      this.#spans.length === 0 &&
      this.#maybe.length === 0 &&
      this.#maybeSpans.length === 0 &&
      this.#verified.length === 0
    );
  }
  get keys(): ReadonlyMap<Key, Timestamp> {
    return this.#keys;
  }
  /** Spans that nobody may have written since: condensed locks that are held, and reads to be verified. */
  get heldSpans(): readonly LockedSpan[] {
    return this.#verified.length === 0 ? this.#spans : [...this.#spans, ...this.#verified];
  }
  /** Every span that may carry locks. */
  get spans(): readonly Span[] {
    return this.#maybeSpans.length === 0 ? this.#spans : [...this.#spans, ...this.#maybeSpans];
  }

  /** The first time counts, whether shared or not: nobody else has written the key since. */
  add(key: Key, since: Timestamp, lock: 'share' | 'exclusive'): void {
    if (lock === 'exclusive') this.#shared.delete(key);
    if (this.#keys.has(key)) return;
    if (lock === 'share') this.#shared.add(key);
    this.#keys.set(key, since);
    if (this.#keys.size > KEYS_MAX) this.#condense();
  }

  /** True if a lock on this very key is known that is as strong. */
  holds(key: Key, lock: 'share' | 'exclusive'): boolean {
    return this.#keys.has(key) && (lock === 'share' || !this.#shared.has(key));
  }

  addVerified(start: Key, end: Key, since: Timestamp): void {
    const last = this.#verified[this.#verified.length - 1];
    // A scan that goes on where the last page stopped.
    if (last !== undefined && last.end === start && last.since <= since) {
      this.#verified[this.#verified.length - 1] = { ...last, end };
    } else if (start < end) this.#verified.push({ start, end, since });
  }

  addMaybe(key: Key): void {
    this.#maybe.push(key);
  }
  addMaybeSpan(start: Key, end: Key): void {
    this.#maybeSpans.push({ start, end });
  }

  since(key: Key): Timestamp {
    const since = this.#keys.get(key);
    if (since !== undefined) return since;
    for (const span of this.#spans) if (span.start <= key && key < span.end) return span.since;
    return 0;
  }

  /** Adds every key that may be locked to `into`. */
  collect(into: Set<Key>): void {
    for (const key of this.#keys.keys()) into.add(key);
    for (const key of this.#maybe) into.add(key);
  }

  /** All locks are held no earlier than this; used after their keys were verified up to there. */
  verifiedTo(ts: Timestamp): void {
    for (const key of this.#keys.keys()) this.#keys.set(key, ts);
    this.#spans = this.#spans.map((s) => ({ ...s, since: ts }));
    this.#verified = this.#verified.map((s) => ({ ...s, since: ts }));
  }

  clear(): void {
    if (this.#keys.size > 0) this.#keys = new Map();
    this.#shared.clear();
    this.#spans = [];
    this.#maybe = [];
    this.#maybeSpans = [];
    this.#verified = [];
  }

  #condense(): void {
    const keys = [...this.#keys].sort((a, b) => (a[0] < b[0] ? -1 : 1));
    for (let i = 0; i < keys.length; i += KEYS_PER_SPAN) {
      const group = keys.slice(i, i + KEYS_PER_SPAN);
      let since = group[0]![1];
      for (const [, ts] of group) since = Math.min(since, ts);
      this.#spans.push({ start: group[0]![0], end: keyNext(group[group.length - 1]![0]), since });
    }
    this.#keys = new Map();
    this.#shared.clear();
  }
}
