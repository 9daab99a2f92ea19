/**
 * A cluster that has nothing to do: one table in `--ranges` ranges (300 unless said otherwise), and
 * the CPU that all processes of the cluster take while nobody asks for anything.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { splitEvenly, type Workload } from '../workload.js';

const RANGES = 300;
const SETTLE_MS = 10_000;
/** USER_HZ, which Linux fixes for what it shows in /proc. */
const TICKS_PER_SECOND = 100;

export const idle: Workload = {
  name: 'idle',
  unit: 'ms of CPU',

  async setup(client, options) {
    await client.query('DROP TABLE IF EXISTS bench_idle');
    await client.query('CREATE TABLE bench_idle (id int PRIMARY KEY)');
    await splitEvenly(client, 'bench_idle', 1_000_000, Math.max(options.ranges, RANGES));
    await sleep(SETTLE_MS);
  },

  async transaction(_, options) {
    const before = cpuTicks(options.processIds);
    const start = performance.now();
    await sleep(options.seconds * 1000);
    const elapsedS = (performance.now() - start) / 1000;
    const share = (cpuTicks(options.processIds) - before) / TICKS_PER_SECOND / elapsedS;
    return { kind: 'idle', count: Math.round(share * 1000 * elapsedS) };
  },

  async check() {
    return [];
  },
};

/** User and system time of the processes and all their descendants. */
export function cpuTicks(roots: readonly number[]): number {
  if (roots.length === 0) throw new Error('the idle workload needs --start or --pids');
  const children = new Map<number, number[]>();
  const ticks = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const stat = readStat(pid);
    if (stat === null) continue;
    ticks.set(pid, stat.ticks);
    children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid]);
  }
  const queue = [...roots];
  let sum = 0;
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    sum += ticks.get(pid) ?? 0;
    queue.push(...(children.get(pid) ?? []));
  }
  return sum;
}

function readStat(pid: number): { readonly parent: number; readonly ticks: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything; what follows it is numbers.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch (error) {
    // The process has ended between the listing and now.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null;
    throw error;
  }
}
