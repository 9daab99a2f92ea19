/**
 * The domains of expressions. In plans a domain's values are of its base type (`oid`); which domain an expression has
 * beside that is known here, for whom it is to become a column, to be asked for its type, or to be made a value of the
 * domain again. As in PostgreSQL, what chooses between expressions has a domain only if all of them have that one.
 */
import { concreteTypes, isCompatible, isPolymorphic } from '../functions/polymorphic.js';
import { OID } from '../types/oids.js';
import { isMultirangeType, isRangeType } from '../types/range.js';
import { arrayOidOf, elementOidOf } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';
import type { Expr } from './expr.js';

/** The type of an output column made of the expression: of a domain's, the domain. */
export function declaredOid(e: Expr): number {
  if (e.domain !== undefined) return e.domain;
  if (e.kind === 'call' && e.entry.castsTo !== undefined) return e.entry.castsTo;
  return e.oid;
}

/** Of arguments whose types are `oids`: the same with the domains, for whoever chooses among functions; absent if there are none. */
export function declaredArguments(
  args: readonly Expr[],
  oids: readonly number[],
): { readonly declared?: readonly number[] } {
  return args.some(hasDomain) ? { declared: args.map((a, i) => (hasDomain(a) ? declaredOid(a) : oids[i]!)) } : {};
}

/** `oid`, or the domain over it that all of the expressions have. */
export function commonDeclared(exprs: readonly Expr[], oid: number): number {
  const [first, ...others] = exprs;
  if (first === undefined || first.oid !== oid) return oid;
  const declared = declaredOid(first);
  return declared !== oid && others.every((e) => e.oid === oid && declaredOid(e) === declared) ? declared : oid;
}

/** The expression, known to be of the declared type, which is its own or a domain over that. */
export function declaredAs<E extends Expr>(e: E, declared: number): E {
  return declared === e.oid ? e : { ...e, domain: declared };
}

/** The array that a query or ARRAY[…] makes of such elements. */
export function declaredArray(declared: number, oid: number): number {
  const array = arrayOidOf(declared);
  return array !== 0 && baseOidOf(array) === oid ? array : oid;
}

/** An element of such an array, or a slice; of a domain over an array these have none. */
export function declaredPart(array: Expr, slice: boolean, oid: number): number {
  const declared = declaredOid(array);
  const element = elementOidOf(declared);
  if (element === 0) return oid;
  return slice ? declared : baseOidOf(element) === oid ? element : oid;
}

/** The field of a composite value. */
export function fieldOf(
  arg: Expr,
  index: number,
  { typeOid, typmod = -1 }: { readonly typeOid: number; readonly typmod?: number },
): Expr {
  return declaredAs({ kind: 'field', arg, index, oid: baseOidOf(typeOid), typmod }, typeOid);
}

interface Called {
  readonly argOids: readonly number[];
  readonly resultOid: number;
  readonly variadic?: boolean;
}

const hasDomain = (e: Expr): boolean => declaredOid(e) !== e.oid;

/** What a call gives whose parameters are of any type: `oid`, or a domain over it that the arguments bring. */
export function declaredResult(entry: Called, args: readonly Expr[], oid: number): number {
  if (!isPolymorphic(entry.resultOid) || !args.some(hasDomain)) return oid;
  const { concrete } = solved(entry, args);
  const found = concrete(entry.resultOid);
  return found !== 0 && baseOidOf(found) === oid ? found : oid;
}

/**
 * What the parameters of any type are beside arguments of which some have domains; 0 for one that these contradict each other
 * about. null: no domain is involved.
 */
export function declaredParameters(entry: Called, args: readonly Expr[]): readonly number[] | null {
  if (!entry.argOids.some(isPolymorphic) || !args.some(hasDomain)) return null;
  const { parameters, concrete } = solved(entry, args);
  return parameters.map((oid) => (isPolymorphic(oid) ? concrete(oid) : oid));
}

function isTaken(parameter: number, declared: number): boolean {
  if (parameter === OID.anyarray || parameter === OID.anycompatiblearray) return elementOidOf(declared) !== 0;
  if (parameter === OID.anyrange || parameter === OID.anycompatiblerange) return isRangeType(declared);
  const isMultirange = parameter === OID.anymultirange || parameter === OID.anycompatiblemultirange;
  return !isMultirange || isMultirangeType(declared);
}

function solved(
  entry: Called,
  args: readonly Expr[],
): { readonly parameters: readonly number[]; readonly concrete: (oid: number) => number } {
  const last = entry.argOids.length - 1;
  const parameters = args.map((_, i) => {
    const parameter = entry.argOids[Math.min(i, last)]!;
    if (entry.variadic !== true || i < last) return parameter;
    if (parameter === OID.anyarray) return OID.anyelement;
    return parameter === OID.anycompatiblearray ? OID.anycompatible : parameter;
  });
  const actual = args.map((arg, i) => {
    const declared = declaredOid(arg);
    // A domain over an array, a range or a multirange is what it is over where one of these is wanted.
    return isTaken(parameters[i]!, declared) ? declared : arg.oid;
  });
  // Of parameters that take what has a common type, a domain is that only if all have it.
  const compatible = parameters.flatMap((oid, i) => (isCompatible(oid) && actual[i] !== OID.unknown ? [i] : []));
  const elements = compatible.map((i) => elementOidOf(actual[i]!) || actual[i]!);
  if (elements.some((oid) => oid !== elements[0])) for (const i of compatible) actual[i] = args[i]!.oid;
  return { parameters, concrete: concreteTypes(parameters, actual) };
}
