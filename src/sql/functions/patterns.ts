/**
 * LIKE, ILIKE, SIMILAR TO and POSIX regular expressions. Patterns are translated once and cached. Regular
 * expressions run on JavaScript's backtracking engine: subjects and patterns are bounded in length, and
 * patterns with nested unbounded repeats, which could run for ever, are refused on long subjects.
 */
import { sqlError } from '../../base/errors.js';
import { PgArray } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { charLength, sliceChars } from '../types/text-order.js';
import { fn, op, srf } from './define.js';

const CACHE_MAX = 512;
const PATTERN_MAX = 20_000;
/** Length from which a pattern with nested repeats is too dangerous to run. */
const RISKY_SUBJECT_MAX = 2_000;
const SUBJECT_MAX = 16 * 1024 * 1024;

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

// ---- regular expressions ----

const CLASSES: Readonly<Record<string, string>> = {
  alpha: '\\p{L}',
  digit: '0-9',
  alnum: '\\p{L}\\p{Nd}',
  upper: '\\p{Lu}',
  lower: '\\p{Ll}',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`\\{-~',
  xdigit: '0-9A-Fa-f',
  cntrl: '\\x00-\\x1f\\x7f',
  graph: '\\x21-\\x7e\\u{a1}-\\u{10ffff}',
  print: '\\x20-\\x7e\\u{a0}-\\u{10ffff}',
  word: '\\p{L}\\p{Nd}_',
};

function invalid(why: string): Error {
  return sqlError('2201B', `invalid regular expression: ${why}`);
}

/** PostgreSQL's advanced regular expression → JavaScript's with the u flag. */
function translate(source: string, expanded: boolean): string {
  let pattern = source;
  if (pattern.startsWith('***=')) return escapeAll(pattern.slice(4));
  if (pattern.startsWith('***:')) pattern = pattern.slice(4);
  let out = '';
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === '[') {
      const bracket = readBracket(pattern, i);
      out += bracket.text;
      i = bracket.end;
    } else if (c === '\\') {
      i++;
      if (i >= pattern.length) throw invalid('invalid escape \\ sequence');
      const escaped = readEscape(pattern, i);
      out += escaped.text;
      i = escaped.end;
    } else if (c === '{' && !/^\{\d+(,\d*)?\}/.test(pattern.slice(i))) {
      out += '\\{';
    } else if (c === '}' && !/\{\d+(,\d*)?$/.test(pattern.slice(0, i))) {
      out += '\\}';
    } else if (c === ']') {
      out += '\\]';
    } else if (expanded && /\s/.test(c)) {
      continue;
    } else if (expanded && c === '#') {
      while (i < pattern.length && pattern[i] !== '\n') i++;
    } else if (
      (c === '*' || c === '+' || c === '?') &&
      (out === '' || /(?:^|[^\\])[(|]$/.test(out)) &&
      !out.endsWith('(?')
    ) {
      if (c === '?' && out.endsWith('(')) out += c;
      else throw invalid('quantifier operand invalid');
    } else {
      out += c;
    }
  }
  return out;
}

function escapeAll(s: string): string {
  return s.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function readBracket(p: string, from: number): { text: string; end: number } {
  let i = from + 1;
  let out = '[';
  if (p[i] === '^') {
    out += '^';
    i++;
  }
  if (p[i] === ']') {
    out += '\\]';
    i++;
  }
  for (; i < p.length; i++) {
    const c = p[i]!;
    if (c === ']') return { text: `${out}]`, end: i };
    if (c === '[' && (p[i + 1] === ':' || p[i + 1] === '.' || p[i + 1] === '=')) {
      const close = p.indexOf(`${p[i + 1]}]`, i + 2);
      if (close < 0) throw invalid('brackets [] not balanced');
      const name = p.slice(i + 2, close);
      if (p[i + 1] === ':') {
        const set = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
        if (set === undefined) throw invalid('invalid character class');
        out += set;
      } else {
        out += name.replace(/[\\\]^-]/g, '\\$&');
      }
      i = close + 1;
    } else if (c === '\\') {
      const escaped = readEscape(p, ++i);
      out += escaped.text;
      i = escaped.end;
    } else {
      out += '[&~!#$%*+,.:;<=>?@^`|(){}/'.includes(c) && c !== '^' ? (`[(){}/|`.includes(c) ? `\\${c}` : c) : c;
    }
  }
  throw invalid('brackets [] not balanced');
}

function readEscape(p: string, at: number): { text: string; end: number } {
  const c = p[at]!;
  const simple: Readonly<Record<string, string>> = {
    d: '[0-9]',
    D: '[^0-9]',
    w: '[\\p{L}\\p{Nd}_]',
    W: '[^\\p{L}\\p{Nd}_]',
    s: '\\s',
    S: '\\S',
    A: '(?<![\\s\\S])',
    Z: '(?![\\s\\S])',
    m: '(?<![\\p{L}\\p{Nd}_])(?=[\\p{L}\\p{Nd}_])',
    M: '(?<=[\\p{L}\\p{Nd}_])(?![\\p{L}\\p{Nd}_])',
    y: '(?:(?<![\\p{L}\\p{Nd}_])(?=[\\p{L}\\p{Nd}_])|(?<=[\\p{L}\\p{Nd}_])(?![\\p{L}\\p{Nd}_]))',
    Y: '(?:(?<=[\\p{L}\\p{Nd}_])(?=[\\p{L}\\p{Nd}_])|(?<![\\p{L}\\p{Nd}_])(?![\\p{L}\\p{Nd}_]))',
    a: '\\x07',
    b: '\\x08',
    B: '\\\\',
    e: '\\x1b',
    f: '\\f',
    n: '\\n',
    r: '\\r',
    t: '\\t',
    v: '\\v',
    '0': '\\x00',
  };
  if (Object.hasOwn(simple, c)) return { text: simple[c]!, end: at };
  if (c === 'u' || c === 'x' || c === 'U') {
    const match = (c === 'u' ? /^[0-9a-fA-F]{4}/ : c === 'U' ? /^[0-9a-fA-F]{8}/ : /^[0-9a-fA-F]+/).exec(
      p.slice(at + 1),
    );
    if (match === null) throw invalid('invalid escape \\ sequence');
    return { text: `\\u{${match[0]}}`, end: at + match[0].length };
  }
  if (/[1-9]/.test(c)) return { text: `\\${c}`, end: at };
  if (/[A-Za-z]/.test(c)) throw invalid('invalid escape \\ sequence');
  return { text: /[\\^$.*+?()[\]{}|/-]/.test(c) ? `\\${c}` : c, end: at };
}

interface Regex {
  readonly regex: RegExp;
  readonly risky: boolean;
}
const regexCache = new Cache<Regex>();
/** A repeated group that itself repeats, e.g. (a+)*: exponential when it fails. */
const NESTED_REPEAT = /\((?:[^()\\]|\\.)*(?:[*+]|\{\d+,\d*\})(?:[^()\\]|\\.)*\)(?:[*+]|\{\d+,\d*\})/;

function compileRegex(pattern: string, flags: string): Regex {
  return regexCache.get(`${flags}\0${pattern}`, () => {
    if (pattern.length > PATTERN_MAX) throw invalid('regular expression is too complex');
    let source = pattern;
    let all = flags;
    const embedded = /^(?:\*\*\*:)?\(\?([bceimnpqstwx]+)\)/.exec(source);
    if (embedded !== null) {
      all += embedded[1]!;
      source = source.slice(embedded[0].length);
    }
    const literal = all.includes('q');
    const lineEnds = /[nm]/.test(all);
    const dotStops = lineEnds || all.includes('p');
    const js = `u${all.includes('i') && all.lastIndexOf('i') > all.lastIndexOf('c') ? 'i' : ''}${dotStops ? '' : 's'}${lineEnds || all.includes('w') ? 'm' : ''}d`;
    const translated = literal ? escapeAll(source) : translate(source, all.includes('x'));
    try {
      return { regex: new RegExp(translated, js.replace('d', '')), risky: NESTED_REPEAT.test(source) };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw invalid(
        /parenthes|group/i.test(error.message)
          ? 'parentheses () not balanced'
          : /repeat|quantifier/i.test(error.message)
            ? 'quantifier operand invalid'
            : 'invalid escape \\ sequence',
      );
    }
  });
}

function guard(text: string, compiled: Regex): void {
  if (text.length > SUBJECT_MAX || (compiled.risky && text.length > RISKY_SUBJECT_MAX)) {
    throw sqlError('54001', 'regular expression failed: regular expression is too complex', {
      hint: 'Nested repeats are not run on long strings.',
    });
  }
}

export function regexTest(text: string, pattern: string, flags = ''): boolean {
  const compiled = compileRegex(pattern, flags);
  guard(text, compiled);
  return compiled.regex.test(text);
}

for (const type of ['text', 'name', 'bpchar']) {
  op(`${type} ~ text = bool`, (s: string, p: string) => regexTest(s, p));
  op(`${type} !~ text = bool`, (s: string, p: string) => !regexTest(s, p));
  op(`${type} ~* text = bool`, (s: string, p: string) => regexTest(s, p, 'i'));
  op(`${type} !~* text = bool`, (s: string, p: string) => !regexTest(s, p, 'i'));
}

function checkFlags(flags: string, allowGlobal: boolean, name: string): { plain: string; global: boolean } {
  const bad = /[^bceimnpqstwxg]/.exec(flags);
  if (bad !== null) throw sqlError('22023', `invalid regular expression option: "${bad[0]}"`);
  const global = flags.includes('g');
  if (global && !allowGlobal) {
    throw sqlError(
      '22023',
      `${name} does not support the "global" option`,
      name === 'regexp_match()' ? { hint: 'Use the regexp_matches function instead.' } : undefined,
    );
  }
  return { plain: flags.replaceAll('g', ''), global };
}

function globalOf(compiled: Regex): RegExp {
  return new RegExp(compiled.regex.source, `${compiled.regex.flags}g`);
}

function* matches(text: string, pattern: string, flags: string): Generator<RegExpExecArray> {
  const compiled = compileRegex(pattern, flags);
  guard(text, compiled);
  const regex = globalOf(compiled);
  for (let match = regex.exec(text); match !== null; match = regex.exec(text)) {
    yield match;
    if (match[0] === '') regex.lastIndex += (text.codePointAt(regex.lastIndex) ?? 0) > 0xffff ? 2 : 1;
    if (regex.lastIndex > text.length) return;
  }
}

function groups(match: RegExpExecArray): PgArray {
  const found = match.length === 1 ? [match[0]] : match.slice(1);
  return new PgArray(
    OID.text,
    found.map((group) => group ?? null),
  );
}

function regexpMatch(text: string, pattern: string, flags = ''): Datum {
  const { plain } = checkFlags(flags, false, 'regexp_match()');
  for (const match of matches(text, pattern, plain)) return groups(match);
  return null;
}
fn('regexp_match(text, text) _text', (s: string, p: string) => regexpMatch(s, p));
fn('regexp_match(text, text, text) _text', (s: string, p: string, f: string) => regexpMatch(s, p, f));

function* regexpMatches(text: string, pattern: string, flags = ''): Generator<Datum> {
  const { plain, global } = checkFlags(flags, true, 'regexp_matches()');
  for (const match of matches(text, pattern, plain)) {
    yield groups(match);
    if (!global) return;
  }
}
srf('regexp_matches(text, text) _text', (s: string, p: string) => regexpMatches(s, p));
srf('regexp_matches(text, text, text) _text', (s: string, p: string, f: string) => regexpMatches(s, p, f));

/** \1 … \9, \& and \\ in the replacement. */
function replacement(template: string, match: RegExpExecArray): string {
  return template.replace(/\\([0-9&\\]|.|$)/gs, (whole, c: string) =>
    c === '&' || c === '0' ? match[0] : /[1-9]/.test(c) ? (match[Number(c)] ?? '') : c === '\\' ? '\\' : whole,
  );
}
function regexpReplace(
  text: string,
  pattern: string,
  template: string,
  flags: string,
  start = 1,
  n: number | null = null,
): string {
  const { plain, global } = checkFlags(flags, true, 'regexp_replace()');
  const which = n ?? (global ? 0 : 1);
  const head = Array.from(text)
    .slice(0, start - 1)
    .join('');
  const subject = text.slice(head.length);
  let out = '';
  let last = 0;
  let count = 0;
  for (const match of matches(subject, pattern, plain)) {
    count++;
    if (which !== 0 && count < which) continue;
    out += subject.slice(last, match.index) + replacement(template, match);
    last = match.index + match[0].length;
    if (which !== 0) break;
  }
  return head + out + subject.slice(last);
}
fn('regexp_replace(text, text, text) text', (s: string, p: string, r: string) => regexpReplace(s, p, r, ''));
fn('regexp_replace(text, text, text, text) text', (s: string, p: string, r: string, f: string) => {
  if (/^\d/.test(f)) {
    throw sqlError('22023', `invalid regular expression option: "${f[0]}"`, {
      hint: 'If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.',
    });
  }
  return regexpReplace(s, p, r, f);
});
fn('regexp_replace(text, text, text, int4) text', (s: string, p: string, r: string, start: number) =>
  regexpReplace(s, p, r, '', atLeastOne('start', start)),
);
fn('regexp_replace(text, text, text, int4, int4) text', (s: string, p: string, r: string, start: number, n: number) =>
  regexpReplace(s, p, r, '', atLeastOne('start', start), n),
);
fn(
  'regexp_replace(text, text, text, int4, int4, text) text',
  (s: string, p: string, r: string, start: number, n: number, f: string) =>
    regexpReplace(s, p, r, f, atLeastOne('start', start), n),
);
function atLeastOne(name: string, n: number): number {
  if (n < 1) throw sqlError('22023', `invalid value for parameter "${name}": ${n}`);
  return n;
}

function* regexpSplit(text: string, pattern: string, flags = ''): Generator<string> {
  const { plain } = checkFlags(flags, false, 'regexp_split_to_table()');
  let last = 0;
  for (const match of matches(text, pattern, plain)) {
    const end = match.index + match[0].length;
    // An empty match at either end, or right after a match, splits nothing off.
    if (match[0] === '' && (match.index === 0 || match.index >= text.length || match.index === last)) {
      if (match.index === last && match.index > 0 && match.index < text.length) {
        yield text.slice(last, match.index);
        last = end;
      }
      continue;
    }
    yield text.slice(last, match.index);
    last = end;
  }
  yield text.slice(last);
}
srf('regexp_split_to_table(text, text) text', (s: string, p: string) => regexpSplit(s, p));
srf('regexp_split_to_table(text, text, text) text', (s: string, p: string, f: string) => regexpSplit(s, p, f));
fn('regexp_split_to_array(text, text) _text', (s: string, p: string) => new PgArray(OID.text, [...regexpSplit(s, p)]));
fn(
  'regexp_split_to_array(text, text, text) _text',
  (s: string, p: string, f: string) => new PgArray(OID.text, [...regexpSplit(s, p, f)]),
);

fn('regexp_like(text, text) bool', (s: string, p: string) => regexTest(s, p));
fn('regexp_like(text, text, text) bool', (s: string, p: string, f: string) =>
  regexTest(s, p, checkFlags(f, false, 'regexp_like()').plain),
);
function regexpCount(text: string, pattern: string, start: number, flags: string): number {
  let count = 0;
  for (const match of matches(
    Array.from(text)
      .slice(atLeastOne('start', start) - 1)
      .join(''),
    pattern,
    flags,
  ))
    count += match.length > 0 ? 1 : 0;
  return count;
}
fn('regexp_count(text, text) int4', (s: string, p: string) => regexpCount(s, p, 1, ''));
fn('regexp_count(text, text, int4) int4', (s: string, p: string, start: number) => regexpCount(s, p, start, ''));
fn('regexp_count(text, text, int4, text) int4', (s: string, p: string, start: number, f: string) =>
  regexpCount(s, p, start, checkFlags(f, false, 'regexp_count()').plain),
);
interface Found {
  readonly match: RegExpExecArray;
  /** UTF-16 units before the text that was searched. */
  readonly offset: number;
}

/** The n-th match from a character on; null if there are fewer. */
function nthMatch(text: string, pattern: string, start: number, n: number, flags: string, name: string): Found | null {
  const offset = sliceChars(text, 0, atLeastOne('start', start) - 1).length;
  let left = atLeastOne('n', n);
  for (const match of matches(text.slice(offset), pattern, checkFlags(flags, false, name).plain)) {
    if (--left === 0) return { match, offset };
  }
  return null;
}

function regexpSubstr(text: string, pattern: string, start = 1, n = 1, flags = '', group = 0): Datum {
  if (group < 0) throw sqlError('22023', `invalid value for parameter "subexpr": ${group}`);
  return nthMatch(text, pattern, start, n, flags, 'regexp_substr()')?.match[group] ?? null;
}
fn('regexp_substr(text, text) text', (s: string, p: string) => regexpSubstr(s, p));
fn('regexp_substr(text, text, int4) text', (s: string, p: string, start: number) => regexpSubstr(s, p, start));
fn('regexp_substr(text, text, int4, int4) text', (s: string, p: string, start: number, n: number) =>
  regexpSubstr(s, p, start, n),
);
fn('regexp_substr(text, text, int4, int4, text) text', (s: string, p: string, start: number, n: number, f: string) =>
  regexpSubstr(s, p, start, n, f),
);
fn(
  'regexp_substr(text, text, int4, int4, text, int4) text',
  (s: string, p: string, start: number, n: number, f: string, group: number) => regexpSubstr(s, p, start, n, f, group),
);

/** The place of a match in characters from 1, or (end = 1) the one behind it; 0 without a match. */
function regexpInstr(text: string, pattern: string, start = 1, n = 1, end = 0, flags = '', group = 0): number {
  if (end !== 0 && end !== 1) throw sqlError('22023', `invalid value for parameter "endoption": ${end}`);
  if (group < 0) throw sqlError('22023', `invalid value for parameter "subexpr": ${group}`);
  const found = nthMatch(text, pattern, start, n, flags, 'regexp_instr()');
  if (found === null) return 0;
  const { regex } = compileRegex(pattern, flags);
  const again = new RegExp(regex.source, `${regex.flags}dg`);
  again.lastIndex = found.match.index;
  const place = again.exec(text.slice(found.offset))?.indices?.[group];
  return place === undefined ? 0 : charLength(text.slice(0, found.offset + place[end])) + 1;
}
fn('regexp_instr(text, text) int4', (s: string, p: string) => regexpInstr(s, p));
fn('regexp_instr(text, text, int4) int4', (s: string, p: string, start: number) => regexpInstr(s, p, start));
fn('regexp_instr(text, text, int4, int4) int4', (s: string, p: string, start: number, n: number) =>
  regexpInstr(s, p, start, n),
);
fn('regexp_instr(text, text, int4, int4, int4) int4', (s: string, p: string, start: number, n: number, end: number) =>
  regexpInstr(s, p, start, n, end),
);
fn(
  'regexp_instr(text, text, int4, int4, int4, text) int4',
  (s: string, p: string, start: number, n: number, end: number, f: string) => regexpInstr(s, p, start, n, end, f),
);
fn(
  'regexp_instr(text, text, int4, int4, int4, text, int4) int4',
  (s: string, p: string, start: number, n: number, end: number, f: string, group: number) =>
    regexpInstr(s, p, start, n, end, f, group),
);

/** substring(text from pattern): the first group, else the whole match. */
function substringRegex(text: string, pattern: string): Datum {
  for (const match of matches(text, pattern, '')) return match.length > 1 ? (match[1] ?? null) : match[0];
  return null;
}
fn('substring(text, text) text', substringRegex);

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
