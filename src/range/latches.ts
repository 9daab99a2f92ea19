/**
 * Write latches of one range: which keys have a proposal under way whose effect cannot be read yet.
 *
 * Evaluation is synchronous, so reads need no latch of their own: they only wait while a write
 * that they would have to see is between its evaluation and its application. A writer waits
 * likewise, and holds its keys from its evaluation until its proposal has been applied or refused.
 * A latch is `transparent` if what its proposal changes is the same to a read before and after: intents of a transaction
 * that is known to have committed become versions. Plain reads need not wait for it.
 *
 * Invariants: two held latches never overlap; a waiter is woken by every release and looks again.
 */
import { assert } from '../base/assert.js';
import type { Key, Span } from '../base/key.js';

export interface Latch {
  readonly keys: readonly Key[];
  readonly span: Span | null;
  readonly transparent: boolean;
  /** Resolves at release. */
  readonly released: Promise<void>;
  readonly release: () => void;
}

/** Beyond this many keys a latch covers their whole span instead. */
const POINT_KEYS_MAX = 64;

export class LatchManager {
  readonly #points = new Map<Key, Latch>();
  readonly #spans = new Set<Latch>();

  get idle(): boolean {
    return this.#points.size === 0 && this.#spans.size === 0;
  }

  /** The latch that keeps `key` from being read or written now; `sees`: by a plain read, which sees through some. */
  conflict(key: Key, sees = false): Latch | null {
    const held = this.#points.get(key);
    if (held !== undefined && !(sees && held.transparent)) return held;
    for (const latch of this.#spans) {
      const span = latch.span;
      if (sees && latch.transparent) continue;
      if (span !== null && span.start <= key && key < span.end) return latch;
    }
    return null;
  }

  conflictSpan(start: Key, end: Key, sees = false): Latch | null {
    for (const latch of this.#spans) {
      const span = latch.span;
      if (sees && latch.transparent) continue;
      if (span !== null && span.start < end && start < span.end) return latch;
    }
    for (const [key, latch] of this.#points) {
      if (sees && latch.transparent) continue;
      if (start <= key && key < end) return latch;
    }
    return null;
  }

  /** The caller has checked in this same turn that nothing conflicts. */
  acquire(keys: readonly Key[], span: Span | null, transparent = false): Latch {
    let release!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const many = span === null && keys.length > POINT_KEYS_MAX;
    // Latches of transaction records (first byte 0) stay points, or the hull would cover everything.
    const points = many ? keys.filter((key) => key.charCodeAt(0) === 0) : keys;
    const latch: Latch = {
      keys: points,
      span: many ? hull(keys.filter((key) => key.charCodeAt(0) !== 0)) : span,
      transparent,
      released,
      release: () => {
        this.#drop(latch);
        release();
      },
    };
    for (const key of points) {
      const other = this.#points.get(key);
      assert(other === undefined || other === latch, 'two writers latched one key');
      this.#points.set(key, latch);
    }
    if (latch.span !== null) this.#spans.add(latch);
    return latch;
  }

  #drop(latch: Latch): void {
    if (latch.span !== null) this.#spans.delete(latch);
    for (const key of latch.keys) {
      if (this.#points.get(key) === latch) this.#points.delete(key);
    }
  }
}

/** The smallest span that holds all keys. */
export function hull(keys: readonly Key[]): Span {
  let start = keys[0]!;
  let end = start;
  for (const key of keys) {
    if (key < start) start = key;
    if (key > end) end = key;
  }
  return { start, end: end + '\x00' };
}
