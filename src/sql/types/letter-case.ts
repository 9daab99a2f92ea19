/**
 * Large and small letters without a language: character by character, as locale C.UTF-8 has it. No character becomes two
 * ('ß' stays), none depends on what is around it (a final 'Σ' is 'σ'), unlike JavaScript's own.
 */
import { TextBuilder } from './text-builder.js';

/** Whose large form JavaScript gives as two letters, though Unicode has one for them: Greek ones with an iota below. */
const WITH_IOTA = /[\u1f80-\u1f87\u1f90-\u1f97\u1fa0-\u1fa7\u1fb3\u1fc3\u1ff3]/;

export function lowerOf(text: string): string {
  const whole = text.toLowerCase();
  return whole.length === text.length && !text.includes('Σ') ? whole : eachOf(text, lowerOfOne);
}

export function upperOf(text: string): string {
  const whole = text.toUpperCase();
  return whole.length === text.length ? whole : eachOf(text, upperOfOne);
}

/** Digraphs that are one character: large, as at the head of a word, small. */
const DIGRAPHS: Readonly<Record<string, string>> = {};
for (const [large, title, small] of ['ǄǅǆǇǈǉ', 'ǊǋǌǱǲǳ'].flatMap((six) => [six.slice(0, 3), six.slice(3)])) {
  Object.assign(DIGRAPHS, { [large!]: title!, [title!]: title!, [small!]: title! });
}

/** A letter at the head of a word, in a language: of what becomes two letters ('ß') the second one is small. */
export function titleOf(c: string, locale: string): string {
  if (WITH_IOTA.test(c)) return upperOfOne(c);
  if (Object.hasOwn(DIGRAPHS, c)) return DIGRAPHS[c]!;
  const large = c.toLocaleUpperCase(locale);
  const [head = '', ...rest] = large;
  return rest.length === 0 || head === '\u02bc' ? large : head + rest.join('').toLocaleLowerCase(locale);
}

function lowerOfOne(c: string): string {
  return c === 'İ' ? 'i' : c.toLowerCase();
}

function upperOfOne(c: string): string {
  if (!WITH_IOTA.test(c)) return c.toUpperCase();
  const code = c.charCodeAt(0);
  return String.fromCharCode(code < 0x1fb0 ? code + 8 : code + 9);
}

function eachOf(text: string, change: (c: string) => string): string {
  const out = new TextBuilder();
  for (const c of text) {
    const changed = change(c);
    out.add(changed.length === c.length ? changed : c);
  }
  return out.text();
}
