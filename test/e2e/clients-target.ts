/**
 * Where the client tests go: `QUORAL_URL` (one or several URLs with commas; any PostgreSQL too, to
 * see that the tests ask for what PostgreSQL does), or a cluster of three nodes in this process.
 */
import { connect, type Socket } from 'node:net';
import { BackendParser, ClientWriter, type BackendMessage } from '../../src/pgwire/client-codec.js';

export interface Target {
  /** Nodes are counted from 0 and wrap around. */
  url(index?: number): string;
  /** The servers are in this process, so its memory is theirs. */
  readonly inProcess: boolean;
  close(): Promise<void>;
}

export async function openTarget(): Promise<Target> {
  const given = process.env['QUORAL_URL'];
  if (given !== undefined && given !== '') {
    const urls = given.split(',');
    return {
      url: (index = 0) => urls[index % urls.length] as string,
      inProcess: false,
      close: async () => undefined,
    };
  }
  const { startCluster } = await import('../../src/testing/index.js');
  const cluster = await startCluster({ nodes: 3 });
  return {
    url: (index = 0) => cluster.url(index % 3),
    inProcess: true,
    close: () => cluster.close(),
  };
}

/** What `check` gives for one exchange that ended with ReadyForQuery or with the connection. */
export interface Exchange {
  readonly messages: readonly BackendMessage[];
  /** SQLSTATE of the first error, null if there was none. */
  readonly sqlstate: string | null;
  readonly closed: boolean;
}

/** A connection on which any bytes can be sent. */
export class RawClient {
  readonly #socket: Socket;
  readonly #parser = new BackendParser();
  #messages: BackendMessage[] = [];
  #closed = false;
  #wake: () => void = () => undefined;
  processId = 0;
  secretKey = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data: Buffer) => {
      this.#parser.push(data);
      while (this.#parser.next()) this.#messages.push(this.#parser.decode());
      this.#wake();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Connected, nothing said yet. */
  static async open(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Past its start-up. */
  static async ready(url: string): Promise<RawClient> {
    const client = await RawClient.open(url);
    const { username, pathname } = new URL(url);
    const exchange = await client.exchange((w) => w.startup({ user: username, database: pathname.slice(1) }));
    for (const message of exchange.messages) {
      if (message.kind !== 'backendKeyData') continue;
      client.processId = message.processId;
      client.secretKey = message.secretKey;
    }
    return client;
  }

  get closed(): boolean {
    return this.#closed;
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  send(build: (writer: ClientWriter) => unknown): void {
    const writer = new ClientWriter();
    build(writer);
    this.#socket.write(writer.take());
  }

  /** Waits for a message of one of the kinds, or for the end of the connection. */
  async until(...kinds: BackendMessage['kind'][]): Promise<Exchange> {
    for (;;) {
      const at = this.#messages.findIndex((message) => kinds.includes(message.kind));
      if (at !== -1 || this.#closed) {
        const messages = this.#messages.splice(0, at === -1 ? this.#messages.length : at + 1);
        const error = messages.find((message) => message.kind === 'error');
        return { messages, sqlstate: error?.fields['C'] ?? null, closed: this.#closed };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  exchange(build: (writer: ClientWriter) => unknown): Promise<Exchange> {
    this.send(build);
    return this.until('readyForQuery');
  }

  query(sql: string): Promise<Exchange> {
    return this.exchange((w) => w.query(sql));
  }

  /** First column of all rows, as text. */
  async values(sql: string): Promise<(string | null)[]> {
    const { messages } = await this.query(sql);
    return messages
      .filter((message) => message.kind === 'dataRow')
      .map((message) => message.values[0]?.toString() ?? null);
  }

  ended(): Promise<Exchange> {
    return this.until();
  }

  /** Gone without a word, as a killed process. */
  vanish(): void {
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroy();
  }
}
