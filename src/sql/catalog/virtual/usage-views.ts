/**
 * pg_stat_* over tables, indexes, functions and databases: what usage/counters.ts has of this node. Of blocks nothing is
 * counted, as nothing here is read by blocks: pg_statio_* has zeros. Of the views of one row about what Quoral does
 * in another way (the log, checkpoints, its archive) there is that row, of zeros.
 */
import type { DatabaseUse, FunctionUse, RelationUse, SharedKind } from '../../usage/counters.js';
import type { PendingUse, SessionUsage, ShownUsage } from '../../usage/session-usage.js';
import { numericFromBigInt } from '../../types/numeric.js';
import { LAYOUTS } from './layout.js';
import type { Layout, Values } from './layout.js';
import { shownIndexes } from './model.js';
import type { Model, Source } from './model.js';
import { schemaName } from './views.js';

/** Of the catalogs, of users, or both. */
type Whose = 'all' | 'sys' | 'user';

export function count(n: number | undefined): bigint {
  return BigInt(Math.trunc(n ?? 0));
}

const SYSTEM: readonly Layout[] = LAYOUTS.filter((layout) => layout.kind === 'r' && layout.schema === 'pg_catalog');

interface Shown {
  readonly usage: SessionUsage | null;
  readonly shown: ShownUsage | null;
}

function shownOf({ ctx }: Source): Shown {
  return { usage: ctx.services.usage ?? null, shown: ctx.services.shownUsage?.() ?? null };
}

interface Named {
  readonly id: number;
  readonly names: Values;
  readonly indexes: readonly number[];
}

function* relations(model: Model, whose: Whose): Iterable<Named> {
  if (whose !== 'user')
    for (const { oid, schema, name } of SYSTEM)
      yield { id: oid, names: { relid: oid, schemaname: schema, relname: name }, indexes: [] };
  if (whose === 'sys') return;
  for (const table of model.tables) {
    const names = { relid: table.id, schemaname: schemaName(model, table.schemaId), relname: table.name };
    yield { id: table.id, names, indexes: shownIndexes(table).map((index) => index.oid) };
  }
}

/** The scans of a table, by itself and by its indexes. */
function scans(
  { id, indexes }: Named,
  useOf: (id: number) => Pick<RelationUse, 'scans' | 'returned' | 'fetched'> | null,
): Values {
  const own = useOf(id);
  const seen = indexes.map(useOf);
  const sum = (what: 'scans' | 'fetched'): bigint | null =>
    indexes.length === 0 ? null : count(seen.reduce((all, use) => all + (use?.[what] ?? 0), 0));
  const fetched = sum('fetched');
  return {
    seq_scan: count(own?.scans),
    seq_tup_read: count(own?.returned),
    idx_scan: sum('scans'),
    idx_tup_fetch: fetched === null ? null : fetched + count(own?.fetched),
  };
}

function changes(use: Pick<RelationUse, 'inserted' | 'updated' | 'deleted'> | null): Values {
  return {
    n_tup_ins: count(use?.inserted),
    n_tup_upd: count(use?.updated),
    n_tup_del: count(use?.deleted),
    n_tup_hot_upd: 0n,
  };
}

export function tableUse(whose: Whose): (source: Source) => Iterable<Values> {
  return function* (source) {
    const { shown } = shownOf(source);
    for (const relation of relations(source.model, whose)) {
      const use = shown?.relation(relation.id) ?? null;
      yield {
        ...relation.names,
        ...scans(relation, (id) => shown?.relation(id) ?? null),
        ...changes(use),
        n_live_tup: count(use?.live),
        n_dead_tup: count(use?.dead),
        n_mod_since_analyze: count(use?.changed),
        n_ins_since_vacuum: count(use?.insertedSinceVacuum),
        last_vacuum: use?.vacuumedAt ?? null,
        last_analyze: use?.analyzedAt ?? null,
        vacuum_count: count(use?.vacuums),
        autovacuum_count: 0n,
        analyze_count: count(use?.analyzes),
        autoanalyze_count: 0n,
      };
    }
  };
}

/** Of the transaction under way, all that was changed in it. */
export function changedSoFar(use: PendingUse | null): Pick<RelationUse, 'inserted' | 'updated' | 'deleted'> | null {
  if (use === null) return null;
  const { undone } = use;
  return {
    inserted: use.inserted + undone.inserted,
    updated: use.updated + undone.updated,
    deleted: use.deleted + undone.deleted,
  };
}

export function pendingTableUse(whose: Whose): (source: Source) => Iterable<Values> {
  return function* (source) {
    const { usage } = shownOf(source);
    for (const relation of relations(source.model, whose)) {
      const pending = (id: number): PendingUse | null => usage?.pending(id) ?? null;
      yield { ...relation.names, ...scans(relation, pending), ...changes(changedSoFar(pending(relation.id))) };
    }
  };
}

const NO_BLOCKS: Values = { heap_blks_read: 0n, heap_blks_hit: 0n };
const NO_INDEX_BLOCKS: Values = { idx_blks_read: 0n, idx_blks_hit: 0n };

export function tableBlocks(whose: Whose): (source: Source) => Iterable<Values> {
  return function* ({ model }) {
    for (const { names, indexes } of relations(model, whose))
      yield indexes.length === 0 ? { ...names, ...NO_BLOCKS } : { ...names, ...NO_BLOCKS, ...NO_INDEX_BLOCKS };
  };
}

function* indexNames(model: Model): Iterable<Values> {
  for (const table of model.tables) {
    const schemaname = schemaName(model, table.schemaId);
    for (const index of shownIndexes(table))
      yield { relid: table.id, indexrelid: index.oid, schemaname, relname: table.name, indexrelname: index.name };
  }
}

export function* indexUse(source: Source): Iterable<Values> {
  const { shown } = shownOf(source);
  for (const names of indexNames(source.model)) {
    const use = shown?.relation(Number(names['indexrelid'])) ?? null;
    yield {
      ...names,
      idx_scan: count(use?.scans),
      idx_tup_read: count(use?.returned),
      idx_tup_fetch: count(use?.fetched),
    };
  }
}

export function* indexBlocks({ model }: Source): Iterable<Values> {
  for (const names of indexNames(model)) yield { ...names, ...NO_INDEX_BLOCKS };
}

export function* sequenceBlocks({ model }: Source): Iterable<Values> {
  for (const s of model.sequences)
    yield {
      ...{ relid: s.id, schemaname: schemaName(model, s.schemaId), relname: s.name },
      ...{ blks_read: 0n, blks_hit: 0n },
    };
}

function* functionRows(model: Model, useOf: (oid: number) => FunctionUse | null): Iterable<Values> {
  for (const group of model.routines) {
    for (const { oid } of group.routines) {
      const use = useOf(oid);
      if (use === null) continue;
      yield {
        funcid: oid,
        schemaname: schemaName(model, group.schemaId),
        funcname: group.name,
        calls: count(use.calls),
        total_time: use.totalMs,
        self_time: use.selfMs,
      };
    }
  }
}

export function functionUse(source: Source): Iterable<Values> {
  const { shown } = shownOf(source);
  return functionRows(source.model, (oid) => shown?.function(oid) ?? null);
}

export function pendingFunctionUse(source: Source): Iterable<Values> {
  const { usage } = shownOf(source);
  return functionRows(source.model, (oid) => usage?.pendingFunction(oid) ?? null);
}

// ---- databases, and what the cluster has one of ----

const NO_CONFLICTS: Values = {
  ...{ conflicts: 0n, temp_files: 0n, temp_bytes: 0n, blks_read: 0n, blks_hit: 0n },
  ...{ blk_read_time: 0, blk_write_time: 0 },
};

export function databaseFigures(use: DatabaseUse | null, openMs: number): Values {
  return {
    ...NO_CONFLICTS,
    xact_commit: count(use?.commits),
    xact_rollback: count(use?.rollbacks),
    tup_returned: count(use?.returned),
    tup_fetched: count(use?.fetched),
    tup_inserted: count(use?.inserted),
    tup_updated: count(use?.updated),
    tup_deleted: count(use?.deleted),
    deadlocks: count(use?.deadlocks),
    session_time: (use?.sessionMs ?? 0) + openMs,
    active_time: use?.activeMs ?? 0,
    idle_in_transaction_time: use?.idleInTransactionMs ?? 0,
    sessions: count(use?.sessions),
    sessions_abandoned: count(use?.abandoned),
    sessions_fatal: count(use?.fatal),
    sessions_killed: count(use?.killed),
    stats_reset: use?.resetAt ?? null,
  };
}

/** The row without a name is of what belongs to no database, of which nothing is counted. */
export function* databaseUse(source: Source): Iterable<Values> {
  const { usage } = shownOf(source);
  const activity = source.services.activity();
  yield { datid: 0, datname: null, numbackends: 0, ...databaseFigures(usage?.node.known(0) ?? null, 0) };
  for (const { id, name } of source.model.databases) {
    const here = activity.filter((row) => row.databaseId === id);
    const openMs = here.reduce((sum, row) => sum + row.openMs, 0);
    const use = usage?.node.known(id) ?? null;
    yield { datid: id, datname: name, numbackends: here.length, ...databaseFigures(use, openMs) };
  }
}

export function* databaseConflicts({ model }: Source): Iterable<Values> {
  const none = {
    ...{ confl_tablespace: 0n, confl_lock: 0n, confl_snapshot: 0n },
    ...{ confl_bufferpin: 0n, confl_deadlock: 0n },
  };
  for (const { id, name } of model.databases) yield { datid: id, datname: name, ...none };
}

function resetOf(source: Source, kind: SharedKind): bigint | null {
  return shownOf(source).usage?.node.sharedResets.get(kind) ?? null;
}

export function* archiverUse(source: Source): Iterable<Values> {
  yield { archived_count: 0n, failed_count: 0n, stats_reset: resetOf(source, 'archiver') };
}

export function* writerUse(source: Source): Iterable<Values> {
  yield {
    ...{ checkpoints_timed: 0n, checkpoints_req: count(shownOf(source).usage?.node.checkpoints) },
    ...{ checkpoint_write_time: 0, checkpoint_sync_time: 0, buffers_checkpoint: 0n, buffers_clean: 0n },
    ...{ maxwritten_clean: 0n, buffers_backend: 0n, buffers_backend_fsync: 0n, buffers_alloc: 0n },
    stats_reset: resetOf(source, 'bgwriter'),
  };
}

export function* logUse(source: Source): Iterable<Values> {
  yield {
    ...{ wal_records: 0n, wal_fpi: 0n, wal_bytes: numericFromBigInt(0n), wal_buffers_full: 0n },
    ...{ wal_write: 0n, wal_sync: 0n, wal_write_time: 0, wal_sync_time: 0 },
    stats_reset: resetOf(source, 'wal'),
  };
}
