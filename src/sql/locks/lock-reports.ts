/**
 * Who holds and awaits what, for pg_locks, pg_blocking_pids and pg_stat_activity: the sessions with a transaction open, and the waits for
 * locks of rows. A wait is known to the node that leads the range, a session to its own, so all nodes are asked and what they
 * say is put together: it is a picture that no moment need have looked like.
 *
 * How it can fail: a node that does not answer within ASK_MS is left out.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import { bytesToKey, keyToBytes } from '../../base/key.js';
import type { LockingSession, LocksRequest, LocksResponse } from '../../encoding/proto/sql.js';
import type { Catalog } from '../catalog/catalog.js';
import { LOCK_ROWS } from '../advisory/codec.js';
import { SCHEMA_LOCKS } from '../catalog/codec.js';
import { locksMethod } from './locks-rpc.js';

const ASK_MS = 1_000;
const PROCESS_ID_NODE = 2 ** 20;

export interface RowWait {
  readonly waiter: string;
  readonly holder: string;
  readonly key: string;
  /** Microseconds since 1970. */
  readonly since: number;
}

export interface ReportedSession extends Omit<LockingSession, 'txn'> {
  /** '': none. */
  readonly txn: string;
}

export interface ReportedWait {
  readonly waiter: string;
  readonly holder: string;
  readonly since: number;
  readonly advisory: boolean;
}

export interface LockReport {
  readonly sessions: readonly ReportedSession[];
  readonly waits: readonly ReportedWait[];
}

export interface LockSources {
  readonly catalog: Catalog;
  /** All that may lead a range or have sessions. */
  nodes(): Promise<readonly number[]>;
  /** Of this node's sessions. */
  sessions(): readonly ReportedSession[];
  /** In the ranges that this node leads. */
  waits(): readonly RowWait[];
  signal(processId: number, how: 'cancel' | 'terminate'): boolean;
}

export class LockReports {
  readonly #sources: LockSources;

  constructor(sources: LockSources) {
    this.#sources = sources;
    sources.catalog.network?.handle(locksMethod, (request) => Promise.resolve(this.#answer(request)));
  }

  local(): LockReport {
    // Those for what the catalog keeps away are told by the sessions.
    const rows = this.#sources.waits().filter(({ key }) => !key.startsWith(SCHEMA_LOCKS));
    const waits = rows.map(({ waiter, holder, key, since }) => ({
      ...{ waiter, holder, since },
      advisory: key.startsWith(LOCK_ROWS),
    }));
    return { sessions: this.#sources.sessions(), waits };
  }

  async all(): Promise<LockReport> {
    const { catalog } = this.#sources;
    const own = this.local();
    if (catalog.network === null) return own;
    const others = (await this.#sources.nodes()).filter((node) => node !== catalog.self).sort((a, b) => a - b);
    const answers = await Promise.all(
      others.map((node) => this.#ask(node, { request: { $case: 'report', value: {} } })),
    );
    const sessions = [...own.sessions];
    const waits = [...own.waits];
    for (const answer of answers) {
      sessions.push(...(answer?.sessions ?? []).map((one) => ({ ...one, txn: bytesToKey(one.txn) })));
      for (const { waiter, holder, since, advisory } of answer?.waits ?? [])
        waits.push({ waiter: bytesToKey(waiter), holder: bytesToKey(holder), since, advisory });
    }
    return { sessions, waits };
  }

  /** null: the node does not answer. */
  async #ask(node: number, request: LocksRequest): Promise<LocksResponse | null> {
    const { network } = this.#sources.catalog;
    try {
      return (await network?.call(node, locksMethod, request, { deadlineMs: ASK_MS })) ?? null;
    } catch (error) {
      if (error instanceof QuoralError) return null;
      throw error;
    }
  }

  /** Of a session of another node, which has a transaction open; null: there is none. */
  async elsewhere(processId: number): Promise<ReportedSession | null> {
    const node = Math.floor(processId / PROCESS_ID_NODE);
    const { catalog } = this.#sources;
    if (catalog.network === null || node === (catalog.self & 0x7ff)) return null;
    const { sessions } = await this.all();
    return sessions.find((one) => one.processId === processId) ?? null;
  }

  /** To a session of another node. */
  async signal(processId: number, how: 'cancel' | 'terminate'): Promise<boolean> {
    const of = Math.floor(processId / PROCESS_ID_NODE);
    for (const node of await this.#sources.nodes()) {
      if ((node & 0x7ff) !== of) continue;
      const value = { processId, terminate: how === 'terminate' };
      return (await this.#ask(node, { request: { $case: 'signal', value } }))?.found === true;
    }
    return false;
  }

  #answer({ request }: LocksRequest): LocksResponse {
    switch (request?.$case) {
      case 'report': {
        const { sessions, waits } = this.local();
        return {
          sessions: sessions.map((one) => ({ ...one, txn: keyToBytes(one.txn) })),
          waits: waits.map((w) => ({ ...w, waiter: keyToBytes(w.waiter), holder: keyToBytes(w.holder) })),
          found: false,
        };
      }
      case 'signal': {
        const { processId, terminate } = request.value;
        const found = this.#sources.signal(processId, terminate ? 'terminate' : 'cancel');
        return { sessions: [], waits: [], found };
      }
      case undefined:
        throw sqlError('08P01', 'empty request about locks');
    }
  }
}
