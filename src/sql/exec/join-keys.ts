/**
 * What pairs of a join have in common, as its operator finds them by it: the equalities between its sides that can
 * be told from keys of the two values.
 */
import { conjunction, conjuncts, type Expr } from '../plan/expr.js';
import { type JoinEquality, joinEquality } from '../plan/join-equality.js';
import type { JoinPlan } from '../plan/logical.js';
import { idsOf } from '../plan/plan-walk.js';
import { OID } from '../types/oids.js';
import { compileSync, layoutOf, type SyncEval } from './eval.js';

export interface JoinKey extends JoinEquality {
  readonly condition: Expr;
  readonly leftEval: SyncEval;
  readonly rightEval: SyncEval;
}

export function joinKeys(plan: JoinPlan): readonly JoinKey[] {
  const leftLayout = layoutOf(plan.left.columns);
  const rightLayout = layoutOf(plan.right.columns);
  const leftIds = idsOf(plan.left);
  const rightIds = idsOf(plan.right);
  const keys: JoinKey[] = [];
  for (const part of conjuncts(plan.condition)) {
    const equality = joinEquality(part, leftIds, rightIds);
    if (equality === null) continue;
    const leftEval = compileSync(equality.left, leftLayout);
    const rightEval = compileSync(equality.right, rightLayout);
    if (leftEval !== null && rightEval !== null) keys.push({ condition: part, ...equality, leftEval, rightEval });
  }
  return keys;
}

const PLAIN: ReadonlySet<number> = new Set<number>([
  OID.oid,
  OID.int2,
  OID.int4,
  OID.int8,
  OID.text,
  OID.varchar,
  OID.name,
  OID.char,
  OID.bool,
  OID.uuid,
]);

/** What is left to test of a pair that was found by these keys: equality of plain types needs no second look. */
export function restOf(condition: Expr | null, keys: readonly JoinKey[]): Expr | null {
  const answered = new Set(keys.filter((k) => PLAIN.has(k.left.oid) && PLAIN.has(k.right.oid)).map((k) => k.condition));
  return answered.size === 0 ? condition : conjunction(conjuncts(condition).filter((c) => !answered.has(c)));
}
