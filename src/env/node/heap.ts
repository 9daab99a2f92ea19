/**
 * Refuses what would fill the heap. Much of a heap that looks full is garbage, and the engine collects it when it likes;
 * so before anything is refused it is collected now, which takes as long as a collection takes. That happens in a heap
 * that is nearly full only, and takes a tenth of the time at most: until then what looks full is refused.
 */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sqlError } from '../../base/errors.js';

/** Parts of the engine's limit: above the first one it is looked at closer; above the second one, collected, it is full. */
const SUSPECT = 0.85;
const FULL = 0.75;

/** Between two collections, as a multiple of what the last one took. */
const PAUSE = 9;

let collect: (() => void) | null = null;
/** Monotonic milliseconds. */
let notBefore = 0;

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

export function throwIfHeapFull(bytes: number): void {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  if (used + bytes <= SUSPECT * limit) return;
  const begin = performance.now();
  if (begin >= notBefore) {
    collect ??= collector();
    collect();
    const end = performance.now();
    notBefore = end + PAUSE * (end - begin);
    if (getHeapStatistics().used_heap_size + bytes <= FULL * limit) return;
  }
  throw sqlError('53200', 'out of memory', {
    detail: `The heap of the node's process is nearly full; its limit is ${Math.round(limit / 2 ** 20)} MB.`,
    hint: 'Give the process a larger heap (--heap-mb, or --max-old-space-size of Node), or run fewer large statements at a time.',
  });
}
