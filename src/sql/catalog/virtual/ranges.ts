/** pg_range. */
import { RANGE_OIDS } from '../../types/range.js';
import type { Values } from './layout.js';
import type { Source } from './model.js';
import { defaultOperatorClass } from './operator-classes.js';
import { userRangeRows } from './user-types.js';

/** By range: the functions that put it into canonical form and that tell the distance of two values. */
const FUNCTIONS: ReadonlyMap<number, readonly [canonical: number, difference: number]> = new Map([
  [3904, [3914, 3922]],
  [3906, [0, 3924]],
  [3908, [0, 3929]],
  [3910, [0, 3930]],
  [3912, [3915, 3925]],
  [3926, [3928, 3923]],
]);

export function rangeRows(source: Source): Values[] {
  return [...builtIn(), ...userRangeRows(source)];
}

function builtIn(): Values[] {
  return RANGE_OIDS.map(([range, multirange, element]) => {
    const [canonical, difference] = FUNCTIONS.get(range)!;
    return {
      rngtypid: range,
      rngsubtype: element,
      rngmultitypid: multirange,
      rngcollation: 0,
      rngsubopc: defaultOperatorClass(element),
      rngcanonical: canonical,
      rngsubdiff: difference,
    };
  });
}
