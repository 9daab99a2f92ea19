/** Seeded randomness (xorshift32), so that two runs of a workload ask for the same things. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761) | 0 || 1;
    for (let i = 0; i < 8; i++) this.next();
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) / 2 ** 32;
  }

  /** Uniform integer, both ends included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  text(length: number): string {
    let text = '';
    while (text.length < length) text += this.between(0, 0x7fffffff).toString(36);
    return text.slice(0, length);
  }
}
