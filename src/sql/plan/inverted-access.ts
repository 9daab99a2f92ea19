/**
 * Conditions that an inverted index helps with: an indexed column or expression, one of the operators of its
 * class, and something from outside of the scan. The index finds rows that may fulfil them; they stay in the filter.
 */
import type { IndexDescriptor } from '../catalog/descriptor.js';
import { ITEM_OPERATORS, searchOf } from '../encoding/item-keys.js';
import { OID } from '../types/oids.js';
import { elementOidOf } from '../types/registry.js';
import type { CallExpr, Expr } from './expr.js';
import type { KeyConstraint } from './logical.js';

/** As `access.ts` understands the conditions on a scan. */
export interface KeyFinder {
  column(e: Expr): { readonly id: number; readonly oid: number } | null;
  /** Free of the scan's own columns and safe to evaluate before it. */
  outside(e: Expr): boolean;
}

const TURNED: Readonly<Record<string, string>> = { '@>': '<@', '<@': '@>', '&&': '&&', '=': '=' };
const TEXTS: ReadonlySet<number> = new Set<number>([OID.text, OID.varchar]);

/** What rows are worth that an index finds: as much as by a list of values of an ordered one. */
const SELECTIVE = 15;
/** Rows with an empty array come along. */
const CONTAINED = 6;
const ANOTHER_MAX = 4;

type ItemConstraint = Extract<KeyConstraint, { kind: 'items' }>;

/** Of `keyIds`, the columns of the index, as the finder names them. null if the index does not help. */
export function itemConstraints(
  index: IndexDescriptor,
  keyIds: readonly number[],
  conditions: readonly Expr[],
  finder: KeyFinder,
): { readonly constraints: readonly ItemConstraint[]; readonly score: number } | null {
  const constraints = conditions.flatMap((condition): ItemConstraint[] => {
    if (condition.kind !== 'call' || !condition.operator || condition.args.length !== 2) return [];
    for (const [at, id] of keyIds.entries()) {
      const found = itemConstraint(index, at, id, condition, finder);
      if (found !== null) return [found];
    }
    return [];
  });
  if (constraints.length === 0) return null;
  const best = constraints.some((c) => c.operator !== '<@') ? SELECTIVE : CONTAINED;
  return { constraints, score: best + Math.min(ANOTHER_MAX, constraints.length - 1) };
}

function itemConstraint(
  index: IndexDescriptor,
  at: number,
  keyId: number,
  { entry, args }: CallExpr,
  finder: KeyFinder,
): ItemConstraint | null {
  const opclass = index.columns[at]!.opclass!;
  const [left, right] = args as [Expr, Expr];
  const isKey = (e: Expr, other: Expr): boolean =>
    finder.column(e)?.id === keyId && comparable(opclass === 'array_ops', e.oid, other) && finder.outside(other);
  const straight = isKey(left, right);
  if (!straight && !isKey(right, left)) return null;
  const operator = straight ? entry.name : TURNED[entry.name];
  if (operator === undefined || !ITEM_OPERATORS[opclass].has(operator)) return null;
  const argument = straight ? right : left;
  // It would have to read the whole table.
  if (argument.kind === 'const' && searchOf(opclass, operator, argument.value).kind === 'all') return null;
  return { kind: 'items', at, operator, argument };
}

/** The items of one are those of the other, if the operator finds them alike. */
function comparable(arrays: boolean, key: number, other: Expr): boolean {
  if (!arrays) return key === OID.jsonb;
  const element = elementOidOf(key);
  const theirs = elementOidOf(other.oid);
  return element !== 0 && (element === theirs || (TEXTS.has(element) && TEXTS.has(theirs)));
}
