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

  it('is a time stamp, an interval back from now, or a number, and never to come', async () => {
    const us = String((await c.rows(`select (extract(epoch from timestamptz '${past}') * 1000000)::bigint`))[0]![0]);
    for (const time of [`'${us}'`, us])
      expect(await count(`select count(*) from t as of system time ${time}`)).toBe('1');
    expect(await count("select count(*) from t as of system time '-0ms'")).toBe('2');
    // Before there was anything in it.
    for (const long of ['-1 month', '-1 year', '-1 day', '-1 hour'])
      expect(await count(`select count(*) from t as of system time '${long}'`)).toBe('0');
    for (const later of ["'500ms'", "'1 month'", "'2222-01-01'", `'${us.slice(0, 1)}9${us.slice(2)}'`])
      expect(await c.error(`select count(*) from t as of system time ${later}`)).toContain('22023');
  });

  it('writes nothing', async () => {
    await c.all('create sequence s');
    const now = "as of system time '-0ms'";
    expect(await c.error(`insert into t select 3 ${now}`)).toContain('25006');
    expect(await c.error(`with w as (delete from t returning a) select * from w ${now}`)).toContain('25006');
    expect(await c.error(`select * from t ${now} for update`)).not.toBe('');
    expect(await c.rows('select a from t order by a')).toEqual([['1'], ['2']]);
    expect(await c.error(`select nextval('s') ${now}`)).toContain('25006');
    expect(await c.rows(`select current_setting('transaction_read_only') ${now}`)).toEqual([['on']]);
    expect(await c.rows('show transaction_read_only')).toEqual([['off']]);
  });
});
