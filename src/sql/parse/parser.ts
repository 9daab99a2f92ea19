/**
 * Text → parse trees, by PostgreSQL's own grammar compiled to WebAssembly (libpg-query).
 *
 * Guards, each for a measured fault: NUL would truncate the text silently; very deep expressions make
 * the module throw a RangeError that leaks its stack, and after some thirty of them every parse fails.
 * So depth is estimated and refused first, and after anything that is not a syntax error the module
 * is replaced. Building one is asynchronous and parsing is not: the first failure has another one built, which
 * takes over when it is there, and from then on a spare stands ready. (Not from the start: it would cost
 * each process some twenty milliseconds, and hardly any ever needs it.)
 *
 * Positions in the trees (`location`) are offsets in characters (JavaScript's) of the whole query
 * string; the grammar's are in UTF-8 bytes, so they are rewritten when the text is not ASCII.
 */
import { createRequire } from 'node:module';
import type createPgQueryModule from 'libpg-query/wasm/libpg-query.js';
import type { PgQueryModule } from 'libpg-query/wasm/libpg-query.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import { assert } from '../../base/assert.js';
import { atOnce, type Steps } from '../../base/steps.js';
import type { ParsedStatement, ParseNode } from '../contract.js';
import type { Notice } from '../session-api.js';
import { DEPTH_MAX, nextToken, prescan, shortened } from './tokens.js';
import { fillOrigins, quoteNewerWords, newerWordOfMerge } from './newer-words.js';
import { parseSpecial } from './own-statements.js';

/** Characters; a longer text is refused with 54000 (its tree would take some twenty times as much memory). */
export const QUERY_LENGTH_MAX = 16 * 1024 * 1024;

/** Words, numbers and signs in one text; the tree of so many takes some 300 MB. */
export const TOKENS_MAX = 1_000_000;

let current: PgQueryModule | null = null;
let spare: PgQueryModule | null = null;
/** By `require`: importing a CommonJS package makes Node lex its text first, 40 ms of every test process's start. */
const createModule = createRequire(import.meta.url)('libpg-query/wasm/libpg-query.js') as typeof createPgQueryModule;

let building: Promise<void> | null = null;
let replenishing: Promise<void> | null = null;
/** The module in use has failed, and there was no spare. */
let tainted = false;

/** Must have resolved before the first parseSql; cheap when called again. */
export async function initParser(): Promise<void> {
  building ??= createModule().then((built) => {
    current = built;
  });
  await building;
}

function replenish(): void {
  if (spare !== null || replenishing !== null) return;
  replenishing = createModule().then((built) => {
    replenishing = null;
    if (!tainted) {
      spare = built;
      return;
    }
    tainted = false;
    current = built;
    replenish();
  });
}

/** Number of times the module had to be replaced; for metrics and tests. */
export let moduleReplacements = 0;

function replaceModule(): void {
  moduleReplacements++;
  if (spare !== null) {
    current = spare;
    spare = null;
  } else tainted = true;
  replenish();
}

interface RawStatement {
  readonly stmt: ParseNode;
  readonly stmt_location?: number;
  readonly stmt_len?: number;
}

/** Statements of `text`, in order; empty statements give none. @throws QuoralError 42601, 22021, 54000, 54001 */
export function parseSql(text: string): ParsedStatement[] {
  return atOnce(parseInSteps(text));
}

/** As parseSql; the event loop may be given back at each step. */
export function* parseInSteps(text: string): Steps<ParsedStatement[]> {
  if (text.length > QUERY_LENGTH_MAX) {
    throw sqlError('54000', 'statement is too long', { detail: `The limit is ${QUERY_LENGTH_MAX} characters.` });
  }
  const scanned = prescan(text);
  if (scanned.hasNul) throw sqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
  if (scanned.depth > DEPTH_MAX) throw tooComplex();
  if (scanned.tokens > TOKENS_MAX) {
    throw sqlError('54000', 'statement is too long', {
      detail: `The limit is ${TOKENS_MAX} words, numbers and signs.`,
      hint: 'Send large amounts of rows in several statements, or with COPY.',
    });
  }
  if (scanned.special) {
    const special = parseSpecial(text, parsePlain);
    if (special !== null) return special;
  }
  if (nextToken(text, 0) === null) return [];
  yield;
  let trees: string;
  let origins: Uint32Array | null = null;
  try {
    trees = runGrammar(text, text, 0);
  } catch (error) {
    const quoted = error instanceof QuoralError && error.sqlstate === '42601' ? quoteNewerWords(text) : null;
    const again = quoted === null ? null : tryGrammar(quoted.text);
    if (again === null) throw error;
    trees = again;
    origins = quoted!.origins;
  }
  yield;
  if (scanned.junk !== null) {
    const { text: near, start } = scanned.junk;
    throw sqlError('42601', `trailing junk after parameter at or near "${near}"`, { position: start + 1 });
  }
  const statements = statementsOf(readTrees(trees), text, text, 0, scanned.parameterCount, origins);
  const [first, ...rest] = statements;
  if (scanned.longNames.length === 0 || first === undefined) return statements;
  return [{ ...first, notices: scanned.longNames.map(shortening) }, ...rest];
}

function shortening(name: string): Notice {
  const message = `identifier "${name}" will be truncated to "${shortened(name)}"`;
  return { severity: 'NOTICE', sqlstate: '42622', message };
}

/** null: it is refused like this too. */
function tryGrammar(text: string): string | null {
  try {
    return runGrammar(text, text, 0);
  } catch (error) {
    if (error instanceof QuoralError && error.sqlstate === '42601') return null;
    throw error;
  }
}

export function tooComplex(): QuoralError {
  return sqlError('54001', 'stack depth limit exceeded', {
    hint: `The statement nests too deeply or chains too many operators; the limit is about ${DEPTH_MAX} levels.`,
  });
}

/**
 * Parses text[from, to). `blank` spans (offsets in `text`) are replaced by spaces for the grammar: pieces of
 * our own syntax that the caller has understood.
 */
function parsePlain(text: string, from: number, to: number, replaced: string | null): ParsedStatement[] {
  const piece = replaced ?? (from === 0 && to === text.length ? text : text.slice(from, to));
  return statementsOf(readTrees(runGrammar(piece, text, from)), piece, text, from);
}

function statementsOf(
  raw: readonly RawStatement[],
  piece: string,
  text: string,
  from: number,
  /** Of all that is in the text, if that was counted. */
  parameterCount: number | null = null,
  /** Of the text that the grammar read instead: the characters of `piece` that its bytes stand for. */
  origins: Uint32Array | null = null,
): ParsedStatement[] {
  const toChar = origins ?? (isAscii(piece) ? null : byteToCharMap(piece));
  const statements: ParsedStatement[] = [];
  for (const statement of raw) {
    const kind = Object.keys(statement.stmt)[0];
    assert(kind !== undefined, 'a parsed statement has a kind');
    let start = statement.stmt_location ?? 0;
    let end = statement.stmt_len === undefined || statement.stmt_len === 0 ? -1 : start + statement.stmt_len;
    if (toChar !== null) {
      start = toChar[start] ?? 0;
      end = end < 0 ? -1 : (toChar[end] ?? piece.length);
    }
    if (end < 0) end = piece.length;
    const first = nextToken(piece, start);
    if (first !== null) start = first.start;
    while (end > start && piece.charCodeAt(end - 1) <= 32) end--;
    if (kind === 'MergeStmt') refuseNewerMerge(piece, start, end, text, from);
    // The text as the user wrote it, our own clauses included.
    const own = text.slice(from + start, from + end);
    if (toChar !== null || from > 0) shiftLocations(statement.stmt, toChar, from);
    statements.push({
      node: statement.stmt,
      kind,
      text: own,
      textOffset: from + start,
      parameterCount:
        raw.length === 1 && parameterCount !== null
          ? parameterCount
          : own.includes('$')
            ? prescan(own).parameterCount
            : 0,
      asOfSystemTime: null,
    });
  }
  return statements;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** The trees, as JSON. */
function runGrammar(piece: string, whole: string, from: number): string {
  const module = current;
  assert(module !== null, 'initParser has resolved before parsing');
  let text: string | null = null;
  let message = '';
  let position = 0;
  try {
    const length = module.lengthBytesUTF8(piece) + 1;
    const query = module._malloc(length);
    if (query === 0) throw new RangeError('parser memory exhausted');
    module.stringToUTF8(piece, query, length);
    const result = module._wasm_parse_query_raw(query);
    if (result === 0) throw new RangeError('parser memory exhausted');
    const error = module.getValue(result + 8, 'i32');
    if (error !== 0) {
      const pointer = module.getValue(error, 'i32');
      message = pointer === 0 ? 'syntax error' : module.UTF8ToString(pointer);
      position = module.getValue(error + 16, 'i32');
    } else text = module.UTF8ToString(module.getValue(result, 'i32'));
    module._free(query);
    module._wasm_free_parse_result(result);
  } catch (error) {
    replaceModule();
    if (error instanceof RangeError || error instanceof Error) throw tooComplex();
    throw error;
  }
  if (text !== null) return text;
  throw grammarError(message, position, whole, from);
}

function readTrees(json: string): readonly RawStatement[] {
  return (JSON.parse(json) as { stmts?: readonly RawStatement[] }).stmts ?? [];
}

function refuseNewerMerge(piece: string, start: number, end: number, whole: string, from: number): void {
  const word = newerWordOfMerge(piece, start, end);
  if (word === null) return;
  const near = piece.slice(word.start, word.end);
  throw sqlError('42601', `syntax error at or near "${near}"`, {
    position: codePointPosition(whole, from + word.start),
  });
}

interface GrammarError {
  readonly says: RegExp;
  readonly sqlstate: string;
  readonly hint?: string;
  /** In PostgreSQL 15's words, where the grammar has others. */
  readonly as?: string;
  /** PostgreSQL 15 keeps the position to itself. */
  readonly placeless?: true;
}
/** What the grammar refuses otherwise than as a syntax error, which its message alone tells; and hints, which it does not tell. */
const GRAMMAR_ERRORS: readonly GrammarError[] = [
  { says: /^invalid byte sequence/, sqlstate: '22021' },
  {
    says: /^constraints cannot be altered to be NOT VALID/,
    as: 'FOREIGN KEY constraints cannot be marked NOT VALID',
    sqlstate: '0A000',
    placeless: true,
  },
  {
    says: /^invalid (hexadecimal|octal|binary) integer/,
    as: 'trailing junk after numeric literal',
    sqlstate: '42601',
  },
  { says: /^invalid (hexadecimal|escape)/i, sqlstate: '22025' },
  { says: /^LIMIT #,# syntax is not supported/, sqlstate: '42601', hint: 'Use separate LIMIT and OFFSET clauses.' },
  { says: /^CREATE ASSERTION is not yet implemented/, sqlstate: '0A000', placeless: true },
  {
    says: /^ROW variable naming/,
    sqlstate: '0A000',
    hint: 'Use OLD TABLE or NEW TABLE for naming transition tables.',
    placeless: true,
  },
  {
    says: /is not supported|not yet implemented|not supported on recursive views|only supported for ON DELETE/i,
    sqlstate: '0A000',
  },
  { says: /cannot include schema elements|^current database cannot be changed/, sqlstate: '0A000' },
  { says: /^an ordered-set aggregate with a VARIADIC direct argument/, sqlstate: '0A000' },
  { says: /^column number must be in range|^precision for type float must be/, sqlstate: '22023' },
  { says: /out of range/, sqlstate: '22003' },
  { says: /^frame (start|end)/, sqlstate: '42P20' },
  { says: /^role name ".*" is reserved|cannot be used as a role name here/, sqlstate: '42939' },
  {
    says: /^missing argument/,
    sqlstate: '42601',
    hint: 'Use NONE to denote the missing argument of a unary operator.',
  },
  { says: /constraints cannot be marked/, sqlstate: '0A000', placeless: true },
  { says: /WITH TIES/, sqlstate: '42601', placeless: true },
];

function grammarError(message: string, position: number, whole: string, from: number): QuoralError {
  if (message.startsWith('memory exhausted')) {
    replaceModule();
    return tooComplex();
  }
  let sqlstate = '42601';
  let more: { readonly hint?: string } = {};
  if (message === 'invalid Unicode escape') {
    // Of U&'…' and of E'…'.
    const extended = /^\\u/i.test([...whole.slice(from)].slice(position - 1, position + 1).join(''));
    sqlstate = extended ? '22025' : '42601';
    const forms = extended ? '\\uXXXX or \\UXXXXXXXX' : '\\XXXX or \\+XXXXXX';
    more = { hint: `Unicode escapes must be ${forms}.` };
  } else {
    const known = GRAMMAR_ERRORS.find(({ says }) => says.test(message));
    if (known !== undefined) {
      ({ sqlstate } = known);
      if (known.as !== undefined) message = message.replace(known.says, known.as);
      if (known.hint !== undefined) more = { hint: known.hint };
      if (known.placeless === true) return sqlError(sqlstate, message, more);
    }
  }
  if (position <= 0) return sqlError(sqlstate, message);
  // Unlike the locations in trees, the grammar's error positions count characters, from 1.
  return sqlError(sqlstate, message, { position: codePointPosition(whole, from) - 1 + position, ...more });
}

/** 1-based position in code points, which is what clients count. */
export function codePointPosition(text: string, offset: number): number {
  let position = 1;
  for (let i = 0; i < offset && i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0xdc00 || c > 0xdfff) position++;
  }
  return position;
}

/** For each byte offset of the UTF-8 form (and its end), the JavaScript offset. */
function byteToCharMap(text: string): Uint32Array {
  const map = new Uint32Array(Buffer.byteLength(text) + 1);
  map[fillOrigins(map, 0, text, 0)] = text.length;
  return map;
}

function shiftLocations(node: unknown, toChar: Uint32Array | null, from: number): void {
  const stack: unknown[] = [node];
  while (stack.length > 0) {
    const next = stack.pop();
    if (Array.isArray(next)) {
      for (const item of next) stack.push(item);
    } else if (typeof next === 'object' && next !== null) {
      const record = next as Record<string, unknown>;
      for (const key in record) {
        const value = record[key];
        if (typeof value === 'object') stack.push(value);
        else if (key === 'location' && typeof value === 'number' && value >= 0) {
          record[key] = from + (toChar === null ? value : (toChar[value] ?? value));
        }
      }
    }
  }
}
