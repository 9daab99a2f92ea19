/** Kysely: its Migrator with the advisory lock, introspection, queries, cursors; kysely-codegen's types. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ColumnType, type Generated, Kysely, PostgresDialect, sql } from 'kysely';
import { type Migration, type MigrationProvider, Migrator, NO_MIGRATIONS } from 'kysely/migration';
import { jsonArrayFrom, jsonObjectFrom } from 'kysely/helpers/postgres';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database, failure, failureCode, needs } from '../support/database.js';

interface Tables {
  person: {
    id: Generated<number>;
    first_name: string;
    last_name: string | null;
    born: ColumnType<Date, Date | string, Date | string> | null;
    meta: ColumnType<Record<string, unknown>, string | undefined, string>;
  };
  pet: { id: Generated<string>; name: string; owner_id: number; species: Generated<string> };
}

let database: Database;
let db: Kysely<Tables>;

const MIGRATIONS: Record<string, Migration> = {
  '2024-01-people': {
    async up(k: Kysely<unknown>) {
      await k.schema
        .createTable('person')
        .addColumn('id', 'integer', (c) => c.primaryKey().generatedAlwaysAsIdentity())
        .addColumn('first_name', 'varchar(50)', (c) => c.notNull())
        .addColumn('last_name', 'varchar(50)')
        .addColumn('born', 'date')
        .addColumn('meta', 'jsonb', (c) => c.notNull().defaultTo(sql`'{}'::jsonb`))
        .execute();
      await k.schema
        .createTable('pet')
        .addColumn('id', 'uuid', (c) => c.primaryKey().defaultTo(sql`gen_random_uuid()`))
        .addColumn('name', 'text', (c) => c.notNull().unique())
        .addColumn('owner_id', 'integer', (c) => c.notNull().references('person.id').onDelete('cascade'))
        .addColumn('species', 'text', (c) =>
          c
            .notNull()
            .defaultTo('cat')
            .check(sql`species in ('cat', 'dog')`),
        )
        .execute();
      await k.schema.createIndex('pet_owner').on('pet').columns(['owner_id', 'name']).execute();
    },
    async down(k: Kysely<unknown>) {
      await k.schema.dropTable('pet').execute();
      await k.schema.dropTable('person').execute();
    },
  },
  '2024-02-alter': {
    async up(k: Kysely<unknown>) {
      await k.schema.alterTable('person').addColumn('nick', 'text').execute();
      await k.schema
        .alterTable('person')
        .alterColumn('last_name', (c) => c.setDataType('text'))
        .alterColumn('last_name', (c) => c.setDefault('Doe'))
        .execute();
      await k.schema.alterTable('person').addUniqueConstraint('one_name', ['first_name', 'last_name']).execute();
      await k.schema
        .createIndex('person_lower')
        .on('person')
        .expression(sql`lower(first_name)`)
        .where(sql.ref('nick'), 'is not', null)
        .execute();
      await k.schema
        .createView('owners')
        .as(sql`select distinct owner_id from pet` as never)
        .execute();
    },
    async down(k: Kysely<unknown>) {
      await k.schema.dropView('owners').execute();
      await k.schema.dropIndex('person_lower').execute();
      await k.schema.alterTable('person').dropConstraint('one_name').execute();
      await k.schema.alterTable('person').dropColumn('nick').execute();
      await k.schema
        .alterTable('person')
        .alterColumn('last_name', (c) => c.dropDefault())
        .execute();
    },
  },
};

class Provider implements MigrationProvider {
  readonly #more: Record<string, Migration>;
  constructor(more: Record<string, Migration> = {}) {
    this.#more = more;
  }
  async getMigrations(): Promise<Record<string, Migration>> {
    return { ...MIGRATIONS, ...this.#more };
  }
}

beforeAll(async () => {
  database = await createDatabase('kysely');
  db = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: database.url, max: 8 }), cursor: Cursor }),
  });
});
afterAll(async () => {
  await db?.destroy();
  await database?.drop();
});

describe('Kysely migrations', () => {
  it('are run once by many migrators at a time', async () => {
    const all = await Promise.all(
      Array.from({ length: 4 }, () => new Migrator({ db, provider: new Provider() }).migrateToLatest()),
    );
    expect(all.map((outcome) => outcome.error)).toEqual([undefined, undefined, undefined, undefined]);
    expect(
      all.flatMap((outcome) => outcome.results ?? []).map((result) => [result.migrationName, result.status]),
    ).toEqual([
      ['2024-01-people', 'Success'],
      ['2024-02-alter', 'Success'],
    ]);
  });

  it('go down and up', async () => {
    const migrator = new Migrator({ db, provider: new Provider() });
    expect((await migrator.migrateDown()).results).toMatchObject([
      { migrationName: '2024-02-alter', direction: 'Down' },
    ]);
    expect((await db.introspection.getTables()).find((table) => table.name === 'owners')).toBeUndefined();
    expect((await migrator.migrateTo(NO_MIGRATIONS)).error).toBeUndefined();
    expect((await db.introspection.getTables()).map((table) => table.name)).toEqual([]);
    expect((await migrator.migrateToLatest()).error).toBeUndefined();
    expect((await migrator.getMigrations()).every((migration) => migration.executedAt instanceof Date)).toBe(true);
  });

  it('are undone together when one fails', async () => {
    const broken: Migration = {
      async up(k: Kysely<unknown>) {
        await k.schema.createTable('half').addColumn('id', 'integer').execute();
        await sql`select 1 / 0`.execute(k);
      },
    };
    const { error, results } = await new Migrator({
      db,
      provider: new Provider({ '2024-03-broken': broken }),
    }).migrateToLatest();
    expect([(error as { code: string }).code, results?.map((result) => result.status)]).toEqual(['22012', ['Error']]);
    expect((await db.introspection.getTables()).map((table) => table.name)).not.toContain('half');
  });
});

describe('Kysely introspection', () => {
  it('shows tables, views and columns', async () => {
    const tables = await db.introspection.getTables();
    expect(tables.map((table) => [table.name, table.isView]).sort()).toEqual([
      ['owners', true],
      ['person', false],
      ['pet', false],
    ]);
    const person = tables.find((table) => table.name === 'person')!;
    expect(
      person.columns.map((c) => [c.name, c.dataType, c.isNullable, c.isAutoIncrementing, c.hasDefaultValue]),
    ).toEqual([
      ['id', 'int4', false, true, false],
      ['first_name', 'varchar', false, false, false],
      ['last_name', 'text', true, false, true],
      ['born', 'date', true, false, false],
      ['meta', 'jsonb', false, false, true],
      ['nick', 'text', true, false, false],
    ]);
    expect((await db.introspection.getSchemas()).map((schema) => schema.name)).toContain('public');
  });

  it('gives kysely-codegen the types', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quoral-codegen-'));
    const out = join(folder, 'types.d.ts');
    const cli = join(import.meta.dirname, '../node_modules/kysely-codegen/dist/cli/bin.js');
    await promisify(execFile)(process.execPath, [
      cli,
      '--dialect',
      'postgres',
      '--url',
      database.url,
      '--out-file',
      out,
    ]);
    const text = readFileSync(out, 'utf8');
    await rm(folder, { recursive: true });
    expect(text).toContain('export interface Person {');
    expect(text).toMatch(/interface Pet \{\s+id: Generated<string>;\s+name: string;\s+owner_id: number;/);
    expect(text).toContain('meta: Generated<Json>;');
  });
});

describe('Kysely queries', () => {
  beforeAll(async () => {
    const people = await db
      .insertInto('person')
      .values([
        { first_name: 'Ann', last_name: 'A', born: '1990-01-02', meta: JSON.stringify({ langs: ['de', 'fr'] }) },
        { first_name: 'Bob', last_name: 'B', born: null },
      ])
      .returning('id')
      .execute();
    await db
      .insertInto('pet')
      .values([
        { name: 'Tom', owner_id: people[0]!.id },
        { name: 'Rex', owner_id: people[0]!.id, species: 'dog' },
      ])
      .execute();
  });

  it('loads relations as json', async () => {
    const rows = await db
      .selectFrom('person')
      .select((eb) => [
        'first_name',
        jsonArrayFrom(
          eb
            .selectFrom('pet')
            .select(['pet.name', 'pet.species'])
            .whereRef('pet.owner_id', '=', 'person.id')
            .orderBy('pet.name'),
        ).as('pets'),
        jsonObjectFrom(
          eb
            .selectFrom('pet')
            .select('pet.name')
            .whereRef('pet.owner_id', '=', 'person.id')
            .orderBy('pet.name')
            .limit(1),
        ).as('first_pet'),
      ])
      .orderBy('id')
      .execute();
    expect(rows).toEqual([
      {
        first_name: 'Ann',
        pets: [
          { name: 'Rex', species: 'dog' },
          { name: 'Tom', species: 'cat' },
        ],
        first_pet: { name: 'Rex' },
      },
      { first_name: 'Bob', pets: [], first_pet: null },
    ]);
  });

  it('joins, groups, CTEs, windows, json paths of operators', async () => {
    const rows = await db
      .with('counts', (q) =>
        q
          .selectFrom('pet')
          .select(['owner_id', (eb) => eb.fn.countAll<string>().as('n')])
          .groupBy('owner_id'),
      )
      .selectFrom('person as p')
      .leftJoin('counts as c', 'c.owner_id', 'p.id')
      .innerJoinLateral(
        (eb) =>
          eb
            .selectFrom('pet')
            .select(sql<string | null>`string_agg(name, ',' order by name)`.as('names'))
            .whereRef('owner_id', '=', 'p.id')
            .as('l'),
        (join) => join.onTrue(),
      )
      .select([
        'p.first_name',
        'c.n',
        'l.names',
        (eb) =>
          eb
            .ref('p.meta', '->')
            .key('langs' as never)
            .at(1 as never)
            .as('lang'),
      ])
      .orderBy('p.first_name', (o) => o.desc().nullsLast())
      .execute();
    expect(rows).toEqual([
      { first_name: 'Bob', n: null, names: null, lang: null },
      { first_name: 'Ann', n: '2', names: 'Rex,Tom', lang: 'fr' },
    ]);
  });

  it('upserts, merges and updates from', async () => {
    const ann = await db.selectFrom('person').select('id').where('first_name', '=', 'Ann').executeTakeFirstOrThrow();
    await db
      .insertInto('pet')
      .values({ name: 'Tom', owner_id: ann.id, species: 'dog' })
      .onConflict((oc) => oc.column('name').doUpdateSet((eb) => ({ species: eb.ref('excluded.species') })))
      .execute();
    const ignored = await db
      .insertInto('pet')
      .values({ name: 'Tom', owner_id: ann.id })
      .onConflict((oc) => oc.doNothing())
      .executeTakeFirst();
    expect(ignored.numInsertedOrUpdatedRows).toBe(0n);
    const updated = await db
      .updateTable('pet')
      .from('person')
      .set({ species: 'cat' })
      .whereRef('person.id', '=', 'pet.owner_id')
      .where('person.first_name', '=', 'Ann')
      .returning(['pet.name', 'person.first_name'])
      .execute();
    expect(updated).toHaveLength(2);
    const merged = await db
      .mergeInto('pet')
      .using('person', 'person.id', 'pet.owner_id')
      .whenMatchedAnd('pet.name', '=', 'Rex')
      .thenUpdateSet({ species: 'dog' })
      .whenNotMatched()
      .thenInsertValues((eb) => ({ name: sql<string>`'new ' || first_name`, owner_id: eb.ref('person.id') }))
      .executeTakeFirst();
    expect(merged.numChangedRows).toBe(2n);
    expect(await db.selectFrom('pet').select(['name', 'species']).orderBy('name').execute()).toEqual(
      [
        { name: 'new Bob', species: 'cat' },
        { name: 'Rex', species: 'dog' },
        { name: 'Tom', species: 'cat' },
      ].sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  });

  it('nests transactions by savepoints', async () => {
    const trx = await db.startTransaction().setIsolationLevel('serializable').execute();
    await trx.insertInto('person').values({ first_name: 'Carl' }).execute();
    const saved = await trx.savepoint('here').execute();
    expect(await failureCode(saved.insertInto('pet').values({ name: 'Tom', owner_id: 1 }).execute())).toBe('23505');
    await saved.rollbackToSavepoint('here').execute();
    await saved.insertInto('person').values({ first_name: 'Dora' }).execute();
    await saved.releaseSavepoint('here').execute();
    await trx.commit().execute();
    const names = await db
      .selectFrom('person')
      .select('first_name')
      .where('id', '>', 2)
      .orderBy('first_name')
      .execute();
    expect(names.map((row) => row.first_name)).toEqual(['Carl', 'Dora']);
    await failure(
      db.transaction().execute(async (t) => {
        await t.deleteFrom('person').execute();
        throw new Error('no');
      }),
    );
    expect(
      await db
        .selectFrom('person')
        .select((eb) => eb.fn.countAll<string>().as('n'))
        .executeTakeFirst(),
    ).toEqual({ n: '4' });
  });

  it('streams by a cursor', async () => {
    const seen: number[] = [];
    const query = db.selectFrom(sql<{ n: number }>`generate_series(1, 1000)`.as<'g'>(sql`g(n)`)).select('g.n');
    for await (const row of query.stream(100)) {
      seen.push(row.n);
      if (seen.length === 450) break;
    }
    expect(seen).toEqual(Array.from({ length: 450 }, (_, i) => i + 1));
  });

  it('fails a write skew with 40001', async () => {
    const one = await db.startTransaction().setIsolationLevel('serializable').execute();
    const two = await db.startTransaction().setIsolationLevel('serializable').execute();
    const count = (t: typeof one): Promise<unknown> =>
      t.selectFrom('pet').select('name').where('species', '=', 'cat').execute();
    await count(one);
    await count(two);
    await one.updateTable('pet').set({ species: 'dog' }).where('name', '=', 'Tom').execute();
    const outcome = (async (): Promise<void> => {
      await two.updateTable('pet').set({ species: 'dog' }).where('name', '=', 'new Bob').execute();
      await two.commit().execute();
    })();
    const settled = await Promise.allSettled([one.commit().execute(), outcome]);
    const failed = settled.filter((result) => result.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect((failed[0] as PromiseRejectedResult).reason.code).toBe('40001');
    if (!one.isCommitted) await one.rollback().execute();
    if (!two.isCommitted) await two.rollback().execute();
  });

  it('tells errors apart', async () => {
    expect(await failure(db.insertInto('pet').values({ name: 'x', owner_id: 4711 }).execute())).toMatchObject({
      code: '23503',
      constraint: 'pet_owner_id_fkey',
      detail: 'Key (owner_id)=(4711) is not present in table "person".',
    });
    expect(
      await failure(db.insertInto('pet').values({ name: 'x', owner_id: 1, species: 'eel' }).execute()),
    ).toMatchObject({
      code: '23514',
      constraint: 'pet_species_check',
    });
    expect(await failure(db.insertInto('person').values({ id: 7, first_name: 'x' }).execute())).toMatchObject({
      code: '428C9',
    });
    expect(
      await failure(
        db
          .insertInto('person')
          .values({ first_name: 'x'.repeat(51) })
          .execute(),
      ),
    ).toMatchObject({
      code: '22001',
    });
  });

  it('makes enum types', async (context) => {
    await needs(context, database, 'user types');
    await db.schema.createType('mood').asEnum(['sad', 'ok']).execute();
    await sql`create table state (m mood not null default 'ok')`.execute(db);
    await sql`insert into state default values`.execute(db);
    expect((await sql`select m, m > 'sad' as more from state`.execute(db)).rows).toEqual([{ m: 'ok', more: true }]);
    await sql`drop table state`.execute(db);
    await db.schema.dropType('mood').execute();
  });
});
