/** Errors with their place in the statement. */
import { sqlError } from '../../base/errors.js';
import type { QuoralError } from '../../base/errors.js';

/** An error with its place in the text (zero-based location, or negative for none). */
export function errorAt(
  sqlstate: string,
  message: string,
  location: number,
  more: { detail?: string; hint?: string } = {},
): QuoralError {
  return sqlError(sqlstate, message, { ...more, ...(location >= 0 ? { position: location + 1 } : {}) });
}
