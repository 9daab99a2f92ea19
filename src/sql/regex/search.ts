/**
 * One text and one pattern. The text is turned into colours once; then automata run over it: one that says where the
 * first match ends, one that finds the end of a match from its beginning, and, for the places of groups, one for each
 * part of the pattern, forward and backward, whose positions are compared.
 */
import type { Automaton, Surroundings } from './automaton.js';
import { sameLetter } from './char-set.js';
import type { Budget, Regex } from './regex.js';
import type { Node, Tree } from './syntax.js';

type Place = readonly [from: number, to: number] | null;

const LOOK_COST = 512;

export class Search implements Surroundings {
  /** In characters. */
  readonly length: number;
  readonly #regex: Regex;
  readonly #budget: Budget;
  readonly #colours: Uint16Array;
  /** Where characters begin, if some take two units; null: everywhere. */
  readonly #offsets: Uint32Array | null;
  readonly #text: string;
  #places: Place[] = [];
  /** Positions at which some match begins, once they were asked for. */
  #starts: Uint8Array | null = null;

  constructor(regex: Regex, text: string, budget: Budget) {
    this.#regex = regex;
    this.#budget = budget;
    this.#text = text;
    const { alphabet } = regex;
    const colours = new Uint16Array(text.length);
    let offsets: Uint32Array | null = null;
    let count = 0;
    for (let i = 0; i < text.length; i++) {
      let code = text.charCodeAt(i);
      if (code >= 0xd800 && code < 0xdc00) {
        if (offsets === null) offsets = Uint32Array.from({ length: text.length + 1 }, (_, at) => at);
        offsets[count] = i;
        code = text.codePointAt(i)!;
        if (code > 0xffff) i++;
      } else if (offsets !== null) offsets[count] = i;
      colours[count++] = alphabet.colour(code);
    }
    if (offsets !== null) offsets[count] = text.length;
    this.length = count;
    this.#colours = colours;
    this.#offsets = offsets;
    budget.spend(text.length);
  }

  offsetOf(position: number): number {
    return this.#offsets === null ? position : this.#offsets[position]!;
  }

  /** Of a character's beginning. */
  positionOf(offset: number): number {
    if (this.#offsets === null) return offset;
    let at = 0;
    while (at < this.length && this.#offsets[at]! < offset) at++;
    return at;
  }

  spend(steps: number): void {
    this.#budget.spend(steps);
  }

  looks(look: Node & { readonly kind: 'look' }, at: number): boolean {
    // No table holds what depends on the position: much is made anew for each.
    this.spend(LOOK_COST);
    const found = look.ahead
      ? this.#shortest(this.#regex.automaton(look.body, 'forward'), at, at, this.length) >= 0
      : this.#reaches(this.#regex.automaton(look.body, 'backward'), at);
    return found !== look.negative;
  }

  matches(): boolean {
    const { tree } = this.#regex.parsed;
    if (tree.refers) return this.find(0) !== null;
    return this.#firstEnd(0) !== null;
  }

  /** The leftmost match from a position on. */
  find(from: number): readonly Place[] | null {
    const { tree } = this.#regex.parsed;
    const first = this.#firstEnd(from);
    if (first === null) return null;
    const last = tree.refers ? this.length : first.end;
    const forward = this.#regex.automaton(tree.node, 'forward');
    let spent = 0;
    for (let start = first.notBefore; start <= last; start++) {
      if (spent > 4 * this.length + 1000) this.#starts ??= this.#allStarts();
      if (this.#starts !== null && this.#starts[start] === 0) continue;
      const end = this.#matchAt(tree, forward, start);
      if (end >= 0) return [[start, end], ...this.#places.slice(1)];
      spent += this.#stepped;
    }
    return null;
  }

  /** Steps of the last run of an automaton. */
  #stepped = 0;

  #matchAt(tree: Tree, forward: Automaton, start: number): number {
    const shortest = tree.prefers === 'shortest';
    let low = start;
    let high = this.length;
    for (;;) {
      const end = shortest ? this.#shortest(forward, start, low, high) : this.#longest(forward, start, high);
      if (end < 0) return -1;
      this.#places = new Array<Place>(this.#regex.parsed.groups + 1).fill(null);
      if (this.#takeApart(tree, start, end)) return end;
      // Only references are not matched by what the automaton matches.
      if (shortest) low = end + 1;
      else high = end - 1;
      if (low > high || high < start) return -1;
    }
  }

  /** Where the match that ends first ends, and a position before which no match begins. */
  #firstEnd(from: number): { readonly end: number; readonly notBefore: number } | null {
    const automaton = this.#regex.automaton(this.#regex.parsed.tree.node, 'forward', true);
    const { edge } = this.#regex.alphabet;
    let state = automaton.start(this.#colourBefore(from));
    let notBefore = from;
    const spendAt = 65_536;
    for (let at = from; at <= this.length; at++) {
      if (automaton.isBare(state)) notBefore = at;
      const colour = at < this.length ? this.#colours[at]! : edge;
      let next = automaton.table[state * automaton.width + colour]!;
      if (next < 0) next = automaton.step(state, colour, at, this);
      if ((next & 1) === 1) {
        this.spend((at - from) % spendAt);
        return { end: at, notBefore };
      }
      if ((at - from) % spendAt === spendAt - 1) this.spend(spendAt);
      state = next >> 1;
    }
    this.spend((this.length - from) % spendAt);
    return null;
  }

  #colourBefore(at: number): number {
    return at > 0 ? this.#colours[at - 1]! : this.#regex.alphabet.edge;
  }
  #colourAfter(at: number): number {
    return at < this.length ? this.#colours[at]! : this.#regex.alphabet.edge;
  }

  /** End of the longest match from `start` that ends at `high` or before it; -1: none. */
  #longest(automaton: Automaton, start: number, high: number): number {
    let state = automaton.start(this.#colourBefore(start));
    let found = -1;
    let at = start;
    for (; at <= high && !automaton.isDead(state); at++) {
      const colour = this.#colourAfter(at);
      let next = automaton.table[state * automaton.width + colour]!;
      if (next < 0) next = automaton.step(state, colour, at, this);
      if ((next & 1) === 1) found = at;
      state = next >> 1;
    }
    this.#count(at - start);
    return found;
  }

  /** End of the shortest match that ends between `low` and `high`. */
  #shortest(automaton: Automaton, start: number, low: number, high: number): number {
    let state = automaton.start(this.#colourBefore(start));
    let found = -1;
    let at = start;
    for (; at <= high && found < 0 && !automaton.isDead(state); at++) {
      const colour = this.#colourAfter(at);
      let next = automaton.table[state * automaton.width + colour]!;
      if (next < 0) next = automaton.step(state, colour, at, this);
      if ((next & 1) === 1 && at >= low) found = at;
      state = next >> 1;
    }
    this.#count(at - start);
    return found;
  }

  #count(steps: number): void {
    this.#stepped = steps;
    this.spend(steps + 8);
  }

  /** Whether a text that ends here is matched, by an automaton that reads backward. */
  #reaches(backward: Automaton, end: number): boolean {
    let state = backward.start(this.#colourAfter(end));
    let found = false;
    let at = end;
    for (; at >= 0 && !found && !backward.isDead(state); at--) {
      const next = this.#backStep(backward, state, at);
      found = (next & 1) === 1;
      state = next >> 1;
    }
    this.spend(end - at + 8);
    return found;
  }

  #backStep(backward: Automaton, state: number, at: number): number {
    const colour = this.#colourBefore(at);
    const next = backward.table[state * backward.width + colour]!;
    return next < 0 ? backward.step(state, colour, at, this) : next;
  }

  /** One run over the whole text instead of one from each position. */
  #allStarts(): Uint8Array {
    return this.#accepted(this.#regex.automaton(this.#regex.parsed.tree.node, 'backward', true), 0, this.length);
  }

  /** By position - low: whether a text from there to `end` is matched (or, if matches may end anywhere, to somewhere). */
  #accepted(backward: Automaton, low: number, end: number): Uint8Array {
    const accepted = new Uint8Array(end - low + 1);
    let state = backward.start(this.#colourAfter(end));
    let at = end;
    for (; at >= low && !backward.isDead(state); at--) {
      const next = this.#backStep(backward, state, at);
      accepted[at - low] = next & 1;
      state = next >> 1;
    }
    // Clearing the list is not free either.
    this.spend(end - at + ((end - low) >> 4) + 16);
    return accepted;
  }

  // ---- groups ----

  /** Whether the part matches exactly this; its groups get their places. */
  #takeApart(tree: Tree, from: number, to: number): boolean {
    if (!tree.captures && !tree.refers) return true;
    this.spend(8);
    switch (tree.op) {
      case 'leaf':
        return true;
      case 'group':
        if (!this.#takeApart(tree.inner, from, to)) return false;
        this.#places[tree.index] = [from, to];
        return true;
      case 'reference':
        return this.#sameAs(tree, from, to);
      case 'choice':
        return tree.items.some((item) => this.#matchesAll(item.node, from, to) && this.#tried(item, from, to));
      case 'pair':
        return this.#pair(tree, from, to);
      case 'iterate':
        return this.#iterate(tree, from, to);
    }
  }

  /** What did not fit in the end leaves no places behind. */
  #tried(tree: Tree, from: number, to: number): boolean {
    const before = tree.refers ? [...this.#places] : null;
    if (this.#takeApart(tree, from, to)) return true;
    if (before !== null) this.#places = before;
    return false;
  }

  #matchesAll(node: Node, from: number, to: number): boolean {
    return this.#longestIs(this.#regex.automaton(node, 'forward'), from, to);
  }

  #longestIs(forward: Automaton, from: number, to: number): boolean {
    return this.#longest(forward, from, to) === to;
  }

  #pair(tree: Tree & { op: 'pair' }, from: number, to: number): boolean {
    const { left, right } = tree;
    const rest = this.#accepted(this.#regex.automaton(right.node, 'backward'), from, to);
    const middles = this.#ends(left, from, to).filter((middle) => rest[middle - from] === 1);
    for (const middle of middles) {
      const before = tree.refers ? [...this.#places] : null;
      if (this.#takeApart(left, from, middle) && this.#takeApart(right, middle, to)) return true;
      if (before !== null) this.#places = before;
    }
    return false;
  }

  /** Ends of the part's matches from `from`, the preferred one first. */
  #ends(tree: Tree, from: number, to: number): number[] {
    const automaton = this.#regex.automaton(tree.node, 'forward');
    const ends: number[] = [];
    let state = automaton.start(this.#colourBefore(from));
    let at = from;
    for (; at <= to && !automaton.isDead(state); at++) {
      const colour = this.#colourAfter(at);
      let next = automaton.table[state * automaton.width + colour]!;
      if (next < 0) next = automaton.step(state, colour, at, this);
      if ((next & 1) === 1) ends.push(at);
      state = next >> 1;
    }
    this.spend(at - from + 8 + ends.length);
    return tree.prefers === 'shortest' ? ends : ends.reverse();
  }

  /**
   * Rounds one after another, each as its own preference wants, as long as the end can still be reached. An empty
   * round is there only to make up the least number.
   */
  #iterate(tree: Tree & { op: 'iterate' }, from: number, to: number): boolean {
    // What may be nothing at all tries one empty round for its groups, unless it prefers the shortest.
    if (tree.min === 0 && from === to && tree.item.prefers === 'shortest') return true;
    const least = Math.max(1, tree.min);
    const most = Math.max(least, Math.min(tree.max, to - from));
    const hopeless = new Set<string>();
    const open: { at: number; ends: number[] }[] = [{ at: from, ends: this.#ends(tree.item, from, to) }];
    while (open.length > 0) {
      this.spend(64);
      const top = open[open.length - 1]!;
      const end = top.ends.shift();
      if (end === undefined) {
        open.pop();
        if (!tree.refers) hopeless.add(`${Math.min(open.length, tree.max === Infinity ? least : most)} ${top.at}`);
        continue;
      }
      const rounds = open.length;
      if (end === to) {
        // At the end before the least number of rounds PostgreSQL turns back, although empty ones might follow.
        if (rounds < least) continue;
        const places = [from, ...open.slice(1).map((round) => round.at), end];
        if (this.#rounds(tree, places)) return true;
        continue;
      }
      if (rounds >= most) continue;
      if (end === top.at && (rounds >= least || least - rounds < to - end)) continue;
      if (hopeless.has(`${Math.min(rounds, tree.max === Infinity ? least : most)} ${end}`)) continue;
      open.push({ at: end, ends: this.#ends(tree.item, end, to) });
    }
    return tree.min === 0 && from === to;
  }

  #rounds(tree: Tree & { op: 'iterate' }, places: readonly number[]): boolean {
    const before = tree.refers ? [...this.#places] : null;
    // Without references only the last round counts.
    for (let i = tree.refers ? 1 : places.length - 1; i < places.length; i++) {
      if (tree.refers) for (const index of groupsIn(tree.item)) this.#places[index] = null;
      if (this.#takeApart(tree.item, places[i - 1]!, places[i]!)) continue;
      if (before !== null) this.#places = before;
      return false;
    }
    return true;
  }

  #sameAs(tree: Tree & { op: 'reference' }, from: number, to: number): boolean {
    const place = this.#places[tree.index];
    if (place === null || place === undefined) return false;
    const size = place[1] - place[0];
    if (size === 0) return from === to;
    if (from === to) return tree.min === 0;
    const times = (to - from) / size;
    if (!Number.isInteger(times) || times < tree.min || times > tree.max) return false;
    this.spend(to - from);
    for (let at = from; at < to; at++) {
      const a = this.#codeAt(place[0] + ((at - from) % size));
      const b = this.#codeAt(at);
      if (a !== b && !(this.#regex.parsed.ignoreCase && sameLetter(a, b, this.#regex.options.asciiLetters)))
        return false;
    }
    return true;
  }

  #codeAt(position: number): number {
    return this.#text.codePointAt(this.offsetOf(position))!;
  }
}

/** Of a tree the groups that capture. */
function groupsIn(tree: Tree): number[] {
  switch (tree.op) {
    case 'leaf':
    case 'reference':
      return [];
    case 'group':
      return [tree.index, ...groupsIn(tree.inner)];
    case 'pair':
      return [...groupsIn(tree.left), ...groupsIn(tree.right)];
    case 'choice':
      return tree.items.flatMap(groupsIn);
    case 'iterate':
      return groupsIn(tree.item);
  }
}
