/** Errors of the transaction layer that callers tell apart by class. */
import { QuoralError } from '../base/errors.js';
import type { Key } from '../base/key.js';

/** A deferred insert met an existing key; SQL turns it into 23505 naming the constraint. */
export class KeyExistsError extends QuoralError {
  readonly key: Key;
  readonly existing: Uint8Array;
  constructor(key: Key, existing: Uint8Array) {
    super('23505', 'duplicate key value violates unique constraint');
    this.key = key;
    this.existing = existing;
  }
}
