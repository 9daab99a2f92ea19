/** What a series of simulated runs has reached: counts, coverage marks, and the seeds that reach them. */
import { CRASH_POINTS, MARKS } from '../src/base/probes.js';
import type { SeedReport } from './report.js';

/** Those that a series has to reach. */
const ALL_MARKS: readonly string[] = MARKS.filter((mark) => !('scripted' in mark)).map((mark) => mark.name);
const SEEDS_SHOWN = 8;
/** Seeds by which `cover` has each mark reached, where there are as many. */
const COVERED_BY = 2;

export class Totals {
  /** By mark: the seeds that reached it, in the order in which they ended. */
  readonly marks = new Map<string, number[]>();
  readonly crashPoints = new Map<string, number>();
  readonly failed: SeedReport[] = [];
  seeds = 0;
  twice = 0;
  done = 0;
  unknown = 0;
  faults = 0;
  virtualUs = 0;

  add(report: SeedReport): void {
    this.seeds++;
    if (report.twice) this.twice++;
    if (!report.ok) this.failed.push(report);
    this.done += report.stats?.done ?? 0;
    this.unknown += report.stats?.unknown ?? 0;
    this.faults += report.stats?.faults ?? 0;
    this.virtualUs += report.stats?.virtualUs ?? 0;
    for (const name of Object.keys(report.marks)) {
      const seeds = this.marks.get(name);
      if (seeds === undefined) this.marks.set(name, [report.seed]);
      else seeds.push(report.seed);
    }
    for (const [name, count] of Object.entries(report.crashPoints)) {
      this.crashPoints.set(name, (this.crashPoints.get(name) ?? 0) + count);
    }
  }

  /** Marks that no run reached. Those of the Raft core alone are few, so without a whole cluster none is missing. */
  missing(clusters: boolean): string[] {
    return clusters ? ALL_MARKS.filter((mark) => !this.marks.has(mark)) : [];
  }

  summary(seconds: number): string {
    const rate = Math.round(this.seeds / (seconds / 3600));
    return (
      `${this.seeds} seeds, ${this.failed.length} failed, ${this.twice} run twice with equal traces; ` +
      `${this.done} transactions done, ${this.unknown} with an unknown outcome, ${this.faults} faults, ` +
      `${Math.round(this.virtualUs / 6e7)} virtual minutes in ${Math.round(seconds)} s (${rate} seeds/h)`
    );
  }

  /** Rarest first, if `all`, with some of the seeds that reach each. */
  describeMarks(missing: readonly string[], all: boolean): string {
    const lines = [`marks reached: ${ALL_MARKS.length - missing.length} of ${ALL_MARKS.length}`];
    if (missing.length > 0) lines.push(`not reached: ${missing.join(', ')}`);
    if (!all) return lines.join('\n');
    const rarestFirst = [...this.marks].sort((a, b) => a[1].length - b[1].length || (a[0] < b[0] ? -1 : 1));
    for (const [name, seeds] of rarestFirst) {
      lines.push(`  ${name}: ${seeds.length} of ${this.seeds} seeds (${seeds.slice(0, SEEDS_SHOWN).join(' ')})`);
    }
    const never = CRASH_POINTS.filter(({ name }) => !this.crashPoints.has(name)).map(({ name }) => name);
    const struck = CRASH_POINTS.length - never.length;
    lines.push(`points at which a node crashed or was paused: ${struck} of ${CRASH_POINTS.length}`);
    if (never.length > 0) lines.push(`none at: ${never.join(', ')}`);
    return lines.join('\n');
  }

  /** Few seeds that together reach what all of them reach, each mark by two of them; greedily. */
  cover(): number[] {
    const missing = new Map([...this.marks].map(([name, seeds]) => [name, Math.min(COVERED_BY, seeds.length)]));
    const chosen: number[] = [];
    while (missing.size > 0) {
      const gains = new Map<number, number>();
      for (const name of missing.keys()) {
        const seeds = this.marks.get(name)!;
        // A rare mark decides before the frequent ones do.
        for (const seed of seeds) {
          if (!chosen.includes(seed)) gains.set(seed, (gains.get(seed) ?? 0) + 1 / seeds.length);
        }
      }
      const [best] = [...gains].reduce((a, b) => (b[1] > a[1] ? b : a));
      chosen.push(best);
      for (const [name, left] of missing) {
        if (!this.marks.get(name)!.includes(best)) continue;
        if (left === 1) missing.delete(name);
        else missing.set(name, left - 1);
      }
    }
    return chosen.sort((a, b) => a - b);
  }
}
