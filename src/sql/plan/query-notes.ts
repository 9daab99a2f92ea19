/**
 * What the binding of a query found out about its parse tree, for those that write the query as text again
 * (view-definition.ts): the plan has it in another form, or has lost it. A binder keeps notes only if it is given a
 * place for them; ordinary statements are bound without.
 *
 * The keys are nodes of the parse tree. A node that is bound twice has the notes of the last time.
 */
import type { Node, SelectStmt, WindowDef } from 'libpg-query';
import type { BoundFrom, Scope } from './binder.js';
import type { Target, RowBounds } from './bind-output.js';
import type { AggregateExpr, Expr, SortKey, WindowExpr, WindowFrame } from './expr.js';
import type { Plan } from './logical.js';

/** A plain SELECT: its expressions before aggregates and window functions are lifted out of them. */
export interface SelectNotes {
  readonly targets: readonly Target[];
  readonly where: Expr | null;
  readonly having: Expr | null;
  /** One for each item of ORDER BY. */
  readonly keys: readonly SortKey[];
  readonly on: readonly Expr[];
  /** Aggregates that stand in subqueries of this query. */
  readonly raised: Scope['raised'];
}

export interface WindowNotes {
  readonly partition: readonly Expr[];
  readonly orderBy: readonly SortKey[];
  readonly frame: WindowFrame;
}

export class QueryNotes {
  readonly selects = new Map<SelectStmt, SelectNotes>();
  /** Of any query with LIMIT or OFFSET. */
  readonly bounds = new Map<SelectStmt, RowBounds>();
  /** ORDER BY of VALUES and set operations: positions among the columns. */
  readonly positions = new Map<SelectStmt, readonly { readonly position: number; readonly key: SortKey }[]>();
  readonly values = new Map<SelectStmt, readonly (readonly Expr[])[]>();
  /** The types that a set operation gives to its sides. */
  readonly sides = new Map<SelectStmt, readonly number[]>();
  /** Items of FROM. */
  readonly from = new Map<Node, BoundFrom>();
  /** Items of GROUP BY. */
  readonly groups = new Map<Node, Expr>();
  readonly windows = new Map<Node, WindowNotes>();
  /** What stands behind OVER. */
  readonly over = new Map<Expr, WindowDef>();
  /** How many sort keys were written in a call, or arguments in one with OVER. */
  readonly written = new Map<AggregateExpr | WindowExpr, number>();
  readonly subqueries = new Map<Plan, SelectStmt>();
  /** The operator in front of ANY or ALL. */
  readonly operators = new Map<Plan, string>();
  /** Subqueries of one row that a row is compared with. */
  readonly rows = new Set<Plan>();
  /** Queries that were bound in the place of others. */
  readonly rewritten = new Map<SelectStmt, SelectStmt>();
}
