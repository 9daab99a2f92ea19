/**
 * How long the event loop was held up: Node samples its own timer's lateness in native code, so a
 * turn that takes 80 ms shows as a delay of about 80 ms. The sampling costs next to nothing.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface EventLoopMonitor {
  /** The longest delay since the last `reset`, milliseconds. */
  maxMs(): number;
  percentileMs(percentile: number): number;
  reset(): void;
  stop(): void;
}

export function monitorEventLoop(resolutionMs = 10): EventLoopMonitor {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  // The sampled value is the whole interval between two samples, so the resolution comes off.
  const lateness = (ns: number): number => (ns > 0 ? Math.max(0, ns / 1e6 - resolutionMs) : 0);
  return {
    maxMs: () => lateness(histogram.count === 0 ? 0 : histogram.max),
    percentileMs: (percentile) => lateness(histogram.percentile(percentile)),
    reset: () => histogram.reset(),
    stop: () => void histogram.disable(),
  };
}
