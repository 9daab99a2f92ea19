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

/** Literals of types that settings show in other ways; those of users' types may hold some. */
const STYLED = /'::(?:interval|date|time|ts|bytea|"@)/;

/** What of the settings decides how stored texts are shown; nothing where they are shown as they are kept. */
export function styleOf({ timeZone, dateStyle, intervalStyle, byteaOutput }: FormatContext): string {
  const isPlain =
    timeZone === STORED_FORMAT.timeZone &&
    intervalStyle === STORED_FORMAT.intervalStyle &&
    byteaOutput === STORED_FORMAT.byteaOutput &&
    dateStyle === STORED_FORMAT.dateStyle;
  return isPlain ? '' : [timeZone, dateStyle, intervalStyle, byteaOutput].join('\0');
}

/** Whether a session with these settings is shown a stored text otherwise than it is kept. */
export function isStyled(sql: string, format: FormatContext): boolean {
  return STYLED.test(sql) && styleOf(format) !== '';
}
