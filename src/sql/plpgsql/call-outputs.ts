/** The variables of a body that CALL puts a procedure's OUT and INOUT parameters into. */
import { sqlError } from '../../base/errors.js';
import type { Routine } from '../catalog/descriptor.js';
import type { ParsedStatement } from '../contract.js';
import { inputsOf } from '../plan/routines.js';
import { findVariable } from './scope.js';
import type { NameScope, Place } from './tree.js';

interface Argument {
  readonly NamedArgExpr?: { readonly name?: string; readonly arg?: Argument };
  readonly ColumnRef?: { readonly fields?: readonly { readonly String?: { readonly sval?: string } }[] };
  readonly ParamRef?: { readonly number?: number };
}
interface Called {
  readonly CallStmt?: { readonly funccall?: { readonly args?: readonly Argument[] } };
}

/** In the order of the parameters. @throws QuoralError 42601 if an argument is not a variable, 22005 if it is a constant */
export function outputPlaces(statement: ParsedStatement, routine: Routine, scope: NameScope): Place[] {
  const args = (statement.node as Called).CallStmt?.funccall?.args ?? [];
  const places: Place[] = [];
  for (const [i, parameter] of inputsOf(routine).entries()) {
    if (parameter.mode !== 'out' && parameter.mode !== 'inout') continue;
    const named = args.find((arg) => arg.NamedArgExpr?.name === parameter.name)?.NamedArgExpr?.arg;
    const place = placeOf(named ?? (args[i]?.NamedArgExpr === undefined ? args[i] : undefined), scope);
    if (place === null) {
      throw sqlError(
        '42601',
        parameter.name === ''
          ? `procedure parameter ${i + 1} is an output parameter but corresponding argument is not writable`
          : `procedure parameter "${parameter.name}" is an output parameter but corresponding argument is not writable`,
      );
    }
    if (place.variable.constant) throw sqlError('22005', `variable "${place.variable.name}" is declared CONSTANT`);
    places.push(place);
  }
  return places;
}

function placeOf(arg: Argument | undefined, scope: NameScope): Place | null {
  const names =
    arg?.ParamRef === undefined
      ? (arg?.ColumnRef?.fields ?? []).map((field) => field.String?.sval)
      : [`$${arg.ParamRef.number ?? 0}`];
  if (names.length === 0 || names.includes(undefined)) return null;
  const found = findVariable(scope, names as string[]);
  if (found === null || found.rest.length > 1) return null;
  return { variable: found.variable, field: found.rest[0] ?? null, steps: [], written: names[0]! };
}
