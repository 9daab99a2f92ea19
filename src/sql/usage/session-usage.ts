/**
 * What one session does, gathered while its transaction goes on and added to the node's figures at the end of it. Scans and
 * calls count however it ends; rows that were changed count too, as in PostgreSQL, but become live ones with the commit only.
 *
 * Whoever scans or writes finds the counters by the transaction (`usageOf`): work that no session does, such as backfills,
 * has none and is not counted. A transaction that the server runs again is counted once.
 *
 * Figures that a transaction has been shown stay the same for it, as stats_fetch_consistency says.
 */
import type { KvTxn } from '../../txn/kv-txn.js';
import { type DatabaseUse, FunctionUse, type NodeUsage, type RelationUse } from './counters.js';

/** Counters that are kept for the next transaction. */
const KEPT_MAX = 32;

/** Rows changed by a transaction in one table. */
interface Changes {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}
const NONE: Changes = { inserted: 0, updated: 0, deleted: 0 };

/** Of one table or index in the transaction under way. */
export class PendingUse {
  scans = 0;
  returned = 0;
  fetched = 0;
  inserted = 0;
  updated = 0;
  deleted = 0;
  /** Changes that a savepoint has taken back. */
  undone = NONE;
  /** What had been changed when the table was first emptied; null: it was not. */
  before: Changes | null = null;
  /** Is among those that the end of the transaction has to look at. */
  touched = false;

  clear(): void {
    this.scans = this.returned = this.fetched = 0;
    this.inserted = this.updated = this.deleted = 0;
    this.undone = NONE;
    this.before = null;
    this.touched = false;
  }

  /** TRUNCATE or DROP: what was written to it is gone. */
  emptied(): void {
    this.before ??= { inserted: this.inserted, updated: this.updated, deleted: this.deleted };
    this.inserted = this.updated = this.deleted = 0;
  }
}

interface PendingMark extends Changes {
  readonly id: number;
  readonly before: Changes | null;
}
/** What had been changed at a savepoint. */
export type UsageMark = readonly PendingMark[];

interface Called {
  readonly id: number;
  readonly startedMs: number;
  insideMs: number;
}

export type Consistency = 'none' | 'cache' | 'snapshot';

const ofTransaction = new WeakMap<KvTxn, SessionUsage>();

/** null: what is done is nobody's. */
export function usageOf(txn: KvTxn): SessionUsage | null {
  return ofTransaction.get(txn) ?? null;
}

export interface UsageDependencies {
  readonly node: NodeUsage;
  readonly databaseId: number;
  readonly monotonicMs: () => number;
  /** track_counts and track_functions. */
  readonly settings: () => { readonly trackCounts: boolean; readonly trackFunctions: 'none' | 'pl' | 'all' };
  /** Microseconds since 2000-01-01 UTC. */
  readonly now: () => bigint;
}

export class SessionUsage {
  readonly node: NodeUsage;
  readonly database: DatabaseUse;
  readonly #deps: UsageDependencies;
  readonly #pending = new Map<number, PendingUse>();
  #touched: [number, PendingUse][] = [];
  readonly #functions = new Map<number, FunctionUse>();
  readonly #calls: Called[] = [];
  /** Where what nobody wants to know goes. */
  readonly #nowhere = new PendingUse();
  #shown: ShownUsage | null = null;

  constructor(deps: UsageDependencies) {
    this.#deps = deps;
    this.node = deps.node;
    this.database = deps.node.database(deps.databaseId);
  }

  attach(txn: KvTxn): void {
    ofTransaction.set(txn, this);
  }

  /** Of the transaction under way, to count in. */
  relation(id: number): PendingUse {
    if (!this.#deps.settings().trackCounts) return this.#nowhere;
    let use = this.#pending.get(id);
    if (use === undefined) this.#pending.set(id, (use = new PendingUse()));
    if (!use.touched) {
      use.touched = true;
      this.#touched.push([id, use]);
    }
    return use;
  }
  /** As `relation`, of what was met; null: it was not. */
  pending(id: number): PendingUse | null {
    const use = this.#pending.get(id);
    return use?.touched === true ? use : null;
  }

  /** A transaction of its own that read rows by the keys of an index. */
  pointRead(indexId: number, rows: number): void {
    this.database.commits++;
    if (!this.#deps.settings().trackCounts) return;
    const use = this.node.relation(this.database, indexId);
    use.scans++;
    use.returned += rows;
    use.fetched += rows;
    this.database.returned += rows;
    this.database.fetched += rows;
  }

  emptied(tableId: number): void {
    this.relation(tableId).emptied();
  }

  // ---- functions ----

  countsCalls(procedural: boolean): boolean {
    const { trackFunctions } = this.#deps.settings();
    return trackFunctions === 'all' || (trackFunctions === 'pl' && procedural);
  }

  callBegins(id: number): void {
    this.#calls.push({ id, startedMs: this.#deps.monotonicMs(), insideMs: 0 });
  }

  /** Of the call that began last. */
  callEnds(): void {
    const call = this.#calls.pop();
    if (call === undefined) return;
    const ms = this.#deps.monotonicMs() - call.startedMs;
    const outer = this.#calls.at(-1);
    if (outer !== undefined) outer.insideMs += ms;
    let use = this.#functions.get(call.id);
    if (use === undefined) this.#functions.set(call.id, (use = new FunctionUse()));
    use.calls++;
    // Of one that calls itself the inner calls' time is in the outermost one's.
    if (!this.#calls.some(({ id }) => id === call.id)) use.totalMs += ms;
    use.selfMs += ms - call.insideMs;
  }

  pendingFunction(id: number): FunctionUse | null {
    return this.#functions.get(id) ?? null;
  }
  get pendingFunctions(): ReadonlyMap<number, FunctionUse> {
    return this.#functions;
  }

  // ---- savepoints, and the end ----

  mark(): UsageMark {
    const marks: PendingMark[] = [];
    for (const [id, { inserted, updated, deleted, before }] of this.#touched)
      if (inserted + updated + deleted > 0 || before !== null) marks.push({ id, inserted, updated, deleted, before });
    return marks;
  }

  rollbackTo(mark: UsageMark): void {
    const at = new Map(mark.map((one) => [one.id, one]));
    for (const [id, use] of this.#touched) {
      const then = at.get(id);
      const { inserted, updated, deleted, before } = then ?? { ...NONE, before: null };
      const reached = use.before !== null && before === null ? use.before : use;
      use.undone = {
        inserted: use.undone.inserted + Math.max(0, reached.inserted - inserted),
        updated: use.undone.updated + Math.max(0, reached.updated - updated),
        deleted: use.undone.deleted + Math.max(0, reached.deleted - deleted),
      };
      Object.assign(use, { inserted, updated, deleted, before });
    }
  }

  /** The server runs the transaction again: what it has done is done anew. */
  restarts(): void {
    for (const [, use] of this.#touched) use.clear();
    this.#touched = [];
  }

  /** `any`: there was one that is over now. */
  transactionEnds(any: boolean, committed: boolean): void {
    if (!any) return;
    if (committed) this.database.commits++;
    else this.database.rollbacks++;
  }

  end(committed: boolean): void {
    this.#shown = null;
    if (this.#touched.length > 0) {
      for (const [id, use] of this.#touched) {
        this.#add(id, use, committed);
        use.clear();
      }
      this.#touched = [];
      if (this.#pending.size > KEPT_MAX) this.#pending.clear();
    }
    if (this.#functions.size > 0) this.#addFunctions();
  }

  #add(id: number, use: PendingUse, committed: boolean): void {
    const { database } = this;
    const total = this.node.relation(database, id);
    total.scans += use.scans;
    total.returned += use.returned;
    total.fetched += use.fetched;
    database.returned += use.returned;
    database.fetched += use.fetched;
    const { undone, before } = use;
    const own = committed ? use : (before ?? use);
    const inserted = own.inserted + undone.inserted;
    const updated = own.updated + undone.updated;
    const deleted = own.deleted + undone.deleted;
    if (inserted + updated + deleted === 0 && !(committed && before !== null)) return;
    total.inserted += inserted;
    total.updated += updated;
    total.deleted += deleted;
    database.inserted += inserted;
    database.updated += updated;
    database.deleted += deleted;
    total.dead += undone.inserted + undone.updated;
    if (!committed) {
      total.dead += own.inserted + own.updated;
      return;
    }
    if (before !== null) total.live = total.dead = total.insertedSinceVacuum = 0;
    total.live = Math.max(0, total.live + own.inserted - own.deleted);
    total.dead += own.updated + own.deleted;
    total.changed += own.inserted + own.updated + own.deleted;
    total.insertedSinceVacuum += own.inserted;
  }

  #addFunctions(): void {
    for (const [id, { calls, totalMs, selfMs }] of this.#functions) {
      const total = this.node.function(this.database, id);
      total.calls += calls;
      total.totalMs += totalMs;
      total.selfMs += selfMs;
    }
    this.#functions.clear();
  }

  /** VACUUM or ANALYZE was given for the table. */
  maintained(tableId: number, what: { readonly vacuum: boolean; readonly analyze: boolean }): void {
    const use = this.node.relation(this.database, tableId);
    const now = this.#deps.now();
    if (what.vacuum) {
      use.vacuums++;
      use.vacuumedAt = now;
      use.dead = use.insertedSinceVacuum = 0;
    }
    if (what.analyze) {
      use.analyzes++;
      use.analyzedAt = now;
      use.changed = 0;
    }
  }

  /** What was dropped by a transaction that is committed. */
  forget(ids: Iterable<number>): void {
    for (const id of ids) this.node.forget(this.database, id);
  }

  // ---- what is shown ----

  /** The figures as the transaction is shown them. `lasting`: it has more statements than this one. */
  shown(consistency: Consistency, lasting: boolean): ShownUsage {
    if (this.#shown?.consistency !== consistency) this.#shown = null;
    if (!lasting) return new ShownUsage(this, 'none');
    return (this.#shown ??= new ShownUsage(this, consistency));
  }
  clearShown(): void {
    this.#shown = null;
  }

  now(): bigint {
    return this.#deps.now();
  }
}

/** Figures of one database that stay as they were first seen, by the setting. */
export class ShownUsage {
  readonly consistency: Consistency;
  readonly #usage: SessionUsage;
  #takenAt: bigint | null = null;
  readonly #relations = new Map<number, RelationUse | null>();
  readonly #functions = new Map<number, FunctionUse | null>();

  constructor(usage: SessionUsage, consistency: Consistency) {
    this.#usage = usage;
    this.consistency = consistency;
  }

  /** When all were taken together; null: they were not. */
  get takenAt(): bigint | null {
    return this.#takenAt;
  }

  relation(id: number): RelationUse | null {
    return this.#kept(this.#relations, this.#usage.database.relations, id);
  }
  function(id: number): FunctionUse | null {
    return this.#kept(this.#functions, this.#usage.database.functions, id);
  }

  #kept<U extends object>(kept: Map<number, U | null>, all: ReadonlyMap<number, U>, id: number): U | null {
    if (this.consistency === 'none') return all.get(id) ?? null;
    if (this.consistency === 'snapshot') {
      this.#takeAll();
      return kept.get(id) ?? null;
    }
    let found = kept.get(id);
    if (found === undefined) {
      const now = all.get(id);
      kept.set(id, (found = now === undefined ? null : { ...now }));
    }
    return found;
  }

  #takeAll(): void {
    if (this.#takenAt !== null) return;
    this.#takenAt = this.#usage.now();
    for (const [id, use] of this.#usage.database.relations) this.#relations.set(id, { ...use });
    for (const [id, use] of this.#usage.database.functions) this.#functions.set(id, { ...use });
  }
}
