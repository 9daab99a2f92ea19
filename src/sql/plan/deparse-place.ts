/** Where a query that becomes text stands, and what is said when it cannot become text. */
import { sqlError } from '../../base/errors.js';

/** A view that has no text is an error of the one who asks for it, and no reason to stop. @throws QuoralError XX000 */
export function known<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw sqlError('XX000', `query cannot be shown: ${what}`);
  return value;
}

/** Where a query stands: what its columns are to be called, and what it is a part of. */
export interface Place {
  /** By what it is part of; null: by itself. */
  readonly names: readonly string[] | null;
  /** Its columns can be named from outside. */
  readonly visible: boolean;
  /** The types that a set operation gives to them. */
  readonly types: readonly number[] | null;
}

export const INNER: Place = { names: null, visible: true, types: null };
