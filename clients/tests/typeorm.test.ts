/** TypeORM as its documentation shows it: entities with decorators, synchronize, migrations, repositories. */
import 'reflect-metadata';
import {
  Check,
  Column,
  CreateDateColumn,
  DataSource,
  type DataSourceOptions,
  DeleteDateColumn,
  Entity,
  Index,
  JoinColumn,
  JoinTable,
  ManyToMany,
  ManyToOne,
  type MigrationInterface,
  OneToMany,
  OneToOne,
  PrimaryGeneratedColumn,
  type QueryRunner,
  type Relation,
  Table,
  TableColumn,
  TableForeignKey,
  TableIndex,
  UpdateDateColumn,
  VersionColumn,
} from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database, failureCode, needs } from '../support/database.js';

@Entity()
class Customer {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('varchar', { length: 100, unique: true })
  email!: string;

  @Column('text', { nullable: true, comment: "what they're called" })
  name!: string | null;

  @OneToOne(() => Profile, (profile) => profile.customer)
  profile!: Relation<Profile>;

  @OneToMany(() => Order, (order) => order.customer)
  orders!: Relation<Order[]>;

  @CreateDateColumn()
  createdAt!: Date;

  @UpdateDateColumn()
  updatedAt!: Date;

  @DeleteDateColumn()
  deletedAt!: Date | null;

  @VersionColumn()
  version!: number;
}

@Entity()
class Profile {
  @PrimaryGeneratedColumn('identity', { generatedIdentity: 'ALWAYS' })
  id!: number;

  @Column('jsonb', { default: {} })
  settings!: { theme?: string; sizes?: number[] };

  @OneToOne(() => Customer, (customer) => customer.profile, { onDelete: 'CASCADE' })
  @JoinColumn()
  customer!: Relation<Customer>;
}

@Entity('orders', { comment: 'what was bought' })
@Check('total_not_negative', '"total" >= 0')
@Index('orders_open', ['placedAt'], { where: '"paid" = false' })
class Order {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @Column('numeric', { precision: 12, scale: 2, default: 0 })
  total!: string;

  @Column('boolean', { default: false })
  paid!: boolean;

  @Column('timestamptz', { default: () => 'now()' })
  placedAt!: Date;

  @Column('text', { array: true, default: [] })
  labels!: string[];

  @ManyToOne(() => Customer, (customer) => customer.orders, { nullable: false, onDelete: 'RESTRICT' })
  customer!: Relation<Customer>;

  @ManyToMany(() => Product, (product) => product.orders, { cascade: true })
  @JoinTable()
  products!: Relation<Product[]>;
}

@Entity()
class Product {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  @Index({ unique: true })
  sku!: string;

  @Column('int', { default: 0 })
  stock!: number;

  @Column({ type: 'text', generatedType: 'STORED', asExpression: 'upper("sku")', nullable: true })
  code!: string;

  @ManyToMany(() => Order, (order) => order.products)
  orders!: Relation<Order[]>;
}

class CreateAuthors1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'author',
        columns: [
          { name: 'id', type: 'int', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
          { name: 'name', type: 'varchar', length: '80' },
        ],
      }),
      true,
    );
    await runner.createTable(
      new Table({
        name: 'book',
        columns: [
          { name: 'id', type: 'int', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
          { name: 'title', type: 'varchar' },
          { name: 'author_id', type: 'int' },
        ],
      }),
    );
    await runner.createForeignKey(
      'book',
      new TableForeignKey({
        columnNames: ['author_id'],
        referencedColumnNames: ['id'],
        referencedTableName: 'author',
        onDelete: 'CASCADE',
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('book', true, true, true);
    await runner.dropTable('author');
  }
}

class BookDetails1700000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.addColumn('book', new TableColumn({ name: 'isbn', type: 'varchar', length: '13', isNullable: true }));
    await runner.createIndex('book', new TableIndex({ name: 'book_isbn', columnNames: ['isbn'], isUnique: true }));
    await runner.renameColumn('book', 'title', 'name');
    await runner.changeColumn(
      'author',
      'name',
      new TableColumn({ name: 'name', type: 'varchar', length: '200', default: "'anonymous'", comment: 'full name' }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.renameColumn('book', 'name', 'title');
    await runner.dropIndex('book', 'book_isbn');
    await runner.dropColumn('book', 'isbn');
  }
}

/** Fails half way: what it did before must be undone. */
class Broken1700000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE half_done (id int)');
    await runner.query('INSERT INTO no_such_table VALUES (1)');
  }

  async down(): Promise<void> {}
}

let database: Database;

function options(extra: Partial<DataSourceOptions>): DataSourceOptions {
  return { type: 'postgres', url: database.url, ...extra } as DataSourceOptions;
}

beforeAll(async () => {
  database = await createDatabase('typeorm');
});
afterAll(async () => {
  await database?.drop();
});

describe('TypeORM entities', () => {
  let source: DataSource;

  beforeAll(async () => {
    source = await new DataSource(
      options({ entities: [Customer, Profile, Order, Product], synchronize: true }),
    ).initialize();
  });
  afterAll(async () => {
    await source?.destroy();
  });

  it('finds nothing to change after synchronize', async () => {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    expect(upQueries.map((query) => query.query)).toEqual([]);
  });

  it('sees a changed entity and alters the table', async () => {
    const changed = await new DataSource(
      options({
        entities: [Customer, Profile, Order, Product],
        synchronize: false,
      }),
    ).initialize();
    await database.query('ALTER TABLE product DROP COLUMN stock');
    await database.query('DROP INDEX orders_open');
    const { upQueries } = await changed.driver.createSchemaBuilder().log();
    expect(upQueries.map((query) => query.query.replace(/ +/g, ' ')).sort()).toEqual([
      'ALTER TABLE "product" ADD "stock" integer NOT NULL DEFAULT \'0\'',
      'CREATE INDEX "orders_open" ON "orders" ("placedAt") WHERE "paid" = false',
    ]);
    await changed.synchronize();
    expect((await changed.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
    await changed.destroy();
  });

  it('reads the schema back', async () => {
    const runner = source.createQueryRunner();
    const table = await runner.getTable('orders');
    await runner.release();
    expect(table?.comment).toBe('what was bought');
    expect(table?.columns.map((column) => [column.name, column.type, column.isNullable]).sort()).toEqual([
      ['customerId', 'integer', false],
      ['id', 'uuid', false],
      ['labels', 'text', false],
      ['paid', 'boolean', false],
      ['placedAt', 'timestamp with time zone', false],
      ['total', 'numeric', false],
    ]);
    expect(table?.checks.map((check) => check.name)).toEqual(['total_not_negative']);
    expect(table?.foreignKeys.map((key) => [key.columnNames, key.referencedTableName, key.onDelete])).toEqual([
      [['customerId'], 'customer', 'RESTRICT'],
    ]);
    expect(table?.indices.map((index) => [index.name, index.columnNames])).toEqual([['orders_open', ['placedAt']]]);
  });

  it('saves and loads relations', async () => {
    const customers = source.getRepository(Customer);
    const ann = await customers.save({ email: 'ann@example.com', name: 'Ann' });
    expect(ann.id).toBe(1);
    expect(ann.version).toBe(1);
    await source.getRepository(Profile).save({ customer: ann, settings: { theme: 'dark', sizes: [1, 2] } });
    const orders = source.getRepository(Order);
    await orders.save([
      orders.create({
        customer: ann,
        total: '10.50',
        labels: ['a', 'b "c"'],
        products: [{ sku: 'x1' }, { sku: 'x2' }],
      }),
      orders.create({ customer: ann, total: '0.25', paid: true }),
    ]);
    const loaded = await customers.findOneOrFail({
      where: { email: 'ann@example.com' },
      relations: { orders: { products: true }, profile: true },
      order: { orders: { total: 'DESC', products: { sku: 'ASC' } } },
    });
    expect(loaded.profile.settings).toEqual({ theme: 'dark', sizes: [1, 2] });
    expect(loaded.orders.map((order) => [order.total, order.paid, order.labels])).toEqual([
      ['10.50', false, ['a', 'b "c"']],
      ['0.25', true, []],
    ]);
    expect(loaded.orders[0]!.products.map((product) => product.code)).toEqual(['X1', 'X2']);
    const page = await orders.findAndCount({
      relations: { products: true },
      order: { total: 'ASC' },
      take: 1,
      skip: 1,
    });
    expect([page[0].map((order) => order.products.length), page[1]]).toEqual([[2], 2]);
  });

  it('builds queries with joins, aggregates and subqueries', async () => {
    const rows = await source
      .getRepository(Customer)
      .createQueryBuilder('c')
      .leftJoin('c.orders', 'o')
      .select('c.email', 'email')
      .addSelect('COUNT(o.id)', 'orders')
      .addSelect('SUM(o.total)', 'sum')
      .where((query) => {
        const inner = query.subQuery().select('p.customerId').from(Profile, 'p').getQuery();
        return `c.id IN ${inner}`;
      })
      .groupBy('c.id')
      .having('COUNT(o.id) > :least', { least: 1 })
      .getRawMany();
    expect(rows).toEqual([{ email: 'ann@example.com', orders: '2', sum: '10.75' }]);
  });

  it('updates with versions, soft deletes, and upserts', async () => {
    const customers = source.getRepository(Customer);
    const bob = await customers.save({ email: 'bob@example.com' });
    bob.name = 'Bob';
    expect((await customers.save(bob)).version).toBe(2);
    await customers.softDelete({ id: bob.id });
    expect(await customers.findOneBy({ id: bob.id })).toBeNull();
    expect((await customers.findOneOrFail({ where: { id: bob.id }, withDeleted: true })).deletedAt).toBeInstanceOf(
      Date,
    );
    await customers.restore({ id: bob.id });
    const products = source.getRepository(Product);
    await products.upsert(
      [
        { sku: 'x1', stock: 5 },
        { sku: 'x9', stock: 9 },
      ],
      ['sku'],
    );
    expect((await products.find({ order: { sku: 'ASC' } })).map((p) => [p.sku, p.stock])).toEqual([
      ['x1', 5],
      ['x2', 0],
      ['x9', 9],
    ]);
    await products.increment({ sku: 'x9' }, 'stock', 3);
    expect((await products.findOneByOrFail({ sku: 'x9' })).stock).toBe(12);
    const inserted = await products
      .createQueryBuilder()
      .insert()
      .values([{ sku: 'x1' }, { sku: 'x10' }])
      .orIgnore()
      .execute();
    expect(inserted.raw).toHaveLength(1);
  });

  it('nests transactions by savepoints', async () => {
    const products = source.getRepository(Product);
    await source.transaction(async (outer) => {
      await outer.save(Product, { sku: 'outer' });
      const error = await failureCode(
        outer.transaction(async (inner) => {
          await inner.save(Product, { sku: 'inner' });
          await inner.save(Product, { sku: 'x1' });
        }),
      );
      expect(error).toBe('23505');
      await outer.transaction(async (inner) => {
        await inner.save(Product, { sku: 'second' });
      });
    });
    expect(
      (await products.findBy([{ sku: 'outer' }, { sku: 'inner' }, { sku: 'second' }])).map((p) => p.sku).sort(),
    ).toEqual(['outer', 'second']);
    await source
      .transaction('SERIALIZABLE', async (manager) => {
        await manager.delete(Product, { sku: 'outer' });
        throw new Error('changed my mind');
      })
      .catch(() => undefined);
    expect(await products.countBy({ sku: 'outer' })).toBe(1);
  });

  it('locks rows', async () => {
    await source.transaction(async (manager) => {
      const locked = await manager.find(Product, { where: { sku: 'x1' }, lock: { mode: 'pessimistic_write' } });
      expect(locked).toHaveLength(1);
      const other = source.createQueryRunner();
      await other.startTransaction();
      expect(
        await failureCode(
          other.manager.findOne(Product, {
            where: { sku: 'x1' },
            lock: { mode: 'pessimistic_write', onLocked: 'nowait' },
          }),
        ),
      ).toBe('55P03');
      await other.rollbackTransaction();
      const free = await other.manager.transaction((inner) =>
        inner.find(Product, { lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' } }),
      );
      expect(free.map((p) => p.sku)).not.toContain('x1');
      await other.release();
    });
  });

  it('streams', async () => {
    await source.getRepository(Product).insert(Array.from({ length: 300 }, (_, i) => ({ sku: `s${i}`, stock: i })));
    const stream = await source
      .getRepository(Product)
      .createQueryBuilder('p')
      .where("p.sku LIKE 's%' AND p.sku <> 'second'")
      .orderBy('p.stock')
      .stream();
    let seen = 0;
    for await (const row of stream) {
      expect((row as { p_stock: number }).p_stock).toBe(seen);
      seen++;
    }
    expect(seen).toBe(300);
  });

  it('tells errors apart', async () => {
    const manager = source.manager;
    expect(await failureCode(manager.insert(Product, { sku: 'x1' }))).toBe('23505');
    expect(await failureCode(manager.query('INSERT INTO product (sku) VALUES (NULL)'))).toBe('23502');
    const customer = await manager.findOneByOrFail(Customer, { email: 'ann@example.com' });
    expect(await failureCode(manager.insert(Order, { customer: { id: customer.id }, total: '-1' }))).toBe('23514');
    expect(await failureCode(manager.insert(Order, { customer: { id: 4711 } }))).toBe('23503');
    expect(await failureCode(manager.delete(Customer, customer.id))).toBe('23503');
    expect(await failureCode(manager.insert(Order, { customer: { id: customer.id }, total: '12345678901' }))).toBe(
      '22003',
    );
  });

  it('empties and drops the schema', async () => {
    const other = await new DataSource(options({ entities: [Customer, Profile, Order, Product] })).initialize();
    await other.createQueryRunner().clearTable('profile');
    expect(await other.getRepository(Profile).count()).toBe(0);
    await other.dropDatabase();
    await other.synchronize();
    expect(await other.getRepository(Customer).count()).toBe(0);
    await other.destroy();
  });
});

describe('TypeORM enums', () => {
  it('makes and changes an enum column', async (context) => {
    await needs(context, database, 'user types');
    @Entity()
    class Ticket {
      @PrimaryGeneratedColumn()
      id!: number;

      @Column({ type: 'enum', enum: ['new', 'open', 'closed'], default: 'new' })
      state!: string;
    }
    const source = await new DataSource(options({ entities: [Ticket], synchronize: true })).initialize();
    await source.getRepository(Ticket).save([{}, { state: 'closed' }]);
    expect((await source.getRepository(Ticket).find({ order: { state: 'DESC' } })).map((t) => t.state)).toEqual([
      'closed',
      'new',
    ]);
    expect((await source.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
    expect(await failureCode(source.getRepository(Ticket).save({ state: 'lost' }))).toBe('22P02');
    await source.destroy();
  });
});

describe('TypeORM migrations', () => {
  it('go up and down', async () => {
    const source = await new DataSource(
      options({ migrations: [CreateAuthors1700000000000, BookDetails1700000001000] }),
    ).initialize();
    const columns = async (): Promise<string[]> =>
      (
        await source.query(
          "SELECT table_name || '.' || column_name AS c FROM information_schema.columns WHERE table_name IN ('author', 'book') ORDER BY table_name, ordinal_position",
        )
      ).map((row: { c: string }) => row.c);
    expect(await source.showMigrations()).toBe(true);
    const done = await source.runMigrations({ transaction: 'each' });
    expect(done.map((migration) => migration.name)).toEqual(['CreateAuthors1700000000000', 'BookDetails1700000001000']);
    expect(await source.showMigrations()).toBe(false);
    expect(await columns()).toEqual([
      'author.id',
      'author.name',
      'book.id',
      'book.name',
      'book.author_id',
      'book.isbn',
    ]);
    await source.query("INSERT INTO author DEFAULT VALUES; INSERT INTO book (name, author_id) VALUES ('b', 1)");
    await source.undoLastMigration();
    expect(await columns()).toEqual(['author.id', 'author.name', 'book.id', 'book.title', 'book.author_id']);
    await source.undoLastMigration();
    expect(await columns()).toEqual([]);
    await source.destroy();
  });

  it('undo what a failed one did', async () => {
    const source = await new DataSource(options({ migrations: [Broken1700000002000] })).initialize();
    expect(await failureCode(source.runMigrations())).toBe('42P01');
    expect(await source.query("SELECT to_regclass('half_done') AS t")).toEqual([{ t: null }]);
    await source.destroy();
  });
});
