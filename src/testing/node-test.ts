/** `quoral/testing/node-test`: a database per test in Node's own test runner (harness.ts). */
import { after, afterEach, beforeEach } from 'node:test';
import { testDatabase, type EndedTest, type TestDatabase, type TestOptions } from './harness.js';

export type { TestDatabase, TestOptions } from './harness.js';

/** What the runner's context says in an afterEach hook; older versions of Node 20 say only the name. */
interface Context {
  readonly name?: string;
  readonly error?: unknown;
}

/** To be called at the top of a test file or of a describe block. */
export function quoralTest(options: TestOptions = {}): TestDatabase {
  return testDatabase(
    {
      beforeEach: (fn) => beforeEach(() => fn()),
      afterEach: (fn) => afterEach((context: unknown) => fn(ended(context))),
      afterAll: (fn) => after(() => fn()),
    },
    options,
  );
}

function ended(context: unknown): EndedTest | null {
  if (typeof context !== 'object' || context === null) return null;
  const { name, error } = context as Context;
  return name === undefined ? null : { name, failed: error !== undefined && error !== null };
}
