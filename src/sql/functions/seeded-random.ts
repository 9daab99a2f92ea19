/**
 * The numbers that random() gives in a session after setseed: those of PostgreSQL 15 (src/common/pg_prng.c), so that a script that
 * says setseed draws the same as there. The generator is xoroshiro128**, seeded by splitmix64 (Blackman and Vigna, "Scrambled
 * linear pseudorandom number generators", 2018). All numbers are of 64 bits, and wrap.
 */

const MASK = (1n << 64n) - 1n;
const MANTISSA_BITS = 52n;

function rotated(x: bigint, by: bigint): bigint {
  return ((x << by) | (x >> (64n - by))) & MASK;
}

/** The numbers of splitmix64 from a seed on. */
function* mixed(seed: bigint): Generator<bigint, never> {
  for (let state = seed; ;) {
    state = (state + 0x9e3779b97f4a7c15n) & MASK;
    let x = state;
    x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & MASK;
    yield x ^ (x >> 31n);
  }
}

export class SeededRandom {
  #a: bigint;
  #b: bigint;

  /** @param seed from -1 to 1 */
  constructor(seed: number) {
    const scaled = BigInt(Math.trunc(Number((1n << MANTISSA_BITS) - 1n) * seed));
    const numbers = mixed(BigInt.asUintN(64, scaled));
    this.#a = numbers.next().value;
    this.#b = numbers.next().value;
  }

  /** From 0 up to but not including 1. */
  next(): number {
    const a = this.#a;
    const b = this.#b ^ a;
    const value = (rotated((a * 5n) & MASK, 7n) * 9n) & MASK;
    this.#a = rotated(a, 24n) ^ b ^ ((b << 16n) & MASK);
    this.#b = rotated(b, 37n);
    return Number(value >> (64n - MANTISSA_BITS)) * 2 ** -Number(MANTISSA_BITS);
  }
}
