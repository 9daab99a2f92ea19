/** The settings that change text input and output, as a statement sees them. */
import type { FormatContext, NameResolver } from '../types/type-info.js';
import type { Settings } from './settings.js';

/** Times in microseconds since 2000-01-01 UTC. */
export function sessionFormat(
  settings: Settings,
  names: NameResolver,
  transactionNow: bigint,
  statementNow: bigint,
): FormatContext {
  const { format } = settings.derived;
  return {
    timeZone: format.timeZone,
    extraFloatDigits: format.extraFloatDigits,
    byteaOutput: format.byteaOutput,
    intervalStyle: format.intervalStyle,
    dateStyle: format.dateStyle,
    transactionNow: transactionNow,
    statementNow: statementNow,
    names: names,
  };
}
