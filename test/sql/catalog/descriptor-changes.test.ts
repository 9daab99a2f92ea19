/** What a node reads of the catalogs after schema changes: what was changed, not what there is or was. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SYSTEM_KEYS } from '../../../src/encoding/keyspace.js';
import { changedIds } from '../../../src/sql/catalog/descriptor-changes.js';
import { MemoryDb, MemoryTxn } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

const TABLES = `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`;

const rows = (...lists: readonly string[][]): Buffer[] => lists.map((lines) => Buffer.from(lines.join('\n'), 'latin1'));
const ids = (...args: Parameters<typeof changedIds>): number[] | null => {
  const found = changedIds(...args);
  return found === null ? null : [...found];
};

describe('rows of changes', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('name what was changed after the last line that is known', () => {
    const before = rows(['a 1', 'b 2 3'], ['c 4']);
    expect(ids(before, before)).toEqual([]);
    expect(ids(before, rows(['a 1', 'b 2 3', 'd 5 2', 'e 6'], ['c 4']))).toEqual([5, 2, 6]);
    expect(ids(before, rows(['b 2 3', 'd 5'], ['c 4', 'f 5']))).toEqual([5]);
  });

  it('do not say less than there was', () => {
    const before = rows(['a 1', 'b 2']);
    // The known line has gone out of the list; nothing was known; too many; of a node that writes tokens only.
    expect(ids(before, rows(['c 3', 'd 4']))).toBeNull();
    expect(ids([null], rows(['a 1', 'b 2']))).toEqual([1, 2]);
    expect(ids([null], rows(Array.from({ length: 32 }, (_, i) => `${i} 1`)))).toBeNull();
    expect(ids([null], rows(['c', 'd 7']))).toBeNull();
    expect(ids(before, rows(['a 1', 'b 2', 'c *']))).toBeNull();
    expect(ids(before, rows(['c']))).toBeNull();
    expect(ids(rows(['c']), rows(['c', 'd 7']))).toEqual([7]);
  });

  it('let a node read what was changed, here or elsewhere, however much was dropped before', async () => {
    const db = new MemoryDb();
    const [one, other] = [await Client.open(await startServer(db)), await Client.open(await startServer(db))];
    for (let i = 0; i < 100; i++) await one.all(`CREATE TABLE gone (a int); DROP TABLE gone`);
    await one.all('CREATE TABLE kept (a int)');
    for (const client of [one, other]) expect(await client.rows(TABLES)).toEqual([['kept']]);
    const scanned: string[] = [];
    const scan = MemoryTxn.prototype.scan;
    vi.spyOn(MemoryTxn.prototype, 'scan').mockImplementation(function (this: MemoryTxn, options) {
      if (options.start.startsWith(SYSTEM_KEYS.descriptors)) scanned.push(options.start);
      return scan.call(this, options);
    });
    for (let i = 0; i < 5; i++) {
      await (i % 2 === 0 ? one : other)
        .all(`CREATE TABLE t${i} (a serial); ALTER TABLE kept RENAME TO k; DROP TABLE IF EXISTS x;
        ALTER TABLE k RENAME TO kept`);
      const names = Array.from({ length: i + 1 }, (_, n) => [`t${n}`]);
      for (const client of [one, other]) expect(await client.rows(TABLES)).toEqual([['kept'], ...names]);
    }
    await other.all('DROP TABLE t0, t1, t2, t3, t4');
    for (const client of [one, other]) expect(await client.rows(TABLES)).toEqual([['kept']]);
    expect(scanned).toEqual([]);
  });

  it('are enough for a transaction of many descriptors, and for who has missed many changes', async () => {
    const db = new MemoryDb();
    const [one, other] = [await Client.open(await startServer(db)), await Client.open(await startServer(db))];
    for (let i = 0; i < 40; i++) await one.all(`CREATE TABLE gone (a int); DROP TABLE gone`);
    expect(await other.rows(TABLES)).toEqual([]);
    const many = Array.from({ length: 250 }, (_, i) => `m${String(i).padStart(3, '0')}`);
    await one.all(`BEGIN; ${many.map((name) => `CREATE TABLE ${name} (a int)`).join(';')}; COMMIT`);
    expect(await other.rows(TABLES)).toEqual(many.map((name) => [name]));
    for (let i = 0; i < 300; i++) await one.all(`ALTER TABLE m000 RENAME TO n; ALTER TABLE n RENAME TO m000`);
    await one.all(`ALTER TABLE m000 RENAME TO last`);
    expect((await other.rows(TABLES))[0]).toEqual(['last']);
  });
});
