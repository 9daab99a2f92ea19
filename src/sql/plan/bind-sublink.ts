/** Subqueries in expressions: scalar ones, EXISTS, ARRAY, ANY and ALL, and rows that are compared with one. */
import type { Node, SubLink } from 'libpg-query';
import { OID } from '../types/oids.js';
import { arrayOidOf, formatType, isArrayType } from '../types/registry.js';
import { subqueryPlan } from './aggregate-level.js';
import { as, stringsOf } from './ast.js';
import { compareRows } from './bind-call.js';
import { columnExpr, errorAt } from './binder.js';
import type { ExprContext } from './binder.js';
import { declaredArray, declaredAs } from './declared-types.js';
import { existsPlan } from './exists-plan.js';
import type { Expr } from './expr.js';
import type { Plan } from './logical.js';

export function bindSubLink(ctx: ExprContext, link: SubLink): Expr {
  const b = ctx.binder;
  const location = link.location ?? 0;
  const select = as(link.subselect, 'SelectStmt');
  if (select === undefined) throw errorAt('42601', 'a subquery must be a SELECT', location);
  const plan = subqueryPlan(ctx, select);
  const bool = { oid: OID.bool, typmod: -1 } as const;
  switch (link.subLinkType ?? 'EXISTS_SUBLINK') {
    case 'EXISTS_SUBLINK':
      // A query that is only shown is shown as it was written.
      return {
        kind: 'subquery',
        mode: 'exists',
        plan: b.notes === null ? existsPlan(plan) : plan,
        test: null,
        hashed: null,
        ...bool,
      };
    case 'EXPR_SUBLINK': {
      const column = oneColumn(plan, location);
      const { oid, typmod, domain } = column;
      return declaredAs(
        { kind: 'subquery', mode: 'scalar', plan, test: null, hashed: null, oid, typmod },
        domain ?? oid,
      );
    }
    case 'ARRAY_SUBLINK': {
      const column = oneColumn(plan, location);
      const oid = arrayOidOf(column.oid) || (isArrayType(column.oid) ? column.oid : 0);
      if (oid === 0)
        throw errorAt('42704', `could not find array type for data type ${formatType(column.oid)}`, location);
      return declaredAs(
        { kind: 'subquery', mode: 'array', plan, test: null, hashed: null, oid, typmod: column.typmod },
        declaredArray(column.domain ?? column.oid, oid),
      );
    }
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK': {
      const all = link.subLinkType === 'ALL_SUBLINK';
      const symbol = stringsOf(link.operName).at(-1) ?? '=';
      const row = as(link.testexpr, 'RowExpr');
      const left = row === undefined ? [ctx.bind(ctx, link.testexpr!)] : (row.args ?? []).map((n) => ctx.bind(ctx, n));
      const columns = plan.columns;
      if (left.length < columns.length) throw errorAt('42601', 'subquery has too many columns', location);
      if (left.length > columns.length) throw errorAt('42601', 'subquery has too few columns', location);
      const test = compareRows(b, symbol, left, columns.map(columnExpr), location);
      b.notes?.operators.set(plan, symbol);
      return { kind: 'subquery', mode: all ? 'all' : 'any', plan, test, hashed: hashedTest(test, plan, all), ...bool };
    }
    default:
      throw errorAt('0A000', 'this kind of subquery is not supported', location);
  }
}

/** x = ANY (subquery) whose equality compares the subquery's own column, uncast, with something of its type. */
function hashedTest(test: Expr, plan: Plan, all: boolean): { left: Expr; typeOid: number } | null {
  if (all || test.kind !== 'call' || test.entry.name !== '=' || test.args.length !== 2) return null;
  const [left, right] = test.args as [Expr, Expr];
  const column = plan.columns[0]!;
  const bare = right.kind === 'cast' ? right.arg : right;
  if (bare.kind !== 'column' || bare.id !== column.id || bare !== right || left.oid !== right.oid) return null;
  return { left, typeOid: column.oid };
}

function oneColumn(plan: Plan, location: number): Plan['columns'][number] {
  if (plan.columns.length !== 1) throw errorAt('42601', 'subquery must return only one column', location);
  return plan.columns[0]!;
}

export function bindRowSubquery(
  ctx: ExprContext,
  symbol: string,
  left: readonly Node[],
  link: SubLink,
  location: number,
): Expr {
  const select = as(link.subselect, 'SelectStmt')!;
  const plan = subqueryPlan(ctx, select);
  if (plan.columns.length !== left.length) {
    throw errorAt(
      '42601',
      plan.columns.length < left.length ? 'subquery has too few columns' : 'subquery has too many columns',
      location,
    );
  }
  ctx.binder.notes?.operators.set(plan, symbol);
  ctx.binder.notes?.rows.add(plan);
  const test = compareRows(
    ctx.binder,
    symbol,
    left.map((n) => ctx.bind(ctx, n)),
    plan.columns.map(columnExpr),
    location,
  );
  return { kind: 'subquery', mode: 'row', plan, test, hashed: null, oid: OID.bool, typmod: -1 };
}
