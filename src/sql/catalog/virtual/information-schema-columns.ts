/**
 * information_schema.columns, and how it spells a type. Rows of a table are kept with its descriptor, those of the
 * catalogs for good, since tools read this view whole.
 *
 * A catalog's varchar and domain columns stand as their base type here.
 */
import type { Datum } from '../../types/datum.js';
import { numericTypmod } from '../../types/numeric.js';
import { OID } from '../../types/oids.js';
import { expressionColumns, shownSql } from '../../functions/shown-sql.js';
import { isStyled } from '../../types/stored-format.js';
import { findTypeByOid, formatType } from '../../types/registry.js';
import { typeCollation } from '../../types/collated.js';
import { C_COLLATION_KEY, collationOfKey, DEFAULT_COLLATION_KEY } from '../../types/collation.js';
import { domainCollation, isHandle, userTypeIn, userTypeOf } from '../../types/user-types.js';
import type { DomainType } from '../../types/user-types.js';
import { standardDomainByOid } from '../../types/standard-domains.js';
import { isColumnUpdatable } from '../../plan/view-shape.js';
import type { ColumnDescriptor, Descriptor, TableDescriptor, ViewDescriptor } from '../descriptor.js';
import { isRelationWithRows } from '../row-types.js';
import { isShown } from '../temporary-names.js';
import type { Parts } from './kept-rows.js';
import { LAYOUTS, layoutOf, makeRow } from './layout.js';
import type { Layout, Row, Values } from './layout.js';
import { liveColumns } from './model.js';
import { schemaName } from './views.js';
import type { Model, Source } from './model.js';

const UTF8_BYTES_MAX = 4;
const MAX_OCTETS = 1073741824;
const INTERVAL_FULL_PRECISION = 0xffff;

const INTEGER_BITS: ReadonlyMap<number, number> = new Map([
  [OID.int2, 16],
  [OID.int4, 32],
  [OID.int8, 64],
]);
const FLOAT_BITS: ReadonlyMap<number, number> = new Map([
  [OID.float4, 24],
  [OID.float8, 53],
]);

export function yesNo(value: boolean): string {
  return value ? 'YES' : 'NO';
}

function lengths(typeOid: number, typmod: number): Values {
  if (typeOid === OID.varchar || typeOid === OID.bpchar) {
    const length = typmod > 4 ? typmod - 4 : null;
    return {
      character_maximum_length: length,
      character_octet_length: length === null ? MAX_OCTETS : Math.min(length * UTF8_BYTES_MAX, MAX_OCTETS),
    };
  }
  if (typeOid === OID.bit || typeOid === OID.varbit) return { character_maximum_length: typmod > 0 ? typmod : null };
  return typeOid === OID.text ? { character_octet_length: MAX_OCTETS } : {};
}

function precisions(typeOid: number, typmod: number): Values {
  const bits = INTEGER_BITS.get(typeOid);
  if (bits !== undefined) return { numeric_precision: bits, numeric_precision_radix: 2, numeric_scale: 0 };
  const mantissa = FLOAT_BITS.get(typeOid);
  if (mantissa !== undefined) return { numeric_precision: mantissa, numeric_precision_radix: 2 };
  switch (typeOid) {
    case OID.numeric: {
      const limit = numericTypmod(typmod);
      return {
        numeric_precision: limit?.precision ?? null,
        numeric_precision_radix: 10,
        numeric_scale: limit?.scale ?? null,
      };
    }
    case OID.date:
      return { datetime_precision: 0 };
    case OID.time:
    case OID.timetz:
    case OID.timestamp:
    case OID.timestamptz:
      return { datetime_precision: typmod < 0 ? 6 : typmod };
    case OID.interval: {
      const precision = typmod & INTERVAL_FULL_PRECISION;
      const fields = typmod < 0 ? '' : formatType(typeOid, typmod).replace(/^interval ?(?:\(\d+\)$)?/, '');
      return {
        datetime_precision: typmod < 0 || precision === INTERVAL_FULL_PRECISION ? 6 : precision,
        interval_type: fields === '' ? null : fields.toUpperCase(),
      };
    }
    default:
      return {};
  }
}

/** Lengths and precisions of values, of a domain those of what it is over. */
export function typeLimits(typeOid: number, typmod: number): Values {
  const domain = userTypeOf(typeOid);
  const [oid, modifier] = domain?.kind === 'domain' ? [domain.typeOid, domain.typmod] : [typeOid, typmod];
  return { ...lengths(oid, modifier), ...precisions(oid, modifier) };
}

/** Of a type by itself, not of its elements: vectors of oids too, as PostgreSQL says it here. */
export function isArray(typeOid: number): boolean {
  const type = findTypeByOid(typeOid);
  if (type === null || userTypeOf(typeOid)?.kind === 'domain') return false;
  return type.category === 'A' && type.elementOid !== 0 && type.length === -1;
}

/** What a type is called where a domain stands for itself, not for what it is over. */
export function ownType(
  database: string,
  typeOid: number,
  schemaOf?: (oid: number) => string,
): Readonly<Record<'data_type' | 'udt_catalog' | 'udt_schema' | 'udt_name', Datum>> {
  const domain = userTypeOf(typeOid);
  if (domain?.kind === 'domain') {
    const udt_schema = schemaOf?.(domain.oid) ?? 'pg_catalog';
    return { data_type: 'USER-DEFINED', udt_catalog: database, udt_schema, udt_name: domain.name };
  }
  const { data_type, udt_schema, udt_name } = typeColumns(database, typeOid, -1, schemaOf);
  return { data_type: data_type!, udt_catalog: database, udt_schema: udt_schema!, udt_name: udt_name! };
}

/** data_type, udt_* and the limits, under the names that columns, routines and domains share. */
export function typeColumns(
  database: string,
  typeOid: number,
  typmod: number,
  schemaOf: (oid: number) => string = () => 'pg_catalog',
): Values {
  const domain = userTypeOf(typeOid);
  if (domain?.kind === 'domain') {
    const base = baseColumns(database, domain, schemaOf);
    return { ...base, domain_catalog: database, domain_schema: schemaOf(domain.oid), domain_name: domain.name };
  }
  const type = findTypeByOid(typeOid);
  const user = userTypeIn(typeOid);
  return {
    data_type: isArray(typeOid) ? 'ARRAY' : user !== null ? 'USER-DEFINED' : formatType(typeOid),
    udt_catalog: database,
    udt_schema: user === null ? 'pg_catalog' : schemaOf(user.oid),
    udt_name: type?.name ?? '???',
    ...lengths(typeOid, typmod),
    ...precisions(typeOid, typmod),
  };
}

const PLAIN: Values = { is_self_referencing: 'NO', is_identity: 'NO', identity_cycle: 'NO', is_generated: 'NEVER' };

function identityColumns(source: Source, column: ColumnDescriptor): Values {
  if (column.identity === null) return {};
  const sequence = column.sequenceId === null ? undefined : source.model.view.byId.get(column.sequenceId);
  const named = { is_identity: 'YES', identity_generation: column.identity.toUpperCase() };
  if (sequence?.kind !== 'sequence') return named;
  return {
    ...named,
    identity_start: sequence.start,
    identity_increment: sequence.increment,
    identity_maximum: sequence.max,
    identity_minimum: sequence.min,
    identity_cycle: yesNo(sequence.cycle),
  };
}

/** Of what a domain is over. Where that is a domain as well, only what it is called is shown. */
export function baseColumns(database: string, domain: DomainType, schemaOf: (oid: number) => string): Values {
  const under = userTypeIn(domain.typeOid);
  if (under?.kind !== 'domain') return typeColumns(database, domain.typeOid, domain.typmod, schemaOf);
  return {
    data_type: 'USER-DEFINED',
    udt_catalog: database,
    udt_schema: schemaOf(under.oid),
    udt_name: under.name,
  };
}

/** Schema of a user's type, by its oid in the catalog. */
export function typeSchema(source: Source): (oid: number) => string {
  return (oid) => {
    if (standardDomainByOid(oid) !== null) return 'information_schema';
    const type = source.model.view.byId.get(oid);
    return type?.kind === 'type' || isRelationWithRows(type) ? schemaName(source.model, type.schemaId) : '';
  };
}

function refusesNull(typeOid: number): boolean {
  const type = userTypeOf(typeOid);
  return type?.kind === 'domain' && type.notNull;
}

function collationOfColumn({ collation, typeOid }: Pick<ColumnDescriptor, 'collation' | 'typeOid'>): string | null {
  return collation ?? (isHandle(typeOid) ? domainCollation(typeOid) : ownCollation(typeOid));
}

/** Of names, which are compared by bytes; texts have the default one, which is not told of. */
function ownCollation(typeOid: number): string | null {
  return typeOid === OID.name ? typeCollation(typeOid) : null;
}

/** Of a column that was declared with another collation than its type has. */
export function collationColumns(model: Model, database: string, key: string | null | undefined): Values {
  if (key == null || key === DEFAULT_COLLATION_KEY) return {};
  const { oid, name } = collationOfKey(key);
  const own = name === null ? model.view.byId.get(oid) : undefined;
  if (own?.kind !== 'collation')
    return { collation_catalog: database, collation_schema: 'pg_catalog', collation_name: name };
  return {
    collation_catalog: database,
    collation_schema: schemaName(model, own.schemaId),
    collation_name: own.name,
  };
}

const templates = new Map<string, Row>();
const TEMPLATES_MAX = 1_000;

/** A row with all that columns of a type have in common: most of its values. Of users' types only for `schemaOf` as it is now. */
function templateOf(database: string, typeOid: number, typmod: number, schemaOf?: (oid: number) => string): Row {
  const isOwn = userTypeIn(typeOid) !== null;
  const key = `${typeOid} ${typmod} ${database}`;
  const known = isOwn ? undefined : templates.get(key);
  if (known !== undefined) return known;
  const type = typeColumns(database, typeOid, typmod, schemaOf);
  const template = makeRow(COLUMNS, { ...PLAIN, table_catalog: database, ...type });
  if (templates.size >= TEMPLATES_MAX) templates.clear();
  if (!isOwn) templates.set(key, template);
  return template;
}

function columnsOfTable(source: Source, database: string, schema: string, table: TableDescriptor): Row[] {
  const shown = (sql: string | null): string | null =>
    sql === null ? null : shownSql(sql, source.ctx, expressionColumns(table));
  return liveColumns(table).map((column) => {
    const collation = collationColumns(source.model, database, collationOfColumn(column));
    const values: Values = {
      table_schema: schema,
      table_name: table.name,
      column_name: column.name,
      ordinal_position: column.id,
      // An identity column's default is its sequence, which identity_generation tells of.
      column_default: column.identity === null ? shown(column.defaultSql) : null,
      is_nullable: yesNo(column.nullable && !refusesNull(column.typeOid)),
      ...collation,
      dtd_identifier: String(column.id),
      ...identityColumns(source, column),
      ...(column.generated == null
        ? {}
        : { is_generated: 'ALWAYS', generation_expression: shown(column.generated.expressionSql) }),
      is_updatable: 'YES',
    };
    return makeRow(COLUMNS, values, templateOf(database, column.typeOid, column.typmod, typeSchema(source)));
  });
}

const COLUMNS = layoutOf('information_schema', 'columns');
const keptTables = new WeakMap<TableDescriptor, { readonly key: string; readonly rows: readonly Row[] }>();
const keptSystem = new Map<string, readonly Row[]>();
const KEPT_DATABASES_MAX = 16;

function rowsOfTable(source: Source, database: string, table: TableDescriptor): readonly Row[] {
  const schema = source.model.schemaNames.get(table.schemaId) ?? String(table.schemaId);
  let key = `${database}\0${schema}`;
  for (const column of table.columns) {
    const expression = column.defaultSql ?? column.generated?.expressionSql ?? '';
    if (expression.includes('::regclass') || isStyled(expression, source.ctx.format))
      key += `\0${shownSql(expression, source.ctx, expressionColumns(table))}`;
    if (column.identity !== null && column.sequenceId !== null)
      key += `\0${source.model.view.byId.get(column.sequenceId)?.version ?? ''}`;
    const collation = collationOfColumn(column);
    if (collation !== null) key += `\0${JSON.stringify(collationColumns(source.model, database, collation))}`;
    // Names of types are shown by the search path.
    const type = userTypeIn(column.typeOid);
    if (type === null) continue;
    key += `\0${typeSchema(source)(type.oid)}\0${source.ctx.services.searchPath.join('\0')}`;
    key += `\0${refusesNull(column.typeOid)}`;
  }
  const known = keptTables.get(table);
  if (known?.key === key) return known.rows;
  const rows = columnsOfTable(source, database, schema, table);
  keptTables.set(table, { key, rows });
  return rows;
}

function* columnsOfView(source: Source, database: string, schema: string, view: ViewDescriptor): Iterable<Values> {
  const find = (id: number): Descriptor | undefined => source.model.view.byId.get(id);
  for (const { id, name, typeOid, typmod, collation = null, defaultSql } of view.columns) {
    yield {
      ...PLAIN,
      table_catalog: database,
      table_schema: schema,
      table_name: view.name,
      column_name: name,
      ordinal_position: id,
      column_default: defaultSql ?? null,
      is_nullable: 'YES',
      ...typeColumns(database, typeOid, typmod, typeSchema(source)),
      ...collationColumns(source.model, database, collationOfColumn({ collation, typeOid })),
      dtd_identifier: String(id),
      is_updatable: yesNo(isColumnUpdatable(view, id, find)),
    };
  }
}

/** Names everywhere, and texts of stored catalogs. */
function isInC({ kind }: Layout, typeOid: number): boolean {
  if (typeCollation(typeOid) === null) return kind === 'r' && typeOid === OID.pgNodeTree;
  return kind === 'r' || typeCollation(typeOid) === C_COLLATION_KEY;
}

function systemRows(database: string): readonly Row[] {
  let rows = keptSystem.get(database);
  if (rows !== undefined) return rows;
  rows = LAYOUTS.flatMap((layout) =>
    layout.columns.map(({ name, typeOid }, i): Row => {
      const nullable: Datum = yesNo(layout.kind === 'v' || layout.defaults[i] === null);
      const values: Values = {
        table_schema: layout.schema,
        table_name: layout.name,
        column_name: name,
        ordinal_position: i + 1,
        is_nullable: nullable,
        dtd_identifier: String(i + 1),
        is_updatable: 'NO',
        ...(isInC(layout, typeOid)
          ? { collation_catalog: database, collation_schema: 'pg_catalog', collation_name: 'C' }
          : {}),
      };
      return makeRow(COLUMNS, values, templateOf(database, typeOid, -1));
    }),
  );
  if (keptSystem.size >= KEPT_DATABASES_MAX) keptSystem.clear();
  keptSystem.set(database, rows);
  return rows;
}

export function columnParts(source: Source): Parts {
  const database = source.ctx.services.database;
  const parts = [systemRows(database)];
  for (const table of source.model.tables)
    if (table.materialized == null && isShown(table, source.ctx.services))
      parts.push(rowsOfTable(source, database, table));
  for (const view of source.model.views) {
    if (!isShown(view, source.ctx.services)) continue;
    const schema = source.model.schemaNames.get(view.schemaId) ?? String(view.schemaId);
    parts.push(Array.from(columnsOfView(source, database, schema, view), (values) => makeRow(COLUMNS, values)));
  }
  return parts;
}
