import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

// The answers are PostgreSQL 15's.
describe('hypothetical-set aggregates', () => {
  let c: Client;
  beforeAll(async () => {
    c = await Client.open(await startServer());
    await c.all(`create table h (g text, a int, b text);
      insert into h values ('x',1,'a'),('x',2,'b'),('x',2,'c'),('x',4,null),('x',null,'z'),('y',10,'q'),('z',null,null)`);
  });

  it('say where a row would stand', async () => {
    const four = (row: string, order: string): string =>
      ['rank', 'dense_rank', 'percent_rank', 'cume_dist']
        .map((name) => `${name}(${row}) within group (order by ${order})`)
        .join(', ');
    expect(await c.rows(`select g, ${four('2', 'a')} from h group by g order by g`)).toEqual([
      ['x', '2', '2', '0.2', '0.6666666666666666'],
      ['y', '1', '1', '0', '0.5'],
      ['z', '1', '1', '0', '0.5'],
    ]);
    expect(await c.rows(`select ${four('3', 'a desc')} from h`)).toEqual([['5', '4', '0.5714285714285714', '0.625']]);
    expect(await c.rows(`select ${four('2', 'a')} from h where false`)).toEqual([['1', '1', '0', '1']]);
    expect(
      await c.rows(`select rank(null) within group (order by a), rank(null::int) within group (order by a nulls first),
        cume_dist(null::int) within group (order by a desc) from h`),
    ).toEqual([['6', '1', '0.375']]);
    expect(
      await c.rows(`select rank(2,'b') within group (order by a, b), rank(2,'b') within group (order by a desc, b desc nulls last),
        dense_rank(2,'bb') within group (order by a, b) from h`),
    ).toEqual([['2', '6', '3']]);
  });

  it('bring the direct argument and the order to one type', async () => {
    expect(
      await c.rows(`select rank(2.5) within group (order by a), rank('2') within group (order by a), rank(1::bigint) within group (order by a),
        pg_typeof(rank(2) within group (order by a)), pg_typeof(percent_rank(2) within group (order by a)) from h`),
    ).toEqual([['4', '2', '1', 'bigint', 'double precision']]);
    expect(
      await c.rows(
        "select rank(date '2020-01-01') within group (order by d) from (values (date '2019-01-01'), ('2021-01-01')) v (d)",
      ),
    ).toEqual([['2']]);
    expect(await c.rows('select rank(1.5) within group (order by f) from (values (1::float8), (2)) v (f)')).toEqual([
      ['2'],
    ]);
  });

  it('take grouped and outer columns, FILTER, HAVING and parameters', async () => {
    expect(await c.rows('select g, rank(g) within group (order by b) from h group by g order by 1')).toEqual([
      ['x', '4'],
      ['y', '2'],
      ['z', '1'],
    ]);
    expect(
      await c.rows('select x, (select rank(x) within group (order by a) from h) from generate_series(1, 3) x'),
    ).toEqual([
      ['1', '1'],
      ['2', '2'],
      ['3', '4'],
    ]);
    expect(
      await c.rows(
        'select rank(3) within group (order by a) filter (where a > 1) from h having rank(1) within group (order by a) > 0',
      ),
    ).toEqual([['3']]);
    expect(await c.rows('select g, rank(2) within group (order by a) from h group by rollup(g) order by 1')).toEqual([
      ['x', '2'],
      ['y', '1'],
      ['z', '1'],
      [null, '2'],
    ]);
    expect((await c.run('select rank($1) within group (order by a) from h', ['3'])).rows).toEqual([['4']]);
    expect(
      await c.rows(
        'select rank(3) within group (order by a), rank(3) within group (order by a desc), rank(3) within group (order by a nulls first) from h',
      ),
    ).toEqual([['4', '5', '6']]);
  });

  it.each([
    ["rank('b') within group (order by a)", '22P02 invalid input syntax for type integer: "b"'],
    ["rank('b'::text) within group (order by a)", '42804 WITHIN GROUP types integer and text cannot be matched'],
    ['rank(1,2) within group (order by a)', '42883 function rank(integer, integer, integer) does not exist'],
    ['rank(1) within group (order by a, b)', '42883 function rank(integer, integer, text) does not exist'],
    ['rank() within group (order by a)', '42883 function rank(integer) does not exist'],
    ['rank(1)', '42809 WITHIN GROUP is required for ordered-set aggregate rank'],
    ['rank()', '42809 window function rank requires an OVER clause'],
    ['rank(1) over ()', '42809 WITHIN GROUP is required for ordered-set aggregate rank'],
    ['rank(1) within group (order by a) over ()', '0A000 OVER is not supported for ordered-set aggregate rank'],
    [
      'percentile_cont(0.5) within group (order by a) over ()',
      '0A000 OVER is not supported for ordered-set aggregate percentile_cont',
    ],
    [
      'rank(a) within group (order by a)',
      '42803 column "h.a" must appear in the GROUP BY clause or be used in an aggregate function | Direct arguments of an ordered-set aggregate must use only grouped columns.',
    ],
    [
      'percentile_cont(a) within group (order by a)',
      '42803 column "h.a" must appear in the GROUP BY clause or be used in an aggregate function | Direct arguments of an ordered-set aggregate must use only grouped columns.',
    ],
    ['rank(distinct 1) within group (order by a)', '42601 cannot use DISTINCT with WITHIN GROUP'],
    ['rank(sum(1)) within group (order by a)', '42803 aggregate function calls cannot be nested'],
    ['rank(1) within group (order by sum(a))', '42803 aggregate function calls cannot be nested'],
    ['rank(variadic array[1]) within group (order by a)', '42601 cannot use VARIADIC with WITHIN GROUP'],
  ])('refuse select %s', async (call, error) => {
    expect(await c.error(`select ${call} from h`)).toBe(error);
  });

  it('refuse columns under grouping sets, where PostgreSQL takes them', async () => {
    expect(await c.error('select rank(g) within group (order by b) from h group by rollup (g)')).toMatch(/^0A000/);
  });

  it('are in the catalogs', async () => {
    expect(
      await c.rows(
        "select proname, prokind, oid from pg_proc where proname in ('rank', 'cume_dist') and prokind = 'a' order by 1",
      ),
    ).toEqual([
      ['cume_dist', 'a', '3990'],
      ['rank', 'a', '3986'],
    ]);
    expect(await c.rows('select aggkind, aggnumdirectargs from pg_aggregate where aggfnoid::oid = 3986')).toEqual([
      ['h', '1'],
    ]);
  });

  it('leave the window functions of the same names alone', async () => {
    expect(
      await c.rows(
        "select a, rank() over (order by a), dense_rank() over (order by a), cume_dist() over (order by a) from h where g = 'x' order by a limit 3",
      ),
    ).toEqual([
      ['1', '1', '1', '0.2'],
      ['2', '2', '2', '0.6'],
      ['2', '2', '2', '0.6'],
    ]);
  });
});
