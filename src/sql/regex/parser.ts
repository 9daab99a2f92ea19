/**
 * An advanced or extended regular expression read into a Tree. How a branch is cut into pairs decides what parentheses
 * match, so it follows PostgreSQL's parser: what stands before the first group that captures (or part that prefers
 * otherwise than what was before it) is one leaf, then comes that part with its quantifier, then the rest.
 */
import { bothCases, classNamed, complement, EVERY, NEWLINE, setOf, union, type CharSet } from './char-set.js';
import { characterNamed } from './collating-names.js';
import { Lexer, type Token } from './lexer.js';
import {
  combined,
  EMPTY,
  invalid,
  leaf,
  type Node,
  NO_TRAITS,
  type Options,
  pair,
  type Preference,
  repeated,
  TOO_COMPLEX,
  type Traits,
  type Tree,
} from './syntax.js';

const REPEATS_MAX = 255;
const DEPTH_MAX = 500;

export interface Parsed {
  readonly tree: Tree;
  readonly groups: number;
  readonly ignoreCase: boolean;
}

interface Quantifier {
  readonly min: number;
  readonly max: number;
  readonly prefers: Preference;
}
const ONCE: Quantifier = { min: 1, max: 1, prefers: 'none' };

/** A part of a branch that stands in a pair of its own, after the leaf before it. */
interface Cut {
  readonly before: Tree;
  readonly part: Tree;
}

export function parseRegex(pattern: string, options: Options): Parsed {
  return new Parser(pattern, options).parse();
}

class Parser {
  readonly #lexer: Lexer;
  /** Languages of the groups that are complete, for references to them. */
  readonly #groups = new Map<number, Node>();
  #depth = 0;

  constructor(pattern: string, options: Options) {
    this.#lexer = new Lexer(pattern, options);
  }

  parse(): Parsed {
    const tree = this.#expression(false, false);
    return { tree, groups: this.#lexer.groups, ignoreCase: this.#lexer.options.ignoreCase };
  }

  get #kind(): Token['kind'] {
    return this.#lexer.token.kind;
  }

  #expression(inside: boolean, looking: boolean): Tree {
    if (++this.#depth > DEPTH_MAX) throw invalid(TOO_COMPLEX);
    const branches = [this.#branch(inside, looking)];
    while (this.#kind === '|') {
      this.#lexer.next();
      branches.push(this.#branch(inside, looking));
    }
    if (inside && this.#kind !== ')') throw invalid('parentheses () not balanced');
    this.#depth--;
    if (branches.length === 1) return branches[0]!;
    const node: Node = { kind: 'choice', items: branches.map((branch) => branch.node) };
    const inner = branches.reduce<Traits>(combined, NO_TRAITS);
    if (!inner.captures && !inner.refers) return leaf(node, 'longest');
    return { ...inner, prefers: 'longest', op: 'choice', node, items: branches };
  }

  #branch(inside: boolean, looking: boolean): Tree {
    const cuts: Cut[] = [];
    let items: Node[] = [];
    let traits: Traits = NO_TRAITS;
    const before = (): Tree => leaf(items.length === 1 ? items[0]! : { kind: 'sequence', items }, traits.prefers);
    while (this.#kind !== '|' && this.#kind !== 'end' && !(inside && this.#kind === ')')) {
      const constraint = this.#constraint();
      if (constraint !== null) {
        items.push(constraint);
        continue;
      }
      // In parentheses a reference is a part like any other, which may also be there no times at all.
      const isReference = this.#kind === 'reference';
      const atom = this.#atom(looking);
      const many = this.#quantifier();
      if (many.max === 0) {
        // A group in it is there, and never matches.
        items.push(EMPTY);
        continue;
      }
      const all = combined(traits, combined({ ...NO_TRAITS, prefers: many.prefers }, atom));
      if (!all.captures && !all.refers && !all.mixed) {
        items.push(repeated(atom.node, many.min, many.max));
        traits = all;
        continue;
      }
      cuts.push({ before: before(), part: quantified(atom, many, isReference) });
      items = [];
      traits = NO_TRAITS;
    }
    let tree = items.length > 0 || cuts.length === 0 ? before() : null;
    for (const cut of cuts.reverse()) {
      tree = tree === null ? cut.part : pair(cut.part, tree);
      if (cut.before.node.kind !== 'sequence' || cut.before.node.items.length > 0) tree = pair(cut.before, tree);
    }
    return tree!;
  }

  /** What matches no character; no quantifier may follow. */
  #constraint(): Node | null {
    const { token, options } = this.#lexer;
    const lines = options.anchorsAtNewline;
    switch (token.kind) {
      case '^':
        this.#lexer.next();
        return { kind: 'assert', what: lines ? 'lineStart' : 'textStart' };
      case '$':
        this.#lexer.next();
        return { kind: 'assert', what: lines ? 'lineEnd' : 'textEnd' };
      case 'assert':
        this.#lexer.next();
        return token;
      case 'look': {
        this.#lexer.next();
        const body = this.#expression(true, true);
        this.#lexer.next();
        return { kind: 'look', ahead: token.ahead, negative: token.negative, body: body.node };
      }
      default:
        return null;
    }
  }

  #atom(looking: boolean): Tree {
    const { token, options } = this.#lexer;
    switch (token.kind) {
      case 'char':
        this.#lexer.next();
        return this.#oneOf([token.code, token.code], true);
      case 'set':
        this.#lexer.next();
        return this.#oneOf(token.set, false);
      case '.':
        this.#lexer.next();
        return this.#oneOf(options.dotStopsAtNewline ? complement(NEWLINE) : EVERY, false);
      case '[':
        return this.#oneOf(this.#bracket('flag' in token && token.flag), false);
      case '(':
        return this.#group('flag' in token && token.flag && !looking, looking);
      case 'reference':
        return this.#reference(token.index, looking);
      case ')':
        if (options.flavour !== 'extended') throw invalid('parentheses () not balanced');
        this.#lexer.next();
        return this.#oneOf([41, 41], false);
      default:
        throw invalid('quantifier operand invalid');
    }
  }

  #oneOf(set: CharSet, fold: boolean): Tree {
    const { ignoreCase, asciiLetters } = this.#lexer.options;
    return leaf({ kind: 'set', set: fold && ignoreCase ? bothCases(set, asciiLetters) : set }, 'none');
  }

  #group(captures: boolean, looking: boolean): Tree {
    const index = captures ? ++this.#lexer.groups : 0;
    this.#lexer.next();
    const inner = this.#expression(true, looking);
    this.#lexer.next();
    if (!captures) return inner;
    this.#groups.set(index, inner.node);
    const { prefers, mixed, refers } = inner;
    return { prefers, mixed, refers, captures: true, op: 'group', index, inner, node: inner.node };
  }

  #reference(index: number, looking: boolean): Tree {
    const group = this.#groups.get(index);
    if (group === undefined || looking) throw invalid('invalid backreference number');
    this.#lexer.next();
    const node = withoutConstraints(group);
    return { ...NO_TRAITS, refers: true, op: 'reference', index, min: 1, max: 1, node };
  }

  #quantifier(): Quantifier {
    const { token } = this.#lexer;
    if (token.kind === '*' || token.kind === '+' || token.kind === '?') {
      this.#lexer.next();
      return {
        min: token.kind === '+' ? 1 : 0,
        max: token.kind === '?' ? 1 : Infinity,
        prefers: token.greedy ? 'longest' : 'shortest',
      };
    }
    if (token.kind !== '{') return ONCE;
    this.#lexer.next();
    const min = this.#count();
    let max = min;
    const ranges = this.#lexer.token.kind === ',';
    if (ranges) {
      this.#lexer.next();
      max = this.#lexer.token.kind === 'digit' ? this.#count() : Infinity;
    }
    const close = this.#lexer.token;
    if (close.kind !== '}' || min > max) throw invalid('invalid repetition count(s)');
    this.#lexer.next();
    return { min, max, prefers: !ranges ? 'none' : close.greedy ? 'longest' : 'shortest' };
  }

  #count(): number {
    let n = 0;
    for (let token = this.#lexer.token; token.kind === 'digit'; token = this.#lexer.token) {
      n = n * 10 + token.value;
      if (n > REPEATS_MAX) throw invalid('invalid repetition count(s)');
      this.#lexer.next();
    }
    return n;
  }

  // ---- brackets ----

  #bracket(negated: boolean): CharSet {
    const { options } = this.#lexer;
    const sets: CharSet[] = [];
    this.#lexer.next();
    while (this.#kind !== ']') sets.push(this.#bracketPart());
    this.#lexer.next();
    const all = union(sets);
    if (!negated) return all;
    return complement(options.dotStopsAtNewline ? union([all, NEWLINE]) : all);
  }

  #bracketPart(): CharSet {
    const { token, options } = this.#lexer;
    if (token.kind === 'set') {
      this.#lexer.next();
      return token.set;
    }
    if (token.kind === 'named' && token.sort === ':') {
      const anyCase = options.ignoreCase && (token.name === 'upper' || token.name === 'lower');
      const set = classNamed(anyCase ? 'alpha' : token.name, options.asciiLetters);
      if (set === null) throw invalid('invalid character class');
      this.#lexer.next();
      return set;
    }
    if (token.kind === '-') throw invalid('invalid character range');
    const equivalence = token.kind === 'named' && token.sort === '=';
    const from = this.#element();
    let to = from;
    if (this.#kind === '-' && !equivalence) {
      this.#lexer.next();
      to = this.#element();
    }
    if (from > to) throw invalid('invalid character range');
    const set = setOf([[from, to]]);
    return options.ignoreCase ? bothCases(set, options.asciiLetters) : set;
  }

  #element(): number {
    const { token } = this.#lexer;
    this.#lexer.next();
    if (token.kind === 'char') return token.code;
    if (token.kind === '-') return 45;
    if (token.kind !== 'named' || token.sort === ':') throw invalid('invalid character range');
    const [only, more] = Array.from(token.name);
    const code = more === undefined ? only?.codePointAt(0) : characterNamed(token.name);
    if (code === undefined) throw invalid('invalid collating element');
    return code;
  }
}

function quantified(atom: Tree, many: Quantifier, isReference: boolean): Tree {
  const { min, max } = many;
  const prefer: Traits = { ...NO_TRAITS, prefers: many.prefers };
  const node = repeated(atom.node, min, max);
  if (isReference && atom.op === 'reference') return { ...atom, ...combined(prefer, atom), min, max, node };
  const sameWish =
    many.prefers === 'none' || (!atom.mixed && (atom.prefers === 'none' || atom.prefers === many.prefers));
  if (min === 1 && max === 1 && sameWish) return atom;
  const traits = combined(prefer, atom);
  if (!atom.captures && !atom.refers) return leaf(node, traits.prefers);
  if (min > 0 && !atom.refers) {
    // Only the last round's groups are asked for: the others need no taking apart.
    const others = leaf(repeated(atom.node, min - 1, max - 1), traits.prefers);
    return { ...traits, op: 'pair', node, left: others, right: atom };
  }
  return { ...traits, op: 'iterate', node, item: atom, min, max };
}

/** What a reference may match at most: its group's text, wherever it stands. */
function withoutConstraints(node: Node, known = new Map<Node, Node>()): Node {
  let bare = known.get(node);
  if (bare === undefined) known.set(node, (bare = stripped(node, known)));
  return bare;
}

function stripped(node: Node, known: Map<Node, Node>): Node {
  switch (node.kind) {
    case 'assert':
    case 'look':
      return EMPTY;
    case 'sequence':
    case 'choice':
      return { kind: node.kind, items: node.items.map((item) => withoutConstraints(item, known)) };
    case 'repeat':
      return { ...node, item: withoutConstraints(node.item, known) };
    default:
      return node;
  }
}
