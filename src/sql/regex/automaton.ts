/**
 * A pattern as a deterministic automaton that is made while it runs, state by state, so that each character of a text
 * costs one look into a table. A state is a set of states of the non-deterministic automaton, and what stood before it
 * for assertions. Whether a state accepts depends, by assertions, on the next character too; so it is told by the
 * transition that reads it. An automaton that was made reversed reads from right to left.
 *
 * Limits: the table is thrown away and begun anew when it has grown to CELLS_MAX; a pattern may have NODES_MAX states.
 */
import { EDGE, LINE_END, OTHER, WORD, type Alphabet } from './alphabet.js';
import { invalid, type Assertion, type Node, TOO_COMPLEX } from './syntax.js';

const NODES_MAX = 40_000;
const VISITS_MAX = 400_000;
const CELLS_MAX = 1 << 18;

type Look = Node & { readonly kind: 'look' };

/** Answers for lookaround at a position; counts what its own steps cost. */
export interface Surroundings {
  looks(look: Look, at: number): boolean;
  /** Throws when a match has become too expensive. */
  spend(steps: number): void;
}

type State =
  | { readonly kind: 'read'; readonly members: Uint8Array; next: number }
  | { readonly kind: 'assert'; readonly what: Assertion; next: number }
  | { readonly kind: 'look'; readonly look: Look; next: number }
  | { readonly kind: 'split'; readonly nexts: number[] }
  | { readonly kind: 'accept' };

/** The non-deterministic automaton, built from its end to its start. */
class Builder {
  readonly states: State[] = [{ kind: 'accept' }];
  readonly #alphabet: Alphabet;
  readonly #reversed: boolean;
  #visits = 0;

  constructor(alphabet: Alphabet, reversed: boolean) {
    this.#alphabet = alphabet;
    this.#reversed = reversed;
  }

  #add(state: State): number {
    if (this.states.length >= NODES_MAX) throw invalid(TOO_COMPLEX);
    return this.states.push(state) - 1;
  }

  /** The state from which the node's texts lead to `next`. */
  build(node: Node, next: number): number {
    // Repeats of repeats of nothing make no states.
    if (++this.#visits > VISITS_MAX) throw invalid(TOO_COMPLEX);
    switch (node.kind) {
      case 'empty':
        return next;
      case 'set':
        return this.#add({ kind: 'read', members: this.#alphabet.members(node.set), next });
      case 'assert':
        return this.#add({ kind: 'assert', what: node.what, next });
      case 'look':
        return this.#add({ kind: 'look', look: node, next });
      case 'sequence': {
        let at = next;
        const { items } = node;
        if (this.#reversed) for (let i = 0; i < items.length; i++) at = this.build(items[i]!, at);
        else for (let i = items.length - 1; i >= 0; i--) at = this.build(items[i]!, at);
        return at;
      }
      case 'choice':
        return this.#add({ kind: 'split', nexts: node.items.map((item) => this.build(item, next)) });
      case 'repeat':
        return this.#repeat(node, next);
    }
  }

  #repeat(node: Node & { kind: 'repeat' }, next: number): number {
    let at = next;
    if (node.max === Infinity) {
      const again: State & { kind: 'split' } = { kind: 'split', nexts: [next] };
      at = this.#add(again);
      again.nexts.push(this.build(node.item, at));
    } else {
      for (let i = node.min; i < node.max; i++) {
        at = this.#add({ kind: 'split', nexts: [next, this.build(node.item, at)] });
      }
    }
    for (let i = 0; i < node.min; i++) at = this.build(node.item, at);
    return at;
  }
}

const UNKNOWN = -1;

export class Automaton {
  /** By state × width + colour: next state × 2, plus 1 if the state accepts before this colour; UNKNOWN. */
  table = new Int32Array(0);
  readonly width: number;
  readonly #alphabet: Alphabet;
  readonly #states: readonly State[];
  readonly #first: number;
  readonly #reversed: boolean;
  readonly #anywhere: boolean;
  readonly #marks: Uint32Array;
  #round = 0;
  /** Whether the left neighbour must be remembered. */
  readonly #asserts: boolean;
  #sets: Uint16Array[] = [];
  #besides: number[] = [];
  #bareIds: boolean[] = [];
  #ids = new Map<string, number>();
  #cells = 0;
  /** By the colour before. */
  #starts: (number | undefined)[] = [];
  /** Times that the table was begun anew. */
  #age = 0;
  readonly #beginning: Uint16Array;

  /** `anywhere`: a match may begin at every position, not only at the first. */
  constructor(node: Node, alphabet: Alphabet, reversed: boolean, anywhere: boolean) {
    const builder = new Builder(alphabet, reversed);
    this.#first = builder.build(node, 0);
    this.#states = builder.states;
    this.#alphabet = alphabet;
    this.#reversed = reversed;
    this.#anywhere = anywhere;
    this.width = alphabet.edge + 1;
    this.#marks = new Uint32Array(this.#states.length);
    this.#asserts = this.#states.some((state) => state.kind === 'assert');
    this.#beginning = this.#closed([this.#first]);
    this.#forget();
  }

  #forget(): void {
    this.#sets = [];
    this.#besides = [];
    this.#bareIds = [];
    this.#ids = new Map();
    this.#cells = 0;
    this.#age++;
    this.table = new Int32Array(0);
    this.#starts = [];
    // No way leads on from state 0.
    this.#intern(new Uint16Array(0), OTHER, false);
  }

  isDead(id: number): boolean {
    return id === 0;
  }

  /** Nothing but a new beginning: no match that begins earlier is under way. */
  isBare(id: number): boolean {
    return this.#bareIds[id] === true;
  }

  start(colourBefore: number): number {
    const known = this.#starts[colourBefore];
    if (known !== undefined) return known;
    const made = this.#intern(this.#beginning, this.#alphabet.beside[colourBefore]!, true);
    this.#starts[colourBefore] = made;
    return made;
  }

  /** The transition of a state that the table does not know; kept there unless it depends on the position. */
  step(id: number, colour: number, at: number, around: Surroundings): number {
    const set = this.#sets[id]!;
    around.spend(24 * set.length + 16);
    const before = this.#besides[id]!;
    const next = this.#alphabet.beside[colour]!;
    const [left, right] = this.#reversed ? [next, before] : [before, next];
    const here = this.#passed(set, left, right, at, around);
    let accepts = 0;
    const targets: number[] = [];
    for (const state of here.states) {
      const one = this.#states[state]!;
      if (one.kind === 'accept') accepts = 1;
      else if (one.kind === 'read' && colour !== this.#alphabet.edge && one.members[colour] === 1)
        targets.push(one.next);
    }
    // The same set of states may also be one in which a match is under way.
    const bare = targets.length === 0;
    if (this.#anywhere && colour !== this.#alphabet.edge) targets.push(this.#first);
    const age = this.#age;
    const after = this.#intern(this.#closed(targets), next, bare);
    const answer = after * 2 + accepts;
    // A table that was begun anew does not know the old state.
    if (!here.placed && this.#age === age) this.table[id * this.width + colour] = answer;
    return answer;
  }

  /** What can be reached without reading and without a condition; conditions stay as they are. */
  #closed(from: readonly number[]): Uint16Array {
    const round = ++this.#round;
    const open = [...from];
    const found: number[] = [];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (this.#marks[id] === round) continue;
      this.#marks[id] = round;
      const state = this.#states[id]!;
      if (state.kind === 'split') for (const next of state.nexts) open.push(next);
      else found.push(id);
    }
    return Uint16Array.from(found).sort();
  }

  /** The set with what lies behind the conditions that hold. */
  #passed(
    set: Uint16Array,
    left: number,
    right: number,
    at: number,
    around: Surroundings,
  ): { readonly states: Iterable<number>; readonly placed: boolean } {
    const conditions = set.some((id) => this.#states[id]!.kind === 'assert' || this.#states[id]!.kind === 'look');
    if (!conditions) return { states: set, placed: false };
    const seen = new Set<number>(set);
    const open = [...set];
    let placed = false;
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const state = this.#states[id]!;
      if (state.kind !== 'assert' && state.kind !== 'look') continue;
      if (state.kind === 'look') placed = true;
      if (!(state.kind === 'look' ? around.looks(state.look, at) : holds(state.what, left, right))) continue;
      for (const next of this.#closed([state.next])) {
        if (seen.has(next)) continue;
        seen.add(next);
        open.push(next);
      }
    }
    return { states: seen, placed };
  }

  #intern(set: Uint16Array, beside: number, bare: boolean): number {
    const mark = this.#asserts && set.length > 0 ? beside : OTHER;
    const key = `${mark}${bare && this.#anywhere ? '+' : ','}${set.length < 4096 ? String.fromCharCode(...set) : set.join()}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    if (this.#cells > CELLS_MAX && this.#sets.length > 1) {
      this.#forget();
      return this.#intern(set, beside, bare);
    }
    const id = this.#sets.push(set) - 1;
    this.#besides.push(mark);
    this.#bareIds.push(bare);
    this.#ids.set(key, id);
    this.#cells += this.width + 2 * set.length;
    if (this.table.length < (id + 1) * this.width) {
      const grown = new Int32Array(Math.max(8, 2 * (id + 1)) * this.width).fill(UNKNOWN);
      grown.set(this.table);
      this.table = grown;
    }
    return id;
  }
}

function holds(what: Assertion, left: number, right: number): boolean {
  switch (what) {
    case 'textStart':
      return left === EDGE;
    case 'textEnd':
      return right === EDGE;
    case 'lineStart':
      return left === EDGE || left === LINE_END;
    case 'lineEnd':
      return right === EDGE || right === LINE_END;
    case 'wordStart':
      return left !== WORD && right === WORD;
    case 'wordEnd':
      return left === WORD && right !== WORD;
    case 'wordEdge':
      return (left === WORD) !== (right === WORD);
    case 'noWordEdge':
      return (left === WORD) === (right === WORD);
  }
}
