/**
 * A cluster of real processes on a network that can be cut, each node in a directory of its own; one of them, if wanted and we are root, on a small disk that can be filled up.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Random } from '../bench/random.js';
import { NamespaceNetwork } from './namespaces.js';
import { type ChaosNetwork, type NetworkPorts, ProxyNetwork } from './network.js';
import { NodeProcess, type Death } from './node-process.js';

export interface ClusterOptions {
  readonly directory: string;
  readonly mainPath: string;
  readonly nodes: number;
  readonly random: Random;
  /** Gets a small disk of its own that `fillDisk` fills; null: none. */
  readonly smallDiskNode: number | null;
  /** Kernel namespaces between the nodes instead of proxies; see `noNamespaces`. */
  readonly namespaces?: boolean;
  readonly onDeath: (death: Death) => void;
  readonly logLevel?: string;
}

const SMALL_DISK_BYTES = 256 << 20;

export class ChaosCluster {
  readonly nodes: readonly NodeProcess[];
  readonly options: ClusterOptions;
  readonly network: ChaosNetwork;
  readonly #ports: NetworkPorts;
  readonly #mounts: string[];

  static async create(options: ClusterOptions): Promise<ChaosCluster> {
    mkdirSync(options.directory, { recursive: true });
    const base = await freeBasePort(options.nodes, options.random);
    const ids = Array.from({ length: options.nodes }, (_, i) => i + 1);
    const ports = { ids, rpcPort: (id: number) => base + 100 + id, sqlPort: (id: number) => base + id };
    const network: ChaosNetwork =
      options.namespaces === true
        ? new NamespaceNetwork(ports, options.random)
        : await ProxyNetwork.create(ports, options.random);
    const rpc = (id: number): string => `${network.rpcHost(id)}:${ports.rpcPort(id)}`;
    const mounts: string[] = [];
    const nodes = ids.map((id) => {
      const dataDir = join(options.directory, `node${id}`);
      mkdirSync(dataDir, { recursive: true });
      if (id === options.smallDiskNode) mounts.push(mountSmallDisk(dataDir));
      const via = network.via(id);
      const args = [
        ...['--data-dir', dataDir, '--log-level', options.logLevel ?? 'info'],
        ...[
          '--sql-addr',
          `127.0.0.1:${base + id}`,
          '--rpc-addr',
          rpc(id),
          '--http-addr',
          `127.0.0.1:${base + 200 + id}`,
        ],
        ...['--join', ids.map(rpc).join(',')],
        ...(via.length === 0 ? [] : ['--rpc-via', via.join(',')]),
      ];
      const logPath = join(options.directory, `node${id}.log`);
      const prefix = network.prefix(id);
      return new NodeProcess({ id, mainPath: options.mainPath, args, logPath, prefix }, options.onDeath);
    });
    return new ChaosCluster(options, nodes, network, ports, mounts);
  }

  private constructor(
    options: ClusterOptions,
    nodes: readonly NodeProcess[],
    network: ChaosNetwork,
    ports: NetworkPorts,
    mounts: string[],
  ) {
    this.options = options;
    this.nodes = nodes;
    this.network = network;
    this.#ports = ports;
    this.#mounts = mounts;
  }

  get ids(): readonly number[] {
    return this.nodes.map((node) => node.spec.id);
  }

  node(id: number): NodeProcess {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  url(id: number): string {
    return `postgresql://postgres@${this.network.sqlHost(id)}:${this.#ports.sqlPort(id)}/postgres`;
  }

  dataDir(id: number): string {
    return join(this.options.directory, `node${id}`);
  }

  startAll(): void {
    for (const node of this.nodes) node.start();
  }

  // ---- disk ----

  fillDisk(id: number): void {
    const directory = this.dataDir(id);
    const { bavail, bsize } = statfsSync(directory);
    const path = join(directory, BALLAST);
    try {
      // Whole pages of zeros: a sparse file would take no room.
      writeFileSync(path, Buffer.alloc(Math.max(0, bavail * bsize)));
    } catch (error) {
      // The node took some of the room meanwhile: what is written up to there fills the disk as well.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }

  emptyDisk(id: number): void {
    const path = join(this.dataDir(id), BALLAST);
    if (existsSync(path)) truncateSync(path, 0);
    rmSync(path, { force: true });
  }

  bytesOnDisk(id: number): number {
    return folderBytes(this.dataDir(id));
  }

  // ---- the end ----

  /** SIGKILL to everything, the network and the mounts gone. Synchronous, so that an exit handler can do it. */
  destroy(): void {
    for (const node of this.nodes) node.kill();
    this.network.destroy();
    // Lazily: the processes that hold files there are on their way out.
    for (const path of this.#mounts.splice(0)) spawnSync('umount', ['-l', path]);
  }
}

const BALLAST = 'ballast.fill';

/** Null if a small disk can be mounted here, else why not. */
export function noSmallDisk(): string | null {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  return spawnSync('mount', ['--version']).status === 0 ? null : 'mount is not installed';
}

function mountSmallDisk(path: string): string {
  const result = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK_BYTES}`, 'quoral-chaos', path]);
  if (result.status !== 0) throw new Error(`cannot mount a small disk: ${result.stderr.toString()}`);
  return path;
}

function folderBytes(path: string): number {
  let total = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) total += folderBytes(child);
    else if (existsSync(child)) total += statSync(child).size;
  }
  return total;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Below the ports that the system gives to clients. */
async function freeBasePort(nodes: number, random: Random): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const base = 11_000 + random.between(0, 60) * 300;
    let free = true;
    for (const offset of [0, 100, 200]) {
      for (let id = 1; id <= nodes && free; id++) free = await isFree(base + offset + id);
    }
    if (free) return base;
  }
  throw new Error('no free ports');
}
