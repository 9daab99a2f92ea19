/**
 * Bound expressions compiled to JavaScript closures over a row (DESIGN 8: never by pasting text).
 *
 * An expression that can wait (a subquery, nextval) compiles to a closure that may return a promise, and does where
 * there is something to wait for; everything else is synchronous all the way. AND, OR, CASE and COALESCE evaluate lazily, left to
 * right, in both forms; a strict function with a NULL argument is NULL without being called.
 */
import { assert, unreachable } from '../../base/assert.js';
import { sqlError } from '../../base/errors.js';
import { after, type Soon } from '../../base/soon.js';
import type { CallInfo, FunctionEntry, Value } from '../functions/entry.js';
import { type CallExpr, type Expr, some } from '../plan/expr.js';
import { identityCast } from '../types/casts.js';
import { PgArray, PgRecord, type Datum } from '../types/datum.js';
import { orderOf } from '../functions/collated-entries.js';
import { breathe } from './pace.js';
import { isCostly } from '../plan/costly.js';
import { compileSubquery } from './eval-subquery.js';
import { combineArray, evalSqlValue, subscriptArray } from './eval-values.js';
import { compileAny, compileIn } from './membership.js';
import type { Row, Run } from './run.js';

/** Where a column id is in the row; what is not there comes from outside. */
export type Layout = ReadonlyMap<number, number>;

export type SyncEval = (row: Row, run: Run) => Datum;
export type AsyncEval = (row: Row, run: Run) => Soon<Datum>;
export type Compiled =
  { readonly waits: false; readonly eval: SyncEval } | { readonly waits: true; readonly eval: AsyncEval };

export function layoutOf(columns: readonly { readonly id: number }[]): Layout {
  return new Map(columns.map((c, i) => [c.id, i]));
}

const sync = (fn: SyncEval): Compiled => ({ waits: false, eval: fn });
const waiting = (fn: AsyncEval): Compiled => ({ waits: true, eval: fn });

export function compileExpr(expr: Expr, layout: Layout): Compiled {
  switch (expr.kind) {
    case 'const': {
      const { value } = expr;
      return sync(() => value);
    }
    case 'param': {
      const { index } = expr;
      return sync((_row, run) => run.ctx.parameters[index]!);
    }
    case 'column': {
      const { id } = expr;
      const at = layout.get(id);
      if (at !== undefined) return sync((row) => row[at]!);
      return sync((_row, run) => run.outer[id] ?? null);
    }
    case 'call':
      return compileCall(expr, layout);
    case 'and':
      return compileAnd(expr.args, layout);
    case 'or':
      return compileOr(expr.args, layout);
    case 'case':
      return compileCase(expr.whens, expr.otherwise, layout);
    case 'coalesce':
      return compileCoalesce(expr.args, layout);
    case 'subquery':
      return waiting(compileSubquery(expr, layout));
    case 'sqlvalue': {
      const { name, typmod } = expr;
      return sync((_row, run) => evalSqlValue(name, typmod, run.ctx));
    }
    case 'aggregate':
    case 'window':
    case 'srf':
      throw sqlError('0A000', `${expr.kind} expressions are computed by their own operators`);
    case 'in':
    case 'anyall': {
      const compile = (e: Expr): SyncEval | null => compileSync(e, layout);
      const found = expr.kind === 'in' ? compileIn(expr, compile) : compileAny(expr, compile);
      return found === null ? compileStrictParts(expr, layout) : sync(found);
    }
    default:
      return compileStrictParts(expr, layout);
  }
}

/** Compiles an expression that is known not to wait. */
export function compileSync(expr: Expr, layout: Layout): SyncEval | null {
  const compiled = withoutRests(() => compileExpr(expr, layout));
  return compiled.waits ? null : compiled.eval;
}

/** Whether costly calls give the event loop back; those that hang in one another then do so between each two. */
let rests = true;

/** For what must have its value at once, however long that takes. */
export function withoutRests<T>(compile: () => T): T {
  const before = rests;
  rests = false;
  try {
    return compile();
  } finally {
    rests = before;
  }
}

type PartExpr = Extract<
  Expr,
  {
    kind:
      | 'cast'
      | 'not'
      | 'isnull'
      | 'booltest'
      | 'distinct'
      | 'minmax'
      | 'array'
      | 'row'
      | 'anyall'
      | 'in'
      | 'subscript'
      | 'field';
  }
>;

/** Expressions that need all their parts: the parts first, then one function of their values. */
function compileStrictParts(expr: PartExpr, layout: Layout): Compiled {
  if (expr.kind === 'cast' && expr.fn === identityCast) return compileExpr(expr.arg, layout);
  const { parts, combine, one } = partsOf(expr);
  const compiled = parts.map((part) => compileExpr(part, layout));
  if (!compiled.some((c) => c.waits)) {
    const evals = compiled.map((c) => c.eval as SyncEval);
    if (one !== undefined) {
      const only = evals[0]!;
      return sync((row, run) => one(only(row, run), run));
    }
    return sync((row, run) => {
      const values = new Array<Datum>(evals.length);
      for (let i = 0; i < evals.length; i++) values[i] = evals[i]!(row, run);
      return combine(values, run);
    });
  }
  return waiting((row, run) => after(evalAll(compiled, row, run), (values) => combine(values, run)));
}

function evalAll(compiled: readonly Compiled[], row: Row, run: Run): Soon<Datum[]> {
  const values = new Array<Datum>(compiled.length);
  for (let i = 0; i < compiled.length; i++) {
    const value = compiled[i]!.eval(row, run);
    if (value instanceof Promise) return evalRest(compiled, values, i, value, row, run);
    values[i] = value;
  }
  return values;
}

async function evalRest(
  compiled: readonly Compiled[],
  values: Datum[],
  from: number,
  first: Promise<Datum>,
  row: Row,
  run: Run,
): Promise<Datum[]> {
  values[from] = await first;
  for (let i = from + 1; i < compiled.length; i++) {
    const value = compiled[i]!.eval(row, run);
    values[i] = value instanceof Promise ? await value : value;
  }
  return values;
}

interface Parts {
  readonly parts: readonly Expr[];
  readonly combine: (values: readonly Datum[], run: Run) => Datum;
  /** Of what has one part: as `combine`, without an array for each value. */
  readonly one?: (value: Datum, run: Run) => Datum;
}

function onePart(part: Expr, one: (value: Datum, run: Run) => Datum): Parts {
  return { parts: [part], combine: ([value], run) => one(value!, run), one };
}

function partsOf(expr: PartExpr): Parts {
  switch (expr.kind) {
    case 'cast': {
      const { fn, typmod } = expr;
      return onePart(expr.arg, (v, run) => (v === null ? null : fn(v, typmod, run.ctx.format)));
    }
    case 'not':
      return onePart(expr.arg, (v) => (v === null ? null : v === false));
    case 'isnull': {
      const { negated } = expr;
      if (expr.ofRow === true) return onePart(expr.arg, (v) => rowIsNull(v, negated));
      return onePart(expr.arg, (v) => (v === null) !== negated);
    }
    case 'booltest': {
      const { test, negated } = expr;
      const wanted = test === 'unknown' ? null : test === 'true';
      return onePart(expr.arg, (v) => (v === wanted) !== negated);
    }
    case 'distinct': {
      const { equals, negated } = expr;
      return {
        parts: equals.args,
        combine: ([a, b], run) => {
          const same = a === null || b === null ? a === b : callNow(equals.entry, equals.info, [a!, b!], run) === true;
          return same === negated;
        },
      };
    }
    case 'minmax': {
      const { greatest, oid } = expr;
      const compare = orderOf(oid, expr.collation);
      return { parts: expr.args, combine: (values) => extreme(values, compare, greatest) };
    }
    case 'array': {
      const { oid, nested } = expr;
      return { parts: expr.elements, combine: (values) => combineArray(values, oid, nested) };
    }
    case 'row': {
      const { args, names, present, collations } = expr;
      const oids = args.map((a) => a.oid);
      const orders = collations?.map((collation, i) =>
        collation === undefined ? undefined : orderOf(oids[i]!, collation),
      );
      const make = (values: readonly Datum[]): PgRecord => new PgRecord(oids, [...values], names, orders);
      if (present === undefined) return { parts: args, combine: make };
      return {
        parts: [...args, present],
        combine: (values) => (values.at(-1) === null ? null : make(values.slice(0, -1))),
      };
    }
    case 'anyall':
      return anyAllParts(expr);
    case 'in':
      return inParts(expr);
    case 'subscript':
      return subscriptParts(expr);
    case 'field': {
      const { index } = expr;
      return onePart(expr.arg, (v) => (v instanceof PgRecord ? (v.values[index] ?? null) : null));
    }
    default:
      return unreachable(expr, 'expression');
  }
}

/** A row is NULL if all its fields are, and not NULL if none is. */
function rowIsNull(value: Datum, negated: boolean): boolean {
  if (!(value instanceof PgRecord)) return (value === null) !== negated;
  return value.values.every((v) => (v === null) !== negated);
}

function extreme(values: readonly Datum[], compare: (a: Value, b: Value) => number, greatest: boolean): Datum {
  let best: Datum = null;
  for (const value of values) {
    if (value === null) continue;
    if (best === null) best = value;
    else if (greatest ? compare(value, best) > 0 : compare(value, best) < 0) best = value;
  }
  return best;
}

function anyAllParts(expr: Extract<Expr, { kind: 'anyall' }>): Parts {
  const { entry, info, all } = expr;
  return {
    parts: [expr.left, expr.right],
    combine: ([left, right], run) => {
      if (right === null) return null;
      assert(right instanceof PgArray, 'ANY/ALL over something that is not an array');
      let sawNull = false;
      for (const element of right.elements) {
        const result = callNow(entry, info, [left!, element], run);
        if (result === null) sawNull = true;
        else if (result === !all) return !all;
      }
      return sawNull ? null : all;
    },
  };
}

function inParts(expr: Extract<Expr, { kind: 'in' }>): Parts {
  const { entry, info, negated } = expr;
  return {
    parts: [expr.left, ...expr.items],
    combine: (values, run) => {
      const left = values[0]!;
      let sawNull = false;
      for (let i = 1; i < values.length; i++) {
        const result = callNow(entry, info, [left, values[i]!], run);
        if (result === null) sawNull = true;
        else if (result === true) return !negated;
      }
      return sawNull ? null : negated;
    },
  };
}

function subscriptParts(expr: Extract<Expr, { kind: 'subscript' }>): Parts {
  const parts: Expr[] = [expr.arg];
  const shape = expr.subscripts.map((s) => {
    const at = { lower: -1, upper: -1, slice: s.slice };
    if (s.lower !== null) at.lower = parts.push(s.lower) - 1;
    if (s.upper !== null) at.upper = parts.push(s.upper) - 1;
    return at;
  });
  return { parts, combine: (values) => subscriptArray(values, shape, expr.slice) };
}

/** Calls an entry whose result is there at once. */
export function callNow(entry: FunctionEntry, info: CallInfo, args: readonly Datum[], run: Run): Datum {
  if (entry.strict) for (const arg of args) if (arg === null) return null;
  const result = entry.impl(args, run.ctx, info);
  assert(!(result instanceof Promise), 'an operator that waits where it must not');
  return result;
}

function compileCall(expr: CallExpr, layout: Layout): Compiled {
  const { entry, info } = expr;
  const args = expr.args.map((a) => compileExpr(a, layout));
  const costly = rests && isCostly(expr) && !expr.args.some(readsRow);
  if (!costly && !entry.mayWait && !args.some((a) => a.waits)) {
    return sync(
      syncCall(
        entry,
        info,
        args.map((a) => a.eval as SyncEval),
      ),
    );
  }
  const call = (values: readonly Datum[], run: Run): Soon<Datum> => {
    if (entry.strict && values.includes(null)) return null;
    const rest = breathe(run.ctx);
    return rest === null ? entry.impl(values, run.ctx, info) : rest.then(() => entry.impl(values, run.ctx, info));
  };
  return waiting((row, run) => {
    const values = evalAll(args, row, run);
    return values instanceof Promise ? values.then((all) => call(all, run)) : call(values, run);
  });
}

/** What hangs on rows is evaluated once for each, and there are rests between these. */
function readsRow(expr: Expr): boolean {
  return some(expr, (e) => e.kind === 'column');
}

function syncCall(entry: FunctionEntry, info: CallInfo, args: readonly SyncEval[]): SyncEval {
  const { strict, call1, call2 } = entry;
  if (strict && args.length === 2 && call2 !== null) {
    const [first, second] = args as readonly [SyncEval, SyncEval];
    return (row, run) => {
      // Both are computed even if one is NULL: an error in the other one shows.
      const a = first(row, run);
      const b = second(row, run);
      return a === null || b === null ? null : (call2(a, b, run.ctx, info) as Datum);
    };
  }
  if (strict && args.length === 1 && call1 !== null) {
    const only = args[0]!;
    return (row, run) => {
      const a = only(row, run);
      return a === null ? null : (call1(a, run.ctx, info) as Datum);
    };
  }
  return (row, run) => {
    const values = new Array<Datum>(args.length);
    let none = false;
    for (let i = 0; i < args.length; i++) {
      const value = args[i]!(row, run);
      if (value === null) none = true;
      values[i] = value;
    }
    return none && strict ? null : (entry.impl(values, run.ctx, info) as Datum);
  };
}

function compileAnd(args: readonly Expr[], layout: Layout): Compiled {
  return compileLogic(args, layout, false);
}

function compileOr(args: readonly Expr[], layout: Layout): Compiled {
  return compileLogic(args, layout, true);
}

/** `decisive` ends it: false for AND, true for OR; NULL otherwise wins over the other value. */
function compileLogic(args: readonly Expr[], layout: Layout, decisive: boolean): Compiled {
  const compiled = args.map((a) => compileExpr(a, layout));
  if (!compiled.some((c) => c.waits)) {
    const evals = compiled.map((c) => c.eval as SyncEval);
    return sync((row, run) => {
      let result: Datum = !decisive;
      for (let i = 0; i < evals.length; i++) {
        const value = evals[i]!(row, run);
        if (value === decisive) return decisive;
        if (value === null) result = null;
      }
      return result;
    });
  }
  const from = (at: number, before: Datum, row: Row, run: Run): Soon<Datum> => {
    let result = before;
    for (let i = at; i < compiled.length; i++) {
      const value = compiled[i]!.eval(row, run);
      if (value instanceof Promise) {
        const known = result;
        return value.then((v) => (v === decisive ? v : from(i + 1, v === null ? null : known, row, run)));
      }
      if (value === decisive) return decisive;
      if (value === null) result = null;
    }
    return result;
  };
  return waiting((row, run) => from(0, !decisive, row, run));
}

function compileCase(
  whens: readonly { readonly when: Expr; readonly then: Expr }[],
  otherwise: Expr,
  layout: Layout,
): Compiled {
  const branches = whens.map((w) => ({
    when: compileExpr(w.when, layout),
    then: compileExpr(w.then, layout),
  }));
  const last = compileExpr(otherwise, layout);
  if (!last.waits && !branches.some((b) => b.when.waits || b.then.waits)) {
    const tests = branches.map((b) => b.when.eval as SyncEval);
    const results = branches.map((b) => b.then.eval as SyncEval);
    const fallback = last.eval;
    return sync((row, run) => {
      for (let i = 0; i < tests.length; i++) {
        if (tests[i]!(row, run) === true) return results[i]!(row, run);
      }
      return fallback(row, run);
    });
  }
  const from = (at: number, row: Row, run: Run): Soon<Datum> => {
    for (let i = at; i < branches.length; i++) {
      const { when, then } = branches[i]!;
      const test = when.eval(row, run);
      if (test instanceof Promise) return test.then((t) => (t === true ? then.eval(row, run) : from(i + 1, row, run)));
      if (test === true) return then.eval(row, run);
    }
    return last.eval(row, run);
  };
  return waiting((row, run) => from(0, row, run));
}

function compileCoalesce(args: readonly Expr[], layout: Layout): Compiled {
  const compiled = args.map((a) => compileExpr(a, layout));
  if (!compiled.some((c) => c.waits)) {
    const evals = compiled.map((c) => c.eval as SyncEval);
    return sync((row, run) => {
      for (let i = 0; i < evals.length; i++) {
        const value = evals[i]!(row, run);
        if (value !== null) return value;
      }
      return null;
    });
  }
  const from = (at: number, row: Row, run: Run): Soon<Datum> => {
    for (let i = at; i < compiled.length; i++) {
      const value = compiled[i]!.eval(row, run);
      if (value instanceof Promise) return value.then((v) => v ?? from(i + 1, row, run));
      if (value !== null) return value;
    }
    return null;
  };
  return waiting((row, run) => from(0, row, run));
}

/** Where in the row the value stands that the expression is; -1: it has to be computed. */
export function columnAt(expr: Expr, layout: Layout): number {
  if (expr.kind === 'cast' && expr.fn === identityCast) return columnAt(expr.arg, layout);
  return expr.kind === 'column' ? (layout.get(expr.id) ?? -1) : -1;
}

/** Several expressions at once, for projections: a row of their values. */
export interface CompiledRow {
  readonly waits: boolean;
  /** Only if it does not wait. */
  now(row: Row, run: Run): Datum[];
  later(row: Row, run: Run): Soon<Datum[]>;
}

export function compileRow(exprs: readonly Expr[], layout: Layout): CompiledRow {
  const compiled = exprs.map((e) => compileExpr(e, layout));
  const waits = compiled.some((c) => c.waits);
  const evals = compiled.map((c) => c.eval as SyncEval);
  // Most of a wide row are columns, which need no call.
  const columns = exprs.map((e) => columnAt(e, layout));
  return {
    waits,
    now: (row, run) => {
      const values = new Array<Datum>(evals.length);
      for (let i = 0; i < evals.length; i++) {
        const at = columns[i]!;
        values[i] = at >= 0 ? row[at]! : evals[i]!(row, run);
      }
      return values;
    },
    later: (row, run) => evalAll(compiled, row, run),
  };
}

/** A condition: true only if it is TRUE. */
export interface CompiledTest {
  readonly waits: boolean;
  now(row: Row, run: Run): boolean;
  later(row: Row, run: Run): Soon<boolean>;
}

export function compileTest(expr: Expr | null, layout: Layout): CompiledTest | null {
  if (expr === null || (expr.kind === 'const' && expr.value === true)) return null;
  const compiled = compileExpr(expr, layout);
  const now = compiled.eval as SyncEval;
  return {
    waits: compiled.waits,
    now: (row, run) => now(row, run) === true,
    later: (row, run) => after<Datum, boolean>(compiled.eval(row, run), isTrue),
  };
}

const isTrue = (value: Datum): boolean => value === true;

export function testRow(test: CompiledTest | null, row: Row, run: Run): Soon<boolean> {
  if (test === null) return true;
  return test.waits ? test.later(row, run) : test.now(row, run);
}
