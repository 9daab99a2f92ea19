/**
 * Constant folding: pure calls and casts of constants, and the logic around them. What fails is left as it is: a statement that still has
 * such a part when it is planned gives its error when it is run, whether or not there are rows (`failureOf`), as in PostgreSQL.
 */
import type { ExecContext } from '../contract.js';
import { QuoralError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { elementOidOf, typeByOid } from '../types/registry.js';
import type { FormatContext } from '../types/type-info.js';
import { isCostly } from './costly.js';
import { constant, mapChildren, some } from './expr.js';
import type { CallExpr, ConstExpr, Expr } from './expr.js';

function isConst(e: Expr): e is ConstExpr {
  return e.kind === 'const';
}

/** Immutable functions look at nothing of the context but its format, if at all. */
function foldingContext(format: FormatContext): ExecContext {
  return { format, parameters: [] } as unknown as ExecContext;
}

let failures = 0;

/** How many parts have failed so far, in this process: a plan that was made while it stayed the same has none. */
export function foldFailures(): number {
  return failures;
}

/** Of a part whose value could be known, and is an error. */
export function failureOf(e: Expr, format: FormatContext): QuoralError | null {
  try {
    if (e.kind === 'cast') {
      if (!e.stable && isConst(e.arg) && e.arg.value !== null) e.fn(e.arg.value, e.typmod, format);
    } else if (e.kind === 'call' && isPure(e) && !isCostly(e)) {
      const values = e.args.map((a) => (a as ConstExpr).value);
      if (!e.entry.strict || !values.includes(null)) void e.entry.impl(values, foldingContext(format), e.info);
    }
  } catch (error) {
    if (error instanceof QuoralError) return error;
    if (!(error instanceof TypeError)) throw error;
  }
  return null;
}

function isPure({ entry, args }: CallExpr): boolean {
  return entry.volatility === 'immutable' && !entry.mayWait && !entry.returnsSet && args.every(isConst);
}

function attempt(expr: Expr, compute: () => Datum | Promise<Datum>): Expr {
  try {
    const value = compute();
    return value instanceof Promise ? expr : constant(value, expr.oid, expr.typmod);
  } catch (error) {
    // A TypeError says that more of the context was needed.
    if (error instanceof QuoralError) failures++;
    else if (!(error instanceof TypeError)) throw error;
    return expr;
  }
}

/** Also one that settings decide, such as the text of a date. */
function isLiteral(e: Expr): boolean {
  return isConst(e) || (e.kind === 'cast' && isConst(e.arg));
}

/** Whether it has a part that could have been computed by now: that part is an error, which a NULL beside it does not hide. */
export function fails(expr: Expr): boolean {
  return some(
    expr,
    (e) =>
      (e.kind === 'call' && e.entry.volatility === 'immutable' && !e.entry.mayWait && e.args.every(isLiteral)) ||
      (e.kind === 'cast' && !e.stable && isConst(e.arg)),
  );
}

export function fold(expr: Expr, format: FormatContext): Expr {
  const e = mapChildren(expr, (child) => fold(child, format));
  switch (e.kind) {
    case 'call': {
      const { entry, info, args } = e;
      if (!isPure(e)) {
        if (
          entry.strict &&
          entry.volatility !== 'volatile' &&
          args.some((a) => isConst(a) && a.value === null) &&
          !args.some(fails)
        ) {
          return constant(null, e.oid, e.typmod);
        }
        return e;
      }
      const values = args.map((a) => (a as ConstExpr).value);
      if (entry.strict && values.includes(null)) return constant(null, e.oid, e.typmod);
      return isCostly(e) ? e : attempt(e, () => entry.impl(values, foldingContext(format), info));
    }
    case 'cast': {
      const { arg, fn, typmod } = e;
      if (e.stable || !isConst(arg)) return e;
      const { value } = arg;
      if (value === null) return constant(null, e.oid, e.typmod);
      return attempt(e, () => fn(value, typmod, format));
    }
    case 'and':
    case 'or':
      return foldLogic(e);
    case 'not':
      return isConst(e.arg) ? constant(e.arg.value === null ? null : e.arg.value !== true, OID.bool) : e;
    case 'isnull':
      return isConst(e.arg) && e.ofRow !== true ? constant((e.arg.value === null) !== e.negated, OID.bool) : e;
    case 'case': {
      const whens = e.whens.filter((w) => !(isConst(w.when) && w.when.value !== true));
      const first = whens[0];
      if (first === undefined) return e.otherwise;
      const last = whens.findIndex((w) => isConst(w.when));
      if (last === 0) return first.then;
      // None of those behind one that is always true comes to be looked at.
      return last < 0 ? { ...e, whens } : { ...e, whens: whens.slice(0, last), otherwise: whens[last]!.then };
    }
    case 'coalesce': {
      const args = e.args.filter((a) => !(isConst(a) && a.value === null));
      const first = args[0];
      if (first === undefined) return constant(null, e.oid, e.typmod);
      return args.length === 1 || isConst(first) ? first : { ...e, args };
    }
    case 'array':
      return e;
    default:
      return e;
  }
}

function foldLogic(e: Extract<Expr, { kind: 'and' | 'or' }>): Expr {
  const decisive = e.kind === 'or';
  const args = e.args
    .flatMap((a) => (a.kind === e.kind ? a.args : [a]))
    .filter((a) => !(isConst(a) && a.value === !decisive));
  const decided = args.findIndex((a) => isConst(a) && a.value === decisive);
  // What comes after it is not looked at; what comes before it may be an error.
  if (decided >= 0 && !args.slice(0, decided).some(fails)) return constant(decisive, OID.bool);
  if (args.length === 0) return constant(!decisive, OID.bool);
  return args.length === 1 ? args[0]! : { ...e, args };
}

/** Dates and times, intervals, ranges and rows of them. */
const READ_CATEGORIES = ['D', 'T', 'R', 'C'];

/**
 * Dates and times written as literals, whose reading depends on settings or the clock, become the constants that
 * they are now. Names of objects, whose reading depends on the catalog, stay as they are.
 */
export function readLiterals(expr: Expr, format: FormatContext): Expr {
  const e = mapChildren(expr, (child) => readLiterals(child, format));
  if (e.kind !== 'cast' || !e.stable || e.arg.kind !== 'const' || e.arg.oid !== OID.unknown) return e;
  const { category } = typeByOid(elementOidOf(e.oid) || e.oid);
  if (!READ_CATEGORIES.includes(category)) return e;
  return constant(e.arg.value === null ? null : e.fn(e.arg.value, e.typmod, format), e.oid, e.typmod);
}
