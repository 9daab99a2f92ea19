/**
 * One client's session: transactions, statements, portals, settings. The wire protocol calls it one
 * message after the other; `cancel` alone may come at any time.
 *
 * Invariants: a KvTxn exists only in the states implicit and block, and ends exactly once; whatever
 * ends it also ends the transaction's catalog, so that no schema lock outlives it; an implicit
 * transaction commits before its command's completion is released to the client; a statement is
 * repeated only while nothing of it (or of its transaction, when that is repeated) has gone out.
 */
import { newAbortController } from '../../base/abort.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { TimerHandle } from '../../env/env.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { WaitOptions } from '../catalog/catalog.js';
import type { RoleDescriptor } from '../catalog/descriptor.js';
import { SessionTemporaries } from '../catalog/temporary.js';
import type { TransactionCatalog } from '../catalog/transaction-catalog.js';
import type { ActivityRow } from '../catalog/virtual/services.js';
import type { ExecContext } from '../contract.js';
import type {
  Notice,
  Notification,
  ParameterValue,
  PreparedInfo,
  ResultColumn,
  ResultSink,
  SessionOptions,
  SqlSession,
  TransactionStatus,
} from '../session-api.js';
import type { Datum } from '../types/datum.js';
import type { TextEncoding } from '../types/encodings.js';
import type { FormatContext } from '../types/type-info.js';
import { isHandle } from '../types/user-types.js';
import { StatementMemory } from './memory.js';
import { NO_SINK } from './no-sink.js';
import { SessionCursors } from './block-cursors.js';
import { actBeforeCommit } from './on-commit.js';
import { ddlContext } from './ddl-context.js';
import { bindPortal, continuePortal, emptyTag } from './portal-protocol.js';
import { planFor } from './planning.js';
import { checkRoom, closePortal, closePortals, type Portal, type Prepared, noSuchPortal } from './portal.js';
import { liftable } from './lifted-plans.js';
import { runSimpleQuery } from './simple-query.js';
import { StatementRunner } from './runner.js';
import type { ServerCore } from './server.js';
import { InnerTransactions } from './inner-transactions.js';
import { newSessionAdvisory, type SessionAdvisory } from './advisory.js';
import { SessionNotifications } from './notifications.js';
import { prepareText } from './preparing.js';
import { routineHost } from './procedural.js';
import { SessionRoles } from './roles.js';
import { Routines } from './routines.js';
import { refuseSetting } from './set-show.js';
import { needsNames } from '../plan/catalog-uses.js';
import { SessionLocks } from '../locks/session-locks.js';
import { SessionUsage } from '../usage/session-usage.js';
import { SessionActivity, since2000, wallSince2000 } from './activity.js';
import { sessionFormat } from './format.js';
import { Services } from './services.js';
import { Settings, severityRank } from './settings.js';
import { modeSetting, SessionTransaction, type TransactionModes } from './transaction.js';
import { idleTooLong, shutdownError } from './transaction-state.js';

const PORTALS_MAX = 10_000;
const CLOSE_MS_MAX = 2_000;

/** Where a session begins: with what ALTER DATABASE and ALTER ROLE … SET say, 'name=value', the later over the earlier. */
export interface SessionPlace {
  readonly databaseId: number;
  readonly role: RoleDescriptor;
  readonly settings: readonly string[];
}

export class Session implements SqlSession {
  readonly processId: number;
  readonly secretKey: number;
  readonly roles: SessionRoles;
  readonly database: string;
  readonly databaseId: number;
  readonly settings: Settings;
  readonly services: Services;
  readonly server: ServerCore;
  readonly remote: string;
  readonly transaction: SessionTransaction;
  readonly notifications: SessionNotifications;
  readonly advisory: SessionAdvisory;
  readonly temporaries: SessionTemporaries;
  readonly routines: Routines;
  readonly #runner: StatementRunner;
  readonly prepared = new Map<string, Prepared>();
  readonly portals = new Map<string, Portal>();
  readonly blockCursors: SessionCursors = new SessionCursors(this);
  readonly inner = new InnerTransactions();
  /** What runs inside of what, for GET DIAGNOSTICS. */
  readonly contexts: (() => string)[] = [];
  #abort = newAbortController();
  #running = false;
  #closed: QuoralError | null = null;
  #closing = false;
  readonly #whenIdle: (() => void)[] = [];
  #idleTimer: TimerHandle | null = null;
  #timeout: TimerHandle | null = null;
  #sink: ResultSink | null = null;
  #format: FormatContext;
  #transactionNow = 0n;
  #statementNow = 0n;
  #pendingReports: [string, string][] = [];
  readonly activityNow: SessionActivity;
  readonly usage: SessionUsage;
  readonly locks = new SessionLocks();

  constructor(server: ServerCore, options: SessionOptions, place: SessionPlace, processId: number, secretKey: number) {
    this.server = server;
    const { databaseId, role, settings } = place;
    this.roles = new SessionRoles(this, role);
    this.database = options.database;
    this.databaseId = databaseId;
    this.remote = options.remote;
    this.processId = processId;
    this.secretKey = secretKey;
    this.settings = new Settings(
      options.user,
      (current, authorization) => this.roles.current(current, authorization),
      options.database,
      { startup: options.parameters, kept: settings, superuser: role.superuser },
      (name, value) => this.#report(name, value),
    );
    this.services = new Services(this, server.catalog, server.sequences);
    const { clock } = server.deps;
    this.usage = new SessionUsage({
      ...{ node: server.usage, databaseId, now: () => this.#clockNow() },
      monotonicMs: () => clock.monotonicMs(),
      settings: () => this.settings.derived,
    });
    this.activityNow = new SessionActivity(clock, this.usage);
    this.#transactionNow = this.activityNow.startedAt;
    this.#statementNow = this.#transactionNow;
    this.#format = this.#makeFormat();
    this.notifications = new SessionNotifications({
      databaseId,
      processId,
      hub: server.hub,
      db: server.deps.db,
      terminate: (reason) => this.terminate(reason),
    });
    this.advisory = newSessionAdvisory(this);
    this.temporaries = new SessionTemporaries(server.catalog, (name) => this.settings.setTemporarySchema(name));
    this.routines = new Routines(
      (routine, ends, before) => routineHost(this, routine, ends, before),
      this.inner,
      (owner, run) => (owner === this.settings.derived.userId ? run() : this.roles.asOwner(owner, run)),
      this.usage,
    );
    this.transaction = new SessionTransaction(this);
    this.#runner = new StatementRunner(this);
  }

  /** As who statements run. */
  get user(): string {
    return this.settings.derived.user;
  }
  get transactionStatus(): TransactionStatus {
    return this.state.status;
  }
  /** What the client has sent: of several statements, all of them. */
  get queryText(): string {
    return this.activityNow.queryText;
  }
  get format(): FormatContext {
    return this.#format;
  }
  get clientEncoding(): TextEncoding | null {
    return this.settings.derived.clientEncoding;
  }
  get running(): boolean {
    return this.#running;
  }

  startupParameters(): readonly (readonly [string, string])[] {
    return this.settings
      .all()
      .filter((s) => s.definition.report)
      .map((s) => [s.definition.name, s.value] as const);
  }

  // ---- ServiceHost ----

  guardSchema(id: number, name: string): Promise<void> | null {
    return this.roles.mustAsk ? this.roles.checkSchema(id, name) : null;
  }

  transactionCatalog(): TransactionCatalog {
    return this.transaction.catalog();
  }
  waitOptions(): WaitOptions {
    return { signal: this.#abort.signal, lockTimeoutMs: this.settings.derived.lockTimeoutMs };
  }
  setting(name: string): string | null {
    if (name.toLowerCase() === 'is_superuser') return this.roles.isSuperuser ? 'on' : 'off';
    return modeSetting(this.modes, name.toLowerCase()) ?? this.settings.get(name);
  }
  setSetting(name: string, value: string, local: boolean): string {
    if (/^(role|session_authorization)$/i.test(name))
      throw sqlError('0A000', `set_config cannot set "${name.toLowerCase()}"`, { hint: 'Use SET.' });
    refuseSetting(this, name);
    return this.settings.set(name, value, local);
  }
  activity(): readonly ActivityRow[] {
    return this.server.activity();
  }

  describeActivity(): ActivityRow {
    return this.activityNow.describe(this);
  }

  #report(name: string, value: string): void {
    if (this.#sink !== null) this.#sink.parameterStatus(name, value);
    else this.#pendingReports.push([name, value]);
  }

  notice(notice: Notice): void {
    if (severityRank(notice.severity) < this.settings.derived.minimumSeverity && notice.severity !== 'INFO') return;
    (this.#sink ?? NO_SINK).notice(notice);
  }
  warn(sqlstate: string, message: string): void {
    this.notice({ severity: 'WARNING', sqlstate, message });
  }

  // ---- time ----

  #clockNow(): bigint {
    return wallSince2000(this.server.deps.clock);
  }

  #makeFormat(): FormatContext {
    return sessionFormat(this.settings, this.services, this.#transactionNow, this.#statementNow);
  }

  /** The format under the settings as they are now. */
  refreshFormat(): FormatContext {
    this.#format = this.#makeFormat();
    return this.#format;
  }

  /** Within a statement, after the end of the one before: its time is that of its beginning. */
  transactionBegins(): void {
    this.#transactionNow = this.#clockNow();
    this.refreshFormat();
  }

  // ---- one message's frame ----

  /** Everything that runs statements goes through here: cancel, time-outs and the session's end apply. */
  async #call(text: string, sink: ResultSink | null, body: () => Promise<void>): Promise<void> {
    this.#enter(text, sink);
    this.startTimeout();
    try {
      await body();
    } catch (error) {
      throw await this.#failed(error);
    } finally {
      this.#timeout?.cancel();
      this.#timeout = null;
      this.#leave();
    }
  }

  /** From now on statement_timeout counts: for each statement of several anew, by what the ones before it have set. */
  startTimeout(): void {
    this.#timeout?.cancel();
    const { statementTimeoutMs } = this.settings.derived;
    const expired = (): void => this.#abort.abort(sqlError('57014', 'canceling statement due to statement timeout'));
    this.#timeout = statementTimeoutMs > 0 ? this.server.deps.timers.after(statementTimeoutMs, expired) : null;
  }

  #enter(text: string, sink: ResultSink | null): void {
    if (this.#closed !== null) throw this.#closed;
    if (this.server.draining && !this.state.inBlock && this.state.state === 'idle') throw shutdownError();
    this.#running = true;
    this.#sink = sink;
    this.#statementNow = since2000(this.activityNow.begins(text));
    if (this.txn === null && !this.state.inBlock) this.#transactionNow = this.#statementNow;
    this.#format = this.#makeFormat();
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
    if (sink !== null && this.#pendingReports.length > 0) {
      for (const [name, value] of this.#pendingReports) sink.parameterStatus(name, value);
      this.#pendingReports = [];
    }
  }

  #leave(): void {
    this.#running = false;
    this.#sink = null;
    this.activityNow.ends(this.state.inBlock);
    const { aborted, reason } = this.#abort.signal;
    if (aborted) this.#abort = newAbortController();
    const { idleInTransactionTimeoutMs, idleSessionTimeoutMs } = this.settings.derived;
    const ms = this.state.inBlock ? idleInTransactionTimeoutMs : idleSessionTimeoutMs;
    if (ms > 0 && !this.#closing) this.#idleTimer = this.server.deps.timers.after(ms, () => this.#idleTooLong());
    for (const wake of this.#whenIdle.splice(0)) wake();
    this.server.statementEnded();
    // The statement was through before it heard of the session's end.
    if (aborted && reason instanceof QuoralError && reason.severity === 'FATAL') this.terminate(reason);
  }

  #idleTooLong(): void {
    this.terminate(idleTooLong(this.state.inBlock));
  }

  /** Ends the session from inside: what it holds is let go now. */
  terminate(reason: QuoralError): void {
    if (this.#closed !== null) return;
    if (this.#running) {
      this.#abort.abort(reason);
      return;
    }
    this.#closed = reason;
    this.activityNow.failed(reason);
    this.close().catch((error: unknown) => {
      this.server.deps.logger.log('warn', 'session did not close cleanly', { error: String(error) });
    });
    this.notifications.wake();
  }

  onPush(fn: () => void): void {
    this.notifications.onPush(fn);
  }

  takeNotifications(): readonly Notification[] {
    if (this.#closed !== null) throw this.#closed;
    return this.#running || this.state.state !== 'idle' ? [] : this.notifications.take();
  }

  cancel(): void {
    if (this.#running) this.#abort.abort(sqlError('57014', 'canceling statement due to user request'));
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#closed ??= shutdownError();
    this.#idleTimer?.cancel();
    if (this.#running) {
      // The transaction can end only when nothing of it is under way; a statement that waits for its client may not hear.
      this.#abort.abort(this.#closed);
      await this.server.catalog.waitFor((wake) => this.#whenIdle.push(wake), CLOSE_MS_MAX, null);
    }
    this.server.sessionClosed(this);
    this.activityNow.closed();
    this.notifications.close();
    await this.transaction.end(false);
    await this.advisory.close();
    closePortals(this.portals);
    this.prepared.clear();
    await this.server.dropTemporaries(this);
  }

  /** What PostgreSQL does on an error; returns the error to report. */
  async #failed(raw: unknown): Promise<unknown> {
    // A commit whose outcome is unknown stays so, whatever would have ended its statement: no other answer leaves that open.
    const unknown = raw instanceof QuoralError && raw.retry === 'unknown';
    const reason: unknown = this.#abort.signal.aborted && !unknown ? this.#abort.signal.reason : raw;
    const error = reason instanceof QuoralError ? reason : raw;
    if (error instanceof QuoralError && error.severity === 'FATAL') {
      this.#closed = error;
      this.activityNow.failed(error);
      await this.transaction.end(false);
      return error;
    }
    if (error instanceof QuoralError) this.activityNow.failed(error);
    const wasBlock = this.state.state === 'block';
    if (this.state.state === 'implicit') this.usage.transactionEnds(true, false);
    this.state.apply('error');
    if (wasBlock) {
      // Locks go at once; with savepoints the transaction must live for ROLLBACK TO.
      // So must the portals that were there before the savepoint.
      if (this.transaction.savepoints.length === 0) {
        await this.transaction.release(false);
        closePortals(this.portals, (portal) => portal.held);
      }
    } else if (this.state.state === 'idle') await this.transaction.end(false);
    return error;
  }

  // ---- transactions ----

  get state(): SessionTransaction['state'] {
    return this.transaction.state;
  }
  get modes(): TransactionModes {
    return this.transaction.modes;
  }
  set modes(modes: TransactionModes) {
    this.transaction.modes = modes;
  }
  get txn(): KvTxn | null {
    return this.transaction.txn;
  }
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  transactionReset(over: boolean, committed = false): void {
    this.services.forgetView();
    this.locks.ends();
    if (!over) return;
    this.temporaries.forgetTransaction();
    for (const portal of this.portals.values()) {
      const ready = portal.rows?.settled === true && !portal.failed;
      if (committed && portal.cursor?.hold === true && ready) portal.held = true;
    }
    closePortals(this.portals, (portal) => portal.held);
  }

  beforeCommit(): Promise<void> | null {
    return actBeforeCommit(this, () => ddlContext(this, NO_SINK, this.newMemory(), { alone: false }));
  }

  /** Where notices go while a statement holds its results back. */
  useSink(sink: ResultSink): void {
    this.#sink = sink;
  }

  // ---- simple protocol ----

  async simpleQuery(text: string, sink: ResultSink): Promise<void> {
    await this.#call(text, sink, () => runSimpleQuery(this, this.#runner, text, sink));
  }

  // ---- extended protocol ----

  async parse(name: string, text: string, parameterOids: readonly number[]): Promise<void> {
    await this.#call(text, null, async () => {
      if (name === '') this.prepared.delete(name);
      const isUnnamed = name === '' && parameterOids.length === 0;
      const prepared = await prepareText(this, text, parameterOids, isUnnamed ? liftable(this, text) : null);
      checkRoom(this.prepared, name);
      prepared.preparedAt = this.#statementNow;
      this.prepared.set(name, prepared);
    });
  }

  describeStatement(name: string): PreparedInfo {
    const prepared = this.findPrepared(name);
    prepared.described = true;
    return { parameterOids: prepared.parameterOids, columns: prepared.columns };
  }

  findPrepared(name: string): Prepared {
    const prepared = this.prepared.get(name);
    if (prepared !== undefined) return prepared;
    throw sqlError(
      '26000',
      name === '' ? 'unnamed prepared statement does not exist' : `prepared statement "${name}" does not exist`,
    );
  }

  bind(portalName: string, statementName: string, values: readonly ParameterValue[]): void | Promise<void> {
    try {
      if (this.#closed !== null) throw this.#closed;
      const prepared = this.prepared.get(statementName);
      if (prepared !== undefined && prepared.parameterOids.some((oid) => isHandle(oid) || needsNames(oid))) {
        return this.#call(prepared.source, null, async () => {
          // Types of users may have changed since it was prepared; the plan then says what the values are.
          if (prepared.parameterOids.some(isHandle)) await planFor(this, prepared);
          // A name of the catalog is looked for in all of it, as it is now.
          if (prepared.parameterOids.some((oid) => needsNames(oid))) await this.services.loadView();
          bindPortal(this, portalName, statementName, values);
        });
      }
      bindPortal(this, portalName, statementName, values);
      return undefined;
    } catch (error) {
      return this.fail().then(() => {
        throw error;
      });
    }
  }

  /** @throws QuoralError 53000 */
  checkPortals(): void {
    if (this.portals.size >= PORTALS_MAX) throw sqlError('53000', 'too many open portals in this session');
  }

  describePortal(name: string): readonly ResultColumn[] | null {
    const portal = this.portals.get(name);
    if (portal === undefined) throw noSuchPortal(name);
    portal.prepared.described = true;
    return portal.prepared.columns;
  }

  execute(portalName: string, maxRows: number, sink: ResultSink, syncFollows?: boolean): Promise<void> {
    const portal = this.portals.get(portalName);
    return this.#call(portal?.prepared.source ?? '', sink, async () => {
      if (portal === undefined) throw noSuchPortal(portalName, this.state.state === 'failed');
      const { prepared } = portal;
      if (prepared.statement === null) {
        sink.empty();
        return;
      }
      if (portal.execution !== null || portal.rows !== null) {
        await continuePortal(this, portal, maxRows, sink);
        return;
      }
      if (portal.done) {
        sink.complete(emptyTag(portalName, prepared.statement));
        return;
      }
      // Without the hint, other portals that wait to be run show that this is a pipeline.
      portal.begunAt = this.#statementNow;
      const last = syncFollows ?? this.portals.size <= 1;
      const commits = !this.state.inBlock && last;
      await this.#runner.run(prepared, sink, {
        parameters: portal.parameters,
        maxRows,
        simple: false,
        commits,
        portal,
      });
    });
  }

  closeStatement(name: string): void {
    this.prepared.delete(name);
  }

  closePortal(name: string): void {
    const portal = this.portals.get(name);
    if (portal === undefined) return;
    this.portals.delete(name);
    closePortal(portal);
  }

  async sync(): Promise<void> {
    if (this.state.state === 'idle' && this.txn === null) {
      // Executed statements have committed: whatever has ended the session since, they are not to be told of as failed.
      if (this.#closed !== null) return;
      if (this.portals.size === 0 || this.server.draining) {
        await this.transaction.endCatalog();
        return;
      }
    }
    if (this.#closed !== null) throw this.#closed;
    if (this.state.inBlock) return;
    await this.#call('', null, () => this.transaction.end(true));
  }

  async fail(): Promise<void> {
    await this.#failed(null);
  }

  newMemory(): StatementMemory {
    return new StatementMemory(this.server.memory, this.settings.derived.memoryLimitBytes);
  }

  execContext(parameters: readonly Datum[], memory: StatementMemory, sink: ResultSink, implicit: boolean): ExecContext {
    const abort = (): AbortSignal => this.#abort.signal;
    return {
      txn: this.transaction.ensureTxn(),
      ...this.server.shared,
      parameters,
      format: this.#format,
      services: this.services,
      memory,
      // A portal lives on with other messages than the one that opened it.
      get signal() {
        return abort();
      },
      implicit,
      notice: (notice) => {
        if (severityRank(notice.severity) >= this.settings.derived.minimumSeverity) sink.notice(notice);
      },
    };
  }
}
