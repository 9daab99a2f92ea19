/** Real randomness. `next` and `int` are for jitter and sampling; ids use `bytes`, which is strong. */
import { randomBytes } from 'node:crypto';
import type { Rng } from '../env.js';

const POOL_BYTES = 4096;

export class NodeRng implements Rng {
  #pool: Buffer = Buffer.alloc(0);
  #used = 0;

  next(): number {
    return Math.random();
  }

  int(n: number): number {
    return Math.floor(Math.random() * n);
  }

  /** Small requests are cut from a pool: one call into the system's generator costs as much as many bytes. */
  bytes(n: number): Buffer {
    if (n > POOL_BYTES / 8) return randomBytes(n);
    if (this.#used + n > this.#pool.length) {
      this.#pool = randomBytes(POOL_BYTES);
      this.#used = 0;
    }
    const bytes = this.#pool.subarray(this.#used, this.#used + n);
    this.#used += n;
    return bytes;
  }
}
