import { describe, expect, test } from 'vitest';
import { applyBatch, BatchBuilder, batchOps, encodeBatch, type BatchOp } from '../../src/storage/batch-codec.js';
import { random } from './support.js';

const corrupted = expect.objectContaining({ sqlstate: 'XX001' });

describe('batch codec', () => {
  test('golden bytes', () => {
    const builder = new BatchBuilder();
    builder.put('versions', 'k\xff', Buffer.from('value'));
    builder.delete('locks', 'ik');
    builder.deleteRange('local', 'a', 'b\x00');
    builder.put('local', '', Buffer.alloc(0));
    expect([builder.count, builder.bytes]).toEqual([4, 12]);
    expect(builder.finish().toString('hex')).toBe(
      '0101026bff0576616c7565' + '020202696b' + '0303016102' + '6200' + '01030000',
    );
    const long = new BatchBuilder();
    long.put('versions', 'x'.repeat(300), Buffer.alloc(70_000, 7));
    expect(long.finish().subarray(0, 4).toString('hex')).toBe('0101ac02');
    expect(long.finish().subarray(304, 307).toString('hex')).toBe('f0a204');
    expect(long.finish().length).toBe(2 + 2 + 300 + 3 + 70_000);
  });

  test.each([1, 2, 3])('what goes in comes out (seed %i)', (seed) => {
    const rnd = random(seed);
    const families = ['versions', 'locks', 'local'] as const;
    const key = () => Buffer.from(Array.from({ length: rnd(200) }, () => rnd(256))).toString('latin1');
    const ops: BatchOp[] = Array.from({ length: 300 }, () => {
      const family = families[rnd(3)]!;
      if (rnd(3) > 0) return { kind: 'put', family, key: key(), value: Buffer.alloc(rnd(2000), rnd(256)) };
      return rnd(2) === 0
        ? { kind: 'delete', family, key: key() }
        : { kind: 'deleteRange', family, key: key(), end: key() };
    });
    const encoded = encodeBatch(ops);
    expect([...batchOps(encoded)]).toEqual(ops);
    const seen: BatchOp[] = [];
    const again = new BatchBuilder();
    applyBatch(new Uint8Array(encoded), again, (op) => seen.push(op));
    expect(seen).toEqual(ops);
    expect(again.finish().equals(encoded)).toBe(true);
  });

  test('the log family is refused', () => {
    expect(() => new BatchBuilder().put('log', 'k', Buffer.alloc(0))).toThrow('log family');
  });

  test('corrupted input throws XX001 and nothing else', () => {
    const rnd = random(9);
    const builder = new BatchBuilder();
    for (let i = 0; i < 5; i++) builder.put('versions', `key${i}`, Buffer.alloc(40, i));
    builder.deleteRange('local', 'a', 'b');
    const good = builder.finish();
    expect(() => [...batchOps(Buffer.from([9, 1, 0]))]).toThrow(corrupted);
    expect(() => [...batchOps(Buffer.from([1, 4, 0, 0]))]).toThrow(corrupted);
    expect(() => [...batchOps(Buffer.from([2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))]).toThrow(corrupted);
    // The last operation has 6 bytes: any cut inside it is noticed.
    for (let cut = 1; cut < 6; cut++) {
      expect(() => [...batchOps(good.subarray(0, good.length - cut))]).toThrow(corrupted);
    }
    expect([...batchOps(good.subarray(0, good.length - 6))].length).toBe(5);
    for (let i = 0; i < 3000; i++) {
      const bytes = Buffer.from(good);
      for (let n = rnd(4); n >= 0; n--) bytes[rnd(bytes.length)] = rnd(256);
      try {
        for (const op of batchOps(bytes)) expect(op.key.length).toBeLessThan(bytes.length);
      } catch (error) {
        expect(error).toEqual(corrupted);
      }
    }
  });
});
