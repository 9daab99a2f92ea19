/**
 * pg_class, pg_attribute, pg_attrdef, pg_index, pg_constraint, pg_sequence and pg_namespace: what tables,
 * indexes, sequences, views and schemas consist of. Oids: a table's, a sequence's and a view's is its
 * descriptor id, an index and a constraint have their own. attnum is the column id.
 *
 * Limits: the system columns below attnum 1 are not listed, nor row types of the catalogs themselves.
 */
import { indexColumns } from './index-columns.js';
import { defaultOid } from '../default-oids.js';
import type { Datum } from '../../types/datum.js';
import { PgArray } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { elementOidOf, findTypeByOid } from '../../types/registry.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID, PG_TOAST_SCHEMA_ID, PUBLIC_SCHEMA_ID } from '../bootstrap.js';
import { DATABASE_OWNER, SUPERUSER_OID } from '../bootstrap-names.js';
import type {
  ColumnDescriptor,
  IndexDescriptor,
  IndexPart,
  SequenceDescriptor,
  TableDescriptor,
  TypeDescriptor,
  ViewDescriptor,
} from '../descriptor.js';
import { isPrimaryKey } from '../descriptor.js';
import { isTemporary, isTemporarySchema } from '../temporary-names.js';
import { foreignKeyRows, hasForeignKeys } from './foreign-keys.js';
import type { Acl } from '../acl.js';
import { publicSchemaOf } from '../rights.js';
import { perDescriptor, perDescriptorOf } from './kept-rows.js';
import type { Parts } from './kept-rows.js';
import { LAYOUTS, layoutOf, makeRow } from './layout.js';
import { builtInRowType } from './row-types.js';
import type { Layout, Row, Values } from './layout.js';
import {
  aclArray,
  aclKey,
  collationOf,
  int2Array,
  int2vector,
  liveColumns,
  oidvector,
  shownColumns,
  shownIndexes,
  textArray,
} from './model.js';
import type { Model } from './model.js';
import { accessMethodOf, operatorClassOf } from './operator-classes.js';
import { domainConstraints, factsOf } from './user-types.js';
import { baseOidOf, fieldsOf, userTypeOf } from '../../types/user-types.js';

const HEAP_AM = 2;

// ---- pg_class ----

const CLASS = layoutOf('pg_catalog', 'pg_class');

function relationOptions(kept: Readonly<Record<string, string>>): Datum {
  const options = Object.entries(kept);
  return options.length === 0 ? null : textArray(options.map(([name, value]) => `${name}=${value}`));
}

function replicaIdentity({ replicaIdentity: kept, indexes }: TableDescriptor): string {
  if (kept == null) return 'd';
  if (typeof kept === 'string') return kept === 'full' ? 'f' : 'n';
  return indexes.some(({ oid }) => oid === kept) ? 'i' : 'd';
}

function* classOfTable(model: Model, table: TableDescriptor): Iterable<Values> {
  const columns = shownColumns(table);
  const indexes = shownIndexes(table);
  const shared = {
    relnamespace: table.schemaId,
    relowner: table.owner,
    relpersistence: isTemporary(table) ? 't' : table.unlogged ? 'u' : 'p',
  };
  yield {
    ...shared,
    oid: table.id,
    relname: table.name,
    relam: HEAP_AM,
    relfilenode: table.storageId,
    relkind: table.materialized == null ? 'r' : 'm',
    relhasrules: table.materialized != null,
    reltype: table.id,
    reloftype: table.ofType ?? 0,
    // So psql and pg_dump look for foreign keys only where PostgreSQL would have triggers for them.
    relhastriggers: hasForeignKeys(table),
    reltuples: -1,
    relhasindex: indexes.length > 0,
    relnatts: columns.length,
    relchecks: table.checks.length,
    relispopulated: table.materialized?.populated ?? true,
    relrowsecurity: table.rowSecurity?.enabled ?? false,
    relforcerowsecurity: table.rowSecurity?.forced ?? false,
    relreplident: replicaIdentity(table),
    relfrozenxid: 3,
    relminmxid: 1,
    reloptions: relationOptions(table.options),
    relacl: aclArray(model, table.acl),
  };
  for (const index of indexes) {
    yield {
      ...shared,
      oid: index.oid,
      relname: index.name,
      relam: accessMethodOf(index),
      relfilenode: index.oid,
      relkind: 'i',
      reltuples: -1,
      relnatts: index.columns.length + index.storing.length,
      reloptions: relationOptions(index.options ?? {}),
      relispopulated: true,
      relreplident: 'n',
    };
  }
}
const tableClasses = perDescriptorOf<Model, TableDescriptor>(CLASS, classOfTable, { key: aclKey });

/** What sequences and views have in common. */
function ownRelation(model: Model, of: SequenceDescriptor | ViewDescriptor): Values {
  return {
    oid: of.id,
    relname: of.name,
    relnamespace: of.schemaId,
    relowner: of.owner,
    relacl: aclArray(model, of.acl),
    relpersistence: isTemporary(of) ? 't' : of.kind === 'sequence' && of.unlogged === true ? 'u' : 'p',
    relispopulated: true,
  };
}

const sequenceClasses = perDescriptorOf<Model, SequenceDescriptor>(
  CLASS,
  (model, sequence) => [
    {
      ...ownRelation(model, sequence),
      relfilenode: sequence.id,
      relpages: 1,
      reltuples: 1,
      relkind: 'S',
      relnatts: 3,
      relreplident: 'n',
    },
  ],
  { key: aclKey },
);

const viewClasses = perDescriptorOf<Model, ViewDescriptor>(
  CLASS,
  (model, view) => [
    {
      ...ownRelation(model, view),
      reltuples: -1,
      relkind: 'v',
      reltype: view.id,
      relnatts: view.columns.length,
      reloptions: relationOptions(view.options ?? {}),
      relhasrules: true,
      relreplident: 'n',
    },
  ],
  { key: aclKey },
);

/** A composite type is a relation without rows, under its own oid. */
const compositeClasses = perDescriptor<TypeDescriptor>(CLASS, (descriptor) => {
  const fields = fieldsOf(descriptor.typeOid);
  if (fields === null) return [];
  return [
    {
      oid: descriptor.id,
      relname: descriptor.name,
      relnamespace: descriptor.schemaId,
      relowner: descriptor.owner,
      reltype: descriptor.typeOid,
      reltuples: 0,
      relpersistence: 'p',
      relkind: 'c',
      relnatts: fields.reduce((most, { id }) => Math.max(most, id), 0),
      relispopulated: true,
      relreplident: 'n',
    },
  ];
});

let systemClassRows: readonly Row[] | null = null;
function systemClasses(): readonly Row[] {
  systemClassRows ??= LAYOUTS.map((layout) => {
    const stored = layout.kind === 'r';
    return makeRow(CLASS, {
      oid: layout.oid,
      relname: layout.name,
      relnamespace: schemaOid(layout),
      reltype: builtInRowType(layout.oid)[0],
      relowner: SUPERUSER_OID,
      relam: stored ? HEAP_AM : 0,
      reltuples: -1,
      relpersistence: 'p',
      relkind: layout.kind,
      relnatts: layout.columns.length,
      relispopulated: true,
      relreplident: 'n',
      relhasrules: !stored,
    });
  });
  return systemClassRows;
}
function schemaOid(layout: Layout): number {
  return layout.schema === 'pg_catalog' ? PG_CATALOG_SCHEMA_ID : INFORMATION_SCHEMA_ID;
}

export function classParts(model: Model): Parts {
  return [
    systemClasses(),
    ...model.tables.map((table) => tableClasses(model, table)),
    ...model.sequences.map((sequence) => sequenceClasses(model, sequence)),
    ...model.views.map((view) => viewClasses(model, view)),
    ...model.types.map(compositeClasses),
  ];
}

// ---- pg_attribute ----

const ATTRIBUTE = layoutOf('pg_catalog', 'pg_attribute');

const attributeTemplates = new Map<string, Row>();
const TEMPLATES_MAX = 1_000;

function dimensionsOf(typeOid: number): number {
  if (typeOid === OID.int2vector || typeOid === OID.oidvector) return 0;
  return findTypeByOid(typeOid)?.category === 'A' && userTypeOf(typeOid)?.kind !== 'domain' ? 1 : 0;
}

/** A row with what attributes of a type have in common. A handle stands for one definition of a type. */
function attributeTemplate(typeOid: number, typmod: number, collation: number): Row {
  const key = `${typeOid} ${typmod} ${collation}`;
  let template = attributeTemplates.get(key);
  if (template !== undefined) return template;
  const facts = factsOf(typeOid);
  template = makeRow(ATTRIBUTE, {
    atttypid: typeOid,
    attstattarget: -1,
    attlen: facts.length,
    attcacheoff: -1,
    atttypmod: typmod,
    attndims: dimensionsOf(typeOid),
    attbyval: facts.byValue,
    attalign: facts.align,
    attstorage: facts.storage,
    attislocal: true,
    attcollation: collation,
  });
  if (attributeTemplates.size >= TEMPLATES_MAX) attributeTemplates.clear();
  attributeTemplates.set(key, template);
  return template;
}

interface Attribute {
  readonly relation: number;
  readonly number: number;
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  readonly collation: number;
}

const NO_MORE: Values = {};

function attribute({ relation, number, name, typeOid, typmod, collation }: Attribute, more: Values = NO_MORE): Row {
  const values = { attrelid: relation, attname: name, attnum: number, ...more };
  return makeRow(ATTRIBUTE, values, attributeTemplate(typeOid, typmod, collation));
}

const compositeAttributes = perDescriptor<TypeDescriptor>(ATTRIBUTE, (descriptor) =>
  (fieldsOf(descriptor.typeOid) ?? []).map(({ id, name, typeOid, typmod, collation }) =>
    attribute({
      relation: descriptor.id,
      number: id,
      name,
      typeOid,
      typmod,
      collation: collationOf(typeOid, collation),
    }),
  ),
);

const DROPPED: Values = { atttypid: 0, attstattarget: 0, attcollation: 0, attisdropped: true };

function attributeOfColumn(model: Model, table: TableDescriptor, column: ColumnDescriptor): Row {
  const { id, name, typeOid, typmod, statistics, options, storage, compression, acl } = column;
  const place = { relation: table.id, number: id, typeOid, typmod, collation: collationOf(typeOid, column.collation) };
  if (column.dropped) {
    const more = acl == null ? DROPPED : { ...DROPPED, attacl: aclArray(model, acl) };
    return attribute({ ...place, name: `........pg.dropped.${id}........` }, more);
  }
  return attribute(
    { ...place, name },
    {
      attnotnull: !column.nullable,
      ...(statistics === undefined ? NO_MORE : { attstattarget: statistics }),
      ...(options === undefined ? NO_MORE : { attoptions: relationOptions(options) }),
      ...(storage === undefined ? NO_MORE : { attstorage: storage }),
      ...(compression === undefined ? NO_MORE : { attcompression: compression }),
      ...(acl == null ? NO_MORE : { attacl: aclArray(model, acl) }),
      atthasdef: expressionOf(column) !== null,
      attgenerated: column.generated == null ? '' : 's',
      attidentity: column.identity === null ? '' : column.identity === 'always' ? 'a' : 'd',
    },
  );
}

/** The first that is free of `name`, `name1`, …: a table's column may be in its index twice. It is added to the names. */
function nameAmong(names: Set<string>, name: string): string {
  let found = name;
  for (let i = 1; names.has(found); i++) found = `${name}${i}`;
  names.add(found);
  return found;
}

/** What PostgreSQL keeps in an index of this kind. */
function keptType({ method, columns }: IndexDescriptor, at: number, typeOid: number): number {
  const opclass = columns[at]?.opclass;
  if (opclass === 'array_ops') return elementOidOf(baseOidOf(typeOid));
  if (opclass === 'jsonb_ops') return OID.text;
  return method === 'hash' || opclass === 'jsonb_path_ops' ? OID.int4 : typeOid;
}

function* attributesOfTable(model: Model, table: TableDescriptor): Iterable<Row> {
  for (const column of shownColumns(table)) yield attributeOfColumn(model, table, column);
  for (const index of shownIndexes(table)) {
    let number = 0;
    const names = new Set<string>();
    for (const column of indexColumns(table, index)) {
      number++;
      if (column !== undefined) {
        const typeOid = keptType(index, number - 1, column.typeOid);
        const statistics = index.columns[number - 1]?.statistics;
        const place = {
          relation: index.oid,
          number,
          name: nameAmong(names, column.name),
          typeOid,
          typmod: typeOid === column.typeOid ? column.typmod : -1,
          // A column that is only carried is compared by nothing.
          collation: number > index.columns.length ? 0 : collationOf(column.typeOid, column.collation),
        };
        yield attribute(place, {
          attndims: dimensionsOf(column.typeOid),
          ...(statistics === undefined ? NO_MORE : { attstattarget: statistics }),
        });
      }
    }
  }
}
/** Where a column has a list, the roles' names. */
function columnsKey(model: Model, { columns }: { readonly columns: readonly { readonly acl?: Acl | null }[] }): string {
  return columns.some(({ acl }) => acl != null) ? model.rolesKey : '';
}
const tableAttributes = perDescriptorOf<Model, TableDescriptor>(ATTRIBUTE, attributesOfTable, { key: columnsKey });

const sequenceAttributes = perDescriptor<SequenceDescriptor>(ATTRIBUTE, (sequence) =>
  (
    [
      ['last_value', OID.int8],
      ['log_cnt', OID.int8],
      ['is_called', OID.bool],
    ] as const
  ).map(([name, typeOid], i) =>
    attribute({ relation: sequence.id, number: i + 1, name, typeOid, typmod: -1, collation: 0 }, { attnotnull: true }),
  ),
);

const viewAttributes = perDescriptorOf<Model, ViewDescriptor>(
  ATTRIBUTE,
  (model, view) =>
    view.columns.map(({ id, name, typeOid, typmod, collation, defaultSql, acl }) =>
      attribute(
        { relation: view.id, number: id, name, typeOid, typmod, collation: collationOf(typeOid, collation) },
        { atthasdef: defaultSql != null, ...(acl == null ? NO_MORE : { attacl: aclArray(model, acl) }) },
      ),
    ),
  { key: columnsKey },
);

/** Types whose values in catalogs are compared by bytes. */
const IN_C: ReadonlySet<number> = new Set<number>([OID.text, OID.textArray, OID.pgNodeTree]);
let systemAttributeRows: readonly Row[] | null = null;
function systemAttributes(): readonly Row[] {
  systemAttributeRows ??= LAYOUTS.flatMap((layout) =>
    layout.columns.map(({ name, typeOid, notNull: attnotnull }, i) => {
      const collation = layout.kind === 'r' && IN_C.has(typeOid) ? 950 : collationOf(typeOid);
      return attribute({ relation: layout.oid, number: i + 1, name, typeOid, typmod: -1, collation }, { attnotnull });
    }),
  );
  return systemAttributeRows;
}

export function attributeParts(model: Model): Parts {
  return [
    systemAttributes(),
    ...model.tables.map((table) => tableAttributes(model, table)),
    ...model.sequences.map(sequenceAttributes),
    ...model.views.map((view) => viewAttributes(model, view)),
    ...model.types.map(compositeAttributes),
  ];
}

// ---- pg_attrdef ----

/** A generated column's expression stands where another's default does. */
function expressionOf(column: ColumnDescriptor): string | null {
  return column.generated?.expressionSql ?? column.defaultSql;
}

const tableDefaults = perDescriptor<TableDescriptor>(layoutOf('pg_catalog', 'pg_attrdef'), (table) =>
  liveColumns(table)
    .filter((column) => expressionOf(column) !== null)
    .map((column) => ({
      oid: defaultOid(table, column),
      adrelid: table.id,
      adnum: column.id,
      adbin: expressionOf(column),
    })),
);
const viewDefaults = perDescriptor<ViewDescriptor>(layoutOf('pg_catalog', 'pg_attrdef'), (view) =>
  view.columns
    .filter(({ defaultSql }) => defaultSql != null)
    .map((column) => ({
      oid: defaultOid(view, column),
      adrelid: view.id,
      adnum: column.id,
      adbin: column.defaultSql ?? null,
    })),
);
export function defaultParts(model: Model): Parts {
  return [...model.tables.map(tableDefaults), ...model.views.map(viewDefaults)];
}
// ---- pg_index ----

function indexValues(table: TableDescriptor, index: IndexDescriptor): Values {
  const columns = indexColumns(table, index).slice(0, index.columns.length);
  const expressions = index.columns.flatMap(({ expression }) => (expression == null ? [] : [expression.expressionSql]));
  return {
    indexrelid: index.oid,
    indrelid: table.id,
    indnatts: index.columns.length + index.storing.length,
    indnkeyatts: index.columns.length,
    indisunique: index.unique,
    indnullsnotdistinct: index.nullsNotDistinct === true,
    indisprimary: isPrimaryKey(index),
    indimmediate: index.deferrable == null,
    indisclustered: table.clusterOn === index.oid,
    indisreplident: table.replicaIdentity === index.oid,
    indisvalid: true,
    indisready: true,
    indislive: true,
    indkey: int2vector([...index.columns.map((part) => part.columnId), ...index.storing]),
    indcollation: oidvector(
      columns.map((column) => (column === undefined ? 0 : collationOf(column.typeOid, column.collation))),
    ),
    indclass: oidvector(
      columns.map((column, i) =>
        column === undefined ? 0 : operatorClassOf(index, index.columns[i]!, column.typeOid),
      ),
    ),
    indoption: int2vector(index.columns.map(indexOption)),
    indexprs: expressions.length === 0 ? null : expressions.join(', '),
    indpred: index.predicate?.expressionSql ?? null,
  };
}
/** Bit 0 is DESC, bit 1 NULLS FIRST, which DESC implies unless it says otherwise. */
function indexOption({ descending, nullsFirst }: IndexPart): number {
  return (descending ? 1 : 0) + ((nullsFirst ?? descending) ? 2 : 0);
}

const tableIndexes = perDescriptor<TableDescriptor>(layoutOf('pg_catalog', 'pg_index'), (table) =>
  shownIndexes(table).map((index) => indexValues(table, index)),
);
export function indexParts(model: Model): Parts {
  return model.tables.map(tableIndexes);
}

// ---- pg_constraint ----

function* constraintsOfTable(table: TableDescriptor): Iterable<Values> {
  const shared = {
    connamespace: table.schemaId,
    conrelid: table.id,
    convalidated: true,
    conislocal: true,
    confupdtype: ' ',
    confdeltype: ' ',
    confmatchtype: ' ',
  };
  for (const check of table.checks) {
    yield {
      ...shared,
      oid: check.oid,
      conname: check.name,
      contype: 'c',
      convalidated: check.validated ?? true,
      connoinherit: check.noInherit === true,
      conbin: check.expressionSql,
      conkey: check.columnIds.length === 0 ? null : int2Array(check.columnIds),
    };
  }
  for (const index of shownIndexes(table)) {
    if (index.constraintOid === null) continue;
    yield {
      ...shared,
      oid: index.constraintOid,
      conname: index.name,
      contype: isPrimaryKey(index) ? 'p' : 'u',
      condeferrable: index.deferrable != null,
      condeferred: index.deferrable?.initiallyDeferred === true,
      conindid: index.oid,
      connoinherit: true,
      conkey: int2Array(index.columns.map((part) => part.columnId)),
    };
  }
}
const tableConstraints = perDescriptor<TableDescriptor>(layoutOf('pg_catalog', 'pg_constraint'), constraintsOfTable);
const CONSTRAINT_LAYOUT = layoutOf('pg_catalog', 'pg_constraint');

export function constraintParts(model: Model): Parts {
  const ofTables = model.tables.flatMap((table) => [tableConstraints(table), foreignKeyRows(model, table)]);
  return [...ofTables, Array.from(domainConstraints(model), (values) => makeRow(CONSTRAINT_LAYOUT, values))];
}

// ---- pg_sequence ----

const sequenceParameters = perDescriptor<SequenceDescriptor>(layoutOf('pg_catalog', 'pg_sequence'), (s) => [
  {
    seqrelid: s.id,
    seqtypid: s.typeOid,
    seqstart: BigInt(s.start),
    seqincrement: BigInt(s.increment),
    seqmax: BigInt(s.max),
    seqmin: BigInt(s.min),
    seqcache: BigInt(s.cache),
    seqcycle: s.cycle,
  },
]);
export function sequenceParts(model: Model): Parts {
  return model.sequences.map(sequenceParameters);
}

// ---- pg_namespace ----

const NAMESPACE = layoutOf('pg_catalog', 'pg_namespace');
/** Privileges as PostgreSQL shows those of its own schemas. */
function acl(...items: readonly string[]): PgArray {
  return new PgArray(OID.aclitem, items);
}
const SYSTEM_SCHEMAS: readonly Values[] = [
  {
    oid: PG_CATALOG_SCHEMA_ID,
    nspname: 'pg_catalog',
    nspowner: SUPERUSER_OID,
    nspacl: acl('postgres=UC/postgres', '=U/postgres'),
  },
  { oid: PG_TOAST_SCHEMA_ID, nspname: 'pg_toast', nspowner: SUPERUSER_OID },
  {
    oid: INFORMATION_SCHEMA_ID,
    nspname: 'information_schema',
    nspowner: SUPERUSER_OID,
    nspacl: acl('postgres=UC/postgres', '=U/postgres'),
  },
];
const PUBLIC_ACL = acl(`${DATABASE_OWNER.name}=UC/${DATABASE_OWNER.name}`, `=U/${DATABASE_OWNER.name}`);

/** What pg_dump need not write, because every database begins with it. */
export function initialPrivileges(): Values[] {
  const classoid = 2615;
  const of = (objoid: number, initprivs: PgArray): Values => ({ objoid, classoid, privtype: 'i', initprivs });
  return [
    of(PUBLIC_SCHEMA_ID, PUBLIC_ACL),
    ...SYSTEM_SCHEMAS.filter((s) => s['nspacl'] !== undefined).map((s) =>
      of(s['oid'] as number, s['nspacl'] as PgArray),
    ),
  ];
}

export function namespaceRows(model: Model): Row[] {
  const shared = publicSchemaOf(model.databases.find(({ id }) => id === model.view.databaseId) ?? null);
  const own = model.schemas.map((schema) => ({
    oid: schema.id,
    nspname: schema.name,
    nspowner: schema.id === PUBLIC_SCHEMA_ID ? shared.owner : schema.owner,
    nspacl: aclArray(model, schema.id === PUBLIC_SCHEMA_ID ? shared.acl : schema.acl),
  }));
  const temporary = [...model.schemaNames]
    .filter(([id]) => isTemporarySchema(id))
    .map(([oid, nspname]) => ({ oid, nspname, nspowner: SUPERUSER_OID }));
  return [...SYSTEM_SCHEMAS, ...own, ...temporary].map((values) => makeRow(NAMESPACE, values));
}
