/** Parse trees of short utility texts (BEGIN, COMMIT, SET …) that clients send again and again. Least recently added go first. */
import type { ParsedStatement } from '../contract.js';

const COUNT_MAX = 500;

export class ParseCache {
  readonly #texts = new Map<string, readonly ParsedStatement[]>();

  get(text: string): readonly ParsedStatement[] | undefined {
    return this.#texts.get(text);
  }

  put(text: string, statements: readonly ParsedStatement[]): void {
    if (this.#texts.has(text)) return;
    if (this.#texts.size >= COUNT_MAX) {
      for (const oldest of this.#texts.keys()) {
        this.#texts.delete(oldest);
        break;
      }
    }
    this.#texts.set(text, statements);
  }
}
