import { expect, it } from 'vitest';
import { SlowSyncs } from '../../src/range/slow-syncs.js';
import type { Clock, Logger } from '../../src/env/env.js';

it('slow syncs are told at most once in five seconds, with what came between', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const clock = { monotonicMs: () => nowMs } as Clock;
  const logger: Logger = {
    log: (level, text, fields) => void lines.push(`${level} ${text} ${JSON.stringify(fields)}`),
    child: () => logger,
  };
  const watch = new SlowSyncs(clock, logger);
  const sync = (ms: number): void => {
    const beganMs = nowMs;
    nowMs += ms;
    watch.ended(beganMs);
  };
  for (let i = 0; i < 1_000; i++) sync(199);
  expect(lines).toEqual([]);
  for (const ms of [200, 300, 250.4, 4_500]) sync(ms);
  const text = 'info the disk is slow to sync the log';
  expect(lines).toEqual([`${text} {"writes":1,"msMax":200}`, `${text} {"writes":3,"msMax":4500}`]);
  sync(201);
  expect(lines).toHaveLength(2);
});
