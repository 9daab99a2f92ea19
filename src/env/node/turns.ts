/**
 * Turns of the event loop for a simulated world: the simulator's events run one by one, each with
 * every microtask that it caused drained before the next begins. Only real turns give that, so
 * this is the one place where virtual time touches the real loop; how long a turn takes changes nothing.
 */

import { setImmediate } from 'node:timers';

/** The real one for good: the global, and what the module exports, may be virtual during a simulation. */
const nextTurn = setImmediate;

/** Turns that are queued at once: they run in one pass of the loop, without polling for I/O in between. */
const TURNS_AHEAD = 64;

/** Calls `step` once a turn until it returns false. What it throws rejects the promise. */
export function runTurns(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let over = false;
    const turn = (): void => {
      if (over) return;
      try {
        if (step()) return;
        over = true;
        resolve();
      } catch (error) {
        over = true;
        reject(error as Error);
      }
    };
    const refill = (): void => {
      if (over) return;
      for (let i = 0; i < TURNS_AHEAD; i++) nextTurn(turn);
      nextTurn(refill);
    };
    refill();
  });
}
