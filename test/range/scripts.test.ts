/** Golden scripts of evaluation; UPDATE_SCRIPTS=1 rewrites what they print. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MarkName } from '../../src/base/probes.js';
import { collectMarks } from '../support/marks.js';
import { ScriptRange } from './support/script-range.js';

/** Branches that simulated runs seldom take. */
const RARE: Readonly<Record<string, readonly MarkName[]>> = {
  'existence.txt': ['existence-holder-passes-remover'],
  'past-locks.txt': ['read-past-intent'],
  'push-expired.txt': ['abandoned-transaction-expired'],
  'put-again.txt': ['repeated-put-overtaken'],
  'repeated-put-stays.txt': ['repeated-put-stays'],
  'recovery-own-intent.txt': ['rewrite-pushed-by-recovery'],
  'collected-twice.txt': ['collected-record-pushed'],
  'late-after-lease.txt': ['sent-before-lease'],
  'late-savepoint.txt': ['void-put-ignored', 'late-void-stays-off'],
  'moved-intent.txt': ['moved-intent-committed'],
  'late-staging.txt': ['late-staging-stays'],
  'stage-commit.txt': ['record-collected-then-asked'],
  'lock-shared-split.txt': ['split-inherits-shared-locks'],
  'lock-shared.txt': ['sharer-waits-behind-writer', 'shared-lock-upgraded', 'upgrade-waits-for-sharers'],
};
const folder = join(import.meta.dirname, '../scripts/range');

/** Lines that start with `> ` are commands, with `#` comments; the rest is output. */
async function runScript(text: string): Promise<string> {
  const range = await ScriptRange.start();
  const lines: string[] = [];
  try {
    for (const line of text.split('\n')) {
      if (line.startsWith('> ')) lines.push(line, await range.run(line.slice(2)));
      else if (line.startsWith('#'))
        lines.push(...(lines.length > 0 && !lines.at(-1)!.startsWith('#') ? [''] : []), line);
    }
  } finally {
    await range.close();
  }
  return `${lines.join('\n')}\n`;
}

describe('range scripts', () => {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .sort();
  it('are there', () => expect(files.length).toBeGreaterThanOrEqual(12));
  it.each(files)('%s', async (file) => {
    const marks = collectMarks();
    const path = join(folder, file);
    const before = readFileSync(path, 'utf8');
    const after = await runScript(before);
    if (process.env['UPDATE_SCRIPTS'] === '1') writeFileSync(path, after);
    else expect(after).toBe(before);
    for (const mark of RARE[file] ?? []) expect(marks).toContain(mark);
  });
});
