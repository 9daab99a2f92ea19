/** The simulated environment by itself: what its faults do, and what they leave alone. */
import { describe, expect, it } from 'vitest';
import { runTurns } from '../../src/env/node/turns.js';
import type { ByteStream, FrameStream } from '../../src/env/env.js';
import { SimClock, SimTimers } from '../../src/env/sim/clock.js';
import { SimMachineDisk } from '../../src/env/sim/disk.js';
import { NO_LINK_FAULTS, SimNetwork } from '../../src/env/sim/network.js';
import { SimRandom } from '../../src/env/sim/random.js';
import { SimProcess, SimScheduler } from '../../src/env/sim/scheduler.js';
import { SimTrace } from '../../src/env/sim/trace.js';

function world(seed = 1) {
  const trace = new SimTrace();
  const scheduler = new SimScheduler(trace, runTurns);
  const random = new SimRandom(seed);
  const network = new SimNetwork(scheduler, trace, random.fork('network'));
  const process = (name: string): SimProcess => new SimProcess(scheduler, name);
  return { trace, scheduler, random, network, process };
}

async function frames(place: ReturnType<typeof world>) {
  const [a, b] = [place.process('a'), place.process('b')];
  const received: number[] = [];
  await place.network.transport(b).listenFrames('b:1', (stream) => {
    stream.onFrame((frame) => void received.push(frame.readUInt32BE(0)));
  });
  const stream: FrameStream = await place.scheduler.run(place.network.transport(a).connectFrames('b:1', 1_000), 1e7);
  const send = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const frame = Buffer.alloc(4);
      frame.writeUInt32BE(i);
      stream.send(frame);
    }
  };
  return { a, b, received, send, stream };
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('virtual time', () => {
  it('runs events in order of time, then of scheduling, and drains what they await in between', async () => {
    const { scheduler } = world();
    const seen: string[] = [];
    scheduler.after(20, null, () => void seen.push('c'));
    scheduler.after(10, null, () => {
      seen.push('a');
      void Promise.resolve().then(() => Promise.resolve().then(() => seen.push('a, later')));
    });
    scheduler.after(10, null, () => void seen.push('b'));
    await scheduler.run(scheduler.sleep(30), 1_000);
    expect(seen).toEqual(['a', 'a, later', 'b', 'c']);
    expect(scheduler.nowUs).toBe(30);
  });

  it('says when what is waited for can never come, or comes too late', async () => {
    const { scheduler } = world();
    await expect(scheduler.run(new Promise(() => undefined), 1_000)).rejects.toThrow('nothing is left to happen');
    await expect(scheduler.run(scheduler.sleep(5_000), 1_000)).rejects.toThrow('within the virtual time allowed');
  });

  it('holds back what belongs to a paused process, and drops what belongs to a dead one', async () => {
    const { scheduler, process } = world();
    const [one, two] = [process('one'), process('two')];
    const seen: string[] = [];
    scheduler.after(10, one, () => void seen.push(`one at ${scheduler.nowUs}`));
    scheduler.after(10, two, () => void seen.push('two'));
    one.pause();
    two.die();
    await scheduler.run(scheduler.sleep(50), 1_000);
    expect(seen).toEqual([]);
    one.resume();
    await scheduler.run(scheduler.sleep(50), 1_000);
    expect(seen).toEqual(['one at 50']);
  });
});

describe('the simulated network', () => {
  it('without faults delivers everything once and in order', async () => {
    const place = world();
    const { received, send } = await frames(place);
    send(0, 200);
    await place.scheduler.run(place.scheduler.sleep(1e6), 1e7);
    expect(received).toEqual(upTo(200));
  });

  it('loses, doubles and reorders frames when told to, and nothing else', async () => {
    const place = world();
    const { received, send } = await frames(place);
    place.network.setFaults('a', 'b', { ...NO_LINK_FAULTS, loss: 0.3 });
    send(0, 200);
    await place.scheduler.run(place.scheduler.sleep(1e6), 1e7);
    expect(received.length).toBeGreaterThan(80);
    expect(received.length).toBeLessThan(190);
    expect(received).toEqual([...new Set(received)].sort((x, y) => x - y));
    received.length = 0;
    place.network.setFaults('a', 'b', { ...NO_LINK_FAULTS, duplicate: 0.5, reorder: 0.5, detourUs: 50_000 });
    send(0, 200);
    await place.scheduler.run(place.scheduler.sleep(1e6), 1e7);
    expect(received.length).toBeGreaterThan(250);
    expect([...new Set(received)].sort((x, y) => x - y)).toEqual(upTo(200));
    expect(received).not.toEqual([...received].sort((x, y) => x - y));
  });

  it('a cut drops or holds what meets it; overlapping cuts heal with the last', async () => {
    const place = world();
    const { received, send } = await frames(place);
    const drop = place.network.cut('a', 'b', 'drop');
    send(0, 10);
    await place.scheduler.run(place.scheduler.sleep(1e6), 1e7);
    expect(received).toEqual([]);
    const hold = place.network.cut('a', 'b', 'hold');
    drop.heal();
    send(10, 20);
    await place.scheduler.run(place.scheduler.sleep(1e6), 1e7);
    expect(received).toEqual([]);
    hold.heal();
    hold.heal();
    await place.scheduler.run(place.scheduler.sleep(1e6), 1e7);
    expect(received).toEqual(upTo(20).slice(10));
  });

  it('bytes of a client are never lost, doubled or reordered, whatever the link does to frames', async () => {
    const place = world();
    const [a, b] = [place.process('a'), place.process('b')];
    const received: number[] = [];
    await place.network.transport(b).listenBytes('b:1', (stream) => {
      stream.onData((data) => void received.push(...data));
    });
    const stream: ByteStream = await place.scheduler.run(place.network.transport(a).connectBytes('b:1', 1_000), 1e7);
    place.network.setFaults('a', 'b', { ...NO_LINK_FAULTS, loss: 0.5, duplicate: 0.5, reorder: 0.5, detourUs: 9_000 });
    const cut = place.network.cut('a', 'b', 'drop');
    for (let i = 0; i < 100; i++) stream.write(Buffer.from([i]));
    await place.scheduler.run(place.scheduler.sleep(1e6), 1e7);
    cut.heal();
    await place.scheduler.run(place.scheduler.sleep(1e6), 1e7);
    expect(received).toEqual(upTo(100));
  });

  it('tells the peers of a process that died with its machine alive, and not of a lost machine', async () => {
    for (const tell of [true, false]) {
      const place = world();
      const { b, stream } = await frames(place);
      let closed = false;
      stream.onClose(() => (closed = true));
      b.die();
      place.network.processDied(b, tell);
      await place.scheduler.run(place.scheduler.sleep(1e6), 1e7);
      expect(closed).toBe(tell);
      await expect(
        place.scheduler.run(place.network.transport(place.process('c')).connectFrames('b:1', 1_000), 1e7),
      ).rejects.toThrow('refused');
    }
  });
});

describe('simulated clocks and disks', () => {
  it('a clock drifts and jumps; its timers keep its pace; the monotonic clock never jumps', async () => {
    const { scheduler, process, random } = world();
    const clock = new SimClock(scheduler);
    const timers = new SimTimers(scheduler, process('a'), clock, random);
    clock.drift(100_000);
    await scheduler.run(timers.sleep(1_100), 1e7);
    expect(scheduler.nowUs).toBe(1e6);
    expect(clock.errorUs()).toBe(1e5);
    const before = clock.monotonicMs();
    clock.jump(-5e6);
    expect(clock.monotonicMs()).toBe(before);
    clock.correct();
    expect(clock.errorUs()).toBe(0);
  });

  it('a file is there as a whole or not at all after a crash in its write; full and flipped disks show', async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 30; seed++) {
      const { scheduler, process, random } = world(seed);
      const machine = new SimMachineDisk('a', scheduler, random);
      const first = process('a');
      const disk = machine.open(first);
      await scheduler.run(disk.writeFileSync('/f', Buffer.from('old')), 1e7);
      void disk.writeFileSync('/f', Buffer.from('new'));
      first.die();
      await scheduler.run(scheduler.sleep(1e6), 1e7);
      const second = machine.open(process('a'));
      const found = await scheduler.run(second.readFile('/f'), 1e7);
      outcomes.add(String(found));
      machine.faults.full = true;
      await expect(scheduler.run(second.writeFileSync('/f', Buffer.from('x')), 1e7)).rejects.toThrow('ENOSPC');
      machine.faults.full = false;
      machine.faults.flip = 1;
      expect(await scheduler.run(second.readFile('/f'), 1e7)).not.toEqual(found);
    }
    expect([...outcomes].sort()).toEqual(['new', 'old']);
  });
});
