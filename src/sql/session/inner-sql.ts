/**
 * SQL that runs inside another statement of the session: in DO blocks and in functions.
 *
 * Inside DO and CALL each statement has a snapshot of its own at READ COMMITTED, and is run again alone when it
 * meets a conflict. Inside a function that a query calls, its statements see the query's snapshot, and a conflict
 * is the query's. Either way nothing of them is repeated that was not undone first.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { CompiledStatement, CursorQuery, ParsedStatement } from '../contract.js';
import { isDdl, runDdl } from '../ddl/run-ddl.js';
import { nestConstraints } from '../exec/constraint-checks.js';
import { checkDomain, checkDomainLater, domainWaits } from '../functions/domains.js';
import type { VariableNames } from '../plan/variables.js';
import type { BlockCursors, KeptStatement, OwnedMemory, RunRequest, SqlHost, SqlResult } from '../plpgsql/host.js';
import type { Field, TypeSource } from '../plpgsql/types.js';
import type { Notice, ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { quoteIdentifier } from '../types/identifiers.js';
import type { FormatContext } from '../types/type-info.js';
import type { Bound } from './bound-query.js';
import { settlePortals } from './cursors.js';
import { ddlContext } from './ddl-context.js';
import { endInside } from './inner-transactions.js';
import { planToRun } from './planning.js';
import { pastRefused } from './as-of.js';
import { NO_SINK } from './no-sink.js';
import { Prepared } from './portal.js';
import { typeScope } from './prepared-statements.js';
import { RowsSink } from './rows-sink.js';
import { readOnlyError, refuseWrites, requireNames, tooOldSnapshot } from './runner-errors.js';
import { markTransaction, returnTo } from './savepoints.js';
import type { Session } from './session.js';
import { refuseSetting, setVariable } from './set-show.js';
import { changesNothing, commandName, isPlanned, mayLookUpCatalog } from './statement-kinds.js';
import { lockTable } from './lock-table.js';
import { runUtility } from './utility.js';
import type { Savepoint } from '../../txn/kv-txn.js';

const ATTEMPTS_MAX = 100;
const BACKOFF_MS_MAX = 50;

export interface InnerOptions {
  /** Each is a statement by itself: in DO and CALL. */
  readonly own: boolean;
  /** Of a function that is not volatile: it may not write. */
  readonly mayWrite: boolean;
  /** COMMIT and ROLLBACK end the session's transaction. */
  readonly mayEnd: boolean;
  /** Where notices go, which may be slow. */
  readonly sink: Pick<ResultSink, 'slow'>;
  /** As of when its statements read what the transaction has written; null or none: as they begin. */
  readonly before?: Savepoint | null;
}

class Kept implements KeptStatement {
  readonly prepared: Prepared;
  constructor(prepared: Prepared) {
    this.prepared = prepared;
  }
  forget(): void {
    this.prepared.plan = null;
  }
}

/** Made once for as long as the plan is used: blocks open their cursors again and again. */
const cursorQueries = new WeakMap<CompiledStatement, CursorQuery>();

function cursorQueryOf(compiled: CompiledStatement): CursorQuery | null {
  if (compiled.cursor === undefined) return null;
  let query = cursorQueries.get(compiled);
  if (query === undefined) {
    query = compiled.cursor();
    cursorQueries.set(compiled, query);
  }
  return query;
}

/** Utility commands that give rows. */
const SHOWING: ReadonlySet<string> = new Set(['ExplainStmt', 'VariableShowStmt', 'DeclareCursorStmt']);

/** Utility commands that make sense in a function. */
const UTILITIES: ReadonlySet<string> = new Set([
  'NotifyStmt',
  'ListenStmt',
  'UnlistenStmt',
  'ConstraintsSetStmt',
  'CheckPointStmt',
  'ClosePortalStmt',
  'FetchStmt',
]);

export type InnerCall = (statement: ParsedStatement, mayEnd: boolean) => Promise<string>;

export class InnerSql implements SqlHost {
  readonly #session: Session;
  readonly #options: InnerOptions;
  /** Runs DO and CALL. */
  readonly #call: InnerCall;
  /** Values of domains whose checks have to wait. */
  readonly #checks: { readonly oid: number; readonly value: Datum }[] = [];
  #knowsNames = false;

  constructor(session: Session, options: InnerOptions, call: InnerCall) {
    this.#session = session;
    this.#options = options;
    this.#call = call;
  }

  get format(): FormatContext {
    return this.#session.format;
  }
  get signal(): AbortSignal {
    return this.#session.signal;
  }
  setting(name: string): string {
    return this.#session.setting(name) ?? '';
  }
  get contexts(): (() => string)[] {
    return this.#session.contexts;
  }
  get cursors(): BlockCursors {
    return this.#session.blockCursors;
  }

  get hasChecks(): boolean {
    return this.#checks.length > 0;
  }

  async settleChecks(): Promise<void> {
    const session = this.#session;
    const memory = session.newMemory();
    try {
      const ctx = session.execContext([], memory, NO_SINK, false);
      for (const { oid, value } of this.#checks.splice(0)) await checkDomainLater(oid, value, ctx);
    } finally {
      memory.close();
    }
  }

  checkDomain(oid: number, value: Datum): void {
    if (domainWaits(oid)) {
      this.#checks.push({ oid, value });
      return;
    }
    const session = this.#session;
    const memory = session.newMemory();
    try {
      checkDomain(oid, value, session.execContext([], memory, NO_SINK, false));
    } finally {
      memory.close();
    }
  }

  keep(statement: ParsedStatement, names: VariableNames): KeptStatement {
    return new Kept(new Prepared(statement.text, statement, [], false, names));
  }
  runs(statement: ParsedStatement): boolean {
    return isPlanned(statement) || SHOWING.has(statement.kind);
  }
  newMemory(): OwnedMemory {
    return this.#session.newMemory();
  }

  readonly types: TypeSource = {
    columnsOf: (name) => this.#columnsOf(name),
    typeScope: (tree) => typeScope(this.#session, tree),
  };

  async #columnsOf(name: readonly string[]): Promise<readonly Field[] | null> {
    const session = this.#session;
    const found = await session
      .transactionCatalog()
      .relation(
        { schema: name.length > 1 ? name[name.length - 2]! : null, name: name[name.length - 1]! },
        session.settings.derived.searchPath,
        session.waitOptions(),
      );
    switch (found?.kind) {
      case 'table':
        return found.table.columns
          .filter((c) => !c.dropped && !c.hidden)
          .map((c) => ({ name: c.name, oid: c.typeOid, typmod: c.typmod }));
      case 'view':
        return found.view.columns.map((c) => ({ name: c.name, oid: c.typeOid, typmod: c.typmod }));
      case 'virtual':
        return found.columns.map((c) => ({ name: c.name, oid: c.typeOid, typmod: -1 }));
      default:
        return null;
    }
  }

  async run(request: RunRequest): Promise<SqlResult> {
    const session = this.#session;
    if (!this.#options.own || session.modes.isolation !== 'read committed') return this.#once(request);
    return this.#repeated(() => this.#once(request));
  }

  async #once({ statement, parameters, rowsMax, isCursor, isCall, bound }: RunRequest): Promise<SqlResult> {
    const session = this.#session;
    const { prepared } = statement as Kept;
    this.#checkCancelled();
    if (prepared.statement!.asOfSystemTime !== null) throw pastRefused('inside of a function');
    if (SHOWING.has(prepared.statement!.kind)) return this.#shown(prepared, parameters);
    session.transaction.checkCatalog();
    const plan = await planToRun(session, prepared);
    const { compiled } = plan;
    bound?.(compiled.called);
    refuseWrites(session, prepared.statement!, compiled);
    if (!compiled.readOnly) this.#checkVolatile(prepared.statement!);
    const settled = settlePortals(session, compiled.readOnly, null);
    if (settled !== null) await settled;
    const txn = session.transaction.ensureTxn();
    if (this.#options.own) txn.beginStatement();
    if (plan.storageSince > txn.readTimestamp) throw tooOldSnapshot(session.modes.asOf !== null);
    if (plan.needsView) await session.services.loadView();
    session.services.takeMissed();
    session.transaction.readsTables = true;
    const memory = session.newMemory();
    const sink = new RowsSink(memory, (notice) => session.notice(notice));
    const query = isCursor === true ? cursorQueryOf(compiled) : null;
    const ctx = session.execContext(parameters(), memory, sink, false);
    ctx.before = this.#options.before ?? null;
    const execution = (query ?? compiled).start(ctx);
    session.inner.grant(isCall === true && this.#options.mayEnd);
    try {
      await execution.run(sink, rowsMax);
      requireNames(session, plan);
      const { rows } = sink;
      const cursor = isCursor === true ? { query, statement: prepared.statement } : {};
      return { columns: compiled.columns, rows, tag: execution.tag, ...cursor, release: () => memory.close() };
    } catch (error) {
      memory.close();
      requireNames(session, plan);
      throw error;
    } finally {
      execution.close();
    }
  }

  async #shown({ statement, names }: Prepared, parameters: RunRequest['parameters']): Promise<SqlResult> {
    const session = this.#session;
    this.#checkVolatile(statement!);
    const memory = session.newMemory();
    const sink = new RowsSink(memory, (notice) => session.notice(notice));
    const bound: Bound = {
      oids: [],
      get parameters() {
        return parameters();
      },
      names,
      within: !this.#options.own,
    };
    try {
      const tag = await runUtility(session, statement!, sink, true, bound);
      return { columns: sink.shown, rows: sink.rows, tag, release: () => memory.close() };
    } catch (error) {
      memory.close();
      throw error;
    }
  }

  #checkCancelled(): void {
    if (this.#session.signal.aborted) throw this.#session.signal.reason;
  }

  #checkWrite(statement: ParsedStatement): void {
    if (this.#session.modes.readOnly && !changesNothing(statement)) throw readOnlyError(statement);
    this.#checkVolatile(statement);
  }

  #checkVolatile(statement: ParsedStatement): void {
    if (!this.#options.mayWrite)
      throw sqlError('0A000', `${commandName(statement)} is not allowed in a non-volatile function`);
  }

  /** At READ COMMITTED a statement that lost to another is run again on what that one has left. */
  async #repeated<T>(body: () => Promise<T>): Promise<T> {
    const session = this.#session;
    const { deps } = session.server;
    const { changes } = session.advisory;
    const { endedInside } = session.transaction;
    const before = markTransaction(session);
    for (let attempt = 1; ; attempt++) {
      try {
        return await body();
      } catch (error) {
        const { txn } = session;
        const conflict = error instanceof QuoralError && error.retry !== 'none' && error.sqlstate === '40001';
        if (!conflict || attempt >= ATTEMPTS_MAX || txn?.status !== 'active') throw error;
        if (session.signal.aborted || changes !== session.advisory.changes) throw error;
        if (endedInside !== session.transaction.endedInside) throw error;
        await returnTo(session, before);
        if (attempt > 1)
          await deps.timers.sleep(deps.rng.next() * Math.min(BACKOFF_MS_MAX, 2 ** Math.min(attempt, 10)));
      }
    }
  }

  async knowNames(): Promise<void> {
    this.#knowsNames = true;
    await this.#session.services.view();
  }

  async endTransaction(commits: boolean, chain: boolean): Promise<void> {
    const session = this.#session;
    session.inner.check(commits, this.#options.mayEnd, session.blockCursors.writing > 0);
    this.#checkCancelled();
    await endInside(session, commits, chain);
    if (this.#knowsNames) await session.services.view();
  }

  async command(statement: ParsedStatement, isCall = false): Promise<string> {
    const session = this.#session;
    this.#checkCancelled();
    if (session.roles.mustAsk) await session.roles.refresh();
    this.#checkVolatile(statement);
    if (statement.kind === 'DoStmt') return this.#call(statement, isCall && this.#options.mayEnd);
    if (isDdl(statement)) return this.#schemaChange(statement);
    const body = statement.node[statement.kind] as Readonly<Record<string, unknown>>;
    if (statement.kind === 'LockStmt') return lockTable(session, body);
    if (statement.kind === 'VariableSetStmt') {
      const tag = await setVariable(session, body, true);
      session.refreshFormat();
      return tag;
    }
    if (!UTILITIES.has(statement.kind))
      throw sqlError('0A000', `${commandName(statement)} is not supported in a function`);
    const memory = session.newMemory();
    try {
      return await runUtility(session, statement, new RowsSink(memory, (n) => session.notice(n)), false);
    } finally {
      memory.close();
    }
  }

  async #schemaChange(statement: ParsedStatement): Promise<string> {
    const session = this.#session;
    const { transaction } = session;
    this.#checkWrite(statement);
    const settled = settlePortals(session, false, null);
    if (settled !== null) await settled;
    const txn = transaction.ensureTxn();
    if (this.#options.own) txn.beginStatement();
    if (mayLookUpCatalog(statement.text) || /nextval/i.test(statement.text)) await session.services.loadView();
    const memory = session.newMemory();
    transaction.catalog().beginSchemaChange();
    try {
      const sink = new RowsSink(memory, (notice) => session.notice(notice));
      return await runDdl(ddlContext(session, sink, memory, { alone: false }), statement);
    } finally {
      memory.close();
    }
  }

  async attempt<T>(body: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: Error }> {
    const session = this.#session;
    const before = markTransaction(session);
    try {
      return { value: await session.inner.inSubtransaction(body) };
    } catch (error) {
      if (!(error instanceof QuoralError) || !this.#outlived(error)) throw error;
      await returnTo(session, before);
      session.refreshFormat();
      return { error };
    }
  }

  /**
   * A conflict between transactions is not for a handler: the server may run the statement or the transaction
   * again, and who went on instead would go on from a state that cannot be committed.
   */
  #outlived(error: QuoralError): boolean {
    if (error.retry !== 'none' || error.severity === 'FATAL') return false;
    return !this.#session.signal.aborted && this.#session.txn?.status === 'active';
  }

  async asideOfCaller<T>(body: () => Promise<T>): Promise<T> {
    const { txn } = this.#session;
    if (txn === null) return body();
    const leave = nestConstraints(txn);
    try {
      return await body();
    } finally {
      leave();
    }
  }

  async withSettings<T>(config: readonly string[], body: () => Promise<T>): Promise<T> {
    const session = this.#session;
    for (const entry of config) refuseSetting(session, entry.slice(0, entry.indexOf('=')));
    const leave = session.settings.enter(config);
    session.refreshFormat();
    try {
      return await body();
    } finally {
      leave();
      session.refreshFormat();
    }
  }

  async withPath<T>(schemaIds: readonly number[], body: () => Promise<T>): Promise<T> {
    const catalog = this.#session.transactionCatalog();
    const names: string[] = [];
    for (const id of schemaIds) names.push(quoteIdentifier(await catalog.schemaName(id)));
    // What the session has of its own comes last, or it would hide what was meant.
    return this.withSettings([`search_path=${[...names, 'pg_temp'].join(', ')}`], body);
  }

  async notice(notice: Notice): Promise<void> {
    this.#session.notice(notice);
    const slow = this.#options.sink.slow();
    if (slow !== null) await slow;
  }

  async breathe(): Promise<void> {
    const { timers } = this.#session.server.deps;
    await new Promise<void>((resolve) => timers.endOfTurn(resolve));
    this.#checkCancelled();
  }
}
