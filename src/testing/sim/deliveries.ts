/**
 * What the network does to batches between a router and a leaseholder besides losing frames: a connection that breaks
 * after a request was written to it. The caller knows nothing of the request's fate and sends it again, to whoever
 * leads the range by then; the request itself has been evaluated (`answerLost`), or stands in a buffer and is evaluated
 * when it comes out (`late`), perhaps seconds later and under another lease, when its transaction is long over.
 *
 * These are the ways in which a write of a real cluster is evaluated twice: what the router repeats (isReplaySafe) is the
 * second delivery, so nothing is doubled here that no router doubles. A late request goes to the leaseholder of its
 * time: routers try replica after replica, so that any of them may have it in a buffer. New leases get most of
 * them at once, before anything else can have set the state right.
 *
 * A node's calls to itself cross no network and are left alone, as are plain reads: their answers go nowhere.
 */
import type { RangeId } from '../../base/ids.js';
import { AssertionError } from '../../base/assert.js';
import type { SimRandom } from '../../env/sim/random.js';
import type { SimProcess, SimScheduler } from '../../env/sim/scheduler.js';
import type { BatchRequest, KvRequest } from '../../range/kv-api.js';
import { RpcError } from '../../rpc/errors.js';
import type { SendToNode } from '../../txn/router.js';
import type { SimMachine } from './world.js';

/** How long a caller takes at least and at most to notice; microseconds. */
const NOTICE_US: readonly (readonly [number, number])[] = [
  [0, 1_000],
  [0, 100_000],
  [500_000, 4_000_000],
];
const LATE_US_MAX = 15_000_000;
const RETRY_US = 200_000;
/** After the beginning of a lease. */
const NEW_LEASE_US = 2_000;
const HELD_MAX = 256;

interface Held {
  readonly batch: BatchRequest;
  /** Nobody waits for it longer than until then. */
  readonly untilUs: number;
  delivered: boolean;
}

export class Deliveries {
  /** Chances that a batch is evaluated late, and that its answer is lost. */
  late = 0;
  answerLost = 0;
  delivered = 0;
  readonly #scheduler: SimScheduler;
  readonly #random: SimRandom;
  readonly #machines: () => readonly SimMachine[];
  readonly #held = new Map<RangeId, Set<Held>>();
  #count = 0;

  constructor(scheduler: SimScheduler, random: SimRandom, machines: () => readonly SimMachine[]) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#machines = machines;
  }

  /** What the router of node `self` sends through. */
  wrap(self: number, process: SimProcess, send: SendToNode): SendToNode {
    return (node, batch, signal) => {
      if (node === self || this.late + this.answerLost === 0 || batch.requests.every(isPlainRead)) {
        return send(node, batch, signal);
      }
      if (this.#random.chance(this.late) && this.#count < HELD_MAX) {
        this.#hold(batch);
        return this.#notice(process);
      }
      if (!this.#random.chance(this.answerLost)) return send(node, batch, signal);
      return send(node, batch, signal).then(() => this.#notice(process));
    };
  }

  /** Whatever is held is on its way now. */
  heal(): void {
    this.late = 0;
    this.answerLost = 0;
    for (const held of this.#held.values()) for (const each of held) this.#deliverIn(each, this.#random.int(50_000));
  }

  leaseBegan(machine: SimMachine): void {
    if (this.#count === 0) return;
    for (const [rangeId, held] of this.#held) {
      const replica = machine.node?.store.replica(rangeId);
      if (replica === undefined || !replica.raft.isLeader) continue;
      for (const each of held) if (this.#random.chance(0.8)) this.#deliverIn(each, this.#random.int(NEW_LEASE_US));
    }
  }

  #notice(process: SimProcess): Promise<never> {
    const [least, most] = this.#random.pick(NOTICE_US);
    return new Promise((_, reject) => {
      this.#scheduler.after(this.#random.between(least, most), process, () =>
        reject(new RpcError('broken', 'the connection broke before the answer came')),
      );
    });
  }

  #hold(batch: BatchRequest): void {
    const us = LATE_US_MAX ** this.#random.next();
    const held = { batch, untilUs: this.#scheduler.nowUs + us + LATE_US_MAX, delivered: false };
    const { rangeId } = batch.header;
    let ofRange = this.#held.get(rangeId);
    if (ofRange === undefined) this.#held.set(rangeId, (ofRange = new Set()));
    ofRange.add(held);
    this.#count++;
    this.#deliverIn(held, us);
  }

  #deliverIn(held: Held, us: number): void {
    this.#scheduler.after(us, null, () => this.#deliver(held));
  }

  #deliver(held: Held): void {
    if (held.delivered) return;
    const { rangeId } = held.batch.header;
    const machine = this.#machines().find((m) => m.serving && m.node!.store.replica(rangeId)?.raft.isLeader === true);
    if (machine === undefined && this.#scheduler.nowUs < held.untilUs) return this.#deliverIn(held, RETRY_US);
    held.delivered = true;
    this.#count--;
    this.#held.get(rangeId)!.delete(held);
    if (machine === undefined) return;
    this.delivered++;
    const { store } = machine.node!;
    this.#scheduler.after(0, machine.process, () => {
      store.executor.execute(held.batch).catch((error: unknown) => {
        if (error instanceof AssertionError) store.deps.onFatal(error);
      });
    });
  }
}

function isPlainRead(request: KvRequest): boolean {
  return request.kind === 'scan' || request.kind === 'get' || request.kind === 'refresh';
}
