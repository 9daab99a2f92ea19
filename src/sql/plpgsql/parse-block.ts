/** Reads a block of PL/pgSQL: declarations, the part between BEGIN and END, handlers. */
import { sqlError } from '../../base/errors.js';
import { sqlstatesOf } from './conditions.js';
import { declare, deeper, expression, type Parsing, piece, within } from './parsing.js';
import { isToken, nameOf, Reader, stringOf } from './reader.js';
import { findVariable, hasOwnName, innerScope, withName } from './scope.js';
import type { Block, Handler, NameScope, Variable, WrittenType } from './tree.js';

export function blockLabel(reader: Reader): string | null {
  if (!reader.accept('<<')) return null;
  const label = reader.name();
  reader.expect('>>');
  return label;
}

/** After its label: [DECLARE …] BEGIN … [EXCEPTION …] END [label]. */
export function parseBlock(p: Parsing, label: string | null): Block {
  return deeper(p, () => {
    const { reader } = p;
    const line = reader.line(reader.peek().start);
    const scope = innerScope(p.scope, 'block', label);
    return within(p, scope, () => {
      const declared: Variable[] = [];
      while (reader.accept('declare')) declarations(p, declared);
      reader.expect('begin');
      const body = p.statements(p, 'exception', 'end');
      const handlers = reader.accept('exception') ? parseHandlers(p) : [];
      reader.expect('end');
      endLabel(reader, label);
      return { kind: 'block', line, label, variables: declared, body, handlers };
    });
  });
}

/** After END of a block or loop. */
export function endLabel(reader: Reader, label: string | null): void {
  if (nameOf(reader.peek()) === null) return;
  const position = reader.peek().start + 1;
  const name = reader.name();
  if (label === null) throw sqlError('42601', `end label "${name}" specified for unlabeled block`, { position });
  if (label !== name)
    throw sqlError('42601', `end label "${name}" differs from block's label "${label}"`, { position });
}

// ---- declarations ----

function declarations(p: Parsing, declared: Variable[]): void {
  const { reader } = p;
  for (;;) {
    const token = reader.peek();
    if (isToken(token, 'begin') || isToken(token, 'declare')) return;
    const name = reader.name();
    if (hasOwnName(p.scope, name))
      throw sqlError('42601', `duplicate declaration at or near "${name}"`, { position: token.start + 1 });
    if (findVariable(p.scope, [name]) !== null) p.shadowed(name, token.start + 1);
    if (reader.accept('alias')) {
      aliasOf(p, name);
      continue;
    }
    const variable = declaration(p, name, reader.line(token.start));
    declared.push(variable);
    p.scope = withName(p.scope, variable);
  }
}

function aliasOf(p: Parsing, name: string): void {
  const { reader } = p;
  reader.expect('for');
  const token = reader.peek();
  const of = token.kind === 'param' ? reader.next().text : reader.name();
  const found = findVariable(p.scope, [of]);
  if (found === null) throw sqlError('42704', `variable "${of}" does not exist`);
  reader.expect(';');
  p.scope = withName(p.scope, found.variable, name);
}

function declaration(p: Parsing, name: string, line: number): Variable {
  const { reader } = p;
  const scroll = reader.acceptAll('no', 'scroll') ? false : reader.accept('scroll') ? true : null;
  if (reader.accept('cursor')) return cursorDeclaration(p, name, scroll, line);
  if (scroll !== null) throw reader.unexpected();
  const constant = reader.accept('constant');
  const { type, stop } = dataType(p, 'collate', 'not', 'default', ':=', '=', ';');
  let next = stop;
  const collation: string[] = [];
  if (next === 'collate') {
    collation.push(reader.name());
    while (reader.accept('.')) collation.push(reader.name());
    next = reader.next().text;
  }
  let notNull = false;
  const position = reader.at - 2;
  if (next === 'not') {
    reader.expect('null');
    notNull = true;
    next = reader.next().text;
  }
  let initial = null;
  if (next === 'default' || next === ':=' || next === '=') initial = expression(p, ';').sql;
  else if (next !== ';') throw reader.unexpected();
  if (notNull && initial === null)
    throw sqlError('22004', `variable "${name}" must have a default value, since it's declared NOT NULL`, {
      position,
    });
  return declare(p, name, collated(type, collation), line, { constant, notNull, initial });
}

function collated(type: WrittenType, collation: readonly string[]): WrittenType {
  return type.kind === 'named' && collation.length > 0 ? { ...type, collation } : type;
}

function cursorDeclaration(p: Parsing, name: string, scroll: boolean | null, line: number): Variable {
  const { reader } = p;
  const args: Variable[] = [];
  let scope: NameScope = innerScope(p.scope, 'block', null);
  if (reader.accept('(')) {
    for (;;) {
      const { start } = reader.peek();
      const argument = reader.name();
      if (findVariable(p.scope, [argument]) !== null) p.shadowed(argument, start + 1);
      const { type, stop } = dataType(p, ',', ')');
      const variable = declare(p, argument, type, line);
      args.push(variable);
      scope = withName(scope, variable);
      if (stop === ')') break;
    }
  }
  if (!reader.accept('for')) reader.expect('is');
  const query = within(p, scope, () => {
    const read = reader.sqlUntil([';'], 'statement');
    return piece(p, read.text, false, read.start);
  });
  return declare(p, name, { kind: 'named', text: 'refcursor' }, line, { cursor: { query, args, scroll } });
}

/** A type as it is written, up to one of the stops. */
export function dataType(
  { reader, scope }: Pick<Parsing, 'reader' | 'scope'>,
  ...stops: readonly string[]
): { readonly type: WrittenType; readonly stop: string } {
  const start = reader.at;
  let depth = 0;
  let text = '';
  let end = reader.peek().start;
  const from = end;
  for (;;) {
    const token = reader.peek();
    if (depth === 0 && stops.some((stop) => isToken(token, stop))) {
      text = reader.text.slice(from, end);
      reader.next();
      if (text === '') throw sqlError('42601', 'missing data type declaration');
      return { type: writtenType(reader.text, start, end, text, scope), stop: token.text };
    }
    if (reader.atEnd() || isToken(token, ';')) {
      if (depth > 0) throw sqlError('42601', 'mismatched parentheses');
      throw sqlError(
        '42601',
        text === '' && end === from ? 'missing data type declaration' : 'incomplete data type declaration',
      );
    }
    if (token.text === '(' || token.text === '[') depth++;
    else if (token.text === ')' || token.text === ']') depth--;
    reader.next();
    end = token.end;
  }
}

function writtenType(text: string, start: number, end: number, written: string, scope: NameScope): WrittenType {
  if (/^record$/i.test(written)) return { kind: 'record' };
  const reader = new Reader(text.slice(0, end));
  reader.at = start;
  if (nameOf(reader.peek()) === null && reader.peek().kind !== 'param') throw reader.unexpected();
  const names = [reader.variableName()];
  while (reader.peek().text === '.') {
    reader.next();
    names.push(reader.name());
  }
  if (reader.accept('%')) {
    const what = reader.name();
    if (!reader.atEnd() || (what !== 'type' && what !== 'rowtype'))
      throw sqlError('42601', `syntax error at or near "%"`);
    if (what === 'rowtype') return { kind: what, name: names };
    const found = findVariable(scope, names);
    return found?.rest.length === 0
      ? { kind: 'like', name: names, variable: found.variable }
      : { kind: 'like', name: names };
  }
  return { kind: 'named', text: written };
}

// ---- handlers ----

const TEXT = 25;

function parseHandlers(p: Parsing): Handler[] {
  const { reader } = p;
  const line = reader.line(reader.peek().start);
  const state = declare(p, 'sqlstate', { kind: 'given', oid: TEXT }, line, { constant: true });
  const message = declare(p, 'sqlerrm', { kind: 'given', oid: TEXT }, line, { constant: true });
  let scope = withName(p.scope, state);
  scope = withName(scope, message);
  return within(p, scope, () => {
    const handlers: Handler[] = [];
    reader.expect('when');
    do {
      const conditions = [...condition(reader)];
      while (reader.accept('or')) conditions.push(...condition(reader));
      reader.expect('then');
      handlers.push({ conditions, body: p.statements(p, 'when', 'end'), state, message });
    } while (reader.accept('when'));
    return handlers;
  });
}

function condition(reader: Reader): readonly string[] {
  if (reader.accept('sqlstate')) return [sqlstateOf(reader)];
  const name = reader.name();
  if (name === 'others') return ['others'];
  const states = sqlstatesOf(name);
  if (states === null) throw sqlError('42704', `unrecognized exception condition "${name}"`, { position: undefined });
  return states;
}

/** The constant behind SQLSTATE. */
export function sqlstateOf(reader: Reader): string {
  const value = stringOf(reader.next());
  if (value === null || !/^[0-9A-Z]{5}$/.test(value)) throw sqlError('42601', 'invalid SQLSTATE code');
  return value;
}
