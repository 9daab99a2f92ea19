/**
 * Compiled statements of a node, by what they depend on that is not in the catalog (settings), the parameter types
 * given, and the text. A plan is current while every descriptor it used has the version it was compiled with; rows of
 * catalogs are read when it runs.
 */
import { TextCache } from '../../base/text-cache.js';
import type { Descriptor } from '../catalog/descriptor.js';
import type { CompiledStatement, ParsedStatement, PassedName } from '../contract.js';

export interface CachedPlan {
  readonly statement: ParsedStatement;
  readonly compiled: CompiledStatement;
  /** Its expressions may ask for names or definitions in the catalog. */
  needsView: boolean;
  /** What it has been made without: its relations would be others if there were any of these. */
  readonly passed: readonly PassedName[];
  /** Descriptors that are not committed, of which it was made: it is current where they are, in their transaction. null: there are none. */
  readonly own: readonly Descriptor[] | null;
  /** Snapshots older than this cannot use the plan: tables were rewritten then. */
  readonly storageSince: number;
  /** Rights of others than the one who runs it count: owners of views. */
  readonly asksForOthers: boolean;
  /**
   * Whoever has a session of the plan's key may run it: access was checked, and for anybody but `postgres` the key names
   * the user and the catalog's epoch, so that it is another one after any GRANT or REVOKE.
   */
  mayRun: boolean;
  /** Catalog epoch at which the versions were last compared. */
  checkedEpoch: number;
  /** Of the catalog's names as it was made: a function of a user may since have come beside a built-in one. */
  readonly namesGeneration: number;
}

/** Plans' memory is a multiple of their statements' text. */
const BOUNDS = { countMax: 2_000, charactersMax: 8 * 1024 * 1024 };
/** Longer texts are not kept: they are hardly ever sent again. */
export const CACHED_TEXT_MAX = 64 * 1024;

export class PlanCache {
  readonly #plans = new TextCache<CachedPlan>(BOUNDS);
  hits = 0;
  misses = 0;

  static key(planKey: string, parameterOids: readonly number[], text: string): string {
    return parameterOids.length === 0
      ? `${planKey}\x02\x02${text}`
      : `${planKey}\x02${parameterOids.join(',')}\x02${text}`;
  }

  get(key: string): CachedPlan | undefined {
    const plan = this.#plans.get(key);
    if (plan === undefined) this.misses++;
    else this.hits++;
    return plan;
  }

  put(key: string, plan: CachedPlan): void {
    if (key.length <= CACHED_TEXT_MAX) this.#plans.put(key, plan);
  }

  get size(): number {
    return this.#plans.size;
  }
}
