/** Parse: a text becomes a prepared statement, whose parameters and columns are known. */
import { sqlError } from '../../base/errors.js';
import { parseSql } from '../parse/parser.js';
import { isLong, parseLong } from './long-texts.js';
import { PlanCache } from './plan-cache.js';
import { planFor } from './planning.js';
import { Prepared } from './portal.js';
import type { Session } from './session.js';
import { endsTransaction, isPlanned } from './statement-kinds.js';
import { failedTransaction } from './transaction-state.js';
import { utilityColumns } from './utility.js';

export async function prepareText(session: Session, text: string, parameterOids: readonly number[]): Promise<Prepared> {
  const { planKey } = session.settings.derived;
  const known = session.transaction.catalogChanged
    ? undefined
    : session.server.plans.get(PlanCache.key(planKey, parameterOids, text));
  const kept = known !== undefined ? [known.statement] : session.server.parses.get(text);
  const statements = kept ?? (isLong(text) ? await parseLong(session, text) : parseSql(text));
  if (statements.length > 1) throw sqlError('42601', 'cannot insert multiple commands into a prepared statement');
  const statement = statements[0] ?? null;
  if (session.state.state === 'failed' && (statement === null || !endsTransaction(statement)))
    throw failedTransaction();
  return prepareStatement(session, new Prepared(text, statement, parameterOids, true));
}

/** Settles parameter types and result columns. */
export async function prepareStatement(session: Session, prepared: Prepared): Promise<Prepared> {
  const { statement } = prepared;
  if (statement === null) return prepared;
  if (!isPlanned(statement)) {
    prepared.columns = await utilityColumns(session, prepared, statement);
    return prepared;
  }
  const opened = session.state.state === 'idle';
  if (opened) session.state.apply('statement');
  const plan = await planFor(session, prepared);
  prepared.parameterOids = plan.compiled.parameterOids;
  prepared.columns = plan.compiled.columns;
  return prepared;
}
