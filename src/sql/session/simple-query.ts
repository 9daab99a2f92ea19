/** The simple protocol: a text of any number of statements, whose results go out in text format. */
import { refuseParameters } from '../plan/refuse-parameters.js';
import { parseSql } from '../parse/parser.js';
import type { ParsedStatement } from '../contract.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { learnTemplate, type Liftable, liftable, liftedStatement } from './lifted-plans.js';
import { isLong, parseLong } from './long-texts.js';
import { cachedStatement } from './planning.js';
import { closePortal, Prepared } from './portal.js';
import type { StatementRunner } from './runner.js';
import type { Session } from './session.js';
import { isPlanned } from './statement-kinds.js';

const NO_PARAMETERS: readonly Datum[] = [];
/** Characters; longer texts of utility statements are hardly sent again. */
const KEPT_TREES_MAX = 1024;

/** Statements in which $1 is no parameter of the client's: what they prepare or make has it. */
const NAMING_PARAMETERS: ReadonlySet<string> = new Set(['PrepareStmt', 'CreateFunctionStmt']);

/** @throws QuoralError of any of its statements; those behind it are not run */
export async function runSimpleQuery(
  session: Session,
  runner: StatementRunner,
  text: string,
  sink: ResultSink,
): Promise<void> {
  dropUnnamed(session);
  const run = (prepared: Prepared, isLast: boolean): Promise<void> =>
    runner.run(prepared, sink, {
      parameters: prepared.written?.values ?? NO_PARAMETERS,
      maxRows: 0,
      simple: true,
      commits: isLast && !session.state.inBlock,
      portal: null,
    });
  // In a failed transaction a statement is only looked at for whether it ends it.
  const known = session.state.state === 'failed' ? null : cachedStatement(session, text);
  if (known !== null) {
    tell(session, known.statement);
    return run(known, true);
  }
  const template = liftable(session, text);
  const lifted = template === null ? null : liftedStatement(session, template);
  if (lifted !== null) {
    tell(session, lifted.statement);
    return run(lifted, true);
  }

  const kept = session.server.parses.get(text);
  const statements = kept ?? (isLong(text) ? await parseLong(session, text) : parseSql(text));
  if (statements.length === 0) sink.empty();
  else tell(session, statements[0]!);
  if (statements.length > 0 && statements.every((s) => !isPlanned(s)) && text.length < KEPT_TREES_MAX)
    session.server.parses.put(text, statements);
  session.state.isOfSeveral = statements.length > 1;
  try {
    await runEach(session, statements, text, template, run);
  } finally {
    session.state.isOfSeveral = false;
  }
  if (session.state.state === 'implicit') await session.transaction.end(true);
}

function tell(session: Session, statement: ParsedStatement | null): void {
  if (statement?.notices !== undefined) for (const notice of statement.notices) session.notice(notice);
}

async function runEach(
  session: Session,
  statements: readonly ParsedStatement[],
  text: string,
  template: Liftable | null,
  run: (prepared: Prepared, isLast: boolean) => Promise<void>,
): Promise<void> {
  for (const [i, statement] of statements.entries()) {
    if (!NAMING_PARAMETERS.has(statement.kind)) refuseParameters(statement);
    const alone = statements.length === 1;
    if (i > 0) session.startTimeout();
    const prepared = new Prepared(alone ? text : statement.text, statement, [], alone);
    const learnt = alone && template !== null ? await learnTemplate(session, template, prepared) : null;
    await run(learnt ?? prepared, i === statements.length - 1);
  }
}

function dropUnnamed(session: Session): void {
  const portal = session.portals.get('');
  if (portal !== undefined) {
    closePortal(portal);
    session.portals.delete('');
  }
  session.prepared.delete('');
}
