/** Knex: its schema builder, migrations with their lock, and queries. */
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database, failure, failureCode, needs } from '../support/database.js';

let database: Database;
let knex: Knex;

class Migrations implements Knex.MigrationSource<string> {
  readonly #all: Record<string, Knex.Migration> = {
    '01_accounts': {
      async up(db) {
        await db.schema.createTable('accounts', (table) => {
          table.increments('id');
          table.string('email', 100).notNullable().unique();
          table.decimal('balance', 12, 2).notNullable().defaultTo(0).checkBetween([-100, 1_000_000], 'balance_sane');
          table.jsonb('settings').notNullable().defaultTo('{}');
          table.specificType('roles', 'text[]').notNullable().defaultTo('{}');
          table.timestamps(true, true);
          table.comment('who has money');
        });
        await db.schema.createTable('transfers', (table) => {
          table.bigIncrements('id');
          table.integer('source').notNullable().references('accounts.id').onDelete('CASCADE').index();
          table.integer('target').notNullable().references('id').inTable('accounts').deferrable('deferred');
          table.decimal('amount', 12, 2).notNullable();
          table.uuid('key').defaultTo(db.fn.uuid()).unique({ indexName: 'transfer_key' });
          table.index(['target', 'amount'], 'transfer_target', { predicate: db.whereNotNull('key') });
        });
      },
      async down(db) {
        await db.schema.dropTable('transfers').dropTable('accounts');
      },
    },
    '02_alter': {
      async up(db) {
        await db.schema.alterTable('accounts', (table) => {
          table.text('nick').nullable();
          table.renameColumn('settings', 'options');
          table.string('email', 200).notNullable().alter();
          table.dropColumn('roles');
        });
        await db.schema.createView('rich', (view) => {
          view.columns(['id', 'email']);
          view.as(db('accounts').select('id', 'email').where('balance', '>', 1000));
        });
      },
      async down(db) {
        await db.schema.dropView('rich');
        await db.schema.alterTable('accounts', (table) => {
          table.specificType('roles', 'text[]').notNullable().defaultTo('{}');
          table.renameColumn('options', 'settings');
          table.dropColumn('nick');
        });
      },
    },
  };
  async getMigrations(): Promise<string[]> {
    return Object.keys(this.#all);
  }
  getMigrationName(name: string): string {
    return name;
  }
  async getMigration(name: string): Promise<Knex.Migration> {
    return this.#all[name]!;
  }
}

beforeAll(async () => {
  database = await createDatabase('knex');
  knex = knexFactory({ client: 'pg', connection: database.url, pool: { min: 0, max: 6 } });
});
afterAll(async () => {
  await knex?.destroy();
  await database?.drop();
});

const migrations = { migrationSource: new Migrations() };

describe('Knex migrations', () => {
  it('go to the latest, back, and forth again', async () => {
    const [batch, names] = await knex.migrate.latest(migrations);
    expect([batch, names]).toEqual([1, ['01_accounts', '02_alter']]);
    expect(await knex.migrate.latest(migrations)).toEqual([1, []]);
    expect(await knex.migrate.currentVersion(migrations)).toBe('02');
    expect(await knex.migrate.down(migrations)).toEqual([1, ['02_alter']]);
    expect(await knex.schema.hasColumn('accounts', 'nick')).toBe(false);
    expect((await knex.migrate.rollback(migrations, true))[1]).toEqual(['01_accounts']);
    expect(await knex.schema.hasTable('accounts')).toBe(false);
    await knex.migrate.latest(migrations);
    expect(await knex.schema.hasColumn('accounts', 'nick')).toBe(true);
  });

  it('are run by one of several', async () => {
    await knex.migrate.rollback(migrations, true);
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => knex.migrate.latest(migrations)));
    const ran = outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value[1].length > 0);
    expect(ran).toHaveLength(1);
    expect(await knex('knex_migrations').pluck('name')).toEqual(['01_accounts', '02_alter']);
  });

  it('reports the columns', async () => {
    const info = await knex('accounts').columnInfo();
    expect(info['email']).toMatchObject({ type: 'character varying', maxLength: 200, nullable: false });
    expect(info['options']).toMatchObject({ type: 'jsonb', nullable: false });
    expect(String(info['balance']!.defaultValue)).toMatch(/^'?0/);
  });
});

describe('Knex queries', () => {
  beforeAll(async () => {
    await knex('accounts').insert([
      { email: 'a@x', balance: 100 },
      { email: 'b@x', balance: 2000, options: { vip: true, limits: [1, 2] } },
      { email: 'c@x' },
    ]);
  });

  it('inserts, updates, deletes with returning', async () => {
    const [made] = await knex('accounts').insert({ email: 'd@x' }).returning(['id', 'balance']);
    expect(made).toMatchObject({ balance: '0.00' });
    expect(await knex('accounts').where({ email: 'd@x' }).increment('balance', 5).returning('balance')).toEqual([
      { balance: '5.00' },
    ]);
    expect(await knex('accounts').where({ email: 'd@x' }).del(['email'])).toEqual([{ email: 'd@x' }]);
  });

  it('upserts', async () => {
    const rows = [
      { email: 'a@x', balance: 7 },
      { email: 'e@x', balance: 8 },
    ];
    await knex('accounts').insert(rows).onConflict('email').merge(['balance']);
    await knex('accounts').insert(rows).onConflict('email').ignore();
    await knex('accounts')
      .insert({ email: 'e@x', balance: 1 })
      .onConflict('email')
      .merge({ balance: knex.raw('accounts.balance + excluded.balance') })
      .where('accounts.balance', '>', 5);
    expect(await knex('accounts').whereIn('email', ['a@x', 'e@x']).orderBy('email').pluck('balance')).toEqual([
      '7.00',
      '9.00',
    ]);
  });

  it('joins, groups, unions, CTEs, windows', async () => {
    const ids = await knex('accounts').orderBy('email').pluck('id');
    await knex('transfers').insert([
      { source: ids[0], target: ids[1], amount: 5 },
      { source: ids[0], target: ids[2], amount: 6 },
      { source: ids[1], target: ids[2], amount: 7 },
    ]);
    const totals = await knex('accounts as a')
      .leftJoin('transfers as t', 't.source', 'a.id')
      .groupBy('a.id')
      .orderBy('a.email')
      .limit(3)
      .select('a.email', knex.raw('coalesce(sum(t.amount), 0) as sent'))
      .count('t.id as n');
    expect(totals).toEqual([
      { email: 'a@x', sent: '11.00', n: '2' },
      { email: 'b@x', sent: '7.00', n: '1' },
      { email: 'c@x', sent: '0', n: '0' },
    ]);
    const ranked = await knex
      .with('sent', (q) => q.from('transfers').select('source').sum({ total: 'amount' }).groupBy('source'))
      .from('sent')
      .select('total')
      .rank('place', (q) => q.orderBy('total', 'desc'));
    expect(ranked).toEqual([
      { total: '11.00', place: '1' },
      { total: '7.00', place: '2' },
    ]);
    const reach = await knex
      .withRecursive('reach', (q) =>
        q
          .select('target')
          .from('transfers')
          .where('source', ids[0])
          .union((u) => u.select('t.target').from('transfers as t').join('reach as r', 'r.target', 't.source')),
      )
      .from('reach')
      .count();
    expect(reach).toEqual([{ count: '2' }]);
    expect(await knex('accounts').whereJsonSupersetOf('options', { vip: true }).pluck('email')).toEqual(['b@x']);
    expect(await knex('rich').select()).toEqual([{ id: ids[1], email: 'b@x' }]);
  });

  it('extracts by JSON path', async (context) => {
    await needs(context, database, 'JSON path');
    expect(await knex('accounts').jsonExtract('options', '$.limits[*]', 'l').where({ email: 'b@x' })).toEqual([
      { l: 1 },
      { l: 2 },
    ]);
    expect(await knex('accounts').whereJsonPath('options', '$.limits[1]', '=', 2).pluck('email')).toEqual(['b@x']);
  });

  it('nests transactions by savepoints', async () => {
    await knex.transaction(async (outer) => {
      await outer('accounts').insert({ email: 'outer@x' });
      expect(
        await failureCode(
          outer.transaction(async (inner) => {
            await inner('accounts').insert({ email: 'inner@x' });
            await inner('accounts').insert({ email: 'a@x' });
          }),
        ),
      ).toBe('23505');
      await outer.transaction((inner) => inner('accounts').insert({ email: 'second@x' }));
    });
    expect(
      await knex('accounts')
        .where('email', 'like', '%r@x')
        .orWhere('email', 'second@x')
        .orderBy('email')
        .pluck('email'),
    ).toEqual(['outer@x', 'second@x']);
  });

  it('checks a deferred key at the commit', async () => {
    const [one] = await knex('accounts').pluck('id');
    expect(
      await failureCode(
        knex.transaction(async (trx) => {
          await trx('transfers').insert({ source: one, target: 4711, amount: 1 });
          expect(await trx('transfers').where({ target: 4711 })).toHaveLength(1);
        }),
      ),
    ).toBe('23503');
  });

  it('streams and locks', async () => {
    const seen: number[] = [];
    for await (const row of knex.select('n').from(knex.raw('generate_series(1, 500) AS n')).stream()) {
      seen.push((row as { n: number }).n);
    }
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
    await knex.transaction(async (one) => {
      await one('accounts').where({ email: 'a@x' }).forUpdate();
      const free = await knex.transaction((two) => two('accounts').forUpdate().skipLocked().pluck('email'));
      expect(free).not.toContain('a@x');
      expect(
        await failureCode(knex.transaction((two) => two('accounts').where({ email: 'a@x' }).forUpdate().noWait())),
      ).toBe('55P03');
    });
  });

  it('ends a deadlock', async () => {
    const meet: (() => void)[] = [];
    const both = (): Promise<void> =>
      new Promise((resolve) => {
        meet.push(resolve);
        if (meet.length === 2) for (const go of meet) go();
      });
    const run = (first: string, second: string): Promise<unknown> =>
      knex.transaction(async (trx) => {
        await trx.raw('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
        await trx('accounts').where({ email: first }).update({ nick: first });
        await both();
        await trx('accounts').where({ email: second }).update({ nick: first });
      });
    const outcomes = await Promise.allSettled([run('a@x', 'b@x'), run('b@x', 'a@x')]);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect((failed[0] as PromiseRejectedResult).reason.code).toBe('40P01');
  });

  it('tells errors apart', async () => {
    expect(await failure(knex('accounts').insert({ email: 'a@x' }))).toMatchObject({
      code: '23505',
      constraint: 'accounts_email_unique',
      table: 'accounts',
      detail: 'Key (email)=(a@x) already exists.',
    });
    expect(await failure(knex('accounts').insert({ email: null as never }))).toMatchObject({
      code: '23502',
      column: 'email',
    });
    expect(await failure(knex('accounts').insert({ email: 'z', balance: -500 }))).toMatchObject({
      code: '23514',
      constraint: 'balance_sane',
    });
    expect(await failureCode(knex('transfers').insert({ source: 4711, target: 1, amount: 1 }))).toBe('23503');
    expect(await failureCode(knex('accounts').select('nothing'))).toBe('42703');
  });

  it('makes enums', async (context) => {
    await needs(context, database, 'user types');
    await knex.schema.createTable('tickets', (table) => {
      table.increments();
      table.enu('state', ['new', 'done'], { useNative: true, enumName: 'ticket_state' }).notNullable().defaultTo('new');
    });
    await knex('tickets').insert([{}, { state: 'done' }]);
    expect(await knex('tickets').orderBy('state', 'desc').pluck('state')).toEqual(['done', 'new']);
    expect(await failureCode(knex('tickets').insert({ state: 'lost' }))).toBe('22P02');
    await knex.schema.dropTable('tickets').raw('DROP TYPE ticket_state');
  });

  it('refreshes materialised views', async (context) => {
    await needs(context, database, 'materialised views');
    await knex.schema.createMaterializedView('poor', (view) => {
      view.columns(['id']);
      view.as(knex('accounts').select('id').where('balance', '<', 10));
    });
    const before = (await knex('poor')).length;
    await knex('accounts').insert({ email: 'poor@x' });
    await knex.schema.refreshMaterializedView('poor');
    expect((await knex('poor')).length).toBe(before + 1);
    await knex.schema.dropMaterializedView('poor');
  });
});
