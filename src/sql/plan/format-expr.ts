/**
 * Bound expressions as SQL text, in the manner of pg_get_expr: operators in parentheses, literals with
 * their types. Used for EXPLAIN, for the canonical text of defaults and checks, and (deparse-query.ts) for views.
 *
 * In the plain form every operator brings its parentheses along. In the pretty form none does, and what an operand
 * needs is decided where it is put (operand-rules.ts). CASE is broken into lines where there is a layout.
 */
import { unreachable } from '../../base/assert.js';
import type { Routine } from '../catalog/descriptor.js';
import { OID } from '../types/oids.js';
import { arrayOidOf, formatType, isArrayType, typeByName, typeByOid } from '../types/registry.js';
import type { Datum } from '../types/datum.js';
import type { Value } from '../functions/entry.js';
import type { FormatContext } from '../types/type-info.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { fieldsOf } from '../types/user-types.js';
import { direction } from './sort-direction.js';
import type {
  AggregateExpr,
  CallExpr,
  CaseExpr,
  CastExpr,
  ColumnExpr,
  Expr,
  SortKey,
  WindowExpr,
  WrittenArgument,
} from './expr.js';
import { storedCollationName } from './collation-names.js';
import { isOrderedSet } from '../functions/ordered-set.js';
import { isHypotheticalSet } from '../functions/hypothetical.js';
import { GROUPING } from './grouping.js';
import { ITEM } from './layout.js';
import type { Layout } from './layout.js';
import { holdsColumn, isChain, standsAlone } from './operand-rules.js';
import { syntaxOf } from './sql-syntax.js';
import { unfolded } from './user-aggregates.js';

export type NameColumn = (id: number, name: string) => string;
export type NameRoutine = (oid: number, name: string) => string;
export type NameType = (oid: number, typmod?: number | null) => string;

export { quoteIdentifier };

export function quoteLiteral(text: string): string {
  // A backslash is no escape in a literal without E.
  return `'${text.replaceAll("'", "''")}'`;
}

const PLAIN_NUMBER = /^\d+\.\d+$/;

function formatConstant(value: Datum, oid: number, typmod: number, format: FormatContext, typeName: NameType): string {
  if (value === null) return `NULL::${typeName(oid, typmod)}`;
  switch (oid) {
    case OID.bool:
      return value === true ? 'true' : 'false';
    case OID.int4:
      return (value as number) < 0 ? `'${String(value)}'::integer` : String(value);
    case OID.numeric: {
      const text = typeByOid(oid).output(value, format);
      if (!PLAIN_NUMBER.test(text)) return `${quoteLiteral(text)}::${typeName(oid, typmod)}`;
      return typmod < 0 ? text : `${text}::${typeName(oid, typmod)}`;
    }
    case OID.unknown:
      return quoteLiteral(value as string);
    case OID.bpchar: {
      const text = typeByOid(oid).output(value, format) as string;
      return `${quoteLiteral(typmod < 0 ? text : text.replace(/ +$/, ''))}::${typeName(oid, typmod)}`;
    }
    default:
      return `${quoteLiteral(typeByOid(oid).output(value, format))}::${typeName(oid, typmod)}`;
  }
}

/** An implicit cast says nothing that the reader does not know from the place. */
export function withoutImplicit(e: Expr): Expr {
  return e.kind === 'cast' && !e.explicit && e.collate === undefined ? withoutImplicit(e.arg) : e;
}

/** The row of a relation as a whole: one of its columns; null for any other expression. */
export function wholeRowOf(e: Expr): ColumnExpr | null {
  if (e.kind !== 'row' || e.names === undefined) return null;
  const [first] = e.args;
  return first?.kind === 'column' && first.ofRow === true ? first : null;
}

/** Rows that < and its like compare, from the chain of comparisons that it is bound to. */
function comparedRows(e: CaseExpr): { readonly left: Expr[]; readonly right: Expr[]; readonly symbol: string } | null {
  const left: Expr[] = [];
  const right: Expr[] = [];
  for (let at: Expr = e; ;) {
    const comparison: Expr | undefined = at.kind === 'case' && at.form === 'row' ? at.whens[0]?.when : at;
    if (comparison?.kind !== 'call' || comparison.args.length !== 2) return null;
    left.push(comparison.args[0]!);
    right.push(comparison.args[1]!);
    if (at.kind !== 'case' || at.form !== 'row') return { left, right, symbol: comparison.entry.name };
    at = at.whens[1]!.then;
  }
}

export interface ExprStyle {
  readonly pretty?: boolean;
  /** null: everything stays on one line. */
  readonly layout?: Layout | null;
  /** By its key. Not there: as stored expressions name it. */
  readonly collation?: (key: string) => string;
}

export class ExprFormatter {
  readonly #name: NameColumn;
  readonly #typeName: NameType;
  readonly #routineName: NameRoutine;
  readonly #format: FormatContext;
  /** How a subquery is shown; EXPLAIN numbers them. */
  readonly #subquery: (e: Extract<Expr, { kind: 'subquery' }>) => string;
  readonly #collationName: (key: string) => string;
  protected readonly pretty: boolean;
  protected readonly layout: Layout | null;

  constructor(
    format: FormatContext,
    name: NameColumn = (_id, column) => quoteIdentifier(column),
    subquery: (e: Extract<Expr, { kind: 'subquery' }>) => string = () => '(SubPlan)',
    typeName: NameType = formatType,
    routineName: NameRoutine = (_oid, routine) => quoteIdentifier(routine),
    { pretty = false, layout = null, collation = storedCollationName }: ExprStyle = {},
  ) {
    this.#collationName = collation;
    this.#routineName = routineName;
    this.#typeName = typeName;
    this.#format = format;
    this.#name = name;
    this.#subquery = subquery;
    this.pretty = pretty;
    this.layout = layout;
  }

  text(e: Expr): string {
    if (e.collate === undefined) return this.plain(e);
    const { collate, ...bare } = e;
    return this.own(`${this.operand(bare, e)} COLLATE ${this.#collationName(collate.key)}`);
  }

  /** Without COLLATE. */
  protected plain(e: Expr): string {
    switch (e.kind) {
      case 'const':
        return formatConstant(e.value, e.oid, e.typmod, this.#format, this.#typeName);
      case 'param':
        return `$${e.index + 1}`;
      case 'column':
        return this.#name(e.id, e.name);
      case 'call':
        return this.#call(e);
      case 'srf':
        return this.#functionCall(e);
      case 'cast':
        return this.#cast(e);
      case 'and':
      case 'or':
        return this.own(e.args.map((a) => this.operand(a, e)).join(e.kind === 'and' ? ' AND ' : ' OR '));
      case 'not':
        return this.own(`NOT ${this.operand(e.arg, e)}`);
      case 'isnull':
        return this.own(`${this.operand(e.arg, e)} IS ${e.negated ? 'NOT ' : ''}NULL`);
      case 'booltest':
        return this.own(`${this.operand(e.arg, e)} IS ${e.negated ? 'NOT ' : ''}${e.test.toUpperCase()}`);
      case 'distinct': {
        const [left, right] = e.equals.args.map((a) => this.operand(a, e));
        const test = this.own(`${left} IS DISTINCT FROM ${right}`);
        return e.negated ? this.own(`NOT ${test}`) : test;
      }
      case 'case':
        return this.#case(e);
      case 'coalesce':
        return `COALESCE(${this.list(e.args)})`;
      case 'minmax':
        return `${e.greatest ? 'GREATEST' : 'LEAST'}(${this.list(e.args)})`;
      case 'array':
        return `ARRAY[${this.list(e.elements)}]${e.elements.length === 0 ? `::${this.#typeName(e.oid)}` : ''}`;
      case 'row':
        return `ROW(${e.args.map((a) => this.toplevel(a)).join(', ')})${e.oid === OID.record ? '' : `::${this.#typeName(e.oid)}`}`;
      case 'anyall':
        return this.#anyAll(e);
      case 'in':
        return this.#in(e);
      case 'subscript':
        return this.#subscript(e);
      case 'field':
        return this.#field(e);
      case 'sqlvalue':
        return e.typmod >= 0 ? `${e.name.toUpperCase()}(${e.typmod})` : e.name.toUpperCase();
      case 'subquery':
        return this.#subquery(e);
      case 'aggregate':
        return this.aggregate(e);
      case 'window':
        return this.window(e);
      default:
        return unreachable(e, 'expression');
    }
  }

  /** `e` as a part of `parent`. */
  operand(e: Expr, parent: Expr): string {
    const text = this.text(e);
    return !this.pretty || this.standsAlone(e, parent) ? text : `(${text})`;
  }

  /** Without the implicit cast around it, whose operand it stays. */
  unwrapped(e: Expr): string {
    const inner = withoutImplicit(e);
    return inner === e ? this.text(e) : this.operand(inner, e);
  }

  protected standsAlone(e: Expr, parent: Expr): boolean {
    if (e.collate !== undefined) return false;
    return standsAlone(e, parent, (x) => isChain(x, this.isOwn));
  }

  /** Whether a column is of the query that the expression stands in. */
  protected readonly isOwn = (id: number): boolean => this.ownsColumn(id);
  protected ownsColumn(_id: number): boolean {
    return true;
  }

  /** With the parentheses of its own that it has in the plain form. */
  protected own(text: string): string {
    return this.pretty ? text : `(${text})`;
  }

  /** As an item of a row or of a query's output. */
  protected toplevel(e: Expr): string {
    return this.text(e);
  }

  protected list(args: readonly Expr[]): string {
    return args.map((a) => this.text(a)).join(', ');
  }

  // ---- calls ----

  #call(e: CallExpr): string {
    const written = unfolded(e);
    if (written !== e) return this.text(written);
    const [left, right] = e.args;
    if (e.entry.castsTo !== undefined) return this.#castTo(e, left!, this.#typeName(e.entry.castsTo));
    if (e.operator && left !== undefined) {
      if (e.syntax === true && right?.kind === 'array') return this.#path(left, right.elements);
      return this.own(
        right === undefined
          ? `${e.entry.name} ${this.operand(left, e)}`
          : `${this.operand(left, e)} ${e.entry.name} ${this.operand(right, e)}`,
      );
    }
    if (e.syntax === true) {
      const text = (x: Expr): string => this.text(withoutImplicit(x));
      const found = syntaxOf(e, { text, operand: (x, of) => this.operand(withoutImplicit(x), of) });
      if (found !== null) return found;
    }
    return this.#functionCall(e);
  }

  #functionCall(e: CallExpr | Extract<Expr, { kind: 'srf' }>): string {
    // A type's name as a function's is a cast, where there is no such function.
    const isCast = e.entry.oid === 0 && e.args.length === 1 && typeByName(e.entry.name)?.oid === e.entry.resultOid;
    if (isCast && e.entry.routine === undefined) return this.#castTo(e, e.args[0]!, this.#typeName(e.oid));
    if (e.written !== undefined) return this.#callByNames(e, e.written);
    if (e.entry.routine !== undefined) return this.#routineCall(e, e.entry.routine);
    const { argOids, variadic } = e.entry;
    const taken = argOids.length;
    if (variadic && argOids[taken - 1] !== OID.any && e.args.length >= taken) return this.#variadicCall(e, taken);
    return `${quoteIdentifier(e.entry.name)}(${this.list(e.args)})`;
  }

  #variadicCall(e: CallExpr | Extract<Expr, { kind: 'srf' }>, taken: number): string {
    const shown = e.args.map((a) => this.text(a));
    const rest = shown.splice(taken - 1);
    shown.push(variadicText(e.args[taken - 1]!, rest));
    return `${quoteIdentifier(e.entry.name)}(${shown.join(', ')})`;
  }

  #callByNames(e: CallExpr | Extract<Expr, { kind: 'srf' }>, written: readonly WrittenArgument[]): string {
    const { routine, name, variadic } = e.entry;
    const last = routine === undefined ? -1 : e.args.length - 1;
    const shown = written.map((argument) => {
      const text = this.text(e.args[argument.at]!);
      const named = argument.name === null ? text : `${quoteIdentifier(argument.name)} => ${text}`;
      return variadic && argument.at === last ? `VARIADIC ${named}` : named;
    });
    const called = routine === undefined ? quoteIdentifier(name) : this.#routineName(routine.oid, name);
    return `${called}(${shown.join(', ')})`;
  }

  /** As it was called: without arguments that are its defaults. */
  #routineCall(e: CallExpr | Extract<Expr, { kind: 'srf' }>, routine: Routine): string {
    const given = e.kind === 'call' ? (e.given ?? e.args.length) : e.args.length;
    const shown = e.args.slice(0, given).map((a) => this.text(a));
    const taken = routine.parameters.filter((p) => p.mode !== 'out' && p.mode !== 'table').length;
    if (e.entry.variadic && shown.length >= taken) {
      const rest = shown.splice(taken - 1);
      shown.push(variadicText(e.args[taken - 1]!, rest));
    }
    return `${this.#routineName(routine.oid, e.entry.name)}(${shown.join(', ')})`;
  }

  protected orderKeys(keys: readonly SortKey[], _args: readonly Expr[]): string {
    return keys.map((k) => this.text(k.expr) + direction(k)).join(', ');
  }

  protected aggregate(e: AggregateExpr): string {
    const { routine } = e.entry;
    const name =
      routine !== undefined
        ? this.#routineName(routine.oid, e.entry.name)
        : e.entry === GROUPING
          ? 'GROUPING'
          : quoteIdentifier(e.entry.name);
    const filter = e.filter === null ? '' : ` FILTER (WHERE ${this.text(e.filter)})`;
    const keys = e.orderBy.slice(0, this.sortCount(e));
    const order = keys.length === 0 ? '' : this.orderKeys(keys, e.args);
    if (isOrderedSet(e.entry) || isHypotheticalSet(e.entry))
      return `${name}(${this.list(e.args.slice(0, e.direct ?? 0))}) WITHIN GROUP (ORDER BY ${order})${filter}`;
    const given = e.entry.variadic === true ? this.#variadicList(e.args) : this.list(e.args);
    const args = e.args.length === 0 ? '*' : (e.distinct ? 'DISTINCT ' : '') + given;
    return `${name}(${args}${order === '' ? '' : ` ORDER BY ${order}`})${filter}`;
  }

  #variadicList(args: readonly Expr[]): string {
    return [...args.slice(0, -1).map((arg) => this.list([arg])), `VARIADIC ${this.list(args.slice(-1))}`].join(', ');
  }

  /** How many of the sort keys were written. */
  protected sortCount(e: AggregateExpr): number {
    return e.orderBy.length;
  }

  /** How many of the arguments were written. */
  protected argumentCount(e: WindowExpr): number {
    return e.args.length;
  }

  protected window(e: WindowExpr): string {
    return `${this.windowed(e)} OVER (?)`;
  }
  /** The call in front of OVER. */
  protected windowed(e: WindowExpr): string {
    if (e.aggregate !== null) return this.text(e.aggregate);
    return `${quoteIdentifier(e.name)}(${this.list(e.args.slice(0, this.argumentCount(e)))})`;
  }

  // ---- casts ----

  #cast(e: CastExpr): string {
    // An operator over rows takes them as they are.
    if (e.oid === OID.record && !e.explicit) return this.text(e.arg);
    const type = this.#typeName(e.oid, e.typmod);
    const arg = withoutImplicit(e.arg);
    if (arg.kind === 'const' && arg.typmod < 0 && (arg.oid === e.oid || arg.oid === OID.unknown)) {
      if (arg.value === null) return `NULL::${type}`;
      if (arg.oid === OID.unknown) return `${quoteLiteral(arg.value as string)}::${type}`;
      return `${this.#unlabelled(arg.value, arg.oid)}::${type}`;
    }
    return this.#castTo(e, arg, type);
  }

  #unlabelled(value: Value, oid: number): string {
    const text = typeByOid(oid).output(value, this.#format);
    return oid === OID.numeric && PLAIN_NUMBER.test(text) ? text : quoteLiteral(text);
  }

  #castTo(e: Expr, arg: Expr, type: string): string {
    return this.pretty ? `${this.operand(arg, e)}::${type}` : `(${this.text(arg)})::${type}`;
  }

  // ---- what has a form of its own ----

  #anyAll(e: Extract<Expr, { kind: 'anyall' }>): string {
    // A subquery alone would mean its rows.
    const type = e.right.kind === 'subquery' && e.right.mode === 'scalar' ? `::${this.#typeName(e.right.oid)}` : '';
    const array = this.operand(e.right, e) + type;
    return this.own(`${this.operand(e.left, e)} ${e.entry.name} ${e.all ? 'ALL' : 'ANY'} (${array})`);
  }

  #in(e: Extract<Expr, { kind: 'in' }>): string {
    const isVariable = (item: Expr): boolean => holdsColumn(item, this.isOwn);
    const chained = e.items.filter(isVariable);
    const listed = e.items.filter((item) => !isVariable(item));
    const symbol = e.negated ? '<>' : '=';
    const compared = (right: string): string => this.own(`${this.operand(e.left, e)} ${symbol} ${right}`);
    const list = (items: readonly Expr[]): string => {
      const shown = `ARRAY[${items.map((item) => this.#listed(item, e.listOid)).join(', ')}]`;
      if (e.listOid === undefined) return shown;
      return `${this.own(shown)}::${this.#typeName(arrayOidOf(e.items[0]!.oid))}`;
    };
    const any = e.negated ? 'ALL' : 'ANY';
    if (chained.length === 0) return compared(`${any} (${list(listed)})`);
    const parts = listed.length > 1 ? [compared(`${any} (${list(listed)})`)] : [];
    const single = listed.length > 1 ? chained : e.items;
    const first = this.pretty && parts.length > 0 ? [`(${parts[0]!})`] : parts;
    return this.own(
      [...first, ...single.map((i) => compared(this.operand(asGiven(i), e)))].join(e.negated ? ' AND ' : ' OR '),
    );
  }

  /** An item of a list as it was before the whole list was cast. */
  #listed(item: Expr, listOid: number | undefined): string {
    if (listOid === undefined) return this.text(item);
    if (item.kind === 'const') return this.text({ ...item, oid: listOid });
    return this.text(item.kind === 'cast' && !item.explicit && item.arg.oid === listOid ? item.arg : item);
  }

  #case(e: CaseExpr): string {
    if (wholeRowOf(e) !== null) return this.text(e.otherwise);
    const [first] = e.whens;
    if (e.form === 'nullif' && first?.when.kind === 'call') return `NULLIF(${this.list(first.when.args)})`;
    const rows = e.form === 'row' ? comparedRows(e) : null;
    if (rows !== null) return `(ROW(${this.list(rows.left)}) ${rows.symbol} ROW(${this.list(rows.right)}))`;
    return this.#caseWhen(e, e.form === 'simple' && e.whens.every(({ when }) => when.kind === 'call'));
  }

  #caseWhen(e: CaseExpr, isSimple: boolean): string {
    const { layout } = this;
    const line = (word: string, before: number, after: number): string =>
      layout === null ? ` ${word}` : layout.line(word, before, after, 0);
    let text = layout === null ? 'CASE' : line('CASE', 0, ITEM);
    const condition = (when: Expr): string => this.text(isSimple ? (when as CallExpr).args[1]! : when);
    if (isSimple) text += ` ${this.text(withoutImplicit((e.whens[0]!.when as CallExpr).args[0]!))}`;
    for (const { when, then } of e.whens) {
      text += line('WHEN ', 0, 0) + condition(when);
      text += ` THEN ${this.text(then)}`;
    }
    text += line('ELSE ', 0, 0) + this.text(e.otherwise);
    return text + line('END', -ITEM, 0);
  }

  #subscript(e: Extract<Expr, { kind: 'subscript' }>): string {
    const bound = (b: Expr | null): string => (b === null ? '' : this.text(withoutImplicit(b)));
    // After a cast or a call the brackets would belong to its type or be no expression at all.
    const isPlain = e.arg.kind === 'column' || (e.arg.kind === 'field' && e.arg.arg.kind !== 'subscript');
    const arg = isPlain ? this.text(e.arg) : `(${this.text(e.arg)})`;
    const parts = e.subscripts.map((s) =>
      s.slice || e.slice ? `[${s.slice ? bound(s.lower) : '1'}:${bound(s.upper)}]` : `[${bound(s.upper)}]`,
    );
    return arg + parts.join('');
  }

  /** Subscripts of jsonb, which are bound as a path of texts. */
  #path(arg: Expr, steps: readonly Expr[]): string {
    const shown = arg.kind === 'column' ? this.text(arg) : `(${this.text(arg)})`;
    const written = (e: Expr): Expr => (e.kind === 'cast' && e.explicit && e.arg.oid === OID.int4 ? e.arg : e);
    return shown + steps.map((step) => `[${this.text(written(step))}]`).join('');
  }

  #field(e: Extract<Expr, { kind: 'field' }>): string {
    const arg = e.arg.kind === 'subscript' || e.arg.kind === 'field' ? this.text(e.arg) : `(${this.text(e.arg)})`;
    return `${arg}.${this.fieldName(e.arg, e.index)}`;
  }

  protected fieldName(row: Expr, index: number): string {
    const name = fieldsOf(row.oid)?.[index]?.name;
    return name === undefined ? `f${index + 1}` : quoteIdentifier(name);
  }
}

/** Casts to the common type of a list and back are not written where there is no list. */
function asGiven(item: Expr): Expr {
  const given = withoutImplicit(item);
  return given.oid === item.oid ? given : item;
}

function variadicText(last: Expr, rest: readonly string[]): string {
  return `VARIADIC ${rest.length === 1 && isArrayType(last.oid) ? rest[0]! : `ARRAY[${rest.join(', ')}]`}`;
}
