/** Relations of the catalogs that not everybody may read. */
import { layoutOf, LAYOUTS } from './layout.js';

const SECRET: ReadonlySet<number> = new Set(
  ['pg_authid', 'pg_shadow', 'pg_statistic', 'pg_statistic_ext_data', 'pg_user_mapping', 'pg_largeobject', 'pg_config']
    .filter((name) => LAYOUTS.some((layout) => layout.schema === 'pg_catalog' && layout.name === name))
    .map((name) => layoutOf('pg_catalog', name).oid),
);

export function isSecret(oid: number): boolean {
  return SECRET.has(oid);
}
export function secretKind(oid: number): 'table' | 'view' {
  return LAYOUTS.find((layout) => layout.oid === oid)?.kind === 'v' ? 'view' : 'table';
}
