/** A node's lease on its catalog whose write has an unknown outcome. */
import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { decodeLease } from '../../../src/sql/catalog/codec.js';
import { SYSTEM_KEYS } from '../../../src/encoding/keyspace.js';
import type { KvTxn, TxnOptions } from '../../../src/txn/kv-txn.js';
import { MemoryDb } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

/** Answers the first write of a lease with 40003: it took place, or it does so whenever `arrive` is called. */
class UnsureDb extends MemoryDb {
  readonly #written: boolean;
  writes = 0;
  arrive: (() => Promise<unknown>) | null = null;

  constructor(written: boolean) {
    super();
    this.#written = written;
  }

  override async run<T>(options: TxnOptions, fn: (txn: KvTxn) => Promise<T>): Promise<T> {
    if (options.name !== 'catalog lease') return super.run(options, fn);
    if (this.writes++ > 0) return super.run(options, fn);
    if (this.#written) await super.run(options, fn);
    else this.arrive = () => super.run(options, fn);
    throw new QuoralError('40003', 'the outcome of the transaction is unknown', { retry: 'unknown' });
  }

  leaseEnd(): number {
    return decodeLease(this.kv.read(SYSTEM_KEYS.catalogLease(this.nodeId), this.now())!);
  }
}

describe('a lease whose write has an unknown outcome', () => {
  it('is written again, and no client hears of it', async () => {
    const db = new UnsureDb(true);
    const server = await startServer(db);
    const client = await Client.open(server);
    await client.all('create table t (a int primary key); insert into t values (1)');
    expect(await client.rows('select * from t')).toEqual([['1']]);
    expect(db.writes).toBeGreaterThan(1);
  });

  it('does not go back when the first write arrives behind the second', async () => {
    const db = new UnsureDb(false);
    const server = await startServer(db);
    const client = await Client.open(server);
    await client.all('create table t (a int primary key)');
    const end = db.leaseEnd();
    expect(db.arrive).not.toBe(null);
    await db.arrive!();
    expect(db.leaseEnd()).toBe(end);
  });
});
