/**
 * COMMIT and ROLLBACK of a procedure or a DO block: they end the session's transaction and begin the next while the
 * body goes on.
 *
 * A body may do so only if nothing above it is in the way: the CALL or DO stands alone in its message, outside of a
 * block of BEGIN, and everything between is CALL or DO too. So whoever runs such a statement says whether its body
 * may (`grant`), and the body takes the permission (`take`); a function takes it away from what it calls.
 *
 * Once a transaction was ended inside, the statement cannot be run again as a whole: SessionTransaction counts
 * the ends (`endedInside`).
 */
import { sqlError } from '../../base/errors.js';
import type { Session } from './session.js';

export class InnerTransactions {
  #granted = false;
  /** Blocks with handlers under way. */
  #subtransactions = 0;

  /** For the CALL or DO that runs next. */
  grant(may: boolean): void {
    this.#granted = may;
  }

  take(): boolean {
    const may = this.#granted;
    this.#granted = false;
    return may;
  }

  async inSubtransaction<T>(body: () => Promise<T>): Promise<T> {
    this.#subtransactions++;
    try {
      return await body();
    } finally {
      this.#subtransactions--;
    }
  }

  /** @throws QuoralError 2D000 */
  check(commits: boolean, may: boolean, inWritingLoop: boolean): void {
    if (!may) throw sqlError('2D000', 'invalid transaction termination');
    if (this.#subtransactions > 0) {
      const what = commits ? 'commit' : 'roll back';
      throw sqlError('2D000', `cannot ${what} while a subtransaction is active`);
    }
    if (inWritingLoop)
      throw sqlError('2D000', 'cannot perform transaction commands inside a cursor loop that is not read-only');
  }
}

/** @throws what the commit throws; the transaction is over then, and another has begun */
export async function endInside(session: Session, commits: boolean, chain: boolean): Promise<void> {
  const { transaction } = session;
  const { modes } = transaction;
  try {
    await transaction.end(commits);
    // Before this, nothing of the statement has come to stay: all of it may yet be run again.
    transaction.endedInside++;
  } finally {
    transaction.state.apply('statement');
    if (chain) transaction.modes = modes;
    session.transactionBegins();
  }
}
