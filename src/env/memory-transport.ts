/**
 * A network inside one process: the Transport interface without sockets, for tests, the in-process
 * cluster and (with injected timers) the simulator.
 *
 * Each node gets a `MemoryHost` of one `MemoryHub`. Messages are delivered in order per stream and
 * in a later turn, never inside a call to the stream, as the interface promises. The hub can break
 * streams, refuse connections between two hosts, swallow what is sent between them (a partition
 * that nobody is told about) and delay it. Nothing is copied: senders must not change what they sent.
 */
import { QuoralError, sqlError } from '../base/errors.js';
import type {
  ByteStream,
  FrameStream,
  HttpHandler,
  HttpRequest,
  HttpResponse,
  Listener,
  Timers,
  Transport,
} from './env.js';

export interface LinkFault {
  /** What is sent vanishes and connections time out; nobody is told. */
  readonly silent?: boolean;
  /** New connections fail at once. */
  readonly refuse?: boolean;
  /** Added to each delivery. */
  readonly delayMs?: number;
}

/** What of the peer's side one end of a pipe needs. */
type Deliver = (event: { readonly data: Buffer } | { readonly closed: Error | null }) => void;

const NO_FAULT: LinkFault = {};

export class MemoryHub {
  readonly timers: Timers;
  readonly #faults = new Map<string, LinkFault>();
  readonly #listeners = new Map<string, { readonly host: string; readonly accept: (peer: MemoryEnd) => MemoryEnd }>();
  readonly #http = new Map<string, HttpHandler>();
  readonly #ends = new Set<MemoryEnd>();
  #nextPort = 20_000;

  constructor(timers: Timers) {
    this.timers = timers;
  }

  /** The transport of the host `name`; faults are set between names. */
  host(name: string): Transport {
    return new MemoryHost(this, name);
  }

  /** Sets what happens to everything that `from` sends to `to` (one direction). */
  setFault(from: string, to: string, fault: LinkFault | null): void {
    if (fault === null) this.#faults.delete(`${from}>${to}`);
    else this.#faults.set(`${from}>${to}`, fault);
  }

  fault(from: string, to: string): LinkFault {
    return this.#faults.get(`${from}>${to}`) ?? NO_FAULT;
  }

  /** Breaks every stream between the two hosts; both ends are told. */
  breakStreams(a: string, b: string): void {
    for (const end of [...this.#ends]) {
      if (end.local === a && end.peerHost === b) end.break(new Error('connection reset'));
    }
  }

  /** The host died: its listeners and streams vanish and the peers see resets. */
  kill(host: string): void {
    for (const [address, listener] of [...this.#listeners]) {
      if (listener.host === host) this.#listeners.delete(address);
    }
    for (const end of [...this.#ends]) {
      if (end.local === host) end.break(new Error('connection reset'));
    }
  }

  /** Asks a host's HTTP handler. */
  async http(address: string, request: HttpRequest): Promise<HttpResponse> {
    const handler = this.#http.get(address);
    if (handler === undefined) throw refused(address);
    return handler(request);
  }

  register(host: string, address: string, accept: (peer: MemoryEnd) => MemoryEnd): Listener {
    const { bound, port } = this.#bind(address, this.#listeners);
    this.#listeners.set(bound, { host, accept });
    return { port, close: async () => void this.#listeners.delete(bound) };
  }

  registerHttp(address: string, handler: HttpHandler): Listener {
    const { bound, port } = this.#bind(address, this.#http);
    this.#http.set(bound, handler);
    return { port, close: async () => void this.#http.delete(bound) };
  }

  async open(from: string, address: string, timeoutMs: number): Promise<MemoryEnd> {
    await new Promise<void>((resolve) => this.timers.endOfTurn(resolve));
    const listener = this.#listeners.get(address);
    if (listener === undefined) throw refused(address);
    const there = this.fault(from, listener.host);
    const back = this.fault(listener.host, from);
    if (there.refuse === true || back.refuse === true) throw refused(address);
    if (there.silent === true || back.silent === true) {
      await this.timers.sleep(timeoutMs);
      throw new QuoralError('08001', `cannot connect to ${address}: no answer within ${timeoutMs} ms`, {
        retry: 'statement',
      });
    }
    const client = new MemoryEnd(this, from, listener.host, address);
    const server = listener.accept(client);
    client.join(server);
    server.join(client);
    return client;
  }

  track(end: MemoryEnd): void {
    this.#ends.add(end);
  }

  untrack(end: MemoryEnd): void {
    this.#ends.delete(end);
  }

  #bind(address: string, taken: ReadonlyMap<string, unknown>): { bound: string; port: number } {
    const colon = address.lastIndexOf(':');
    const asked = Number(address.slice(colon + 1));
    const port = asked === 0 ? this.#nextPort++ : asked;
    const bound = `${address.slice(0, colon)}:${port}`;
    if (taken.has(bound)) throw sqlError('55006', `port ${port} is already in use (cannot listen on ${bound})`);
    return { bound, port };
  }
}

function refused(address: string): QuoralError {
  return new QuoralError('08001', `cannot connect to ${address}: connection refused`, { retry: 'statement' });
}

/** One end of a stream; serves as frame stream and as byte stream (where every write is a chunk). */
export class MemoryEnd implements FrameStream, ByteStream {
  readonly local: string;
  readonly peerHost: string;
  readonly remote: string;
  readonly #hub: MemoryHub;
  #peer: Deliver | null = null;
  #peerEnd: MemoryEnd | null = null;
  #inFlight = 0;
  /** Deliveries wait here while nobody listens or the reader is paused. */
  #inbox: Buffer[] = [];
  #onData: ((data: Buffer) => void) | null = null;
  #onClose: ((error: Error | null) => void) | null = null;
  #onDrain: (() => void) | null = null;
  #paused = false;
  #closed = false;
  #closeError: Error | null = null;
  #lastDueMs = 0;

  constructor(hub: MemoryHub, local: string, peerHost: string, remote: string) {
    this.#hub = hub;
    this.local = local;
    this.peerHost = peerHost;
    this.remote = remote;
    hub.track(this);
  }

  join(peer: MemoryEnd): void {
    this.#peerEnd = peer;
    this.#peer = (event) => peer.#receive(event);
  }

  send(frame: Uint8Array): void {
    this.write(frame);
  }

  write(data: Uint8Array): boolean {
    if (this.#closed || data.length === 0) return true;
    const buffer = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#inFlight += buffer.length;
    this.#transmit({ data: buffer }, () => {
      this.#inFlight -= buffer.length;
      if (this.#inFlight === 0 && !this.#closed) this.#onDrain?.();
    });
    return this.bufferedBytes < 1 << 20;
  }

  get bufferedBytes(): number {
    return this.#inFlight + (this.#peerEnd?.unreadBytes() ?? 0);
  }

  unreadBytes(): number {
    let sum = 0;
    for (const data of this.#inbox) sum += data.length;
    return sum;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#hub.timers.endOfTurn(() => this.#drainInbox());
  }

  close(): void {
    this.end();
  }

  end(): void {
    if (this.#closed) return;
    this.#transmit({ closed: null }, () => {});
    this.#finish(null);
  }

  destroy(): void {
    this.end();
  }

  /** Both ends see the error. */
  break(error: Error): void {
    if (this.#closed) return;
    this.#finish(error);
    this.#peerEnd?.break(error);
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
    if (this.#closed) this.#hub.timers.endOfTurn(() => fn(this.#closeError));
  }

  #transmit(event: Parameters<Deliver>[0], sent: () => void): void {
    const peer = this.#peer;
    const fault = this.#hub.fault(this.local, this.peerHost);
    const deliver = (): void => {
      sent();
      const now = this.#hub.fault(this.local, this.peerHost);
      if (now.silent !== true) peer?.(event);
    };
    if (fault.delayMs === undefined && this.#lastDueMs === 0) {
      this.#hub.timers.endOfTurn(deliver);
      return;
    }
    // A delayed stream stays on timers, so that later messages do not overtake earlier ones.
    this.#lastDueMs = Math.max(this.#lastDueMs, fault.delayMs ?? 0);
    this.#hub.timers.after(this.#lastDueMs, deliver);
  }

  #receive(event: Parameters<Deliver>[0]): void {
    if (this.#closed) return;
    if ('closed' in event) {
      this.#drainInbox();
      this.#finish(event.closed);
    } else if (this.#onData !== null && !this.#paused && this.#inbox.length === 0) {
      this.#onData(event.data);
    } else {
      this.#inbox.push(event.data);
    }
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
    this.#hub.untrack(this);
    const fn = this.#onClose;
    if (fn !== null) this.#hub.timers.endOfTurn(() => fn(error));
  }
}

class MemoryHost implements Transport {
  readonly #hub: MemoryHub;
  readonly #name: string;

  constructor(hub: MemoryHub, name: string) {
    this.#hub = hub;
    this.#name = name;
  }

  async listenFrames(address: string, onStream: (stream: FrameStream) => void): Promise<Listener> {
    return this.#listen(address, onStream);
  }

  connectFrames(address: string, timeoutMs: number): Promise<FrameStream> {
    return this.#hub.open(this.#name, address, timeoutMs);
  }

  async listenBytes(address: string, onStream: (stream: ByteStream) => void): Promise<Listener> {
    return this.#listen(address, onStream);
  }

  connectBytes(address: string, timeoutMs: number): Promise<ByteStream> {
    return this.#hub.open(this.#name, address, timeoutMs);
  }

  async listenHttp(address: string, handler: HttpHandler): Promise<Listener> {
    return this.#hub.registerHttp(address, handler);
  }

  #listen(address: string, onStream: (stream: MemoryEnd) => void): Listener {
    return this.#hub.register(this.#name, address, (client) => {
      const end = new MemoryEnd(this.#hub, this.#name, client.local, client.local);
      this.#hub.timers.endOfTurn(() => onStream(end));
      return end;
    });
  }
}
