/**
 * The catalog as one transaction sees it: what is committed (through the node's cache, with the use
 * registered) under what the transaction itself changed. Descriptor writes go through the same KvTxn,
 * so that a rollback undoes them; the overlay is dropped with this object.
 *
 * One object lives from the first use in a transaction to `end`. `mark`/`rollbackTo` serve savepoints.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type {
  CatalogSnapshot,
  PassedName,
  Relation,
  RelationName,
  ResolvedRoutines,
  ResolvedType,
} from '../contract.js';
import { arrayOidOf } from '../types/registry.js';
import { readAllDescriptors } from './all-descriptors.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID, PUBLIC_SCHEMA_ID } from './bootstrap.js';
import type { Catalog, UseHolder, WaitOptions } from './catalog.js';
import { decodeDescriptor, decodeNameEntry, encodeNameEntry } from './codec.js';
import type { NameEntry } from './codec.js';
import { overloadEntryName, routineEntryName, typeEntryName } from './entry-names.js';
import { deleteDescriptor, putDescriptor } from './descriptor-changes.js';
import type {
  CollationDescriptor,
  Descriptor,
  RoutineDescriptor,
  SequenceDescriptor,
  TableDescriptor,
  TypeDescriptor,
  ViewDescriptor,
} from './descriptor.js';
import { collationEntryName, isCollation } from './collation-names.js';
import { linkedTables } from './linked-tables.js';
import { currentRows, isRelationWithRows, noteRowTypes, rowTypeOf } from './row-types.js';
import { SchemaLocks } from './schema-locks.js';
import { OwnStorages } from './own-storages.js';
import { isTemporary, isTemporarySchema, isTemporarySchemaName, temporarySchemaName } from './temporary-names.js';
import type { SessionTemporaries } from './temporary.js';
import { CatalogWaits } from './catalog-waits.js';
import { usageOf } from '../usage/session-usage.js';
import { droppedIds } from './dropped-ids.js';
import { sharedView, viewOf } from './shared-view.js';
import { runBy, UsedRoutines } from './used-routines.js';
import { snapshotOf } from './snapshot.js';
import { virtualRelation } from './virtual/registry.js';

export type Mark = ReturnType<TransactionCatalog['mark']>;

/** Everything visible at one moment, indexed. */
export interface CatalogView {
  readonly descriptors: readonly Descriptor[];
  readonly byId: ReadonlyMap<number, Descriptor>;
  readonly databaseId: number;
  readonly searchPath: readonly string[];
}

export type UserRelation = TableDescriptor | SequenceDescriptor | ViewDescriptor;

function isRelation(d: Descriptor | null): d is UserRelation {
  return d?.kind === 'table' || d?.kind === 'sequence' || d?.kind === 'view';
}
function isRoutine(d: Descriptor | null): d is RoutineDescriptor {
  return d?.kind === 'routine';
}
export function isType(d: Descriptor | null): d is TypeDescriptor {
  return d?.kind === 'type';
}

export class TransactionCatalog implements UseHolder {
  readonly catalog: Catalog;
  readonly databaseId: number;
  readonly database: string;
  /** Asked before a schema is used that was named; null: no need to. @throws QuoralError 42501 */
  schemaGuard: ((id: number, name: string) => Promise<void> | null) | null = null;
  /** Of users, that what it writes calls. */
  readonly routinesInUse = new UsedRoutines();
  /** Told of the relations, indexes and functions that are no more. */
  onCommitted: ((dropped: readonly number[]) => void) | null = null;
  /** What it is kept from: the use of objects, or the schema locks on them. */
  readonly waits: CatalogWaits;
  readonly #temporaries: SessionTemporaries | null;
  /** Objects in use, each as it was first seen (null: not read yet): that is what it is to the end. */
  readonly #uses = new Map<number, Descriptor | null>();
  /** Uses that the schema change under way began; null outside of one. */
  #statementUses: Set<number> | null = null;
  /** Lease generation at the first use. */
  #generation: number;
  #descriptors = new Map<number, Descriptor | null>();
  #names = new Map<string, NameEntry | null>();
  /** What was found under the schema locks of this transaction: the node's cache has no say there. */
  readonly #held = new Map<number, Descriptor | null>();
  readonly storages = new OwnStorages();
  readonly #created = new Set<number>();
  #locks: SchemaLocks | null = null;
  #ended = false;

  constructor(catalog: Catalog, databaseId: number, database: string, temporaries: SessionTemporaries | null = null) {
    this.#temporaries = temporaries;
    this.catalog = catalog;
    this.databaseId = databaseId;
    this.database = database;
    this.#generation = catalog.leaseGeneration;
    this.waits = new CatalogWaits(catalog.clock);
  }

  get token(): string | null {
    return this.#locks?.token ?? null;
  }
  /** True once the transaction changed the catalog: its plans are its own. */
  get changed(): boolean {
    return this.#descriptors.size > 0 || this.#names.size > 0;
  }
  /** @throws 40001 if the node's lease lapsed, so that what the transaction relied on may have changed. */
  check(): void {
    if (this.#uses.size === 0 && this.#locks === null) return;
    if (this.#generation !== this.catalog.leaseGeneration || !this.catalog.leaseUsable()) {
      throw new QuoralError('40001', 'could not serialize access: the node lost its catalog lease', {
        retry: 'transaction',
        fields: { hint: 'Retry the transaction.' },
      });
    }
  }

  // ---- uses ----

  /** True when registered at once (the usual case), else the caller awaits `waitUse`. */
  use(id: number): boolean {
    if (this.#uses.has(id)) return true;
    if (!this.catalog.use(id, this)) return false;
    if (this.#uses.size === 0 && this.#locks === null) this.#generation = this.catalog.leaseGeneration;
    this.#uses.set(id, this.catalog.cached(id) ?? null);
    this.#statementUses?.add(id);
    return true;
  }

  /** A schema statement begins: what it looks up before it locks is not held against other changes. */
  beginSchemaChange(): void {
    this.#statementUses = new Set();
  }

  async waitUse(id: number, wait: WaitOptions): Promise<void> {
    while (!this.use(id)) await this.#waitUnlocked(id, wait);
  }

  #waitUnlocked(id: number, wait: WaitOptions): Promise<void> {
    return this.waits.during([id], 1, wait, (options) => this.catalog.waitUnlocked(id, options));
  }

  get lockedIds(): Iterable<number> {
    return [...(this.#locks?.ids ?? []), ...this.#created];
  }

  #endUse(id: number): void {
    this.#uses.delete(id);
    this.catalog.endUse(id, this);
  }

  /** Drops uses that turned out not to be needed (an implicit statement that failed to resolve). */
  endUses(): void {
    for (const id of this.#uses.keys()) this.catalog.endUse(id, this);
    this.#uses.clear();
  }

  /** The current descriptor with its use registered. null: none. */
  async descriptor(id: number, wait: WaitOptions): Promise<Descriptor | null> {
    const own = this.#descriptors.get(id);
    if (own !== undefined) return own;
    const held = this.#held.get(id);
    if (held !== undefined) return held;
    for (;;) {
      const seen = this.#uses.get(id);
      if (seen !== undefined && seen !== null) return seen;
      const lease = this.catalog.ensureLease();
      if (lease !== null) await lease;
      await this.waitUse(id, wait);
      const found = await this.catalog.load(id);
      if (found !== 'locked') {
        if (this.#uses.has(id)) this.#uses.set(id, found);
        return found;
      }
      if (this.#locks?.holds(id) === true) throw sqlError('XX000', `descriptor ${id} is read beside its own change`);
      this.#endUse(id);
      await this.#waitUnlocked(id, wait);
    }
  }

  /** As it is now, for what is looked at anew by each statement: nobody's change waits for this transaction's end. */
  async peek(id: number, wait: WaitOptions): Promise<Descriptor | null> {
    const own = this.#descriptors.get(id) ?? (this.#descriptors.has(id) ? null : this.#held.get(id));
    if (own !== undefined) return own;
    const seen = this.#uses.get(id);
    if (seen !== undefined && seen !== null) return seen;
    if (this.#uses.has(id)) return this.descriptor(id, wait);
    for (;;) {
      const lease = this.catalog.ensureLease();
      if (lease !== null) await lease;
      if (this.catalog.use(id, this)) {
        const found = await this.catalog.load(id).finally(() => {
          if (!this.#uses.has(id)) this.catalog.endUse(id, this);
        });
        if (found !== 'locked') return found;
      }
      await this.#waitUnlocked(id, wait);
    }
  }

  /** The entry under a key that is not of this database; not yet checked against its descriptor. */
  async entryOf(key: string): Promise<NameEntry | null> {
    const own = this.#names.get(key);
    return own !== undefined ? own : this.catalog.lookupName(key);
  }

  /** As the transaction itself has changed it; undefined: it has not. */
  own = (id: number): Descriptor | null | undefined => this.#descriptors.get(id);
  /** Synchronously: own change or cached and in use. */
  currentVersion(id: number): number | null {
    const own = this.#descriptors.has(id) ? this.#descriptors.get(id) : this.#held.get(id);
    if (own !== undefined) return own === null ? null : own.version;
    return (this.#uses.get(id) ?? this.catalog.cached(id))?.version ?? null;
  }

  // ---- names ----

  async schemaId(name: string): Promise<number | null> {
    if (name === 'pg_catalog') return PG_CATALOG_SCHEMA_ID;
    if (name === 'information_schema') return INFORMATION_SCHEMA_ID;
    if (isTemporarySchemaName(name)) return this.#temporaries?.idOf(name) ?? null;
    const own = this.#names.get(SYSTEM_KEYS.name(this.databaseId, 0, name));
    if (own !== undefined) return own === null ? null : own.id;
    return (await this.catalog.schemasOf(this.databaseId)).get(name) ?? null;
  }

  async schemaName(id: number): Promise<string> {
    if (id === PUBLIC_SCHEMA_ID) return 'public';
    if (id === PG_CATALOG_SCHEMA_ID) return 'pg_catalog';
    if (id === INFORMATION_SCHEMA_ID) return 'information_schema';
    if (isTemporarySchema(id)) return temporarySchemaName(id);
    const own = this.#descriptors.get(id);
    if (own?.kind === 'schema') return own.name;
    for (const [name, schema] of await this.catalog.schemasOf(this.databaseId)) if (schema === id) return name;
    return String(id);
  }

  /** The entry under a name in one schema; not yet checked against its descriptor. */
  async nameEntry(schemaId: number, name: string): Promise<NameEntry | null> {
    const own = this.ownName(schemaId, name);
    return own !== undefined ? own : this.catalog.lookupName(SYSTEM_KEYS.name(this.databaseId, schemaId, name));
  }

  /** As nameEntry, from what is cached or the transaction's own; undefined: not known here. */
  knownName(schemaId: number, name: string): NameEntry | null | undefined {
    const own = this.ownName(schemaId, name);
    return own !== undefined ? own : this.catalog.cachedName(SYSTEM_KEYS.name(this.databaseId, schemaId, name));
  }

  /** As the transaction has changed it; null: it is free; undefined: it has not. */
  ownName(schemaId: number, name: string): NameEntry | null | undefined {
    return this.#names.size === 0 ? undefined : this.#names.get(SYSTEM_KEYS.name(this.databaseId, schemaId, name));
  }

  /** The descriptor if it is the transaction's own or cached. */
  known(id: number): Descriptor | null {
    const own = this.#descriptors.has(id) ? this.#descriptors.get(id) : this.#held.get(id);
    return own !== undefined ? own : (this.#uses.get(id) ?? this.catalog.cached(id) ?? null);
  }

  /** By the transaction itself, of which it may have been a check. */
  hasDroppedForeignKey(tableId: number, oid: number): boolean {
    const own = this.#descriptors.get(tableId);
    if (own === undefined) return false;
    return own?.kind !== 'table' || (own.foreignKeys ?? []).every((fk) => fk.oid !== oid);
  }

  /** A table, sequence or view of a schema by name. */
  relationIn(schemaId: number, name: string, wait: WaitOptions): Promise<UserRelation | null> {
    return this.#namedIn(schemaId, name, name, isRelation, wait);
  }

  /** A type that a user made; types have names of their own beside the relations'. */
  typeIn(schemaId: number, name: string, wait: WaitOptions): Promise<TypeDescriptor | null> {
    return this.#namedIn(schemaId, typeEntryName(name), name, isType, wait);
  }

  collationIn(schemaId: number, name: string, wait: WaitOptions): Promise<CollationDescriptor | null> {
    return this.#namedIn(schemaId, collationEntryName(name), name, isCollation, wait);
  }

  /** The functions and procedures of that name. */
  routinesIn(schemaId: number, name: string, wait: WaitOptions): Promise<RoutineDescriptor | null> {
    return this.#namedIn(schemaId, routineEntryName(name), name, isRoutine, wait);
  }

  /** Whether some function of a user has the name, which a built-in one has too. */
  async isOverload(name: string): Promise<boolean> {
    if (this.ownName(0, overloadEntryName(name)) != null) return true;
    return (await this.catalog.overloadsOf(this.databaseId)).has(name);
  }

  /** In every schema of the search path, or in the one named: temporary ones are found only when they are written as such. */
  async routines(
    name: RelationName,
    searchPath: readonly string[],
    wait: WaitOptions,
  ): Promise<ResolvedRoutines[] | null> {
    const found: ResolvedRoutines[] = [];
    if (name.besideBuiltIn === true && !(await this.isOverload(name.name))) return found;
    if (name.schema !== null && (await this.schemaId(name.schema)) === null) return null;
    if (name.schema !== null) await this.guard(name.schema);
    const path = searchPath.filter((schema) => !isTemporarySchemaName(schema));
    for (const schema of name.schema === null ? path : [name.schema]) {
      const schemaId = await this.schemaId(schema);
      const d = schemaId === null ? null : await this.routinesIn(schemaId, name.name, wait);
      if (d !== null)
        found.push({
          id: d.id,
          version: d.version,
          schema,
          name: d.name,
          ...(await currentRows(d, (id) => this.descriptor(id, wait))),
        });
    }
    return found;
  }

  async #namedIn<D extends UserRelation | TypeDescriptor | RoutineDescriptor | CollationDescriptor>(
    schemaId: number,
    entryName: string,
    name: string,
    fits: (d: Descriptor | null) => d is D,
    wait: WaitOptions,
  ): Promise<D | null> {
    const key = SYSTEM_KEYS.name(this.databaseId, schemaId, entryName);
    for (let attempt = 0; attempt < 10; attempt++) {
      const entry = await this.nameEntry(schemaId, entryName);
      if (entry === null || entry.indexOid !== null) return null;
      const found = await this.descriptor(entry.id, wait);
      if (fits(found) && found.name === name && found.schemaId === schemaId) return found;
      if (this.#names.has(key)) return null;
      this.catalog.forgetName(key);
    }
    throw new QuoralError('40001', `"${name}" keeps changing`, { retry: 'transaction' });
  }

  /** Along the search path, or in the schema named; '_x' is the array of x. */
  async type(name: RelationName, searchPath: readonly string[], wait: WaitOptions): Promise<ResolvedType | null> {
    if (name.schema !== null) await this.guard(name.schema);
    for (const schema of name.schema === null ? searchPath : [name.schema]) {
      const schemaId = await this.schemaId(schema);
      if (schemaId === null) continue;
      const found = await this.#typeOrRows(schemaId, name.name, wait);
      if (found !== null) return { ...found, isTemporary: isTemporarySchema(schemaId) };
      if (!name.name.startsWith('_')) continue;
      const element = await this.#typeOrRows(schemaId, name.name.slice(1), wait);
      if (element !== null) return { ...element, typeOid: arrayOidOf(element.typeOid) };
    }
    return null;
  }

  async #typeOrRows(schemaId: number, name: string, wait: WaitOptions): Promise<ResolvedType | null> {
    const found = await this.typeIn(schemaId, name, wait);
    if (found !== null) return { id: found.id, version: found.version, typeOid: found.typeOid };
    const rows = await this.relationIn(schemaId, name, wait);
    return isRelationWithRows(rows) ? { id: rows.id, version: rows.version, typeOid: rowTypeOf(rows) } : null;
  }

  /** Along the search path, or in the schema named; what comes before it in the path is added to `passed`. */
  async relation(
    name: RelationName,
    searchPath: readonly string[],
    wait: WaitOptions,
    passed: PassedName[] = [],
  ): Promise<Relation | null> {
    if (name.schema !== null) {
      await this.guard(name.schema);
      return this.#relationInNamed(name.schema, name.name, wait);
    }
    if (!searchPath.includes('pg_catalog')) {
      const virtual = virtualRelation('pg_catalog', name.name);
      if (virtual !== null) return virtual;
    }
    for (const [i, schema] of searchPath.entries()) {
      const found = await this.#relationInNamed(schema, name.name, wait);
      if (found === null) continue;
      for (const before of searchPath.slice(0, i)) passed.push({ schema: before, name: name.name });
      return found;
    }
    return null;
  }

  /** @throws QuoralError 42501 */
  async guard(schema: string): Promise<void> {
    if (this.schemaGuard === null || schema === 'pg_catalog' || schema === 'information_schema') return;
    if (isTemporarySchemaName(schema)) return;
    const id = await this.schemaId(schema);
    if (id !== null) await this.schemaGuard(id, schema);
  }

  async #relationInNamed(schema: string, name: string, wait: WaitOptions): Promise<Relation | null> {
    const virtual = virtualRelation(schema, name);
    if (virtual !== null) return virtual;
    const schemaId = await this.schemaId(schema);
    if (schemaId === null) return null;
    const found = await this.relationIn(schemaId, name, wait);
    return found === null ? null : this.#asRelation(found, schema, wait);
  }

  /** A view that is not in the catalog under its name, with what its query reads. */
  async viewRelation(view: UserRelation, wait: WaitOptions): Promise<Relation> {
    return this.#asRelation(view, await this.schemaName(view.schemaId), wait);
  }

  async #asRelation(found: UserRelation, schemaName: string, wait: WaitOptions): Promise<Relation> {
    if (found.kind === 'sequence') return { kind: 'sequence', sequence: found, schemaName };
    if (found.kind === 'view') {
      const sources = new Map<number, Relation>();
      for (const { id } of found.sources) {
        const source = await this.descriptor(id, wait);
        if (!isRelation(source)) continue;
        sources.set(id, await this.#asRelation(source, await this.schemaName(source.schemaId), wait));
      }
      return { kind: 'view', view: found, schemaName, sources };
    }
    this.routinesInUse.note(found.usedRoutines);
    const freshStorage = this.storages.isFresh(found.storageId);
    const ownStorage = this.storages.isOwn(found.storageId);
    const table = { kind: 'table', table: found, schemaName, freshStorage, ownStorage } as const;
    if (found.foreignKeys === undefined && found.referencedBy === undefined) return table;
    const linked = await linkedTables(found, async (id) => {
      const other = await this.descriptor(id, wait);
      return other?.kind === 'table' ? { table: other, schemaName: await this.schemaName(other.schemaId) } : null;
    });
    return { ...table, linked };
  }

  /** Resolves the names; lookups in the result are synchronous. */
  async snapshot(
    names: readonly RelationName[],
    searchPath: readonly string[],
    wait: WaitOptions,
  ): Promise<CatalogSnapshot & { readonly passed: readonly PassedName[] }> {
    return snapshotOf(this, names, searchPath, wait);
  }

  /** Every descriptor, committed ones in one consistent read, the transaction's own on top. */
  async view(searchPath: readonly string[]): Promise<CatalogView> {
    const rows = await readAllDescriptors(this.catalog);
    if (this.#descriptors.size === 0) return sharedView(this.catalog, this.databaseId, searchPath, rows);
    const byId = new Map<number, Descriptor>();
    for (const d of rows) byId.set(d.id, d);
    for (const [id, own] of this.#descriptors) {
      if (own === null) byId.delete(id);
      else byId.set(id, own);
    }
    return viewOf(byId, this.databaseId, searchPath);
  }

  // ---- changes ----

  /** Takes the schema lock on existing objects; own new ones need none. */
  async lock(txn: KvTxn, ids: readonly number[], wait: WaitOptions): Promise<void> {
    await this.catalog.ensureLease();
    const others: number[] = [];
    for (const id of ids.filter((one) => !this.#created.has(one))) {
      // Nobody else can know of it.
      if (!isTemporary(this.known(id))) others.push(id);
      else if (!this.#held.has(id)) this.#held.set(id, await this.forUpdate(txn, id));
    }
    if (others.length === 0) return;
    // Two changes that both use what both want to lock would wait for each other.
    for (const id of others) if (this.#statementUses?.delete(id) === true) this.#endUse(id);
    const holding = this.#uses.size > 0 || this.#locks !== null;
    if (!holding) this.#generation = this.catalog.leaseGeneration;
    const locks = (this.#locks ??= new SchemaLocks(this.catalog));
    await this.waits.forSchemaLocks(others, wait, (options) => locks.acquire(txn, others, holding, options));
    // The lock is stronger than the use; it waits for other users only.
    for (const id of others) {
      this.use(id);
      if (!this.#held.has(id)) this.#held.set(id, await this.forUpdate(txn, id));
    }
  }

  /** The descriptor under its schema lock, as the transaction's own reads see it. */
  async forUpdate(txn: KvTxn, id: number): Promise<Descriptor | null> {
    let found = this.#descriptors.get(id);
    if (found === undefined) {
      const bytes = await txn.get(SYSTEM_KEYS.descriptor(id), { lock: 'exclusive' });
      found = bytes === null ? null : decodeDescriptor(bytes);
    }
    if (found?.kind === 'table' || found?.kind === 'view') this.routinesInUse.note(found.usedRoutines);
    else if (found?.kind === 'routine') this.routinesInUse.note(runBy(found));
    return found;
  }

  /** A read in the transaction, so that a concurrent change of the object makes it restart. */
  async readTracked(txn: KvTxn, id: number): Promise<Descriptor | null> {
    const own = this.#descriptors.get(id);
    if (own !== undefined) return own;
    const bytes = await txn.get(SYSTEM_KEYS.descriptor(id));
    return bytes === null ? null : decodeDescriptor(bytes);
  }

  /** Takes a name; false if it is taken. */
  async claimName(
    txn: KvTxn,
    schemaId: number,
    name: string,
    entry: NameEntry,
    databaseId = this.databaseId,
  ): Promise<boolean> {
    const key = SYSTEM_KEYS.name(databaseId, schemaId, name);
    if ((await this.#nameForUpdate(txn, key)) !== null) return false;
    this.#names.set(key, entry);
    txn.put(key, encodeNameEntry(entry));
    return true;
  }

  async nameForUpdate(
    txn: KvTxn,
    schemaId: number,
    name: string,
    databaseId = this.databaseId,
  ): Promise<NameEntry | null> {
    return this.#nameForUpdate(txn, SYSTEM_KEYS.name(databaseId, schemaId, name));
  }

  async #nameForUpdate(txn: KvTxn, key: string): Promise<NameEntry | null> {
    const own = this.#names.get(key);
    if (own !== undefined) return own;
    const bytes = await txn.get(key, { lock: 'exclusive' });
    return bytes === null ? null : decodeNameEntry(bytes);
  }

  freeName(txn: KvTxn, schemaId: number, name: string, databaseId = this.databaseId): void {
    const key = SYSTEM_KEYS.name(databaseId, schemaId, name);
    this.#names.set(key, null);
    txn.delete(key);
  }

  putNew(txn: KvTxn, descriptor: Descriptor): void {
    this.#created.add(descriptor.id);
    this.put(txn, descriptor);
  }

  put(txn: KvTxn, changed: Descriptor): void {
    const descriptor = this.routinesInUse.complete(changed);
    noteRowTypes(txn, descriptor, (id) => this.known(id));
    this.#descriptors.set(descriptor.id, descriptor);
    this.#temporaries?.noteChange(descriptor);
    putDescriptor(txn, descriptor);
  }

  drop(txn: KvTxn, id: number): void {
    usageOf(txn)?.pending(id)?.emptied();
    this.#temporaries?.noteChange(this.known(id));
    this.#descriptors.set(id, null);
    deleteDescriptor(txn, id);
  }

  mark(): {
    readonly descriptors: ReadonlyMap<number, Descriptor | null>;
    readonly names: ReadonlyMap<string, NameEntry | null>;
    readonly locks: ReadonlySet<number> | undefined;
  } {
    return { descriptors: new Map(this.#descriptors), names: new Map(this.#names), locks: this.#locks?.mark() };
  }

  rollbackTo(mark: Mark): void {
    this.#descriptors = new Map(mark.descriptors);
    this.#names = new Map(mark.names);
    this.#locks?.rollbackTo(mark.locks ?? new Set());
  }

  /** The end of the transaction: forgets, unlocks, lets go. Never throws for a lock that others clean up. */
  async end(committed: boolean): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (committed && this.changed) {
      this.catalog.forget([...this.#descriptors.keys()]);
      for (const key of this.#names.keys()) this.catalog.forgetName(key);
      this.onCommitted?.(droppedIds(this.#descriptors, this.#held));
    }
    this.endUses();
    const locks = this.#locks;
    if (locks !== null) await locks.release(committed);
  }

  /** As `end`, when there is nothing to wait for; false: call `end`. */
  endNow(): boolean {
    if (this.#locks !== null || this.changed) return false;
    if (!this.#ended) {
      this.#ended = true;
      this.endUses();
    }
    return true;
  }
}
