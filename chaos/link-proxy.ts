/**
 * The network between two nodes, in our hands: a TCP proxy for the connections that one node opens to
 * another. It works everywhere, without privileges, unlike network namespaces.
 *
 * What a cut does. Bytes of a cut direction stay where they are, and connections that are opened
 * meanwhile are accepted but carried nowhere, as SYNs that are lost: nobody is told anything, both ends
 * have to find out by their own timeouts. When the cut ends the bytes go on, late, as TCP's
 * retransmissions would; `reset` breaks the connections instead.
 *
 * What loss does. TCP hides loss and shows delay: a chunk that "loses a packet" holds back everything
 * behind it for a retransmission timeout, which doubles when it is hit again; now and then the
 * connection breaks.
 *
 * Limits. Chunks are what the kernel hands over, not packets. A connection that is opened during a cut
 * looks established to the node that opened it (its handshake is with the proxy).
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../bench/random.js';

/** Of a first retransmission, as Linux has it. */
const RETRANSMIT_MS = 200;
/** A connection breaks in one of so many losses. */
const BREAKS_ONE_IN = 40;

export interface LinkState {
  /** Bytes of the node that opened the connection. */
  readonly forwardCut: boolean;
  /** Bytes back to it. */
  readonly backwardCut: boolean;
  /** Share of the chunks that lose a packet, 0 to 1. */
  readonly loss: number;
  /** Added to every chunk, milliseconds. */
  readonly delayMs: number;
}

const OPEN: LinkState = { forwardCut: false, backwardCut: false, loss: 0, delayMs: 0 };

export class LinkProxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #random: Random;
  readonly #pipes = new Set<Connection>();
  #state: LinkState = OPEN;

  static async listen(target: { host: string; port: number }, random: Random): Promise<LinkProxy> {
    const proxy = new LinkProxy(target, random);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  private constructor(target: { host: string; port: number }, random: Random) {
    this.#target = target;
    this.#random = random;
    this.#server = createServer((socket) => {
      const connection: Connection = new Connection(socket, this.#target, this.#random, this.#state, () =>
        this.#pipes.delete(connection),
      );
      this.#pipes.add(connection);
    });
  }

  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return `127.0.0.1:${address.port}`;
  }

  set(change: Partial<LinkState>): void {
    this.#state = { ...this.#state, ...change };
    for (const pipe of this.#pipes) pipe.apply(this.#state);
  }

  heal(): void {
    this.set(OPEN);
  }

  /** Breaks every connection. */
  reset(): void {
    for (const pipe of [...this.#pipes]) pipe.destroy();
  }

  close(): void {
    this.#server.close();
    this.reset();
  }
}

class Connection {
  readonly #near: Socket;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #random: Random;
  readonly #onGone: () => void;
  #far: Socket | null = null;
  #forward: Direction | null = null;
  #backward: Direction | null = null;
  #state: LinkState;
  #gone = false;

  constructor(
    near: Socket,
    target: { readonly host: string; readonly port: number },
    random: Random,
    state: LinkState,
    onGone: () => void,
  ) {
    this.#near = near;
    this.#target = target;
    this.#random = random;
    this.#state = state;
    this.#onGone = onGone;
    near.setNoDelay(true);
    near.pause();
    near.once('error', () => this.destroy());
    near.once('close', () => this.destroy());
    this.#connect();
  }

  apply(state: LinkState): void {
    this.#state = state;
    this.#connect();
    this.#forward?.apply(state.forwardCut, state);
    this.#backward?.apply(state.backwardCut, state);
  }

  /** A handshake needs both directions. */
  #connect(): void {
    if (this.#far !== null || this.#gone || this.#state.forwardCut || this.#state.backwardCut) return;
    const far = connect(this.#target);
    this.#far = far;
    far.setNoDelay(true);
    far.once('error', () => this.destroy());
    far.once('close', () => this.destroy());
    const broken = (): void => this.destroy();
    this.#forward = new Direction(this.#near, far, this.#random, broken);
    this.#backward = new Direction(far, this.#near, this.#random, broken);
    this.#forward.apply(this.#state.forwardCut, this.#state);
    this.#backward.apply(this.#state.backwardCut, this.#state);
  }

  destroy(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#forward?.stop();
    this.#backward?.stop();
    this.#near.destroy();
    this.#far?.destroy();
    this.#onGone();
  }
}

/** Bytes one way, in order, held back as long as the link says. */
class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #random: Random;
  readonly #broken: () => void;
  readonly #queue: { readonly chunk: Buffer; readonly dueMs: number }[] = [];
  #cut = false;
  #state: LinkState = OPEN;
  #timer: NodeJS.Timeout | null = null;
  #full = false;
  #stopped = false;

  constructor(from: Socket, to: Socket, random: Random, broken: () => void) {
    this.#from = from;
    this.#to = to;
    this.#random = random;
    this.#broken = broken;
    from.on('data', (chunk: Buffer) => this.#arrived(chunk));
    from.on('end', () => to.end());
    to.on('drain', () => {
      this.#full = false;
      this.#pump();
    });
  }

  apply(cut: boolean, state: LinkState): void {
    this.#cut = cut;
    this.#state = state;
    this.#pump();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #arrived(chunk: Buffer): void {
    const { loss, delayMs } = this.#state;
    let heldMs = delayMs;
    if (loss > 0) {
      let timeoutMs = RETRANSMIT_MS;
      while (this.#random.next() < loss && heldMs < 5_000) {
        heldMs += timeoutMs;
        timeoutMs *= 2;
        if (this.#random.next() * BREAKS_ONE_IN < 1) {
          this.#broken();
          return;
        }
      }
    }
    this.#queue.push({ chunk, dueMs: heldMs === 0 ? 0 : performance.now() + heldMs });
    this.#pump();
  }

  #pump(): void {
    if (this.#stopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    while (!this.#cut && !this.#full && this.#queue.length > 0) {
      const head = this.#queue[0] as { chunk: Buffer; dueMs: number };
      const waitMs = head.dueMs === 0 ? 0 : head.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), waitMs);
        break;
      }
      this.#queue.shift();
      this.#full = !this.#to.write(head.chunk);
    }
    // What is held back here is bounded by the kernel's buffers: nothing is read meanwhile.
    if (this.#cut || this.#full || this.#queue.length > 64) this.#from.pause();
    else this.#from.resume();
  }
}
