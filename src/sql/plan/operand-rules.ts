/**
 * Where the pretty form of an expression keeps parentheses: around an operand that would be read in another way without
 * them, and around some that would not, as PostgreSQL decides it by what is inside and what is around.
 */
import { castsByFunction } from '../types/casts.js';
import type { CallExpr, CastExpr, Expr } from './expr.js';
import { some } from './expr.js';

const LOW = /^[-+]$/;
const HIGH = /^[*/%]$/;

/** IN over a list with columns is a chain of comparisons; other lists are arrays. */
export function isChain(e: Expr, isOwn: (id: number) => boolean): boolean {
  return e.kind === 'in' && e.items.some((item) => holdsColumn(item, isOwn));
}

export function holdsColumn(e: Expr, isOwn: (id: number) => boolean): boolean {
  return some(e, (x) => x.kind === 'column' && isOwn(x.id));
}

export function isFunctionCast(e: CastExpr): boolean {
  return e.arg.oid === e.oid || castsByFunction(e.arg.oid, e.oid);
}

/** Brackets or words of its own keep apart what is inside of it. */
function encloses(parent: Expr): boolean {
  switch (parent.kind) {
    case 'subscript':
    case 'array':
    case 'row':
    case 'coalesce':
    case 'minmax':
    case 'aggregate':
    case 'window':
    case 'srf':
      return true;
    case 'case':
      return parent.form !== 'row';
    case 'call':
      return !parent.operator && parent.entry.castsTo === undefined && parent.syntax !== true;
    default:
      return false;
  }
}

type Logic = 'and' | 'or' | 'not';

function logicOf(e: Expr, chains: (e: Expr) => boolean): Logic | null {
  if (e.kind === 'and' || e.kind === 'or' || e.kind === 'not') return e.kind;
  if (e.kind === 'distinct' && e.negated) return 'not';
  return e.kind === 'in' && chains(e) ? (e.negated ? 'and' : 'or') : null;
}

function binaryOf(e: Expr): string | null {
  return e.kind === 'call' && e.operator && e.args.length === 2 && e.entry.name.length === 1 ? e.entry.name : null;
}

/** Arithmetic inside of arithmetic, where the reader knows what comes first. null: it is none. */
function arithmetic(e: CallExpr, parent: Expr): boolean | null {
  if (parent.kind !== 'call' || !parent.operator) return null;
  const [own, outer] = [binaryOf(e), binaryOf(parent)];
  if (own === null || outer === null) return false;
  const isKnown = (symbol: string): boolean => LOW.test(symbol) || HIGH.test(symbol);
  if (!isKnown(own) || !isKnown(outer)) return false;
  if (HIGH.test(own) && LOW.test(outer)) return true;
  if (LOW.test(own) && HIGH.test(outer)) return false;
  return parent.args[0] === e;
}

/** Whether `e` needs no parentheses as a part of `parent`; `chains` tells which IN lists are chains. */
export function standsAlone(e: Expr, parent: Expr, chains: (e: Expr) => boolean): boolean {
  const outer = logicOf(parent, chains);
  const logic = logicOf(e, chains);
  if (logic !== null) {
    if (outer === null) return encloses(parent);
    return outer === 'or' || (outer === 'and' && logic !== 'or');
  }
  switch (e.kind) {
    case 'field':
      return parent.kind !== 'field';
    case 'case':
      return e.form !== 'row';
    case 'cast':
      return isFunctionCast(e) || standsAlone(e.arg, e, chains);
    case 'call': {
      if (e.entry.castsTo !== undefined) return standsAlone(e.args[0]!, e, chains);
      if (!e.operator) return true;
      return arithmetic(e, parent) ?? (outer !== null || encloses(parent));
    }
    case 'isnull':
    case 'booltest':
    case 'distinct':
    case 'subquery':
      return outer !== null || encloses(parent);
    case 'in':
    case 'anyall':
      return false;
    default:
      return true;
  }
}
