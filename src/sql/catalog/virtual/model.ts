/**
 * What the builders of catalog rows share: the descriptors of the database, sorted out by kind, and small
 * facts of columns and indexes. One model per view.
 */
import type { ExecContext } from '../../contract.js';
import { PgArray } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { findTypeByOid } from '../../types/registry.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID, PG_TOAST_SCHEMA_ID } from '../bootstrap.js';
import { collationOfKey } from '../../types/collation.js';
import { standardDomains } from '../../types/standard-domains.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import { typeCollation } from '../../types/collated.js';
import { domainCollation } from '../../types/user-types.js';
import type {
  CollationDescriptor,
  ColumnDescriptor,
  DatabaseDescriptor,
  IndexDescriptor,
  RoleDescriptor,
  RoutineDescriptor,
  SchemaDescriptor,
  SequenceDescriptor,
  TableDescriptor,
  TypeDescriptor,
  ViewDescriptor,
} from '../descriptor.js';
import { type Acl, itemText } from '../acl.js';
import { PREDEFINED } from '../roles.js';
import { isMaterialized } from '../materialized.js';
import type { Reader } from '../materialized.js';
import { isTemporarySchema, temporarySchemaName } from '../temporary-names.js';
import type { CatalogView } from '../transaction-catalog.js';
import type { Values } from './layout.js';
import type { CatalogServices } from './services.js';

export interface Model {
  readonly view: CatalogView;
  readonly tables: readonly TableDescriptor[];
  readonly sequences: readonly SequenceDescriptor[];
  readonly views: readonly ViewDescriptor[];
  readonly types: readonly TypeDescriptor[];
  readonly collations: readonly CollationDescriptor[];
  /** Views, materialised ones too. */
  readonly readers: readonly Reader[];
  readonly routines: readonly RoutineDescriptor[];
  readonly schemas: readonly SchemaDescriptor[];
  readonly databases: readonly DatabaseDescriptor[];
  /** Predefined ones too, by their oids. */
  readonly roles: ReadonlyMap<number, RoleDescriptor>;
  /** Equal: roles have the names that they had. */
  readonly rolesKey: string;
  readonly schemaNames: ReadonlyMap<number, string>;
}

/** One relation's rows, given what the transaction sees. */
export type Builder = (source: Source) => Iterable<Values>;
export interface Source {
  readonly model: Model;
  readonly ctx: ExecContext;
  readonly services: CatalogServices;
}

const models = new WeakMap<CatalogView, Model>();

export function modelOf(view: CatalogView): Model {
  const known = models.get(view);
  if (known !== undefined) return known;
  const tables: TableDescriptor[] = [];
  const sequences: SequenceDescriptor[] = [];
  const types = standardTypes(view.databaseId);
  const collations: CollationDescriptor[] = [];
  const routines: RoutineDescriptor[] = [];
  const views: ViewDescriptor[] = [];
  const schemas: SchemaDescriptor[] = [];
  const databases: DatabaseDescriptor[] = [];
  const roles = new Map(PREDEFINED.map((role) => [role.id, role]));
  const schemaNames = new Map<number, string>([
    [PG_CATALOG_SCHEMA_ID, 'pg_catalog'],
    [PG_TOAST_SCHEMA_ID, 'pg_toast'],
    [INFORMATION_SCHEMA_ID, 'information_schema'],
  ]);
  for (const d of view.descriptors) {
    if (d.kind === 'database') databases.push(d);
    else if (d.kind === 'role') roles.set(d.id, d);
    else if (d.kind === 'schema') {
      if (d.databaseId !== 0 && d.databaseId !== view.databaseId) continue;
      schemas.push(d);
      schemaNames.set(d.id, d.name);
    } else if (d.databaseId !== view.databaseId) continue;
    else {
      if (isTemporarySchema(d.schemaId)) schemaNames.set(d.schemaId, temporarySchemaName(d.schemaId));
      if (d.kind === 'table') tables.push(d);
      else if (d.kind === 'view') views.push(d);
      else if (d.kind === 'sequence') sequences.push(d);
      else if (d.kind === 'type') types.push(d);
      else if (d.kind === 'collation') collations.push(d);
      else routines.push(d);
    }
  }
  const rolesKey = Array.from(roles.values(), ({ id, name }) => `${id} ${name}`).join();
  const readers = [...views, ...tables.filter(isMaterialized)];
  const model: Model = {
    view,
    tables,
    sequences,
    views,
    readers,
    types,
    collations,
    routines,
    schemas,
    databases,
    roles,
    rolesKey,
    schemaNames,
  };
  models.set(view, model);
  return model;
}

/** Domains that are there without a descriptor. */
function standardTypes(databaseId: number): TypeDescriptor[] {
  const owned = {
    kind: 'type',
    schemaId: INFORMATION_SCHEMA_ID,
    owner: SUPERUSER_OID,
    version: 1,
    databaseId,
  } as const;
  return standardDomains().map(({ type, handle }) => ({ ...owned, id: type.oid, name: type.name, typeOid: handle }));
}

export function roleName({ roles }: Pick<Model, 'roles'>, oid: number): string {
  return roles.get(oid)?.name ?? `unknown (OID=${oid})`;
}

/** A list as an array of aclitem; null for one that was never changed. */
export function aclArray(model: Pick<Model, 'roles'>, acl: Acl | null | undefined): PgArray | null {
  if (acl == null) return null;
  return new PgArray(
    OID.aclitem,
    acl.map((item) => itemText(item, (id) => model.roles.get(id)?.name ?? String(id))),
  );
}

/** For rows that show lists: those without any are the same whatever roles are called. */
export function aclKey(model: Model, descriptor: { readonly acl?: Acl | null | undefined }): string {
  return descriptor.acl == null ? '' : model.rolesKey;
}

/** Columns that the user knows of, dropped ones included. */
export function shownColumns(table: TableDescriptor): readonly ColumnDescriptor[] {
  return table.columns.filter((column) => !column.hidden);
}
export function liveColumns(table: TableDescriptor): readonly ColumnDescriptor[] {
  return table.columns.filter((column) => !column.hidden && !column.dropped);
}

/** Indexes that the user knows of: not the one over the hidden row id. */
export function shownIndexes(table: TableDescriptor): readonly IndexDescriptor[] {
  const hidden = new Set(table.columns.filter((column) => column.hidden).map((column) => column.id));
  return table.indexes.filter((index) => index.oid !== 0 && !index.columns.some((part) => hidden.has(part.columnId)));
}

export function columnById(table: TableDescriptor, id: number): ColumnDescriptor | undefined {
  return table.columns.find((column) => column.id === id);
}

export function int2vector(numbers: readonly number[]): PgArray {
  return new PgArray(OID.int2, numbers, [numbers.length], [0]);
}
export function oidvector(numbers: readonly number[]): PgArray {
  return new PgArray(OID.oid, numbers, [numbers.length], [0]);
}
export function textArray(texts: readonly string[]): PgArray {
  return new PgArray(OID.text, texts);
}
export function int2Array(numbers: readonly number[]): PgArray {
  return new PgArray(OID.int2, numbers);
}

export const DEFAULT_COLLATION = 100;

/** pg_collation's oid of a type's values, 0 where collation means nothing. `key` is of what they were declared with. */
export function collationOf(typeOid: number, key: string | null = null): number {
  if (findTypeByOid(typeOid) === null) return 0;
  const own = typeCollation(typeOid);
  return own === null ? 0 : collationOfKey(key ?? domainCollation(typeOid) ?? own).oid;
}
