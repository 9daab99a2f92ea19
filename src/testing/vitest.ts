/** `quoral/testing/vitest`: a database per test in Vitest (harness.ts). Vitest is the caller's, not ours. */
import { afterAll, afterEach, beforeEach } from 'vitest';
import { testDatabase, type TestDatabase, type TestOptions } from './harness.js';

export type { TestDatabase, TestOptions } from './harness.js';

/** To be called at the top of a test file or of a describe block. */
export function quoralTest(options: TestOptions = {}): TestDatabase {
  return testDatabase(
    {
      beforeEach: (fn) => {
        beforeEach(() => fn());
      },
      afterEach: (fn) => afterEach(({ task }) => fn({ name: task.name, failed: task.result?.state === 'fail' })),
      afterAll: (fn) => afterAll(fn),
    },
    options,
  );
}
