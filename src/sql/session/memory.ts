/** Memory budgets: one per statement inside one per node; beyond either, 53200. Bytes are estimates by the operators. */
import { sqlError } from '../../base/errors.js';
import type { MemoryAccount } from '../contract.js';

export class NodeMemory {
  readonly limitBytes: number;
  #used = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#used;
  }

  grow(bytes: number): void {
    if (this.#used + bytes > this.limitBytes) {
      throw sqlError('53200', 'out of memory', {
        detail: `The node's budget for statements of ${this.limitBytes} bytes is spent.`,
        hint: 'Run fewer large statements at a time.',
      });
    }
    this.#used += bytes;
  }

  shrink(bytes: number): void {
    this.#used -= bytes;
  }
}

export class StatementMemory implements MemoryAccount {
  readonly #node: NodeMemory;
  readonly limitBytes: number;
  #used = 0;

  constructor(node: NodeMemory, limitBytes: number) {
    this.#node = node;
    this.limitBytes = limitBytes;
  }

  grow(bytes: number): void {
    if (this.#used + bytes > this.limitBytes) {
      throw sqlError('53200', 'out of memory', {
        detail: `The statement needs more than its limit of ${this.limitBytes} bytes.`,
        hint: 'Raise statement_memory_limit.',
      });
    }
    this.#node.grow(bytes);
    this.#used += bytes;
  }

  shrink(bytes: number): void {
    this.#used -= bytes;
    this.#node.shrink(bytes);
  }

  /** Gives back what the operators did not. */
  close(): void {
    if (this.#used !== 0) this.#node.shrink(this.#used);
    this.#used = 0;
  }
}
