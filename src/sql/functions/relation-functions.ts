/** The functions under relations of the catalogs that tell of the session or of the program: pg_settings, pg_timezone_names and their kind. */
import { cursors, preparedStatements, settings } from '../catalog/virtual/cluster-wide.js';
import { layoutOf, makeRow } from '../catalog/virtual/layout.js';
import type { Values } from '../catalog/virtual/layout.js';
import { catalogServices } from '../catalog/virtual/services.js';
import { timeZoneAbbreviations, timeZoneNames } from '../catalog/virtual/time-zones.js';
import type { ExecContext } from '../contract.js';
import { PgRecord } from '../types/datum.js';
import { srf } from './define.js';

function overRelation(name: string, relation: string, rows: (ctx: ExecContext) => Iterable<Values>): void {
  const layout = layoutOf('pg_catalog', relation);
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
