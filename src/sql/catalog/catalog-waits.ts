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

export class CatalogWaits {
  /** null: it goes on. */
  now: CatalogWait | null = null;

  async during(clock: Clock, ids: readonly number[], mode: number, wait: () => Promise<void>): Promise<void> {
    this.now = { ids, mode, since: clock.wallUs() };
    try {
      await wait();
    } finally {
      this.now = null;
    }
  }
}
