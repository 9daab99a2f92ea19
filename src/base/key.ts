/**
 * Keys are binary strings: one JavaScript character (U+0000–U+00FF) per byte. They compare with
 * `<` exactly as bytes compare, serve as Map keys, are immutable, and V8 stores them in one byte
 * per character. They become bytes only at the engine and on the wire ('latin1').
 * Half-open spans [start, end). An empty `end` never occurs: use KEY_MAX.
 */
export type Key = string;

export interface Span {
  readonly start: Key;
  readonly end: Key;
}

/** Sorts before / after every key that a range can hold. */
export const KEY_MIN: Key = '\x02';
export const KEY_MAX: Key = '\xff';

export function keyToBytes(key: Key): Buffer {
  return Buffer.from(key, 'latin1');
}

export function bytesToKey(bytes: Uint8Array): Key {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).latin1Slice();
}

/** The first key after `key` itself. */
export function keyNext(key: Key): Key {
  return key + '\x00';
}

/**
 * Where removals of the row at `key` are written and its existence is locked (range/kv-api.ts, LockScope). No row has
 * this key: none is a prefix of another.
 */
export function existenceKey(key: Key): Key {
  return key + '\x00';
}

/** The first key after every key that starts with `prefix`; KEY_MAX if there is none. */
export function prefixEnd(prefix: Key): Key {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const code = prefix.charCodeAt(i);
    if (code < 0xff) return prefix.slice(0, i) + String.fromCharCode(code + 1);
  }
  return KEY_MAX;
}

export function spanContains(span: Span, key: Key): boolean {
  return span.start <= key && key < span.end;
}

export function spansOverlap(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end;
}

/** For messages: printable ASCII as it is, the rest as \xNN. */
export function formatKey(key: Key): string {
  // eslint-disable-next-line no-control-regex
  return key.replace(/[^\x21-\x7e]|\\/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
