import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all(`
    create table sale (id int primary key, item text, price int);
    insert into sale values (1, 'a', 10), (2, 'b', 20), (3, 'a', 5);
    create materialized view totals as select item, sum(price) as total from sale group by item;
    create unique index totals_item on totals (item)`);
});

describe('REFRESH MATERIALIZED VIEW', () => {
  it('is seen by others when it commits, whole, and by a snapshot of before not at all', async () => {
    const reader = await Client.open(server);
    await c.all("begin; insert into sale values (4, 'c', 1); refresh materialized view totals");
    expect(await c.rows('select count(*) from totals')).toEqual([['3']]);
    const waiting = reader.rows('select item from totals order by 1');
    await c.all('commit');
    expect(await waiting).toEqual([['a'], ['b'], ['c']]);
    await c.all('begin; delete from sale; refresh materialized view totals; rollback');
    expect(await reader.rows('select count(*) from totals')).toEqual([['3']]);
  });

  it('that fails leaves the rows and the indexes of before', async () => {
    await c.all("create materialized view by_item as select item, id from sale where item <> 'a'");
    await c.all('create unique index by_item_item on by_item (item)');
    await c.all("insert into sale values (5, 'b', 1)");
    expect(await c.error('refresh materialized view by_item')).toBe(
      '23505 could not create unique index "by_item_item" | Key (item)=(b) is duplicated.',
    );
    expect(await c.rows("select id from by_item where item = 'b'")).toEqual([['2']]);
  });

  it('is what prepared statements of other sessions read from then on', async () => {
    const reader = await Client.open(server);
    await reader.all('prepare q as select total from totals where item = $1');
    expect(await reader.rows("execute q('a')")).toEqual([['15']]);
    await c.all('update sale set price = 100 where id = 1; refresh materialized view concurrently totals');
    expect(await reader.rows("execute q('a')")).toEqual([['105']]);
  });

  it('works after the tables and columns below were renamed', async () => {
    await c.all('alter table sale rename to sold; alter table sold rename price to paid; create table sale (x int)');
    await c.all("insert into sold values (9, 'z', 9); refresh materialized view totals");
    expect(await c.rows("select total from totals where item = 'z'")).toEqual([['9']]);
    expect((await c.rows("select pg_get_viewdef('totals'::regclass)"))[0]![0]).toContain('sold');
  });

  it('takes away what depends on it only with CASCADE', async () => {
    expect(await c.error('alter table sale drop column price')).toContain('2BP01');
    await c.all('create view top as select * from totals where total > 10');
    await c.all('drop table sale cascade');
    expect(await c.error('select * from totals')).toContain('42P01');
    expect(await c.error('select * from top')).toContain('42P01');
    // Its index's name is free again.
    await c.all('create table totals_item (x int)');
  });
});
