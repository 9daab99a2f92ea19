/** Snapshots that one session exports and others import, as `pg_dump -j` does. */
import { describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

describe('an exported snapshot', () => {
  it('shows others what its transaction sees', async () => {
    const server = await startServer();
    const [a, b, c] = [await Client.open(server), await Client.open(server), await Client.open(server)];
    await a.all('CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1)');
    await a.all('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const name = (await a.rows('SELECT pg_export_snapshot()'))[0]![0]!;
    await c.all('UPDATE t SET n = 2; INSERT INTO t VALUES (2, 2)');
    // Not only they read as of then: the one that exported it has stayed there, though it had read nothing.
    expect(await a.rows('SELECT * FROM t')).toEqual([['1', '1']]);
    await b.all(`BEGIN ISOLATION LEVEL SERIALIZABLE; SET TRANSACTION SNAPSHOT '${name}'`);
    await b.all('LOCK TABLE t IN ACCESS SHARE MODE NOWAIT');
    expect(await b.rows('SELECT * FROM t')).toEqual([['1', '1']]);
    expect(await b.error('DELETE FROM t')).toBe('25006 cannot execute DELETE in a read-only transaction');
    await b.all('ROLLBACK');
    expect(await b.rows('SELECT count(*) FROM t')).toEqual([['2']]);
    await a.all('COMMIT');
  });

  it('is refused where it comes too late, or is none', async () => {
    const server = await startServer();
    const c = await Client.open(server);
    await c.all('CREATE TABLE t (id int)');
    const set = (name: string): string => `SET TRANSACTION SNAPSHOT '${name}'`;
    await c.all('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const name = (await c.rows('SELECT pg_export_snapshot()'))[0]![0]!;
    expect(name).toMatch(/^[0-9A-F]{8}-[0-9A-F]{8}-1$/);
    expect(await c.error(set(name))).toBe('25001 SET TRANSACTION SNAPSHOT must be called before any query');
    await c.all('ROLLBACK; BEGIN ISOLATION LEVEL READ COMMITTED');
    expect(await c.error(set(name))).toBe(
      '0A000 a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ',
    );
    for (const other of ['nonsense', '', 'FFFFFFFF-FFFFFFFF-1', '001FFFFF-00000000-1', `${name}1`]) {
      await c.all('ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ');
      expect(await c.error(set(other))).toBe(`22023 invalid snapshot identifier: "${other}"`);
    }
  });
});
