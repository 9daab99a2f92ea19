/**
 * The tree of a PL/pgSQL body. Names of variables are resolved while it is read: each piece of SQL carries the
 * scope in which its names are looked up, since an inner block may hide what an outer one declares.
 * A tree is immutable and shared by all calls; what changes is in the frame of the call.
 */
import type { ParsedStatement } from '../contract.js';

/** A declared variable; `index` is its place in the frame. */
export interface Variable {
  readonly index: number;
  readonly name: string;
  /** As written: 'integer', 'text[]', 't.c%TYPE', 't%ROWTYPE', 'record'; the types of arguments are given by oid. */
  readonly type: WrittenType;
  readonly constant: boolean;
  readonly notNull: boolean;
  readonly initial: SqlPiece | null;
  /** Of a bound cursor. */
  readonly cursor: BoundCursor | null;
  readonly line: number;
}

export type WrittenType =
  | { readonly kind: 'named'; readonly text: string; readonly collation?: readonly string[] }
  /** `variable`: that it is the type of; else a column's. */
  | { readonly kind: 'like'; readonly name: readonly string[]; readonly variable?: Variable }
  | { readonly kind: 'rowtype'; readonly name: readonly string[] }
  | { readonly kind: 'record' }
  | { readonly kind: 'given'; readonly oid: number };

export interface BoundCursor {
  readonly query: SqlPiece;
  readonly args: readonly Variable[];
  /** null: as PostgreSQL chooses. */
  readonly scroll: boolean | null;
}

/** What a block, a loop or the function itself declares. */
export interface NameScope {
  readonly kind: 'function' | 'block' | 'loop';
  readonly label: string | null;
  readonly names: ReadonlyMap<string, Variable>;
  readonly parent: NameScope | null;
  /** The parent has the rest of the same scope's names. */
  readonly goesOn?: boolean;
}

/** Before an expression, to parse it. */
export const EXPRESSION_PREFIX = 'SELECT ';

export interface SqlPiece {
  /** As it stands in the body. */
  readonly text: string;
  /** An expression is parsed as the one target of a SELECT. */
  readonly statement: ParsedStatement;
  readonly isExpression: boolean;
  /** Of an assignment: what stands before the expression. */
  readonly assignment?: { readonly target: string };
  readonly scope: NameScope;
}

/** An element is a slice whose bounds are one and the same piece. */
export interface Subscript {
  readonly from: SqlPiece | null;
  readonly to: SqlPiece | null;
}

/** On the way to a part of a value: a field, or the subscripts that follow each other. */
export type PlaceStep = { readonly field: string } | { readonly subscripts: readonly Subscript[] };

/** Somewhere a value can be put. */
export interface Place {
  readonly variable: Variable;
  readonly field: string | null;
  /** From there on inwards. */
  readonly steps: readonly PlaceStep[];
  /** Of an assignment: the name that it begins with. */
  readonly written: string;
}

/** One record, or a list of places that take the columns in order. */
export type Target =
  | { readonly kind: 'record'; readonly variable: Variable }
  | { readonly kind: 'row'; readonly places: readonly Place[] };

export interface Into {
  readonly target: Target;
  readonly strict: boolean;
}

export interface Handler {
  /** SQLSTATEs, or 'others'. */
  readonly conditions: readonly string[];
  readonly body: readonly Statement[];
  /** sqlstate and sqlerrm. */
  readonly state: Variable;
  readonly message: Variable;
}

export interface Block {
  readonly kind: 'block';
  readonly line: number;
  readonly label: string | null;
  readonly variables: readonly Variable[];
  readonly body: readonly Statement[];
  readonly handlers: readonly Handler[];
}

export interface RaiseOption {
  readonly name: string;
  readonly value: SqlPiece;
}

export type RaiseLevel = 'EXCEPTION' | 'WARNING' | 'NOTICE' | 'INFO' | 'LOG' | 'DEBUG';

export type Statement =
  | Block
  | { readonly kind: 'null'; readonly line: number }
  | { readonly kind: 'assign'; readonly line: number; readonly place: Place; readonly value: SqlPiece }
  | {
      readonly kind: 'if';
      readonly line: number;
      readonly branches: readonly { readonly when: SqlPiece; readonly body: readonly Statement[] }[];
      readonly otherwise: readonly Statement[];
    }
  | {
      readonly kind: 'case';
      readonly line: number;
      /** null: a searched CASE. */
      readonly subject: { readonly variable: Variable; readonly value: SqlPiece } | null;
      readonly branches: readonly { readonly when: SqlPiece; readonly body: readonly Statement[] }[];
      readonly otherwise: readonly Statement[] | null;
    }
  | { readonly kind: 'loop'; readonly line: number; readonly label: string | null; readonly body: readonly Statement[] }
  | {
      readonly kind: 'while';
      readonly line: number;
      readonly label: string | null;
      readonly when: SqlPiece;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: 'forRange';
      readonly line: number;
      readonly label: string | null;
      readonly variable: Variable;
      readonly reverse: boolean;
      readonly from: SqlPiece;
      readonly to: SqlPiece;
      readonly by: SqlPiece | null;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: 'forQuery';
      readonly line: number;
      readonly label: string | null;
      readonly target: Target;
      readonly source: RowSource;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: 'foreach';
      readonly line: number;
      readonly label: string | null;
      readonly target: Target;
      readonly slice: number;
      readonly array: SqlPiece;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: 'exit';
      readonly line: number;
      readonly leaves: boolean;
      readonly label: string | null;
      readonly when: SqlPiece | null;
    }
  | { readonly kind: 'return'; readonly line: number; readonly value: SqlPiece | null }
  | { readonly kind: 'returnNext'; readonly line: number; readonly value: SqlPiece | null }
  | { readonly kind: 'returnQuery'; readonly line: number; readonly source: RowSource }
  | {
      readonly kind: 'raise';
      readonly line: number;
      readonly level: RaiseLevel;
      readonly format: string | null;
      readonly args: readonly SqlPiece[];
      readonly sqlstate: string | null;
      /** The name of its condition, when it was raised by that. */
      readonly condition: string | null;
      readonly options: readonly RaiseOption[];
      /** RAISE alone: the error that is being handled, once more. */
      readonly again: boolean;
    }
  | { readonly kind: 'assert'; readonly line: number; readonly when: SqlPiece; readonly message: SqlPiece | null }
  | { readonly kind: 'perform'; readonly line: number; readonly query: SqlPiece }
  | { readonly kind: 'sql'; readonly line: number; readonly query: SqlPiece; readonly into: Into | null }
  | {
      readonly kind: 'execute';
      readonly line: number;
      readonly query: SqlPiece;
      readonly into: Into | null;
      readonly using: readonly SqlPiece[];
    }
  | {
      readonly kind: 'diagnostics';
      readonly line: number;
      readonly stacked: boolean;
      readonly items: readonly { readonly place: Place; readonly item: string }[];
    }
  | { readonly kind: 'open'; readonly line: number; readonly cursor: Variable; readonly source: CursorSource }
  | {
      readonly kind: 'fetch';
      readonly line: number;
      readonly cursor: Variable;
      readonly direction: FetchDirection;
      /** null: MOVE. */
      readonly target: Target | null;
    }
  | { readonly kind: 'close'; readonly line: number; readonly cursor: Variable }
  | { readonly kind: 'call'; readonly line: number; readonly query: SqlPiece }
  | {
      readonly kind: 'endTransaction';
      readonly line: number;
      readonly command: 'COMMIT' | 'ROLLBACK';
      readonly chain: boolean;
    };

export type FetchDirection =
  | { readonly kind: 'relative'; readonly count: SqlPiece | number }
  | { readonly kind: 'absolute'; readonly count: SqlPiece | number }
  | { readonly kind: 'last' | 'all' | 'backwardAll' };

export type RowSource =
  | { readonly kind: 'query'; readonly query: SqlPiece }
  | { readonly kind: 'dynamic'; readonly query: SqlPiece; readonly using: readonly SqlPiece[] }
  | { readonly kind: 'cursor'; readonly cursor: Variable; readonly args: readonly SqlPiece[] };

export type CursorSource =
  | { readonly kind: 'query'; readonly query: SqlPiece; readonly scroll: boolean | null }
  | {
      readonly kind: 'dynamic';
      readonly query: SqlPiece;
      readonly using: readonly SqlPiece[];
      readonly scroll: boolean | null;
    }
  | { readonly kind: 'bound'; readonly args: readonly SqlPiece[] };

/** How PostgreSQL names a statement in the context of an error. */
export function statementName(statement: Statement): string {
  switch (statement.kind) {
    case 'block':
      return 'statement block';
    case 'assign':
      return 'assignment';
    case 'forRange':
      return 'FOR with integer loop variable';
    case 'forQuery':
      return statement.source.kind === 'query'
        ? 'FOR over SELECT rows'
        : statement.source.kind === 'cursor'
          ? 'FOR over cursor'
          : 'FOR over EXECUTE statement';
    case 'foreach':
      return 'FOREACH over array';
    case 'returnNext':
      return 'RETURN NEXT';
    case 'returnQuery':
      return 'RETURN QUERY';
    case 'sql':
      return 'SQL statement';
    case 'diagnostics':
      return statement.stacked ? 'GET STACKED DIAGNOSTICS' : 'GET DIAGNOSTICS';
    case 'exit':
      return statement.leaves ? 'EXIT' : 'CONTINUE';
    case 'fetch':
      return statement.target === null ? 'MOVE' : 'FETCH';
    case 'endTransaction':
      return statement.command;
    case 'case':
    case 'if':
    case 'loop':
    case 'while':
    case 'null':
    case 'return':
    case 'raise':
    case 'assert':
    case 'perform':
    case 'execute':
    case 'open':
    case 'close':
    case 'call':
      return statement.kind.toUpperCase();
  }
}
