/**
 * A cache by text, bounded by the number of its entries and by the characters of their keys (what is kept for a text takes a
 * multiple of it). Who goes first is told by second chance (Corbató 1968): the oldest entry, unless it was asked for
 * since it was last considered; so a flood of texts that come once does not drive out those that come again.
 *
 * Invariant: after every put both bounds hold, or the cache holds what was just put alone.
 */
interface Entry<V> {
  value: V;
  wasUsed: boolean;
}

export class TextCache<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #countMax: number;
  readonly #charactersMax: number;
  #characters = 0;

  constructor(bounds: { readonly countMax: number; readonly charactersMax: number }) {
    this.#countMax = bounds.countMax;
    this.#charactersMax = bounds.charactersMax;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.wasUsed = true;
    return entry.value;
  }

  put(key: string, value: V): void {
    this.delete(key);
    this.#entries.set(key, { value, wasUsed: false });
    this.#characters += key.length;
    // Whoever is passed over comes last, and is met again without its mark.
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#countMax && this.#characters <= this.#charactersMax) break;
      if (this.#entries.size === 1) break;
      this.#entries.delete(oldest);
      if (entry.wasUsed || oldest === key) {
        entry.wasUsed = false;
        this.#entries.set(oldest, entry);
      } else this.#characters -= oldest.length;
    }
  }

  delete(key: string): boolean {
    if (!this.#entries.delete(key)) return false;
    this.#characters -= key.length;
    return true;
  }

  get size(): number {
    return this.#entries.size;
  }
}
