import { describe, expect, it } from 'vitest';
import { Frame, type Envelope_Kind } from '../../src/encoding/proto/rpc.js';
import {
  decodeFrame,
  encodeFrame,
  encodeHelloFrame,
  MalformedFrameError,
  type Envelope,
} from '../../src/rpc/frame-codec.js';
import { seededRng } from '../env/seeded-rng.js';

function randomEnvelope(rng: ReturnType<typeof seededRng>): Envelope {
  const big = [0, 1, 127, 128, 300, 2 ** 28, 2 ** 31 - 1, 2 ** 32 - 1];
  return {
    kind: rng.int(5) as Envelope['kind'],
    id: rng.int(4) === 0 ? [0, 2 ** 31, 2 ** 32, 2 ** 45 + 17, Number.MAX_SAFE_INTEGER][rng.int(5)]! : rng.int(100_000),
    method: rng.int(20),
    deadlineMs: big[rng.int(big.length)]!,
    payload: rng.bytes(rng.int(3) === 0 ? 0 : rng.int(400)),
  };
}

describe('frame codec', () => {
  it('has the golden bytes', () => {
    const frame = encodeFrame(1_763_688_332_123_456, [
      { kind: 0, id: 7, method: 3, deadlineMs: 5000, payload: Buffer.from('abc') },
      { kind: 3, id: 0, method: 1, deadlineMs: 0, payload: Buffer.alloc(0) },
    ]);
    expect(frame.toString('hex')).toBe(
      '08c0ba9f848b82910312' + '0c' + '1007' + '1803' + '208827' + '2a03616263' + '1204' + '0803' + '1801',
    );
  });

  it('writes and reads what the generated code reads and writes', () => {
    const rng = seededRng(1);
    for (let round = 0; round < 300; round++) {
      const clock = rng.int(3) === 0 ? 0 : 1.7e15 + rng.int(1e9);
      const envelopes = Array.from({ length: rng.int(6) }, () => randomEnvelope(rng));
      const bytes = encodeFrame(clock, envelopes);
      const generated = Buffer.from(
        Frame.encode({
          clock,
          hello: undefined,
          envelopes: envelopes.map((e) => ({ ...e, kind: e.kind as Envelope_Kind, payload: Buffer.from(e.payload) })),
        }).finish(),
      );
      expect(bytes.equals(generated)).toBe(true);
      const decoded = decodeFrame(generated);
      expect(decoded.clock).toBe(clock);
      expect(decoded.envelopes.map((e) => ({ ...e, payload: e.payload.toString('hex') }))).toEqual(
        envelopes.map((e) => ({ ...e, payload: Buffer.from(e.payload).toString('hex') })),
      );
    }
  });

  it('carries a hello', () => {
    const hello = { clusterId: 'c', nodeId: 3, protocolVersion: 1, streamClass: 'kv', refusal: 'no' };
    const bytes = encodeHelloFrame(5, hello);
    expect(decodeFrame(bytes)).toEqual({ clock: 5, envelopes: [], hello });
    expect(Frame.decode(bytes).hello).toEqual(hello);
  });

  it('skips unknown fields', () => {
    const bytes = Buffer.concat([
      Buffer.from('980101' + 'a2010178' + 'ad0101020304' + 'a9010102030405060708', 'hex'),
      encodeFrame(9, []),
    ]);
    expect(decodeFrame(bytes).clock).toBe(9);
  });

  it('refuses damaged frames with its own error and nothing else', () => {
    const rng = seededRng(2);
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      let bytes: Buffer = encodeFrame(1.7e15, [randomEnvelope(rng), randomEnvelope(rng)]);
      if (rng.int(2) === 0) bytes = bytes.subarray(0, rng.int(bytes.length));
      for (let i = rng.int(4); i > 0 && bytes.length > 0; i--) bytes[rng.int(bytes.length)] = rng.int(256);
      try {
        decodeFrame(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedFrameError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });
});
