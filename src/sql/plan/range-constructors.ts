/**
 * The functions that make a range or multirange of a type that a user made. They have the name that the type has now.
 *
 * Limit: they cannot be named in a view.
 */
import { constructMultirange, constructRange } from '../functions/ranges.js';
import { ownFunction, type FunctionEntry } from '../functions/entry.js';
import { PgMultirange } from '../types/datum.js';
import type { Datum, PgArray, PgRange } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { findRangeKind, isRangeType } from '../types/range.js';
import { arrayOidOf, typeByOid } from '../types/registry.js';
import { isHandle } from '../types/user-types.js';
import { errorAt } from './binder.js';
import type { Binder } from './binder.js';

function constructor(
  name: string,
  argOids: readonly number[],
  resultOid: number,
  more: Pick<FunctionEntry, 'impl'> & Partial<FunctionEntry>,
): FunctionEntry {
  return ownFunction({ name, argOids, resultOid, volatility: 'immutable', ...more });
}

const made = new Map<number, readonly FunctionEntry[]>();

function constructorsOf(oid: number): readonly FunctionEntry[] {
  const known = made.get(oid);
  if (known !== undefined) return known;
  const kind = findRangeKind(oid)!;
  const { name } = typeByOid(oid);
  const element = kind.element.oid;
  const list = isRangeType(oid)
    ? [
        constructor(name, [element, element], oid, {
          impl: (args) => constructRange(kind, args[0] as Datum, args[1] as Datum, '[)'),
        }),
        constructor(name, [element, element, OID.text], oid, {
          impl: (args) => constructRange(kind, args[0] as Datum, args[1] as Datum, args[2] as Datum),
        }),
      ]
    : [
        constructor(name, [], oid, { impl: () => new PgMultirange([]) }),
        constructor(name, [kind.oid], oid, {
          strict: true,
          impl: (args) => {
            const range = args[0] as PgRange;
            return new PgMultirange(range.empty ? [] : [range]);
          },
        }),
        constructor(name, [arrayOidOf(kind.oid)], oid, {
          variadic: true,
          // A NULL in the list is an error, a NULL for the list is none.
          impl: (args) => (args[0] === null ? null : constructMultirange(kind, args[0] as PgArray)),
        }),
      ];
  made.set(oid, list);
  return list;
}

/** null if no such type of a user has the name. @throws QuoralError 0A000 in a view */
export function rangeConstructors(
  b: Binder,
  schema: string | null,
  name: string,
  node: object,
  location: number,
): readonly FunctionEntry[] | null {
  const oid = b.catalog.type({ schema, name, isType: true })?.typeOid;
  if (oid === undefined || !isHandle(oid) || oid % 2 !== 0 || findRangeKind(oid) === null) return null;
  if (b.pins !== null) throw errorAt('0A000', `function ${name} in a view is not supported`, location);
  b.userType(schema, name, node);
  return constructorsOf(oid);
}
