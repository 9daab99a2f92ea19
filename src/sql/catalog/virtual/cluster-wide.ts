/**
 * What belongs to the cluster rather than to one database: databases, tablespaces, languages, collations, settings, sessions.
 */
import { Inet, PgArray } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { catalogOidOf } from '../../types/registry.js';
import { builtInCollations, type Collation, collationOfKey, COLLATION_VERSION } from '../../types/collation.js';
import { userTypeOf } from '../../types/user-types.js';
import { keyOfCollation } from '../collation-names.js';
import { readAddress } from '../../types/inet-text.js';
import { PG_CATALOG_SCHEMA_ID, TEMPLATE0_DATABASE_ID, TEMPLATE1_DATABASE_ID } from '../bootstrap.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import { READ_ALL_STATS } from '../roles.js';
import type { LockReport } from '../../locks/lock-reports.js';
import { xidOf } from '../../locks/transaction-number.js';
import type { ActivityRow } from './services.js';
import type { ExecContext } from '../../contract.js';
import { extensionEntries } from './extensions.js';
import { constraintOids } from '../descriptor.js';
import type { TableDescriptor } from '../descriptor.js';
import { perDescriptor } from './kept-rows.js';
import type { Parts } from './kept-rows.js';
import { layoutOf, makeRow } from './layout.js';
import type { Row, Values } from './layout.js';
import { aclArray, textArray } from './model.js';
import type { Model, Source } from './model.js';

const UTF8 = 6;
const DEFAULT_TABLESPACE = 1663;
const GLOBAL_TABLESPACE = 1664;
const LOCALE = 'C.UTF-8';

// ---- databases and what PostgreSQL keeps beside them ----

export function databases({ model }: Source): Values[] {
  return model.databases.map((database) => ({
    oid: database.id,
    datname: database.name,
    datdba: database.owner,
    datacl: aclArray(model, database.acl),
    encoding: UTF8,
    datlocprovider: 'c',
    datistemplate: database.id === TEMPLATE0_DATABASE_ID || database.id === TEMPLATE1_DATABASE_ID,
    datallowconn: database.id !== TEMPLATE0_DATABASE_ID,
    datconnlimit: -1,
    datfrozenxid: 3,
    datminmxid: 1,
    dattablespace: DEFAULT_TABLESPACE,
    datcollate: LOCALE,
    datctype: LOCALE,
  }));
}

export function tablespaces(): Values[] {
  return [
    { oid: DEFAULT_TABLESPACE, spcname: 'pg_default', spcowner: SUPERUSER_OID },
    { oid: GLOBAL_TABLESPACE, spcname: 'pg_global', spcowner: SUPERUSER_OID },
  ];
}

export const INTERNAL_LANGUAGE = 12;
export const SQL_LANGUAGE = 14;
export const PLPGSQL_LANGUAGE = 13563;
/** Lists are shown where they are not as they were made. */
export function* languages({ model }: Source): Iterable<Values> {
  const database = model.databases.find(({ id }) => id === model.view.databaseId);
  for (const language of builtInLanguages()) {
    const kept = database?.languageAcls?.find(({ oid }) => oid === language['oid']);
    yield kept === undefined ? language : { ...language, lanacl: aclArray(model, kept.acl) };
  }
}

function builtInLanguages(): Values[] {
  return [
    { oid: INTERNAL_LANGUAGE, lanname: 'internal', lanowner: SUPERUSER_OID, lanvalidator: 2246 },
    { oid: 13, lanname: 'c', lanowner: SUPERUSER_OID, lanvalidator: 2247 },
    { oid: SQL_LANGUAGE, lanname: 'sql', lanowner: SUPERUSER_OID, lanpltrusted: true, lanvalidator: 2248 },
    {
      ...{ oid: PLPGSQL_LANGUAGE, lanname: 'plpgsql', lanowner: SUPERUSER_OID, lanispl: true, lanpltrusted: true },
      ...{ lanplcallfoid: 13560, laninline: 13561, lanvalidator: 13562 },
    },
  ];
}

const COLLATION = layoutOf('pg_catalog', 'pg_collation');
let builtInRows: readonly Row[] | null = null;

/** Those that every database has are many and always the same. */
export function collationParts(model: Model): Parts {
  builtInRows ??= builtInCollations().map((one) =>
    makeRow(COLLATION, collationRow(one, one.provider === 'i' ? COLLATION_VERSION : null)),
  );
  const own = model.collations.map((d) =>
    makeRow(COLLATION, {
      ...collationRow(collationOfKey(keyOfCollation(d)), d.collationVersion),
      collname: d.name,
      collnamespace: d.schemaId,
      collowner: d.owner,
    }),
  );
  return [builtInRows, own];
}

function collationRow({ oid, name, provider, locale, ctype }: Collation, version: string | null): Values {
  return {
    oid,
    collname: name,
    collnamespace: PG_CATALOG_SCHEMA_ID,
    collowner: SUPERUSER_OID,
    collprovider: provider,
    collisdeterministic: true,
    collencoding: provider !== 'c' || /^(C|POSIX)$/.test(name ?? '') ? -1 : UTF8,
    collcollate: provider === 'c' ? locale : null,
    collctype: ctype,
    colliculocale: provider === 'i' ? locale : null,
    collversion: version,
  };
}

// ---- settings ----

const PG_VARTYPES = { bool: 'bool', integer: 'integer', real: 'real', string: 'string', enum: 'enum' } as const;

export function* settings({ services }: Pick<Source, 'services'>): Iterable<Values> {
  const rows = [...services.settingRows()].sort((a, b) =>
    a.definition.name.toLowerCase() < b.definition.name.toLowerCase() ? -1 : 1,
  );
  for (const { definition: d, value, reset, changed } of rows) {
    yield {
      name: d.name,
      setting: value,
      unit: d.unit,
      category: d.category,
      short_desc: d.description,
      context: d.context,
      vartype: PG_VARTYPES[d.kind],
      source: changed ? 'session' : reset === d.initial ? 'default' : 'client',
      min_val: d.min === null ? null : String(d.min),
      max_val: d.max === null ? null : String(d.max),
      enumvals: d.values === null ? null : textArray(d.values),
      boot_val: d.initial,
      reset_val: reset,
      pending_restart: false,
    };
  }
}

// ---- sessions ----

function addressOf(text: string): Inet | null {
  const parsed = readAddress(text, false);
  return parsed === null ? null : new Inet(parsed.bytes, parsed.bits);
}

/** 'address:port', '[address]:port' or nothing for an in-process session. */
function remoteParts(remote: string): { readonly address: Inet | null; readonly port: number } {
  const found = /^\[?(.*?)\]?:(\d+)$/.exec(remote);
  if (found !== null) return { address: addressOf(found[1]!), port: Number(found[2]) };
  return { address: addressOf(remote), port: -1 };
}

/** What others do is for them and those who may read all statistics. */
function maySee({ access }: ExecContext['services'], userId: number): boolean {
  const rights = access?.rightsOf(access.userId) ?? null;
  return rights === null || rights.isMember(userId) || rights.isMember(READ_ALL_STATS);
}

/** What keeps a statement: a lock of a row, a schema change, an advisory lock, pg_sleep. */
function waitOf(row: ActivityRow, { sessions, waits }: LockReport): readonly [string, string] | null {
  if (row.state !== 'active') return ['Client', 'ClientRead'];
  const wait = row.txn === null ? undefined : waits.find(({ waiter }) => waiter === row.txn!.id);
  if (wait !== undefined) return ['Lock', wait.advisory ? 'advisory' : 'transactionid'];
  const own = sessions.find(({ processId }) => processId === row.processId);
  if (own?.relations.some(({ granted }) => !granted) === true) return ['Lock', 'relation'];
  return row.waits === '' ? null : ['Timeout', row.waits];
}

export function* activity({ services, ctx }: Source, report: LockReport): Iterable<Values> {
  for (const row of services.activity()) {
    const known = {
      datid: row.databaseId,
      datname: row.database,
      pid: row.processId,
      usesysid: row.userId,
      usename: row.user,
    };
    if (!maySee(ctx.services, row.userId)) {
      yield { ...known, query: '<insufficient privilege>' };
      continue;
    }
    const { address, port } = remoteParts(row.remote);
    const wait = waitOf(row, report);
    const own = report.sessions.find(({ processId }) => processId === row.processId);
    yield {
      ...known,
      application_name: row.applicationName,
      client_addr: address,
      client_port: port,
      backend_start: row.backendStart,
      xact_start: row.transactionStart,
      query_start: row.queryStart,
      state_change: row.stateChange,
      state: row.state,
      query: row.query,
      backend_type: 'client backend',
      wait_event_type: wait?.[0] ?? null,
      wait_event: wait?.[1] ?? null,
      backend_xid: own === undefined || own.xid === 0 ? null : own.xid,
      backend_xmin: row.txn === null || row.state !== 'active' ? null : xidOf(row.txn),
    };
  }
}

export function* cursors({ services }: Pick<Source, 'services'>): Iterable<Values> {
  for (const row of services.cursors()) {
    yield {
      name: row.name,
      statement: row.statement,
      is_holdable: row.holdable,
      is_binary: row.binary,
      is_scrollable: row.scrollable,
      creation_time: row.createdAt,
    };
  }
}

/** A plan takes parameters as they come: all of them are what PostgreSQL calls generic. */
export function* preparedStatements({ services }: Pick<Source, 'services'>): Iterable<Values> {
  for (const row of services.preparedStatements()) {
    yield {
      name: row.name,
      statement: row.statement,
      prepare_time: row.preparedAt,
      parameter_types: new PgArray(OID.regtype, row.parameterOids.map(catalogOidOf)),
      from_sql: row.fromSql,
      generic_plans: BigInt(row.runs),
      custom_plans: 0n,
    };
  }
}

// ---- comments ----

const CLASS_OF_CLASSES = 1259;
const CLASS_OF_NAMESPACES = 2615;
const CLASS_OF_TYPES = 1247;
const CLASS_OF_COLLATIONS = 3456;
const CLASS_OF_ROUTINES = 1255;
const CLASS_OF_DATABASES = 1262;
const CLASS_OF_EXTENSIONS = 3079;
const CLASS_OF_STATISTICS = 3381;
const CLASS_OF_ROLES = 1260;
const CLASS_OF_CONSTRAINTS = 2606;

function* descriptionsOfTable(table: TableDescriptor): Iterable<Values> {
  if (table.comment !== null) yield { objoid: table.id, classoid: CLASS_OF_CLASSES, description: table.comment };
  for (const column of table.columns) {
    if (column.comment == null || column.dropped || column.hidden) continue;
    yield { objoid: table.id, classoid: CLASS_OF_CLASSES, objsubid: column.id, description: column.comment };
  }
  for (const index of table.indexes) {
    if (index.comment != null) yield { objoid: index.oid, classoid: CLASS_OF_CLASSES, description: index.comment };
  }
  for (const { oid, comment } of table.statistics ?? [])
    if (comment != null) yield { objoid: oid, classoid: CLASS_OF_STATISTICS, description: comment };
  for (const [, oid] of table.constraintComments === undefined ? [] : constraintOids(table)) {
    const comment = table.constraintComments?.[oid];
    if (comment !== undefined) yield { objoid: oid, classoid: CLASS_OF_CONSTRAINTS, description: comment };
  }
}

const DESCRIPTION = layoutOf('pg_catalog', 'pg_description');
const tableDescriptions = perDescriptor(DESCRIPTION, descriptionsOfTable);

export function descriptionParts(model: Model): Parts {
  const others = Array.from(otherDescriptions(model), (values) => makeRow(DESCRIPTION, values));
  return [others, ...model.tables.map(tableDescriptions)];
}

/** Comments on all but tables, their columns and indexes. */
function* otherDescriptions(model: Model): Iterable<Values> {
  for (const schema of model.schemas) {
    if (schema.comment != null) yield { objoid: schema.id, classoid: CLASS_OF_NAMESPACES, description: schema.comment };
  }
  for (const view of model.views) {
    if (view.comment != null) yield { objoid: view.id, classoid: CLASS_OF_CLASSES, description: view.comment };
    for (const { id, comment } of view.columns)
      if (comment != null) yield { objoid: view.id, classoid: CLASS_OF_CLASSES, objsubid: id, description: comment };
  }
  for (const { id, comment, partComments = {}, typeOid } of model.types) {
    const isDomain = userTypeOf(typeOid)?.kind === 'domain';
    for (const [part, description] of Object.entries(partComments)) {
      if (isDomain) yield { objoid: Number(part), classoid: CLASS_OF_CONSTRAINTS, description };
      else yield { objoid: id, classoid: CLASS_OF_CLASSES, objsubid: Number(part), description };
    }
    if (comment != null) yield { objoid: id, classoid: CLASS_OF_TYPES, description: comment };
  }
  for (const { id, comment } of model.collations) {
    if (comment != null) yield { objoid: id, classoid: CLASS_OF_COLLATIONS, description: comment };
  }
  for (const { routines } of model.routines) {
    for (const { oid, comment } of routines)
      if (comment != null) yield { objoid: oid, classoid: CLASS_OF_ROUTINES, description: comment };
  }
  for (const { oid, comment } of extensionEntries(model)) {
    if (comment !== null) yield { objoid: oid, classoid: CLASS_OF_EXTENSIONS, description: comment };
  }
  for (const sequence of model.sequences) {
    if (sequence.comment != null)
      yield { objoid: sequence.id, classoid: CLASS_OF_CLASSES, description: sequence.comment };
  }
}

export function* sharedDescriptions({ model }: Source): Iterable<Values> {
  for (const { id, comment } of model.roles.values())
    if (comment != null) yield { objoid: id, classoid: CLASS_OF_ROLES, description: comment };
  for (const database of model.databases) {
    if (database.comment != null)
      yield { objoid: database.id, classoid: CLASS_OF_DATABASES, description: database.comment };
  }
}
