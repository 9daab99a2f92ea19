/**
 * The life of a session's transaction as a table of transitions (STYLE 7). What each action does is the
 * session's; whether it may be done, and what state follows, is here alone.
 *
 * | state | meaning |
 * |---|---|
 * | idle | none |
 * | implicit | opened by a statement, ends with it (or with Sync) |
 * | block | opened by BEGIN |
 * | failed | a block in which a statement failed: only ROLLBACK and the like |
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { TransactionStatus } from '../session-api.js';

export type State = 'idle' | 'implicit' | 'block' | 'failed';
export type Event = 'statement' | 'begin' | 'end' | 'error';

const TRANSITIONS: Readonly<Record<State, Readonly<Record<Event, State>>>> = {
  idle: { statement: 'implicit', begin: 'block', end: 'idle', error: 'idle' },
  implicit: { statement: 'implicit', begin: 'block', end: 'idle', error: 'idle' },
  block: { statement: 'block', begin: 'block', end: 'idle', error: 'failed' },
  failed: { statement: 'failed', begin: 'failed', end: 'idle', error: 'failed' },
};

export class TransactionState {
  #state: State = 'idle';
  /** The statement under way is one of several that were sent together. */
  isOfSeveral = false;

  get state(): State {
    return this.#state;
  }
  get inBlock(): boolean {
    return this.#state === 'block' || this.#state === 'failed';
  }

  /** Also where a text of several statements is one transaction: what must not, or must, be in a block takes it for one. */
  get inAnyBlock(): boolean {
    return this.inBlock || this.isOfSeveral;
  }

  get status(): TransactionStatus {
    return this.#state === 'block' ? 'T' : this.#state === 'failed' ? 'E' : 'I';
  }

  apply(event: Event): State {
    this.#state = TRANSITIONS[this.#state][event];
    return this.#state;
  }

  /** ROLLBACK TO SAVEPOINT revives a failed block. */
  revive(): void {
    if (this.#state === 'failed') this.#state = 'block';
  }
}

export function failedTransaction(): Error {
  return sqlError('25P02', 'current transaction is aborted, commands ignored until end of transaction block');
}

export function shutdownError(): QuoralError {
  return new QuoralError('57P01', 'terminating connection due to administrator command', { severity: 'FATAL' });
}

export function idleTooLong(inBlock: boolean): QuoralError {
  const what = inBlock ? 'idle-in-transaction' : 'idle-session';
  return new QuoralError(inBlock ? '25P03' : '57P05', `terminating connection due to ${what} timeout`, {
    severity: 'FATAL',
  });
}
