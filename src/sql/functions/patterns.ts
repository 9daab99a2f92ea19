/** LIKE, ILIKE and SIMILAR TO, whose patterns become regular expressions. LIKE's are translated once and cached. */
import { sqlError } from '../../base/errors.js';
import { charLength } from '../types/text-order.js';
import { fn, op } from './define.js';
import { substringRegex } from './regular-expressions.js';

const CACHE_MAX = 512;

class Cache<V> {
  readonly #map = new Map<string, V>();
  get(key: string, make: () => V): V {
    const known = this.#map.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (this.#map.size >= CACHE_MAX) this.#map.clear();
    this.#map.set(key, made);
    return made;
  }
}

// ---- LIKE: matched directly, in linear time for each % ----

interface LikePattern {
  /** Runs of literal text ('_' as null) between the % signs. */
  readonly runs: readonly (readonly (string | null)[])[];
}
const likeCache = new Cache<LikePattern>();

function compileLike(pattern: string, escape: string): LikePattern {
  const runs: (string | null)[][] = [[]];
  const chars = Array.from(pattern);
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i]!;
    const run = runs[runs.length - 1]!;
    if (c === escape && escape !== '') {
      i++;
      if (i >= chars.length) throw sqlError('22025', 'LIKE pattern must not end with escape character');
      run.push(chars[i]!);
    } else if (c === '%') {
      runs.push([]);
    } else {
      run.push(c === '_' ? null : c);
    }
  }
  return { runs };
}

function runAt(chars: readonly string[], at: number, run: readonly (string | null)[]): boolean {
  if (at + run.length > chars.length) return false;
  for (let i = 0; i < run.length; i++) if (run[i] !== null && run[i] !== chars[at + i]) return false;
  return true;
}

export function like(text: string, pattern: string, escape = '\\', fold = false): boolean {
  const p = likeCache.get(`${fold ? 'i' : 'c'}${escape}\0${pattern}`, () =>
    compileLike(fold ? pattern.toLowerCase() : pattern, escape),
  );
  const chars = Array.from(fold ? text.toLowerCase() : text);
  const { runs } = p;
  const first = runs[0]!;
  if (!runAt(chars, 0, first)) return false;
  if (runs.length === 1) return first.length === chars.length;
  let at = first.length;
  for (let r = 1; r < runs.length - 1; r++) {
    const run = runs[r]!;
    while (at + run.length <= chars.length && !runAt(chars, at, run)) at++;
    if (at + run.length > chars.length) return false;
    at += run.length;
  }
  const last = runs[runs.length - 1]!;
  return chars.length - last.length >= at && runAt(chars, chars.length - last.length, last);
}

for (const type of ['text', 'name', 'bpchar']) {
  op(`${type} ~~ text = bool`, (s: string, p: string) => like(s, p));
  op(`${type} !~~ text = bool`, (s: string, p: string) => !like(s, p));
  op(`${type} ~~* text = bool`, (s: string, p: string) => like(s, p, '\\', true));
  op(`${type} !~~* text = bool`, (s: string, p: string) => !like(s, p, '\\', true));
}
fn('like(text, text) bool', (s: string, p: string) => like(s, p));
fn('notlike(text, text) bool', (s: string, p: string) => !like(s, p));
/** pattern LIKE … ESCAPE e: rewrites the pattern to use a backslash. */
function likeEscape(pattern: string, escape: string): string {
  if (charLength(escape) > 1)
    throw sqlError('22019', 'invalid escape string', { hint: 'Escape string must be empty or one character.' });
  if (escape === '\\') return pattern;
  if (escape === '') return pattern.replaceAll('\\', '\\\\');
  let out = '';
  const chars = Array.from(pattern);
  for (let i = 0; i < chars.length; i++) {
    if (chars[i] === escape) {
      i++;
      out += `\\${chars[i] ?? ''}`;
    } else {
      out += chars[i] === '\\' ? '\\\\' : chars[i];
    }
  }
  return out;
}
fn('like_escape(text, text) text', likeEscape);

/** SIMILAR TO's pattern as a POSIX one (what the grammar calls for SIMILAR and SUBSTRING … SIMILAR). */
function similarToEscape(pattern: string, escape: string | null): string {
  const esc = escape ?? '\\';
  if (charLength(esc) > 1)
    throw sqlError('22019', 'invalid escape string', { hint: 'Escape string must be empty or one character.' });
  let out = '^(?:';
  let quotes = 0;
  let bracket = false;
  const chars = Array.from(pattern);
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i]!;
    if (c === esc && esc !== '') {
      i++;
      if (chars[i] === '"' && !bracket) {
        quotes++;
        out += quotes === 1 ? '){1,1}?(' : '){1,1}(?:';
      } else {
        out += `\\${chars[i] ?? ''}`;
      }
    } else if (bracket) {
      if (c === ']') bracket = false;
      out += c === '\\' ? '\\\\' : c;
    } else if (c === '[') {
      bracket = true;
      out += c;
    } else if (c === '%') {
      out += '.*';
    } else if (c === '_') {
      out += '.';
    } else if (c === '(') {
      out += '(?:';
    } else if ('\\.^$'.includes(c)) {
      out += `\\${c}`;
    } else {
      out += c;
    }
  }
  return `${out})$`;
}
fn('similar_to_escape(text) text', (p: string) => similarToEscape(p, null));
fn('similar_to_escape(text, text) text', (p: string, e: string) => similarToEscape(p, e));
fn(
  'similar_escape(text, text) text',
  (p: string | null, e: string | null) => (p === null ? null : similarToEscape(p, e)),
  { strict: false },
);
fn('substring(text, text, text) text', (s: string, p: string, e: string) => substringRegex(s, similarToEscape(p, e)));
