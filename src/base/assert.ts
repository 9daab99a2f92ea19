/**
 * Assertions that stay on in production (STYLE 12). A failed invariant stops the node rather than
 * spreading (DESIGN 10): nothing may catch AssertionError except the process boundary, and the planner
 * (plan/planner.ts), whose work touches nothing but the statement: there it ends the statement.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** @throws AssertionError when `condition` is false. `message` may be lazy for hot paths. */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) {
    throw new AssertionError(typeof message === 'string' ? message : message());
  }
}

/** For exhaustive switches: the compiler proves that no case is left. */
export function unreachable(value: never, what = 'case'): never {
  throw new AssertionError(`unreachable ${what}: ${JSON.stringify(value)}`);
}
