import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

describe('GROUPING and grouping sets', () => {
  let c: Client;
  beforeAll(async () => {
    c = await Client.open(await startServer());
    await c.all(`create table sales (region text, item text, n int);
      insert into sales values ('n', 'a', 1), ('n', 'b', 2), ('s', 'a', 4), (null, 'a', 8)`);
  });

  it('tells the rows of a rollup apart, also from groups of NULL', async () => {
    expect(
      await c.rows(`select region, item, grouping(region, item), sum(n) from sales group by rollup (region, item)
        order by grouping(region, item), region, item`),
    ).toEqual([
      ['n', 'a', '0', '1'],
      ['n', 'b', '0', '2'],
      ['s', 'a', '0', '4'],
      [null, 'a', '0', '8'],
      ['n', null, '1', '3'],
      ['s', null, '1', '4'],
      [null, null, '1', '8'],
      [null, null, '3', '15'],
    ]);
  });

  it('works in HAVING, in expressions, over expressions, and over plain groups', async () => {
    expect(
      await c.rows(
        `select case when grouping(item) = 1 then 'all' else item end as what, sum(n) from sales group by cube (item, region)
          having grouping(region) = 1 order by 1`,
      ),
    ).toEqual([
      ['a', '13'],
      ['all', '15'],
      ['b', '2'],
    ]);
    expect(
      await c.rows(
        'select grouping(upper(item)), upper(item), count(*) from sales group by grouping sets (upper(item), ()) order by 1, 2',
      ),
    ).toEqual([
      ['0', 'A', '3'],
      ['0', 'B', '1'],
      ['1', null, '4'],
    ]);
    expect(await c.rows('select item, grouping(item) from sales group by item order by 1')).toEqual([
      ['a', '0'],
      ['b', '0'],
    ]);
    expect(
      await c.rows('select grouping(item), count(*) from sales where n > 99 group by grouping sets ((), (item))'),
    ).toEqual([['1', '0']]);
  });

  it('refuses arguments that are not grouped by', async () => {
    const message = '42803 arguments to GROUPING must be grouping expressions of the associated query level';
    expect(await c.error('select grouping(n) from sales group by item')).toBe(message);
    expect(await c.error('select grouping(item) from sales')).toBe(message);
    expect(await c.error('select 1 from sales where grouping(item) = 0')).toBe(
      '42803 grouping operations are not allowed in WHERE',
    );
  });
});
