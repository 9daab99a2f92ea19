/** Sinks inside the server: rows are counted, COPY is refused. */
import { sqlError } from '../../base/errors.js';
import type { ResultSink } from '../session-api.js';

function refuse(): never {
  throw sqlError('0A000', 'COPY is not possible here');
}

export class CountingSink implements ResultSink {
  rows = 0;
  columns(): void {
    this.rows = 0;
  }
  row(): void {
    this.rows++;
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
  notice(): void {
    return undefined;
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
/** For contexts in which nothing is sent. */
export const REFUSING = new CountingSink();
