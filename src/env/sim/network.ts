/**
 * The network of the simulated world: the Transport interface over virtual links between hosts.
 *
 * A link has a direction, a latency with jitter, and faults. Streams of frames (between nodes) may
 * lose, double and reorder whole frames, as a protocol above must survive it; streams of bytes
 * (clients) are TCP: in order and complete, or broken. What meets a cut link is, by the cut's kind,
 * lost for good (`drop`), or kept and delivered late when the link heals (`hold`, as TCP resends).
 *
 * Invariants
 * - Nothing is delivered inside the call that sends it, nor by or to a process that has died.
 * - With no fault a stream delivers everything once and in order.
 * - Senders must not change what they sent; receivers get the sender's bytes (a flipped copy under `corrupt`).
 *
 * - A stream to a process that has died is reset as soon as its machine runs another one.
 *
 * Not modelled: bandwidth. Addresses are one flat space over all hosts.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ByteStream, FrameStream, HttpHandler, Listener, Transport } from '../env.js';
import type { SimRandom } from './random.js';
import type { SimProcess, SimScheduler } from './scheduler.js';
import type { SimTrace } from './trace.js';

export interface LinkFaults {
  /** Chance that a frame vanishes. */
  readonly loss: number;
  readonly duplicate: number;
  /** Chance that a frame takes a detour and may be overtaken by later ones. */
  readonly reorder: number;
  /** How long a detour takes at most, and the added latency; microseconds. */
  readonly detourUs: number;
  readonly delayUs: number;
  /** Chance that an established stream breaks when something is sent on it. */
  readonly reset: number;
}

export const NO_LINK_FAULTS: LinkFaults = {
  loss: 0,
  duplicate: 0,
  reorder: 0,
  detourUs: 0,
  delayUs: 0,
  reset: 0,
};

export type CutKind = 'drop' | 'hold';

const LATENCY_US = 150;
const JITTER_US = 250;
const HIGH_WATER_BYTES = 1 << 20;

interface LinkState {
  faults: LinkFaults;
  /** How often it is cut: partitions may overlap. */
  cuts: CutKind[];
  held: (() => void)[];
}

interface ListenerEntry {
  readonly process: SimProcess;
  readonly accept: (end: SimStream) => void;
}

export class SimNetwork {
  readonly scheduler: SimScheduler;
  readonly trace: SimTrace;
  readonly random: SimRandom;
  readonly #links = new Map<string, LinkState>();
  readonly #listeners = new Map<string, ListenerEntry>();
  readonly #ends = new Set<SimStream>();
  /** The latest process of each host. */
  readonly #hosts = new Map<string, SimProcess>();
  #nextPort = 40_000;

  constructor(scheduler: SimScheduler, trace: SimTrace, random: SimRandom) {
    this.scheduler = scheduler;
    this.trace = trace;
    this.random = random;
  }

  /** The transport of one process; dead processes neither send nor receive. */
  transport(process: SimProcess): Transport {
    this.#hosts.set(process.name, process);
    return new SimTransport(this, process);
  }

  link(from: string, to: string): LinkState {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = { faults: NO_LINK_FAULTS, cuts: [], held: [] };
      this.#links.set(name, link);
    }
    return link;
  }

  setFaults(from: string, to: string, faults: LinkFaults): void {
    this.link(from, to).faults = faults;
  }

  /** Cuts one direction; give the result to `heal`. */
  cut(from: string, to: string, kind: CutKind): { heal: () => void } {
    const link = this.link(from, to);
    link.cuts.push(kind);
    let healed = false;
    return {
      heal: () => {
        if (healed) return;
        healed = true;
        link.cuts.splice(link.cuts.indexOf(kind), 1);
        if (link.cuts.length > 0) return;
        const { held } = link;
        link.held = [];
        for (const deliver of held) deliver();
      },
    };
  }

  /** Breaks every stream between two hosts; both ends are told. */
  breakStreams(a: string, b: string): void {
    for (const end of [...this.#ends]) {
      if (end.process.name === a && end.peerHost === b) end.break(new Error('connection reset'));
    }
  }

  /** The process died. `tellPeers`: its machine lives on and resets its connections. */
  processDied(process: SimProcess, tellPeers: boolean): void {
    for (const [address, listener] of [...this.#listeners]) {
      if (listener.process === process) this.#listeners.delete(address);
    }
    for (const end of [...this.#ends]) if (end.process === process) end.abandon(tellPeers);
  }

  register(process: SimProcess, address: string, accept: (end: SimStream) => void): Listener {
    const colon = address.lastIndexOf(':');
    const asked = Number(address.slice(colon + 1));
    const port = asked === 0 ? this.#nextPort++ : asked;
    const bound = `${address.slice(0, colon)}:${port}`;
    const holder = this.#listeners.get(bound);
    if (holder !== undefined && holder.process.alive) {
      throw sqlError('55006', `port ${port} is already in use (cannot listen on ${bound})`);
    }
    const entry = { process, accept };
    this.#listeners.set(bound, entry);
    return {
      port,
      close: async () => {
        if (this.#listeners.get(bound) === entry) this.#listeners.delete(bound);
      },
    };
  }

  async open(process: SimProcess, address: string, timeoutMs: number): Promise<SimStream> {
    const listener = this.#listeners.get(address);
    const host = listener?.process.name ?? address;
    await this.#handshake(process, host, address, timeoutMs);
    const now = this.#listeners.get(address);
    if (now === undefined || !now.process.alive) throw refused(address);
    const client = new SimStream(this, process, now.process, address);
    const server = new SimStream(this, now.process, process, process.name);
    client.join(server);
    server.join(client);
    this.#ends.add(client).add(server);
    this.scheduler.after(this.latencyUs(process.name, now.process.name), now.process, () => now.accept(server));
    return client;
  }

  /** A machine that runs again resets connections that it does not know; one that is down says nothing. */
  resets(host: string): boolean {
    return this.#hosts.get(host)?.alive === true;
  }

  forget(end: SimStream): void {
    this.#ends.delete(end);
  }

  latencyUs(from: string, to: string): number {
    if (from === to) return this.random.int(30);
    return LATENCY_US + this.random.int(JITTER_US) + this.link(from, to).faults.delayUs;
  }

  /** One round trip, or no answer at all. */
  #handshake(process: SimProcess, host: string, address: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const blocked = this.link(process.name, host).cuts.length > 0 || this.link(host, process.name).cuts.length > 0;
      if (blocked) {
        const error = new QuoralError('08001', `cannot connect to ${address}: no answer within ${timeoutMs} ms`, {
          retry: 'statement',
        });
        this.scheduler.after(timeoutMs * 1000, process, () => reject(error));
        return;
      }
      const us = this.latencyUs(process.name, host) + this.latencyUs(host, process.name);
      this.scheduler.after(us, process, () => {
        const listener = this.#listeners.get(address);
        if (listener === undefined || !listener.process.alive) reject(refused(address));
        else resolve();
      });
    });
  }
}

function refused(address: string): QuoralError {
  return new QuoralError('08001', `cannot connect to ${address}: connection refused`, { retry: 'statement' });
}

/** One end of a stream of frames or bytes. */
export class SimStream implements FrameStream, ByteStream {
  readonly process: SimProcess;
  readonly peerHost: string;
  readonly remote: string;
  readonly #network: SimNetwork;
  readonly #peerProcess: SimProcess;
  #peer: SimStream | null = null;
  #ordered = false;
  #inFlight = 0;
  #lastDueUs = 0;
  #inbox: Buffer[] = [];
  #onData: ((data: Buffer) => void) | null = null;
  #onClose: ((error: Error | null) => void) | null = null;
  #onDrain: (() => void) | null = null;
  #paused = false;
  #closed = false;
  #closeError: Error | null = null;

  constructor(network: SimNetwork, process: SimProcess, peerProcess: SimProcess, remote: string) {
    this.#network = network;
    this.process = process;
    this.#peerProcess = peerProcess;
    this.peerHost = peerProcess.name;
    this.remote = remote;
  }

  join(peer: SimStream): void {
    this.#peer = peer;
  }

  /** A TCP stream: nothing is lost, doubled or overtaken. */
  asBytes(): ByteStream {
    this.#ordered = true;
    return this;
  }

  send(frame: Uint8Array): void {
    this.write(frame);
  }

  write(data: Uint8Array): boolean {
    if (this.#closed || data.length === 0 || !this.process.alive) return true;
    const buffer = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const network = this.#network;
    const { random } = network;
    const { faults } = network.link(this.process.name, this.peerHost);
    if (random.chance(faults.reset)) {
      this.break(new Error('connection reset'));
      return true;
    }
    this.#inFlight += buffer.length;
    const sent = (): void => {
      this.#inFlight -= buffer.length;
      if (this.#inFlight === 0 && !this.#closed && this.process.alive) this.#onDrain?.();
    };
    if (!this.#ordered && random.chance(faults.loss)) {
      network.scheduler.after(LATENCY_US, this.process, sent);
    } else {
      this.#transmit(buffer, faults, sent);
      if (!this.#ordered && random.chance(faults.duplicate)) this.#transmit(buffer, faults, () => undefined);
    }
    return this.#inFlight < HIGH_WATER_BYTES;
  }

  get bufferedBytes(): number {
    return this.#inFlight;
  }

  pause(): void {
    this.#paused = true;
  }
  resume(): void {
    this.#paused = false;
    this.#network.scheduler.after(0, this.process, () => this.#drainInbox());
  }
  close(): void {
    this.end();
  }
  end(): void {
    if (this.#closed) return;
    const peer = this.#peer;
    this.#later(() => peer?.peerClosed(null));
    this.#finish(null);
  }
  destroy(): void {
    this.end();
  }

  /** Both ends see the error. */
  break(error: Error): void {
    if (this.#closed) return;
    this.#finish(error);
    const peer = this.#peer;
    this.#network.scheduler.after(0, this.#peerProcess, () => peer?.peerClosed(error));
  }

  /** This end's process died. */
  abandon(tellPeer: boolean): void {
    this.#closed = true;
    this.#network.forget(this);
    const peer = this.#peer;
    if (tellPeer) this.#later(() => peer?.peerClosed(new Error('connection reset')));
  }

  onFrame(fn: (frame: Buffer) => void): void {
    this.onData(fn);
  }
  onData(fn: (data: Buffer) => void): void {
    this.#onData = fn;
    if (this.#inbox.length > 0) this.resume();
  }
  onDrain(fn: () => void): void {
    this.#onDrain = fn;
  }
  onClose(fn: (error: Error | null) => void): void {
    this.#onClose = fn;
    if (this.#closed) this.#network.scheduler.after(0, this.process, () => fn(this.#closeError));
  }

  peerClosed(error: Error | null): void {
    if (this.#closed) return;
    this.#drainInbox();
    this.#finish(error);
  }

  #transmit(buffer: Buffer, faults: LinkFaults, sent: () => void): void {
    const network = this.#network;
    const { random } = network;
    const detour = !this.#ordered && random.chance(faults.reorder) ? random.int(faults.detourUs) : 0;
    let dueUs = network.scheduler.nowUs + network.latencyUs(this.process.name, this.peerHost);
    if (detour === 0) {
      dueUs = Math.max(dueUs, this.#lastDueUs);
      this.#lastDueUs = dueUs;
    }
    network.scheduler.at(dueUs + detour, null, () => {
      sent();
      this.#arrive(buffer);
    });
  }

  /** The bytes reach the far end of the link, unless it is cut. */
  #arrive(buffer: Buffer): void {
    const link = this.#network.link(this.process.name, this.peerHost);
    const cut = link.cuts.at(-1);
    if (cut !== undefined) {
      // Bytes of a TCP stream are resent until the connection breaks.
      if (cut === 'hold' || this.#ordered) link.held.push(() => this.#deliver(buffer));
      return;
    }
    this.#deliver(buffer);
  }

  #deliver(buffer: Buffer): void {
    if (!this.#peerProcess.alive && this.#network.resets(this.peerHost)) this.break(new Error('connection reset'));
    this.#network.scheduler.after(0, this.#peerProcess, () => this.#peer?.receive(buffer));
  }

  /** Something other than data, in order behind it. */
  #later(fn: () => void): void {
    const network = this.#network;
    const dueUs = Math.max(
      network.scheduler.nowUs + network.latencyUs(this.process.name, this.peerHost),
      this.#lastDueUs,
    );
    network.scheduler.at(dueUs, null, () => {
      const link = network.link(this.process.name, this.peerHost);
      const run = (): void => void network.scheduler.after(0, this.#peerProcess, fn);
      if (link.cuts.length > 0) link.held.push(run);
      else run();
    });
  }

  receive(buffer: Buffer): void {
    if (this.#closed) return;
    const { scheduler, trace } = this.#network;
    trace.bytes(scheduler.nowUs, this.remote, this.process.name, buffer);
    if (this.#onData !== null && !this.#paused && this.#inbox.length === 0) this.#onData(buffer);
    else this.#inbox.push(buffer);
  }

  #drainInbox(): void {
    while (this.#inbox.length > 0 && this.#onData !== null && !this.#paused && !this.#closed) {
      this.#onData(this.#inbox.shift() as Buffer);
    }
  }

  #finish(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeError = error;
    this.#network.forget(this);
    const fn = this.#onClose;
    if (fn !== null) this.#network.scheduler.after(0, this.process, () => fn(error));
  }
}

class SimTransport implements Transport {
  readonly #network: SimNetwork;
  readonly #process: SimProcess;

  constructor(network: SimNetwork, process: SimProcess) {
    this.#network = network;
    this.#process = process;
  }

  async listenFrames(address: string, onStream: (stream: FrameStream) => void): Promise<Listener> {
    return this.#network.register(this.#process, address, onStream);
  }
  connectFrames(address: string, timeoutMs: number): Promise<FrameStream> {
    return this.#network.open(this.#process, address, timeoutMs);
  }
  async listenBytes(address: string, onStream: (stream: ByteStream) => void): Promise<Listener> {
    return this.#network.register(this.#process, address, (end) => onStream(end.asBytes()));
  }
  async connectBytes(address: string, timeoutMs: number): Promise<ByteStream> {
    return (await this.#network.open(this.#process, address, timeoutMs)).asBytes();
  }
  async listenHttp(address: string, _handler: HttpHandler): Promise<Listener> {
    return this.#network.register(this.#process, address, (end) => end.end());
  }
}
