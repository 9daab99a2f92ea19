/**
 * Stored expressions as PostgreSQL's catalog functions show them when asked for the pretty form: without the parentheses
 * that reading does not need. Works on the canonical text (plan/format-expr.ts), where each operator stands in parentheses
 * of its own, so that what is inside of a pair is one operator, one call, one cast or one name.
 *
 * Limits: CASE stays on one line, which PostgreSQL breaks here.
 *
 * Which parentheses go depends on what is inside and what is around: `a = 1 OR (a > 2)` loses them, `b = (1 + 2)` keeps them.
 */

/** What a pair of parentheses has inside, or what is around it. */
type Kind = 'simple' | 'and' | 'or' | 'not' | 'test' | 'any' | 'cast' | 'list' | 'kept' | `op ${string}`;

interface Group {
  readonly text: string;
  readonly kind: Kind;
  /** What stands around it; null: the operator of the text that it is part of. */
  readonly around: Kind | null;
  /** It is the left operand. */
  readonly first: boolean;
}

interface Rendered {
  readonly text: string;
  readonly kind: Kind;
}

const LOW = /^[-+]$/;
const HIGH = /^[*/%]$/;

function mayDrop(inside: Kind, around: Kind, first: boolean): boolean {
  if (around === 'kept') return false;
  if (inside === 'simple' || around === 'list') return true;
  const isBoolean = around === 'and' || around === 'or';
  switch (inside) {
    case 'and':
    case 'not':
      return isBoolean;
    case 'or':
      return around === 'or';
    default:
      break;
  }
  if (inside === 'any') return false;
  if (isBoolean || around === 'not') return true;
  if (!inside.startsWith('op ') || !around.startsWith('op ')) return false;
  const [own, outer] = [inside.slice(3), around.slice(3)];
  if (HIGH.test(own) && LOW.test(outer)) return true;
  return first && ((LOW.test(own) && LOW.test(outer)) || (HIGH.test(own) && HIGH.test(outer)));
}

/** Past the literal or quoted name that begins at `at`. */
function endOfQuoted(text: string, at: number): number {
  const quote = text[at]!;
  const escapes = quote === "'" && text[at - 1] === 'E';
  let end = at + 1;
  while (end < text.length && text[end] !== quote) end += escapes && text[end] === '\\' ? 2 : 1;
  return end + 1;
}

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']' };

/** Where the bracket that opens at `at` is closed. */
function closingOf(text: string, at: number): number {
  const open = text[at]!;
  const close = CLOSERS[open]!;
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const c = text[i]!;
    if (c === "'" || c === '"') i = endOfQuoted(text, i) - 1;
    else if (c === open) depth++;
    else if (c === close && --depth === 0) return i;
  }
  return text.length;
}

/** The items of an argument list, each by itself. */
function renderList(text: string): string {
  const items: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "'" || c === '"') i = endOfQuoted(text, i) - 1;
    else if (c in CLOSERS) i = closingOf(text, i);
    else if (text.startsWith(', ', i)) {
      items.push(text.slice(from, i));
      from = i + 2;
    }
  }
  items.push(text.slice(from));
  return items.map((item) => assemble(item, 'list')).join(', ');
}

/** What a word or an operator outside of brackets says about the text that it stands in. */
function kindOf(word: string, at: number): Kind | null {
  switch (word) {
    case 'AND':
      return 'and';
    case 'OR':
      return 'or';
    case 'NOT':
      return at === 0 ? 'not' : null;
    case 'IS':
      return 'test';
    case 'ANY':
    case 'ALL':
      return 'any';
    default:
      return /^[-+*/<>=~!@#%^&|`?]+$/.test(word) ? `op ${word}` : null;
  }
}

const WORD = /[A-Za-z_][\w$]*|[-+*/<>=~!@#%^&|`?]+/y;
const TAKES_LIST = /(?:[\w$"\]]|\b(?:ANY|ALL|IN) )$/;

function groupAt(text: string, at: number, close: number, inCase: boolean): Group {
  const inner = text.slice(at + 1, close);
  const rendered = render(inner);
  const around: Kind | null = text.startsWith('::', close + 1)
    ? 'cast'
    : /^[.[]/.test(text.slice(close + 1))
      ? 'kept'
      : inCase
        ? 'list'
        : null;
  return { text: rendered.text, kind: rendered.kind, around, first: at === 0 };
}

/** The text with the parentheses inside of it that it needs, and what it is. */
function render(text: string, outer: Kind | null = null): Rendered {
  const parts: (string | Group)[] = [];
  let kind: Kind = 'simple';
  let cases = 0;
  for (let i = 0; i < text.length;) {
    const c = text[i]!;
    let end = i + 1;
    if (c === "'" || c === '"') end = endOfQuoted(text, i);
    else if (c in CLOSERS) {
      const close = closingOf(text, i);
      end = close + 1;
      if (c === '[' || TAKES_LIST.test(text.slice(Math.max(0, i - 5), i))) {
        parts.push(c + renderList(text.slice(i + 1, close)) + CLOSERS[c]!);
      } else parts.push(groupAt(text, i, close, cases > 0));
      i = end;
      continue;
    } else {
      WORD.lastIndex = i;
      const word = WORD.exec(text)?.[0];
      if (word !== undefined) {
        end = i + word.length;
        if (word === 'CASE') cases++;
        else if (word === 'END') cases--;
        else if (cases === 0) {
          const found = kindOf(word, i);
          // `= ANY (…)` is one operator.
          if (found !== null && (kind === 'simple' || found === 'any')) kind = found;
        }
      }
    }
    parts.push(text.slice(i, end));
    i = end;
  }
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'object') {
    return mayDrop(only.kind, outer ?? 'list', true) ? only : { text: `(${only.text})`, kind: 'simple' };
  }
  const around = kind === 'simple' ? outer : kind;
  const shown = parts.map((part) => {
    if (typeof part === 'string') return part;
    return mayDrop(part.kind, part.around ?? around ?? 'list', part.first) ? part.text : `(${part.text})`;
  });
  return { text: shown.join(''), kind };
}

function assemble(text: string, outer: Kind): string {
  return render(text, outer).text;
}

/** @param sql an expression as format-expr.ts writes it */
export function prettyExpression(sql: string): string {
  return assemble(sql, 'list');
}
