/**
 * `quoral start`: one node in this process, from its start to its drained end.
 *
 * Under a supervisor (`quoral demo`, recognised by the IPC channel) it reports when it serves, drains
 * when told so or when the supervisor is gone, and leaves SIGINT to the supervisor: a Ctrl-C reaches
 * the whole process group, and must not count twice.
 *
 * A failed invariant must not spread: uncaught exceptions and rejections are logged, and the
 * process ends with 70 without draining. What is acknowledged is in the log already.
 */
import { QuoralError } from '../base/errors.js';
import type { Env, LogLevel, Transport } from '../env/env.js';
import { MemoryDisk } from '../env/memory-disk.js';
import { monitorEventLoop, type EventLoopMonitor } from '../env/node/event-loop.js';
import { keepProcessAlive } from '../env/node/keep-alive.js';
import { createNodeEnv } from '../env/node/node-env.js';
import { RotatingFile } from '../env/node/rotating-file.js';
import { startNode } from '../server/node.js';
import { MemoryEngine } from '../storage/memory-engine.js';
import { openRocksdbEngine } from '../storage/rocksdb-engine.js';
import type { StartCommand } from './arguments.js';
import { EXIT_INTERNAL, EXIT_OK, explain } from './exit.js';
import { isFromSupervisor, type ToSupervisor } from './supervisor-messages.js';

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Runs the node until it was told to stop. @throws what startNode refuses with. */
export async function runStart(command: StartCommand, buildVersion: string): Promise<number> {
  const logFile = command.logFile === null ? null : new RotatingFile(command.logFile);
  const env = createNodeEnv({
    logLevel: command.logLevel,
    logFormat: command.logFormat,
    ...(logFile === null ? {} : { logWrite: (line: string) => logFile.write(line) }),
  });
  stopOnInternalErrors(env);
  const keepAlive = keepProcessAlive();
  const stopRequest = new StopRequest(env);
  try {
    return await serve(command, env, stopRequest, buildVersion);
  } catch (error) {
    const failure = explain(error);
    log(env, failure.code === EXIT_INTERNAL ? 'error' : 'warn', 'the node could not start or had to stop', {
      reason: failure.text,
    });
    throw error;
  } finally {
    keepAlive.release();
  }
}

async function serve(command: StartCommand, env: Env, stopRequest: StopRequest, buildVersion: string): Promise<number> {
  log(env, 'info', 'starting', {
    version: buildVersion,
    pid: process.pid,
    dataDir: command.dataDir,
    storage: command.storage,
  });
  const eventLoop = monitorEventLoop();
  const starting = startNode({
    errorPlaces: true,
    env: {
      ...env,
      transport: dialledVia(env.transport, command.rpcVia),
      ...(command.storage === 'memory' ? { disk: new MemoryDisk() } : {}),
    },
    dataDir: command.dataDir,
    openEngine: async (directory) =>
      command.storage === 'memory'
        ? new MemoryEngine()
        : openRocksdbEngine({
            directory,
            disk: env.disk,
            onFailure: (error) => endAtOnce(env, error, 'storage'),
          }),
    join: command.join,
    rpcAddress: command.rpcAddress,
    sqlAddress: command.sqlAddress,
    httpAddress: command.httpAddress,
    locality: command.locality,
    buildVersion,
    processMetrics: () => processMetrics(eventLoop),
    onFatal: (error) => endAtOnce(env, error, 'fatal'),
  });
  const node = await Promise.race([starting, stopRequest.asked]);
  if (node === undefined) {
    // Nothing was served yet, so there is nothing to drain; what is on disk is consistent at any time.
    log(env, 'info', 'stopped before it served');
    return EXIT_OK;
  }
  report({ kind: 'serving', nodeId: node.nodeId, sqlPort: node.sqlPort });
  if (process.send === undefined) {
    process.stdout.write(
      `node ${node.nodeId} serves postgresql://postgres@${withPort(command.sqlAddress, node.sqlPort)}/postgres\n`,
    );
  }
  await stopRequest.asked;
  await node.drain();
  await node.stop();
  log(env, 'info', 'stopped', { node: node.nodeId });
  return EXIT_OK;
}

/** Other nodes are reached where `--rpc-via` says; what they are called does not change. */
function dialledVia(transport: Transport, via: ReadonlyMap<string, string>): Transport {
  if (via.size === 0) return transport;
  return {
    ...transport,
    connectFrames: (address, timeoutMs) => transport.connectFrames(via.get(address) ?? address, timeoutMs),
  };
}

function withPort(address: string, port: number): string {
  return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
}

/** Read at each scrape of /metrics. */
function processMetrics(eventLoop: EventLoopMonitor): Record<string, number> {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  const metrics = {
    resident_bytes: memory.rss,
    heap_used_bytes: memory.heapUsed,
    external_bytes: memory.external,
    cpu_seconds_total: (cpu.user + cpu.system) / 1e6,
    uptime_seconds: process.uptime(),
    event_loop_late_ms_max: eventLoop.maxMs(),
    event_loop_late_ms_p99: eventLoop.percentileMs(99),
  };
  eventLoop.reset();
  return metrics;
}

/** Resolves `asked` at the first signal or word of the supervisor; a second signal ends the process. */
class StopRequest {
  readonly asked: Promise<void>;
  readonly #env: Env;
  #resolve: () => void = () => undefined;
  #isAsked = false;
  #signals = 0;

  constructor(env: Env) {
    this.#env = env;
    this.asked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const supervised = process.send !== undefined;
    process.on('SIGTERM', () => this.#onSignal('SIGTERM'));
    process.on('SIGINT', () => {
      if (!supervised) this.#onSignal('SIGINT');
    });
    if (!supervised) return;
    process.on('message', (message) => {
      if (isFromSupervisor(message)) this.#ask('the supervisor stops');
    });
    process.on('disconnect', () => this.#ask('the supervisor is gone'));
    // The pipe to a supervisor that is gone must not turn the drain into a crash.
    process.stderr.on('error', () => this.#ask('the supervisor is gone'));
    process.stdout.on('error', () => this.#ask('the supervisor is gone'));
  }

  #onSignal(signal: keyof typeof SIGNAL_NUMBERS): void {
    this.#signals++;
    if (this.#signals > 1) {
      log(this.#env, 'warn', 'a second signal: ending at once', { signal });
      process.exit(128 + SIGNAL_NUMBERS[signal]);
    }
    this.#ask(signal);
  }

  #ask(why: string): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    log(this.#env, 'info', 'asked to stop', { why });
    this.#resolve();
  }
}

function stopOnInternalErrors(env: Env): void {
  process.on('uncaughtException', (error, origin) => endAtOnce(env, error, origin));
}

/** A disk that is full or damaged is the operator's to mend (exit code 1); all else is a defect (70). */
function endAtOnce(env: Env, error: unknown, origin: string): never {
  if (error instanceof QuoralError && (error.sqlstate.startsWith('58') || error.sqlstate === 'XX001')) {
    const failure = explain(error);
    log(env, 'error', 'the node ends', { origin, reason: failure.text });
    process.stderr.write(`quoral: ${failure.text}\n`);
    process.exit(failure.code);
  }
  log(env, 'error', 'internal error: the node ends', { origin, error });
  process.stderr.write(
    `quoral: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(EXIT_INTERNAL);
}

function report(message: ToSupervisor): void {
  if (process.send === undefined || !process.connected) return;
  // A supervisor that went away meanwhile is noticed by 'disconnect'.
  process.send(message, undefined, undefined, () => undefined);
}

function log(env: Env, level: LogLevel, message: string, fields?: Record<string, unknown>): void {
  env.logger.log(level, message, fields);
}
