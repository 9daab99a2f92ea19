/**
 * Store liveness as a pure state machine (DESIGN 5, Leases): no time, no I/O, no messages. The
 * driver in store-liveness.ts feeds it and sees to durability.
 *
 * Each node asks every other for support under an epoch until a time (HLC); the other grants it.
 * Two roles, both kept per peer:
 *   supporter  given[peer] = {epoch, expiration}: what this node has promised.
 *   requester  taken[peer] = {epoch, expiration}: what a peer has promised to this node.
 *
 * Rules
 * 1. A request under the epoch in `given` extends the expiration (never shortens it); under a higher
 *    one it replaces it (the requester itself has moved on, so nothing it relies on is lost); under
 *    a lower one it is answered with the present epoch and changes nothing.
 * 2. Support is withdrawn only when the supporter's own clock is past the expiration. The epoch
 *    then grows by one, so that no request under the old epoch can revive it.
 * 3. A requester that learns of a higher epoch goes on with that epoch and drops what it had.
 * 4. After a restart the requester asks under an epoch it never used, and only when its clock is
 *    past everything it had asked for before.
 *
 * Durability. Promises and withdrawals take effect only when they are on disk, yet writing each
 * heartbeat would cost a synced write every 600 ms per peer. What must be exact changes rarely:
 * epochs, whether support was granted under them, and the highest epoch asked under. Expirations
 * are covered by one number, `bound`: none that was granted or asked for lies above it. It is moved
 * ahead when EXTEND_AT_US are left (`extension`), so an ordinary node writes about once in a second and does not
 * wait for it: what changes no epoch and stays below the bound goes on meanwhile, and is covered by the old bound as
 * well as by the new one. Only where the bound is reached must the step wait for it. After
 * a restart every support that was granted counts as promised until `bound`: never less than was
 * promised, and at most that much longer.
 */
import { assert } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import { mark } from '../base/probes.js';
import { LivenessState as LivenessStateProto } from '../encoding/proto/cluster.js';

export const BOUND_AHEAD_US = 2_400_000;
/** When so much is left it is moved: what a disk may take for that without holding up a heartbeat, and one heartbeat. */
const EXTEND_AT_US = 1_600_000;

export interface Support {
  readonly epoch: number;
  /** 0: none. */
  readonly expiration: Timestamp;
}

/** What one step of the machine would change; `durable` must be on disk before `commit`. */
export interface LivenessStep {
  readonly given: ReadonlyMap<NodeId, Support>;
  readonly maxEpoch: number;
  readonly bound: Timestamp;
  /** The highest expiration in it. */
  readonly high: Timestamp;
}

export interface LivenessRequest {
  readonly from: NodeId;
  readonly epoch: number;
  readonly expiration: Timestamp;
}

const NONE: Support = { epoch: 0, expiration: 0 };

export class LivenessState {
  #given = new Map<NodeId, Support>();
  readonly #taken = new Map<NodeId, Support>();
  #maxEpoch = 0;
  #bound: Timestamp = 0;
  /** The highest expiration that was granted or asked for. */
  #high: Timestamp = 0;
  #durable: string;
  /** Requests may go out when the clock is past this (rule 4). */
  readonly requestsAfter: Timestamp;

  /** Starts from what was persisted last (null: a new node), with a new epoch to ask under. */
  constructor(persisted: Uint8Array | null) {
    let stoppedAt: Timestamp = 0;
    if (persisted !== null) {
      let state: LivenessStateProto;
      try {
        state = LivenessStateProto.decode(persisted);
      } catch (error) {
        throw new QuoralError('58030', 'the persisted state of store liveness is damaged', {
          severity: 'FATAL',
          cause: error,
        });
      }
      this.#maxEpoch = state.maxEpoch;
      this.#bound = state.bound;
      stoppedAt = state.stoppedAt;
      for (const { nodeId, epoch, granted } of state.given) {
        this.#given.set(nodeId, { epoch, expiration: granted ? state.bound : 0 });
      }
    }
    this.#durable = this.#image(this.#given, this.#maxEpoch, this.#bound, 0);
    this.requestsAfter = stoppedAt !== 0 ? stoppedAt : this.#bound;
    this.#maxEpoch++;
  }

  get maxEpoch(): number {
    return this.#maxEpoch;
  }

  given(peer: NodeId): Support {
    return this.#given.get(peer) ?? NONE;
  }

  taken(peer: NodeId): Support {
    return this.#taken.get(peer) ?? { epoch: this.#maxEpoch, expiration: 0 };
  }

  peersGiven(): NodeId[] {
    return [...this.#given.keys()].sort((a, b) => a - b);
  }

  /** The epoch to ask `peer` under. */
  requestEpoch(peer: NodeId): number {
    return this.taken(peer).epoch;
  }

  /**
   * The state after `requests` and, if `withdrawAt` is a time, after the withdrawal of everything
   * that has expired by then. `requested` is the expiration that this node is about to ask for.
   */
  plan(requests: readonly LivenessRequest[], withdrawAt: Timestamp | null, requested: Timestamp): LivenessStep {
    const given = new Map(this.#given);
    let high = requested;
    for (const { from, epoch, expiration } of requests) {
      const current = given.get(from) ?? NONE;
      if (epoch < current.epoch) continue;
      const until = epoch === current.epoch ? Math.max(current.expiration, expiration) : expiration;
      given.set(from, { epoch, expiration: until });
      if (until > high) high = until;
    }
    if (withdrawAt !== null) {
      for (const [peer, support] of given) {
        if (support.expiration !== 0 && withdrawAt > support.expiration) {
          given.set(peer, { epoch: support.epoch + 1, expiration: 0 });
        }
      }
    }
    const bound = high > this.#bound ? high + BOUND_AHEAD_US : this.#bound;
    return { given, maxEpoch: this.#maxEpoch, bound, high: Math.max(high, this.#high) };
  }

  /**
   * When the bound is near: a higher one, and the bytes that must be durable before `extended`. Until then only steps without
   * a durable change may be committed.
   */
  extension(): { readonly bound: Timestamp; readonly bytes: Uint8Array } | null {
    if (this.#durable === '' || this.#bound - this.#high >= EXTEND_AT_US) return null;
    const bound = this.#high + BOUND_AHEAD_US;
    const image = this.#image(this.#given, this.#maxEpoch, bound, 0);
    return { bound, bytes: Buffer.from(image, 'latin1') };
  }

  extended(bound: Timestamp, bytes: Uint8Array): void {
    assert(bound > this.#bound, 'the bound of liveness moves ahead');
    this.#bound = bound;
    this.#durable = Buffer.from(bytes).toString('latin1');
  }

  /** The bytes that must be durable before `commit(step)`; null if nothing durable changes. */
  durableChange(step: LivenessStep): Uint8Array | null {
    const image = this.#image(step.given, step.maxEpoch, step.bound, 0);
    return image === this.#durable ? null : Buffer.from(image, 'latin1');
  }

  /** A write failed, so what is on disk is unknown until the next one succeeds. */
  forgetDurable(): void {
    this.#durable = '';
  }

  /** Makes the step visible. Returns the peers whose support ended (withdrawn or replaced). */
  commit(step: LivenessStep): NodeId[] {
    const ended: NodeId[] = [];
    for (const [peer, before] of this.#given) {
      const after = step.given.get(peer);
      assert(after !== undefined && after.epoch >= before.epoch, 'epochs of support never go back');
      if (after.epoch > before.epoch && before.expiration !== 0) ended.push(peer);
    }
    this.#given = new Map(step.given);
    this.#bound = step.bound;
    this.#high = step.high;
    this.#durable = this.#image(step.given, step.maxEpoch, step.bound, 0);
    return ended.sort((a, b) => a - b);
  }

  /** An answer to a request. True if what the peer promises to this node changed in kind. */
  onAnswer(from: NodeId, epoch: number, expiration: Timestamp): boolean {
    const before = this.taken(from);
    if (epoch < before.epoch) return false;
    if (epoch === before.epoch) {
      this.#taken.set(from, { epoch, expiration: Math.max(before.expiration, expiration) });
      return before.expiration === 0 && expiration !== 0;
    }
    mark('support-epoch-raised');
    // Rule 3. Nothing was asked for under the new epoch yet, so there is no support under it.
    this.#taken.set(from, { epoch, expiration: 0 });
    if (epoch > this.#maxEpoch) this.#maxEpoch = epoch;
    return true;
  }

  /** This node's support for itself, which nobody has to send. */
  takeOwn(self: NodeId, expiration: Timestamp): void {
    const before = this.#taken.get(self);
    // Its epoch is that of this run: it must not move when a peer asks for a higher one.
    this.#taken.set(self, { epoch: before?.epoch ?? this.#maxEpoch, expiration });
  }

  /** The bytes to leave behind at a clean stop: nothing this node asked for is relied on any more. */
  finalImage(now: Timestamp): Uint8Array {
    let bound = 0;
    for (const support of this.#given.values()) if (support.expiration > bound) bound = support.expiration;
    return Buffer.from(this.#image(this.#given, this.#maxEpoch, bound, now), 'latin1');
  }

  #image(given: ReadonlyMap<NodeId, Support>, maxEpoch: number, bound: Timestamp, stoppedAt: Timestamp): string {
    const nodes = [...given.keys()].sort((a, b) => a - b);
    const bytes = LivenessStateProto.encode({
      maxEpoch,
      bound,
      stoppedAt,
      given: nodes.map((nodeId) => {
        const support = given.get(nodeId) as Support;
        return { nodeId, epoch: support.epoch, granted: support.expiration !== 0 };
      }),
    }).finish();
    return Buffer.from(bytes).toString('latin1');
  }
}
