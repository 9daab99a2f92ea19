/**
 * Parameters of commands that contain a query: EXPLAIN, DECLARE CURSOR and CREATE TABLE AS take them from the extended
 * protocol for the query, and for nothing else that they say. Views take none.
 */
import type { ParsedStatement } from '../contract.js';
import type { VariableNames } from '../plan/variables.js';
import type { Datum } from '../types/datum.js';
import { planFor } from './planning.js';
import { Prepared } from './portal.js';
import type { Session } from './session.js';
import { bodyOf, isPlanned } from './statement-kinds.js';

/** What Bind gave, with the types that Parse settled, or what the body of a function has for its statement. */
export interface Bound {
  readonly oids: readonly number[];
  /** In a body: known once the statement is bound. */
  readonly parameters: readonly Datum[];
  readonly names?: VariableNames | null;
  /** It reads what the statement around it reads. */
  readonly within?: boolean;
}

export const UNBOUND: Bound = { oids: [], parameters: [] };

export function innerStatement(node: unknown, outer: ParsedStatement): ParsedStatement {
  const parsed = node as ParsedStatement['node'];
  const kind = Object.keys(parsed)[0]!;
  return { ...outer, node: parsed, kind };
}

/** The query that parameters of the command belong to; null if it takes none. */
function queryOf(statement: ParsedStatement): ParsedStatement | null {
  switch (statement.kind) {
    case 'ExplainStmt':
    case 'DeclareCursorStmt': {
      const inner = innerStatement(bodyOf(statement)['query'], statement);
      return isPlanned(inner) ? inner : queryOf(inner);
    }
    case 'CreateTableAsStmt': {
      if (bodyOf(statement)['objtype'] === 'OBJECT_MATVIEW') return null;
      const inner = innerStatement(bodyOf(statement)['query'], statement);
      return isPlanned(inner) ? inner : null;
    }
    default:
      return null;
  }
}

/** Settles the types of the parameters of a command, as Parse does for a query. */
export async function settleParameters(session: Session, prepared: Prepared): Promise<void> {
  const { statement } = prepared;
  const query = statement === null || statement.parameterCount === 0 ? null : queryOf(statement);
  if (query === null) return;
  if (session.state.state === 'idle') session.state.apply('statement');
  const plan = await planFor(session, new Prepared(prepared.text, query, prepared.declaredOids, false));
  prepared.parameterOids = plan.compiled.parameterOids;
}
