/**
 * What a transaction has read, for refreshing it at a later timestamp.
 *
 * Invariant: every key that was read at the current read timestamp is covered. Bound: SPANS_MAX
 * entries; above that overlapping spans are joined, then neighbours, which covers more than was read
 * (a refresh may then fail needlessly, never succeed wrongly).
 */
import { keyNext, type Key } from '../base/key.js';

const SPANS_MAX = 4_096;

/** A span, or (end null) one key. */
export interface ReadSpan {
  readonly start: Key;
  readonly end: Key | null;
}

export class ReadSpans {
  #points = new Set<Key>();
  /** Read in order to be locked if they qualify: then their locks stand for them. */
  #tentative = new Set<Key>();
  #spans: { start: Key; end: Key }[] = [];

  get isEmpty(): boolean {
    return this.#points.size === 0 && this.#spans.length === 0 && this.#tentative.size === 0;
  }
  get size(): number {
    return this.#points.size + this.#spans.length + this.#tentative.size;
  }

  addKey(key: Key): void {
    this.#points.add(key);
    if (this.size > SPANS_MAX) this.#condense();
  }

  /** Of this read nothing will be known but by one under a lock, or else that it does not qualify. */
  addTentative(key: Key): void {
    this.#tentative.add(key);
    if (this.size > SPANS_MAX) this.#condense();
  }

  /** They are about to be read under locks: gives those that were tentative. What else was read of them stays. */
  settle(reads: readonly { readonly key: Key }[]): readonly Key[] {
    if (this.#tentative.size === 0) return [];
    return reads.filter(({ key }) => this.#tentative.delete(key)).map(({ key }) => key);
  }

  addSpan(start: Key, end: Key): void {
    if (start >= end) return;
    const last = this.#spans[this.#spans.length - 1];
    // A scan that goes on where the last page stopped.
    if (last !== undefined && last.end === start) last.end = end;
    else if (last !== undefined && last.start === end) last.start = start;
    else this.#spans.push({ start, end });
    if (this.size > SPANS_MAX) this.#condense();
  }

  list(): ReadSpan[] {
    const list: ReadSpan[] = [];
    for (const start of this.#points) list.push({ start, end: null });
    for (const start of this.#tentative) list.push({ start, end: null });
    for (const span of this.#spans) list.push({ start: span.start, end: span.end });
    return list;
  }

  clear(): void {
    if (this.#points.size > 0) this.#points = new Set();
    if (this.#tentative.size > 0) this.#tentative = new Set();
    if (this.#spans.length > 0) this.#spans = [];
  }

  #condense(): void {
    const all = this.#spans;
    for (const key of this.#points) all.push({ start: key, end: keyNext(key) });
    for (const key of this.#tentative) all.push({ start: key, end: keyNext(key) });
    all.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    let joined: { start: Key; end: Key }[] = [];
    for (const span of all) {
      const last = joined[joined.length - 1];
      if (last !== undefined && span.start <= last.end) {
        if (span.end > last.end) last.end = span.end;
      } else joined.push({ start: span.start, end: span.end });
    }
    while (joined.length > SPANS_MAX / 2) {
      const halved: { start: Key; end: Key }[] = [];
      for (let i = 0; i < joined.length; i += 2) {
        halved.push({ start: joined[i]!.start, end: (joined[i + 1] ?? joined[i]!).end });
      }
      joined = halved;
    }
    this.#points = new Set();
    this.#tentative = new Set();
    this.#spans = joined;
  }
}
