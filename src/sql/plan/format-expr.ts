/**
 * Bound expressions as SQL text, in the manner of pg_get_expr: operators in parentheses, literals with
 * their types. Used for EXPLAIN and for the canonical text of defaults and checks.
 */
import { unreachable } from '../../base/assert.js';
import type { Routine } from '../catalog/descriptor.js';
import { OID } from '../types/oids.js';
import { formatType, isArrayType, typeByOid } from '../types/registry.js';
import type { Datum } from '../types/datum.js';
import type { FormatContext } from '../types/type-info.js';
import { identityCast } from '../types/casts.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { fieldsOf } from '../types/user-types.js';
import type { Expr } from './expr.js';

export type NameColumn = (id: number, name: string) => string;
export type NameRoutine = (oid: number, name: string) => string;
export type NameType = (oid: number, typmod?: number | null) => string;

export { quoteIdentifier };

export function quoteLiteral(text: string): string {
  // A backslash is no escape in a literal without E.
  return `'${text.replaceAll("'", "''")}'`;
}

function formatConstant(value: Datum, oid: number, typmod: number, format: FormatContext, typeName: NameType): string {
  if (value === null) return oid === OID.unknown ? 'NULL' : `NULL::${typeName(oid, typmod)}`;
  switch (oid) {
    case OID.bool:
      return value === true ? 'true' : 'false';
    case OID.int4:
      return (value as number) < 0 ? `'${String(value)}'::integer` : String(value);
    case OID.numeric: {
      const text = typeByOid(oid).output(value, format);
      return /^\d+(\.\d+)?$/.test(text) && text.includes('.') ? text : `${quoteLiteral(text)}::numeric`;
    }
    case OID.unknown:
      return quoteLiteral(value as string);
    default:
      return `${quoteLiteral(typeByOid(oid).output(value, format))}::${typeName(oid, typmod)}`;
  }
}

/** True if `x::type` needs no parentheses around x. */
function isSimple(e: Expr): boolean {
  return (
    e.kind === 'column' ||
    e.kind === 'param' ||
    (e.kind === 'call' && !e.operator) ||
    e.kind === 'case' ||
    e.kind === 'coalesce'
  );
}

export class ExprFormatter {
  readonly #name: NameColumn;
  readonly #typeName: NameType;
  readonly #routineName: NameRoutine;
  readonly #format: FormatContext;
  /** How a subquery is shown; EXPLAIN numbers them. */
  readonly #subquery: (e: Extract<Expr, { kind: 'subquery' }>) => string;

  constructor(
    format: FormatContext,
    name: NameColumn,
    subquery: (e: Extract<Expr, { kind: 'subquery' }>) => string = () => '(SubPlan)',
    typeName: NameType = formatType,
    routineName: NameRoutine = (_oid, routine) => quoteIdentifier(routine),
  ) {
    this.#routineName = routineName;
    this.#typeName = typeName;
    this.#format = format;
    this.#name = name;
    this.#subquery = subquery;
  }

  text(e: Expr): string {
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
        return `${quoteIdentifier(e.entry.name)}(${this.#list(e.args)})`;
      case 'cast':
        return this.#cast(e);
      case 'and':
      case 'or':
        return `(${e.args.map((a) => this.text(a)).join(e.kind === 'and' ? ' AND ' : ' OR ')})`;
      case 'not':
        return `(NOT ${this.text(e.arg)})`;
      case 'isnull':
        return `(${this.text(e.arg)} IS ${e.negated ? 'NOT ' : ''}NULL)`;
      case 'booltest':
        return `(${this.text(e.arg)} IS ${e.negated ? 'NOT ' : ''}${e.test.toUpperCase()})`;
      case 'distinct':
        return `(${this.text(e.equals.args[0]!)} IS ${e.negated ? 'NOT ' : ''}DISTINCT FROM ${this.text(e.equals.args[1]!)})`;
      case 'case':
        return `CASE ${e.whens.map((w) => `WHEN ${this.text(w.when)} THEN ${this.text(w.then)}`).join(' ')} ELSE ${this.text(e.otherwise)} END`;
      case 'coalesce':
        return `COALESCE(${this.#list(e.args)})`;
      case 'minmax':
        return `${e.greatest ? 'GREATEST' : 'LEAST'}(${this.#list(e.args)})`;
      case 'array':
        return `ARRAY[${this.#list(e.elements)}]${e.elements.length === 0 ? `::${this.#typeName(e.oid)}` : ''}`;
      case 'row':
        return `ROW(${this.#list(e.args)})${e.oid === OID.record ? '' : `::${this.#typeName(e.oid)}`}`;
      case 'anyall':
        return `(${this.text(e.left)} ${e.entry.name} ${e.all ? 'ALL' : 'ANY'} (${this.text(e.right)}))`;
      case 'in':
        return e.negated
          ? `(${this.text(e.left)} <> ALL (ARRAY[${this.#list(e.items)}]))`
          : `(${this.text(e.left)} = ANY (ARRAY[${this.#list(e.items)}]))`;
      case 'subscript':
        // After a cast or a call the brackets would belong to its type or be no expression at all.
        return `${e.arg.kind === 'column' ? this.text(e.arg) : `(${this.text(e.arg)})`}${e.subscripts.map((s) => (s.slice ? `[${this.#bound(s.lower)}:${this.#bound(s.upper)}]` : `[${this.#bound(s.upper)}]`)).join('')}`;
      case 'field':
        return `(${this.text(e.arg)}).${this.#fieldName(e.arg, e.index)}`;
      case 'sqlvalue':
        return e.typmod >= 0 ? `${e.name.toUpperCase()}(${e.typmod})` : e.name.toUpperCase();
      case 'subquery':
        return this.#subquery(e);
      case 'aggregate': {
        const distinct = e.distinct ? 'DISTINCT ' : '';
        const order =
          e.orderBy.length === 0
            ? ''
            : ` ORDER BY ${e.orderBy.map((k) => this.text(k.expr) + (k.descending ? ' DESC' : '')).join(', ')}`;
        const filter = e.filter === null ? '' : ` FILTER (WHERE ${this.text(e.filter)})`;
        return `${e.entry.name}(${e.args.length === 0 ? '*' : distinct + this.#list(e.args)}${order})${filter}`;
      }
      case 'window':
        return e.aggregate === null
          ? `${e.name}(${this.#list(e.args)}) OVER (?)`
          : `${this.text(e.aggregate)} OVER (?)`;
      default:
        return unreachable(e, 'expression');
    }
  }

  #fieldName(row: Expr, index: number): string {
    const name = fieldsOf(row.oid)?.[index]?.name;
    return name === undefined ? `f${index + 1}` : quoteIdentifier(name);
  }

  #bound(e: Expr | null): string {
    return e === null ? '' : this.text(e);
  }

  #list(args: readonly Expr[]): string {
    return args.map((a) => this.text(a)).join(', ');
  }

  #call(e: Extract<Expr, { kind: 'call' }>): string {
    const [left, right] = e.args;
    if (e.entry.castsTo !== undefined) {
      return `(${this.text(left!)})::${this.#typeName(e.entry.castsTo)}`;
    }
    if (e.operator && left !== undefined) {
      return right === undefined
        ? `(${e.entry.name} ${this.text(left)})`
        : `(${this.text(left)} ${e.entry.name} ${this.text(right)})`;
    }
    if (e.entry.routine !== undefined) return this.#routineCall(e, e.entry.routine);
    return `${quoteIdentifier(e.entry.name)}(${this.#list(e.args)})`;
  }

  /** As it was called: without arguments that are its defaults. */
  #routineCall(e: Extract<Expr, { kind: 'call' }>, routine: Routine): string {
    const shown = e.args.slice(0, e.given ?? e.args.length).map((a) => this.text(a));
    const taken = routine.parameters.filter((p) => p.mode !== 'out' && p.mode !== 'table').length;
    if (e.entry.variadic && shown.length >= taken) {
      const last = e.args[taken - 1]!;
      const rest = shown.splice(taken - 1);
      shown.push(`VARIADIC ${rest.length === 1 && isArrayType(last.oid) ? rest[0]! : `ARRAY[${rest.join(', ')}]`}`);
    }
    return `${this.#routineName(routine.oid, e.entry.name)}(${shown.join(', ')})`;
  }

  #cast(e: Extract<Expr, { kind: 'cast' }>): string {
    const type = this.#typeName(e.oid, e.typmod);
    if (e.arg.kind === 'const') {
      if (e.arg.oid === OID.unknown && typeof e.arg.value === 'string') return `${quoteLiteral(e.arg.value)}::${type}`;
      return `(${this.text(e.arg)})::${type}`;
    }
    if (e.arg.kind === 'cast' && e.fn === identityCast && !e.explicit) return `${this.text(e.arg)}::${type}`;
    return isSimple(e.arg) && e.arg.kind !== 'column' && e.arg.kind !== 'call'
      ? `${this.text(e.arg)}::${type}`
      : `(${this.text(e.arg)})::${type}`;
  }
}
