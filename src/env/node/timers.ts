/**
 * Real timers. None of them keeps the process alive: what must stay alive holds a socket.
 * Delays above what Node can represent (about 24.8 days) are shortened to that, instead of firing
 * at once as `setTimeout` would.
 */
import type { TimerHandle, Timers } from '../env.js';

const DELAY_MS_MAX = 2 ** 31 - 1;

export class NodeTimers implements Timers {
  after(ms: number, fn: () => void): TimerHandle {
    const timer = setTimeout(fn, Math.min(ms, DELAY_MS_MAX)).unref();
    return { cancel: () => clearTimeout(timer) };
  }

  every(ms: number, fn: () => void): TimerHandle {
    const timer = setInterval(fn, Math.min(ms, DELAY_MS_MAX)).unref();
    return { cancel: () => clearInterval(timer) };
  }

  endOfTurn(fn: () => void): void {
    setImmediate(fn);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, Math.min(ms, DELAY_MS_MAX)).unref();
    });
  }
}
