/** What running a body needs of the session: its SQL, its subtransactions, its client. */
import type { Routine } from '../catalog/descriptor.js';
import type { CursorQuery, MemoryAccount, ParsedStatement } from '../contract.js';
import type { VariableNames } from '../plan/variables.js';
import type { Notice, ResultColumn } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import type { Conversion, TypeSource } from './types.js';

export interface SqlResult {
  /** null: the statement gives no rows. */
  readonly columns: readonly ResultColumn[] | null;
  readonly rows: readonly (readonly Datum[])[];
  readonly tag: string;
  /** Of a cursor's query: what stands behind its own columns in a row. null: WHERE CURRENT OF cannot take it. */
  readonly query?: CursorQuery | null;
  /** That statement. */
  readonly statement?: ParsedStatement | null;
  /** Gives back the memory of the rows. */
  release(): void;
}

/** A statement that keeps its plan from one run to the next. Opaque here. */
export interface KeptStatement {
  /** It is to be bound anew. */
  forget(): void;
}

export interface RunRequest {
  readonly statement: KeptStatement;
  /** Asked for once the statement is bound. */
  readonly parameters: () => readonly Datum[];
  /** Rows after which it stops; 0: none. */
  readonly rowsMax: number;
  /** Its rows are a cursor's. */
  readonly isCursor?: boolean;
  /** A CALL that stands in the body: its COMMIT is the body's. */
  readonly isCall?: boolean;
  /** Of CALL, before it runs. */
  readonly bound?: (called: Routine | undefined) => void;
}

export type CursorMove =
  | { readonly kind: 'relative' | 'absolute'; readonly count: number }
  | { readonly kind: 'last' | 'all' | 'backwardAll' };

export interface BlockCursor {
  readonly columns: readonly ResultColumn[];
  /** A loop goes over it, and nobody else may close it. */
  pinned: boolean;
  /** The row that it comes to stand on. @throws QuoralError 55000 */
  fetch(move: CursorMove): Promise<readonly Datum[] | null>;
  /** How many rows it has passed. @throws QuoralError 55000 */
  move(move: CursorMove): Promise<number>;
  /** Does nothing if it is closed. */
  close(): void;
}

/** The cursors of the session, by name. */
export interface BlockCursors {
  /** Loops over the rows of statements that write. */
  writing: number;
  newName(): string;
  /** @throws QuoralError if no cursor can be opened under this name. */
  check(name: string | null): void;
  /** Takes the rows and their memory. `scroll`: null if nothing was said of it. */
  open(name: string, result: SqlResult, scroll: boolean | null): BlockCursor;
  find(name: string): BlockCursor | null;
}

export interface OwnedMemory extends MemoryAccount {
  close(): void;
}

export interface SqlHost extends Conversion {
  readonly signal: AbortSignal;
  /** The session's. */
  setting(name: string): string;
  /** What runs inside of what, innermost last: lines of a context. */
  readonly contexts: (() => string)[];
  /** Whether values of domains are to be looked at whose checks have to wait. */
  readonly hasChecks: boolean;
  /** Looks at them. @throws QuoralError 23502, 23514, and what the functions of the checks throw */
  settleChecks(): Promise<void>;
  /** From now on names of the catalog's objects are found without waiting. */
  knowNames(): Promise<void>;
  keep(statement: ParsedStatement, names: VariableNames): KeptStatement;
  /** Whether `run` takes it: what has a plan, and what shows something (EXPLAIN, SHOW). */
  runs(statement: ParsedStatement): boolean;
  run(request: RunRequest): Promise<SqlResult>;
  /** Anything without a plan; its tag. Rows that it gives are nobody's. */
  command(statement: ParsedStatement, isCall?: boolean): Promise<string>;
  /** COMMIT, ROLLBACK. @throws QuoralError 2D000 and what the commit throws */
  endTransaction(commits: boolean, chain: boolean): Promise<void>;
  /**
   * Runs `body`; if it fails in a way that the transaction outlives, undoes what it did and gives the error.
   * Every other error goes on: a conflict whose transaction has to begin anew is for nobody to catch.
   */
  attempt<T>(body: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: Error }>;
  /** What the statement that calls has yet to check of its rows is kept until the function is over. */
  asideOfCaller<T>(body: () => Promise<T>): Promise<T>;
  /** Runs a function's body under its settings. */
  withSettings<T>(config: readonly string[], body: () => Promise<T>): Promise<T>;
  /** With these schemas, by id, as the search path. */
  withPath<T>(schemaIds: readonly number[], body: () => Promise<T>): Promise<T>;
  notice(notice: Notice): Promise<void>;
  /** Lets other work of the node have its turn, and ends what was cancelled. @throws QuoralError 57014 */
  breathe(): Promise<void>;
  newMemory(): OwnedMemory;
  readonly types: TypeSource;
  readonly cursors: BlockCursors;
}
