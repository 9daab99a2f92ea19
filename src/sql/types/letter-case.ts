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
