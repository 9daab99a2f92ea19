/** What a session is at, for pg_stat_activity, and how long it has been at it, for pg_stat_database. */
import type { Clock } from '../../env/env.js';
import type { QuoralError } from '../../base/errors.js';
import type { ActivityRow } from '../catalog/virtual/services.js';
import type { DatabaseUse } from '../usage/counters.js';
import type { SessionUsage } from '../usage/session-usage.js';
import type { ReportedSession } from '../locks/lock-reports.js';
import { needsXid } from '../locks/modes.js';
import { xidOf } from '../locks/transaction-number.js';
import type { Session } from './session.js';

const EPOCH_2000_US = 946684800000000;

export function since2000(wallUs: number): bigint {
  return BigInt(Math.floor(wallUs) - EPOCH_2000_US);
}

/** Microseconds since 2000-01-01 UTC. */
export function wallSince2000(clock: Clock): bigint {
  return since2000(clock.wallUs());
}

export class SessionActivity {
  readonly #clock: Clock;
  readonly #usage: SessionUsage;
  readonly #startedUs: number;
  #queryText = '';
  #enteredUs = 0;
  /** Since when it has been in the state that it is in. */
  #changedUs: number;
  /** It is idle, with a transaction open. */
  #rests = false;
  #over = false;
  /** What it waits for beside locks; '': nothing. */
  waits: '' | 'PgSleep' = '';

  constructor(clock: Clock, usage: SessionUsage) {
    this.#clock = clock;
    this.#usage = usage;
    this.#startedUs = this.#changedUs = clock.wallUs();
    usage.database.sessions++;
  }

  get startedAt(): bigint {
    return since2000(this.#startedUs);
  }
  /** What the client has sent: of several statements, all of them. */
  get queryText(): string {
    return this.#queryText;
  }

  async sleeping(sleep: () => Promise<void>): Promise<void> {
    this.waits = 'PgSleep';
    try {
      await sleep();
    } finally {
      this.waits = '';
    }
  }

  /** A message that runs something; '': one that ends what ran. Returns the time, microseconds since 1970. */
  begins(text: string): number {
    const now = this.#clock.wallUs();
    if (this.#rests) this.#usage.database.idleInTransactionMs += (now - this.#changedUs) / 1000;
    if (text !== '') this.#queryText = text;
    this.#enteredUs = this.#changedUs = now;
    return now;
  }

  ends(inBlock: boolean): void {
    const now = this.#clock.wallUs();
    this.#usage.database.activeMs += (now - this.#enteredUs) / 1000;
    this.#changedUs = now;
    this.#rests = inBlock;
  }

  /** Of an error that the client is told. */
  failed(error: QuoralError): void {
    const { database } = this.#usage;
    if (error.sqlstate === '40P01') database.deadlocks++;
    if (error.severity !== 'FATAL' || this.#over) return;
    this.#over = true;
    if (error.sqlstate === '57P01') database.killed++;
    else database.fatal++;
  }

  closed(): void {
    this.#usage.database.sessionMs += this.openMs(this.#usage.database);
  }

  /** How long it has been there, since its database's figures began. */
  openMs({ resetAt }: DatabaseUse): number {
    const since = resetAt === null ? this.#startedUs : Math.max(this.#startedUs, Number(resetAt) + EPOCH_2000_US);
    return Math.max(0, (this.#clock.wallUs() - since) / 1000);
  }

  describe(session: Session): ActivityRow {
    const { inBlock, state } = session.state;
    const idle = state === 'failed' ? 'idle in transaction (aborted)' : inBlock ? 'idle in transaction' : 'idle';
    const { txn } = session;
    const changed = since2000(this.#changedUs);
    const tracked = session.settings.get('track_activities') !== 'off';
    return {
      processId: session.processId,
      databaseId: session.databaseId,
      database: session.database,
      user: session.roles.login.name,
      userId: session.roles.login.id,
      applicationName: session.settings.derived.applicationName,
      remote: session.remote,
      state: !tracked ? 'disabled' : session.running ? 'active' : idle,
      query: tracked ? this.#queryText : '',
      backendStart: this.startedAt,
      transactionStart: txn === null && !inBlock ? null : session.format.transactionNow,
      queryStart: this.#enteredUs === 0 ? null : since2000(this.#enteredUs),
      stateChange: changed,
      txn,
      waits: this.waits,
      openMs: this.openMs(this.#usage.database),
    };
  }
}

/** null: it has no transaction, and so no locks. */
export function reportedSession(session: Session): ReportedSession | null {
  const { txn, transaction, locks } = session;
  const { knownCatalog } = transaction;
  const relations = knownCatalog === null ? [] : locks.list(knownCatalog);
  if (txn === null && !session.state.inBlock && relations.length === 0) return null;
  const xid = txn !== null && relations.some(({ mode, granted }) => granted && needsXid(mode)) ? xidOf(txn) : 0;
  return {
    processId: session.processId,
    databaseId: session.databaseId,
    userId: session.roles.login.id,
    virtualTransaction: `${session.processId}/${locks.number}`,
    txn: txn?.id ?? '',
    xid,
    relations,
  };
}
