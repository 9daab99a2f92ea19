/**
 * The real machine behind the interfaces of src/env/env.ts. This folder is the only user of real
 * time, timers, randomness, sockets and files (a test scans for it); only the composition root,
 * the test cluster and the command line import it.
 */
import { guardHeap } from '../../base/heap.js';
import type { Env, LogLevel, Transport } from '../env.js';
import { connectTcp, listenTcp } from './bytes-tcp.js';
import { NodeClock } from './clock.js';
import { NodeDisk } from './disk.js';
import { throwIfHeapFull } from './heap.js';
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

/** Loaded on first use: a cluster inside one process has no use for gRPC, and it takes a fifth of the import's time. */
const frames = () => import('./frames-grpc.js');

export const nodeTransport: Transport = {
  listenFrames: async (address, onStream) => (await frames()).listenGrpc(address, onStream),
  connectFrames: async (address, timeoutMs) => (await frames()).connectGrpc(address, timeoutMs),
  listenBytes: listenTcp,
  connectBytes: connectTcp,
  listenHttp,
};

export function createNodeEnv(options: NodeEnvOptions = {}): Env {
  guardHeap(throwIfHeapFull);
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
