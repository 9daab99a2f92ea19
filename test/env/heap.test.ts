/** When a heap counts as full, on one of 100 bytes whose collections take 10 ms. */
import { describe, expect, it } from 'vitest';
import { type Heap, HeapGuard } from '../../src/env/node/heap.js';

class ToyHeap implements Heap {
  readonly limitBytes = 100;
  live = 0;
  garbage = 0;
  ms = 1000;
  collections = 0;

  usedBytes(): number {
    return this.live + this.garbage;
  }

  collect(): void {
    this.garbage = 0;
    this.ms += 10;
    this.collections++;
  }

  nowMs(): number {
    return this.ms;
  }
}

describe('a heap', () => {
  it('is left alone until it looks full', () => {
    const heap = new ToyHeap();
    heap.garbage = 85;
    expect(new HeapGuard(heap).hasRoom(0)).toBe(true);
    expect(heap.collections).toBe(0);
  });

  it('has room for whoever asks as long as what looks full is garbage, however fast that is made', () => {
    const heap = new ToyHeap();
    const guard = new HeapGuard(heap);
    for (heap.live = 0; heap.live <= 75; heap.live += 5) {
      for (let i = 0; i < 200; i++) {
        heap.garbage = Math.min(100 - heap.live, heap.garbage + 3);
        expect(guard.hasRoom(0), `live ${heap.live}, garbage ${heap.garbage}`).toBe(true);
      }
    }
  });

  it('collects only when that pays: not for every one who asks', () => {
    const heap = new ToyHeap();
    const guard = new HeapGuard(heap);
    heap.live = 75;
    heap.garbage = 11;
    for (let i = 0; i < 50; i++) {
      guard.hasRoom(0);
      heap.garbage = 11;
    }
    expect(heap.collections).toBe(1);
  });

  it('refuses what does not fit', () => {
    const heap = new ToyHeap();
    heap.live = 40;
    const guard = new HeapGuard(heap);
    expect(guard.hasRoom(50)).toBe(false);
    expect(guard.hasRoom(30)).toBe(true);
  });

  it('has no room between two collections for what would leave none', () => {
    const heap = new ToyHeap();
    heap.live = 70;
    heap.garbage = 20;
    const guard = new HeapGuard(heap);
    expect(guard.hasRoom(0)).toBe(true);
    heap.garbage = 10;
    expect(guard.hasRoom(10)).toBe(true);
    expect(heap.collections).toBe(1);
    expect(guard.hasRoom(30)).toBe(false);
  });

  it('serves others at once when what filled it was refused and let go', () => {
    const heap = new ToyHeap();
    const guard = new HeapGuard(heap);
    heap.live = 90;
    expect(guard.hasRoom(0)).toBe(false);
    heap.garbage = 80;
    heap.live = 10;
    expect(guard.hasRoom(0)).toBe(true);
  });

  it('that stays full is collected a fifth of the time at most', () => {
    const heap = new ToyHeap();
    const guard = new HeapGuard(heap);
    heap.live = 90;
    const beganMs = heap.ms;
    while (heap.ms < beganMs + 2000) {
      expect(guard.hasRoom(0)).toBe(false);
      heap.ms += 1;
    }
    expect(heap.collections * 10).toBeLessThanOrEqual(2000 / 5);
    expect(heap.collections).toBeGreaterThan(10);
  });
});
