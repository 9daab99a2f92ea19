/**
 * Whether a plan with parameters in place of literals is as good as the one with the literals: if both have the same
 * shape, which is the sequence of their operators with the ways in which tables are read. A plan with parameters has none
 * where it would be worse, or may become so with other values:
 *
 * - a condition would convert or compute something of parameters for each row, which for literals was done once;
 * - a table has a partial index whose predicate speaks of constants: whether it has all the rows depends on the values.
 */
import { identityCast } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { some } from './expr.js';
import type { Expr } from './expr.js';
import { boundIndex } from './index-expressions.js';
import type { Access, Plan, ScanPlan } from './logical.js';
import { childrenOf } from './expr.js';
import { walkPlan } from './plan-walk.js';

/** null: it has none. */
export function planShape(plan: Plan): string | null {
  const parts: string[] = [];
  let isSound = true;
  walkPlan(
    plan,
    () => undefined,
    (p) => {
      parts.push(p.kind);
      const condition = conditionOf(p);
      if (condition !== null && some(condition, isComputed)) isSound = false;
      if (p.kind !== 'scan') return;
      if (dependsOnValues(p)) isSound = false;
      parts.push(`${p.table.id}`, p.access === null ? '' : accessShape(p.access), p.limit === null ? '' : 'limit');
    },
  );
  return isSound ? parts.join(' ') : null;
}

function conditionOf(plan: Plan): Expr | null {
  switch (plan.kind) {
    case 'scan':
    case 'virtual':
      return plan.filter;
    case 'filter':
    case 'join':
      return plan.condition;
    default:
      return null;
  }
}

/** Would be a constant if its parameters were. */
function isComputed(e: Expr): boolean {
  if (e.kind === 'cast' ? e.fn === identityCast : e.kind !== 'call') return false;
  const children = childrenOf(e);
  return children.every((c) => c.kind === 'const' || c.kind === 'param') && children.some((c) => c.kind === 'param');
}

function dependsOnValues(scan: ScanPlan): boolean {
  return scan.table.indexes.some((index) => {
    if (index.predicate == null) return false;
    const { predicate } = boundIndex(scan.table, index);
    return predicate !== null && some(predicate, (e) => e.kind === 'const' && e.oid !== OID.bool && e.value !== null);
  });
}

function accessShape(access: Access): string {
  const constraints = access.constraints.map((c) =>
    c.kind === 'range'
      ? `range${c.lower.length}${c.upper.length}`
      : c.kind === 'equal'
        ? `=${c.values.length}`
        : c.kind,
  );
  const flags = `${access.reverse ? '-' : ''}${access.covering ? 'c' : ''}${access.unique ? 'u' : ''}`;
  return `${access.index.id}${flags}(${constraints.join()})`;
}
