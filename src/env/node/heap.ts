/**
 * Refuses what would fill the heap. Much of a heap that looks full is garbage, and the engine collects it when it likes;
 * so before anything is refused it is collected now, which takes as long as a collection takes.
 *
 * Invariants: nothing is refused because of garbage alone, that is, while what lived at the last collection was no more
 * than FULL; nobody is refused because of what a statement held that was refused before; collections take no more than
 * about a fifth of the time while the heap is truly full, and otherwise pay for themselves by what was made since the
 * last one.
 */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sqlError } from '../../base/errors.js';

/** Parts of the engine's limit. Above this one it is looked at closer. */
const SUSPECT = 0.85;
/** What may live after a collection. */
const FULL = 0.75;
/** A collection pays when so much was made since the last one. At most CROWDED - FULL, or garbage would be refused. */
const APART = 0.15;
/** Up to here it can wait for the next collection. */
const CROWDED = 0.92;

/** Between two collections of a full heap, as a multiple of what the last one took. */
const PAUSE = 9;

/** What is asked of the engine; sizes in bytes, time in milliseconds from any beginning. */
export interface Heap {
  readonly limitBytes: number;
  usedBytes(): number;
  collect(): void;
  nowMs(): number;
}

export class HeapGuard {
  readonly #heap: Heap;
  /** After the last collection. */
  #lived = 0;
  #notBefore = 0;
  /** The last collection led to a refusal: what was refused lets go of what it holds. */
  #refused = false;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** Whether there is room for `bytes` more. */
  hasRoom(bytes: number): boolean {
    const heap = this.#heap;
    const limit = heap.limitBytes;
    const used = heap.usedBytes();
    if (used + bytes <= SUSPECT * limit) return true;
    const beganMs = heap.nowMs();
    if (beganMs < this.#notBefore && used - this.#lived < APART * limit)
      return this.#lived <= FULL * limit && used + bytes <= CROWDED * limit;
    heap.collect();
    const endedMs = heap.nowMs();
    this.#lived = heap.usedBytes();
    const room = this.#lived + bytes <= FULL * limit;
    const again = !room && !this.#refused;
    this.#notBefore = again ? endedMs : endedMs + PAUSE * (endedMs - beganMs);
    this.#refused = again;
    return room;
  }
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

let collect: (() => void) | null = null;
const { heap_size_limit: limitBytes } = getHeapStatistics();
const guard = new HeapGuard({
  limitBytes,
  usedBytes: () => getHeapStatistics().used_heap_size,
  collect: () => (collect ??= collector())(),
  nowMs: () => performance.now(),
});

/** @throws QuoralError 53200 if `bytes` more would be too much */
export function throwIfHeapFull(bytes: number): void {
  if (guard.hasRoom(bytes)) return;
  throw sqlError('53200', 'out of memory', {
    detail: `The heap of the node's process is nearly full; its limit is ${Math.round(limitBytes / 2 ** 20)} MB.`,
    hint: 'Give the process a larger heap (--heap-mb, or --max-old-space-size of Node), or run fewer large statements at a time.',
  });
}
