/**
 * Conditions that no row decides, as `$1 = 'open'` over a part of a UNION whose state is always the same: they are asked once, before
 * anything is read, and nothing is where they do not hold.
 */
import { after, type Soon } from '../../base/soon.js';
import { conjunction, conjuncts, type Expr, some } from '../plan/expr.js';
import { columnsOf, freeColumns, locksRows, scannedCtes } from '../plan/plan-walk.js';
import { isVolatileWithin } from '../plan/volatility.js';
import { type CompiledTest, compileTest, testRow } from './eval.js';
import type { Batch, Operator, Row, Run } from './run.js';

const NO_ROW: Row = [];
const NO_LAYOUT: ReadonlyMap<number, number> = new Map();

/** A subquery that refers outside, or locks what it reads. One that does neither is asked once, as PostgreSQL does, rows or not. */
function asksForRows(condition: Expr): boolean {
  return some(condition, (e) => {
    if (e.kind !== 'subquery') return false;
    return locksRows(e.plan) || scannedCtes(e.plan).size > 0 || freeColumns(e.plan).size > 0;
  });
}

/** `own`: ids of the columns of the rows that the condition is asked of. */
export function splitGate(
  condition: Expr | null,
  own: ReadonlySet<number>,
): { readonly gate: CompiledTest | null; readonly rest: Expr | null } {
  const all = conjuncts(condition);
  const once = all.filter(
    (c) =>
      c.kind !== 'const' && !asksForRows(c) && !isVolatileWithin(c) && ![...columnsOf(c)].some((id) => own.has(id)),
  );
  if (once.length === 0) return { gate: null, rest: condition };
  const rest = all.filter((c) => !once.includes(c));
  return {
    gate: compileTest(conjunction(once), NO_LAYOUT),
    rest: rest.length === 0 ? null : conjunction(rest),
  };
}

export function passesGate(gate: CompiledTest | null, run: Run): Soon<boolean> {
  return testRow(gate, NO_ROW, run);
}

/** The operator's rows, if the gate lets them through. */
export function gated(gate: CompiledTest | null, run: Run, open: () => Operator): Operator {
  if (gate === null) return open();
  let operator: Operator | null = null;
  let isShut = false;
  return {
    next: (wanted): Soon<Batch | null> => {
      if (operator !== null) return operator.next(wanted);
      if (isShut) return null;
      return after<boolean, Batch | null>(passesGate(gate, run), (passes) => {
        isShut = !passes;
        if (isShut) return null;
        operator = open();
        return operator.next(wanted);
      });
    },
    close: () => {
      isShut = true;
      operator?.close();
    },
  };
}
