/** The functions under relations of the catalogs that tell of the session or of the program: pg_settings, pg_timezone_names and their kind. */
import { cursors, preparedStatements, settings } from '../catalog/virtual/cluster-wide.js';
import { layoutOf, makeRow } from '../catalog/virtual/layout.js';
import type { Layout, Values } from '../catalog/virtual/layout.js';
import { versionValues } from '../catalog/virtual/extensions.js';
import { KNOWN_EXTENSIONS } from '../catalog/extensions.js';
import { catalogServices } from '../catalog/virtual/services.js';
import { timeZoneAbbreviations, timeZoneNames } from '../catalog/virtual/time-zones.js';
import type { ExecContext } from '../contract.js';
import { PgRecord } from '../types/datum.js';
import { srf } from './define.js';

function partOf(layout: Layout, names: readonly string[]): Layout {
  const at = names.map((name) => layout.positions.get(name)!);
  return {
    ...layout,
    columns: at.map((i) => layout.columns[i]!),
    defaults: at.map((i) => layout.defaults[i]!),
    positions: new Map(names.map((name, i) => [name, i])),
  };
}

/** `columns`: those of the relation that the function gives; all without it. */
function overRelation(
  name: string,
  relation: string,
  rows: (ctx: ExecContext) => Iterable<Values>,
  columns?: readonly string[],
): void {
  const whole = layoutOf('pg_catalog', relation);
  const layout = columns === undefined ? whole : partOf(whole, columns);
  const oids = layout.columns.map((column) => column.typeOid);
  srf(
    `${name}() record`,
    function* (ctx: ExecContext) {
      for (const values of rows(ctx)) yield new PgRecord(oids, [...makeRow(layout, values)]);
    },
    {
      volatility: 'stable',
      resultColumns: layout.columns.map(({ name: column, typeOid }) => ({ name: column, typeOid })),
    },
  );
}

overRelation('pg_show_all_settings', 'pg_settings', (ctx) => settings({ services: catalogServices(ctx) }));
overRelation('pg_timezone_names', 'pg_timezone_names', (ctx) => timeZoneNames({ ctx }));
overRelation('pg_timezone_abbrevs', 'pg_timezone_abbrevs', (ctx) => timeZoneAbbreviations({ ctx }));
overRelation('pg_cursor', 'pg_cursors', (ctx) => cursors({ services: catalogServices(ctx) }));
overRelation('pg_prepared_statement', 'pg_prepared_statements', (ctx) =>
  preparedStatements({ services: catalogServices(ctx) }),
);
overRelation(
  'pg_available_extensions',
  'pg_available_extensions',
  () => KNOWN_EXTENSIONS.map(({ name, version, comment }) => ({ name, default_version: version, comment })),
  ['name', 'default_version', 'comment'],
);
overRelation(
  'pg_available_extension_versions',
  'pg_available_extension_versions',
  () => KNOWN_EXTENSIONS.map(versionValues),
  ['name', 'version', 'superuser', 'trusted', 'relocatable', 'schema', 'requires', 'comment'],
);
