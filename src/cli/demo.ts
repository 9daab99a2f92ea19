/**
 * `quoral demo` (what `npm start` runs): a cluster of node processes on this machine, with real
 * disks, sockets and deaths. The last line when it serves is `ready  <url of node 1>`.
 */
import { join, resolve } from 'node:path';
import { NodeClock } from '../env/node/clock.js';
import { NodeDisk } from '../env/node/disk.js';
import { keepProcessAlive } from '../env/node/keep-alive.js';
import { NodeTimers } from '../env/node/timers.js';
import type { DemoCommand } from './arguments.js';
import { Supervisor, type NodeSpec } from './supervisor.js';

const RESTART_MS = 2_000;
const RPC_PORT_OFFSET = 100;
const HTTP_PORT_OFFSET = 200;

/** What each node of the demo is started with. */
export function demoNodes(command: DemoCommand): NodeSpec[] {
  const dataDir = resolve(command.dataDir);
  const ids = Array.from({ length: command.nodes }, (_, index) => index + 1);
  const address = (port: number): string => `127.0.0.1:${port}`;
  const sqlPort = (id: number): number => command.basePort + id - 1;
  const members = ids.map((id) => address(sqlPort(id) + RPC_PORT_OFFSET)).join(',');
  return ids.map((id) => {
    const sql = address(sqlPort(id));
    const rpc = address(sqlPort(id) + RPC_PORT_OFFSET);
    const http = address(sqlPort(id) + HTTP_PORT_OFFSET);
    const logFile = join(dataDir, `node${id}.log`);
    return {
      id,
      description: `sql ${sql}  rpc ${rpc}  http ${http}  log ${logFile}`,
      args: [
        'start',
        ...['--data-dir', join(dataDir, `node${id}`)],
        ...['--sql-addr', sql],
        ...['--rpc-addr', rpc],
        ...['--http-addr', http],
        ...['--join', members],
        // Each node is a failure domain of its own, or three replicas could not be kept apart.
        ...['--locality', `host=demo${id}`],
        ...['--log-level', command.logLevel],
        ...['--log-file', logFile],
      ],
    };
  });
}

/** Runs the cluster until it is told to stop. `modulePath` is the command line's own module. */
export async function runDemo(command: DemoCommand, modulePath: string): Promise<number> {
  const clock = new NodeClock();
  await new NodeDisk().mkdirp(command.dataDir);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const supervisor = new Supervisor(
    {
      modulePath,
      nodeArgs: [`--max-old-space-size=${command.heapMb}`],
      nodes: demoNodes(command),
      restart: command.restart,
      restartMs: RESTART_MS,
    },
    { timers: new NodeTimers(), nowMs: () => clock.monotonicMs(), print },
  );
  // A reader that is gone (`quoral demo | head`) is no reason to crash without stopping the nodes.
  process.stdout.on('error', () => supervisor.stop());
  let signals = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      signals++;
      if (signals > 1) {
        supervisor.kill();
        return;
      }
      print(`stopping: the nodes drain (${signal}; once more ends them at once)`);
      supervisor.stop();
    });
  }
  const keepAlive = keepProcessAlive();
  supervisor.start();
  void supervisor.serving.then(() => print(`ready  postgresql://postgres@127.0.0.1:${command.basePort}/postgres`));
  const code = await supervisor.ended;
  keepAlive.release();
  return code;
}
