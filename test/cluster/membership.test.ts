import { textChecksum } from '../../src/base/checksum.js';
import { describe, expect, it } from 'vitest';
import { ClusterMembership, readIdentity, type MembershipOptions } from '../../src/cluster/membership.js';
import type { Logger } from '../../src/env/env.js';
import { MemoryDisk } from '../../src/env/memory-disk.js';
import { MemoryHub } from '../../src/env/memory-transport.js';
import { Hlc } from '../../src/hlc/hlc.js';
import { RpcNetworkImpl } from '../../src/rpc/network.js';
import { seededRng } from '../env/seeded-rng.js';
import { VirtualTime } from '../env/virtual-time.js';

const logger: Logger = { log: () => undefined, child: () => logger };
const JOIN = ['n1:1', 'n2:1', 'n3:1'];

class World {
  readonly time = new VirtualTime();
  readonly hub = new MemoryHub(this.time);
  readonly rng;
  readonly disks = new Map<number, MemoryDisk>();
  readonly running = new Map<number, { membership: ClusterMembership; network: RpcNetworkImpl }>();
  #generation = 1;

  constructor(seed: number) {
    this.rng = seededRng(seed);
  }

  disk(node: number): MemoryDisk {
    let disk = this.disks.get(node);
    if (disk === undefined) this.disks.set(node, (disk = new MemoryDisk()));
    return disk;
  }

  async start(node: number, options: Partial<MembershipOptions> = {}): Promise<ClusterMembership> {
    const clock = this.time.clock();
    const { rng, time } = this;
    const membership = await ClusterMembership.open(
      {
        dataDir: '/data',
        join: JOIN,
        rpcAddress: `n${node}:1`,
        sqlAddress: `n${node}:2`,
        httpAddress: `n${node}:3`,
        locality: `host=h${node}`,
        buildVersion: '0.1.0',
        generation: this.#generation++,
        ...options,
      },
      { disk: this.disk(node), rng, timers: time, logger },
    );
    const hlc = await Hlc.open({ boundPath: null }, { clock, timers: time, disk: this.disk(node), logger });
    const network = new RpcNetworkImpl(
      { nodeId: membership.nodeId, clusterId: membership.clusterId },
      { transport: this.hub.host(`n${node}`), timers: time, clock, rng, hlc, logger },
    );
    await network.start(`n${node}:1`);
    membership.start(network);
    this.running.set(node, { membership, network });
    return membership;
  }

  async stop(node: number): Promise<void> {
    const { membership, network } = this.running.get(node)!;
    this.running.delete(node);
    await membership.stop();
    await network.stop();
    this.hub.kill(`n${node}`);
  }

  clusterIds(): string[] {
    return [...this.running.values()].map(({ membership }) => membership.clusterId);
  }
}

describe('membership', () => {
  it('makes one cluster, whatever the order of the starts, and spreads the descriptors', async () => {
    for (let seed = 0; seed < 12; seed++) {
      const world = new World(seed);
      const order = [1, 2, 3].sort(() => world.rng.next() - 0.5);
      for (const node of order) {
        await world.start(node);
        await world.time.advance(world.rng.int(3) * 700);
      }
      await world.time.advance(6_000);
      const ids = new Set(world.clusterIds());
      expect(ids.size, `seed ${seed}`).toBe(1);
      expect([...ids][0]).toMatch(/^[0-9a-f]{32}$/);
      for (const [node, { membership }] of world.running) {
        expect(membership.nodeId).toBe(node);
        expect(await membership.ready).toBe([...ids][0]);
        expect(membership.nodes().map((n) => [n.nodeId, n.rpcAddress, n.sqlAddress, n.locality])).toEqual(
          [1, 2, 3].map((n) => [n, `n${n}:1`, `n${n}:2`, `host=h${n}`]),
        );
        expect(await readIdentity(world.disk(node), '/data')).toEqual({ clusterId: [...ids][0], nodeId: node });
      }
    }
  });

  it('waits for a majority, and is quick when it is there', async () => {
    const world = new World(1);
    await world.start(1);
    await world.time.advance(30_000);
    expect(world.clusterIds()).toEqual(['']);
    await world.start(3);
    await world.time.advance(1_500);
    expect(new Set(world.clusterIds()).size).toBe(1);
    expect(world.clusterIds()[0]).not.toBe('');
    await world.start(2);
    await world.time.advance(500);
    expect(new Set(world.clusterIds()).size).toBe(1);
  });

  it('does not make a cluster without the first node', async () => {
    const world = new World(2);
    await world.start(2);
    await world.start(3);
    await world.time.advance(10_000);
    expect(world.clusterIds()).toEqual(['', '']);
  });

  it('keeps its identity over restarts and tells new addresses', async () => {
    const world = new World(3);
    for (const node of [1, 2, 3]) await world.start(node);
    await world.time.advance(1_000);
    const id = world.clusterIds()[0]!;
    const changes: string[] = [];
    world.running.get(1)!.membership.onChange((node) => changes.push(`${node.nodeId} ${node.sqlAddress}`));
    await world.stop(2);
    const again = await world.start(2, { sqlAddress: 'elsewhere:9' });
    expect(again.clusterId).toBe(id);
    await world.time.advance(4_000);
    expect(changes).toEqual(['2 elsewhere:9']);
    expect(world.running.get(3)!.membership.node(2)?.sqlAddress).toBe('elsewhere:9');
    expect(world.running.get(3)!.membership.addressOf(2)).toBe('n2:1');
  });

  it('refuses a member that lost its directory, and does not let the first node start over', async () => {
    const world = new World(4);
    for (const node of [1, 2, 3]) await world.start(node);
    await world.time.advance(5_000);
    for (const lost of [3, 1]) {
      await world.stop(lost);
      world.disks.delete(lost);
      const fresh = await world.start(lost);
      const outcome = expect(fresh.ready).rejects.toMatchObject({
        sqlstate: '55000',
        message: expect.stringContaining(`node ${lost} is a member`),
      });
      await world.time.advance(5_000);
      await outcome;
      expect(await readIdentity(world.disk(lost), '/data')).toBeNull();
      await world.stop(lost);
    }
  });

  it('works alone', async () => {
    const world = new World(5);
    const only = await world.start(1, { join: [] });
    await world.time.advance(10);
    expect(await only.ready).toMatch(/^[0-9a-f]{32}$/);
    expect(only.nodeId).toBe(1);
  });

  it('refuses wrong lists, other directories and newer formats', async () => {
    const world = new World(6);
    await expect(world.start(1, { rpcAddress: 'x:1' })).rejects.toMatchObject({
      sqlstate: '22023',
      message: expect.stringContaining('not in the join list'),
    });
    await expect(world.start(1, { join: ['n1:1', 'n1:1'] })).rejects.toMatchObject({ sqlstate: '22023' });
    await expect(world.start(1, { nodeId: 2 })).rejects.toMatchObject({ sqlstate: '22023' });
    const write = (value: string) => world.disk(1).writeFileSync('/data/node.json', Buffer.from(value));
    const identity = JSON.stringify({ format: 1, clusterId: 'c', nodeId: 2 });
    await write(`${identity.slice(0, -1)},"checksum":"${textChecksum(identity)}"}`);
    await expect(world.start(1)).rejects.toMatchObject({
      sqlstate: '55000',
      message: expect.stringContaining('belongs to node 2'),
    });
    const newer = JSON.stringify({ format: 2, clusterId: 'c', nodeId: 1 });
    await write(`${newer.slice(0, -1)},"checksum":"${textChecksum(newer)}"}`);
    await expect(world.start(1)).rejects.toMatchObject({
      sqlstate: '55000',
      message: expect.stringContaining('newer version'),
    });
    // A flipped bit in the number of the format is damage, not a newer version.
    await write(`${newer.replace('"format":2', '"format":3').slice(0, -1)},"checksum":"${textChecksum(newer)}"}`);
    await expect(world.start(1)).rejects.toMatchObject({ sqlstate: 'XX001' });
    const flipped = `${identity.slice(0, -1)},"checksum":"${textChecksum(identity.replace('2', '3'))}"}`;
    for (const damaged of ['', '{', '[]', '{"format":1}', 'null', identity, flipped]) {
      await write(damaged);
      await expect(world.start(1)).rejects.toMatchObject({
        sqlstate: 'XX001',
        message: '"/data/node.json" is damaged',
      });
    }
    const different = new World(7);
    const a = await different.start(1);
    await different.start(3, { join: ['n2:1', 'n1:1', 'n3:1'] });
    const outcome = expect(a.ready).rejects.toMatchObject({
      sqlstate: '22023',
      message: expect.stringContaining('join list'),
    });
    await different.time.advance(2_000);
    await outcome;
  });
});
