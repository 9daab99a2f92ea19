/**
 * Two minutes of chaos with real processes (docs/testing/chaos.md): five nodes, every kind of fault, and
 * not one anomaly. `QUORAL_CHAOS_MINUTES` makes it longer or shorter, `QUORAL_CHAOS_SEED` repeats a plan.
 */
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { chaosDirectory, runChaos } from '../../chaos/chaos.js';
import { FAULT_KINDS } from '../../chaos/faults.js';
import { MAIN, PATIENCE } from './nodes.js';

const MINUTES = Number(process.env['QUORAL_CHAOS_MINUTES'] ?? '2');
const SEED = Number(process.env['QUORAL_CHAOS_SEED'] ?? String(Date.now() % 1_000_000));
/** Starting, healing, the last look, stopping, judging. */
const AROUND_MS = 240_000;

describe('chaos', () => {
  it(
    `finds nothing in ${MINUTES} minutes, seed ${SEED}`,
    async () => {
      const lines: string[] = [];
      const { failures, verdicts, timeline } = await runChaos({
        seed: SEED,
        minutes: MINUTES,
        nodes: 5,
        faults: FAULT_KINDS,
        directory: chaosDirectory(tmpdir(), SEED),
        mainPath: MAIN,
        network: 'auto',
        keep: false,
        healMsMax: 30_000 * PATIENCE,
        print: (line) => void lines.push(line),
      });
      expect(failures, lines.join('\n')).toEqual([]);
      // It was a run worth the name: faults struck, and every judge had something to judge.
      expect(timeline.filter(({ text }) => text.startsWith('begin ')).length, lines.join('\n')).toBeGreaterThan(
        3 * MINUTES,
      );
      for (const verdict of verdicts) {
        expect(Math.max(...Object.values(verdict.stats)), `${verdict.checker}\n${lines.join('\n')}`).toBeGreaterThan(
          20,
        );
      }
      process.stderr.write(`${lines.join('\n')}\n`);
    },
    MINUTES * 60_000 + AROUND_MS,
  );
});
