/**
 * One real `quoral start` process: its log in a file, its signals, and whether it ended because it was
 * told to. A process that ends without having been told is a finding, with the end of its log.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';

export interface NodeSpec {
  readonly id: number;
  readonly mainPath: string;
  readonly args: readonly string[];
  readonly logPath: string;
  /** In front of the command line: a program that becomes it. */
  readonly prefix: readonly string[];
}

export interface Death {
  readonly node: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly logTail: string;
}

const HEAP_MB = 400;
const TAIL_BYTES = 4_000;

export class NodeProcess {
  readonly spec: NodeSpec;
  readonly #onDeath: (death: Death) => void;
  #child: ChildProcess | null = null;
  /** A signal of ours that ends it is on its way. */
  #told = false;
  #paused = false;
  starts = 0;

  constructor(spec: NodeSpec, onDeath: (death: Death) => void) {
    this.spec = spec;
    this.#onDeath = onDeath;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    if (this.#child !== null) return;
    this.starts++;
    this.#told = false;
    this.#paused = false;
    const log = openSync(this.spec.logPath, 'a');
    const { prefix, mainPath, args } = this.spec;
    const command = [...prefix, process.execPath, `--max-old-space-size=${HEAP_MB}`, mainPath, 'start', ...args];
    const child = spawn(
      command[0]!,
      command.slice(1),
      // A process group of its own: Ctrl-C is for the runner, which ends the nodes itself.
      { stdio: ['ignore', log, log], detached: true },
    );
    closeSync(log);
    this.#child = child;
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (this.#child !== child) return;
      this.#child = null;
      if (this.#told) return;
      this.#onDeath({ node: this.spec.id, code, signal, logTail: this.logTail() });
    };
    child.once('exit', ended);
    child.once('error', () => ended(null, null));
  }

  /** SIGKILL: nothing of it is written any more. */
  kill(): void {
    this.#told = true;
    this.#child?.kill('SIGKILL');
  }

  pause(): void {
    if (this.#child === null) return;
    this.#paused = true;
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#paused = false;
    this.#child?.kill('SIGCONT');
  }

  /** SIGTERM; resolves with the exit code, or null if it had to be killed after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<number | null> {
    const child = this.#child;
    if (child === null) return 0;
    this.#told = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      child.once('exit', (code) => {
        clearTimeout(timer);
        resolve(code);
      });
      child.kill('SIGTERM');
    });
  }

  /** Resolves when it has ended. */
  async gone(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    await new Promise<void>((resolve) => child.once('exit', () => resolve()));
  }

  get logBytes(): number {
    return existsSync(this.spec.logPath) ? statSync(this.spec.logPath).size : 0;
  }

  logTail(bytes = TAIL_BYTES): string {
    return existsSync(this.spec.logPath) ? readFileSync(this.spec.logPath, 'utf8').slice(-bytes) : '';
  }
}
