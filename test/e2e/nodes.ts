/**
 * Real node processes for the end-to-end tests: `quoral demo` and `quoral start` as a user runs them,
 * from dist/, on free ports, with temporary data directories; and stock clients.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';

/** The build under test. */
export const MAIN = resolve(process.env['QUORAL_E2E_MAIN'] ?? join(import.meta.dirname, '../../dist/cli/main.js'));

/** Stretches every time bound here, for machines slower than the two cores they are made for. */
export const PATIENCE = Number(process.env['QUORAL_E2E_PATIENCE'] ?? '1');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], input = ''): Promise<Finished> {
  return new Promise((done, reject) => {
    const child = spawn(command, [...args], {
      stdio: 'pipe',
      env: { ...process.env, PGCONNECT_TIMEOUT: '10' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => done({ code, stdout, stderr }));
    child.stdin.end(input);
  });
}

/** Null if the stock clients are there, else why the tests that need them are skipped. */
export function missingClients(): string | null {
  const missing = ['psql', 'pgbench'].filter((name) => spawnSync(name, ['--version']).status !== 0);
  if (missing.length === 0) return null;
  const reason = `${missing.join(' and ')} not installed (Debian: apt-get install postgresql)`;
  process.stderr.write(`\nSKIPPED: ${reason}\n`);
  return reason;
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'quoral-e2e-'));
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

/** A base port whose SQL, RPC and HTTP ports are all free; below the ports that clients are given. */
export async function freeBasePort(nodes = 3): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 10_000 + Math.floor(Math.random() * 200) * 100;
    let free = true;
    for (const offset of [0, 100, 200]) {
      for (let i = 0; i < nodes; i++) free &&= await isFree(base + offset + i);
    }
    if (free) return base;
  }
  throw new Error('no free ports');
}

/** Waits until `check` gives something else than undefined. */
export async function until<T>(
  what: string,
  check: () => T | undefined | Promise<T | undefined>,
  timeoutMs: number,
): Promise<T> {
  const started = performance.now();
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (performance.now() - started > timeoutMs * PATIENCE) throw new Error(`timed out after ${timeoutMs} ms: ${what}`);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

/** One `quoral` process with what it printed. */
export class Program {
  readonly lines: string[] = [];
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[]) {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run npm run build (npm test does)`);
    // A process group of its own: a Ctrl-C at the test runner is not one at the cluster.
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      let rest = '';
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() as string;
        this.lines.push(...lines);
      });
    }
    this.ended = new Promise((done) => this.#child.once('close', (code) => done(code)));
    process.once('exit', () => this.kill('SIGKILL'));
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get output(): string {
    return this.lines.join('\n');
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when it has printed a line that matches, `times` times; fails when it ends before. */
  async printed(pattern: RegExp, timeoutMs: number, times = 1): Promise<string> {
    let ended = false;
    void this.ended.then(() => (ended = true));
    return until(
      `${pattern} from quoral:\n${this.output}`,
      () => {
        const found = this.lines.filter((line) => pattern.test(line));
        if (found.length >= times) return found[times - 1];
        if (ended) throw new Error(`quoral ended before it printed ${pattern}:\n${this.output}`);
        return undefined;
      },
      timeoutMs,
    );
  }
}

export interface DemoOptions {
  readonly dataDir: string;
  readonly basePort: number;
  readonly extra?: readonly string[];
}

/** `quoral demo`: three node processes and their supervisor. */
export class Demo {
  readonly program: Program;
  readonly options: DemoOptions;

  static async start(options: DemoOptions): Promise<Demo> {
    const demo = new Demo(options);
    try {
      await demo.program.printed(/^ready {2}postgresql:/, 60_000);
    } catch (error) {
      await demo.abort();
      throw new Error(`the cluster does not serve\n${demo.logs()}`, { cause: error });
    }
    return demo;
  }

  private constructor(options: DemoOptions) {
    this.options = options;
    const { dataDir, basePort, extra = [] } = options;
    this.program = new Program(['demo', '--data-dir', dataDir, '--base-port', String(basePort), ...extra]);
  }

  port(id: number): number {
    return this.options.basePort + id - 1;
  }

  url(id: number): string {
    return `postgresql://postgres@127.0.0.1:${this.port(id)}/postgres`;
  }

  /** The process that runs node `id` now. */
  pid(id: number): number {
    const lines = this.program.lines.filter((line) => line.startsWith(`node ${id}  pid `));
    const match = /pid (\d+)/.exec(lines.at(-1) ?? '');
    if (match === null) throw new Error(`no process of node ${id}:\n${this.program.output}`);
    return Number(match[1]);
  }

  kill(id: number, signal: NodeJS.Signals = 'SIGKILL'): void {
    process.kill(this.pid(id), signal);
  }

  /** How often node `id` came back so far. */
  returns(id: number): number {
    return this.program.lines.filter((line) => line.startsWith(`node ${id} serves again`)).length;
  }

  servesAgain(id: number, times: number): Promise<string> {
    return this.program.printed(new RegExp(`^node ${id} serves again`), 60_000, times);
  }

  /** Drains and ends. */
  async stop(): Promise<number | null> {
    this.program.kill('SIGTERM');
    return this.program.ended;
  }

  async abort(): Promise<void> {
    this.program.kill('SIGTERM');
    this.program.kill('SIGTERM');
    await this.program.ended;
  }

  /** The ends of all logs, for a failure's message. */
  logs(): string {
    return [1, 2, 3]
      .map((id) => join(this.options.dataDir, `node${id}.log`))
      .filter((path) => existsSync(path))
      .map((path) => `== ${path}\n${readFileSync(path, 'utf8').slice(-2_000)}`)
      .concat(this.program.lines.slice(-20))
      .join('\n');
  }
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** One statement on a connection of its own. */
export async function query(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // The error that ends a connection reaches whoever awaits; 'error' only keeps Node from dying of it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(text, [...values]);
    return result.rows;
  } finally {
    await client.end();
  }
}
