/**
 * The shape of every catalog relation, from the column lists, and rows made by column name.
 *
 * A row is given as the columns that say something; the others take the type's empty value in a base
 * catalog (where PostgreSQL has NOT NULL nearly everywhere) and NULL in a view. A name that is no column is a
 * mistake in this folder and fails an assertion.
 */
import { assert } from '../../../base/assert.js';
import type { Datum } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { catalogOidOf, typeByName } from '../../types/registry.js';
import { standardDomain } from '../../types/standard-domains.js';
import { isHandle } from '../../types/user-types.js';
import { INFORMATION_SCHEMA_COLUMNS } from './columns-information-schema.js';
import { PG_CATALOG_COLUMNS } from './columns-pg-catalog.js';

export type Row = readonly Datum[];
export type Values = Readonly<Record<string, Datum>>;

export interface Layout {
  readonly oid: number;
  readonly schema: 'pg_catalog' | 'information_schema';
  readonly name: string;
  readonly kind: 'r' | 'v';
  readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly notNull: boolean }[];
  readonly defaults: Row;
  /** Of columns by their names. */
  readonly positions: ReadonlyMap<string, number>;
}

const EMPTY_VALUES: ReadonlyMap<string, Datum> = new Map<string, Datum>([
  ['bool', false],
  ['int2', 0],
  ['int4', 0],
  ['oid', 0],
  ['regproc', 0],
  ['regtype', 0],
  ['xid', 0],
  ['float4', 0],
  ['char', ''],
  ['name', ''],
]);

function parse(schema: Layout['schema'], text: string): Layout[] {
  return text
    .trim()
    .replaceAll('\n  ', ' ')
    .split('\n')
    .map((line) => {
      const head = /^(\d+) (\w+) ([rv]): /.exec(line);
      assert(head !== null, () => `bad layout ${line}`);
      const kind = head[3] === 'r' ? 'r' : 'v';
      const hasEmpty = kind === 'r' && schema === 'pg_catalog';
      const columns: { name: string; typeOid: number; notNull: boolean }[] = [];
      const defaults: Datum[] = [];
      for (const group of line.slice(head[0].length).matchAll(/(\w+)\(([^)]*)\)/g)) {
        // Types that are not built in here (statistics' own) are shown as their text.
        const typeOid = standardDomain(group[1]!) ?? typeByName(group[1]!)?.oid ?? OID.text;
        const empty = hasEmpty ? (EMPTY_VALUES.get(group[1]!) ?? null) : null;
        for (const marked of group[2]!.split(' ')) {
          const name = marked.replace(/[!?]$/, '');
          const value = marked.endsWith('?') ? null : empty;
          columns.push({ name, typeOid, notNull: value !== null || marked.endsWith('!') });
          defaults.push(value);
        }
      }
      const positions = new Map(columns.map(({ name }, at) => [name, at]));
      return { oid: Number(head[1]), schema, name: head[2]!, kind, columns, defaults, positions };
    });
}

export const LAYOUTS: readonly Layout[] = [
  ...parse('pg_catalog', PG_CATALOG_COLUMNS),
  ...parse('information_schema', INFORMATION_SCHEMA_COLUMNS),
];

const byName = new Map(LAYOUTS.map((layout) => [`${layout.schema}.${layout.name}`, layout]));

export function layoutOf(schema: Layout['schema'], name: string): Layout {
  const layout = byName.get(`${schema}.${name}`);
  assert(layout !== undefined, () => `no catalog relation ${schema}.${name}`);
  return layout;
}

/** `base`: what the others take, a row of the same relation. */
export function makeRow(layout: Layout, values: Values, base: Row = layout.defaults): Row {
  const row = base.slice();
  for (const name of Object.keys(values)) {
    const at = layout.positions.get(name);
    const value = values[name];
    assert(at !== undefined && value !== undefined, () => `${layout.name} has no ${name}`);
    // What descriptors name by handles, catalogs name by oids.
    row[at] = typeof value === 'number' && isHandle(value) ? catalogOidOf(value) : value;
  }
  return row;
}
