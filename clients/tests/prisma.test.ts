/**
 * Prisma 7: its command line (db push, migrate deploy, diff, resolve, db pull) and the client over @prisma/adapter-pg.
 * The schema engine is the WebAssembly one from npm (support/schema-engine.mjs): nothing is downloaded. With
 * CLIENTS_PRISMA_BINARY=1 the command line uses its binary, which it downloads.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database, failure, needs } from '../support/database.js';

const HEAD = `
generator client {
  provider = "prisma-client"
  output   = "./client"
}
datasource db {
  provider = "postgresql"
}
`;
const MODELS = `
model User {
  id        Int      @id @default(autoincrement())
  email     String   @unique @db.VarChar(120)
  name      String?
  balance   Decimal  @default(0) @db.Decimal(10, 2)
  settings  Json     @default("{}")
  tags      String[]
  views     BigInt   @default(0)
  score     Float?
  data      Bytes?
  createdAt DateTime @default(now()) @map("created_at") @db.Timestamptz(3)
  updatedAt DateTime @updatedAt
  posts     Post[]
  profile   Profile?

  @@index([name, createdAt(sort: Desc)])
  @@map("users")
}
model Profile {
  userId Int    @id
  bio    String @db.Text
  user   User   @relation(fields: [userId], references: [id], onDelete: Cascade)
}
model Post {
  id       String @id @default(dbgenerated("gen_random_uuid()")) @db.Uuid
  title    String
  authorId Int
  author   User   @relation(fields: [authorId], references: [id])
  labels   Label[]

  @@unique([authorId, title])
}
model Label {
  id    Int    @id @default(autoincrement())
  name  String @unique
  posts Post[]
}
`;

let database: Database;
let folder: string;

async function prisma(database: Database, ...args: string[]): Promise<string> {
  const cli = join(import.meta.dirname, '../node_modules/prisma/build/index.js');
  const own = join(import.meta.dirname, '../support/schema-engine.mjs');
  const binary = process.env['CLIENTS_PRISMA_BINARY'] === '1';
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [cli, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      ...(binary ? {} : { PRISMA_SCHEMA_ENGINE_BINARY: own }),
      DATABASE_URL: database.url,
      NO_COLOR: '1',
      CI: '1',
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
  }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`prisma ${args.join(' ')}: ${error.stdout}\n${error.stderr}`);
  });
  return stdout + stderr;
}

const writeSchema = (models: string): Promise<void> => writeFile(join(folder, 'schema.prisma'), HEAD + models);

beforeAll(async () => {
  database = await createDatabase('prisma');
  const base = join(import.meta.dirname, '../.generated');
  await mkdir(base, { recursive: true });
  folder = await mkdtemp(join(base, 'prisma-'));
  await writeFile(
    join(folder, 'prisma.config.ts'),
    "export default { schema: './schema.prisma', migrations: { path: './migrations' }, datasource: { url: process.env['DATABASE_URL'] ?? '' } };\n",
  );
  await writeSchema(MODELS);
  await prisma(database, 'generate');
});
afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
  await database?.drop();
});

describe('Prisma migrate', () => {
  it('deploys generated migrations', async () => {
    const own = await createDatabase('prisma_migrate');
    const script = async (...args: string[]): Promise<string> => {
      const file = join(folder, 'diff.sql');
      await prisma(own, 'migrate', 'diff', ...args, '--script', '--output', file);
      return readFile(file, 'utf8');
    };
    const first = await script('--from-empty', '--to-schema', 'schema.prisma');
    expect(first).toContain('CREATE TABLE "users"');
    await mkdir(join(folder, 'migrations', '20240101000000_first'), { recursive: true });
    await writeFile(join(folder, 'migrations', '20240101000000_first', 'migration.sql'), first);
    await writeFile(join(folder, 'migrations', 'migration_lock.toml'), 'provider = "postgresql"\n');
    expect(await prisma(own, 'migrate', 'deploy')).toContain('All migrations have been successfully applied');
    // What is there is what was wanted.
    expect(await script('--from-config-datasource', '--to-schema', 'schema.prisma')).toContain(
      'This is an empty migration',
    );

    await writeSchema(
      MODELS.replace('name      String?', 'name      String @default("?")\n  nick String?').replace(
        'score     Float?',
        '',
      ),
    );
    const second = await script('--from-config-datasource', '--to-schema', 'schema.prisma');
    expect(second).toContain('DROP COLUMN "score"');
    await mkdir(join(folder, 'migrations', '20240102000000_second'));
    await writeFile(join(folder, 'migrations', '20240102000000_second', 'migration.sql'), second);
    await own.query("INSERT INTO users (email, \"updatedAt\", name) VALUES ('a', now(), 'n')");
    await prisma(own, 'migrate', 'deploy');
    expect(await own.query('SELECT name, nick FROM users')).toEqual([{ name: 'n', nick: null }]);

    await mkdir(join(folder, 'migrations', '20240103000000_broken'));
    await writeFile(
      join(folder, 'migrations', '20240103000000_broken', 'migration.sql'),
      'CREATE TABLE half (id int); SELECT 1 / 0;',
    );
    const broken = (await failure(prisma(own, 'migrate', 'deploy'))) as Error;
    expect(broken.message).toContain('division by zero');
    await prisma(own, 'migrate', 'resolve', '--rolled-back', '20240103000000_broken');
    // The adapter sends the statements one by one, each a transaction of its own: those before the error stay.
    expect(await own.query("SELECT to_regclass('half')::text AS t")).toEqual([{ t: 'half' }]);
    await writeSchema(MODELS);
    await own.drop();
  });

  it('pushes a schema, nothing more the second time, then a change', async () => {
    expect(await prisma(database, 'db', 'push')).toContain('Your database is now in sync');
    expect(await prisma(database, 'db', 'push')).toContain('The database is already in sync');
    await writeSchema(
      `${MODELS}\nmodel Extra {\n  id BigInt @id @default(autoincrement())\n  at DateTime @db.Date\n}\n`,
    );
    expect(await prisma(database, 'db', 'push')).toContain('Your database is now in sync');
    await writeSchema(MODELS);
    expect(await prisma(database, 'db', 'push', '--accept-data-loss')).toContain('Your database is now in sync');
    expect(await database.query('SELECT to_regclass(\'"Extra"\') AS t')).toEqual([{ t: null }]);
  });

  it('pulls the schema back', async () => {
    const text = await prisma(database, 'db', 'pull', '--print');
    const squeezed = text.replace(/ +/g, ' ');
    for (const line of [
      'email String @unique @db.VarChar(120)',
      'balance Decimal @default(0) @db.Decimal(10, 2)',
      'settings Json @default("{}")',
      'tags String[]',
      'views BigInt @default(0)',
      'createdAt DateTime @default(now()) @map("created_at") @db.Timestamptz(3)',
      '@@index([name, createdAt(sort: Desc)])',
      '@@map("users")',
      'user User @relation(fields: [userId], references: [id], onDelete: Cascade)',
      'id String @id @default(dbgenerated("gen_random_uuid()")) @db.Uuid',
      '@@unique([authorId, title])',
    ]) {
      expect(squeezed).toContain(line);
    }
  });

  it('pushes and pulls enums', async (context) => {
    await needs(context, database, 'user types');
    const own = await createDatabase('prisma_enum');
    const mood = (values: string): string =>
      `enum Mood {\n${values}\n}\nmodel Feeling {\n id Int @id\n mood Mood @default(ok)\n}\n`;
    await writeSchema(mood('sad\nok'));
    expect(await prisma(own, 'db', 'push')).toContain('now in sync');
    await writeSchema(mood('sad\nok\nhappy'));
    expect(await prisma(own, 'db', 'push')).toContain('now in sync');
    expect(await own.query('INSERT INTO "Feeling" VALUES (1, \'happy\') RETURNING mood')).toEqual([{ mood: 'happy' }]);
    expect((await prisma(own, 'db', 'pull', '--print')).replace(/ +/g, ' ')).toContain('mood Mood @default(ok)');
    await writeSchema(MODELS);
    await own.drop();
  });
});

/** What the tests use of the generated client; it is generated when they run. */
interface Delegate {
  create(args: object): Promise<Record<string, unknown>>;
  createMany(args: object): Promise<{ count: number }>;
  createManyAndReturn(args: object): Promise<Record<string, unknown>[]>;
  findMany(args?: object): Promise<Record<string, unknown>[]>;
  findUnique(args: object): Promise<Record<string, unknown> | null>;
  update(args: object): Promise<Record<string, unknown>>;
  updateMany(args: object): Promise<{ count: number }>;
  upsert(args: object): Promise<Record<string, unknown>>;
  delete(args: object): Promise<unknown>;
  deleteMany(args?: object): Promise<{ count: number }>;
  count(args?: object): Promise<number>;
  aggregate(args: object): Promise<Record<string, Record<string, unknown>>>;
  groupBy(args: object): Promise<Record<string, unknown>[]>;
}
interface Client {
  readonly user: Delegate;
  readonly post: Delegate;
  readonly label: Delegate;
  readonly profile: Delegate;
  $transaction<T>(body: (client: Client) => Promise<T>, options?: object): Promise<T>;
  $transaction(statements: readonly Promise<unknown>[]): Promise<unknown[]>;
  $queryRaw(text: TemplateStringsArray, ...values: unknown[]): Promise<Record<string, unknown>[]>;
  $executeRaw(text: TemplateStringsArray, ...values: unknown[]): Promise<number>;
  $disconnect(): Promise<void>;
}

describe('Prisma client', () => {
  let client: Client;

  beforeAll(async () => {
    const generated = (await import(/* @vite-ignore */ join(folder, 'client', 'client.ts'))) as {
      PrismaClient: new (options: object) => Client;
    };
    client = new generated.PrismaClient({ adapter: new PrismaPg({ connectionString: database.url }) });
  });
  afterAll(async () => {
    await client?.$disconnect();
  });

  it('creates and loads relations', async () => {
    const ann = await client.user.create({
      data: {
        email: 'ann@x',
        balance: '12.50',
        tags: ['a', 'b'],
        settings: { theme: 'dark', sizes: [1, 2] },
        views: 9007199254740993n,
        data: Buffer.from([0, 255]),
        posts: { create: [{ title: 'one', labels: { create: [{ name: 'hot' }, { name: 'new' }] } }, { title: 'two' }] },
        profile: { create: { bio: 'long' } },
      },
      include: {
        posts: { include: { labels: { orderBy: { name: 'asc' } } }, orderBy: { title: 'asc' } },
        profile: true,
      },
    });
    expect(ann).toMatchObject({
      id: 1,
      views: 9007199254740993n,
      tags: ['a', 'b'],
      settings: { theme: 'dark', sizes: [1, 2] },
      profile: { bio: 'long' },
      posts: [
        { title: 'one', labels: [{ name: 'hot' }, { name: 'new' }] },
        { title: 'two', labels: [] },
      ],
    });
    expect(String(ann['balance'])).toBe('12.5');
    expect(ann['createdAt']).toBeInstanceOf(Date);
    expect(await client.user.createMany({ data: [{ email: 'bob@x', name: 'Bob' }, { email: 'carl@x' }] })).toEqual({
      count: 2,
    });
    expect(
      await client.label.createManyAndReturn({ data: [{ name: 'hot' }, { name: 'old' }], skipDuplicates: true }),
    ).toHaveLength(1);
  });

  it('filters by relations, text, arrays and json', async () => {
    const emails = async (where: object): Promise<unknown[]> =>
      (await client.user.findMany({ where, orderBy: { email: 'asc' } })).map((user) => user['email']);
    expect(await emails({ posts: { some: { labels: { some: { name: 'hot' } } } } })).toEqual(['ann@x']);
    expect(await emails({ posts: { none: {} } })).toEqual(['bob@x', 'carl@x']);
    expect(await emails({ email: { contains: 'AR', mode: 'insensitive' } })).toEqual(['carl@x']);
    expect(await emails({ tags: { has: 'a' } })).toEqual(['ann@x']);
    expect(await emails({ settings: { path: ['theme'], equals: 'dark' } })).toEqual(['ann@x']);
    expect(
      await emails({ OR: [{ name: null }, { name: { startsWith: 'B' } }], NOT: { email: { in: ['carl@x'] } } }),
    ).toEqual(['ann@x', 'bob@x']);
    const page = await client.user.findMany({
      orderBy: { id: 'asc' },
      cursor: { id: 1 },
      skip: 1,
      take: 1,
      select: { email: true },
    });
    expect(page).toEqual([{ email: 'bob@x' }]);
    const counted = await client.user.findMany({
      orderBy: { posts: { _count: 'desc' } },
      select: { email: true, _count: { select: { posts: true } } },
    });
    expect(counted[0]).toEqual({ email: 'ann@x', _count: { posts: 2 } });
    expect(
      await client.user.findMany({
        distinct: ['name'],
        orderBy: { name: { sort: 'asc', nulls: 'last' } },
        select: { name: true },
      }),
    ).toEqual([{ name: 'Bob' }, { name: null }]);
  });

  it('aggregates and groups', async () => {
    const totals = await client.user.aggregate({ _sum: { balance: true }, _count: { name: true }, _avg: { id: true } });
    expect([String(totals['_sum']!['balance']), totals['_count'], totals['_avg']]).toEqual([
      '12.5',
      { name: 1 },
      { id: 2 },
    ]);
    expect(
      await client.post.groupBy({ by: ['authorId'], _count: true, having: { authorId: { _count: { gt: 1 } } } }),
    ).toEqual([{ authorId: 1, _count: 2 }]);
    expect(
      await client.$queryRaw`SELECT count(*)::int AS n, ${'x'}::text AS t, ${[1, 2]}::int[] AS l FROM users`,
    ).toEqual([{ n: 3, t: 'x', l: [1, 2] }]);
    expect(await client.$executeRaw`UPDATE users SET name = ${'Carl'} WHERE email = ${'carl@x'}`).toBe(1);
  });

  it('upserts, updates nested, deletes', async () => {
    const upsert = (name: string): Promise<Record<string, unknown>> =>
      client.user.upsert({
        where: { email: 'dora@x' },
        create: { email: 'dora@x', name },
        update: { name, views: { increment: 2 } },
      });
    expect([(await upsert('D1'))['name'], (await upsert('D2'))['views']]).toEqual(['D1', 2n]);
    const changed = await client.user.update({
      where: { email: 'ann@x' },
      data: {
        posts: {
          update: {
            where: { authorId_title: { authorId: 1, title: 'two' } },
            data: { labels: { connectOrCreate: { where: { name: 'x' }, create: { name: 'x' } } } },
          },
          deleteMany: { title: 'one' },
        },
      },
      include: { posts: { include: { labels: true } } },
    });
    expect(changed['posts']).toMatchObject([{ title: 'two', labels: [{ name: 'x' }] }]);
    expect(await client.user.updateMany({ where: { name: { not: null } }, data: { score: 1.5 } })).toEqual({
      count: 3,
    });
    expect(await client.label.deleteMany({ where: { name: 'old' } })).toEqual({ count: 1 });
  });

  it('runs transactions', async () => {
    await client.$transaction(
      async (inner) => {
        await inner.label.create({ data: { name: 'inside' } });
        expect(await inner.label.count({ where: { name: 'inside' } })).toBe(1);
      },
      { isolationLevel: 'Serializable' },
    );
    await failure(
      client.$transaction(async (inner) => {
        await inner.label.deleteMany();
        throw new Error('no');
      }),
    );
    await failure(
      client.$transaction([
        client.label.create({ data: { name: 'a1' } }),
        client.label.create({ data: { name: 'hot' } }),
      ]),
    );
    expect(await client.label.count({ where: { name: { in: ['a1', 'inside', 'hot'] } } })).toBe(2);
  });

  it('reports a write conflict', async () => {
    let go: () => void = () => undefined;
    const both = new Promise<void>((resolve) => {
      go = resolve;
    });
    let waiting = 0;
    const run = (mine: string): Promise<unknown> =>
      client.$transaction(
        async (inner) => {
          await inner.label.findMany();
          waiting++;
          if (waiting === 2) go();
          await both;
          await inner.label.create({ data: { name: mine } });
        },
        { isolationLevel: 'Serializable' },
      );
    const outcomes = await Promise.allSettled([run('w1'), run('w2')]);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed).toHaveLength(1);
    // Prisma gives its own code for a statement that failed so, and the adapter's error for a COMMIT that did.
    const { code, cause } = (failed[0] as PromiseRejectedResult).reason as { code?: string; cause?: { kind: string } };
    expect(code ?? cause?.kind).toMatch(/^(P2034|TransactionWriteConflict)$/);
  });

  it('tells errors apart', async () => {
    expect(await failure(client.user.create({ data: { email: 'ann@x' } }))).toMatchObject({ code: 'P2002' });
    expect(await failure(client.post.create({ data: { title: 'x', authorId: 4711 } }))).toMatchObject({
      code: 'P2003',
    });
    expect(await failure(client.user.delete({ where: { email: 'nobody' } }))).toMatchObject({ code: 'P2025' });
    expect(await failure(client.user.delete({ where: { email: 'ann@x' } }))).toMatchObject({ code: 'P2003' });
    expect(await failure(client.user.create({ data: { email: 'e'.repeat(121) } }))).toMatchObject({ code: 'P2000' });
    expect(await failure(client.$queryRaw`SELECT * FROM nowhere`)).toMatchObject({ code: 'P2010' });
  });
});
