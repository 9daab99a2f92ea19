/** Arguments of calls: in the order of the parameters, and coerced to what these take. */
import type { FuncCall, Node } from 'libpg-query';
import type { Routine } from '../catalog/descriptor.js';
import { isConstrained } from '../functions/domains.js';
import type { FunctionEntry } from '../functions/entry.js';
import { missingFunction } from '../functions/missing-functions.js';
import { findContradiction } from '../functions/polymorphic.js';
import { OID } from '../types/oids.js';
import { elementOidOf } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';
import type { Binder, ExprContext } from './binder.js';
import { coerce, isUntyped, resolveUnknown, settle } from './coerce.js';
import { declaredOid, declaredParameters } from './declared-types.js';
import type { Expr } from './expr.js';
import { placeArguments } from './named-arguments.js';
import { inputsOf, noSuchCall } from './routines.js';

/** The arguments, coerced to what the resolved entry takes. */
export function coerceArguments(
  b: Binder,
  args: readonly Expr[],
  wanted: readonly number[],
  locations: readonly number[],
  keepUnknown = false,
): Expr[] {
  return args.map((arg, i) => {
    const oid = wanted[i]!;
    if (oid === OID.any || oid === 0) return keepUnknown ? settle(b, arg) : resolveUnknown(b, arg);
    return coerce(b, arg, oid, 'implicit', locations[i] ?? -1);
  });
}

/** For who writes the query again: where anything is taken a literal has no type in PostgreSQL. */
export function keepLiterals(b: Binder, coerced: Expr[], args: readonly Expr[], declared: readonly number[]): void {
  if (b.notes === null || declared.length === 0) return;
  args.forEach((arg, i) => {
    const isAny = declared[Math.min(i, declared.length - 1)] === OID.any;
    if (isAny && arg.kind === 'const' && arg.oid === OID.unknown) coerced[i] = arg;
  });
}

/** Parameters of the statement that nothing has given a type, where the function takes a domain: they are of that. */
export function parametersOfDomains(b: Binder, args: readonly Expr[], routine: Routine): readonly Expr[] {
  const inputs = inputsOf(routine);
  return args.map((arg, i) => {
    const input = inputs[i];
    const takes = input !== undefined && input.mode !== 'variadic' && isConstrained(input.typeOid);
    return takes && isUntyped(b, arg) ? coerce(b, arg, input.typeOid, 'implicit') : arg;
  });
}

/** A parameter of a domain takes any value of what that is over, and looks at it. */
export function asDomains(b: Binder, args: Expr[], routine: Routine, locations: readonly number[]): void {
  const inputs = inputsOf(routine);
  args.forEach((arg, i) => {
    const input = inputs[Math.min(i, inputs.length - 1)];
    if (input === undefined || !isConstrained(input.typeOid)) return;
    // Of those that become an array each is an element.
    const single = input.mode === 'variadic' && arg.oid !== baseOidOf(input.typeOid);
    const typeOid = single ? elementOidOf(input.typeOid) : input.typeOid;
    if (isConstrained(typeOid)) args[i] = coerce(b, arg, typeOid, 'implicit', locations[i] ?? -1);
  });
}

/**
 * Parameters of any type that are domains, as arguments bring them: literals beside those become values of the domain.
 * The types of all parameters; null where no domain is involved. `completed`: with defaults, which may contradict the others.
 * @throws QuoralError 42883, 42804 for two types in place of one
 */
export function asDeclared(
  b: Binder,
  entry: FunctionEntry,
  args: readonly Expr[],
  coerced: Expr[],
  locations: readonly number[],
  completed: boolean,
): readonly number[] | null {
  const declared = entry.variadic ? null : declaredParameters(entry, args);
  declared?.forEach((oid, i) => {
    if (oid === 0) {
      const given = args.map(declaredOid);
      throw (completed ? findContradiction(entry.argOids, given) : null) ?? missingFunction(entry.name, given);
    }
    if (isConstrained(oid)) coerced[i] = coerce(b, args[i]!, oid, 'implicit', locations[i] ?? -1);
  });
  return declared;
}

/** `name` as it was written. */
export function placedArguments(ctx: ExprContext, name: string, call: FuncCall): readonly Node[] {
  const nodes = call.args ?? [];
  return placeArguments(name.slice(name.lastIndexOf('.') + 1), nodes, () =>
    noSuchCall(ctx, name, nodes, call.location ?? 0),
  );
}
