import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all(`
    create table people (id int primary key, name text not null, born int);
    create table pets (id int primary key, owner int, name varchar(20), weight numeric(5,2));
    insert into people values (1, 'Ada', 1815), (2, 'Alan', 1912), (3, 'Grace', 1906);
    insert into pets values (1, 1, 'Bit', 1.5), (2, 1, 'Byte', 12), (3, 3, 'Moth', 0.01)`);
});

describe('CREATE VIEW', () => {
  it('is read like a table, alone, joined, and under another view', async () => {
    expect(
      (await c.query('create view owners as select p.*, q.name as pet from people p join pets q on q.owner = p.id'))
        .tag,
    ).toBe('CREATE VIEW');
    expect(await c.rows('select name, pet from owners order by pet')).toEqual([
      ['Ada', 'Bit'],
      ['Ada', 'Byte'],
      ['Grace', 'Moth'],
    ]);
    await c.all('create view counted (who, pets) as select name, count(*) from owners group by name');
    expect(await c.rows('select * from counted where pets > 1')).toEqual([['Ada', '2']]);
    expect(
      await c.rows('select o.pet, x.pets from owners o, counted as x (n, pets) where o.name = x.n order by 1'),
    ).toEqual([
      ['Bit', '2'],
      ['Byte', '2'],
      ['Moth', '1'],
    ]);
    expect(await c.rows('select counted.who, public.counted.pets from public.counted order by 1')).toEqual([
      ['Ada', '2'],
      ['Grace', '1'],
    ]);
  });

  it('keeps its meaning when tables and columns are renamed, and when columns are added', async () => {
    await c.all('create view v as select * from people where born > 1900');
    await c.all('alter table people rename column born to year; alter table people rename to persons');
    await c.all('alter table persons add column extra int default 7; create table people (id int, nonsense bool)');
    expect(await c.rows('select * from v order by id')).toEqual([
      ['2', 'Alan', '1912'],
      ['3', 'Grace', '1906'],
    ]);
    await c.all('alter view v rename column born to birth; alter view v rename to moderns');
    expect(await c.rows('select birth from moderns order by 1')).toEqual([['1906'], ['1912']]);
    expect(await c.error('select born from moderns')).toBe('42703 column "born" does not exist');
    expect(await c.error('select * from v')).toBe('42P01 relation "v" does not exist');
  });

  it('may be replaced by one with more columns, and by nothing else', async () => {
    await c.all('create view v as select id, name from people');
    await c.all('create view w as select * from v');
    await c.all('create or replace view v as select id, upper(name) as name, born from people');
    expect(await c.rows('select * from w where id = 1')).toEqual([['1', 'ADA']]);
    expect(await c.rows('select * from v where id = 1')).toEqual([['1', 'ADA', '1815']]);
    expect(await c.error('create or replace view v as select id from people')).toBe(
      '42P16 cannot drop columns from view',
    );
    expect(await c.error('create or replace view v as select id as x, name, born from people')).toBe(
      '42P16 cannot change name of view column "id" to "x"',
    );
    expect(await c.error('create or replace view v as select id::text as id, name, born from people')).toBe(
      '42P16 cannot change data type of view column "id" from integer to text',
    );
    expect(await c.error('create or replace view v as select w.id, w.name, 1 as born from w')).toContain('42P17');
    expect(await c.error('create or replace view people as select 1 as id')).toBe('42809 "people" is not a view');
    expect(await c.error('create view people as select 1 as id')).toBe('42P07 relation "people" already exists');
  });

  it('refuses what cannot be a view', async () => {
    expect(await c.error('create view v as select 1 as a, 2 as a')).toBe('42701 column "a" specified more than once');
    expect(await c.error('create view v (a, b) as select 1')).toBe(
      '42601 CREATE VIEW specifies more column names than columns',
    );
    expect(await c.error('create view v as select * from nosuch')).toContain('42P01 relation "nosuch" does not exist');
    expect(await c.error('create view v as select $1::int')).toContain('42P02');
    expect(await c.error('insert into v values (1)')).toBe('42P01 relation "v" does not exist');
  });

  it('is transactional', async () => {
    await c.all('begin; create view v as select 1 as one');
    expect(await c.rows('select * from v')).toEqual([['1']]);
    await c.all('rollback');
    expect(await c.error('select * from v')).toBe('42P01 relation "v" does not exist');
  });

  it('works over VALUES, WITH, set operations and the catalogs', async () => {
    await c.all("create view letters (n, l) as values (1, 'a'), (2, 'b')");
    expect(await c.rows('select l from letters where n = 2')).toEqual([['b']]);
    await c.all(
      'create view r as with recursive r(n) as (select 1 union all select n + 1 from r where n < 4) select n from r',
    );
    expect(await c.rows('select sum(n) from r')).toEqual([['10']]);
    await c.all('create view u as select name from people union select name from pets');
    expect(await c.rows('select count(*) from u')).toEqual([['6']]);
    await c.all(
      "create view mine as select relname::text, relkind::text from pg_class where relnamespace = 'public'::regnamespace",
    );
    expect(await c.rows("select relname from mine where relkind = 'v' order by 1")).toEqual([
      ['letters'],
      ['mine'],
      ['r'],
      ['u'],
    ]);
  });
});

describe('what depends on a view, and what it depends on', () => {
  beforeEach(() => c.all('create view v as select id, name from people; create view w as select name from v'));

  it('a table, column or view that a view reads is not dropped by itself', async () => {
    expect(await c.error('drop table people')).toBe(
      '2BP01 cannot drop table people because other objects depend on it | view v depends on table people\nview w depends on view v',
    );
    expect(await c.error('alter table people drop column name')).toBe(
      '2BP01 cannot drop column name of table people because other objects depend on it | view v depends on column name of table people\nview w depends on view v',
    );
    expect(await c.error('alter table people alter column name type varchar(10)')).toBe(
      '0A000 cannot alter type of a column used by a view or rule | rule _RETURN on view v depends on column "name"',
    );
    expect(await c.error('drop view v')).toBe(
      '2BP01 cannot drop view v because other objects depend on it | view w depends on view v',
    );
    expect(await c.rows('select * from w order by 1')).toEqual([['Ada'], ['Alan'], ['Grace']]);
  });

  it('one that it does not use is', async () => {
    await c.all('alter table people drop column born');
    expect(await c.rows('select * from w order by 1')).toEqual([['Ada'], ['Alan'], ['Grace']]);
  });

  it('CASCADE drops them as well', async () => {
    await c.all('alter table people drop column name cascade');
    expect(await c.error('select * from w')).toBe('42P01 relation "w" does not exist');
    expect(await c.error('select * from v')).toBe('42P01 relation "v" does not exist');
    await c.all('create view v as select id from people');
    await c.all('drop table people cascade');
    expect(c.notices).toContain('NOTICE: drop cascades to view v');
  });

  describe.each(['serializable', 'repeatable read', 'read committed'])('at %s, in two sessions', (level) => {
    let other: Client;
    beforeEach(async () => {
      other = await Client.open(server);
      for (const client of [c, other]) await client.all(`begin isolation level ${level}`);
    });

    it.each([
      ['drop table pets', '42P01 relation "pets" does not exist'],
      ['alter table pets drop column weight', '42703 column "weight" does not exist'],
    ])('%s, then a view over it', async (drop, answer) => {
      await c.all(drop);
      const late = other.error('create view heavy as select weight from pets');
      await c.all('commit');
      expect(await late).toBe(answer);
    });

    it.each([
      ['drop table pets', '2BP01 cannot drop table pets because other objects depend on it'],
      ['alter table pets drop column weight', '2BP01 cannot drop column weight of table pets'],
      ['alter table pets alter column weight type int', '0A000 cannot alter type of a column used by a view'],
    ])('a view, then %s', async (drop, answer) => {
      await c.all('create view heavy as select weight from pets');
      const late = other.error(drop);
      await c.all('commit');
      expect(await late).toContain(answer);
    });
  });

  it('together they are dropped in any order; kinds are told apart', async () => {
    await c.all('drop view v, w');
    expect(await c.error('drop view people')).toContain('42809 "people" is not a view');
    await c.all('create view v as select 1 as a');
    expect(await c.error('drop table v')).toContain('42809 "v" is not a table');
    expect((await c.query('drop view if exists v, nosuch')).tag).toBe('DROP VIEW');
    expect(c.notices).toEqual(['NOTICE: view "nosuch" does not exist, skipping']);
    await c.all('create view v as select id from people; drop schema public cascade');
  });
});

describe('the catalogs', () => {
  beforeEach(() =>
    c.all(`create view v (person, n) as select p.name, count(q.*) from people p left join pets q on q.owner = p.id group by p.name;
    comment on view v is 'who has how many'`),
  );

  it('show views', async () => {
    expect(await c.rows("select relname, relkind, relhasrules from pg_class where relname = 'v'")).toEqual([
      ['v', 'v', 't'],
    ]);
    expect(
      await c.rows(
        "select attname, atttypid::regtype, attnum from pg_attribute where attrelid = 'v'::regclass order by 3",
      ),
    ).toEqual([
      ['person', 'text', '1'],
      ['n', 'bigint', '2'],
    ]);
    expect(
      await c.rows(
        "select table_name, table_type from information_schema.tables where table_schema = 'public' order by 1",
      ),
    ).toEqual([
      ['people', 'BASE TABLE'],
      ['pets', 'BASE TABLE'],
      ['v', 'VIEW'],
    ]);
    expect(
      await c.rows(
        "select column_name, data_type from information_schema.columns where table_name = 'v' order by ordinal_position",
      ),
    ).toEqual([
      ['person', 'text'],
      ['n', 'bigint'],
    ]);
    expect(
      await c.rows("select table_name from information_schema.view_table_usage where view_name = 'v' order by 1"),
    ).toEqual([['people'], ['pets']]);
    expect(await c.rows("select obj_description('v'::regclass, 'pg_class')")).toEqual([['who has how many']]);
    expect(
      await c.rows(`select distinct d.refobjid::regclass::text from pg_depend d join pg_rewrite r on r.oid = d.objid
        where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
          and r.ev_class = 'v'::regclass and d.deptype = 'n' order by 1`),
    ).toEqual([['people'], ['pets'], ['v']]);
  });

  it('give a definition whose names of columns fit when one was dropped', async () => {
    await c.all(
      'drop view v; create view a as select z, x from people as q(x, y, z); alter table people drop column name',
    );
    const rows = [
      ['1815', '1'],
      ['1906', '3'],
      ['1912', '2'],
    ];
    for (const change of ['', 'alter table people rename column born to year']) {
      await c.all(change);
      const [[text]] = (await c.rows("select pg_get_viewdef('a'::regclass)")) as [[string]];
      await c.all(`create or replace view a as ${text}`);
      expect(await c.rows('select * from a order by 1')).toEqual(rows);
    }
  });

  it('give a definition that makes the same view again, whatever was renamed', async () => {
    const again = async (name: string): Promise<void> => {
      const before = await c.rows(`select * from ${name} order by 1`);
      const [[text]] = (await c.rows(`select pg_get_viewdef('${name}'::regclass, true)`)) as [[string]];
      expect(text.endsWith(';')).toBe(true);
      await c.all(`create or replace view ${name} as ${text}`);
      expect(await c.rows(`select * from ${name} order by 1`)).toEqual(before);
    };
    await again('v');
    await c.all('alter table people rename column name to called; alter table pets rename to animals');
    await again('v');
    await c.all('create view s as select * from people; alter table people add column more int');
    expect(await c.rows("select pg_get_viewdef('s'::regclass) not like '%*%'")).toEqual([['t']]);
    await again('s');
    await c.all("create view letters (n, l) as values (1, 'a'), (2, 'b')");
    await again('letters');
    await c.all('alter view letters rename column l to letter');
    await again('letters');
    expect(
      await c.rows("select count(*) from pg_views where schemaname = 'public' and definition like ' SELECT%'"),
    ).toEqual([['3']]);
  });
});
