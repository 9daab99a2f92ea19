/** What running a body needs of the session: its SQL, its subtransactions, its client. */
import type { MemoryAccount, ParsedStatement } from '../contract.js';
import type { VariableNames } from '../plan/variables.js';
import type { Notice, ResultColumn } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import type { FormatContext } from '../types/type-info.js';
import type { TypeSource } from './types.js';

export interface SqlResult {
  /** null: the statement gives no rows. */
  readonly columns: readonly ResultColumn[] | null;
  readonly rows: readonly (readonly Datum[])[];
  readonly tag: string;
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
}

export interface OwnedMemory extends MemoryAccount {
  close(): void;
}

export interface SqlHost {
  readonly format: FormatContext;
  readonly signal: AbortSignal;
  keep(statement: ParsedStatement, names: VariableNames): KeptStatement;
  /** Whether it has a plan: SELECT, INSERT, UPDATE, DELETE, MERGE. */
  isPlanned(statement: ParsedStatement): boolean;
  run(request: RunRequest): Promise<SqlResult>;
  /** Anything without a plan; its tag. Rows that it gives are nobody's. */
  command(statement: ParsedStatement): Promise<string>;
  /**
   * Runs `body`; if it fails in a way that the transaction outlives, undoes what it did and gives the error.
   * Every other error goes on: a conflict whose transaction has to begin anew is for nobody to catch.
   */
  attempt<T>(body: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: Error }>;
  notice(notice: Notice): Promise<void>;
  /** Lets other work of the node have its turn, and ends what was cancelled. @throws QuoralError 57014 */
  breathe(): Promise<void>;
  newMemory(): OwnedMemory;
  readonly types: TypeSource;
}
