/** Sequelize 6: models and sync, sync({ alter }), migrations with its query interface and umzug, associations. */
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  literal,
  Model,
  type ModelStatic,
  Op,
  type QueryInterface,
  Sequelize,
  Transaction,
} from 'sequelize';
import { SequelizeStorage, Umzug } from 'umzug';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database, failure, failureCode, needs } from '../support/database.js';

class User extends Model<InferAttributes<User>, InferCreationAttributes<User>> {
  declare id: CreationOptional<number>;
  declare email: string;
  declare age: CreationOptional<number | null>;
  declare profile: CreationOptional<{ theme?: string } | null>;
  declare tags: CreationOptional<string[]>;
  declare credit: CreationOptional<string>;
}
class Post extends Model<InferAttributes<Post>, InferCreationAttributes<Post>> {
  declare id: CreationOptional<string>;
  declare title: string;
  declare body: CreationOptional<string | null>;
  declare userId: CreationOptional<number | null>;
}
class Tag extends Model<InferAttributes<Tag>, InferCreationAttributes<Tag>> {
  declare name: string;
}

let database: Database;
let sequelize: Sequelize;

function define(on: Sequelize): void {
  User.init(
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      email: { type: DataTypes.STRING(120), allowNull: false, unique: true },
      age: { type: DataTypes.INTEGER, validate: { min: 0 }, comment: 'in years' },
      profile: { type: DataTypes.JSONB, defaultValue: {} },
      tags: { type: DataTypes.ARRAY(DataTypes.TEXT), allowNull: false, defaultValue: [] },
      credit: { type: DataTypes.DECIMAL(10, 2), allowNull: false, defaultValue: 0 },
    },
    {
      sequelize: on,
      tableName: 'users',
      modelName: 'user',
      indexes: [{ fields: ['age'], where: { age: { [Op.ne]: null } } }],
    },
  );
  Post.init(
    {
      id: { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 },
      title: { type: DataTypes.STRING, allowNull: false },
      body: DataTypes.TEXT,
      userId: { type: DataTypes.INTEGER },
    },
    { sequelize: on, modelName: 'post', paranoid: true },
  );
  Tag.init(
    { name: { type: DataTypes.STRING(30), primaryKey: true } },
    { sequelize: on, modelName: 'tag', timestamps: false },
  );
  User.hasMany(Post, { onDelete: 'CASCADE', foreignKey: 'userId', as: 'posts' });
  Post.belongsTo(User, { foreignKey: 'userId', as: 'author' });
  Post.belongsToMany(Tag, { through: 'post_tags', timestamps: false, as: 'labels' });
  Tag.belongsToMany(Post, { through: 'post_tags', timestamps: false, as: 'posts' });
}

function connect(extra: object = {}): Sequelize {
  return new Sequelize(database.url, { dialect: 'postgres', logging: false, ...extra });
}

beforeAll(async () => {
  database = await createDatabase('sequelize');
  sequelize = connect();
});
afterAll(async () => {
  await sequelize?.close();
  await database?.drop();
});

describe('Sequelize models', () => {
  beforeAll(async () => {
    define(sequelize);
    await sequelize.sync({ force: true });
  });

  it('authenticates and tells the version', async () => {
    await sequelize.authenticate();
    expect(await sequelize.databaseVersion()).toMatch(/^\d+\./);
  });

  it('syncs again, with alter too', async () => {
    await sequelize.sync();
    await sequelize.sync({ alter: true });
    await sequelize.query('ALTER TABLE users DROP COLUMN credit');
    await sequelize.sync({ alter: { drop: false } });
    const columns = await sequelize.getQueryInterface().describeTable('users');
    expect(columns['credit']).toMatchObject({ type: 'NUMERIC', allowNull: false });
  });

  it('describes tables, indexes and constraints', async () => {
    const schema = sequelize.getQueryInterface();
    expect((await schema.showAllTables()).sort()).toEqual(['post_tags', 'posts', 'tags', 'users']);
    const columns = await schema.describeTable('users');
    expect(columns['id']).toMatchObject({ type: 'INTEGER', allowNull: false, primaryKey: true });
    expect(columns['id']!.defaultValue).toContain('nextval(');
    expect(columns['email']).toMatchObject({
      type: 'CHARACTER VARYING(120)',
      allowNull: false,
      primaryKey: false,
    });
    expect(columns['age']).toMatchObject({ comment: 'in years', allowNull: true });
    expect(columns['tags']).toMatchObject({ type: 'ARRAY' });
    const indexes = (await schema.showIndex('users')) as { name: string; unique: boolean; primary: boolean }[];
    const shown = indexes.map((index) => [index.name, index.unique, index.primary]);
    expect(shown).toContainEqual(['users_age', false, false]);
    expect(shown).toContainEqual(['users_pkey', true, true]);
    expect(shown).toContainEqual(['users_email_key', true, false]);
    const references = await schema.getForeignKeyReferencesForTable('posts');
    expect(references).toMatchObject([
      { columnName: 'userId', referencedTableName: 'users', referencedColumnName: 'id', tableName: 'posts' },
    ]);
    const show = schema as unknown as { showConstraint(table: string): Promise<{ constraintName: string }[]> };
    const names = (await show.showConstraint('posts')).map((constraint) => constraint.constraintName);
    expect(names.filter((name) => /not_null/.test(name))).toHaveLength(4);
    expect(names.filter((name) => !/not_null/.test(name)).sort()).toEqual(['posts_pkey', 'posts_userId_fkey']);
  });

  it('creates with associations and loads them eagerly', async () => {
    const user = await User.create({ email: 'ann@example.com', age: 30, tags: ['a', 'b'], profile: { theme: 'dark' } });
    expect(user.id).toBe(1);
    const posts = await Post.bulkCreate([
      { title: 'one', userId: user.id },
      { title: 'two', userId: user.id, body: 'text' },
    ]);
    await Tag.bulkCreate([{ name: 'x' }, { name: 'y' }]);
    await (posts[0] as unknown as { setLabels(names: string[]): Promise<void> }).setLabels(['x', 'y']);
    const found = await User.findOne({
      where: { email: { [Op.iLike]: 'ANN@%' } },
      include: [{ model: Post, as: 'posts', include: [{ model: Tag, as: 'labels' }] }],
      order: [
        [{ model: Post, as: 'posts' }, 'title', 'ASC'],
        [{ model: Post, as: 'posts' }, { model: Tag, as: 'labels' }, 'name', 'DESC'],
      ],
    });
    const plain = found!.get({ plain: true }) as unknown as {
      tags: string[];
      profile: object;
      posts: { title: string; labels: { name: string }[] }[];
    };
    expect(plain.posts.map((post) => [post.title, post.labels.map((tag) => tag.name)])).toEqual([
      ['one', ['y', 'x']],
      ['two', []],
    ]);
    expect([plain.tags, plain.profile]).toEqual([['a', 'b'], { theme: 'dark' }]);
    const page = await Post.findAndCountAll({
      include: [{ model: Tag, as: 'labels' }],
      order: [['title', 'ASC']],
      limit: 1,
      distinct: true,
    });
    expect([page.count, page.rows.length]).toEqual([2, 1]);
    const separate = await User.findAll({ include: [{ model: Post, as: 'posts', separate: true, limit: 1 }] });
    expect(separate).toHaveLength(1);
  });

  it('queries json, arrays, groups and literals', async () => {
    expect(await User.count({ where: { profile: { theme: 'dark' } } })).toBe(1);
    expect(await User.count({ where: { tags: { [Op.contains]: ['a'] } } })).toBe(1);
    expect(await User.count({ where: { tags: { [Op.overlap]: ['c'] } } })).toBe(0);
    const groups = await Post.findAll({
      attributes: ['userId', [sequelize.fn('COUNT', sequelize.col('id')), 'n'], [literal('MAX(title)'), 'last']],
      group: ['userId'],
      raw: true,
    });
    expect(groups).toEqual([{ userId: 1, n: '2', last: 'two' }]);
    expect(await User.sum('age')).toBe(30);
    const [rows] = await sequelize.query('SELECT :a::int + $$1$$::int AS sum', { replacements: { a: 4 } });
    expect(rows).toEqual([{ sum: 5 }]);
    const bound = await sequelize.query('SELECT $1::text AS t, $2::int[] AS l', { bind: ['x', [1, 2]], plain: true });
    expect(bound).toEqual({ t: 'x', l: [1, 2] });
  });

  it('upserts, increments and deletes softly', async () => {
    const [user] = await User.upsert({ email: 'ann@example.com', age: 31 }, { conflictFields: ['email'] });
    expect([user.id, user.age]).toEqual([1, 31]);
    await User.bulkCreate([{ email: 'ann@example.com', age: 32 }, { email: 'bob@example.com' }], {
      updateOnDuplicate: ['age'],
      conflictAttributes: ['email'],
    });
    expect((await User.findAll({ order: ['email'] })).map((u) => [u.email, u.age])).toEqual([
      ['ann@example.com', 32],
      ['bob@example.com', null],
    ]);
    await User.bulkCreate([{ email: 'bob@example.com' }], { ignoreDuplicates: true });
    await User.increment({ age: 2 }, { where: { email: 'ann@example.com' } });
    expect((await User.findOne({ where: { email: 'ann@example.com' } }))!.age).toBe(34);
    await Post.destroy({ where: { title: 'two' } });
    expect([await Post.count(), await Post.count({ paranoid: false })]).toEqual([1, 2]);
    await Post.restore({ where: { title: 'two' } });
    const [changed, rows] = await Post.update({ body: 'new' }, { where: {}, returning: true });
    expect([changed, rows.map((post) => post.body)]).toEqual([2, ['new', 'new']]);
  });

  it('finds or creates', async () => {
    const first = await User.findOrCreate({
      where: { email: 'carl@example.com' },
      defaults: { email: 'carl@example.com', age: 5 },
    });
    const second = await User.findOrCreate({
      where: { email: 'carl@example.com' },
      defaults: { email: 'carl@example.com' },
    });
    expect([first[1], second[1], second[0].age]).toEqual([true, false, 5]);
    await first[0].destroy();
  });

  it('finds or builds', async () => {
    const [created, isNew] = await User.findCreateFind({
      where: { email: 'dora@example.com' },
      defaults: { email: 'dora@example.com' },
    });
    expect(isNew).toBe(true);
    expect((await User.findCreateFind({ where: { email: 'dora@example.com' } }))[1]).toBe(false);
    await created.destroy();
  });

  it('nests transactions by savepoints', async () => {
    await sequelize.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.SERIALIZABLE }, async (outer) => {
      await Tag.create({ name: 'outer' }, { transaction: outer });
      const inner = await sequelize.transaction({ transaction: outer });
      await Tag.create({ name: 'inner' }, { transaction: inner });
      expect(await failureCode(Tag.create({ name: 'outer' }, { transaction: inner }))).toBe('23505');
      await inner.rollback();
      await Tag.create({ name: 'after' }, { transaction: outer });
    });
    expect(
      (await Tag.findAll({ where: { name: ['outer', 'inner', 'after'] }, order: ['name'] })).map((t) => t.name),
    ).toEqual(['after', 'outer']);
    const unmanaged = await sequelize.transaction();
    await Tag.destroy({ where: {}, transaction: unmanaged });
    await unmanaged.rollback();
    expect(await Tag.count()).toBe(4);
  });

  it('locks rows', async () => {
    await sequelize.transaction(async (one) => {
      await User.findOne({ where: { id: 1 }, lock: one.LOCK.UPDATE, transaction: one });
      await sequelize.transaction(async (two) => {
        const free = await User.findAll({ lock: two.LOCK.UPDATE, skipLocked: true, transaction: two });
        expect(free.map((user) => user.email)).toEqual(['bob@example.com']);
      });
    });
  });

  it('tells errors apart', async () => {
    const unique = (await failure(User.create({ email: 'ann@example.com' }))) as { name: string; fields: object };
    expect([unique.name, unique.fields]).toEqual(['SequelizeUniqueConstraintError', { email: 'ann@example.com' }]);
    const foreign = (await failure(Post.create({ title: 't', userId: 4711 }))) as {
      name: string;
      table: string;
      index: string;
    };
    expect([foreign.name, foreign.table, foreign.index]).toEqual([
      'SequelizeForeignKeyConstraintError',
      'posts',
      'posts_userId_fkey',
    ]);
    const missing = await failure(sequelize.query('INSERT INTO users (email) VALUES (NULL)'));
    expect((missing as { name: string }).name).toBe('SequelizeDatabaseError');
    expect(await failureCode(sequelize.query('SELECT * FROM nowhere'))).toBe('42P01');
  });
});

describe('Sequelize enums', () => {
  it('makes and grows an enum', async (context) => {
    await needs(context, database, 'user types');
    await needs(context, database, 'DO');
    const make = (values: string[]): ModelStatic<Model> =>
      sequelize.define(
        'ticket',
        { state: { type: DataTypes.ENUM(...values), defaultValue: 'new' } },
        { timestamps: false },
      );
    let Ticket = make(['new', 'open']);
    await Ticket.sync({ force: true });
    await Ticket.create({});
    Ticket = make(['new', 'open', 'closed']);
    await Ticket.sync({ alter: true });
    await Ticket.create({ state: 'closed' });
    expect((await Ticket.findAll({ order: ['state'] })).map((row) => row.get('state'))).toEqual(['new', 'closed']);
    expect(await failureCode(sequelize.query("INSERT INTO tickets (state) VALUES ('lost')"))).toBe('22P02');
    await sequelize.getQueryInterface().dropTable('tickets', {});
    await sequelize.getQueryInterface().dropAllEnums({});
  });
});

describe('Sequelize migrations', () => {
  it('go up and down', async () => {
    const own = connect();
    const migrations = [
      {
        name: '01-tables',
        up: async ({ context }: { context: QueryInterface }) => {
          await context.createTable('shops', {
            id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
            name: { type: DataTypes.STRING, allowNull: false },
          });
          await context.createTable('sales', {
            id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
            shop_id: { type: DataTypes.INTEGER, references: { model: 'shops', key: 'id' }, onDelete: 'SET NULL' },
            amount: DataTypes.DECIMAL(8, 2),
          });
        },
        down: async ({ context }: { context: QueryInterface }) => {
          await context.dropTable('sales');
          await context.dropTable('shops');
        },
      },
      {
        name: '02-details',
        up: ({ context }: { context: QueryInterface }) =>
          context.sequelize.transaction(async (transaction) => {
            await context.addColumn('shops', 'city', { type: DataTypes.STRING, defaultValue: 'Bern' }, { transaction });
            await context.addIndex('sales', {
              fields: ['shop_id', { name: 'amount', order: 'DESC' }],
              name: 'by_shop',
              transaction,
            });
            await context.addConstraint('sales', {
              type: 'check',
              fields: ['amount'],
              name: 'amount_positive',
              where: { amount: { [Op.gt]: 0 } },
              transaction,
            });
            await context.addConstraint('shops', {
              type: 'unique',
              fields: ['name', 'city'],
              name: 'shop_once',
              transaction,
            });
            await context.renameColumn('sales', 'amount', 'total', { transaction });
            await context.changeColumn('shops', 'name', { type: DataTypes.TEXT, allowNull: true }, { transaction });
          }),
        down: ({ context }: { context: QueryInterface }) =>
          context.sequelize.transaction(async (transaction) => {
            await context.changeColumn('shops', 'name', { type: DataTypes.STRING, allowNull: false }, { transaction });
            await context.renameColumn('sales', 'total', 'amount', { transaction });
            await context.removeConstraint('shops', 'shop_once', { transaction });
            await context.removeConstraint('sales', 'amount_positive', { transaction });
            await context.removeIndex('sales', 'by_shop', { transaction });
            await context.removeColumn('shops', 'city', { transaction });
          }),
      },
    ];
    const umzug = new Umzug({
      migrations,
      context: own.getQueryInterface(),
      storage: new SequelizeStorage({ sequelize: own }),
      logger: undefined,
    });
    expect((await umzug.up()).map((migration) => migration.name)).toEqual(['01-tables', '02-details']);
    expect(await umzug.pending()).toEqual([]);
    expect(Object.keys(await own.getQueryInterface().describeTable('shops'))).toEqual(['id', 'name', 'city']);
    await own.query("INSERT INTO shops (name) VALUES ('a')");
    expect(await failureCode(own.query('INSERT INTO sales (shop_id, total) VALUES (1, -1)'))).toBe('23514');
    await umzug.down();
    expect(Object.keys(await own.getQueryInterface().describeTable('sales'))).toEqual(['id', 'shop_id', 'amount']);
    await umzug.down({ to: 0 });
    expect(await own.getQueryInterface().tableExists('shops')).toBe(false);
    await own.close();
  });

  it('work in schemas and drop everything', async () => {
    const own = connect();
    await own.createSchema('side', {});
    expect(await own.showAllSchemas({})).toContain('side');
    const Note = own.define('note', { text: DataTypes.TEXT }, { schema: 'side', timestamps: false });
    await Note.sync();
    await Note.create({ text: 'x' });
    await Note.truncate({ restartIdentity: true, cascade: true });
    expect((await Note.create({ text: 'y' })).get('id')).toBe(1);
    await own.dropSchema('side', {});
    expect(await own.showAllSchemas({})).not.toContain('side');
    await own.close();
  });
});
