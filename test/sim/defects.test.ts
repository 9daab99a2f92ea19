/**
 * The deliberate defects fit the code as it is: every text to be replaced is there exactly once, the
 * result is TypeScript and another program than before, and production knows nothing of it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileSource, findRoot, patchedSources } from '../../sim/defects/apply.js';
import type { Patch } from '../../sim/defects/defect.js';
import { DEFECTS } from '../../sim/defects/registry.js';

const ROOT = findRoot(import.meta.dirname);

const compiled = new Map<string, string>();

function compiledNow(file: string): string {
  let code = compiled.get(file);
  if (code === undefined) {
    code = withoutMap(compileSource(ROOT, file, readFileSync(join(ROOT, file), 'utf8')));
    compiled.set(file, code);
  }
  return code;
}

function check(patches: readonly Patch[]): void {
  for (const [file, text] of patchedSources(ROOT, patches)) {
    expect(withoutMap(compileSource(ROOT, file, text)), file).not.toBe(compiledNow(file));
  }
}

function withoutMap(code: string): string {
  return code.replace(/\/\/# sourceMappingURL=.*$/m, '');
}

function filesUnder(directory: string, ending: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(directory, name));
}

describe('deliberate defects', () => {
  it('are many, and each has a name of its own', () => {
    const names = DEFECTS.map((d) => d.name);
    expect(names.length).toBeGreaterThanOrEqual(28);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it.each(DEFECTS.map((d) => [d.name, d] as const))('%s fits the code', (_name, defect) => {
    expect(defect.patches.length).toBeGreaterThan(0);
    for (const { file } of defect.patches) expect(file).toMatch(/^src\/(?!testing|env\/sim)/);
    const amplify = defect.options?.amplify ?? [];
    check([...amplify, ...defect.patches]);
    if (amplify.length > 0) check(amplify);
  });

  it('refuse text that is not there, or not only once', () => {
    const file = 'src/raft/quorum.ts';
    expect(() => patchedSources(ROOT, [{ file, find: 'this is nowhere', replace: '' }])).toThrow('0 times');
    expect(() => patchedSources(ROOT, [{ file, find: 'const', replace: '' }])).toThrow(/occurs \d+ times/);
  });

  it('refuse what is no TypeScript', () => {
    expect(() => compileSource(ROOT, 'src/raft/quorum.ts', 'const = ;')).toThrow('src/raft/quorum.ts');
  });

  it('are unknown to production', () => {
    for (const file of filesUnder(join(ROOT, 'src'), '.ts')) {
      expect(readFileSync(file, 'utf8'), file).not.toMatch(/from '[^']*sim\/defects/);
    }
  });

  it('are not in the package', () => {
    const built = readdirSync(join(ROOT, 'src'));
    for (const name of built) {
      const directory = join(ROOT, 'dist', name);
      if (!existsSync(directory)) continue;
      for (const file of filesUnder(directory, '.js')) expect(file).not.toContain('defects');
    }
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
    expect(files).toContain('!dist/sim');
  });
});
