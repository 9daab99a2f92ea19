import { afterEach, describe, expect, it } from 'vitest';
import { connect as connectSocket } from 'node:net';
import { QuoralError } from '../../src/base/errors.js';
import type { Env, Transport } from '../../src/env/env.js';
import { MemoryHub } from '../../src/env/memory-transport.js';
import { createNodeEnv } from '../../src/env/node/node-env.js';
import { Hlc } from '../../src/hlc/hlc.js';
import { decodeFrame, encodeFrame, encodeHelloFrame } from '../../src/rpc/frame-codec.js';
import { RpcError } from '../../src/rpc/errors.js';
import { defineMethod, defineOneWay } from '../../src/rpc/methods.js';
import { PROTOCOL_VERSION } from '../../src/rpc/shared.js';
import { RpcNetworkImpl, type RpcNetworkOptions } from '../../src/rpc/network.js';

const text = {
  encodeRequest: (value: string) => Buffer.from(value),
  decodeRequest: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  encodeResponse: (value: string) => Buffer.from(value),
  decodeResponse: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
};
const KV = defineMethod<string, string>('kvBatch', text);
const ADMIN = defineMethod<string, string>('admin', text);
const MEMBERSHIP = defineMethod<string, string>('membershipExchange', text);
const RAFT = defineOneWay<string>('raftBatch', text);
const LIVENESS = defineOneWay<string>('livenessHeartbeat', text);

const logLines: string[] = [];
const env: Env = createNodeEnv({ logLevel: 'warn', logWrite: (line) => void logLines.push(line) });
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  logLines.length = 0;
});

interface World {
  transportOf(node: number): Transport;
  address(node: number): string;
}
const worlds: Record<string, () => World> = {
  memory: () => {
    const hub = new MemoryHub(env.timers);
    return { transportOf: (node) => hub.host(`n${node}`), address: (node) => `n${node}:1` };
  },
  gRPC: () => ({ transportOf: () => env.transport, address: () => '127.0.0.1:0' }),
};

async function node(
  world: World,
  nodeId: number,
  options: Partial<RpcNetworkOptions> & { clockAheadUs?: number; address?: string } = {},
) {
  const ahead = options.clockAheadUs ?? 0;
  const clock = { wallUs: () => env.clock.wallUs() + ahead, monotonicMs: () => env.clock.monotonicMs() };
  const hlc = await Hlc.open({ boundPath: null }, { ...env, clock });
  const network = new RpcNetworkImpl(
    { clusterId: 'test', ...options, nodeId },
    { ...env, hlc, transport: world.transportOf(nodeId) },
  );
  const asked = options.address ?? world.address(nodeId);
  const port = await network.start(asked);
  cleanups.push(() => network.stop());
  return { network, address: asked.replace(/:0$/, `:${port}`) };
}

async function pair(world: World) {
  const a = await node(world, 1);
  const b = await node(world, 2);
  a.network.setAddress(2, b.address);
  b.network.setAddress(1, a.address);
  return { a: a.network, b: b.network, addressA: a.address, addressB: b.address };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (error: unknown) => error,
  );
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await env.timers.sleep(1);
}

describe.each(Object.keys(worlds))('rpc over %s', (name) => {
  const world = (): World => worlds[name]!();

  it('answers calls, in order, coalesced into few frames', async () => {
    const { a, b } = await pair(world());
    const seen: string[] = [];
    b.handle(KV, async (request, ctx) => {
      seen.push(request);
      expect(ctx.from).toBe(1);
      return `re ${request}`;
    });
    await a.call(2, KV, 'first');
    const framesBefore = b.stats.framesReceived;
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => a.call(2, KV, `m${i}`)));
    expect(answers).toEqual(Array.from({ length: 500 }, (_, i) => `re m${i}`));
    expect(seen).toEqual(['first', ...Array.from({ length: 500 }, (_, i) => `m${i}`)]);
    expect(b.stats.framesReceived - framesBefore).toBe(1);
    expect(a.isConnected(2)).toBe(true);
  });

  it('keeps the order of one-way messages, and of those that waited for the connection', async () => {
    const { a, b } = await pair(world());
    const seen: number[] = [];
    b.handleOneWay(RAFT, (message, from) => {
      expect(from).toBe(1);
      seen.push(Number(message));
    });
    for (let i = 0; i < 100; i++) a.send(2, RAFT, String(i));
    await until(() => seen.length === 100);
    for (let i = 100; i < 200; i++) a.send(2, RAFT, String(i));
    await until(() => seen.length === 200);
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('carries large payloads', async () => {
    const { a, b } = await pair(world());
    b.handle(KV, async (request) => request + request);
    const big = 'x'.repeat(9 << 20);
    const answers = await Promise.all([a.call(2, KV, big), a.call(2, KV, 'small'), a.call(2, KV, big)]);
    expect(answers.map((answer) => answer.length)).toEqual([18 << 20, 10, 18 << 20]);
    const refused = await failure(a.call(2, KV, 'x'.repeat(61 << 20)));
    expect(refused).toMatchObject({ reason: 'overloaded', retry: 'statement' });
  });

  it('carries errors with all their fields, and subclasses through the codec', async () => {
    const { a, b } = await pair(world());
    const fields = {
      detail: 'd',
      hint: 'h',
      position: 7,
      where: 'w',
      schema: 's',
      table: 't',
      column: 'c',
      dataType: 'y',
      constraint: 'k',
      internalQuery: 'q',
    };
    class Special extends QuoralError {
      readonly extra: number;
      constructor(extra: number, base: QuoralError) {
        super(base.sqlstate, base.message, { retry: base.retry });
        this.extra = extra;
      }
    }
    for (const network of [a, b]) {
      network.setErrorCodec({
        encode: (error) => (error instanceof Special ? Uint8Array.of(error.extra) : null),
        decode: (bytes, base) => new Special(bytes[0]!, base),
      });
    }
    b.handle(KV, async (request) => {
      if (request === 'special') throw new Special(42, new QuoralError('40001', 'conflict', { retry: 'transaction' }));
      if (request === 'bug') throw new TypeError('oops');
      throw new QuoralError('23505', 'duplicate key ü', { retry: 'none', fields, severity: 'FATAL' });
    });
    const plain = await failure(a.call(2, KV, ''));
    expect(plain).toBeInstanceOf(QuoralError);
    expect(plain).toMatchObject({
      sqlstate: '23505',
      message: 'duplicate key ü',
      retry: 'none',
      severity: 'FATAL',
      fields,
    });
    const special = await failure(a.call(2, KV, 'special'));
    expect(special).toBeInstanceOf(Special);
    expect(special).toMatchObject({ extra: 42, sqlstate: '40001', retry: 'transaction', message: 'conflict' });
    expect(await failure(a.call(2, KV, 'bug'))).toMatchObject({ sqlstate: 'XX000', retry: 'unknown' });
    expect(await failure(a.call(2, ADMIN, ''))).toMatchObject({ sqlstate: '57P03' });
  });

  it('ends calls at their deadline on both sides', async () => {
    const { a, b } = await pair(world());
    let ended: Promise<void> | null = null;
    b.handle(
      KV,
      (_request, ctx) =>
        new Promise((_done, reject) => {
          ended = new Promise((resolve) => {
            ctx.signal.addEventListener('abort', () => {
              resolve();
              reject(ctx.signal.reason as Error);
            });
          });
        }),
    );
    // A deadline may pass before the request has arrived, where nothing is to be ended.
    for (let deadlineMs = 30; ended === null; deadlineMs *= 4) {
      expect(await failure(a.call(2, KV, 'x', { deadlineMs }))).toMatchObject({ reason: 'deadline', retry: 'unknown' });
    }
    await ended;
  });

  it('leaves it to the caller to call a passed deadline by its name', async () => {
    const { a, b } = await pair(world());
    let answer: Promise<unknown> = Promise.resolve();
    b.handle(KV, (_request, ctx) => {
      answer = new Promise((_done, reject) => {
        // Gives up exactly when it is told to, ahead of everything that the caller may still do about it.
        ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error));
      });
      return answer as Promise<never>;
    });
    const all = await Promise.all(
      [...Array(20).keys()].map((i) => failure(a.call(2, KV, 'x', { deadlineMs: 20 + i }))),
    );
    for (const error of all) expect(error).toMatchObject({ reason: 'deadline', retry: 'unknown' });
    await failure(answer);
  });

  it('cancels', async () => {
    const { a, b } = await pair(world());
    const controller = new AbortController();
    const aborted = new Promise<void>((resolve) => {
      b.handle(KV, (_request, ctx) => {
        ctx.signal.addEventListener('abort', () => resolve());
        controller.abort();
        return new Promise(() => {});
      });
    });
    expect(await failure(a.call(2, KV, 'x', { signal: controller.signal }))).toMatchObject({ reason: 'cancelled' });
    await aborted;
    expect(await failure(a.call(2, KV, 'x', { signal: controller.signal }))).toMatchObject({ reason: 'cancelled' });
  });

  it('tells broken from unreachable, and reconnects', async () => {
    const place = world();
    const { a, b, addressB } = await pair(place);
    let arrived = 0;
    b.handle(KV, (request) => (request === 'hang' ? (arrived++, new Promise(() => {})) : Promise.resolve(request)));
    const hanging = failure(a.call(2, KV, 'hang'));
    await until(() => arrived === 1);
    await b.stop();
    expect(await hanging).toMatchObject({ reason: 'broken', retry: 'unknown', sqlstate: '40003' });
    const unreachable = await failure(a.call(2, KV, 'x'));
    expect(unreachable).toBeInstanceOf(RpcError);
    expect(unreachable).toMatchObject({ reason: 'unreachable', retry: 'statement' });
    const again = await node(place, 2, { address: addressB });
    again.network.handle(KV, async (request) => `again ${request}`);
    let answer: unknown = null;
    while (answer === null) {
      answer = await a.call(2, KV, 'x').catch((error: unknown) => {
        expect(error).toMatchObject({ reason: 'unreachable' });
        return env.timers.sleep(5).then(() => null);
      });
    }
    expect(answer).toBe('again x');
    expect(await failure(a.call(3, KV, 'x'))).toMatchObject({ reason: 'unreachable' });
  });

  it('refuses another cluster, another node and a clock too far ahead', async () => {
    const place = world();
    const a = await node(place, 1);
    const other = await node(place, 2, { clusterId: 'other' });
    a.network.setAddress(2, other.address);
    expect(await failure(a.network.call(2, KV, 'x'))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('belongs to cluster other'),
    });
    a.network.setAddress(7, other.address);
    const third = await node(place, 3);
    a.network.setAddress(7, third.address);
    expect(await failure(a.network.call(7, KV, 'x'))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('node 3 answers there'),
    });
    const future = await node(place, 4, { clockAheadUs: 900_000 });
    future.network.setAddress(1, a.address);
    a.network.handle(KV, async (request) => request);
    expect(await failure(future.network.call(1, KV, 'x'))).toMatchObject({ sqlstate: '57P03' });
    expect(a.network.stats.framesClockRefused).toBeGreaterThan(0);
  });

  it('refuses nodes of another build that it could not work with, from both ends', async () => {
    const place = world();
    const { a, b, addressB } = await pair(place);
    b.handle(KV, async (request) => request);
    const older = {
      clusterId: 'test',
      nodeId: 9,
      protocolVersion: PROTOCOL_VERSION - 1,
      streamClass: 'kv',
      refusal: '',
    } as const;
    const stream = await place.transportOf(9).connectFrames(addressB, 3000);
    const answers: string[] = [];
    const closed = new Promise((resolve) => stream.onClose(resolve));
    stream.onFrame((bytes) => answers.push(decodeFrame(bytes).hello?.refusal ?? ''));
    stream.send(encodeHelloFrame(0, older));
    await closed;
    expect(answers).toEqual([expect.stringContaining(`speaks protocol version ${PROTOCOL_VERSION}, not`)]);
    // One that does not know better.
    const listener = await place.transportOf(9).listenFrames(place.address(9), (incoming) => {
      incoming.onFrame(() => incoming.send(encodeHelloFrame(0, older)));
    });
    cleanups.push(() => listener.close());
    a.setAddress(9, place.address(9).replace(/:0$/, `:${listener.port}`));
    expect(await failure(a.call(9, KV, 'x'))).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining(`speaks protocol version ${PROTOCOL_VERSION - 1}, this node`),
    });
  });

  it('lets a node outside the cluster use only the membership method', async () => {
    const place = world();
    const a = await node(place, 1);
    const fresh = await node(place, 2, { clusterId: '' });
    fresh.network.setAddress(1, a.address);
    a.network.handle(KV, async (request) => request);
    a.network.handle(MEMBERSHIP, async (request) => request);
    expect(await fresh.network.call(1, MEMBERSHIP, 'hi')).toBe('hi');
    expect(await failure(fresh.network.call(1, KV, 'x'))).toMatchObject({ sqlstate: '57P03' });
    fresh.network.setClusterId('test');
    expect(await fresh.network.call(1, KV, 'x')).toBe('x');
  });

  it('closes streams that carry garbage and goes on', async () => {
    const place = world();
    const { a, b, addressB } = await pair(place);
    b.handle(KV, async (request) => request);
    const transport = place.transportOf(9);
    const hello = encodeHelloFrame(0, {
      clusterId: 'test',
      nodeId: 9,
      protocolVersion: PROTOCOL_VERSION,
      streamClass: 'kv',
      refusal: '',
    });
    for (const frames of [
      [Buffer.from('garbage')],
      [encodeFrame(0, [{ kind: 0, id: 1, method: 3, deadlineMs: 0, payload: Buffer.from('x') }])],
      [hello, Buffer.from([0x12, 0xff, 0x7f])],
      [hello, encodeFrame(0, [{ kind: 1, id: 1, method: 0, deadlineMs: 0, payload: Buffer.from('x') }])],
    ]) {
      const stream = await transport.connectFrames(addressB, 3000);
      const closed = new Promise((resolve) => stream.onClose(resolve));
      stream.onFrame(() => {});
      for (const frame of frames) stream.send(frame);
      await closed;
    }
    expect(b.stats.framesMalformed).toBe(4);
    expect(await a.call(2, KV, 'fine')).toBe('fine');
  });

  it('bounds what it queues', async () => {
    const place = world();
    const a = await node(place, 1, { limits: { queuedBytesMax: 10_000, pendingCallsMax: 10 } });
    const b = await node(place, 2);
    a.network.setAddress(2, b.address);
    let received = 0;
    b.network.handleOneWay(RAFT, () => void received++);
    b.network.handle(KV, async (request) => request);
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => a.network.call(2, KV, 'x')));
    expect(results.filter((result) => result.status === 'fulfilled').length).toBe(10);
    for (const result of results)
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ reason: 'overloaded', sqlstate: '53000' });
    for (let i = 0; i < 100; i++) a.network.send(2, RAFT, 'y'.repeat(1000));
    await until(() => received > 0 && a.network.stats.oneWayDropped > 0);
    expect(received + a.network.stats.oneWayDropped).toBe(100);
  });
});

describe('streams of their own', () => {
  /** A host that reads nothing of its streams of one class, beyond the handshake, until it is told to. */
  function slowReader(transport: Transport, streamClass: string): { transport: Transport; readOn: () => void } {
    let held: (() => void)[] | null = [];
    const listenFrames: Transport['listenFrames'] = (address, onStream) =>
      transport.listenFrames(address, (stream) => {
        const onFrame = stream.onFrame.bind(stream);
        stream.onFrame = (fn) => {
          let name: string | null = null;
          onFrame((frame) => {
            const greeted = name !== null;
            name ??= decodeFrame(frame).hello?.streamClass ?? '';
            if (greeted && name === streamClass && held !== null) held.push(() => fn(frame));
            else fn(frame);
          });
        };
        onStream(stream);
      });
    const readOn = (): void => {
      const late = held ?? [];
      held = null;
      for (const deliver of late) deliver();
    };
    return { transport: Object.assign(Object.create(transport) as Transport, { listenFrames }), readOn };
  }

  it('have heartbeats, which arrive while the peer reads nothing of the Raft stream', async () => {
    const hub = new MemoryHub(env.timers);
    const slow = slowReader(hub.host('n2'), 'raft');
    const here = { transportOf: () => hub.host('n1'), address: () => 'n1:1' };
    const there = { transportOf: () => slow.transport, address: () => 'n2:1' };
    const { network: a } = await node(here, 1);
    const { network: b } = await node(there, 2);
    a.setAddress(2, 'n2:1');
    const seen: string[] = [];
    b.handleOneWay(RAFT, (message) => void seen.push(`raft ${message.length}`));
    b.handleOneWay(LIVENESS, (message) => void seen.push(message));
    b.handle(KV, async (request) => `re ${request}`);
    a.send(2, RAFT, 'x');
    await until(() => b.stats.framesReceived > 0);
    a.send(2, RAFT, 'x'.repeat(1 << 20));
    for (let i = 0; i < 3; i++) {
      a.send(2, LIVENESS, `alive ${i}`);
      expect(await a.call(2, KV, 'q')).toBe('re q');
    }
    await until(() => seen.length >= 3);
    expect(seen.filter((message) => message.startsWith('raft'))).toEqual([]);
    expect(seen).toEqual(['alive 0', 'alive 1', 'alive 2']);
    slow.readOn();
    await until(() => seen.length === 5);
    expect(seen.slice(3)).toEqual(['raft 1', `raft ${1 << 20}`]);
  });
});

describe('self-calls', () => {
  it('pass objects as they are, asynchronously, with deadline and cancel', async () => {
    const { network } = await node(worlds['memory']!(), 1);
    let running = false;
    let got: string | null = null;
    network.handle(KV, async (request, ctx) => {
      running = true;
      got = request;
      if (request === 'hang') {
        await new Promise((_resolve, reject) =>
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error)),
        );
      }
      return 'done';
    });
    const call = network.call(1, KV, 'x');
    expect(running).toBe(false);
    expect(await call).toBe('done');
    expect(got).toBe('x');
    expect(await failure(network.call(1, KV, 'hang', { deadlineMs: 20 }))).toMatchObject({ reason: 'deadline' });
    const controller = new AbortController();
    const cancelled = failure(network.call(1, KV, 'hang', { signal: controller.signal }));
    await env.timers.sleep(1);
    controller.abort();
    expect(await cancelled).toMatchObject({ reason: 'cancelled' });
    const seen: string[] = [];
    network.handleOneWay(RAFT, (message) => void seen.push(message));
    network.send(1, RAFT, 'note');
    expect(seen).toEqual([]);
    await null;
    expect(seen).toEqual(['note']);
  });
});

describe('the port', () => {
  it('names a port in use, and survives random bytes', async () => {
    const place = worlds['gRPC']!();
    const { a, b, addressB } = await pair(place);
    b.handle(KV, async (request) => request);
    const port = addressB.split(':')[1]!;
    expect(await failure(node(place, 3, { address: addressB }))).toMatchObject({
      sqlstate: '55006',
      message: expect.stringContaining(`port ${port} is already in use`),
    });
    for (let i = 0; i < 20; i++) {
      await new Promise<void>((resolve) => {
        const socket = connectSocket(Number(port), '127.0.0.1', () => {
          socket.write(
            i % 2 === 0
              ? env.rng.bytes(3000)
              : Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), env.rng.bytes(500)]),
          );
          if (i % 3 === 0) socket.destroy();
        });
        socket.resume();
        socket.on('error', () => resolve());
        socket.on('close', () => resolve());
      });
    }
    expect(await a.call(2, KV, 'alive')).toBe('alive');
  });
});

describe('rpc over a network that loses frames', () => {
  it('notices a call whose request was lost while the stream stays up, and waits for one that is only slow', async () => {
    const hub = new MemoryHub(env.timers);
    const place: World = { transportOf: (node) => hub.host(`n${node}`), address: (node) => `n${node}:1` };
    const { a, b } = await pair(place);
    const served: string[] = [];
    let answerSlow = (): void => undefined;
    b.handle(KV, (request) => {
      served.push(request);
      return request === 'slow'
        ? new Promise((resolve) => (answerSlow = () => resolve(request)))
        : Promise.resolve(request);
    });
    expect(await a.call(2, KV, 'first')).toBe('first');
    const slow = a.call(2, KV, 'slow');
    await until(() => served.includes('slow'));
    hub.setFault('n1', 'n2', { silent: true });
    const lost = failure(a.call(2, KV, 'lost'));
    await env.timers.sleep(20);
    hub.setFault('n1', 'n2', null);
    expect(await lost).toMatchObject({ reason: 'broken', sqlstate: '40003' });
    answerSlow();
    expect(await slow).toBe('slow');
    expect(served).toEqual(['first', 'slow']);
  });
});
