/**
 * Session information and the catalog functions that tools call (chapter 9.26). What they tell comes from
 * the session's services.
 */
import { currentSchema, isTemporarySchema, isTemporarySchemaName } from '../catalog/temporary-names.js';
import { sqlError } from '../../base/errors.js';
import type { ExecContext, StoredColumn } from '../contract.js';
import type { ForeignKeyDescriptor, IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { EPOCH_OFFSET_MICROS } from '../types/calendar.js';
import { isPrimaryKey } from '../catalog/descriptor.js';
import { type Numeric, PgArray } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { toInt8 } from '../types/casts.js';
import {
  formatNumeric,
  multiplyNumeric,
  numericFromBigInt,
  numericToBigInt,
  parseNumeric,
  truncNumeric,
} from '../types/numeric.js';
import { builtInCollationOf, collationOfKey, COLLATION_VERSION } from '../types/collation.js';
import { typeCollation } from '../types/collated.js';
import { OID } from '../types/oids.js';
import { missingRelation, schemaOid } from '../types/reg-names.js';
import { catalogOidOf, findTypeByOid, formatType, typeByOid } from '../types/registry.js';
import type { CallInfo, Value } from './entry.js';
import { fn, fns } from './define.js';
import { quoteIdentifier } from './strings.js';
import { indexColumnText, indexText } from './index-text.js';
import { viewOfRule } from '../catalog/rule-oids.js';
import { expressionColumns, shownSql } from './shown-sql.js';
import { numberIfAsked, transactionNumber, xidOf } from '../locks/transaction-number.js';

const STABLE = { volatility: 'stable' } as const;
const LOOSE = { volatility: 'stable', strict: false } as const;
const VOLATILE = { volatility: 'volatile' } as const;

fn('pg_my_temp_schema() oid', (ctx: ExecContext) => ctx.services.temporarySchema ?? 0, STABLE);
fn(
  'pg_is_other_temp_schema(oid) bool',
  (oid: number, ctx: ExecContext) => isTemporarySchema(oid) && oid !== ctx.services.temporarySchema,
  STABLE,
);
fn('version() text', (ctx: ExecContext) => ctx.services.serverVersion, STABLE);
fns(['current_database() name', 'current_catalog() name'], (ctx: ExecContext) => ctx.services.database, STABLE);
fns(
  ['current_user() name', 'user() name', 'current_role() name', 'getpgusername() name'],
  (ctx: ExecContext) => ctx.services.user,
  STABLE,
);
fn('session_user() name', (ctx: ExecContext) => ctx.services.sessionUser ?? ctx.services.user, STABLE);
fn('current_schema() name', (ctx: ExecContext) => currentSchema(ctx.services), STABLE);
fn(
  'current_schemas(bool) _name',
  (implicit: boolean, ctx: ExecContext) => {
    const path = ctx.services.searchPath;
    const isSaid = (ctx.services.temporary ?? 'unsaid') !== 'unsaid';
    const named = path.filter((schema) => isSaid || !isTemporarySchemaName(schema));
    if (!implicit) return new PgArray(OID.name, named);
    const own = isSaid ? [] : path.filter(isTemporarySchemaName);
    return new PgArray(OID.name, path.includes('pg_catalog') ? [...path] : [...own, 'pg_catalog', ...named]);
  },
  STABLE,
);
fn('current_query() text', () => null, { ...VOLATILE, strict: false });
fn('pg_backend_pid() int4', (ctx: ExecContext) => ctx.services.processId, STABLE);
fn('pg_is_in_recovery() bool', () => false, VOLATILE);
fns(
  ['pg_postmaster_start_time() timestamptz', 'pg_conf_load_time() timestamptz'],
  (ctx: ExecContext) => ctx.services.usage?.node.startedAt ?? ctx.format.transactionNow,
  STABLE,
);
// There is no server that this one follows.
fns(['pg_last_wal_receive_lsn() pg_lsn', 'pg_last_wal_replay_lsn() pg_lsn'], () => null, VOLATILE);
fn('pg_last_xact_replay_timestamp() timestamptz', () => null, VOLATILE);
/** Versions are found by time and nothing is ever frozen: what has not been given to a transaction is as young as can be. */
const FROZEN = 3;
fn(
  'age(xid) int4',
  (xid: number, ctx: ExecContext) => (xid < FROZEN ? 2147483647 : xid === FROZEN ? 0 : (xidOf(ctx.txn) - xid) | 0),
  STABLE,
);
fns(['inet_server_addr() inet', 'inet_client_addr() inet'], () => null, LOOSE);
fns(['inet_server_port() int4', 'inet_client_port() int4'], () => null, LOOSE);
fns(['txid_current() int8', 'pg_current_xact_id() xid8'], ({ txn }: ExecContext) => transactionNumber(txn), STABLE);
fns(
  ['txid_current_if_assigned() int8', 'pg_current_xact_id_if_assigned() xid8'],
  (ctx: ExecContext) => numberIfAsked(ctx.txn),
  LOOSE,
);

/**
 * A transaction's number is the time of a snapshot of it, of which no record is kept: what became of another one is not known, as in
 * PostgreSQL when it is long ago. Bootstrap's and that of what is frozen always stand for what is committed.
 * @throws QuoralError 22023
 */
function transactionStatus(id: bigint, ctx: ExecContext): Datum {
  const own = numberIfAsked(ctx.txn) ?? BigInt(ctx.txn.readTimestamp);
  const number = BigInt.asUintN(64, id);
  // Its own number may be of an earlier snapshot than this one, which others have gone before.
  if (number > own && number > BigInt(ctx.txn.readTimestamp))
    throw sqlError('22023', `transaction ID ${number} is in the future`);
  if (number === own) return 'in progress';
  return number === 1n || number === 2n ? 'committed' : null;
}

fns(['txid_status(int8) text', 'pg_xact_status(xid8) text'], transactionStatus, VOLATILE);

// ---- settings ----

fn('current_setting(text) text', (name: string, ctx: ExecContext) => ctx.services.setting(name, false), STABLE);
fn(
  'current_setting(text, bool) text',
  (name: string, missingOk: boolean, ctx: ExecContext) => ctx.services.setting(name, missingOk),
  STABLE,
);
fn(
  'set_config(text, text, bool) text',
  (name: string | null, value: string | null, local: boolean | null, ctx: ExecContext) => {
    if (name === null) throw sqlError('22004', 'SET requires parameter name');
    return ctx.services.setSetting(name, value ?? '', local === true);
  },
  { volatility: 'volatile', strict: false },
);

// ---- sequences ----

const WAITS = { volatility: 'volatile', mayWait: true } as const;
for (const type of ['regclass', 'text']) {
  fn(`nextval(${type}) int8`, (s: string | number, ctx: ExecContext) => ctx.services.nextval(s), WAITS);
  fn(`currval(${type}) int8`, (s: string | number, ctx: ExecContext) => ctx.services.currval(s), WAITS);
  fn(
    `setval(${type}, int8) int8`,
    (s: string | number, v: bigint, ctx: ExecContext) => ctx.services.setval(s, v, true),
    WAITS,
  );
  fn(
    `setval(${type}, int8, bool) int8`,
    (s: string | number, v: bigint, called: boolean, ctx: ExecContext) => ctx.services.setval(s, v, called),
    WAITS,
  );
}
fn('lastval() int8', (ctx: ExecContext) => ctx.services.lastval(), WAITS);

// ---- identifiers and random values ----

function randomUuid(ctx: ExecContext): string {
  const b = ctx.rng.bytes(16);
  b[6] = (b[6]! & 0x0f) | 0x40;
  b[8] = (b[8]! & 0x3f) | 0x80;
  const h = b.toString('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20, 32)}`;
}
fns(['gen_random_uuid() uuid', 'uuid_generate_v4() uuid'], randomUuid, VOLATILE);

// ---- waiting ----

fn('pg_sleep(float8) void', (seconds: number, ctx: ExecContext) => sleep(seconds, ctx), {
  volatility: 'volatile',
  mayWait: true,
});
fn(
  'pg_sleep_for(interval) void',
  (v: Value, ctx: ExecContext) => sleep(Number((v as { micros: bigint }).micros) / 1e6, ctx),
  { volatility: 'volatile', mayWait: true },
);
fn(
  'pg_sleep_until(timestamptz) void',
  (until: bigint, ctx: ExecContext) => sleep(Number(until - BigInt(ctx.db.now()) + EPOCH_OFFSET_MICROS) / 1e6, ctx),
  { volatility: 'volatile', mayWait: true },
);
async function sleep(seconds: number, ctx: ExecContext): Promise<Datum> {
  if (ctx.services.sleep === undefined) throw sqlError('0A000', 'pg_sleep is not available here');
  if (seconds > 0) await ctx.services.sleep(seconds * 1000, ctx.signal);
  return '';
}

// ---- types and values ----

fn(
  'format_type(oid, int4) text',
  (oid: number | null, typmod: number | null, ctx: ExecContext) => {
    if (oid === null) return null;
    return findTypeByOid(oid) === null ? (ctx.services.typeName(oid) ?? formatType(oid)) : formatType(oid, typmod);
  },
  LOOSE,
);
fn('pg_typeof(any) regtype', (_v: Datum, _ctx: ExecContext, call: CallInfo) => catalogOidOf(call.argOids[0]!), LOOSE);
fn(
  'pg_column_size(any) int4',
  (v: Value, _ctx: ExecContext, call: CallInfo) => {
    const type = typeByOid(call.argOids[0]!);
    return type.length > 0 ? type.length : type.send(v).length + 1;
  },
  STABLE,
);
fn(
  'pg_collation_for(any) text',
  (_v: Datum, ctx: ExecContext, call: CallInfo) => {
    const oid = call.argOids[0]!;
    const own = typeCollation(oid);
    if (own === null && oid !== OID.unknown)
      throw sqlError('42804', `collations are not supported by type ${typeByOid(oid).sqlName}`);
    const { collation = own === null ? null : collationOfKey(own) } = call;
    if (collation === null) return null;
    if (collation.name !== null) return quoteIdentifier(collation.name);
    return ctx.services.collationName?.(collation.oid) ?? String(collation.oid);
  },
  { ...STABLE, strict: false },
);
fn(
  'pg_collation_actual_version(oid) text',
  (oid: number, ctx: ExecContext) => {
    const key = builtInCollationOf(oid);
    const known = ctx.services.access?.descriptor(oid) ?? null;
    if (key === null && known?.kind !== 'collation')
      throw sqlError('42704', `collation with OID ${oid} does not exist`);
    const isIcu =
      key === null ? known?.kind === 'collation' && known.provider === 'i' : collationOfKey(key).provider === 'i';
    return isIcu ? COLLATION_VERSION : null;
  },
  STABLE,
);
fn(
  'to_regcollation(text) regcollation',
  (name: string, ctx: ExecContext) => {
    try {
      return typeByOid(OID.regcollation).input(name, -1, ctx.format);
    } catch (error) {
      if (error instanceof Error && 'sqlstate' in error && /^(42704|3F000)$/.test(String(error.sqlstate))) return null;
      throw error;
    }
  },
  STABLE,
);
fn('to_regclass(text) regclass', (name: string, ctx: ExecContext) => ctx.services.relationOid(name), STABLE);
fn(
  'to_regtype(text) regtype',
  (name: string, ctx: ExecContext) => {
    try {
      return typeByOid(OID.regtype).input(name, -1, ctx.format);
    } catch (error) {
      if (error instanceof Error && 'sqlstate' in error && /^(42704|3F000)$/.test(String(error.sqlstate))) return null;
      throw error;
    }
  },
  STABLE,
);
fn('pg_trigger_depth() int4', () => 0, STABLE);
fn('num_nulls(variadic any) int4', (args: readonly Datum[]) => args.filter((v) => v === null).length, {
  strict: false,
});
fn('num_nonnulls(variadic any) int4', (args: readonly Datum[]) => args.filter((v) => v !== null).length, {
  strict: false,
});

// ---- catalog: expressions and definitions ----

/** @param columns what it may name */
function shownExpression(sql: string, columns: readonly StoredColumn[], pretty: boolean, ctx: ExecContext): string {
  const isAsStored = !pretty && !sql.includes('CASE');
  const text = (): string | undefined => ctx.services.expressionText?.(sql, columns, pretty);
  return (isAsStored ? undefined : text()) ?? shownSql(sql, ctx, columns);
}
function expressionOf(sql: string, relation: number, pretty: boolean, ctx: ExecContext): string {
  return shownExpression(sql, expressionColumns(ctx.services.tableByOid(relation)), pretty, ctx);
}

for (const type of ['pg_node_tree', 'text']) {
  fn(
    `pg_get_expr(${type}, oid) text`,
    (text: string, of: number, ctx: ExecContext) => expressionOf(text, of, false, ctx),
    STABLE,
  );
  fn(
    `pg_get_expr(${type}, oid, bool) text`,
    (text: string, of: number, pretty: boolean, ctx: ExecContext) => expressionOf(text, of, pretty, ctx),
    STABLE,
  );
}

function findIndex(oid: number, ctx: ExecContext): { table: TableDescriptor; index: IndexDescriptor } | null {
  const table = ctx.services.tableOfIndex(oid);
  const index = table?.indexes.find((one) => one.oid === oid);
  return table === null || index === undefined ? null : { table, index };
}
function columnName(table: TableDescriptor, id: number): string {
  return quoteIdentifier(table.columns.find((column) => column.id === id)?.name ?? '?');
}
function qualified(table: TableDescriptor, ctx: ExecContext): string {
  return ctx.services.qualifiedRelationName?.(table.id) ?? quoteIdentifier(table.name);
}
function indexDefinition(oid: number, column: number, pretty: boolean, ctx: ExecContext): Datum {
  const found = findIndex(oid, ctx);
  if (found === null) return null;
  const { table, index } = found;
  const show = (sql: string): string => shownExpression(sql, expressionColumns(table), pretty, ctx);
  if (column > 0) return indexColumnText(table, index, column, show);
  const visible = (): string => ctx.services.relationName(table.id) ?? quoteIdentifier(table.name);
  return indexText(table, index, pretty ? visible() : qualified(table, ctx), show);
}
fn('pg_get_indexdef(oid) text', (oid: number, ctx: ExecContext) => indexDefinition(oid, 0, false, ctx), STABLE);
fn('pg_get_indexdef(oid, int4, bool) text', indexDefinition, STABLE);
function foreignKeyText(table: TableDescriptor, fk: ForeignKeyDescriptor, ctx: ExecContext): string {
  const parent = ctx.services.tableByOid(fk.parentId);
  const names = (of: TableDescriptor, ids: readonly number[]): string => ids.map((id) => columnName(of, id)).join(', ');
  const name = ctx.services.relationName(fk.parentId) ?? String(fk.parentId);
  let text = `FOREIGN KEY (${names(table, fk.columnIds)}) REFERENCES ${name}`;
  if (parent !== null) text += `(${names(parent, fk.parentColumnIds)})`;
  if (fk.match === 'full') text += ' MATCH FULL';
  if (fk.onUpdate !== 'no action') text += ` ON UPDATE ${fk.onUpdate.toUpperCase()}`;
  if (fk.onDelete !== 'no action') text += ` ON DELETE ${fk.onDelete.toUpperCase()}`;
  if (fk.deleteColumnIds.length > 0) text += ` (${names(table, fk.deleteColumnIds)})`;
  if (fk.deferrable) text += ' DEFERRABLE';
  if (fk.initiallyDeferred) text += ' INITIALLY DEFERRED';
  return fk.validated ? text : `${text} NOT VALID`;
}
function keyText(table: TableDescriptor, index: IndexDescriptor): string {
  const named = (ids: readonly number[]): string => `(${ids.map((id) => columnName(table, id)).join(', ')})`;
  const nulls = index.nullsNotDistinct === true ? ' NULLS NOT DISTINCT' : '';
  const keys = `${isPrimaryKey(index) ? 'PRIMARY KEY' : `UNIQUE${nulls}`} ${named(index.columns.map((key) => key.columnId))}`;
  return index.storing.length === 0 ? keys : `${keys} INCLUDE ${named(index.storing)}`;
}

function constraintDefinition(oid: number, pretty: boolean, ctx: ExecContext): Datum {
  const table = ctx.services.tableOfConstraint(oid);
  if (table === null) {
    const ofDomain = ctx.services.domainCheck(oid);
    if (ofDomain === null) return null;
    const text = shownExpression(ofDomain.expressionSql, [ofDomain.value], pretty, ctx);
    return `CHECK (${text})${ofDomain.validated ? '' : ' NOT VALID'}`;
  }
  const check = table.checks.find((one) => one.oid === oid);
  if (check !== undefined) {
    const shown = shownExpression(check.expressionSql, expressionColumns(table), pretty, ctx);
    const marks = `${check.noInherit === true ? ' NO INHERIT' : ''}${check.validated === false ? ' NOT VALID' : ''}`;
    return `CHECK (${shown})${marks}`;
  }
  const index = table.indexes.find((one) => one.constraintOid === oid);
  if (index !== undefined) {
    const text = keyText(table, index);
    if (index.deferrable == null) return text;
    return `${text} DEFERRABLE${index.deferrable.initiallyDeferred ? ' INITIALLY DEFERRED' : ''}`;
  }
  const fk = table.foreignKeys?.find((one) => one.oid === oid);
  if (fk !== undefined) return foreignKeyText(table, fk, ctx);
  return null;
}
fn('pg_get_constraintdef(oid) text', (oid: number, ctx: ExecContext) => constraintDefinition(oid, false, ctx), STABLE);
fn('pg_get_constraintdef(oid, bool) text', constraintDefinition, STABLE);
/** Lines of pretty texts are this long at most, where nobody says otherwise: each item has its own. */
const WRAP = 0;

function viewDefinition(oid: number | null, ctx: ExecContext, pretty = false, wrap = WRAP): Datum {
  const view = oid === null ? null : ctx.services.viewByOid(oid);
  return view === null ? null : (ctx.services.viewText?.(view, { pretty, wrap }) ?? null);
}
fn('pg_get_viewdef(oid) text', (oid: number, ctx: ExecContext) => viewDefinition(oid, ctx), STABLE);
fn(
  'pg_get_viewdef(oid, bool) text',
  (oid: number, pretty: boolean, ctx: ExecContext) => viewDefinition(oid, ctx, pretty),
  STABLE,
);
fn(
  'pg_get_viewdef(oid, int4) text',
  (oid: number, wrap: number, ctx: ExecContext) => viewDefinition(oid, ctx, true, wrap),
  STABLE,
);
fn(
  'pg_get_viewdef(text) text',
  (name: string, ctx: ExecContext) => viewDefinition(namedRelation(name, ctx), ctx),
  STABLE,
);
fn(
  'pg_get_viewdef(text, bool) text',
  (name: string, pretty: boolean, ctx: ExecContext) => viewDefinition(namedRelation(name, ctx), ctx, pretty),
  STABLE,
);
function namedRelation(name: string, ctx: ExecContext): number {
  const oid = ctx.services.relationOid(name);
  if (oid === null) throw missingRelation(name, (schema) => schemaOid(schema, ctx.format));
  return oid;
}
/** Of the rule that a view is to PostgreSQL; there are no others. */
function ruleDefinition(oid: number, pretty: boolean, ctx: ExecContext): Datum {
  const id = viewOfRule(oid);
  const text = viewDefinition(id, ctx, pretty);
  if (id === null || text === null) return null;
  const { services } = ctx;
  const name = (pretty ? services.relationName(id) : services.qualifiedRelationName?.(id)) ?? String(id);
  return `CREATE RULE "_RETURN" AS\n    ON SELECT TO ${name} DO INSTEAD ${text as string}`;
}
fn('pg_get_ruledef(oid) text', (oid: number, ctx: ExecContext) => ruleDefinition(oid, false, ctx), STABLE);
fn('pg_get_ruledef(oid, bool) text', ruleDefinition, STABLE);

for (const name of ['pg_get_triggerdef', 'pg_get_partkeydef', 'pg_get_partition_constraintdef']) {
  fn(`${name}(oid) text`, () => null, STABLE);
  fn(`${name}(oid, bool) text`, () => null, STABLE);
}
fn(
  'pg_get_serial_sequence(text, text) text',
  (tableName: string, column: string, ctx: ExecContext) => {
    const oid = ctx.services.relationOid(tableName);
    if (oid === null) throw missingRelation(tableName, (schema) => schemaOid(schema, ctx.format));
    const table = ctx.services.tableByOid(oid);
    if (table === null) {
      const view = ctx.services.viewByOid(oid);
      if (view === null || view.columns.some((one) => one.name === column)) return null;
      throw sqlError('42703', `column "${column}" of relation "${view.name}" does not exist`);
    }
    const found = table.columns.find((one) => one.name === column && !one.dropped);
    if (found === undefined) throw sqlError('42703', `column "${column}" of relation "${table.name}" does not exist`);
    const sequence = ctx.services.sequenceOwnedBy?.(table.id, found.id) ?? null;
    return sequence === null ? null : (ctx.services.qualifiedRelationName?.(sequence) ?? null);
  },
  STABLE,
);

// ---- catalog: visibility, comments ----

for (const kind of [
  'table',
  'type',
  'function',
  'operator',
  'opclass',
  'opfamily',
  'collation',
  'conversion',
  'ts_config',
  'ts_dict',
  'ts_parser',
  'ts_template',
  'statistics_obj',
]) {
  fn(
    `pg_${kind}_is_visible(oid) bool`,
    (oid: number, ctx: ExecContext) =>
      kind === 'function'
        ? (ctx.services.isVisibleRoutine?.(oid) ?? true)
        : kind === 'type'
          ? findTypeByOid(oid) !== null || isAlone(ctx.services.typeName(oid))
          : kind === 'collation'
            ? (isAlone(ctx.services.collationName?.(oid) ?? null) ?? true)
            : kind !== 'table' || isAlone(ctx.services.relationName(oid)),
    STABLE,
  );
}
/** True of a name that is shown without a schema, since it is found by itself alone; null: there is none. */
function isAlone(name: string | null): boolean | null {
  if (name === null) return null;
  if (!name.includes('.')) return true;
  return name.startsWith('"') && !name.replaceAll(/"(?:[^"]|"")*"/g, '').includes('.');
}
function relationComment(oid: number, ctx: ExecContext): string | null {
  const relation = ctx.services.tableByOid(oid) ?? ctx.services.viewByOid(oid);
  return relation?.comment ?? findIndex(oid, ctx)?.index.comment ?? ctx.services.commentOf('sequence', oid);
}

function constraintComment(oid: number, ctx: ExecContext): string | null {
  const table = ctx.services.tableOfConstraint(oid);
  return table === null ? ctx.services.commentOf('domain constraint', oid) : (table.constraintComments?.[oid] ?? null);
}
fn(
  'obj_description(oid, name) text',
  (oid: number, catalog: string, ctx: ExecContext) => {
    if (catalog === 'pg_type') return ctx.services.commentOf('type', oid);
    if (catalog === 'pg_collation') return ctx.services.commentOf('collation', oid);
    if (catalog === 'pg_statistic_ext') return ctx.services.commentOf('statistics', oid);
    if (catalog === 'pg_extension') return ctx.services.commentOf('extension', oid);
    if (catalog === 'pg_namespace') return ctx.services.commentOf('schema', oid);
    if (catalog === 'pg_constraint') return constraintComment(oid, ctx);
    if (catalog === 'pg_proc') return ctx.services.routineByOid?.(oid)?.routine.comment ?? null;
    return catalog === 'pg_class' ? relationComment(oid, ctx) : null;
  },
  STABLE,
);
fn(
  'obj_description(oid) text',
  (oid: number, ctx: ExecContext) =>
    relationComment(oid, ctx) ??
    ctx.services.routineByOid?.(oid)?.routine.comment ??
    ctx.services.commentOf('type', oid) ??
    ctx.services.commentOf('collation', oid) ??
    ctx.services.commentOf('schema', oid) ??
    ctx.services.commentOf('extension', oid) ??
    constraintComment(oid, ctx),
  STABLE,
);
fn(
  'col_description(oid, int4) text',
  (oid: number, column: number, ctx: ExecContext) =>
    (ctx.services.tableByOid(oid)?.columns ?? ctx.services.viewByOid(oid)?.columns ?? []).find(
      (one) => one.id === column,
    )?.comment ??
    ctx.services.commentOf('type', oid, column) ??
    null,
  STABLE,
);
fn(
  'shobj_description(oid, name) text',
  (oid: number, catalog: string, ctx: ExecContext) =>
    catalog === 'pg_database'
      ? ctx.services.commentOf('database', oid)
      : catalog === 'pg_authid'
        ? ctx.services.commentOf('role', oid)
        : null,
  STABLE,
);
fn('getdatabaseencoding() name', () => 'UTF8', STABLE);
fn('pg_tablespace_location(oid) text', () => '', STABLE);
fn('pg_relation_is_publishable(regclass) bool', () => true, STABLE);
fn('pg_my_temp_schema() oid', () => 0, STABLE);
fn('pg_relation_filenode(regclass) oid', (oid: number) => oid, STABLE);

// ---- sizes ----

for (const name of ['pg_relation_size', 'pg_total_relation_size', 'pg_table_size', 'pg_indexes_size'])
  fn(`${name}(regclass) int8`, () => 0n, VOLATILE);
fn('pg_relation_size(regclass, text) int8', () => 0n, VOLATILE);
for (const type of ['name', 'oid']) {
  fn(`pg_database_size(${type}) int8`, () => 0n, VOLATILE);
  fn(`pg_tablespace_size(${type}) int8`, () => 0n, VOLATILE);
}
const UNITS = [
  ['bytes', 10240n],
  ['kB', 20479n],
  ['MB', 20479n],
  ['GB', 20479n],
  ['TB', 20479n],
  ['PB', 20479n],
] as const;
export function prettySize(bytes: bigint): string {
  let size = bytes;
  for (let i = 0; i < UNITS.length; i++) {
    const [name, limit] = UNITS[i]!;
    const magnitude = size < 0n ? -size : size;
    if (magnitude < limit || i === UNITS.length - 1) {
      // From kB on the number is in halves until here, so that the last step rounds.
      const shown = i === 0 ? size : size < 0n ? -((magnitude + 1n) / 2n) : (magnitude + 1n) / 2n;
      return `${shown} ${name}`;
    }
    size = i === 0 ? size / 512n : size / 1024n;
  }
  return `${size} bytes`;
}
fn('pg_size_pretty(int8) text', prettySize);
fn('pg_size_pretty(numeric) text', (v: Numeric) => {
  const whole = truncNumeric(v, 0).unscaled;
  // So few bytes are shown with their fraction.
  return whole > -10240n && whole < 10240n ? `${formatNumeric(v)} bytes` : prettySize(whole);
});
fn('pg_size_bytes(text) int8', (text: string) => {
  const [, written, unit = ''] = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)?\s*(.*?)\s*$/is.exec(text)!;
  if (written === undefined) throw sqlError('22023', `invalid size: "${text}"`);
  const power = unit === '' ? 0 : ['bytes', 'kb', 'mb', 'gb', 'tb', 'pb'].indexOf(unit.toLowerCase());
  if (power < 0)
    throw sqlError('22023', `invalid size: "${text}"`, {
      detail: `Invalid size unit: "${unit}".`,
      hint: 'Valid units are "bytes", "kB", "MB", "GB", "TB", and "PB".',
    });
  const size = parseNumeric(written);
  if (size === null) throw sqlError('22023', `invalid size: "${text}"`);
  const bytes = power === 0 ? size : multiplyNumeric(size, numericFromBigInt(1024n ** BigInt(power)));
  return toInt8(numericToBigInt(bytes));
});
