/** What the storage tests share: a seeded generator and temporary directories. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** mulberry32: the same seed gives the same run. */
export function random(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'quoral-storage-'));
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
