/** Which types have an order, and which have at least an equality: what ORDER BY, GROUP BY, DISTINCT and UNION ask of them. */
import type { Node } from 'libpg-query';
import { OID } from '../types/oids.js';
import { elementOidOf, formatType } from '../types/registry.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';
import { as, locationOf } from './ast.js';
import { declaredOid } from './declared-types.js';
import { errorAt } from './error-at.js';
import type { Expr } from './expr.js';

const WITHOUT_EQUALITY: ReadonlySet<number> = new Set([
  OID.json,
  OID.xml,
  OID.jsonpath,
  OID.refcursor,
  OID.pgSnapshot,
  OID.txidSnapshot,
]);
const WITHOUT_ORDER: ReadonlySet<number> = new Set([...WITHOUT_EQUALITY, OID.xid, OID.cid, OID.aclitem]);

function isIn(lacking: ReadonlySet<number>, oid: number): boolean {
  const base = baseOidOf(oid);
  if (lacking.has(base)) return true;
  const element = elementOidOf(base);
  if (element !== 0) return isIn(lacking, element);
  return fieldsOf(base)?.some((field) => isIn(lacking, field.typeOid)) ?? false;
}

export function hasOrder(oid: number): boolean {
  return !isIn(WITHOUT_ORDER, oid);
}

/** @throws QuoralError 42883 */
export function requireOrder(expr: Expr, location: number): void {
  if (hasOrder(expr.oid)) return;
  const type = formatType(declaredOid(expr));
  throw errorAt('42883', `could not identify an ordering operator for type ${type}`, location, {
    hint: 'Use an explicit ordering operator or modify the query.',
  });
}

/** @throws QuoralError 42883 */
export function requireEquality(expr: Expr, location: number): void {
  refuseUnequal(expr.oid, declaredOid(expr), location);
}

function refuseUnequal(oid: number, declared: number, location: number): void {
  if (!isIn(WITHOUT_EQUALITY, oid)) return;
  throw errorAt('42883', `could not identify an equality operator for type ${formatType(declared)}`, location);
}

/** Of the columns of a set operation that has to tell rows apart; `targets` are those of its first query. @throws QuoralError 42883 */
export function requireEqualities(oids: readonly number[], targets: readonly Node[] | undefined): void {
  oids.forEach((oid, i) => refuseUnequal(oid, oid, locationOf(as(targets?.[i] ?? targets?.[0], 'ResTarget')?.val)));
}
