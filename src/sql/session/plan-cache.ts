/**
 * Compiled statements of a node, by what they depend on that is not in the catalog (settings), the
 * parameter types given, and the text. Least recently used ones go when there are too many or they are too
 * large. A plan is current while every descriptor it used has the version it was compiled with; one that reads the
 * catalogs, while nothing in them has changed.
 */
import type { CompiledStatement, ParsedStatement, PassedName } from '../contract.js';

export interface CachedPlan {
  readonly statement: ParsedStatement;
  readonly compiled: CompiledStatement;
  /** Its expressions may ask for names or definitions in the catalog. */
  readonly needsView: boolean;
  /** What it has been made without: its relations would be others if there were any of these. */
  readonly passed: readonly PassedName[];
  /** Snapshots older than this cannot use the plan: tables were rewritten then. */
  readonly storageSince: number;
  /** Rights of others than the one who runs it count: owners of views. */
  readonly asksForOthers: boolean;
  /** Catalog epoch at which the versions were last compared. */
  checkedEpoch: number;
}

const COUNT_MAX = 2_000;
/** Characters of statement text; a plan's memory is a multiple of it. */
const TEXT_MAX = 8 * 1024 * 1024;
/** Longer texts are not kept: they are hardly ever sent again. */
export const CACHED_TEXT_MAX = 64 * 1024;

export class PlanCache {
  readonly #plans = new Map<string, CachedPlan>();
  #characters = 0;
  hits = 0;
  misses = 0;

  static key(planKey: string, parameterOids: readonly number[], text: string): string {
    return parameterOids.length === 0
      ? `${planKey}\x02\x02${text}`
      : `${planKey}\x02${parameterOids.join(',')}\x02${text}`;
  }

  get(key: string): CachedPlan | undefined {
    const plan = this.#plans.get(key);
    if (plan === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    return plan;
  }

  put(key: string, plan: CachedPlan): void {
    if (key.length > CACHED_TEXT_MAX) return;
    this.drop(key);
    this.#plans.set(key, plan);
    this.#characters += key.length;
    // Oldest first: insertion order, renewed when a plan is compiled again.
    for (const old of this.#plans.keys()) {
      if (this.#plans.size <= COUNT_MAX && this.#characters <= TEXT_MAX) break;
      this.drop(old);
    }
  }

  drop(key: string): void {
    if (this.#plans.delete(key)) this.#characters -= key.length;
  }

  get size(): number {
    return this.#plans.size;
  }
}
