/**
 * Workloads that are a list of steps, each measured by itself, one after the other on one connection: on Quoral,
 * and where a PostgreSQL is given (`--peer`) the same there, with the ratio of the medians. The two take turns
 * step by step, so that what else the machine does falls on both.
 */
import { Client, type Row } from './client.js';
import type { WorkloadOptions } from './workload.js';

export interface Step {
  readonly name: string;
  /** At most so often, for what takes long. */
  readonly times?: number;
  /** Times before those that are measured, if other than usual. */
  readonly warmups?: number;
  /** Before each time, not measured. */
  prepare?(client: Client, time: number): Promise<void>;
  run(client: Client, time: number): Promise<readonly Row[]>;
  /** After each time, not measured. */
  finish?(client: Client, time: number): Promise<void>;
}

export interface StepList {
  readonly name: string;
  /** How often each step runs unless `--runs` says otherwise. */
  readonly runs: number;
  setup(client: Client, options: WorkloadOptions): Promise<void>;
  steps(options: WorkloadOptions): readonly Step[];
  /** What differs between the two answers, for steps whose answers must be the same; null: nothing. */
  compare?(step: Step, ours: readonly Row[], peers: readonly Row[]): string | null;
}

export interface Figures {
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly times: number;
}

export interface StepReport {
  readonly name: string;
  readonly ours: Figures;
  readonly peer: Figures | null;
  readonly ratio: number | null;
}

interface Asked {
  readonly figures: Figures;
  readonly rows: readonly Row[];
}

async function timed(client: Client, step: Step, warmups: number, times: number): Promise<Asked> {
  const elapsed: number[] = [];
  warmups = step.warmups ?? warmups;
  let rows: readonly Row[] = [];
  for (let i = -warmups; i < times; i++) {
    const time = i + warmups;
    await step.prepare?.(client, time);
    const begin = performance.now();
    rows = await step.run(client, time);
    const ms = performance.now() - begin;
    if (i >= 0) elapsed.push(ms);
    await step.finish?.(client, time);
  }
  elapsed.sort((a, b) => a - b);
  const at = (share: number): number => elapsed[Math.min(elapsed.length - 1, Math.floor(elapsed.length * share))] ?? 0;
  const figures = { medianMs: at(0.5), p99Ms: at(0.99), maxMs: elapsed.at(-1) ?? 0, times: elapsed.length };
  return { figures, rows };
}

function text(ms: number): string {
  return `${ms.toFixed(ms < 100 ? 2 : 0)} ms`.padStart(11);
}

function shown(name: string, ours: Figures, peer: Figures | null): string {
  const own = `${name.padEnd(38)} ${text(ours.medianMs)}  p99 ${text(ours.p99Ms)}`;
  if (peer === null) return own;
  const ratio = ours.medianMs / peer.medianMs;
  return `${own}   peer ${text(peer.medianMs)}  p99 ${text(peer.p99Ms)}   x ${ratio.toFixed(1)}`;
}

export interface SideBySideOptions {
  readonly url: string;
  readonly peer: string | null;
  readonly setup: boolean;
  readonly warmups: number;
  readonly runs: number | null;
  /** Only steps whose names hold this. */
  readonly only: string | null;
  readonly options: WorkloadOptions;
  print(line: string): void;
}

/** Runs all steps; `problems` are answers that differ from the peer's. */
export async function runSteps(
  list: StepList,
  settings: SideBySideOptions,
): Promise<{ readonly reports: StepReport[]; readonly problems: string[] }> {
  const ours = await Client.connect(settings.url);
  const peer = settings.peer === null ? null : await Client.connect(settings.peer);
  if (settings.setup) {
    for (const [what, client] of [['Quoral', ours] as const, ['peer', peer] as const]) {
      if (client === null) continue;
      const begin = performance.now();
      await list.setup(client, settings.options);
      settings.print(`  ${what} set up in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    }
  }
  const reports: StepReport[] = [];
  const problems: string[] = [];
  for (const step of list.steps(settings.options)) {
    if (settings.only !== null && !step.name.includes(settings.only)) continue;
    const wanted = settings.runs ?? list.runs;
    const times = Math.min(wanted, step.times ?? wanted);
    const a = await timed(ours, step, settings.warmups, times);
    const b = peer === null ? null : await timed(peer, step, settings.warmups, times);
    settings.print(shown(`  ${step.name}`, a.figures, b?.figures ?? null));
    const ratio = b === null ? null : a.figures.medianMs / b.figures.medianMs;
    reports.push({ name: step.name, ours: a.figures, peer: b?.figures ?? null, ratio });
    const difference = b === null ? null : (list.compare?.(step, a.rows, b.rows) ?? null);
    if (difference !== null) problems.push(`${step.name}: ${difference}`);
  }
  ours.close();
  peer?.close();
  return { reports, problems };
}
