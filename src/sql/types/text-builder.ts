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

  /** @throws QuoralError 54000 if the text has become too long. */
  add(piece: string): void {
    this.#open += piece;
    if (this.#open.length < CHUNK) return;
    this.#length += this.#open.length;
    checkLength(this.#length);
    this.#chunks.push(inOnePiece(this.#open));
    this.#open = '';
  }

  text(): string {
    return this.#chunks.length === 0 ? this.#open : this.#chunks.join('') + this.#open;
  }
}

/** Reading a character is what makes the engine put a text together. */
function inOnePiece(text: string): string {
  return text.charCodeAt(0) < 0 ? '' : text;
}

/**
 * text.replace(pattern, by) for a pattern of single characters. In a long text piece by piece: the engine cannot hold the
 * places of tens of millions of matches, and ends the process.
 */
export function replaceEach(text: string, pattern: RegExp, by: string | ((c: string) => string)): string {
  const replaced = (piece: string): string =>
    typeof by === 'string' ? piece.replace(pattern, by) : piece.replace(pattern, by);
  if (text.length <= CHUNK) return replaced(text);
  const prefix = typeof by === 'string' ? /^(.|\$&)\$&$/.exec(by)?.[1] : undefined;
  if (prefix !== undefined) return prefixed(text, pattern, prefix === '$&' ? null : prefix.charCodeAt(0));
  const out = new TextBuilder();
  for (let at = 0; at < text.length; at += CHUNK) out.add(replaced(text.slice(at, at + CHUNK)));
  return out.text();
}

/** With a unit, or itself again, before each character of ASCII that the pattern matches. */
function prefixed(text: string, pattern: RegExp, prefix: number | null): string {
  const special = Uint8Array.from({ length: 128 }, (_, unit) =>
    String.fromCharCode(unit).search(pattern) < 0 ? 0 : 1,
  );
  let length = text.length;
  for (let i = 0; i < text.length; i++) length += special[text.charCodeAt(i)] ?? 0;
  checkLength(length);
  const units = /[^\x00-\xff]/.test(text) ? new Uint16Array(length) : new Uint8Array(length);
  let to = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (special[unit] === 1) units[to++] = prefix ?? unit;
    units[to++] = unit;
  }
  const bytes = Buffer.from(units.buffer);
  return units instanceof Uint16Array ? bytes.toString('utf16le') : bytes.latin1Slice();
}

/** text.replaceAll(from, () => to), `from` not empty; in a long text piece by piece, as well. */
export function replaceText(s: string, from: string, to: string): string {
  if (s.length <= CHUNK) return s.replaceAll(from, () => to);
  const out = new TextBuilder();
  for (let at = 0; at < s.length;) {
    const parts = s.slice(at, at + CHUNK + from.length).split(from);
    const rest = parts.pop()!;
    checkLength(parts.length * to.length);
    if (parts.length > 0) out.add(parts.join(to) + to);
    const read = Math.min(CHUNK + from.length, s.length - at) - rest.length;
    // The rest may end with the beginning of the next match.
    const sure = at + read + rest.length >= s.length ? rest.length : Math.max(0, rest.length - from.length + 1);
    out.add(rest.slice(0, sure));
    at += read + sure;
  }
  return out.text();
}
