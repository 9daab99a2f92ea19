/**
 * Splitting a range, as a transaction (DESIGN 6): the descriptors of both halves are written under
 * their range-local keys and in /meta as intents, and the commit of the record, which lies in the range
 * being split (its anchor is the range's own descriptor), carries the trigger that divides the replicas.
 *
 * Invariants
 * - The range's descriptor is locked while it is changed, so splits of one range follow each other.
 * - All intents exist before the commit: the trigger runs in the proposal that makes the record
 *   COMMITTED, and never for a transaction that could still fail.
 * - A key that is a boundary already is a success.
 */
import { QuoralError } from '../base/errors.js';
import { formatKey, KEY_MAX, type Key } from '../base/key.js';
import { backoffMs } from '../base/backoff.js';
import { crashPoint, mark } from '../base/probes.js';
import { localDescriptorKey, metaKey, SYSTEM_KEYS, SYSTEM_PREFIX } from '../encoding/keyspace.js';
import type { RangeDescriptor } from '../range/kv-api.js';
import { KvError } from '../range/kv-errors.js';
import { decodeRangeDescriptor, encodeRangeDescriptor } from '../range/range-descriptor-codec.js';
import { PRESENT } from './router.js';
import type { TxnRuntime } from './runtime.js';
import { isRetryable, Transaction } from './transaction.js';

const ATTEMPTS_MAX = 40;
const BACKOFF = { baseMs: 10, maxMs: 500 };

export async function splitRange(runtime: TxnRuntime, key: Key): Promise<void> {
  if (key <= SYSTEM_PREFIX || key >= KEY_MAX) {
    throw new QuoralError('22023', `a range cannot be split at ${formatKey(key)}`);
  }
  let failure: unknown;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (attempt > 0) await runtime.timers.sleep(backoffMs(BACKOFF, attempt, runtime.rng.next()));
    try {
      if (await splitOnce(runtime, key)) return;
    } catch (error) {
      // An ambiguous split shows in the descriptors at the next look.
      const lost = error instanceof QuoralError && error.sqlstate === '40003';
      if (lost) mark('ambiguous-split');
      if (!lost && !isRetryable(error)) throw error;
      failure = error;
    }
  }
  throw (
    failure ??
    new QuoralError('40001', 'the range changed too often while it was to be split', { retry: 'transaction' })
  );
}

async function splitOnce(runtime: TxnRuntime, key: Key): Promise<boolean> {
  const { directory } = runtime.router;
  const cached = (await directory.lookup(key)).descriptor;
  if (cached.start === key) return true;
  const txn = new Transaction(runtime, { isolation: 'serializable', name: 'split' });
  try {
    const bytes = await txn.get(localDescriptorKey(cached.start), { lock: 'exclusive' });
    const current = bytes === null ? null : decodeRangeDescriptor(bytes);
    if (current === null || current.end <= key || current.generation !== cached.generation) {
      await txn.rollback();
      if (current === null || !directory.insert(current)) directory.evict(cached);
      return false;
    }
    const rangeId = await incrementCounter(runtime, SYSTEM_KEYS.rangeIdCounter, 1);
    const generation = current.generation + 1;
    const left: RangeDescriptor = { ...current, end: key, generation };
    const right: RangeDescriptor = { ...current, rangeId, start: key, generation };
    for (const half of [left, right]) {
      const encoded = encodeRangeDescriptor(half);
      txn.put(localDescriptorKey(half.start), encoded);
      txn.put(metaKey(half.start), encoded);
    }
    crashPoint('before-split-commit', runtime.nodeId);
    await txn.commitWithSplit({ left, right, firstLeader: 0 });
    crashPoint('after-split-commit', runtime.nodeId);
    directory.insert(left);
    directory.insert(right);
    return true;
  } catch (error) {
    await txn.rollback();
    if (error instanceof KvError) directory.evict(cached);
    throw error;
  }
}

/** Not repeated when its fate is unknown: 40003, and the caller may skip a value. */
export async function incrementCounter(runtime: TxnRuntime, key: Key, by: number): Promise<number> {
  const answer = await runtime.router.send(PRESENT, [{ kind: 'increment', key, by }]);
  const response = answer.responses[0]!;
  if (response.kind !== 'increment') throw new QuoralError('XX000', 'an increment was answered with something else');
  return response.value;
}
