/**
 * The real machine behind the interfaces of src/env/env.ts. This folder is the only user of real
 * time, timers, randomness, sockets and files (a test scans for it); only the composition root,
 * the test cluster and the command line import it.
 */
import type { Env, LogLevel, Transport } from '../env.js';
import { connectTcp, listenTcp } from './bytes-tcp.js';
import { NodeClock } from './clock.js';
import { NodeDisk } from './disk.js';
import { connectGrpc, listenGrpc } from './frames-grpc.js';
import { listenHttp } from './http.js';
import { NodeLogger } from './logger.js';
import { NodeRng } from './rng.js';
import { NodeTimers } from './timers.js';

export interface NodeEnvOptions {
  /** Log lines below it are left out; default 'info'. */
  readonly logLevel?: LogLevel;
  readonly logFormat?: 'text' | 'json';
  /** Where log lines go; standard error by default. */
  readonly logWrite?: (line: string) => void;
}

export const nodeTransport: Transport = {
  listenFrames: listenGrpc,
  connectFrames: connectGrpc,
  listenBytes: listenTcp,
  connectBytes: connectTcp,
  listenHttp,
};

export function createNodeEnv(options: NodeEnvOptions = {}): Env {
  return {
    clock: new NodeClock(),
    timers: new NodeTimers(),
    rng: new NodeRng(),
    disk: new NodeDisk(),
    transport: nodeTransport,
    logger: new NodeLogger({
      level: options.logLevel ?? 'info',
      format: options.logFormat ?? 'text',
      ...(options.logWrite === undefined ? {} : { write: options.logWrite }),
    }),
  };
}
