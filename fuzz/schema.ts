/** Random tables and what is in them. */
import { anExpression, type InReach } from './expressions.js';
import { joined, plain, clause, type Piece } from './pieces.js';
import type { Random } from './random.js';
import { constantText, DECLARED, KEY_TYPES, TYPES, type TypeName } from './types.js';

export interface Column {
  readonly name: string;
  readonly type: TypeName;
  readonly declared: string;
  readonly required: boolean;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly key: readonly string[];
  readonly uniques: readonly (readonly string[])[];
}

export interface Schema {
  readonly tables: readonly Table[];
  readonly statements: readonly Piece[];
}

export function reachOf(table: Table, alias: string): InReach[] {
  return table.columns.map((column) => ({ text: `${alias}.${column.name}`, type: column.type }));
}

export function aSchema(random: Random): Schema {
  const tables: Table[] = [];
  const statements: Piece[] = [];
  const count = random.between(2, 4);
  for (let i = 0; i < count; i++) {
    const table = aTable(random, `t${i}`);
    statements.push(definition(random, table, tables));
    tables.push(table);
  }
  for (const table of tables) {
    while (random.chance(0.5)) statements.push(anIndex(random, table, `x${statements.length}`));
    for (let i = random.int(3); i >= 0; i--) statements.push(someRows(random, table, random.between(1, 8)));
  }
  return { tables, statements };
}

function aTable(random: Random, name: string): Table {
  const columns: Column[] = [];
  const count = random.between(2, 6);
  for (let i = 0; i < count; i++) {
    const type = i === 0 ? random.pick(KEY_TYPES) : random.chance(0.3) ? 'int4' : random.pick(TYPES);
    columns.push({ name: 'abcdefgh'[i]!, type, declared: random.pick(DECLARED[type]), required: random.chance(0.15) });
  }
  const keys = columns.filter((c) => KEY_TYPES.includes(c.type)).map((c) => c.name);
  const key = random.chance(0.7) ? random.some(keys, random.chance(0.75) ? 1 : 2) : [];
  const uniques = random.chance(0.3) ? [random.some(keys, random.between(1, 2))] : [];
  return { name, columns, key, uniques: uniques.filter((u) => u.join() !== key.join()) };
}

function definition(random: Random, table: Table, others: readonly Table[]): Piece {
  const inside: Piece[] = table.columns.map((column) => {
    const fallback = random.chance(0.15) ? clause(` DEFAULT ${constantText(random, column.type)}`) : '';
    return plain(`${column.name} ${column.declared}`, column.required ? clause(' NOT NULL') : '', fallback);
  });
  if (table.key.length > 0) inside.push(plain(`PRIMARY KEY (${table.key.join(', ')})`));
  for (const unique of table.uniques) inside.push(plain(`UNIQUE (${unique.join(', ')})`));
  if (random.chance(0.2)) {
    const columns = table.columns.map((c) => ({ text: c.name, type: c.type }));
    inside.push(plain('CHECK (', anExpression({ random, columns, subquery: null }, 'bool', 2), ' OR true)'));
  }
  const foreign = random.chance(0.4) ? aForeignKey(random, table, [...others, table]) : null;
  if (foreign !== null) inside.push(foreign);
  return plain(`CREATE TABLE ${table.name} (`, joined(inside, ', '), ')');
}

function aForeignKey(random: Random, table: Table, parents: readonly Table[]): Piece | null {
  const parent = random.pick(parents);
  if (parent.key.length !== 1) return null;
  const target = parent.columns.find((c) => c.name === parent.key[0])!;
  const column = table.columns.find((c) => c.declared === target.declared && (parent !== table || c !== target));
  if (column === undefined) return null;
  const actions = [
    '',
    ' ON DELETE CASCADE',
    ' ON DELETE SET NULL',
    ' ON UPDATE CASCADE',
    ' ON DELETE CASCADE ON UPDATE CASCADE',
  ];
  return plain(`FOREIGN KEY (${column.name}) REFERENCES ${parent.name} (${target.name})`, clause(random.pick(actions)));
}

export function anIndex(random: Random, table: Table, name: string): Piece {
  const usable = table.columns.filter((c) => KEY_TYPES.includes(c.type));
  const columns = random.some(usable, random.between(1, 2)).map((c) => c.name + random.pick(['', '', ' DESC']));
  const unique = random.chance(0.15) ? 'UNIQUE ' : '';
  return plain(`CREATE ${unique}INDEX ${name} ON ${table.name} (${columns.join(', ')})`);
}

export function someRows(random: Random, table: Table, count: number): Piece {
  const columns = random.chance(0.8)
    ? table.columns
    : random.some(table.columns, random.between(1, table.columns.length));
  const rows: Piece[] = [];
  for (let i = 0; i < count; i++) {
    const values = columns.map((c) => (!c.required && random.chance(0.12) ? 'NULL' : aValue(random, c, table)));
    rows.push(plain(`(${values.join(', ')})`));
  }
  return plain(`INSERT INTO ${table.name} (${columns.map((c) => c.name).join(', ')}) VALUES `, joined(rows, ', '));
}

/** Keys are often new ones, or hardly any row would get in. */
function aValue(random: Random, column: Column, table: Table): string {
  const isKey = table.key.includes(column.name) || table.uniques.some((u) => u.includes(column.name));
  if (!isKey || random.chance(0.3)) return constantText(random, column.type);
  const n = random.between(1, 60);
  switch (column.type) {
    case 'int4':
    case 'int2':
    case 'int8':
    case 'numeric':
      return String(n);
    case 'text':
      return `'k${n}'`;
    case 'date':
      return `'2024-03-01'::date + ${n}`;
    case 'timestamp':
      return `'2024-03-01'::timestamp + interval '${n} hours'`;
    case 'uuid':
      return `'00000000-0000-0000-0000-${String(n).padStart(12, '0')}'`;
    default:
      return constantText(random, column.type);
  }
}
