/**
 * Pushes the records of other transactions for whoever waits for their locks, and recovers those
 * that were left STAGING by a dead coordinator (DESIGN 7).
 *
 * Recovery asks every listed write whether it is there. One that is not found is prevented for
 * ever by the very question, so the answer is final: all there means committed, one missing means
 * aborted. Several recoveries at once reach the same verdict, and the record takes the first.
 *
 * Invariant: identical pushes under way are one.
 */
import type { Timestamp } from '../base/ids.js';
import type { Key, Span } from '../base/key.js';
import type { HlcClock } from '../env/env.js';
import type { PushTxnRequest, PushTxnResponse, TxnMeta } from '../range/kv-api.js';
import type { TransactionRecord } from '../storage/lock-record.js';
import type { ResolvedTxn, TxnPusher } from '../range/services.js';
import { QuoralError } from '../base/errors.js';
import { crashPoint } from '../base/probes.js';
import type { CleanupQueue } from './cleanup-queue.js';
import { PRESENT, type RangeRouter } from './router.js';

/**
 * The coordinator of a recovered transaction may be alive and about to ask its record what became of it:
 * the record stays for longer than all its retries can take.
 */
const RECOVERED_KEEP_MS = 300_000;

export interface PusherDependencies {
  readonly hlc: HlcClock;
  readonly router: RangeRouter;
  readonly cleanup: CleanupQueue;
}

export class RouterTxnPusher implements TxnPusher {
  readonly #deps: PusherDependencies;
  readonly #running = new Map<string, Promise<ResolvedTxn>>();
  pushes = 0;
  recoveries = 0;

  constructor(deps: PusherDependencies) {
    this.#deps = deps;
  }

  push(pushee: TxnMeta, type: PushTxnRequest['type'], pushTo: Timestamp): Promise<ResolvedTxn> {
    const id = `${type}/${pushTo}/${pushee.epoch}/${pushee.id}`;
    let running = this.#running.get(id);
    if (running === undefined) {
      running = this.#push(pushee, type, pushTo).finally(() => this.#running.delete(id));
      this.#running.set(id, running);
    }
    return running;
  }

  async finish(record: TransactionRecord): Promise<void> {
    const { status, lockKeys, lockSpans, coordinatorNode, txnId, ...rest } = record;
    const meta = { ...rest, id: txnId, coordinator: coordinatorNode, uncertaintyLimit: record.readTs, name: '' };
    if (status === 'committed' || status === 'aborted') return this.#cleanUp(meta, status, lockKeys, lockSpans);
    // Its end is found out first; the record then is another one, for the next time.
    await this.push(meta, 'abort', 0);
  }

  async #push(pushee: TxnMeta, type: PushTxnRequest['type'], pushTo: Timestamp): Promise<ResolvedTxn> {
    this.pushes++;
    const askedAt = this.#deps.hlc.now();
    const request: PushTxnRequest = { kind: 'push-txn', pushee, type, pushTo, force: false };
    const response = (await this.#deps.router.send(PRESENT, [request])).responses[0]!;
    if (response.kind !== 'push-txn') throw new QuoralError('XX000', 'a push was answered with something else');
    switch (response.status) {
      case 'committed':
      case 'aborted':
        return { status: response.status, ts: response.writeTs, epoch: response.epoch, pendingAt: 0 };
      case 'staging':
        // A live coordinator is about to finish it, or to learn that it cannot.
        if (!response.pushed) return { status: 'pending', ts: response.writeTs, epoch: response.epoch, pendingAt: 0 };
        return this.#recover(pushee, response);
      default:
        return { status: 'pending', ts: response.writeTs, epoch: response.epoch, pendingAt: askedAt };
    }
  }

  async #recover(pushee: TxnMeta, staged: PushTxnResponse): Promise<ResolvedTxn> {
    this.recoveries++;
    const { router } = this.#deps;
    const txn: TxnMeta = { ...pushee, epoch: staged.epoch, writeTs: staged.writeTs };
    let committed = true;
    if (staged.inFlight.length > 0) {
      const questions = staged.inFlight.map((write) => ({
        kind: 'query-intent' as const,
        key: write.key,
        txnId: txn.id,
        epoch: txn.epoch,
        sequence: write.sequence,
        ts: staged.writeTs,
      }));
      crashPoint('before-recovery-questions', router.nodeId);
      const answers = await router.send(PRESENT, questions);
      committed = answers.responses.every((r) => r.kind === 'query-intent' && r.found);
    }
    crashPoint('after-recovery-questions', router.nodeId);
    const answer = (await router.send({ ...PRESENT, txn }, [{ kind: 'recover-txn', txn, committed }])).responses[0]!;
    if (answer.kind !== 'recover-txn') throw new QuoralError('XX000', 'a recovery was answered with something else');
    const { status, writeTs } = answer;
    if (status !== 'committed' && status !== 'aborted')
      return { status: 'pending', ts: writeTs, epoch: txn.epoch, pendingAt: 0 };
    this.#cleanUp({ ...txn, writeTs }, status, answer.lockKeys, answer.lockSpans, RECOVERED_KEEP_MS);
    return { status, ts: writeTs, epoch: txn.epoch, pendingAt: 0 };
  }

  #cleanUp(
    meta: TxnMeta,
    status: 'committed' | 'aborted',
    keys: readonly Key[],
    spans: readonly Span[],
    keepRecordMs = 0,
  ): void {
    void this.#deps.cleanup.finish({
      meta,
      status,
      ts: meta.writeTs,
      keys,
      spans,
      record: 'final',
      keepRecordMs,
    });
  }
}
