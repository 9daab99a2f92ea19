/** A sink for what is said when no client listens. COPY has no business there. */
import { sqlError } from '../../base/errors.js';
import type { ResultSink } from '../session-api.js';

function refuseCopy(): never {
  throw sqlError('XX000', 'COPY outside a statement');
}

export const NO_SINK: ResultSink = {
  columns: () => undefined,
  row: () => undefined,
  slow: () => null,
  complete: () => undefined,
  suspended: () => undefined,
  empty: () => undefined,
  notice: () => undefined,
  parameterStatus: () => undefined,
  copyIn: refuseCopy,
  copyOut: refuseCopy,
  copyData: refuseCopy,
  copyDone: () => undefined,
};
