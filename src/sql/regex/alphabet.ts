/**
 * Characters that no set of a pattern tells apart have one colour; automata run over colours. Each colour also says
 * what assertions see of a character: a newline, a part of a word, or something else.
 */
import { classNamed, LAST_CODE_POINT, NEWLINE, type CharSet } from './char-set.js';
import { invalid, type Node, TOO_COMPLEX } from './syntax.js';

/** What stands beside a position. */
export const EDGE = 0;
export const LINE_END = 1;
export const WORD = 2;
export const OTHER = 3;

const DIRECT = 256;
const WORK_MAX = 4_000_000;

export class Alphabet {
  /** Colours are below; this one stands for the end of the text, on either side. */
  readonly edge: number;
  /** By colour: LINE_END, WORD or OTHER; EDGE for the edge. */
  readonly beside: Uint8Array;
  readonly #starts: readonly number[];
  readonly #colours: readonly number[];
  readonly #direct = new Uint16Array(DIRECT);
  readonly #members = new Map<string, Uint8Array>();

  constructor(nodes: readonly Node[], asciiLetters = false) {
    const sets = new Map<string, CharSet>();
    let words = false;
    let lines = false;
    forEachNode(nodes, (node) => {
      if (node.kind === 'set') sets.set(node.set.join(), node.set);
      else if (node.kind === 'assert') {
        words ||= /word/i.test(node.what);
        lines ||= node.what.startsWith('line');
      }
    });
    const marks = new Map<number, CharSet>();
    if (words) marks.set(WORD, classNamed('word', asciiLetters)!);
    if (lines) marks.set(LINE_END, NEWLINE);
    for (const set of marks.values()) sets.set(set.join(), set);
    this.#starts = boundaries([...sets.values()]);
    this.#colours = this.#refined([...sets.values()]);
    this.edge = Math.max(-1, ...new Set(this.#colours)) + 1;
    for (let c = 0; c < DIRECT; c++) this.#direct[c] = this.#search(c);
    for (const [key, set] of sets) this.#members.set(key, this.#coloursIn(set));
    this.beside = new Uint8Array(this.edge + 1).fill(OTHER);
    this.beside[this.edge] = EDGE;
    for (const [mark, set] of marks) this.members(set).forEach((has, i) => has && (this.beside[i] = mark));
  }

  /** By colour: whether it is in the set. */
  members(set: CharSet): Uint8Array {
    return this.#members.get(set.join())!;
  }

  colour(code: number): number {
    return code < DIRECT ? this.#direct[code]! : this.#colours[this.#segment(code)]!;
  }

  #search(code: number): number {
    return this.#colours[this.#segment(code)]!;
  }

  #segment(code: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= code) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Each set divides the colours of which it has only a part. */
  #refined(sets: readonly CharSet[]): number[] {
    const colours = new Array<number>(this.#starts.length).fill(0);
    let count = 1;
    let work = 0;
    for (const set of sets) {
      const inside = new Map<number, number>();
      this.#segmentsOf(set, (at) => {
        if (++work > WORK_MAX) throw invalid(TOO_COMPLEX);
        let colour = inside.get(colours[at]!);
        if (colour === undefined) inside.set(colours[at]!, (colour = count++));
        colours[at] = colour;
      });
    }
    const dense = new Map<number, number>();
    return colours.map((colour) => {
      let named = dense.get(colour);
      if (named === undefined) dense.set(colour, (named = dense.size));
      return named;
    });
  }

  #segmentsOf(set: CharSet, visit: (at: number) => void): void {
    for (let i = 0; i < set.length; i += 2) {
      for (let at = this.#segment(set[i]!); at < this.#starts.length && this.#starts[at]! <= set[i + 1]!; at++)
        visit(at);
    }
  }

  #coloursIn(set: CharSet): Uint8Array {
    const members = new Uint8Array(this.edge + 1);
    this.#segmentsOf(set, (at) => (members[this.#colours[at]!] = 1));
    return members;
  }
}

function boundaries(sets: readonly CharSet[]): number[] {
  const all = new Set<number>([0]);
  for (const set of sets) {
    for (let i = 0; i < set.length; i += 2) {
      all.add(set[i]!);
      if (set[i + 1]! < LAST_CODE_POINT) all.add(set[i + 1]! + 1);
    }
  }
  return [...all].sort((a, b) => a - b);
}

/** With a stack of its own: patterns may be deep. A node that stands in several places is visited once. */
function forEachNode(nodes: readonly Node[], visit: (node: Node) => void): void {
  const seen = new Set<Node>();
  const open = [...nodes];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    visit(node);
    if (node.kind === 'sequence' || node.kind === 'choice') for (const item of node.items) open.push(item);
    else if (node.kind === 'repeat') open.push(node.item);
    else if (node.kind === 'look') open.push(node.body);
  }
}
