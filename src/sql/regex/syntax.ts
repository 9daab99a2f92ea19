/**
 * What a regular expression is made of. A Node says which texts are matched; a Tree, beside it, how a match is taken
 * apart when somebody asks what the parentheses have matched. The shapes of trees follow the rules of PostgreSQL's
 * manual (9.7.3.5): what comes first takes as much as its preference wants, as long as the rest still matches.
 */
import { sqlError } from '../../base/errors.js';
import type { CharSet } from './char-set.js';

export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | WordAssertion;
export type WordAssertion = 'wordStart' | 'wordEnd' | 'wordEdge' | 'noWordEdge';

export type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'look'; readonly ahead: boolean; readonly negative: boolean; readonly body: Node }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly items: readonly Node[] }
  | { readonly kind: 'repeat'; readonly item: Node; readonly min: number; readonly max: number };

export const EMPTY: Node = { kind: 'empty' };

export type Preference = 'none' | 'longest' | 'shortest';

export interface Traits {
  readonly prefers: Preference;
  /** Parts prefer differently. */
  readonly mixed: boolean;
  readonly captures: boolean;
  readonly refers: boolean;
}

export type Tree = Traits & { readonly node: Node } & (
    | { readonly op: 'leaf' }
    | { readonly op: 'group'; readonly index: number; readonly inner: Tree }
    | { readonly op: 'reference'; readonly index: number; readonly min: number; readonly max: number }
    | { readonly op: 'pair'; readonly left: Tree; readonly right: Tree }
    | { readonly op: 'choice'; readonly items: readonly Tree[] }
    | { readonly op: 'iterate'; readonly item: Tree; readonly min: number; readonly max: number }
  );

export const NO_TRAITS: Traits = { prefers: 'none', mixed: false, captures: false, refers: false };

/** Traits of one thing after another. */
export function combined(a: Traits, b: Traits): Traits {
  const differ = a.prefers !== 'none' && b.prefers !== 'none' && a.prefers !== b.prefers;
  return {
    prefers: a.prefers === 'none' ? b.prefers : a.prefers,
    mixed: a.mixed || b.mixed || differ,
    captures: a.captures || b.captures,
    refers: a.refers || b.refers,
  };
}

export function leaf(node: Node, prefers: Preference): Tree {
  return { ...NO_TRAITS, prefers, op: 'leaf', node };
}

export function pair(left: Tree, right: Tree): Tree {
  const node: Node = { kind: 'sequence', items: [left.node, right.node] };
  const traits = combined(left, right);
  return traits.captures || traits.refers
    ? { ...traits, op: 'pair', node, left, right }
    : { ...traits, op: 'leaf', node };
}

export function repeated(item: Node, min: number, max: number): Node {
  return min === 1 && max === 1 ? item : { kind: 'repeat', item, min, max };
}

/** Options, by the letters of PostgreSQL's table 9.25. */
export interface Options {
  readonly flavour: 'advanced' | 'extended' | 'basic' | 'literal';
  readonly ignoreCase: boolean;
  readonly expanded: boolean;
  /** . and [^…] do not match a newline. */
  readonly dotStopsAtNewline: boolean;
  /** ^ and $ match at newlines too. */
  readonly anchorsAtNewline: boolean;
  /** Classes have ASCII characters only, and only ASCII letters have two cases. No letter stands for it. */
  readonly asciiLetters: boolean;
}

export function optionsOf(letters: string, from?: Options): Options {
  let options: Options = from ?? {
    flavour: 'advanced',
    ignoreCase: false,
    expanded: false,
    dotStopsAtNewline: false,
    anchorsAtNewline: false,
    asciiLetters: false,
  };
  for (const letter of letters) options = withOption(options, letter);
  return options;
}

function withOption(options: Options, letter: string): Options {
  switch (letter) {
    case 'b':
      return { ...options, flavour: 'basic' };
    case 'e':
      return { ...options, flavour: 'extended' };
    case 'q':
      return { ...options, flavour: 'literal' };
    case 'c':
    case 'i':
      return { ...options, ignoreCase: letter === 'i' };
    case 't':
    case 'x':
      return { ...options, expanded: letter === 'x' };
    case 'm':
    case 'n':
      return { ...options, dotStopsAtNewline: true, anchorsAtNewline: true };
    case 'p':
      return { ...options, dotStopsAtNewline: true, anchorsAtNewline: false };
    case 's':
      return { ...options, dotStopsAtNewline: false, anchorsAtNewline: false };
    case 'w':
      return { ...options, dotStopsAtNewline: false, anchorsAtNewline: true };
    default:
      throw invalid('invalid embedded option');
  }
}

export function invalid(why: string): Error {
  return sqlError('2201B', `invalid regular expression: ${why}`);
}

export const TOO_COMPLEX = 'regular expression is too complex';
