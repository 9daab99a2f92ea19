/** What a transaction is kept from in the catalog, for those who want to know whom it waits for. */
import type { Clock } from '../../env/env.js';
import type { WaitOptions } from './catalog.js';

/** Of the use of objects, or of the schema locks on them. */
export interface CatalogWait {
  readonly ids: readonly number[];
  /** As LOCK TABLE counts modes. */
  readonly mode: number;
  /** Microseconds since 1970. */
  readonly since: number;
}

const ACCESS_EXCLUSIVE = 8;

/** Looks for a deadlock as long as the wait lasts: a wait by its options ends if it has to give way. null: there is no need. */
export type Lookout = (
  ids: readonly number[],
  options: WaitOptions,
) => { readonly options: WaitOptions; end(): void } | null;

export class CatalogWaits {
  /** null: it goes on. */
  now: CatalogWait | null = null;
  /** Of objects under a schema lock, the mode in which PostgreSQL would have locked them: schema locks are all of one kind here. */
  readonly shown = new Map<number, number>();
  lookout: Lookout | null = null;
  readonly #clock: Clock;
  #asked = ACCESS_EXCLUSIVE;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

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

  async forSchemaLocks(
    ids: readonly number[],
    options: WaitOptions,
    wait: (options: WaitOptions) => Promise<void>,
  ): Promise<void> {
    const mode = this.#asked;
    await this.during(ids, mode, options, wait);
    for (const id of ids) this.shown.set(id, Math.max(mode, this.shown.get(id) ?? 0));
  }

  async during(
    ids: readonly number[],
    mode: number,
    options: WaitOptions,
    wait: (options: WaitOptions) => Promise<void>,
  ): Promise<void> {
    this.now = { ids, mode, since: this.#clock.wallUs() };
    const looking = this.lookout?.(ids, options) ?? null;
    try {
      await wait(looking?.options ?? options);
    } finally {
      this.now = null;
      looking?.end();
    }
  }
}
