/** What clients are told of statements' parameters and columns: types, modifiers and origins, as PostgreSQL 15 tells them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { isArrayType, typeByOid } from '../../../src/sql/types/registry.js';
import { isHandle } from '../../../src/sql/types/user-types.js';
import { Client, CollectingSink, startServer } from '../support/server.js';

const SCHEMA = `
create domain dt as text; create domain di as int check (value > 0); create domain dv as varchar(7); create domain ddi as di;
create domain dn as numeric(8,3); create domain da as int[];
create type en as enum ('a', 'b'); create type co as (x int, y varchar(4), z dn); create domain den as en; create domain dco as co;
create table t (i di primary key, t dt, v dv, di2 ddi, n dn, a da, ad di[], e en, de den, c co, dc dco, ea en[], ca co[], r int,
  vc varchar(9), ch char(3), nu numeric(10,2), b bit(4), vb varbit(6), ts timestamp(3), tz timestamptz(2), ti time(1),
  iv interval(2), ivd interval day to second(3), va varchar(5)[], na numeric(6,1)[]);
create function f3(out p di, out q dv) language sql as 'select 1::di, ''x''::dv';
create function f5(di, text) returns dv language sql as 'select ''x''::dv';
create function f6(anyelement) returns anyelement language sql as 'select $1';
create function f7() returns varchar language sql as 'select ''a''::varchar';
create view vw as select i, v, n, vc, c, e, ad from t`;

/** Statement, its parameters' types, its columns: type(modifier)#column of the table. Of PostgreSQL's own types the oids. */
const DESCRIBED: readonly (readonly [string, string, string])[] = [
  [
    'select $1::di, $2::dt, $3::den, $4::dco, $5::da, $6::di[], $7::varchar(3)',
    'di dt den dco da _di 1043',
    '23(-1) 25(-1) en(-1) co(-1) 1007(-1) _di(-1) 1043(7)',
  ],
  [
    'insert into t (i, t, v, di2, n, a, ad, de, dc) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
    'di dt dv ddi dn da _di den dco',
    '',
  ],
  ['insert into t (i, t) select $1, $2', 'di dt', ''],
  ["insert into t (i, e) values ($1 + 1, $2), ($3, 'a')", '23 en di', ''],
  [
    'update t set i = $1, t = $2, vc = $3 where i = $4 and v = $5 returning i, v, vc, e, c',
    'di dt 1043 23 25',
    '23(-1)#1 1043(11)#3 1043(13)#15 en(-1)#8 co(-1)#10',
  ],
  [
    'select 1 from t where i = $1 and t = $2 and v = $3 and n > $4 and e = $5 and a = $6 and i in ($7, 2)',
    '23 25 25 1700 en 1007 23',
    '23(-1)',
  ],
  ['select f5($1, $2), f6($3::di), f6(i), f7() from t', 'di 25 di', '1043(11) 23(-1) 23(-1) 1043(-1)'],
  ['select cast($1 as di) + 1, cast($2 as dv) || $3, $4::di::bigint', 'di dv 25 di', '23(-1) 25(-1) 20(-1)'],
  [
    'insert into t (i) values ($1) on conflict (i) do update set t = $2 where t.v = $3 returning n',
    'di dt 25',
    '1700(524295)#5',
  ],
  [
    'select array[nu, nu], array[nu, 1], array(select nu from t), va[1], va[1:1], na[1], array[v, v], (ca[1]).y from t',
    '',
    '1231(655366) 1231(-1) 1231(655366) 1043(9) 1015(9) 1700(393221) _dv(-1) 1043(8)',
  ],
  ['with q as (select vc, nu, v from t) select * from q', '', '1043(13)#15 1700(655366)#17 1043(11)#3'],
  [
    'with recursive q(a, b) as (select 1::numeric(4,1), vc from t union all select a, b from q) select * from q',
    '',
    '1700(262149) 1043(13)',
  ],
  ['select * from vw', '', '23(-1)#1 1043(11)#2 1700(524295)#3 1043(13)#4 co(-1)#5 en(-1)#6 _di(-1)#7'],
  ['select x.v, x.n from vw x natural join t', '', '1043(11)#2 1700(524295)#3'],
  ['select nu from t union all select nu from t', '', '1700(655366)'],
  [
    'select coalesce(nu, nu), coalesce(nu, 1), max(vc), sum(nu), lag(nu) over (), case when true then nu end, nu::varchar(4) from t group by nu, vc',
    '',
    '1700(655366) 1700(-1) 25(-1) 1700(-1) 1700(-1) 1700(-1) 1043(8)',
  ],
  ['select * from f3()', '', '23(-1) 1043(11)'],
  [
    'select ts, tz, ti, iv, b, vb, ch, current_time(1) from t',
    '',
    '1114(3)#20 1184(2)#21 1083(1)#22 1186(2147418114)#23 1560(4)#18 1562(6)#19 1042(7)#16 1266(1)',
  ],
];

let c: Client;
beforeAll(async () => {
  c = await Client.open(await startServer());
  await c.all(SCHEMA);
});

const shown = (oid: number): string => (isHandle(oid) ? typeByOid(oid).name : String(oid));

async function run(text: string, ...values: string[]): Promise<string> {
  try {
    await c.session.parse('', text, []);
    await c.session.bind(
      '',
      '',
      values.map((v) => ({ format: 0 as const, bytes: Buffer.from(v) })),
    );
    const sink = new CollectingSink(c.session);
    sink.setColumns(c.session.describePortal(''));
    await c.session.execute('', 0, sink, true);
    return sink.results.map(({ rows }) => rows.join()).join();
  } catch (error) {
    if (error instanceof QuoralError) return error.sqlstate;
    throw error;
  }
}

describe('statements are described as by PostgreSQL', () => {
  for (const [text, parameters, columns] of DESCRIBED) {
    it(text, async () => {
      await c.session.parse('d', text, []);
      const told = c.session.describeStatement('d');
      c.session.closeStatement('d');
      expect(told.parameterOids.map(shown).join(' ')).toBe(parameters);
      const described = (told.columns ?? []).map(
        ({ typeOid, typmod, tableOid, columnNumber, domain }) =>
          // An array of a domain is no domain: it is told as what it is.
          `${shown(domain !== undefined && isArrayType(domain) ? domain : typeOid)}(${typmod})${tableOid === 0 ? '' : `#${columnNumber}`}`,
      );
      expect(described.join(' ')).toBe(columns);
    });
  }
});

describe('parameters of domains', () => {
  it('are looked at', async () => {
    expect(await run('select $1::di', '0')).toBe('23514');
    expect(await run('select $1::di', '3')).toBe('3');
    expect(await run('insert into t (i) values ($1)', '0')).toBe('23514');
    expect(await run('insert into t (i, v) values ($1, $2) returning i, v', '1', 'abc')).toBe('1,abc');
    expect(await run('insert into t (i) values ($1) returning i + $1', '2')).toBe('4');
    expect(await run('select f5($1, $2)', '0', 'x')).toBe('23514');
  });
  it('are of the length of what they are over', async () => {
    expect(await run('select $1::dv', 'more than seven')).toBe('22001');
    expect(await run('insert into t (i, v) values (9, $1)', 'more than seven')).toBe('22001');
  });
});
