/** Roles over several sessions: who may begin one, and that what another session grants or takes counts at once. */
import { afterEach, describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer | null = null;

afterEach(async () => {
  await server?.close();
  server = null;
});

async function started(): Promise<Client> {
  server = await startServer();
  return Client.open(server);
}

async function login(user: string, parameters: Record<string, string> = {}, database = 'postgres'): Promise<Client> {
  return new Client(await server!.openSession({ user, database, parameters, remote: 'test' }));
}

async function refused(user: string, parameters: Record<string, string> = {}): Promise<string> {
  try {
    await login(user, parameters);
  } catch (error) {
    if (error instanceof QuoralError) return `${error.severity} ${error.sqlstate} ${error.message}`;
    throw error;
  }
  throw new Error(`${user} may log in`);
}

describe('roles begin sessions', () => {
  it('with settings that they may set', async () => {
    const c = await started();
    await c.all('create role alice login; create role boss login superuser');
    const replica = { session_replication_role: 'replica' };
    for (const parameters of [replica, { options: '-c session_replication_role=replica' }])
      expect(await refused('alice', parameters)).toContain(
        '42501 permission denied to set parameter "session_replication_role"',
      );
    const shown = async (user: string, parameters = {}): Promise<unknown> =>
      (await (await login(user, parameters)).rows('show session_replication_role'))[0]![0];
    expect(await shown('boss', replica)).toBe('replica');
    await c.all('alter role alice set session_replication_role = replica');
    expect(await shown('alice')).toBe('replica');
  });

  it('if they are there, may log in and may connect', async () => {
    const root = await started();
    expect(await refused('alice')).toBe('FATAL 28000 role "alice" does not exist');
    await root.all('CREATE ROLE alice');
    expect(await refused('alice')).toBe('FATAL 28000 role "alice" is not permitted to log in');
    await root.all('ALTER ROLE alice LOGIN CONNECTION LIMIT 1');
    const alice = await login('alice');
    expect(await alice.rows('SELECT current_user, session_user')).toEqual([['alice', 'alice']]);
    expect(await refused('alice')).toBe('FATAL 53300 too many connections for role "alice"');
    await alice.session.close();
    await root.all('REVOKE CONNECT ON DATABASE postgres FROM PUBLIC');
    expect(await refused('alice')).toBe('FATAL 42501 permission denied for database "postgres"');
    await root.all('GRANT CONNECT ON DATABASE postgres TO alice');
    await (await login('alice')).session.close();
    expect(await refused('pg_monitor')).toBe('FATAL 28000 role "pg_monitor" is not permitted to log in');
  });

  it('cannot begin as somebody else', async () => {
    const root = await started();
    await root.all('CREATE USER alice');
    expect(await refused('alice', { role: 'postgres' })).toContain('0A000');
    expect(await refused('alice', { options: '-c session_authorization=postgres' })).toContain('0A000');
    expect(await root.error('ALTER ROLE alice SET role = postgres')).toContain('0A000');
  });

  it('with the settings that databases and roles have', async () => {
    const root = await started();
    await root.all('CREATE USER alice');
    await root.all("ALTER ROLE ALL SET work_mem = '1MB'");
    await root.all("ALTER DATABASE postgres SET work_mem = '2MB'");
    const shown = async (): Promise<string | null> => (await (await login('alice')).rows('SHOW work_mem'))[0]![0]!;
    expect(await shown()).toBe('2MB');
    await root.all("ALTER ROLE alice SET work_mem = '3MB'");
    expect(await shown()).toBe('3MB');
    await root.all("ALTER ROLE alice IN DATABASE postgres SET work_mem = '4MB'");
    expect(await shown()).toBe('4MB');
    expect(await (await login('alice', { work_mem: '5MB' })).rows('SHOW work_mem')).toEqual([['5MB']]);
    await root.all('ALTER ROLE alice IN DATABASE postgres RESET ALL');
    await root.all('ALTER ROLE alice RESET work_mem');
    await root.all('ALTER DATABASE postgres RESET ALL');
    expect(await shown()).toBe('1MB');
    await root.all('ALTER ROLE ALL RESET ALL');
    expect(await shown()).toBe('4MB');
  });
});

describe('what is granted and taken', () => {
  it('holds a role from another database: rights to a language, to schemas', async () => {
    const root = await started();
    await root.all('CREATE DATABASE other');
    const other = await login('postgres', {}, 'other');
    for (const right of ['USAGE ON LANGUAGE plpgsql', 'CREATE ON SCHEMA public']) {
      await root.all(`CREATE ROLE held; GRANT ${right} TO held`);
      expect(await other.error('DROP ROLE held')).toBe(
        '2BP01 role "held" cannot be dropped because some objects depend on it | 1 object in database postgres',
      );
      await root.all('DROP OWNED BY held');
      await other.all('DROP ROLE held');
    }
  });

  it('counts at once in other sessions, for texts and prepared statements that ran before', async () => {
    const root = await started();
    await root.all('CREATE USER alice; CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, a int)');
    await root.all('INSERT INTO s.t VALUES (1, 10)');
    const alice = await login('alice');
    const point = 'SELECT a FROM s.t WHERE id = 1';
    expect(await root.rows(point)).toEqual([['10']]);
    expect(await alice.error(point)).toBe('42501 permission denied for schema s');
    await root.all('GRANT USAGE ON SCHEMA s TO alice');
    expect(await alice.error(point)).toBe('42501 permission denied for table t');
    await root.all('GRANT SELECT ON s.t TO alice');
    expect(await alice.rows(point)).toEqual([['10']]);
    await alice.all(`PREPARE p AS ${point}`);
    expect(await alice.rows('EXECUTE p')).toEqual([['10']]);
    await root.all('REVOKE SELECT ON s.t FROM alice');
    expect(await alice.error(point)).toBe('42501 permission denied for table t');
    expect(await alice.error('EXECUTE p')).toBe('42501 permission denied for table t');
    await root.all('GRANT SELECT (a, id) ON s.t TO alice');
    expect(await alice.rows(point)).toEqual([['10']]);
    await root.all('REVOKE USAGE ON SCHEMA s FROM alice');
    expect(await alice.error(point)).toBe('42501 permission denied for schema s');
    expect(await root.rows(point)).toEqual([['10']]);
  });

  it('counts for members of a group, and when a role becomes a superuser and is none again', async () => {
    const root = await started();
    await root.all('CREATE USER alice; CREATE ROLE readers; CREATE TABLE t (a int); GRANT SELECT ON t TO readers');
    const alice = await login('alice');
    const denied = '42501 permission denied for table t';
    expect(await alice.error('SELECT * FROM t')).toBe(denied);
    await root.all('GRANT readers TO alice');
    expect(await alice.rows('SELECT * FROM t')).toEqual([]);
    await root.all('REVOKE readers FROM alice');
    expect(await alice.error('SELECT * FROM t')).toBe(denied);
    await root.all('ALTER ROLE alice SUPERUSER');
    expect((await alice.query('INSERT INTO t VALUES (1)')).tag).toBe('INSERT 0 1');
    await root.all('ALTER ROLE alice NOSUPERUSER');
    expect(await alice.error('SELECT * FROM t')).toBe(denied);
  });

  it('is undone with its transaction, and seen within it', async () => {
    const root = await started();
    await root.all('CREATE USER alice; CREATE TABLE t (a int)');
    await root.all('BEGIN; GRANT SELECT ON t TO alice; SET LOCAL ROLE alice');
    expect(await root.rows('SELECT * FROM t')).toEqual([]);
    await root.all('ROLLBACK');
    const alice = await login('alice');
    expect(await alice.error('SELECT * FROM t')).toBe('42501 permission denied for table t');
    expect(await root.rows('SELECT current_user')).toEqual([['postgres']]);
  });

  it('decides which schema of the path a name is found in', async () => {
    const root = await started();
    await root.all('CREATE USER alice; CREATE SCHEMA a; CREATE SCHEMA b');
    await root.all("CREATE TABLE a.t AS SELECT 'a' AS x; CREATE TABLE b.t AS SELECT 'b' AS x");
    await root.all('GRANT SELECT ON a.t, b.t TO alice; GRANT USAGE ON SCHEMA b TO alice');
    const alice = await login('alice');
    await alice.all('SET search_path = a, b');
    expect(await alice.rows('SELECT x FROM t')).toEqual([['b']]);
    await root.all('GRANT USAGE ON SCHEMA a TO alice');
    expect(await alice.rows('SELECT x FROM t')).toEqual([['a']]);
    await root.all('REVOKE USAGE ON SCHEMA a FROM alice');
    expect(await alice.rows('SELECT x FROM t')).toEqual([['b']]);
  });

  it('leaves the point reads of the superuser to what they were, and asks for owners of views', async () => {
    const root = await started();
    await root.all('CREATE USER alice; CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 2)');
    await root.all(
      'GRANT SELECT ON t TO alice; CREATE VIEW v AS SELECT a FROM t WHERE id = 1; ALTER VIEW v OWNER TO alice',
    );
    expect(await root.rows('SELECT a FROM v')).toEqual([['2']]);
    await root.all('REVOKE SELECT ON t FROM alice');
    expect(await root.error('SELECT a FROM v')).toBe('42501 permission denied for table t');
  });

  it('is the owner’s where an index runs functions, whoever makes it', async () => {
    const root = await started();
    await root.all('CREATE USER alice; GRANT CREATE ON SCHEMA public TO alice');
    const alice = await login('alice');
    await alice.all('CREATE TABLE t (a int); INSERT INTO t VALUES (1)');
    await alice.all(
      "CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN ASSERT current_user = 'alice', current_user; RETURN $1; END $$",
    );
    expect((await root.query('CREATE INDEX ON t (f(a))')).tag).toBe('CREATE INDEX');
    expect((await root.query('ALTER TABLE t ADD b int DEFAULT 1 + random()::int')).tag).toBe('ALTER TABLE');
    expect(await root.error('SELECT f(1)')).toContain('postgres');
    await alice.all('CREATE MATERIALIZED VIEW m AS SELECT f(a) FROM t');
    expect((await root.query('REFRESH MATERIALIZED VIEW m')).tag).toBe('REFRESH MATERIALIZED VIEW');
  });

  it('counts in other sessions what a role that is dropped loses', async () => {
    const root = await started();
    await root.all('CREATE USER alice');
    const alice = await login('alice');
    expect(await alice.rows('SELECT 1')).toEqual([['1']]);
    await root.all('DROP ROLE alice');
    expect(await alice.error('SELECT 1')).toContain('42704');
    expect(await refused('alice')).toBe('FATAL 28000 role "alice" does not exist');
  });

  it('lets nobody see or end what others do who has no right to', async () => {
    const root = await started();
    await root.all('CREATE USER alice; CREATE USER bob');
    const alice = await login('alice');
    const bob = await login('bob');
    expect(await alice.rows("SELECT query FROM pg_stat_activity WHERE usename = 'bob'")).toEqual([
      ['<insufficient privilege>'],
    ]);
    const pid = bob.session.processId;
    expect(await alice.error(`SELECT pg_terminate_backend(${pid})`)).toContain(
      '42501 must be a member of the role whose process is being terminated',
    );
    expect(await alice.error(`SELECT pg_cancel_backend(${root.session.processId})`)).toBe(
      '42501 must be a superuser to cancel superuser query',
    );
  });
});

describe('what was allowed once', () => {
  it('is not allowed by a grant that was undone', async () => {
    const root = await started();
    await root.all('CREATE ROLE owners');
    await root.all('CREATE USER alice');
    await root.all('CREATE TABLE t (id int PRIMARY KEY, a int)');
    await root.all('INSERT INTO t VALUES (1, 2), (2, 3), (3, 4)');
    await root.all('GRANT SELECT ON t TO owners');
    await root.all('ALTER ROLE alice CREATEROLE');
    const alice = await login('alice');
    const read = 'SELECT a FROM t WHERE id = 1';
    expect(await alice.error(read)).toBe('42501 permission denied for table t');
    for (const end of ['ROLLBACK', 'ROLLBACK TO s']) {
      await alice.all('BEGIN');
      await alice.all('SAVEPOINT s');
      await alice.all('GRANT owners TO alice');
      expect(await alice.rows(read)).toEqual([['2']]);
      await alice.all(end);
      expect(await alice.error(read)).toBe('42501 permission denied for table t');
      await alice.all('ROLLBACK');
      expect(await alice.error(read)).toBe('42501 permission denied for table t');
    }
  });

  it('is not allowed by a view whose owner lost it, not to the superuser either', async () => {
    const root = await started();
    for (const statement of ['CREATE ROLE readers', 'CREATE USER bob IN ROLE readers']) await root.all(statement);
    await root.all('CREATE TABLE t (id int PRIMARY KEY)');
    await root.all('GRANT SELECT ON t TO readers');
    await root.all('CREATE VIEW v AS SELECT id FROM t');
    await root.all('ALTER VIEW v OWNER TO bob');
    const denied = '42501 permission denied for table t';
    // Being a member is nothing that a plan depends on.
    for (let round = 0; round < 3; round++) {
      expect(await root.rows('SELECT id FROM v')).toEqual([]);
      expect(await root.rows('SELECT id FROM v')).toEqual([]);
      await root.all('REVOKE readers FROM bob');
      expect(await root.error('SELECT id FROM v')).toBe(denied);
      await root.all('GRANT readers TO bob');
    }
    await root.all('BEGIN');
    expect(await root.rows('SELECT id FROM v')).toEqual([]);
    await root.all('REVOKE readers FROM bob');
    expect(await root.error('SELECT id FROM v')).toBe(denied);
    await root.all('ROLLBACK');
    expect(await root.rows('SELECT id FROM v')).toEqual([]);
  });

  it('is looked at again when something was taken, by any way to run it', async () => {
    const root = await started();
    await root.all('CREATE USER alice');
    await root.all('CREATE USER bob');
    await root.all('CREATE TABLE t (id int PRIMARY KEY, a int)');
    await root.all('INSERT INTO t VALUES (1, 2), (2, 3), (3, 4)');
    await root.all('GRANT SELECT, UPDATE ON t TO alice');
    const [alice, bob] = [await login('alice'), await login('bob')];
    const denied = '42501 permission denied for table t';
    const ways: ((who: Client) => Promise<unknown>)[] = [
      (who) => who.rows('SELECT a FROM t WHERE id = 1'),
      (who) => who.rows(`SELECT a FROM t WHERE id = ${1 + (serial++ % 3)}`),
      (who) => who.rows(`UPDATE t SET a = ${serial++} WHERE id = 2 RETURNING id`),
      (who) => who.run('SELECT a FROM t WHERE id = $1', ['3']),
      (who) => who.run(`SELECT a FROM t WHERE id = ${1 + (serial++ % 3)} AND a > -1`),
    ];
    let serial = 0;
    const fails = async (who: Client, way: (who: Client) => Promise<unknown>): Promise<string> =>
      way(who).then(
        () => 'none',
        (error: unknown) => (error instanceof QuoralError ? `${error.sqlstate} ${error.message}` : String(error)),
      );
    for (let round = 0; round < 3; round++) {
      for (const way of ways) {
        for (let i = 0; i < 3; i++) {
          expect(await fails(alice, way)).toBe('none');
          expect(await fails(bob, way)).toBe(denied);
          await way(root);
        }
      }
      await root.all('REVOKE ALL ON t FROM alice');
      for (const way of ways) expect(await fails(alice, way)).toBe(denied);
      await root.all('GRANT SELECT, UPDATE ON t TO alice');
    }
  });

  it('are refused by a table whose row-level security holds for them', async () => {
    const root = await started();
    await root.all('CREATE USER alice');
    await root.all(
      'CREATE TABLE guarded (a int); CREATE VIEW over AS SELECT * FROM guarded; INSERT INTO guarded VALUES (1)',
    );
    await root.all('GRANT ALL ON guarded, over TO alice; ALTER TABLE guarded ENABLE ROW LEVEL SECURITY');
    const alice = await login('alice');
    const refusal = '0A000 row-level security of table "guarded" is not supported for other roles than its owner';
    for (const text of [
      'SELECT FROM guarded',
      'INSERT INTO guarded VALUES (2)',
      'DELETE FROM guarded',
      'COPY guarded TO STDOUT',
    ])
      expect(await alice.error(text)).toBe(refusal);
    expect(await alice.rows('SELECT * FROM over')).toEqual([['1']]);
    expect(await root.rows('SELECT * FROM guarded')).toEqual([['1']]);
    await root.all('ALTER TABLE guarded DISABLE ROW LEVEL SECURITY');
    expect(await alice.rows('SELECT * FROM guarded')).toEqual([['1']]);
  });
});
