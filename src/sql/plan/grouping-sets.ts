/** GROUPING SETS, ROLLUP and CUBE written out, within PostgreSQL's limits: they multiply. */
import type { Node } from 'libpg-query';
import { sqlError } from '../../base/errors.js';
import { as } from './ast.js';
import { errorAt } from './binder.js';

const CUBE_MAX = 12;
const SETS_MAX = 4096;

/** Each set with each of the item's. */
export function combinedSets(
  sets: readonly (readonly number[])[],
  alternatives: readonly (readonly number[])[],
): number[][] {
  if (sets.length * alternatives.length > SETS_MAX) {
    throw sqlError('54001', `too many grouping sets present (maximum ${SETS_MAX})`);
  }
  return sets.flatMap((s) => alternatives.map((a) => [...new Set([...s, ...a])]));
}

/** The sets of group positions that a GROUP BY item stands for: one for a plain expression. */
export function groupingAlternatives(node: Node, one: (n: Node) => number[]): number[][] {
  const set = as(node, 'GroupingSet');
  if (set === undefined) return [one(node)];
  const content = set.content ?? [];
  switch (set.kind ?? 'GROUPING_SET_EMPTY') {
    case 'GROUPING_SET_ROLLUP': {
      const parts = content.map(one);
      return parts.map((_, i) => parts.slice(0, parts.length - i).flat()).concat([[]]);
    }
    case 'GROUPING_SET_CUBE': {
      if (content.length > CUBE_MAX)
        throw errorAt('54011', `CUBE is limited to ${CUBE_MAX} elements`, set.location ?? -1);
      const parts = content.map(one);
      const result: number[][] = [];
      for (let mask = (1 << parts.length) - 1; mask >= 0; mask--) {
        result.push(parts.filter((_, i) => (mask >> (parts.length - 1 - i)) & 1).flat());
      }
      return result;
    }
    case 'GROUPING_SET_SETS':
      return content.flatMap((n) => groupingAlternatives(n, one));
    default:
      return [content.flatMap(one)];
  }
}
