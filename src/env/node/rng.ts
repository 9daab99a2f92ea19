/** Real randomness. `next` and `int` are for jitter and sampling; ids use `bytes`, which is strong. */
import { randomBytes } from 'node:crypto';
import type { Rng } from '../env.js';

export class NodeRng implements Rng {
  next(): number {
    return Math.random();
  }

  int(n: number): number {
    return Math.floor(Math.random() * n);
  }

  bytes(n: number): Buffer {
    return randomBytes(n);
  }
}
