import { describe, expect, it } from 'vitest';
import type { LivenessMessage } from '../../src/encoding/proto/cluster.js';
import type { Logger } from '../../src/env/env.js';
import { LIVENESS_HEARTBEAT, StoreLiveness } from '../../src/cluster/store-liveness.js';
import { Hlc } from '../../src/hlc/hlc.js';
import { MemoryDisk } from '../../src/env/memory-disk.js';
import type { RpcNetwork } from '../../src/rpc/types.js';
import { seededRng } from '../env/seeded-rng.js';
import { VirtualTime } from '../env/virtual-time.js';

const logger: Logger = { log: () => undefined, child: () => logger };

/** A few stores on virtual time; messages are lost, doubled and reordered, disks slow and failing. */
class Cluster {
  readonly time = new VirtualTime();
  readonly rng;
  readonly size: number;
  readonly stores = new Map<number, { liveness: StoreLiveness; hlc: Hlc; incarnation: number }>();
  readonly disks = new Map<number, Uint8Array>();
  readonly #skews: { us: number }[] = [];
  readonly #handlers = new Map<number, (message: LivenessMessage, from: number) => void>();
  readonly writes = new Map<number, number>();
  readonly cut = new Set<string>();
  lossPercent = 0;
  delayMsMax = 1;
  writeMsMax = 3;
  slowWrite: { readonly node: number; readonly each: number; readonly ms: number } | null = null;
  writeFailPercent = 0;
  messages = 0;
  #incarnations = 0;
  readonly #starts = new Map<string, number>();

  constructor(seed: number, size: number, skewUsMax = 0) {
    this.rng = seededRng(seed);
    this.size = size;
    for (let node = 0; node <= size; node++) this.#skews.push({ us: this.rng.int(skewUsMax + 1) - skewUsMax / 2 });
  }

  async startNode(node: number): Promise<void> {
    const incarnation = ++this.#incarnations;
    const current = (): boolean => this.stores.get(node)?.incarnation === incarnation;
    const clock = this.time.clock(this.#skews[node]);
    const timers = {
      after: (ms: number, fn: () => void) => this.time.after(ms, () => current() && fn()),
      every: (ms: number, fn: () => void) => this.time.every(ms, () => current() && fn()),
      endOfTurn: (fn: () => void) => this.time.endOfTurn(() => current() && fn()),
      sleep: (ms: number) => this.time.sleep(ms),
    };
    const hlc = await Hlc.open({ boundPath: null }, { clock, timers, disk: new MemoryDisk(), logger });
    const network: Pick<RpcNetwork, 'send' | 'handleOneWay'> = {
      handleOneWay: (_method, fn) => void this.#handlers.set(node, fn as never),
      send: (to, method, message) => {
        if (!current()) return;
        this.messages++;
        const bytes = method.encodeRequest(message);
        const sent = hlc.now();
        const copies = this.rng.int(100) < 5 && this.lossPercent > 0 ? 2 : 1;
        for (let i = 0; i < copies; i++) {
          if (this.rng.int(100) < this.lossPercent) continue;
          this.time.after(this.rng.next() * this.delayMsMax, () => {
            const receiver = this.stores.get(to);
            if (receiver === undefined || this.cut.has(`${node}>${to}`)) return;
            receiver.hlc.update(sent);
            this.#handlers.get(to)?.(LIVENESS_HEARTBEAT.decodeRequest(bytes), node);
          });
        }
      },
    };
    const persist = async (bytes: Uint8Array): Promise<void> => {
      const copy = Uint8Array.from(bytes);
      const slow = this.slowWrite?.node === node && (this.writes.get(node) ?? 0) % this.slowWrite.each === 0;
      await this.time.sleep(slow ? this.slowWrite!.ms : this.rng.next() * this.writeMsMax);
      if (this.rng.int(100) < this.writeFailPercent) {
        if (this.rng.int(2) === 0 && current()) this.disks.set(node, copy);
        throw new Error('disk error');
      }
      // A crash loses what was not written.
      if (!current()) return;
      this.disks.set(node, copy);
      this.writes.set(node, (this.writes.get(node) ?? 0) + 1);
    };
    const liveness = new StoreLiveness(
      { self: node },
      {
        network,
        hlc,
        clock,
        timers,
        logger,
        persist,
        persisted: this.disks.get(node) ?? null,
        recordOffset: (from, us, uncertainty) => hlc.recordOffset(from, us, uncertainty),
      },
    );
    liveness.setPeers(Array.from({ length: this.size }, (_, index) => index + 1));
    this.stores.set(node, { liveness, hlc, incarnation });
    liveness.start();
  }

  crash(node: number): void {
    this.stores.delete(node);
  }

  get(node: number): StoreLiveness {
    return this.stores.get(node)!.liveness;
  }

  /** The promise: what a requester believes, the supporter keeps. */
  check(context: string): number {
    let beliefs = 0;
    for (const [requester, { liveness }] of this.stores) {
      for (const [supporter, store] of this.stores) {
        if (supporter === requester) continue;
        this.#checkStart(requester, supporter, context);
        const belief = liveness.supportFrom(supporter);
        if (belief.expiration === 0) continue;
        beliefs++;
        const given = store.liveness.supportFor(requester);
        const kept = (given.epoch === belief.epoch && given.supported) || store.hlc.now() > belief.expiration;
        expect(
          kept,
          `${context}: ${supporter} broke its promise to ${requester}: ${JSON.stringify({ belief, given, now: store.hlc.now() })}`,
        ).toBe(true);
      }
    }
    return beliefs;
  }

  /** What is known of a peer's last start is never later than it was, and a late message takes nothing back. */
  #checkStart(knower: number, peer: number, context: string): void {
    const { liveness, incarnation } = this.stores.get(knower)!;
    const heard = `${knower}/${incarnation} of ${peer}`;
    const known = liveness.startedAt(peer);
    expect(known, `${context}: ${heard}`).toBeLessThanOrEqual(this.get(peer).startedAt(peer));
    expect(known, `${context}: ${heard}`).toBeGreaterThanOrEqual(this.#starts.get(heard) ?? 0);
    this.#starts.set(heard, known);
  }
}

describe('store liveness', () => {
  it('never breaks a promise, over loss, delay, slow and failing disks, skew, and crashes of either side', async () => {
    let beliefs = 0;
    let withdrawals = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const cluster = new Cluster(seed, 3, 200_000);
      const { rng } = cluster;
      cluster.lossPercent = rng.int(3) * 15;
      cluster.delayMsMax = [1, 50, 700, 3000][rng.int(4)]!;
      cluster.writeMsMax = [1, 20, 600][rng.int(3)]!;
      cluster.writeFailPercent = rng.int(2) * 10;
      for (let node = 1; node <= 3; node++) await cluster.startNode(node);
      for (let step = 0; step < 400; step++) {
        const node = 1 + rng.int(3);
        const dice = rng.int(100);
        if (dice < 4) cluster.crash(node);
        else if (dice < 10 && !cluster.stores.has(node)) {
          await cluster.startNode(node);
          cluster.get(node).onSupportWithdrawn(() => void withdrawals++);
        } else if (dice < 12) cluster.cut.add(`${node}>${1 + rng.int(3)}`);
        else if (dice < 18) cluster.cut.clear();
        else if (dice < 20) cluster.time.stall(rng.int(4000));
        await cluster.time.advance(rng.int(150));
        beliefs += cluster.check(`seed ${seed} step ${step}`);
      }
    }
    expect(beliefs).toBeGreaterThan(5_000);
    expect(withdrawals).toBeGreaterThan(50);
  });

  it('is in force soon after a start, and costs little when idle', async () => {
    const cluster = new Cluster(7, 3);
    for (let node = 1; node <= 3; node++) await cluster.startNode(node);
    await cluster.time.advance(500);
    for (let a = 1; a <= 3; a++) {
      for (let b = 1; b <= 3; b++) {
        expect(cluster.get(a).supportFor(b)).toEqual({ epoch: 1, supported: true });
        expect(cluster.get(a).supportFrom(b).epoch).toBe(1);
        expect(cluster.get(a).supportFrom(b).expiration).toBeGreaterThan(cluster.stores.get(a)!.hlc.now() + 1_000_000);
        expect(cluster.get(a).isLive(b)).toBe(true);
        expect(cluster.get(a).startedAt(b)).toBe(cluster.get(b).startedAt(b));
      }
    }
    cluster.messages = 0;
    cluster.writes.clear();
    await cluster.time.advance(60_000);
    expect(cluster.messages).toBe(100 * 12);
    for (let node = 1; node <= 3; node++) expect(cluster.writes.get(node)).toBeLessThan(60);
    expect(cluster.stores.get(1)!.hlc.offsets().length).toBe(2);
  });

  it('stays in force on disks that now and then take 2.3 seconds for a write', async () => {
    const cluster = new Cluster(21, 3);
    for (let node = 1; node <= 3; node++) await cluster.startNode(node);
    await cluster.time.advance(500);
    let withdrawals = 0;
    for (let node = 1; node <= 3; node++) cluster.get(node).onSupportWithdrawn(() => void withdrawals++);
    cluster.slowWrite = { node: 1, each: 10, ms: 2_300 };
    cluster.writes.clear();
    await cluster.time.advance(600_000);
    expect(withdrawals).toBe(0);
    for (let node = 1; node <= 3; node++) expect(cluster.writes.get(node)).toBeGreaterThan(100);
  });

  it('does not tell that a node is gone before it has listened for as long as support lasts', async () => {
    const cluster = new Cluster(12, 3);
    await cluster.startNode(1);
    const now = (): number => cluster.stores.get(1)!.hlc.now();
    const old = now() - 60_000_000;
    expect(cluster.get(1).isLive(2)).toBe(false);
    expect(cluster.get(1).isTooEarlyToTell(old)).toBe(true);
    await cluster.time.advance(2_300);
    expect(cluster.get(1).isTooEarlyToTell(old)).toBe(true);
    await cluster.time.advance(200);
    expect(cluster.get(1).isTooEarlyToTell(old)).toBe(false);
    // A node that starts only now may have begun something before its first word comes.
    const young = now();
    expect(cluster.get(1).isTooEarlyToTell(young)).toBe(true);
    await cluster.time.advance(2_500);
    expect(cluster.get(1).isTooEarlyToTell(young)).toBe(false);
  });

  it('withdraws from a dead node within the support time, tells both sides, and takes it back under a new epoch', async () => {
    const cluster = new Cluster(8, 3);
    for (let node = 1; node <= 3; node++) await cluster.startNode(node);
    await cluster.time.advance(1_000);
    const events: string[] = [];
    cluster.get(1).onSupportWithdrawn((node) => events.push(`withdrawn ${node}`));
    cluster.get(1).onSupportFromChanged((node) => events.push(`changed ${node}`));
    cluster.crash(3);
    await cluster.time.advance(2_700);
    expect(events.sort()).toEqual(['changed 3', 'withdrawn 3']);
    expect(cluster.get(1).supportFor(3)).toEqual({ epoch: 2, supported: false });
    expect(cluster.get(1).isLive(3)).toBe(false);
    events.length = 0;
    await cluster.startNode(3);
    await cluster.time.advance(5_000);
    expect(cluster.get(1).supportFor(3)).toEqual({ epoch: 2, supported: true });
    expect(cluster.get(3).supportFrom(1).expiration).toBeGreaterThan(cluster.stores.get(3)!.hlc.now());
    expect(events).toContain('changed 3');
  });

  it('moves to the higher epoch when support was withdrawn behind its back', async () => {
    const cluster = new Cluster(9, 2);
    await cluster.startNode(1);
    await cluster.startNode(2);
    await cluster.time.advance(1_000);
    cluster.cut.add('1>2');
    await cluster.time.advance(4_000);
    expect(cluster.get(2).supportFor(1)).toEqual({ epoch: 2, supported: false });
    expect(cluster.get(1).supportFrom(2).expiration).toBeLessThan(cluster.stores.get(1)!.hlc.now());
    cluster.cut.clear();
    await cluster.time.advance(1_300);
    expect(cluster.get(2).supportFor(1)).toEqual({ epoch: 2, supported: true });
    expect(cluster.get(1).supportFrom(2)).toMatchObject({ epoch: 2 });
    expect(cluster.get(1).supportFrom(2).expiration).toBeGreaterThan(cluster.stores.get(1)!.hlc.now());
  });

  it('asks at once after a clean stop, and does not withdraw right after a stall', async () => {
    const cluster = new Cluster(10, 2);
    await cluster.startNode(1);
    await cluster.startNode(2);
    await cluster.time.advance(1_000);
    const stopping = cluster.get(1).stop();
    await cluster.time.advance(10);
    await stopping;
    cluster.crash(1);
    await cluster.startNode(1);
    await cluster.time.advance(450);
    expect(cluster.get(1).supportFrom(2).expiration).toBeGreaterThan(cluster.stores.get(1)!.hlc.now());
    cluster.time.stall(30_000);
    const ended: number[] = [];
    for (const node of [1, 2]) cluster.get(node).onSupportWithdrawn((peer) => ended.push(peer));
    await cluster.time.advance(1_000);
    expect(ended).toEqual([]);
    expect(cluster.get(1).isLive(2)).toBe(true);
  });

  it('tells when a peer last started, also when messages of earlier lives come late', async () => {
    const cluster = new Cluster(11, 2);
    cluster.delayMsMax = 8_000;
    await cluster.startNode(1);
    for (let life = 0; life < 20; life++) {
      await cluster.startNode(2);
      for (let i = 0; i < 50; i++) {
        await cluster.time.advance(100);
        cluster.check(`life ${life}`);
      }
      cluster.crash(2);
    }
    await cluster.startNode(2);
    await cluster.time.advance(12_000);
    expect(cluster.get(1).startedAt(2)).toBe(cluster.get(2).startedAt(2));
  });

  it('refuses a damaged state', () => {
    expect(
      () =>
        new StoreLiveness({ self: 1 }, {
          network: { send: () => undefined, handleOneWay: () => undefined },
          persisted: Buffer.from([0xff, 0xff]),
        } as never),
    ).toThrow(/damaged/);
  });
});
