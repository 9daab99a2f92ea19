/**
 * Waiting for locks while nothing is wrong: whoever has waited longest comes next, and every wait ends.
 *
 * A request that is asked for well after another and is granted well before it has overtaken it. A
 * few may: a leaseholder that changes forgets its queues, and a transaction that is run again queues
 * anew. `overtakenMax` and `marginUs` say how much is tolerated; a reversed or forgotten queue exceeds
 * them as soon as some clients compete, and a deadlock that nobody breaks exceeds `waitUsMax`.
 *
 * Valid only for histories without faults: those delay requests, and end queues, for good reasons.
 */
import type { Anomaly, HistoryKey, Verdict } from './history.js';
import { key as formatKey, milliseconds } from './words.js';

/** One request for the lock of one key. */
export interface LockRequest {
  readonly id: number;
  readonly key: HistoryKey;
  readonly askedAt: number;
  /** When it was answered, with the lock or an error; Infinity if it never was. */
  readonly answeredAt: number;
  readonly granted: boolean;
}

export interface FairnessOptions {
  /** Time that two requests may take to change places on their way; default 250 ms. */
  readonly marginUs?: number;
  /** How many may overtake one request; default 3. */
  readonly overtakenMax?: number;
  /** The longest wait; default 5 s. */
  readonly waitUsMax?: number;
}

const SHOWN = 10;

export function checkFairness(requests: readonly LockRequest[], options: FairnessOptions = {}): Verdict {
  const { marginUs = 250_000, overtakenMax = 3, waitUsMax = 5_000_000 } = options;
  const anomalies: Anomaly[] = [];
  const add = (explanation: string, transactions: readonly number[]): void => {
    if (anomalies.length < SHOWN) anomalies.push({ name: 'unfair', explanation, transactions });
  };
  const byKey = new Map<HistoryKey, LockRequest[]>();
  for (const request of requests) {
    const wait = request.answeredAt - request.askedAt;
    if (wait > waitUsMax) {
      const how = wait === Infinity ? 'was never answered' : `was answered after ${milliseconds(wait)}`;
      add(`T${request.id} asked for the lock of ${formatKey(request.key)} and ${how}.`, [request.id]);
    }
    const known = byKey.get(request.key);
    if (known === undefined) byKey.set(request.key, [request]);
    else known.push(request);
  }
  let overtakes = 0;
  for (const [key, own] of byKey) {
    const inOrder = own.filter((r) => r.granted).sort((a, b) => a.askedAt - b.askedAt || a.id - b.id);
    for (const [at, first] of inOrder.entries()) {
      const by: LockRequest[] = [];
      for (const later of inOrder.slice(at + 1)) {
        if (later.askedAt >= first.answeredAt) break;
        const after = later.askedAt > first.askedAt + marginUs && later.answeredAt < first.answeredAt - marginUs;
        if (after) by.push(later);
      }
      overtakes += by.length;
      if (by.length <= overtakenMax) continue;
      const who = by.map(({ id }) => `T${id}`).join(', ');
      const waited = milliseconds(first.answeredAt - first.askedAt);
      add(
        `T${first.id} waited ${waited} for the lock of ${formatKey(key)}, and ${who}, which asked later, had it before.`,
        [first.id, ...by.map(({ id }) => id)],
      );
    }
  }
  const stats = { requests: requests.length, keys: byKey.size, overtakes };
  return { checker: 'fairness', ok: anomalies.length === 0, anomalies, stats };
}
