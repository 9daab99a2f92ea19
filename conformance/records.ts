/**
 * Reads sqllogictest files: statements and queries with what they must give.
 *
 * A record begins with `statement ok|error` or `query TYPES [SORT] [LABEL]`, perhaps after `skipif ENGINE` or
 * `onlyif ENGINE`; the SQL follows until `----` or an empty line, then the expected values, one per line, or
 * `N values hashing to MD5`. `halt` ends the file (for the engine it is limited to), `hash-threshold` is ignored:
 * what is expected says itself whether it is a hash.
 * Source: https://www.sqlite.org/sqllogictest/doc/trunk/about.wiki
 */
export type SortMode = 'nosort' | 'rowsort' | 'valuesort';

export interface StatementRecord {
  readonly kind: 'statement';
  readonly line: number;
  readonly sql: string;
  readonly fails: boolean;
}

export interface QueryRecord {
  readonly kind: 'query';
  readonly line: number;
  readonly sql: string;
  /** One letter for each column: I, R or T. */
  readonly types: string;
  readonly sort: SortMode;
  /** Queries of one label have the same result. */
  readonly label: string | null;
  /** Values, or the number of them and their hash. */
  readonly expected: readonly string[] | { readonly count: number; readonly md5: string };
}

export type SltRecord = StatementRecord | QueryRecord;

/** The engine that `skipif` and `onlyif` mean when they mean us. */
const ENGINE = 'postgresql';

/** @throws Error with the line of what is not of the format. */
export function parseRecords(text: string): SltRecord[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const records: SltRecord[] = [];
  let skip = false;
  for (let at = 0; at < lines.length; at++) {
    const [word, ...rest] = lines[at]!.replace(/#.*/, '').trim().split(/\s+/);
    if (word === undefined || word === '' || word === 'hash-threshold') continue;
    if (word === 'skipif') skip ||= rest[0] === ENGINE;
    else if (word === 'onlyif') skip ||= rest[0] !== ENGINE;
    else if (word === 'halt') {
      if (!skip) break;
      skip = false;
    } else {
      const { record, next } = readRecord(lines, at, word, rest);
      if (!skip) records.push(record);
      skip = false;
      at = next;
    }
  }
  return records;
}

function readRecord(
  lines: readonly string[],
  start: number,
  word: string,
  rest: readonly string[],
): { record: SltRecord; next: number } {
  const line = start + 1;
  let at = start + 1;
  const sql: string[] = [];
  while (at < lines.length && lines[at] !== '' && lines[at] !== '----') sql.push(lines[at++]!);
  const text = sql.join('\n');
  if (word === 'statement' && (rest[0] === 'ok' || rest[0] === 'error')) {
    return { record: { kind: 'statement', line, sql: text, fails: rest[0] === 'error' }, next: at };
  }
  const [types = '', sort = 'nosort', label = null] = rest;
  if (word !== 'query' || !/^[IRT]+$/.test(types) || !isSortMode(sort)) {
    throw new Error(`line ${line}: "${lines[start]}" is no record`);
  }
  const values: string[] = [];
  if (lines[at] === '----') {
    at++;
    while (at < lines.length && lines[at] !== '') values.push(lines[at++]!);
  }
  const hashed = /^(\d+) values hashing to ([0-9a-f]{32})$/.exec(values[0] ?? '');
  const expected = hashed === null ? values : { count: Number(hashed[1]), md5: hashed[2]! };
  return { record: { kind: 'query', line, sql: text, types, sort, label, expected }, next: at };
}

function isSortMode(word: string): word is SortMode {
  return word === 'nosort' || word === 'rowsort' || word === 'valuesort';
}
