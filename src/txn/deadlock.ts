/**
 * Deadlock detection over nodes: the waits of this node's ranges go to one detector in the cluster,
 * which answers with victims (deadlock-detector.ts decides).
 *
 * Most waits are short, so a wait is reported only after REPORT_AFTER_MS, and again each
 * REPORT_EVERY_MS as long as it lasts; messages are one-way and may be lost. Whoever is told to be the
 * detector is one: if two nodes disagree for a moment about which it is, cycles are found when they
 * agree again, since every wait is reported anew. If this node is the detector nothing is sent.
 */
import { bytesToKey, keyToBytes, type Key } from '../base/key.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import { DeadlockMessage } from '../encoding/proto/txn.js';
import type { Clock, TimerHandle, Timers } from '../env/env.js';
import type { WaitGraph } from '../range/services.js';
import { defineOneWay } from '../rpc/methods.js';
import type { RpcMethod, RpcNetwork } from '../rpc/types.js';
import { DeadlockDetector, type Verdict, type WaitReport } from './deadlock-detector.js';

const REPORT_AFTER_MS = 10;
const REPORT_EVERY_MS = 1_000;

export interface DeadlockTraffic {
  readonly waiting: readonly WaitReport[];
  readonly ended: readonly number[];
  readonly victims: readonly { readonly waitId: number; readonly cycle: string }[];
}

/** RPC method 6. */
export const deadlockMethod: RpcMethod<DeadlockTraffic, never> = defineOneWay('deadlockDetect', {
  encodeRequest: (message: DeadlockTraffic) =>
    DeadlockMessage.encode({
      waiting: message.waiting.map((w) => ({
        waitId: w.waitId,
        waiter: keyToBytes(w.waiter),
        waiterName: w.waiterName,
        waiterMinTs: w.waiterMinTs,
        holder: keyToBytes(w.holder),
        holderName: w.holderName,
        key: keyToBytes(w.key),
      })),
      ended: [...message.ended],
      victims: message.victims.map((v) => ({ waitId: v.waitId, cycle: v.cycle })),
    }).finish(),
  decodeRequest: (bytes: Uint8Array): DeadlockTraffic => {
    const wire = DeadlockMessage.decode(bytes);
    return {
      waiting: wire.waiting.map((w) => ({
        waitId: w.waitId,
        waiter: bytesToKey(w.waiter),
        waiterName: w.waiterName,
        waiterMinTs: w.waiterMinTs,
        holder: bytesToKey(w.holder),
        holderName: w.holderName,
        key: bytesToKey(w.key),
      })),
      ended: wire.ended,
      victims: wire.victims,
    };
  },
});

export interface DeadlockDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly network: Pick<RpcNetwork, 'self' | 'handleOneWay' | 'send'>;
  /** The node that detects for all: every node should name the same one (e.g. the smallest live id). */
  readonly detectorNode: () => NodeId;
}

interface Wait {
  readonly report: WaitReport;
  readonly onVictim: (cycle: string) => void;
  readonly sinceMs: number;
  reported: boolean;
}

export class DeadlockDriver implements WaitGraph {
  readonly #deps: DeadlockDependencies;
  readonly #detector = new DeadlockDetector();
  readonly #waits = new Map<number, Wait>();
  #nextId = 1;
  #ended: number[] = [];
  #soon: TimerHandle | null = null;
  readonly #every: TimerHandle;
  victims = 0;

  constructor(deps: DeadlockDependencies) {
    this.#deps = deps;
    deps.network.handleOneWay(deadlockMethod, (message, from) => this.#receive(message, from));
    this.#every = deps.timers.every(REPORT_EVERY_MS, () => this.#reportAll());
  }

  get waiting(): number {
    return this.#waits.size;
  }

  /** The waits of this node's ranges; `since` in microseconds since 1970. */
  current(): { waiter: string; holder: string; key: string; since: number }[] {
    const { clock } = this.#deps;
    const [wallUs, nowMs] = [clock.wallUs(), clock.monotonicMs()];
    return [...this.#waits.values()].map(({ report: { waiter, holder, key }, sinceMs }) => ({
      ...{ waiter, holder, key },
      since: Math.floor(wallUs - (nowMs - sinceMs) * 1000),
    }));
  }

  waitBegins(
    waiter: { readonly id: string; readonly coordinator: NodeId; readonly name: string; readonly minTs: Timestamp },
    holder: { readonly id: string; readonly coordinator: NodeId; readonly name: string },
    key: Key,
    onVictim: (cycle: string) => void,
  ): () => void {
    const waitId = this.#nextId++;
    const report: WaitReport = {
      waitId,
      waiter: waiter.id,
      waiterName: waiter.name,
      waiterMinTs: waiter.minTs,
      holder: holder.id,
      holderName: holder.name,
      key,
    };
    this.#waits.set(waitId, { report, onVictim, sinceMs: this.#deps.clock.monotonicMs(), reported: false });
    this.#soon ??= this.#deps.timers.after(REPORT_AFTER_MS, () => this.#reportNew());
    return () => this.#waitEnds(waitId);
  }

  stop(): void {
    this.#every.cancel();
    this.#soon?.cancel();
    this.#soon = null;
    this.#waits.clear();
    this.#detector.clear();
  }

  #waitEnds(waitId: number): void {
    const wait = this.#waits.get(waitId);
    if (wait === undefined) return;
    this.#waits.delete(waitId);
    if (!wait.reported) return;
    this.#ended.push(waitId);
    this.#soon ??= this.#deps.timers.after(REPORT_AFTER_MS, () => this.#reportNew());
  }

  #reportNew(): void {
    this.#soon = null;
    const nowMs = this.#deps.clock.monotonicMs();
    const waiting: WaitReport[] = [];
    let later = false;
    for (const wait of this.#waits.values()) {
      if (wait.reported) continue;
      if (nowMs - wait.sinceMs < REPORT_AFTER_MS - 1) {
        later = true;
        continue;
      }
      wait.reported = true;
      waiting.push(wait.report);
    }
    if (later) this.#soon = this.#deps.timers.after(REPORT_AFTER_MS, () => this.#reportNew());
    this.#send(waiting);
  }

  #reportAll(): void {
    this.#detector.expire(this.#deps.clock.monotonicMs());
    if (this.#waits.size === 0) return;
    const waiting: WaitReport[] = [];
    for (const wait of this.#waits.values()) {
      wait.reported = true;
      waiting.push(wait.report);
    }
    this.#send(waiting);
  }

  #send(waiting: readonly WaitReport[]): void {
    const ended = this.#ended;
    this.#ended = [];
    if (waiting.length === 0 && ended.length === 0) return;
    const { network } = this.#deps;
    const message: DeadlockTraffic = { waiting, ended, victims: [] };
    const detector = this.#deps.detectorNode();
    if (detector === network.self) this.#detect(message, network.self);
    else network.send(detector, deadlockMethod, message);
  }

  #receive(message: DeadlockTraffic, from: NodeId): void {
    for (const victim of message.victims) this.#condemn(victim.waitId, victim.cycle);
    if (message.waiting.length > 0 || message.ended.length > 0) this.#detect(message, from);
  }

  #detect(message: DeadlockTraffic, from: NodeId): void {
    this.#detector.ended(from, message.ended);
    const verdicts = this.#detector.report(from, message.waiting, this.#deps.clock.monotonicMs());
    for (const verdict of verdicts) this.#announce(verdict);
  }

  #announce({ node, waitId, cycle }: Verdict): void {
    if (node === this.#deps.network.self) this.#condemn(waitId, cycle);
    else this.#deps.network.send(node, deadlockMethod, { waiting: [], ended: [], victims: [{ waitId, cycle }] });
  }

  #condemn(waitId: number, cycle: string): void {
    const wait = this.#waits.get(waitId);
    if (wait === undefined) return;
    this.#waits.delete(waitId);
    this.victims++;
    wait.onVictim(cycle);
  }
}
