/** Golden scripts; UPDATE_SCRIPTS=1 rewrites what they print. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ScriptCluster } from './script-runner.js';

const folder = join(import.meta.dirname, '../scripts/raft');

/** Lines that start with `> ` are commands, with `#` comments; the rest is output. */
function runScript(text: string): string {
  const cluster = new ScriptCluster();
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('> ')) lines.push('', line, cluster.run(line.slice(2)));
    else if (line.startsWith('#')) {
      if (lines.length > 0 && !lines.at(-1)!.startsWith('#')) lines.push('');
      lines.push(line);
    }
  }
  return `${lines.join('\n').replace(/(^#.*\n)\n(?=> )/gm, '$1')}\n`;
}

describe('raft scripts', () => {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .sort();
  it('are there', () => expect(files.length).toBeGreaterThanOrEqual(80));
  for (const file of files) {
    it(file, () => {
      const path = join(folder, file);
      const before = readFileSync(path, 'utf8');
      const after = runScript(before);
      if (process.env['UPDATE_SCRIPTS'] === '1') writeFileSync(path, after);
      else expect(after).toBe(before);
    });
  }
});
