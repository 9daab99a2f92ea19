/**
 * Why a statement's outcome may differ from PostgreSQL's. Reasons are said by hand, in reasons/SCRIPT.tsv: one line for
 * all statements of the script with the same beginning (see `beginningOf`; `*`: all statements of the script that nothing else
 * explains), TAB, a reason's key, TAB, a few words. What a 0A000 says is left out needs no line: its message tells.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beginningOf } from './split.js';

/**
 * What a reason means. left out: docs/sql/differences.md says that it is not there, or that it is another thing here.
 * promised to nobody: PostgreSQL itself may answer otherwise. open: is to be done.
 */
export type Kind = 'left out' | 'promised to nobody' | 'open';

export const REASONS: Readonly<Record<string, Kind>> = {
  partitions: 'left out',
  inheritance: 'left out',
  triggers: 'left out',
  rules: 'left out',
  geometry: 'left out',
  textsearch: 'left out',
  money: 'left out',
  exclusion: 'left out',
  opclass: 'left out',
  operators: 'left out',
  cfunctions: 'left out',
  largeobjects: 'left out',
  foreign: 'left out',
  publication: 'left out',
  'statistics-ext': 'left out',
  policies: 'left out',
  xml: 'left out',
  'event-triggers': 'left out',
  tablespaces: 'left out',
  physical: 'left out',
  planner: 'promised to nobody',
  'memory-order': 'promised to nobody',
  'rows-of-equals': 'promised to nobody',
  follows: 'left out',
  text: 'left out',
  'psql-internal': 'left out',
  unsupported: 'left out',
  missing: 'open',
  wrong: 'open',
};

/** The first that fits the message of a 0A000 says which; what none fits is `unsupported`. */
const MESSAGES: readonly (readonly [RegExp, string])[] = [
  [/partition/i, 'partitions'],
  [/inherit/i, 'inheritance'],
  [/event trigger/i, 'event-triggers'],
  [/trigger/i, 'triggers'],
  [/\brules?\b/i, 'rules'],
  [/\b(?:point|line|lseg|box|path|polygon|circle|geometr\w+)\b/i, 'geometry'],
  [/\btext ?search|tsvector|tsquery/i, 'textsearch'],
  [/\bmoney\b/i, 'money'],
  [/exclusion|EXCLUDE/, 'exclusion'],
  [/operator (?:class|famil)|access method/i, 'opclass'],
  [/operator/i, 'operators'],
  [/language (?:"?c"?|internal)\b|\bC functions?\b|base types?/i, 'cfunctions'],
  [/large object/i, 'largeobjects'],
  [/foreign|user mapping|server\b/i, 'foreign'],
  [/publication|subscription|replication/i, 'publication'],
  [/statistics/i, 'statistics-ext'],
  [/polic(?:y|ies)|row.level security/i, 'policies'],
  [/\bxml/i, 'xml'],
  [/tablespace/i, 'tablespaces'],
];

export interface ReasonLine {
  readonly script: string;
  readonly beginning: string;
  readonly reason: string;
  readonly words: string;
}

/** The reasons of one script; one without a file has none. @throws Error for a line that is none */
export function readReasons(folder: string, script: string): ReasonLine[] {
  const file = join(folder, `${script}.tsv`);
  return existsSync(file) ? parseReasons(script, readFileSync(file, 'utf8')) : [];
}

export function parseReasons(script: string, text: string): ReasonLine[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [beginning = '', reason = '', words = ''] = line.split('\t');
    if (REASONS[reason] === undefined) throw new Error(`${script}.tsv, line ${i + 1}: there is no reason "${reason}"`);
    return [{ script, beginning: beginning.trim() === '*' ? '*' : beginningOf(beginning), reason, words }];
  });
}

/** What a 0A000 with this message says is left out. */
export function reasonOfMessage(message: string): string {
  return MESSAGES.find(([pattern]) => pattern.test(message))?.[1] ?? 'unsupported';
}
