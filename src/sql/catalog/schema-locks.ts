/**
 * The coordinator's side of schema locks (the protocol is at the head of catalog.ts): lock rows, then
 * every node with a lease; the rows go with the transaction, the nodes are told after its end.
 *
 * A change that waits for a transaction which waits for it, or for another change, is found as a deadlock (locks/catalog-deadlocks.ts).
 *
 * Limits: of two changes that have their rows and no lock yet neither is seen to be in the other's way: one that holds something
 * gives up after DEADLOCK_MS (40P01).
 */
import { QuoralError } from '../../base/errors.js';
import type { CatalogRequest } from '../../encoding/proto/catalog.js';
import { isUnanswered } from '../../rpc/errors.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import { abortReason, lockTimeoutError } from './catalog.js';
import type { Catalog, WaitOptions } from './catalog.js';
import { catalogMethod } from './catalog-rpc.js';
import { decodeSchemaLock, encodeSchemaLock, schemaLockKey } from './codec.js';

const DEADLOCK_MS = 5_000;
const ROUND_MS = 500;

export class SchemaLocks {
  readonly token: string;
  readonly #catalog: Catalog;
  readonly #held = new Set<number>();
  /** A lock was given up, and not everybody knows. */
  #isSpoiled = false;
  /** Those whose rows go with the transaction; not, after a rollback to a savepoint, those that were taken since. */
  #going: ReadonlySet<number> = new Set();
  readonly #nodes = new Set<number>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.token = catalog.newToken();
    catalog.activeTokens.add(this.token);
  }

  get ids(): Iterable<number> {
    return this.#held;
  }
  holds(id: number): boolean {
    return this.#held.has(id);
  }

  /** `holding`: the transaction uses or holds other objects, so that waiting for ever could be a deadlock. */
  async acquire(txn: KvTxn, wanted: readonly number[], holding: boolean, options: WaitOptions): Promise<void> {
    await this.#acquireNew(txn, wanted, holding, options);
    const ids = [...new Set(wanted)].filter((id) => !this.#going.has(id)).sort((a, b) => a - b);
    if (ids.length === 0) return;
    // In the transaction's read set and write set: a commit after somebody removed the rows must fail.
    await txn.getMany(ids.map(schemaLockKey), { lock: 'exclusive' });
    for (const id of ids) txn.delete(schemaLockKey(id));
    this.#going = new Set([...this.#going, ...ids]);
  }

  async #acquireNew(txn: KvTxn, wanted: readonly number[], holding: boolean, options: WaitOptions): Promise<void> {
    const ids = [...new Set(wanted)].filter((id) => !this.#held.has(id)).sort((a, b) => a - b);
    if (ids.length === 0) return;
    if (this.#isSpoiled) throw spoiled();
    const wait = new Deadline(this.#catalog, holding || this.#held.size > 0, options);
    await this.#takeRows(ids, wait);
    for (const id of ids) this.#held.add(id);
    try {
      await this.#lockNodes(ids, wait);
      // Reads must see what the last users wrote, which may be newer than the transaction's snapshot.
      if (txn.pristine) await txn.restart();
      else await this.#rewriteRows(ids);
    } catch (error) {
      await this.#giveUp(ids);
      throw error;
    }
  }

  /**
   * Others use them: the transaction may go on without, from a savepoint, and may want them again. A node that was not told could take what
   * it hears late for the end of that later lock: then there is none.
   */
  async #giveUp(ids: readonly number[]): Promise<void> {
    try {
      await this.#catalog.removeLockRows(this.token, ids);
    } catch (error) {
      // The rows are removed at the end of the transaction.
      if (!(error instanceof QuoralError)) throw error;
      this.#isSpoiled = true;
      return;
    }
    for (const id of ids) this.#held.delete(id);
    this.#catalog.unlockLocal(this.token, ids);
    const told = await Promise.all(this.#tellOthers(ids));
    if (told.includes(false)) this.#isSpoiled = true;
  }

  mark(): ReadonlySet<number> {
    return this.#going;
  }
  /** The locks stay, and are let go at the end as if it had failed. */
  rollbackTo(mark: ReadonlySet<number>): void {
    this.#going = mark;
  }

  async #takeRows(ids: readonly number[], wait: Deadline): Promise<void> {
    const row = encodeSchemaLock({ node: this.#catalog.self, token: this.token });
    for (;;) {
      const holder = await this.#catalog.db.run({ isolation: 'serializable', name: 'schema lock' }, async (txn) => {
        const found = await txn.getMany(ids.map(schemaLockKey), { lock: 'exclusive' });
        for (const bytes of found) if (bytes !== null && bytes !== undefined) return decodeSchemaLock(bytes);
        for (const id of ids) txn.put(schemaLockKey(id), row);
        return null;
      });
      if (holder === null) return;
      if (!(await this.#catalog.stillHeld(holder.token, holder.node))) {
        await this.#catalog.removeLockRows(holder.token, ids);
        continue;
      }
      await wait.pause(5 + this.#catalog.jitter() * 20);
    }
  }

  /** Newer versions of the rows: the transaction's locking read of them moves its snapshot past the last users. */
  async #rewriteRows(ids: readonly number[]): Promise<void> {
    const row = encodeSchemaLock({ node: this.#catalog.self, token: this.token });
    await this.#catalog.db.run({ isolation: 'serializable', name: 'schema lock' }, async (txn) => {
      await txn.getMany(ids.map(schemaLockKey), { lock: 'exclusive' });
      for (const id of ids) txn.put(schemaLockKey(id), row);
    });
  }

  async #lockNodes(ids: readonly number[], wait: Deadline): Promise<void> {
    let pending = new Set(await this.#catalog.leaseholders());
    pending.add(this.#catalog.self);
    while (pending.size > 0) {
      const asked = [...pending].sort((a, b) => a - b);
      const answers = await Promise.all(asked.map((node) => this.#lockNode(node, ids, wait)));
      pending = new Set(asked.filter((_, i) => answers[i] !== 'granted'));
      if (pending.size === 0) return;
      if (answers.includes('unreachable')) {
        const live = new Set(await this.#catalog.leaseholders());
        for (const [i, node] of asked.entries()) {
          if (answers[i] === 'unreachable' && !live.has(node)) pending.delete(node);
        }
        if (pending.size > 0) await wait.pause(100);
      }
      wait.check();
    }
  }

  async #lockNode(node: number, ids: readonly number[], wait: Deadline): Promise<'granted' | 'busy' | 'unreachable'> {
    this.#nodes.add(node);
    const waitMs = wait.round();
    if (node === this.#catalog.self) {
      return (await this.#catalog.lockLocal(this.token, node, ids, waitMs, wait.signal)) ? 'granted' : 'busy';
    }
    const { network } = this.#catalog;
    if (network === null) return 'unreachable';
    const request: CatalogRequest = {
      request: { $case: 'lock', value: { token: this.token, ids: [...ids], coordinator: this.#catalog.self, waitMs } },
    };
    try {
      const deadlineMs = waitMs + 2_000;
      const options = wait.signal === null ? { deadlineMs } : { deadlineMs, signal: wait.signal };
      const answer = await network.call(node, catalogMethod, request, options);
      return answer.granted ? 'granted' : 'busy';
    } catch (error) {
      wait.check();
      if (isUnanswered(error)) return 'unreachable';
      throw error;
    }
  }

  /** After the transaction's end. Nodes that cannot be told find out by themselves. */
  async release(committed: boolean): Promise<void> {
    const ids = [...this.#held].sort((a, b) => a - b);
    const left = committed ? ids.filter((id) => !this.#going.has(id)) : ids;
    this.#held.clear();
    this.#catalog.activeTokens.delete(this.token);
    if (ids.length === 0) return;
    try {
      if (left.length > 0) await this.#catalog.removeLockRows(this.token, left);
    } finally {
      this.#catalog.unlockLocal(this.token, ids);
      // Those that do not hear of it find out by themselves.
      void this.#tellOthers(ids);
    }
  }

  /** False: the node may hear of it late, or never. */
  #tellOthers(ids: readonly number[]): Promise<boolean>[] {
    const { network } = this.#catalog;
    if (network === null) return [];
    const request: CatalogRequest = { request: { $case: 'unlock', value: { token: this.token, ids: [...ids] } } };
    const others = [...this.#nodes].filter((node) => node !== this.#catalog.self).sort((a, b) => a - b);
    return others.map(async (node) => {
      try {
        await network.call(node, catalogMethod, request, { deadlineMs: 2_000 });
        return true;
      } catch (error) {
        if (isUnanswered(error)) return false;
        throw error;
      }
    });
  }
}

function spoiled(): QuoralError {
  return new QuoralError('40001', 'a schema lock that the transaction gave up could not be returned', {
    retry: 'transaction',
    fields: { hint: 'Run the transaction again.' },
  });
}

class Deadline {
  readonly #catalog: Catalog;
  readonly #options: WaitOptions;
  readonly #started: number;
  readonly #holding: boolean;

  constructor(catalog: Catalog, holding: boolean, options: WaitOptions) {
    this.#catalog = catalog;
    this.#holding = holding;
    this.#options = options;
    this.#started = catalog.clock.monotonicMs();
  }

  /** Ends a question at once when the statement is cancelled. */
  get signal(): AbortSignal | null {
    return this.#options.signal;
  }

  check(): void {
    const { signal, lockTimeoutMs } = this.#options;
    if (signal?.aborted === true) throw abortReason(signal);
    const waited = this.#catalog.clock.monotonicMs() - this.#started;
    if (lockTimeoutMs > 0 && waited >= lockTimeoutMs) throw lockTimeoutError();
    if (this.#holding && waited >= DEADLOCK_MS) {
      throw new QuoralError('40P01', 'deadlock detected', {
        retry: 'transaction',
        fields: {
          detail: 'The schema change waits for other transactions while it holds objects that they may wait for.',
        },
      });
    }
  }

  /** Milliseconds that one question to the nodes may last. */
  round(): number {
    const { lockTimeoutMs } = this.#options;
    if (lockTimeoutMs === 0) return ROUND_MS;
    const left = lockTimeoutMs - (this.#catalog.clock.monotonicMs() - this.#started);
    return Math.max(1, Math.min(ROUND_MS, Math.ceil(left)));
  }

  async pause(ms: number): Promise<void> {
    this.check();
    await this.#catalog.waitFor(() => undefined, ms, this.signal);
    this.check();
  }
}
