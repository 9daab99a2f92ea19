/** One program on both servers, up to where they differ. */
import { compare, compareGuarded, type Verdict } from './judge.js';
import { type Answer, emptied, type Server } from './servers.js';
import type { Found } from './shrink.js';

type Answers = readonly [Answer, Answer];

export class Comparison {
  readonly ours: Server;
  readonly theirs: Server;
  statements = 0;
  open = 0;
  /** Told of each answer that is left open. */
  onOpen: (text: string, ours: Answer, theirs: Answer) => void = () => undefined;

  constructor(ours: Server, theirs: Server) {
    this.ours = ours;
    this.theirs = theirs;
  }

  /** Index and words of the first difference; null: none. */
  async run(statements: readonly string[]): Promise<Found | null> {
    await Promise.all([emptied(this.ours), emptied(this.theirs)]);
    let inBlock = false;
    for (const [at, text] of statements.entries()) {
      const [a, b] = await this.#both(text);
      this.statements++;
      if (text === 'BEGIN') inBlock = true;
      else if (text === 'COMMIT' || text === 'ROLLBACK') inBlock = false;
      const verdict = compare(text, a, b, this.theirs.version);
      if (verdict === 'same') continue;
      if (verdict !== 'open') return { at, text: verdict.difference };
      this.open++;
      // What was changed on one side only, or a transaction that failed there, would make every later answer differ.
      if (a.ok !== b.ok && (inBlock || !/^(SELECT|WITH (?!gone)|\()/.test(text))) return null;
    }
    return null;
  }

  /** As run(); but what is left open, or fails, is taken back on both sides, and the program goes on. */
  async runGuarded(statements: readonly string[]): Promise<Found | null> {
    await Promise.all([emptied(this.ours), emptied(this.theirs)]);
    let inBlock = false;
    for (const [at, text] of statements.entries()) {
      this.statements++;
      const word = /^(BEGIN|COMMIT|ROLLBACK)$/.exec(text)?.[0];
      if (word !== undefined) inBlock = word === 'BEGIN';
      const verdict =
        word !== undefined ? this.#judged(text, await this.#both(text)) : await this.#guarded(text, inBlock);
      if (verdict === 'open') this.open++;
      else if (verdict !== 'same') return { at, text: verdict.difference };
    }
    return null;
  }

  async #guarded(text: string, inBlock: boolean): Promise<Verdict> {
    await this.#both(inBlock ? 'SAVEPOINT guard' : 'BEGIN');
    const answers = await this.#both(text);
    const verdict = this.#judged(text, answers);
    if (verdict === 'same' && answers[0].ok) {
      // What is deferred is looked at by the COMMIT.
      const end = await this.#both(inBlock ? 'RELEASE guard' : 'COMMIT');
      return this.#judged(`${text}; COMMIT`, end);
    }
    await this.#both(inBlock ? 'ROLLBACK TO guard' : 'ROLLBACK');
    return verdict;
  }

  #judged(text: string, [a, b]: Answers): Verdict {
    const verdict = compareGuarded(text, a, b, this.theirs.version);
    if (verdict === 'open') this.onOpen(text, a, b);
    return verdict;
  }

  #both(text: string): Promise<Answers> {
    return Promise.all([this.ours.query(text), this.theirs.query(text)]);
  }
}
