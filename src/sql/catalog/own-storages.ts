/**
 * Storages that the transaction has made for tables: for new ones, for those that it emptied or wrote anew. Nobody else can know one
 * before the commit.
 */
export class OwnStorages {
  readonly #fresh = new Set<number>();
  /** Of each, how many savepoints there were. */
  readonly #madeAt = new Map<number, number>();
  #depth = 0;

  note(storageId: number): void {
    this.#fresh.add(storageId);
    this.#madeAt.set(storageId, this.#depth);
  }

  /** Rows may be ingested in bulk, which no savepoint could undo. */
  isFresh(storageId: number): boolean {
    return this.#fresh.has(storageId);
  }

  /** Made after the last savepoint. */
  isOwn(storageId: number): boolean {
    return this.#madeAt.get(storageId) === this.#depth;
  }

  /** From a savepoint on, bulk ingestion could not be rolled back. */
  forbidIngest(): void {
    this.#fresh.clear();
  }

  /** As many savepoints are there now; storages that were made under more are of the last one that is left. */
  setDepth(savepoints: number): void {
    this.#depth = savepoints;
    for (const [id, depth] of this.#madeAt) if (depth > savepoints) this.#madeAt.set(id, savepoints);
  }
}
