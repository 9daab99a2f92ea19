/**
 * The transaction of a session: the KV transaction, the catalog as it sees it, its modes and savepoints,
 * and the retries nobody notices.
 *
 * Invariants: the KV transaction begins with the first statement that needs it and ends exactly once; its
 * end comes before the catalog's, whose schema locks outlive neither; a transaction is repeated as a
 * whole only while no statement of it has finished, a statement alone only at READ COMMITTED.
 */
import { QuoralError } from '../../base/errors.js';
import { mark } from '../../base/probes.js';
import { KeyExistsError } from '../../txn/errors.js';
import type { Isolation, KvTxn, Savepoint, TxnOptions } from '../../txn/kv-txn.js';
import { sayChanges } from '../catalog/descriptor-changes.js';
import type { SessionTemporaries } from '../catalog/temporary.js';
import { TransactionCatalog } from '../catalog/transaction-catalog.js';
import type { Mark } from '../catalog/transaction-catalog.js';
import { checkDeferredConstraints } from '../exec/constraint-checks.js';
import type { ConstraintModes } from '../exec/foreign-key-queue.js';
import { deferredConflict } from '../exec/row-writer.js';
import { lookForDeadlock, type WaitingTransaction } from '../locks/catalog-deadlocks.js';
import type { FormatContext } from '../types/type-info.js';
import type { BufferingSink } from './buffering-sink.js';
import type { SessionUsage, UsageMark } from '../usage/session-usage.js';
import type { SessionAdvisory } from './advisory.js';
import type { NotificationMark, SessionNotifications } from './notifications.js';
import type { ServerCore } from './server.js';
import type { Settings, SettingsMark } from './settings.js';
import { TransactionState } from './transaction-state.js';

const ATTEMPTS_MAX = 100;
const BACKOFF_MS_MAX = 50;

export interface TransactionModes {
  readonly isolation: Isolation;
  /** READ UNCOMMITTED was asked for: that is READ COMMITTED, but keeps its name. */
  readonly uncommitted: boolean;
  readonly readOnly: boolean;
  readonly deferrable: boolean;
  /** AS OF SYSTEM TIME, an HLC time. */
  readonly asOf: number | null;
}

/** A point that the transaction can return to. */
export interface TransactionMark {
  readonly kv: Savepoint | null;
  readonly readOnly: boolean;
  readonly settings: SettingsMark;
  readonly catalog: Mark;
  /** null: none were met yet. */
  readonly constraints: ConstraintModes | null;
  readonly notifications: NotificationMark;
  readonly advisory: number;
  readonly usage: UsageMark;
  /** Portals with greater numbers came after it. */
  readonly portalSerial: number;
}

export interface SavepointEntry extends TransactionMark {
  readonly name: string;
}

/** What the transaction needs of its session. */
export interface TransactionHost {
  readonly server: ServerCore;
  readonly processId: number;
  readonly settings: Settings;
  readonly databaseId: number;
  readonly database: string;
  readonly signal: AbortSignal;
  readonly format: FormatContext;
  readonly notifications: SessionNotifications;
  readonly advisory: SessionAdvisory;
  readonly usage: SessionUsage;
  /** The transaction is over, or begins anew: portals and catalog views of it are void. */
  transactionReset(over: boolean, committed?: boolean): void;
  /** Rows that are to outlive the transaction are read while it is there; then temporary tables act on the commit. */
  beforeCommit(): Promise<void> | null;
  readonly temporaries: SessionTemporaries;
  /** Before a schema is used that a statement names; null: anybody may. */
  guardSchema(id: number, name: string): Promise<void> | null;
}

const READ_UNCOMMITTED = { isolation: 'read committed', uncommitted: true } as const;
const READ_COMMITTED = { isolation: 'read committed', uncommitted: false } as const;
const REPEATABLE_READ = { isolation: 'repeatable read', uncommitted: false } as const;
const SERIALIZABLE = { isolation: 'serializable', uncommitted: false } as const;

/** What an isolation level asked for means; null: there is none of this name. */
export function isolationModes(level: string): Pick<TransactionModes, 'isolation' | 'uncommitted'> | null {
  switch (level) {
    case 'read uncommitted':
      return READ_UNCOMMITTED;
    case 'serializable':
      return SERIALIZABLE;
    case 'repeatable read':
      return REPEATABLE_READ;
    case 'read committed':
      return READ_COMMITTED;
    default:
      return null;
  }
}

/** The settings that show the modes of the transaction; null for any other. */
export function modeSetting(modes: TransactionModes, name: string): string | null {
  switch (name) {
    case 'transaction_isolation':
      return modes.uncommitted ? 'read uncommitted' : modes.isolation;
    case 'transaction_read_only':
      return modes.readOnly ? 'on' : 'off';
    case 'transaction_deferrable':
      return modes.deferrable ? 'on' : 'off';
    default:
      return null;
  }
}

/** What pg_settings shows: of the transaction's settings its modes, whatever way they came about. */
export function shownSettings(session: {
  readonly settings: Settings;
  setting(name: string): string | null;
}): ReturnType<Settings['all']> {
  return session.settings.all().map((row) => {
    const { name } = row.definition;
    return name.startsWith('transaction_') ? { ...row, value: session.setting(name) ?? row.value } : row;
  });
}

export class SessionTransaction {
  readonly state = new TransactionState();
  readonly #host: TransactionHost;
  savepoints: SavepointEntry[] = [];
  modes: TransactionModes;
  /** Statements that finished: after the first the transaction cannot be repeated as a whole. */
  finished = 0;
  /** Ends that procedures and DO blocks asked for: what was so ended cannot be repeated. */
  endedInside = 0;
  /** The statement under way may have reads of its own. */
  readsTables = false;
  #txn: KvTxn | null = null;
  #catalog: TransactionCatalog | null = null;

  constructor(host: TransactionHost) {
    this.#host = host;
    this.modes = this.defaultModes();
  }

  get txn(): KvTxn | null {
    return this.#txn;
  }
  /** Who it is to those that wait for it; null: nobody does. */
  openTxn(): WaitingTransaction | null {
    const txn = this.#txn;
    if (txn === null || txn.status !== 'active') return null;
    return { id: txn.id, name: this.#host.settings.derived.applicationName, minTs: txn.readTimestamp };
  }
  /** The catalog changes of this transaction make its plans its own. */
  get catalogChanged(): boolean {
    return this.#catalog?.changed === true;
  }

  catalog(): TransactionCatalog {
    const { server, databaseId, database, temporaries } = this.#host;
    if (this.#catalog === null) {
      this.#catalog = new TransactionCatalog(server.catalog, databaseId, database, temporaries);
      this.#catalog.schemaGuard = (id, name) => this.#host.guardSchema(id, name);
      this.#catalog.onCommitted = (dropped) => this.#host.usage.forget(dropped);
      this.#catalog.waits.lookout = (ids, options) =>
        lookForDeadlock(server.lookouts, this.#host.processId, this.openTxn(), ids, options);
    }
    return this.#catalog;
  }

  /** As it sees the catalog; null: it has not looked. */
  get knownCatalog(): TransactionCatalog | null {
    return this.#catalog;
  }

  checkCatalog(): void {
    this.#catalog?.check();
  }

  defaultModes(): TransactionModes {
    const { settings } = this.#host;
    const level = settings.get('default_transaction_isolation') ?? 'serializable';
    const { isolation, uncommitted } = isolationModes(level)!;
    return {
      isolation,
      uncommitted,
      readOnly: settings.get('default_transaction_read_only') === 'on',
      deferrable: settings.get('default_transaction_deferrable') === 'on',
      asOf: null,
    };
  }

  ensureTxn(): KvTxn {
    if (this.#txn !== null) return this.#txn;
    const { settings, server, temporaries } = this.#host;
    const abort = (): AbortSignal => this.#host.signal;
    const options: TxnOptions = {
      isolation: this.modes.isolation,
      // Temporary tables are written nevertheless; who writes is asked before (runner-errors.ts).
      readOnly: this.modes.readOnly && temporaries.schemaId === null,
      name: settings.derived.applicationName,
      lockTimeoutMs: settings.derived.lockTimeoutMs,
      // A statement that was cancelled after a savepoint must not cancel those after ROLLBACK TO.
      get signal() {
        return abort();
      },
      ...(this.modes.asOf === null ? {} : { asOf: this.modes.asOf }),
    };
    this.#txn = server.deps.db.begin(options);
    this.#host.usage.attach(this.#txn);
    return this.#txn;
  }

  beginBlock(modes: TransactionModes): void {
    this.state.apply('begin');
    this.modes = modes;
  }

  /** COMMIT or ROLLBACK of whatever is open; afterwards the session is idle. @throws what commit throws */
  async end(commit: boolean): Promise<void> {
    try {
      if (commit) await this.commit();
    } catch (error) {
      await this.#finish(false);
      throw error;
    }
    await this.#finish(commit);
  }

  /** @throws what a deferred constraint has against the commit */
  async checkDeferred(): Promise<void> {
    if (this.#txn === null) return;
    const gone = (tableId: number, oid: number): boolean => this.#catalog?.hasDroppedForeignKey(tableId, oid) === true;
    await checkDeferredConstraints(this.#txn, this.#host.format, undefined, gone);
  }

  /** Makes the writes durable; `end` must follow. */
  async commit(): Promise<void> {
    await this.checkDeferred();
    const { notifications } = this.#host;
    if (!notifications.pending) return this.#commitTxn();
    const mayWrite = !this.modes.readOnly && this.modes.asOf === null;
    await notifications.beforeCommit(notifications.says && mayWrite ? this.ensureTxn() : null);
    await this.#commitTxn();
    if (!mayWrite) await notifications.sayAlone();
    await notifications.committed();
  }

  async #commitTxn(): Promise<void> {
    const txn = this.#txn;
    if (txn === null) return;
    const held = this.#host.beforeCommit();
    if (held !== null) await held;
    const said = sayChanges(txn, this.#host.server.catalog);
    if (said !== null) await said;
    this.#catalog?.check();
    this.#host.advisory.check();
    try {
      await txn.commit();
    } catch (error) {
      if (error instanceof KeyExistsError) mark('deferred-unique-violation');
      throw (error instanceof KeyExistsError ? deferredConflict(txn, error.key) : null) ?? error;
    }
    this.#txn = null;
  }

  async #finish(committed: boolean): Promise<void> {
    this.#host.transactionReset(true, committed);
    this.#host.notifications.rolledBack();
    this.#host.usage.transactionEnds(this.state.state !== 'idle', committed);
    this.state.apply('end');
    this.#host.settings.endTransaction(committed);
    this.savepoints = [];
    this.finished = 0;
    this.modes = this.defaultModes();
    await this.release(committed);
  }

  /** Lets go of everything held; the session's state stays (a failed block). */
  async release(committed: boolean): Promise<void> {
    const txn = this.#txn;
    const catalog = this.#catalog;
    this.#txn = null;
    this.#catalog = null;
    this.#host.transactionReset(false);
    this.#host.usage.end(committed);
    try {
      // Also of one that the ranges have aborted (a deadlock's victim): it still holds its locks.
      if (txn !== null && !committed) await txn.rollback();
    } finally {
      const advisory = this.#host.advisory.endTransaction();
      if (advisory !== null) await advisory;
      if (catalog !== null && !catalog.endNow()) await catalog.end(committed);
    }
  }

  /** The end of something that needed the catalog only. */
  async endCatalog(): Promise<void> {
    const catalog = this.#catalog;
    this.#catalog = null;
    if (catalog !== null && !catalog.endNow()) await catalog.end(true);
  }

  /** Begins the transaction anew: only while nothing of it has gone out. */
  async #restart(): Promise<void> {
    const txn = this.#txn;
    const catalog = this.#catalog;
    this.#catalog = null;
    this.#host.transactionReset(false);
    this.#host.usage.restarts();
    this.#host.notifications.rolledBack();
    // The KV transaction first: it holds locks on the lock rows that the catalog's end removes.
    if (txn !== null) {
      if (txn.status === 'active') {
        await txn.restart();
      } else {
        // One that the ranges have aborted still holds its locks.
        await txn.rollback();
        this.#txn = null;
      }
    }
    await this.#host.advisory.endTransaction();
    if (catalog !== null && !catalog.endNow()) await catalog.end(false);
  }

  /**
   * Moves the snapshot to the present where nobody can notice: nothing was read, written or locked, no savepoint
   * refers to it, and the statement under way reads no table.
   */
  async freshSnapshot(): Promise<void> {
    const txn = this.#txn;
    if (txn === null || !txn.pristine || txn.status !== 'active' || this.readsTables) return;
    if (this.savepoints.length > 0 || this.modes.asOf !== null || txn.isolation === 'read committed') return;
    await txn.restart();
  }

  /** Runs `body` again on conflicts, for as long as nobody can notice. `alone`: the statement can be undone by itself. */
  async withRetries(buffer: BufferingSink, alone: boolean, body: () => Promise<void>): Promise<void> {
    const { deps } = this.#host.server;
    const said = this.#host.notifications.mark();
    const used = this.#host.usage.mark();
    const { changes } = this.#host.advisory;
    const { endedInside } = this;
    for (let attempt = 1; ; attempt++) {
      try {
        await body();
        return;
      } catch (error) {
        const stays = changes !== this.#host.advisory.changes || endedInside !== this.endedInside;
        if (stays || !this.#mayRepeat(error, buffer, attempt, alone)) {
          buffer.fail(!(error instanceof QuoralError && error.retry === 'none'));
          throw error;
        }
        buffer.discard();
        mark(this.finished === 0 ? 'transaction-retried-in-server' : 'statement-retried-in-server');
        if (this.finished === 0) await this.#restart();
        else {
          this.#txn!.restartStatement();
          this.#host.notifications.rollbackTo(said);
          this.#host.usage.rollbackTo(used);
        }
        const ceiling = Math.min(BACKOFF_MS_MAX, 2 ** Math.min(attempt - 1, 10));
        if (attempt > 1) await deps.timers.sleep(deps.rng.next() * ceiling);
        if (this.#host.signal.aborted) throw error;
      }
    }
  }

  #mayRepeat(error: unknown, buffer: BufferingSink, attempt: number, alone: boolean): boolean {
    if (!(error instanceof QuoralError) || attempt >= ATTEMPTS_MAX) return false;
    if (error.retry !== 'transaction' && error.retry !== 'statement') return false;
    if (buffer.released || this.#host.signal.aborted) return false;
    // What the session keeps over the repetition may be what the others wait for.
    if (error.sqlstate === '40P01' && this.#host.advisory.holdsForSession) return false;
    if (this.finished === 0) return this.savepoints.length === 0;
    return (
      alone && this.modes.isolation === 'read committed' && this.#txn?.status === 'active' && error.sqlstate === '40001'
    );
  }
}
