/** Keeps the rows of a statement for the code that runs it; they count towards its memory. */
import { sqlError } from '../../base/errors.js';
import type { MemoryAccount } from '../contract.js';
import { rowBytes } from '../exec/run.js';
import type { Notice, ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';

function refuse(): never {
  throw sqlError('0A000', 'cannot COPY to/from client in PL/pgSQL');
}

export class RowsSink implements ResultSink {
  readonly rows: (readonly Datum[])[] = [];
  readonly #memory: MemoryAccount;
  readonly #notice: (notice: Notice) => void;

  constructor(memory: MemoryAccount, notice: (notice: Notice) => void) {
    this.#memory = memory;
    this.#notice = notice;
  }

  columns(): void {
    this.rows.length = 0;
  }
  row(values: readonly Datum[]): void {
    this.#memory.grow(rowBytes(values));
    this.rows.push(values.slice());
  }
  slow(): null {
    return null;
  }
  complete(): void {
    return undefined;
  }
  suspended(): void {
    return undefined;
  }
  empty(): void {
    return undefined;
  }
  notice(notice: Notice): void {
    this.#notice(notice);
  }
  parameterStatus(): void {
    return undefined;
  }
  copyIn(): never {
    return refuse();
  }
  copyOut(): never {
    return refuse();
  }
  copyData(): never {
    return refuse();
  }
  copyDone(): void {
    return undefined;
  }
}
