/**
 * What an error in an expression tells of it. PostgreSQL evaluates a simple expression (no subquery, aggregate or set)
 * in place and tells nothing; anything else runs as a query, and so does what fails as a constant, before it is
 * evaluated. Of an assignment the whole is told, its target too.
 */
import { QuoralError } from '../../base/errors.js';
import { failsAsConstant } from '../plan/constant-failures.js';
import { changedFields, withContext } from './error-context.js';
import { statementLine } from './context-lines.js';
import { EXPRESSION_PREFIX, type RowSource, type SqlPiece } from './tree.js';

/** Positions in the piece are of no use to the client: it is told the piece instead. */
export function inExpression(error: QuoralError, piece: SqlPiece): QuoralError {
  const { fields } = error;
  if (fields.position !== undefined) return at(error, piece, fields.position - EXPRESSION_PREFIX.length);
  // A record that is not assigned is met before the expression is looked at.
  return failsAsConstant(error) || error.sqlstate === '55000' || !isSimple(piece)
    ? withContext(error, lineOf(piece))
    : error;
}

/** Of what happens with the value of an assignment; where it is put cannot be told by a position. */
function inAssignment(error: unknown, piece: SqlPiece): unknown {
  if (!(error instanceof QuoralError) || piece.assignment === undefined) return error;
  const { sqlstate, fields } = error;
  if (fields.internalPosition !== undefined && fields.internalQuery === undefined)
    return changedFields(error, { ...fields, internalQuery: piece.assignment.target + piece.text });
  const literal = constantOf(piece);
  if (literal?.isText === true && sqlstate !== '22001' && !sqlstate.startsWith('23')) return at(error, piece, 1);
  if (sqlstate === '22004') return error;
  const told = literal !== null ? !sqlstate.startsWith('23') : !isSimple(piece) || sqlstate === '42703';
  return told ? withContext(error, lineOf(piece)) : error;
}

/** Waits for a value to be put where it goes. */
export function assigned(piece: SqlPiece, put: Promise<void>): Promise<void> {
  return put.catch((error: unknown) => {
    throw inAssignment(error, piece);
  });
}

/** What is wrong with the rows of a query is said of the query. */
export function told(source: RowSource, check: () => void): void {
  try {
    check();
  } catch (error) {
    const isQuery = error instanceof QuoralError && source.kind === 'query';
    throw isQuery ? withContext(error, statementLine(source.query.text)) : error;
  }
}

function at(error: QuoralError, { text, assignment }: SqlPiece, position: number): QuoralError {
  const before = assignment === undefined ? 0 : Array.from(assignment.target).length;
  return changedFields(error, {
    ...error.fields,
    position: undefined,
    internalPosition: position + before,
    internalQuery: (assignment?.target ?? '') + text,
  });
}

function lineOf({ text, assignment }: SqlPiece): string {
  return assignment === undefined ? `SQL expression "${text}"` : `PL/pgSQL assignment "${assignment.target}${text}"`;
}

interface Tree {
  readonly [key: string]: unknown;
}

/** The one value of the SELECT that the expression was parsed as; null if there is more to it. */
function valueOf(piece: SqlPiece): Tree | null {
  const { targetList, ...rest } = piece.statement.node['SelectStmt'] as Tree;
  const targets = targetList as readonly { readonly ResTarget: { readonly val?: Tree } }[] | undefined;
  const more = ['fromClause', 'whereClause', 'groupClause', 'sortClause', 'limitCount', 'distinctClause', 'op'];
  const plain = more.every((key) => rest[key] === undefined || rest[key] === 'SETOP_NONE');
  return plain && targets?.length === 1 ? (targets[0]!.ResTarget.val ?? null) : null;
}

function isSimple(piece: SqlPiece): boolean {
  const value = valueOf(piece);
  return value !== null && !contains(value, 'SubLink');
}

function constantOf(piece: SqlPiece): { readonly isText: boolean } | null {
  const value = valueOf(piece);
  const constant = value?.['A_Const'] as Tree | undefined;
  return constant === undefined ? null : { isText: constant['sval'] !== undefined };
}

function contains(value: unknown, kind: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, child]) => key === kind || contains(child, kind));
}
