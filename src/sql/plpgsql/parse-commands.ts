/** Reads the statements of PL/pgSQL that run SQL, raise, tell or work on cursors. */
import { sqlError } from '../../base/errors.js';
import { OID } from '../types/oids.js';
import { sqlstatesOf } from './conditions.js';
import { sqlstateOf } from './parse-block.js';
import { expression, expressions, isRecord, type Parsing, piece, place, refuseConstant, target } from './parsing.js';
import { isToken, nameOf, stringOf } from './reader.js';
import { findVariable } from './scope.js';
import type {
  FetchDirection,
  Into,
  Place,
  RaiseLevel,
  RaiseOption,
  RowSource,
  SqlPiece,
  Statement,
  Variable,
} from './tree.js';

export function parseCommand(p: Parsing, line: number): Statement {
  const { reader } = p;
  const token = reader.peek();
  if (token.kind === 'word') {
    switch (token.text) {
      case 'raise':
        return parseRaise(p, line);
      case 'assert':
        return parseAssert(p, line);
      case 'perform':
        reader.next();
        return { kind: 'perform', line, query: piece(p, `SELECT ${reader.sqlUntil([';'], 'statement').text}`, false) };
      case 'execute':
        return parseExecute(p, line);
      case 'get':
        return parseDiagnostics(p, line);
      case 'open':
        return parseOpen(p, line);
      case 'fetch':
      case 'move':
        return parseFetch(p, line);
      case 'close':
        reader.next();
        return { kind: 'close', line, cursor: lastCursor(p) };
      case 'call':
        return { kind: 'call', line, query: piece(p, reader.sqlUntil([';'], 'statement').text, false) };
      case 'commit':
      case 'rollback':
        if (isToken(reader.peekSecond(), ';') || isToken(reader.peekSecond(), 'and')) return parseEnd(p, line);
        break;
    }
  }
  return parseSqlStatement(p, line);
}

function parseEnd(p: Parsing, line: number): Statement {
  const command = p.reader.next().text.toUpperCase() as 'COMMIT' | 'ROLLBACK';
  let chain = false;
  if (p.reader.accept('and')) {
    chain = !p.reader.accept('no');
    p.reader.expect('chain');
  }
  p.reader.expect(';');
  return { kind: 'endTransaction', line, command, chain };
}

// ---- RAISE, ASSERT ----

const LEVELS: Readonly<Record<string, RaiseLevel>> = {
  exception: 'EXCEPTION',
  warning: 'WARNING',
  notice: 'NOTICE',
  info: 'INFO',
  log: 'LOG',
  debug: 'DEBUG',
};
const OPTIONS: ReadonlySet<string> = new Set([
  'errcode',
  'message',
  'detail',
  'hint',
  'column',
  'constraint',
  'datatype',
  'table',
  'schema',
]);

function parseRaise(p: Parsing, line: number): Statement {
  const { reader } = p;
  reader.next();
  let level: RaiseLevel = 'EXCEPTION';
  const token = reader.peek();
  const none = { format: null, args: [], sqlstate: null, condition: null, options: [] };
  if (reader.accept(';')) return { kind: 'raise', line, level, ...none, again: true };
  if (token.kind === 'word' && Object.hasOwn(LEVELS, token.text)) {
    level = LEVELS[token.text]!;
    reader.next();
  }
  const format = stringOf(reader.peek());
  if (format !== null) return parseRaiseFormat(p, line, level, format);
  let sqlstate: string | null = null;
  let condition: string | null = null;
  if (reader.accept('sqlstate')) sqlstate = sqlstateOf(reader);
  else if (!isToken(reader.peek(), 'using')) {
    condition = reader.name();
    const states = sqlstatesOf(condition);
    if (states === null)
      throw sqlError('42704', `unrecognized exception condition "${condition}"`, { position: undefined });
    sqlstate = states[0]!;
  }
  const options = reader.accept('using') ? raiseOptions(p) : endOfRaise(p);
  return { kind: 'raise', line, level, format: null, args: [], sqlstate, condition, options, again: false };
}

function endOfRaise(p: Parsing): [] {
  p.reader.expect(';');
  return [];
}

function parseRaiseFormat(p: Parsing, line: number, level: RaiseLevel, format: string): Statement {
  const { reader } = p;
  reader.next();
  let args: SqlPiece[] = [];
  let stop = reader.next().text;
  if (stop === ',') ({ list: args, stop } = expressions(p, 'using', ';'));
  const wanted = (format.replaceAll('%%', '').match(/%/g) ?? []).length;
  if (args.length > wanted) throw sqlError('42601', 'too many parameters specified for RAISE', { position: undefined });
  if (args.length < wanted) throw sqlError('42601', 'too few parameters specified for RAISE', { position: undefined });
  if (stop !== ';' && stop !== 'using') throw sqlError('42601', `syntax error at or near "${stop}"`);
  const options = stop === 'using' ? raiseOptions(p) : [];
  return { kind: 'raise', line, level, format, args, sqlstate: null, condition: null, options, again: false };
}

function raiseOptions(p: Parsing): RaiseOption[] {
  const options: RaiseOption[] = [];
  for (;;) {
    const name = p.reader.name();
    if (!OPTIONS.has(name)) throw sqlError('42601', `unrecognized RAISE statement option at or near "${name}"`);
    if (!p.reader.accept('=')) p.reader.expect(':=');
    const { sql, stop } = expression(p, ',', ';');
    options.push({ name, value: sql });
    if (stop === ';') return options;
  }
}

function parseAssert(p: Parsing, line: number): Statement {
  p.reader.next();
  const { sql, stop } = expression(p, ',', ';');
  return { kind: 'assert', line, when: sql, message: stop === ',' ? expression(p, ';').sql : null };
}

// ---- SQL ----

function into(p: Parsing): Into {
  const strict = p.reader.accept('strict');
  return { strict, target: target(p) };
}

function parseExecute(p: Parsing, line: number): Statement {
  p.reader.next();
  const { sql: query, stop } = expression(p, 'into', 'using', ';');
  let to: Into | null = null;
  let using: SqlPiece[] = [];
  let next = stop;
  while (next !== ';') {
    if (next === 'into' && to === null) {
      to = into(p);
      next = p.reader.next().text;
    } else if (next === 'using' && using.length === 0) {
      ({ list: using, stop: next } = expressions(p, 'into', ';'));
    } else throw sqlError('42601', `syntax error at or near "${next}"`);
  }
  return { kind: 'execute', line, query, into: to, using };
}

/** Any other statement up to its semicolon, with blanks for the INTO, so that places in it stay where they are. */
function parseSqlStatement(p: Parsing, line: number): Statement {
  const { reader } = p;
  const start = reader.peek().start;
  let text = '';
  let from = start;
  let to: Into | null = null;
  let before = '';
  let depth = 0;
  for (;;) {
    const token = reader.peek();
    if (reader.atEnd()) throw reader.unexpected();
    if (depth === 0 && isToken(token, ';')) {
      text += reader.text.slice(from, token.start);
      reader.next();
      break;
    }
    if (isToken(token, 'into') && before !== 'insert' && before !== 'merge') {
      if (to !== null) throw sqlError('42601', 'INTO specified more than once');
      text += reader.text.slice(from, token.start);
      reader.next();
      to = into(p);
      from = reader.peek().start;
      text += ' '.repeat(from - token.start);
      continue;
    }
    if (token.text === '(') depth++;
    else if (token.text === ')') depth--;
    before = token.text;
    reader.next();
  }
  return { kind: 'sql', line, query: piece(p, text.trim(), false, start), into: to };
}

/** A query, EXECUTE of one, or a bound cursor. */
export function rowSource(p: Parsing, stop: 'loop' | ';'): RowSource {
  const { reader } = p;
  if (reader.accept('execute')) {
    const read = expression(p, 'using', stop);
    return { kind: 'dynamic', query: read.sql, using: read.stop === 'using' ? expressions(p, stop).list : [] };
  }
  const name = nameOf(reader.peek());
  const second = reader.peekSecond();
  const found = name === null || stop === ';' ? null : findVariable(p.scope, [name]);
  if (found !== null && (isToken(second, stop) || isToken(second, '('))) {
    reader.next();
    if (found.variable.cursor === null) {
      if (isCursor(found.variable)) throw sqlError('42601', 'cursor FOR loop must use a bound cursor variable');
      throw sqlError('42601', `syntax error at or near "${name}"`);
    }
    const args = cursorArguments(p, found.variable);
    reader.expect(stop);
    return { kind: 'cursor', cursor: found.variable, args };
  }
  const read = reader.sqlUntil([stop], 'statement');
  return { kind: 'query', query: piece(p, read.text, false, read.start) };
}

// ---- diagnostics ----

const CURRENT_ITEMS: ReadonlySet<string> = new Set(['row_count', 'pg_context']);
const STACKED_ITEMS: ReadonlySet<string> = new Set([
  'returned_sqlstate',
  'message_text',
  'pg_exception_detail',
  'pg_exception_hint',
  'pg_exception_context',
  'column_name',
  'constraint_name',
  'pg_datatype_name',
  'table_name',
  'schema_name',
]);

function parseDiagnostics(p: Parsing, line: number): Statement {
  const { reader } = p;
  reader.next();
  const stacked = reader.accept('stacked');
  if (!stacked) reader.accept('current');
  reader.expect('diagnostics');
  const items: { place: Place; item: string }[] = [];
  do {
    const at = reader.peek().start;
    const to = place(p, false);
    refuseConstant(to.variable, at);
    if (reader.peek().text === '[' || (to.field === null && isRecord(to.variable)))
      throw sqlError('42601', `"${to.variable.name}" is not a scalar variable`, { position: at + 1 });
    if (!reader.accept('=')) reader.expect(':=');
    const item = reader.name();
    if (!CURRENT_ITEMS.has(item) && !STACKED_ITEMS.has(item))
      throw sqlError('42601', `unrecognized GET DIAGNOSTICS item at or near "${item}"`);
    if (!(stacked ? STACKED_ITEMS : CURRENT_ITEMS).has(item)) {
      const command = stacked ? 'GET STACKED DIAGNOSTICS' : 'GET CURRENT DIAGNOSTICS';
      throw sqlError('42601', `diagnostics item ${item.toUpperCase()} is not allowed in ${command}`);
    }
    items.push({ place: to, item });
  } while (reader.accept(','));
  reader.expect(';');
  return { kind: 'diagnostics', line, stacked, items };
}

// ---- cursors ----

function isCursor(variable: Variable): boolean {
  const { type } = variable;
  if (type.kind === 'given') return type.oid === OID.refcursor;
  return type.kind === 'named' && /^(pg_catalog\.)?"?refcursor"?$/i.test(type.text);
}

function cursorVariable(p: Parsing): Variable {
  const position = p.reader.peek().start + 1;
  const name = p.reader.variableName();
  const found = findVariable(p.scope, [name]);
  if (found === null) throw sqlError('42601', `"${name}" is not a known variable`, { position });
  if (!isCursor(found.variable)) throw sqlError('42804', `variable "${name}" must be of type cursor or refcursor`);
  return found.variable;
}

function lastCursor(p: Parsing): Variable {
  const cursor = cursorVariable(p);
  p.reader.expect(';');
  return cursor;
}

/** (value, …) or (name := value, …) behind a bound cursor's name. */
function cursorArguments(p: Parsing, cursor: Variable): SqlPiece[] {
  const { reader } = p;
  const wanted = cursor.cursor!.args;
  if (!reader.accept('(')) {
    if (wanted.length > 0) throw sqlError('42601', `cursor "${cursor.name}" has arguments`);
    return [];
  }
  if (wanted.length === 0) throw sqlError('42601', `cursor "${cursor.name}" has no arguments`);
  const given: (SqlPiece | undefined)[] = wanted.map(() => undefined);
  for (let i = 0; ; i++) {
    if (i >= wanted.length) throw sqlError('42601', `too many arguments for cursor "${cursor.name}"`);
    let at = i;
    const second = reader.peekSecond().text;
    if (nameOf(reader.peek()) !== null && (second === ':=' || second === '=>')) {
      const name = reader.name();
      at = wanted.findIndex((v) => v.name === name);
      if (at < 0) throw sqlError('42601', `cursor "${cursor.name}" has no argument named "${name}"`);
      reader.next();
    }
    if (given[at] !== undefined)
      throw sqlError(
        '42601',
        `value for parameter "${wanted[at]!.name}" of cursor "${cursor.name}" specified more than once`,
      );
    const { sql, stop } = expression(p, ',', ')');
    given[at] = sql;
    if (stop === ')') break;
  }
  const list = given.filter((g) => g !== undefined);
  if (list.length < wanted.length) throw sqlError('42601', `not enough arguments for cursor "${cursor.name}"`);
  return list;
}

function parseOpen(p: Parsing, line: number): Statement {
  const { reader } = p;
  reader.next();
  const cursor = cursorVariable(p);
  if (cursor.cursor !== null) {
    const args = cursorArguments(p, cursor);
    reader.expect(';');
    return { kind: 'open', line, cursor, source: { kind: 'bound', args } };
  }
  const scroll = reader.acceptAll('no', 'scroll') ? false : reader.accept('scroll') ? true : null;
  reader.expect('for');
  const source = rowSource(p, ';');
  if (source.kind === 'cursor') throw reader.unexpected();
  return { kind: 'open', line, cursor, source: { ...source, scroll } };
}

function parseFetch(p: Parsing, line: number): Statement {
  const { reader } = p;
  const moves = reader.next().text === 'move';
  const direction = fetchDirection(p, moves);
  const cursor = cursorVariable(p);
  if (moves) {
    reader.expect(';');
    return { kind: 'fetch', line, cursor, direction, target: null };
  }
  reader.expect('into');
  const to = target(p);
  reader.expect(';');
  return { kind: 'fetch', line, cursor, direction, target: to };
}

function fetchDirection(p: Parsing, moves: boolean): FetchDirection {
  const { reader } = p;
  const token = reader.peek();
  const from = (): void => {
    if (!reader.accept('from')) reader.accept('in');
  };
  const fixed = (direction: FetchDirection): FetchDirection => {
    reader.next();
    from();
    return direction;
  };
  // A variable may have any of these names.
  if (token.kind !== 'word' || isToken(reader.peekSecond(), 'into') || isToken(reader.peekSecond(), ';'))
    return { kind: 'relative', count: 1 };
  switch (token.text) {
    case 'next':
      return fixed({ kind: 'relative', count: 1 });
    case 'prior':
      return fixed({ kind: 'relative', count: -1 });
    case 'first':
      return fixed({ kind: 'absolute', count: 1 });
    case 'last':
      return fixed({ kind: 'last' });
    case 'all':
      if (!moves) throw sqlError('0A000', 'FETCH statement cannot return multiple rows');
      return fixed({ kind: 'all' });
    case 'absolute':
    case 'relative': {
      reader.next();
      return { kind: token.text, count: expression(p, 'from', 'in').sql };
    }
    case 'forward':
    case 'backward': {
      reader.next();
      const sign = token.text === 'forward' ? 1 : -1;
      if (reader.accept('all')) {
        if (!moves) throw sqlError('0A000', 'FETCH statement cannot return multiple rows');
        from();
        return { kind: sign > 0 ? 'all' : 'backwardAll' };
      }
      if (reader.accept('from') || reader.accept('in')) return { kind: 'relative', count: sign };
      if (nameOf(reader.peek()) !== null && (isToken(reader.peekSecond(), 'into') || isToken(reader.peekSecond(), ';')))
        return { kind: 'relative', count: sign };
      const read = reader.sqlUntil(['from', 'in']);
      if (!moves) throw sqlError('0A000', 'FETCH statement cannot return multiple rows');
      return { kind: 'relative', count: piece(p, sign > 0 ? read.text : `-(${read.text})`, true) };
    }
    case 'from':
    case 'in':
      from();
      return { kind: 'relative', count: 1 };
  }
  return { kind: 'relative', count: 1 };
}
