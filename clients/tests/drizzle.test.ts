/** Drizzle ORM on node-postgres and postgres.js, drizzle-kit's generate, migrate, push and pull. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { and, asc, count, desc, eq, gt, inArray, isNull, relations, sql, sum } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import {
  alias,
  boolean,
  check,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  serial,
  text,
  timestamp,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database, failure, failureCode, needs } from '../support/database.js';

const users = pgTable(
  'users',
  {
    id: serial().primaryKey(),
    email: varchar({ length: 120 }).notNull().unique(),
    name: text(),
    balance: numeric({ precision: 10, scale: 2 }).notNull().default('0'),
    settings: jsonb().$type<{ theme?: string }>().notNull().default({}),
    tags: text().array().notNull().default([]),
    active: boolean().notNull().default(true),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    upper: text().generatedAlwaysAs(sql`upper(email)`),
  },
  (table) => [
    index('users_name').on(table.name.desc()),
    uniqueIndex('users_lower').on(sql`lower(${table.email})`),
    index('users_active')
      .on(table.createdAt)
      .where(sql`${table.active}`),
    check('balance_sane', sql`${table.balance} >= -100`),
  ],
);
const posts = pgTable('posts', {
  id: uuid().primaryKey().defaultRandom(),
  title: text().notNull(),
  views: integer().notNull().default(0),
  authorId: integer('author_id')
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' }),
});
const labels = pgTable('labels', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  name: text().notNull().unique(),
});
const postLabels = pgTable(
  'post_labels',
  {
    postId: uuid('post_id')
      .notNull()
      .references(() => posts.id, { onDelete: 'cascade' }),
    labelId: integer('label_id')
      .notNull()
      .references(() => labels.id),
  },
  (table) => [primaryKey({ columns: [table.postId, table.labelId] })],
);
const userRelations = relations(users, ({ many }) => ({ posts: many(posts) }));
const postRelations = relations(posts, ({ one, many }) => ({
  author: one(users, { fields: [posts.authorId], references: [users.id] }),
  labels: many(postLabels),
}));
const postLabelRelations = relations(postLabels, ({ one }) => ({
  post: one(posts, { fields: [postLabels.postId], references: [posts.id] }),
  label: one(labels, { fields: [postLabels.labelId], references: [labels.id] }),
}));
const schema = { users, posts, labels, postLabels, userRelations, postRelations, postLabelRelations };

/** The same tables for drizzle-kit, which loads a file; `extra` changes them. */
function schemaFile(extra: { column?: string; table?: string } = {}): string {
  return `
import { sql } from 'drizzle-orm';
import { boolean, check, index, integer, jsonb, numeric, pgTable, primaryKey, serial, text, timestamp, uniqueIndex, uuid, varchar, pgEnum } from 'drizzle-orm/pg-core';
export const users = pgTable('users', {
  id: serial().primaryKey(),
  email: varchar({ length: 120 }).notNull().unique(),
  name: text(),
  balance: numeric({ precision: 10, scale: 2 }).notNull().default('0'),
  settings: jsonb().notNull().default({}),
  tags: text().array().notNull().default([]),
  active: boolean().notNull().default(true),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  upper: text().generatedAlwaysAs(sql\`upper(email)\`),
  ${extra.column ?? ''}
}, (table) => [
  index('users_name').on(table.name.desc()),
  uniqueIndex('users_lower').on(sql\`lower(\${table.email})\`),
  index('users_active').on(table.createdAt).where(sql\`\${table.active}\`),
  check('balance_sane', sql\`\${table.balance} >= -100\`),
]);
export const posts = pgTable('posts', {
  id: uuid().primaryKey().defaultRandom(),
  title: text().notNull(),
  views: integer().notNull().default(0),
  authorId: integer('author_id').notNull().references(() => users.id, { onDelete: 'cascade' }),
});
export const labels = pgTable('labels', { id: integer().primaryKey().generatedAlwaysAsIdentity(), name: text().notNull().unique() });
export const postLabels = pgTable('post_labels', {
  postId: uuid('post_id').notNull().references(() => posts.id, { onDelete: 'cascade' }),
  labelId: integer('label_id').notNull().references(() => labels.id),
}, (table) => [primaryKey({ columns: [table.postId, table.labelId] })]);
${extra.table ?? ''}
`;
}

let database: Database;
let folder: string;

/** drizzle-kit finds drizzle-orm from the folder it runs in. */
async function kit(command: string, ...args: string[]): Promise<string> {
  const cli = join(import.meta.dirname, '../node_modules/drizzle-kit/bin.cjs');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [cli, command, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', CI: '1' },
  });
  return stdout + stderr;
}

function statements(output: string): string[] {
  return output.split('\n').filter((line) => line.endsWith(';'));
}

async function configure(url: string, extra: { column?: string; table?: string } = {}): Promise<void> {
  await writeFile(join(folder, 'schema.ts'), schemaFile(extra));
  await writeFile(
    join(folder, 'drizzle.config.json'),
    JSON.stringify({ dialect: 'postgresql', schema: './schema.ts', out: './out', dbCredentials: { url } }),
  );
}

beforeAll(async () => {
  database = await createDatabase('drizzle');
  const base = join(import.meta.dirname, '../.generated');
  await mkdir(base, { recursive: true });
  folder = await mkdtemp(join(base, 'drizzle-'));
});
afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
  await database?.drop();
});

describe('drizzle-kit', () => {
  it('generates migrations that migrate', async () => {
    const own = await createDatabase('drizzle_migrate');
    await configure(own.url);
    await kit('generate', '--name', 'first');
    await configure(own.url, { column: "nick: text().default('none').notNull()," });
    await kit('generate', '--name', 'second');
    expect((await readdir(join(folder, 'out'))).filter((name) => name.endsWith('.sql'))).toHaveLength(2);
    await kit('migrate');
    const pool = new pg.Pool({ connectionString: own.url });
    // A second time there is nothing to do.
    await migrate(drizzle(pool), { migrationsFolder: join(folder, 'out') });
    expect((await pool.query('SELECT count(*)::int AS n FROM drizzle.__drizzle_migrations')).rows).toEqual([{ n: 2 }]);
    expect((await pool.query('INSERT INTO users (email) VALUES (\'a\') RETURNING nick, "upper"')).rows).toEqual([
      { nick: 'none', upper: 'A' },
    ]);
    await pool.end();
    await rm(join(folder, 'out'), { recursive: true });
    await own.drop();
  });

  it('pushes a schema, then nothing more, then a change', async () => {
    await configure(database.url);
    expect(await kit('push', '--force')).toContain('Changes applied');
    // Only what drizzle-kit never finds equal: the default of an array.
    expect(statements(await kit('push', '--force', '--verbose'))).toEqual([
      'ALTER TABLE "users" ALTER COLUMN "tags" SET DEFAULT \'{}\';',
    ]);
    await configure(database.url, {
      column: 'score: integer().notNull().default(5),',
      table:
        "export const extra = pgTable('extra', { id: serial().primaryKey(), note: text().default('it''s') });".replace(
          "''",
          "\\'",
        ),
    });
    expect(await kit('push', '--force')).toContain('Changes applied');
    expect(await database.query('INSERT INTO extra DEFAULT VALUES RETURNING note')).toEqual([{ note: "it's" }]);
    await configure(database.url);
    expect(await kit('push', '--force')).toContain('Changes applied');
    expect(await database.query("SELECT to_regclass('extra') AS t")).toEqual([{ t: null }]);
  });

  it('pulls the schema back', async () => {
    await configure(database.url);
    await kit('pull');
    const text = await readFile(join(folder, 'out', 'schema.ts'), 'utf8');
    await rm(join(folder, 'out'), { recursive: true });
    for (const line of [
      'export const users = pgTable("users", {',
      'id: serial().primaryKey().notNull(),',
      'email: varchar({ length: 120 }).notNull(),',
      "balance: numeric({ precision: 10, scale:  2 }).default('0').notNull(),",
      'settings: jsonb().default({}).notNull(),',
      'createdAt: timestamp("created_at", { withTimezone: true, mode: \'string\' }).defaultNow().notNull(),',
      'id: uuid().defaultRandom().primaryKey().notNull(),',
      'unique("users_email_unique").on(table.email),',
      'name: "post_labels_post_id_label_id_pk"',
      'check("balance_sane", sql`balance >= (',
      '}).onDelete("cascade"),',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).toMatch(/upper: text\(\)\.generatedAlwaysAs\(sql`upper\(\(?email\)?::text\)`\)/);
    expect(text).toMatch(/id: integer\(\)\.primaryKey\(\)\.generatedAlwaysAsIdentity\(/);
    expect(text).toMatch(/index\("users_name"\)\.using\("btree", table\.name\.desc\(\)/);
    expect(text).toMatch(/uniqueIndex\("users_lower"\)\.using\("btree", sql`lower\(\(email\)::text\)`\)/);
    expect(text).toMatch(/index\("users_active"\)\.using\("btree", table\.createdAt\.asc\(\).*\.where\(sql`active`\)/);
  });

  it('pushes enums', async (context) => {
    await needs(context, database, 'user types');
    const table = (values: string): string =>
      `export const mood = pgEnum('mood', [${values}]); export const moods = pgTable('moods', { id: serial().primaryKey(), m: mood().notNull().default('ok') });`;
    await configure(database.url, { table: table("'sad', 'ok'") });
    expect(await kit('push', '--force')).toContain('Changes applied');
    await configure(database.url, { table: table("'sad', 'ok', 'happy'") });
    expect(await kit('push', '--force')).toContain('Changes applied');
    expect(statements(await kit('push', '--force', '--verbose'))).toEqual([
      'ALTER TABLE "users" ALTER COLUMN "tags" SET DEFAULT \'{}\';',
    ]);
    expect(await database.query("INSERT INTO moods (m) VALUES ('happy') RETURNING m")).toEqual([{ m: 'happy' }]);
    await configure(database.url);
    expect(await kit('push', '--force')).toContain('Changes applied');
  });
});

describe('Drizzle ORM', () => {
  let pool: pg.Pool;
  let db: NodePgDatabase<typeof schema>;

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: database.url, max: 6 });
    db = drizzle(pool, { schema });
  });
  afterAll(async () => {
    await pool?.end();
  });

  it('inserts and loads relations', async () => {
    const [ann, bob] = await db
      .insert(users)
      .values([{ email: 'ann@x', name: 'Ann', settings: { theme: 'dark' }, tags: ['a', 'b'] }, { email: 'bob@x' }])
      .returning();
    expect([ann!.id, ann!.upper, bob!.tags]).toEqual([1, 'ANN@X', []]);
    const made = await db
      .insert(posts)
      .values([
        { title: 'one', authorId: ann!.id, views: 3 },
        { title: 'two', authorId: ann!.id, views: 4 },
      ])
      .returning({ id: posts.id });
    const [label] = await db.insert(labels).values({ name: 'hot' }).returning();
    await db.insert(postLabels).values({ postId: made[0]!.id, labelId: label!.id });
    const loaded = await db.query.users.findMany({
      columns: { email: true, settings: true, tags: true },
      where: (table, { like }) => like(table.email, '%@x'),
      orderBy: (table) => asc(table.email),
      with: {
        posts: {
          columns: { title: true },
          orderBy: (table) => desc(table.title),
          with: { labels: { columns: {}, with: { label: { columns: { name: true } } } } },
          extras: { loud: sql<string>`upper(${posts.title})`.as('loud') },
        },
      },
    });
    expect(loaded).toEqual([
      {
        email: 'ann@x',
        settings: { theme: 'dark' },
        tags: ['a', 'b'],
        posts: [
          { title: 'two', loud: 'TWO', labels: [] },
          { title: 'one', loud: 'ONE', labels: [{ label: { name: 'hot' } }] },
        ],
      },
      { email: 'bob@x', settings: {}, tags: [], posts: [] },
    ]);
    const first = await db.query.posts.findFirst({ with: { author: true }, where: eq(posts.title, 'one') });
    expect(first!.author.createdAt).toBeInstanceOf(Date);
  });

  it('selects with joins, aggregates, CTEs, subqueries', async () => {
    const totals = db
      .select({ id: posts.authorId, views: sum(posts.views).as('views'), n: count().as('n') })
      .from(posts)
      .groupBy(posts.authorId)
      .having(gt(count(), 1))
      .as('totals');
    expect(
      await db
        .select({ email: users.email, views: totals.views })
        .from(users)
        .leftJoin(totals, eq(totals.id, users.id))
        .orderBy(users.email),
    ).toEqual([
      { email: 'ann@x', views: '7' },
      { email: 'bob@x', views: null },
    ]);
    const busy = db.$with('busy').as(db.select({ id: posts.authorId }).from(posts).where(gt(posts.views, 3)));
    expect(
      await db
        .with(busy)
        .select({ email: users.email })
        .from(users)
        .where(inArray(users.id, db.select().from(busy))),
    ).toEqual([{ email: 'ann@x' }]);
    const other = alias(posts, 'other');
    expect(
      await db
        .select()
        .from(posts)
        .innerJoin(other, and(eq(other.authorId, posts.authorId), gt(other.views, posts.views))),
    ).toHaveLength(1);
    expect(await db.$count(users, isNull(users.name))).toBe(1);
    const prepared = db
      .select({ id: users.id })
      .from(users)
      .where(eq(users.email, sql.placeholder('email')))
      .prepare('by_email');
    expect([await prepared.execute({ email: 'ann@x' }), await prepared.execute({ email: 'no' })]).toEqual([
      [{ id: 1 }],
      [],
    ]);
  });

  it('upserts', async () => {
    const rows = await db
      .insert(users)
      .values([
        { email: 'ann@x', name: 'Anna' },
        { email: 'carl@x', name: 'Carl' },
      ])
      .onConflictDoUpdate({ target: users.email, set: { name: sql`excluded.name` }, setWhere: eq(users.active, true) })
      .returning({ id: users.id, name: users.name });
    expect(rows.map((row) => row.name)).toEqual(['Anna', 'Carl']);
    expect(await db.insert(users).values({ email: 'ann@x' }).onConflictDoNothing().returning()).toEqual([]);
    expect(
      await db
        .update(posts)
        .set({ views: sql`${posts.views} + 1` })
        .from(users)
        .where(and(eq(users.id, posts.authorId), eq(users.email, 'ann@x')))
        .returning({ v: posts.views }),
    ).toHaveLength(2);
  });

  it('nests transactions by savepoints', async () => {
    await db.transaction(
      async (outer) => {
        await outer.insert(labels).values({ name: 'outer' });
        expect(
          await failureCode(
            outer.transaction(async (inner) => {
              await inner.insert(labels).values({ name: 'inner' });
              await inner.insert(labels).values({ name: 'hot' });
            }),
          ),
        ).toBe('23505');
        await outer.transaction(async (inner) => {
          await inner.insert(labels).values({ name: 'second' });
        });
      },
      { isolationLevel: 'repeatable read', accessMode: 'read write' },
    );
    await failure(
      db.transaction(async (t) => {
        await t.delete(labels);
        t.rollback();
      }),
    );
    expect((await db.select().from(labels).orderBy(labels.name)).map((row) => row.name)).toEqual([
      'hot',
      'outer',
      'second',
    ]);
  });

  it('locks and tells errors apart', async () => {
    await db.transaction(async (one) => {
      await one.select().from(labels).where(eq(labels.name, 'hot')).for('update');
      const free = await db.transaction((two) => two.select().from(labels).for('update', { skipLocked: true }));
      expect(free.map((row) => row.name).sort()).toEqual(['outer', 'second']);
    });
    expect(await failureCode(db.insert(users).values({ email: 'ann@x' }))).toBe('23505');
    expect(await failureCode(db.insert(users).values({ email: 'z@x', balance: '-101' }))).toBe('23514');
    expect(await failureCode(db.insert(posts).values({ title: 'x', authorId: 4711 }))).toBe('23503');
    expect(await failureCode(db.delete(labels).where(eq(labels.name, 'hot')))).toBe('23503');
    expect(await failureCode(db.execute(sql`insert into posts (title) values ('x')`))).toBe('23502');
  });

  it('works over postgres.js too', async () => {
    const client = postgres(database.url, { onnotice: () => undefined });
    const js = drizzleJs(client, { schema });
    const loaded = await js.query.posts.findMany({
      with: { author: { columns: { email: true } } },
      orderBy: posts.title,
    });
    expect(loaded.map((post) => [post.title, post.author.email])).toEqual([
      ['one', 'ann@x'],
      ['two', 'ann@x'],
    ]);
    const batches: number[] = [];
    for await (const rows of client`SELECT n FROM generate_series(1, 250) AS n`.cursor(100)) batches.push(rows.length);
    expect(batches).toEqual([100, 100, 50]);
    await client.end();
  });
});
