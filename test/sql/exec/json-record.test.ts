import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

// Every answer and message here was seen from PostgreSQL 15, unless it says otherwise.
let c: Client;
beforeAll(async () => {
  c = await Client.open(await startServer());
  await c.all('create table pr (id int, v text, w numeric(5,2) default 3)');
});

const MIXED = `'{"a":1.50,"b":{"q":  1},"c":[1,"2",null],"d":true}'`;

describe('json(b)_to_record', () => {
  it.each([
    [
      `json_to_record('{"a":1,"b":"x","c":[1,2],"d":{"z": 1},"e":null}') as x(a int, b text, c int[], d json, e int, f text)`,
      ['1', 'x', '{1,2}', '{"z": 1}', null, null],
    ],
    [`jsonb_to_record(${MIXED}) as x(a text, b text, c text, d text)`, ['1.50', '{"q": 1}', '[1, "2", null]', 'true']],
    [`json_to_record(${MIXED}) as x(a text, b text, c text, d text)`, ['1.50', '{"q":  1}', '[1,"2",null]', 'true']],
    [
      `json_to_record(${MIXED}) as x(a json, b jsonb, c jsonb, d jsonb)`,
      ['1.50', '{"q": 1}', '[1, "2", null]', 'true'],
    ],
    [`jsonb_to_record('{"a":"str","b":"x"}') as x(a json, b jsonb)`, ['"str"', '"x"']],
    [`json_to_record('{"a":"str","b":"x"}') as x(a json, b jsonb)`, ['"str"', '"x"']],
    [`json_to_record('{"a":"1.5"}') as x(a numeric(3,0))`, ['2']],
    [`json_to_record('{"a":"2020-01-01","a":"2021-01-01"}') as x(a date)`, ['2021-01-01']],
    [`json_to_record('{"A":1,"a":2}') as x("A" int)`, ['1']],
    [`json_to_record(null) as x(a int)`, [null]],
    [`json_to_record('{"a":"\\u0041\\n"}') as x(a text)`, ['A\n']],
    [`jsonb_to_record('{"a":true,"b":"t","c":0}') as x(a bool, b bool, c bool)`, ['t', 't', 'f']],
    [`json_to_record('{"a":[[1,2],[3,4]]}') as x(a int[])`, ['{{1,2},{3,4}}']],
    [`json_to_record('{"a":"{1,2}"}') as x(a int[])`, ['{1,2}']],
    [`jsonb_to_record('{"a":["a b",null,"c,d"]}') as x(a text[])`, ['{"a b",NULL,"c,d"}']],
    [`json_to_record('{"a":[]}') as x(a int[])`, ['{}']],
    [`json_to_record('{"a":1}') as x(a int, b text), json_to_record('{"c":2}') y(c int)`, ['1', null, '2']],
  ])('%s', async (from, row) => {
    expect(await c.rows(`select * from ${from}`)).toEqual([row]);
  });

  it('pads and limits by the type’s modifier', async () => {
    expect(
      await c.rows(`select a::text || '|', octet_length(a) from json_to_record('{"a":"abc"}') as x(a char(5))`),
    ).toEqual([['abc|', '5']]);
    expect(await c.error(`select * from json_to_record('{"a":"abcdef"}') as x(a varchar(3))`)).toBe(
      '22001 value too long for type character varying(3)',
    );
    expect(await c.error(`select * from json_to_record('{"a":["abcdef"]}') as x(a varchar(3)[])`)).toBe(
      '22001 value too long for type character varying(3)',
    );
  });

  it('is lateral, and shows as a row', async () => {
    expect(
      await c.rows(
        `select t.n, x.* from (values (1, '{"a":1}'::json), (2, null)) t (n, j) left join lateral json_to_record(t.j) as x(a int) on true order by 1`,
      ),
    ).toEqual([
      ['1', '1'],
      ['2', null],
    ]);
    expect(await c.rows(`select x.a, x from json_to_record('{"a":1}') as x(a int, b text)`)).toEqual([['1', '(1,)']]);
    expect((await c.run('select a + 1 as n from jsonb_to_record($1) as x(a int)', ['{"a":4}'])).rows).toEqual([['5']]);
    await c.all(`create view jr as select x.a from json_to_record('{"a":7}') as x(a int)`);
    expect(await c.rows('select * from jr')).toEqual([['7']]);
  });
});

describe('json(b)_to_recordset', () => {
  it('gives a row for each object', async () => {
    expect(
      await c.rows(`select * from json_to_recordset('[{"a":1,"b":"x"},{"b":"y"},{"a":"3"}]') as x(a int, b text)`),
    ).toEqual([
      ['1', 'x'],
      [null, 'y'],
      ['3', null],
    ]);
    expect(await c.rows(`select * from json_to_recordset('[]') as x(a int)`)).toEqual([]);
    expect(await c.rows(`select * from json_to_recordset(null) as x(a int)`)).toEqual([]);
    expect(
      await c.rows(`select count(*) from jsonb_to_recordset('[{"a":1},{"a":2}]') as x(a int) where a > 1`),
    ).toEqual([['1']]);
    expect(
      await c.rows(
        `select t.n, x.* from (values (1, '[{"a":1},{"a":2}]'::jsonb), (2, '[]')) t (n, j), jsonb_to_recordset(t.j) as x(a int) order by 2`,
      ),
    ).toEqual([
      ['1', '1'],
      ['1', '2'],
    ]);
  });

  it('stands in ROWS FROM with its own columns', async () => {
    expect(
      await c.rows(
        `select * from rows from (json_to_recordset('[{"a":1},{"a":2}]') as (a int), generate_series(1, 3)) with ordinality order by 3`,
      ),
    ).toEqual([
      ['1', '1', '1'],
      ['2', '2', '2'],
      [null, '3', '3'],
    ]);
  });
});

describe('json(b)_populate_record(set)', () => {
  it('takes the columns of a table', async () => {
    expect(
      await c.query(`select * from json_populate_record(null::pr, '{"id":1,"v":"x","w":2.345,"q":1}')`),
    ).toMatchObject({
      columns: ['id', 'v', 'w'],
      rows: [['1', 'x', '2.35']],
    });
    expect(
      await c.rows(`select * from jsonb_populate_recordset(null::public.pr, '[{"id":1},{"v":"x"}]') as z(a, b)`),
    ).toEqual([
      ['1', null, null],
      [null, 'x', null],
    ]);
    expect(await c.rows('select * from json_populate_record(null::pr, null)')).toEqual([[null, null, null]]);
    expect(
      await c.rows(
        `insert into pr select * from json_populate_recordset(null::pr, '[{"id":1},{"v":"x"}]') returning *`,
      ),
    ).toEqual([
      ['1', null, null],
      [null, 'x', null],
    ]);
    await c.all('alter table pr add column z int');
    expect(await c.rows(`select z, id from json_populate_record(null::pr, '{"z":1}')`)).toEqual([['1', null]]);
  });

  it.each([
    [
      `json_populate_record(null::pr, '{"id":1}') as x(a int)`,
      '42601 a column definition list is redundant for a function returning a named composite type',
    ],
    [`json_populate_recordset(null::pr, '{"id":1}')`, '22023 cannot call json_populate_recordset on an object'],
    [`json_populate_record(null::pr, '[]')`, '22023 cannot call populate_composite on an array'],
    [`json_populate_record(null::int, '{}')`, '42804 first argument of json_populate_record must be a row type'],
    [`json_populate_record(null::nosuch, '{}')`, '42704 type "nosuch" does not exist'],
    [
      `json_populate_record(row(1), '{}')`,
      '42601 a column definition list is required for functions returning "record"',
    ],
  ])('refuses %s', async (from, error) => {
    expect(await c.error(`select * from ${from}`)).toBe(error);
  });
});

describe('what JSON does not fit', () => {
  const list = 'a column definition list is';
  it.each([
    [`json_to_record('{"a":1.5}') as x(a int)`, '22P02 invalid input syntax for type integer: "1.5"'],
    [`json_to_record('[1]') as x(a int)`, '22023 cannot call populate_composite on an array'],
    [`jsonb_to_record('"s"') as x(a int)`, '22023 cannot call populate_composite on a scalar'],
    [`json_to_record('{"a":1}')`, `42601 ${list} required for functions returning "record"`],
    [`json_to_record('{"a":1}') x`, `42601 ${list} required for functions returning "record"`],
    [`generate_series(1, 2) as x(a int)`, `42601 ${list} only allowed for functions returning "record"`],
    [
      `json_to_recordset('[{}]') with ordinality as x(a int)`,
      '42601 WITH ORDINALITY cannot be used with a column definition list',
    ],
    [`json_to_record('{"a":1}') as x(a int, a int)`, '42701 column name "a" specified more than once'],
    [`json_to_record('{"a":1}') as x(a nosuch)`, '42704 type "nosuch" does not exist'],
    [`json_to_recordset('{"a":1}') as x(a int)`, '22023 cannot call json_to_recordset on an object'],
    [`json_to_recordset('1') as x(a int)`, '22023 cannot call json_to_recordset on a scalar'],
    [`json_to_recordset('[1,2]') as x(a int)`, '22023 argument of json_to_recordset must be an array of objects'],
    [`json_to_recordset('[null]') as x(a int)`, '22023 argument of json_to_recordset must be an array of objects'],
    [`jsonb_to_recordset('{"a":1}') as x(a int)`, '22023 cannot call jsonb_to_recordset on a non-array'],
    [`jsonb_to_recordset('[[1]]') as x(a int)`, '22023 argument of jsonb_to_recordset must be an array of objects'],
    [
      `json_to_record('{"a":[[1,2],[3]]}') as x(a int[])`,
      '22P02 malformed JSON array | Multidimensional arrays must have sub-arrays with matching dimensions.',
    ],
    [`json_to_record('{"a":[[1,2],3]}') as x(a int[])`, '22P02 expected JSON array'],
    [`json_to_record('{"a":{"b":1}}') as x(a int[])`, '22P02 expected JSON array'],
    [`json_to_record('{"a":[1,"x"]}') as x(a int[])`, '22P02 invalid input syntax for type integer: "x"'],
    [`jsonb_to_record('{"a":{"x":1}}') as x(a int)`, '22P02 invalid input syntax for type integer: "{"x": 1}"'],
    [
      `json_to_record('{') as x(a int)`,
      '22P02 invalid input syntax for type json | The input string ended unexpectedly.',
    ],
  ])('%s', async (from, error) => {
    expect((await c.error(`select * from ${from}`)).startsWith(error)).toBe(true);
  });

  it('has no shape outside of FROM', async () => {
    expect(await c.error(`select json_to_record('{"a":1}')`)).toBe(
      '0A000 could not determine row type for result of json_to_record',
    );
  });
});
