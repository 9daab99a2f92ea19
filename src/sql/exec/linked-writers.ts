/**
 * The foreign keys around one table, compiled once for a plan: what writing a row of each linked table asks to
 * be checked, and the writers with which actions change the children.
 */
import type { KvTxn } from '../../txn/kv-txn.js';
import { foreignKeysTo } from '../catalog/linked-tables.js';
import type { BoundTable, LinkedTables } from '../plan/logical.js';
import { ForeignKey, type Reference } from './foreign-key.js';
import { type ForeignKeyQueue, foreignKeyQueue } from './foreign-key-queue.js';
import type { Row } from './run.js';

/** Of one table: keys that its rows refer by, and keys that others refer to its rows by. */
export interface TableLinks {
  readonly outgoing: readonly ForeignKey[];
  readonly incoming: readonly ForeignKey[];
}

export class LinkedWriters {
  readonly tables: ReadonlyMap<number, BoundTable>;
  readonly #foreignKeys = new Map<number, ForeignKey>();
  readonly #links = new Map<number, TableLinks>();

  constructor({ tables }: LinkedTables) {
    this.tables = tables;
  }

  linksOf(tableId: number): TableLinks {
    let links = this.#links.get(tableId);
    if (links !== undefined) return links;
    const { table } = this.tables.get(tableId)!;
    const acts = ({ oid }: { readonly oid: number }): boolean => table.restingKeys?.includes(oid) !== true;
    const outgoing = (table.foreignKeys ?? []).filter(acts).map((fk) => this.#foreignKey(fk.oid, tableId, fk.parentId));
    const incoming: ForeignKey[] = [];
    for (const id of table.referencedBy ?? []) {
      const child = this.tables.get(id)?.table;
      if (child === undefined) continue;
      for (const fk of foreignKeysTo(child, table).filter(acts)) incoming.push(this.#foreignKey(fk.oid, id, tableId));
    }
    links = { outgoing, incoming };
    this.#links.set(tableId, links);
    return links;
  }

  #foreignKey(oid: number, childId: number, parentId: number): ForeignKey {
    let made = this.#foreignKeys.get(oid);
    if (made === undefined) {
      const child = this.tables.get(childId)!;
      const descriptor = child.table.foreignKeys!.find((fk) => fk.oid === oid)!;
      made = new ForeignKey(descriptor, child.table, child.schemaName, this.tables.get(parentId)!.table);
      this.#foreignKeys.set(oid, made);
    }
    return made;
  }

  // ---- what writing a row asks for ----

  inserted(txn: KvTxn, tableId: number, live: Row): void {
    const { outgoing } = this.linksOf(tableId);
    for (const foreignKey of outgoing) this.#want(foreignKeyQueue(txn), foreignKey, foreignKey.referenceOf(live));
  }

  removed(txn: KvTxn, tableId: number, live: Row): void {
    const { incoming } = this.linksOf(tableId);
    for (const foreignKey of incoming) {
      const reference = foreignKey.referenceTo(live);
      if (reference !== null) this.#left(foreignKeyQueue(txn), foreignKey, reference, null);
    }
  }

  replaced(txn: KvTxn, tableId: number, before: Row, after: Row): void {
    const { outgoing, incoming } = this.linksOf(tableId);
    for (const foreignKey of outgoing) {
      const reference = foreignKey.referenceOf(after);
      // An unchanged reference was checked when it was made, unless a half of it was NULL then.
      if (reference !== null && reference.key === referenceBefore(foreignKey, before)?.key) continue;
      this.#want(foreignKeyQueue(txn), foreignKey, reference);
    }
    for (const foreignKey of incoming) {
      const reference = foreignKey.referenceTo(before);
      if (reference === null) continue;
      const now = foreignKey.referenceTo(after);
      const stays = now !== null && now.key === reference.key;
      // What is equal may look another way (1.0 and 1.00, 0 and -0), in which the children follow.
      if (stays && (foreignKey.descriptor.onUpdate === 'no action' || foreignKey.looksAlike(reference, now))) continue;
      this.#left(foreignKeyQueue(txn), foreignKey, reference, after);
    }
  }

  #want(queue: ForeignKeyQueue, foreignKey: ForeignKey, reference: Reference | null): void {
    if (reference !== null) queue.of(foreignKey, this).wanted.set(reference.key, reference);
  }

  #left(queue: ForeignKeyQueue, foreignKey: ForeignKey, reference: Reference, after: Row | null): void {
    const { onDelete, onUpdate } = foreignKey.descriptor;
    const action = after === null ? onDelete : onUpdate;
    const pending = queue.of(foreignKey, this);
    if (action === 'no action') pending.orphaned.set(reference.key, reference);
    else if (action === 'restrict') pending.restricted.set(reference.key, reference);
    else pending.changed.set(reference.key, { reference, after });
  }
}

/** Rows of before the constraint (NOT VALID) may break MATCH FULL. */
function referenceBefore(foreignKey: ForeignKey, before: Row): Reference | null {
  return foreignKey.childPositions.some((p) => before[p] === null) ? null : foreignKey.referenceOf(before);
}

const compiled = new WeakMap<LinkedTables, LinkedWriters>();

export function linkedWriters(links: LinkedTables): LinkedWriters {
  let writers = compiled.get(links);
  if (writers === undefined) {
    writers = new LinkedWriters(links);
    compiled.set(links, writers);
  }
  return writers;
}
