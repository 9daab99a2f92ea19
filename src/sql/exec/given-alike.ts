/**
 * Parts of a plan that give the same rows however often one statement runs them: the other side of a join, or a WITH query, inside of a
 * subquery that runs for each row of another. The second time such a part is run its result is kept for the times after it, unless
 * all that is kept would be a large part of what the statement may hold.
 */
import type { Plan } from '../plan/logical.js';
import { ctesOutside, freeColumns, locksRows } from '../plan/plan-walk.js';
import { isVolatilePlan } from '../plan/volatility.js';
import type { Run } from './run.js';

/** Of a statement's memory, what all its kept parts may hold together: one eighth. */
const KEPT_PART = 8;

/** What is kept of all parts, in bytes, by execution of a statement. */
const keptBytes = new WeakMap<Run, number>();

/** Takes a share of what kept parts may hold, in bytes; false: it is used up. What is not kept to the end is given back. */
export function reserveKept(run: Run, bytes: number): boolean {
  const all = (keptBytes.get(run.whole) ?? 0) + bytes;
  if (all > run.ctx.memory.limitBytes / KEPT_PART) return false;
  keptBytes.set(run.whole, all);
  return true;
}

export function releaseKept(run: Run, bytes: number): void {
  keptBytes.set(run.whole, (keptBytes.get(run.whole) ?? 0) - bytes);
}

/** Nothing of outside decides what it gives: no row, no WITH query but those within and `ctes`; and it locks nothing. */
export function givesAlike(plan: Plan, ctes: ReadonlySet<number> = new Set()): boolean {
  if (freeColumns(plan).size > 0 || isVolatilePlan(plan) || locksRows(plan)) return false;
  return ctesOutside(plan).every((id) => ctes.has(id));
}

interface Times {
  /** How often it was begun. */
  count: number;
  kept: unknown;
  /** It is too large. */
  refused: boolean;
}

/** What is kept of one part, by execution of a statement. */
export class KeptPart<T> {
  readonly #byRun = new WeakMap<Run, Times>();

  /** Once for each time that the part is run: what is kept of it, or whether to offer what is made now. */
  begin(run: Run): T | 'offer' | null {
    if (run.settles) return null;
    let times = this.#byRun.get(run.whole);
    if (times === undefined) this.#byRun.set(run.whole, (times = { count: 0, kept: null, refused: false }));
    times.count++;
    if (times.kept !== null) return times.kept as T;
    return times.count > 1 && !times.refused ? 'offer' : null;
  }

  /** True: it is kept, and what it holds of the memory with it. */
  offer(run: Run, made: T, bytes: number): boolean {
    const times = this.#byRun.get(run.whole)!;
    if (times.kept !== null) return false;
    times.refused = !reserveKept(run, bytes);
    if (times.refused) return false;
    times.kept = made;
    return true;
  }
}
