/** Sends hostile statements to a node and watches it: how long others wait, what it holds, whether it lives. */
import pg from 'pg';
import { startCluster } from '../src/testing/index.js';
import type { Hostile } from './hostile.js';

export interface Outcome {
  readonly name: string;
  /** The answer's first value, or the error. */
  readonly answer: string;
  readonly sqlstate: string | null;
  readonly tookMs: number;
  /** The longest that the event loop was held meanwhile. */
  readonly heldMs: number;
  readonly grownMb: number;
}

const TIMEOUT_MS = 2000;
/** Between two looks at the event loop. */
const TICK_MS = 5;

/** One after another; ends with an error if another session gets no answer. */
export async function besiege(
  cases: readonly Hostile[],
  seen: (outcome: Outcome) => void,
  timeoutMs = TIMEOUT_MS,
): Promise<Outcome[]> {
  const cluster = await startCluster({ nodes: 1 });
  const outcomes: Outcome[] = [];
  const other = new pg.Client({ connectionString: cluster.url() });
  other.on('error', () => undefined);
  await other.connect();
  try {
    for (const one of cases) {
      const outcome = await attack(one, cluster.url(), timeoutMs);
      outcomes.push(outcome);
      seen(outcome);
      await other.query('SELECT 1');
    }
  } finally {
    await other.end();
    await cluster.close();
  }
  return outcomes;
}

async function attack(one: Hostile, url: string, timeoutMs: number): Promise<Outcome> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`SET statement_timeout = ${timeoutMs}`);
  for (const text of one.statements.slice(0, -1)) await client.query(text);
  const memoryBefore = process.memoryUsage().rss;
  const watch = watchLoop();
  const startedMs = performance.now();
  let answer: string;
  let sqlstate: string | null = null;
  try {
    const text = one.statements.at(-1)!;
    const query = { text, rowMode: 'array' as const, ...(one.values === undefined ? {} : { values: [...one.values] }) };
    const result = (await client.query(query)) as unknown as { rows?: unknown[][] };
    answer = String(result.rows?.[0]?.[0] ?? 'nothing').slice(0, 60);
  } catch (error) {
    const failure = error as { code?: string; message: string };
    sqlstate = failure.code ?? '';
    answer = failure.message.slice(0, 100);
  }
  const tookMs = performance.now() - startedMs;
  const heldMs = watch();
  const grownMb = Math.round((process.memoryUsage().rss - memoryBefore) / 2 ** 20);
  await client.end().catch(() => undefined);
  return { name: one.name, answer, sqlstate, tookMs: Math.round(tookMs), heldMs: Math.round(heldMs), grownMb };
}

/** Returns what ends the watch and gives the longest time between two turns. */
function watchLoop(): () => number {
  let last = performance.now();
  let most = 0;
  const look = (): void => {
    const now = performance.now();
    most = Math.max(most, now - last - TICK_MS);
    last = now;
  };
  const timer = setInterval(look, TICK_MS);
  return () => {
    clearInterval(timer);
    look();
    return most;
  };
}
