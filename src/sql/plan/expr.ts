/**
 * Bound expressions: immutable, typed, with names resolved to column ids that are unique within a
 * statement, so that rules move expressions between plan nodes without renumbering anything. A column
 * whose id no input of a node has belongs to an outer query.
 */
import type { FunctionEntry, AggregateEntry, CallInfo } from '../functions/entry.js';
import type { CastFunction } from '../types/casts.js';
import type { Collation } from '../types/collation.js';
import { type Datum, JsonPath } from '../types/datum.js';
import { OID } from '../types/oids.js';
import type { Plan } from './logical.js';
import { unreachable } from '../../base/assert.js';

interface Typed {
  readonly oid: number;
  readonly typmod: number;
  /** The domain over `oid` that it has (declared-types.ts); a cast to one says so by itself. */
  readonly domain?: number;
  /** COLLATE, written behind it. What that means for what is around it is settled in collate-plan.ts. */
  readonly collate?: Collate;
}

export interface Collate {
  /** As of types/collation.ts. */
  readonly key: string;
  /** Where it was written. */
  readonly location: number;
}

export interface ConstExpr extends Typed {
  readonly kind: 'const';
  readonly value: Datum;
  /** Where a literal was written, for messages about its value. */
  readonly location?: number;
}
export interface ParamExpr extends Typed {
  readonly kind: 'param';
  /** 0-based. */
  readonly index: number;
  /** Of the field that it is, for a variable's. */
  readonly name?: string;
  /** The key of the collation that the variable was declared with. */
  readonly collation?: string;
}
export interface ColumnExpr extends Typed {
  readonly kind: 'column';
  readonly id: number;
  readonly name: string;
  /** Where it was written, for messages; -1 if it was not. */
  readonly location: number;
  /** Part of a relation's whole row: the query depends on the relation, not on the column. */
  readonly ofRow?: true;
}
export interface CallExpr extends Typed {
  readonly kind: 'call';
  readonly entry: FunctionEntry;
  readonly operator: boolean;
  readonly args: readonly Expr[];
  readonly info: CallInfo;
  /** Of a user's function: how many of the arguments the call gives; those behind are defaults. */
  readonly given?: number;
  /** For who writes the query again: arguments by names, in the order in which they were written. */
  readonly written?: readonly WrittenArgument[];
  /** Written in the words that SQL has for it, as in EXTRACT(year FROM d); of `#>`: as subscripts. */
  readonly syntax?: true;
}
/** Which argument it is, and the name that it was given by. */
export interface WrittenArgument {
  readonly at: number;
  readonly name: string | null;
}
export interface CastExpr extends Typed {
  readonly kind: 'cast';
  readonly arg: Expr;
  readonly fn: CastFunction;
  readonly explicit: boolean;
  /** The same for the whole execution, though not for ever: depends on settings or the clock. */
  readonly stable: boolean;
}
export interface LogicExpr extends Typed {
  readonly kind: 'and' | 'or';
  readonly args: readonly Expr[];
}
export interface NotExpr extends Typed {
  readonly kind: 'not';
  readonly arg: Expr;
}
export interface IsNullExpr extends Typed {
  readonly kind: 'isnull';
  readonly arg: Expr;
  readonly negated: boolean;
  /** Asks of a row whether all its fields are NULL, or (negated) none is. What is in a field is not looked into. */
  readonly ofRow?: true;
}
export interface BoolTestExpr extends Typed {
  readonly kind: 'booltest';
  readonly arg: Expr;
  readonly test: 'true' | 'false' | 'unknown';
  readonly negated: boolean;
}
export interface DistinctExpr extends Typed {
  readonly kind: 'distinct';
  /** The equality over both sides; its two arguments are compared. */
  readonly equals: CallExpr;
  /** True for IS NOT DISTINCT FROM. */
  readonly negated: boolean;
}
export interface CaseExpr extends Typed {
  readonly kind: 'case';
  readonly whens: readonly { readonly when: Expr; readonly then: Expr }[];
  readonly otherwise: Expr;
  /** As it was written, for its text: CASE x WHEN …, NULLIF(…), or a row compared by < and the like. */
  readonly form?: 'simple' | 'nullif' | 'row';
}
export interface CoalesceExpr extends Typed {
  readonly kind: 'coalesce';
  readonly args: readonly Expr[];
}
export interface MinMaxExpr extends Typed {
  readonly kind: 'minmax';
  readonly greatest: boolean;
  readonly args: readonly Expr[];
  /** As of SortKey. */
  readonly collation?: Collation | null;
}
export interface ArrayExpr extends Typed {
  readonly kind: 'array';
  readonly elements: readonly Expr[];
  /** Elements are themselves arrays of the same type (a further dimension). */
  readonly nested: boolean;
}
export interface RowExpr extends Typed {
  readonly kind: 'row';
  readonly args: readonly Expr[];
  /** As it was bound, literals without a type yet: for a cast to a composite type, which gives them theirs. */
  readonly written?: readonly Expr[];
  /** The columns' names, if it is a relation's row. */
  readonly names?: readonly string[];
  /** That relation's id, if it is a table. */
  readonly tableId?: number;
  /** The row as a whole is NULL where this is: an outer join has found none. */
  readonly present?: Expr;
  /** Of its fields, where one has another order than its type's. */
  readonly collations?: readonly (Collation | null | undefined)[];
}
/** left op ANY/ALL (array). */
export interface AnyAllExpr extends Typed {
  readonly kind: 'anyall';
  readonly entry: FunctionEntry;
  readonly info: CallInfo;
  readonly left: Expr;
  readonly right: Expr;
  readonly all: boolean;
}
export interface InExpr extends Typed {
  readonly kind: 'in';
  readonly entry: FunctionEntry;
  readonly info: CallInfo;
  readonly left: Expr;
  readonly items: readonly Expr[];
  readonly negated: boolean;
  /** The type of the items before they became what the operator takes, if that is another. */
  readonly listOid?: number;
}
export interface SubscriptExpr extends Typed {
  readonly kind: 'subscript';
  readonly arg: Expr;
  readonly subscripts: readonly { readonly lower: Expr | null; readonly upper: Expr | null; readonly slice: boolean }[];
  readonly slice: boolean;
}
export interface FieldExpr extends Typed {
  readonly kind: 'field';
  readonly arg: Expr;
  readonly index: number;
}
export type SqlValueName =
  | 'current_date'
  | 'current_time'
  | 'current_timestamp'
  | 'localtime'
  | 'localtimestamp'
  | 'current_user'
  | 'session_user'
  | 'current_catalog'
  | 'current_schema';
export interface SqlValueExpr extends Typed {
  readonly kind: 'sqlvalue';
  readonly name: SqlValueName;
}
export interface SubqueryExpr extends Typed {
  readonly kind: 'subquery';
  /** row: one row at most, which is compared with another. */
  readonly mode: 'scalar' | 'exists' | 'array' | 'any' | 'all' | 'row';
  readonly plan: Plan;
  /** any/all/row: compares the outer values with a row of the plan (over both kinds of column ids). */
  readonly test: Expr | null;
  /** any with plain equality of one column: the outer value and equality, so that a hash set serves. */
  readonly hashed: { readonly left: Expr; readonly typeOid: number } | null;
}
export interface AggregateExpr extends Typed {
  readonly kind: 'aggregate';
  readonly entry: AggregateEntry;
  readonly args: readonly Expr[];
  /** With WITHIN GROUP: how many of the arguments, from the first, are of the group and not of its rows. */
  readonly direct?: number;
  readonly info: CallInfo;
  readonly distinct: boolean;
  readonly filter: Expr | null;
  readonly orderBy: readonly SortKey[];
}
export interface WindowExpr extends Typed {
  readonly kind: 'window';
  readonly name: string;
  /** Of OVER with a name alone: the place in the WINDOW clause. Else null. */
  readonly declared: number | null;
  readonly aggregate: AggregateExpr | null;
  readonly args: readonly Expr[];
  readonly partition: readonly Expr[];
  readonly orderBy: readonly SortKey[];
  readonly frame: WindowFrame;
}
export interface SetReturningExpr extends Typed {
  readonly kind: 'srf';
  readonly entry: FunctionEntry;
  readonly args: readonly Expr[];
  readonly info: CallInfo;
  readonly written?: readonly WrittenArgument[];
}

export interface WindowFrame {
  readonly mode: 'rows' | 'range' | 'groups';
  readonly start: FrameBound;
  readonly end: FrameBound;
  readonly exclude: 'none' | 'current' | 'group' | 'ties';
}
export interface FrameBound {
  readonly kind: 'unbounded preceding' | 'preceding' | 'current' | 'following' | 'unbounded following';
  readonly offset: Expr | null;
}

export interface SortKey {
  readonly expr: Expr;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
  /** The order of a language; null: of several, of which none prevails. Not there: as the type's values come. */
  readonly collation?: Collation | null;
  /** USING ~<~ or ~>~: the order of code points, of no language. */
  readonly byCodePoints?: boolean;
}

export type Expr =
  | ConstExpr
  | ParamExpr
  | ColumnExpr
  | CallExpr
  | CastExpr
  | LogicExpr
  | NotExpr
  | IsNullExpr
  | BoolTestExpr
  | DistinctExpr
  | CaseExpr
  | CoalesceExpr
  | MinMaxExpr
  | ArrayExpr
  | RowExpr
  | AnyAllExpr
  | InExpr
  | SubscriptExpr
  | FieldExpr
  | SqlValueExpr
  | SubqueryExpr
  | AggregateExpr
  | WindowExpr
  | SetReturningExpr;

export function constant(value: Datum, oid: number, typmod = -1): ConstExpr {
  return { kind: 'const', value, oid, typmod };
}
export const TRUE: ConstExpr = constant(true, OID.bool);
export const FALSE: ConstExpr = constant(false, OID.bool);

/** AND of all, flattened; TRUE for none. */
export function conjunction(parts: readonly Expr[]): Expr {
  if (parts.length === 0) return TRUE;
  if (parts.length === 1) return parts[0]!;
  return { kind: 'and', args: parts, oid: OID.bool, typmod: -1 };
}
export function conjuncts(expr: Expr | null): readonly Expr[] {
  if (expr === null) return [];
  if (expr.kind === 'and') return expr.args.flatMap((a) => conjuncts(a));
  if (expr.kind === 'const' && expr.value === true) return [];
  return [expr];
}

/** map(), which gives the very list back if no item has become another: large lists are rewritten by many rules. */
export function mapSame<T>(list: readonly T[], f: (item: T) => T): readonly T[] {
  for (let i = 0; i < list.length; i++) {
    const item = list[i]!;
    const made = f(item);
    if (made === item) continue;
    const out = list.slice(0, i);
    out.push(made);
    for (let rest = i + 1; rest < list.length; rest++) out.push(f(list[rest]!));
    return out;
  }
  return list;
}

export function mapKeys(keys: readonly SortKey[], f: (e: Expr) => Expr): readonly SortKey[] {
  return mapSame(keys, (k) => {
    const expr = f(k.expr);
    return expr === k.expr ? k : { ...k, expr };
  });
}

/** Rebuilds one node with its direct children replaced, if one is. Plans of subqueries are left alone. */
export function mapChildren(expr: Expr, f: (child: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'const':
    case 'param':
    case 'column':
    case 'sqlvalue':
      return expr;
    case 'call':
    case 'coalesce':
    case 'minmax':
    case 'and':
    case 'or':
    case 'srf': {
      const args = mapSame(expr.args, f);
      return args === expr.args ? expr : { ...expr, args };
    }
    case 'row': {
      const args = mapSame(expr.args, f);
      if (expr.present === undefined) return args === expr.args ? expr : { ...expr, args };
      const present = f(expr.present);
      return args === expr.args && present === expr.present ? expr : { ...expr, args, present };
    }
    case 'cast':
    case 'not':
    case 'isnull':
    case 'booltest':
    case 'field': {
      const arg = f(expr.arg);
      return arg === expr.arg ? expr : { ...expr, arg };
    }
    case 'distinct':
      return { ...expr, equals: { ...expr.equals, args: expr.equals.args.map(f) } };
    case 'case':
      return mapCase(expr, f);
    case 'array': {
      const elements = mapSame(expr.elements, f);
      return elements === expr.elements ? expr : { ...expr, elements };
    }
    case 'anyall':
      return { ...expr, left: f(expr.left), right: f(expr.right) };
    case 'in': {
      const left = f(expr.left);
      const items = mapSame(expr.items, f);
      return left === expr.left && items === expr.items ? expr : { ...expr, left, items };
    }
    case 'subscript':
      return {
        ...expr,
        arg: f(expr.arg),
        subscripts: expr.subscripts.map((s) => ({
          slice: s.slice,
          lower: s.lower === null ? null : f(s.lower),
          upper: s.upper === null ? null : f(s.upper),
        })),
      };
    case 'subquery':
      return {
        ...expr,
        test: expr.test === null ? null : f(expr.test),
        hashed: expr.hashed === null ? null : { ...expr.hashed, left: f(expr.hashed.left) },
      };
    case 'aggregate':
      return {
        ...expr,
        args: expr.args.map(f),
        filter: expr.filter === null ? null : f(expr.filter),
        orderBy: mapKeys(expr.orderBy, f),
      };
    case 'window':
      return {
        ...expr,
        args: expr.args.map(f),
        aggregate: expr.aggregate === null ? null : (mapChildren(expr.aggregate, f) as AggregateExpr),
        partition: expr.partition.map(f),
        orderBy: mapKeys(expr.orderBy, f),
      };
    default:
      return unreachable(expr, 'expression');
  }
}

function mapCase(expr: CaseExpr, f: (child: Expr) => Expr): Expr {
  const whens = mapSame(expr.whens, (w) => {
    const when = f(w.when);
    const then = f(w.then);
    return when === w.when && then === w.then ? w : { when, then };
  });
  const otherwise = f(expr.otherwise);
  return whens === expr.whens && otherwise === expr.otherwise ? expr : { ...expr, whens, otherwise };
}

/** Direct children, without the plans of subqueries. */
export function childrenOf(expr: Expr): readonly Expr[] {
  const found: Expr[] = [];
  mapChildren(expr, (child) => {
    found.push(child);
    return child;
  });
  return found;
}

/** Calls `visit` on every node, parents first; it returns false to leave the children out. */
export function walk(expr: Expr, visit: (e: Expr) => boolean | void): void {
  const step = (e: Expr): Expr => {
    if (visit(e) !== false) mapChildren(e, step);
    return e;
  };
  step(expr);
}

export function some(expr: Expr, test: (e: Expr) => boolean): boolean {
  let found = false;
  walk(expr, (e) => {
    if (!found && test(e)) found = true;
    return !found;
  });
  return found;
}

/** Volatile calls may not be moved, duplicated or folded. Those in subqueries are not looked at: isVolatileWithin() does. */
export function isVolatile(expr: Expr): boolean {
  return some(expr, (e) => (e.kind === 'call' || e.kind === 'srf') && e.entry.volatility === 'volatile');
}
export function hasSubquery(expr: Expr): boolean {
  if (expr.kind === 'const' || expr.kind === 'column' || expr.kind === 'param') return false;
  return some(expr, (e) => e.kind === 'subquery');
}

export function sameSortKey(a: SortKey, b: SortKey): boolean {
  return sameDirection(a, b) && a.collation === b.collation && sameExpr(a.expr, b.expr);
}

/** Rows are sorted alike for both, and parted alike. */
export function sameWindow(a: WindowExpr, b: WindowExpr): boolean {
  return (
    a.partition.length === b.partition.length &&
    a.orderBy.length === b.orderBy.length &&
    a.partition.every((e, i) => sameExpr(e, b.partition[i]!)) &&
    a.orderBy.every((key, i) => sameSortKey(key, b.orderBy[i]!))
  );
}

/** Structural equality, for GROUP BY and ORDER BY matching. */
export function sameExpr(a: Expr, b: Expr): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.oid !== b.oid || a.typmod !== b.typmod || a.collate?.key !== b.collate?.key) return false;
  switch (a.kind) {
    case 'column':
      return a.id === (b as ColumnExpr).id;
    case 'param':
      return a.index === (b as ParamExpr).index;
    case 'const':
      return sameConstant(a.value, (b as ConstExpr).value);
    case 'call':
    case 'srf':
      if (!sameFunction(a.entry, (b as CallExpr).entry)) return false;
      break;
    case 'cast':
      if (a.explicit !== (b as CastExpr).explicit) return false;
      break;
    case 'anyall':
      if (a.entry !== (b as AnyAllExpr).entry || a.all !== (b as AnyAllExpr).all) return false;
      break;
    case 'in':
      if (a.entry !== (b as InExpr).entry || a.negated !== (b as InExpr).negated) return false;
      break;
    case 'isnull':
      if (a.negated !== (b as IsNullExpr).negated || a.ofRow !== (b as IsNullExpr).ofRow) return false;
      break;
    case 'distinct':
      if (a.negated !== (b as DistinctExpr).negated) return false;
      break;
    case 'booltest':
      if (a.negated !== (b as BoolTestExpr).negated || a.test !== (b as BoolTestExpr).test) return false;
      break;
    case 'minmax':
      if (a.greatest !== (b as MinMaxExpr).greatest || a.collation !== (b as MinMaxExpr).collation) return false;
      break;
    case 'field':
      if (a.index !== (b as FieldExpr).index) return false;
      break;
    case 'sqlvalue':
      return a.name === (b as SqlValueExpr).name;
    case 'aggregate':
      if (!alikeAggregates(a, b as AggregateExpr)) return false;
      break;
    case 'window':
      if (!alikeWindows(a, b as WindowExpr)) return false;
      break;
    case 'subscript':
      if (formOf(a) !== formOf(b as SubscriptExpr)) return false;
      break;
    case 'subquery':
      return false;
    case 'and':
    case 'or':
    case 'not':
    case 'case':
    case 'coalesce':
    case 'array':
      break;
    case 'row':
      if (a.names?.join('\0') !== (b as RowExpr).names?.join('\0')) return false;
      break;
    default:
      return unreachable(a, 'expression');
  }
  const x = a.kind === 'call' ? a.args : childrenOf(a);
  const y = a.kind === 'call' ? (b as CallExpr).args : childrenOf(b);
  return x.length === y.length && x.every((e, i) => sameExpr(e, y[i]!));
}

/** The same but for the children. */
function alikeAggregates(a: AggregateExpr, b: AggregateExpr): boolean {
  if (a.entry !== b.entry || a.distinct !== b.distinct || (a.filter === null) !== (b.filter === null)) return false;
  return sameDirections(a.orderBy, b.orderBy);
}
function sameDirections(a: readonly SortKey[], b: readonly SortKey[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((k, i) => sameDirection(k, b[i]!));
}
function sameDirection(a: SortKey, b: SortKey): boolean {
  return a.descending === b.descending && a.nullsFirst === b.nullsFirst && a.byCodePoints === b.byCodePoints;
}
function alikeWindows(a: WindowExpr, b: WindowExpr): boolean {
  if (a.name !== b.name || (a.aggregate === null) !== (b.aggregate === null)) return false;
  if (a.aggregate !== null && !alikeAggregates(a.aggregate, b.aggregate!)) return false;
  if (a.args.length !== b.args.length || a.partition.length !== b.partition.length) return false;
  const [x, y] = [a.frame, b.frame];
  if (x.mode !== y.mode || x.exclude !== y.exclude || !sameDirections(a.orderBy, b.orderBy)) return false;
  return sameBound(x.start, y.start) && sameBound(x.end, y.end);
}
function sameBound(a: FrameBound, b: FrameBound): boolean {
  if (a.kind !== b.kind || a.offset === null || b.offset === null) return a.kind === b.kind && a.offset === b.offset;
  return sameExpr(a.offset, b.offset);
}
/** Which bounds the subscripts have. */
function formOf({ slice, subscripts }: SubscriptExpr): string {
  return `${slice} ${subscripts.map((s) => `${s.slice} ${s.lower !== null} ${s.upper !== null}`).join()}`;
}

/** A user's function has an entry for each place that it was found in. */
function sameFunction(a: FunctionEntry, b: FunctionEntry): boolean {
  return a === b || (a.routine !== undefined && a.routine.oid === b.routine?.oid);
}

function sameConstant(a: Datum, b: Datum): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  // Its program may be one that JSON cannot show.
  if (a instanceof JsonPath) return b instanceof JsonPath && a.text === b.text;
  return plain(a) === plain(b);
}
function plain(v: object): string {
  return JSON.stringify(v, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
}
