/**
 * The node that hostile statements are sent to, in a process of its own with the heap that a node has by default, so
 * that what kills a node kills this one, and so that the client's own work is not taken for the node's.
 *
 * The parent asks for figures by a message. Holds of the event loop are processor time of the main thread where the
 * system tells it (Linux): on a busy machine time on the clock says little.
 */
import { readFileSync } from 'node:fs';
import { startCluster } from '../src/testing/index.js';

export interface Figures {
  /** The longest that the event loop was held since figures were asked for. */
  readonly heldMs: number;
  readonly tookMs: number;
  readonly peakMb: number;
}

const TICK_MS = 5;
const SCHEDULED = `/proc/self/task/${process.pid}/schedstat`;

function threadMs(): number {
  try {
    return Number(readFileSync(SCHEDULED, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

let lastMs = threadMs();
let heldMs = 0;
let sinceMs = lastMs;
let peakBytes = 0;

function look(): void {
  const nowMs = threadMs();
  heldMs = Math.max(heldMs, nowMs - lastMs);
  lastMs = nowMs;
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
}

const cluster = await startCluster({ nodes: 1 });
setInterval(look, TICK_MS);
process.on('message', () => {
  look();
  const figures: Figures = { heldMs, tookMs: lastMs - sinceMs, peakMb: Math.round(peakBytes / 2 ** 20) };
  process.send!(figures);
  [heldMs, sinceMs, peakBytes] = [0, lastMs, 0];
});
process.on('disconnect', () => process.exit(0));
process.send!({ url: cluster.url() });
