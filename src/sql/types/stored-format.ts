/** How values are written where every session must read them alike: stored texts, and keys made of expressions. */
import type { FormatContext } from './type-info.js';

export const STORED_FORMAT: FormatContext = {
  timeZone: 'UTC',
  extraFloatDigits: 1,
  byteaOutput: 'hex',
  intervalStyle: 'postgres',
  dateStyle: 'ISO, MDY',
  transactionNow: 0n,
  statementNow: 0n,
};
