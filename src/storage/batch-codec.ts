/**
 * Write batches as bytes: what Raft carries and what every replica applies (DESIGN 6).
 *
 * Format, one operation after another:
 *
 *   op (1 put, 2 delete, 3 delete range) | family (1 versions, 2 locks, 3 local)
 *   | varint key length | key | for 1 and 3: varint length | value, or the end of the range
 *
 * Keys are binary strings written as latin1. Varints are little-endian base 128, at most 5 bytes.
 * The format is replicated and persisted: golden bytes in test/storage/batch-codec.test.ts; new
 * operations get new numbers, and old numbers keep their meaning.
 *
 * Corrupted input throws QuoralError XX001 before anything of the bad operation is applied; a
 * caller that applies into a batch drops the batch then.
 */
import { assert, unreachable } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { Key } from '../base/key.js';
import type { DataFamily, Family, WriteBatch } from './engine.js';

const OP_PUT = 1;
const OP_DELETE = 2;
const OP_DELETE_RANGE = 3;

const FAMILY_BY_CODE: readonly (DataFamily | undefined)[] = [undefined, 'versions', 'locks', 'local'];

/** Longest key or value; far above any row, so that a damaged length is noticed at once. */
export const BATCH_ITEM_BYTES_MAX = 512 * 1024 * 1024;

const INITIAL_BYTES = 256;

export type BatchOp =
  | { readonly kind: 'put'; readonly family: DataFamily; readonly key: Key; readonly value: Buffer }
  | { readonly kind: 'delete'; readonly family: DataFamily; readonly key: Key }
  | {
      readonly kind: 'deleteRange';
      readonly family: DataFamily;
      readonly key: Key;
      readonly end: Key;
    };

function familyCode(family: Family): number {
  switch (family) {
    case 'versions':
      return 1;
    case 'locks':
      return 2;
    case 'local':
      return 3;
    case 'log':
      assert(false, 'the log family cannot be part of a replicated batch');
      return 0;
    default:
      return unreachable(family, 'family');
  }
}

/** Collects operations in one growing buffer. Values are copied when they are added. */
export class BatchBuilder implements WriteBatch {
  #buffer: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of keys and values, without the framing. */
  get bytes(): number {
    return this.#bytes;
  }

  put(family: Family, key: Key, value: Uint8Array): void {
    this.#head(OP_PUT, family, key, value.length + 5);
    this.#varint(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    this.#bytes += value.length;
  }

  delete(family: Family, key: Key): void {
    this.#head(OP_DELETE, family, key, 0);
  }

  deleteRange(family: Family, start: Key, end: Key): void {
    this.#head(OP_DELETE_RANGE, family, start, end.length + 5);
    this.#varint(end.length);
    this.#buffer.latin1Write(end, this.#length);
    this.#length += end.length;
    this.#bytes += end.length;
  }

  /** The encoded operations so far. The builder may not be added to afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #head(op: number, family: Family, key: Key, more: number): void {
    const code = familyCode(family);
    const needed = this.#length + 2 + 5 + key.length + more;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer[this.#length] = op;
    this.#buffer[this.#length + 1] = code;
    this.#length += 2;
    this.#varint(key.length);
    this.#buffer.latin1Write(key, this.#length);
    this.#length += key.length;
    this.#count++;
    this.#bytes += key.length;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }
}

/** The operations of an encoded batch as a batch. */
export function encodeBatch(ops: Iterable<BatchOp>): Buffer {
  const builder = new BatchBuilder();
  for (const op of ops) addOp(builder, op);
  return builder.finish();
}

function addOp(target: WriteBatch, op: BatchOp): void {
  switch (op.kind) {
    case 'put':
      target.put(op.family, op.key, op.value);
      return;
    case 'delete':
      target.delete(op.family, op.key);
      return;
    case 'deleteRange':
      target.deleteRange(op.family, op.key, op.end);
      return;
    default:
      unreachable(op, 'batch operation');
  }
}

function corrupted(at: number, what: string): QuoralError {
  return new QuoralError('XX001', `corrupted write batch: ${what} at byte ${at}`);
}

class BatchReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  next(): BatchOp | null {
    const bytes = this.#bytes;
    if (this.#at >= bytes.length) return null;
    const start = this.#at;
    if (bytes.length - start < 3) throw corrupted(start, 'truncated operation');
    const op = bytes[start];
    const family = FAMILY_BY_CODE[bytes[start + 1]!];
    if (family === undefined) throw corrupted(start + 1, 'unknown family');
    this.#at = start + 2;
    const key = this.#key();
    if (op === OP_PUT) {
      const length = this.#size();
      const value = bytes.subarray(this.#at, this.#at + length);
      this.#at += length;
      return { kind: 'put', family, key, value };
    }
    if (op === OP_DELETE) return { kind: 'delete', family, key };
    if (op === OP_DELETE_RANGE) return { kind: 'deleteRange', family, key, end: this.#key() };
    throw corrupted(start, 'unknown operation');
  }

  #key(): Key {
    const length = this.#size();
    const key = this.#bytes.latin1Slice(this.#at, this.#at + length);
    this.#at += length;
    return key;
  }

  /** A length, checked against what is left. */
  #size(): number {
    const at = this.#at;
    let value = 0;
    for (let i = 0; ; i++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || i === 5) throw corrupted(at, 'bad length');
      this.#at++;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) break;
    }
    if (value > BATCH_ITEM_BYTES_MAX || value > this.#bytes.length - this.#at) {
      throw corrupted(at, 'length beyond the end');
    }
    return value;
  }
}

/** Values are views of `bytes`. @throws QuoralError XX001 on corrupted input. */
export function* batchOps(bytes: Uint8Array): IterableIterator<BatchOp> {
  const reader = new BatchReader(bytes);
  for (let op = reader.next(); op !== null; op = reader.next()) yield op;
}

/**
 * Adds the operations to `target` in their order; `onOp` sees each, e.g. to keep caches in step.
 * @throws QuoralError XX001 on corrupted input; `target` must then be dropped.
 */
export function applyBatch(bytes: Uint8Array, target: WriteBatch, onOp?: (op: BatchOp) => void): void {
  const reader = new BatchReader(bytes);
  for (let op = reader.next(); op !== null; op = reader.next()) {
    addOp(target, op);
    if (onOp !== undefined) onOp(op);
  }
}
