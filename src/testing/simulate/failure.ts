/** A failed simulation as the text that its reader needs: what failed, how to see it again, what happened before. */
import type { TimelineEntry } from '../../env/sim/trace.js';
import { inSeconds } from './durations.js';

/** The variable that makes every simulation of a process run this seed only. */
export const SEED_VARIABLE = 'QUORAL_SEED';
const LINES_MAX = 60;

export interface FailureReport {
  readonly seed: number;
  readonly hash: string;
  readonly atUs: number;
  readonly timeline: readonly TimelineEntry[];
  /** What may explain it beyond its own words. */
  readonly remarks: readonly string[];
}

/** What `simulate` throws; `cause` is what the body threw. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  readonly seed: number;
  /** Of the trace up to the failure. */
  readonly hash: string;
  /** Everything notable that happened, oldest first. */
  readonly timeline: readonly TimelineEntry[];

  constructor(cause: unknown, report: FailureReport) {
    super(describe(cause, report), { cause });
    this.seed = report.seed;
    this.hash = report.hash;
    this.timeline = report.timeline;
    // The line of the test that failed, not the simulator's.
    const frames = cause instanceof Error ? framesOf(cause) : '';
    if (frames !== '') this.stack = `${this.name}: ${this.message}\n${frames}`;
  }
}

function describe(cause: unknown, report: FailureReport): string {
  const { seed, timeline } = report;
  const left = timeline.length - LINES_MAX;
  const lines = timeline.slice(-LINES_MAX).map(({ atUs, text }) => `  ${inSeconds(atUs).padStart(12)}  ${text}`);
  return [
    `seed ${seed} fails after ${inSeconds(report.atUs)} of virtual time: ${messageOf(cause)}`,
    ...report.remarks.map((remark) => `\n${remark}`),
    '',
    `To run this seed again: ${SEED_VARIABLE}=${seed} before the command of the test, or simulate({ seed: ${seed} }, …)`,
    '',
    'What happened before:',
    ...(left > 0 ? [`  … ${left} earlier lines: see the error's timeline`] : []),
    ...lines,
  ].join('\n');
}

export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { readonly code?: unknown }).code;
  return typeof code === 'string' ? `${error.message} (${code})` : error.message;
}

function framesOf(error: Error): string {
  const { stack = '' } = error;
  const at = stack.search(/^\s+at /m);
  return at < 0 ? '' : stack.slice(at);
}
