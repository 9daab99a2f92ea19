import { describe, expect, it } from 'vitest';
import { WriteBuffer } from '../../src/txn/write-buffer.js';
import { seededRng } from '../env/seeded-rng.js';

/** The obvious model: a stack of whole maps. */
type State = Map<string, string | null>;

function contents(buffer: WriteBuffer, remote: State): State {
  const seen: State = new Map(remote);
  for (const [key, write] of buffer.range('', '\xff', false)) {
    if (write.state !== 'written') seen.set(key, write.value === null ? null : write.value.toString());
  }
  return new Map([...seen].sort());
}

describe('WriteBuffer', () => {
  it('equals a stack of maps under puts, savepoints, rollbacks and spills', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const rng = seededRng(seed);
      const buffer = new WriteBuffer();
      let model: State = new Map();
      /** What the ranges hold: the intents of this transaction. */
      const remote: State = new Map();
      const sequences = new Map<string, number>();
      const savepoints: { sequence: number; model: State }[] = [];
      for (let step = 0; step < 60; step++) {
        const dice = rng.int(10);
        if (dice < 6) {
          const key = `k${rng.int(6)}`;
          const value = rng.int(4) === 0 ? null : `${seed}/${step}`;
          buffer.put(key, value === null ? null : Buffer.from(value), false);
          model.set(key, value);
        } else if (dice === 6) {
          savepoints.push({ sequence: buffer.mark(), model: new Map(model) });
        } else if (dice === 7 && savepoints.length > 0) {
          const at = rng.int(savepoints.length);
          buffer.rollbackTo(savepoints[at]!.sequence);
          model = new Map(savepoints[at]!.model);
          savepoints.length = at + 1;
          for (const key of buffer.takeVoided()) remote.delete(key);
        } else if (dice === 8) {
          const sent = buffer.takeForSpill();
          for (const write of sent) {
            // A range keeps the write with the larger sequence.
            expect(write.sequence).toBeGreaterThan(sequences.get(write.key) ?? 0);
            sequences.set(write.key, write.sequence);
            remote.set(write.key, write.value === null ? null : write.value.toString());
          }
          buffer.spillDone(sent);
        }
        expect([...contents(buffer, remote)], `seed ${seed} step ${step}`).toEqual([...new Map([...model].sort())]);
        const unsent = buffer.unsentWrites();
        expect(buffer.unsent).toBe(unsent.length);
        expect(buffer.bytes).toBe(unsent.reduce((sum, w) => sum + w.key.length + (w.value?.length ?? 0) + 64, 0));
        const waiting = unsent.filter((w) => w.waiting);
        expect(buffer.spillable).toBe(waiting.reduce((sum, w) => sum + w.key.length + (w.value?.length ?? 0) + 64, 0));
        const known = new Set([...buffer.writtenKeys(), ...unsent.map((w) => w.key)]);
        for (const key of remote.keys()) expect(known.has(key), `seed ${seed}: ${key} is forgotten`).toBe(true);
      }
    }
  });

  it('does not look again at what a savepoint keeps from being spilled', () => {
    const buffer = new WriteBuffer();
    const value = Buffer.from('v');
    for (let i = 0; i < 10; i++) buffer.put(`k${i}`, value, false);
    expect(buffer.spillable).toBe(buffer.bytes);
    buffer.spillDone(buffer.takeForSpill());
    buffer.mark();
    for (let i = 0; i < 10; i++) buffer.put(`k${i}`, null, false);
    // Rolling back would need the values that only the ranges have.
    expect([buffer.unsent, buffer.spillable]).toEqual([10, 0]);
    expect(buffer.takeForSpill()).toEqual([]);
    buffer.put('other', value, false);
    expect(buffer.spillable).toBe(buffer.bytes - 10 * (2 + 64));
    expect(buffer.takeForSpill().map((write) => write.key)).toEqual(['other']);
    expect([buffer.unsent, buffer.spillable]).toEqual([10, 0]);
  });

  it('asks for absence until a later write is known to be over a sent one', () => {
    const buffer = new WriteBuffer();
    buffer.put('a', Buffer.from('1'), true);
    buffer.put('a', null, false);
    expect(buffer.get('a')!.mustNotExist).toBe(true);
    buffer.spillDone(buffer.takeForSpill());
    buffer.put('a', Buffer.from('2'), false);
    expect(buffer.get('a')!.mustNotExist).toBe(false);
  });

  it('keeps what overwrites a spilled key that is not listed any more, while a savepoint may take it back', () => {
    const buffer = new WriteBuffer();
    for (let i = 0; i <= 100_000; i++) buffer.put(`k${String(i).padStart(6, '0')}`, Buffer.from('a'), false);
    buffer.spillDone(buffer.takeForSpill());
    expect(buffer.spilledSpans.length).toBe(101);
    buffer.put('k000001', Buffer.from('b'), false);
    expect(buffer.takeForSpill().map((write) => write.key)).toEqual(['k000001']);
    const mark = buffer.mark();
    buffer.put('k000002', Buffer.from('c'), false);
    buffer.put('k2', Buffer.from('new'), false);
    expect(buffer.takeForSpill().map((write) => write.key)).toEqual(['k2']);
    buffer.rollbackTo(mark);
    expect(buffer.takeVoided()).toEqual(['k2']);
    expect(buffer.get('k000002')).toBeUndefined();
  });

  it('condenses a long list of spilled keys to spans that cover it, and then refuses to go back', () => {
    const buffer = new WriteBuffer();
    const savepoint = buffer.mark();
    for (let i = 0; i < 100_500; i++) buffer.put(`k${String(i).padStart(7, '0')}`, Buffer.from('v'), false);
    buffer.spillDone(buffer.takeForSpill());
    expect(buffer.writtenKeys()).toEqual([]);
    const spans = buffer.spilledSpans;
    expect(spans.some((s) => s.start <= 'k0000000' && 'k0000000' < s.end)).toBe(true);
    expect(spans.some((s) => s.start <= 'k0100499' && 'k0100499' < s.end)).toBe(true);
    expect(() => buffer.rollbackTo(savepoint)).toThrow(/savepoint/);
  });
});
