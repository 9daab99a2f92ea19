import { describe, expect, test } from 'vitest';
import {
  decodeIntent,
  decodeTransaction,
  decodeTransactionKey,
  encodeIntent,
  encodeTransaction,
  intentKey,
  intentSpan,
  intentUserKey,
  isIntentKey,
  transactionKey,
  transactionSpan,
  type IntentRecord,
  type TransactionRecord,
} from '../../src/storage/lock-record.js';
import { random } from './support.js';

const hex = (text: string | Buffer) => (typeof text === 'string' ? Buffer.from(text, 'latin1') : text).toString('hex');
const ID = '\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff';
const ID_HEX = '000102030405060708090a0b0c0d0eff';

const intent: IntentRecord = {
  txnId: ID,
  anchorKey: 'a\x00\xff',
  epoch: 2,
  writeTs: 1_700_000_000_000_000,
  sequence: 3,
  value: Buffer.from('v\xff', 'latin1'),
  minTs: 5,
  isolation: 'read committed',
  coordinatorNode: 3,
};

const record: TransactionRecord = {
  txnId: ID,
  anchorKey: 'a',
  status: 'staging',
  epoch: 1,
  writeTs: 300,
  readTs: 200,
  minTs: 100,
  lastHeartbeatTs: 400,
  isolation: 'serializable',
  coordinatorNode: 2,
  inFlight: [
    { key: 'k\xff', sequence: 1 },
    { key: 'l', sequence: 2 },
  ],
  lockKeys: ['k\xff', 'l', 'm\x00'],
  lockSpans: [{ start: 'p', end: 'q\xfe' }],
};

describe('lock records', () => {
  test('golden bytes', () => {
    expect(hex(intentKey('k\xff'))).toBe('696bff');
    expect(hex(transactionKey('a\x00', ID))).toBe('74' + '6100ff' + '0001' + ID_HEX);
    expect(hex(encodeIntent(intent))).toBe(
      `0a10${ID_HEX}` +
        '12036100ff' +
        '1802' +
        '20' +
        varint(intent.writeTs) +
        '2803' +
        '3a0276ff' +
        '4005' +
        '4802' +
        '5003',
    );
    expect(hex(encodeTransaction(record))).toBe(
      `0a10${ID_HEX}` +
        '120161' +
        '1802' +
        '2001' +
        '28ac02' +
        '30c801' +
        '3864' +
        '409003' +
        '5002' +
        '5a06' +
        '0a026bff1001' +
        '5a05' +
        '0a016c1002' +
        '62026bff' +
        '62016c' +
        '62026d00' +
        '6a07' +
        '0a0170' +
        '120271fe',
    );
  });

  test('what goes in comes out', () => {
    expect(decodeIntent(encodeIntent(intent))).toEqual(intent);
    const deletion = { ...intent, value: null };
    expect(decodeIntent(encodeIntent(deletion))).toEqual(deletion);
    const empty = { ...intent, value: Buffer.alloc(0), isolation: 'repeatable read' as const };
    expect(decodeIntent(encodeIntent(empty))).toEqual(empty);
    expect(decodeTransaction(encodeTransaction(record))).toEqual(record);
    for (const status of ['pending', 'staging', 'committed', 'aborted'] as const) {
      const bare = { ...record, status, inFlight: [], lockKeys: [], lockSpans: [] };
      expect(decodeTransaction(encodeTransaction(bare))).toEqual(bare);
    }
    expect(decodeTransactionKey(transactionKey('a\x00\xff', ID))).toEqual({
      anchorKey: 'a\x00\xff',
      txnId: ID,
    });
    expect(intentUserKey(intentKey('a\x00'))).toBe('a\x00');
    expect([isIntentKey(intentKey('t')), isIntentKey(transactionKey('i', ID))]).toEqual([true, false]);
  });

  test('spans of user keys hold exactly their intents and records', () => {
    const rnd = random(3);
    const key = () => Array.from({ length: rnd(4) }, () => '\x00\x01a\xff'[rnd(4)]).join('') || 'a';
    for (let i = 0; i < 2000; i++) {
      const [start, end] = [key(), key()].sort() as [string, string];
      const k = key();
      const inside = start <= k && k < end;
      const intents = intentSpan(start, end);
      const records = transactionSpan(start, end);
      const within = (s: { start: string; end: string }, x: string) => s.start <= x && x < s.end;
      expect(within(intents, intentKey(k))).toBe(inside);
      expect(within(records, transactionKey(k, ID))).toBe(inside);
      expect(within(intents, transactionKey(k, ID))).toBe(false);
      expect(within(records, intentKey(k))).toBe(false);
    }
  });

  test('corrupted bytes throw XX001 or decode to something whole', () => {
    const rnd = random(4);
    const error = expect.objectContaining({ sqlstate: 'XX001' });
    expect(() => decodeIntent(Buffer.alloc(0))).toThrow(error);
    expect(() => decodeTransaction(encodeTransaction(record).subarray(0, 9))).toThrow(error);
    expect(() => decodeTransactionKey('tshort')).toThrow(error);
    for (const [good, decode] of [
      [encodeIntent(intent), decodeIntent],
      [encodeTransaction(record), decodeTransaction],
    ] as const) {
      for (let i = 0; i < 2000; i++) {
        const bytes = Buffer.from(good);
        bytes[rnd(bytes.length)] = rnd(256);
        try {
          expect(decode(bytes).txnId.length).toBe(16);
        } catch (thrown) {
          expect(thrown).toEqual(error);
        }
      }
    }
  });
});

function varint(value: number): string {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]).toString('hex');
}
