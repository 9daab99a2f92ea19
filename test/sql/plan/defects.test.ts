/** A broken promise of our own while a statement is planned ends the statement, whichever way it is planned. */
import { beforeAll, expect, it } from 'vitest';
import { AssertionError } from '../../../src/base/assert.js';
import { QuoralError } from '../../../src/base/errors.js';
import type { CatalogSnapshot, PlannerSettings } from '../../../src/sql/contract.js';
import { initParser, parseSql } from '../../../src/sql/parse/parser.js';
import { createPlanner } from '../../../src/sql/plan/planner.js';
import { STORED_FORMAT } from '../../../src/sql/types/stored-format.js';

beforeAll(() => initParser());

const SETTINGS: PlannerSettings = { format: STORED_FORMAT, user: 'postgres', database: 'postgres' };

/** A catalog that breaks its promise when it is asked for a relation. */
const BROKEN: CatalogSnapshot = {
  relation() {
    throw new AssertionError('a table without columns');
  },
} as unknown as CatalogSnapshot;

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return null;
}

const planner = createPlanner();
const statement = (): ReturnType<typeof parseSql>[number] => parseSql('SELECT * FROM t')[0]!;

it.each([
  ['at once', () => planner.compile(statement(), [], BROKEN, SETTINGS)],
  ['in steps', () => [...planner.compileInSteps(statement(), [], BROKEN, SETTINGS)]],
  ['as a view', () => planner.compileView(statement(), BROKEN, SETTINGS)],
])('planned %s, it is an internal error that says what to do and keeps its cause', (_, run) => {
  const error = thrown(run) as QuoralError;
  expect(error).toBeInstanceOf(QuoralError);
  expect(error).toMatchObject({ sqlstate: 'XX000', severity: 'ERROR', retry: 'none' });
  expect(error.message).toBe('internal error while planning: a table without columns');
  expect(error.fields.hint).toContain('please report');
  expect(error.cause).toBeInstanceOf(AssertionError);
});
