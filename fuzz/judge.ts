/**
 * Whether two answers are the same. Rows count as a multiset unless the statement ends in an order. What an order of
 * evaluation decides is left open: an error of one row's value (class 22) on one side only, and which of several
 * violated constraints is named (class 23).
 */
import type { Answer } from './servers.js';
import { isNewer } from './versions.js';

export type Verdict = 'same' | 'open' | { readonly difference: string };

/** The peer met a state that it knows cannot be: a mistake of its own. */
function isBroken(theirs: Answer): boolean {
  return !theirs.ok && theirs.sqlstate === 'XX000';
}

/** To the last word of an error, for statements that stand alone; `version`: the peer's. */
export function compareExactly(text: string, ours: Answer, theirs: Answer, version = 15): Verdict {
  if (isBroken(theirs) || isNewer(version, text, ours, theirs)) return 'open';
  // PostgreSQL 15 lets the fields of an interval wrap around.
  if (!ours.ok && ours.message === 'interval out of range' && text.includes('make_interval')) return 'open';
  if (ours.ok && theirs.ok) return compareRows(text, ours, theirs);
  // A day before the calendar's first one is refused; PostgreSQL wraps around.
  if (!ours.ok && theirs.ok && ours.sqlstate === '22008' && /'[^']*[JI][^']*'/.test(text)) return 'open';
  if (!ours.ok && !theirs.ok) {
    // Which of two mistakes is met first: PostgreSQL computes what is immutable while it plans.
    if (shownError(ours) !== shownError(theirs) && isNested(text) && isValueError(ours) && isValueError(theirs))
      return 'open';
    // The detail names the first thing that is wrong in the text, which may be one of several.
    if (ours.sqlstate === theirs.sqlstate && ours.message.split('"')[0] === theirs.message.split('"')[0]) return 'same';
    if (ours.sqlstate.startsWith('22') && theirs.sqlstate.startsWith('22') && text.startsWith("SELECT '"))
      return 'open';
  }
  // Text is UTF-8; PostgreSQL knows other encodings, by many names.
  if (!ours.ok && ours.message.startsWith('invalid encoding name')) return 'open';
  // PostgreSQL 15 overflows where a bucket's bounds are far from each other.
  if (text.includes('width_bucket') && theirs.ok && theirs.rows[0]?.[0] === '-2147483648') return 'open';
  // "char" holds one byte, which need not be a character.
  if (text.includes('"char"') && !theirs.ok && theirs.sqlstate === '22021') return 'open';
  // The fraction of a percentile is looked at where there are rows.
  if (ours.ok && !theirs.ok && theirs.message.startsWith('percentile value')) return 'open';
  // What stands in an array's bounds is read by strtol(), whatever follows.
  if (text.startsWith("SELECT '[") && text.includes('[]') && !ours.ok && ours.sqlstate === '22P02') return 'open';
  // PostgreSQL takes nearly anything as a zone of the POSIX kind.
  if (!ours.ok && /^time zone ".*" not recognized$/s.test(ours.message)) return 'open';
  const shown = (one: Answer): string =>
    one.ok ? `rows ${JSON.stringify(one.rows)}` : `${one.sqlstate} ${one.message} ${one.more}`;
  const difference = `ours: ${shown(ours)}; theirs: ${shown(theirs)}`;
  return shown(ours) === shown(theirs) ? 'same' : { difference };
}

function shownError(one: Answer & { ok: false }): string {
  return `${one.sqlstate} ${one.message}`;
}
function isNested(text: string): boolean {
  return (text.match(/pg_catalog\.|\(\(|\( ?[-~@|!]/g) ?? []).length > 1;
}
function isValueError(one: Answer): boolean {
  return !one.ok && /^(22|42601|0A000|54000)/.test(one.sqlstate);
}

/** Functions of the C library that JavaScript's may differ from in the last digit (docs/sql/differences.md). */
const INEXACT = /cbrt|\|\|\/|sin|cos|tan|cot|exp|log|ln|pow|\^|gamma|erf/;

function nearlyEqual(a: string, b: string): boolean {
  const numbers = /-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/g;
  const [x, y] = [a.match(numbers) ?? [], b.match(numbers) ?? []];
  return (
    a.replaceAll(numbers, '') === b.replaceAll(numbers, '') &&
    x.length === y.length &&
    x.every(
      (one, i) =>
        Math.abs(Number(one) - Number(y[i])) <= 1e-12 * Math.max(Math.abs(Number(one)), Math.abs(Number(y[i]))),
    )
  );
}

/** `version`: the peer's. */
export function compare(text: string, ours: Answer, theirs: Answer, version = 15): Verdict {
  if (isBroken(theirs) || isNewer(version, text, ours, theirs)) return 'open';
  if (ours.ok && theirs.ok) return compareRows(text, ours, theirs);
  if (!ours.ok && !theirs.ok) {
    if (ours.sqlstate === theirs.sqlstate) return 'same';
    // A constant's value may be looked at before or after another mistake in the statement.
    if (ours.sqlstate.startsWith('22') || theirs.sqlstate.startsWith('22')) return 'open';
    if (ours.sqlstate.startsWith('23') && theirs.sqlstate.startsWith('23')) return 'open';
    // PostgreSQL looks at keys row by row; ours has looked at all rows, and found something else.
    if (theirs.sqlstate === '23505' && /\b(UPDATE|MERGE)\b/.test(text)) return 'open';
    // A row that is met twice, or one with a key that is there already: whichever comes first.
    const met = [ours.sqlstate, theirs.sqlstate];
    if (/^MERGE| ON CONFLICT /.test(text) && met.includes('21000') && met.some((one) => one.startsWith('23')))
      return 'open';
    return { difference: `ours: ${ours.sqlstate} ${ours.message}; theirs: ${theirs.sqlstate} ${theirs.message}` };
  }
  // A statement removes parents by WITH and adds children of them: here they go the way of the others.
  if (!theirs.ok && theirs.sqlstate === '23503' && /^WITH .*\bDELETE FROM\b.*\bINSERT INTO\b/s.test(text))
    return 'open';
  const failed = ours.ok ? theirs : ours;
  // A statement holds its rows in memory, up to statement_memory_limit.
  if (!ours.ok && ours.sqlstate === '53200') return 'open';
  // A parameter whose type nothing tells is text.
  if (!theirs.ok && /^42P(08|18)$/.test(theirs.sqlstate)) return 'open';
  // Two subqueries that read alike are two.
  if (!ours.ok && ours.sqlstate === '42P10' && /DISTINCT ON.*\(SELECT/.test(text)) return 'open';
  // Texts of two collations are refused when they are compared, and what is around decides whether they are.
  if (
    !failed.ok &&
    failed.sqlstate === '42P22' &&
    / (AND|OR|BETWEEN|IN|CASE|FILTER|JOIN) |coalesce|\) = \(\(SELECT/.test(text)
  )
    return 'open';
  // PostgreSQL looks at keys row by row, in the order in which it finds the rows.
  if (!failed.ok && failed.sqlstate === '23505' && ours.ok && /\b(UPDATE|MERGE)\b/.test(text)) return 'open';
  if (!failed.ok && (failed.sqlstate.startsWith('22') || / multidimensional /.test(failed.message))) return 'open';
  const shown = failed.ok ? '' : `${failed.sqlstate} ${failed.message}`;
  return { difference: ours.ok ? `theirs fails: ${shown}` : `ours fails: ${shown}` };
}

/** Of a statement that is taken back where it fails: what is not there (0A000), and which of several reasons is told, is left open. */
export function compareGuarded(text: string, ours: Answer, theirs: Answer, version = 15): Verdict {
  if (!ours.ok && ours.sqlstate === '0A000') return 'open';
  // A view that would read itself is refused when it is replaced, not when it is read; SQL functions are not looked into.
  if (!ours.ok && ours.sqlstate === '42P17' && /^infinite recursion|mutable|IMMUTABLE/.test(ours.message))
    return 'open';
  // PostgreSQL may meet a conflict with another constraint before it comes to the deferrable one.
  if (!ours.ok && ours.message.startsWith('ON CONFLICT does not support deferrable')) return 'open';
  // It looks into SQL functions when it plans, rows or not.
  if (
    !theirs.ok &&
    theirs.sqlstate.startsWith('42') &&
    ours.ok &&
    ours.rows.length === 0 &&
    text.startsWith('EXECUTE q6')
  )
    return 'open';
  // A literal in a row is a text here.
  if (!theirs.ok && ours.ok && theirs.message.endsWith(' comparison function for type unknown')) return 'open';
  if (ours.ok && theirs.ok) {
    const [shown, wanted] = [ours, theirs].map((one) => JSON.stringify(one.rows)) as [string, string];
    if (shown !== wanted && shown.replaceAll(/(ROW\([^()]*')::text/g, '$1') === wanted) return 'open';
  }
  // The type of a column was a domain over what it is now.
  if (!theirs.ok && theirs.message.startsWith('cached plan must not') && ours.ok && /^EXECUTE q[12346]/.test(text))
    return 'open';
  if (!ours.ok && !theirs.ok && ours.sqlstate !== '' && !ours.sqlstate.startsWith('XX'))
    return ours.sqlstate === theirs.sqlstate ? 'same' : 'open';
  return compare(text, ours, theirs, version);
}

function sortedAlike(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join('\n') === b.toSorted().join('\n');
}

function compareRows(
  text: string,
  ours: Extract<Answer, { ok: true }>,
  theirs: Extract<Answer, { ok: true }>,
): Verdict {
  // Types that users make have numbers of their own on each side.
  const [x, y] = [ours, theirs].map(({ types }) => types.map((oid) => Math.min(oid, 16384)).join());
  if (x !== y) {
    return { difference: `types: ours ${ours.types.join(' ')}, theirs ${theirs.types.join(' ')}` };
  }
  const ordered = / ORDER BY [\d ,A-Z]+$/.test(text);
  const lines = [ours, theirs].map(({ rows }) => rows.map((row) => row.map((value) => value ?? '∅').join(' | ')));
  const [a, b] = lines.map((one) => (ordered ? one : one.toSorted())) as [string[], string[]];
  if (a.join('\n') !== b.join('\n')) {
    // Equal numbers that look different (7 and 7.00) come in any order, and any of them may stand for all.
    const alike = lines.map((one) => {
      const plain = one.map((line) =>
        line.replace(/(?<=\d)\.(\d*?)0+(?!\d)/g, (_, kept) => (kept === '' ? '' : `.${kept}`)),
      );
      return (ordered ? plain : plain.sort()).join('\n');
    });
    if (alike[0] === alike[1]) {
      if (lines[0]!.toSorted().join('\n') === lines[1]!.toSorted().join('\n')) return 'same';
      if (/ (DISTINCT|UNION|INTERSECT|EXCEPT|GROUP BY|LIMIT|OVER) /.test(text)) return 'open';
    }
    const at = a.findIndex((line, i) => line !== b[i]);
    if (INEXACT.test(text) && a.length === b.length && a.every((line, i) => line === b[i] || nearlyEqual(line, b[i]!)))
      return 'open';
    // Equal values that look different (1 day and 24:00:00) stand in any order.
    if (text.includes('dense_rank() OVER (ORDER BY v)') && sortedAlike(lines[0]!, lines[1]!)) return 'open';
    const first = at < 0 ? a.length : at;
    return {
      difference: `${a.length} rows, theirs ${b.length}; first difference: ours ${a[first] ?? '(none)'}, theirs ${b[first] ?? '(none)'}`,
    };
  }
  if (ours.types.length === 0 && ours.count !== theirs.count && /^(INSERT|UPDATE|DELETE|MERGE)/.test(text)) {
    return { difference: `rows changed: ours ${ours.count}, theirs ${theirs.count}` };
  }
  return 'same';
}
