/**
 * One waiter's edges in the graph of waits: from its transaction to those that the sessions in its way have open.
 * A session without a transaction waits for nobody, so it needs no edge.
 */
import { QuoralError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import type { WaitGraph } from '../../range/services.js';

interface Waiter {
  readonly id: string;
  readonly name: string;
  readonly minTs: number;
}

export class WaitEdges {
  readonly #graph: WaitGraph | null;
  readonly #node: number;
  readonly #waiter: Waiter | null;
  readonly #key: Key;
  readonly #onVictim: () => void;
  readonly #edges = new Map<string, () => void>();
  #cycle: string | null = null;

  constructor(graph: WaitGraph | null, node: number, waiter: Waiter | null, key: Key, onVictim: () => void) {
    this.#graph = graph;
    this.#node = node;
    this.#waiter = waiter;
    this.#key = key;
    this.#onVictim = onVictim;
  }

  update(blockers: readonly { readonly txn: string; readonly txnName: string }[]): void {
    const waiter = this.#waiter;
    if (this.#graph === null || waiter === null) return;
    const wanted = new Map(blockers.filter((b) => b.txn !== '').map((b) => [b.txn, b.txnName]));
    for (const [txn, end] of this.#edges) {
      if (wanted.has(txn)) continue;
      this.#edges.delete(txn);
      end();
    }
    for (const [id, name] of wanted) {
      if (this.#edges.has(id) || id === waiter.id) continue;
      const end = this.#graph.waitBegins(
        { id: waiter.id, coordinator: this.#node, name: waiter.name, minTs: waiter.minTs },
        { id, coordinator: 0, name },
        this.#key,
        (cycle) => {
          this.#cycle = cycle;
          this.#onVictim();
        },
      );
      this.#edges.set(id, end);
    }
  }

  /** @throws QuoralError 40P01 the waiter was chosen to break a cycle */
  check(): void {
    if (this.#cycle === null) return;
    throw new QuoralError('40P01', 'deadlock detected', { retry: 'transaction', fields: { detail: this.#cycle } });
  }

  close(): void {
    for (const end of this.#edges.values()) end();
    this.#edges.clear();
  }
}
