/**
 * The advisory locks of one session: how often it has each, for itself and for its transaction. What they
 * exclude, and how, is in advisory/advisory-locks.ts; it hears of a lock's first taking and last release only.
 *
 * Invariants
 * - A lock taken for the session stays whatever becomes of the transaction; one taken for the transaction goes
 *   with it, or with the savepoint that it came after.
 * - Taking and releasing for the session cannot be undone, so a statement that has done it is not repeated
 *   inside the server (`changes`).
 */
import type { Notice } from '../session-api.js';
import type { AdvisoryLocks, HeldLock, LockOwner } from '../advisory/advisory-locks.js';
import { lockKey } from '../advisory/codec.js';
import type { LockName } from '../advisory/codec.js';
import type { WaitOptions } from '../catalog/catalog.js';
import type { Session } from './session.js';

export interface AdvisoryHost {
  readonly databaseId: number;
  readonly locks: AdvisoryLocks;
  readonly owner: LockOwner;
  waitOptions(): WaitOptions;
  notice(notice: Notice): void;
  /** The lock was had by another until now: what the transaction reads from here on should be as new. */
  freshSnapshot(): Promise<void>;
}

export type LockScope = 'session' | 'transaction';

interface Held {
  readonly id: string;
  readonly lock: HeldLock;
  session: number;
  transaction: number;
}

export class SessionAdvisory {
  readonly #host: AdvisoryHost;
  readonly #held = new Map<string, Held>();
  /** Takings for the transaction, in order. */
  #taken: Held[] = [];
  /** Grows with what cannot be undone. */
  changes = 0;

  constructor(host: AdvisoryHost) {
    this.#host = host;
  }

  get holdsForSession(): boolean {
    for (const held of this.#held.values()) if (held.session > 0) return true;
    return false;
  }

  /** @throws QuoralError 57P01, FATAL: what the session has may be another's by now */
  check(): void {
    for (const held of this.#held.values()) this.#host.locks.check(held.lock);
  }

  /** False only without `waits`, if another has it. @throws QuoralError 57014, 55P03, 40P01 */
  async lock(
    name: LockName,
    mode: { readonly exclusive: boolean; readonly waits: boolean },
    scope: LockScope,
  ): Promise<boolean> {
    const { locks, owner, databaseId } = this.#host;
    const key = lockKey(databaseId, name);
    const id = idOf(key, mode.exclusive);
    let held = this.#held.get(id);
    if (held === undefined) {
      const lock = await locks.acquire(owner, key, mode, this.#host.waitOptions());
      if (lock === null) return false;
      held = this.#held.get(id);
      if (held === undefined) {
        held = { id, lock, session: 0, transaction: 0 };
        this.#held.set(id, held);
      } else await locks.release([lock]);
      await this.#host.freshSnapshot();
    }
    if (scope === 'session') {
      held.session++;
      this.changes++;
    } else {
      held.transaction++;
      this.#taken.push(held);
    }
    return true;
  }

  /** Gives back one taking for the session; false, with a warning, if there is none. */
  async unlock(name: LockName, exclusive: boolean): Promise<boolean> {
    const held = this.#held.get(idOf(lockKey(this.#host.databaseId, name), exclusive));
    if (held === undefined || held.session === 0) {
      const mode = exclusive ? 'ExclusiveLock' : 'ShareLock';
      this.#host.notice({
        severity: 'WARNING',
        sqlstate: '01000',
        message: `you don't own a lock of type ${mode}`,
      });
      return false;
    }
    held.session--;
    this.changes++;
    await this.#releaseUnused([held]);
    return true;
  }

  async unlockAll(): Promise<void> {
    const all = [...this.#held.values()];
    for (const held of all) held.session = 0;
    this.changes++;
    await this.#releaseUnused(all);
  }

  mark(): number {
    return this.#taken.length;
  }
  async rollbackTo(mark: number): Promise<void> {
    const undone = this.#taken.splice(mark);
    for (const held of undone) held.transaction--;
    await this.#releaseUnused(undone);
  }

  /** null: there is nothing to release. */
  endTransaction(): Promise<void> | null {
    return this.#taken.length === 0 ? null : this.rollbackTo(0);
  }

  /** The session is over. */
  async close(): Promise<void> {
    if (this.#held.size === 0) return;
    this.#taken = [];
    const all = [...this.#held.values()];
    for (const held of all) held.session = held.transaction = 0;
    await this.#releaseUnused(all);
  }

  async #releaseUnused(candidates: readonly Held[]): Promise<void> {
    const unused: HeldLock[] = [];
    for (const held of candidates) {
      if (held.session + held.transaction > 0 || this.#held.get(held.id) !== held) continue;
      this.#held.delete(held.id);
      unused.push(held.lock);
    }
    if (unused.length > 0) await this.#host.locks.release(unused);
  }
}

function idOf(key: string, exclusive: boolean): string {
  return `${key}${exclusive ? 'e' : 's'}`;
}

export function newSessionAdvisory(session: Session): SessionAdvisory {
  const openTxn: LockOwner['openTxn'] = () => session.transaction.openTxn();
  return new SessionAdvisory({
    databaseId: session.databaseId,
    locks: session.server.advisory,
    owner: { processId: session.processId, openTxn, terminate: (reason) => session.terminate(reason) },
    waitOptions: () => session.waitOptions(),
    notice: (notice) => session.notice(notice),
    freshSnapshot: () => session.transaction.freshSnapshot(),
  });
}
