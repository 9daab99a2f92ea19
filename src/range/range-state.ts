/**
 * What a store keeps of each replica in the family `local`, and the state every range starts from.
 *
 * | key | value |
 * |---|---|
 * | 'r' <id> 'd' | RangeDescriptor |
 * | 'r' <id> 'a' | AppliedState: in the same batch as what was applied |
 * | 'r' <id> 's' | marker: a snapshot is being installed; the data is not whole |
 *
 * A range's Raft log starts behind a truncated prefix (INITIAL_INDEX, INITIAL_TERM): what a range is
 * born with (bootstrap, split) is not in its log, so a replica without it must get a snapshot.
 */
import { AppliedState } from '../encoding/proto/kv.js';
import { encodeUint } from '../encoding/keyspace.js';
import { prefixEnd, type Key } from '../base/key.js';
import type { RangeId } from '../base/ids.js';
import type { LogSink } from '../raft/log-storage.js';
import type { ConfState } from '../raft/types.js';
import type { Engine, WriteBatch } from '../storage/engine.js';
import type { RangeDescriptor } from './kv-api.js';
import { decodeRangeDescriptor, encodeRangeDescriptor } from './range-descriptor-codec.js';

export const INITIAL_INDEX = 10;
export const INITIAL_TERM = 5;

export interface StoredReplica {
  readonly descriptor: RangeDescriptor;
  readonly appliedIndex: number;
  readonly appliedTerm: number;
  readonly installing: boolean;
}

function stateKey(rangeId: RangeId, what: 'd' | 'a' | 's'): Key {
  return `r${encodeUint(rangeId)}${what}`;
}

export function writeDescriptor(batch: WriteBatch, descriptor: RangeDescriptor): void {
  batch.put('local', stateKey(descriptor.rangeId, 'd'), encodeRangeDescriptor(descriptor));
}

export function writeApplied(batch: WriteBatch, rangeId: RangeId, index: number, term: number): void {
  batch.put('local', stateKey(rangeId, 'a'), AppliedState.encode({ index, term }).finish());
}

export function writeInstalling(batch: WriteBatch, rangeId: RangeId, installing: boolean): void {
  if (installing) batch.put('local', stateKey(rangeId, 's'), Buffer.from([1]));
  else batch.delete('local', stateKey(rangeId, 's'));
}

/** All replicas of the store, by range id. */
export function loadReplicas(engine: Engine): StoredReplica[] {
  const replicas: StoredReplica[] = [];
  for (const row of engine.scan({ family: 'local', start: 'r', end: prefixEnd('r') })) {
    if (!row.key.endsWith('d')) continue;
    const base = row.key.slice(0, -1);
    const applied = engine.get('local', `${base}a`);
    const state = applied === null ? { index: INITIAL_INDEX, term: INITIAL_TERM } : AppliedState.decode(applied);
    replicas.push({
      descriptor: decodeRangeDescriptor(row.value),
      appliedIndex: state.index,
      appliedTerm: state.term,
      installing: engine.get('local', `${base}s`) !== null,
    });
  }
  return replicas.sort((a, b) => a.descriptor.rangeId - b.descriptor.rangeId);
}

export function confOf(descriptor: RangeDescriptor): ConfState {
  const sorted = [...descriptor.replicas].sort((a, b) => a.nodeId - b.nodeId);
  return {
    voters: sorted.filter((r) => r.type === 'voter').map((r) => r.nodeId),
    votersOutgoing: [],
    learners: sorted.filter((r) => r.type === 'learner').map((r) => r.nodeId),
    learnersNext: [],
    autoLeave: false,
  };
}

/** The log family of a batch as Raft's log writes to it. */
export function logSink(batch: WriteBatch): LogSink {
  return {
    put: (key, value) => batch.put('log', key, value),
    delete: (key) => batch.delete('log', key),
    deleteRange: (start, end) => batch.deleteRange('log', start, end),
  };
}
