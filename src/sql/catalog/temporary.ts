/**
 * Temporary relations. A session that makes one gets a schema of its own, `pg_temp_<n>`, whose id lies in a range that
 * nothing else has; `pg_temp` is its name for it. The relations are stored as others are, rows and descriptors, so that
 * transactions, savepoints and indexes work on them; only their session resolves the schema's name, so that nobody else
 * reads or changes them. That is why changes of them need no schema locks: no other node ever caches such a descriptor.
 *
 * How they go: the transaction that makes the first one also writes an owner row, under the node's id. When the session
 * ends, its node drops what is in the schema and then the row, in one transaction. A process that starts drops the schemas
 * of all rows under its node id before it opens its first session.
 *
 * Invariants
 * - Relations in a temporary schema exist only with an owner row: both are written, and dropped, in one transaction.
 * - A schema is dropped only by its session's own process while that lives (when the session has ended, so that nothing
 *   of it can run), or by a later process of the same node, while that has no session yet: one node id has one process at a
 *   time, which the lock on its disk makes sure of, and sessions do not outlive their process.
 * - No clock, lease or message between nodes takes part, so none that is late can take a living session's tables away.
 *
 * Limits: what a node that never comes back has left stays, shown by pg_class, until its id is started again. So does, until
 * the next start, what the commit of a process that had died wrote after the start of the one that followed it.
 */
import type { Logger } from '../../env/env.js';
import { decodeUint, SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { Key } from '../../base/key.js';
import { prefixEnd } from '../../base/key.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import { againIfUnknown } from './again.js';
import type { Catalog } from './catalog.js';
import { decodeDescriptor, decodeNameEntry } from './codec.js';
import type { Descriptor } from './descriptor.js';
import { deleteDescriptor, sayChanges } from './descriptor-changes.js';
import { isReader, sourcesOf } from './materialized.js';
import { FIRST_TEMPORARY_SCHEMA, isTemporary, temporarySchemaName } from './temporary-names.js';
import type { TransactionCatalog } from './transaction-catalog.js';

export type OnCommit = 'preserve' | 'delete' | 'drop';

/** A session's temporary schema, once it has one, and what its tables do at a commit. */
export class SessionTemporaries {
  readonly #catalog: Catalog;
  readonly #onSchema: (name: string) => void;
  #schemaId: number | null = null;
  /** Tables that do something, by id; some may be gone. */
  readonly onCommit = new Map<number, Exclude<OnCommit, 'preserve'>>();
  /** Those of them that the transaction under way has written to. */
  readonly touched = new Set<number>();
  /** The transaction under way has made, changed or dropped something of the schema, or made it. */
  changed = false;

  constructor(catalog: Catalog, onSchema: (name: string) => void) {
    this.#catalog = catalog;
    this.#onSchema = onSchema;
  }

  get schemaId(): number | null {
    return this.#schemaId;
  }

  idOf(name: string): number | null {
    if (this.#schemaId === null) return null;
    return name === 'pg_temp' || name === temporarySchemaName(this.#schemaId) ? this.#schemaId : null;
  }

  /** The schema, in which the transaction is about to make something. */
  async open(txn: KvTxn, databaseId: number): Promise<number> {
    const schemaId = await this.reserve();
    const key = SYSTEM_KEYS.temporary(this.#catalog.self, schemaId);
    if ((await txn.get(key)) === null) txn.put(key, Buffer.from(String(databaseId), 'latin1'));
    return schemaId;
  }

  /** The schema that is there as long as nothing is in it: its name is the session's. */
  async reserve(): Promise<number> {
    this.changed = true;
    if (this.#schemaId === null) {
      const id = FIRST_TEMPORARY_SCHEMA + (await this.#catalog.ids.next());
      this.#schemaId ??= id;
      this.#onSchema(temporarySchemaName(this.#schemaId));
    }
    return this.#schemaId;
  }

  noteChange(descriptor: Descriptor | null | undefined): void {
    if (isTemporary(descriptor)) this.changed = true;
  }

  /** A statement that writes, and the relations that it was compiled against. */
  noteWrites(dependencies: readonly { readonly id: number }[]): void {
    for (const { id } of dependencies) if (this.onCommit.get(id) === 'delete') this.touched.add(id);
  }

  /** The transaction is over. */
  forgetTransaction(): void {
    this.touched.clear();
    this.changed = false;
    for (const [id, action] of this.onCommit) if (action === 'drop') this.onCommit.delete(id);
  }
}

// ---- dropping all ----

interface Contents {
  readonly names: readonly Key[];
  readonly descriptors: readonly Descriptor[];
}

async function contentsOf(txn: KvTxn, databaseId: number, schemaId: number): Promise<Contents> {
  const prefix = SYSTEM_KEYS.name(databaseId, schemaId, '');
  const names: Key[] = [];
  const ids = new Set<number>();
  for (let start: Key | null = prefix; start !== null;) {
    const page: Awaited<ReturnType<KvTxn['scan']>> = await txn.scan({ start, end: prefixEnd(prefix), maxRows: 1000 });
    page.keys.forEach((key, i) => {
      names.push(key);
      ids.add(decodeNameEntry(page.values[i]!).id);
    });
    start = page.resumeKey;
  }
  const keys = [...ids].sort((a, b) => a - b).map((id) => SYSTEM_KEYS.descriptor(id));
  const rows = keys.length === 0 ? [] : await txn.getMany(keys);
  return { names, descriptors: rows.flatMap((row) => (row == null ? [] : [decodeDescriptor(row)])) };
}

function dropSources(txn: KvTxn, descriptors: readonly Descriptor[]): void {
  for (const d of descriptors)
    if (isReader(d)) for (const { id } of sourcesOf(d)) txn.delete(SYSTEM_KEYS.dependency(id, d.id));
}

/** DISCARD TEMP: in the session's own transaction. */
export async function discardTemporaries(txn: KvTxn, catalog: TransactionCatalog, schemaId: number): Promise<void> {
  const { names, descriptors } = await contentsOf(txn, catalog.databaseId, schemaId);
  const prefix = SYSTEM_KEYS.name(catalog.databaseId, schemaId, '');
  dropSources(txn, descriptors);
  for (const d of descriptors) catalog.drop(txn, d.id);
  for (const key of names)
    catalog.freeName(txn, schemaId, Buffer.from(key.slice(prefix.length), 'latin1').toString('utf8'));
}

/** All of a schema whose session is over, and its owner row. May be repeated. */
async function dropSchema(catalog: Catalog, schemaId: number, databaseId: number): Promise<Contents> {
  return againIfUnknown(() =>
    catalog.db.run({ isolation: 'serializable', name: 'temporary tables' }, async (txn) => {
      const contents = await contentsOf(txn, databaseId, schemaId);
      dropSources(txn, contents.descriptors);
      for (const d of contents.descriptors) deleteDescriptor(txn, d.id);
      for (const key of contents.names) txn.delete(key);
      txn.delete(SYSTEM_KEYS.temporary(catalog.self, schemaId));
      await sayChanges(txn, catalog);
      return contents;
    }),
  );
}

/** Drops what sessions of this node have left. */
export class TemporaryCleaner {
  readonly #catalog: Catalog;
  readonly #logger: Logger;
  /** Schemas of sessions that are over, by id: those that could not be dropped are tried again with the next. */
  readonly #over = new Map<number, number>();

  constructor(catalog: Catalog, logger: Logger) {
    this.#catalog = catalog;
    this.#logger = logger;
  }

  /** Never throws: what fails is tried again. The session must run nothing any more. */
  async sessionEnded(schemaId: number, databaseId: number): Promise<void> {
    this.#over.set(schemaId, databaseId);
    for (const [id, database] of this.#over) await this.#drop(id, database);
  }

  async #drop(schemaId: number, databaseId: number): Promise<void> {
    const catalog = this.#catalog;
    try {
      const { names, descriptors } = await dropSchema(catalog, schemaId, databaseId);
      this.#over.delete(schemaId);
      catalog.forget(descriptors.map((d) => d.id));
      for (const key of names) catalog.forgetName(key);
    } catch (error) {
      this.#logger.log('warn', 'temporary tables were not dropped', { schemaId, error: String(error) });
    }
  }

  /** What processes before this one have left. No session may be open yet. */
  async sweep(): Promise<void> {
    const catalog = this.#catalog;
    const prefix = SYSTEM_KEYS.temporaries(catalog.self);
    const rows = await catalog.db.run({ isolation: 'serializable', readOnly: true, name: 'temporary tables' }, (txn) =>
      txn.scan({ start: prefix, end: prefixEnd(prefix) }),
    );
    for (const [i, key] of rows.keys.entries()) {
      await this.#drop(decodeUint(key, prefix.length).value, Number(rows.values[i]!.toString('latin1')));
    }
  }
}
