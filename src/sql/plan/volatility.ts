/** What may differ from one evaluation to the next: of a plan within one statement, of an expression for ever. */
import { some } from './expr.js';
import type { CallExpr, Expr } from './expr.js';
import { OID } from '../types/oids.js';
import { castIsImmutable } from './coerce.js';
import type { Plan } from './logical.js';
import { walkPlan } from './plan-walk.js';

const known = new WeakMap<Plan, boolean>();

export function isVolatilePlan(plan: Plan): boolean {
  let volatile = known.get(plan);
  if (volatile === undefined) {
    let found = false;
    walkPlan(
      plan,
      (e) => {
        if ((e.kind === 'call' || e.kind === 'srf') && e.entry.volatility === 'volatile') found = true;
      },
      (p) => {
        if (p.kind === 'insert' || p.kind === 'update' || p.kind === 'delete' || p.kind === 'merge') found = true;
      },
    );
    volatile = found;
    known.set(plan, volatile);
  }
  return volatile;
}

/** A function in it, or in its subqueries, may give or do something else each time: it may not be asked of other rows. */
export function isVolatileWithin(expr: Expr): boolean {
  return some(
    expr,
    (e) =>
      ((e.kind === 'call' || e.kind === 'srf') && e.entry.volatility === 'volatile') ||
      (e.kind === 'subquery' && isVolatilePlan(e.plan)),
  );
}

/** It may give something else each time. */
export function isVolatileExpr(expr: Expr): boolean {
  return some(expr, (e) => (e.kind === 'call' || e.kind === 'srf') && e.entry.volatility === 'volatile');
}

/** text || anything is as immutable as the other side's cast to text, which PostgreSQL finds out by inlining it. */
function isTextConcatenation(e: CallExpr): boolean {
  return (
    e.operator &&
    e.entry.name === '||' &&
    e.entry.resultOid === OID.text &&
    e.args.every((a) => castIsImmutable(a.oid, OID.text))
  );
}

/** True if only the row decides the value: no settings, no clock, no table, no parameter. */
export function isImmutable(expr: Expr): boolean {
  return !some(expr, (e) => {
    switch (e.kind) {
      case 'call':
        return e.entry.volatility !== 'immutable' && !isTextConcatenation(e);
      case 'srf':
      case 'anyall':
      case 'in':
        return e.entry.volatility !== 'immutable';
      case 'distinct':
        return e.equals.entry.volatility !== 'immutable';
      case 'cast':
        return e.stable;
      case 'sqlvalue':
      case 'subquery':
      case 'param':
        return true;
      default:
        return false;
    }
  });
}
