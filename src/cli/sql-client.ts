/**
 * The shell's connection: PostgreSQL's protocol over TCP, messages handed out one at a time.
 * Reading pauses while much is buffered, so a reader of a large result holds little of it.
 */
import { QuoralError, sqlError } from '../base/errors.js';
import type { ByteStream, Transport } from '../env/env.js';
import { BackendParser, ClientWriter, type BackendMessage } from '../pgwire/client-codec.js';

export interface ClientUrl {
  readonly address: string;
  readonly user: string;
  readonly database: string;
}

const CONNECT_MS = 10_000;
const BUFFERED_BYTES_MAX = 1024 * 1024;

/** @throws QuoralError 22023 */
export function parseUrl(text: string): ClientUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw new QuoralError('22023', `invalid URL "${text}"`, {
      cause: error,
      fields: { hint: 'A URL looks like postgresql://postgres@127.0.0.1:7432/postgres.' },
    });
  }
  if (url.protocol !== 'postgresql:' && url.protocol !== 'postgres:') {
    throw sqlError('22023', `a URL starts with postgresql://, not ${url.protocol}//`);
  }
  const user = url.username === '' ? 'postgres' : decodeURIComponent(url.username);
  const path = decodeURIComponent(url.pathname.replace(/^\//, ''));
  return {
    address: `${url.hostname === '' ? '127.0.0.1' : url.hostname}:${url.port === '' ? '7432' : url.port}`,
    user,
    database: path === '' ? user : path,
  };
}

export class SqlClient {
  readonly #transport: Transport;
  readonly #url: ClientUrl;
  readonly #stream: ByteStream;
  readonly #parser = new BackendParser();
  readonly #writer = new ClientWriter();
  #closed: Error | null = null;
  #paused = false;
  #wake: (() => void) | null = null;
  #key: { readonly processId: number; readonly secretKey: number } | null = null;

  /** @throws QuoralError 08001, or what the server refuses with. */
  static async connect(transport: Transport, url: ClientUrl): Promise<SqlClient> {
    const client = new SqlClient(transport, url, await transport.connectBytes(url.address, CONNECT_MS));
    client.send((writer) =>
      writer.startup({
        user: url.user,
        database: url.database,
        application_name: 'quoral sql',
        client_encoding: 'UTF8',
      }),
    );
    await client.#startUp();
    return client;
  }

  private constructor(transport: Transport, url: ClientUrl, stream: ByteStream) {
    this.#transport = transport;
    this.#url = url;
    this.#stream = stream;
    stream.onData((data) => {
      this.#parser.push(data);
      if (this.#parser.bufferedBytes > BUFFERED_BYTES_MAX && !this.#paused) {
        this.#paused = true;
        stream.pause();
      }
      this.#wakeUp();
    });
    stream.onClose((error) => {
      this.#closed = new QuoralError('08006', 'the server closed the connection', { cause: error });
      this.#wakeUp();
    });
  }

  send(build: (writer: ClientWriter) => unknown): void {
    build(this.#writer);
    this.#stream.write(this.#writer.take());
  }

  /** Waits while the server is slow to read (COPY). */
  async writable(): Promise<void> {
    while (this.#stream.bufferedBytes > BUFFERED_BYTES_MAX && this.#closed === null) {
      await new Promise<void>((resolve) => this.#stream.onDrain(resolve));
    }
  }

  /** The next message; its bytes are valid until the following call. @throws QuoralError 08006 */
  async receive(): Promise<BackendMessage> {
    while (!this.#parser.next()) {
      if (this.#closed !== null) throw this.#closed;
      if (this.#paused) {
        this.#paused = false;
        this.#stream.resume();
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#parser.decode();
  }

  /** Asks the server to cancel what runs; on a connection of its own, as the protocol has it. */
  async cancel(): Promise<void> {
    const key = this.#key;
    if (key === null) return;
    const stream = await this.#transport.connectBytes(this.#url.address, CONNECT_MS);
    stream.write(new ClientWriter().cancelRequest(key.processId, key.secretKey).take());
    stream.end();
  }

  close(): void {
    this.send((writer) => writer.terminate());
    this.#stream.end();
  }

  async #startUp(): Promise<void> {
    for (;;) {
      const message = await this.receive();
      if (message.kind === 'readyForQuery') return;
      if (message.kind === 'backendKeyData') this.#key = message;
      if (message.kind === 'authentication' && message.code !== 0) {
        throw sqlError('0A000', 'the server asks for a password, which this shell cannot give', {
          hint: 'Use psql.',
        });
      }
      if (message.kind === 'error') {
        throw sqlError(message.fields['C'] ?? 'XX000', message.fields['M'] ?? 'the server refused', {
          detail: message.fields['D'],
          hint: message.fields['H'],
        });
      }
    }
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
