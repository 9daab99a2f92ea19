/**
 * Coalescing (DESIGN 9): envelopes pushed during one turn of the event loop leave together when
 * the turn ends, as one frame per stream (several if they exceed FRAME_BYTES_TARGET). Also the
 * sweep that finds passed deadlines: one timer for all calls, armed only while there are any, so a
 * deadline may be noticed up to `SWEEP_MS` late.
 */
import type { Clock, FrameStream, HlcClock, TimerHandle, Timers } from '../env/env.js';
import { encodeFrame, type Envelope } from './frame-codec.js';

/** A frame is closed when it has grown to this size; one larger envelope still goes alone. */
const FRAME_BYTES_TARGET = 4 * 1024 * 1024;
/** Fields and tags of an envelope beside its payload, at most. */
const ENVELOPE_OVERHEAD = 32;
const SWEEP_MS = 10;

export class Flusher {
  readonly #timers: Timers;
  readonly hlc: HlcClock;
  #dirty: Outbox[] = [];
  readonly #flush = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const outbox of dirty) outbox.flush();
  };

  constructor(timers: Timers, hlc: HlcClock) {
    this.#timers = timers;
    this.hlc = hlc;
  }

  schedule(outbox: Outbox): void {
    this.#dirty.push(outbox);
    if (this.#dirty.length === 1) this.#timers.endOfTurn(this.#flush);
  }
}

export class Outbox {
  readonly #stream: FrameStream;
  readonly #flusher: Flusher;
  #envelopes: Envelope[] = [];
  #bytes = 0;
  framesSent = 0;

  constructor(stream: FrameStream, flusher: Flusher) {
    this.#stream = stream;
    this.#flusher = flusher;
  }

  /** Bytes that have not left this process yet. */
  get queuedBytes(): number {
    return this.#bytes + this.#stream.bufferedBytes;
  }

  push(envelope: Envelope): void {
    this.#envelopes.push(envelope);
    this.#bytes += envelope.payload.length + ENVELOPE_OVERHEAD;
    if (this.#envelopes.length === 1) this.#flusher.schedule(this);
  }

  flush(): void {
    const envelopes = this.#envelopes;
    if (envelopes.length === 0) return;
    this.#envelopes = [];
    this.#bytes = 0;
    let start = 0;
    while (start < envelopes.length) {
      let end = start;
      let bytes = 0;
      do {
        bytes += (envelopes[end++] as Envelope).payload.length + ENVELOPE_OVERHEAD;
      } while (end < envelopes.length && bytes + (envelopes[end] as Envelope).payload.length < FRAME_BYTES_TARGET);
      this.#stream.send(encodeFrame(this.#flusher.hlc.now(), envelopes, start, end));
      this.framesSent++;
      start = end;
    }
  }
}

export interface DeadlineEntry {
  readonly deadlineAtMs: number;
  expire(): void;
}

export class DeadlineSweep {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #entries = new Set<DeadlineEntry>();
  #timer: TimerHandle | null = null;
  readonly #sweep = (): void => {
    this.#timer = null;
    const nowMs = this.#clock.monotonicMs();
    for (const entry of this.#entries) {
      if (entry.deadlineAtMs > nowMs) continue;
      this.#entries.delete(entry);
      entry.expire();
    }
    if (this.#entries.size > 0 && this.#timer === null) this.#timer = this.#timers.after(SWEEP_MS, this.#sweep);
  };

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  add(entry: DeadlineEntry): void {
    this.#entries.add(entry);
    if (this.#timer === null) this.#timer = this.#timers.after(SWEEP_MS, this.#sweep);
  }

  remove(entry: DeadlineEntry): void {
    this.#entries.delete(entry);
  }

  clear(): void {
    this.#entries.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }
}
