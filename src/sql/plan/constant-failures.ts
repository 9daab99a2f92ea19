/** Errors of constant parts, which PostgreSQL meets while it plans: who runs the statement tells of them so. */
import { QuoralError } from '../../base/errors.js';

const failures = new WeakSet<Error>();

export function constantFailure(first: QuoralError): QuoralError {
  const error = new QuoralError(first.sqlstate, first.message, { fields: first.fields, cause: first });
  failures.add(error);
  return error;
}

export function failsAsConstant(error: QuoralError): boolean {
  return failures.has(error);
}
