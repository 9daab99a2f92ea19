/**
 * Statements that are neither compiled nor schema changes: transactions, settings, prepared statements,
 * cursors, EXPLAIN, and the maintenance commands that have nothing to do here.
 */
import { discardTemporaries } from '../catalog/temporary.js';
import { isTemporary } from '../catalog/temporary-names.js';
import { sqlError } from '../../base/errors.js';
import type { ParsedStatement } from '../contract.js';
import type { ResultColumn, ResultSink } from '../session-api.js';
import { asOfTimestamp } from './as-of.js';
import { type Bound, settleParameters, UNBOUND } from './bound-query.js';
import { closeCursor, declareCursor, fetch } from './cursors.js';
import { explain, explainColumns } from './explain.js';
import { lockTable } from './lock-table.js';
import { closePortals, type Prepared } from './portal.js';
import { deallocate, execute, prepare } from './prepared-statements.js';
import { markTransaction, returnTo } from './savepoints.js';
import type { Session } from './session.js';
import type { TransactionModes } from './transaction.js';
import { setConstraints } from './set-constraints.js';
import { modesFrom, setVariable, show } from './set-show.js';
import { findSetting } from './setting-table.js';
import { bodyOf, CLUSTER_SETTING_COLUMNS, RANGES_COLUMNS, SHOW_ALL_COLUMNS, textColumn } from './statement-kinds.js';
import { list } from './tree.js';
import type { Loose } from './tree.js';

/** The role pg_checkpoint. */
const CHECKPOINT = 4544;

/** Columns that Describe announces, null for commands without rows; settles the types of parameters. */
export async function utilityColumns(
  session: Session,
  command: Prepared,
  statement: ParsedStatement,
): Promise<readonly ResultColumn[] | null> {
  await settleParameters(session, command);
  const body = bodyOf(statement);
  switch (statement.kind) {
    case 'ExplainStmt':
      return explainColumns(body);
    case 'VariableShowStmt': {
      const name = String(body['name']).toLowerCase();
      return name === 'all' ? SHOW_ALL_COLUMNS : [textColumn(findSetting(name)?.name ?? name)];
    }
    case 'QuoralShowRanges':
      return RANGES_COLUMNS;
    case 'QuoralShowClusterSetting':
      return CLUSTER_SETTING_COLUMNS;
    case 'ExecuteStmt': {
      const prepared = session.findPrepared(String(body['name']));
      return Promise.resolve(prepared.columns);
    }
    case 'FetchStmt':
      return body['ismove'] === true
        ? null
        : (session.portals.get(String(body['portalname']))?.prepared.columns ?? null);
    default:
      return null;
  }
}

/** Runs the statement; returns its command tag, or '' if it sent its completion itself. */
export async function runUtility(
  session: Session,
  statement: ParsedStatement,
  sink: ResultSink,
  simple: boolean,
  bound: Bound = UNBOUND,
): Promise<string> {
  const body = bodyOf(statement);
  switch (statement.kind) {
    case 'TransactionStmt':
      sink.complete(await transaction(session, statement, body));
      return '';
    case 'VariableSetStmt':
      return setVariable(session, body);
    case 'VariableShowStmt':
      return show(session, body, sink, simple);
    case 'QuoralShowClusterSetting':
    case 'QuoralSetClusterSetting':
      throw sqlError('0A000', 'cluster settings are not supported yet');
    case 'PrepareStmt':
      return prepare(session, statement, body);
    case 'ExecuteStmt':
      return execute(session, body, sink, simple);
    case 'DeallocateStmt':
      return deallocate(session, body);
    case 'DiscardStmt':
      return discard(session, body);
    case 'ExplainStmt':
      return explain(session, statement, body, sink, simple, bound);
    case 'DeclareCursorStmt':
      return declareCursor(session, statement, body, bound);
    case 'FetchStmt':
      return fetch(session, body, sink, simple);
    case 'ClosePortalStmt':
      return closeCursor(session, body);
    case 'LockStmt':
      if (!session.state.inAnyBlock) throw sqlError('25P01', 'LOCK TABLE can only be used in transaction blocks');
      return lockTable(session, body);
    case 'ConstraintsSetStmt':
      return setConstraints(session, body);
    case 'CheckPointStmt':
      if (!session.roles.isSuperuser && !session.roles.rights.isMember(CHECKPOINT))
        throw sqlError('42501', 'must be superuser or have privileges of pg_checkpoint to do CHECKPOINT');
      session.server.usage.checkpoints++;
      return 'CHECKPOINT';
    case 'LoadStmt':
      if (!session.roles.isSuperuser) throw sqlError('42501', 'permission denied to load a library');
      return 'LOAD';
    case 'ListenStmt':
      session.notifications.listen(String(body['conditionname']));
      return 'LISTEN';
    case 'UnlistenStmt':
      if (body['conditionname'] === undefined) session.notifications.unlistenAll();
      else session.notifications.unlisten(String(body['conditionname']));
      return 'UNLISTEN';
    case 'NotifyStmt':
      session.notifications.notify(String(body['conditionname']), String(body['payload'] ?? ''));
      return 'NOTIFY';
    default:
      throw sqlError('0A000', `${statement.kind.replace(/Stmt$/, '')} is not supported`);
  }
}

// ---- transactions ----

async function transaction(session: Session, statement: ParsedStatement, body: Loose): Promise<string> {
  const name = String(body['savepoint_name'] ?? '');
  switch (body['kind']) {
    case 'TRANS_STMT_BEGIN':
    case 'TRANS_STMT_START': {
      const tag = body['kind'] === 'TRANS_STMT_BEGIN' ? 'BEGIN' : 'START TRANSACTION';
      if (session.state.inBlock) {
        session.warn('25001', 'there is already a transaction in progress');
        return tag;
      }
      let modes = modesFrom(list(body['options']), session.transaction.defaultModes());
      if (statement.asOfSystemTime !== null)
        modes = { ...modes, readOnly: true, asOf: await asOfTimestamp(session, statement.asOfSystemTime) };
      session.transaction.beginBlock(modes);
      return tag;
    }
    case 'TRANS_STMT_COMMIT': {
      if (body['chain'] === true) requireBlock(session, 'COMMIT AND CHAIN');
      const chained = chainedModes(session);
      if (!session.state.inBlock) session.warn('25P01', 'there is no transaction in progress');
      const failed = session.state.state === 'failed';
      await session.transaction.end(!failed);
      if (body['chain'] === true) session.transaction.beginBlock(chained);
      return failed ? 'ROLLBACK' : 'COMMIT';
    }
    case 'TRANS_STMT_ROLLBACK': {
      if (body['chain'] === true) requireBlock(session, 'ROLLBACK AND CHAIN');
      const chained = chainedModes(session);
      if (!session.state.inBlock) session.warn('25P01', 'there is no transaction in progress');
      await session.transaction.end(false);
      if (body['chain'] === true) session.transaction.beginBlock(chained);
      return 'ROLLBACK';
    }
    case 'TRANS_STMT_SAVEPOINT': {
      requireBlock(session, 'SAVEPOINT');
      session.transaction.savepoints.push({ name, ...markTransaction(session) });
      session.transactionCatalog().storages.setDepth(session.transaction.savepoints.length);
      return 'SAVEPOINT';
    }
    case 'TRANS_STMT_RELEASE': {
      requireBlock(session, 'RELEASE SAVEPOINT');
      const at = findSavepoint(session, name);
      // A subtransaction that was made read-only is so until it ends, however that is.
      session.modes = { ...session.modes, readOnly: session.transaction.savepoints[at]!.readOnly };
      session.transaction.savepoints.length = at;
      session.transactionCatalog().storages.setDepth(at);
      return 'RELEASE';
    }
    case 'TRANS_STMT_ROLLBACK_TO': {
      requireBlock(session, 'ROLLBACK TO SAVEPOINT');
      return rollbackTo(session, name);
    }
    case 'TRANS_STMT_PREPARE':
      return prepareTransaction(session);
    default: {
      const command = body['kind'] === 'TRANS_STMT_COMMIT_PREPARED' ? 'COMMIT PREPARED' : 'ROLLBACK PREPARED';
      if (session.state.inAnyBlock) throw sqlError('25001', `${command} cannot run inside a transaction block`);
      throw sqlError('42704', `prepared transaction with identifier "${String(body['gid'])}" does not exist`);
    }
  }
}

/** As where max_prepared_transactions is 0: whatever comes of it, the block has ended. */
async function prepareTransaction(session: Session): Promise<string> {
  if (!session.state.inBlock) session.warn('25P01', 'there is no transaction in progress');
  const ends = !session.state.inBlock || session.state.state === 'failed';
  const temporary = usesTemporaries(session);
  try {
    if (!ends) await session.transaction.checkDeferred();
  } finally {
    await session.transaction.end(false);
  }
  if (ends) return 'ROLLBACK';
  if (temporary) throw sqlError('0A000', 'cannot PREPARE a transaction that has operated on temporary objects');
  throw sqlError('55000', 'prepared transactions are disabled', {
    hint: 'Set max_prepared_transactions to a nonzero value.',
  });
}

/** The transaction has read, written, made, changed or dropped something of the session's temporary schema. */
function usesTemporaries({ temporaries, transaction, locks }: Session): boolean {
  if (temporaries.changed) return true;
  if (temporaries.schemaId === null) return false;
  const catalog = transaction.catalog();
  return locks.list(catalog).some(({ relationId }) => isTemporary(catalog.known(relationId)));
}

/** AND CHAIN goes on with the modes of the transaction; one of the past is not begun again. */
function chainedModes(session: Session): TransactionModes {
  const { modes, transaction: own } = session;
  return modes.asOf === null ? modes : own.defaultModes();
}

function requireBlock(session: Session, command: string): void {
  if (!session.state.inBlock) throw sqlError('25P01', `${command} can only be used in transaction blocks`);
}

function findSavepoint(session: Session, name: string): number {
  for (let i = session.transaction.savepoints.length - 1; i >= 0; i--)
    if (session.transaction.savepoints[i]!.name === name) return i;
  throw sqlError('3B001', `savepoint "${name}" does not exist`);
}

async function rollbackTo(session: Session, name: string): Promise<string> {
  const at = findSavepoint(session, name);
  const entry = session.transaction.savepoints[at]!;
  await returnTo(session, entry);
  session.transaction.savepoints.length = at + 1;
  session.transactionCatalog().storages.setDepth(at);
  session.transactionCatalog().storages.setDepth(at + 1);
  session.state.revive();
  return 'ROLLBACK';
}

// ---- settings ----

async function discardTemp(session: Session): Promise<void> {
  const { schemaId } = session.temporaries;
  if (schemaId === null) return;
  await discardTemporaries(session.transaction.ensureTxn(), session.transactionCatalog(), schemaId);
}

async function discard(session: Session, body: Loose): Promise<string> {
  switch (body['target']) {
    case 'DISCARD_PLANS':
      return 'DISCARD PLANS';
    case 'DISCARD_SEQUENCES':
      session.services.discardSequences();
      return 'DISCARD SEQUENCES';
    case 'DISCARD_TEMP':
      await discardTemp(session);
      return 'DISCARD TEMP';
    default:
      if (session.state.inAnyBlock) throw sqlError('25001', 'DISCARD ALL cannot run inside a transaction block');
      closePortals(session.portals);
      session.prepared.clear();
      session.services.discardSequences();
      session.notifications.unlistenAll();
      await session.advisory.unlockAll();
      session.settings.set('session_authorization', null, false);
      session.settings.set('role', null, false);
      session.settings.resetAll();
      session.refreshFormat();
      await discardTemp(session);
      return 'DISCARD ALL';
  }
}
