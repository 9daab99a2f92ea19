/**
 * Rows before an error: whoever computes a batch gives what it has made when a row fails, and the error when it is asked
 * for more. So a client gets the rows before the one that fails, as PostgreSQL's does, which computes one at a time; and a
 * LIMIT or a FETCH that has its rows by then never hears of the error.
 *
 * Only errors that are final wait so: after a conflict nothing of the attempt may be used, and who cancels wants an end.
 */
import { QuoralError } from '../../base/errors.js';
import type { Soon } from '../../base/soon.js';

export class LateError {
  #error: QuoralError | null = null;

  /** Before the next batch. @throws QuoralError that waited */
  raise(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** `rows` is filled by `work` in order: all of them, or those before one that fails. */
  rowsOf<T>(rows: T[], work: () => Promise<void> | null): Soon<T[]> {
    try {
      const done = work();
      return done === null
        ? rows
        : done.then(
            () => rows,
            (error: unknown) => this.#keep(rows, error),
          );
    } catch (error) {
      return this.#keep(rows, error);
    }
  }

  /** For who makes rows one after the other: whether those that there are may go first. */
  waits(rows: readonly unknown[], error: unknown): boolean {
    if (rows.length === 0 || !mayWait(error)) return false;
    this.#error = error;
    return true;
  }

  #keep<T>(rows: T[], error: unknown): T[] {
    if (this.waits(rows, error)) return rows;
    throw error;
  }
}

export function mayWait(error: unknown): error is QuoralError {
  if (!(error instanceof QuoralError)) return false;
  const { retry, severity, sqlstate } = error;
  return retry === 'none' && severity === 'ERROR' && !sqlstate.startsWith('57') && !sqlstate.startsWith('XX');
}
