import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

// The answers are PostgreSQL 15's.
describe('ordered-set aggregates', () => {
  let c: Client;
  beforeAll(async () => {
    c = await Client.open(await startServer());
    await c.all(`create table m (g text, n int, d interval);
      insert into m values ('a', 1, '1 h'), ('a', 2, '2 h'), ('a', 10, '6 h'), ('b', 7, null), ('b', null, '1 day'), ('b', 7, '3 days')`);
  });

  it('percentile_cont interpolates, percentile_disc takes a value that is there', async () => {
    expect(
      await c.rows(`select g, percentile_cont(0.5) within group (order by n), percentile_cont(0.25) within group (order by n desc),
        percentile_disc(0.5) within group (order by n) from m group by g order by g`),
    ).toEqual([
      ['a', '2', '6', '2'],
      ['b', '7', '7', '7'],
    ]);
    expect(
      await c.rows(
        'select percentile_cont(array[0, 0.1, null, 1]) within group (order by n), percentile_disc(array[0, 1]) within group (order by g) from m',
      ),
    ).toEqual([['{1,1.4,NULL,10}', '{a,b}']]);
    expect(await c.rows("select percentile_cont(0.5) within group (order by d) from m where g = 'a'")).toEqual([
      ['02:00:00'],
    ]);
    expect(await c.rows("select percentile_cont(0.75) within group (order by d) from m where g = 'a'")).toEqual([
      ['04:00:00'],
    ]);
  });

  it('mode takes the most frequent; FILTER applies; no rows give NULL', async () => {
    expect(
      await c.rows(
        'select mode() within group (order by n), mode() within group (order by g desc), mode() within group (order by n) filter (where n > 99) from m',
      ),
    ).toEqual([['7', 'b', null]]);
    expect(await c.rows('select percentile_cont(null) within group (order by n) from m')).toEqual([[null]]);
  });

  it('says what is wrong', async () => {
    expect(await c.error('select percentile_cont(1.5) within group (order by n) from m')).toBe(
      '22003 percentile value 1.5 is not between 0 and 1',
    );
    expect(await c.error('select percentile_cont(0.5, n) from m')).toBe(
      '42809 WITHIN GROUP is required for ordered-set aggregate percentile_cont',
    );
    expect(await c.error('select sum(n) within group (order by n) from m')).toContain('42');
  });
});
