/**
 * What a view of the catalog has under a name or an oid, found at once: catalog functions are called for each row of
 * the catalogs' tables. Made when it is first asked for, and as old as the view, which never changes.
 */
import { fieldsOf } from '../types/user-types.js';
import type { Descriptor, IndexDescriptor, TableDescriptor } from './descriptor.js';
import type { CatalogView } from './transaction-catalog.js';

interface IndexOfTable {
  readonly table: TableDescriptor;
  readonly index: IndexDescriptor;
}

export interface ViewIndex {
  /** Of a table, sequence, view or index. */
  relationOid(schemaId: number, name: string): number | null;
  readonly indexes: ReadonlyMap<number, IndexOfTable>;
  /** The table of each constraint. */
  readonly constraints: ReadonlyMap<number, TableDescriptor>;
  readonly tables: readonly TableDescriptor[];
  readonly schemaIds: ReadonlyMap<string, number>;
  /** The sequence that goes with a column. */
  sequenceOf(tableId: number, columnId: number): number | null;
}

/** What one relation adds, kept as long as its descriptor lives: after a change of one, the others need not be looked at. */
interface Entries {
  readonly oids: readonly (readonly [string, number])[];
  readonly indexes: readonly (readonly [number, IndexOfTable])[];
  readonly constraints: readonly number[];
}

const entriesOf = new WeakMap<Descriptor, Entries>();
const known = new WeakMap<CatalogView, ViewIndex>();

export function viewIndex(view: CatalogView): ViewIndex {
  let index = known.get(view);
  if (index === undefined) {
    index = new Index(view);
    known.set(view, index);
  }
  return index;
}

/** Each of the maps when it is first asked for. */
class Index implements ViewIndex {
  readonly tables: readonly TableDescriptor[];
  readonly schemaIds: ReadonlyMap<string, number>;
  readonly #relations: readonly Relation[];
  /** By schema, then by name. */
  #relationOids: Map<number, Map<string, number>> | null = null;
  #indexes: Map<number, IndexOfTable> | null = null;
  #constraints: Map<number, TableDescriptor> | null = null;
  #ownedSequences: Map<number, number> | null = null;

  constructor({ descriptors, databaseId }: CatalogView) {
    const schemaIds = new Map<string, number>();
    for (const d of descriptors)
      if (d.kind === 'schema' && (d.databaseId === 0 || d.databaseId === databaseId) && !schemaIds.has(d.name))
        schemaIds.set(d.name, d.id);
    this.schemaIds = schemaIds;
    this.#relations = descriptors.filter((d) => isRelation(d)).filter((d) => d.databaseId === databaseId);
    this.tables = this.#relations.filter((d) => d.kind === 'table');
  }

  sequenceOf(tableId: number, columnId: number): number | null {
    this.#ownedSequences ??= this.#findOwnedSequences();
    return this.#ownedSequences.get(columnKey(tableId, columnId)) ?? null;
  }

  #findOwnedSequences(): Map<number, number> {
    const found = new Map<number, number>();
    for (const d of this.#relations) {
      if (d.kind !== 'sequence' || d.ownedBy === null) continue;
      const key = columnKey(d.ownedBy.tableId, d.ownedBy.columnId);
      if (!found.has(key)) found.set(key, d.id);
    }
    return found;
  }

  relationOid(schemaId: number, name: string): number | null {
    this.#relationOids ??= this.#findRelationOids();
    return this.#relationOids.get(schemaId)?.get(name) ?? null;
  }

  #findRelationOids(): Map<number, Map<string, number>> {
    const bySchema = new Map<number, Map<string, number>>();
    for (const d of this.#relations) {
      let oids = bySchema.get(d.schemaId);
      if (oids === undefined) bySchema.set(d.schemaId, (oids = new Map()));
      for (const [name, oid] of entriesIn(d).oids) oids.set(name, oid);
    }
    return bySchema;
  }

  get indexes(): ReadonlyMap<number, IndexOfTable> {
    if (this.#indexes !== null) return this.#indexes;
    const indexes = new Map<number, IndexOfTable>();
    for (const table of this.tables) for (const [oid, found] of entriesIn(table).indexes) indexes.set(oid, found);
    return (this.#indexes = indexes);
  }

  get constraints(): ReadonlyMap<number, TableDescriptor> {
    if (this.#constraints !== null) return this.#constraints;
    const constraints = new Map<number, TableDescriptor>();
    for (const table of this.tables) for (const oid of entriesIn(table).constraints) constraints.set(oid, table);
    return (this.#constraints = constraints);
  }
}

type Relation = Extract<Descriptor, { readonly kind: 'table' | 'sequence' | 'view' | 'type' }>;

/** A composite type is a relation without rows. */
function isRelation(d: Descriptor): d is Relation {
  return (
    d.kind === 'table' ||
    d.kind === 'sequence' ||
    d.kind === 'view' ||
    (d.kind === 'type' && fieldsOf(d.typeOid) !== null)
  );
}

function entriesIn(d: Relation): Entries {
  let entries = entriesOf.get(d);
  if (entries === undefined) entriesOf.set(d, (entries = makeEntries(d)));
  return entries;
}

function makeEntries(d: Relation): Entries {
  const oids: [string, number][] = [[d.name, d.id]];
  const indexes: Entries['indexes'][number][] = [];
  const constraints: number[] = [];
  if (d.kind !== 'table') return { oids, indexes, constraints };
  for (const one of d.indexes) {
    if (one.oid === 0) continue;
    oids.push([one.name, one.oid]);
    indexes.push([one.oid, { table: d, index: one }]);
    if (one.constraintOid !== null) constraints.push(one.constraintOid);
  }
  for (const check of d.checks) constraints.push(check.oid);
  for (const key of d.foreignKeys ?? []) constraints.push(key.oid);
  return { oids, indexes, constraints };
}

/** One number for both: exact for oids of 32 bits, and for more columns than a table can have had. */
function columnKey(tableId: number, columnId: number): number {
  return tableId * 2 ** 20 + columnId;
}
