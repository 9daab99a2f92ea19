import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all(`
    create table account (id int primary key, owner text unique, amount numeric not null);
    insert into account values (1, 'ada', 10), (2, 'alan', 20), (3, 'grace', 30);
    create view rich as select amount, id as nr, owner from account where amount >= 20 with check option`);
});

describe('rows changed through a view', () => {
  it('are those of the table, with its indexes and constraints', async () => {
    await c.all("insert into rich values (40, 4, 'edsger'); update rich set amount = amount + 1 where owner = 'alan'");
    expect(await c.rows("select id, amount from account where owner in ('alan', 'edsger') order by 1")).toEqual([
      ['2', '21'],
      ['4', '40'],
    ]);
    expect(await c.error("insert into rich values (40, 5, 'ada')")).toContain(
      '23505 duplicate key value violates unique constraint "account_owner_key"',
    );
    expect(await c.error("insert into rich values (null, 6, 'x')")).toContain('23502');
    expect(await c.error("insert into rich values (1, 1, 'x')")).toContain('23505');
    expect(await c.rows('delete from rich returning nr')).toEqual([['2'], ['3'], ['4']]);
    expect(await c.rows('select owner from account')).toEqual([['ada']]);
  });

  it('leave nothing behind when the check option or the transaction refuses them', async () => {
    expect(await c.error("insert into rich values (50, 7, 'a'), (1, 8, 'b')")).toBe(
      '44000 new row violates check option for view "rich" | Failing row contains (8, b, 1).',
    );
    expect(await c.rows('select count(*) from account')).toEqual([['3']]);
    await c.all('begin; savepoint a');
    expect(await c.error('update rich set amount = 0 where nr = 2')).toContain('44000');
    await c.all("rollback to a; insert into rich values (70, 9, 'kept'); savepoint b; delete from rich; rollback to b");
    await c.all('commit');
    expect(await c.rows('select nr, amount from rich order by nr')).toEqual([
      ['2', '20'],
      ['3', '30'],
      ['9', '70'],
    ]);
  });

  it('are planned anew when the view or its table changes', async () => {
    const change = "update rich set owner = owner || '!' where nr = 3 returning *";
    expect(await c.rows(change)).toEqual([['30', '3', 'grace!']]);
    const other = await Client.open(server);
    await other.all('alter table account rename column amount to money; alter table account add column extra int');
    expect(await c.rows(change)).toEqual([['30', '3', 'grace!!']]);
    await other.all('create or replace view rich as select money as amount, id as nr, owner from account where false');
    expect(await c.rows(change)).toEqual([]);
    expect(await c.error('insert into rich values (null, 8, null)')).toContain('"money" of relation "account"');
  });

  it('wait for the locks of rows that another session has through the view', async () => {
    const other = await Client.open(server);
    await c.all('begin');
    expect(await c.rows('select nr from rich where nr = 2 for update')).toEqual([['2']]);
    let isDone = false;
    const change = other.all('update account set amount = 5 where id = 2').then(() => {
      isDone = true;
    });
    for (let i = 0; i < 20; i++) await c.rows('select count(*) from account where id = 1');
    expect(isDone).toBe(false);
    await c.all('update rich set amount = 25 where nr = 2; commit');
    await change;
    expect(await c.rows('select amount from account where id = 2')).toEqual([['5']]);
  });

  it('know a condition that reads the table itself as it was before the statement', async () => {
    await c.all(`create view known as select * from account a
      where exists (select 1 from account b where b.amount = a.id) with check option`);
    expect(await c.error("insert into known values (77, 'self', 77)")).toContain('44000');
    expect(await c.error("insert into known values (10, 'first', 78), (78, 'second', 1)")).toContain('44000');
    expect(await c.rows("insert into known values (10, 'first', 78), (20, 'second', 1) returning id")).toEqual([
      ['10'],
      ['20'],
    ]);
    expect(await c.error("insert into known values (30, 'x', 1) on conflict do nothing")).toContain('0A000');
  });
});
