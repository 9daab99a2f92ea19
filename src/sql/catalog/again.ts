/**
 * Writes beside a client's transaction whose repetition does no harm: a lease that is extended, a block of
 * numbers of which one may be lost. A client whose statement waits for one must not be told that the
 * outcome of its own transaction is unknown (40003): nothing of that was written.
 */
import { QuoralError } from '../../base/errors.js';

const TRIES = 4;

/**
 * Runs `write` again while nobody knows whether it took place.
 * @throws what the last attempt threw, or the first error that is not an unknown outcome.
 */
export async function againIfUnknown<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof QuoralError && error.retry === 'unknown') || attempt >= TRIES) throw error;
    }
  }
}
