/**
 * Cuts a byte stream, whatever its chunks, into protocol frames. Pure and synchronous; used for
 * both directions. It pulls: chunks wait here until someone asks for the next frame, so the bytes
 * it holds are the input queue of a connection, and `bufferedBytes` is what back-pressure looks at.
 *
 * A frame inside one chunk is a view of it (zero-copy; chunks are never written again by their
 * sender). A frame over several chunks is assembled once all its bytes are there: a length prefix
 * is only a claim, and nothing is allocated for it. Short chunks are merged as they come, so a
 * peer that sends single bytes cannot make each cost a chunk's bookkeeping.
 */
import { assert } from '../base/assert.js';

const EMPTY = Buffer.alloc(0);
const SMALL_CHUNK_BYTES = 4096;

export class FrameReader {
  /** The chunk that is being read; what is left of it starts at #start. */
  #current: Buffer = EMPTY;
  #start = 0;
  /** Chunks after it, from #head on. */
  #rest: Buffer[] = [];
  #head = 0;
  #restBytes = 0;

  get bufferedBytes(): number {
    return this.#current.length - this.#start + this.#restBytes;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#start === this.#current.length) {
      assert(this.#restBytes === 0, 'chunks queued behind an empty one');
      this.#current = chunk;
      this.#start = 0;
      return;
    }
    this.#restBytes += chunk.length;
    const last = this.#rest.length - 1;
    if (last >= this.#head && chunk.length < SMALL_CHUNK_BYTES && this.#rest[last].length < SMALL_CHUNK_BYTES) {
      this.#rest[last] = Buffer.concat([this.#rest[last], chunk]);
    } else {
      this.#rest.push(chunk);
    }
  }

  /** The byte at `index` from the read position; it must be there. */
  peekByte(index: number): number {
    const at = this.#start + index;
    return at < this.#current.length ? this.#current[at] : this.#contiguous(index + 1)[this.#start + index];
  }

  /** The signed 32-bit integer at `index` from the read position; it must be there. */
  peekInt32(index: number): number {
    const buffer = this.#contiguous(index + 4);
    return buffer.readInt32BE(this.#start + index);
  }

  /** Takes `count` bytes; they must be there. */
  take(count: number): Buffer {
    assert(count <= this.bufferedBytes, 'frame is not complete');
    const end = this.#start + count;
    if (end <= this.#current.length) {
      const view = this.#current.subarray(this.#start, end);
      this.#start = end;
      if (end === this.#current.length) this.#advance();
      return view;
    }
    const whole = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      const part = Math.min(count - filled, this.#current.length - this.#start);
      this.#current.copy(whole, filled, this.#start, this.#start + part);
      filled += part;
      this.#start += part;
      if (this.#start === this.#current.length) this.#advance();
    }
    return whole;
  }

  /** Drops `count` bytes; they must be there. */
  skip(count: number): void {
    if (this.#start + count < this.#current.length) this.#start += count;
    else this.take(count);
  }

  clear(): void {
    this.#current = EMPTY;
    this.#start = 0;
    this.#rest = [];
    this.#head = 0;
    this.#restBytes = 0;
  }

  /** Makes at least `count` bytes lie in one buffer; only a header that straddles chunks copies. */
  #contiguous(count: number): Buffer {
    while (this.#current.length - this.#start < count) {
      assert(this.#head < this.#rest.length, 'peek past the end');
      const next = this.#shift();
      this.#current = Buffer.concat([this.#current.subarray(this.#start), next]);
      this.#start = 0;
    }
    return this.#current;
  }

  #advance(): void {
    this.#current = this.#head < this.#rest.length ? this.#shift() : EMPTY;
    this.#start = 0;
  }

  #shift(): Buffer {
    const next = this.#rest[this.#head];
    this.#rest[this.#head] = EMPTY;
    this.#head++;
    this.#restBytes -= next.length;
    if (this.#head === this.#rest.length) {
      this.#rest.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#rest.splice(0, this.#head);
      this.#head = 0;
    }
    return next;
  }
}
