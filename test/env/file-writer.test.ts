import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeDisk } from '../../src/env/node/disk.js';
import { FileWriter } from '../../src/env/node/file-writer.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quoral-files-'));
  workers.length = 0;
  process.on('worker', note);
});
afterEach(async () => {
  process.off('worker', note);
  await Promise.all(workers.map((worker) => worker.terminate()));
  rmSync(folder, { recursive: true });
});

/** Threads that this test has started. */
const workers: Worker[] = [];
const note = (worker: Worker): void => void workers.push(worker);
const text = (value: string): Buffer => Buffer.from(value);
const at = (name: string): string => join(folder, name);

describe('small durable files', () => {
  it('are written whole, by one thread, in the order of the calls, and answered in that order', async () => {
    const writer = new FileWriter();
    const answered: number[] = [];
    const writes = Array.from({ length: 20 }, (_, i) =>
      // The first take longest; a part of a larger buffer is written as that part.
      writer
        .write(at('f'), at(`f.${i}.tmp`), Buffer.alloc(2_000_000 - i * 100_000, `${i % 10}`).subarray(1))
        .then(() => answered.push(i)),
    );
    const other = writer.write(at('g'), at('g.tmp'), text('other'));
    await Promise.all([...writes, other]);
    expect(answered).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(readFileSync(at('f')).toString()).toBe('9'.repeat(99_999));
    expect(readFileSync(at('g')).toString()).toBe('other');
    expect(readdirSync(folder)).toEqual(['f', 'g']);
    expect(workers.length).toBe(1);
  });

  it('stay what they were when a write fails, which tells why and leaves nothing', async () => {
    const writer = new FileWriter();
    await writer.write(at('f'), at('f.tmp'), text('old'));
    await expect(writer.write(at('no/f'), at('no/f.tmp'), text('x'))).rejects.toMatchObject({ code: 'ENOENT' });
    // Written aside, and then not to be renamed.
    await expect(writer.write(folder, at('x.tmp'), text('x'))).rejects.toMatchObject({
      code: expect.stringMatching(/^E/) as string,
      message: expect.stringContaining('rename') as string,
    });
    expect(readdirSync(folder)).toEqual(['f']);
    await writer.write(at('f'), at('f.tmp'), text('new'));
    expect(readFileSync(at('f')).toString()).toBe('new');
  });

  it('fail with their thread, and the next is written by another', async () => {
    const writer = new FileWriter();
    await writer.write(at('f'), at('f.tmp'), text('old'));
    const waiting = ['a', 'b', 'c'].map((name) => writer.write(at(name), at(`${name}.tmp`), Buffer.alloc(30_000_000)));
    const ends = Promise.allSettled(waiting);
    const gone = workers[0]!.terminate();
    // Sent to a thread that is about to end, or has.
    const late = writer.write(at('late'), at('late.tmp'), text('x'));
    await expect(late).rejects.toThrow('ended unexpectedly');
    await gone;
    expect((await ends).map((end) => end.status)).toContain('rejected');
    await writer.write(at('f'), at('f.tmp'), text('new'));
    expect(readFileSync(at('f')).toString()).toBe('new');
    expect(workers.length).toBe(2);
  });
});

describe('the disk', () => {
  it('writes its files in the order of the calls, and leaves nothing of one that failed', async () => {
    const disk = new NodeDisk();
    const first = disk.writeFileSync(at('f'), text('x'));
    const failed = disk.writeFileSync(at('no/f'), text('y'));
    const last = disk.writeFileSync(at('f'), text('z'));
    await expect(failed).rejects.toMatchObject({ code: 'ENOENT' });
    await Promise.all([first, last]);
    expect(readFileSync(at('f')).toString()).toBe('z');
    expect(readdirSync(folder)).toEqual(['f']);
    expect(workers.length).toBe(1);
  });
});
