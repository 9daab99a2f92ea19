/**
 * Changed rows of a table: checked, then written in place of the old ones. The rows of one statement may take each
 * other's unique keys in any order: one whose key is still another's waits until all the others are changed, and
 * those that wait for each other leave their keys together.
 */
import type { QuoralError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import type { RowWriter } from './row-writer.js';
import { type Row, rowBytes, type Run } from './run.js';

/** @throws QuoralError 23502, 23514, 23505 */
export async function changeRow(run: Run, writer: RowWriter, before: Row, after: Datum[]): Promise<void> {
  const clash = await verified(run, writer, before, after);
  if (clash !== null) throw clash;
  writer.replace(run.ctx.txn, before, after);
}

/** What is wrong with the row's unique keys now. @throws QuoralError 23502, 23514 */
async function verified(run: Run, writer: RowWriter, before: Row, after: Datum[]): Promise<QuoralError | null> {
  const wait = writer.verify(after, run);
  if (wait !== undefined) await wait;
  return clashOf(run, writer, after, writer.changedUniqueKeys(before, after));
}

async function clashOf(
  run: Run,
  writer: RowWriter,
  after: Row,
  keys: ReturnType<RowWriter['uniqueKeys']>,
): Promise<QuoralError | null> {
  if (keys.length === 0) return null;
  const values = await run.ctx.txn.getMany(
    keys.map((one) => one.key),
    { lock: 'exclusive' },
  );
  const clash = keys.find((_, i) => (values[i] ?? null) !== null);
  return clash === undefined ? null : writer.uniqueViolation(clash.index, after, run.ctx);
}

interface Changed {
  readonly before: Row;
  readonly after: Datum[];
}

/** The changes of one statement. `finish` is to be called when all rows are in. */
export class RowChanges {
  readonly #run: Run;
  readonly #writer: RowWriter;
  #waiting: Changed[] = [];
  #bytes = 0;

  constructor(run: Run, writer: RowWriter) {
    this.#run = run;
    this.#writer = writer;
  }

  /** False if the row has to wait. @throws QuoralError 23502, 23514 */
  async change(before: Row, after: Datum[]): Promise<boolean> {
    if ((await verified(this.#run, this.#writer, before, after)) === null) {
      this.#writer.replace(this.#run.ctx.txn, before, after);
      return true;
    }
    this.#waiting.push({ before, after });
    const bytes = rowBytes(before) + rowBytes(after);
    this.#bytes += bytes;
    this.#run.ctx.memory.grow(bytes);
    return false;
  }

  /** Calls `changed` after each row that had to wait. @throws QuoralError 23505 */
  async finish(changed: (after: Row) => Promise<void>): Promise<void> {
    if (this.#waiting.length === 0) return;
    const { txn } = this.#run.ctx;
    const writer = this.#writer;
    for (const { before } of this.#waiting) {
      writer.erase(txn, before);
      if (txn.crowded) await txn.relieve();
    }
    for (const { before, after } of this.#waiting) {
      const clash = await clashOf(this.#run, writer, after, writer.uniqueKeys(writer.live(after)));
      if (clash !== null) throw clash;
      writer.place(txn, before, after);
      await changed(after);
    }
    this.#waiting = [];
    this.#run.ctx.memory.shrink(this.#bytes);
    this.#bytes = 0;
  }
}
