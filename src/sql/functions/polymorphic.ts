/**
 * What polymorphic types stand for in a call: PostgreSQL's rules (its chapter 38.2.5) for the family in which all are about one
 * type, and for the one whose arguments have a common type.
 */
import { sqlError } from '../../base/errors.js';
import { canCoerce, selectCommonType } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { isMultirangeType, isRangeType, rangeKind } from '../types/range.js';
import type { RangeKind } from '../types/range.js';
import { arrayOidOf, elementOidOf, formatType, isArrayType, typeByOid } from '../types/registry.js';

export const POLYMORPHIC: ReadonlySet<number> = new Set([
  OID.anyelement,
  OID.anyarray,
  OID.anynonarray,
  OID.anyenum,
  OID.anycompatible,
  OID.anycompatiblearray,
  OID.anycompatiblenonarray,
  OID.anyrange,
  OID.anymultirange,
  OID.anycompatiblerange,
  OID.anycompatiblemultirange,
]);
const COMPATIBLE: ReadonlySet<number> = new Set([
  OID.anycompatible,
  OID.anycompatiblearray,
  OID.anycompatiblenonarray,
  OID.anycompatiblerange,
  OID.anycompatiblemultirange,
]);

export function acceptsPolymorphic(declared: number, actual: number): boolean {
  if (actual === OID.unknown) return true;
  switch (declared) {
    case OID.anyarray:
      return actual === OID.anyarray || elementOidOf(actual) !== 0;
    case OID.anycompatiblearray:
      return elementOidOf(actual) !== 0;
    case OID.anynonarray:
    case OID.anycompatiblenonarray:
      return !isArrayType(actual);
    case OID.anyenum:
      return typeByOid(actual).category === 'E';
    case OID.anyrange:
    case OID.anycompatiblerange:
      return isRangeType(actual);
    case OID.anymultirange:
    case OID.anycompatiblemultirange:
      return isMultirangeType(actual);
    default:
      return true;
  }
}

/** What an argument says of the element type. */
function elementFor(declared: number, actual: number): number {
  // A column of statistics is declared so, whose rows have arrays of different types.
  if (declared === OID.anyarray && actual === OID.anyarray) return OID.anyelement;
  if (declared === OID.anyarray || declared === OID.anycompatiblearray) return elementOidOf(actual);
  return isAnyRange(declared) ? rangeKind(actual).element.oid : actual;
}

function isAnyRange(declared: number): boolean {
  return declared === OID.anyrange || declared === OID.anymultirange || isCompatibleRange(declared);
}
function isCompatibleRange(declared: number): boolean {
  return declared === OID.anycompatiblerange || declared === OID.anycompatiblemultirange;
}

/** The ranges that the arguments are about: of the plain and of the compatible family. */
interface Ranges {
  readonly plain: RangeKind | null;
  readonly compatible: RangeKind | null;
}
/** null if they contradict each other. */
export function solveRanges(declared: readonly number[], actual: readonly number[]): Ranges | null {
  const solved = (compatible: boolean): RangeKind | null | undefined => {
    let found: RangeKind | null = null;
    for (let i = 0; i < declared.length; i++) {
      const d = declared[i]!;
      if (!isAnyRange(d) || isCompatibleRange(d) !== compatible || actual[i] === OID.unknown) continue;
      const kind = rangeKind(actual[i]!);
      if (found !== null && found.oid !== kind.oid) return undefined;
      found = kind;
    }
    return found;
  };
  const plain = solved(false);
  const compatible = solved(true);
  return plain === undefined || compatible === undefined ? null : { plain, compatible };
}

/** Concrete types of one family of polymorphic parameters; null if they contradict each other. */
export function solve(declared: readonly number[], actual: readonly number[], compatible: boolean): number | null {
  let element = 0;
  const elements: number[] = [];
  let used = false;
  for (let i = 0; i < declared.length; i++) {
    const d = declared[i]!;
    if (!POLYMORPHIC.has(d) || COMPATIBLE.has(d) !== compatible) continue;
    used = true;
    const a = actual[i]!;
    if (a === OID.unknown) continue;
    const found = elementFor(d, a);
    if (found === 0) return null;
    if (element !== 0 && element !== found && !compatible) return null;
    element = found;
    elements.push(found);
  }
  if (!used) return 0;
  if (elements.length === 0) return compatible ? OID.text : OID.unknown;
  if (!compatible) return element;
  const category = typeByOid(elements[0]!).category;
  if (elements.some((oid) => typeByOid(oid).category !== category)) return null;
  const common = selectCommonType(elements, 'ARRAY');
  return elements.every((oid) => canCoerce(oid, common, 'implicit')) ? common : null;
}

export function concretize(declared: number, element: number, compatibleElement: number, ranges: Ranges): number {
  switch (declared) {
    case OID.anyelement:
    case OID.anynonarray:
    case OID.anyenum:
      return element;
    case OID.anycompatible:
    case OID.anycompatiblenonarray:
      return compatibleElement;
    case OID.anyarray:
      return element === OID.anyelement ? OID.anyarray : arrayOidOf(element);
    case OID.anycompatiblearray:
      return arrayOidOf(compatibleElement);
    case OID.anyrange:
      return ranges.plain?.oid ?? 0;
    case OID.anymultirange:
      return ranges.plain?.multirangeOid ?? 0;
    case OID.anycompatiblerange:
      return ranges.compatible?.oid ?? 0;
    case OID.anycompatiblemultirange:
      return ranges.compatible?.multirangeOid ?? 0;
    default:
      return declared;
  }
}

/** What polymorphic types stand for beside such arguments; 0 for one that these do not settle. */
export function concreteTypes(declared: readonly number[], actual: readonly number[]): (oid: number) => number {
  const element = solve(declared, actual, false) ?? 0;
  const compatible = solve(declared, actual, true) ?? 0;
  const ranges = solveRanges(declared, actual) ?? { plain: null, compatible: null };
  return (oid) => concretize(oid, element, compatible, ranges);
}

/** An argument of type anyarray goes to a function that asks for nothing of its type. @throws QuoralError 42804 */
export function checkAnyArrays(declared: readonly number[], actual: readonly number[], resultOid: number): void {
  const isPlain = (oid: number): boolean => POLYMORPHIC.has(oid) && !COMPATIBLE.has(oid);
  if (!declared.some((oid, i) => oid === OID.anyarray && actual[i] === OID.anyarray)) return;
  if (declared.filter(isPlain).length === 1 && (!isPlain(resultOid) || resultOid === OID.anyarray)) return;
  throw sqlError('42804', 'cannot determine element type of "anyarray" argument');
}

/** Of the family whose arguments have a common type, and not one and the same. */
export function isCompatible(oid: number): boolean {
  return COMPATIBLE.has(oid);
}

export function isPolymorphic(oid: number): boolean {
  return POLYMORPHIC.has(oid);
}

/**
 * What arguments contradict each other in that a default of a parameter has joined, when the function was chosen without
 * it (otherwise it had not been found). null: they go together.
 */
export function findContradiction(declared: readonly number[], actual: readonly number[]): Error | null {
  const given = declared.flatMap((oid, i) => (actual[i] === OID.unknown ? [] : [{ oid, actual: actual[i]! }]));
  const wrong = (message: string, a?: number, b?: number): Error =>
    sqlError('42804', message, a === undefined ? {} : { detail: `${formatType(a)} versus ${formatType(b!)}` });
  const settled = new Map<number, number>();
  for (const one of given.filter(({ oid }) => POLYMORPHIC.has(oid) && !COMPATIBLE.has(oid))) {
    const isElement = one.oid === OID.anynonarray || one.oid === OID.anyenum;
    const family = isElement ? OID.anyelement : one.oid;
    const before = settled.get(family);
    if (before !== undefined && before !== one.actual)
      return wrong(`arguments declared "${formatType(family)}" are not all alike`, before, one.actual);
    settled.set(family, one.actual);
  }
  const element = settled.get(OID.anyelement);
  for (const [family, oid] of settled) {
    if (family === OID.anyelement || element === undefined || elementFor(family, oid) === element) continue;
    const names = `argument declared ${formatType(family)} is not consistent with argument declared anyelement`;
    return wrong(names, oid, element);
  }
  const compatible = given.flatMap(({ oid, actual: a }) => (COMPATIBLE.has(oid) ? [elementFor(oid, a)] : []));
  const [first] = compatible;
  const other = compatible.find((oid) => typeByOid(oid).category !== typeByOid(first!).category);
  return other === undefined
    ? null
    : wrong(`argument types ${formatType(first!)} and ${formatType(other)} cannot be matched`);
}
