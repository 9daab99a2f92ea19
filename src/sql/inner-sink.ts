/** Sinks inside the server, where no client listens: nothing is said, rows are the subclass's, COPY is refused. */
import { sqlError } from '../base/errors.js';
import type { Notice, ResultColumn, ResultSink } from './session-api.js';
import type { Datum } from './types/datum.js';

export abstract class InnerSink implements ResultSink {
  /** What a client is told that has COPY done where there is no place for it. */
  protected readonly copyRefused: string = 'COPY is not possible here';

  abstract row(values: readonly Datum[]): void;

  columns(_columns?: readonly ResultColumn[]): void {
    return undefined;
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
  notice(_notice: Notice): void {
    return undefined;
  }
  parameterStatus(): void {
    return undefined;
  }
  copyIn(): never {
    return this.#refuse();
  }
  copyOut(): never {
    return this.#refuse();
  }
  copyData(): never {
    return this.#refuse();
  }
  copyDone(): void {
    return undefined;
  }

  #refuse(): never {
    throw sqlError('0A000', this.copyRefused);
  }
}
