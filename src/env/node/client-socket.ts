/**
 * A stream of the process's own network as a driver for Node sees a socket: a Duplex with `connect` and
 * the switches of net.Socket, which here do nothing. Bytes pass with back-pressure in both directions.
 */
import { Duplex } from 'node:stream';
import type { ByteStream } from '../env.js';

export class ClientSocket extends Duplex {
  readonly #open: () => Promise<ByteStream>;
  #stream: ByteStream | null = null;
  #connecting = false;
  #waiting: (() => void) | null = null;

  constructor(open: () => Promise<ByteStream>) {
    super();
    this.#open = open;
  }

  /** Host and port are what the stream was made for. */
  connect(..._address: unknown[]): this {
    if (this.#connecting) return this;
    this.#connecting = true;
    this.#open().then(
      (stream) => this.#connected(stream),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return this;
  }

  get connecting(): boolean {
    return this.#connecting && this.#stream === null;
  }
  get readyState(): 'opening' | 'open' | 'closed' {
    if (this.destroyed) return 'closed';
    return this.#stream === null ? 'opening' : 'open';
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  #connected(stream: ByteStream): void {
    if (this.destroyed) {
      stream.destroy();
      return;
    }
    this.#stream = stream;
    stream.onData((data) => {
      if (!this.push(data)) stream.pause();
    });
    stream.onDrain(() => this.#proceed());
    stream.onClose((error) => {
      if (error !== null) this.destroy(error);
      else {
        this.push(null);
        this.end();
      }
    });
    this.#proceed();
    this.emit('connect');
    this.emit('ready');
  }

  #proceed(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }

  override _read(): void {
    this.#stream?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#stream === null) {
      this.#waiting = () => this._write(chunk, _encoding, done);
      return;
    }
    if (this.#stream.write(chunk)) done();
    else this.#waiting = done;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stream?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stream?.destroy();
    done(error);
  }
}
