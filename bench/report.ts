/** Figures of one run and of several, as text and as JSON. */
import { build, type Histogram } from 'hdr-histogram-js';

export interface Latency {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface RunReport {
  readonly seconds: number;
  /** Per second: transactions, or rows and the like (see `unit`). */
  readonly throughput: number;
  readonly unit: string;
  /** By kind of transaction. */
  readonly latency: Readonly<Record<string, Latency>>;
  /** Whole transactions run again after 40001 or 40P01. */
  readonly retries: number;
  /** By SQLSTATE; those that retries did not cure. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Collects one run. Values are microseconds, three significant digits, up to a minute. */
export class Collector {
  readonly #histograms = new Map<string, Histogram>();
  readonly #errors = new Map<string, number>();
  #units = 0;
  retries = 0;

  record(kind: string, elapsedMs: number, units: number): void {
    let histogram = this.#histograms.get(kind);
    if (histogram === undefined) {
      histogram = build({
        lowestDiscernibleValue: 1,
        highestTrackableValue: 600_000_000,
        numberOfSignificantValueDigits: 3,
      });
      this.#histograms.set(kind, histogram);
    }
    histogram.recordValue(Math.max(1, Math.round(elapsedMs * 1000)));
    this.#units += units;
  }

  error(sqlstate: string): void {
    this.#errors.set(sqlstate, (this.#errors.get(sqlstate) ?? 0) + 1);
  }

  report(seconds: number, unit: string): RunReport {
    const latency: Record<string, Latency> = {};
    for (const [kind, histogram] of [...this.#histograms].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const ms = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
      latency[kind] = {
        count: histogram.totalCount,
        meanMs: histogram.mean / 1000,
        p50Ms: ms(50),
        p95Ms: ms(95),
        p99Ms: ms(99),
        maxMs: histogram.maxValue / 1000,
      };
    }
    return {
      seconds,
      throughput: this.#units / seconds,
      unit,
      latency,
      retries: this.retries,
      errors: Object.fromEntries([...this.#errors].sort()),
    };
  }
}

export function formatRun(title: string, run: RunReport): string {
  const lines = [`${title}: ${number(run.throughput)} ${run.unit}/s over ${run.seconds.toFixed(1)} s`];
  for (const [kind, latency] of Object.entries(run.latency)) {
    lines.push(
      `  ${kind.padEnd(24)} ${String(latency.count).padStart(9)}  mean ${ms(latency.meanMs)}  p50 ${ms(latency.p50Ms)}` +
        `  p95 ${ms(latency.p95Ms)}  p99 ${ms(latency.p99Ms)}  max ${ms(latency.maxMs)}`,
    );
  }
  const errors = Object.entries(run.errors).map(([sqlstate, count]) => `${sqlstate} ${count}`);
  lines.push(`  retries ${run.retries}, errors ${errors.length === 0 ? 'none' : errors.join(', ')}`);
  return lines.join('\n');
}

export function formatSummary(runs: readonly RunReport[]): string {
  const sorted = runs.map((run) => run.throughput).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] as number;
  const spread = `${number(sorted[0] as number)} to ${number(sorted.at(-1) as number)}`;
  return `median of ${runs.length}: ${number(median)} ${runs[0]?.unit ?? ''}/s (${spread})`;
}

function number(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`.padStart(10);
}
