/** A small seeded generator (mulberry32): a failing test names its seed, which replays it. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  int(n: number): number {
    return Math.floor(this.next() * n);
  }
  bool(p = 0.5): boolean {
    return this.next() < p;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }
  /** A binary string of up to `max` characters. */
  key(max = 12): string {
    let key = '';
    for (let i = this.int(max + 1); i > 0; i--) key += String.fromCharCode(this.int(256));
    return key;
  }
  bytes(max = 20): Buffer {
    return Buffer.from(this.key(max), 'latin1');
  }
}
