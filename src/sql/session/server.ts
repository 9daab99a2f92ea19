/**
 * The SQL layer of one node: what its sessions share (catalog, sequences, plans, memory budget), the
 * registry of sessions, cancel by process id, and draining.
 *
 * Process ids are unique in the cluster: the node's id in the high bits, so that a cancel request that
 * reaches another node can be forwarded to the owner.
 */
import { QuoralError } from '../../base/errors.js';
import { TextCache } from '../../base/text-cache.js';
import type { Clock, Logger, Rng, Timers } from '../../env/env.js';
import type { RpcNetwork } from '../../rpc/types.js';
import type { WaitGraph } from '../../range/services.js';
import type { KvDb } from '../../txn/kv-txn.js';
import { AdvisoryLocks } from '../advisory/advisory-locks.js';
import { bootstrapCatalog } from '../catalog/bootstrap.js';
import { Catalog } from '../catalog/catalog.js';
import { Sequences } from '../catalog/sequences.js';
import { TemporaryCleaner } from '../catalog/temporary.js';
import type { ActivityRow } from '../catalog/virtual/services.js';
import type { ExecContext, ParsedStatement, Planner } from '../contract.js';
import { Pace } from '../exec/pace.js';
import { NotificationHub } from '../notify/hub.js';
import { initParser } from '../parse/parser.js';
import type { SessionOptions, SqlServer, SqlSession } from '../session-api.js';
import type { Lookouts } from '../locks/catalog-deadlocks.js';
import { LockReports, type ReportedSession, type RowWait } from '../locks/lock-reports.js';
import { reportedSession } from './activity.js';
import { NodeUsage } from '../usage/counters.js';
import { wallSince2000 } from './activity.js';
import { NodeMemory } from './memory.js';
import { PlanCache } from './plan-cache.js';
import { placeOf } from './login.js';
import { Session } from './session.js';
import { Templates } from './templates.js';
import { shutdownError } from './transaction-state.js';

const SEQUENCE_BITS = 20;
const DEFAULT_MEMORY_BYTES = 512 * 1024 * 1024;
const DEFAULT_SESSIONS_MAX = 5_000;
const CLEANUP_MS_MAX = 5_000;

export interface SqlServerDeps {
  readonly db: KvDb;
  /** null: a single node without peers. */
  readonly network: RpcNetwork | null;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly planner: Planner;
  /** Bytes that all statements of the node may hold together. */
  readonly memoryLimitBytes?: number;
  readonly sessionsMax?: number;
  /** Finds deadlocks among row locks, advisory locks and those of schema changes; without it they last until a time-out. */
  readonly waitGraph?: WaitGraph & { readonly current?: () => readonly RowWait[] };
  /** The nodes that are up, whether somebody uses SQL there or not; without it, those that hold a lease of the catalog. */
  readonly liveNodes?: () => readonly number[];
  /** Sends a cancel request to the node that owns the process id. */
  readonly forwardCancel?: (nodeId: number, processId: number, secretKey: number) => void;
}

export interface ManagedSqlServer extends SqlServer {
  /** Refuses new statements (57P01), waits for those under way, then ends what is left after the grace. */
  drain(graceMs: number): Promise<void>;
  /** Ends every session at once and stops timers. */
  close(): Promise<void>;
  metrics(): Record<string, number>;
  readonly catalog: Catalog;
}

export class ServerCore implements ManagedSqlServer {
  readonly deps: SqlServerDeps;
  readonly catalog: Catalog;
  readonly sequences: Sequences;
  readonly hub: NotificationHub;
  readonly advisory: AdvisoryLocks;
  readonly plans = new PlanCache();
  /** Trees of short utility texts (BEGIN, COMMIT, SET …) that clients send again and again. */
  readonly parses = new TextCache<readonly ParsedStatement[]>({ countMax: 500, charactersMax: 500 * 1024 });
  readonly templates = new Templates();
  readonly memory: NodeMemory;
  readonly usage: NodeUsage;
  readonly locks: LockReports;
  readonly lookouts: Lookouts;
  /** What the contexts of all statements have in common. */
  readonly shared: Pick<ExecContext, 'db' | 'rng' | 'pace'>;
  readonly #temporaries: TemporaryCleaner;
  #closed = false;
  readonly #sessions = new Map<number, Session>();
  #nextSequence = 1;
  #draining = false;
  #waitingForIdle: (() => void)[] = [];
  #sessionsOpened = 0;

  constructor(deps: SqlServerDeps) {
    this.deps = deps;
    this.catalog = new Catalog(deps);
    this.sequences = new Sequences(this.catalog);
    this.hub = new NotificationHub(deps);
    this.#temporaries = new TemporaryCleaner(this.catalog, deps.logger);
    this.advisory = new AdvisoryLocks(this.catalog, deps.logger, deps.waitGraph ?? null);
    this.usage = new NodeUsage(wallSince2000(deps.clock));
    this.locks = new LockReports({
      catalog: this.catalog,
      nodes: async () => deps.liveNodes?.() ?? (await this.catalog.leaseholders()),
      sessions: () => this.#lockingSessions(),
      waits: () => deps.waitGraph?.current?.() ?? [],
      signal: (processId, how) => this.signalBackend(processId, how),
    });
    this.lookouts = { catalog: this.catalog, reports: this.locks, graph: deps.waitGraph ?? null };
    this.memory = new NodeMemory(deps.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES);
    const pace = new Pace(
      () => deps.clock.monotonicMs(),
      (fn) => deps.timers.endOfTurn(fn),
    );
    this.shared = { db: deps.db, rng: deps.rng, pace };
  }

  get draining(): boolean {
    return this.#draining;
  }

  async openSession(options: SessionOptions): Promise<SqlSession> {
    if (this.#draining) throw shutdownError();
    if (this.#sessions.size >= (this.deps.sessionsMax ?? DEFAULT_SESSIONS_MAX)) {
      throw new QuoralError('53300', 'sorry, too many clients already', { severity: 'FATAL' });
    }
    const place = await placeOf(this.catalog, options, (id) => this.#sessionsOf(id));
    const session = new Session(this, options, place, this.#newProcessId(), this.deps.rng.int(2 ** 31));
    this.#sessions.set(session.processId, session);
    this.#sessionsOpened++;
    this.catalog.sessionOpened();
    return session;
  }

  #sessionsOf(roleId: number): number {
    let count = 0;
    for (const { roles } of this.#sessions.values()) if (roles.login.id === roleId) count++;
    return count;
  }

  #newProcessId(): number {
    const node = (this.deps.db.nodeId & 0x7ff) * 2 ** SEQUENCE_BITS;
    for (;;) {
      const id = node + this.#nextSequence;
      this.#nextSequence = (this.#nextSequence + 1) % 2 ** SEQUENCE_BITS;
      if (id !== 0 && !this.#sessions.has(id)) return id;
    }
  }

  cancel(processId: number, secretKey: number): void {
    const session = this.#sessions.get(processId);
    if (session !== undefined) {
      if (session.secretKey === secretKey) session.cancel();
      return;
    }
    const node = Math.floor(processId / 2 ** SEQUENCE_BITS);
    if (node !== (this.deps.db.nodeId & 0x7ff)) this.deps.forwardCancel?.(node, processId, secretKey);
  }

  session(processId: number): Session | null {
    return this.#sessions.get(processId) ?? null;
  }
  /** False: no session of this node has the process id. */
  signalBackend(processId: number, how: 'cancel' | 'terminate'): boolean {
    const session = this.session(processId);
    if (how === 'cancel') session?.cancel();
    else session?.terminate(shutdownError());
    return session !== null;
  }
  /** Those with a transaction open, or that wait for what one needs. */
  #lockingSessions(): ReportedSession[] {
    return [...this.#sessions.values()].flatMap((session) => reportedSession(session) ?? []);
  }

  activity(): readonly ActivityRow[] {
    return [...this.#sessions.values()].map((s) => s.describeActivity());
  }

  sessionClosed(session: Session): void {
    if (!this.#sessions.delete(session.processId)) return;
    this.catalog.sessionClosed();
    this.statementEnded();
  }

  statementEnded(): void {
    if (this.#waitingForIdle.length === 0 || this.#busy()) return;
    for (const wake of this.#waitingForIdle.splice(0)) wake();
  }

  #busy(): boolean {
    for (const s of this.#sessions.values()) if (s.running || s.state.inBlock) return true;
    return false;
  }

  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    if (this.#busy()) await this.catalog.waitFor((wake) => this.#waitingForIdle.push(wake), Math.max(1, graceMs), null);
    await this.#closeSessions();
    await this.close();
  }

  async #closeSessions(): Promise<void> {
    const open = [...this.#sessions.values()].sort((a, b) => a.processId - b.processId);
    await Promise.all(open.map((s) => s.close()));
  }

  /** What the session, which is over, has left. When the node goes down at once, its next start does it. */
  async dropTemporaries({ temporaries: { schemaId }, databaseId }: Session): Promise<void> {
    if (schemaId === null || this.#closed) return;
    const dropped = this.#temporaries.sessionEnded(schemaId, databaseId);
    await this.catalog.waitFor((wake) => void dropped.then(wake), CLEANUP_MS_MAX, null);
  }

  /** Drops the temporary tables that an earlier process of this node has left. */
  async sweepTemporaries(): Promise<void> {
    try {
      await this.#temporaries.sweep();
    } catch (error) {
      this.deps.logger.log('warn', 'temporary tables of before the start were not dropped', { error: String(error) });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#draining = true;
    // What is below may have ended: nothing waits for locks to be given back.
    this.advisory.close();
    await this.#closeSessions();
    this.hub.close();
    this.catalog.close();
  }

  metrics(): Record<string, number> {
    return {
      sql_sessions: this.#sessions.size,
      sql_sessions_opened_total: this.#sessionsOpened,
      sql_plan_cache_size: this.plans.size,
      sql_plan_cache_hits_total: this.plans.hits,
      sql_plan_cache_misses_total: this.plans.misses,
      sql_plan_cache_lifted_total: this.templates.runs,
      sql_memory_used_bytes: this.memory.usedBytes,
      sql_notification_feeds: this.hub.feeds,
      sql_advisory_locks: this.advisory.size,
    };
  }
}

/** Makes the parser ready and the catalog present, then the server. */
export async function createSqlServer(deps: SqlServerDeps): Promise<ManagedSqlServer> {
  await initParser();
  await bootstrapCatalog(deps.db);
  const server = new ServerCore(deps);
  await server.sweepTemporaries();
  return server;
}
