/** Reads the statements of PL/pgSQL that steer: assignments, conditions, loops, RETURN. SQL and the rest are in parse-commands.ts. */
import { sqlError } from '../../base/errors.js';
import { blockLabel, endLabel, parseBlock } from './parse-block.js';
import { parseCommand, rowSource } from './parse-commands.js';
import {
  declare,
  deeper,
  dottedName,
  expression,
  type Parsing,
  piece,
  place,
  refuseConstant,
  target,
  within,
} from './parsing.js';
import { isToken, nameOf, type Reader } from './reader.js';
import { findVariable, innerScope } from './scope.js';
import type { NameScope, SqlPiece, Statement, Target } from './tree.js';

const INT4 = 23;
const UNKNOWN = 705;

export function parseStatements(p: Parsing, ...stops: readonly string[]): Statement[] {
  const statements: Statement[] = [];
  for (;;) {
    const token = p.reader.peek();
    if (stops.some((stop) => isToken(token, stop))) return statements;
    if (p.reader.atEnd()) throw p.reader.unexpected();
    statements.push(deeper(p, () => parseStatement(p)));
  }
}

function parseStatement(p: Parsing): Statement {
  const { reader } = p;
  const label = blockLabel(reader);
  const token = reader.peek();
  const line = reader.line(token.start);
  if (isToken(token, 'declare') || isToken(token, 'begin')) {
    const block = parseBlock(p, label);
    reader.expect(';');
    return block;
  }
  const loop = parseLoop(p, label, line);
  if (loop !== null) return loop;
  if (label !== null) throw reader.unexpected();
  if (assigns(p)) return parseAssignment(p, line);
  if (token.kind === 'word') {
    switch (token.text) {
      case 'if':
        return parseIf(p, line);
      case 'case':
        return parseCase(p, line);
      case 'exit':
      case 'continue':
        return parseExit(p, line);
      case 'return':
        return parseReturn(p, line);
      case 'null':
        reader.next();
        reader.expect(';');
        return { kind: 'null', line };
      case 'elsif':
      case 'elseif':
      case 'else':
      case 'end':
      case 'then':
      case 'when':
      case 'loop':
      case 'exception':
        throw reader.unexpected();
    }
  }
  return parseCommand(p, line);
}

// ---- assignment ----

/** Whether a variable's name begins the statement, and an assignment follows it. */
function assigns(p: Parsing): boolean {
  const { reader } = p;
  if (nameOf(reader.peek()) === null && reader.peek().kind !== 'param') return false;
  const second = reader.peekSecond().text;
  if (second === ':=' || second === '=') return true;
  if (second !== '.' && second !== '[') return false;
  const before = reader.at;
  const names = dottedName(reader);
  reader.at = before;
  return findVariable(p.scope, names) !== null;
}

function parseAssignment(p: Parsing, line: number): Statement {
  const at = p.reader.peek().start;
  const to = place(p, true);
  refuseConstant(to.variable, at);
  if (!p.reader.accept(':=')) p.reader.expect('=');
  const target = p.reader.text.slice(at, p.reader.peek().start);
  return { kind: 'assign', line, place: to, value: { ...expression(p, ';').sql, assignment: { target } } };
}

// ---- conditions ----

function parseIf(p: Parsing, line: number): Statement {
  const { reader } = p;
  const branches: { when: SqlPiece; body: readonly Statement[] }[] = [];
  do {
    reader.next();
    const when = expression(p, 'then').sql;
    branches.push({ when, body: parseStatements(p, 'elsif', 'elseif', 'else', 'end') });
  } while (isToken(reader.peek(), 'elsif') || isToken(reader.peek(), 'elseif'));
  const otherwise = reader.accept('else') ? parseStatements(p, 'end') : [];
  reader.expect('end');
  reader.expect('if');
  reader.expect(';');
  return { kind: 'if', line, branches, otherwise };
}

function parseCase(p: Parsing, line: number): Statement {
  const { reader } = p;
  reader.expect('case');
  let subject: { variable: ReturnType<typeof declare>; value: SqlPiece } | null = null;
  let scope: NameScope = p.scope;
  if (!reader.accept('when')) {
    const value = expression(p, 'when').sql;
    // A name that nobody can write: the subject is computed once and compared by name.
    const variable = declare(p, `case subject ${p.variables.length}`, { kind: 'given', oid: UNKNOWN }, line);
    subject = { variable, value };
    scope = innerScope(p.scope, 'block', null, [variable]);
  }
  const branches: { when: SqlPiece; body: readonly Statement[] }[] = [];
  do {
    const read = reader.sqlUntil(['then']);
    const when =
      subject === null
        ? piece(p, read.text, true)
        : within(p, scope, () => piece(p, `"${subject.variable.name}" IN (${read.text})`, true));
    branches.push({ when, body: parseStatements(p, 'when', 'else', 'end') });
  } while (reader.accept('when'));
  const otherwise = reader.accept('else') ? parseStatements(p, 'end') : null;
  reader.expect('end');
  reader.expect('case');
  reader.expect(';');
  return { kind: 'case', line, subject, branches, otherwise };
}

// ---- loops ----

function parseLoop(p: Parsing, label: string | null, line: number): Statement | null {
  const { reader } = p;
  const inside = innerScope(p.scope, 'loop', label);
  if (reader.accept('loop')) {
    return { kind: 'loop', line, label, body: loopBody(p, inside, label) };
  }
  if (reader.accept('while')) {
    const when = expression(p, 'loop').sql;
    return { kind: 'while', line, label, when, body: loopBody(p, inside, label) };
  }
  if (isToken(reader.peek(), 'foreach')) return parseForeach(p, label, line);
  return isToken(reader.peek(), 'for') ? parseFor(p, label, line) : null;
}

/** LOOP has been read. */
function loopBody(p: Parsing, scope: NameScope, label: string | null): Statement[] {
  return within(p, scope, () => {
    const body = parseStatements(p, 'end');
    p.reader.expect('end');
    p.reader.expect('loop');
    endLabel(p.reader, label);
    p.reader.expect(';');
    return body;
  });
}

function parseForeach(p: Parsing, label: string | null, line: number): Statement {
  const { reader } = p;
  reader.next();
  const over = target(p);
  let slice = 0;
  if (reader.accept('slice')) {
    const token = reader.next();
    if (token.kind !== 'number') throw reader.unexpected(token);
    slice = Number(token.text);
  }
  reader.expect('in');
  reader.expect('array');
  const array = expression(p, 'loop').sql;
  const body = loopBody(p, innerScope(p.scope, 'loop', label), label);
  return { kind: 'foreach', line, label, target: over, slice, array, body };
}

function parseFor(p: Parsing, label: string | null, line: number): Statement {
  const { reader } = p;
  reader.next();
  const before = reader.at;
  const names = dottedName(reader);
  const plain = names.length === 1 && isToken(reader.peek(), 'in');
  if (plain) {
    reader.next();
    if (isRange(reader)) return parseRange(p, names[0]!, label, line);
  }
  reader.at = before;
  const over = loopTarget(p, names, plain);
  reader.expect('in');
  const source = rowSource(p, 'loop');
  if (source.kind === 'cursor' && over === null) {
    const variable = declare(p, names[0]!, { kind: 'record' }, line);
    const scope = innerScope(p.scope, 'loop', label, [variable]);
    return {
      kind: 'forQuery',
      line,
      label,
      target: { kind: 'record', variable },
      source,
      body: loopBody(p, scope, label),
    };
  }
  if (over === null) throw notARow();
  const body = loopBody(p, innerScope(p.scope, 'loop', label), label);
  return { kind: 'forQuery', line, label, target: over, source, body };
}

function notARow(): Error {
  return sqlError('42601', 'loop variable of loop over rows must be a record variable or list of scalar variables');
}

/** null: a name of no variable, which the loop over a cursor declares itself. */
function loopTarget(p: Parsing, names: readonly string[], plain: boolean): Target | null {
  if (plain && findVariable(p.scope, names) === null) {
    p.reader.name();
    return null;
  }
  return target(p);
}

/** Whether two dots come before LOOP. */
function isRange(reader: Reader): boolean {
  let depth = 0;
  for (let token = reader.peek(); token.end >= 0; token = reader.tokenAt(token.end)) {
    if (token.kind === 'op') {
      if (token.text === '(' || token.text === '[') depth++;
      else if (token.text === ')' || token.text === ']') depth--;
      else if (token.text === '..' && depth === 0) return true;
      else if (token.text === ';') return false;
    } else if (depth === 0 && isToken(token, 'loop')) return false;
  }
  return false;
}

function parseRange(p: Parsing, name: string, label: string | null, line: number): Statement {
  const reverse = p.reader.accept('reverse');
  const from = expression(p, '..').sql;
  const to = expression(p, 'loop', 'by');
  const by = to.stop === 'by' ? expression(p, 'loop').sql : null;
  const variable = declare(p, name, { kind: 'given', oid: INT4 }, line);
  const scope = innerScope(p.scope, 'loop', label, [variable]);
  return { kind: 'forRange', line, label, variable, reverse, from, to: to.sql, by, body: loopBody(p, scope, label) };
}

function parseExit(p: Parsing, line: number): Statement {
  const { reader } = p;
  const at = reader.peek().start;
  const leaves = reader.next().text === 'exit';
  let labelAt = at;
  let label: string | null = null;
  let when: SqlPiece | null = null;
  if (!reader.accept(';')) {
    labelAt = reader.peek().start;
    if (!isToken(reader.peek(), 'when')) label = reader.name();
    else labelAt = at;
    if (reader.accept('when')) when = expression(p, ';').sql;
    else reader.expect(';');
  }
  checkExit(p.scope, leaves, label, labelAt + 1);
  return { kind: 'exit', line, leaves, label, when };
}

function checkExit(from: NameScope, leaves: boolean, label: string | null, position: number): void {
  for (let s: NameScope | null = from; s !== null; s = s.parent) {
    if (label === null ? s.kind === 'loop' : s.label === label) {
      if (label !== null && !leaves && s.kind !== 'loop')
        throw sqlError('42601', `block label "${label}" cannot be used in CONTINUE`, { position });
      return;
    }
  }
  if (label !== null)
    throw sqlError('42601', `there is no label "${label}" attached to any block or loop enclosing this statement`, {
      position,
    });
  throw sqlError(
    '42601',
    leaves ? 'EXIT cannot be used outside a loop, unless it has a label' : 'CONTINUE cannot be used outside a loop',
    { position },
  );
}

// ---- RETURN ----

function parseReturn(p: Parsing, line: number): Statement {
  const { reader, returns } = p;
  reader.next();
  if (reader.accept('next')) {
    if (returns.kind !== 'set') throw sqlError('42804', 'cannot use RETURN NEXT in a non-SETOF function');
    if (!returns.outParameters) return { kind: 'returnNext', line, value: expression(p, ';').sql };
    if (!reader.accept(';'))
      throw sqlError('42804', 'RETURN NEXT cannot have a parameter in function with OUT parameters');
    return { kind: 'returnNext', line, value: null };
  }
  if (reader.accept('query')) {
    if (returns.kind !== 'set') throw sqlError('42804', 'cannot use RETURN QUERY in a non-SETOF function');
    return { kind: 'returnQuery', line, source: rowSource(p, ';') };
  }
  const at = reader.peek().start;
  if (reader.accept(';')) {
    if (returns.kind === 'value' && !returns.outParameters)
      throw sqlError('42601', 'missing expression at or near ";"', { position: at + 1 });
    return { kind: 'return', line, value: null };
  }
  if (returns.kind === 'set') {
    throw sqlError('42804', 'RETURN cannot have a parameter in function returning set', {
      hint: 'Use RETURN NEXT or RETURN QUERY.',
    });
  }
  if (returns.kind === 'procedure') throw sqlError('42601', 'RETURN cannot have a parameter in a procedure');
  if (returns.kind === 'void') throw sqlError('42804', 'RETURN cannot have a parameter in function returning void');
  if (returns.outParameters) throw sqlError('42804', 'RETURN cannot have a parameter in function with OUT parameters');
  return { kind: 'return', line, value: expression(p, ';').sql };
}
