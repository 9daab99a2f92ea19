import { mkdtempSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AssertionError } from '../../src/base/assert.js';
import { sqlError } from '../../src/base/errors.js';
import { explain, UsageError } from '../../src/cli/exit.js';

it('expected failures give a message and what to do, never a stack', () => {
  const failure = explain(sqlError('55006', 'port 1 is in use', { detail: 'By another.', hint: 'Stop it.' }));
  expect(failure).toEqual({
    code: 1,
    text: 'port 1 is in use\ndetail: By another.\nhint: Stop it.',
  });
});

it("the system's own refusals say what to do", async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'quoral-exit-')), 'file');
  writeFileSync(file, '');
  const error: unknown = await mkdir(join(file, 'sub')).catch((cause: unknown) => cause);
  const failure = explain(error);
  expect(failure.code).toBe(1);
  expect(failure.text).toMatch(/ENOTDIR.*\nhint: .*not a directory/);
});

it('wrong arguments point to the help', () => {
  expect(explain(new UsageError('start', 'no'))).toEqual({
    code: 2,
    text: 'no\nTry: quoral help start',
  });
});

it('anything else is an internal error with its stack', () => {
  for (const error of [new AssertionError('broken'), new TypeError('broken')]) {
    const failure = explain(error);
    expect(failure.code).toBe(70);
    expect(failure.text).toContain('internal error');
    expect(failure.text).toContain('exit.test.ts');
  }
});
