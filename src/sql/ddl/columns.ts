/** Column definitions: types, defaults, serial and identity, CHECK expressions. */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ColumnDescriptor, SequenceDescriptor } from '../catalog/descriptor.js';
import { isKeyEncodable } from '../encoding/key-codec.js';
import type { CompositeField } from '../types/composite.js';
import type { RelationName } from '../contract.js';
import { errorAt } from '../plan/binder.js';
import { resolveCollation } from '../plan/collation-names.js';
import { resolveTypeName } from '../plan/coerce.js';
import type { TypeScope } from '../plan/coerce.js';
import { OID } from '../types/oids.js';
import { typeCollation } from '../types/collated.js';
import { formatType, typeByOid } from '../types/registry.js';
import { baseOidOf, domainCollation, domainTypmod, userTypeOf } from '../types/user-types.js';
import { compressionNamed } from './compression.js';
import type { DdlContext } from './context.js';
import { deparse } from './deparse.js';
import { withAttribute } from './foreign-keys.js';
import { LITERALS } from '../functions/shown-sql.js';
import { splitName } from '../types/identifiers.js';
import { parseBool } from '../types/scalar-input.js';
import { compilePlaced, placed, requireKnownTypes } from './placed-expressions.js';
import { claimIdentityName, descriptorOf } from './objects.js';
import { createSequence, requireIdentityType, sequenceDefaults } from './sequences.js';
import { startOf } from '../plan/ast.js';
import { list, objectName, of, options, qualifiedName, strings, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

export const HIDDEN_COLUMN = 'rowid';
export const COLUMNS_MAX = 1600;

export function tooManyColumns(): Error {
  return sqlError('54011', `tables can have at most ${COLUMNS_MAX} columns`);
}

export interface ColumnDraft {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  notNull: boolean;
  explicitNull: boolean;
  defaultNode: unknown;
  readonly serial: number | null;
  identity: 'always' | 'by default' | null;
  identityOptions: unknown;
  readonly collation: string | null;
  readonly compression?: NonNullable<ColumnDescriptor['compression']>;
  /** Of GENERATED ALWAYS AS (…) STORED; bound once all columns are known (generated.ts). */
  generatedNode?: unknown;
  /** Constraints of the column that belong to the table: keys and checks. */
  readonly constraints: Loose[];
}

const SERIAL: Readonly<Record<string, number>> = {
  serial: OID.int4,
  serial4: OID.int4,
  bigserial: OID.int8,
  serial8: OID.int8,
  smallserial: OID.int2,
  serial2: OID.int2,
};

export const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

export function isSerial({ schema, name }: RelationName): boolean {
  return schema === null && Object.hasOwn(SERIAL, name);
}

/** @throws QuoralError 42701 */
export function refuseSystemColumn(name: string): void {
  if (SYSTEM_COLUMNS.has(name)) throw sqlError('42701', `column name "${name}" conflicts with a system column name`);
}

export function draftColumn(def: Loose, types: TypeScope, table: string): ColumnDraft {
  const name = text(def['colname']);
  refuseSystemColumn(name);
  const typeName = def['typeName'] as Loose;
  const names = strings(typeName['names']);
  const serial = names.length === 1 && Object.hasOwn(SERIAL, names[0]!) ? SERIAL[names[0]!]! : null;
  const type =
    serial !== null
      ? { oid: serial, typmod: -1 }
      : resolveTypeName(typeName as Parameters<typeof resolveTypeName>[0], types);
  if (serial !== null && list(typeName['arrayBounds']).length > 0)
    throw errorAt('0A000', 'array of serial is not implemented', Number(typeName['location'] ?? 0));
  checkColumnType(name, type.oid);
  const collClause = def['collClause'] as Loose | undefined;
  const compression = compressionNamed(text(def['compression']) || 'default', type.oid);
  const draft: ColumnDraft = {
    ...emptyDraft(name, { typeOid: type.oid, typmod: type.typmod }),
    serial,
    collation: collClause === undefined ? null : writtenCollation(collClause, type.oid, types),
    ...(compression === undefined ? {} : { compression }),
  };
  addColumnConstraints(draft, constraintsOf(def), table);
  return draft;
}

function emptyDraft(name: string, type: { readonly typeOid: number; readonly typmod: number }): ColumnDraft {
  return {
    name,
    ...type,
    notNull: false,
    explicitNull: false,
    defaultNode: null,
    serial: null,
    identity: null,
    identityOptions: null,
    collation: null,
    constraints: [],
  };
}

function constraintsOf(def: Loose): Loose[] {
  return list(def['constraints']).map((node) => of(node, 'Constraint'));
}

/** A column of a typed table, under the options that are written for it. */
export function draftAttribute(field: CompositeField, options: Loose | null, table: string): ColumnDraft {
  const draft = {
    ...emptyDraft(field.name, { typeOid: field.typeOid, typmod: field.typmod }),
    collation: field.collation ?? null,
  };
  if (options !== null) addColumnConstraints(draft, constraintsOf(options), table);
  if (draft.identity !== null) throw sqlError('0A000', 'identity columns are not supported on typed tables');
  if (draft.generatedNode !== undefined) throw sqlError('0A000', 'generated columns are not supported on typed tables');
  return draft;
}

export function checkColumnType(name: string, oid: number): void {
  if (typeByOid(oid).category === 'P' || oid === OID.unknown) {
    throw sqlError('42P16', `column "${name}" has pseudo-type ${typeByOid(oid).sqlName}`);
  }
}

/** The key that a COLLATE clause names; null: what the type has by itself. @throws QuoralError 42704, 42804, 3F000 */
export function writtenCollation(clause: Loose, typeOid: number, types: TypeScope): string | null {
  const location = Number(clause['location'] ?? -1);
  const { key } = resolveCollation(strings(clause['collname']), location, types.findCollation);
  const own = typeCollation(typeOid);
  if (own === null) throw errorAt('42804', `collations are not supported by type ${formatType(typeOid)}`, location);
  return key === (domainCollation(typeOid) ?? own) ? null : key;
}

/** `refuse` makes the error of a constraint that does not go with those before it. */
function addColumnConstraint(draft: ColumnDraft, c: Loose, refuse: (problem: string) => Error): void {
  switch (c['contype']) {
    case 'CONSTR_NULL':
      if (draft.notNull) throw refuse(CONFLICTING_NULL);
      draft.explicitNull = true;
      return;
    case 'CONSTR_NOTNULL':
      if (draft.explicitNull) throw refuse(CONFLICTING_NULL);
      draft.notNull = true;
      return;
    case 'CONSTR_DEFAULT':
      if (draft.defaultNode !== null) throw refuse('multiple default values specified');
      draft.defaultNode = c['raw_expr'];
      return;
    case 'CONSTR_IDENTITY':
      if (draft.identity !== null) throw refuse('multiple identity specifications');
      if (draft.explicitNull) throw refuse(CONFLICTING_NULL);
      draft.identity = c['generated_when'] === 'd' ? 'by default' : 'always';
      draft.identityOptions = c['options'];
      draft.notNull = true;
      return;
    case 'CONSTR_GENERATED':
      if (draft.generatedNode !== undefined) throw refuse('multiple generation clauses specified');
      draft.generatedNode = c['raw_expr'];
      return;
    case 'CONSTR_ATTR_DEFERRABLE':
    case 'CONSTR_ATTR_DEFERRED':
    case 'CONSTR_ATTR_NOT_DEFERRABLE':
    case 'CONSTR_ATTR_IMMEDIATE':
      withAttribute(draft.constraints, String(c['contype']), Number(c['location'] ?? -1));
      return;
    case 'CONSTR_FOREIGN':
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
    case 'CONSTR_CHECK':
      draft.constraints.push(c);
      return;
    default:
      throw unsupported(`constraint ${String(c['contype'])}`);
  }
}

/** The sequence is made when the column is. */
const OF_SERIAL: readonly Loose[] = [{ contype: 'CONSTR_DEFAULT', raw_expr: 'serial' }, { contype: 'CONSTR_NOTNULL' }];
const CONFLICTING_NULL = 'conflicting NULL/NOT NULL declarations';

/** Which of the ways to fill a column by itself it has twice. */
function twoSources({ defaultNode, identity, generatedNode }: ColumnDraft): string | null {
  const hasDefault = defaultNode !== null;
  if (hasDefault && identity !== null) return 'both default and identity specified';
  if (hasDefault && generatedNode !== undefined) return 'both default and generation expression specified';
  return identity !== null && generatedNode !== undefined ? 'both identity and generation expression specified' : null;
}

function addColumnConstraints(draft: ColumnDraft, constraints: readonly Loose[], table: string): void {
  const refuser =
    ({ location }: Loose) =>
    (problem: string): Error =>
      errorAt('42601', `${problem} for column "${draft.name}" of table "${table}"`, Number(location ?? -1));
  // What serial brings along comes last, and has no place in the text.
  for (const c of draft.serial === null ? constraints : [...constraints, ...OF_SERIAL]) {
    addColumnConstraint(draft, c, refuser(c));
    const twice = twoSources(draft);
    if (twice !== null) throw refuser(c)(twice);
  }
  if (draft.constraints.some((c) => c['contype'] === 'CONSTR_PRIMARY')) draft.notNull = true;
}

export interface OwnerTable {
  readonly id: number;
  readonly name: string;
  readonly schemaId: number;
  readonly schemaName: string;
  readonly unlogged: boolean;
}

/** The sequence of a serial or identity column, made; null: it needs none. Defaults of other columns may name it. */
export async function sequenceOf(
  ctx: DdlContext,
  draft: ColumnDraft,
  id: number,
  table: OwnerTable,
): Promise<number | null> {
  if (draft.serial === null && draft.identity === null) return null;
  return (await ownedSequence(ctx, draft, id, table)).id;
}

/** The descriptor; `sequenceId` is what `sequenceOf` has made. */
export async function finishColumn(
  ctx: DdlContext,
  draft: ColumnDraft,
  id: number,
  sequenceId: number | null,
): Promise<ColumnDescriptor> {
  checkColumnType(draft.name, draft.typeOid);
  let defaultSql: string | null = null;
  if (sequenceId !== null) {
    if (draft.serial !== null) defaultSql = nextvalSql(sequenceId);
  } else if (draft.defaultNode !== null) {
    defaultSql = await storedDefault(ctx, draft.defaultNode, draft);
  }
  return {
    id,
    name: draft.name,
    typeOid: draft.typeOid,
    typmod: draft.typmod,
    nullable: !draft.notNull,
    defaultSql,
    identity: draft.identity,
    sequenceId,
    hidden: false,
    collation: draft.collation,
    ...(draft.compression === undefined ? {} : { compression: draft.compression }),
    missingText: null,
    dropped: false,
  };
}

async function ownedSequence(
  ctx: DdlContext,
  draft: ColumnDraft,
  columnId: number,
  table: OwnerTable,
): Promise<SequenceDescriptor> {
  if (draft.identity !== null) requireIdentityType(draft.typeOid);
  const id = await ctx.catalog.catalog.ids.next();
  const opts = options(draft.identityOptions);
  const name = await claimIdentityName(ctx, table, draft.name, opts, id);
  const settings = sequenceDefaults(opts.some((o) => o.name === 'as') ? OID.int8 : draft.typeOid, opts);
  return createSequence(
    ctx,
    { ...settings, typeOid: draft.typeOid },
    {
      id,
      name,
      schemaId: table.schemaId,
      ownedBy: { tableId: table.id, columnId },
      unlogged: table.unlogged,
    },
  );
}

/** Which sequence it is does not depend on the search path, nor on what the sequence is called later. */
export function nextvalSql(sequence: number): string {
  return `nextval('${sequence}'::regclass)`;
}

/** The text of a column's default, in which relations are named by their oids. @throws QuoralError 42P01 */
export async function storedDefault(
  ctx: DdlContext,
  node: unknown,
  column: Parameters<typeof defaultText>[2],
): Promise<string | null> {
  const sql = defaultText(ctx, node, column);
  if (sql?.includes('::regclass') !== true) return sql;
  const pins = new Map<string, number>();
  for (const [, literal, cast] of sql.matchAll(LITERALS)) {
    if (cast === undefined || /^\s*\d+\s*$/.test(literal!)) continue;
    const name = qualifiedName(splitName(literal!.replaceAll("''", "'")));
    const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
    if (found !== null && found.kind !== 'virtual') pins.set(literal!, descriptorOf(found).id);
  }
  return sql.replace(LITERALS, (all, literal: string | undefined, cast: string | undefined) => {
    const oid = cast === undefined ? undefined : pins.get(literal!);
    return oid === undefined ? all : `'${oid}'::regclass`;
  });
}

const DEFAULTS = 'DEFAULT expressions';

/** Canonical text of a default, checked against the column's type. */
export function defaultText(
  ctx: DdlContext,
  node: unknown,
  column: { readonly name: string; readonly typeOid: number; readonly typmod: number },
): string | null {
  refuseInDefault(ctx, node);
  const named = namedSequences(node);
  const sql = deparse(named);
  if (/^NULL$/i.test(sql)) return nullDefault(column);
  // A literal is shown as what a domain is over, without that one's length; that of an interval says how it is read.
  const base = baseOidOf(column.typeOid);
  const target = { typeOid: base, typmod: base === OID.interval ? domainTypmod(column.typeOid, column.typmod) : -1 };
  const written = compilePlaced(ctx, { node: named, sql }, [], null, DEFAULTS);
  const assigned = assignedDefault(column, written, () =>
    compilePlaced(ctx, { node: named, sql }, [], target, DEFAULTS),
  );
  if (column.typmod === -1 && isNullOf(ctx, node, column.typeOid)) return null;
  // As written, without the cast that assignment adds; only a bare literal takes the column's type at once.
  if ((node as Loose)['A_Const'] !== undefined && /^E?'/i.test(sql)) return assigned.sql;
  return written.sql;
}

/** @throws QuoralError 42804 */
function assignedDefault<E extends { readonly typeOid: number }>(
  column: { readonly name: string; readonly typeOid: number },
  written: E,
  assign: () => E,
): E {
  try {
    return assign();
  } catch (error) {
    if (!(error instanceof QuoralError) || error.sqlstate !== '42804') throw error;
    const types = `type ${formatType(column.typeOid)} but default expression is of type ${formatType(written.typeOid)}`;
    throw sqlError('42804', `column "${column.name}" is of ${types}`, {
      hint: 'You will need to rewrite or cast the expression.',
    });
  }
}

/** A bare NULL is no default, unless it had to be fitted into the column's length or domain, as PostgreSQL sees it. */
function nullDefault({ typeOid, typmod }: { readonly typeOid: number; readonly typmod: number }): string | null {
  const base = baseOidOf(typeOid);
  const isFitted = typmod !== -1 && base !== OID.interval;
  return isFitted || userTypeOf(typeOid)?.kind === 'domain' ? `NULL::${formatType(base, -1)}` : null;
}

/** NULL written with a cast to this very type. */
function isNullOf(ctx: DdlContext, node: unknown, typeOid: number): boolean {
  const cast = (node as Loose)['TypeCast'] as Loose | undefined;
  const value = (cast?.['arg'] as Loose | undefined)?.['A_Const'] as Loose | undefined;
  if (value?.['isnull'] !== true) return false;
  const type = resolveTypeName(cast!['typeName'] as Parameters<typeof resolveTypeName>[0], ctx.types);
  return type.oid === typeOid && type.typmod === -1;
}

/** A literal names its sequence now, as PostgreSQL's regclass constant does, and not when the default is used. */
function namedSequences(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) return node.map(namedSequences);
  const call = (node as Loose)['FuncCall'] as Loose | undefined;
  const arg = list(call?.['args'])[0];
  const literal = (arg?.['A_Const'] as Loose | undefined)?.['sval'];
  if (call !== undefined && literal !== undefined && strings(call['funcname']).at(-1) === 'nextval') {
    const typeName = { names: [{ String: { sval: 'regclass' } }], typemod: -1 };
    const location = (arg!['A_Const'] as Loose)['location'];
    return { FuncCall: { ...call, args: [{ TypeCast: { arg, typeName, location } }] } };
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, namedSequences(value)]));
}

function refuseInDefault(ctx: DdlContext, node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    const child = value as Loose;
    const isWindow = key === 'FuncCall' && child['over'] !== undefined;
    if (key === 'SubLink') throw inDefault(ctx, '0A000', 'cannot use subquery in DEFAULT expression', child);
    if (isWindow) throw inDefault(ctx, '42P20', 'window functions are not allowed in DEFAULT expressions', child);
    if (key === 'ColumnRef') throw inDefault(ctx, '0A000', 'cannot use column reference in DEFAULT expression', child);
    refuseInDefault(ctx, value);
  }
}

function inDefault(ctx: DdlContext, sqlstate: string, message: string, { location }: Loose): Error {
  return errorAt(sqlstate, message, placed(ctx, Number(location ?? 0)));
}

export function compileCheck(
  ctx: DdlContext,
  node: unknown,
  columns: readonly ColumnDescriptor[],
): { readonly sql: string; readonly columnIds: number[] } {
  const live = columns.filter((c) => !c.dropped && !c.hidden);
  const condition = conditionOf(ctx, node);
  const compiled = compilePlaced(ctx, { node: condition, sql: deparse(condition) }, live, null, 'check constraints');
  if (compiled.typeOid !== OID.bool) {
    const message = `argument of CHECK must be type boolean, not type ${typeByOid(compiled.typeOid).sqlName}`;
    throw errorAt('42804', message, placed(ctx, startOf(node as Parameters<typeof startOf>[0])));
  }
  requireKnownTypes(ctx, compiled.sql, live, 'check constraints');
  return { sql: compiled.sql, columnIds: compiled.columnsUsed.map((p) => live[p]!.id) };
}

/** Of a literal without a type, which a condition takes for a boolean: that. @throws QuoralError 22P02 */
export function conditionOf(ctx: DdlContext, node: unknown): unknown {
  const literal = of(node as Loose, 'A_Const');
  if (literal['isnull'] === true) {
    const names = ['pg_catalog', 'bool'].map((sval) => ({ String: { sval } }));
    return { TypeCast: { arg: node, typeName: { names, typemod: -1 }, location: -1 } };
  }
  const sval = literal['sval'] as Loose | undefined;
  if (sval === undefined) return node;
  try {
    const value = parseBool(text(sval['sval']));
    return { A_Const: { boolval: value ? { boolval: true } : {}, location: -1 } };
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    throw errorAt(error.sqlstate, error.message, placed(ctx, startOf(node as Parameters<typeof startOf>[0])));
  }
}

/** The name PostgreSQL gives to a check constraint: by its column if it reads one only; none of those taken. */
export function checkName(
  table: string,
  columnIds: readonly number[],
  columns: readonly Pick<ColumnDescriptor, 'id' | 'name'>[],
  taken: readonly string[],
): string {
  const only = columnIds.length === 1 ? columns.find((c) => c.id === columnIds[0]) : undefined;
  for (let n = 0; ; n++) {
    const name = objectName(table, only?.name ?? '', n === 0 ? 'check' : `check${n}`);
    if (!taken.includes(name)) return name;
  }
}

export function requireKeyType({ typeOid }: Pick<ColumnDescriptor, 'typeOid'>, method = 'btree'): void {
  if (!isKeyEncodable(typeOid)) throw noDefaultClass(typeOid, method);
}

export function noDefaultClass(typeOid: number, method: string): QuoralError {
  const { sqlName } = typeByOid(typeOid);
  return sqlError('42704', `data type ${sqlName} has no default operator class for access method "${method}"`, {
    hint: 'You must specify an operator class for the index or define a default operator class for the data type.',
  });
}

/** What columns that nobody sees have in common. */
export const HIDDEN = {
  defaultSql: null,
  identity: null,
  sequenceId: null,
  hidden: true,
  collation: null,
  missingText: null,
  dropped: false,
} as const;

/**
 * The ids of hidden columns, beyond those of all that users see: the catalogs show ids as `attnum`, and pg_dump refuses a
 * table whose columns are not numbered without a gap. Up to 2047 an id takes two bytes in a row.
 */
const FIRST_HIDDEN_ID = 1_800;

export function nextHiddenId(columns: readonly ColumnDescriptor[]): number {
  return columns.reduce((next, c) => (c.hidden ? Math.max(next, c.id + 1) : next), FIRST_HIDDEN_ID);
}

/** The row id of a table without a primary key. */
export function hiddenColumn(id: number, taken: readonly string[]): ColumnDescriptor {
  let name = HIDDEN_COLUMN;
  for (let n = 1; taken.includes(name); n++) name = `${HIDDEN_COLUMN}_${n}`;
  return { ...HIDDEN, id, name, typeOid: OID.int8, typmod: -1, nullable: false };
}
