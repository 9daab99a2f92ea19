/**
 * What the sessions of one node have done: the figures of pg_stat_database, pg_stat_user_tables and their kind. They are of
 * the node that is asked, as its memory has them: they begin at zero with its process, and no other node's are added.
 *
 * Sessions add what they have done when their transactions end (session-usage.ts), so what is here is never of a transaction
 * under way. Relations of all databases share one bound: beyond it what was met first is forgotten.
 *
 * Live rows are those inserted less those deleted since the counting began, as in PostgreSQL before the first ANALYZE:
 * nobody counts what was there before. Dead ones are the old versions that were made since TRUNCATE or VACUUM.
 */

/** Tables and indexes; of which counters some stay 0. */
export class RelationUse {
  scans = 0;
  returned = 0;
  fetched = 0;
  inserted = 0;
  updated = 0;
  deleted = 0;
  live = 0;
  dead = 0;
  /** Rows changed since the last ANALYZE, and inserted since the last VACUUM. */
  changed = 0;
  insertedSinceVacuum = 0;
  vacuums = 0;
  analyzes = 0;
  /** Microseconds since 2000-01-01 UTC; null: never. */
  vacuumedAt: bigint | null = null;
  analyzedAt: bigint | null = null;
}

export class FunctionUse {
  calls = 0;
  totalMs = 0;
  /** Without what it called, as far as that is counted. */
  selfMs = 0;
}

export class DatabaseUse {
  commits = 0;
  rollbacks = 0;
  returned = 0;
  fetched = 0;
  inserted = 0;
  updated = 0;
  deleted = 0;
  deadlocks = 0;
  sessions = 0;
  /** How sessions ended other than by their client's leave. */
  abandoned = 0;
  fatal = 0;
  killed = 0;
  /** Of sessions that are over; those that are open tell theirs themselves. */
  sessionMs = 0;
  activeMs = 0;
  idleInTransactionMs = 0;
  /** Microseconds since 2000-01-01 UTC. */
  resetAt: bigint | null = null;
  relations = new Map<number, RelationUse>();
  functions = new Map<number, FunctionUse>();
}

const RELATIONS_MAX = 20_000;
const FUNCTIONS_MAX = 5_000;

/** The statistics that the cluster has one of each; nothing of what they are about is counted, but when they were reset. */
export const SHARED_KINDS = ['archiver', 'bgwriter', 'wal', 'recovery_prefetch'] as const;
export type SharedKind = (typeof SHARED_KINDS)[number];

export class NodeUsage {
  readonly #databases = new Map<number, DatabaseUse>();
  readonly sharedResets = new Map<SharedKind, bigint>();
  /** CHECKPOINT commands. */
  checkpoints = 0;
  #relations = 0;

  /** Microseconds since 2000-01-01 UTC. */
  readonly startedAt: bigint;

  constructor(startedAt: bigint) {
    this.startedAt = startedAt;
    for (const kind of SHARED_KINDS) this.sharedResets.set(kind, startedAt);
  }

  /** Always the same object. */
  database(id: number): DatabaseUse {
    let found = this.#databases.get(id);
    if (found === undefined) this.#databases.set(id, (found = new DatabaseUse()));
    return found;
  }
  known(id: number): DatabaseUse | null {
    return this.#databases.get(id) ?? null;
  }

  relation(database: DatabaseUse, id: number): RelationUse {
    let found = database.relations.get(id);
    if (found === undefined) {
      if (this.#relations >= RELATIONS_MAX) this.#makeRoom(database);
      database.relations.set(id, (found = new RelationUse()));
      this.#relations++;
    }
    return found;
  }

  function(database: DatabaseUse, id: number): FunctionUse {
    const { functions } = database;
    let found = functions.get(id);
    if (found === undefined) {
      if (functions.size >= FUNCTIONS_MAX) functions.delete(functions.keys().next().value!);
      functions.set(id, (found = new FunctionUse()));
    }
    return found;
  }

  #makeRoom(wanting: DatabaseUse): void {
    const from =
      wanting.relations.size > 0 ? wanting : [...this.#databases.values()].find((d) => d.relations.size > 0)!;
    from.relations.delete(from.relations.keys().next().value!);
    this.#relations--;
  }

  /** What was dropped. */
  forget(database: DatabaseUse, id: number): void {
    if (database.relations.delete(id)) this.#relations--;
    database.functions.delete(id);
  }

  /** Of one relation, without the counters of its indexes; or of a function. */
  resetOne(database: DatabaseUse, id: number, now: bigint): void {
    this.forget(database, id);
    database.resetAt = now;
  }

  reset(database: DatabaseUse, now: bigint): void {
    this.#relations -= database.relations.size;
    Object.assign(database, new DatabaseUse(), { resetAt: now });
  }
}
