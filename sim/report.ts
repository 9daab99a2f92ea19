/** What the simulator prints about a seed. */

export interface SeedReport {
  readonly kind: 'cluster' | 'raft';
  readonly seed: number;
  readonly ok: boolean;
  readonly hash: string;
  readonly lastDraw: number;
  readonly failures: readonly { readonly checker: string; readonly anomaly: string; readonly explanation: string }[];
  readonly stats: {
    readonly events: number;
    readonly virtualUs: number;
    readonly faults: number;
    readonly done: number;
    readonly failed: number;
    readonly unknown: number;
  } | null;
  readonly faults: readonly string[];
  readonly marks: Readonly<Record<string, number>>;
  readonly crashPoints: Readonly<Record<string, number>>;
  readonly timeline: readonly { readonly atUs: number; readonly text: string }[];
  readonly twice: boolean;
}

const EXPLANATION_LINES = 40;
const LINE_LENGTH = 400;

export function formatSeed(report: SeedReport): string {
  const { stats } = report;
  const work =
    stats === null
      ? ''
      : `: ${stats.done} done, ${stats.failed} failed, ${stats.unknown} unknown; ${stats.faults} faults (${report.faults.join(', ')}); ${stats.events} events`;
  return `seed ${report.seed} ${report.ok ? 'ok' : 'FAILED'}, hash ${report.hash}${work}`;
}

/** Seed, how to replay it, the anomalies in words, and the end of the timeline. */
export function formatFailure(report: SeedReport, timelineLines: number): string {
  const kind = report.kind === 'cluster' ? '' : ` --kind ${report.kind}`;
  const lines = [formatSeed(report), `replay: npm run sim --${kind} --seed ${report.seed} --timeline 0`];
  for (const { checker, anomaly, explanation } of report.failures.slice(0, 5)) {
    lines.push(`${checker}: ${anomaly}`);
    for (const line of explanation.split('\n').slice(0, EXPLANATION_LINES)) lines.push(`  ${line}`);
  }
  if (report.failures.length > 5) lines.push(`and ${report.failures.length - 5} more`);
  const shown = timelineLines === 0 ? report.timeline : report.timeline.slice(-timelineLines);
  if (shown.length > 0) lines.push(`the last ${shown.length} of ${report.timeline.length} entries of the timeline:`);
  for (const { atUs, text } of shown) lines.push(`  ${(atUs / 1e6).toFixed(3)} ${text.slice(0, LINE_LENGTH)}`);
  return lines.join('\n');
}
