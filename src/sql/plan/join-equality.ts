/**
 * Equalities that can be told from keys of the two values, which are the same exactly when they hold: a join need
 * not compare every pair. Types may differ where equality does not mind: integers of any size, text and name.
 */
import type { CallInfo, FunctionEntry } from '../functions/entry.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import type { CallExpr, Expr } from './expr.js';
import { columnsOf } from './plan-walk.js';

export type HashKey = (value: Exclude<Datum, null>) => string | number | bigint | boolean;

export interface JoinEquality {
  readonly left: Expr;
  readonly right: Expr;
  readonly key: HashKey;
}

/** null: no such condition, or one side of it is of both inputs, or of neither. */
export function joinEquality(
  condition: Expr,
  leftIds: ReadonlySet<number>,
  rightIds: ReadonlySet<number>,
): JoinEquality | null {
  if (condition.kind !== 'call') return null;
  const key = keyOf(condition);
  if (key === null) return null;
  const [a, b] = condition.args as readonly [Expr, Expr];
  if (isWithin(a, leftIds) && isWithin(b, rightIds)) return { left: a, right: b, key };
  return isWithin(b, leftIds) && isWithin(a, rightIds) ? { left: b, right: a, key } : null;
}

function isWithin(expr: Expr, ids: ReadonlySet<number>): boolean {
  const used = columnsOf(expr);
  return used.size > 0 && [...used].every((id) => ids.has(id));
}

function keyOf({ operator, entry, info, args }: CallExpr): HashKey | null {
  if (!operator || entry.name !== '=' || entry.uncollated !== undefined || !entry.strict || args.length !== 2)
    return null;
  const [a, b] = args as readonly [Expr, Expr];
  return a.oid === b.oid ? typeByOid(a.oid).hashKey : keyOfEquality(entry, info);
}

const INTEGERS: ReadonlySet<number> = new Set<number>([OID.int2, OID.int4, OID.int8]);
const TEXTS: ReadonlySet<number> = new Set<number>([OID.text, OID.varchar, OID.name]);

/** What is the same for two values exactly when the operator finds them equal; null: no such thing. */
export function keyOfEquality(entry: FunctionEntry, info: CallInfo): HashKey | null {
  if (entry.name !== '=' || entry.uncollated !== undefined || !entry.strict || info.argOids.length !== 2) return null;
  const [left, right] = info.argOids as readonly [number, number];
  if (left === right || (TEXTS.has(left) && TEXTS.has(right))) return typeByOid(left).hashKey;
  // An int8 that a double cannot hold equals no smaller integer, before as after the rounding.
  if (INTEGERS.has(left) && INTEGERS.has(right)) return Number;
  return null;
}
