/**
 * What a condition of the form (a AND b) OR (a AND c) says besides: a, which may link two tables or be a key; and
 * of each table by itself, that one of the arms' conditions on it holds. Expressions that are volatile or have
 * subqueries are left where they stand.
 */
import { OID } from '../types/oids.js';
import { conjunction, conjuncts, FALSE, hasSubquery, isVolatile, mapChildren, sameExpr, TRUE } from './expr.js';
import type { Expr } from './expr.js';
import { columnsOf } from './plan-walk.js';

function disjunction(parts: readonly Expr[]): Expr {
  if (parts.length === 0) return FALSE;
  return parts.length === 1 ? parts[0]! : { kind: 'or', args: parts, oid: OID.bool, typmod: -1 };
}

/** The condition with what all arms of an OR demand taken out of it, at any depth of ANDs and ORs. */
export function factorOut(condition: Expr): Expr {
  if (condition.kind === 'and') return conjunction(condition.args.flatMap((a) => conjuncts(factorOut(a))));
  if (condition.kind !== 'or' || hasSubquery(condition) || isVolatile(condition)) return condition;
  const or = mapChildren(condition, factorOut);
  if (or.kind !== 'or') return or;
  const arms = or.args.map(conjuncts);
  const [first, ...others] = arms;
  const common = (first ?? []).filter((c) => others.every((arm) => arm.some((x) => sameExpr(x, c))));
  if (common.length === 0) return or;
  const rests = arms.map((arm) => arm.filter((c) => !common.some((x) => sameExpr(x, c))));
  // An arm that demands nothing more makes the rest true whenever the common part is.
  const rest = rests.some((r) => r.length === 0) ? TRUE : disjunction(rests.map(conjunction));
  return conjunction([...common, ...conjuncts(rest)]);
}

/** What an OR over several tables says of these columns' table alone; null: nothing. */
export function restrictionOn(condition: Expr, ids: ReadonlySet<number>): Expr | null {
  if (condition.kind !== 'or' || hasSubquery(condition) || isVolatile(condition)) return null;
  const parts: Expr[] = [];
  for (const arm of condition.args) {
    const own = conjuncts(arm).filter((c) => {
      const used = [...columnsOf(c)];
      return used.length > 0 && used.every((id) => ids.has(id));
    });
    if (own.length === 0) return null;
    parts.push(conjunction(own));
  }
  return disjunction(parts);
}
