/** The operators and functions of POSIX regular expressions, on the engine in ../regex. Compiled patterns are kept. */
import { sqlError } from '../../base/errors.js';
import { type Match, Regex } from '../regex/regex.js';
import { optionsOf } from '../regex/syntax.js';
import { PgArray } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { TextBuilder } from '../types/text-builder.js';
import { charLength, sliceChars } from '../types/text-order.js';
import { fn, op, srf } from './define.js';
import type { CallInfo } from './entry.js';

const KEPT_MAX = 128;
/** Of all kept patterns together, in characters: automata grow with them. */
const KEPT_LENGTH_MAX = 64 * 1024;

const kept = new Map<string, Regex>();
let keptLength = 0;

/** With the letters that its collation knows: of "C" only those of ASCII. */
export interface Pattern {
  readonly source: string;
  readonly ascii: boolean;
}

function compiled({ source, ascii }: Pattern, flags: string): Regex {
  const key = `${ascii ? 'C' : ''}${flags}\0${source}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const regex = new Regex(source, { ...optionsOf(flags), asciiLetters: ascii });
  if (kept.size >= KEPT_MAX || keptLength + key.length > KEPT_LENGTH_MAX) {
    kept.clear();
    keptLength = 0;
  }
  kept.set(key, regex);
  keptLength += key.length;
  return regex;
}

export function regexTest(text: string, source: string, flags = ''): boolean {
  return compiled({ source, ascii: false }, flags).test(text);
}

function test(text: string, pattern: Pattern, flags = ''): boolean {
  return compiled(pattern, flags).test(text);
}

/** `impl` takes the pattern, which is the second argument, under the call's collation. */
function underCollation<R>(
  impl: (text: string, pattern: Pattern, ...more: never[]) => R,
): (text: string, pattern: string, ...more: unknown[]) => R {
  return (text, source, ...more) => {
    // Behind the arguments come the context and the call's types.
    const { collation } = more.pop() as CallInfo;
    more.pop();
    return impl(text, { source, ascii: collation?.asciiLetters === true }, ...(more as never[]));
  };
}

type Rest = (text: string, pattern: Pattern, ...more: never[]) => Datum;

function regexFn(signature: string, impl: Rest): void {
  fn(signature, underCollation(impl));
}
function regexSrf(
  signature: string,
  rows: (text: string, pattern: Pattern, ...more: never[]) => Iterable<Datum>,
): void {
  srf(signature, underCollation(rows));
}

for (const type of ['text', 'name', 'bpchar']) {
  op(
    `${type} ~ text = bool`,
    underCollation((s: string, p: Pattern) => test(s, p)),
  );
  op(
    `${type} !~ text = bool`,
    underCollation((s: string, p: Pattern) => !test(s, p)),
  );
  op(
    `${type} ~* text = bool`,
    underCollation((s: string, p: Pattern) => test(s, p, 'i')),
  );
  op(
    `${type} !~* text = bool`,
    underCollation((s: string, p: Pattern) => !test(s, p, 'i')),
  );
}

function checkFlags(flags: string, allowGlobal: boolean, name: string): { plain: string; global: boolean } {
  const bad = /[^bceimnpqstwxg]/u.exec(flags);
  if (bad !== null) throw sqlError('22023', `invalid regular expression option: "${bad[0]}"`);
  const global = flags.includes('g');
  if (global && !allowGlobal) {
    throw sqlError(
      '22023',
      `${name} does not support the "global" option`,
      name === 'regexp_match()' ? { hint: 'Use the regexp_matches function instead.' } : undefined,
    );
  }
  // As a function's option PostgreSQL takes e for b; as an embedded one it does not.
  return { plain: flags.replaceAll('g', '').replaceAll('e', 'b'), global };
}

/** null: the text has no such character. */
function offsetOf(text: string, start: number): number | null {
  return start > charLength(text) + 1 ? null : sliceChars(text, 0, start - 1).length;
}

function* matches(text: string, pattern: Pattern, flags: string, start = 1): Generator<Match> {
  const regex = compiled(pattern, flags);
  const from = offsetOf(text, start);
  if (from !== null) yield* regex.matches(text, from);
}

function piece(text: string, place: Match[number] | undefined): string | null {
  return place === null || place === undefined ? null : text.slice(place[0], place[1]);
}

function groups(text: string, match: Match): PgArray {
  const places = match.length === 1 ? match : match.slice(1);
  return new PgArray(
    OID.text,
    places.map((place) => piece(text, place)),
  );
}

function regexpMatch(text: string, pattern: Pattern, flags = ''): Datum {
  const { plain } = checkFlags(flags, false, 'regexp_match()');
  for (const match of matches(text, pattern, plain)) return groups(text, match);
  return null;
}
regexFn('regexp_match(text, text) _text', (s: string, p: Pattern) => regexpMatch(s, p));
regexFn('regexp_match(text, text, text) _text', (s: string, p: Pattern, f: string) => regexpMatch(s, p, f));

function* regexpMatches(text: string, pattern: Pattern, flags = ''): Generator<Datum> {
  const { plain, global } = checkFlags(flags, true, 'regexp_matches()');
  for (const match of matches(text, pattern, plain)) {
    yield groups(text, match);
    if (!global) return;
  }
}
regexSrf('regexp_matches(text, text) _text', (s: string, p: Pattern) => regexpMatches(s, p));
regexSrf('regexp_matches(text, text, text) _text', (s: string, p: Pattern, f: string) => regexpMatches(s, p, f));

/** \1 … \9, \& and \\ in the replacement. */
function replacement(template: string, text: string, match: Match): string {
  if (!template.includes('\\')) return template;
  const out = new TextBuilder();
  let last = 0;
  for (let at = template.indexOf('\\'); at >= 0; at = template.indexOf('\\', last)) {
    const c = template[at + 1] ?? '';
    out.add(template.slice(last, at));
    if (c === '&') out.add(piece(text, match[0])!);
    else if (/[1-9]/.test(c)) out.add(piece(text, match[Number(c)]) ?? '');
    else out.add(c === '\\' ? c : `\\${c}`);
    last = at + 1 + c.length;
  }
  out.add(template.slice(last));
  return out.text();
}

function regexpReplace(
  text: string,
  pattern: Pattern,
  template: string,
  flags: string,
  start = 1,
  n: number | null = null,
): string {
  const { plain, global } = checkFlags(flags, true, 'regexp_replace()');
  const which = n ?? (global ? 0 : 1);
  const out = new TextBuilder();
  let last = 0;
  let count = 0;
  for (const match of matches(text, pattern, plain, start)) {
    count++;
    if (which !== 0 && count < which) continue;
    const [from, to] = match[0]!;
    out.add(text.slice(last, from));
    out.add(replacement(template, text, match));
    last = to;
    if (which !== 0) break;
  }
  out.add(text.slice(last));
  return out.text();
}
regexFn('regexp_replace(text, text, text) text', (s: string, p: Pattern, r: string) => regexpReplace(s, p, r, ''));
regexFn('regexp_replace(text, text, text, text) text', (s: string, p: Pattern, r: string, f: string) => {
  if (/^\d/.test(f)) {
    throw sqlError('22023', `invalid regular expression option: "${f[0]}"`, {
      hint: 'If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.',
    });
  }
  return regexpReplace(s, p, r, f);
});
regexFn('regexp_replace(text, text, text, int4) text', (s: string, p: Pattern, r: string, start: number) =>
  regexpReplace(s, p, r, '', atLeastOne('start', start)),
);
regexFn(
  'regexp_replace(text, text, text, int4, int4) text',
  (s: string, p: Pattern, r: string, start: number, n: number) =>
    regexpReplace(s, p, r, '', atLeastOne('start', start), notNegative('n', n)),
);
regexFn(
  'regexp_replace(text, text, text, int4, int4, text) text',
  (s: string, p: Pattern, r: string, start: number, n: number, f: string) =>
    regexpReplace(s, p, r, f, atLeastOne('start', start), notNegative('n', n)),
);
function atLeastOne(name: string, n: number): number {
  if (n < 1) throw sqlError('22023', `invalid value for parameter "${name}": ${n}`);
  return n;
}
function notNegative(name: string, n: number): number {
  if (n < 0) throw sqlError('22023', `invalid value for parameter "${name}": ${n}`);
  return n;
}

function* regexpSplit(text: string, pattern: Pattern, flags: string, name: string): Generator<string> {
  const { plain } = checkFlags(flags, false, name);
  let last = 0;
  let before = 0;
  for (const match of matches(text, pattern, plain)) {
    const [from, to] = match[0]!;
    // An empty match at either end, or right after a match, splits nothing off.
    if (from < text.length && to > before) {
      yield text.slice(last, from);
      last = to;
    }
    before = to;
  }
  yield text.slice(last);
}
const TO_TABLE = 'regexp_split_to_table()';
const TO_ARRAY = 'regexp_split_to_array()';
regexSrf('regexp_split_to_table(text, text) text', (s: string, p: Pattern) => regexpSplit(s, p, '', TO_TABLE));
regexSrf('regexp_split_to_table(text, text, text) text', (s: string, p: Pattern, f: string) =>
  regexpSplit(s, p, f, TO_TABLE),
);
regexFn(
  'regexp_split_to_array(text, text) _text',
  (s: string, p: Pattern) => new PgArray(OID.text, [...regexpSplit(s, p, '', TO_ARRAY)]),
);
regexFn(
  'regexp_split_to_array(text, text, text) _text',
  (s: string, p: Pattern, f: string) => new PgArray(OID.text, [...regexpSplit(s, p, f, TO_ARRAY)]),
);

regexFn('regexp_like(text, text) bool', (s: string, p: Pattern) => test(s, p));
regexFn('regexp_like(text, text, text) bool', (s: string, p: Pattern, f: string) =>
  test(s, p, checkFlags(f, false, 'regexp_like()').plain),
);

function regexpCount(text: string, pattern: Pattern, start: number, flags: string): number {
  let count = 0;
  for (const match of matches(text, pattern, flags, atLeastOne('start', start))) count += match.length > 0 ? 1 : 0;
  return count;
}
regexFn('regexp_count(text, text) int4', (s: string, p: Pattern) => regexpCount(s, p, 1, ''));
regexFn('regexp_count(text, text, int4) int4', (s: string, p: Pattern, start: number) => regexpCount(s, p, start, ''));
regexFn('regexp_count(text, text, int4, text) int4', (s: string, p: Pattern, start: number, f: string) =>
  regexpCount(s, p, atLeastOne('start', start), checkFlags(f, false, 'regexp_count()').plain),
);

function checkStart(start: number, n: number): void {
  atLeastOne('start', start);
  atLeastOne('n', n);
}

/** The n-th match from a character on; null if there are fewer. */
function nthMatch(text: string, pattern: Pattern, start: number, n: number, flags: string, name: string): Match | null {
  let left = n;
  for (const match of matches(text, pattern, checkFlags(flags, false, name).plain, start)) {
    if (--left === 0) return match;
  }
  return null;
}

/** Without any groups the first one is the whole match. */
function part(match: Match | null, group: number): Match[number] {
  if (match === null) return null;
  return (match.length === 1 && group === 1 ? match[0] : match[group]) ?? null;
}

function regexpSubstr(text: string, pattern: Pattern, start = 1, n = 1, flags = '', group = 0): Datum {
  checkStart(start, n);
  if (group < 0) throw sqlError('22023', `invalid value for parameter "subexpr": ${group}`);
  return piece(text, part(nthMatch(text, pattern, start, n, flags, 'regexp_substr()'), group));
}
regexFn('regexp_substr(text, text) text', (s: string, p: Pattern) => regexpSubstr(s, p));
regexFn('regexp_substr(text, text, int4) text', (s: string, p: Pattern, start: number) => regexpSubstr(s, p, start));
regexFn('regexp_substr(text, text, int4, int4) text', (s: string, p: Pattern, start: number, n: number) =>
  regexpSubstr(s, p, start, n),
);
regexFn(
  'regexp_substr(text, text, int4, int4, text) text',
  (s: string, p: Pattern, start: number, n: number, f: string) => regexpSubstr(s, p, start, n, f),
);
regexFn(
  'regexp_substr(text, text, int4, int4, text, int4) text',
  (s: string, p: Pattern, start: number, n: number, f: string, group: number) => regexpSubstr(s, p, start, n, f, group),
);

/** The place of a match in characters from 1, or (end = 1) the one behind it; 0 without a match. */
function regexpInstr(text: string, pattern: Pattern, start = 1, n = 1, end = 0, flags = '', group = 0): number {
  checkStart(start, n);
  if (end !== 0 && end !== 1) throw sqlError('22023', `invalid value for parameter "endoption": ${end}`);
  if (group < 0) throw sqlError('22023', `invalid value for parameter "subexpr": ${group}`);
  const place = part(nthMatch(text, pattern, start, n, flags, 'regexp_instr()'), group);
  return place === null ? 0 : charLength(text.slice(0, place[end])) + 1;
}
regexFn('regexp_instr(text, text) int4', (s: string, p: Pattern) => regexpInstr(s, p));
regexFn('regexp_instr(text, text, int4) int4', (s: string, p: Pattern, start: number) => regexpInstr(s, p, start));
regexFn('regexp_instr(text, text, int4, int4) int4', (s: string, p: Pattern, start: number, n: number) =>
  regexpInstr(s, p, start, n),
);
regexFn(
  'regexp_instr(text, text, int4, int4, int4) int4',
  (s: string, p: Pattern, start: number, n: number, end: number) => regexpInstr(s, p, start, n, end),
);
regexFn(
  'regexp_instr(text, text, int4, int4, int4, text) int4',
  (s: string, p: Pattern, start: number, n: number, end: number, f: string) => regexpInstr(s, p, start, n, end, f),
);
regexFn(
  'regexp_instr(text, text, int4, int4, int4, text, int4) int4',
  (s: string, p: Pattern, start: number, n: number, end: number, f: string, group: number) =>
    regexpInstr(s, p, start, n, end, f, group),
);

/** substring(text from pattern): the first group, else the whole match. */
export function substringRegex(text: string, pattern: Pattern): Datum {
  for (const match of matches(text, pattern, '')) return piece(text, match[match.length > 1 ? 1 : 0]);
  return null;
}
regexFn('substring(text, text) text', substringRegex);
