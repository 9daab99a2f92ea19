/**
 * Constant expressions against PostgreSQL's own answers, types and errors (golden.jsonl, taken from
 * PostgreSQL 15 with TimeZone America/New_York and a "C" locale).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evaluate } from './evaluate.js';
import type { Outcome } from './evaluate.js';

const cases = readFileSync(new URL('golden.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Outcome & { sql: string });

describe('expressions answer as PostgreSQL does', () => {
  test.each(cases)('$sql', async ({ sql, ...expected }) => {
    expect(await evaluate(sql)).toEqual(expected);
  });
});
