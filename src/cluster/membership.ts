/**
 * Who belongs to the cluster: this node's identity, the bootstrap of a new cluster, and the
 * exchange of node descriptors (addresses, locality, version).
 *
 * Identity. `node.json` in the data directory names cluster, node and format, and is written once.
 * A directory of a newer format, or of another node than the address says, is refused.
 *
 * Bootstrap. Every node of the initial set is started with the same ordered list of RPC addresses
 * (`--join`). A node's id is the position of its own address in the list, from 1. Nodes ask each
 * other over the membership method, which needs no cluster:
 *   - who hears of a cluster from a node of its list joins that one;
 *   - if a majority of the list (itself included) answers that it belongs to none, the first node
 *     of the list, and only it, makes the cluster id; the others then hear of it.
 * So two clusters cannot come out of one list, and a first node that lost its disk does not start a
 * new one beside a living cluster. A node that was a member before and comes back with an empty
 * directory is refused: its id has votes and promises behind it that it no longer knows. Members
 * are therefore remembered in `members.json`.
 *
 * Descriptors spread by push-pull with one random peer every two seconds, and with all at once on a
 * change; the one with the higher generation wins. Limits: the set is fixed in this version; a node
 * outside the list cannot join.
 */
import { assert } from '../base/assert.js';
import { damagedFile, textChecksum } from '../base/checksum.js';
import { QuoralError, sqlError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { MembershipExchange, type NodeDescriptor } from '../encoding/proto/cluster.js';
import type { Disk, Logger, Rng, TimerHandle, Timers } from '../env/env.js';
import { defineMethod } from '../rpc/methods.js';
import type { RpcNetwork } from '../rpc/types.js';

export type { NodeDescriptor } from '../encoding/proto/cluster.js';

/** The version of everything in the data directory; a higher one is refused. */
export const DATA_FORMAT = 1;

export interface MembershipOptions {
  readonly dataDir: string;
  /** RPC addresses of the initial nodes, the same list in the same order on each; empty: one node. */
  readonly join: readonly string[];
  /** This node's addresses as others reach them. */
  readonly rpcAddress: string;
  readonly sqlAddress: string;
  readonly httpAddress: string;
  /** "region=eu,zone=a" */
  readonly locality: string;
  readonly buildVersion: string;
  /** Grows with every start of the node: its clock, for example. */
  readonly generation: number;
  /** If given, must be the id that the list says. */
  readonly nodeId?: NodeId;
}

export interface MembershipDependencies {
  readonly disk: Disk;
  readonly rng: Rng;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** What membership needs of the network beyond RpcNetwork. */
export interface MembershipNetwork extends RpcNetwork {
  setClusterId(clusterId: string): void;
}

export interface NodeIdentity {
  readonly nodeId: NodeId;
  /** Empty: belongs to no cluster yet. */
  readonly clusterId: string;
}

export const MEMBERSHIP_EXCHANGE = defineMethod<MembershipExchange, MembershipExchange>('membershipExchange', {
  encodeRequest: (message) => MembershipExchange.encode(message).finish(),
  decodeRequest: (bytes) => MembershipExchange.decode(bytes),
  encodeResponse: (message) => MembershipExchange.encode(message).finish(),
  decodeResponse: (bytes) => MembershipExchange.decode(bytes),
});

/** Between rounds of asking; the first ones are shorter, for nodes that are started together. */
const BOOTSTRAP_EVERY_MS = 100;
const BOOTSTRAP_FIRST_MS = 4;
const EXCHANGE_EVERY_MS = 2_000;
const EXCHANGE_DEADLINE_MS = 2_000;

export class ClusterMembership {
  readonly nodeId: NodeId;
  readonly #options: MembershipOptions;
  readonly #deps: MembershipDependencies;
  readonly #nodes = new Map<NodeId, NodeDescriptor>();
  readonly #listeners: ((node: NodeDescriptor) => void)[] = [];
  /** Nodes known to have held this cluster's identity, this one included. */
  readonly #members: Set<NodeId>;
  /** Bootstrap: nodes of the list that said they belong to no cluster. */
  readonly #fresh = new Set<NodeId>();
  #clusterId: string;
  #network: MembershipNetwork | null = null;
  #timer: TimerHandle | null = null;
  #joining = false;
  #rounds = 0;
  #stopped = false;
  #memberWrite: Promise<void> = Promise.resolve();
  readonly #ready: { readonly promise: Promise<string>; resolve: (id: string) => void; reject: (error: Error) => void };

  /** Reads the identity in the data directory, or finds the node's place in the list. */
  static async open(options: MembershipOptions, deps: MembershipDependencies): Promise<ClusterMembership> {
    await deps.disk.mkdirp(options.dataDir);
    const listed = placeInList(options);
    const stored = await readIdentity(deps.disk, options.dataDir);
    if (stored !== null && stored.nodeId !== listed) {
      throw sqlError(
        '55000',
        `data directory "${options.dataDir}" belongs to node ${stored.nodeId}, but address ${options.rpcAddress} is node ${listed} of the join list`,
      );
    }
    const members = await readMembers(deps.disk, options.dataDir);
    return new ClusterMembership(options, deps, stored ?? { nodeId: listed, clusterId: '' }, members);
  }

  private constructor(
    options: MembershipOptions,
    deps: MembershipDependencies,
    identity: NodeIdentity,
    members: readonly NodeId[],
  ) {
    this.#options = options;
    this.#deps = deps;
    this.nodeId = identity.nodeId;
    this.#clusterId = identity.clusterId;
    this.#members = new Set(members);
    let resolve: (id: string) => void = () => {};
    let reject: (error: Error) => void = () => {};
    const promise = new Promise<string>((res, rej) => {
      resolve = res;
      reject = rej;
    });
    // Whoever awaits `ready` sees the failure; nobody has to.
    promise.catch(() => undefined);
    this.#ready = { promise, resolve, reject };
    for (const [index, rpcAddress] of this.#list().entries()) {
      this.#nodes.set(index + 1, {
        nodeId: index + 1,
        rpcAddress,
        sqlAddress: '',
        httpAddress: '',
        locality: '',
        buildVersion: '',
        generation: 0,
      });
    }
    this.#nodes.set(this.nodeId, this.#describe());
  }

  /** Empty until the node belongs to a cluster. */
  get clusterId(): string {
    return this.#clusterId;
  }

  /** Resolves with the cluster id; rejects if this node can never join. */
  get ready(): Promise<string> {
    return this.#ready.promise;
  }

  /** Takes part in the exchange from now on. The network must have been made with this node's id. */
  start(network: MembershipNetwork): void {
    assert(this.#network === null && network.self === this.nodeId, 'membership starts once, with its own network');
    this.#network = network;
    for (const node of this.nodes()) if (node.nodeId !== this.nodeId) network.setAddress(node.nodeId, node.rpcAddress);
    network.handle(MEMBERSHIP_EXCHANGE, async (request, ctx) => this.#onExchange(request, ctx.from));
    if (this.#clusterId !== '') this.#becomeReady();
    else this.#bootstrapRound();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#ready.reject(new QuoralError('57P01', 'the node was stopped before it joined a cluster'));
    await this.#memberWrite;
  }

  /** All known nodes by id; of a node that was not heard of yet only the RPC address is known. */
  nodes(): NodeDescriptor[] {
    return [...this.#nodes.values()].sort((a, b) => a.nodeId - b.nodeId);
  }

  node(id: NodeId): NodeDescriptor | undefined {
    return this.#nodes.get(id);
  }

  addressOf(id: NodeId): string | undefined {
    return this.#nodes.get(id)?.rpcAddress;
  }

  onChange(fn: (node: NodeDescriptor) => void): void {
    this.#listeners.push(fn);
  }

  #list(): readonly string[] {
    return this.#options.join.length === 0 ? [this.#options.rpcAddress] : this.#options.join;
  }

  #describe(): NodeDescriptor {
    const { rpcAddress, sqlAddress, httpAddress, locality, buildVersion, generation } = this.#options;
    return { nodeId: this.nodeId, rpcAddress, sqlAddress, httpAddress, locality, buildVersion, generation };
  }

  #message(): MembershipExchange {
    return {
      clusterId: this.#clusterId,
      nodeId: this.nodeId,
      join: [...this.#options.join],
      nodes: this.nodes().filter((node) => node.generation > 0),
    };
  }

  #onExchange(request: MembershipExchange, from: NodeId): MembershipExchange {
    if (request.clusterId === '') this.#checkFresh(request, from);
    else if (request.clusterId === this.#clusterId) this.#remember(from);
    this.#merge(request.nodes);
    return this.#message();
  }

  /** @throws QuoralError if a node without a cluster may not join this node's. */
  #checkFresh(request: MembershipExchange, from: NodeId): void {
    const own = this.#options.join;
    if (request.join.length !== own.length || request.join.some((address, index) => address !== own[index])) {
      throw sqlError(
        '22023',
        `node ${from} was started with the join list "${request.join.join(',')}", node ${this.nodeId} with "${own.join(',')}"`,
        {
          hint: 'Start every node with the same addresses in the same order.',
        },
      );
    }
    if (this.#clusterId !== '' && this.#members.has(from)) {
      throw sqlError(
        '55000',
        `node ${from} is a member of cluster ${this.#clusterId}, but its data directory is empty`,
        {
          hint: 'Its id cannot be used again, because it no longer knows what it has promised. Restore the directory.',
        },
      );
    }
  }

  #bootstrapRound(): void {
    if (this.#stopped || this.#clusterId !== '') return;
    const size = this.#list().length;
    const majority = Math.floor(size / 2) + 1;
    if (this.nodeId === 1 && this.#fresh.size + 1 >= majority) {
      void this.#join(this.#deps.rng.bytes(16).toString('hex'), 'a new cluster was created');
      return;
    }
    for (let id = 1; id <= size; id++) {
      if (id !== this.nodeId) void this.#askForCluster(id);
    }
    const pauseMs = Math.min(BOOTSTRAP_EVERY_MS, BOOTSTRAP_FIRST_MS * 2 ** Math.min(this.#rounds++, 10));
    this.#timer = this.#deps.timers.after(pauseMs * (0.75 + this.#deps.rng.next() / 2), () => this.#bootstrapRound());
  }

  async #askForCluster(id: NodeId): Promise<void> {
    const network = this.#network;
    assert(network !== null, 'membership was started');
    let answer: MembershipExchange;
    try {
      answer = await network.call(id, MEMBERSHIP_EXCHANGE, this.#message(), { deadlineMs: EXCHANGE_DEADLINE_MS });
    } catch (error) {
      this.#fresh.delete(id);
      // Refusals of the peer (not failures of the way there) end the bootstrap.
      if (error instanceof QuoralError && (error.sqlstate === '22023' || error.sqlstate === '55000')) this.#fail(error);
      else
        this.#deps.logger.log('debug', 'waiting for a node of the join list', {
          peer: id,
          error: error instanceof Error ? error.message : String(error),
        });
      return;
    }
    if (this.#stopped || this.#clusterId !== '') return;
    this.#merge(answer.nodes);
    if (answer.clusterId === '') {
      this.#fresh.add(id);
      if (this.nodeId === 1 && !this.#joining) {
        this.#timer?.cancel();
        this.#bootstrapRound();
      }
      return;
    }
    this.#fresh.delete(id);
    this.#remember(id);
    await this.#join(answer.clusterId, `joined the cluster of node ${id}`);
  }

  /** Becomes a member: the identity is durable before anyone hears of it. */
  async #join(clusterId: string, what: string): Promise<void> {
    if (this.#joining || this.#clusterId !== '') return;
    this.#joining = true;
    try {
      const identity = { format: DATA_FORMAT, clusterId, nodeId: this.nodeId };
      await this.#deps.disk.writeFileSync(
        identityPath(this.#options.dataDir),
        Buffer.from(`${withChecksum(identity)}\n`),
      );
    } catch (error) {
      this.#fail(
        new QuoralError('58030', `cannot write to data directory "${this.#options.dataDir}"`, {
          severity: 'FATAL',
          cause: error,
        }),
      );
      return;
    }
    if (this.#stopped) return;
    this.#clusterId = clusterId;
    this.#timer?.cancel();
    this.#network?.setClusterId(clusterId);
    this.#deps.logger.log('info', what, { clusterId, node: this.nodeId });
    this.#becomeReady();
  }

  #becomeReady(): void {
    this.#remember(this.nodeId);
    this.#ready.resolve(this.#clusterId);
    this.#pushToAll();
    this.#timer = this.#deps.timers.every(EXCHANGE_EVERY_MS, () => {
      const peers = this.nodes().filter((node) => node.nodeId !== this.nodeId);
      const peer = peers[this.#deps.rng.int(Math.max(1, peers.length))];
      if (peer !== undefined) void this.#exchangeWith(peer.nodeId);
    });
  }

  #pushToAll(): void {
    if (this.#clusterId === '' || this.#network === null) return;
    for (const node of this.nodes()) if (node.nodeId !== this.nodeId) void this.#exchangeWith(node.nodeId);
  }

  async #exchangeWith(id: NodeId): Promise<void> {
    if (this.#stopped || this.#network === null) return;
    try {
      const answer = await this.#network.call(id, MEMBERSHIP_EXCHANGE, this.#message(), {
        deadlineMs: EXCHANGE_DEADLINE_MS,
      });
      if (this.#stopped) return;
      if (answer.clusterId === this.#clusterId) this.#remember(id);
      this.#merge(answer.nodes);
    } catch (error) {
      this.#deps.logger.log('debug', 'no exchange of node descriptors', {
        peer: id,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  #merge(nodes: readonly NodeDescriptor[]): void {
    for (const node of nodes) {
      if (node.nodeId === this.nodeId || node.nodeId === 0) continue;
      const known = this.#nodes.get(node.nodeId);
      if (known !== undefined && known.generation >= node.generation) continue;
      this.#nodes.set(node.nodeId, node);
      this.#network?.setAddress(node.nodeId, node.rpcAddress);
      for (const fn of this.#listeners) fn(node);
    }
  }

  /** Notes a member of this cluster, durably but in the background: it only guards later mistakes. */
  #remember(id: NodeId): void {
    if (this.#clusterId === '' || this.#members.has(id)) return;
    this.#members.add(id);
    const path = membersPath(this.#options.dataDir);
    this.#memberWrite = this.#memberWrite.then(async () => {
      const members = [...this.#members].sort((a, b) => a - b);
      try {
        await this.#deps.disk.writeFileSync(path, Buffer.from(`${withChecksum({ format: DATA_FORMAT, members })}\n`));
      } catch (error) {
        this.#deps.logger.log('error', 'the list of members could not be written', { path, error });
      }
    });
  }

  #fail(error: QuoralError): void {
    // An answer that was overtaken by joining.
    if (this.#clusterId !== '' || this.#stopped) return;
    this.#timer?.cancel();
    this.#stopped = true;
    this.#ready.reject(error);
  }
}

function identityPath(dataDir: string): string {
  return `${dataDir}/node.json`;
}

function membersPath(dataDir: string): string {
  return `${dataDir}/members.json`;
}

/** The node's id by its place in the join list. @throws QuoralError 22023 */
function placeInList(options: MembershipOptions): NodeId {
  const list = options.join.length === 0 ? [options.rpcAddress] : options.join;
  if (new Set(list).size !== list.length) {
    throw sqlError('22023', `the join list names an address twice: ${list.join(',')}`);
  }
  const place = list.indexOf(options.rpcAddress) + 1;
  if (place === 0) {
    throw sqlError('22023', `this node's RPC address ${options.rpcAddress} is not in the join list ${list.join(',')}`, {
      hint: 'List the RPC addresses of all initial nodes, as they are advertised, in the same order on each node.',
    });
  }
  if (options.nodeId !== undefined && options.nodeId !== place) {
    throw sqlError(
      '22023',
      `address ${options.rpcAddress} is node ${place} of the join list, not node ${options.nodeId}`,
    );
  }
  return place;
}

/** Plain JSON for people to read, and a checksum of it: a flipped digit would still be JSON. */
function withChecksum(object: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...object, checksum: textChecksum(JSON.stringify(object)) });
}

function parseObject(bytes: Buffer, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw damagedFile(path, error);
  }
  if (typeof value !== 'object' || value === null) throw damagedFile(path);
  const { checksum, ...object } = value as Record<string, unknown>;
  // First of all: a flipped bit can look like a newer format.
  if (checksum !== textChecksum(JSON.stringify(object))) throw damagedFile(path);
  if (typeof object['format'] === 'number' && object['format'] > DATA_FORMAT) {
    throw new QuoralError(
      '55000',
      `the data directory was written by a newer version of Quoral (format ${object['format']}; this version knows ${DATA_FORMAT})`,
      {
        severity: 'FATAL',
        fields: { detail: `The file is "${path}".`, hint: 'Start the newer version.' },
      },
    );
  }
  return object;
}

/** What the data directory says about its owner; null if it is new. */
export async function readIdentity(disk: Disk, dataDir: string): Promise<NodeIdentity | null> {
  const path = identityPath(dataDir);
  const bytes = await disk.readFile(path);
  if (bytes === null) return null;
  const { clusterId, nodeId, format } = parseObject(bytes, path);
  if (
    typeof clusterId !== 'string' ||
    clusterId === '' ||
    typeof nodeId !== 'number' ||
    !Number.isInteger(nodeId) ||
    nodeId < 1 ||
    typeof format !== 'number'
  ) {
    throw damagedFile(path);
  }
  return { clusterId, nodeId };
}

async function readMembers(disk: Disk, dataDir: string): Promise<NodeId[]> {
  const path = membersPath(dataDir);
  const bytes = await disk.readFile(path);
  if (bytes === null) return [];
  const { members } = parseObject(bytes, path);
  if (!Array.isArray(members) || !members.every((id) => Number.isInteger(id))) {
    throw damagedFile(path);
  }
  return members as NodeId[];
}
