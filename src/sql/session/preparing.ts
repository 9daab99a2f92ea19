/** Parse: a text becomes a prepared statement, whose parameters and columns are known. */
import { sqlError } from '../../base/errors.js';
import { parseSql } from '../parse/parser.js';
import { learnTemplate, liftedStatement, type Liftable } from './lifted-plans.js';
import { isLong, parseLong } from './long-texts.js';
import { PlanCache } from './plan-cache.js';
import { planFor } from './planning.js';
import { Prepared } from './portal.js';
import type { Session } from './session.js';
import { endsTransaction, isPlanned } from './statement-kinds.js';
import { failedTransaction } from './transaction-state.js';
import { utilityColumns } from './utility.js';

/** `template`: of a text whose literals may be lifted out (lifted-plans.ts). */
export async function prepareText(
  session: Session,
  text: string,
  parameterOids: readonly number[],
  template: Liftable | null = null,
): Promise<Prepared> {
  const { planKey } = session.settings.derived;
  const known = session.transaction.catalogChanged
    ? undefined
    : session.server.plans.get(PlanCache.key(planKey, parameterOids, text));
  const lifted = known !== undefined || template === null ? null : liftedStatement(session, template);
  if (lifted !== null) return lifted.unchecked ? prepareStatement(session, lifted) : lifted;
  const kept = known !== undefined ? [known.statement] : session.server.parses.get(text);
  const statements = kept ?? (isLong(text) ? await parseLong(session, text) : parseSql(text));
  if (statements.length > 1) throw sqlError('42601', 'cannot insert multiple commands into a prepared statement');
  const statement = statements[0] ?? null;
  // An empty one may be prepared and described, not bound.
  if (session.state.state === 'failed' && statement !== null && !endsTransaction(statement)) throw failedTransaction();
  const prepared = new Prepared(text, statement, parameterOids, true);
  const learnt = template === null || statement === null ? null : await learnTemplate(session, template, prepared);
  return learnt ?? prepareStatement(session, prepared);
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
  prepared.parameterOids = prepared.written === null ? plan.compiled.parameterOids : [];
  prepared.columns = plan.compiled.columns;
  return prepared;
}
