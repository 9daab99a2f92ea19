/**
 * Estimates how many bytes a span of the family `versions` holds, for splits by size.
 *
 * The RocksDB binding cannot tell, and a scan costs seconds. So about every `GRAIN_BYTES` written to
 * the family leave one sample: (the key written then, that many bytes). The distance varies by a
 * fixed pseudo-random sequence, or a regular pattern of writes would always hit the same rows. The bytes of a span are the
 * weights of its samples. Deletions gather the same way (the deleted value's size is taken to be
 * the average) and reduce the nearest sample. The estimate is off by about the square root of the
 * number of samples; for a range of 128 MiB that is a few percent.
 *
 * The engine persists samples in the batch that caused them, so they agree with the data after a
 * crash; what had not yet made up a grain is lost then.
 */
import { OrderedMap } from '../base/ordered-map.js';
import type { Key } from '../base/key.js';

export const GRAIN_BYTES = 16 * 1024;

/** A sample was added or changed (weight > 0) or removed (weight 0). */
export type SampleChange = (key: Key, weight: number) => void;

export class SizeSampler {
  #samples = new OrderedMap<number>();
  #written = 0;
  #deleted = 0;
  #threshold = GRAIN_BYTES;
  #sequence = 1;
  #puts = 0;
  #putBytes = 0;

  /** For loading what was persisted. */
  load(key: Key, weight: number): void {
    this.#samples.set(key, weight);
  }

  /** An independent copy in constant time. */
  clone(): SizeSampler {
    const copy = new SizeSampler();
    copy.#samples = this.#samples.clone();
    copy.#written = this.#written;
    copy.#deleted = this.#deleted;
    copy.#threshold = this.#threshold;
    copy.#sequence = this.#sequence;
    copy.#puts = this.#puts;
    copy.#putBytes = this.#putBytes;
    return copy;
  }

  get sampleCount(): number {
    return this.#samples.size;
  }

  put(key: Key, valueBytes: number, change: SampleChange): void {
    const bytes = key.length + valueBytes;
    this.#puts++;
    this.#putBytes += bytes;
    this.#written += bytes;
    if (this.#written < this.#threshold) return;
    const weight = (this.#samples.get(key) ?? 0) + this.#written;
    this.#samples.set(key, weight);
    change(key, weight);
    this.#written = 0;
    // A linear congruential generator: between half a grain and one and a half.
    this.#sequence = (Math.imul(this.#sequence, 1_664_525) + 1_013_904_223) >>> 0;
    this.#threshold = GRAIN_BYTES / 2 + GRAIN_BYTES * (this.#sequence / 2 ** 32);
  }

  delete(key: Key, change: SampleChange): void {
    this.#deleted += this.#puts === 0 ? key.length * 2 : this.#putBytes / this.#puts;
    if (this.#deleted < GRAIN_BYTES) return;
    let rest = Math.floor(this.#deleted);
    this.#deleted = 0;
    while (rest > 0) {
      const nearest = this.#samples.ceiling(key) ?? this.#samples.lower(key);
      if (nearest === undefined) return;
      const weight = this.#samples.get(nearest)!;
      if (weight > rest) {
        this.#samples.set(nearest, weight - rest);
        change(nearest, weight - rest);
        return;
      }
      this.#samples.delete(nearest);
      change(nearest, 0);
      rest -= weight;
    }
  }

  /** All of [start, end) is gone. */
  deleteRange(start: Key, end: Key, change: SampleChange): void {
    const doomed: Key[] = [];
    for (const [key] of this.#samples.entries(start, end)) doomed.push(key);
    for (const key of doomed) {
      this.#samples.delete(key);
      change(key, 0);
    }
  }

  bytes(start: Key, end: Key): number {
    let total = 0;
    for (const [, weight] of this.#samples.entries(start, end)) total += weight;
    return total;
  }

  /** A key that was written, with about half of the span's bytes before it; null if nothing is known of the span. */
  middle(start: Key, end: Key): Key | null {
    let left = this.bytes(start, end) / 2;
    for (const [key, weight] of this.#samples.entries(start, end)) {
      left -= weight;
      if (left <= 0) return key;
    }
    return null;
  }
}
