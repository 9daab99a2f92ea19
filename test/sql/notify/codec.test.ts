import { describe, expect, it } from 'vitest';
import {
  decodeHead,
  decodeRow,
  EMPTY_HEAD,
  encodeHead,
  encodeRow,
  queueHeadKey,
  queueRowKey,
} from '../../../src/sql/notify/codec.js';

describe('stored forms of notification queues', () => {
  it('stay as they are', () => {
    expect(queueHeadKey(5)).toBe('\x03notify/\x81\x05h');
    expect(queueRowKey(16384, 300)).toBe('\x03notify/\x82\x40\x00q\x82\x01\x2c');
    const head = { last: 7, first: 3, nodes: [[2, 1_700_000_000_000_000] as const] };
    expect(encodeHead(head).toString('utf8')).toBe('{"v":1,"s":7,"f":3,"n":[[2,1700000000000000]]}');
    expect(decodeHead(encodeHead(head))).toEqual(head);
    const row = { time: 12, processId: 2_097_153, notifications: [['ü', 'a"b'] as const] };
    expect(encodeRow(row).toString('utf8')).toBe('{"v":1,"t":12,"p":2097153,"n":[["ü","a\\"b"]]}');
    expect(decodeRow(encodeRow(row))).toEqual(row);
  });

  it('are refused when a newer version or a defect wrote them', () => {
    expect(decodeHead(null)).toEqual(EMPTY_HEAD);
    expect(() => decodeHead(Buffer.from('{"v":2}'))).toThrow('unknown format version 2');
    expect(() => decodeRow(Buffer.from('{'))).toThrow('damaged');
  });
});
