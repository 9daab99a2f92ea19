/**
 * The network between the nodes of a chaos run, in our hands: kernel namespaces where we may make them, a
 * proxy on each directed pair of nodes elsewhere.
 */
import type { Random } from '../bench/random.js';
import { LinkProxy } from './link-proxy.js';

export interface ChaosNetwork {
  readonly kind: 'namespaces' | 'proxies';
  /** Where a node listens for other nodes. */
  rpcHost(id: number): string;
  /** Where clients find its SQL port. */
  sqlHost(id: number): string;
  /** `--rpc-via` of a node. */
  via(id: number): readonly string[];
  /** What comes in front of a node's command line. */
  prefix(id: number): readonly string[];
  /** Nothing goes from `from` to `to` any more, whoever opened the connection. */
  cut(from: number, to: number): void;
  mend(from: number, to: number): void;
  /** Breaks the connections that `from` has opened to `to`, where that can be done. */
  reset(from: number, to: number): void;
  /** `loss`: share of the packets, 0 to 1. */
  setLoss(from: number, to: number, loss: number, delayMs: number): void;
  heal(): void;
  /** Synchronous, so that an exit handler can do it. */
  destroy(): void;
}

export interface NetworkPorts {
  readonly ids: readonly number[];
  rpcPort(id: number): number;
  sqlPort(id: number): number;
}

export class ProxyNetwork implements ChaosNetwork {
  readonly kind = 'proxies';
  readonly #ports: NetworkPorts;
  readonly #links: ReadonlyMap<string, LinkProxy>;

  static async create(ports: NetworkPorts, random: Random): Promise<ProxyNetwork> {
    const links = new Map<string, LinkProxy>();
    for (const from of ports.ids) {
      for (const to of ports.ids) {
        if (from === to) continue;
        const target = { host: '127.0.0.1', port: ports.rpcPort(to) };
        links.set(`${from}>${to}`, await LinkProxy.listen(target, random));
      }
    }
    return new ProxyNetwork(ports, links);
  }

  private constructor(ports: NetworkPorts, links: ReadonlyMap<string, LinkProxy>) {
    this.#ports = ports;
    this.#links = links;
  }

  rpcHost(): string {
    return '127.0.0.1';
  }
  sqlHost(): string {
    return '127.0.0.1';
  }
  prefix(): readonly string[] {
    return [];
  }

  via(id: number): readonly string[] {
    return this.#ports.ids
      .filter((to) => to !== id)
      .map((to) => `127.0.0.1:${this.#ports.rpcPort(to)}=${this.#link(id, to).address}`);
  }

  cut(from: number, to: number): void {
    this.#link(from, to).set({ forwardCut: true });
    this.#link(to, from).set({ backwardCut: true });
  }

  mend(from: number, to: number): void {
    this.#link(from, to).set({ forwardCut: false });
    this.#link(to, from).set({ backwardCut: false });
  }

  reset(from: number, to: number): void {
    this.#link(from, to).reset();
  }

  setLoss(from: number, to: number, loss: number, delayMs: number): void {
    this.#link(from, to).set({ loss, delayMs });
  }

  heal(): void {
    for (const link of this.#links.values()) link.heal();
  }

  destroy(): void {
    for (const link of this.#links.values()) link.close();
  }

  #link(from: number, to: number): LinkProxy {
    const link = this.#links.get(`${from}>${to}`);
    if (link === undefined) throw new Error(`there is no link from ${from} to ${to}`);
    return link;
  }
}
