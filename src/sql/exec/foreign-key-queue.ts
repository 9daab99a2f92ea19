/**
 * What foreign keys have to be looked at for, while rows are written: references that rows now make, keys of
 * parents that are gone, and rows whose children must change too.
 *
 * Entries say where to look, never what was found: a check reads the tables as they are when it is made. So an
 * entry that was written twice, or whose row was undone by a savepoint, does no harm.
 *
 * Invariants
 * - Between statements nothing is pending of a foreign key that is checked at once (`statement` is empty).
 * - `deferred` keeps its entries to the end of the transaction, also once they hold: what makes them hold may
 *   be undone by a savepoint.
 */
import type { Key } from '../../base/key.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { ForeignKeyDescriptor } from '../catalog/descriptor.js';
import type { MemoryAccount } from '../contract.js';
import type { ForeignKey, Reference } from './foreign-key.js';
import type { LinkedWriters } from './linked-writers.js';
import type { Row } from './run.js';

const CROWDED = 5_000;
const ENTRY_BYTES = 256;

/** A parent's row that was removed (`after` null) or got another key. */
export interface ParentChange {
  readonly reference: Reference;
  /** Its live columns; null = deleted. */
  readonly after: Row | null;
}

export class PendingChecks {
  readonly foreignKey: ForeignKey;
  readonly writers: LinkedWriters;
  /** References that children make; to be found in the parent. */
  readonly wanted = new Map<Key, Reference>();
  /** Keys that left the parent under NO ACTION. */
  readonly orphaned = new Map<Key, Reference>();
  /** Of these, those that a default still refers to: as in PostgreSQL, that is not left to the end of the transaction. */
  readonly keptByDefault = new Set<Key>();
  /** Under RESTRICT: nobody may refer to them, whether or not the key is back. */
  readonly restricted = new Map<Key, Reference>();
  /** Whose children change as well. */
  readonly changed = new Map<Key, ParentChange>();

  constructor(foreignKey: ForeignKey, writers: LinkedWriters) {
    this.foreignKey = foreignKey;
    this.writers = writers;
  }

  get size(): number {
    return this.wanted.size + this.orphaned.size + this.restricted.size + this.changed.size;
  }
}

/** SET CONSTRAINTS: for all, then for single ones; what is not named is as declared. */
export interface ConstraintModes {
  readonly all: 'deferred' | 'immediate' | null;
  readonly byOid: ReadonlyMap<number, 'deferred' | 'immediate'>;
}

export const AS_DECLARED: ConstraintModes = { all: null, byOid: new Map() };

export class ForeignKeyQueue {
  statement = new Map<number, PendingChecks>();
  readonly deferred = new Map<number, PendingChecks>();
  modes: ConstraintModes = AS_DECLARED;
  /** Entries of the statement that its memory account knows of. */
  #accounted = 0;
  #limit = CROWDED;

  isDeferred({
    deferrable,
    initiallyDeferred,
    oid,
  }: Pick<ForeignKeyDescriptor, 'deferrable' | 'initiallyDeferred' | 'oid'>): boolean {
    if (!deferrable) return false;
    const mode = this.modes.byOid.get(oid) ?? this.modes.all;
    return mode === null ? initiallyDeferred : mode === 'deferred';
  }

  /** A statement begins: what a failed one before it left is void. */
  begin(): void {
    this.statement.clear();
    this.#accounted = 0;
    this.#limit = CROWDED;
  }

  /** A statement begins within another one, whose entries are put back when it is over. */
  nest(): () => void {
    const [outer, accounted, limit] = [this.statement, this.#accounted, this.#limit];
    this.statement = new Map();
    this.begin();
    return () => {
      this.statement = outer;
      this.#accounted = accounted;
      this.#limit = limit;
    };
  }

  /** So many entries that those that hold already should be let go. */
  get crowded(): boolean {
    return this.#size > this.#limit;
  }

  get #size(): number {
    let size = 0;
    for (const pending of this.statement.values()) size += pending.size;
    return size;
  }

  /** What is left now cannot be let go: it is accounted for, and looked at again when there is twice as much. */
  relieved(memory: MemoryAccount): void {
    const size = this.#size;
    if (size > this.#accounted) memory.grow((size - this.#accounted) * ENTRY_BYTES);
    this.#accounted = Math.max(this.#accounted, size);
    this.#limit = Math.max(CROWDED, 2 * size);
  }

  of(foreignKey: ForeignKey, writers: LinkedWriters): PendingChecks {
    const { oid } = foreignKey.descriptor;
    let pending = this.statement.get(oid);
    if (pending === undefined) {
      pending = new PendingChecks(foreignKey, writers);
      this.statement.set(oid, pending);
    }
    return pending;
  }

  /** A violation that may be made good until the end of the transaction. */
  defer(from: PendingChecks, kind: 'wanted' | 'orphaned', reference: Reference): void {
    const { oid } = from.foreignKey.descriptor;
    let pending = this.deferred.get(oid);
    if (pending === undefined) {
      pending = new PendingChecks(from.foreignKey, from.writers);
      this.deferred.set(oid, pending);
    }
    pending[kind].set(reference.key, reference);
  }
}

const queues = new WeakMap<KvTxn, ForeignKeyQueue>();

export function foreignKeyQueue(txn: KvTxn): ForeignKeyQueue {
  let queue = queues.get(txn);
  if (queue === undefined) {
    queue = new ForeignKeyQueue();
    queues.set(txn, queue);
  }
  return queue;
}

/** null: no foreign key was met in this transaction. */
export function knownForeignKeyQueue(txn: KvTxn): ForeignKeyQueue | null {
  return queues.get(txn) ?? null;
}

/** Whether a violation by a row of the table itself is yet to be looked at. */
export function hasDeferredForeignKeysOf(txn: KvTxn, tableId: number): boolean {
  for (const { foreignKey, wanted, orphaned } of queues.get(txn)?.deferred.values() ?? []) {
    if (wanted.size > 0 && foreignKey.child.table.id === tableId) return true;
    if (orphaned.size > 0 && foreignKey.parent.table.id === tableId) return true;
  }
  return false;
}

/** Whether a violation that touches the table is yet to be looked at. */
export function hasDeferredForeignKeys(txn: KvTxn, tableId: number): boolean {
  for (const { foreignKey } of queues.get(txn)?.deferred.values() ?? []) {
    if (foreignKey.child.table.id === tableId || foreignKey.parent.table.id === tableId) return true;
  }
  return false;
}
