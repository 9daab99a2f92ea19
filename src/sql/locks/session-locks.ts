/**
 * The table locks of one session, as pg_locks shows them. What is really held of a table is its use, which keeps schema changes away,
 * or its schema lock, which keeps every use away; the modes are those that PostgreSQL would take for what the transaction
 * has run, and of LOCK TABLE the one that was asked for.
 *
 * Of the statements of a transaction each plan is remembered once, so that running it again costs a look into a set.
 */
import type { TransactionCatalog } from '../catalog/transaction-catalog.js';
import type { CompiledStatement } from '../contract.js';
import { ACCESS_EXCLUSIVE, modesOf } from './modes.js';

const PLANS_MAX = 256;

export interface RelationLock {
  readonly relationId: number;
  readonly mode: number;
  readonly granted: boolean;
  /** Microseconds since 1970; 0: it is not waited for. */
  readonly waitStart: number;
}

export class SessionLocks {
  readonly #plans = new Set<CompiledStatement>();
  /** By relation, modes as bits. */
  readonly #taken = new Map<number, number>();
  /** Transactions so far. */
  number = 1;

  runs(plan: CompiledStatement): void {
    if (this.#plans.has(plan)) return;
    if (this.#plans.size >= PLANS_MAX) {
      for (const one of this.#plans) note(one, this.#taken);
      this.#plans.clear();
    }
    this.#plans.add(plan);
  }

  /** LOCK TABLE. */
  takes(relationId: number, mode: number): void {
    this.#taken.set(relationId, (this.#taken.get(relationId) ?? 0) | (1 << mode));
  }

  ends(): void {
    this.number++;
    if (this.#plans.size > 0) this.#plans.clear();
    if (this.#taken.size > 0) this.#taken.clear();
  }

  list(catalog: TransactionCatalog): RelationLock[] {
    const modes = new Map(this.#taken);
    for (const plan of this.#plans) note(plan, modes);
    const awaited = new Set(catalog.waits.now?.ids);
    for (const id of catalog.lockedIds)
      if (!awaited.has(id))
        modes.set(id, (modes.get(id) ?? 0) | (1 << (catalog.waits.shown.get(id) ?? ACCESS_EXCLUSIVE)));
    const locks: RelationLock[] = [];
    for (const [relationId, bits] of modes)
      for (let mode = 1; mode <= ACCESS_EXCLUSIVE; mode++)
        if ((bits & (1 << mode)) !== 0) locks.push({ relationId, mode, granted: true, waitStart: 0 });
    const waiting = catalog.waits.now;
    for (const relationId of waiting?.ids ?? [])
      locks.push({ relationId, mode: waiting!.mode, granted: false, waitStart: waiting!.since });
    return locks;
  }
}

function note({ access }: CompiledStatement, modes: Map<number, number>): void {
  for (const need of access)
    for (const mode of modesOf(need)) modes.set(need.relationId, (modes.get(need.relationId) ?? 0) | (1 << mode));
}
