import { describe, expect, it } from 'vitest';
import { MemoryDisk } from '../../src/env/memory-disk.js';
import type { Logger } from '../../src/env/env.js';
import { ClockOffsetError, Hlc } from '../../src/hlc/hlc.js';
import { seededRng } from '../env/seeded-rng.js';
import { VirtualTime } from '../env/virtual-time.js';

const logger: Logger = { log: () => undefined, child: () => logger };

function machine() {
  const time = new VirtualTime();
  const skew = { us: 0 };
  const disk = new MemoryDisk();
  const clock = time.clock(skew);
  const open = async (boundPath: string | null = 'clock') => {
    let hlc: Hlc | null = null;
    let error: unknown = null;
    Hlc.open({ boundPath }, { clock, timers: time, disk, logger }).then(
      (opened) => (hlc = opened),
      (failed: unknown) => (error = failed),
    );
    let waitedMs = 0;
    await time.advance(0);
    while (hlc === null && error === null) {
      await time.advance(1);
      waitedMs++;
    }
    if (error !== null) throw error;
    return { hlc: hlc as unknown as Hlc, waitedMs };
  };
  return { time, skew, disk, clock, open };
}

describe('hybrid logical clock', () => {
  it('grows strictly, whatever the wall clock and the others do, also over restarts', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const rng = seededRng(seed);
      const { time, skew, clock, open } = machine();
      let { hlc } = await open();
      let last = 0;
      for (let step = 0; step < 300; step++) {
        const dice = rng.int(100);
        if (dice < 40) await time.advance(rng.int(400));
        else if (dice < 50) skew.us -= rng.int(2_000_000);
        else if (dice < 60) skew.us += rng.int(1_000_000);
        else if (dice < 80) {
          const remote = clock.wallUs() + rng.int(500_000) - 150_000;
          if (remote - clock.wallUs() > 250_000 && remote > hlc.peek())
            expect(() => hlc.update(remote)).toThrow(ClockOffsetError);
          else {
            hlc.update(remote);
            last = Math.max(last, remote);
          }
        } else if (dice < 83) {
          if (rng.int(2) === 0) await hlc.stop();
          ({ hlc } = await open());
        }
        const ts = hlc.now();
        expect(ts, `seed ${seed} step ${step}`).toBeGreaterThan(last);
        last = ts;
      }
    }
  });

  it('does not wait after a clean stop, and at most the bound after a crash', async () => {
    const { time, open } = machine();
    const first = await open();
    expect(first.waitedMs).toBe(0);
    await time.advance(10_000);
    await first.hlc.stop();
    const second = await open();
    expect(second.waitedMs).toBe(0);
    await time.advance(10_000);
    const third = await open();
    expect(third.waitedMs).toBeGreaterThan(1_000);
    expect(third.waitedMs).toBeLessThan(3_000);
  });

  it('refuses to start far behind its last run, and with a damaged bound', async () => {
    const { skew, disk, open } = machine();
    await open();
    skew.us = -3_600_000_000;
    await expect(open()).rejects.toMatchObject({ sqlstate: '58000', message: expect.stringContaining('behind') });
    const whole = (await disk.readFile('clock')) as Buffer;
    const flipped = Buffer.from(whole);
    flipped[3] = (flipped[3] as number) ^ 1;
    for (const damaged of [Buffer.from('rubbish'), Buffer.alloc(0), flipped, whole.subarray(0, 9)]) {
      await disk.writeFileSync('clock', damaged);
      await expect(open()).rejects.toMatchObject({ sqlstate: 'XX001', message: '"clock" is damaged' });
    }
  });

  it('follows the wall clock past its bound after a stall, and counts it', async () => {
    const { time, clock, open } = machine();
    const { hlc } = await open();
    time.stall(60_000);
    expect(hlc.now()).toBe(clock.wallUs());
    hlc.now();
    expect(hlc.boundOverruns).toBe(1);
    await time.advance(2_000);
    hlc.now();
    expect(hlc.boundOverruns).toBe(1);
  });

  it('is too far off only against a majority, for certain, and while the measurements are fresh', async () => {
    const { time, open } = machine();
    const { hlc } = await open(null);
    hlc.recordOffset(2, 210_000, 1_000);
    expect(hlc.tooFarOff()).toBe(false);
    hlc.recordOffset(3, -230_000, 50_000);
    expect(hlc.tooFarOff()).toBe(false);
    hlc.recordOffset(3, 230_000, 1_000);
    expect(hlc.tooFarOff()).toBe(true);
    hlc.recordOffset(3, 0, 500_000);
    expect(hlc.tooFarOff()).toBe(true);
    await time.advance(10_001);
    expect(hlc.tooFarOff()).toBe(false);
    expect(hlc.offsets()).toEqual([]);
  });
});
