/**
 * An item of ORDER BY, GROUP BY or DISTINCT ON with a subquery in it that stands among the targets word for word means
 * the target: it is computed once, and sorted or grouped by that. (Other expressions are compared as they are bound.)
 */
import type { Node } from 'libpg-query';
import type { Target } from './bind-output.js';
import { hasSubquery, sameExpr } from './expr.js';
import type { Expr } from './expr.js';

export function orRepeated(node: Node, bound: Expr, targets: readonly Target[]): Expr {
  if (!hasSubquery(bound) || targets.some((t) => sameExpr(t.expr, bound))) return bound;
  return targets.find((t) => t.node !== undefined && sameWords(t.node, node))?.expr ?? bound;
}

function sameWords(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a, b].map((node) => Object.entries(node).filter(([key]) => key !== 'location'));
  if (left!.length !== right!.length) return false;
  return left!.every(([key, value]) => sameWords(value, (b as Record<string, unknown>)[key]));
}
