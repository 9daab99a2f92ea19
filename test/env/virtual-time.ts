import type { Clock, Timers } from '../../src/env/env.js';

/** Timers and a clock that move only when told to. `skewUs` may be changed at any time. */
export class VirtualTime implements Timers {
  #nowMs = 1_000;
  #sequence = 0;
  #due: { atMs: number; sequence: number; fn: () => void }[] = [];

  clock(skew: { us: number } = { us: 0 }): Clock {
    return {
      wallUs: () => 1_700_000_000_000_000 + Math.round(this.#nowMs * 1000) + skew.us,
      monotonicMs: () => this.#nowMs,
    };
  }

  after(ms: number, fn: () => void): { cancel(): void } {
    const entry = { atMs: this.#nowMs + Math.max(0, ms), sequence: this.#sequence++, fn };
    this.#due.push(entry);
    return { cancel: () => void (this.#due = this.#due.filter((other) => other !== entry)) };
  }

  every(ms: number, fn: () => void): { cancel(): void } {
    let current = this.after(ms, tick.bind(this));
    let cancelled = false;
    function tick(this: VirtualTime): void {
      fn();
      if (!cancelled) current = this.after(ms, tick.bind(this));
    }
    return {
      cancel: () => {
        cancelled = true;
        current.cancel();
      },
    };
  }

  endOfTurn(fn: () => void): void {
    this.after(0, fn);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Runs everything due in the next `ms`, in order, with all promises settled in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await settle();
    for (;;) {
      let next: { atMs: number; sequence: number; fn: () => void } | undefined;
      for (const entry of this.#due) {
        if (entry.atMs > end) continue;
        if (
          next === undefined ||
          entry.atMs < next.atMs ||
          (entry.atMs === next.atMs && entry.sequence < next.sequence)
        )
          next = entry;
      }
      if (next === undefined) break;
      const chosen = next;
      this.#due = this.#due.filter((entry) => entry !== chosen);
      this.#nowMs = Math.max(this.#nowMs, chosen.atMs);
      chosen.fn();
      await settle();
    }
    this.#nowMs = end;
  }

  /** Time passes without anything running: the process was stopped. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 24; i++) await null;
}
