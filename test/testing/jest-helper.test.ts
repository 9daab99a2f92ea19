/** The helper for Jest, on hooks of Jest's shape: Vitest's are the same in what it uses. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quoralTest } from '../../src/testing/jest.js';

describe('with hooks given', () => {
  const hooks = {
    beforeEach: (fn: () => Promise<void>) => void beforeEach(() => fn()),
    afterEach: (fn: () => Promise<void>) => void afterEach(() => fn()),
    afterAll: (fn: () => Promise<void>) => void afterAll(() => fn()),
  };
  const db = quoralTest({ nodes: 1, setup: (c) => c.sql('create table t (k int)') }, hooks);
  it.each([1, 2])('each test has an empty table (%i)', async () => {
    expect((await db.sql('select * from t')).rows).toEqual([]);
    await db.sql('insert into t values (1)');
  });
});

describe('with global hooks', () => {
  it('takes them, and says so when there are none', async () => {
    expect(() => quoralTest()).toThrow('there are no global hooks');
    const world = globalThis as Record<string, unknown>;
    const registered: string[] = [];
    let end: () => Promise<void> = async () => undefined;
    world['beforeEach'] = () => registered.push('beforeEach');
    world['afterEach'] = () => registered.push('afterEach');
    world['afterAll'] = (fn: () => Promise<void>) => {
      registered.push('afterAll');
      end = fn;
    };
    try {
      quoralTest();
    } finally {
      for (const name of registered) delete world[name];
    }
    expect(registered).toEqual(['beforeEach', 'afterEach', 'afterAll']);
    await end();
  });
});
