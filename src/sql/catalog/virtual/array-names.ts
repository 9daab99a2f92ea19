/**
 * What the array types of users' types and of relations' rows are called: `_name`, and where the schema has a type or a relation of that
 * name, with so many more underscores that it has not, the older type first. PostgreSQL keeps the name that it gave when
 * one came to be in the other's way, also when that one has gone; here the name follows what is there.
 */
import type { Model } from './model.js';
import { layoutOf } from './layout.js';
import type { Row } from './layout.js';
import type { Parts } from './kept-rows.js';

const { positions } = layoutOf('pg_catalog', 'pg_type');
const AT = {
  name: positions.get('typname')!,
  schema: positions.get('typnamespace')!,
  element: positions.get('typelem')!,
};

/** The parts of pg_type; those in which no array's name is another's are the same as before. */
export function withArrayNames({ tables, views, types }: Model, parts: Parts): Parts {
  const named = [...tables, ...views, ...types];
  // Nearly always nothing is called so, and there is nothing to do.
  if (named.every(({ name }) => !name.startsWith('_'))) return parts;
  const taken = new Set(named.map(({ schemaId, name }) => `${schemaId} ${name}`));
  const arrays = parts.flat().filter((row) => isArray(row) && taken.has(`${String(row[AT.schema])} _${bare(row)}`));
  const renamed = new Map<Row, Row>();
  const bases = new Set(arrays.map((row) => `${String(row[AT.schema])} ${bare(row).replace(/^_+/, '')}`));
  const related = parts
    .flat()
    .filter((row) => isArray(row) && bases.has(`${String(row[AT.schema])} ${bare(row).replace(/^_+/, '')}`))
    .sort((a, b) => Number(a[AT.element]) - Number(b[AT.element]));
  for (const row of related) {
    const schema = String(row[AT.schema]);
    let name = `_${bare(row)}`;
    while (taken.has(`${schema} ${name}`)) name = `_${name}`;
    taken.add(`${schema} ${name}`);
    if (name !== row[AT.name]) renamed.set(row, row.with(AT.name, name));
  }
  if (renamed.size === 0) return parts;
  return parts.map((part) =>
    part.some((row) => renamed.has(row)) ? part.map((row) => renamed.get(row) ?? row) : part,
  );
}

function isArray(row: Row): boolean {
  return row[AT.element] !== 0 && String(row[AT.name]).startsWith('_');
}

/** The element's name. */
function bare(row: Row): string {
  return String(row[AT.name]).slice(1);
}
