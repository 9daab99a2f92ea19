/**
 * What follows from two equalities: from `a.x = 5 AND b.y = a.x` that b.y is 5. For tables that are joined it is of no use where
 * the one looks up the other by an index; but into a selection that groups, numbers or unites rows it carries the
 * condition that spares it all other groups.
 */
import { hasSubquery, isVolatile } from './expr.js';
import type { CallExpr, ColumnExpr, Expr } from './expr.js';
import { keyOfEquality } from './join-equality.js';
import { columnsOf } from './plan-walk.js';

/** `column = value`, the value of none of the columns that `isInner` knows. */
interface Given {
  readonly condition: CallExpr;
  readonly column: ColumnExpr;
}

function equality(condition: Expr): CallExpr | null {
  if (condition.kind !== 'call' || !condition.operator || condition.entry.name !== '=') return null;
  if (keyOfEquality(condition.entry, condition.info) === null) return null;
  const [a, b] = condition.args as readonly [Expr, Expr];
  return a.oid === b.oid ? condition : null;
}

function givenBy(condition: Expr, isInner: (id: number) => boolean): Given | null {
  const call = equality(condition);
  if (call === null || isVolatile(call) || hasSubquery(call)) return null;
  const fixed = (e: Expr): boolean => ![...columnsOf(e)].some(isInner);
  const column = call.args.find((arg, i) => arg.kind === 'column' && isInner(arg.id) && fixed(call.args[1 - i]!));
  return column?.kind === 'column' ? { condition: call, column } : null;
}

/**
 * Of the columns `wanted`: what `links` (equalities between columns) and `known` (conditions that hold for every row that
 * matters) say of them together.
 */
export function derivedEqualities(
  links: readonly Expr[],
  known: readonly Expr[],
  isInner: (id: number) => boolean,
  wanted: ReadonlySet<number>,
): readonly Expr[] {
  const given = known.flatMap((c) => givenBy(c, isInner) ?? []);
  if (given.length === 0) return [];
  return links.flatMap((link): Expr[] => {
    const call = equality(link);
    if (call === null || !call.args.every((arg) => arg.kind === 'column')) return [];
    const [a, b] = call.args as readonly [ColumnExpr, ColumnExpr];
    if (wanted.has(a.id) === wanted.has(b.id)) return [];
    const [own, other] = wanted.has(a.id) ? [a, b] : [b, a];
    return given
      .filter((g) => g.column.id === other.id && g.condition.entry === call.entry)
      .map((g) => ({ ...g.condition, args: g.condition.args.map((arg) => (arg === g.column ? own : arg)) }));
  });
}
