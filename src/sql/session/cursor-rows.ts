/**
 * The rows of a cursor and where it stands in them, by PostgreSQL's rules for FETCH and MOVE.
 *
 * Rows come from the execution as they are wanted. Those that were read are kept if the cursor may go back to
 * them (`keep`), and the rest is read at once when it could no longer be read as it was (`settle`: before the
 * transaction writes, and at the commit that a WITH HOLD cursor outlives). What is kept is accounted for.
 *
 * Rows may be wider than what is shown of them: behind it stands what WHERE CURRENT OF looks at.
 *
 * Invariant: rows first … read (counted from 1) are held, and nothing else; position is 0 before the first row
 * and read + 1 after the last.
 */
import { type QuoralError, sqlError } from '../../base/errors.js';
import type { Execution } from '../contract.js';
import { mayWait } from '../exec/late-error.js';
import { type Row, rowBytes } from '../exec/run.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { CountingSink } from './counting-sink.js';
import type { StatementMemory } from './memory.js';

/** Bytes up to which a cursor that was declared neither SCROLL nor NO SCROLL keeps rows to go back to. */
export const KEEP_BYTES = 1024 * 1024;

/** SCROLL, neither, NO SCROLL. */
export type Keep = 'all' | 'some' | 'none';

/** As many rows as there are. */
export const ALL = Number.MAX_SAFE_INTEGER;

/** Takes rows from the execution; `take` decides where they go. */
class TakingSink extends CountingSink {
  readonly #take: (row: readonly Datum[]) => void;
  readonly #out: ResultSink | null;
  constructor(out: ResultSink | null, take: (row: readonly Datum[]) => void) {
    super();
    this.#out = out;
    this.#take = take;
  }
  override row(values: readonly Datum[] = []): void {
    this.#take(values);
  }
  override slow(): null {
    return (this.#out?.slow() ?? null) as null;
  }
}

type RowMemory = Pick<StatementMemory, 'grow' | 'shrink' | 'close'>;

export class CursorRows {
  readonly #memory: RowMemory;
  #execution: Execution | null;
  #keep: Keep;
  #rows: readonly Row[] = [];
  #first = 1;
  #read: number;
  #bytes = 0;
  #position: number;
  readonly #width: number | null;
  /** The row that was read last by moving onto it; it need not be held. */
  #last: Row | null = null;
  #lastPosition = 0;
  /** What comes behind the rows that were read. */
  #late: QuoralError | null = null;

  /** `sent`: rows that the execution has already given; `width`: columns to show, if not all. */
  constructor(execution: Execution | null, memory: RowMemory, keep: Keep, sent = 0, width: number | null = null) {
    this.#width = width;
    this.#execution = execution;
    this.#memory = memory;
    this.#keep = keep;
    this.#read = sent;
    this.#first = sent + 1;
    this.#position = sent;
  }

  /** Of rows that were all read; `release` gives back their memory. */
  static of(rows: readonly Row[], release: () => void, keep: 'all' | 'none', width: number | null = null): CursorRows {
    const all = new CursorRows(
      null,
      { grow: () => undefined, shrink: () => undefined, close: release },
      keep,
      0,
      width,
    );
    all.#rows = rows;
    all.#read = rows.length;
    return all;
  }

  get scrollable(): boolean {
    return this.#keep !== 'none';
  }
  /** Nothing is left to be read from the transaction. */
  get settled(): boolean {
    return this.#execution === null && this.#late === null;
  }
  get atEnd(): boolean {
    return this.#position > this.#read;
  }

  /** The row that it is on, with what stands behind it; null before the first and after the last. */
  get current(): Row | null {
    if (this.#position === 0 || this.atEnd) return null;
    if (this.#position >= this.#first) return this.#rows[this.#position - this.#first]!;
    return this.#position === this.#lastPosition ? this.#last : null;
  }

  #shown(row: Row): Row {
    return this.#width === null || row.length === this.#width ? row : row.slice(0, this.#width);
  }

  close(): void {
    this.#execution?.close();
    this.#execution = null;
    this.#rows = [];
    this.#memory.close();
  }

  /** Reads what is left, to be held. `late`: a row that fails is none of who asks for this, but of who fetches it. */
  async settle(late = false): Promise<void> {
    if (this.#late !== null && !late) throw this.#late;
    if (this.#execution === null) return;
    const sink = new TakingSink(null, (row) => {
      this.#read++;
      this.#hold(row);
    });
    try {
      await this.#execution.run(sink, 0);
    } catch (error) {
      if (!late || !mayWait(error)) throw error;
      this.#late = error;
    }
    this.#exhausted();
  }

  #exhausted(): void {
    this.#execution?.close();
    this.#execution = null;
  }

  #hold(row: readonly Datum[]): void {
    const kept = row.slice();
    const size = rowBytes(kept);
    this.#memory.grow(size);
    this.#bytes += size;
    (this.#rows as Row[]).push(kept);
  }

  /** What was read is kept while the cursor may go back; one that was not asked to scroll gives up when it is much. */
  #remember(row: readonly Datum[]): void {
    if (this.#keep === 'some' && this.#bytes > KEEP_BYTES) {
      this.#memory.shrink(this.#bytes);
      this.#bytes = 0;
      this.#rows = [];
      this.#keep = 'none';
    }
    if (this.#keep === 'none') this.#first = this.#read + 1;
    else this.#hold(row);
  }

  /** Up to `count` rows after the position, to `out`. */
  async forward(count: number, out: ResultSink | null): Promise<number> {
    if (count <= 0 || this.atEnd) return 0;
    let sent = 0;
    while (sent < count && this.#position < this.#read) {
      this.#position++;
      out?.row(this.#shown(this.#rows[this.#position - this.#first]!));
      sent++;
      const slow = sent % 1000 === 0 ? (out?.slow() ?? null) : null;
      if (slow !== null) await slow;
    }
    if (sent < count && this.#execution !== null) {
      const before = this.#read;
      const sink = new TakingSink(out, (row) => {
        this.#read++;
        this.#position++;
        this.#last = this.#width === null ? null : row.slice();
        this.#lastPosition = this.#position;
        this.#remember(row);
        out?.row(this.#shown(row));
      });
      const wanted = count - sent;
      if ((await this.#execution.run(sink, wanted >= ALL - this.#read ? 0 : wanted)) === 'done') this.#exhausted();
      sent += this.#read - before;
    }
    if (sent < count && this.#late !== null) throw this.#late;
    if (sent < count) this.#position = this.#read + 1;
    return sent;
  }

  /** Up to `count` rows before the position, nearest first. @throws QuoralError 55000 */
  backward(count: number, out: ResultSink | null): number {
    this.#checkScroll();
    if (count <= 0) return 0;
    let sent = 0;
    while (sent < count && this.#position > 1) {
      this.#position--;
      out?.row(this.#shown(this.#rows[this.#position - this.#first]!));
      sent++;
    }
    if (sent < count) this.#position = 0;
    return sent;
  }

  #checkScroll(): void {
    if (this.#keep !== 'none') return;
    throw sqlError('55000', 'cursor can only scan forward', {
      hint: 'Declare it with SCROLL option to enable backward scan.',
    });
  }

  #rewind(): void {
    if (this.#position === 0) return;
    this.#checkScroll();
    this.#position = 0;
  }

  /** FETCH FORWARD and BACKWARD; `count` may be negative, and 0 stands for the row that the cursor is on. */
  async step(count: number, out: ResultSink | null): Promise<number> {
    if (count > 0) return this.forward(count, out);
    if (count === -ALL && out === null) {
      const moved = this.atEnd ? this.#read : Math.max(0, this.#position - 1);
      this.#rewind();
      return moved;
    }
    if (count < 0) return this.backward(-count, out);
    const onRow = this.#position > 0 && !this.atEnd;
    if (!onRow) return 0;
    if (out === null) return 1;
    this.backward(1, null);
    return this.forward(1, out);
  }

  /** FETCH ABSOLUTE: counted from the first row, or from the end if negative. */
  async absolute(count: number, out: ResultSink | null): Promise<number> {
    if (count > 0) {
      if (count <= this.#position) this.#rewind();
      await this.forward(count - 1 - this.#position, null);
      return this.forward(1, out);
    }
    if (count < 0) {
      await this.forward(ALL, null);
      if (count < -1) this.backward(-count - 1, null);
      return this.backward(1, out);
    }
    this.#rewind();
    return 0;
  }

  /** FETCH RELATIVE: only the last row of the way is given. */
  async relative(count: number, out: ResultSink | null): Promise<number> {
    if (count > 0) {
      await this.forward(count - 1, null);
      return this.forward(1, out);
    }
    if (count < 0) {
      if (count < -1) this.backward(-count - 1, null);
      return this.backward(1, out);
    }
    return this.step(0, out);
  }
}
