/**
 * pg_opclass, pg_opfamily, pg_amop, pg_amproc and pg_am: constant facts about the one kind of index there is,
 * the ordered one, which is shown as btree.
 */
import { OID } from '../../types/oids.js';
import { isMultirangeType, isRangeType } from '../../types/range.js';
import { findTypeByOid } from '../../types/registry.js';
import { PG_CATALOG_SCHEMA_ID, SUPERUSER_OID } from '../bootstrap.js';
import type { Values } from './layout.js';
import { FAMILY_FUNCTIONS, FAMILY_OPERATORS, OPERATOR_CLASSES, OPERATOR_FAMILIES } from './operator-class-data.js';

const BTREE = 403;
const BTREE_HANDLER = 330;
const HEAP_HANDLER = 3;

function entries(text: string): string[][] {
  return text
    .trim()
    .split(/;\s*|\n/)
    .map((entry) => entry.split(' '));
}

const ARRAY_CLASS = 10000;
const BPCHAR_CLASS = 10004;
const TEXT_CLASS = 3126;
const CIDR_CLASS = 10009;
const RANGE_CLASS = 10076;
const MULTIRANGE_CLASS = 10080;

const defaultClasses = new Map<number, number>();
for (const [oid, , , type, , isDefault] of entries(OPERATOR_CLASSES)) {
  if (isDefault === 't') defaultClasses.set(Number(type), Number(oid));
}

/** The class an index column of the type uses; 0 if the type has no order. */
export function defaultOperatorClass(typeOid: number): number {
  if (typeOid === OID.varchar) return TEXT_CLASS;
  if (typeOid === OID.bpchar) return BPCHAR_CLASS;
  if (typeOid === OID.cidr) return CIDR_CLASS;
  const own = defaultClasses.get(typeOid);
  if (own !== undefined) return own;
  if (isRangeType(typeOid)) return RANGE_CLASS;
  if (isMultirangeType(typeOid)) return MULTIRANGE_CLASS;
  return findTypeByOid(typeOid)?.category === 'A' ? ARRAY_CLASS : 0;
}

export function operatorClasses(): Values[] {
  return entries(OPERATOR_CLASSES).map(([oid, name, family, type, key, isDefault]) => ({
    oid: Number(oid),
    opcmethod: BTREE,
    opcname: name!,
    opcnamespace: PG_CATALOG_SCHEMA_ID,
    opcowner: SUPERUSER_OID,
    opcfamily: Number(family),
    opcintype: Number(type),
    opcdefault: isDefault === 't',
    opckeytype: Number(key),
  }));
}

export function operatorFamilies(): Values[] {
  return entries(OPERATOR_FAMILIES).map(([oid, name]) => ({
    oid: Number(oid),
    opfmethod: BTREE,
    opfname: name!,
    opfnamespace: PG_CATALOG_SCHEMA_ID,
    opfowner: SUPERUSER_OID,
  }));
}

export function familyOperators(): Values[] {
  return entries(FAMILY_OPERATORS).map(([oid, family, left, right, strategy, operator]) => ({
    oid: Number(oid),
    amopfamily: Number(family),
    amoplefttype: Number(left),
    amoprighttype: Number(right),
    amopstrategy: Number(strategy),
    amoppurpose: 's',
    amopopr: Number(operator),
    amopmethod: BTREE,
  }));
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
  ];
}
