/**
 * What the leader knows of one peer, and the window of appends in flight to it.
 *
 * probe: the peer's log is not known to fit; one append at a time. replicate: appends are
 * pipelined, `next` runs ahead of `match`, bounded by the window. snapshot: nothing is sent until
 * the snapshot's outcome is known.
 * Invariant: match < next. The window is bounded by count and bytes; a single append larger than the
 * byte bound still goes out when the window is empty.
 */
import { assert } from '../base/assert.js';

/** First in, first out: (last index, bytes) of the appends in flight. Grows only as it is used. */
export class Inflights {
  #indexes: number[] = [];
  #sizes: number[] = [];
  readonly #countMax: number;
  readonly #bytesMax: number;
  #head = 0;
  #bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    assert(countMax > 0 && bytesMax > 0, 'in-flight bounds must be positive');
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#indexes.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return this.count >= this.#countMax || this.#bytes >= this.#bytesMax;
  }

  add(index: number, bytes: number): void {
    assert(!this.full, 'append beyond the in-flight window');
    this.#indexes.push(index);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** Frees every append whose last index is at most `index`. */
  freeTo(index: number): void {
    while (this.#head < this.#indexes.length && this.#indexes[this.#head]! <= index) {
      this.#bytes -= this.#sizes[this.#head]!;
      this.#head++;
    }
    if (this.#head === this.#indexes.length) this.reset();
    else if (this.#head >= this.#countMax) {
      this.#indexes.splice(0, this.#head);
      this.#sizes.splice(0, this.#head);
      this.#head = 0;
    }
  }

  reset(): void {
    this.#indexes.length = 0;
    this.#sizes.length = 0;
    this.#head = 0;
    this.#bytes = 0;
  }
}

export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export class Progress {
  match: number;
  next: number;
  state: ProgressState = 'probe';
  /** Index of the snapshot on its way. */
  pendingSnapshot = 0;
  /** It was sent a snapshot, and has not caught up with what came behind that yet. */
  afterSnapshot = false;
  /** The peer has no state to apply appends to. */
  wantsSnapshot = false;
  /** In probe: an append is out and its answer or a heartbeat's is awaited. */
  probeSent = false;
  /** Heard from since the last check of the quorum. */
  recentActive = false;
  /** Commit index last sent, and last known to have arrived. */
  sentCommit = 0;
  ackedCommit = 0;
  /** Liveness epoch under which the peer has fortified this leader in its term; 0 = has not. */
  leadEpoch = 0;
  readonly inflights: Inflights;

  constructor(match: number, next: number, inflights: Inflights) {
    this.match = match;
    this.next = next;
    this.inflights = inflights;
  }

  get paused(): boolean {
    switch (this.state) {
      case 'probe':
        return this.probeSent;
      case 'replicate':
        return this.inflights.full;
      case 'snapshot':
        return true;
    }
  }

  becomeProbe(): void {
    // After a snapshot the peer holds at least what the snapshot held, if it arrived.
    this.next = this.state === 'snapshot' ? Math.max(this.match + 1, this.pendingSnapshot + 1) : this.match + 1;
    this.#become('probe');
  }

  becomeReplicate(): void {
    this.#become('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#become('snapshot');
    this.pendingSnapshot = index;
    this.afterSnapshot = true;
    this.wantsSnapshot = false;
  }

  #become(state: ProgressState): void {
    this.state = state;
    this.probeSent = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }

  /** The peer holds everything up to `index`. False if that was known. */
  maybeUpdate(index: number): boolean {
    this.next = Math.max(this.next, index + 1);
    if (index <= this.match) return false;
    this.match = index;
    this.probeSent = false;
    return true;
  }

  /** The peer refused an append after `rejected`; false if that answer is stale. */
  maybeDecrease(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.probeSent = false;
    return true;
  }
}
