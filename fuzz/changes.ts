/** Random changes of rows and schemas, and transactions around them. */
import { aCondition, anExpression } from './expressions.js';
import { OverSchema } from './generator.js';
import { clause, joined, plain, type Part, type Piece } from './pieces.js';
import { anIndex, reachOf, someRows, type Table } from './schema.js';

export class Changes extends OverSchema {
  #names = 0;
  #open = false;
  #savepoints = 0;

  statement(): Piece {
    const { random } = this;
    const table = random.pick(this.schema.tables);
    return random.weighted<() => Piece>([
      [4, () => this.#insert(table)],
      [4, () => this.#update(table)],
      [2, () => this.#delete(table)],
      [1, () => this.#upsert(table)],
      [2, () => this.#transaction()],
      [1, () => this.#schemaChange(table)],
    ])();
  }

  /** In a transaction block. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** So that a run does not end in a transaction. */
  end(): Piece | null {
    return this.#open ? plain('ROLLBACK') : null;
  }

  #returning(table: Table): Part {
    const { random } = this;
    if (random.chance(0.7)) return '';
    const columns = reachOf(table, table.name);
    const item = anExpression(this.queries.context(columns, false), random.pick(columns).type, 1);
    return clause(' RETURNING ', item);
  }

  #insert(table: Table): Piece {
    const { random } = this;
    if (random.chance(0.7)) return plain(someRows(random, table, random.between(1, 4)), this.#returning(table));
    const source = random.pick(this.schema.tables);
    const c = this.queries.context(reachOf(source, 's'), true);
    const values = table.columns.map((column) => anExpression(c, column.type, 2));
    const names = table.columns.map((column) => column.name).join(', ');
    const where = clause(' WHERE ', aCondition(c, 2));
    return plain(
      `INSERT INTO ${table.name} (${names}) SELECT `,
      joined(values, ', '),
      ` FROM ${source.name} AS s`,
      where,
    );
  }

  #upsert(table: Table): Piece {
    const { random } = this;
    const target = table.key.length > 0 ? table.key : table.uniques[0];
    const rows = someRows(random, table, random.between(1, 3));
    if (target === undefined || random.chance(0.4))
      return plain(rows, ' ON CONFLICT DO NOTHING', this.#returning(table));
    const column = random.pick(table.columns);
    const c = this.queries.context([...reachOf(table, table.name), ...reachOf(table, 'excluded')], false);
    const set = plain(`${column.name} = `, anExpression(c, column.type, 2));
    const where = random.chance(0.3) ? clause(' WHERE ', aCondition(c, 1)) : '';
    return plain(rows, ` ON CONFLICT (${target.join(', ')}) DO UPDATE SET `, set, where, this.#returning(table));
  }

  #update(table: Table): Piece {
    const { random } = this;
    const columns = random.some(table.columns, random.between(1, 2));
    const c = this.queries.context(reachOf(table, table.name), true);
    const set = columns.map((column) => plain(`${column.name} = `, anExpression(c, column.type, 2)));
    const where = clause(' WHERE ', aCondition(c, 2));
    return plain(`UPDATE ${table.name} SET `, joined(set, ', '), where, this.#returning(table));
  }

  #delete(table: Table): Piece {
    const { random } = this;
    const c = this.queries.context(reachOf(table, table.name), true);
    const where = clause(' WHERE ', aCondition(c, random.between(1, 2)), ' AND ', aCondition(c, 1));
    return plain(`DELETE FROM ${table.name}`, where, this.#returning(table));
  }

  #transaction(): Piece {
    const { random } = this;
    if (!this.#open) {
      this.#open = true;
      this.#savepoints = 0;
      return plain('BEGIN');
    }
    if (random.chance(0.4)) {
      this.#open = false;
      return plain(random.pick(['COMMIT', 'COMMIT', 'ROLLBACK']));
    }
    if (this.#savepoints > 0 && random.chance(0.5)) return plain(random.pick(['ROLLBACK TO s1', 'RELEASE s1']));
    this.#savepoints++;
    return plain('SAVEPOINT s1');
  }

  #schemaChange(table: Table): Piece {
    const { random } = this;
    const name = `n${++this.#names}`;
    const column = random.pick(table.columns);
    return random.pick<() => Piece>([
      () => anIndex(random, table, `y${name}`),
      () => plain(`ALTER TABLE ${table.name} ADD COLUMN ${name} int DEFAULT ${random.int(5)}`),
      () => plain(`ALTER TABLE ${table.name} ALTER COLUMN ${column.name} DROP NOT NULL`),
      () => plain(`CREATE VIEW v${name} AS `, this.queries.statement()),
      () => plain(`CREATE TABLE c${name} AS SELECT * FROM ${table.name}`),
      () => plain(`TRUNCATE ${table.name}`),
      () => plain(`DROP INDEX IF EXISTS y${name}`),
    ])();
  }
}
