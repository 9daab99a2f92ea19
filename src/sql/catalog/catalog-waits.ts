/** What a transaction is kept from in the catalog, for those who want to know whom it waits for. */
import type { Clock } from '../../env/env.js';

/** Of the use of objects, or of the schema locks on them. */
export interface CatalogWait {
  readonly ids: readonly number[];
  /** As LOCK TABLE counts modes. */
  readonly mode: number;
  /** Microseconds since 1970. */
  readonly since: number;
}

const ACCESS_EXCLUSIVE = 8;

export class CatalogWaits {
  /** null: it goes on. */
  now: CatalogWait | null = null;
  /** Of objects under a schema lock, the mode in which PostgreSQL would have locked them: schema locks are all of one kind here. */
  readonly shown = new Map<number, number>();
  #asked = ACCESS_EXCLUSIVE;

  /** What is locked meanwhile is shown as locked in that mode. */
  async asking<T>(mode: number, run: () => Promise<T>): Promise<T> {
    const before = this.#asked;
    this.#asked = mode;
    try {
      return await run();
    } finally {
      this.#asked = before;
    }
  }

  async forSchemaLocks(clock: Clock, ids: readonly number[], wait: () => Promise<void>): Promise<void> {
    const mode = this.#asked;
    await this.during(clock, ids, mode, wait);
    for (const id of ids) this.shown.set(id, Math.max(mode, this.shown.get(id) ?? 0));
  }

  async during(clock: Clock, ids: readonly number[], mode: number, wait: () => Promise<void>): Promise<void> {
    this.now = { ids, mode, since: clock.wallUs() };
    try {
      await wait();
    } finally {
      this.now = null;
    }
  }
}
