/**
 * pg_class, pg_attribute, pg_attrdef, pg_index, pg_constraint, pg_sequence and pg_namespace: what tables,
 * indexes, sequences, views and schemas consist of. Oids: a table's, a sequence's and a view's is its
 * descriptor id, an index and a constraint have their own. attnum is the column id.
 *
 * Limits: the system columns below attnum 1 are not listed, nor row types of the catalogs themselves.
 */
import type { Datum } from '../../types/datum.js';
import { PgArray } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { elementOidOf, findTypeByOid, typeByOid } from '../../types/registry.js';
import {
  DATABASE_OWNER,
  INFORMATION_SCHEMA_ID,
  PG_CATALOG_SCHEMA_ID,
  PG_TOAST_SCHEMA_ID,
  PUBLIC_SCHEMA_ID,
  SUPERUSER_OID,
} from '../bootstrap.js';
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
import { perDescriptor } from './kept-rows.js';
import type { Parts } from './kept-rows.js';
import { LAYOUTS, layoutOf, makeRow } from './layout.js';
import type { Layout, Row, Values } from './layout.js';
import {
  collationOf,
  columnById,
  int2Array,
  int2vector,
  liveColumns,
  oidvector,
  ownerOid,
  shownColumns,
  shownIndexes,
  textArray,
} from './model.js';
import type { Model } from './model.js';
import { accessMethodOf, operatorClassOf } from './operator-classes.js';
import { domainConstraints, factsOf } from './user-types.js';
import { baseOidOf, fieldsOf } from '../../types/user-types.js';

const HEAP_AM = 2;

// ---- pg_class ----

const CLASS = layoutOf('pg_catalog', 'pg_class');

function relationOptions(kept: Readonly<Record<string, string>>): Datum {
  const options = Object.entries(kept);
  return options.length === 0 ? null : textArray(options.map(([name, value]) => `${name}=${value}`));
}

function* classOfTable(table: TableDescriptor): Iterable<Values> {
  const columns = shownColumns(table);
  const indexes = shownIndexes(table);
  const shared = {
    relnamespace: table.schemaId,
    relowner: ownerOid(table.owner),
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
    // So psql and pg_dump look for foreign keys only where PostgreSQL would have triggers for them.
    relhastriggers: hasForeignKeys(table),
    reltuples: -1,
    relhasindex: indexes.length > 0,
    relnatts: columns.length,
    relchecks: table.checks.length,
    relispopulated: table.materialized?.populated ?? true,
    relreplident: 'd',
    relfrozenxid: 3,
    relminmxid: 1,
    reloptions: relationOptions(table.options),
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
      relispopulated: true,
      relreplident: 'n',
    };
  }
}
const tableClasses = perDescriptor<TableDescriptor>(CLASS, classOfTable);

const sequenceClasses = perDescriptor<SequenceDescriptor>(CLASS, (sequence) => [
  {
    oid: sequence.id,
    relname: sequence.name,
    relnamespace: sequence.schemaId,
    relowner: ownerOid(sequence.owner),
    relfilenode: sequence.id,
    relpages: 1,
    reltuples: 1,
    relpersistence: isTemporary(sequence) ? 't' : 'p',
    relkind: 'S',
    relnatts: 3,
    relispopulated: true,
    relreplident: 'n',
  },
]);

const viewClasses = perDescriptor<ViewDescriptor>(CLASS, (view) => [
  {
    oid: view.id,
    relname: view.name,
    relnamespace: view.schemaId,
    relowner: ownerOid(view.owner),
    reltuples: -1,
    relpersistence: isTemporary(view) ? 't' : 'p',
    relkind: 'v',
    reltype: view.id,
    relnatts: view.columns.length,
    reloptions: relationOptions(view.options ?? {}),
    relhasrules: true,
    relispopulated: true,
    relreplident: 'n',
  },
]);

/** A composite type is a relation without rows, under its own oid. */
const compositeClasses = perDescriptor<TypeDescriptor>(CLASS, (descriptor) => {
  const fields = fieldsOf(descriptor.typeOid);
  if (fields === null) return [];
  return [
    {
      oid: descriptor.id,
      relname: descriptor.name,
      relnamespace: descriptor.schemaId,
      relowner: ownerOid(descriptor.owner),
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
    ...model.tables.map(tableClasses),
    ...model.sequences.map(sequenceClasses),
    ...model.views.map(viewClasses),
    ...model.types.map(compositeClasses),
  ];
}

// ---- pg_attribute ----

const ATTRIBUTE = layoutOf('pg_catalog', 'pg_attribute');

function attribute(
  relation: number,
  number: number,
  name: string,
  typeOid: number,
  typmod: number,
  collation: number,
): Values {
  const facts = factsOf(typeOid);
  const type = findTypeByOid(typeOid);
  return {
    attrelid: relation,
    attname: name,
    atttypid: typeOid,
    attstattarget: -1,
    attlen: facts.length,
    attnum: number,
    attcacheoff: -1,
    atttypmod: typmod,
    attndims: type?.category === 'A' && typeOid !== OID.int2vector && typeOid !== OID.oidvector ? 1 : 0,
    attbyval: facts.byValue,
    attalign: facts.align,
    attstorage: facts.storage,
    attislocal: true,
    attcollation: collation,
  };
}

const compositeAttributes = perDescriptor<TypeDescriptor>(ATTRIBUTE, (descriptor) =>
  (fieldsOf(descriptor.typeOid) ?? []).map(({ id, name, typeOid, typmod }) =>
    attribute(descriptor.id, id, name, typeOid, typmod, collationOf(typeOid)),
  ),
);

function attributeOfColumn(table: TableDescriptor, column: ColumnDescriptor): Values {
  const base = attribute(
    table.id,
    column.id,
    column.name,
    column.typeOid,
    column.typmod,
    collationOf(column.typeOid, column.collation),
  );
  if (column.dropped) {
    return {
      ...base,
      attname: `........pg.dropped.${column.id}........`,
      atttypid: 0,
      attstattarget: 0,
      attcollation: 0,
      attisdropped: true,
    };
  }
  return {
    ...base,
    attnotnull: !column.nullable,
    atthasdef: expressionOf(column) !== null,
    attgenerated: column.generated == null ? '' : 's',
    attidentity: column.identity === null ? '' : column.identity === 'always' ? 'a' : 'd',
  };
}

type IndexColumn = Pick<ColumnDescriptor, 'name' | 'typeOid' | 'typmod' | 'collation'>;

/** Key columns and expressions, then INCLUDE's. */
function indexColumns(table: TableDescriptor, index: IndexDescriptor): readonly (IndexColumn | undefined)[] {
  const keys = index.columns.map(({ columnId, expression }) =>
    expression == null ? columnById(table, columnId) : { ...expression, collation: null },
  );
  return [...keys, ...index.storing.map((id) => columnById(table, id))];
}

/** What PostgreSQL keeps in an index of this kind. */
function keptType({ method, columns }: IndexDescriptor, at: number, typeOid: number): number {
  const opclass = columns[at]?.opclass;
  if (opclass === 'array_ops') return elementOidOf(baseOidOf(typeOid));
  if (opclass === 'jsonb_ops') return OID.text;
  return method === 'hash' || opclass === 'jsonb_path_ops' ? OID.int4 : typeOid;
}

function* attributesOfTable(table: TableDescriptor): Iterable<Values> {
  for (const column of shownColumns(table)) yield attributeOfColumn(table, column);
  for (const index of shownIndexes(table)) {
    let number = 0;
    for (const column of indexColumns(table, index)) {
      number++;
      if (column !== undefined) {
        const typeOid = keptType(index, number - 1, column.typeOid);
        yield attribute(
          index.oid,
          number,
          column.name,
          typeOid,
          typeOid === column.typeOid ? column.typmod : -1,
          collationOf(column.typeOid, column.collation),
        );
      }
    }
  }
}
const tableAttributes = perDescriptor<TableDescriptor>(ATTRIBUTE, attributesOfTable);

const sequenceAttributes = perDescriptor<SequenceDescriptor>(ATTRIBUTE, (sequence) =>
  (
    [
      ['last_value', OID.int8],
      ['log_cnt', OID.int8],
      ['is_called', OID.bool],
    ] as const
  ).map(([name, type], i) => ({
    ...attribute(sequence.id, i + 1, name, type, -1, 0),
    attnotnull: true,
  })),
);

const viewAttributes = perDescriptor<ViewDescriptor>(ATTRIBUTE, (view) =>
  view.columns.map(({ id, name, typeOid, typmod, defaultSql }) => ({
    ...attribute(view.id, id, name, typeOid, typmod, collationOf(typeOid)),
    atthasdef: defaultSql != null,
  })),
);

let systemAttributeRows: readonly Row[] | null = null;
function systemAttributes(): readonly Row[] {
  systemAttributeRows ??= LAYOUTS.flatMap((layout) =>
    layout.columns.map(({ name, typeOid }, i) =>
      makeRow(ATTRIBUTE, {
        ...attribute(
          layout.oid,
          i + 1,
          name,
          typeOid,
          -1,
          layout.kind === 'r' && typeOid === OID.text ? 950 : collationOf(typeOid),
        ),
        attnotnull: layout.kind === 'r' && layout.defaults[i] !== null,
      }),
    ),
  );
  return systemAttributeRows;
}

export function attributeParts(model: Model): Parts {
  return [
    systemAttributes(),
    ...model.tables.map(tableAttributes),
    ...model.sequences.map(sequenceAttributes),
    ...model.views.map(viewAttributes),
    ...model.types.map(compositeAttributes),
  ];
}

// ---- pg_attrdef ----

/** Above every id that is given out, and the same for as long as the column lives. */
function defaultOid(table: { readonly id: number }, column: { readonly id: number }): number {
  return (0x80000000 + ((table.id * 1600 + column.id) & 0x7fffffff)) >>> 0;
}

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
export { defaultOid };

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
const ACL = 'aclitem';

/** Privileges as PostgreSQL shows those of its own schemas; they are not enforced here, there is one role. */
function acl(...items: readonly string[]): PgArray {
  return new PgArray(typeByOid(1033).name === ACL ? 1033 : OID.text, items);
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
const PUBLIC: Values = {
  nspowner: DATABASE_OWNER.oid,
  nspacl: acl(`${DATABASE_OWNER.name}=UC/${DATABASE_OWNER.name}`, `=U/${DATABASE_OWNER.name}`),
};

/** What pg_dump need not write, because every database begins with it. */
export function initialPrivileges(): Values[] {
  const classoid = 2615;
  const of = (objoid: number, initprivs: PgArray): Values => ({ objoid, classoid, privtype: 'i', initprivs });
  return [
    of(PUBLIC_SCHEMA_ID, PUBLIC['nspacl'] as PgArray),
    ...SYSTEM_SCHEMAS.filter((s) => s['nspacl'] !== undefined).map((s) =>
      of(s['oid'] as number, s['nspacl'] as PgArray),
    ),
  ];
}

export function namespaceRows(model: Model): Row[] {
  const own = model.schemas.map((schema) => ({
    oid: schema.id,
    nspname: schema.name,
    nspowner: ownerOid(schema.owner),
    ...(schema.id === PUBLIC_SCHEMA_ID ? PUBLIC : {}),
  }));
  const temporary = [...model.schemaNames]
    .filter(([id]) => isTemporarySchema(id))
    .map(([oid, nspname]) => ({ oid, nspname, nspowner: SUPERUSER_OID }));
  return [...SYSTEM_SCHEMAS, ...own, ...temporary].map((values) => makeRow(NAMESPACE, values));
}
