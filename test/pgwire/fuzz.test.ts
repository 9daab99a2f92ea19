/**
 * Any bytes at all: the server answers with typed errors, ends or goes on, closes what it opened and
 * never fails an assertion. Seeds are in the test names.
 */
import { describe, expect, it } from 'vitest';
import { ClientWriter } from '../../src/pgwire/client-codec.js';
import { Harness, settle, type TestClient } from './harness.js';

function random(seed: number): (n: number) => number {
  let state = seed * 2654435761 || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

const TEXTS = [
  'rows 3',
  'begin',
  'commit',
  'error 22012 x',
  'copyin',
  'copyout 1',
  'crash',
  'types',
  '',
  'syntax',
  'wait',
];
const NAMES = ['', 's', 'p', 'nosuch'];

/** A proper message, in an order no client would choose. */
function append(writer: ClientWriter, next: (n: number) => number): void {
  const name = (): string => NAMES[next(NAMES.length)] as string;
  const text = TEXTS[next(TEXTS.length)] as string;
  const steps: (() => unknown)[] = [
    () => writer.query(text),
    () => writer.parse(name(), text, next(2) === 0 ? [] : [23]),
    () => writer.bind(name(), name(), next(2) === 0 ? [] : ['1', null], [[], [0], [1], [0, 1]][next(4)]),
    () => writer.execute(name(), next(3)),
    () => writer.describe(next(2) === 0 ? 'statement' : 'portal', name()),
    () => writer.close(next(2) === 0 ? 'statement' : 'portal', name()),
    () => writer.sync(),
    () => writer.flush(),
    () => writer.copyData(Buffer.from('1\tx\n')),
    () => writer.copyDone(),
    () => writer.copyFail('no'),
  ];
  steps[next(steps.length)]?.();
}

function feed(client: TestClient, bytes: Buffer, next: (n: number) => number): void {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + next(64);
    client.stream.feed(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
}

async function finish(harness: Harness, client: TestClient): Promise<void> {
  await settle();
  harness.sql.sessions[0]?.cancel();
  await settle();
  // Every byte that went out is part of a whole message.
  client.messages();
  client.stream.vanish();
  await settle();
  expect(harness.fatal).toEqual([]);
  expect(harness.server.metrics.connectionsOpen).toBe(0);
  for (const session of harness.sql.sessions) expect(session.closed).toBe(true);
}

const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);

describe('fuzz', () => {
  it.each(SEEDS)('random bytes instead of a start-up, seed %i', async (seed) => {
    const next = random(seed);
    const harness = new Harness();
    const client = harness.connect();
    feed(client, Buffer.from(Array.from({ length: next(300) }, () => next(seed % 2 === 0 ? 256 : 12))), next);
    await finish(harness, client);
  });

  it.each(SEEDS)('random bytes after the start-up, seed %i', async (seed) => {
    const next = random(seed);
    const harness = new Harness();
    const client = await harness.ready();
    feed(client, Buffer.from(Array.from({ length: next(500) }, () => next(256))), next);
    await finish(harness, client);
  });

  it.each(SEEDS)('messages in any order, some bytes flipped or cut off, seed %i', async (seed) => {
    const next = random(seed);
    const harness = new Harness();
    const client = await harness.ready();
    const writer = new ClientWriter();
    for (let i = 0; i < 60; i++) append(writer, next);
    const bytes = writer.take();
    if (seed % 3 === 1) for (let i = 0; i < 3; i++) bytes[next(bytes.length)] = next(256);
    feed(client, seed % 3 === 2 ? bytes.subarray(0, next(bytes.length)) : bytes, next);
    await finish(harness, client);
  });

  it.each(SEEDS)('any order without damage: the connection survives, seed %i', async (seed) => {
    const next = random(seed);
    const harness = new Harness();
    const client = await harness.ready();
    const writer = new ClientWriter();
    for (let i = 0; i < 60; i++) append(writer, next);
    feed(client, writer.take(), next);
    // A COPY may be open, a statement may wait, an error may skip to Sync.
    for (let i = 0; i < 80; i++) {
      await settle(3);
      harness.sql.sessions[0]?.cancel();
    }
    client.send((w) => w.copyFail('over'));
    await settle();
    client.send((w) => w.sync());
    await settle();
    client.messages();
    client.send((w) => w.query('rows 1'));
    await settle();
    expect(client.kinds().slice(0, 3)).toEqual(['rowDescription', 'dataRow', 'SELECT 1']);
    await finish(harness, client);
  });
});
