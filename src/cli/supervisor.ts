/**
 * Runs node processes and keeps them running.
 *
 * A node is `starting` (process runs, does not serve yet), `serving`, `waiting` (dead, to be started
 * again) or `down` (dead for good). Rules:
 *   - a node that dies is started again `restartMs` later, whatever it died of, if `restart` is on;
 *   - exit code 1 or 2 before the node ever served is a mistake in the configuration (port taken,
 *     directory locked, ...): it would fail again, so everything stops with that code;
 *   - once it has served, exit code 1 may pass (its port still held, the disk full for a while): it
 *     is tried again up to FAILURES_MAX times in a row; then it stays down and the others go on;
 *   - without `restart`, the supervisor ends when the last node is gone.
 * What a node writes to its standard streams is passed on line by line under the node's name.
 *
 * Limits: a supervisor that is killed outright takes the nodes with it, drained: they notice that
 * the channel is closed.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { assert } from '../base/assert.js';
import type { TimerHandle, Timers } from '../env/env.js';
import { EXIT_OK, EXIT_USAGE } from './exit.js';
import { isToSupervisor, type FromSupervisor } from './supervisor-messages.js';

/**
 * The C library's own limit grows with what is freed: values of megabytes then come from its heap, which keeps the pages once
 * they have been touched. Above a fixed limit they are given back at once.
 */
const NODE_ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '262144' };

export interface NodeSpec {
  readonly id: number;
  /** Arguments of the module, `start` included. */
  readonly args: readonly string[];
  /** What is shown beside the process id: addresses, log. */
  readonly description: string;
}

export interface SupervisorOptions {
  /** The module that every node process runs. */
  readonly modulePath: string;
  /** Options of Node itself, as --max-old-space-size. */
  readonly nodeArgs: readonly string[];
  readonly nodes: readonly NodeSpec[];
  readonly restart: boolean;
  /** Milliseconds between a death and the new start. */
  readonly restartMs: number;
}

export interface SupervisorDependencies {
  readonly timers: Timers;
  /** Milliseconds, monotonic. */
  nowMs(): number;
  print(line: string): void;
}

type NodeState = 'starting' | 'serving' | 'waiting' | 'down';

interface Supervised {
  readonly spec: NodeSpec;
  state: NodeState;
  child: ChildProcess | null;
  restartTimer: TimerHandle | null;
  hasServed: boolean;
  startedMs: number;
  /** Ends with a configuration error since it last served. */
  failures: number;
}

const FAILURES_MAX = 5;
const LINE_CHARS_MAX = 8_192;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #deps: SupervisorDependencies;
  readonly #nodes: Supervised[];
  readonly #startedMs: number;
  #progressTimer: TimerHandle | null = null;
  #stopping = false;
  #code = EXIT_OK;
  #announced = false;
  #onServing: () => void = () => undefined;
  #onEnd: (code: number) => void = () => undefined;
  /** Resolves when every node serves for the first time; never if that does not happen. */
  readonly serving: Promise<void>;
  /** Resolves with the exit code when no node is left. */
  readonly ended: Promise<number>;

  constructor(options: SupervisorOptions, deps: SupervisorDependencies) {
    assert(options.nodes.length > 0, 'a supervisor has nodes');
    this.#options = options;
    this.#deps = deps;
    this.#startedMs = deps.nowMs();
    this.#nodes = options.nodes.map((spec) => ({
      spec,
      state: 'down',
      child: null,
      restartTimer: null,
      hasServed: false,
      startedMs: this.#startedMs,
      failures: 0,
    }));
    this.serving = new Promise((resolve) => {
      this.#onServing = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
  }

  start(): void {
    for (const node of this.#nodes) this.#spawn(node);
    this.#watchProgress(1_000);
  }

  /** Asks every node to drain and end. */
  stop(code = EXIT_OK): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#code = code;
    this.#progressTimer?.cancel();
    const message: FromSupervisor = { kind: 'stop' };
    for (const node of this.#nodes) {
      node.restartTimer?.cancel();
      if (node.child === null) node.state = 'down';
      else if (node.child.connected) node.child.send(message, () => undefined);
    }
    this.#endIfDone();
  }

  /** Ends every node at once. */
  kill(): void {
    this.stop(this.#code);
    for (const node of this.#nodes) node.child?.kill('SIGKILL');
  }

  #spawn(node: Supervised): void {
    const child = fork(this.#options.modulePath, [...node.spec.args], {
      execArgv: [...this.#options.nodeArgs],
      env: { ...NODE_ENVIRONMENT, ...process.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    node.child = child;
    node.state = 'starting';
    node.startedMs = this.#deps.nowMs();
    const name = `node ${node.spec.id}`;
    this.#deps.print(`${name}  pid ${child.pid ?? '?'}  ${node.spec.description}`);
    child.on('message', (message) => {
      if (isToSupervisor(message) && node.child === child) this.#onNodeServes(node);
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) relayLines(stream, (line) => this.#deps.print(`${name}: ${line}`));
    }
    child.once('error', (error) => {
      this.#deps.print(`${name} could not be started: ${error.message}`);
      // A process that never was has no 'close'.
      if (child.pid === undefined) this.#onExit(node, 1, null);
    });
    // Not 'exit': its last words are still in the pipes then.
    child.once('close', (code, signal) => this.#onExit(node, code, signal));
  }

  #onNodeServes(node: Supervised): void {
    node.state = 'serving';
    node.failures = 0;
    if (node.hasServed && this.#announced) {
      this.#deps.print(`node ${node.spec.id} serves again after ${seconds(this.#deps.nowMs() - node.startedMs)}`);
    }
    node.hasServed = true;
    if (this.#announced || !this.#nodes.every((each) => each.hasServed)) return;
    this.#announced = true;
    this.#progressTimer?.cancel();
    this.#onServing();
  }

  #onExit(node: Supervised, code: number | null, signal: NodeJS.Signals | null): void {
    const pid = node.child?.pid ?? '?';
    node.child = null;
    node.state = 'down';
    if (this.#stopping) {
      if (code !== EXIT_OK) this.#deps.print(`node ${node.spec.id} ended with ${signal ?? `code ${code}`}`);
      this.#endIfDone();
      return;
    }
    const how = `node ${node.spec.id} (pid ${pid}) ${signal === null ? `ended with code ${code}` : `was killed by ${signal}`}`;
    const refused = code !== null && code > EXIT_OK && code <= EXIT_USAGE;
    if (refused && !node.hasServed) {
      this.#deps.print(`${how} and would fail again; stopping`);
      this.stop(code);
      return;
    }
    node.failures = refused ? node.failures + 1 : 0;
    if (!this.#options.restart || node.failures >= FAILURES_MAX) {
      const why = this.#options.restart ? `after ${FAILURES_MAX} attempts` : '(--no-restart)';
      this.#deps.print(`${how}; it stays down ${why}`);
      this.#endIfDone();
      return;
    }
    this.#deps.print(`${how}; starting it again in ${seconds(this.#options.restartMs)}`);
    node.state = 'waiting';
    node.restartTimer = this.#deps.timers.after(this.#options.restartMs, () => this.#spawn(node));
  }

  #endIfDone(): void {
    if (this.#nodes.some((node) => node.state !== 'down')) return;
    this.#progressTimer?.cancel();
    // All gone though nobody asked: that is a failure, too.
    this.#onEnd(this.#stopping ? this.#code : 1);
  }

  /** Says what is being waited for after 1, 3, 7, 15, ... seconds. */
  #watchProgress(afterMs: number): void {
    this.#progressTimer = this.#deps.timers.after(afterMs, () => {
      const waiting = this.#nodes.filter((node) => node.state !== 'serving').map((node) => node.spec.id);
      if (waiting.length > 0) {
        const who = waiting.length === 1 ? `node ${waiting[0]}` : `nodes ${waiting.join(', ')}`;
        this.#deps.print(`waiting for ${who} to serve (${seconds(this.#deps.nowMs() - this.#startedMs)})`);
      }
      this.#watchProgress(Math.min(afterMs * 2, 60_000));
    });
  }
}

function seconds(ms: number): string {
  return `${ms < 10_000 ? Math.round(ms / 100) / 10 : Math.round(ms / 1_000)} s`;
}

/** Cuts a stream into lines; one without end is cut at a bound. */
function relayLines(stream: NodeJS.ReadableStream, print: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) print(line.slice(0, LINE_CHARS_MAX));
    if (rest.length > LINE_CHARS_MAX) {
      print(rest.slice(0, LINE_CHARS_MAX));
      rest = '';
    }
  });
  stream.on('end', () => {
    if (rest !== '') print(rest);
    rest = '';
  });
}
