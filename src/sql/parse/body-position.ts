/** Errors in the text of a body, shown where that text stands in the statement. */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ParsedStatement } from '../contract.js';
import { codePointPosition } from './parser.js';
import { nextToken } from './tokens.js';

/** `location`: of the string constant that is the body, or of the AS before it, in the whole query. */
export function inLiteral<T>(statement: ParsedStatement, location: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof QuoralError) || error.fields.position === undefined) throw error;
    const position = positionIn(statement, location, error.fields.position);
    throw sqlError(error.sqlstate, error.message, { ...error.fields, position });
  }
}

/** Of a body that stands as it is in the statement, from `offset` on. */
export function behind<T>(statement: ParsedStatement, offset: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof QuoralError) || error.fields.position === undefined) throw error;
    const before = codePointPosition(statement.text, offset) - 1 + statement.textOffset;
    throw sqlError(error.sqlstate, error.message, { ...error.fields, position: before + error.fields.position });
  }
}

/** Where in the statement a position in the constant at `location` is. */
export function positionIn(statement: ParsedStatement, location: number, position: number): number | undefined {
  const within = offsetIn(statement.text, location - statement.textOffset, position - 1);
  return within === null ? undefined : codePointPosition(statement.text, within) + statement.textOffset;
}

/** Where the character of the constant's value is in the text; null if the constant is no plain one. */
function offsetIn(text: string, start: number, at: number): number | null {
  const first = nextToken(text, start);
  const token = first?.kind === 'word' ? nextToken(text, first.end) : first;
  if (token?.kind !== 'string') return null;
  if (token.text.startsWith('$')) return token.start + token.text.indexOf('$', 1) + 1 + at;
  if (!token.text.startsWith("'")) return null;
  let offset = token.start + 1;
  for (let i = 0; i < at; i++) offset += text.startsWith("''", offset) ? 2 : 1;
  return offset;
}
