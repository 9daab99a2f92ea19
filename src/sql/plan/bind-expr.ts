/**
 * Parse trees of expressions → bound expressions. Where names come from (`scope`) and what is allowed
 * (aggregates, window functions, set-returning functions) is in the context; subqueries are bound through
 * it too, so that this file does not depend on the binding of SELECT.
 */
import type { A_Expr, A_Indirection, ColumnRef, Node, TypeCast } from 'libpg-query';
import { checkDimensions } from '../types/limits.js';
import { identityCast } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';
import { arrayOidOf, elementOidOf, formatType, isArrayType, isVectorType } from '../types/registry.js';
import { as, kindOf, locationOf, stringsOf, startOf } from './ast.js';
import { errorAt, findColumn, findRelation } from './binder.js';
import type { Binder, ExprContext, ScopeRelation } from './binder.js';
import { bindAnyAll, bindCall, bindComparison, bindIn, bindOperator, compareRows, makeOperator } from './bind-call.js';
import {
  coerce,
  coerceBoolean,
  commonType,
  resolveTypeName,
  resolveUnknown,
  settle,
  tryCoerce,
  typeOfExpr,
} from './coerce.js';
import { bindGrouping } from './grouping.js';
import { bindCollate } from './bind-collate.js';
import { bindJsonbSubscripts } from './bind-subscript.js';
import { bindConstant } from './literals.js';
import { bindRowSubquery, bindSubLink } from './bind-sublink.js';
import { bindSqlValue } from './bind-sql-value.js';
import { missingColumn, missingRelation } from './missing-relation.js';
import { attributeOr, bindField } from './attribute-calls.js';
import { expandedStars } from './stars.js';
import { bareSystemColumn, systemColumnOf } from './system-columns.js';
import { mergedColumn } from './stars.js';
import type { StarRef } from './stars.js';
import { readColumn, readRow } from './read-column.js';
import { bindArgument, bindVariable, variableBeforeColumn, variableStar } from './variables.js';
import { conjunction, constant } from './expr.js';
import type { Expr } from './expr.js';
import { commonDeclared, declaredArray, declaredAs, declaredPart, declaredOid } from './declared-types.js';

export function bindExpr(ctx: ExprContext, node: Node): Expr {
  const kind = kindOf(node);
  const b = ctx.binder;
  switch (kind) {
    case 'ColumnRef':
      return bindColumnRef(ctx, as(node, 'ColumnRef')!);
    case 'A_Const':
      return bindConstant(node);
    case 'ParamRef':
      return bindParam(b, as(node, 'ParamRef')!);
    case 'A_Expr':
      return bindAExpr(ctx, as(node, 'A_Expr')!);
    case 'FuncCall':
      return bindCall(ctx, as(node, 'FuncCall')!);
    case 'BoolExpr': {
      const e = as(node, 'BoolExpr')!;
      const op = e.boolop === 'OR_EXPR' ? 'OR' : e.boolop === 'NOT_EXPR' ? 'NOT' : 'AND';
      const args = (e.args ?? []).map((a) => coerceBoolean(b, bindExpr(ctx, a), op, locationOf(a)));
      if (op === 'NOT') return { kind: 'not', arg: args[0]!, oid: OID.bool, typmod: -1 };
      return { kind: op === 'OR' ? 'or' : 'and', args, oid: OID.bool, typmod: -1 };
    }
    case 'TypeCast':
      return bindTypeCast(ctx, as(node, 'TypeCast')!);
    case 'NullTest': {
      const e = as(node, 'NullTest')!;
      const arg = resolveUnknown(b, bindExpr(ctx, e.arg!));
      return nullTest(arg, e.nulltesttype === 'IS_NOT_NULL');
    }
    case 'BooleanTest': {
      const e = as(node, 'BooleanTest')!;
      const type = e.booltesttype ?? 'IS_TRUE';
      const arg = coerceBoolean(b, bindExpr(ctx, e.arg!), type.replaceAll('_', ' '), locationOf(e.arg));
      const test = type.endsWith('TRUE') ? 'true' : type.endsWith('FALSE') ? 'false' : 'unknown';
      return { kind: 'booltest', arg, test, negated: type.startsWith('IS_NOT'), oid: OID.bool, typmod: -1 };
    }
    case 'CaseExpr':
      return bindCase(withoutSets(ctx, 'CASE'), node);
    case 'CoalesceExpr':
    case 'MinMaxExpr':
      return bindChoice(ctx, node);
    case 'GroupingFunc':
      return bindGrouping(ctx, node);
    case 'A_ArrayExpr':
      return bindArray(ctx, as(node, 'A_ArrayExpr')!.elements ?? [], locationOf(node), 0);
    case 'RowExpr':
      return bindRow(ctx, as(node, 'RowExpr')!.args ?? []);
    case 'SubLink':
      return bindSubLink(ctx, as(node, 'SubLink')!);
    case 'A_Indirection':
      return bindIndirection(ctx, as(node, 'A_Indirection')!);
    case 'SQLValueFunction':
      return bindSqlValue(as(node, 'SQLValueFunction')!);
    case 'CollateClause':
      return bindCollate(ctx, as(node, 'CollateClause')!);
    case 'SetToDefault':
      throw errorAt('42601', 'DEFAULT is not allowed in this context', locationOf(node));
    case 'A_Star':
      throw errorAt('42601', 'syntax error at or near "*"', locationOf(node));
    case 'XmlExpr':
    case 'XmlSerialize':
      throw errorAt('0A000', 'unsupported XML feature', locationOf(node));
    case 'CurrentOfExpr':
      throw errorAt('0A000', 'WHERE CURRENT OF is not supported', locationOf(node));
    default:
      throw errorAt('0A000', `this kind of expression is not supported (${kind})`, locationOf(node));
  }
}

function bindRow(ctx: ExprContext, items: readonly Node[]): Expr {
  const written = items.flatMap((a) => starColumns(ctx, a) ?? expandedStars(ctx, [a]).map((n) => ctx.bind(ctx, n)));
  const args = written.map((arg) => resolveUnknown(ctx.binder, arg));
  return { kind: 'row', args, written, oid: OID.record, typmod: -1 };
}

function bindParam(b: Binder, ref: { number?: number; location?: number }): Expr {
  const n = ref.number ?? 0;
  if (n < 1 || n > 65535) throw errorAt('42P02', `there is no parameter $${n}`, ref.location ?? -1);
  if (b.variables !== null) return bindArgument(b, n, ref.location ?? -1);
  while (b.parameterOids.length < n) b.parameterOids.push(0);
  const known = b.parameterOids[n - 1]!;
  const oid = known === 0 ? OID.unknown : known;
  const base = baseOidOf(oid);
  const param: Expr = { kind: 'param', index: n - 1, oid: base, typmod: -1 };
  return base === oid ? param : coerce(b, param, oid, 'explicit');
}

/** Columns of a written star (t.* or *) as expressions; null if it is no star. */
export function starColumns(ctx: ExprContext, node: Node): Expr[] | null {
  const ref = as(node, 'ColumnRef');
  const fields = ref?.fields ?? [];
  const last = fields.at(-1);
  if (ref === undefined || as(last, 'A_Star') === undefined) return null;
  if (fields.length === 1) {
    if (ctx.scope.relations.length === 0)
      throw errorAt('42601', 'SELECT * with no tables specified is not valid', ref.location ?? 0);
    return ctx.scope.columns.filter((c) => !c.hidden).map((c) => readColumn(ctx, c.column));
  }
  const names = stringsOf(fields.slice(0, -1));
  const alias = names.at(-1)!;
  const relation = findRelation(ctx.scope, names.length > 1 ? names.at(-2)! : null, alias, ref.location ?? 0);
  if (relation === null) {
    const fields = variableStar(ctx.binder, names);
    if (fields !== null) return fields.map((field) => field.expr);
    throw missingRelation(ctx, alias, ref.location ?? 0);
  }
  return relation.columns.filter((c) => !c.hidden).map((c) => readColumn(ctx, c.column));
}

/** The relation whose columns `t.*` stands for; null where it is something else's, or names all of FROM. */
function starredRelation(ctx: ExprContext, qualifier: readonly Node[], location: number): ScopeRelation | null {
  const names = stringsOf(qualifier);
  if (names.length === 0 || names.length > 2) return null;
  const relation = findRelation(ctx.scope, names.length > 1 ? names[0]! : null, names.at(-1)!, location);
  return relation?.scalar === true ? null : relation;
}

function bindColumnRef(ctx: ExprContext, ref: ColumnRef): Expr {
  const location = ref.location ?? 0;
  const fields = ref.fields ?? [];
  if (as(fields.at(-1), 'A_Star') !== undefined) {
    const relation = starredRelation(ctx, fields.slice(0, -1), location);
    if (relation !== null) return readRow(ctx, relation, location);
    const columns = starColumns(ctx, { ColumnRef: ref });
    const args = columns ?? [];
    const names = args.map((c) => (c.kind === 'column' ? c.name : ''));
    return { kind: 'row', args, names, oid: OID.record, typmod: -1 };
  }
  const names = stringsOf(fields);
  if (names.length === 1) {
    const name = names[0]!;
    const { quoralMerged } = ref as StarRef;
    if (quoralMerged !== undefined) return mergedColumn(ctx, quoralMerged);
    const column = findColumn(ctx.scope, name, location);
    if (column !== null) return variableBeforeColumn(ctx.binder, names, location) ?? readColumn(ctx, column, location);
    const found = bindVariable(ctx.binder, names) ?? bareSystemColumn(ctx, name, location);
    if (found !== null) return found;
    const relation = findRelation(ctx.scope, null, name, location);
    if (relation?.scalar === true) return readColumn(ctx, relation.columns[0]!.column, location);
    if (relation !== null) return readRow(ctx, relation, location);
    throw missingColumn(ctx, null, name, location);
  }
  if (names.length > 3) refuseFarName(ctx, names, location);
  const name = names.at(-1)!;
  const table = names.at(-2)!;
  const relation = findRelation(ctx.scope, names.length > 2 ? names.at(-3)! : null, table, location);
  if (relation === null) {
    const variable = bindVariable(ctx.binder, names);
    if (variable !== null) return variable;
    throw missingRelation(ctx, table, location);
  }
  const matches = relation.columns.filter((c) => c.column.name === name);
  const { quoralTwin } = ref as StarRef;
  if (matches.length > 1 && quoralTwin === undefined)
    throw errorAt('42702', `column reference "${name}" is ambiguous`, location);
  if (matches.length === 0)
    return attributeOr(
      ctx,
      {
        expr: () => readRow(ctx, relation, location),
        node: () => ({ ColumnRef: { ...ref, fields: fields.slice(0, -1) } }),
        isCall: (call) => ctx.binder.callPins?.set(ref, call),
      },
      name,
      location,
      () => systemColumnOf(ctx, relation, table, name, location),
    );
  const variable = variableBeforeColumn(ctx.binder, names, location);
  if (variable !== null) return variable;
  return readColumn(ctx, matches[quoralTwin ?? 0]!.column, location);
}

function bindAExpr(ctx: ExprContext, e: A_Expr): Expr {
  const location = e.location ?? 0;
  const b = ctx.binder;
  const symbol = stringsOf(e.name).at(-1) ?? '';
  switch (e.kind ?? 'AEXPR_OP') {
    case 'AEXPR_OP':
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
    case 'AEXPR_SIMILAR': {
      const leftRow = as(e.lexpr, 'RowExpr');
      const rightRow = as(e.rexpr, 'RowExpr');
      if (leftRow !== undefined && rightRow !== undefined && e.kind === 'AEXPR_OP') {
        return bindRowComparison(ctx, symbol, leftRow.args ?? [], rightRow.args ?? [], location);
      }
      const sub = as(e.rexpr, 'SubLink');
      if (leftRow !== undefined && sub !== undefined && (sub.subLinkType ?? 'EXPR_SUBLINK') === 'EXPR_SUBLINK') {
        return bindRowSubquery(ctx, symbol, leftRow.args ?? [], sub, location);
      }
      const left = e.lexpr === undefined ? null : bindExpr(ctx, e.lexpr);
      return bindOperator(b, symbol, left, bindExpr(ctx, e.rexpr!), location);
    }
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      return bindAnyAll(
        ctx,
        symbol,
        bindExpr(ctx, e.lexpr!),
        bindExpr(ctx, e.rexpr!),
        e.kind === 'AEXPR_OP_ALL',
        location,
      );
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const negated = e.kind === 'AEXPR_NOT_DISTINCT';
      const leftRow = as(e.lexpr, 'RowExpr');
      const rightRow = as(e.rexpr, 'RowExpr');
      if (leftRow !== undefined && rightRow !== undefined) {
        const pairs = (leftRow.args ?? []).map((l, i) =>
          distinctFrom(ctx, l, (rightRow.args ?? [])[i]!, negated, location),
        );
        return negated ? conjunction(pairs) : { kind: 'or', args: pairs, oid: OID.bool, typmod: -1 };
      }
      return distinctFrom(ctx, e.lexpr!, e.rexpr!, negated, location);
    }
    case 'AEXPR_NULLIF': {
      const left = bindExpr(ctx, e.lexpr!);
      const equals = makeOperator(b, '=', left, bindExpr(ctx, e.rexpr!), location);
      // The result has the type that the comparison gave the left side.
      const value = resolveUnknown(b, equals.args[0]!);
      return {
        kind: 'case',
        whens: [{ when: equals, then: constant(null, value.oid) }],
        otherwise: value,
        form: 'nullif',
        oid: value.oid,
        typmod: declaredOid(value) === value.oid ? value.typmod : -1,
      };
    }
    case 'AEXPR_IN': {
      const items = as(e.rexpr, 'List')?.items ?? [];
      return bindIn(ctx, e.lexpr!, items, symbol === '<>', location);
    }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return bindBetween(ctx, e, location);
    default:
      throw errorAt('0A000', 'this operator is not supported', location);
  }
}

function distinctFrom(ctx: ExprContext, l: Node, r: Node, negated: boolean, location: number): Expr {
  const b = ctx.binder;
  const [left, right] = [bindExpr(ctx, l), bindExpr(ctx, r)];
  const other = isNullConstant(right) ? left : isNullConstant(left) ? right : null;
  // A row that is there is not NULL, whatever is in it.
  if (other?.kind === 'row' && other.present === undefined)
    return { kind: 'const', value: !negated, oid: OID.bool, typmod: -1 };
  if (other !== null)
    return { kind: 'isnull', arg: resolveUnknown(b, other), negated: !negated, oid: OID.bool, typmod: -1 };
  const equals = makeOperator(b, '=', left, right, location);
  return { kind: 'distinct', equals, negated, oid: OID.bool, typmod: -1 };
}

/** Without a cast or COLLATE, which would say what it is compared as. */
const isNullConstant = (e: Expr): boolean =>
  e.kind === 'const' && e.value === null && e.oid === OID.unknown && e.collate === undefined;

function bindBetween(ctx: ExprContext, e: A_Expr, location: number): Expr {
  const b = ctx.binder;
  const [low, high] = as(e.rexpr, 'List')?.items ?? [];
  const value = bindExpr(ctx, e.lexpr!);
  const lower = bindExpr(ctx, low!);
  const upper = bindExpr(ctx, high!);
  const inside = (from: Expr, to: Expr): Expr => ({
    kind: 'and',
    args: [bindComparison(b, '>=', value, from, location), bindComparison(b, '<=', value, to, location)],
    oid: OID.bool,
    typmod: -1,
  });
  const outside = (from: Expr, to: Expr): Expr => ({
    kind: 'or',
    args: [bindComparison(b, '<', value, from, location), bindComparison(b, '>', value, to, location)],
    oid: OID.bool,
    typmod: -1,
  });
  switch (e.kind) {
    case 'AEXPR_BETWEEN':
      return inside(lower, upper);
    case 'AEXPR_NOT_BETWEEN':
      return outside(lower, upper);
    case 'AEXPR_BETWEEN_SYM':
      return { kind: 'or', args: [inside(lower, upper), inside(upper, lower)], oid: OID.bool, typmod: -1 };
    default:
      return { kind: 'and', args: [outside(lower, upper), outside(upper, lower)], oid: OID.bool, typmod: -1 };
  }
}

function bindRowComparison(
  ctx: ExprContext,
  symbol: string,
  left: readonly Node[],
  right: readonly Node[],
  location: number,
): Expr {
  if (left.length !== right.length) throw errorAt('42601', 'unequal number of entries in row expressions', location);
  if (left.length === 0) throw errorAt('0A000', 'cannot compare rows of zero length', location);
  return compareRows(
    ctx.binder,
    symbol,
    left.map((n) => bindExpr(ctx, n)),
    right.map((n) => bindExpr(ctx, n)),
    location,
  );
}

/** Of targets: elsewhere it is said of the clause that no set may stand there. */
function withoutSets(ctx: ExprContext, clause: string): ExprContext {
  return ctx.sets && ctx.aggregates ? { ...ctx, sets: false, clause } : ctx;
}

/** COALESCE, GREATEST, LEAST. */
function bindChoice(ctx: ExprContext, node: Node): Expr {
  const first = as(node, 'CoalesceExpr');
  if (first !== undefined) {
    const given = unify(withoutSets(ctx, 'COALESCE'), first.args ?? [], 'COALESCE');
    const { exprs, oid, typmod, declared } = given;
    return declaredAs({ kind: 'coalesce', args: exprs, oid, typmod }, declared);
  }
  const e = as(node, 'MinMaxExpr')!;
  const greatest = e.op !== 'IS_LEAST';
  const { exprs, oid, typmod, declared } = unify(ctx, e.args ?? [], greatest ? 'GREATEST' : 'LEAST');
  return declaredAs({ kind: 'minmax', greatest, args: exprs, oid, typmod }, declared);
}

function bindCase(ctx: ExprContext, node: Node): Expr {
  const e = as(node, 'CaseExpr')!;
  const b = ctx.binder;
  // An operand without a type is text, whatever it is compared with.
  const arg = e.arg === undefined ? null : resolveUnknown(b, bindExpr(ctx, e.arg));
  const conditions: Expr[] = [];
  const results: { readonly node: Node | undefined; expr: Expr }[] = [];
  for (const item of e.args ?? []) {
    const when = as(item, 'CaseWhen')!;
    const condition = bindExpr(ctx, when.expr!);
    conditions.push(
      arg === null
        ? coerceBoolean(b, condition, 'CASE/WHEN', locationOf(when.expr))
        : bindComparison(b, '=', arg, condition, when.location ?? 0),
    );
    results.push({ node: when.result, expr: bindExpr(ctx, when.result!) });
  }
  const otherwise = e.defresult === undefined ? constant(null, OID.unknown) : bindExpr(ctx, e.defresult);
  // The ELSE branch is looked at first when the type is chosen.
  const choices = [otherwise, ...results.map((r) => r.expr)];
  const oid = commonType(b, choices, 'CASE', [startOf(e.defresult), ...results.map((r) => startOf(r.node))]);
  const declared = commonDeclared(choices, oid);
  const typmod = commonTypmod(choices, declared);
  const made: Expr = {
    kind: 'case',
    whens: conditions.map((when, i) => ({
      when,
      then: toCommon(b, results[i]!.expr, oid, 'CASE/WHEN', locationOf(results[i]!.node)),
    })),
    otherwise: toCommon(b, otherwise, oid, 'CASE/ELSE', locationOf(e.defresult)),
    ...(arg === null ? {} : { form: 'simple' }),
    oid,
    typmod,
  };
  return declaredAs(made, declared);
}

/** What was a domain's has no modifier as its base type, and as in PostgreSQL a NULL among them takes it away. */
function commonTypmod(exprs: readonly Expr[], declared: number): number {
  const [first] = exprs;
  const same = (e: Expr): boolean => declaredOid(e) === declared && e.typmod === first!.typmod;
  return first !== undefined && exprs.every(same) ? first.typmod : -1;
}

export function toCommon(b: Binder, expr: Expr, oid: number, what: string, location: number): Expr {
  const result = tryCoerce(b, expr, oid, -1, 'implicit', location);
  if (result === null) {
    throw errorAt(
      '42846',
      `${what} could not convert type ${formatType(typeOfExpr(b, expr))} to ${formatType(oid)}`,
      location,
    );
  }
  return result;
}

function unify(
  ctx: ExprContext,
  nodes: readonly Node[],
  what: string,
): { exprs: Expr[]; oid: number; typmod: number; declared: number } {
  const bound = nodes.map((n) => bindExpr(ctx, n));
  const oid = commonType(ctx.binder, bound, what, nodes.map(startOf));
  const declared = commonDeclared(bound, oid);
  const typmod = commonTypmod(bound, declared);
  const exprs = bound.map((e, i) => toCommon(ctx.binder, e, oid, what, locationOf(nodes[i])));
  return { exprs, oid, typmod, declared };
}

function bindTypeCast(ctx: ExprContext, e: TypeCast): Expr {
  const b = ctx.binder;
  const type = resolveTypeName(e.typeName!, ctx.binder);
  const location = e.location !== undefined && e.location >= 0 ? e.location : locationOf(e.arg);
  const array = as(e.arg, 'A_ArrayExpr');
  if (array !== undefined && isArrayType(type.oid) && !b.castsStand) {
    const made = bindArray(ctx, array.elements ?? [], location, elementOidOf(baseOidOf(type.oid)));
    // A vector's elements are an array's, but only what is written as an array becomes one.
    if (isVectorType(type.oid))
      return { kind: 'cast', arg: made, fn: identityCast, explicit: true, stable: false, oid: type.oid, typmod: -1 };
    return coerce(b, made, type.oid, 'explicit', location, type.typmod);
  }
  return coerce(
    b,
    bindExpr(ctx, e.arg!),
    type.oid,
    'explicit',
    as(e.arg, 'A_Const')?.sval === undefined ? location : locationOf(e.arg),
    type.typmod,
  );
}

function bindArray(ctx: ExprContext, nodes: readonly Node[], location: number, wanted: number): Expr {
  const b = ctx.binder;
  const bound = nodes.map((n) => {
    const inner = as(n, 'A_ArrayExpr');
    return inner === undefined
      ? bindExpr(ctx, n)
      : bindArray(ctx, inner.elements ?? [], inner.location ?? location, wanted);
  });
  // Its values would be arrays of arrays of their own, not arrays of more dimensions.
  const inner =
    wanted === 0 ? bound.map(declaredOid).find((d) => !isArrayType(d) && isArrayType(baseOidOf(d))) : undefined;
  if (inner !== undefined)
    throw errorAt('0A000', `an array of ${formatType(inner)}, a domain over an array, is not supported`, location);
  if (bound.length === 0) {
    if (wanted === 0) {
      throw errorAt('42P18', 'cannot determine type of empty array', location, {
        hint: 'Explicitly cast to the desired type, for example ARRAY[]::integer[].',
      });
    }
    return { kind: 'array', elements: [], nested: false, oid: arrayOidOf(wanted), typmod: -1 };
  }
  // One array among the elements makes all of them arrays: a literal beside it is read as one.
  const isNested = bound.some((e, i) => {
    const oid = typeOfExpr(b, e);
    return as(nodes[i], 'A_ArrayExpr') !== undefined || (isArrayType(oid) && !isVectorType(oid));
  });
  const wantedElement = wanted === 0 || !isNested ? wanted : arrayOidOf(wanted);
  const oid = wanted !== 0 ? wantedElement : commonType(b, bound, 'ARRAY', nodes.map(startOf));
  const arrayOid = isNested ? oid : arrayOidOf(oid);
  if (arrayOid === 0) throw errorAt('42704', `could not find array type for data type ${formatType(oid)}`, location);
  const elements = bound.map((e, i) =>
    wanted !== 0
      ? coerce(b, e, wantedElement, 'explicit', locationOf(nodes[i]))
      : toCommon(b, e, oid, 'ARRAY', locationOf(nodes[i])),
  );
  const typmod = wanted === 0 && elements.every((e) => e.typmod === elements[0]!.typmod) ? elements[0]!.typmod : -1;
  const made: Expr = { kind: 'array', elements, nested: isNested, oid: arrayOid, typmod };
  if (wanted !== 0) return made;
  const declared = commonDeclared(bound, oid);
  return declaredAs(made, isNested ? declared : declaredArray(declared, arrayOid));
}

function refuseFarName(ctx: ExprContext, names: readonly string[], location: number): void {
  const written = names.join('.');
  if (names.length > 4) throw errorAt('42601', `improper qualified name (too many dotted names): ${written}`, location);
  if (names[0] !== ctx.binder.catalog.database)
    throw errorAt('0A000', `cross-database references are not implemented: ${written}`, location);
}

function bindIndirection(ctx: ExprContext, e: A_Indirection): Expr {
  const b = ctx.binder;
  let arg = settle(b, bindExpr(ctx, e.arg!));
  const location = locationOf(e.arg);
  const parts = e.indirection ?? [];
  // The expression as calls for what turn out to be such: the parts from `done` on are still to be applied.
  let written: Node = e.arg!;
  let done = 0;
  const writtenTo = (end: number): Node =>
    end === done ? written : { A_Indirection: { arg: written, indirection: parts.slice(done, end) } };
  for (let i = 0; i < parts.length;) {
    const field = as(parts[i], 'String');
    if (field !== undefined) {
      const row = arg;
      const name = field.sval ?? '';
      const end = i;
      arg = attributeOr(
        ctx,
        {
          expr: () => row,
          node: () => writtenTo(end),
          isCall: (call) => {
            [written, done] = [call, end + 1];
            b.callPins?.set(e, writtenTo(parts.length));
          },
        },
        name,
        location,
        () => bindField(b, row, name, location, stringsOf(as(e.arg, 'ColumnRef')?.fields ?? []).at(-1)),
      );
      i++;
      continue;
    }
    if (arg.oid === OID.jsonb) {
      const start = i;
      while (i < parts.length && as(parts[i], 'A_Indices') !== undefined) i++;
      if (i > start) {
        arg = bindJsonbSubscripts(ctx, arg, parts.slice(start, i), location);
        continue;
      }
    }
    const subscripts: { lower: Expr | null; upper: Expr | null; slice: boolean }[] = [];
    for (; i < parts.length && as(parts[i], 'A_Indices') !== undefined; i++) {
      const index = as(parts[i], 'A_Indices')!;
      const bound = (n: Node | undefined): Expr | null =>
        n === undefined ? null : coerce(b, bindExpr(ctx, n), OID.int4, 'assignment', locationOf(n));
      subscripts.push({ lower: bound(index.lidx), upper: bound(index.uidx), slice: index.is_slice ?? false });
    }
    if (subscripts.length === 0) throw errorAt('0A000', 'this kind of selection is not supported', location);
    // A name is an array of its bytes, as pg_dump knows.
    const element = arg.oid === OID.name ? OID.char : elementOidOf(arg.oid);
    if (element === 0) {
      throw errorAt(
        '42804',
        `cannot subscript type ${formatType(arg.oid)} because it does not support subscripting`,
        location,
      );
    }
    checkDimensions(subscripts.length);
    const slice = subscripts.some((s) => s.slice);
    // A slice of a vector is an array.
    const oid = !slice ? element : isVectorType(arg.oid) ? arrayOidOf(element) : arg.oid;
    const declared = slice && oid !== arg.oid ? oid : declaredPart(arg, slice, oid);
    arg = declaredAs({ kind: 'subscript', arg, subscripts, slice, oid, typmod: arg.typmod }, declared);
  }
  return arg;
}

/** A composite value is NULL if all its fields are, and not NULL if none is (PostgreSQL, chapter 9.2). */
function nullTest(arg: Expr, negated: boolean): Expr {
  const isRow = arg.oid === OID.record || fieldsOf(arg.oid) !== null;
  return { kind: 'isnull', arg, negated, ...(isRow ? { ofRow: true } : {}), oid: OID.bool, typmod: -1 };
}
