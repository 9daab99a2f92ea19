/**
 * Quoral's own syntax, which PostgreSQL's grammar lacks, recognised on tokens:
 *
 *   ALTER TABLE t SPLIT AT VALUES (…), (…)      → { QuoralSplitAt: { relation, index: null, rows } }
 *   ALTER INDEX i SPLIT AT VALUES (…)           → { QuoralSplitAt: { relation: null, index, rows } }
 *   SHOW RANGES FROM TABLE t | FROM INDEX i     → { QuoralShowRanges: { relation, index } }
 *   SHOW CLUSTER SETTING name | SHOW CLUSTER SETTINGS  → { QuoralShowClusterSetting: { name } }
 *   SET CLUSTER SETTING name = value | TO value → { QuoralSetClusterSetting: { name, value } }
 *   … AS OF SYSTEM TIME expression              → asOfSystemTime of the statement, the clause blanked out
 *
 * Tokens of one text are split at top-level semicolons; a text with none of these goes to the grammar whole.
 */
import { sqlError } from '../../base/errors.js';
import type { ParsedStatement, ParseNode, RelationName } from '../contract.js';
import { tokenize } from './tokens.js';
import type { Token } from './tokens.js';

export interface QuoralSplitAt {
  readonly relation: RelationName | null;
  readonly index: RelationName | null;
  /** Expressions of each VALUES row. */
  readonly rows: readonly (readonly ParseNode[])[];
}
export interface QuoralShowRanges {
  readonly relation: RelationName | null;
  readonly index: RelationName | null;
}
export interface QuoralShowClusterSetting {
  /** null: all of them. */
  readonly name: string | null;
}
export interface QuoralSetClusterSetting {
  readonly name: string;
  /** Expression; null = DEFAULT. */
  readonly value: ParseNode | null;
}

type ParsePlain = (text: string, from: number, to: number, replaced: string | null) => ParsedStatement[];

/** null if nothing of our own is in the text. */
export function parseSpecial(text: string, parsePlain: ParsePlain): ParsedStatement[] | null {
  const groups = splitStatements(tokenize(text));
  if (!groups.some((g) => ownKind(g) !== null || findAsOf(g) >= 0)) return null;
  const statements: ParsedStatement[] = [];
  for (const group of groups) {
    const first = group[0];
    const last = group[group.length - 1];
    if (first === undefined || last === undefined) continue;
    const kind = ownKind(group);
    if (kind !== null) statements.push(ownStatement(kind, group, text, parsePlain));
    else {
      const asOf = findAsOf(group);
      if (asOf >= 0) statements.push(...withAsOf(group, asOf, text, parsePlain));
      else statements.push(...parsePlain(text, first.start, last.end, null));
    }
  }
  return statements;
}

function splitStatements(tokens: readonly Token[]): Token[][] {
  const groups: Token[][] = [[]];
  let depth = 0;
  for (const t of tokens) {
    if (t.text === '(') depth++;
    else if (t.text === ')') depth--;
    if (t.text === ';' && depth <= 0) groups.push([]);
    else groups[groups.length - 1]?.push(t);
  }
  return groups;
}

type OwnKind = 'split' | 'ranges' | 'showSetting' | 'setSetting';

function word(tokens: readonly Token[], i: number): string {
  const t = tokens[i];
  return t !== undefined && t.kind === 'word' ? t.text : '';
}

function ownKind(tokens: readonly Token[]): OwnKind | null {
  const first = word(tokens, 0);
  const second = word(tokens, 1);
  if (first === 'show' && second === 'ranges') return 'ranges';
  if (second === 'cluster' && (word(tokens, 2) === 'setting' || word(tokens, 2) === 'settings')) {
    if (first === 'show') return 'showSetting';
    if (first === 'set') return 'setSetting';
  }
  if (first === 'alter' && (second === 'table' || second === 'index')) {
    for (let i = 3; i < Math.min(tokens.length, 10); i++) {
      if (word(tokens, i) === 'split' && word(tokens, i + 1) === 'at') return 'split';
    }
  }
  return null;
}

function findAsOf(tokens: readonly Token[]): number {
  for (let i = 0; i + 3 < tokens.length; i++) {
    if (
      word(tokens, i) === 'as' &&
      word(tokens, i + 1) === 'of' &&
      word(tokens, i + 2) === 'system' &&
      word(tokens, i + 3) === 'time'
    ) {
      return i;
    }
  }
  return -1;
}

function syntaxError(tokens: readonly Token[], at: number): Error {
  const t = tokens[at];
  const last = tokens[tokens.length - 1];
  return t === undefined
    ? sqlError('42601', 'syntax error at end of input', { position: (last?.end ?? 0) + 1 })
    : sqlError('42601', `syntax error at or near "${t.text}"`, { position: t.start + 1 });
}

/** A possibly qualified name; the position after it. */
function parseName(tokens: readonly Token[], at: number): { name: RelationName; next: number } {
  const parts: string[] = [];
  let i = at;
  for (;;) {
    const t = tokens[i];
    if (t === undefined || (t.kind !== 'word' && t.kind !== 'quoted')) throw syntaxError(tokens, i);
    parts.push(t.kind === 'quoted' ? t.text.slice(1, -1).replaceAll('""', '"') : t.text);
    i++;
    if (tokens[i]?.text !== '.') break;
    i++;
  }
  const name = parts[parts.length - 1] ?? '';
  return { name: { schema: parts.length > 1 ? (parts[parts.length - 2] ?? null) : null, name }, next: i };
}

function ownStatement(kind: OwnKind, tokens: readonly Token[], text: string, parsePlain: ParsePlain): ParsedStatement {
  const start = tokens[0]?.start ?? 0;
  const end = tokens[tokens.length - 1]?.end ?? text.length;
  const make = (name: string, body: unknown): ParsedStatement => ({
    node: { [name]: body },
    kind: name,
    text: text.slice(start, end),
    textOffset: start,
    parameterCount: 0,
    asOfSystemTime: null,
  });
  switch (kind) {
    case 'split':
      return make('QuoralSplitAt', parseSplit(tokens, text, parsePlain));
    case 'ranges':
      return make('QuoralShowRanges', parseShowRanges(tokens));
    case 'showSetting': {
      if (word(tokens, 2) === 'settings' || word(tokens, 3) === 'all' || tokens.length === 3) {
        return make('QuoralShowClusterSetting', { name: null } satisfies QuoralShowClusterSetting);
      }
      const { name, next } = parseSettingName(tokens, 3);
      if (next < tokens.length) throw syntaxError(tokens, next);
      return make('QuoralShowClusterSetting', { name } satisfies QuoralShowClusterSetting);
    }
    case 'setSetting': {
      const { name, next } = parseSettingName(tokens, 3);
      if (tokens[next]?.text !== '=' && word(tokens, next) !== 'to') throw syntaxError(tokens, next);
      if (word(tokens, next + 1) === 'default') return make('QuoralSetClusterSetting', { name, value: null });
      const value = expressionOf(tokens, next + 1, text, parsePlain);
      return make('QuoralSetClusterSetting', { name, value } satisfies QuoralSetClusterSetting);
    }
  }
}

function parseSettingName(tokens: readonly Token[], at: number): { name: string; next: number } {
  let i = at;
  let name = '';
  for (;;) {
    const t = tokens[i];
    if (t === undefined || (t.kind !== 'word' && t.kind !== 'quoted')) throw syntaxError(tokens, i);
    name += t.kind === 'quoted' ? t.text.slice(1, -1) : t.text;
    i++;
    if (tokens[i]?.text !== '.') return { name, next: i };
    name += '.';
    i++;
  }
}

interface SelectParts {
  readonly targetList?: readonly { readonly ResTarget: { readonly val: ParseNode } }[];
  readonly valuesLists?: readonly { readonly List: { readonly items: readonly ParseNode[] } }[];
}

function expressionOf(tokens: readonly Token[], at: number, text: string, parsePlain: ParsePlain): ParseNode {
  const first = tokens[at];
  const last = tokens[tokens.length - 1];
  if (first === undefined || last === undefined) throw syntaxError(tokens, at);
  // Seven characters of SELECT and a space stand before the expression, so that positions fit.
  const lead = Math.max(0, first.start - 7);
  const piece = 'SELECT '.padStart(first.start - lead, ' ') + text.slice(first.start, last.end);
  const parsed = parsePlain(text, lead, last.end, piece)[0];
  const target = (parsed?.node['SelectStmt'] as SelectParts | undefined)?.targetList?.[0];
  if (target === undefined) throw syntaxError(tokens, at);
  return target.ResTarget.val;
}

function parseSplit(tokens: readonly Token[], text: string, parsePlain: ParsePlain): QuoralSplitAt {
  let at = 2;
  if (word(tokens, at) === 'if') at += 2;
  const { name, next } = parseName(tokens, at);
  if (word(tokens, next) !== 'split' || word(tokens, next + 1) !== 'at') throw syntaxError(tokens, next);
  const values = tokens[next + 2];
  const last = tokens[tokens.length - 1];
  if (values === undefined || last === undefined || values.text !== 'values') throw syntaxError(tokens, next + 2);
  const parsed = parsePlain(text, values.start, last.end, null)[0];
  const lists = (parsed?.node['SelectStmt'] as SelectParts | undefined)?.valuesLists ?? [];
  const rows = lists.map((l) => l.List.items);
  const isIndex = word(tokens, 1) === 'index';
  return { relation: isIndex ? null : name, index: isIndex ? name : null, rows };
}

function parseShowRanges(tokens: readonly Token[]): QuoralShowRanges {
  if (word(tokens, 2) !== 'from') throw syntaxError(tokens, 2);
  const what = word(tokens, 3);
  if (what !== 'table' && what !== 'index') throw syntaxError(tokens, 3);
  const { name, next } = parseName(tokens, 4);
  if (next < tokens.length) throw syntaxError(tokens, next);
  return what === 'table' ? { relation: name, index: null } : { relation: null, index: name };
}

/** End (token index) of the AS OF expression: primaries joined by + and -, with call arguments and casts. */
function endOfAsOf(tokens: readonly Token[], at: number): number {
  let i = endOfPrimary(tokens, at);
  while (tokens[i]?.text === '-' || tokens[i]?.text === '+') i = endOfPrimary(tokens, i + 1);
  return i;
}

function endOfParens(tokens: readonly Token[], at: number): number {
  let depth = 0;
  let i = at;
  do {
    const t = tokens[i];
    if (t === undefined) throw syntaxError(tokens, i);
    if (t.text === '(') depth++;
    else if (t.text === ')') depth--;
    i++;
  } while (depth > 0);
  return i;
}

function endOfPrimary(tokens: readonly Token[], at: number): number {
  let i = at;
  if (tokens[i]?.text === '-' || tokens[i]?.text === '+') i++;
  const primary = tokens[i];
  if (primary === undefined) throw syntaxError(tokens, i);
  if (primary.text === '(') i = endOfParens(tokens, i);
  else {
    i++;
    // A typed literal: interval '-1h', timestamptz '…'.
    if (primary.kind === 'word' && tokens[i]?.kind === 'string') i++;
    if (tokens[i]?.text === '(') i = endOfParens(tokens, i);
  }
  while (tokens[i]?.text === '::') i += 2;
  return i;
}

function withAsOf(tokens: readonly Token[], at: number, text: string, parsePlain: ParsePlain): ParsedStatement[] {
  const first = tokens[0];
  const last = tokens[tokens.length - 1];
  const expression = tokens[at + 4];
  const clause = tokens[at];
  const end = endOfAsOf(tokens, at + 4);
  const closing = tokens[end - 1];
  if (
    first === undefined ||
    last === undefined ||
    expression === undefined ||
    clause === undefined ||
    closing === undefined
  ) {
    throw syntaxError(tokens, tokens.length);
  }
  const onlyMode = word(tokens, 0) === 'set' && word(tokens, at - 1) === 'transaction';
  const filler = (onlyMode ? 'READ ONLY' : '').padEnd(closing.end - clause.start, ' ');
  const piece = text.slice(first.start, clause.start) + filler + text.slice(closing.end, last.end);
  const asOfSystemTime = text.slice(expression.start, closing.end);
  return parsePlain(text, first.start, last.end, piece).map((s) => ({ ...s, asOfSystemTime }));
}
