/**
 * Whether two answers are the same. Rows count as a multiset unless the statement ends in an order. What an order of
 * evaluation decides is left open: an error of one row's value (class 22) on one side only, and which of several
 * violated constraints is named (class 23).
 */
import type { Answer } from './servers.js';

export type Verdict = 'same' | 'open' | { readonly difference: string };

/** To the last word of an error, for statements that stand alone. */
export function compareExactly(text: string, ours: Answer, theirs: Answer): Verdict {
  if (ours.ok && theirs.ok) return compareRows(text, ours, theirs);
  // A day before the calendar's first one is refused; PostgreSQL wraps around.
  if (!ours.ok && theirs.ok && ours.sqlstate === '22008' && /'[^']*[JI][^']*'/.test(text)) return 'open';
  const shown = (one: Answer): string =>
    one.ok ? `rows ${JSON.stringify(one.rows)}` : `${one.sqlstate} ${one.message} ${one.more}`;
  const difference = `ours: ${shown(ours)}; theirs: ${shown(theirs)}`;
  return shown(ours) === shown(theirs) ? 'same' : { difference };
}

export function compare(text: string, ours: Answer, theirs: Answer): Verdict {
  if (ours.ok && theirs.ok) return compareRows(text, ours, theirs);
  if (!ours.ok && !theirs.ok) {
    if (ours.sqlstate === theirs.sqlstate) return 'same';
    // A constant's value may be looked at before or after another mistake in the statement.
    if (ours.sqlstate.startsWith('22') || theirs.sqlstate.startsWith('22')) return 'open';
    if (ours.sqlstate.startsWith('23') && theirs.sqlstate.startsWith('23')) return 'open';
    // A row that is met twice, or one with a key that is there already: whichever comes first.
    const met = [ours.sqlstate, theirs.sqlstate];
    if (text.startsWith('MERGE') && met.includes('21000') && met.some((one) => one.startsWith('23'))) return 'open';
    return { difference: `ours: ${ours.sqlstate} ${ours.message}; theirs: ${theirs.sqlstate} ${theirs.message}` };
  }
  const failed = ours.ok ? theirs : ours;
  // PostgreSQL looks at keys row by row, in the order in which it finds the rows.
  if (!failed.ok && failed.sqlstate === '23505' && ours.ok && /\b(UPDATE|MERGE)\b/.test(text)) return 'open';
  if (!failed.ok && failed.sqlstate.startsWith('22')) return 'open';
  const shown = failed.ok ? '' : `${failed.sqlstate} ${failed.message}`;
  return { difference: ours.ok ? `theirs fails: ${shown}` : `ours fails: ${shown}` };
}

function compareRows(
  text: string,
  ours: Extract<Answer, { ok: true }>,
  theirs: Extract<Answer, { ok: true }>,
): Verdict {
  if (ours.types.join() !== theirs.types.join()) {
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
