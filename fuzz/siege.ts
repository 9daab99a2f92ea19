/** Sends hostile statements to a node and watches it: how long others wait, what it holds, whether it lives. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Figures } from './besieged.js';
import type { Hostile } from './hostile-values.js';

export interface Outcome extends Figures {
  readonly name: string;
  /** The answer's first value, or the error. */
  readonly answer: string;
  /** DIED if the node did, HANGS if it gave nobody an answer any more. */
  readonly sqlstate: string | null;
}

export interface SiegeOptions {
  readonly timeoutMs: number;
  /** As a node has by default (`quoral demo --heap-mb`). */
  readonly heapMb: number;
}

export const DEFAULTS: SiegeOptions = { timeoutMs: 2000, heapMb: 400 };

/** How much longer than its time-out a statement may take. */
const GRACE_MS = 60_000;
const NONE: Figures = { heldMs: 0, tookMs: 0, peakMb: 0 };

class Besieged {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(heapMb: number): Promise<Besieged> {
    const path = fileURLToPath(new URL('./besieged.js', import.meta.url));
    const child = fork(path, [], { execArgv: [`--max-old-space-size=${heapMb}`] });
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    return new Besieged(child, url);
  }

  async figures(): Promise<Figures> {
    this.#child.send('');
    const [figures] = (await once(this.#child, 'message')) as [Figures];
    return figures;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** One after another; a node that dies or hangs is replaced by another one for the rest. */
export async function besiege(
  cases: readonly Hostile[],
  seen: (outcome: Outcome) => void,
  { timeoutMs, heapMb }: SiegeOptions = DEFAULTS,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let node: Besieged | null = null;
  for (const one of cases) {
    node ??= await Besieged.start(heapMb);
    const outcome = await attackWatched(one, node, timeoutMs);
    outcomes.push(outcome);
    seen(outcome);
    if (outcome.sqlstate !== 'DIED' && outcome.sqlstate !== 'HANGS') continue;
    await node.end();
    node = null;
  }
  await node?.end();
  return outcomes;
}

/** With another session that has to get answers afterwards. */
async function attackWatched(one: Hostile, node: Besieged, timeoutMs: number): Promise<Outcome> {
  let timer: NodeJS.Timeout | null = null;
  const hangs = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve({ name: one.name, answer: '', sqlstate: 'HANGS', ...NONE }), timeoutMs + GRACE_MS);
  });
  const attacked = attack(one, node, timeoutMs).catch((error: unknown): Outcome => {
    const answer = error instanceof Error ? error.message : String(error);
    return { name: one.name, answer, sqlstate: 'DIED', ...NONE };
  });
  const outcome = await Promise.race([attacked, hangs]);
  clearTimeout(timer!);
  return outcome;
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function attack(one: Hostile, node: Besieged, timeoutMs: number): Promise<Outcome> {
  const client = await connect(node.url);
  await node.figures();
  const { answer, sqlstate } = await ended(one, client, timeoutMs);
  await client.end().catch(() => undefined);
  const other = await connect(node.url);
  await other.query('SELECT 1');
  const figures = await node.figures();
  await other.end();
  return { name: one.name, answer, sqlstate, ...figures };
}

async function ended(
  one: Hostile,
  client: pg.Client,
  timeoutMs: number,
): Promise<{ answer: string; sqlstate: string | null }> {
  const text = one.statements.at(-1)!;
  const query = { text, rowMode: 'array' as const, ...(one.values === undefined ? {} : { values: [...one.values] }) };
  try {
    for (const before of one.statements.slice(0, -1)) await client.query(before);
    await client.query(`SET statement_timeout = ${timeoutMs}`);
    const result = (await client.query(query)) as unknown as { rows?: unknown[][] };
    return { answer: String(result.rows?.[0]?.[0] ?? 'nothing').slice(0, 60), sqlstate: null };
  } catch (error) {
    const failure = error as { code?: string; message: string };
    // Not an error of the server: the connection is gone.
    if (!/^[0-9A-Z]{5}$/.test(failure.code ?? '')) throw error;
    return { answer: failure.message.slice(0, 100), sqlstate: failure.code! };
  }
}
