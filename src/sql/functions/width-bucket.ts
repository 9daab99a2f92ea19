/** width_bucket over thresholds of any type. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import type { PgArray } from '../types/datum.js';
import { orderOf } from './collated-entries.js';
import { fn } from './define.js';
import type { CallInfo, Value } from './entry.js';

fn(
  'width_bucket(anycompatible, anycompatiblearray) int4',
  (value: Value, thresholds: PgArray, _ctx: ExecContext, call: CallInfo) => {
    if (thresholds.dims.length > 1) throw sqlError('2202E', 'thresholds must be one-dimensional array');
    if (thresholds.elements.includes(null)) throw sqlError('22004', 'thresholds array must not contain NULLs');
    const compare = orderOf(call.argOids[0]!, call.collation);
    let low = 0;
    let high = thresholds.elements.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(value, thresholds.elements[middle]!) < 0) high = middle;
      else low = middle + 1;
    }
    return low;
  },
);
