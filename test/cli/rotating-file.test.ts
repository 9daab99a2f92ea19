import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RotatingFile } from '../../src/env/node/rotating-file.js';

it('a log file appends, starts anew at its bound, and keeps one older file', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'quoral-log-')), 'sub', 'log');
  const first = new RotatingFile(path, 20);
  first.write('one: 10 bytes\n'.slice(4));
  first.close();
  const second = new RotatingFile(path, 20);
  second.write('two: 9 b\n');
  expect(readFileSync(path, 'utf8')).toBe(' 10 bytes\ntwo: 9 b\n');
  expect(existsSync(`${path}.1`)).toBe(false);
  second.write('three\n');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(' 10 bytes\ntwo: 9 b\n');
  second.write('a line longer than the bound goes alone\n');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('three\n');
  expect(readFileSync(path, 'utf8')).toBe('a line longer than the bound goes alone\n');
  second.close();
});
