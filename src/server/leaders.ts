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
const WAIT_MS_MAX = 300;

/** A follower hears of its leader a few turns before that one has the answers that make it serve. */
const TURNS_AFTER = 4;

/** A leader that is here serves; one elsewhere has this replica's promise, made to it since or still good. */
function led(replica: Replica, now: number): boolean {
  if (replica.raft.isLeader) return replica.serving(now);
  return replica.raft.leader !== 0 && replica.raft.fortified;
}

export async function untilLed(store: Store, clock: Clock, timers: Timers): Promise<void> {
  const limitMs = clock.monotonicMs() + WAIT_MS_MAX;
  const nextTurn = (): Promise<void> => new Promise((resolve) => timers.endOfTurn(resolve));
  for (let turn = 0; ; turn++) {
    const now = store.hlc.now();
    let all = true;
    for (const replica of store.replicas()) all = all && led(replica, now);
    if (all || store.stopped || clock.monotonicMs() > limitMs) break;
    if (turn < TURNS) await nextTurn();
    else await timers.sleep(POLL_MS);
  }
  for (let i = 0; i < TURNS_AFTER; i++) await nextTurn();
}
