/**
 * Refuses what would fill the heap. Much of a heap that looks full is garbage, and the engine collects it when it likes;
 * so before anything is refused it is collected now, which takes as long as a collection takes. That happens in a heap
 * that is nearly full only, and between two such collections a tenth of it has to be filled anew.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sqlError } from '../../base/errors.js';

/** Parts of the engine's limit: above the first one it is looked at closer; above the second one, collected, it is full. */
const SUSPECT = 0.85;
const FULL = 0.75;

let collect: (() => void) | null = null;

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

export function throwIfHeapFull(bytes: number): void {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  if (used + bytes <= SUSPECT * limit) return;
  collect ??= collector();
  collect();
  if (getHeapStatistics().used_heap_size + bytes <= FULL * limit) return;
  throw sqlError('53200', 'out of memory', {
    detail: `The heap of the node's process is nearly full; its limit is ${Math.round(limit / 2 ** 20)} MB.`,
    hint: 'Give the process a larger heap (--heap-mb, or --max-old-space-size of Node), or run fewer large statements at a time.',
  });
}
