/**
 * Byte streams over TCP, for clients of the SQL port. No delay (small answers leave at once) and
 * TCP keepalive, so that a client whose machine vanished is noticed in about a minute.
 * Listeners are given back only when listening; errors of single connections end only them.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { ByteStream, Listener } from '../env.js';
import { connectError, formatAddress, listenError, parseAddress } from './address.js';

const KEEPALIVE_IDLE_MS = 30_000;

class TcpStream implements ByteStream {
  readonly remote: string;
  readonly #socket: Socket;
  #error: Error | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remote = formatAddress(socket.remoteAddress ?? '?', socket.remotePort ?? 0);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_IDLE_MS);
    // 'close' always follows and carries it on.
    socket.on('error', (error) => {
      this.#error = error;
    });
  }

  write(data: Uint8Array): boolean {
    if (this.#socket.destroyed || this.#socket.writableEnded) return true;
    return this.#socket.write(data);
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (this.#socket.writableEnded || this.#socket.destroyed) return;
    // Without a reader the peer's own end would never be seen, and the socket would stay.
    this.#socket.end(() => this.#socket.destroySoon());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onData(fn: (data: Buffer) => void): void {
    this.#socket.on('data', fn);
  }

  onDrain(fn: () => void): void {
    this.#socket.on('drain', fn);
  }

  onClose(fn: (error: Error | null) => void): void {
    if (this.#socket.closed) process.nextTick(() => fn(this.#error));
    else this.#socket.once('close', () => fn(this.#error));
  }
}

export function listenTcp(address: string, onStream: (stream: ByteStream) => void): Promise<Listener> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve, reject) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      onStream(new TcpStream(socket));
    });
    server.once('error', (error) => reject(listenError(address, error)));
    server.listen(port, host, () => {
      const bound = server.address();
      resolve({
        port: typeof bound === 'object' && bound !== null ? bound.port : port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}

export function connectTcp(address: string, timeoutMs: number): Promise<ByteStream> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    timer.unref();
    const onError = (error: Error): void => {
      clearTimeout(timer);
      reject(connectError(address, error));
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      resolve(new TcpStream(socket));
    });
  });
}
