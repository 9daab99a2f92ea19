/**
 * POSIX regular expressions as PostgreSQL's: the leftmost match, and of those the longest (or shortest, if the pattern
 * prefers so). Time is linear in the text for each match unless the pattern has back references or lookaround; what
 * costs too many steps is given up with an error, since a match holds the event loop.
 */
import { sqlError } from '../../base/errors.js';
import { Alphabet } from './alphabet.js';
import { Automaton } from './automaton.js';
import { parseRegex, type Parsed } from './parser.js';
import { invalid, type Node, type Options, optionsOf, TOO_COMPLEX } from './syntax.js';
import { Search } from './search.js';

const PATTERN_MAX = 20_000;
const GROUPS_MAX = 1_000;
const TEXT_MAX = 16 * 1024 * 1024;
/** For a text of no length; about a quarter of a second. */
const STEPS_MAX = 1 << 24;
/** And for each character more. */
const STEPS_EACH = 20;
/** What finding a match costs beside the steps of automata. */
const MATCH_COST = 8;

/** What a call for one text may spend, whatever many matches it finds. */
export class Budget {
  #left: number;

  constructor(text: string) {
    this.#left = STEPS_MAX + STEPS_EACH * text.length;
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) {
      throw sqlError('54001', `regular expression failed: ${TOO_COMPLEX}`, {
        hint: 'The expression needs too many steps on this string.',
      });
    }
  }
}

/** Place of the match and of each group, in UTF-16 units of the text; null: the group has matched nothing. */
export type Match = readonly (readonly [from: number, to: number] | null)[];

type Direction = 'forward' | 'backward';

export class Regex {
  readonly parsed: Parsed;
  readonly alphabet: Alphabet;
  readonly options: Options;
  readonly #automata = new Map<Node, (Automaton | undefined)[]>();

  constructor(pattern: string, options: Options = optionsOf('')) {
    if (pattern.length > PATTERN_MAX) throw invalid(TOO_COMPLEX);
    this.options = options;
    this.parsed = parseRegex(pattern, options);
    if (this.parsed.groups > GROUPS_MAX) throw invalid(TOO_COMPLEX);
    this.alphabet = new Alphabet([this.parsed.tree.node], options.asciiLetters);
    // Says that a pattern is too complex even if no text is there to be searched.
    this.automaton(this.parsed.tree.node, 'forward', true);
  }

  automaton(node: Node, direction: Direction, anywhere = false): Automaton {
    let ones = this.#automata.get(node);
    if (ones === undefined) this.#automata.set(node, (ones = [undefined, undefined, undefined, undefined]));
    return (ones[(direction === 'backward' ? 2 : 0) + (anywhere ? 1 : 0)] ??= new Automaton(
      node,
      this.alphabet,
      direction === 'backward',
      anywhere,
    ));
  }

  test(text: string): boolean {
    return new Search(this, checked(text), new Budget(text)).matches();
  }

  /** Matches from left to right, not overlapping, the first at or behind `from`. */
  *matches(text: string, from = 0): Generator<Match> {
    const search = new Search(this, checked(text), new Budget(text));
    let at = search.positionOf(from);
    while (at <= search.length) {
      search.spend(MATCH_COST);
      const match = search.find(at);
      if (match === null) return;
      const [start, end] = match[0]!;
      yield match.map((place) => place && [search.offsetOf(place[0]), search.offsetOf(place[1])]);
      // An empty match moves on by one character.
      at = end === start ? end + 1 : end;
    }
  }
}

function checked(text: string): string {
  if (text.length > TEXT_MAX) throw sqlError('54001', 'regular expression failed: the string is too long');
  return text;
}
