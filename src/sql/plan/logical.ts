/**
 * Logical plans: immutable trees. Every node has the columns it gives, in order; rules rewrite trees and
 * keep the ids of columns. Access paths are filled in by the optimiser (null until then).
 */
import type { TableDescriptor, IndexDescriptor } from '../catalog/descriptor.js';
import type { VirtualTable } from '../contract.js';
import type { AggregateExpr, Expr, SetReturningExpr, SortKey, WindowExpr } from './expr.js';

export interface PlanColumn {
  readonly id: number;
  readonly name: string;
  readonly oid: number;
  readonly typmod: number;
  /** Origin, for RowDescription; 0 if it is an expression. */
  readonly tableOid: number;
  readonly columnNumber: number;
  /** The domain that it was declared with; `oid` is what that is over. */
  readonly domain?: number;
}

export interface ScanColumn extends PlanColumn {
  /** Position in the table's `columns`. */
  readonly position: number;
}

export interface Lock {
  readonly strength: 'share' | 'exclusive';
  readonly wait: 'block' | 'nowait' | 'skip';
  /** That the row exists, too: it may be removed or get another key. Matters for tables that foreign keys refer to. */
  readonly whole: boolean;
  /** As it was written, for errors; '' in changes. */
  readonly clause: string;
}

/** One index column's constraint. */
export type KeyConstraint =
  /** col = one of these (each NULL gives nothing). */
  | { readonly kind: 'equal'; readonly values: readonly Expr[] }
  /** col = ANY(array). */
  | { readonly kind: 'anyof'; readonly array: Expr }
  | { readonly kind: 'isnull' }
  /** Of an inverted index: its column `at`, operator, argument holds. Only in part: rows are tested again. */
  | { readonly kind: 'items'; readonly at: number; readonly operator: string; readonly argument: Expr }
  | {
      readonly kind: 'range';
      readonly lower: readonly { readonly expr: Expr; readonly inclusive: boolean }[];
      readonly upper: readonly { readonly expr: Expr; readonly inclusive: boolean }[];
    };

export interface Access {
  readonly index: IndexDescriptor;
  /** For the index's first columns. Only the last may be a range. Those of an inverted index are 'items'. */
  readonly constraints: readonly KeyConstraint[];
  readonly reverse: boolean;
  /** All wanted columns are in the index entry. */
  readonly covering: boolean;
  /** Whole key of a unique index with equalities: at most one row per key. */
  readonly unique: boolean;
}

export interface ScanPlan {
  readonly kind: 'scan';
  readonly table: TableDescriptor;
  readonly schemaName: string;
  readonly alias: string;
  readonly columns: readonly ScanColumn[];
  readonly filter: Expr | null;
  readonly lock: Lock | null;
  readonly access: Access | null;
  /** Rows that suffice (LIMIT with nothing in between), known only as an expression. */
  readonly limit: Expr | null;
  /** What others are changing is as good as locked: it is passed over, where no serial order has to be kept. */
  readonly passes?: boolean;
  /** By key, to be locked right above: what has changed until then is asked again there. */
  readonly tentative?: boolean;
}
export interface VirtualPlan {
  readonly kind: 'virtual';
  readonly relation: VirtualTable;
  readonly alias: string;
  readonly columns: readonly ScanColumn[];
  readonly filter: Expr | null;
}
export interface ValuesPlan {
  readonly kind: 'values';
  readonly columns: readonly PlanColumn[];
  readonly rows: readonly (readonly Expr[])[];
}
export interface FromCall {
  readonly expr: Expr;
  /** How many columns it has. */
  readonly width: number;
  /** They are those of a record. */
  readonly record: boolean;
  /** Their types, where the query says what they are. */
  readonly wanted?: readonly number[];
}
/** Set-returning functions side by side (ROWS FROM); a scalar function gives one row. */
export interface FunctionPlan {
  readonly kind: 'function';
  readonly columns: readonly PlanColumn[];
  readonly calls: readonly FromCall[];
  readonly ordinality: boolean;
}
/** Some of a table's rows, by TABLESAMPLE. Each row is taken or not by itself, so conditions may be tested before. */
export interface SamplePlan {
  readonly kind: 'sample';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  readonly table: TableDescriptor;
  /** Ids of the primary key's columns in `input`. */
  readonly key: readonly number[];
  readonly method: 'bernoulli' | 'system';
  readonly percent: Expr;
  /** REPEATABLE. */
  readonly seed: Expr | null;
}
export interface FilterPlan {
  readonly kind: 'filter';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  readonly condition: Expr;
}
export interface ProjectItem {
  readonly column: PlanColumn;
  readonly expr: Expr;
}
export interface ProjectPlan {
  readonly kind: 'project';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  readonly items: readonly ProjectItem[];
}
/** The input's columns, then one for each set-returning function. */
export interface ProjectSetPlan {
  readonly kind: 'projectset';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  readonly sets: readonly { readonly column: PlanColumn; readonly srf: SetReturningExpr }[];
}
export type JoinType = 'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti';
export interface JoinPlan {
  readonly kind: 'join';
  readonly type: JoinType;
  readonly columns: readonly PlanColumn[];
  readonly left: Plan;
  readonly right: Plan;
  readonly condition: Expr;
  /** The right side refers to columns of the left: run again for each left row. */
  readonly lateral: boolean;
}
export interface AggregatePlan {
  readonly kind: 'aggregate';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  readonly groups: readonly ProjectItem[];
  readonly aggregates: readonly { readonly column: PlanColumn; readonly aggregate: AggregateExpr }[];
  /** GROUPING SETS: positions in `groups` of each set; null = one set of all groups. */
  readonly sets: readonly (readonly number[])[] | null;
}
export interface WindowPlan {
  readonly kind: 'window';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  readonly windows: readonly { readonly column: PlanColumn; readonly window: WindowExpr }[];
}
export interface DistinctPlan {
  readonly kind: 'distinct';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  /** DISTINCT ON expressions; null = all columns. */
  readonly on: readonly Expr[] | null;
}
export interface SortPlan {
  readonly kind: 'sort';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  readonly keys: readonly SortKey[];
  /** Rows that suffice (LIMIT + OFFSET right above): top-k. */
  readonly limit: { readonly count: Expr; readonly offset: Expr | null } | null;
}
/** A table of which the rows in `input` are locked. */
export interface LockTarget {
  readonly table: TableDescriptor;
  readonly alias: string;
  /** Of the scan, as far as they are in `input`: the primary key, and what anybody reads. */
  readonly columns: readonly ScanColumn[];
  readonly lock: Lock;
}
/** FOR UPDATE and its like: locks the rows that come out of `input` (lock-rows.ts). */
export interface LockRowsPlan {
  readonly kind: 'lockrows';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  readonly targets: readonly LockTarget[];
  /** The input over one row, which it reads from outside: gives it again if it still qualifies. null: it always does. */
  readonly recheck: Plan | null;
  /** The input is a scan that has locked its rows. */
  readonly atScan: boolean;
}
export interface LimitPlan {
  readonly kind: 'limit';
  readonly columns: readonly PlanColumn[];
  readonly input: Plan;
  readonly count: Expr | null;
  readonly offset: Expr | null;
  readonly withTies: readonly SortKey[] | null;
}
export interface SetOpPlan {
  readonly kind: 'setop';
  readonly op: 'union' | 'intersect' | 'except';
  readonly all: boolean;
  readonly columns: readonly PlanColumn[];
  readonly left: Plan;
  readonly right: Plan;
}
export interface CteScanPlan {
  readonly kind: 'ctescan';
  readonly cte: number;
  readonly name: string;
  readonly columns: readonly PlanColumn[];
}
export interface CteDefinition {
  readonly id: number;
  readonly name: string;
  readonly plan: Plan;
  /** WITH RECURSIVE: the recursive term, which scans the working table by a ctescan of `workId`. */
  readonly recursive: { readonly term: Plan; readonly workId: number; readonly all: boolean } | null;
  /** Changes data: runs even if nothing reads it. */
  readonly modifies: boolean;
  /** AS MATERIALIZED: computed by itself, whatever is asked of its rows. */
  readonly fenced?: boolean;
}
export interface WithPlan {
  readonly kind: 'with';
  readonly columns: readonly PlanColumn[];
  readonly ctes: readonly CteDefinition[];
  readonly input: Plan;
}
/** One row without columns: SELECT without FROM. */
export interface OnePlan {
  readonly kind: 'one';
  readonly columns: readonly [];
}
/** No rows. */
export interface EmptyPlan {
  readonly kind: 'empty';
  readonly columns: readonly PlanColumn[];
}

export interface Returning {
  /** Row of the target table (new values; for DELETE the old), in the order of `table.columns`. */
  readonly row: readonly PlanColumn[];
  /** xmax of a row of ON CONFLICT DO UPDATE, where it is asked for. */
  readonly changedBy: PlanColumn | null;
  readonly items: readonly ProjectItem[];
}

/** What ON CONFLICT says of the indexes it means, where their predicates or keys hang on parameters' values. */
export interface ArbiterInference {
  readonly elements: readonly ArbiterElement[];
  readonly where: readonly Expr[];
}

/** One of the list: a column or an expression, and the collation and the operator class that a part of the index must have. */
export interface ArbiterElement {
  readonly value: number | Expr;
  readonly collation: string | undefined;
  readonly classOid: number | undefined;
}

export interface ConflictClause {
  /** Unique indexes that decide, at least one; null = any (DO NOTHING only). */
  readonly arbiters: readonly IndexDescriptor[] | null;
  /** null: the arbiters are decided; else they are all unique indexes until the parameters are known (`decideArbiters`). */
  readonly inference: ArbiterInference | null;
  /** null = DO NOTHING. */
  readonly update: {
    readonly excluded: readonly PlanColumn[];
    readonly existing: readonly PlanColumn[];
    /** Value for each position of the table's columns; null = unchanged. */
    readonly assignments: readonly (Expr | null)[];
    readonly where: Expr | null;
  } | null;
}

export interface InsertPlan {
  readonly kind: 'insert';
  readonly columns: readonly PlanColumn[];
  readonly table: TableDescriptor;
  readonly schemaName: string;
  readonly freshStorage: boolean;
  readonly input: Plan;
  /** For each position of table.columns: where its value comes from. */
  readonly sources: readonly InsertSource[];
  readonly checks: TableChecks;
  readonly conflict: ConflictClause | null;
  readonly returning: Returning | null;
}
export type InsertSource =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'expr'; readonly expr: Expr }
  | { readonly kind: 'rowid' };

/** CHECK constraints over `row`, one column id for each position of table.columns; and foreign keys. */
export interface TableChecks {
  readonly row: readonly PlanColumn[];
  /** Generated columns by position, computed from the others before anything is checked. */
  readonly generated?: readonly { readonly position: number; readonly expr: Expr }[];
  readonly checks: readonly { readonly name: string; readonly expr: Expr }[];
  readonly links: LinkedTables | null;
  /** WITH CHECK OPTION of the views that the rows are written through. */
  readonly viewChecks?: readonly ViewCheck[];
}
export interface ViewCheck {
  /** The view's. */
  readonly name: string;
  readonly expr: Expr;
}

/** Every table that foreign keys may lead a change to, the changed one too, by id. */
export interface LinkedTables {
  readonly tables: ReadonlyMap<number, BoundTable>;
}
export interface BoundTable {
  readonly table: TableDescriptor;
  readonly schemaName: string;
  readonly checks: TableChecks;
  /** Of columns that SET DEFAULT sets, by column id. */
  readonly defaults: ReadonlyMap<number, Expr>;
}

export interface UpdatePlan {
  readonly kind: 'update';
  readonly columns: readonly PlanColumn[];
  readonly table: TableDescriptor;
  readonly schemaName: string;
  readonly input: Plan;
  /** Column ids of the target row in `input`, for each position of table.columns (dropped ones: -1). */
  readonly target: readonly number[];
  readonly assignments: readonly (Expr | null)[];
  readonly checks: TableChecks;
  readonly joined: boolean;
  readonly returning: Returning | null;
}
export interface DeletePlan {
  readonly kind: 'delete';
  readonly columns: readonly PlanColumn[];
  readonly table: TableDescriptor;
  readonly schemaName: string;
  readonly input: Plan;
  readonly target: readonly number[];
  readonly links: LinkedTables | null;
  readonly joined: boolean;
  readonly returning: Returning | null;
}

/** What a MERGE does with a row of its join; the first clause that fits decides. */
export interface MergeClause {
  /** For rows of the source that have a row of the target, or for those that have none. */
  readonly matched: boolean;
  readonly condition: Expr | null;
  readonly action: MergeAction;
}
export type MergeAction =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'delete' }
  /** Value for each position of the table's columns; null = unchanged. */
  | { readonly kind: 'update'; readonly assignments: readonly (Expr | null)[] }
  /** Over the columns of `input`. */
  | { readonly kind: 'insert'; readonly sources: readonly InsertSource[] };

/** Its input is the source joined with the target: a left join if rows without a match matter. */
export interface MergePlan {
  readonly kind: 'merge';
  readonly columns: readonly [];
  readonly table: TableDescriptor;
  readonly schemaName: string;
  readonly input: Plan;
  /** As of UPDATE; all NULL in a row that has no match. */
  readonly target: readonly number[];
  readonly clauses: readonly MergeClause[];
  readonly checks: TableChecks;
}

export type Plan =
  | ScanPlan
  | VirtualPlan
  | ValuesPlan
  | FunctionPlan
  | SamplePlan
  | FilterPlan
  | ProjectPlan
  | ProjectSetPlan
  | JoinPlan
  | AggregatePlan
  | WindowPlan
  | DistinctPlan
  | SortPlan
  | LockRowsPlan
  | LimitPlan
  | SetOpPlan
  | CteScanPlan
  | WithPlan
  | OnePlan
  | EmptyPlan
  | InsertPlan
  | UpdatePlan
  | DeletePlan
  | MergePlan;
