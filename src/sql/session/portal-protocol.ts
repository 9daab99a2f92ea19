/** Portals of the extended protocol: Bind, and Execute of one that stopped at its row limit. */
import { sqlError } from '../../base/errors.js';
import type { ParsedStatement } from '../contract.js';
import type { ParameterValue, ResultSink } from '../session-api.js';
import { ALL } from './cursor-rows.js';
import { knowNames } from './cursors.js';
import { decodeParameters } from './parameters.js';
import { closePortal, newPortal, type Portal, runPortal } from './portal.js';
import type { Session } from './session.js';
import { bodyOf, commandName, endsTransaction } from './statement-kinds.js';
import { failedTransaction } from './transaction-state.js';

export function bindPortal(
  session: Session,
  portalName: string,
  statementName: string,
  values: readonly ParameterValue[],
): void {
  const prepared = session.findPrepared(statementName);
  const { statement } = prepared;
  if (session.state.state === 'failed' && (statement === null || !endsTransaction(statement)))
    throw failedTransaction();
  if (values.length !== prepared.parameterOids.length) {
    throw sqlError(
      '08P01',
      `bind message supplies ${values.length} parameters, but prepared statement "${statementName}" requires ${prepared.parameterOids.length}`,
    );
  }
  const open = session.portals.get(portalName);
  if (open !== undefined) {
    if (portalName !== '') throw sqlError('42P03', `cursor "${portalName}" already exists`);
    closePortal(open);
  }
  session.checkPortals();
  const parameters =
    prepared.written?.values ??
    decodeParameters(values, prepared.parameterOids, session.format, session.clientEncoding);
  prepared.runs++;
  session.portals.set(portalName, newPortal(portalName, prepared, parameters));
}

/** More rows of a suspended portal. */
export async function continuePortal(
  session: Session,
  portal: Portal,
  maxRows: number,
  sink: ResultSink,
): Promise<void> {
  if (session.state.state === 'failed') throw failedTransaction();
  const { execution, rows } = portal;
  session.services.beginStatement();
  await knowNames(session, portal);
  if (rows !== null) {
    const count = await runPortal(portal, () => rows.forward(maxRows === 0 ? ALL : maxRows, sink));
    if (count > 0 && count === maxRows) sink.suspended();
    else sink.complete(`SELECT ${count}`);
    return;
  }
  if (execution === null) return;
  const outcome = await runPortal(portal, () => execution.run(sink, maxRows));
  if (outcome === 'suspended') {
    sink.suspended();
    return;
  }
  portal.done = true;
  const { tag } = execution;
  closePortal(portal);
  sink.complete(tag);
}

/** Of a portal that is executed again after its last row. What gives no rows runs once only. */
export function emptyTag(portalName: string, statement: ParsedStatement): string {
  const returns = bodyOf(statement)['returningClause'] !== undefined;
  switch (statement.kind) {
    case 'SelectStmt':
      if (bodyOf(statement)['intoClause'] === undefined) return 'SELECT 0';
      break;
    case 'CallStmt':
      return 'CALL';
    case 'VariableShowStmt':
      return 'SHOW';
    case 'ExplainStmt':
      return 'EXPLAIN';
    case 'FetchStmt':
    case 'ExecuteStmt':
      return `${commandName(statement)} 0`;
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
      if (returns) return statement.kind === 'InsertStmt' ? 'INSERT 0 0' : `${commandName(statement)} 0`;
      break;
  }
  throw sqlError('55000', `portal "${portalName}" cannot be run`);
}
