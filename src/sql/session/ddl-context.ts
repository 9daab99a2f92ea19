/** What schema changes are given of the session. */
import { sqlError } from '../../base/errors.js';
import type { DdlContext } from '../ddl/context.js';
import type { ExecContext } from '../contract.js';
import { BUILT_IN_ONLY } from '../plan/coerce.js';
import type { ResultSink } from '../session-api.js';
import { type Bound, UNBOUND } from './bound-query.js';
import type { StatementMemory } from './memory.js';
import { planToRun } from './planning.js';
import { executedBy } from './prepared-statements.js';
import type { Session } from './session.js';
import { asksForOthers, checkAccess } from './access.js';
import { findSetting } from './setting-table.js';
import { checkSetting } from './setting-values.js';
import { refuseSetting } from './set-show.js';

/** `alone`: false for a statement inside another, which no transaction of its own can begin. */
export function ddlContext(
  session: Session,
  sink: ResultSink,
  memory: StatementMemory,
  { alone, bound = UNBOUND }: { readonly alone: boolean; readonly bound?: Bound },
): DdlContext {
  const { transaction, server, user, database, roles } = session;
  return {
    session: {
      user,
      userId: session.settings.derived.userId,
      sessionUserId: roles.sessionUser.id,
      checkSetting: (name, value) => {
        refuseSetting(session, name);
        const definition = findSetting(name);
        if (definition !== null) checkSetting(definition, value);
      },
      settingName: (name) => findSetting(name)?.name ?? name,
      database,
      // The statement that makes the session's temporary schema finds it there.
      get searchPath() {
        return session.settings.derived.searchPath;
      },
      get temporary() {
        return session.settings.derived.temporary;
      },
      implicit: alone && session.state.state === 'implicit' && transaction.finished === 0,
      setting: (name) => session.settings.get(name),
      checkBodies: session.settings.get('check_function_bodies') !== 'off',
      inBlock: !alone || session.state.inAnyBlock,
    },
    rights: roles.rights,
    rightsOf: (role) => roles.rightsOf(role),
    checkAccess: (compiled) =>
      roles.mustAsk || asksForOthers(compiled) ? checkAccess(session, compiled) : Promise.resolve(),
    asRole: (role, run) => roles.asOwner(role, () => run(ddlContext(session, sink, memory, { alone, bound }))),
    txn: transaction.ensureTxn(),
    db: server.deps.db,
    catalog: transaction.catalog(),
    temporaries: session.temporaries,
    planner: server.deps.planner,
    plannerSettings: { format: session.format, user, database },
    types: BUILT_IN_ONLY,
    sequences: server.sequences,
    wait: session.waitOptions(),
    signal: session.signal,
    sink,
    logger: server.deps.logger,
    memory,
    cascades: [],
    executed: async (execute) => {
      const { prepared, parameters } = await executedBy(session, execute);
      if (prepared.statement?.kind !== 'SelectStmt') throw sqlError('42809', 'prepared statement is not a SELECT');
      const plan = await planToRun(session, prepared);
      if (plan.needsView) await session.services.loadView();
      return { compiled: plan.compiled, execContext: () => session.execContext(parameters, memory, sink, false) };
    },
    knowNames: async () => void (await session.services.loadView()),
    parameterOids: bound.oids,
    execContext: (): ExecContext => session.execContext(bound.parameters, memory, sink, false),
    notice: (notice) => session.notice(notice),
  };
}
