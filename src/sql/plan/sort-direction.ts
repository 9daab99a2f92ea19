/** How sort keys are written in the text of a query. */
import type { SortKey } from './expr.js';

/** What follows the item where an order is written. */
export function direction({ descending, nullsFirst, byCodePoints }: SortKey): string {
  if (byCodePoints === true) return ` USING ${descending ? '~>~' : '~<~'} NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`;
  if (descending) return nullsFirst ? ' DESC' : ' DESC NULLS LAST';
  return nullsFirst ? ' NULLS FIRST' : '';
}
