/**
 * Framed streams between nodes: one bidirectional gRPC call `quoral.Peer/Stream` each, on its own
 * TCP connection, so that bulk data does not queue in front of consensus.
 *
 * A frame is an already encoded `Frame` message (proto/rpc.proto), so the method is registered with
 * serialisers that pass bytes through: on the wire it is the protobuf service, without decoding
 * anything twice. Retries and channel-level reconnects are off: a stream that broke is broken, and
 * src/rpc opens the next one with its own backoff. Keepalive pings find a dead machine in about
 * 10 s; liveness does not depend on it. Anything else that arrives on the port (random bytes, other
 * methods) is refused by the HTTP/2 layer and touches nothing here.
 */
import {
  Client,
  credentials,
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  setLogVerbosity,
  status,
  type ClientDuplexStream,
  type ServerDuplexStream,
} from '@grpc/grpc-js';
import type { FrameStream, Listener } from '../env.js';
import { connectError, formatAddress, listenError, parseAddress } from './address.js';

// Its errors arrive as errors; lines on standard error beside our log would only repeat them.
setLogVerbosity(logVerbosity.NONE);

/** Largest frame in either direction; src/rpc stays well below it. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;

const OPTIONS = {
  'grpc.max_send_message_length': FRAME_BYTES_MAX,
  'grpc.max_receive_message_length': FRAME_BYTES_MAX,
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_channelz': 0,
  'grpc-node.flow_control_window': 8 * 1024 * 1024,
} as const;

/** A connection on which no stream was ever opened is closed after this time. */
const CONNECTION_IDLE_MS = 60_000;

const passThrough = (bytes: Buffer): Buffer => bytes;
/** The service of proto/rpc.proto. Spelt out, because generated code for services would load gRPC wherever a message is used. */
const METHOD = {
  stream: {
    path: '/quoral.Peer/Stream',
    requestStream: true,
    responseStream: true,
    requestSerialize: passThrough,
    requestDeserialize: passThrough,
    responseSerialize: passThrough,
    responseDeserialize: passThrough,
  },
};

type Call = ClientDuplexStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

class GrpcFrameStream implements FrameStream {
  readonly remote: string;
  readonly #call: Call;
  readonly #shut: () => void;
  #buffered = 0;
  #closed = false;
  #error: Error | null = null;
  #onClose: ((error: Error | null) => void) | null = null;

  constructor(call: Call, remote: string, shut: () => void) {
    this.#call = call;
    this.remote = remote;
    this.#shut = shut;
    call.on('error', (error: Error) => this.#finish(error));
    call.on('end', () => this.#finish(null));
    call.on('close', () => this.#finish(null));
    call.on('cancelled', () => this.#finish(null));
    call.on('status', () => this.#finish(null));
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    const bytes = asBuffer(frame);
    this.#buffered += bytes.length;
    this.#call.write(bytes, () => {
      this.#buffered -= bytes.length;
    });
  }

  get bufferedBytes(): number {
    return this.#buffered;
  }

  close(): void {
    this.#finish(null);
  }

  onFrame(fn: (frame: Buffer) => void): void {
    this.#call.on('data', (frame: Buffer) => {
      if (!this.#closed) fn(frame);
    });
  }

  onClose(fn: (error: Error | null) => void): void {
    if (this.#closed) process.nextTick(fn, this.#error);
    else this.#onClose = fn;
  }

  #finish(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#shut();
    const fn = this.#onClose;
    // Never inside a call to this stream.
    if (fn !== null) process.nextTick(fn, error);
  }
}

export function listenGrpc(address: string, onStream: (stream: FrameStream) => void): Promise<Listener> {
  const { host, port } = parseAddress(address);
  const server = new Server({
    ...OPTIONS,
    'grpc.max_connection_idle_ms': CONNECTION_IDLE_MS,
  });
  const streams = new Set<GrpcFrameStream>();
  server.addService(METHOD, {
    stream: (call: ServerDuplexStream<Buffer, Buffer>) => {
      const stream = new GrpcFrameStream(call, call.getPeer(), () => {
        streams.delete(stream);
        call.end();
      });
      streams.add(stream);
      // The header is what tells the client that the stream is established.
      call.sendMetadata(new Metadata());
      onStream(stream);
    },
  });
  return new Promise((resolve, reject) => {
    server.bindAsync(formatAddress(host, port), ServerCredentials.createInsecure(), (error, bound) => {
      if (error !== null) {
        server.forceShutdown();
        reject(listenError(address, error));
        return;
      }
      resolve({
        port: bound,
        close: async () => {
          for (const stream of [...streams]) stream.close();
          server.forceShutdown();
        },
      });
    });
  });
}

export function connectGrpc(address: string, timeoutMs: number): Promise<FrameStream> {
  const { host, port } = parseAddress(address);
  const target = formatAddress(host, port);
  const client = new Client(target, credentials.createInsecure(), OPTIONS);
  return new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest(METHOD.stream.path, passThrough, passThrough);
    let stream: GrpcFrameStream | null = null;
    const fail = (error: Error): void => {
      clearTimeout(timer);
      client.close();
      reject(connectError(address, error));
    };
    const timer = setTimeout(() => {
      if (stream !== null) return;
      call.cancel();
      fail(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    timer.unref();
    call.once('metadata', () => {
      clearTimeout(timer);
      stream = new GrpcFrameStream(call, target, () => {
        call.cancel();
        client.close();
      });
      resolve(stream);
    });
    // Before the stream exists an error is the connection's; afterwards the stream hears it too.
    call.on('error', (error: Error & { code?: number }) => {
      if (stream === null)
        fail(error.code === status.UNAVAILABLE ? new Error('connection refused or broken', { cause: error }) : error);
    });
  });
}
