import { describe, expect, it } from 'vitest';
import {
  decodeLockKey,
  decodeLockRow,
  decodeNodeLease,
  encodeLockRow,
  encodeNodeLease,
  FREE,
  leaseKey,
  lockKey,
} from '../../../src/sql/advisory/codec.js';

describe('stored forms of advisory locks', () => {
  it('stay as they are', () => {
    const name = { space: 2, high: 0xffffffff, low: 3 } as const;
    expect(lockKey(5, name)).toBe('\x03advisory/l\x81\x05\x02\xff\xff\xff\xff\x00\x00\x00\x03');
    expect(decodeLockKey(lockKey(16384, name))).toEqual({ databaseId: 16384, name });
    expect(leaseKey(3)).toBe('\x03advisory/n\x81\x03');
    const entry = { node: 2, incarnation: 'ab', number: 7, processId: 2_097_153, exclusive: true };
    const row = { holders: [entry], waiters: [{ ...entry, number: 8, exclusive: false }] };
    expect(encodeLockRow(row).toString()).toBe('{"v":1,"h":[[2,"ab",7,2097153,"e"]],"w":[[2,"ab",8,2097153,"s"]]}');
    expect(decodeLockRow(encodeLockRow(row))).toEqual(row);
    const lease = { incarnation: 'ab', until: 1_700_000_000_000_000 };
    expect(encodeNodeLease(lease).toString()).toBe('{"v":1,"i":"ab","u":1700000000000000}');
    expect(decodeNodeLease(encodeNodeLease(lease))).toEqual(lease);
  });

  it('are refused when a newer version or a defect wrote them', () => {
    expect(decodeLockRow(null)).toEqual(FREE);
    expect(decodeNodeLease(null)).toBe(null);
    expect(() => decodeLockRow(Buffer.from('{"v":2}'))).toThrow('unknown format version 2');
    expect(() => decodeNodeLease(Buffer.from('{'))).toThrow('damaged');
  });
});
