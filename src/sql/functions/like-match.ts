/**
 * LIKE and ILIKE. A pattern is its runs between the % signs; each but the first and the last is looked for where the one
 * before ended, so the text is read once from left to right.
 *
 * Cost: runs of plain characters are found in linear time; those with a _ inside in the time of a bit-parallel
 * search, text times run over 32. What needs more than STEPS_MAX steps is refused, since a match holds the event loop.
 *
 * Without a _ units are compared: no half of a surrogate pair matches anything but itself. With one, code points.
 */
import { sqlError } from '../../base/errors.js';
import { lowerOf } from '../types/letter-case.js';
import { hasSurrogates } from '../types/text-order.js';

/** Stands for _ among code points. */
const ANY = -1;
/** About a fifth of a second. */
const STEPS_MAX = 200_000_000;
/** Runs up to here are tried at every place. */
const NAIVE_MAX = 32;
const CACHE_MAX = 512;
/** Longer patterns are not kept. */
const CACHED_PATTERN_MAX = 1024;

type Run = ArrayLike<number>;

interface Pattern {
  /** Between the % signs, if there is no _ at all. */
  readonly plain: readonly string[] | null;
  readonly runs: readonly Run[];
  /** It ends with an escape character: an error for a text that has something where that stands. */
  readonly dangling: boolean;
}

const cache = new Map<string, Pattern>();

export function like(text: string, pattern: string, escape = '\\', fold = false): boolean {
  const wanted = patternOf(pattern, escape, fold);
  const read = fold ? lowerOf(text) : text;
  const matches = wanted.plain === null ? matchesRuns(codesOf(read), wanted.runs) : matchesPlain(read, wanted.plain);
  if (!wanted.dangling) return matches;
  if (matches) throw sqlError('22025', 'LIKE pattern must not end with escape character');
  return false;
}

function patternOf(pattern: string, escape: string, fold: boolean): Pattern {
  if (pattern.length > CACHED_PATTERN_MAX) return compile(fold ? lowerOf(pattern) : pattern, escape);
  const key = `${fold ? 'i' : 'c'}${escape}\0${pattern}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = compile(fold ? lowerOf(pattern) : pattern, escape);
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(key, made);
  return made;
}

function compile(pattern: string, escape: string): Pattern {
  const runs: number[][] = [[]];
  const escapeCode = escape === '' ? null : escape.codePointAt(0)!;
  let gaps = false;
  let dangling = false;
  for (let i = 0; i < pattern.length; i++) {
    let code = pattern.codePointAt(i)!;
    if (code > 0xffff) i++;
    const run = runs[runs.length - 1]!;
    if (code === escapeCode) {
      i++;
      if (i >= pattern.length) {
        run.push(ANY);
        runs.push([]);
        dangling = gaps = true;
        break;
      }
      code = pattern.codePointAt(i)!;
      if (code > 0xffff) i++;
      run.push(code);
    } else if (code === 37) runs.push([]);
    else if (code === 95) {
      run.push(ANY);
      gaps = true;
    } else run.push(code);
  }
  return gaps ? { plain: null, runs, dangling } : { plain: runs.map(textOf), runs: [], dangling };
}

function textOf(codes: readonly number[]): string {
  let text = '';
  for (const code of codes) text += String.fromCodePoint(code);
  return text;
}

function codesOf(text: string): Run {
  const codes = new Int32Array(text.length);
  if (!hasSurrogates(text)) {
    for (let i = 0; i < text.length; i++) codes[i] = text.charCodeAt(i);
    return codes;
  }
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i)!;
    if (code > 0xffff) i++;
    codes[count++] = code;
  }
  return codes.subarray(0, count);
}

// ---- without _ ----

function matchesPlain(text: string, runs: readonly string[]): boolean {
  const first = runs[0]!;
  if (runs.length === 1) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (let r = 1; r < runs.length - 1; r++) {
    const run = runs[r]!;
    if (run === '') continue;
    const found = run.length <= NAIVE_MAX ? text.indexOf(run, at) : findLong(text, run, at);
    if (found < 0) return false;
    at = found + run.length;
  }
  const last = runs[runs.length - 1]!;
  return text.length - last.length >= at && text.endsWith(last);
}

/** indexOf in linear time whatever the two are (Knuth, Morris and Pratt). */
export function findLong(text: string, part: string, from: number): number {
  const size = part.length;
  if (text.length - from < size) return -1;
  // How much of the part's beginning ends what has been matched, by the length of that.
  const shorter = new Int32Array(size + 1);
  for (let i = 1, k = 0; i < size; i++) {
    const unit = part.charCodeAt(i);
    while (k > 0 && part.charCodeAt(k) !== unit) k = shorter[k]!;
    if (part.charCodeAt(k) === unit) k++;
    shorter[i + 1] = k;
  }
  for (let i = from, k = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    while (k > 0 && part.charCodeAt(k) !== unit) k = shorter[k]!;
    if (part.charCodeAt(k) === unit) k++;
    if (k === size) return i - size + 1;
  }
  return -1;
}

// ---- with _ ----

function matchesRuns(text: Run, runs: readonly Run[]): boolean {
  const first = runs[0]!;
  if (!standsAt(text, 0, first)) return false;
  if (runs.length === 1) return first.length === text.length;
  let at = first.length;
  const budget = { left: STEPS_MAX };
  for (let r = 1; r < runs.length - 1; r++) {
    at = findRun(text, runs[r]!, at, budget);
    if (at < 0) return false;
  }
  const last = runs[runs.length - 1]!;
  return text.length - last.length >= at && standsAt(text, text.length - last.length, last);
}

function standsAt(text: Run, at: number, run: Run): boolean {
  if (at + run.length > text.length) return false;
  for (let i = 0; i < run.length; i++) if (run[i] !== ANY && run[i] !== text[at + i]) return false;
  return true;
}

interface StepBudget {
  left: number;
}

function spend(budget: StepBudget, steps: number): void {
  budget.left -= steps;
  if (budget.left < 0) throw sqlError('54000', 'LIKE pattern is too complex for this string');
}

/** Behind the first place of the run from `at` on; -1: nowhere. */
function findRun(text: Run, run: Run, at: number, budget: StepBudget): number {
  // Between % signs, _ at either end only ask for that many characters.
  let from = 0;
  while (from < run.length && run[from] === ANY) from++;
  let to = run.length;
  while (to > from && run[to - 1] === ANY) to--;
  if (from === to) return at + run.length <= text.length ? at + run.length : -1;
  const core = Array.from({ length: to - from }, (_, i) => run[from + i]!);
  const start = at + from;
  const found = core.length <= NAIVE_MAX ? findShort(text, core, start) : findBits(text, core, start, budget);
  const end = found + core.length + (run.length - to);
  return found < 0 || end > text.length ? -1 : end;
}

function findShort(text: Run, run: readonly number[], from: number): number {
  for (let at = from; at + run.length <= text.length; at++) if (standsAt(text, at, run)) return at;
  return -1;
}

/** All places at once, a bit for each beginning of the run that may end here (Baeza-Yates and Gonnet). */
function findBits(text: Run, run: readonly number[], from: number, budget: StepBudget): number {
  const words = (run.length + 31) >>> 5;
  spend(budget, words * Math.max(0, text.length - from));
  const any = new Int32Array(words);
  const masks = new Map<number, Int32Array>();
  for (let i = 0; i < run.length; i++) if (run[i] === ANY) any[i >>> 5]! |= 1 << (i & 31);
  for (let i = 0; i < run.length; i++) {
    const code = run[i]!;
    if (code === ANY) continue;
    let mask = masks.get(code);
    if (mask === undefined) {
      spend(budget, words);
      masks.set(code, (mask = any.slice()));
    }
    mask[i >>> 5]! |= 1 << (i & 31);
  }
  const state = new Int32Array(words);
  const last = run.length - 1;
  for (let at = from; at < text.length; at++) {
    const mask = masks.get(text[at]!) ?? any;
    let carry = 1;
    for (let w = 0; w < words; w++) {
      const word = state[w]!;
      state[w] = ((word << 1) | carry) & mask[w]!;
      carry = word >>> 31;
    }
    if (((state[last >>> 5]! >>> (last & 31)) & 1) === 1) return at - last;
  }
  return -1;
}
