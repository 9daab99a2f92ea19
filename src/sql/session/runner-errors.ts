/** Why a statement may not run in its transaction. */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ParsedStatement } from '../contract.js';
import { commandName } from './statement-kinds.js';

/** The rows that an older snapshot should see are not in the storage that the table has now. */
export function tooOldSnapshot(fixed: boolean): QuoralError {
  const message = 'the table was rewritten after the snapshot of the transaction was taken';
  if (fixed) return sqlError('55000', message, { hint: 'Read at a later time.' });
  return new QuoralError('40001', `could not serialize access: ${message}`, {
    retry: 'transaction',
    fields: { hint: 'Retry the transaction.' },
  });
}

export function readOnlyError(statement: ParsedStatement): QuoralError {
  return sqlError('25006', `cannot execute ${commandName(statement)} in a read-only transaction`);
}
