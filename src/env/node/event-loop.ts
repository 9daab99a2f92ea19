/**
 * How long the event loop was held up: a timer every 20 ms notes how late it runs, so a turn that
 * takes 100 ms shows as 80 to 100 ms. Node's own `monitorEventLoopDelay` is not used because its
 * `reset` drops the sample that spans the reset, which is the one a window's reader must not lose.
 */
import { createHistogram, performance } from 'node:perf_hooks';

export interface EventLoopMonitor {
  /** The longest delay since the last `reset`, milliseconds. */
  maxMs(): number;
  percentileMs(percentile: number): number;
  reset(): void;
  stop(): void;
}

export function monitorEventLoop(intervalMs = 20): EventLoopMonitor {
  const lateUs = createHistogram();
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    // The histogram holds positive integers only.
    lateUs.record(Math.max(1, Math.round((nowMs - lastMs - intervalMs) * 1000)));
    lastMs = nowMs;
  }, intervalMs).unref();
  return {
    maxMs: () => (lateUs.count === 0 ? 0 : lateUs.max / 1000),
    percentileMs: (percentile) => (lateUs.count === 0 ? 0 : lateUs.percentile(percentile) / 1000),
    reset: () => lateUs.reset(),
    stop: () => clearInterval(timer),
  };
}
