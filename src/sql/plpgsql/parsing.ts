/** What reading a body keeps in mind, and the parts that declarations and statements have in common. */
import { QuoralError, sqlError } from '../../base/errors.js';
import { parseSql, tooComplex } from '../parse/parser.js';
import { OID } from '../types/oids.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';
import { nameOf, type Reader } from './reader.js';
import { findVariable } from './scope.js';
import { EXPRESSION_PREFIX } from './tree.js';
import type {
  NameScope,
  Place,
  PlaceStep,
  SqlPiece,
  Statement,
  Subscript,
  Target,
  Variable,
  WrittenType,
} from './tree.js';

/** What RETURN may say. */
export interface ReturnShape {
  readonly kind: 'void' | 'procedure' | 'value' | 'set' | 'trigger';
  /** Its result is what the OUT parameters hold. */
  readonly outParameters: boolean;
}

export interface Parsing {
  readonly reader: Reader;
  scope: NameScope;
  /** All variables of the function, by their places. */
  readonly variables: Variable[];
  readonly returns: ReturnShape;
  depth: number;
  /** A name of an outer variable is declared again; the position is one in the body. */
  readonly shadowed: (name: string, position: number) => void;
  /** Statements up to one of the words. */
  readonly statements: (p: Parsing, ...stops: readonly string[]) => Statement[];
}

/** Statements inside statements; an expression inside them has a bound of its own. */
const DEPTH_MAX = 200;
const VARIABLES_MAX = 10_000;

export function deeper<T>(p: Parsing, read: () => T): T {
  if (++p.depth > DEPTH_MAX) throw tooComplex();
  try {
    return read();
  } finally {
    p.depth--;
  }
}

export function within<T>(p: Parsing, scope: NameScope, read: () => T): T {
  const outer = p.scope;
  p.scope = scope;
  try {
    return read();
  } finally {
    p.scope = outer;
  }
}

export function declare(
  p: Pick<Parsing, 'variables'>,
  name: string,
  type: WrittenType,
  line: number,
  more: Partial<Pick<Variable, 'constant' | 'notNull' | 'initial' | 'cursor'>> = {},
): Variable {
  if (p.variables.length >= VARIABLES_MAX) throw sqlError('54000', 'too many variables');
  const variable: Variable = {
    index: p.variables.length,
    name,
    type,
    constant: false,
    notNull: false,
    initial: null,
    cursor: null,
    line,
    ...more,
  };
  p.variables.push(variable);
  return variable;
}

/** SQL of the body; `at`: where in the body it stands, if it stands there as it is. */
export function piece(p: Parsing, text: string, isExpression: boolean, at: number | null = null): SqlPiece {
  const prefix = isExpression ? EXPRESSION_PREFIX : '';
  const statements = parseInner(prefix + text, at === null ? null : at - prefix.length);
  const [statement] = statements;
  if (statement === undefined || statements.length > 1 || (isExpression && statement.kind !== 'SelectStmt'))
    throw sqlError('42601', 'syntax error in a piece of SQL', { internalQuery: text });
  return { text, statement, isExpression, scope: p.scope };
}

/** A position in the piece becomes one in the body, or means nothing to who sees the whole. */
function parseInner(text: string, at: number | null): ReturnType<typeof parseSql> {
  try {
    return parseSql(text);
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    const { position } = error.fields;
    const moved = position === undefined || at === null ? undefined : position + at;
    throw sqlError(error.sqlstate, error.message, {
      ...error.fields,
      position: moved,
      ...(moved === undefined ? { internalQuery: text } : {}),
    });
  }
}

export function expression(p: Parsing, ...stops: readonly string[]): { readonly sql: SqlPiece; readonly stop: string } {
  const read = p.reader.sqlUntil(stops);
  return { sql: piece(p, read.text, true, read.start), stop: read.stop };
}

/** Expressions between commas; the last one's stop is told. */
export function expressions(
  p: Parsing,
  ...stops: readonly string[]
): { readonly list: SqlPiece[]; readonly stop: string } {
  const list: SqlPiece[] = [];
  for (;;) {
    const { sql, stop } = expression(p, ',', ...stops);
    list.push(sql);
    if (stop !== ',') return { list, stop };
  }
}

export function dottedName(reader: Reader): string[] {
  const names = [reader.variableName()];
  while (reader.peek().text === '.' && nameOf(reader.peekSecond()) !== null) {
    reader.next();
    names.push(reader.name());
  }
  return names;
}

/** As far as a body tells by itself: a type's name in a declaration is looked up when the body runs. */
export function isRecord({ type }: Variable): boolean {
  if (type.kind === 'given') return type.oid === OID.record || fieldsOf(baseOidOf(type.oid)) !== null;
  return type.kind === 'record' || type.kind === 'rowtype';
}

/** A variable or a field of one, perhaps (`parts`) a part of that. @throws QuoralError 42601 */
export function place(p: Parsing, parts: boolean): Place {
  const token = p.reader.peek();
  const names = dottedName(p.reader);
  const found = findVariable(p.scope, names);
  if (found === null)
    throw sqlError('42601', `"${names.join('.')}" is not a known variable`, { position: token.start + 1 });
  const [field, ...inner] = found.rest;
  if (inner.length > 0 && !parts) throw p.reader.unexpected(token);
  const steps: PlaceStep[] = inner.map((name) => ({ field: name }));
  if (parts) readSteps(p, steps);
  return { variable: found.variable, field: field ?? null, steps, written: names[0]! };
}

function readSteps(p: Parsing, steps: PlaceStep[]): void {
  for (;;) {
    const subscripts: Subscript[] = [];
    while (p.reader.accept('[')) subscripts.push(subscript(p));
    if (subscripts.length > 0) steps.push({ subscripts });
    else if (p.reader.accept('.')) steps.push({ field: p.reader.name() });
    else return;
  }
}

function subscript(p: Parsing): Subscript {
  if (p.reader.accept(':')) {
    if (p.reader.accept(']')) return { from: null, to: null };
    return { from: null, to: expression(p, ']').sql };
  }
  const { sql, stop } = expression(p, ':', ']');
  if (stop === ']') return { from: sql, to: sql };
  if (p.reader.accept(']')) return { from: sql, to: null };
  return { from: sql, to: expression(p, ']').sql };
}

/** `at`: where its name stands. */
export function refuseConstant(variable: Variable, at: number): void {
  if (variable.constant)
    throw sqlError('22005', `variable "${variable.name}" is declared CONSTANT`, { position: at + 1 });
}

/** What INTO and the loops over rows fill. */
export function target(p: Parsing): Target {
  let at = p.reader.peek().start;
  const first = place(p, false);
  refuseConstant(first.variable, at);
  if (first.field === null && isRecord(first.variable)) {
    if (p.reader.peek().text === ',')
      throw sqlError('42601', 'record variable cannot be part of multiple-item INTO list');
    return { kind: 'record', variable: first.variable };
  }
  const places = [first];
  while (p.reader.accept(',')) {
    at = p.reader.peek().start;
    const next = place(p, false);
    refuseConstant(next.variable, at);
    if (next.field === null && isRecord(next.variable))
      throw sqlError('42601', `"${next.variable.name}" is not a scalar variable`);
    places.push(next);
  }
  return { kind: 'row', places };
}
