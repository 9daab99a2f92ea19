/**
 * Sets of code points, as sorted inclusive ranges in one flat list: [lo, hi, lo, hi, …]. Adjacent ranges are merged,
 * so that equal sets have equal lists.
 */
export type CharSet = readonly number[];

export const LAST_CODE_POINT = 0x10ffff;
export const EVERY: CharSet = [0, LAST_CODE_POINT];
export const NEWLINE: CharSet = [10, 10];

export function setOf(ranges: readonly (readonly [number, number])[]): CharSet {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  for (const [lo, hi] of sorted) {
    const last = out.length - 1;
    if (last > 0 && lo <= out[last]! + 1) out[last] = Math.max(out[last]!, hi);
    else out.push(lo, hi);
  }
  return out;
}

function pairs(set: CharSet): [number, number][] {
  const out: [number, number][] = [];
  for (let i = 0; i < set.length; i += 2) out.push([set[i]!, set[i + 1]!]);
  return out;
}

export function union(sets: readonly CharSet[]): CharSet {
  return sets.length === 1 ? sets[0]! : setOf(sets.flatMap(pairs));
}

export function complement(set: CharSet): CharSet {
  const out: number[] = [];
  let from = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i]! > from) out.push(from, set[i]! - 1);
    from = set[i + 1]! + 1;
  }
  if (from <= LAST_CODE_POINT) out.push(from, LAST_CODE_POINT);
  return out;
}

/** Found by trying all code points, once for each class that is used. */
function having(property: RegExp): CharSet {
  const out: number[] = [];
  let open = -1;
  for (let c = 0; c <= LAST_CODE_POINT; c++) {
    const has = property.test(String.fromCodePoint(c));
    if (has && open < 0) open = c;
    else if (!has && open >= 0) {
      out.push(open, c - 1);
      open = -1;
    }
  }
  if (open >= 0) out.push(open, LAST_CODE_POINT);
  return out;
}

/** What the C library says in a UTF-8 locale: digits of other scripts count as letters, no-break spaces are no spaces. */
const SPACES = /[\t-\r \u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000]/u;
const PROPERTIES: Readonly<Record<string, RegExp>> = {
  alpha: /[\p{L}\p{Nl}]|(?![0-9])\p{Nd}/u,
  alnum: /[\p{L}\p{Nl}\p{Nd}]/u,
  word: /[\p{L}\p{Nl}\p{Nd}_]/u,
  upper: /\p{Lu}/u,
  lower: /\p{Ll}/u,
  punct: /[!-/:-@[-`{-~]|(?![\0-\x7f])[\p{P}\p{S}]/u,
  graph: /[!-~]|(?![\0-\x7f])[\p{L}\p{N}\p{M}\p{P}\p{S}\p{Cf}]/u,
  print: /[ -~]|(?![\0-\x7f])[\p{L}\p{N}\p{M}\p{P}\p{S}\p{Cf}\p{Zs}]/u,
  space: SPACES,
  blank: /[\t \u1680\u2000-\u2006\u2008-\u200a\u205f\u3000]/u,
  cntrl: /[\p{Cc}\u2028\u2029]/u,
};
const FIXED: Readonly<Record<string, CharSet>> = {
  digit: [48, 57],
  xdigit: [48, 57, 65, 70, 97, 102],
  ascii: [0, 127],
};
const known = new Map<string, CharSet>();

/** null: no class has the name. `ascii`: those of its characters that are ASCII. */
export function classNamed(name: string, ascii = false): CharSet | null {
  const set = wholeClass(name);
  return set === null || !ascii ? set : asciiOf(set);
}

function asciiOf(set: CharSet): CharSet {
  return setOf(
    pairs(set)
      .filter(([lo]) => lo < 0x80)
      .map(([lo, hi]) => [lo, Math.min(hi, 0x7f)]),
  );
}

function wholeClass(name: string): CharSet | null {
  if (Object.hasOwn(FIXED, name)) return FIXED[name]!;
  if (!Object.hasOwn(PROPERTIES, name)) return null;
  let set = known.get(name);
  if (set === undefined) known.set(name, (set = having(PROPERTIES[name]!)));
  return set;
}

function variantsOf(c: number): number[] {
  const text = String.fromCodePoint(c);
  const out: number[] = [];
  for (const other of [text.toLowerCase(), text.toUpperCase()]) {
    const code = other.codePointAt(0)!;
    if (code !== c && other.length === (code > 0xffff ? 2 : 1)) out.push(code);
  }
  return out;
}

/** The last letter that has an upper or lower case is below. */
const CASED_END = 0x1e944;
let cased: readonly number[] | null = null;
function casedLetters(): readonly number[] {
  if (cased !== null) return cased;
  const found: number[] = [];
  for (let c = 0x80; c < CASED_END; c++) if (variantsOf(c).length > 0) found.push(c);
  return (cased = found);
}

/** With the other case of every letter. */
export function bothCases(set: CharSet, ascii = false): CharSet {
  if (ascii) return union([set, asciiOf(bothCases(asciiOf(set)))]);
  const more: [number, number][] = pairs(set);
  for (const [lo, hi] of pairs(set)) {
    for (let c = Math.max(lo, 65); c <= Math.min(hi, 122); c++) {
      for (const other of variantsOf(c)) more.push([other, other]);
    }
    if (hi < 0x80) continue;
    const letters = hi - lo < 64 ? Array.from({ length: hi - lo + 1 }, (_, i) => lo + i) : casedLetters();
    for (const c of letters) {
      if (c >= 0x80 && c >= lo && c <= hi) for (const other of variantsOf(c)) more.push([other, other]);
    }
  }
  return setOf(more);
}

export function sameLetter(a: number, b: number, ascii = false): boolean {
  if (ascii && (a >= 0x80 || b >= 0x80)) return a === b;
  return a === b || String.fromCodePoint(a).toLowerCase() === String.fromCodePoint(b).toLowerCase();
}
