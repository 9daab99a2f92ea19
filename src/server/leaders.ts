/**
 * Waits at the start of a node until its ranges are led, so that its first requests are not turned away:
 * a router that is told "nobody leads" pauses, longer each time, and would come too late by tens of
 * milliseconds. A limit ends the wait (no majority may be there yet); the requests then wait themselves.
 */
import type { Clock, Timers } from '../env/env.js';
import type { Replica } from '../range/replica.js';
import type { Store } from '../range/store.js';

/** Where all nodes are in one process, a hundred turns see the whole election; a timer alone takes longer. */
const TURNS = 100;
const POLL_MS = 1;
const WAIT_MS_MAX = 500;

/** A leader that is here serves; one elsewhere has committed an entry of its term, which is as much as can be seen. */
function led(replica: Replica, now: number): boolean {
  if (replica.raft.isLeader) return replica.serving(now);
  return replica.raft.leader !== 0 && replica.appliedTerm === replica.raft.term;
}

export async function untilLed(store: Store, clock: Clock, timers: Timers): Promise<void> {
  const limitMs = clock.monotonicMs() + WAIT_MS_MAX;
  for (let turn = 0; ; turn++) {
    const now = store.hlc.now();
    let all = true;
    for (const replica of store.replicas()) all = all && led(replica, now);
    if (all || store.stopped || clock.monotonicMs() > limitMs) return;
    if (turn < TURNS) await new Promise<void>((resolve) => timers.endOfTurn(resolve));
    else await timers.sleep(POLL_MS);
  }
}
