/** The simulator's seeded randomness, with two more ways to choose. */
import { SimRandom } from '../src/env/sim/random.js';

export class Random extends SimRandom {
  /** A whole number, both ends included. */
  override between(low: number, high: number): number {
    return low + this.int(high - low + 1);
  }

  /** By weight. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let at = this.next() * items.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, item] of items) {
      at -= weight;
      if (at < 0) return item;
    }
    return items[items.length - 1]![1];
  }

  /** As many as it happens, both ends included. */
  times<T>(low: number, high: number, make: () => T): T[] {
    return Array.from({ length: this.between(low, high) }, make);
  }
  list(low: number, high: number, make: () => string): string {
    return this.times(low, high, make).join(', ');
  }

  some<T>(items: readonly T[], count: number): T[] {
    return this.shuffled(items).slice(0, count);
  }
}
