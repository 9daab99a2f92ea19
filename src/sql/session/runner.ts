/**
 * Running one statement: the fast path of single reads, planned statements with their retries, schema
 * changes, utilities. The results of what may be repeated are held back by the buffering sink; an
 * implicit transaction commits before the completion is let through.
 */
import { QuoralError } from '../../base/errors.js';
import type { ParsedStatement } from '../contract.js';
import { isDdl, runDdl } from '../ddl/run-ddl.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { pastRefused, readPast } from './as-of.js';
import { BufferingSink } from './buffering-sink.js';
import { settlePortals } from './cursors.js';
import { ddlContext } from './ddl-context.js';
import type { CachedPlan } from './plan-cache.js';
import { planToRun, validPlan } from './planning.js';
import type { Portal, Prepared } from './portal.js';
import { runBlock } from './procedural.js';
import { readOnlyError, refuseWrites, requireNames, tooOldSnapshot } from './runner-errors.js';
import type { Session } from './session.js';
import { NO_SINK } from './no-sink.js';
import {
  actsAtCommit,
  changesNothing,
  endsTransaction,
  isPlanned,
  isProcedural,
  mayLookUpCatalog,
  RANGES_COLUMNS,
} from './statement-kinds.js';
import { failedTransaction } from './transaction-state.js';
import { runUtility } from './utility.js';

export interface RunOptions {
  readonly parameters: readonly Datum[];
  readonly maxRows: number;
  readonly simple: boolean;
  /** The statement ends the transaction: commit before its completion goes out. */
  readonly commits: boolean;
  readonly portal: Portal | null;
}

export class StatementRunner {
  readonly #session: Session;
  readonly #buffer = new BufferingSink(NO_SINK);

  constructor(session: Session) {
    this.#session = session;
  }

  async run(prepared: Prepared, sink: ResultSink, options: RunOptions): Promise<void> {
    const session = this.#session;
    const statement = prepared.statement!;
    if (session.state.state === 'failed' && !endsTransaction(statement)) throw failedTransaction();
    session.services.beginStatement();
    session.advisory.check();
    const { roles } = session;
    if (roles.mustAsk && statement.kind !== 'TransactionStmt' && roles.currentRights === null) await roles.refresh();
    session.transaction.readsTables = true;
    if (isPlanned(statement)) {
      const plan = validPlan(session, prepared);
      if (plan?.compiled.pointRead != null && this.#mayReadDirectly(prepared, options, plan)) {
        if (await this.#readDirectly(plan, sink, options)) return;
      }
      await this.#runPlanned(prepared, sink, options);
    } else if (statement.kind === 'TransactionStmt') await runUtility(session, statement, sink, options.simple);
    else if (isProcedural(statement)) await this.#runProcedural(statement, sink, options);
    else if (isDdl(statement)) await this.#runDdl(prepared, sink, options);
    else await this.#runUtility(prepared, sink, options);
  }

  #hold(sink: ResultSink): BufferingSink {
    this.#session.state.apply('statement');
    const buffer = this.#buffer.reset(sink);
    this.#session.useSink(buffer);
    return buffer;
  }

  async #runUtility(prepared: Prepared, sink: ResultSink, options: RunOptions): Promise<void> {
    const session = this.#session;
    const statement = prepared.statement!;
    const run = (): Promise<string> =>
      runUtility(session, statement, buffer, options.simple, {
        oids: prepared.parameterOids,
        parameters: options.parameters,
      });
    const { transaction } = session;
    const buffer = this.#hold(sink);
    await readPast(session, statement);
    if (!actsAtCommit(statement)) {
      await this.#finish(buffer, await run(), options);
      return;
    }
    let tag = '';
    await transaction.withRetries(buffer, false, async () => {
      tag = await run();
      if (options.commits) await transaction.commit();
    });
    await this.#finish(buffer, tag, options);
  }

  /** DO: its statements are run again by themselves where that is possible, or all of it with the transaction. */
  async #runProcedural(statement: ParsedStatement, sink: ResultSink, options: RunOptions): Promise<void> {
    const session = this.#session;
    const { transaction } = session;
    const buffer = this.#hold(sink);
    if (transaction.finished > 0) transaction.checkCatalog();
    let tag = '';
    await transaction.withRetries(buffer, false, async () => {
      tag = await runBlock(session, statement, buffer, { depth: 0, mayEnd: mayEndInside(session, options) });
      if (options.commits) await transaction.commit();
    });
    await this.#finish(buffer, tag, options);
  }

  async #finish(buffer: BufferingSink, tag: string, options: RunOptions): Promise<void> {
    const { transaction } = this.#session;
    transaction.finished++;
    if (options.portal !== null) options.portal.done = true;
    if (options.commits && transaction.state.state === 'implicit') await transaction.end(true);
    if (tag === '') buffer.release();
    else buffer.complete(tag);
  }

  async #runDdl(prepared: Prepared, sink: ResultSink, options: RunOptions): Promise<void> {
    const session = this.#session;
    const statement = prepared.statement!;
    const bound = { oids: prepared.parameterOids, parameters: options.parameters };
    const { transaction } = session;
    const buffer = this.#hold(sink);
    const shows = statement.kind === 'QuoralShowRanges';
    if (statement.asOfSystemTime !== null) throw pastRefused('in a schema change');
    if (session.modes.readOnly && !shows && !changesNothing(statement)) throw readOnlyError(statement);
    let tag = '';
    const settled = settlePortals(session, shows, options.portal);
    if (settled !== null) await settled;
    await transaction.withRetries(buffer, false, async () => {
      transaction.ensureTxn().beginStatement();
      if (mayLookUpCatalog(statement.text) || /nextval/i.test(statement.text)) await session.services.loadView();
      if (shows && options.simple) buffer.columns(RANGES_COLUMNS);
      const memory = session.newMemory();
      transaction.catalog().beginSchemaChange();
      try {
        tag = await runDdl(ddlContext(session, buffer, memory, { alone: true, bound }), statement);
      } finally {
        memory.close();
      }
      if (options.commits) await transaction.commit();
    });
    await this.#finish(buffer, tag, options);
  }

  async #runPlanned(prepared: Prepared, sink: ResultSink, options: RunOptions): Promise<void> {
    const { transaction } = this.#session;
    const buffer = this.#hold(sink);
    if (transaction.finished > 0) transaction.checkCatalog();
    let tag: string | null = null;
    await transaction.withRetries(buffer, true, async () => {
      tag = await this.#attempt(prepared, buffer, options);
      if (tag !== null && options.commits) await transaction.commit();
    });
    if (tag === null) {
      transaction.finished++;
      buffer.suspended();
    } else await this.#finish(buffer, tag, options);
  }

  /** The command tag, or null if it stopped at its row limit. */
  async #attempt(prepared: Prepared, buffer: BufferingSink, options: RunOptions): Promise<string | null> {
    const session = this.#session;
    const { transaction } = session;
    const statement = prepared.statement!;
    session.services.beginStatement();
    const plan = await planToRun(session, prepared);
    const { compiled } = plan;
    buffer.rowsStand = compiled.streams === true;
    refuseWrites(session, statement, compiled);
    await readPast(session, statement);
    const settled = settlePortals(session, compiled.readOnly, options.portal);
    if (settled !== null) await settled;
    const txn = transaction.ensureTxn();
    session.locks.runs(compiled);
    txn.beginStatement();
    if (plan.storageSince > txn.readTimestamp) throw tooOldSnapshot(session.modes.asOf !== null);
    if (plan.needsView) await session.services.view();
    session.services.takeMissed();
    transaction.readsTables = compiled.dependencies.length > 0;
    const memory = session.newMemory();
    const implicit = options.commits && transaction.finished === 0;
    const execution = compiled.start(session.execContext(options.parameters, memory, buffer, implicit));
    const { portal } = options;
    let keep = false;
    session.inner.grant(mayEndInside(session, options));
    try {
      if (options.simple && compiled.columns !== null && statement.kind !== 'CopyStmt')
        buffer.columns(compiled.columns);
      if ((await execution.run(buffer, options.maxRows)) === 'done') return execution.tag;
      if (portal === null) return execution.tag;
      keep = true;
      portal.execution = execution;
      portal.compiled = compiled;
      portal.memory = memory;
      return null;
    } finally {
      if (!keep) {
        execution.close();
        memory.close();
      }
      requireNames(session, plan);
    }
  }

  // ---- the fast path ----

  #mayReadDirectly(prepared: Prepared, options: RunOptions, plan: CachedPlan): boolean {
    const { transaction, modes } = this.#session;
    return (
      options.commits &&
      !prepared.unchecked &&
      options.maxRows === 0 &&
      transaction.txn === null &&
      transaction.finished === 0 &&
      !plan.needsView &&
      (plan.mayRun || (!plan.asksForOthers && !this.#session.roles.mustAsk)) &&
      modes.isolation === 'serializable' &&
      prepared.statement!.asOfSystemTime === null &&
      !transaction.catalogChanged
    );
  }

  /** Reads of single keys at a time the server chooses: one round, no transaction. False: take the long way. */
  async #readDirectly(plan: CachedPlan, sink: ResultSink, options: RunOptions): Promise<boolean> {
    const session = this.#session;
    const { pointRead, columns } = plan.compiled;
    let values: readonly (Buffer | null)[];
    try {
      values = await session.server.deps.db.getMany(pointRead!.keys(options.parameters, session.format));
    } catch (error) {
      if (error instanceof QuoralError && (error.retry === 'transaction' || error.retry === 'statement')) return false;
      throw error;
    }
    if (session.signal.aborted) throw session.signal.reason;
    if (options.simple && columns !== null) sink.columns(columns);
    const count = pointRead!.rows(values, options.parameters, session.format, sink);
    session.usage.pointRead(pointRead!.indexId, count);
    if (options.portal !== null) options.portal.done = true;
    await session.transaction.endCatalog();
    if (session.state.state === 'implicit') session.state.apply('end');
    sink.complete(`SELECT ${count}`);
    return true;
  }
}

/** Whether COMMIT in a procedure or DO has nothing but the statement to end. */
function mayEndInside(session: Session, { commits }: RunOptions): boolean {
  return commits && session.transaction.finished === 0;
}
