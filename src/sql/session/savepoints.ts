/**
 * Points that the session's transaction can return to: SAVEPOINT's, and those of blocks with exception handlers.
 * Returning undoes writes, schema changes, settings, notifications and advisory locks since; the locks of rows
 * and schema objects are kept, as they are after an error.
 */
import { sqlError } from '../../base/errors.js';
import { AS_DECLARED, knownForeignKeyQueue } from '../exec/foreign-key-queue.js';
import { closePortals, lastSerial } from './portal.js';
import type { Session } from './session.js';
import type { TransactionMark } from './transaction.js';

export function markTransaction(session: Session): TransactionMark {
  session.transactionCatalog().storages.forbidIngest();
  const txn = session.transaction.ensureTxn();
  return {
    kv: txn.savepoint(),
    readOnly: session.modes.readOnly,
    constraints: knownForeignKeyQueue(txn)?.modes ?? null,
    settings: session.settings.mark(),
    catalog: session.transactionCatalog().mark(),
    notifications: session.notifications.mark(),
    advisory: session.advisory.mark(),
    usage: session.usage.mark(),
    portalSerial: lastSerial(),
  };
}

/** @throws QuoralError 40001 if the transaction is over */
export async function returnTo(session: Session, mark: TransactionMark): Promise<void> {
  const { txn } = session;
  if (txn === null || txn.status !== 'active') {
    throw sqlError('40001', 'the transaction was ended by a conflict and cannot return to the savepoint', {
      hint: 'Roll back and run the whole transaction again.',
    });
  }
  if (mark.kv !== null) txn.rollbackTo(mark.kv);
  session.modes = { ...session.modes, readOnly: mark.readOnly };
  const queue = knownForeignKeyQueue(txn);
  if (queue !== null) queue.modes = mark.constraints ?? AS_DECLARED;
  session.transactionCatalog().rollbackTo(mark.catalog);
  session.settings.rollbackTo(mark.settings);
  session.notifications.rollbackTo(mark.notifications);
  session.usage.rollbackTo(mark.usage);
  await session.advisory.rollbackTo(mark.advisory);
  closePortals(session.portals, (portal) => portal.held || portal.serial <= mark.portalSerial);
}
