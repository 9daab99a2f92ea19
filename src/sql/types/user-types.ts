/**
 * Types that users make: enums, domains, composites, ranges, and the arrays of them.
 *
 * Everywhere in the program a type is a number that `typeByOid` answers for, at once and without a catalog. The
 * oid in the catalog cannot be that number: several clusters, and forks of one, live in one process, where
 * an oid may have two meanings; and ALTER TYPE changes a meaning while statements still run by the old one. So a
 * definition gets a handle when it is first met, a number beyond all oids. Equal definitions have one handle.
 *
 *   - A handle means one definition for ever, in this process. It is never written to disk nor sent to
 *     a client: codec.ts of the catalog and the wire put `catalogOid` in its place.
 *   - A changed type is another definition, so another handle. Whatever was made under the old one (plans,
 *     descriptors) names the old one until it is made anew; ALTER TYPE gives every object that uses the type a new version.
 *   - Values do not depend on the handle: a label of an enum is its text, a domain's value that of its base
 *     type, a composite a PgRecord. On disk a label is its id, so that renaming it touches no row, and in
 *     a key its order, which never changes.
 *
 * Limit: definitions are never forgotten. Each costs about a kilobyte for the life of the process.
 */
import { assert } from '../../base/assert.js';
import { sqlError } from '../../base/errors.js';
import { encodeKeyFloat } from '../encoding/key-primitives.js';
import { compositeBehaviour } from './composite.js';
import type { CompositeField } from './composite.js';
import type { TypeBehaviour } from './definitions.js';
import { quoteIdentifier } from './identifiers.js';
import { multirangeBehaviour } from './multirange.js';
import { collationOfKey } from './collation.js';
import { addRangeKind, rangeBehaviour, rangeKind } from './range.js';
import { arrayOf, arrayOidOf, registerType, typeByOid } from './registry.js';
import type { TypeInfo } from './type-info.js';

export interface EnumLabel {
  /** pg_enum.oid; what rows hold. */
  readonly id: number;
  /** pg_enum.enumsortorder; what keys hold. */
  readonly order: number;
  readonly label: string;
  /**
   * Added by a transaction that has not committed: only its own definition has this, and it is never written.
   * Nothing may take the value before, since rows and keys of it would stay if the transaction rolled back.
   */
  readonly fresh?: true;
}

export interface DomainCheck {
  readonly oid: number;
  readonly name: string;
  /** Over VALUE. */
  readonly expressionSql: string;
  /** False after NOT VALID: values of before were not looked at. */
  readonly validated: boolean;
}

interface Named {
  /** pg_type.oid, also the id of its descriptor. */
  readonly oid: number;
  readonly arrayOid: number;
  readonly name: string;
}
export interface EnumType extends Named {
  readonly kind: 'enum';
  /** In their order. */
  readonly labels: readonly EnumLabel[];
}
export interface DomainType extends Named {
  readonly kind: 'domain';
  readonly typeOid: number;
  readonly typmod: number;
  readonly collation: string | null;
  readonly notNull: boolean;
  readonly defaultSql: string | null;
  /** In the order in which they are checked: by name. */
  readonly checks: readonly DomainCheck[];
  /** Functions of users that the checks and the default call, whole, as tables hold theirs (catalog/used-routines.ts). */
  readonly usedRoutines?: readonly DomainRoutine[];
}
/** As UsedRoutine of the catalog. Its types are built in, so that a domain is not made of itself. */
export interface DomainRoutine {
  readonly groupId: number;
  readonly name: string;
  readonly routine: { readonly oid: number };
}
export interface CompositeType extends Named {
  readonly kind: 'composite';
  readonly fields: readonly CompositeField[];
  /** The number of the next field. */
  readonly nextField: number;
  /** Of the rows of a table or view, which has the oid for its id (catalog/row-types.ts). */
  readonly ofRelation?: true;
  /** Of the rows of a typed table: the composite type that it is of, by its oid. */
  readonly ofType?: number;
}
export interface RangeType extends Named {
  readonly kind: 'range';
  /** What it is a range of. */
  readonly typeOid: number;
  readonly collation: string | null;
  /** The type that is made, changed and dropped with it. */
  readonly multirange: Named;
}
export interface MultirangeType extends Named {
  readonly kind: 'multirange';
  /** Its range. */
  readonly typeOid: number;
}
export type UserType = EnumType | DomainType | CompositeType | RangeType | MultirangeType;

/** Beyond every oid. Even ones are types, each followed by that of its array. */
export const FIRST_HANDLE = 2 ** 32;
const handles = new Map<string, number>();
const definitions = new Map<number, UserType>();

export function isHandle(oid: number): boolean {
  return oid >= FIRST_HANDLE;
}

/** The handle of a definition; other types in it are named by their handles. */
export function internType(type: UserType): number {
  const content = JSON.stringify(type);
  const known = handles.get(content);
  if (known !== undefined) return known;
  const handle = FIRST_HANDLE + handles.size * 2;
  handles.set(content, handle);
  definitions.set(handle, type);
  // The multirange, which is made below, takes the next one.
  if (type.kind === 'range') addRangeKind(handle, handle + 2, elementOf(type), false);
  const info: TypeInfo = { ...infoOf(type, handle), oid: handle, arrayOid: handle + 1 };
  registerType(info);
  registerType({
    oid: handle + 1,
    catalogOid: type.arrayOid,
    name: `_${type.name}`,
    sqlName: `${info.sqlName}[]`,
    category: 'A',
    preferred: false,
    length: -1,
    arrayOid: 0,
    elementOid: handle,
    ...arrayOf(info),
  });
  if (type.kind === 'range') {
    const multirange = internType(multirangeOf(type, handle));
    assert(multirange === handle + 2, () => `the multirange of ${type.name} was there before it`);
  }
  return handle;
}

export function multirangeOf({ multirange }: RangeType, handle: number): MultirangeType {
  const { oid, arrayOid, name } = multirange;
  return { kind: 'multirange', oid, arrayOid, name, typeOid: handle };
}

function infoOf(type: UserType, handle: number): Omit<TypeInfo, 'oid' | 'arrayOid'> {
  if (type.kind !== 'range' && type.kind !== 'multirange') return plainInfoOf(type);
  const kind = rangeKind(handle);
  return {
    catalogOid: type.oid,
    name: type.name,
    sqlName: quoteIdentifier(type.name),
    category: 'R',
    preferred: false,
    length: -1,
    elementOid: 0,
    ...(type.kind === 'range' ? rangeBehaviour(kind) : multirangeBehaviour(kind)),
  };
}

function plainInfoOf(type: EnumType | DomainType | CompositeType): Omit<TypeInfo, 'oid' | 'arrayOid'> {
  const named = { catalogOid: type.oid, name: type.name, sqlName: quoteIdentifier(type.name) };
  switch (type.kind) {
    case 'enum':
      return { ...named, category: 'E', preferred: false, length: 4, elementOid: 0, ...enumBehaviour(type) };
    case 'domain': {
      const base = typeByOid(type.typeOid);
      return { ...base, ...named, preferred: false, elementOid: 0 };
    }
    case 'composite':
      return {
        ...named,
        category: 'C',
        preferred: false,
        length: -1,
        elementOid: 0,
        ...compositeBehaviour(type.fields),
        ...(type.ofType === undefined ? {} : { rowOfType: type.ofType }),
      };
  }
}

/** null for a type that is not a user's, and for arrays. */
export function userTypeOf(oid: number): UserType | null {
  return definitions.get(oid) ?? null;
}

/** That a domain was declared with, or the one that it is over; null: none, or it is no domain. */
export function domainCollation(oid: number): string | null {
  const type = userTypeOf(oid);
  return type?.kind === 'domain' ? (type.collation ?? domainCollation(type.typeOid)) : null;
}

/** In the order of its collation. */
function elementOf({ typeOid, collation }: RangeType): TypeInfo {
  const element = typeByOid(typeOid);
  const order = collation === null ? null : collationOfKey(collation);
  return order?.isLinguistic === true ? { ...element, compare: order.compare as TypeInfo['compare'] } : element;
}

/** Whether values come in another order than their keys do: ranges of texts in the order of a language. */
export function isOrderedOtherwise(oid: number): boolean {
  const type = userTypeIn(oid);
  if (type === null) return false;
  return typesWithin(oid).some((handle) => {
    const within = userTypeOf(handle);
    const keys =
      within?.kind === 'range'
        ? [within.collation]
        : within?.kind === 'composite'
          ? within.fields.map((field) => field.collation ?? null)
          : [];
    return keys.some((key) => key !== null && collationOfKey(key).isLinguistic);
  });
}

/** The fields of a composite type; null for every other. */
export function fieldsOf(oid: number): readonly CompositeField[] | null {
  const type = userTypeOf(oid);
  return type?.kind === 'composite' ? type.fields : null;
}

/** Of the rows of a relation, or an array of such. */
export function isRowType(oid: number): boolean {
  const type = userTypeIn(oid);
  return type?.kind === 'composite' && type.ofRelation === true;
}

/** The user's type that this is or that this is an array of; null if there is none in it. */
export function userTypeIn(oid: number): UserType | null {
  if (oid < FIRST_HANDLE) return null;
  const type = definitions.get(oid - (oid % 2));
  assert(type !== undefined, () => `no type has handle ${oid}`);
  return type;
}

/** The same with another definition: an array stays an array. */
export function sameShapeOf(oid: number, handle: number): number {
  return handle + (oid % 2);
}

/** What a domain is over, through domains over domains, of an array of one the array; every other type is its own. */
export function baseOidOf(oid: number): number {
  if (oid < FIRST_HANDLE) return oid;
  const type = userTypeIn(oid);
  if (type?.kind !== 'domain') return oid;
  const base = baseOidOf(type.typeOid);
  return oid % 2 === 0 ? base : arrayOidOf(base);
}

/** The modifier that values of a domain have; `own` is that of another type. */
export function domainTypmod(oid: number, own: number): number {
  const type = userTypeIn(oid);
  if (type?.kind !== 'domain') return own;
  return type.typmod >= 0 ? type.typmod : domainTypmod(type.typeOid, type.typmod);
}

/** The default of a column of the type that has none of its own. */
export function domainDefault(oid: number): string | null {
  const type = userTypeOf(oid);
  if (type?.kind !== 'domain') return null;
  return type.defaultSql ?? domainDefault(type.typeOid);
}

/** The user's types that a type is made of, those that others need before them, itself last. */
export function typesWithin(oid: number): readonly number[] {
  const found: number[] = [];
  const visit = (one: number): void => {
    const type = userTypeIn(one);
    if (type === null) return;
    const handle = one - (one % 2);
    if (found.includes(handle)) return;
    if (type.kind === 'domain' || type.kind === 'range' || type.kind === 'multirange') visit(type.typeOid);
    else if (type.kind === 'composite') for (const field of type.fields) visit(field.typeOid);
    found.push(handle);
  };
  visit(oid);
  return found;
}

// ---- enums ----

/** The label, unless this transaction has added it. */
export function committed(type: EnumType, { label, fresh }: EnumLabel): string {
  if (fresh !== true) return label;
  throw sqlError('55P04', `unsafe use of new value "${label}" of enum type ${quoteIdentifier(type.name)}`, {
    hint: 'New enum values must be committed before they can be used.',
  });
}

function enumBehaviour(type: EnumType): TypeBehaviour {
  const byLabel = new Map(type.labels.map((one) => [one.label, one]));
  const byId = new Map(type.labels.map((one) => [one.id, one.label]));
  const orderOf = (label: string): number => {
    const known = byLabel.get(label);
    // A value that this definition does not have came from a plan made under another one.
    assert(known !== undefined, () => `enum ${type.name} has no label "${label}"`);
    return known.order;
  };
  const read = (text: string): string => {
    const known = byLabel.get(text);
    if (known !== undefined) return committed(type, known);
    throw sqlError('22P02', `invalid input value for enum ${quoteIdentifier(type.name)}: "${text}"`);
  };
  return {
    input: read,
    output: (v) => v as string,
    receive: (b) => read(b.toString('utf8')),
    send: (v) => Buffer.from(v as string, 'utf8'),
    compare: (a, b) => (a === b ? 0 : orderOf(a as string) < orderOf(b as string) ? -1 : 1),
    hashKey: (v) => v as string,
    encodeKey: (v) => encodeKeyFloat(orderOf(v as string)),
    applyTypmod: (v) => v,
    stored: {
      encode(v) {
        const known = byLabel.get(v as string);
        assert(known !== undefined, () => `enum ${type.name} has no label "${String(v)}"`);
        const bytes = Buffer.allocUnsafe(4);
        bytes.writeUInt32BE(known.id);
        return bytes;
      },
      decode(b) {
        const label = b.length === 4 ? byId.get(b.readUInt32BE(0)) : undefined;
        if (label === undefined) throw sqlError('XX001', `stored row is damaged: no such label of ${type.name}`);
        return label;
      },
    },
  };
}
