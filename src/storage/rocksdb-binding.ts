/**
 * The native interface of `@nxtedition/rocksdb` as this project uses it, typed.
 *
 * We call the package's binding rather than its abstract-level classes: those add option objects,
 * encodings and callbacks to every operation, which cost more than the operation itself. Only
 * opening and closing go through the package's own class, which creates the directory and holds
 * the database; `viewOf` then gives the binding's view of the same open database.
 *
 * What the binding does and does not do (version 12.2.12, read from its source and measured):
 * - It takes keys as Buffers. Strings are taken as UTF-8, which destroys binary keys. Everything
 *   but values of asynchronous calls is copied before a call returns, so scratch buffers serve.
 * - A batch has no range deletion; `db_clear` has one, but outside any batch, and tailing
 *   iterators do not honour it. It is therefore never used: ranges are deleted key by key.
 * - There are no snapshots; an iterator is one, for its column family, from its creation on.
 * - An iterator has one direction, and positions itself at its first row when it is created.
 */
import { createRequire } from 'node:module';
import { QuoralError } from '../base/errors.js';
import type { Key } from '../base/key.js';

declare const native: unique symbol;
export interface DatabaseView {
  readonly [native]: 'database';
}
export interface ColumnHandle {
  readonly [native]: 'column';
}
export interface NativeIterator {
  readonly [native]: 'iterator';
}
export interface NativeBatch {
  readonly [native]: 'batch';
}

export interface ColumnOption {
  readonly column: ColumnHandle;
}

export interface NativeIteratorOptions {
  readonly column?: ColumnHandle | undefined;
  readonly gte?: Buffer;
  readonly lt?: Buffer;
  readonly reverse?: boolean;
  readonly keys?: boolean;
  readonly values?: boolean;
  readonly highWaterMarkBytes?: number;
  readonly tailing?: boolean;
  readonly fillCache: boolean;
  readonly asyncIO: boolean;
  readonly keyEncoding: 'buffer';
  readonly valueEncoding: 'buffer';
}

/** Keys at even places, values at odd ones. */
export type NativeRows = readonly (Buffer | undefined)[];
export interface NativePage {
  readonly rows: NativeRows;
  readonly finished: boolean;
}

interface Binding {
  db_init(handle: bigint): DatabaseView;
  db_open(db: DatabaseView, options: object, callback: () => void): Record<string, ColumnHandle> | undefined;
  db_get_many_sync(
    db: DatabaseView,
    keys: readonly Uint8Array[],
    options: ColumnOption | undefined,
  ): (Buffer | undefined | null)[];
  db_get_property(db: DatabaseView, property: string): string;
  iterator_init(db: DatabaseView, options: NativeIteratorOptions): NativeIterator;
  iterator_seek(iterator: NativeIterator, target: Uint8Array): void;
  iterator_nextv_sync(iterator: NativeIterator, count: number): NativePage;
  iterator_close(iterator: NativeIterator): void;
  batch_init(): NativeBatch;
  batch_put(batch: NativeBatch, key: Uint8Array, value: Uint8Array, options: ColumnOption | undefined): void;
  batch_del(batch: NativeBatch, key: Uint8Array, options: ColumnOption | undefined): void;
  batch_write(db: DatabaseView, batch: NativeBatch, options: { sync: boolean } | undefined): void;
  batch_iterate(
    db: DatabaseView,
    batch: NativeBatch,
    options: {
      keys: boolean;
      values: boolean;
      data: boolean;
      column?: ColumnHandle | undefined;
      keyEncoding: 'buffer';
    },
  ): readonly (string | Buffer | null | undefined)[];
}

/** The package's database class, for opening and closing. */
export interface RocksLevel {
  open(): Promise<void>;
  close(): Promise<void>;
  readonly handle: bigint;
}

const require = createRequire(import.meta.url);
export const binding = require('@nxtedition/rocksdb/binding.js') as Binding;
const { RocksLevel } = require('@nxtedition/rocksdb') as {
  RocksLevel: new (location: string, options: object) => RocksLevel;
};

/** @throws QuoralError when the database cannot be opened. */
export async function openDatabase(directory: string, options: object): Promise<RocksLevel> {
  const level = new RocksLevel(directory, options);
  try {
    await level.open();
  } catch (error) {
    throw storageError(error, directory);
  }
  return level;
}

export function viewOf(level: RocksLevel): {
  readonly view: DatabaseView;
  readonly columns: Record<string, ColumnHandle>;
} {
  const view = binding.db_init(level.handle);
  // On an open database this only tells the column families.
  const columns = binding.db_open(view, {}, () => undefined) ?? {};
  return { view, columns };
}

interface CodedError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/** What the native layer reported, as an error a client or an operator understands. */
export function storageError(error: unknown, directory: string): QuoralError {
  if (error instanceof QuoralError) return error;
  let root = error as CodedError;
  // The class wraps what the native layer said.
  while (typeof root.cause === 'object' && root.cause !== null) root = root.cause as CodedError;
  const text = typeof root.message === 'string' ? root.message : String(error);
  if (root.code === 'LEVEL_LOCKED') {
    return new QuoralError('55006', `${directory} is in use by another process`, {
      fields: { detail: text, hint: 'Stop the other node, or give this one its own directory.' },
      cause: error,
    });
  }
  if (root.code === 'LEVEL_CORRUPTION') {
    // Of CURRENT alone RocksDB does not say where it is.
    const file = text.startsWith('Corruption: CURRENT ') ? ` (${directory}/CURRENT)` : '';
    return new QuoralError('XX001', `the database in ${directory} is corrupted: ${text}${file}`, {
      fields: { hint: 'Check the disk. The other nodes of the cluster hold the same data.' },
      cause: error,
    });
  }
  if (text.includes('Column families not opened')) {
    return new QuoralError('55000', `${directory} was written by a newer version: ${text}`, {
      cause: error,
    });
  }
  return new QuoralError('58030', `storage in ${directory} failed: ${text}`, { cause: error });
}

// ---- keys as bytes ----------------------------------------------------------------------------

/**
 * One buffer per length, reused: the binding wants a Buffer of exactly the key's length and copies
 * it, and making one per key would cost more than the call into native code saves. Two sets, for
 * calls that take two keys.
 */
const SCRATCH_LENGTH_MAX = 512;
const scratchFirst: (Buffer | undefined)[] = new Array(SCRATCH_LENGTH_MAX + 1);
const scratchSecond: (Buffer | undefined)[] = new Array(SCRATCH_LENGTH_MAX + 1);

function fill(scratch: (Buffer | undefined)[], key: Key): Buffer {
  const length = key.length;
  if (length > SCRATCH_LENGTH_MAX) return Buffer.from(key, 'latin1');
  let buffer = scratch[length];
  if (buffer === undefined) {
    buffer = Buffer.allocUnsafeSlow(length);
    scratch[length] = buffer;
  }
  buffer.latin1Write(key, 0, length);
  return buffer;
}

/** Valid until the next call of this function. */
export function scratchKey(key: Key): Buffer {
  return fill(scratchFirst, key);
}

/** A second one, valid until the next call of this function. */
export function scratchKey2(key: Key): Buffer {
  return fill(scratchSecond, key);
}
