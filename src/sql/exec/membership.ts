/**
 * x IN (…) and x = ANY (array) with many values that are the same for every row: looked up in a set that is made
 * once, not compared one by one. Only where equality is that of the types' hash keys; the rest is not handled here.
 */
import type { AnyAllExpr, Expr, InExpr } from '../plan/expr.js';
import { hasSubquery, isVolatile } from '../plan/expr.js';
import { columnsOf } from '../plan/plan-walk.js';
import { PgArray, type Datum } from '../types/datum.js';
import type { SyncEval } from './eval.js';
import { type HashKey, keyOfEquality } from '../plan/join-equality.js';
import type { Row, Run } from './run.js';

/** Below this many values comparing is as fast. */
const SET_FROM = 9;
const NO_ROW: Row = [];

interface ValueSet {
  readonly keys: ReadonlySet<unknown>;
  readonly hasNull: boolean;
}

function sameForAllRows(expr: Expr): boolean {
  return expr.kind === 'const' || (!isVolatile(expr) && !hasSubquery(expr) && columnsOf(expr).size === 0);
}

function setOf(values: Iterable<Datum>, key: HashKey): ValueSet {
  const keys = new Set<unknown>();
  let hasNull = false;
  for (const value of values) {
    if (value === null) hasNull = true;
    else keys.add(key(value));
  }
  return { keys, hasNull };
}

function lookUp(left: SyncEval, key: HashKey, setFor: (run: Run) => ValueSet, found: boolean): SyncEval {
  return (row, run) => {
    const value = left(row, run);
    const set = setFor(run);
    if (value === null) return set.keys.size === 0 && !set.hasNull ? !found : null;
    if (set.keys.has(key(value))) return found;
    return set.hasNull ? null : !found;
  };
}

/** null: to be compared one by one. `compile` gives null for what waits. */
export function compileIn(expr: InExpr, compile: (e: Expr) => SyncEval | null): SyncEval | null {
  if (expr.items.length < SET_FROM) return null;
  const key = keyOfEquality(expr.entry, expr.info);
  const left = key === null ? null : compile(expr.left);
  if (key === null || left === null || !expr.items.every(sameForAllRows)) return null;
  const found = !expr.negated;
  if (expr.items.every((item) => item.kind === 'const')) {
    let set: ValueSet | null = null;
    const constants = expr.items;
    return lookUp(
      left,
      key,
      () =>
        (set ??= setOf(
          constants.map((c) => c.value),
          key,
        )),
      found,
    );
  }
  const items = expr.items.map(compile);
  if (items.includes(null)) return null;
  const values = (run: Run): Datum[] => (items as readonly SyncEval[]).map((item) => item(NO_ROW, run));
  return lookUp(
    left,
    key,
    oncePerRun(expr, (run) => setOf(values(run), key)),
    found,
  );
}

function oncePerRun(expr: Expr, make: (run: Run) => ValueSet): (run: Run) => ValueSet {
  return (run) => {
    let set = run.constants.get(expr) as ValueSet | undefined;
    if (set === undefined) {
      set = make(run);
      run.constants.set(expr, set);
    }
    return set;
  };
}

const NO_ARRAY: ValueSet = { keys: new Set(), hasNull: true };

/** x = ANY (array); null as for IN, and where the array may have few elements it is compared too: nobody knows yet. */
export function compileAny(expr: AnyAllExpr, compile: (e: Expr) => SyncEval | null): SyncEval | null {
  if (expr.all || !sameForAllRows(expr.right)) return null;
  const key = keyOfEquality(expr.entry, expr.info);
  const left = key === null ? null : compile(expr.left);
  const right = left === null ? null : compile(expr.right);
  if (key === null || left === null || right === null) return null;
  const make = (run: Run): ValueSet => {
    const array = right(NO_ROW, run);
    return array instanceof PgArray ? setOf(array.elements, key) : NO_ARRAY;
  };
  return lookUp(left, key, oncePerRun(expr, make), true);
}
