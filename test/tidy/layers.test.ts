import { describe, expect, it } from 'vitest';
import { importsOf, sources } from './source.js';

/** DESIGN 1. `env/node` is a layer of its own: it stands on the interfaces and on the codecs. */
const ROWS: Readonly<Record<string, number>> = {
  base: 0,
  env: 1,
  encoding: 1,
  'env/node': 2,
  hlc: 2,
  storage: 3,
  raft: 3,
  rpc: 3,
  range: 4,
  cluster: 5,
  txn: 6,
  sql: 7,
  jobs: 8,
  pgwire: 8,
  server: 9,
  testing: 10,
  cli: 10,
  ui: 10,
};

/** The real machine reaches everything else through constructors. */
const MAY_IMPORT_ENV_NODE = new Set(['env/node', 'server', 'testing', 'cli']);

function layerOf(path: string): string | null {
  const match = /^src\/(env\/node(?=\/)|[^/]+)\//.exec(path);
  return match === null ? null : (match[1] as string);
}

describe('layers', () => {
  it('every folder has a row', () => {
    const unknown = new Set<string>();
    for (const file of sources()) {
      const layer = layerOf(file.path);
      if (layer === null || ROWS[layer] === undefined) unknown.add(file.path);
    }
    expect([...unknown]).toEqual([]);
  });

  it('imports go only down', () => {
    const wrong: string[] = [];
    for (const file of sources()) {
      const from = layerOf(file.path);
      if (from === null) continue;
      for (const { target, line } of importsOf(file)) {
        const to = target === null ? null : layerOf(target);
        if (target === null || to === from) continue;
        if (to === null) wrong.push(`${file.path}:${line} imports ${target}, outside of the layers`);
        else if ((ROWS[from] ?? -1) <= (ROWS[to] ?? 99)) {
          wrong.push(`${file.path}:${line} (${from}) imports ${target} (${to}), which is not below it`);
        } else if (to === 'env/node' && !MAY_IMPORT_ENV_NODE.has(from)) {
          wrong.push(`${file.path}:${line} (${from}) imports the real machine: take it from the constructor`);
        }
      }
    }
    expect(wrong, wrong.join('\n')).toEqual([]);
  });
});
