/**
 * Deadlocks of which a wait for a schema change, or of one for the users of its objects, is a part. While such a wait lasts, the one who
 * waits looks from time to time at what the transactions of all nodes use, and lays edges to those in its way in the graph
 * that finds the cycles among the waits for rows.
 *
 * In the way is who has one of the objects: whoever uses it keeps the change from its lock, and so keeps whoever waits behind the change; once
 * the change has the lock, it alone has the object.
 *
 * Limits: a use that no statement that ran tells of is not seen, nor a node that does not answer. Two changes of which neither has
 * its lock yet are told by DEADLOCK_MS (schema-locks.ts).
 */
import { newAbortController } from '../../base/abort.js';
import { QuoralError } from '../../base/errors.js';
import type { TimerHandle } from '../../env/env.js';
import type { WaitGraph } from '../../range/services.js';
import { WaitEdges } from '../advisory/wait-edges.js';
import type { Catalog, WaitOptions } from '../catalog/catalog.js';
import type { Lookout } from '../catalog/catalog-waits.js';
import { schemaLockKey } from '../catalog/codec.js';
import type { LockReports } from './lock-reports.js';

/** Most waits are over by then. */
const FIRST_LOOK_MS = 1_000;
/** It takes longer from look to look, up to this: all sessions may wait for one change. */
const LOOK_MS_MAX = 5_000;

export interface Lookouts {
  readonly catalog: Catalog;
  readonly reports: LockReports;
  readonly graph: WaitGraph | null;
}

export interface WaitingTransaction {
  readonly id: string;
  readonly name: string;
  readonly minTs: number;
}

/** `waiter`: null has nothing that others could wait for. */
export function lookForDeadlock(
  { catalog, reports, graph }: Lookouts,
  processId: number,
  waiter: WaitingTransaction | null,
  ids: readonly number[],
  options: WaitOptions,
): ReturnType<Lookout> {
  if (graph === null || waiter === null || ids.length === 0) return null;
  const { timers } = catalog;
  const broken = newAbortController();
  const onAbort = (): void => broken.abort(options.signal!.reason);
  if (options.signal?.aborted === true) onAbort();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const edges = new WaitEdges(graph, catalog.self, waiter, schemaLockKey(ids[0]!), () => {
    try {
      edges.check();
    } catch (error) {
      broken.abort(error);
    }
  });
  let isOver = false;
  let timer: TimerHandle | null = null;
  const look = async (everyMs: number): Promise<void> => {
    const { sessions } = await reports.all();
    if (isOver) return;
    const inTheWay = sessions.filter(
      (one) => one.processId !== processId && one.relations.some((r) => r.granted && ids.includes(r.relationId)),
    );
    edges.update(inTheWay.map(({ txn }) => ({ txn, txnName: '' })));
    again(Math.min(2 * everyMs, LOOK_MS_MAX));
  };
  const again = (ms: number): void => {
    timer = timers.after(ms, () => {
      look(ms).catch((error: unknown) => {
        // What others do could not be found out this time.
        if (!isOver && error instanceof QuoralError) again(ms);
        else if (!isOver) broken.abort(error);
      });
    });
  };
  again(FIRST_LOOK_MS);
  return {
    options: { ...options, signal: broken.signal },
    end: () => {
      isOver = true;
      timer?.cancel();
      edges.close();
      options.signal?.removeEventListener('abort', onAbort);
    },
  };
}
