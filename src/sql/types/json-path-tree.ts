/**
 * The tree of a JSON path and its text as PostgreSQL prints it. An item is followed by the accessors that apply to
 * its result: `$.a[*]` is the root, then a key, then all elements.
 */
import type { Numeric } from './datum.js';
import { quoteJson } from './json.js';
import { formatNumeric } from './numeric.js';

export type ArithmeticSymbol = '+' | '-' | '*' | '/' | '%';
export type ComparisonSymbol = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type MethodName = 'type' | 'size' | 'abs' | 'floor' | 'ceiling' | 'double' | 'keyvalue';

export interface Subscript {
  readonly from: PathItem;
  readonly to: PathItem | null;
}

export type PathStep =
  | { readonly kind: 'null' }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: Numeric }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'root' | 'current' | 'last' }
  | { readonly kind: 'and' | 'or'; readonly left: PathItem; readonly right: PathItem }
  | { readonly kind: 'not' | 'unknown' | 'exists' | 'filter'; readonly arg: PathItem }
  | {
      readonly kind: 'compare';
      readonly symbol: ComparisonSymbol;
      readonly left: PathItem;
      readonly right: PathItem;
    }
  | { readonly kind: 'starts'; readonly left: PathItem; readonly right: PathItem }
  | { readonly kind: 'regex'; readonly arg: PathItem; readonly pattern: string; readonly flags: string }
  | {
      readonly kind: 'arithmetic';
      readonly symbol: ArithmeticSymbol;
      readonly left: PathItem;
      readonly right: PathItem;
    }
  | { readonly kind: 'sign'; readonly symbol: '+' | '-'; readonly arg: PathItem }
  | { readonly kind: 'elements' | 'members' }
  | { readonly kind: 'subscripts'; readonly list: readonly Subscript[] }
  /** Infinity is "last". */
  | { readonly kind: 'descend'; readonly first: number; readonly last: number }
  | { readonly kind: 'key'; readonly name: string }
  | { readonly kind: 'method'; readonly name: MethodName }
  | { readonly kind: 'datetime'; readonly template: string | null };

export type PathItem = PathStep & { readonly next: PathItem | null };

export interface PathProgram {
  readonly lax: boolean;
  readonly root: PathItem;
}

const PRIORITY: Readonly<Record<string, number>> = {
  or: 0,
  and: 1,
  compare: 2,
  starts: 2,
  '+': 3,
  '-': 3,
  '*': 4,
  '/': 4,
  '%': 4,
  sign: 5,
};
function priority(item: PathItem): number {
  return PRIORITY[item.kind === 'arithmetic' ? item.symbol : item.kind] ?? 6;
}

function descendText(first: number, last: number): string {
  const shown = (n: number): string => (n === Infinity ? 'last' : String(n));
  if (first === 0 && last === Infinity) return '**';
  return first === last ? `**{${shown(first)}}` : `**{${shown(first)} to ${shown(last)}}`;
}

/** Between two operands, in parentheses if the surroundings want them. */
function infix(item: PathItem, left: PathItem, symbol: string, right: PathItem, brackets: boolean): string {
  const side = (arg: PathItem): string => show(arg, false, priority(arg) <= priority(item));
  const text = `${side(left)} ${symbol} ${side(right)}`;
  return brackets ? `(${text})` : text;
}

function regexText(item: PathItem & { kind: 'regex' }, brackets: boolean): string {
  const flags = item.flags === '' ? '' : ` flag "${[...'ismxq'].filter((c) => item.flags.includes(c)).join('')}"`;
  const text = `${show(item.arg, false, priority(item.arg) <= priority(item))} like_regex ${quoteJson(item.pattern)}${flags}`;
  return brackets ? `(${text})` : text;
}

function stepText(item: PathItem, inKey: boolean, brackets: boolean): string {
  const dot = inKey ? '.' : '';
  switch (item.kind) {
    case 'null':
    case 'last':
      return item.kind;
    case 'string':
      return quoteJson(item.value);
    case 'number': {
      const text = formatNumeric(item.value);
      return item.next === null ? text : `(${text})`;
    }
    case 'bool':
      return String(item.value);
    case 'variable':
      return `$${quoteJson(item.name)}`;
    case 'root':
      return '$';
    case 'current':
      return '@';
    case 'and':
      return infix(item, item.left, '&&', item.right, brackets);
    case 'or':
      return infix(item, item.left, '||', item.right, brackets);
    case 'compare':
    case 'arithmetic':
      return infix(item, item.left, item.symbol, item.right, brackets);
    case 'starts':
      return infix(item, item.left, 'starts with', item.right, brackets);
    case 'regex':
      return regexText(item, brackets);
    case 'sign': {
      const text = item.symbol + show(item.arg, false, priority(item.arg) <= priority(item));
      return brackets ? `(${text})` : text;
    }
    case 'filter':
      return `?(${show(item.arg, false, false)})`;
    case 'not':
      return `!(${show(item.arg, false, false)})`;
    case 'unknown':
      return `(${show(item.arg, false, false)}) is unknown`;
    case 'exists':
      return `exists (${show(item.arg, false, false)})`;
    case 'elements':
      return '[*]';
    case 'members':
      return `${dot}*`;
    case 'subscripts':
      return `[${item.list.map((s) => show(s.from, false, false) + (s.to === null ? '' : ` to ${show(s.to, false, false)}`)).join(',')}]`;
    case 'descend':
      return dot + descendText(item.first, item.last);
    case 'key':
      return dot + quoteJson(item.name);
    case 'method':
      return `.${item.name}()`;
    case 'datetime':
      return `.datetime(${item.template === null ? '' : quoteJson(item.template)})`;
  }
}

function show(item: PathItem, inKey: boolean, brackets: boolean): string {
  let out = '';
  let isFirst = true;
  for (let at: PathItem | null = item; at !== null; at = at.next) {
    out += isFirst ? stepText(at, inKey, brackets) : stepText(at, true, true);
    isFirst = false;
  }
  return out;
}

export function pathText(program: PathProgram): string {
  return (program.lax ? '' : 'strict ') + show(program.root, false, true);
}
