/** Why a statement may not run in its transaction. */
import { QuoralError, sqlError } from '../../base/errors.js';
import { RIGHTS } from '../catalog/acl.js';
import type { CompiledStatement, ParsedStatement } from '../contract.js';
import type { CachedPlan } from './plan-cache.js';
import type { Session } from './session.js';
import { bodyOf, commandName } from './statement-kinds.js';
import { list } from './tree.js';
import type { Loose } from './tree.js';

/** The rows that an older snapshot should see are not in the storage that the table has now. */
export function tooOldSnapshot(fixed: boolean): QuoralError {
  const message = 'the table was rewritten after the snapshot of the transaction was taken';
  if (fixed) return sqlError('55000', message, { hint: 'Read at a later time.' });
  return new QuoralError('40001', `could not serialize access: ${message}`, {
    retry: 'transaction',
    fields: { hint: 'Retry the transaction.' },
  });
}

/**
 * A statement that looked for a name among those that the node has met, when the catalog has more, has a wrong answer. Plans say
 * whether theirs do (plan/catalog-uses.ts); one that does not say so is found out here, and runs again as one that does.
 * @throws QuoralError 40001
 */
export function requireNames(session: Session, plan: CachedPlan): void {
  if (!session.services.takeMissed() || plan.needsView) return;
  plan.needsView = true;
  throw new QuoralError('40001', 'the statement needs the whole catalog', {
    retry: 'transaction',
    fields: { hint: 'Retry the transaction.' },
  });
}

const CHANGES = RIGHTS.insert | RIGHTS.update | RIGHTS.delete | RIGHTS.truncate;

/** In a read-only transaction temporary tables alone are written, and values of sequences, which look themselves. @throws 25006 */
export function refuseWrites(session: Session, statement: ParsedStatement, compiled: CompiledStatement): void {
  if (!session.modes.readOnly || compiled.readOnly || compiled.movesSequences === true) return;
  const written = compiled.access.filter(
    ({ rights, inserted, updated }) => (rights & CHANGES) !== 0 || inserted.length > 0 || updated.length > 0,
  );
  if (written.length === 0 || !written.every(({ relationId }) => isTemporary(session, relationId)))
    throw readOnlyError(statement);
}

function isTemporary(session: Session, id: number): boolean {
  const d = session.transactionCatalog().known(id);
  return d !== null && 'schemaId' in d && d.schemaId === session.temporaries.schemaId;
}

export function readOnlyError(statement: ParsedStatement): QuoralError {
  return sqlError('25006', `cannot execute ${whatWrites(statement)} in a read-only transaction`);
}

const STRENGTHS: Readonly<Record<string, string>> = {
  LCS_FORKEYSHARE: 'KEY SHARE',
  LCS_FORSHARE: 'SHARE',
  LCS_FORNOKEYUPDATE: 'NO KEY UPDATE',
};

/** A SELECT writes by its WITH, its locks, or a function that it calls. */
function whatWrites(statement: ParsedStatement): string {
  if (statement.kind !== 'SelectStmt') return commandName(statement);
  const body = bodyOf(statement);
  const items = list(((body['withClause'] ?? {}) as Loose)['ctes']);
  if (items.some((item) => !('SelectStmt' in ((item['CommonTableExpr'] as Loose)['ctequery'] as Loose))))
    return 'SELECT';
  const [lock] = list(body['lockingClause']);
  if (lock !== undefined)
    return `SELECT FOR ${STRENGTHS[String((lock['LockingClause'] as Loose)['strength'])] ?? 'UPDATE'}`;
  const called = /\b(nextval|setval)\s*\(/i.exec(statement.text);
  return called === null ? 'SELECT' : `${called[1]!.toLowerCase()}()`;
}
