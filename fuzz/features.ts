/** Statements of kinds that need a form of their own: frames, recursion, MERGE, ill-typed expressions, casts, formats. */
import { aCondition, anExpression, type Context } from './expressions.js';
import { aPathUse } from './paths.js';
import { aPatternUse } from './patterns.js';
import { clause, expression, joined, plain, type Part, type Piece } from './pieces.js';
import { aFormat } from './formats.js';
import { frameOf, OverSchema } from './generator.js';
import { reachOf, type Table } from './schema.js';
import { TYPES, type TypeName } from './types.js';

const OPERATORS = [
  ...[
    '+',
    '-',
    '*',
    '/',
    '%',
    '||',
    '=',
    '<',
    '>=',
    '<>',
    '&',
    '|',
    '#',
    '<<',
    '>>',
    '&&',
    '@>',
    '<@',
    '~',
    '~~',
    '->',
  ],
  ...['->>', '#>', '?', '-|-', '&<', '^', '<<=', '@?', 'IS DISTINCT FROM'],
];
const CALLS = [
  ...['abs', 'length', 'upper', 'lower', 'sum', 'max', 'avg', 'bool_or', 'cardinality', 'to_jsonb', 'round', 'floor'],
  ...[
    'unnest',
    'isempty',
    'jsonb_typeof',
    'date_trunc',
    'pg_catalog.extract',
    'host',
    'md5',
    'concat',
    'greatest',
    'substr',
    'left',
  ],
  ...[
    'array_length',
    'array_append',
    'jsonb_array_elements',
    'bool_and',
    'string_agg',
    'to_char',
    'age',
    'mod',
    'power',
  ],
];
export class Features extends OverSchema {
  statement(): Piece {
    const { random } = this;
    const table = random.pick(this.schema.tables);
    return random.weighted<() => Piece>([
      [4, () => this.#framed(table)],
      [2, () => this.#distinctOn(table)],
      [2, () => this.#recursive(table)],
      [1, () => this.#changeInWith(table)],
      [2, () => this.#merge(table)],
      [4, () => this.#illTyped(table)],
      [3, () => this.#cast(table)],
      [2, () => aFormat(random)],
      [2, () => aPathUse(random)],
      [2, () => aPatternUse(random)],
      [2, () => this.#rows(table)],
      [2, () => this.#lateral(table)],
      [1, () => this.#withZone(table)],
    ])();
  }

  #context(table: Table, alias: string): Context {
    return this.queries.context(reachOf(table, alias), false);
  }

  #all(table: Table, alias: string): string {
    return table.columns.map((column) => `${alias}.${column.name}`).join(', ');
  }

  /** RANGE takes peers together, so its order need not be total; the others' is over all columns. */
  #framed(table: Table): Piece {
    const { random } = this;
    const mode = random.pick(['ROWS', 'RANGE', 'GROUPS']);
    const own = table.columns.filter((column) => ['int4', 'int8', 'numeric', 'int2'].includes(column.type));
    const by =
      mode === 'RANGE' ? (own.length > 0 ? `w.${random.pick(own).name}` : 'length(w::text)') : this.#all(table, 'w');
    const order = by + random.pick(['', '', ' DESC', ' NULLS FIRST']);
    const offset = (): string => (mode === 'RANGE' ? random.pick(['0', '1', '10', '100']) : String(random.int(4)));
    const frame = frameOf(random, mode, offset, ['CURRENT ROW', 'TIES', 'GROUP', 'NO OTHERS']);
    const c = this.#context(table, 'w');
    const call = random.pick<() => Part[]>([
      () => ['count(*)'],
      () => ['sum(', anExpression(c, 'int4', 1), ')'],
      () => ['min(', anExpression(c, 'numeric', 1), ')'],
      () => ['max(', anExpression(c, 'text', 1), ')'],
      () => ['avg(', anExpression(c, 'int4', 1), ') FILTER (WHERE ', anExpression(c, 'bool', 1), ')'],
      () => ['bool_or(', anExpression(c, 'bool', 1), ')'],
    ])();
    const partition = random.chance(0.4) ? `PARTITION BY w.${random.pick(table.columns).name} ` : '';
    const item = plain(...call, ` OVER (${partition}ORDER BY ${order} ${frame})`);
    return plain(`SELECT ${this.#all(table, 'w')}, `, item, ` FROM ${table.name} AS w`);
  }

  #distinctOn(table: Table): Piece {
    const c = this.#context(table, 'd');
    const key = anExpression(c, this.random.pick(TYPES), 1);
    const order = plain(' ORDER BY ', key, `, ${this.#all(table, 'd')}`);
    return plain('SELECT DISTINCT ON (', key, `) ${this.#all(table, 'd')} FROM ${table.name} AS d`, order);
  }

  #recursive(table: Table): Piece {
    const { random } = this;
    const type = random.pick<TypeName>(['int4', 'text', 'numeric', 'int8']);
    const first = anExpression(this.#context(table, 's'), type, 1);
    const columns = [
      { text: 'r.n', type: 'int4' as const },
      { text: 'r.v', type },
    ];
    const next = anExpression(this.queries.context(columns, false), type, 1);
    const union = random.pick(['UNION', 'UNION ALL']);
    const head = plain(`WITH RECURSIVE r (n, v) AS (SELECT 1, CAST(`, first, ` AS ${type}) FROM ${table.name} AS s`);
    const step = plain(` ${union} SELECT n + 1, CAST(`, next, ` AS ${type}) FROM r WHERE n < ${random.between(2, 4)})`);
    return plain(head, step, ' SELECT n, v FROM r', clause(' ORDER BY 1, 2'));
  }

  #changeInWith(table: Table): Piece {
    const c = this.#context(table, table.name);
    const head = plain(`WITH gone AS (DELETE FROM ${table.name} WHERE `, aCondition(c, 1), ' RETURNING *)');
    return plain(head, ' SELECT * FROM gone');
  }

  #merge(table: Table): Piece {
    const { random } = this;
    const source = random.pick(this.schema.tables);
    const both = this.queries.context([...reachOf(table, 'm'), ...reachOf(source, 's')], false);
    const given = this.queries.context(reachOf(source, 's'), false);
    const column = random.pick(table.columns);
    const on = aCondition(both, 1);
    const clauses: Piece[] = [];
    if (random.chance(0.7)) {
      const what = random.chance(0.6)
        ? plain(`UPDATE SET ${column.name} = `, anExpression(both, column.type, 1))
        : plain(random.pick(['DELETE', 'DO NOTHING']));
      clauses.push(clause(' WHEN MATCHED AND ', aCondition(both, 1), ' THEN ', what));
    }
    const values = table.columns.map((one) => anExpression(given, one.type, 1));
    const names = table.columns.map((one) => one.name).join(', ');
    clauses.push(plain(` WHEN NOT MATCHED THEN INSERT (${names}) VALUES (`, joined(values, ', '), ')'));
    return plain(`MERGE INTO ${table.name} AS m USING ${source.name} AS s ON `, on, ...clauses);
  }

  /** Whether it is an error, and which, must agree; often it is none. */
  #illTyped(table: Table): Piece {
    const { random } = this;
    const c = this.#context(table, 'i');
    const one = (): Piece => anExpression(c, random.pick(TYPES), random.int(2));
    if (random.chance(0.6)) {
      return plain('SELECT ', one(), ` ${random.pick(OPERATORS)} `, one(), ` FROM ${table.name} AS i`);
    }
    const args = random.times(1, 3, one);
    return plain(`SELECT ${random.pick(CALLS)}(`, joined(args, ', '), `) FROM ${table.name} AS i`);
  }

  #cast(table: Table): Piece {
    const { random } = this;
    const value = anExpression(this.#context(table, 'c'), random.pick(TYPES), 1);
    const more = [
      'char(3)',
      'varchar(2)',
      'numeric(4,1)',
      'bit(5)',
      'json',
      'bytea',
      'time',
      'timestamptz',
      'cidr',
      'float4',
    ];
    const to = random.chance(0.7) ? random.pick(TYPES) : random.pick(more);
    return plain('SELECT CAST(', value, ` AS ${to}) FROM ${table.name} AS c`);
  }

  #rows(table: Table): Piece {
    const { random } = this;
    const c = this.#context(table, 'v');
    const types = random.times(1, 3, () => random.pick(TYPES));
    const row = (): Piece =>
      plain(
        'ROW(',
        joined(
          types.map((type) => anExpression(c, type, 1)),
          ', ',
        ),
        ')',
      );
    const item = random.pick<() => Piece>([
      () => plain(row(), random.pick([' = ', ' < ', ' <> ', ' >= ', ' IS DISTINCT FROM ']), row()),
      () => plain(row(), '::text'),
      () => plain(row(), random.pick([' IS NULL', ' IS NOT NULL'])),
      () => plain('to_jsonb(', row(), ')'),
      () => plain(row(), ' IN (', row(), ', ', row(), ')'),
    ])();
    return plain('SELECT ', item, ` FROM ${table.name} AS v`);
  }

  #lateral(table: Table): Piece {
    const { random } = this;
    const c = this.#context(table, 'l');
    const call = random.pick<() => Piece>([
      () => plain('generate_series(1, ', expression('int4', 'least(4, ', anExpression(c, 'int4', 1), ')'), ')'),
      () => plain('unnest(', anExpression(c, 'int4[]', 1), ')'),
      () => plain('unnest(', anExpression(c, 'text[]', 1), ')'),
      () => plain('regexp_split_to_table(', anExpression(c, 'text', 1), ", '[ab]')"),
      () => plain('jsonb_path_query(', anExpression(c, 'jsonb', 1), ", '$.*')"),
      () => plain('regexp_matches(', anExpression(c, 'text', 1), ", '([a-c])(.)?', 'g')"),
    ])();
    const join = random.pick([' CROSS JOIN LATERAL ', ' LEFT JOIN LATERAL ']);
    const ordinality = random.chance(0.4) ? ' WITH ORDINALITY' : '';
    const on = join.startsWith(' LEFT') ? ' ON true' : '';
    return plain(
      `SELECT ${this.#all(table, 'l')}, g.* FROM ${table.name} AS l${join}`,
      call,
      `${ordinality} AS g${on}`,
    );
  }

  #withZone(table: Table): Piece {
    const { random } = this;
    const c = this.#context(table, 'z');
    const zone = random.pick(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', '+03']);
    const moment = plain('(', anExpression(c, 'timestamp', 1), ` AT TIME ZONE '${zone}')`);
    const item = random.pick<() => Piece>([
      () => plain(moment),
      () => plain(moment, ' + ', anExpression(c, 'interval', 1)),
      () => plain(moment, " - timestamptz '2024-03-31 01:30:00+00'"),
      () => plain("date_trunc('day', ", moment, `, '${zone}')`),
      () => plain('extract(epoch from ', moment, ')'),
      () => plain(moment, '::date'),
    ])();
    return plain('SELECT ', item, ` FROM ${table.name} AS z`);
  }
}
