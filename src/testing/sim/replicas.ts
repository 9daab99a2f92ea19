/**
 * Whether all replicas of all ranges agree: the same descriptors, the same applied index, the same
 * bytes in everything that the range owns.
 */
import { crc32 } from 'node:zlib';
import { formatKey } from '../../base/key.js';
import { dataSpans } from '../../range/snapshots.js';
import type { Engine } from '../../storage/engine.js';
import type { RangeDescriptor } from '../../range/kv-api.js';
import type { SimMachine, SimWorld } from './world.js';

/** What differs, in words; null: everything agrees and every range has a leaseholder. */
export function compareReplicas(world: SimWorld): string | null {
  const ranges = new Map<number, RangeDescriptor>();
  for (const { name, node } of world.machines) {
    if (node === null) return `${name} does not serve`;
    for (const { rangeId, descriptor } of node.store.replicas()) ranges.set(rangeId, descriptor);
  }
  for (const [rangeId, descriptor] of [...ranges].sort(([a], [b]) => a - b)) {
    const states = world.machines.map((machine) => describe(machine, rangeId));
    if (new Set(states).size !== 1) {
      const lines = states.map(
        (state, i) => `  ${world.machines[i]!.name}: ${state}${raftState(world.machines[i]!, rangeId)}`,
      );
      return `range ${rangeId} (${formatKey(descriptor.start)}):\n${lines.join('\n')}${firstDifference(world, descriptor)}`;
    }
    const served = world.machines.some((m) => m.node!.store.replica(rangeId)!.serving(m.node!.store.hlc.now()));
    if (!served) return `nobody serves range ${rangeId}`;
  }
  return null;
}

function describe(machine: SimMachine, rangeId: number): string {
  const { store } = machine.node!;
  const replica = store.replica(rangeId);
  if (replica === undefined) return 'no replica';
  const { start, end, generation } = replica.descriptor;
  const bounds = `generation ${generation}, ${formatKey(start)} to ${formatKey(end)}`;
  return `${bounds}, applied ${replica.appliedIndex}, checksum ${checksum(store.engine, replica.descriptor)}`;
}

/** What explains why a replica does not follow. */
function raftState(machine: SimMachine, rangeId: number): string {
  const replica = machine.node!.store.replica(rangeId);
  if (replica === undefined) return '';
  const { raft, log } = replica;
  const flags = `${replica.installing ? ', installing' : ''}${replica.quiesced ? ', quiesced' : ''}`;
  const state = `${raft.role} of n${raft.leader} in term ${raft.term}, committed ${raft.committed}, last ${raft.lastIndex}`;
  const peers = raft.isLeader
    ? raft
        .peers()
        .map(
          (p) =>
            `\n      n${p.id}: ${p.state}, match ${p.match}, next ${p.next}, in flight ${p.inflight}${p.recentActive ? '' : ', silent'}`,
        )
    : [];
  return `\n    ${state}, stable ${raft.stableIndex}, truncated ${log.truncated().index}${flags}${peers.join('')}`;
}

function checksum(engine: Engine, descriptor: RangeDescriptor): string {
  let sum = 0;
  for (const span of dataSpans(descriptor)) {
    for (const row of engine.scan(span)) sum = crc32(row.value, crc32(Buffer.from(row.key, 'latin1'), sum));
  }
  return sum.toString(16);
}

/** The first row that is not the same on all nodes. */
function firstDifference(world: SimWorld, descriptor: RangeDescriptor): string {
  for (const span of dataSpans(descriptor)) {
    const rows = world.machines.map((m) => new Map(m.node!.store.engine.scan(span).map((r) => [r.key, r.value])));
    const keys = [...new Set(rows.flatMap((map) => [...map.keys()]))].sort();
    for (const key of keys) {
      const values = rows.map((map) => map.get(key)?.toString('hex') ?? 'absent');
      if (new Set(values).size === 1) continue;
      const lines = values.map((value, i) => `  ${world.machines[i]!.name}: ${value.slice(0, 200)}`);
      return `\nfirst difference in ${span.family} at ${formatKey(key)}:\n${lines.join('\n')}`;
    }
  }
  return '';
}
