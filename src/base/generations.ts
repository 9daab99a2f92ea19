/**
 * A bounded memory of what is looked up soon or never: a map in two generations. When the young one is full it becomes
 * the old one, and the old one is forgotten.
 *
 * `forgottenUpTo`: whatever was set later than this (in the time of `now`) is still known.
 */
export class Generations<K, V> {
  readonly #max: number;
  readonly #now: () => number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  #turnedAt = 0;
  #forgottenUpTo = 0;

  constructor(max: number, now: () => number) {
    this.#max = max;
    this.#now = now;
  }

  get forgottenUpTo(): number {
    return this.#forgottenUpTo;
  }

  get(key: K): V | undefined {
    return this.#young.get(key) ?? (this.#old.size === 0 ? undefined : this.#old.get(key));
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#max) {
      this.#forgottenUpTo = this.#turnedAt;
      this.#turnedAt = this.#now();
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
