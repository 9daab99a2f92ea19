/**
 * What pairs of a join have in common, as its operator finds them by it: the equalities between its sides that can
 * be told from keys of the two values.
 */
import { conjunction, conjuncts, type Expr, isVolatile, some } from '../plan/expr.js';
import { type JoinEquality, joinEquality } from '../plan/join-equality.js';
import type { JoinPlan } from '../plan/logical.js';
import { idsOf } from '../plan/plan-walk.js';
import { OID } from '../types/oids.js';
import { isVolatilePlan } from '../plan/volatility.js';
import { type AsyncEval, compileExpr, compileSync, layoutOf, type SyncEval } from './eval.js';

/** A key whose left value may have to be waited for: that of a subquery. */
export interface WaitingJoinKey extends JoinEquality {
  readonly condition: Expr;
  readonly leftEval: SyncEval | AsyncEval;
  readonly rightEval: SyncEval;
}

export interface JoinKey extends WaitingJoinKey {
  readonly leftEval: SyncEval;
}

export interface JoinKeys {
  readonly now: readonly JoinKey[];
  readonly waiting: readonly WaitingJoinKey[];
}

export function joinKeys(plan: JoinPlan): JoinKeys {
  const leftLayout = layoutOf(plan.left.columns);
  const rightLayout = layoutOf(plan.right.columns);
  const leftIds = idsOf(plan.left);
  const rightIds = idsOf(plan.right);
  const now: JoinKey[] = [];
  const waiting: WaitingJoinKey[] = [];
  for (const part of conjuncts(plan.condition)) {
    const equality = joinEquality(part, leftIds, rightIds);
    if (equality === null) continue;
    const left = compileExpr(equality.left, leftLayout);
    const rightEval = compileSync(equality.right, rightLayout);
    if (rightEval === null) continue;
    const key = { condition: part, ...equality, rightEval };
    if (!left.waits) now.push({ ...key, leftEval: left.eval });
    else if (!mayChange(equality.left)) waiting.push({ ...key, leftEval: left.eval });
  }
  return { now, waiting };
}

/** Asked once for a left row, it would not give what it gives when it is asked for each pair. */
function mayChange(expr: Expr): boolean {
  return isVolatile(expr) || some(expr, (e) => e.kind === 'subquery' && isVolatilePlan(e.plan));
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

/** Equality of keys is all there is to it. */
export function isPlainKey(key: WaitingJoinKey): boolean {
  return PLAIN.has(key.left.oid) && PLAIN.has(key.right.oid);
}

/** What is left to test of a pair that was found by these keys: equality of plain types needs no second look. */
export function restOf(condition: Expr | null, keys: readonly WaitingJoinKey[]): Expr | null {
  const answered = new Set(keys.filter(isPlainKey).map((k) => k.condition));
  return answered.size === 0 ? condition : conjunction(conjuncts(condition).filter((c) => !answered.has(c)));
}
