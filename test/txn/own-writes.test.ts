import { describe, expect, it } from 'vitest';
import type { Key } from '../../src/base/key.js';
import { checkHideable, leftOut, visibleWrite } from '../../src/txn/own-writes.js';
import { WriteBuffer } from '../../src/txn/write-buffer.js';

const key = 'k' as Key;
const bytes = (text: string): Buffer => Buffer.from(text);

describe('own writes hidden since a point', () => {
  it('show what was there before, through any number of changes', () => {
    const buffer = new WriteBuffer();
    buffer.put(key, bytes('a'), false);
    const before = { sequence: buffer.mark() };
    expect(visibleWrite(buffer.get(key), before)?.value).toEqual(bytes('a'));
    buffer.put(key, bytes('b'), false);
    buffer.put(key, bytes('c'), false);
    buffer.mark();
    buffer.put(key, null, false);
    expect(visibleWrite(buffer.get(key), before)?.value).toEqual(bytes('a'));
    expect(visibleWrite(buffer.get(key), undefined)?.value).toBeNull();
    expect(leftOut(buffer.get(key), { before, lock: 'exclusive' })).toBe(true);
    expect(leftOut(buffer.get(key), { before })).toBe(false);
  });

  it('show nothing of a key first written since, and all of one that was not', () => {
    const buffer = new WriteBuffer();
    const before = { sequence: buffer.mark() };
    expect(visibleWrite(buffer.get(key), before)).toBeUndefined();
    buffer.put(key, bytes('b'), true);
    expect(visibleWrite(buffer.get(key), before)).toBeUndefined();
    const later = { sequence: buffer.mark() };
    expect(visibleWrite(buffer.get(key), later)?.value).toEqual(bytes('b'));
    expect(leftOut(buffer.get(key), { before: later, lock: 'exclusive' })).toBe(false);
  });

  it('cannot be hidden once they were sent', () => {
    const buffer = new WriteBuffer();
    const before = { sequence: buffer.mark() };
    buffer.put(key, bytes('b'), false);
    buffer.spillDone(buffer.takeForSpill());
    expect(() => visibleWrite(buffer.get(key), before)).toThrow('changes too much');
    expect(() => checkHideable([{}], before)).toThrow('changes too much');
    expect(() => checkHideable([{}], undefined)).not.toThrow();
  });

  it('are seen once they were sent, where that is wanted', () => {
    const buffer = new WriteBuffer();
    buffer.put(key, bytes('a'), false);
    const before = { sequence: buffer.markRead(), seesSent: true };
    buffer.put(key, bytes('b'), false);
    expect(visibleWrite(buffer.get(key), before)?.value).toEqual(bytes('a'));
    buffer.spillDone(buffer.takeForSpill());
    expect(visibleWrite(buffer.get(key), before)?.state).toBe('written');
    expect(() => checkHideable([{}], before)).not.toThrow();
  });
});
