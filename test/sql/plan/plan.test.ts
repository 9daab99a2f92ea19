/** Plans of statements as EXPLAIN (COSTS OFF) shows them; UPDATE_SCRIPTS=1 writes test/scripts/plan anew. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { initParser } from '../../../src/sql/parse/parser.js';
import { Harness } from '../support/harness.js';

const FOLDER = new URL('../../scripts/plan/', import.meta.url);
beforeAll(() => initParser());

describe('plans', () => {
  for (const file of readdirSync(FOLDER)
    .filter((f) => f.endsWith('.sql'))
    .sort()) {
    it(file, async () => {
      const h = new Harness();
      let text = '';
      for (const statement of readFileSync(new URL(file, FOLDER), 'utf8')
        .split(/;\s*\n/)
        .map((s) => s.trim())
        .filter((s) => s !== '')) {
        if (/^create/i.test(statement)) {
          await h.run(statement);
          continue;
        }
        text += `${statement};\n${h.explain(statement)}\n\n`;
      }
      const golden = new URL(file.replace('.sql', '.plan'), FOLDER);
      if (process.env['UPDATE_SCRIPTS'] === '1' || !existsSync(golden)) writeFileSync(golden, text);
      expect(text).toBe(readFileSync(golden, 'utf8'));
    });
  }
});
