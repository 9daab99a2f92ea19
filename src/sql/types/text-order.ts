/**
 * Text order is that of the code points, which is the order of the UTF-8 bytes ("C" collation). JavaScript
 * compares UTF-16 units, which differs only where a surrogate meets a unit from U+E000 up.
 */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      if (x >= 0xd800 && y >= 0xd800) {
        const xs = x < 0xe000;
        const ys = y < 0xe000;
        if (xs !== ys) return xs ? 1 : -1;
      }
      return x < y ? -1 : 1;
    }
  }
  return a.length < b.length ? -1 : 1;
}

/** bpchar: trailing blanks do not count. */
export function stripBlanks(s: string): string {
  let end = s.length;
  while (end > 0 && s.charCodeAt(end - 1) === 32) end--;
  return end === s.length ? s : s.slice(0, end);
}

/** Length in characters, not UTF-16 units. */
export function charLength(s: string): number {
  let count = s.length;
  // The engine knows of most texts that they hold no such units.
  if (count > 64 && !hasSurrogates(s)) return count;
  for (let i = 0; i < s.length; i++) {
    const unit = s.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00) {
      count--;
      i++;
    }
  }
  return count;
}

/** True if it has surrogates, so that characters and units differ. */
export function hasSurrogates(s: string): boolean {
  return /[\ud800-\udfff]/.test(s);
}

/** slice() by characters. */
export function sliceChars(s: string, from: number, to: number): string {
  if (!hasSurrogates(s)) return s.slice(from, to);
  const start = unitAt(s, 0, from);
  return s.slice(start, unitAt(s, start, to - from));
}

/** Where one is after `count` characters from `at`. */
function unitAt(s: string, at: number, count: number): number {
  let i = at;
  for (let left = count; left > 0 && i < s.length; left--) i += s.codePointAt(i)! > 0xffff ? 2 : 1;
  return i;
}
