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

/** For WHERE CURRENT OF. */
export interface PositionedCursor {
  readonly query: CursorQuery | null;
  /** The row that it is on, with what stands behind it. */
  readonly current: readonly Datum[] | null;
}

/** Cursors that calls of the session have open, by name: those of a call that calls another are the other's too. */
export class BlockCursors {
  readonly #open = new Map<string, PositionedCursor>();
  #unnamed = 0;
  /** Loops over the rows of statements that write. */
  writing = 0;

  add(name: string, cursor: PositionedCursor): void {
    this.#open.set(name, cursor);
  }
  remove(name: string): void {
    this.#open.delete(name);
  }
  find(name: string): PositionedCursor | undefined {
    return this.#open.get(name);
  }
  get size(): number {
    return this.#open.size;
  }
  newName(): string {
    return `<unnamed portal ${++this.#unnamed}>`;
  }
}

export interface OwnedMemory extends MemoryAccount {
  close(): void;
}

export interface SqlHost extends Conversion {
  readonly signal: AbortSignal;
  keep(statement: ParsedStatement, names: VariableNames): KeptStatement;
  /** Whether it has a plan: SELECT, INSERT, UPDATE, DELETE, MERGE. */
  isPlanned(statement: ParsedStatement): boolean;
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
  /** Runs a function's body under its settings. */
  withSettings<T>(config: readonly string[], body: () => Promise<T>): Promise<T>;
  notice(notice: Notice): Promise<void>;
  /** Lets other work of the node have its turn, and ends what was cancelled. @throws QuoralError 57014 */
  breathe(): Promise<void>;
  newMemory(): OwnedMemory;
  readonly types: TypeSource;
  readonly cursors: BlockCursors;
}
