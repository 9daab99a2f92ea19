/**
 * The JSON path language by recursive descent. Predicates (what is true or false) and expressions (what gives items)
 * are told apart while reading: only a filter, the logical operators and the whole path take a predicate.
 */
import { sqlError } from '../../base/errors.js';
import { pathError, PathLexer } from './json-path-lexer.js';
import type { Token } from './json-path-lexer.js';
import type {
  ArithmeticSymbol,
  ComparisonSymbol,
  MethodName,
  PathItem,
  PathProgram,
  PathStep,
  Subscript,
} from './json-path-tree.js';
import { negateNumeric, parseNumeric } from './numeric.js';

/** What was read, and what it is; a predicate in parentheses may be negated. */
interface Part {
  readonly item: PathItem;
  readonly isPredicate: boolean;
  readonly isDelimited: boolean;
}

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const METHODS: ReadonlySet<string> = new Set(['type', 'size', 'abs', 'floor', 'ceiling', 'double', 'keyvalue']);
const DEPTH_MAX = 1000;

function single(step: PathStep): PathItem {
  return { ...step, next: null } as PathItem;
}
function expression(item: PathItem): Part {
  return { item, isPredicate: false, isDelimited: false };
}
function predicate(item: PathItem, isDelimited = false): Part {
  return { item, isPredicate: true, isDelimited };
}
/** The chain of `head` with `steps` after its last one. */
function chain(head: PathItem, steps: readonly PathStep[]): PathItem {
  let next: PathItem | null = null;
  for (const step of [...steps].reverse()) next = { ...step, next } as PathItem;
  if (next === null) return head;
  const append = (item: PathItem): PathItem => ({ ...item, next: item.next === null ? next : append(item.next) });
  return append(head);
}

class PathParser {
  readonly #lexer: PathLexer;
  #token: Token;
  #depth = 0;
  constructor(text: string) {
    this.#lexer = new PathLexer(text);
    this.#token = this.#lexer.next();
  }

  /** null for an empty text. */
  program(): PathProgram | null {
    if (this.#isEnd()) return null;
    const strict = this.#takeKeyword('strict');
    if (!strict) this.#takeKeyword('lax');
    const root = this.#or().item;
    if (!this.#isEnd()) throw this.#unexpected();
    return { lax: !strict, root };
  }

  #unexpected(): Error {
    return pathError('syntax error', this.#token.shown);
  }
  #isEnd(): boolean {
    return this.#token.kind === 'end';
  }
  #advance(): Token {
    const token = this.#token;
    this.#token = this.#lexer.next();
    return token;
  }
  #isSymbol(symbol: string): boolean {
    return this.#token.kind === 'symbol' && this.#token.text === symbol;
  }
  #takeSymbol(symbol: string): boolean {
    if (!this.#isSymbol(symbol)) return false;
    this.#advance();
    return true;
  }
  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) throw this.#unexpected();
  }
  #takeKeyword(word: string): boolean {
    if (this.#token.kind !== 'keyword' || this.#token.text !== word) return false;
    this.#advance();
    return true;
  }
  #expectKeyword(word: string): void {
    if (!this.#takeKeyword(word)) throw this.#unexpected();
  }

  #or(): Part {
    if (++this.#depth > DEPTH_MAX) throw sqlError('54001', 'stack depth limit exceeded');
    let left = this.#and();
    while (this.#isSymbol('||')) {
      left = this.#logical(left, 'or', () => this.#and());
    }
    this.#depth--;
    return left;
  }

  #and(): Part {
    let left = this.#comparison();
    while (this.#isSymbol('&&')) left = this.#logical(left, 'and', () => this.#comparison());
    return left;
  }

  #logical(left: Part, kind: 'and' | 'or', read: () => Part): Part {
    if (!left.isPredicate) throw this.#unexpected();
    this.#advance();
    const right = read();
    if (!right.isPredicate) throw this.#unexpected();
    return predicate(single({ kind, left: left.item, right: right.item }));
  }

  #comparison(): Part {
    if (this.#takeSymbol('!')) {
      const arg = this.#primary();
      if (!arg.isPredicate || !arg.isDelimited) throw this.#unexpected();
      return predicate(single({ kind: 'not', arg: arg.item }));
    }
    const left = this.#sum();
    if (left.isPredicate) return left;
    const { kind, text } = this.#token;
    if (kind === 'symbol' && COMPARISONS.has(text)) {
      this.#advance();
      const right = this.#expression();
      return predicate(single({ kind: 'compare', symbol: text as ComparisonSymbol, left: left.item, right }));
    }
    if (this.#takeKeyword('starts')) {
      this.#expectKeyword('with');
      return predicate(single({ kind: 'starts', left: left.item, right: this.#initial() }));
    }
    if (this.#takeKeyword('like_regex')) return predicate(this.#regex(left.item));
    return left;
  }

  #expression(): PathItem {
    const part = this.#sum();
    if (part.isPredicate) throw this.#unexpected();
    return part.item;
  }

  #initial(): PathItem {
    const { kind, text } = this.#token;
    if (kind !== 'string' && kind !== 'variable') throw this.#unexpected();
    this.#advance();
    return single(kind === 'string' ? { kind, value: text } : { kind, name: text });
  }

  #string(): string {
    if (this.#token.kind !== 'string') throw this.#unexpected();
    return this.#advance().text;
  }

  #regex(arg: PathItem): PathItem {
    const pattern = this.#string();
    const flags = this.#takeKeyword('flag') ? this.#string() : '';
    const bad = /[^ismxq]/u.exec(flags);
    if (bad !== null) {
      throw sqlError('42601', 'invalid input syntax for type jsonpath', {
        detail: `Unrecognized flag character "${bad[0]}" in LIKE_REGEX predicate.`,
      });
    }
    if (flags.includes('x') && !flags.includes('q')) {
      throw sqlError('0A000', 'XQuery "x" flag (expanded regular expressions) is not implemented');
    }
    checkRegex(pattern, regexFlags(flags));
    return single({ kind: 'regex', arg, pattern, flags });
  }

  #sum(): Part {
    return this.#arithmetic(['+', '-'], () => this.#arithmetic(['*', '/', '%'], () => this.#unary()));
  }

  #arithmetic(symbols: readonly string[], read: () => Part): Part {
    let left = read();
    while (this.#token.kind === 'symbol' && symbols.includes(this.#token.text)) {
      if (left.isPredicate) throw this.#unexpected();
      const symbol = this.#advance().text as ArithmeticSymbol;
      const right = read();
      if (right.isPredicate) throw this.#unexpected();
      left = expression(single({ kind: 'arithmetic', symbol, left: left.item, right: right.item }));
    }
    return left;
  }

  #unary(): Part {
    if (!this.#isSymbol('+') && !this.#isSymbol('-')) return this.#primary();
    if (++this.#depth > DEPTH_MAX) throw sqlError('54001', 'stack depth limit exceeded');
    const symbol = this.#advance().text as '+' | '-';
    const part = this.#unary();
    this.#depth--;
    if (part.isPredicate) throw this.#unexpected();
    const arg = part.item;
    if (arg.kind === 'number' && arg.next === null)
      return expression(symbol === '+' ? arg : { ...arg, value: negateNumeric(arg.value) });
    return expression(single({ kind: 'sign', symbol, arg }));
  }

  #primary(): Part {
    if (this.#takeKeyword('exists')) {
      this.#expectSymbol('(');
      const part = this.#or();
      if (part.isPredicate) throw this.#unexpected();
      this.#expectSymbol(')');
      return predicate(single({ kind: 'exists', arg: part.item }), true);
    }
    if (!this.#takeSymbol('(')) return expression(chain(this.#start(), this.#accessors()));
    const inside = this.#or();
    this.#expectSymbol(')');
    if (inside.isPredicate && this.#takeKeyword('is')) {
      this.#expectKeyword('unknown');
      return predicate(single({ kind: 'unknown', arg: inside.item }));
    }
    const steps = this.#accessors();
    if (steps.length > 0) return expression(chain(inside.item, steps));
    return { ...inside, isDelimited: true };
  }

  #start(): PathItem {
    const { kind, text } = this.#token;
    const step = ((): PathStep | null => {
      switch (kind) {
        case 'string':
          return { kind, value: text };
        case 'int':
        case 'numeric':
          return { kind: 'number', value: parseNumeric(text)! };
        case 'variable':
          return { kind, name: text };
        case 'keyword':
          if (text === 'null' || text === 'last') return { kind: text };
          return text === 'true' || text === 'false' ? { kind: 'bool', value: text === 'true' } : null;
        case 'symbol':
          return text === '$' ? { kind: 'root' } : text === '@' ? { kind: 'current' } : null;
        default:
          return null;
      }
    })();
    if (step === null) throw this.#unexpected();
    this.#advance();
    return single(step);
  }

  #accessors(): PathStep[] {
    const steps: PathStep[] = [];
    for (;;) {
      if (this.#takeSymbol('.')) steps.push(this.#afterDot());
      else if (this.#takeSymbol('[')) steps.push(this.#brackets());
      else if (this.#takeSymbol('?')) {
        this.#expectSymbol('(');
        const arg = this.#or();
        if (!arg.isPredicate) throw this.#unexpected();
        this.#expectSymbol(')');
        steps.push({ kind: 'filter', arg: arg.item });
      } else return steps;
    }
  }

  #afterDot(): PathStep {
    if (this.#takeSymbol('*')) return { kind: 'members' };
    if (this.#takeSymbol('**')) return this.#levels();
    const { kind } = this.#token;
    if (kind !== 'name' && kind !== 'string' && kind !== 'keyword') throw this.#unexpected();
    const token = this.#advance();
    if (kind !== 'keyword' || !this.#isSymbol('(')) return { kind: 'key', name: token.written };
    if (token.text === 'datetime') {
      this.#advance();
      const template = this.#isSymbol(')') ? null : this.#string();
      this.#expectSymbol(')');
      return { kind: 'datetime', template };
    }
    if (!METHODS.has(token.text)) throw this.#unexpected();
    this.#advance();
    this.#expectSymbol(')');
    return { kind: 'method', name: token.text as MethodName };
  }

  #level(): number {
    if (this.#takeKeyword('last')) return Infinity;
    if (this.#token.kind !== 'int') throw this.#unexpected();
    return Number(this.#advance().text);
  }

  #levels(): PathStep {
    if (!this.#takeSymbol('{')) return { kind: 'descend', first: 0, last: Infinity };
    const first = this.#level();
    const last = this.#takeKeyword('to') ? this.#level() : first;
    this.#expectSymbol('}');
    return { kind: 'descend', first, last };
  }

  #brackets(): PathStep {
    if (this.#takeSymbol('*')) {
      this.#expectSymbol(']');
      return { kind: 'elements' };
    }
    const list: Subscript[] = [];
    do {
      const from = this.#expression();
      list.push({ from, to: this.#takeKeyword('to') ? this.#expression() : null });
    } while (this.#takeSymbol(','));
    this.#expectSymbol(']');
    return { kind: 'subscripts', list };
  }
}

/** The flags of like_regex as those of regular expressions here. */
export function regexFlags(flags: string): string {
  const fold = flags.includes('i') ? 'i' : '';
  if (flags.includes('q')) return `${fold}q`;
  const dotAll = flags.includes('s');
  return fold + (flags.includes('m') ? (dotAll ? 'w' : 'n') : dotAll ? 's' : 'p');
}

/** Compiles a regular expression to see whether it is one: given by the functions, a higher part of this layer. */
let checkRegex: (pattern: string, flags: string) => void = () => undefined;
export function setPathRegexCheck(check: typeof checkRegex): void {
  checkRegex = check;
}

/** The items that an item is made of, each with whether it stands in a filter or a subscript. */
function* parts(item: PathItem): Generator<readonly [PathItem, 'filter' | 'subscript' | null]> {
  switch (item.kind) {
    case 'and':
    case 'or':
    case 'compare':
    case 'starts':
    case 'arithmetic':
      yield [item.left, null];
      yield [item.right, null];
      break;
    case 'not':
    case 'unknown':
    case 'exists':
    case 'regex':
    case 'sign':
      yield [item.arg, null];
      break;
    case 'filter':
      yield [item.arg, 'filter'];
      break;
    case 'subscripts':
      for (const { from, to } of item.list) {
        yield [from, 'subscript'];
        if (to !== null) yield [to, 'subscript'];
      }
      break;
    default:
  }
}

/** '@' is there in filters only, 'last' in subscripts only. */
function checkPlaces(head: PathItem, inFilter: boolean, inSubscript: boolean): void {
  for (let item: PathItem | null = head; item !== null; item = item.next) {
    if (item.kind === 'current' && !inFilter) throw sqlError('42601', '@ is not allowed in root expressions');
    if (item.kind === 'last' && !inSubscript) throw sqlError('42601', 'LAST is allowed only in array subscripts');
    for (const [part, where] of parts(item)) {
      checkPlaces(part, inFilter || where === 'filter', inSubscript || where === 'subscript');
    }
  }
}

/** null for an empty text. @throws QuoralError 42601. */
export function parsePath(text: string): PathProgram | null {
  const program = new PathParser(text).program();
  if (program !== null) checkPlaces(program.root, false, false);
  return program;
}
