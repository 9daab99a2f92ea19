/** The order of PostgreSQL's regression scripts: its parallel_schedule, with the tests of one line one after another. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the scripts lie in PostgreSQL's source. */
export const REGRESS_FOLDER = 'src/test/regress';

export function scheduled(postgresSource: string): string[] {
  return parseSchedule(readFileSync(join(postgresSource, REGRESS_FOLDER, 'parallel_schedule'), 'utf8'));
}

export function parseSchedule(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const tests = /^test:(.*)$/.exec(line)?.[1] ?? '';
    return tests.split(/\s+/).filter((name) => name !== '');
  });
}
