/**
 * `quoral/testing/jest`: a database per test in Jest, or in any runner with the same global hooks
 * (harness.ts). Its hooks do not say whether a test has failed, so artefacts are kept of tests whose body
 * is wrapped in `db.run(name, …)`.
 */
import { QuoralError } from '../base/errors.js';
import { testDatabase, type TestDatabase, type TestOptions } from './harness.js';

export type { TestDatabase, TestOptions } from './harness.js';

export interface JestHooks {
  beforeEach(fn: () => Promise<void>): void;
  afterEach(fn: () => Promise<void>): void;
  afterAll(fn: () => Promise<void>): void;
}

/** `hooks`: for projects without injected globals, those of '@jest/globals'. */
export function quoralTest(options: TestOptions = {}, hooks: JestHooks = globalHooks()): TestDatabase {
  return testDatabase(
    {
      beforeEach: (fn) => hooks.beforeEach(fn),
      afterEach: (fn) => hooks.afterEach(() => fn(null)),
      afterAll: (fn) => hooks.afterAll(fn),
    },
    options,
  );
}

function globalHooks(): JestHooks {
  const found = globalThis as Partial<JestHooks>;
  if (found.beforeEach === undefined || found.afterEach === undefined || found.afterAll === undefined) {
    throw new QuoralError('55000', 'there are no global hooks beforeEach, afterEach and afterAll', {
      fields: { hint: "Pass those of '@jest/globals' as the second argument." },
    });
  }
  return found as JestHooks;
}
