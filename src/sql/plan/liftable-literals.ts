/**
 * Which literals of a statement may as well be parameters: where the statement means the same, has the same types and
 * columns, and fails in the same way, whatever their values are. These are
 *
 * - in conditions (WHERE, ON): the side of a comparison whose other side reads a column; members of IN lists and bounds of
 *   BETWEEN after such a side; a number added to (or subtracted from, …) what reads a column;
 * - the values of INSERT … VALUES, and what SET gives to columns.
 *
 * Left out is what is looked at before rows are: arguments of functions (some are evaluated or checked by the planner),
 * constants among themselves (1/0 fails at once), lists of ORDER BY and GROUP BY, LIMIT, output columns.
 */
import type { A_Const, A_Expr, Node, ResTarget, SelectStmt, WithClause } from 'libpg-query';
import type { ParsedStatement } from '../contract.js';
import { as, stringsOf } from './ast.js';

export interface LiftableLiteral {
  /** As the tree has it: of a number its digits with their sign. */
  readonly value: string;
  /** The argument of a cast: where `::` or AS must come next, since a type's name may stand before it. */
  readonly isCast: boolean;
}

/** By location in the text. */
type Found = Map<number, LiftableLiteral>;

const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '<=', '>', '>=']);
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/']);

/** By location in the text; an empty map if it has none. */
export function liftableLiterals(statement: ParsedStatement): ReadonlyMap<number, LiftableLiteral> {
  const found: Found = new Map();
  inStatement(statement.node as unknown as Node, found);
  return found;
}

function inStatement(node: Node | undefined, found: Found): void {
  const select = as(node, 'SelectStmt');
  if (select !== undefined) inSelect(select, found);
  const insert = as(node, 'InsertStmt');
  if (insert !== undefined) {
    inWith(insert.withClause, found);
    const source = as(insert.selectStmt, 'SelectStmt');
    if (!(insert.cols ?? []).some(hasPath) && source !== undefined) {
      for (const row of source.valuesLists ?? []) for (const item of as(row, 'List')?.items ?? []) inValue(item, found);
      inSelect(source, found);
    }
    for (const target of insert.onConflictClause?.targetList ?? []) inTarget(target, found);
    inCondition(insert.onConflictClause?.whereClause, found);
  }
  const update = as(node, 'UpdateStmt');
  if (update !== undefined) {
    inWith(update.withClause, found);
    for (const target of update.targetList ?? []) inTarget(target, found);
    for (const item of update.fromClause ?? []) inFrom(item, found);
    inCondition(update.whereClause, found);
  }
  const deletion = as(node, 'DeleteStmt');
  if (deletion !== undefined) {
    inWith(deletion.withClause, found);
    for (const item of deletion.usingClause ?? []) inFrom(item, found);
    inCondition(deletion.whereClause, found);
  }
}

function inSelect(select: SelectStmt, found: Found): void {
  inWith(select.withClause, found);
  for (const item of select.fromClause ?? []) inFrom(item, found);
  inCondition(select.whereClause, found);
  if (select.larg !== undefined) inSelect(select.larg, found);
  if (select.rarg !== undefined) inSelect(select.rarg, found);
}

function inWith(clause: WithClause | undefined, found: Found): void {
  for (const cte of clause?.ctes ?? []) inStatement(as(cte, 'CommonTableExpr')?.ctequery, found);
}

function inFrom(item: Node, found: Found): void {
  inStatement(as(item, 'RangeSubselect')?.subquery, found);
  const join = as(item, 'JoinExpr');
  if (join === undefined) return;
  if (join.larg !== undefined) inFrom(join.larg, found);
  if (join.rarg !== undefined) inFrom(join.rarg, found);
  inCondition(join.quals, found);
}

/** An element of an array or a field is set, not the column. */
function hasPath(target: Node): boolean {
  return (as(target, 'ResTarget')?.indirection ?? []).length > 0;
}

function inTarget(node: Node, found: Found): void {
  const target: ResTarget | undefined = as(node, 'ResTarget');
  if (target?.val !== undefined && !hasPath(node)) inValue(target.val, found);
}

function inValue(node: Node, found: Found): void {
  if (!take(node, found)) inArithmetic(node, found);
}

function inCondition(node: Node | undefined, found: Found): void {
  if (node === undefined) return;
  for (const arg of as(node, 'BoolExpr')?.args ?? []) inCondition(arg, found);
  inStatement(as(node, 'SubLink')?.subselect, found);
  const expr = as(node, 'A_Expr');
  if (expr === undefined) return;
  switch (expr.kind) {
    case 'AEXPR_OP':
      if (COMPARISONS.has(operatorOf(expr))) {
        inSide(expr.lexpr, expr.rexpr, found);
        inSide(expr.rexpr, expr.lexpr, found);
      }
      return;
    case 'AEXPR_IN':
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
      if (readsColumn(expr.lexpr)) for (const item of as(expr.rexpr, 'List')?.items ?? []) take(item, found);
      return;
    default:
  }
}

function inSide(side: Node | undefined, other: Node | undefined, found: Found): void {
  if (side === undefined) return;
  if (!readsColumn(other)) inArithmetic(side, found);
  else if (!take(side, found)) {
    inStatement(as(side, 'SubLink')?.subselect, found);
    inArithmetic(side, found);
  }
}

function inArithmetic(node: Node, found: Found): void {
  const expr = as(node, 'A_Expr');
  if (expr === undefined || expr.kind !== 'AEXPR_OP' || !ARITHMETIC.has(operatorOf(expr))) return;
  for (const [side, other] of [
    [expr.lexpr, expr.rexpr],
    [expr.rexpr, expr.lexpr],
  ]) {
    if (side === undefined || other === undefined) continue;
    if (as(side, 'A_Const')?.sval === undefined && readsColumn(other)) take(side, found);
    inArithmetic(side, found);
  }
}

function operatorOf(expr: A_Expr): string {
  const names = stringsOf(expr.name);
  return names.length === 1 ? names[0]! : '';
}

/** By its own level: what a subquery reads is not known to be the same for every value. */
function readsColumn(node: Node | undefined): boolean {
  if (node === undefined) return false;
  if (as(node, 'ColumnRef') !== undefined) return true;
  const expr = as(node, 'A_Expr');
  if (expr?.kind === 'AEXPR_OP') return readsColumn(expr.lexpr) || readsColumn(expr.rexpr);
  const cast = as(node, 'TypeCast');
  if (cast !== undefined) return readsColumn(cast.arg);
  const call = as(node, 'FuncCall');
  return call !== undefined && call.over === undefined && (call.args ?? []).some(readsColumn);
}

/** A literal, or one with a cast. False: it is neither. */
function take(node: Node, found: Found): boolean {
  const cast = as(node, 'TypeCast');
  const literal: A_Const | undefined = as(cast === undefined ? node : cast.arg, 'A_Const');
  const value = literal === undefined ? null : valueOf(literal);
  if (literal === undefined || value === null) return false;
  // A number with a cast is folded by the planner, which may fail.
  if (cast === undefined || literal.sval !== undefined)
    found.set(literal.location ?? 0, { value, isCast: cast !== undefined });
  return true;
}

function valueOf(literal: A_Const): string | null {
  if (literal.ival !== undefined) return String(literal.ival.ival ?? 0);
  if (literal.fval !== undefined) return literal.fval.fval ?? null;
  if (literal.sval !== undefined) return literal.sval.sval ?? '';
  return null;
}
