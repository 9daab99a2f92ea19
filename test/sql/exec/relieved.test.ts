/** Statements that write many rows give up what their transaction buffers whenever that is much. */
import { expect, it } from 'vitest';
import { MemoryDb, MemoryKv } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

const CROWDED_AT = 500;
/** What is written in one go before it is asked again: a row and its index entries, or a thousand that are inserted. */
const ROW = 10;
const INSERTED = 2_100;

it.each([
  'INSERT INTO t SELECT g, g FROM generate_series(5001, 9000) g',
  'INSERT INTO t SELECT g, g FROM generate_series(5001, 9000) g RETURNING random()',
  'INSERT INTO t SELECT g, g FROM generate_series(1, 5000) g ON CONFLICT (id) DO UPDATE SET v = 0',
  'UPDATE t SET v = v + 1',
  'UPDATE t SET v = v + 1 RETURNING random()',
  'UPDATE t SET id = id + 1',
  'DELETE FROM t',
  'DELETE FROM t RETURNING id',
  'DELETE FROM t RETURNING noted(id)',
  'DELETE FROM t USING generate_series(1, 5000) g WHERE t.id = g RETURNING noted(id)',
  'MERGE INTO t USING generate_series(1, 9000) g ON t.id = g WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (g, g)',
])('%s', async (sql) => {
  const kv = new MemoryKv();
  const client = await Client.open(await startServer(new MemoryDb(kv, 1)));
  await client.all(`
    CREATE TABLE t (id int PRIMARY KEY, v int);
    INSERT INTO t SELECT g, g FROM generate_series(1, 5000) g;
    CREATE FUNCTION noted(n int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN n; END'`);
  kv.crowdedAt = CROWDED_AT;
  kv.bufferedMost = 0;
  await client.all(sql);
  expect(kv.bufferedMost).toBeGreaterThan(CROWDED_AT - 1);
  expect(kv.bufferedMost).toBeLessThan(CROWDED_AT + (/^(INSERT|MERGE)/.test(sql) ? INSERTED : ROW));
});
