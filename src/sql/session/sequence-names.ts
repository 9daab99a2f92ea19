/** Ids of the names that nextval resolved, for currval, which finds names without waiting and may run without a view of the catalogs. */
import type { TransactionCatalog } from '../catalog/transaction-catalog.js';
import { splitName } from '../types/identifiers.js';

export class SequenceNames {
  readonly #ids = new Map<string, number>();

  learn(name: string, id: number): void {
    this.#ids.set(name, id);
  }
  clear(): void {
    this.#ids.clear();
  }

  /** null as well for a sequence that is known to have another name by now. */
  find(name: string, catalog: TransactionCatalog): number | null {
    const id = this.#ids.get(name);
    if (id === undefined) return null;
    const d = catalog.known(id);
    return d?.kind === 'sequence' && d.name !== splitName(name).at(-1) ? null : id;
  }
}
