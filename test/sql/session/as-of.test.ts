import { beforeEach, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let c: Client;
let past: string;
beforeEach(async () => {
  c = await Client.open(await startServer());
  await c.all('create table t (a int primary key); insert into t values (1)');
  past = String((await c.rows('select clock_timestamp()'))[0]![0]);
  await c.all('insert into t values (2)');
});

const count = async (sql: string): Promise<unknown> => (await c.rows(sql))[0]![0];

describe('AS OF SYSTEM TIME', () => {
  it('is of a statement, or of a transaction from BEGIN or SET TRANSACTION on', async () => {
    expect(await count(`select count(*) from t as of system time '${past}'`)).toBe('1');
    expect(await count('select count(*) from t')).toBe('2');
    for (const begin of [`begin as of system time '${past}'`, `begin; set transaction as of system time '${past}'`]) {
      await c.all(begin);
      expect(await count('select count(*) from t')).toBe('1');
      expect(await c.error('insert into t values (3)')).toContain('25006');
      await c.all('rollback');
    }
    expect(await count('select count(*) from t')).toBe('2');
  });

  it('is refused where the present would be read', async () => {
    const clause = `as of system time '${past}'`;
    await c.all('begin; select * from t');
    expect(await c.error(`select * from t ${clause}`)).toContain('25001');
    await c.all('rollback; begin; select * from t');
    expect(await c.error(`set transaction ${clause}`)).toContain('25001');
    await c.all('rollback');
    expect(await c.error(`prepare p as select * from t ${clause}`)).toContain('0A000');
    expect(await c.error(`create table u as select * from t ${clause}`)).toContain('0A000');
    expect(await c.error(`do $$ begin perform a from t ${clause}; end $$`)).not.toBe('');
  });
});
