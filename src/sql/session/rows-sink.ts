/** Keeps the rows of a statement for the code that runs it; they count towards its memory. */
import type { MemoryAccount } from '../contract.js';
import { rowBytes } from '../exec/run.js';
import { InnerSink } from '../inner-sink.js';
import type { Notice, ResultColumn } from '../session-api.js';
import type { Datum } from '../types/datum.js';

export class RowsSink extends InnerSink {
  /** Columns of what shows something by itself; queries know theirs from their plans. */
  shown: readonly ResultColumn[] | null = null;
  readonly rows: (readonly Datum[])[] = [];
  protected override readonly copyRefused = 'cannot COPY to/from client in PL/pgSQL';
  readonly #memory: MemoryAccount;
  readonly #notice: (notice: Notice) => void;

  constructor(memory: MemoryAccount, notice: (notice: Notice) => void) {
    super();
    this.#memory = memory;
    this.#notice = notice;
  }

  override columns(columns: readonly ResultColumn[]): void {
    this.shown = columns;
    this.rows.length = 0;
  }
  row(values: readonly Datum[]): void {
    this.#memory.grow(rowBytes(values));
    this.rows.push(values.slice());
  }
  override notice(notice: Notice): void {
    this.#notice(notice);
  }
}
