/**
 * PostgreSQL's specifications of isolation tests (src/test/isolation/README in its source): blocks of SQL that set up and
 * tear down, steps of several sessions, and the orders in which these are taken.
 */

export interface Step {
  readonly name: string;
  readonly sql: string;
  readonly session: number;
}

/** What a step's end waits for to be told: it is told as waiting at once, another step's end, notices of another's session. */
export type Marker =
  | { readonly kind: 'waits' }
  | { readonly kind: 'step'; readonly step: string }
  | { readonly kind: 'notices'; readonly step: string; readonly count: number };

export interface Taken {
  readonly step: Step;
  readonly markers: readonly Marker[];
}

export interface SpecSession {
  readonly name: string;
  readonly setup: string | null;
  readonly teardown: string | null;
  readonly steps: readonly Step[];
}

export interface Spec {
  readonly setups: readonly string[];
  readonly teardown: string | null;
  readonly sessions: readonly SpecSession[];
  /** As they are in the file; none: every interleaving. */
  readonly permutations: readonly (readonly Taken[])[];
}

type Token =
  | { readonly kind: 'word'; readonly text: string; readonly quoted: boolean }
  | { readonly kind: 'block' | 'mark'; readonly text: string };

const TOKEN = /\s+|#[^\n]*|\{([^}]*)\}|"((?:[^"\n]|"")*)"|([A-Za-z_\x80-\uffff][\w$\x80-\uffff]*)|(\d+)|([(),*])/y;
const KEYWORDS = new Set(['setup', 'teardown', 'session', 'step', 'permutation', 'notices']);

function tokensOf(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`line ${text.slice(0, at).split('\n').length}: unexpected "${text[at]}"`);
    const [, block, quoted, word, digits, mark] = match;
    if (block !== undefined) found.push({ kind: 'block', text: block });
    else if (quoted !== undefined) found.push({ kind: 'word', text: quoted.replaceAll('""', '"'), quoted: true });
    else if (word !== undefined) found.push({ kind: 'word', text: word, quoted: false });
    else if (digits !== undefined) found.push({ kind: 'word', text: digits, quoted: true });
    else if (mark !== undefined) found.push({ kind: 'mark', text: mark });
  }
  return found;
}

/** @throws Error for a text that is no specification */
export function parseSpec(text: string): Spec {
  return new Parser(tokensOf(text)).spec();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  spec(): Spec {
    const setups: string[] = [];
    while (this.#keyword('setup')) setups.push(this.#block());
    const teardown = this.#keyword('teardown') ? this.#block() : null;
    const sessions: SpecSession[] = [];
    while (this.#keyword('session')) sessions.push(this.#session(sessions.length));
    const steps = new Map(sessions.flatMap((session) => session.steps).map((step) => [step.name, step]));
    const permutations: Taken[][] = [];
    while (this.#keyword('permutation')) permutations.push(this.#permutation(steps));
    if (this.#at < this.#tokens.length) throw new Error(`unexpected "${this.#tokens[this.#at]!.text}"`);
    return { setups, teardown, sessions, permutations };
  }

  #session(index: number): SpecSession {
    const name = this.#name();
    const setup = this.#keyword('setup') ? this.#block() : null;
    const steps: Step[] = [];
    while (this.#keyword('step')) steps.push({ name: this.#name(), sql: this.#block(), session: index });
    const teardown = this.#keyword('teardown') ? this.#block() : null;
    return { name, setup, teardown, steps };
  }

  #permutation(steps: ReadonlyMap<string, Step>): Taken[] {
    const taken: Taken[] = [];
    for (let token = this.#tokens[this.#at]; isName(token); token = this.#tokens[this.#at]) {
      const step = steps.get(this.#name());
      if (step === undefined) throw new Error(`there is no step "${token.text}"`);
      taken.push({ step, markers: this.#markers() });
    }
    return taken;
  }

  #markers(): Marker[] {
    if (!this.#mark('(')) return [];
    const found: Marker[] = [];
    do {
      if (this.#mark('*')) found.push({ kind: 'waits' });
      else {
        const step = this.#name();
        if (this.#keyword('notices')) found.push({ kind: 'notices', step, count: Number(this.#name()) });
        else found.push({ kind: 'step', step });
      }
    } while (this.#mark(','));
    if (!this.#mark(')')) throw new Error('a ")" is missing');
    return found;
  }

  #keyword(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'word' && !token.quoted && token.text === text && ++this.#at > 0;
  }

  #mark(text: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'mark' && token.text === text && ++this.#at > 0;
  }

  #name(): string {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== 'word') throw new Error(`a name was expected at "${token?.text ?? 'the end'}"`);
    return token.text;
  }

  #block(): string {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== 'block') throw new Error(`a block was expected at "${token?.text ?? 'the end'}"`);
    return token.text;
  }
}

function isName(token: Token | undefined): token is Token {
  return token?.kind === 'word' && (token.quoted || !KEYWORDS.has(token.text));
}

/** The orders of the file, or every interleaving of the sessions' steps; of more than `countMax` evenly chosen ones. */
export function permutationsOf(spec: Spec, countMax: number): Taken[][] {
  if (spec.permutations.length > 0) return evenly(spec.permutations, countMax).map((taken) => [...taken]);
  const found: Taken[][] = [];
  const at = spec.sessions.map(() => 0);
  const chosen: Taken[] = [];
  const choose = (): void => {
    let ended = true;
    for (const [i, { steps }] of spec.sessions.entries()) {
      if (at[i]! >= steps.length) continue;
      ended = false;
      chosen.push({ step: steps[at[i]!++]!, markers: [] });
      choose();
      chosen.pop();
      at[i]!--;
    }
    if (ended) found.push([...chosen]);
  };
  choose();
  return evenly(found, countMax);
}

function evenly<T>(all: readonly T[], countMax: number): T[] {
  if (all.length <= countMax) return [...all];
  return Array.from({ length: countMax }, (_, i) => all[Math.floor((i * all.length) / countMax)]!);
}
