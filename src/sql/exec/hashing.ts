/** Rows (or parts of them) to primitives that are identical exactly when the values are equal. */
import type { HashKey } from '../plan/join-equality.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import type { Row, Run } from './run.js';

export interface HashColumn {
  readonly oid: number;
  readonly eval: (row: Row, run: Run) => Datum;
  /** Where it is not that of the type. */
  readonly key?: HashKey;
}
export type RowHasher = (row: Row, run: Run) => string | number | bigint | boolean;

const NULL_KEY = '\x00n';

/** NULLs are equal to each other here, as in DISTINCT and GROUP BY. */
export function compileHasher(columns: readonly HashColumn[]): RowHasher {
  const hashes = columns.map((c) => c.key ?? typeByOid(c.oid).hashKey);
  if (columns.length === 1) {
    const only = columns[0]!.eval;
    const hash = hashes[0]!;
    return (row, run) => {
      const value = only(row, run);
      return value === null ? NULL_KEY : hash(value);
    };
  }
  return (row, run) => {
    let key = '';
    for (let i = 0; i < columns.length; i++) {
      const value = columns[i]!.eval(row, run);
      if (value === null) {
        key += 'n;';
        continue;
      }
      const part = hashes[i]!(value);
      const text = String(part);
      key += `${(typeof part)[0]}${text.length}:${text}`;
    }
    return key;
  };
}
