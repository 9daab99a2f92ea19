/**
 * The trace of a simulated run: a rolling hash over every event (when, where, what, how large, and
 * the bytes of what was sent), and the last notable events in words. Two runs of one seed have the
 * same hash or the simulation is not deterministic; `listen` shows where two of them part.
 */
import { crc32 } from 'node:zlib';

export interface TimelineEntry {
  readonly atUs: number;
  readonly text: string;
}

const TIMELINE_MAX = 20_000;

export class SimTrace {
  #high = 0x6a09e667;
  #low = 0xbb67ae85;
  #timeline: TimelineEntry[] = [];
  readonly #names = new Map<string, number>();
  #listener: ((line: string) => void) | null = null;
  events = 0;

  /** Every event as a line, for comparing two runs. */
  listen(fn: (line: string) => void): void {
    this.#listener = fn;
  }

  event(atUs: number, kind: string, where: string, detail: number): void {
    this.events++;
    this.#mix(atUs % 4294967296);
    this.#mix(this.#id(kind));
    this.#mix(this.#id(where));
    this.#mix(detail);
    this.#listener?.(`${atUs} ${kind} ${where} ${detail}`);
  }

  bytes(atUs: number, kind: string, where: string, data: Uint8Array): void {
    this.event(atUs, kind, where, crc32(data));
  }

  /** A notable event, in words; part of the hash. */
  note(atUs: number, text: string): void {
    this.event(atUs, 'note', '', crc32(text));
    if (this.#timeline.length >= TIMELINE_MAX) {
      this.#timeline = this.#timeline.slice(TIMELINE_MAX / 2);
    }
    this.#timeline.push({ atUs, text });
  }

  get timeline(): readonly TimelineEntry[] {
    return this.#timeline;
  }

  hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }

  /** Names are few; each is numbered when it first occurs. */
  #id(name: string): number {
    let id = this.#names.get(name);
    if (id === undefined) {
      id = this.#names.size + 1;
      this.#names.set(name, id);
    }
    return id;
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x85ebca6b) ^ (this.#low >>> 13);
    this.#low = Math.imul((this.#low ^ this.#high) + 0x9e3779b9, 0xc2b2ae35) ^ (this.#low << 7);
  }
}
