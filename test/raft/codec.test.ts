import { describe, expect, it } from 'vitest';
import { RaftMessageBatch } from '../../src/encoding/proto/raft.js';
import {
  confStateKey,
  decodeConfChange,
  decodeConfState,
  decodeEntry,
  decodeHardState,
  decodeRaftBatch,
  decodeTruncatedState,
  encodeConfChange,
  encodeConfState,
  encodeEntry,
  encodeHardState,
  encodeRaftBatch,
  encodeTruncatedState,
  hardStateKey,
  logKey,
  logKeyIndex,
  truncatedStateKey,
} from '../../src/raft/raft-codec.js';
import { makeMessage } from '../../src/raft/core.js';
import type { ConfChange, RaftMessage } from '../../src/raft/types.js';
import { SimRandom as Random } from '../../src/env/sim/random.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('encodings on disk (golden)', () => {
  it('entries', () => {
    const normal = { index: 7, term: 258, type: 'normal', data: Buffer.from('ab') } as const;
    expect(hex(encodeEntry(normal))).toBe('000000000001026162');
    expect(decodeEntry(7, encodeEntry(normal))).toEqual(normal);
    const conf = { index: 1, term: 1, type: 'conf-change', data: Buffer.alloc(0) } as const;
    expect(hex(encodeEntry(conf))).toBe('01000000000001');
    expect(decodeEntry(1, encodeEntry(conf))).toEqual(conf);
    expect(() => decodeEntry(1, Buffer.from('02000000000001', 'hex'))).toThrow(/corrupted/);
    expect(() => decodeEntry(1, Buffer.from('00', 'hex'))).toThrow(/corrupted/);
  });

  it('states', () => {
    const hard = { term: 3, vote: 2, commit: 2 ** 40, lead: 1, leadEpoch: 9 };
    expect(hex(encodeHardState(hard))).toBe('010000000000030000000201000000000000000001000000000009');
    expect(decodeHardState(encodeHardState(hard))).toEqual(hard);
    const cut = { index: 10, term: 5 };
    expect(hex(encodeTruncatedState(cut))).toBe('0100000000000a000000000005');
    expect(decodeTruncatedState(encodeTruncatedState(cut))).toEqual(cut);
    const conf = {
      voters: [1, 2],
      votersOutgoing: [3],
      learners: [],
      learnersNext: [4],
      autoLeave: true,
    };
    expect(hex(encodeConfState(conf))).toBe('01010002000000010000000200010000000300000001' + '00000004');
    expect(decodeConfState(encodeConfState(conf))).toEqual(conf);
    for (const decode of [decodeHardState, decodeTruncatedState, decodeConfState, decodeConfChange]) {
      expect(() => decode(Buffer.from('02ffff', 'hex'))).toThrow(/corrupted/);
      expect(() => decode(Buffer.from('01ff', 'hex'))).toThrow(/corrupted/);
    }
  });

  it('configuration changes', () => {
    const change: ConfChange = {
      changes: [
        { kind: 'add-voter', node: 4 },
        { kind: 'remove', node: 2 },
      ],
      transition: 'joint-implicit',
      context: Buffer.from('x'),
    };
    expect(hex(encodeConfChange(change))).toBe('010100020000000004020000000278');
    expect(decodeConfChange(encodeConfChange(change))).toEqual(change);
  });

  it('keys sort by range and index', () => {
    expect(hex(Buffer.from(logKey(258, 65537), 'latin1'))).toBe('720000000001026c000000010001');
    expect(logKeyIndex(logKey(1, 2 ** 40 + 5))).toBe(2 ** 40 + 5);
    const indexes = [0, 1, 255, 256, 65536, 2 ** 32, 2 ** 40];
    const keys = indexes.map((i) => logKey(1, i));
    expect([...keys].sort()).toEqual(keys);
    const others = [hardStateKey(1), truncatedStateKey(1), confStateKey(1), logKey(2, 0)];
    for (const key of others) {
      expect(key > logKey(1, 2 ** 48 - 1) || key < logKey(1, 0)).toBe(true);
    }
  });
});

const TYPES: readonly RaftMessage['type'][] = [
  'app',
  'app-resp',
  'vote',
  'fortify-resp',
  'snap',
  'de-fortify',
  'propose',
];

function randomMessage(random: Random): RaftMessage {
  const number = (): number => Math.floor(random.next() * 2 ** random.int(53));
  const type = random.pick(TYPES);
  const index = number() % 2 ** 50;
  const entries = Array.from({ length: random.int(4) }, (_, i) => ({
    term: number(),
    index: index + 1 + i,
    type: random.pick(['normal', 'conf-change'] as const),
    data: Buffer.from(Array.from({ length: random.int(300) }, () => random.int(256))),
  }));
  return makeMessage(type, 1 + random.int(300), 1 + random.int(300), number(), {
    index,
    logTerm: number(),
    commit: number(),
    entries,
    reject: random.chance(0.5),
    rejectHint: number(),
    leadEpoch: number(),
    context: number(),
    snapshot:
      type === 'snap'
        ? {
            index: number(),
            term: number(),
            conf: {
              voters: [1, 300],
              votersOutgoing: [],
              learners: [7],
              learnersNext: [],
              autoLeave: random.chance(0.5),
            },
          }
        : null,
  });
}

describe('messages', () => {
  it('has golden bytes', () => {
    const message = makeMessage('app', 1, 2, 3, {
      index: 300,
      logTerm: 2,
      commit: 299,
      entries: [{ term: 3, index: 301, type: 'normal', data: Buffer.from('hi') }],
    });
    expect(hex(encodeRaftBatch([{ rangeId: 5, message }]))).toBe(
      '0a1d080510011801200228' + '0330ac02380240ab024a090803' + '10ad0222026869',
    );
  });

  it('equals the generated codec, both ways', () => {
    const random = new Random(5);
    for (let i = 0; i < 300; i++) {
      const batch = Array.from({ length: 1 + random.int(4) }, () => ({
        rangeId: 1 + Math.floor(random.next() * 2 ** 40),
        message: randomMessage(random),
      }));
      const bytes = encodeRaftBatch(batch);
      const generated = RaftMessageBatch.decode(bytes);
      expect(generated.messages.map((m) => [m.rangeId, m.index, m.entries.length])).toEqual(
        batch.map((b) => [b.rangeId, b.message.index, b.message.entries.length]),
      );
      expect(hex(RaftMessageBatch.encode(generated).finish())).toBe(hex(bytes));
      expect(decodeRaftBatch(bytes)).toEqual(batch);
    }
  });

  it('refuses every damaged input with 08P01 or reads it, without a crash', () => {
    const random = new Random(6);
    for (let i = 0; i < 2000; i++) {
      const bytes = Buffer.from(encodeRaftBatch([{ rangeId: 3, message: randomMessage(random) }]));
      const damaged = random.chance(0.5) ? bytes.subarray(0, random.int(bytes.length)) : bytes;
      if (damaged.length > 0) damaged[random.int(damaged.length)] = random.int(256);
      try {
        decodeRaftBatch(damaged);
      } catch (error) {
        expect(error).toMatchObject({ sqlstate: '08P01' });
      }
    }
  });
});
