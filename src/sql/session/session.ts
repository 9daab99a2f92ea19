/**
 * One client's session: transactions, statements, portals, settings. The wire protocol calls it one
 * message after the other; `cancel` alone may come at any time.
 *
 * Invariants: a KvTxn exists only in the states implicit and block, and ends exactly once; whatever
 * ends it also ends the transaction's catalog, so that no schema lock outlives it; an implicit
 * transaction commits before its command's completion is released to the client; a statement is
 * repeated only while nothing of it (or of its transaction, when that is repeated) has gone out.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { TimerHandle } from '../../env/env.js';
import { KeyExistsError } from '../../txn/errors.js';
import type { Isolation, KvTxn, TxnOptions } from '../../txn/kv-txn.js';
import type { WaitOptions } from '../catalog/catalog.js';
import { TransactionCatalog } from '../catalog/transaction-catalog.js';
import type { ActivityRow } from '../catalog/virtual/services.js';
import type { CatalogSnapshot, ExecContext, ParsedStatement, RelationName } from '../contract.js';
import type { DdlContext } from '../ddl/context.js';
import { deferredConflict } from '../exec/row-writer.js';
import { isDdl, runDdl } from '../ddl/run-ddl.js';
import { parseSql } from '../parse/parser.js';
import type { Notice, ParameterValue, PreparedInfo, ResultColumn, ResultSink, SessionOptions, SqlSession, TransactionStatus } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import type { FormatContext } from '../types/type-info.js';
import { asOfTimestamp } from './as-of.js';
import { BufferingSink } from './buffering-sink.js';
import { StatementMemory } from './memory.js';
import { CACHED_TEXT_MAX, PlanCache } from './plan-cache.js';
import type { CachedPlan } from './plan-cache.js';
import { closePortal, newPortal, Prepared, sameShape } from './portal.js';
import type { Portal } from './portal.js';
import { decodeParameters } from './parameters.js';
import type { ServerCore } from './server.js';
import { Services } from './services.js';
import { Settings, severityRank } from './settings.js';
import { commandName, endsTransaction, isPlanned, mayLookUpCatalog, RANGES_COLUMNS } from './statement-kinds.js';
import { failedTransaction, TransactionState } from './transaction-state.js';
import { runUtility, utilityColumns } from './utility.js';
import type { SavepointEntry, TransactionModes } from './utility.js';

const PORTALS_MAX = 10_000;
const STATEMENTS_MAX = 10_000;
const ATTEMPTS_MAX = 100;
const BACKOFF_MS_MAX = 50;
const EPOCH_2000_US = 946684800000000n;

interface RunOptions {
  readonly parameters: readonly Datum[];
  readonly maxRows: number;
  readonly simple: boolean;
  /** The statement alone is the transaction: commit before its completion goes out. */
  readonly commits: boolean;
  readonly portal: Portal | null;
}

export class Session implements SqlSession {
  readonly processId: number;
  readonly secretKey: number;
  readonly user: string;
  readonly database: string;
  readonly databaseId: number;
  readonly settings: Settings;
  readonly services: Services;
  readonly server: ServerCore;
  readonly remote: string;
  readonly state = new TransactionState();
  readonly prepared = new Map<string, Prepared>();
  readonly portals = new Map<string, Portal>();
  savepoints: SavepointEntry[] = [];
  modes: TransactionModes;
  #txn: KvTxn | null = null;
  #tc: TransactionCatalog | null = null;
  /** Statements that finished in this transaction: it can no longer be repeated as a whole. */
  #finished = 0;
  #abort = new AbortController();
  #running = false;
  #closed: QuoralError | null = null;
  #closing = false;
  #idleTimer: TimerHandle | null = null;
  #sink: ResultSink | null = null;
  readonly #buffer: BufferingSink;
  #format: FormatContext;
  #transactionNow = 0n;
  #statementNow = 0n;
  #pendingReports: [string, string][] = [];
  readonly #startedAt: bigint;
  #queryText = '';
  #queryStart: bigint | null = null;

  constructor(server: ServerCore, options: SessionOptions, databaseId: number, processId: number, secretKey: number) {
    this.server = server;
    this.user = options.user;
    this.database = options.database;
    this.databaseId = databaseId;
    this.remote = options.remote;
    this.processId = processId;
    this.secretKey = secretKey;
    this.settings = new Settings(options.user, options.database, options.parameters, (name, value) => this.#report(name, value));
    this.services = new Services(this, server.catalog, server.sequences);
    this.#buffer = new BufferingSink(NO_SINK);
    this.#startedAt = this.#clockNow();
    this.#transactionNow = this.#startedAt;
    this.#statementNow = this.#startedAt;
    this.#format = this.#makeFormat();
    this.modes = this.defaultModes();
  }

  get transactionStatus(): TransactionStatus {
    return this.state.status;
  }
  get format(): FormatContext {
    return this.#format;
  }
  get txn(): KvTxn | null {
    return this.#txn;
  }
  get running(): boolean {
    return this.#running;
  }

  startupParameters(): readonly (readonly [string, string])[] {
    return this.settings.all().filter((s) => s.definition.report).map((s) => [s.definition.name, s.value] as const);
  }

  // ---- ServiceHost ----

  transactionCatalog(): TransactionCatalog {
    return (this.#tc ??= new TransactionCatalog(this.server.catalog, this.databaseId, this.database));
  }
  waitOptions(): WaitOptions {
    return { signal: this.#abort.signal, lockTimeoutMs: this.settings.derived.lockTimeoutMs };
  }
  setting(name: string): string | null {
    return this.#modeSetting(name.toLowerCase()) ?? this.settings.get(name);
  }
  setSetting(name: string, value: string, local: boolean): string {
    return this.settings.set(name, value, local);
  }
  activity(): readonly ActivityRow[] {
    return this.server.activity();
  }

  #modeSetting(name: string): string | null {
    switch (name) {
      case 'transaction_isolation':
        return this.modes.isolation;
      case 'transaction_read_only':
        return this.modes.readOnly ? 'on' : 'off';
      case 'transaction_deferrable':
        return this.modes.deferrable ? 'on' : 'off';
      default:
        return null;
    }
  }

  describeActivity(): ActivityRow {
    const inBlock = this.state.inBlock;
    const idle = this.state.state === 'failed' ? 'idle in transaction (aborted)' : inBlock ? 'idle in transaction' : 'idle';
    return {
      processId: this.processId,
      databaseId: this.databaseId,
      database: this.database,
      user: this.user,
      applicationName: this.settings.derived.applicationName,
      remote: this.remote,
      state: this.#running ? 'active' : idle,
      query: this.#queryText,
      backendStart: this.#startedAt,
      transactionStart: this.#txn === null ? null : this.#transactionNow,
      queryStart: this.#queryStart,
    };
  }

  defaultModes(): TransactionModes {
    const level = this.settings.get('default_transaction_isolation') ?? 'serializable';
    return {
      isolation: (level === 'read uncommitted' ? 'read committed' : level) as Isolation,
      readOnly: this.settings.get('default_transaction_read_only') === 'on',
      deferrable: this.settings.get('default_transaction_deferrable') === 'on',
      asOf: null,
    };
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
    return BigInt(Math.floor(this.server.deps.clock.wallUs())) - EPOCH_2000_US;
  }

  #makeFormat(): FormatContext {
    const { format } = this.settings.derived;
    return {
      timeZone: format.timeZone,
      extraFloatDigits: format.extraFloatDigits,
      byteaOutput: format.byteaOutput,
      intervalStyle: format.intervalStyle,
      dateStyle: format.dateStyle,
      transactionNow: this.#transactionNow,
      statementNow: this.#statementNow,
      names: this.services,
    };
  }

  /** The format under the settings as they are now. */
  refreshFormat(): FormatContext {
    this.#format = this.#makeFormat();
    return this.#format;
  }

  // ---- one message's frame ----

  /** Everything that runs statements goes through here: cancel, time-outs and the session's end apply. */
  async #call(text: string, sink: ResultSink | null, body: () => Promise<void>): Promise<void> {
    this.#enter(text, sink);
    let timer: TimerHandle | null = null;
    const { statementTimeoutMs } = this.settings.derived;
    if (statementTimeoutMs > 0) {
      timer = this.server.deps.timers.after(statementTimeoutMs, () =>
        this.#abort.abort(sqlError('57014', 'canceling statement due to statement timeout')),
      );
    }
    try {
      await body();
    } catch (error) {
      throw await this.#failed(error);
    } finally {
      timer?.cancel();
      this.#leave();
    }
  }

  #enter(text: string, sink: ResultSink | null): void {
    if (this.#closed !== null) throw this.#closed;
    if (this.server.draining && !this.state.inBlock && this.state.state === 'idle') throw shutdownError();
    this.#running = true;
    this.#sink = sink;
    this.#queryText = text;
    this.#statementNow = this.#clockNow();
    this.#queryStart = this.#statementNow;
    if (this.#txn === null && !this.state.inBlock) this.#transactionNow = this.#statementNow;
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
    if (this.#abort.signal.aborted) this.#abort = new AbortController();
    const { idleInTransactionTimeoutMs, idleSessionTimeoutMs } = this.settings.derived;
    const ms = this.state.inBlock ? idleInTransactionTimeoutMs : idleSessionTimeoutMs;
    if (ms > 0 && !this.#closing) this.#idleTimer = this.server.deps.timers.after(ms, () => this.#idleTooLong());
    this.server.statementEnded();
  }

  #idleTooLong(): void {
    const inBlock = this.state.inBlock;
    this.terminate(
      new QuoralError(
        inBlock ? '25P03' : '57P05',
        inBlock ? 'terminating connection due to idle-in-transaction timeout' : 'terminating connection due to idle-session timeout',
        { severity: 'FATAL' },
      ),
    );
  }

  /** Ends the session from inside: what it holds is let go now; the client learns it with its next message. */
  terminate(reason: QuoralError): void {
    if (this.#closed !== null) return;
    if (this.#running) {
      this.#abort.abort(reason);
      return;
    }
    this.#closed = reason;
    this.close().catch((error: unknown) => {
      this.server.deps.logger.log('warn', 'session did not close cleanly', { error: String(error) });
    });
  }

  cancel(): void {
    if (this.#running) this.#abort.abort(sqlError('57014', 'canceling statement due to user request'));
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#closed ??= shutdownError();
    if (this.#running) this.#abort.abort(this.#closed);
    this.#idleTimer?.cancel();
    this.server.sessionClosed(this);
    await this.endTransaction(false);
    this.portals.clear();
    this.prepared.clear();
  }

  /** What PostgreSQL does on an error; returns the error to report. */
  async #failed(raw: unknown): Promise<unknown> {
    const reason: unknown = this.#abort.signal.aborted ? this.#abort.signal.reason : raw;
    const error = reason instanceof QuoralError ? reason : raw;
    if (error instanceof QuoralError && error.severity === 'FATAL') {
      this.#closed = error;
      await this.endTransaction(false);
      return error;
    }
    const wasBlock = this.state.state === 'block';
    this.state.apply('error');
    if (wasBlock) {
      // Locks go at once; with savepoints the transaction must live for ROLLBACK TO.
      if (this.savepoints.length === 0) await this.#releaseTransaction(false);
      for (const portal of this.portals.values()) closePortal(portal);
      this.portals.clear();
    } else if (this.state.state === 'idle') await this.endTransaction(false);
    return error;
  }

  // ---- transactions ----

  ensureTxn(): KvTxn {
    if (this.#txn !== null) return this.#txn;
    const options: TxnOptions = {
      isolation: this.modes.isolation,
      readOnly: this.modes.readOnly,
      name: this.settings.derived.applicationName,
      lockTimeoutMs: this.settings.derived.lockTimeoutMs,
      signal: this.#abort.signal,
      ...(this.modes.asOf === null ? {} : { asOf: this.modes.asOf }),
    };
    this.#txn = this.server.deps.db.begin(options);
    return this.#txn;
  }

  beginBlock(modes: TransactionModes): void {
    this.state.apply('begin');
    this.modes = modes;
    this.settings.beginTransaction();
  }

  /** COMMIT or ROLLBACK of whatever is open; afterwards the session is idle. @throws what commit throws */
  async endTransaction(commit: boolean): Promise<void> {
    try {
      if (commit) await this.#commit();
    } catch (error) {
      await this.#finishTransaction(false);
      throw error;
    }
    await this.#finishTransaction(commit);
  }

  async #commit(): Promise<void> {
    const txn = this.#txn;
    if (txn === null) return;
    this.#tc?.check();
    try {
      await txn.commit();
    } catch (error) {
      throw (error instanceof KeyExistsError ? deferredConflict(txn, error.key) : null) ?? error;
    }
    this.#txn = null;
  }

  async #finishTransaction(committed: boolean): Promise<void> {
    for (const portal of this.portals.values()) closePortal(portal);
    this.portals.clear();
    this.state.apply('end');
    this.settings.endTransaction(committed);
    this.savepoints = [];
    this.#finished = 0;
    this.modes = this.defaultModes();
    await this.#releaseTransaction(committed);
  }

  async #releaseTransaction(committed: boolean): Promise<void> {
    const txn = this.#txn;
    const tc = this.#tc;
    this.#txn = null;
    this.#tc = null;
    this.services.forgetView();
    try {
      if (txn !== null && !committed && txn.status === 'active') await txn.rollback();
    } finally {
      if (tc !== null && !tc.endNow()) await tc.end(committed);
    }
  }

  /** Begins the transaction anew: only while nothing of it has gone out. */
  async #restartTransaction(): Promise<void> {
    const txn = this.#txn;
    const tc = this.#tc;
    this.#tc = null;
    this.services.forgetView();
    // The KV transaction first: it holds locks on the lock rows that the catalog's end removes.
    if (txn !== null) {
      if (txn.status === 'active') await txn.restart();
      else this.#txn = null;
    }
    if (tc !== null && !tc.endNow()) await tc.end(false);
  }

  // ---- retries ----

  /** Runs `body` again on conflicts, for as long as nobody can notice. */
  async #withRetries(buffer: BufferingSink, body: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const failedBefore = this.#finished;
      try {
        await body();
        return;
      } catch (error) {
        if (!this.#mayRepeat(error, buffer, attempt, failedBefore)) throw error;
        buffer.discard();
        if (this.#finished === 0) await this.#restartTransaction();
        else this.#txn!.restartStatement();
        const ceiling = Math.min(BACKOFF_MS_MAX, 2 ** Math.min(attempt - 1, 10));
        if (attempt > 1) await this.server.deps.timers.sleep(this.server.deps.rng.next() * ceiling);
        if (this.#abort.signal.aborted) throw error;
      }
    }
  }

  #mayRepeat(error: unknown, buffer: BufferingSink, attempt: number, finished: number): boolean {
    if (!(error instanceof QuoralError) || attempt >= ATTEMPTS_MAX) return false;
    if (error.retry !== 'transaction' && error.retry !== 'statement') return false;
    if (buffer.released || this.#abort.signal.aborted) return false;
    if (finished === 0) return this.savepoints.length === 0;
    return this.modes.isolation === 'read committed' && this.#txn?.status === 'active' && error.sqlstate === '40001';
  }

  // ---- simple protocol ----

  async simpleQuery(text: string, sink: ResultSink): Promise<void> {
    await this.#call(text, sink, async () => {
      this.#dropUnnamed();
      const fast = this.#cachedPrepared(text);
      if (fast !== null && this.state.state !== 'failed') {
        await this.#runStatement(fast, sink, { parameters: [], maxRows: 0, simple: true, commits: !this.state.inBlock, portal: null });
        return;
      }
      const statements = this.server.parses.get(text) ?? parseSql(text);
      if (statements.length === 0) sink.empty();
      if (statements.length > 0 && statements.every((s) => !isPlanned(s)) && text.length < 1024) this.server.parses.put(text, statements);
      for (const [i, statement] of statements.entries()) {
        if (statement.parameterCount > 0 && statement.kind !== 'PrepareStmt') throw sqlError('42P02', 'there is no parameter $1');
        const alone = statements.length === 1;
        const prepared = new Prepared(alone ? text : statement.text, statement, [], alone);
        const commits = i === statements.length - 1 && !this.state.inBlock;
        await this.#runStatement(prepared, sink, { parameters: [], maxRows: 0, simple: true, commits, portal: null });
      }
      if (this.state.state === 'implicit') await this.endTransaction(true);
    });
  }

  #dropUnnamed(): void {
    const portal = this.portals.get('');
    if (portal !== undefined) {
      closePortal(portal);
      this.portals.delete('');
    }
    this.prepared.delete('');
  }

  /** A text whose plan is in the node's cache needs no parsing. */
  #cachedPrepared(text: string): Prepared | null {
    if (text.length > CACHED_TEXT_MAX || this.#tc?.changed === true) return null;
    const { planKey } = this.settings.derived;
    const plan = this.server.plans.get(PlanCache.key(planKey, [], text));
    if (plan === undefined || plan.statement.parameterCount > 0) return null;
    const prepared = new Prepared(text, plan.statement, [], true);
    prepared.plan = plan;
    prepared.planKey = planKey;
    prepared.columns = plan.compiled.columns;
    return prepared;
  }

  // ---- extended protocol ----

  async parse(name: string, text: string, parameterOids: readonly number[]): Promise<void> {
    await this.#call(text, null, async () => {
      if (name !== '' && this.prepared.has(name)) throw sqlError('42P05', `prepared statement "${name}" already exists`);
      if (this.prepared.size >= STATEMENTS_MAX) throw sqlError('53000', 'too many prepared statements in this session');
      this.prepared.delete(name === '' ? '' : name);
      this.prepared.set(name, await this.prepareText(text, parameterOids));
    });
  }

  async prepareText(text: string, parameterOids: readonly number[]): Promise<Prepared> {
    const { planKey } = this.settings.derived;
    const known = this.#tc?.changed === true ? undefined : this.server.plans.get(PlanCache.key(planKey, parameterOids, text));
    const statements = known !== undefined ? [known.statement] : (this.server.parses.get(text) ?? parseSql(text));
    if (statements.length > 1) throw sqlError('42601', 'cannot insert multiple commands into a prepared statement');
    const statement = statements[0] ?? null;
    if (this.state.state === 'failed' && (statement === null || !endsTransaction(statement))) throw failedTransaction();
    return this.prepareStatement(new Prepared(text, statement, parameterOids, true));
  }

  /** Settles parameter types and result columns. */
  async prepareStatement(prepared: Prepared): Promise<Prepared> {
    const { statement } = prepared;
    if (statement === null) return prepared;
    if (!isPlanned(statement)) {
      prepared.columns = await utilityColumns(this, statement);
      return prepared;
    }
    const opened = this.state.state === 'idle';
    if (opened) this.state.apply('statement');
    const plan = this.#validPlan(prepared) ?? (await this.#plan(prepared));
    prepared.parameterOids = plan.compiled.parameterOids;
    prepared.columns = plan.compiled.columns;
    return prepared;
  }

  describeStatement(name: string): PreparedInfo {
    const prepared = this.findPrepared(name);
    prepared.described = true;
    return { parameterOids: prepared.parameterOids, columns: prepared.columns };
  }

  findPrepared(name: string): Prepared {
    const prepared = this.prepared.get(name);
    if (prepared !== undefined) return prepared;
    throw sqlError('26000', name === '' ? 'unnamed prepared statement does not exist' : `prepared statement "${name}" does not exist`);
  }

  bind(portalName: string, statementName: string, values: readonly ParameterValue[]): void | Promise<void> {
    try {
      if (this.#closed !== null) throw this.#closed;
      this.#bind(portalName, statementName, values);
      return undefined;
    } catch (error) {
      return this.fail().then(() => {
        throw error;
      });
    }
  }

  #bind(portalName: string, statementName: string, values: readonly ParameterValue[]): void {
    const prepared = this.findPrepared(statementName);
    const { statement } = prepared;
    if (this.state.state === 'failed' && (statement === null || !endsTransaction(statement))) throw failedTransaction();
    if (values.length !== prepared.parameterOids.length) {
      throw sqlError(
        '08P01',
        `bind message supplies ${values.length} parameters, but prepared statement "${statementName}" requires ${prepared.parameterOids.length}`,
      );
    }
    const open = this.portals.get(portalName);
    if (open !== undefined) {
      if (portalName !== '') throw sqlError('42P03', `cursor "${portalName}" already exists`);
      closePortal(open);
    }
    if (this.portals.size >= PORTALS_MAX) throw sqlError('53000', 'too many open portals in this session');
    const parameters = decodeParameters(values, prepared.parameterOids, this.#format);
    this.portals.set(portalName, newPortal(portalName, prepared, parameters));
  }

  describePortal(name: string): readonly ResultColumn[] | null {
    const portal = this.portals.get(name);
    if (portal === undefined) throw sqlError('34000', `portal "${name}" does not exist`);
    portal.prepared.described = true;
    return portal.prepared.columns;
  }

  execute(portalName: string, maxRows: number, sink: ResultSink, syncFollows?: boolean): Promise<void> {
    const portal = this.portals.get(portalName);
    return this.#call(portal?.prepared.text ?? '', sink, async () => {
      if (portal === undefined) throw sqlError('34000', `portal "${portalName}" does not exist`);
      const { prepared } = portal;
      if (prepared.statement === null) {
        sink.empty();
        return;
      }
      if (portal.execution !== null) {
        await this.continuePortal(portal, maxRows, sink);
        return;
      }
      if (portal.done) {
        sink.complete(emptyTag(prepared.statement));
        return;
      }
      // Without the hint, other portals that wait to be run show that this is a pipeline.
      const last = syncFollows ?? this.portals.size <= 1;
      const commits = !this.state.inBlock && last;
      await this.#runStatement(prepared, sink, { parameters: portal.parameters, maxRows, simple: false, commits, portal });
    });
  }

  /** More rows of a suspended portal. */
  async continuePortal(portal: Portal, maxRows: number, sink: ResultSink): Promise<void> {
    const execution = portal.execution!;
    const outcome = await execution.run(sink, maxRows);
    if (outcome === 'suspended') {
      sink.suspended();
      return;
    }
    portal.done = true;
    const { tag } = execution;
    closePortal(portal);
    sink.complete(tag);
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
    if (this.#closed !== null) throw this.#closed;
    if (this.state.state === 'idle' && this.#txn === null && this.portals.size === 0) {
      const tc = this.#tc;
      this.#tc = null;
      if (tc !== null && !tc.endNow()) await tc.end(true);
      return;
    }
    if (this.state.inBlock) return;
    await this.#call('', null, () => this.endTransaction(true));
  }

  async fail(): Promise<void> {
    await this.#failed(null);
  }

  // ---- running one statement ----

  async #runStatement(prepared: Prepared, sink: ResultSink, options: RunOptions): Promise<void> {
    const statement = prepared.statement!;
    if (this.state.state === 'failed' && !endsTransaction(statement)) throw failedTransaction();
    this.services.forgetView();
    if (isPlanned(statement)) {
      const plan = this.#validPlan(prepared);
      if (plan?.compiled.pointRead != null && this.#mayReadDirectly(prepared, options, plan)) {
        await this.#readDirectly(plan, sink, options);
        return;
      }
      await this.#runPlanned(prepared, sink, options);
      return;
    }
    if (statement.kind === 'TransactionStmt') {
      await runUtility(this, statement, sink, options.simple);
      return;
    }
    await this.#runOther(statement, sink, options);
  }

  async #runOther(statement: ParsedStatement, sink: ResultSink, options: RunOptions): Promise<void> {
    this.state.apply('statement');
    const buffer = this.#buffer.reset(sink);
    this.#sink = buffer;
    let tag = '';
    if (isDdl(statement)) {
      const shows = statement.kind === 'QuoralShowRanges';
      if (this.modes.readOnly && !shows) throw readOnlyError(statement);
      await this.#withRetries(buffer, async () => {
        this.ensureTxn().beginStatement();
        if (mayLookUpCatalog(statement.text) || /nextval/i.test(statement.text)) await this.services.loadView();
        if (shows && options.simple) buffer.columns(RANGES_COLUMNS);
        const memory = new StatementMemory(this.server.memory, this.settings.derived.memoryLimitBytes);
        this.transactionCatalog().beginSchemaChange();
        try {
          tag = await runDdl(this.ddlContext(buffer, memory), statement);
        } finally {
          memory.close();
        }
        if (options.commits) await this.#commit();
      });
    } else {
      tag = await runUtility(this, statement, buffer, options.simple);
    }
    this.#finished++;
    if (options.commits && this.state.state === 'implicit') await this.endTransaction(true);
    if (tag !== '') buffer.complete(tag);
    else buffer.release();
  }

  async #runPlanned(prepared: Prepared, sink: ResultSink, options: RunOptions): Promise<void> {
    this.state.apply('statement');
    if (this.#finished > 0 || options.portal !== null) this.#tc?.check();
    const buffer = this.#buffer.reset(sink);
    this.#sink = buffer;
    const { portal } = options;
    let suspended = false;
    let tag = '';
    await this.#withRetries(buffer, async () => {
      const plan = this.#validPlan(prepared) ?? (await this.#plan(prepared));
      const { compiled } = plan;
      if (this.modes.readOnly && !compiled.readOnly) throw readOnlyError(prepared.statement!);
      if (prepared.statement!.asOfSystemTime !== null) await this.#applyAsOf(prepared.statement!);
      const txn = this.ensureTxn();
      txn.beginStatement();
      if (plan.storageSince > txn.readTimestamp) throw tooOldSnapshot(this.modes.asOf !== null);
      if (plan.needsView) await this.services.loadView();
      const memory = new StatementMemory(this.server.memory, this.settings.derived.memoryLimitBytes);
      const execution = compiled.start(this.execContext(options.parameters, memory, buffer, options.commits && this.#finished === 0));
      let keep = false;
      try {
        if (options.simple && compiled.columns !== null && prepared.statement!.kind !== 'CopyStmt') buffer.columns(compiled.columns);
        suspended = (await execution.run(buffer, options.maxRows)) === 'suspended';
        if (suspended && portal !== null) {
          keep = true;
          portal.execution = execution;
          portal.compiled = compiled;
          portal.memory = memory;
          return;
        }
        tag = execution.tag;
      } finally {
        if (!keep) {
          execution.close();
          memory.close();
        }
      }
      if (options.commits) await this.#commit();
    });
    this.#finished++;
    if (suspended) {
      buffer.suspended();
      return;
    }
    if (portal !== null) portal.done = true;
    if (options.commits) await this.endTransaction(true);
    buffer.complete(tag);
  }

  execContext(parameters: readonly Datum[], memory: StatementMemory, sink: ResultSink, implicit: boolean): ExecContext {
    return {
      txn: this.ensureTxn(),
      db: this.server.deps.db,
      parameters,
      format: this.#format,
      services: this.services,
      memory,
      signal: this.#abort.signal,
      implicit,
      rng: this.server.deps.rng,
      notice: (notice) => {
        if (severityRank(notice.severity) >= this.settings.derived.minimumSeverity) sink.notice(notice);
      },
    };
  }

  /** A context for expressions that do not touch the session's transaction; the caller gives one. */
  bareContext(memory: StatementMemory): Omit<ExecContext, 'txn'> {
    return {
      db: this.server.deps.db,
      parameters: [],
      format: this.#format,
      services: this.services,
      memory,
      signal: this.#abort.signal,
      implicit: false,
      rng: this.server.deps.rng,
      notice: (notice) => this.notice(notice),
    };
  }

  ddlContext(sink: ResultSink, memory: StatementMemory): DdlContext {
    return {
      session: {
        user: this.user,
        database: this.database,
        searchPath: this.settings.derived.searchPath,
        implicit: this.state.state === 'implicit' && this.#finished === 0,
        inBlock: this.state.inBlock,
      },
      txn: this.ensureTxn(),
      db: this.server.deps.db,
      catalog: this.transactionCatalog(),
      planner: this.server.deps.planner,
      plannerSettings: { format: this.#format, user: this.user, database: this.database },
      sequences: this.server.sequences,
      wait: this.waitOptions(),
      signal: this.#abort.signal,
      sink,
      logger: this.server.deps.logger,
      memory,
      execContext: () => this.execContext([], memory, sink, false),
      notice: (notice) => this.notice(notice),
    };
  }

  async #applyAsOf(statement: ParsedStatement): Promise<void> {
    if (this.#txn !== null) return;
    this.modes = { ...this.modes, readOnly: true, asOf: await asOfTimestamp(this, statement.asOfSystemTime!) };
  }

  // ---- plans ----

  /** The statement's plan if it is current, with the uses of its tables registered; no waiting. */
  #validPlan(prepared: Prepared): CachedPlan | null {
    const plan = prepared.plan;
    if (plan === null || prepared.planKey !== this.settings.derived.planKey) return null;
    const { catalog } = this.server;
    if (!catalog.leaseUsable()) return null;
    const { dependencies } = plan.compiled;
    if (dependencies.length === 0) return plan;
    const tc = this.transactionCatalog();
    for (let i = 0; i < dependencies.length; i++) if (!tc.use(dependencies[i]!.id)) return null;
    if (plan.checkedEpoch === catalog.epoch && !tc.changed) return plan;
    for (let i = 0; i < dependencies.length; i++) {
      if (tc.currentVersion(dependencies[i]!.id) !== dependencies[i]!.version) return null;
    }
    if (!tc.changed) plan.checkedEpoch = catalog.epoch;
    return plan;
  }

  async #plan(prepared: Prepared): Promise<CachedPlan> {
    const { catalog, plans, deps } = this.server;
    const statement = prepared.statement!;
    const { planKey, searchPath } = this.settings.derived;
    const lease = catalog.ensureLease();
    if (lease !== null) await lease;
    const key = PlanCache.key(planKey, prepared.declaredOids, prepared.text);
    if (prepared.shared && this.#tc?.changed !== true) {
      const cached = plans.get(key);
      if (cached !== undefined && cached !== prepared.plan) {
        for (const { id } of cached.compiled.dependencies) await this.transactionCatalog().descriptor(id, this.waitOptions());
        prepared.plan = cached;
        prepared.planKey = planKey;
        if (this.#validPlan(prepared) !== null) return cached;
      }
    }
    const tc = this.transactionCatalog();
    const needsView = mayLookUpCatalog(statement.text) || prepared.declaredOids.some((oid) => oid >= 2202 && oid <= 2206);
    if (needsView) await this.services.loadView();
    const names = deps.planner.relationsOf(statement);
    const snapshot = await tc.snapshot(names, searchPath, this.waitOptions());
    if (!needsView) await this.#resolveDefaults(names, snapshot);
    const compiled = deps.planner.compile(statement, prepared.declaredOids, snapshot, {
      format: this.#format,
      user: this.user,
      database: this.database,
    });
    if (prepared.described && !sameShape(prepared.columns, compiled.columns)) {
      throw sqlError('0A000', 'cached plan must not change result type');
    }
    let storageSince = 0;
    for (const { id } of compiled.dependencies) {
      const d = tc.known(id);
      if (d?.kind === 'table' && d.storageSince !== undefined) storageSince = Math.max(storageSince, d.storageSince);
    }
    const plan: CachedPlan = { statement, compiled, needsView, storageSince, checkedEpoch: catalog.epoch };
    prepared.plan = plan;
    prepared.planKey = planKey;
    prepared.columns = compiled.columns;
    if (prepared.shared && compiled.cacheable && !tc.changed) plans.put(key, plan);
    return plan;
  }

  async #resolveDefaults(names: readonly RelationName[], snapshot: CatalogSnapshot): Promise<void> {
    for (const name of names) {
      const found = snapshot.relation(name);
      if (found?.kind !== 'table') continue;
      for (const column of found.table.columns) {
        if (column.defaultSql !== null && column.defaultSql.includes('::regclass')) await this.services.resolveLiterals(column.defaultSql);
      }
    }
  }

  /** Compiles without running, for EXPLAIN and cursors. */
  async planFor(prepared: Prepared): Promise<CachedPlan> {
    return this.#validPlan(prepared) ?? (await this.#plan(prepared));
  }

  // ---- the fast path ----

  #mayReadDirectly(prepared: Prepared, options: RunOptions, plan: CachedPlan): boolean {
    return (
      options.commits &&
      options.maxRows === 0 &&
      this.#txn === null &&
      this.#finished === 0 &&
      !plan.needsView &&
      this.modes.isolation === 'serializable' &&
      prepared.statement!.asOfSystemTime === null &&
      this.#tc?.changed !== true
    );
  }

  /** Reads of single keys, at a time the server chooses: one round, no transaction. */
  async #readDirectly(plan: CachedPlan, sink: ResultSink, options: RunOptions): Promise<void> {
    const { pointRead, columns } = plan.compiled;
    const values = await this.server.deps.db.getMany(pointRead!.keys(options.parameters, this.#format));
    if (this.#abort.signal.aborted) throw this.#abort.signal.reason;
    if (options.simple && columns !== null) sink.columns(columns);
    const count = pointRead!.rows(values, options.parameters, this.#format, sink);
    if (options.portal !== null) options.portal.done = true;
    const tc = this.#tc;
    this.#tc = null;
    if (tc !== null && !tc.endNow()) await tc.end(true);
    if (this.state.state === 'implicit') this.state.apply('end');
    sink.complete(`SELECT ${count}`);
  }
}

function emptyTag(statement: ParsedStatement): string {
  return statement.kind === 'SelectStmt' ? 'SELECT 0' : statement.kind === 'InsertStmt' ? 'INSERT 0 0' : `${commandName(statement)} 0`;
}

export function shutdownError(): QuoralError {
  return new QuoralError('57P01', 'terminating connection due to administrator command', { severity: 'FATAL' });
}

/** The rows that an older snapshot should see are not in the storage that the table has now. */
function tooOldSnapshot(fixed: boolean): QuoralError {
  const message = 'the table was rewritten after the snapshot of the transaction was taken';
  if (fixed) return sqlError('55000', message, { hint: 'Read at a later time.' });
  return new QuoralError('40001', `could not serialize access: ${message}`, {
    retry: 'transaction',
    fields: { hint: 'Retry the transaction.' },
  });
}

function readOnlyError(statement: ParsedStatement): QuoralError {
  return sqlError('25006', `cannot execute ${commandName(statement)} in a read-only transaction`);
}

function refuseCopy(): never {
  throw sqlError('XX000', 'COPY outside a statement');
}

/** For what is said between messages. */
const NO_SINK: ResultSink = {
  columns: () => undefined,
  row: () => undefined,
  slow: () => null,
  complete: () => undefined,
  suspended: () => undefined,
  empty: () => undefined,
  notice: () => undefined,
  parameterStatus: () => undefined,
  copyIn: refuseCopy,
  copyOut: refuseCopy,
  copyData: refuseCopy,
  copyDone: () => undefined,
};

