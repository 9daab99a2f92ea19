/**
 * The grammar is of a later version than PostgreSQL 15, and has words that were plain names before: a parameter of a
 * function may be called `json`. A text that the grammar refuses is read once more with such words quoted.
 */
import { nextToken } from './tokens.js';
import type { Token } from './tokens.js';

const NEWER: ReadonlySet<string> = new Set(
  (
    'json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value ' +
    'merge_action'
  ).split(' '),
);

export interface QuotedText {
  readonly text: string;
  /** For each byte of the text (and its end), the character of the original text. */
  readonly origins: Uint32Array;
}

/** null: there are no such words. */
export function quoteNewerWords(original: string): QuotedText | null {
  if (!/json|merge_action/i.test(original)) return null;
  const parts: { readonly text: string; readonly at: number; readonly quoted: boolean }[] = [];
  let done = 0;
  for (let token = nextToken(original, 0); token !== null; token = nextToken(original, token.end)) {
    if (token.kind !== 'word' || !NEWER.has(token.text)) continue;
    parts.push({ text: original.slice(done, token.start), at: done, quoted: false });
    parts.push({ text: `"${token.text}"`, at: token.start, quoted: true });
    done = token.end;
  }
  if (parts.length === 0) return null;
  parts.push({ text: original.slice(done), at: done, quoted: false });
  const text = parts.map((part) => part.text).join('');
  const origins = new Uint32Array(Buffer.byteLength(text) + 1);
  let byte = 0;
  for (const part of parts) {
    // The word's place is that of its opening quote.
    if (!part.quoted) byte = fillOrigins(origins, byte, part.text, part.at);
    else for (let i = 0; i < part.text.length; i++) origins[byte++] = part.at + Math.max(0, i - 1);
  }
  origins[byte] = original.length;
  return { text, origins };
}

/**
 * The word of a MERGE that the grammar takes and PostgreSQL 15's does not: RETURNING, and BY of WHEN NOT MATCHED BY SOURCE
 * or TARGET. null: there is none.
 */
export function newerWordOfMerge(text: string, from: number, to: number): Token | null {
  let depth = 0;
  let before = '';
  for (let token = nextToken(text, from); token !== null && token.start < to; token = nextToken(text, token.end)) {
    if (token.text === '(') depth++;
    else if (token.text === ')') depth--;
    else if (depth === 0 && token.kind === 'word') {
      if (token.text === 'returning' || (token.text === 'by' && before === 'matched')) return token;
    }
    before = token.text;
  }
  return null;
}

/** @returns the byte after the text's last one */
export function fillOrigins(origins: Uint32Array, from: number, text: string, at: number): number {
  let byte = from;
  for (let i = 0; i < text.length;) {
    const code = text.codePointAt(i) ?? 0;
    const bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (let b = 0; b < bytes; b++) origins[byte++] = at + i;
    i += code > 0xffff ? 2 : 1;
  }
  return byte;
}
