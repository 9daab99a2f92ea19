/**
 * A long text put together of small pieces. With += alone the engine keeps every step as a node of a tree, some 32 bytes
 * for each piece, until somebody reads the text.
 */
import { checkLength } from './limits.js';

const CHUNK = 65_536;

export class TextBuilder {
  readonly #chunks: string[] = [];
  #open = '';
  #length = 0;
  #read = 0;

  /** @throws QuoralError 54000 if the text has become too long. */
  add(piece: string): void {
    this.#open += piece;
    if (this.#open.length < CHUNK) return;
    this.#length += this.#open.length;
    checkLength(this.#length);
    // Reading makes it one piece.
    this.#read ^= this.#open.charCodeAt(0);
    this.#chunks.push(this.#open);
    this.#open = '';
  }

  text(): string {
    return this.#chunks.length === 0 ? this.#open : this.#chunks.join('') + this.#open;
  }
}
