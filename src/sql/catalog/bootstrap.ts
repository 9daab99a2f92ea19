/**
 * What a new cluster's catalog holds: PostgreSQL's three databases and the schema `public`, under
 * PostgreSQL's own oids. Idempotent: any node may run it, several at once; the marker row decides.
 */
import { FIRST_USER_ID, SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { KvDb } from '../../txn/kv-txn.js';
import { againIfUnknown } from './again.js';
import { DATABASE_OWNER, SUPERUSER_OID } from './bootstrap-names.js';
import { encodeDescriptor, encodeNameEntry } from './codec.js';
import type { DatabaseDescriptor, SchemaDescriptor } from './descriptor.js';

export const POSTGRES_DATABASE_ID = 5;
export const TEMPLATE1_DATABASE_ID = 1;
export const TEMPLATE0_DATABASE_ID = 4;
export const PUBLIC_SCHEMA_ID = 2200;
export const PG_CATALOG_SCHEMA_ID = 11;
export const PG_TOAST_SCHEMA_ID = 99;
export const INFORMATION_SCHEMA_ID = 13000;

const DATABASES: readonly (readonly [number, string])[] = [
  [TEMPLATE1_DATABASE_ID, 'template1'],
  [TEMPLATE0_DATABASE_ID, 'template0'],
  [POSTGRES_DATABASE_ID, 'postgres'],
];

export async function bootstrapCatalog(db: KvDb): Promise<void> {
  const [marker] = await db.getMany([SYSTEM_KEYS.bootstrapped]);
  if (marker !== null && marker !== undefined) return;
  await db.run({ isolation: 'serializable', name: 'bootstrap' }, async (txn) => {
    if ((await txn.get(SYSTEM_KEYS.bootstrapped, { lock: 'exclusive' })) !== null) return;
    const publicSchema: SchemaDescriptor = {
      kind: 'schema',
      id: PUBLIC_SCHEMA_ID,
      name: 'public',
      databaseId: 0,
      version: 1,
      owner: DATABASE_OWNER.oid,
      comment: 'standard public schema',
    };
    txn.put(SYSTEM_KEYS.descriptor(PUBLIC_SCHEMA_ID), encodeDescriptor(publicSchema));
    for (const [id, name] of DATABASES) {
      const database: DatabaseDescriptor = { kind: 'database', id, name, version: 1, owner: SUPERUSER_OID };
      txn.put(SYSTEM_KEYS.descriptor(id), encodeDescriptor(database));
      txn.put(SYSTEM_KEYS.name(0, 0, name), encodeNameEntry({ id, indexOid: null }));
      txn.put(SYSTEM_KEYS.name(id, 0, 'public'), encodeNameEntry({ id: PUBLIC_SCHEMA_ID, indexOid: null }));
    }
    txn.put(SYSTEM_KEYS.bootstrapped, Buffer.from('1'));
  });
}

/** Hands out object ids from blocks: ids are unique in the cluster and grow, with gaps at restarts. */
export class IdAllocator {
  readonly #db: KvDb;
  readonly #blockSize: number;
  #next = 0;
  #end = 0;
  #filling: Promise<void> | null = null;

  constructor(db: KvDb, blockSize = 32) {
    this.#db = db;
    this.#blockSize = blockSize;
  }

  async next(): Promise<number> {
    while (this.#next >= this.#end) {
      this.#filling ??= this.#fill().finally(() => {
        this.#filling = null;
      });
      await this.#filling;
    }
    return this.#next++;
  }

  async #fill(): Promise<void> {
    const last = await againIfUnknown(() => this.#db.increment(SYSTEM_KEYS.idCounter, this.#blockSize));
    this.#end = FIRST_USER_ID + last;
    this.#next = this.#end - this.#blockSize;
  }
}
