/**
 * Where a range's lease should be, and how it gets there without hurting anybody.
 *
 * Where: near the clients. Every request names the node that its client is connected to; when most of a
 * range's requests come through one node, its lease belongs there, since a request that needs no hop
 * costs a fraction of one that does. Without such a majority a busy lease stays where it is; a range
 * that nobody asks for spreads by its id, so that leases are even before there is load.
 *
 * How: unreplicated locks do not move with a lease, and a transaction that loses one may have to be run
 * again. So the range first closes a gate: who holds a lock in it goes on and finishes, who wants a
 * first one waits. As soon as no lock is left the lease moves; if that takes too long (a holder
 * that waits elsewhere for somebody at the gate) the gate opens again and the move is put off. A large transaction's intents
 * move with the range, but the new leaseholder would have to read them first: it is left to end where it is.
 */
import type { NodeId } from '../base/ids.js';
import type { BatchRequest, RangeDescriptor } from './kv-api.js';
import type { Replica } from './replica.js';
import type { Store } from './store.js';

const GATE_MS = 300;
const GATE_POLL_MS = 2;
/** Requests in the last seconds from which a majority says something. */
const LOAD_MIN = 40;
const MAJORITY = 0.6;
/** A move is not repeated before this has passed. */
const COOL_DOWN_MS = 5_000;
/** Without requests for this long a lease goes back to where its range's id spreads it. */
const FORGET_MS = 600_000;

/** Requests of one range by the node they came through; halved every second. */
export class RangeLoad {
  readonly #byNode = new Map<NodeId, number>();
  #total = 0;
  lastLoadedMs = 0;
  lastMoveMs = -COOL_DOWN_MS;

  note(node: NodeId): void {
    this.#byNode.set(node, (this.#byNode.get(node) ?? 0) + 1);
    this.#total++;
  }

  get total(): number {
    return this.#total;
  }

  decay(nowMs: number): void {
    if (this.#total >= 1) this.lastLoadedMs = nowMs;
    this.#total = 0;
    for (const [node, count] of this.#byNode) {
      const half = Math.floor(count / 2);
      if (half === 0) this.#byNode.delete(node);
      else this.#byNode.set(node, half);
      this.#total += half;
    }
  }

  /** The node through which most requests come; 0 if there are too few, or no majority. */
  majority(): NodeId {
    if (this.#total < LOAD_MIN) return 0;
    for (const [node, count] of this.#byNode) if (count >= this.#total * MAJORITY) return node;
    return 0;
  }
}

export class LeaseMover {
  readonly #store: Store;
  #moving = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Called every second: starts at most one move. `settled`: the node has been up for a while. */
  balance(settled: (node: NodeId) => boolean): void {
    const nowMs = this.#store.env.clock.monotonicMs();
    let chosen: { replica: Replica; target: NodeId } | null = null;
    for (const replica of this.#store.replicas()) {
      const { load } = replica;
      const target = this.#wanted(replica, nowMs);
      load.decay(nowMs);
      if (chosen !== null || target === 0 || target === this.#store.nodeId) continue;
      if (!replica.raft.isLeader || nowMs - load.lastMoveMs < COOL_DOWN_MS || !settled(target)) continue;
      if (replica.locks.manyIntents) continue;
      if (this.#ready(replica, target)) chosen = { replica, target };
    }
    if (chosen !== null && !this.#moving) {
      this.#moving = true;
      chosen.replica.load.lastMoveMs = nowMs;
      void this.move(chosen.replica, chosen.target).finally(() => {
        this.#moving = false;
      });
    }
  }

  #wanted(replica: Replica, nowMs: number): NodeId {
    const majority = replica.load.majority();
    if (majority !== 0) {
      const voter = replica.descriptor.replicas.some((r) => r.nodeId === majority && r.type === 'voter');
      return voter ? majority : 0;
    }
    const forgotten = replica.load.lastLoadedMs === 0 || nowMs - replica.load.lastLoadedMs > FORGET_MS;
    return forgotten ? preferredLeader(replica.descriptor, this.#store.nodeId) : 0;
  }

  #ready(replica: Replica, target: NodeId): boolean {
    if (replica.raft.transferring) return false;
    const peer = replica.raft.peers().find((p) => p.id === target);
    // Under load a follower is always a little behind: the transfer waits for its last entries.
    return peer !== undefined && peer.fortified && peer.state === 'replicate';
  }

  /** Closes the gate, waits for the locks to go, and transfers. Resolves true if it was started. */
  async move(replica: Replica, target: NodeId, force = false): Promise<boolean> {
    const { clock, timers } = this.#store.env;
    const openGate = replica.closeGate();
    const start = clock.monotonicMs();
    try {
      for (;;) {
        if (this.#store.stopped || !replica.raft.isLeader || !this.#ready(replica, target)) return false;
        const late = clock.monotonicMs() - start > GATE_MS;
        if (replica.locks.heldInMemory === 0 || (late && force)) {
          const started = replica.raft.transferLeadership(target);
          replica.wake();
          return started;
        }
        if (late) return false;
        await timers.sleep(GATE_POLL_MS);
      }
    } finally {
      openGate();
    }
  }
}

/** The replica that should lead a range without load: spreads leaders without any coordination. */
export function preferredLeader(descriptor: RangeDescriptor, fallback: NodeId): NodeId {
  const voters = descriptor.replicas.filter((r) => r.type === 'voter').map((r) => r.nodeId);
  voters.sort((a, b) => a - b);
  return voters[descriptor.rangeId % voters.length] ?? fallback;
}

/** Whether a request has to wait at a closed gate: it would take a first lock in this range. */
export function stopsAtGate(replica: Replica, batch: BatchRequest): boolean {
  const { txn } = batch.header;
  const locks = batch.requests.some(
    (r) => r.kind === 'put' || ((r.kind === 'get' || r.kind === 'scan') && r.lock !== 'none'),
  );
  return locks && (txn === null || !replica.locks.holdsAny(txn.id));
}
