/**
 * The deadlock detector: a pure state machine over wait-for edges. Reports go in, victims come out.
 *
 * A transaction may wait in several places at once (parallel reads) and needs all of them, so any
 * path of edges from a transaction back to itself is a deadlock. A new edge can only close cycles that
 * run through it, so it is enough to search from its holder. Every cycle that it closes is broken, the
 * youngest of its transactions (largest minTs, then id) being the victim: it has done the least.
 *
 * Invariants
 * - At most one victim per cycle: the victim's edges leave the graph with the verdict. If the verdict is
 *   lost on its way, the victim goes on waiting and its next report closes the cycle again.
 * - An edge not reported for EXPIRY_MS is gone: its node is, or its end was lost.
 *
 * An edge may be outdated (its end under way), so a victim may be named for a cycle that has just
 * dissolved by itself: a needless retry, never a missed deadlock. Bound: EDGES_MAX edges.
 */
import { formatTxnId, type NodeId, type Timestamp, type TxnId } from '../base/ids.js';
import { formatKey, type Key } from '../base/key.js';
import { mark } from '../base/probes.js';

export const EXPIRY_MS = 3_000;
const EDGES_MAX = 50_000;

export interface WaitReport {
  /** Unique at the reporting node. */
  readonly waitId: number;
  readonly waiter: TxnId;
  readonly waiterName: string;
  readonly waiterMinTs: Timestamp;
  readonly holder: TxnId;
  readonly holderName: string;
  readonly key: Key;
}

export interface Verdict {
  /** The node on which the victim waits, and its wait there. */
  readonly node: NodeId;
  readonly waitId: number;
  readonly cycle: string;
}

interface Edge {
  readonly node: NodeId;
  readonly report: WaitReport;
  seenMs: number;
}

export class DeadlockDetector {
  readonly #edges = new Map<string, Edge>();
  readonly #byWaiter = new Map<TxnId, Map<string, Edge>>();
  refused = 0;

  get size(): number {
    return this.#edges.size;
  }

  /** Takes in the waits of a node and returns whom to break the cycles with. */
  report(node: NodeId, waits: readonly WaitReport[], nowMs: number): Verdict[] {
    const verdicts: Verdict[] = [];
    for (const report of waits) {
      const id = edgeId(node, report.waitId);
      const known = this.#edges.get(id);
      if (known !== undefined && known.report.holder === report.holder) {
        known.seenMs = nowMs;
        continue;
      }
      if (known !== undefined) this.#remove(id, known);
      if (this.#edges.size >= EDGES_MAX) {
        this.refused++;
        continue;
      }
      const edge: Edge = { node, report, seenMs: nowMs };
      this.#edges.set(id, edge);
      let own = this.#byWaiter.get(report.waiter);
      if (own === undefined) this.#byWaiter.set(report.waiter, (own = new Map()));
      own.set(id, edge);
      for (let cycle = this.#cycleThrough(edge); cycle !== null; cycle = this.#cycleThrough(edge)) {
        verdicts.push(this.#break(cycle));
        if (!this.#edges.has(id)) break;
      }
    }
    return verdicts;
  }

  ended(node: NodeId, waitIds: readonly number[]): void {
    for (const waitId of waitIds) {
      const id = edgeId(node, waitId);
      const edge = this.#edges.get(id);
      if (edge !== undefined) this.#remove(id, edge);
    }
  }

  expire(nowMs: number): void {
    for (const [id, edge] of this.#edges) if (nowMs - edge.seenMs > EXPIRY_MS) this.#remove(id, edge);
  }

  clear(): void {
    this.#edges.clear();
    this.#byWaiter.clear();
  }

  #remove(id: string, edge: Edge): void {
    this.#edges.delete(id);
    const own = this.#byWaiter.get(edge.report.waiter);
    if (own === undefined) return;
    own.delete(id);
    if (own.size === 0) this.#byWaiter.delete(edge.report.waiter);
  }

  /** Edges of a cycle that begins with `first`, depth first without recursion. */
  #cycleThrough(first: Edge): Edge[] | null {
    const target = first.report.waiter;
    if (first.report.holder === target) return null;
    const visited = new Set<TxnId>([first.report.holder]);
    const path: Edge[] = [first];
    const pending: Edge[][] = [this.#from(first.report.holder)];
    while (pending.length > 0) {
      const next = pending[pending.length - 1]!.pop();
      if (next === undefined) {
        pending.pop();
        path.pop();
        continue;
      }
      if (next.report.holder === target) return [...path, next];
      if (visited.has(next.report.holder)) continue;
      visited.add(next.report.holder);
      path.push(next);
      pending.push(this.#from(next.report.holder));
    }
    return null;
  }

  #from(waiter: TxnId): Edge[] {
    const own = this.#byWaiter.get(waiter);
    return own === undefined ? [] : [...own.values()];
  }

  #break(cycle: readonly Edge[]): Verdict {
    mark('deadlock-broken');
    let victim = cycle[0]!;
    for (const edge of cycle) if (younger(edge.report, victim.report)) victim = edge;
    const text = cycle
      .map(
        ({ report: r }) =>
          `${nameOf(r.waiter, r.waiterName)} waits for ${nameOf(r.holder, r.holderName)} on ${formatKey(r.key)}`,
      )
      .join('; ');
    for (const [id, edge] of [...(this.#byWaiter.get(victim.report.waiter) ?? [])]) this.#remove(id, edge);
    return { node: victim.node, waitId: victim.report.waitId, cycle: text };
  }
}

function edgeId(node: NodeId, waitId: number): string {
  return `${node}/${waitId}`;
}

function younger(a: WaitReport, b: WaitReport): boolean {
  if (a.waiterMinTs !== b.waiterMinTs) return a.waiterMinTs > b.waiterMinTs;
  return a.waiter > b.waiter;
}

function nameOf(id: TxnId, name: string): string {
  return name === '' ? `transaction ${formatTxnId(id)}` : `transaction ${formatTxnId(id)} (${name})`;
}
