/**
 * The functions under the views of statistics (pg_stat_get_…), and those that set the figures back. What they tell is of the node
 * that is asked: usage/counters.ts. Of blocks, conflicts and files nothing is counted: 0, as of what never happened.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import type { ActivityRow } from '../catalog/virtual/services.js';
import { changedSoFar, count } from '../catalog/virtual/usage-views.js';
import type { Datum } from '../types/datum.js';
import { type DatabaseUse, type FunctionUse, type RelationUse, SHARED_KINDS } from '../usage/counters.js';
import type { PendingUse, SessionUsage } from '../usage/session-usage.js';
import { fn, srf } from './define.js';

const STABLE = { volatility: 'stable' } as const;
const VOLATILE = { volatility: 'volatile' } as const;
const LOOSE = { volatility: 'volatile', strict: false } as const;

function usageIn(ctx: ExecContext): SessionUsage {
  const { usage } = ctx.services;
  if (usage === undefined) throw new QuoralError('XX000', 'statistics are read within a session');
  return usage;
}

// ---- relations ----

const OF_RELATIONS: Readonly<Record<string, (use: RelationUse) => number>> = {
  numscans: (use) => use.scans,
  tuples_returned: (use) => use.returned,
  tuples_fetched: (use) => use.fetched,
  tuples_inserted: (use) => use.inserted,
  tuples_updated: (use) => use.updated,
  tuples_deleted: (use) => use.deleted,
  tuples_hot_updated: () => 0,
  live_tuples: (use) => use.live,
  dead_tuples: (use) => use.dead,
  mod_since_analyze: (use) => use.changed,
  ins_since_vacuum: (use) => use.insertedSinceVacuum,
  blocks_fetched: () => 0,
  blocks_hit: () => 0,
  vacuum_count: (use) => use.vacuums,
  autovacuum_count: () => 0,
  analyze_count: (use) => use.analyzes,
  autoanalyze_count: () => 0,
};

function relationUse(oid: number, ctx: ExecContext): RelationUse | null {
  return ctx.services.shownUsage?.().relation(oid) ?? null;
}

for (const [name, of] of Object.entries(OF_RELATIONS)) {
  const figure = (oid: number, ctx: ExecContext): Datum => {
    const use = relationUse(oid, ctx);
    return use === null ? 0n : count(of(use));
  };
  fn(`pg_stat_get_${name}(oid) int8`, figure, STABLE);
}

const TIMES: Readonly<Record<string, (use: RelationUse) => bigint | null>> = {
  last_vacuum: (use) => use.vacuumedAt,
  last_autovacuum: () => null,
  last_analyze: (use) => use.analyzedAt,
  last_autoanalyze: () => null,
};
for (const [name, of] of Object.entries(TIMES)) {
  const time = (oid: number, ctx: ExecContext): Datum => {
    const use = relationUse(oid, ctx);
    return use === null ? null : of(use);
  };
  fn(`pg_stat_get_${name}_time(oid) timestamptz`, time, STABLE);
}

const OF_TRANSACTION: Readonly<Record<string, (use: PendingUse) => number>> = {
  numscans: (use) => use.scans,
  tuples_returned: (use) => use.returned,
  tuples_fetched: (use) => use.fetched,
  tuples_inserted: (use) => changedSoFar(use)!.inserted,
  tuples_updated: (use) => changedSoFar(use)!.updated,
  tuples_deleted: (use) => changedSoFar(use)!.deleted,
  tuples_hot_updated: () => 0,
  blocks_fetched: () => 0,
  blocks_hit: () => 0,
};
for (const [name, of] of Object.entries(OF_TRANSACTION)) {
  const figure = (oid: number, ctx: ExecContext): Datum => {
    const use = usageIn(ctx).pending(oid);
    return use === null ? 0n : count(of(use));
  };
  fn(`pg_stat_get_xact_${name}(oid) int8`, figure, VOLATILE);
}

// ---- functions ----

function ofFunction(name: string, type: string, of: (use: FunctionUse) => Datum): void {
  const shown = (oid: number, ctx: ExecContext): Datum => {
    const use = ctx.services.shownUsage?.().function(oid) ?? null;
    return use === null ? null : of(use);
  };
  const pending = (oid: number, ctx: ExecContext): Datum => {
    const use = usageIn(ctx).pendingFunction(oid);
    return use === null ? null : of(use);
  };
  fn(`pg_stat_get_function_${name}(oid) ${type}`, shown, STABLE);
  fn(`pg_stat_get_xact_function_${name}(oid) ${type}`, pending, VOLATILE);
}
ofFunction('calls', 'int8', (use) => count(use.calls));
ofFunction('total_time', 'float8', (use) => use.totalMs);
ofFunction('self_time', 'float8', (use) => use.selfMs);

// ---- databases ----

const COUNTS: Readonly<Record<string, (use: DatabaseUse) => number>> = {
  xact_commit: (use) => use.commits,
  xact_rollback: (use) => use.rollbacks,
  tuples_returned: (use) => use.returned,
  tuples_fetched: (use) => use.fetched,
  tuples_inserted: (use) => use.inserted,
  tuples_updated: (use) => use.updated,
  tuples_deleted: (use) => use.deleted,
  deadlocks: (use) => use.deadlocks,
  sessions: (use) => use.sessions,
  sessions_abandoned: (use) => use.abandoned,
  sessions_fatal: (use) => use.fatal,
  sessions_killed: (use) => use.killed,
};
const NOT_COUNTED =
  'blocks_fetched blocks_hit temp_files temp_bytes conflict_all conflict_tablespace conflict_lock conflict_snapshot ' +
  'conflict_bufferpin conflict_startup_deadlock';

function ofDatabase(name: string, type: string, of: (use: DatabaseUse | null, sessions: Sessions) => Datum): void {
  const figure = (oid: number, ctx: ExecContext): Datum => {
    const sessions = (): readonly ActivityRow[] =>
      (ctx.services.activity?.() ?? []).filter((row) => row.databaseId === oid);
    return of(usageIn(ctx).node.known(oid), sessions);
  };
  fn(`pg_stat_get_db_${name}(oid) ${type}`, figure, STABLE);
}
type Sessions = () => readonly ActivityRow[];

for (const [name, of] of Object.entries(COUNTS))
  ofDatabase(name, 'int8', (use) => (use === null ? 0n : count(of(use))));
for (const name of NOT_COUNTED.split(' ')) ofDatabase(name, 'int8', () => 0n);
for (const name of ['blk_read_time', 'blk_write_time']) ofDatabase(name, 'float8', () => 0);
ofDatabase('checksum_failures', 'int8', () => null);
ofDatabase('checksum_last_failure', 'timestamptz', () => null);
ofDatabase('active_time', 'float8', (use) => use?.activeMs ?? 0);
ofDatabase('idle_in_transaction_time', 'float8', (use) => use?.idleInTransactionMs ?? 0);
ofDatabase('session_time', 'float8', (use, sessions) =>
  sessions().reduce((sum, row) => sum + row.openMs, use?.sessionMs ?? 0),
);
ofDatabase('stat_reset_time', 'timestamptz', (use) => use?.resetAt ?? null);
ofDatabase('numbackends', 'int4', (_use, sessions) => sessions().length);

// ---- what the cluster has one of ----

const WRITER =
  'bgwriter_timed_checkpoints bgwriter_buf_written_checkpoints bgwriter_buf_written_clean bgwriter_maxwritten_clean ' +
  'buf_written_backend buf_fsync_backend buf_alloc';
for (const name of WRITER.split(' ')) fn(`pg_stat_get_${name}() int8`, () => 0n, STABLE);
fn(
  'pg_stat_get_bgwriter_requested_checkpoints() int8',
  (ctx: ExecContext) => count(usageIn(ctx).node.checkpoints),
  STABLE,
);
fn('pg_stat_get_checkpoint_write_time() float8', () => 0, STABLE);
fn('pg_stat_get_checkpoint_sync_time() float8', () => 0, STABLE);
fn(
  'pg_stat_get_bgwriter_stat_reset_time() timestamptz',
  (ctx: ExecContext) => usageIn(ctx).node.sharedResets.get('bgwriter') ?? null,
  STABLE,
);

// ---- sessions ----

/** Numbered from 1, as they are now: a number means nothing to the next statement. */
function backend(number: number, ctx: ExecContext): ActivityRow | null {
  return ctx.services.activity?.()[number - 1] ?? null;
}

function ofBackend(name: string, type: string, of: (row: ActivityRow) => Datum, unknown: Datum = null): void {
  const fact = (number: number, ctx: ExecContext): Datum => {
    const row = backend(number, ctx);
    return row === null ? unknown : of(row);
  };
  fn(`pg_stat_get_backend_${name}(int4) ${type}`, fact, STABLE);
}

srf(
  'pg_stat_get_backend_idset() int4',
  (ctx: ExecContext) => (ctx.services.activity?.() ?? []).map((_row, i) => i + 1),
  STABLE,
);
ofBackend('pid', 'int4', (row) => row.processId);
ofBackend('dbid', 'oid', (row) => row.databaseId);
ofBackend('userid', 'oid', (row) => row.userId);
ofBackend('activity', 'text', (row) => row.query, '<backend information not available>');
ofBackend('activity_start', 'timestamptz', (row) => row.queryStart);
ofBackend('start', 'timestamptz', (row) => row.backendStart);
ofBackend('xact_start', 'timestamptz', (row) => row.transactionStart);

// ---- setting back, and what is shown ----

fn('pg_stat_clear_snapshot() void', (ctx: ExecContext) => (usageIn(ctx).clearShown(), ''), LOOSE);
// Figures are added when a transaction ends; there is nothing to hurry.
fn('pg_stat_force_next_flush() void', () => '', LOOSE);
fn(
  'pg_stat_get_snapshot_timestamp() timestamptz',
  (ctx: ExecContext) => ctx.services.shownUsage?.().takenAt ?? null,
  STABLE,
);

const KINDS: ReadonlySet<string> = new Set(
  'database relation function replslot subscription archiver bgwriter checkpointer slru wal'.split(' '),
);
fn(
  'pg_stat_have_stats(text, oid, oid) bool',
  (kind: string, database: number, object: number, ctx: ExecContext) => {
    if (!KINDS.has(kind)) throw sqlError('22023', `invalid statistics kind: "${kind}"`);
    const use = usageIn(ctx).node.known(database);
    if (kind === 'database') return use !== null && object === 0;
    if (kind === 'relation') return use?.relations.has(object) === true;
    if (kind === 'function') return use?.functions.has(object) === true;
    return kind !== 'replslot' && kind !== 'subscription';
  },
  VOLATILE,
);

fn(
  'pg_stat_reset() void',
  (ctx: ExecContext) => {
    const usage = usageIn(ctx);
    usage.node.reset(usage.database, usage.now());
    return '';
  },
  LOOSE,
);
fn(
  'pg_stat_reset_shared(text) void',
  (target: string, ctx: ExecContext) => {
    const kind = SHARED_KINDS.find((one) => one === target);
    if (kind === undefined)
      throw sqlError('22023', `unrecognized reset target: "${target}"`, {
        hint: 'Target must be "archiver", "bgwriter", "recovery_prefetch", or "wal".',
      });
    const usage = usageIn(ctx);
    usage.node.sharedResets.set(kind, usage.now());
    if (kind === 'bgwriter') usage.node.checkpoints = 0;
    return '';
  },
  VOLATILE,
);
for (const what of ['table', 'function']) {
  const reset = (oid: number, ctx: ExecContext): Datum => {
    const usage = usageIn(ctx);
    usage.node.resetOne(usage.database, oid, usage.now());
    return '';
  };
  fn(`pg_stat_reset_single_${what}_counters(oid) void`, reset, VOLATILE);
}
fn('pg_stat_reset_slru(text) void', () => '', LOOSE);
fn(
  'pg_stat_reset_replication_slot(text) void',
  (name: string | null) => {
    if (name === null) return '';
    throw sqlError('22023', `replication slot "${name}" does not exist`);
  },
  LOOSE,
);
fn(
  'pg_stat_reset_subscription_stats(oid) void',
  (oid: number | null) => {
    if (oid === 0) throw sqlError('22023', 'invalid subscription OID 0');
    return '';
  },
  LOOSE,
);
