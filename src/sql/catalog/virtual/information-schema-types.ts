/**
 * information_schema of types: composite types and their attributes, and where types are used. `data_type_privileges`
 * lists all that has a type by the number that it has there, and `element_types` what the elements of those that are
 * arrays are.
 *
 * Where a view tells of types whose owner the user is, a superuser is told of all.
 */
import { elementOidOf } from '../../types/registry.js';
import type { CompositeField } from '../../types/composite.js';
import { fieldsOf, userTypeIn, userTypeOf } from '../../types/user-types.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import type { TypeDescriptor } from '../descriptor.js';
import { collationColumns, isArray, ownType, typeLimits, typeSchema, yesNo } from './information-schema-columns.js';
import { isSuperuser, membersOf } from './information-schema-roles.js';
import { databaseOf, tablesOf, viewsOf } from './information-schema-tables.js';
import { LAYOUTS } from './layout.js';
import type { Values } from './layout.js';
import { liveColumns } from './model.js';
import type { Builder, Source } from './model.js';
import { builtInParameters, builtInResults, routineTypes } from './routines-information-schema.js';
import { schemaName } from './views.js';

interface Composite {
  readonly descriptor: TypeDescriptor;
  readonly schema: string;
  readonly fields: readonly CompositeField[];
}

function* composites({ model }: Source): Iterable<Composite> {
  for (const descriptor of model.types) {
    const fields = fieldsOf(descriptor.typeOid);
    if (fields !== null) yield { descriptor, schema: schemaName(model, descriptor.schemaId), fields };
  }
}

function* userDefinedTypes(source: Source): Iterable<Values> {
  for (const { descriptor, schema } of composites(source)) {
    yield {
      user_defined_type_catalog: databaseOf(source),
      user_defined_type_schema: schema,
      user_defined_type_name: descriptor.name,
      user_defined_type_category: 'STRUCTURED',
      is_instantiable: 'YES',
    };
  }
}

function* attributes(source: Source): Iterable<Values> {
  const database = databaseOf(source);
  for (const { descriptor, schema, fields } of composites(source)) {
    for (const { id, name, typeOid, typmod, collation } of fields) {
      const type = ownType(database, typeOid, typeSchema(source));
      yield {
        udt_catalog: database,
        udt_schema: schema,
        udt_name: descriptor.name,
        attribute_name: name,
        ordinal_position: id,
        is_nullable: yesNo(!refusesNull(typeOid)),
        data_type: type.data_type,
        attribute_udt_catalog: database,
        attribute_udt_schema: type.udt_schema,
        attribute_udt_name: type.udt_name,
        ...typeLimits(typeOid, typmod),
        ...collationColumns(source.model, database, collation),
        dtd_identifier: String(id),
        is_derived_reference_attribute: 'NO',
      };
    }
  }
}

function refusesNull(typeOid: number): boolean {
  const type = userTypeOf(typeOid);
  return type?.kind === 'domain' && type.notNull;
}

// ---- where types are used ----

/** Something that has a type, and the number by which its own parts are known. */
interface Typed {
  readonly schema: string;
  readonly name: string;
  readonly objectType: 'TABLE' | 'DOMAIN' | 'ROUTINE' | 'USER-DEFINED TYPE';
  /** null: of a procedure, which has no result. */
  readonly number: number | null;
  readonly typeOid: number;
  readonly collation?: string | null | undefined;
}

interface TypedColumn extends Typed {
  readonly column: string;
}

function* typedColumns(source: Source): Iterable<TypedColumn> {
  for (const { schema, name, columns } of LAYOUTS)
    for (const [i, { name: column, typeOid }] of columns.entries())
      yield { schema, name, objectType: 'TABLE', number: i + 1, typeOid, column };
  for (const table of tablesOf(source)) {
    const place = { schema: schemaName(source.model, table.schemaId), name: table.name, objectType: 'TABLE' as const };
    for (const { id, typeOid, collation, name } of liveColumns(table))
      yield { ...place, number: id, typeOid, collation, column: name };
  }
  for (const view of viewsOf(source)) {
    const place = { schema: schemaName(source.model, view.schemaId), name: view.name, objectType: 'TABLE' as const };
    for (const { id, typeOid, collation, name } of view.columns)
      yield { ...place, number: id, typeOid, collation, column: name };
  }
}

function* typedObjects(source: Source): Iterable<Typed> {
  yield* typedColumns(source);
  for (const { descriptor, schema, fields } of composites(source))
    for (const { id, typeOid, collation } of fields)
      yield { schema, name: descriptor.name, objectType: 'USER-DEFINED TYPE', number: id, typeOid, collation };
  for (const descriptor of source.model.types) {
    const type = userTypeOf(descriptor.typeOid);
    if (type?.kind !== 'domain') continue;
    const place = { schema: schemaName(source.model, descriptor.schemaId), name: descriptor.name };
    yield { ...place, objectType: 'DOMAIN', number: 1, typeOid: type.typeOid, collation: type.collation };
  }
  for (const of of [routineTypes(source), builtInResults(), builtInParameters()])
    for (const { schema, name, number, typeOid } of of) yield { schema, name, objectType: 'ROUTINE', number, typeOid };
}

function objectKey(source: Source, { schema, name, objectType }: Typed): Values {
  return { object_catalog: databaseOf(source), object_schema: schema, object_name: name, object_type: objectType };
}

function* dataTypePrivileges(source: Source): Iterable<Values> {
  for (const typed of typedObjects(source))
    yield { ...objectKey(source, typed), dtd_identifier: typed.number === null ? null : String(typed.number) };
}

function* elementTypes(source: Source): Iterable<Values> {
  const database = databaseOf(source);
  const schemaOf = typeSchema(source);
  for (const typed of typedObjects(source)) {
    if (typed.number === null || !isArray(typed.typeOid)) continue;
    yield {
      ...objectKey(source, typed),
      collection_type_identifier: String(typed.number),
      ...ownType(database, elementOidOf(typed.typeOid), schemaOf),
      ...collationColumns(source.model, database, typed.collation),
      dtd_identifier: `a${typed.number}`,
    };
  }
}

/** Whether the user is told of types of this owner. */
function ownerTold(source: Source): (owner: number) => boolean {
  if (isSuperuser(source)) return () => true;
  const mine = membersOf(source);
  return (owner) => mine.has(owner);
}

/** Of what users made by the descriptor, of an array by its element's. */
function ownerOf(source: Source, typeOid: number): number {
  const made = userTypeIn(typeOid);
  const descriptor = made === null ? undefined : source.model.view.byId.get(made.oid);
  return descriptor !== undefined && 'owner' in descriptor ? descriptor.owner : SUPERUSER_OID;
}

/** What a domain is over, and any other type itself. */
function underlying(typeOid: number): number {
  const type = userTypeOf(typeOid);
  return type?.kind === 'domain' ? type.typeOid : typeOid;
}

function udt(source: Source, typeOid: number): Values {
  const { udt_catalog, udt_schema, udt_name } = ownType(databaseOf(source), typeOid, typeSchema(source));
  return { udt_catalog, udt_schema, udt_name };
}

function columnKey(source: Source, { schema, name, column }: TypedColumn): Values {
  return { table_catalog: databaseOf(source), table_schema: schema, table_name: name, column_name: column };
}

function* columnUdtUsage(source: Source): Iterable<Values> {
  const isTold = ownerTold(source);
  for (const typed of typedColumns(source)) {
    const typeOid = underlying(typed.typeOid);
    if (isTold(ownerOf(source, typeOid))) yield { ...udt(source, typeOid), ...columnKey(source, typed) };
  }
}

function domainKey(source: Source, typeOid: number): Values {
  const { udt_catalog, udt_schema, udt_name } = ownType(databaseOf(source), typeOid, typeSchema(source));
  return { domain_catalog: udt_catalog, domain_schema: udt_schema, domain_name: udt_name };
}

function* columnDomainUsage(source: Source): Iterable<Values> {
  const isTold = ownerTold(source);
  for (const typed of typedColumns(source)) {
    const isDomain = userTypeOf(typed.typeOid)?.kind === 'domain';
    if (isDomain && isTold(ownerOf(source, typed.typeOid)))
      yield { ...domainKey(source, typed.typeOid), ...columnKey(source, typed) };
  }
}

function* domainUdtUsage(source: Source): Iterable<Values> {
  const isTold = ownerTold(source);
  for (const { typeOid } of source.model.types) {
    const type = userTypeOf(typeOid);
    if (type?.kind === 'domain' && isTold(ownerOf(source, type.typeOid)))
      yield { ...udt(source, type.typeOid), ...domainKey(source, typeOid) };
  }
}

export const typeViews: Readonly<Record<string, Builder>> = {
  user_defined_types: userDefinedTypes,
  attributes,
  data_type_privileges: dataTypePrivileges,
  element_types: elementTypes,
  column_udt_usage: columnUdtUsage,
  column_domain_usage: columnDomainUsage,
  domain_udt_usage: domainUdtUsage,
};
