/**
 * pg_opclass, pg_opfamily, pg_amop, pg_amproc and pg_am: constant facts about the kinds of indexes: the ordered one,
 * which is shown as btree, hash, gin and brin (without the operators of its families).
 */
import type { IndexDescriptor, IndexPart } from '../descriptor.js';
import { OID } from '../../types/oids.js';
import { isMultirangeType, isRangeType } from '../../types/range.js';
import { findTypeByOid } from '../../types/registry.js';
import { baseOidOf } from '../../types/user-types.js';
import { PG_CATALOG_SCHEMA_ID } from '../bootstrap.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import type { Values } from './layout.js';
import {
  BRIN_CLASSES,
  BRIN_FAMILIES,
  GIN_CLASSES,
  GIN_FAMILIES,
  GIN_OPERATORS,
  HASH_CLASSES,
  HASH_FAMILIES,
  HASH_OPERATORS,
} from './more-operator-class-data.js';
import { FAMILY_FUNCTIONS, FAMILY_OPERATORS, OPERATOR_CLASSES, OPERATOR_FAMILIES } from './operator-class-data.js';

const BTREE = 403;
const HASH = 405;
const GIN = 2742;
const BRIN = 3580;
const BTREE_HANDLER = 330;
const HASH_HANDLER = 331;
const GIN_HANDLER = 333;
const BRIN_HANDLER = 335;
const HEAP_HANDLER = 3;

/** pg_class.relam of an index. */
export function accessMethodOf({ method }: IndexDescriptor): number {
  return METHODS[method ?? 'btree'];
}

const METHODS = { btree: BTREE, hash: HASH, gin: GIN, brin: BRIN };

function entries(text: string): string[][] {
  return text
    .trim()
    .split(/;\s*|\n/)
    .map((entry) => entry.split(' '));
}

const ARRAY_CLASS = 10000;
const BPCHAR_CLASS = 10004;
const TEXT_CLASS = 3126;
const INET_CLASS = 10015;
const RECORD_CLASS = 10034;
const ENUM_CLASS = 10069;
const RANGE_CLASS = 10076;
const MULTIRANGE_CLASS = 10080;

function defaultsOf(classes: string): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const [oid, , , type, , isDefault] of entries(classes))
    if (isDefault === 't') found.set(Number(type), Number(oid));
  return found;
}

const defaultClasses = defaultsOf(OPERATOR_CLASSES);
const hashClasses = defaultsOf(HASH_CLASSES);
const brinClasses = defaultsOf(BRIN_CLASSES);
const ginClasses = new Map(entries(GIN_CLASSES).map(([oid, name]) => [name!, Number(oid)]));
/** The type that a default class of btree is for. */
const typesOfClasses = new Map([...defaultClasses].map(([type, oid]) => [oid, type]));

export interface NamedClass {
  readonly oid: number;
  readonly family: number;
  /** What it orders or hashes; types that are this one in binary will do. */
  readonly typeOid: number;
}

function namesOf(classes: string): ReadonlyMap<string, NamedClass> {
  return new Map(
    entries(classes).map(([oid, name, family, type]) => [
      name!,
      { oid: Number(oid), family: Number(family), typeOid: Number(type) },
    ]),
  );
}

const namedClasses = {
  btree: namesOf(OPERATOR_CLASSES),
  hash: namesOf(HASH_CLASSES),
  brin: namesOf(BRIN_CLASSES),
};
export type OrderedMethod = keyof typeof namedClasses;

/** A class of an ordered, hash or brin index by its name. */
export function namedOperatorClass(method: OrderedMethod, name: string): NamedClass | undefined {
  return namedClasses[method].get(name);
}

const orderedByOid = new Map([...namedClasses.btree.values()].map((one) => [one.oid, one]));

/** Whether two ordered classes, by their oids, are of one family and for one type: text_ops and varchar_ops are. */
export function sameOrder(one: number, other: number): boolean {
  const [a, b] = [orderedByOid.get(one), orderedByOid.get(other)];
  return one === other || (a !== undefined && a.family === b?.family && a.typeOid === b.typeOid);
}

/** pg_index.indclass of one column. */
export function operatorClassOf({ method }: IndexDescriptor, part: IndexPart, declared: number): number {
  const typeOid = baseOidOf(declared);
  if (method === 'gin') return ginClasses.get(part.opclass ?? '') ?? 0;
  const named = part.namedClass === undefined ? undefined : namedOperatorClass(method ?? 'btree', part.namedClass);
  return named?.oid ?? ownClass(method, typeOid);
}

/** Of btree: operators for equality by family and types. */
const equalities = new Map(
  entries(FAMILY_OPERATORS)
    .filter(([, , , , strategy]) => strategy === '3')
    .map(([, family, left, right, , operator]) => [`${family} ${left} ${right}`, Number(operator)]),
);

/** What a foreign key compares by whose parents have an index of the class: a type without an operator is cast to theirs. */
export function equalityOperators(
  classOid: number,
  childType: number,
): { readonly both: number; readonly parents: number; readonly children: number } {
  const found = orderedByOid.get(classOid);
  const of = (left: number, right: number): number => equalities.get(`${found?.family} ${left} ${right}`) ?? 0;
  const type = found?.typeOid ?? 0;
  const parents = of(type, type);
  const both = of(type, childType);
  return both === 0
    ? { both: parents, parents, children: parents }
    : { both, parents, children: of(childType, childType) };
}

/** What a key of the type has by itself; 0 if it has none. */
export function ownClass(method: 'hash' | 'brin' | undefined, typeOid: number): number {
  const ordered = defaultOperatorClass(typeOid);
  if (method === undefined) return ordered;
  return (method === 'hash' ? hashClasses : brinClasses).get(typesOfClasses.get(ordered) ?? 0) ?? 0;
}

const CATEGORY_CLASSES: ReadonlyMap<string, number> = new Map([
  ['A', ARRAY_CLASS],
  ['C', RECORD_CLASS],
  ['E', ENUM_CLASS],
]);

/** The class an index column of the type uses; 0 if the type has no order. */
export function defaultOperatorClass(typeOid: number): number {
  if (typeOid === OID.varchar) return TEXT_CLASS;
  if (typeOid === OID.bpchar) return BPCHAR_CLASS;
  if (typeOid === OID.cidr) return INET_CLASS;
  const own = defaultClasses.get(typeOid);
  if (own !== undefined) return own;
  if (isRangeType(typeOid)) return RANGE_CLASS;
  if (isMultirangeType(typeOid)) return MULTIRANGE_CLASS;
  return CATEGORY_CLASSES.get(findTypeByOid(typeOid)?.category ?? '') ?? 0;
}

function classesOf(method: number, classes: string): Values[] {
  return entries(classes).map(([oid, name, family, type, key, isDefault]) => ({
    oid: Number(oid),
    opcmethod: method,
    opcname: name!,
    opcnamespace: PG_CATALOG_SCHEMA_ID,
    opcowner: SUPERUSER_OID,
    opcfamily: Number(family),
    opcintype: Number(type),
    opcdefault: isDefault === 't',
    opckeytype: Number(key),
  }));
}

export function operatorClasses(): Values[] {
  return [
    ...classesOf(BTREE, OPERATOR_CLASSES),
    ...classesOf(HASH, HASH_CLASSES),
    ...classesOf(GIN, GIN_CLASSES),
    ...classesOf(BRIN, BRIN_CLASSES),
  ];
}

function familiesOf(method: number, families: string): Values[] {
  return entries(families).map(([oid, name]) => ({
    oid: Number(oid),
    opfmethod: method,
    opfname: name!,
    opfnamespace: PG_CATALOG_SCHEMA_ID,
    opfowner: SUPERUSER_OID,
  }));
}

export function operatorFamilies(): Values[] {
  return [
    ...familiesOf(BTREE, OPERATOR_FAMILIES),
    ...familiesOf(HASH, HASH_FAMILIES),
    ...familiesOf(GIN, GIN_FAMILIES),
    ...familiesOf(BRIN, BRIN_FAMILIES),
  ];
}

function operatorsOf(method: number, operators: string): Values[] {
  return entries(operators).map(([oid, family, left, right, strategy, operator]) => ({
    oid: Number(oid),
    amopfamily: Number(family),
    amoplefttype: Number(left),
    amoprighttype: Number(right),
    amopstrategy: Number(strategy),
    amoppurpose: 's',
    amopopr: Number(operator),
    amopmethod: method,
  }));
}

export function familyOperators(): Values[] {
  return [
    ...operatorsOf(BTREE, FAMILY_OPERATORS),
    ...operatorsOf(HASH, HASH_OPERATORS),
    ...operatorsOf(GIN, GIN_OPERATORS),
  ];
}

export function familyFunctions(): Values[] {
  return entries(FAMILY_FUNCTIONS).map(([oid, family, left, right, number, procedure]) => ({
    oid: Number(oid),
    amprocfamily: Number(family),
    amproclefttype: Number(left),
    amprocrighttype: Number(right),
    amprocnum: Number(number),
    amproc: Number(procedure),
  }));
}

export function accessMethods(): Values[] {
  return [
    { oid: 2, amname: 'heap', amhandler: HEAP_HANDLER, amtype: 't' },
    { oid: BTREE, amname: 'btree', amhandler: BTREE_HANDLER, amtype: 'i' },
    { oid: HASH, amname: 'hash', amhandler: HASH_HANDLER, amtype: 'i' },
    { oid: GIN, amname: 'gin', amhandler: GIN_HANDLER, amtype: 'i' },
    { oid: BRIN, amname: 'brin', amhandler: BRIN_HANDLER, amtype: 'i' },
  ];
}
