/** The types of variables, once the names in their declarations have been looked up; and how values get into them. */
import { QuoralError, sqlError } from '../../base/errors.js';
import { parseSql } from '../parse/parser.js';
import type { TypeName } from 'libpg-query';
import { stringsOf } from '../plan/ast.js';
import { needsNames } from '../plan/catalog-uses.js';
import { resolveCollation } from '../plan/collation-names.js';
import { resolveTypeName, type TypeScope } from '../plan/coerce.js';
import { baseOidOf, domainTypmod, fieldsOf } from '../types/user-types.js';
import { findCast } from '../types/casts.js';
import { type Datum, PgArray } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { typeCollation } from '../types/collated.js';
import { formatType, typeByOid } from '../types/registry.js';
import type { FormatContext } from '../types/type-info.js';
import type { Variable, WrittenType } from './tree.js';

export interface Field {
  readonly name: string;
  readonly oid: number;
  readonly typmod: number;
}

export type VariableType =
  | { readonly kind: 'scalar'; readonly oid: number; readonly typmod: number; readonly collation?: string }
  /** `columns` null: takes the shape of what is put into it. */
  /** `oid`: of a composite type, or of a domain over one, which fixes the columns. */
  | { readonly kind: 'record'; readonly columns: readonly Field[] | null; readonly oid?: number };

/** What declarations name in the catalog. */
export interface TypeSource {
  /** Columns of a relation, by its name; null if there is none. */
  readonly columnsOf: (name: readonly string[]) => Promise<readonly Field[] | null>;
  /** In which the users' types of a tree are known. */
  readonly typeScope: (tree: unknown) => Promise<TypeScope>;
}

/** Of a variable that was declared before. */
export type TypeOfVariable = (variable: Variable) => VariableType;

export async function resolveType(
  written: WrittenType,
  source: TypeSource,
  known: TypeOfVariable,
): Promise<VariableType> {
  switch (written.kind) {
    case 'record':
      return { kind: 'record', columns: null };
    case 'given':
      return written.oid === OID.record ? { kind: 'record', columns: null } : scalar(written.oid);
    case 'rowtype': {
      const columns = await source.columnsOf(written.name);
      if (columns === null) throw sqlError('42P01', `relation "${written.name.join('.')}" does not exist`);
      return { kind: 'record', columns };
    }
    case 'like':
      return written.variable === undefined ? columnType(written.name, source) : known(written.variable);
    case 'named': {
      const type = await namedType(written.text, source);
      const { collation } = written;
      return collation === undefined || type.kind !== 'scalar' ? type : collatedType(type, collation, source);
    }
  }
}

async function collatedType(
  type: Extract<VariableType, { kind: 'scalar' }>,
  names: readonly string[],
  source: TypeSource,
): Promise<VariableType> {
  if (typeCollation(type.oid) === null)
    throw sqlError('42804', `collations are not supported by type ${formatType(type.oid)}`);
  const scope = await source.typeScope({ collname: names.map((sval) => ({ String: { sval } })) });
  return { ...type, collation: resolveCollation(names, -1, scope.findCollation).key };
}

async function columnType(names: readonly string[], source: TypeSource): Promise<VariableType> {
  const relation = names.slice(0, -1);
  const column = names[names.length - 1]!;
  if (relation.length === 0) throw sqlError('42704', `variable "${column}" does not exist`);
  const columns = await source.columnsOf(relation);
  if (columns === null) throw sqlError('42P01', `relation "${relation.join('.')}" does not exist`);
  const found = columns.find((c) => c.name === column);
  if (found === undefined)
    throw sqlError('42703', `column "${column}" of relation "${relation.join('.')}" does not exist`);
  return { kind: 'scalar', oid: found.oid, typmod: found.typmod };
}

function scalar(oid: number, typmod = -1): VariableType {
  const fields = fieldsOf(baseOidOf(oid));
  if (fields !== null) {
    return { kind: 'record', columns: fields.map((f) => ({ name: f.name, oid: f.typeOid, typmod: f.typmod })), oid };
  }
  return { kind: 'scalar', oid, typmod };
}

async function namedType(text: string, source: TypeSource): Promise<VariableType> {
  const [statement] = parseSql(`SELECT NULL::${text}`);
  const select = statement?.node['SelectStmt'] as
    { readonly targetList?: readonly { readonly ResTarget?: { readonly val?: Loose } }[] } | undefined;
  const target = select?.targetList?.[0]?.ResTarget?.val;
  const typeName = target?.TypeCast?.typeName;
  if (typeName === undefined) throw sqlError('42601', `invalid type name "${text}"`);
  try {
    const { oid, typmod } = resolveTypeName(typeName, await source.typeScope([{ TypeName: typeName }]));
    if (typeByOid(oid).category === 'P' && oid !== OID.record)
      throw sqlError('0A000', `variable cannot have pseudo-type ${text}`);
    return oid === OID.record ? { kind: 'record', columns: null } : scalar(oid, typmod);
  } catch (error) {
    if (!(error instanceof QuoralError) || error.sqlstate !== '42704') throw error;
    // A table's name is the name of its rows' type.
    const names = stringsOf(typeName.names);
    const columns = (typeName.arrayBounds ?? []).length > 0 ? null : await source.columnsOf(names);
    if (columns !== null) return { kind: 'record', columns };
    throw sqlError('42704', error.message);
  }
}

interface Loose {
  readonly TypeCast?: { readonly typeName?: TypeName };
}

/** A value may become the name of an object of the catalog on its way into the variable. */
export function takesNames(type: VariableType): boolean {
  return type.kind === 'scalar' ? needsNames(type.oid) : (type.columns ?? []).some(({ oid }) => needsNames(oid));
}

/** What values need on their way into variables and results. */
export interface Conversion {
  readonly format: FormatContext;
  /** A check that has to wait is left for `settleChecks`. @throws QuoralError 23502, 23514 */
  checkDomain(oid: number, value: Datum): void;
}

/**
 * By an assignment cast, or else by way of its text, as PL/pgSQL does it; for a domain, under its constraints.
 * @throws QuoralError what the cast throws
 */
export function castValue(
  value: Datum,
  from: number,
  to: { readonly oid: number; readonly typmod: number },
  conversion: Conversion,
): Datum {
  const base = baseOidOf(to.oid);
  if (base === to.oid) return toBase(value, baseOidOf(from), to, conversion.format);
  const typmod = domainTypmod(to.oid, to.typmod);
  const converted = toBase(value, baseOidOf(from), { oid: base, typmod }, conversion.format);
  if (from !== to.oid) conversion.checkDomain(to.oid, converted);
  return converted;
}

function toBase(
  value: Datum,
  from: number,
  to: { readonly oid: number; readonly typmod: number },
  format: FormatContext,
): Datum {
  if (value === null || (from === to.oid && to.typmod < 0)) return value;
  const cast = findCast(from, to.oid, 'assignment');
  if (cast !== null) return cast(value, to.typmod, format);
  const source = typeByOid(from);
  return typeByOid(to.oid).input(source.output(value, format), to.typmod, format);
}

/** `width` elements from `at`, with the last dimensions of the array. */
export function sliceOf(array: PgArray, at: number, width: number, dimensions: number): PgArray {
  const from = array.dims.length - dimensions;
  return new PgArray(
    array.elementOid,
    array.elements.slice(at, at + width),
    array.dims.slice(from),
    array.lowerBounds.slice(from),
  );
}
