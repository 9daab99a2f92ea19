/** Errors with more in their fields. */
import { QuoralError } from '../../base/errors.js';

/** `line`: of what the error has come out of, behind the lines that it has. */
export function withContext(error: QuoralError, line: string): QuoralError {
  const { where } = error.fields;
  return changedFields(error, { ...error.fields, where: where === undefined ? line : `${where}\n${line}` });
}

export function changedFields(error: QuoralError, fields: QuoralError['fields']): QuoralError {
  // Those of other classes carry what their catchers look for.
  if (Object.getPrototypeOf(error) !== QuoralError.prototype) return error;
  const { sqlstate, message, retry, severity } = error;
  return new QuoralError(sqlstate, message, { retry, severity, fields, cause: error });
}
