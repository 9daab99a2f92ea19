/** LIKE and ILIKE as operators and functions, and SIMILAR TO, whose patterns become regular expressions. */
import { bufferOf } from '../../base/bytes.js';
import { sqlError } from '../../base/errors.js';
import { charLength } from '../types/text-order.js';
import { replaceEach } from '../types/text-builder.js';
import { fn, op } from './define.js';
import { like } from './like-match.js';
import type { CallInfo } from './entry.js';
import { substringRegex } from './regular-expressions.js';

for (const type of ['text', 'name', 'bpchar']) {
  op(`${type} ~~ text = bool`, (s: string, p: string) => like(s, p));
  op(`${type} !~~ text = bool`, (s: string, p: string) => !like(s, p));
  op(`${type} ~~* text = bool`, (s: string, p: string) => like(s, p, '\\', true));
  op(`${type} !~~* text = bool`, (s: string, p: string) => !like(s, p, '\\', true));
}
const bytesAsText = (b: Uint8Array): string => bufferOf(b).toString('latin1');
op('bytea ~~ bytea = bool', (s: Uint8Array, p: Uint8Array) => like(bytesAsText(s), bytesAsText(p)));
op('bytea !~~ bytea = bool', (s: Uint8Array, p: Uint8Array) => !like(bytesAsText(s), bytesAsText(p)));
fn('like(bytea, bytea) bool', (s: Uint8Array, p: Uint8Array) => like(bytesAsText(s), bytesAsText(p)));
fn('notlike(bytea, bytea) bool', (s: Uint8Array, p: Uint8Array) => !like(bytesAsText(s), bytesAsText(p)));
fn('like(text, text) bool', (s: string, p: string) => like(s, p));
fn('notlike(text, text) bool', (s: string, p: string) => !like(s, p));
/** Characters of a pattern that is rewritten. */
const PATTERN_MAX = 1024 * 1024;

/** pattern LIKE … ESCAPE e: rewrites the pattern to use a backslash. */
function likeEscape(pattern: string, escape: string): string {
  if (charLength(escape) > 1)
    throw sqlError('22025', 'invalid escape string', { hint: 'Escape string must be empty or one character.' });
  if (escape === '\\') return pattern;
  if (escape === '') return replaceEach(pattern, /\\/g, '\\\\');
  if (pattern.length > PATTERN_MAX) throw sqlError('54000', 'pattern is too long');
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
fn('like_escape(bytea, bytea) bytea', (pattern: Uint8Array, escape: Uint8Array) =>
  Buffer.from(likeEscape(bytesAsText(pattern), bytesAsText(escape)), 'latin1'),
);

/**
 * SIMILAR TO's pattern as a POSIX one (what the grammar calls for SIMILAR and SUBSTRING … SIMILAR). Within brackets only
 * they and the escape mean anything: a `]` that comes first, also behind `^`, is a character, and each further `[` (of
 * `[:alpha:]`) has its own `]`.
 */
function similarToEscape(pattern: string, escape: string | null): string {
  const esc = escape ?? '\\';
  if (charLength(esc) > 1)
    throw sqlError('22025', 'invalid escape string', { hint: 'Escape string must be empty or one character.' });
  if (pattern.length > PATTERN_MAX) throw sqlError('54000', 'pattern is too long');
  let out = '^(?:';
  let quotes = 0;
  let depth = 0;
  /** Behind `[` or `[^`. */
  let first = false;
  const chars = Array.from(pattern);
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i]!;
    if (c === esc && esc !== '') {
      i++;
      first = false;
      if (chars[i] === '"' && depth === 0) {
        quotes++;
        if (quotes > 2)
          throw sqlError(
            '2200C',
            'SQL regular expression may not contain more than two escape-double-quote separators',
          );
        out += quotes === 1 ? '){1,1}?(' : '){1,1}(?:';
      } else {
        if (i < chars.length) out += `\\${chars[i]!}`;
      }
    } else if (depth > 0) {
      if (c === '[') depth++;
      else if (c === ']' && !first) depth--;
      first = first && c === '^' && chars[i - 1] === '[';
      out += c === '\\' ? '\\\\' : c;
    } else if (c === '[') {
      depth = 1;
      first = true;
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
fn('substring(text, text, text) text', (s: string, p: string, e: string, _ctx: unknown, { collation }: CallInfo) =>
  substringRegex(s, { source: similarToEscape(p, e), ascii: collation?.asciiLetters === true }),
);
